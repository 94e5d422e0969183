/* SPDX-License-Identifier: ISC */
#include "common/label/parts.h"

/*
 * The display of a reference repeats what another record says, which no rule sees from here.  A rule with
 * `refers_to` labels it by the type of that record.  A reference into the same record is no matter of these
 * rules: it goes with its target.
 */

void
displays_init(struct displays *d, const struct current_root *root, struct label_list *labels)
{
	struct json_keys *keys = root->set->keys;

	*d = (struct displays){
		.root = root,
		.labels = labels,
		.reference = json_keys_add(keys, (struct bytes)BYTES("reference")),
	};
	buffer_init(&d->text, BUFFER_UNLIMITED);
	buffer_init(&d->rules, BUFFER_UNLIMITED);
	for (uint32_t i = 0; i < root->set->rules; i++)
		if (root->set->rule[i].refers_to != NULL)
			buffer_add(&d->rules, &i, sizeof i);
}

void
displays_release(struct displays *d)
{
	buffer_release(&d->text);
	buffer_release(&d->rules);
}

/* The last segment of a reference that is a type: of `http://h/Patient/p1/_history/2`, of `Patient?x=y`. */
static struct bytes
type_in(const struct displays *d, struct bytes reference)
{
	size_t end = 0;

	while (end < reference.size && reference.at[end] != '?' && reference.at[end] != '|')
		end++;
	for (size_t from = end + 1; from-- > 0;) {
		if (from > 0 && reference.at[from - 1] != '/')
			continue;
		struct bytes segment = { reference.at + from, end - from };

		if (shape_knows_type(d->root->set->shape, segment))
			return segment;
		if (from == 0)
			break;
		end = from - 1;
	}
	return (struct bytes){ 0 };
}

static struct bytes
string_at(struct displays *d, uint32_t node)
{
	const struct json *j = current_root_json(d->root);

	if (node == 0 || json_kind(j, node) != JSON_STRING)
		return (struct bytes){ 0 };
	return json_string(j, node, &d->text);
}

/* What a reference under KEY means if it names no type itself; empty: nobody knows. */
static struct bytes
meant(const struct displays *d, uint16_t key)
{
	const struct ruleset *s = d->root->set;

	if (key >= s->roles || s->meant[key] == 0)
		return (struct bytes){ 0 };
	return s->references->key[s->meant[key] - 1]->text;
}

static bool
is_about(const struct ruleset_rule *rule, struct bytes type)
{
	for (size_t i = 0; type.size > 0 && i < yaml_strings(rule->refers_to); i++)
		if (bytes_equal(rule->refers_to->kind == YAML_LIST ? rule->refers_to->item[i]->text
								   : rule->refers_to->text,
			type))
			return true;
	return type.size == 0;
}

void
displays_look(struct displays *d, const struct root_frame *f)
{
	const struct ruleset *s = d->root->set;
	const struct json *j = current_root_json(d->root);
	struct bytes type = string_at(d, f->member[ROLE_TYPE]);

	if (!shape_knows_type(s->shape, type)) {
		struct bytes reference = string_at(d, json_member_key(j, f->node, d->reference));

		if (bytes_begin(reference, "#"))
			return;
		type = type_in(d, reference);
	}
	if (type.size == 0)
		type = meant(d, f->key);
	for (size_t i = 0; i < d->rules.used / sizeof(uint32_t); i++) {
		uint32_t number = ((const uint32_t *)(const void *)d->rules.at)[i];
		const struct ruleset_rule *rule = &s->rule[number];
		struct label *label;

		if (!type_plan_applies(d->root->plan, number) || !is_about(rule, type))
			continue;
		if (rule->level <= (int)f->base && rule->sensitivity == 0)
			continue; /* it has that level by its place */
		label = label_list_add(d->labels, f->member[ROLE_DISPLAY], LABEL_RAISE, rule->origin);
		label->level = rule->level;
		label->sensitivity = rule->sensitivity;
		label->basis = rule->basis;
	}
}
