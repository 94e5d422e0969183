/* SPDX-License-Identifier: ISC */
#include "common/label/ruleset.h"

/* `terms:` of classify.yaml. */

/* NODE is a path of member names such as name.family, without a dot in front, but for a type. */
static bool
read_place(
    struct ruleset_loader *l, const struct yaml_node *node, struct bytes text, struct terms_place *place)
{
	const char *dot = memchr(text.at, '.', text.size);
	size_t end = text.size;

	if (dot != NULL && text.at[0] >= 'A' && text.at[0] <= 'Z') {
		place->type = (struct bytes){ text.at, (size_t)(dot - text.at) };
		text = bytes_behind(text, place->type.size + 1);
		end = text.size;
	}
	while (end > 0 || place->keys == 0) {
		size_t at = end;

		while (at > 0 && text.at[at - 1] != '.')
			at--;
		if (at == end || place->keys == TERMS_PLACE_KEYS || at == 1)
			return fault_at(l->fault, l->file, node,
			    "expected one to %d member names with dots between them, such as name.family",
			    TERMS_PLACE_KEYS);
		place->key[place->keys++] =
		    json_keys_add(l->set->keys, (struct bytes){ text.at + at, end - at });
		end = at == 0 ? 0 : at - 1;
	}
	return true;
}

static bool
read_texts(struct ruleset_loader *l, const struct yaml_node *node, struct bytes **texts, size_t *count)
{
	*count = node == NULL ? 0 : yaml_strings(node);
	if (node == NULL || node->kind == YAML_NULL)
		return true;
	if (*count == 0)
		return fault_at(l->fault, l->file, node, "expected a string or a list of strings");
	*texts = arena_array(&l->set->arena, *count, sizeof **texts);
	for (size_t i = 0; i < *count; i++)
		if (!yaml_item_string(l->file, node, i, &(*texts)[i], l->fault) || (*texts)[i].size == 0)
			return fault_at(l->fault, l->file, node, "expected a string or a list of strings");
	return true;
}

static bool
read_places(struct ruleset_loader *l, const struct yaml_node *node, struct terms_places *places)
{
	struct bytes *texts = NULL;

	if (!read_texts(l, node, &texts, &places->count))
		return false;
	places->at = arena_array(&l->set->arena, places->count + 1, sizeof *places->at);
	for (size_t i = 0; texts != NULL && i < places->count; i++)
		if (!read_place(l, node->kind == YAML_LIST ? node->item[i] : node, texts[i], &places->at[i]))
			return false;
	return true;
}

static bool
read_uris(struct ruleset_loader *l, const struct yaml_node *node, struct terms_rules *t)
{
	struct bytes *texts = NULL;

	if (!read_texts(l, node, &texts, &t->uris))
		return false;
	t->uri = arena_array(&l->set->arena, t->uris + 1, sizeof *t->uri);
	for (size_t i = 0; texts != NULL && i < t->uris; i++) {
		struct terms_uri *uri = &t->uri[i];
		size_t size = texts[i].size < sizeof uri->word ? texts[i].size : sizeof uri->word;

		uri->text = texts[i];
		memcpy(&uri->word, texts[i].at, size);
		memset(&uri->mask, 0xff, size);
		t->uri_begins[(unsigned char)texts[i].at[0]] = true;
	}
	return true;
}

bool
ruleset_read_terms(struct ruleset_loader *l, const struct yaml_node *node)
{
	struct terms_rules *t = &l->set->terms;
	struct yaml_map map;

	if (node == NULL || node->kind == YAML_NULL)
		return true;
	return yaml_open(&map, l->file, node, l->fault) &&
	       read_places(l, yaml_take(&map, "skip"), &t->skip) &&
	       read_uris(l, yaml_take(&map, "skip_uris"), t) &&
	       read_texts(l, yaml_take(&map, "skip_display_of"), &t->person, &t->persons) &&
	       read_places(l, yaml_take(&map, "around"), &t->around) &&
	       read_places(l, yaml_take(&map, "entry"), &t->entry) &&
	       read_places(l, yaml_take(&map, "base64"), &t->base64) &&
	       read_places(l, yaml_take(&map, "code"), &t->code) &&
	       read_places(l, yaml_take(&map, "no_code"), &t->no_code) && yaml_close(&map);
}
