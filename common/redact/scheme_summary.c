/* SPDX-License-Identifier: ISC */
#include "common/redact/scheme_read.h"

static bool
read_item(struct scheme_read *r, const struct yaml_node *type, const struct yaml_node *item)
{
	struct scheme *s = r->s;
	struct scheme_place place = { .use = SCHEME_SUMMARY, .bits = s->may_retell };
	bool is_any = bytes_are(type->text, "*");
	struct yaml_node path = *item;

	if (is_any && path_is_name(item->text)) {
		s->summary[s->summaries++] = json_keys_add(r->keys, item->text);
		return true;
	}
	if (!is_any)
		place.type = scheme_type(s, type->text);
	if (path_is_name(item->text))
		path.text =
		    bytes_of(arena_format(r->arena, "..|.%.*s?", (int)item->text.size, item->text.at));
	return scheme_read_paths(r, &path, &place);
}

static bool
read_type(struct scheme_read *r, const struct yaml_node *type, const struct yaml_node *list)
{
	struct scheme *s = r->s;

	if (list->kind != YAML_LIST)
		return fault_at(r->fault, s->file, list, "expected a list of names and paths");
	if (!bytes_are(type->text, "*") && scheme_type(s, type->text) == 0)
		return true;
	if (bytes_are(type->text, "*"))
		s->summary = arena_array(r->arena, list->count + 1, sizeof s->summary[0]);
	else
		s->has_no_summary[scheme_type(s, type->text)] = list->count == 0;
	for (size_t i = 0; i < list->count; i++)
		if (!read_item(r, type, list->item[i]))
			return false;
	return true;
}

/* The members that `references:` knows to hold a Coding: a display there without a code is a summary. */
static void
read_codings(struct scheme_read *r)
{
	struct scheme *s = r->s;
	const char *shown;
	const struct yaml_node *references = scheme_read_classify(r, "references", &shown);
	const struct yaml_node *list = references == NULL ? NULL : yaml_find(references, "Coding");

	if (list == NULL || list->kind != YAML_LIST)
		return;
	s->coding = arena_array(r->arena, list->count + 1, sizeof s->coding[0]);
	for (size_t i = 0; i < list->count; i++)
		s->coding[s->codings++] = json_keys_add(r->keys, list->item[i]->text);
}

bool
scheme_summary_read(struct scheme_read *r)
{
	struct scheme *s = r->s;
	const char *redact = s->file;
	const struct yaml_node *summaries = scheme_read_classify(r, "summaries", &s->file);
	bool good = true;

	s->no_summary = summaries == NULL ? 0 : s->hidden & s->may_lack;
	s->may_retell = s->no_summary | (summaries != NULL ? s->views : 0);
	if (summaries != NULL && r->settings->decision != NULL &&
	    obligations_any(r->settings->decision->obligations))
		s->may_retell |= s->asked;
	s->has_no_summary = arena_array(r->arena, s->types + 1, sizeof s->has_no_summary[0]);
	for (size_t i = 0; good && s->may_retell != 0 && i < summaries->count; i++)
		good = read_type(r, summaries->key[i], summaries->item[i]);
	if (s->may_retell != 0)
		read_codings(r);
	if (good)
		s->file = redact;
	return good;
}
