/* SPDX-License-Identifier: ISC */
/* The values that a policy compares with: names are looked up, groups and hierarchies are written out. */
#include "common/access/entries.h"

#include "common/policy/vocabulary.h"

bool
entries_unknown(struct reader *r, const struct yaml_node *node, const char *what, const char *where)
{
	return fault_at(r->fault, r->file, node, "unknown %s '%.*s', expected one of %s", what,
	    (int)node->text.size, node->text.at, where);
}

static struct word_set
one_word(struct reader *r, uint32_t word)
{
	uint32_t *at = arena_array(r->arena, 1, sizeof *at);

	*at = word;
	return (struct word_set){ at, 1 };
}

/* CONCEPT and all that stands below it. */
static struct word_set
below(struct reader *r, enum vocabulary v, const struct concept *concept)
{
	uint32_t *at = arena_array(r->arena, vocabulary_size(v), sizeof *at);
	uint32_t count = 0;

	for (size_t i = 0; i < vocabulary_size(v); i++)
		if (vocabulary_below(v, vocabulary_at(v, i), concept))
			at[count++] = intern_add(r->words, vocabulary_at(v, i)->code);
	return word_set_of(at, count);
}

static bool
read_role(struct reader *r, const struct yaml_node *node, struct entry *e)
{
	const struct group *group = roles_group(r->names, GROUP_ROLE, e->value.word);

	if (group)
		e->words = group->all;
	else if (!word_set_has(r->names->structural, e->value.word) &&
		 !word_set_has(r->names->functional, e->value.word))
		return entries_unknown(r, node, "role", "the roles and groups in authz/roles.yaml");
	return true;
}

static bool
read_purpose(struct reader *r, const struct yaml_node *node, struct entry *e)
{
	const struct concept *c = vocabulary_find(VOCABULARY_PURPOSE, e->value.text);

	if (!c)
		return true;
	if (c->status == CONCEPT_RETIRED)
		return fault_at(
		    r->fault, r->file, node, "retired purpose '%.*s'", (int)c->code.size, c->code.at);
	e->words = below(r, VOCABULARY_PURPOSE, c);
	return true;
}

static bool
read_label(struct reader *r, const struct yaml_node *node, struct entry *e)
{
	static const enum vocabulary categories[] = { VOCABULARY_SENSITIVITY, VOCABULARY_PRIVACY_LAW,
		VOCABULARY_HANDLING };

	e->level = policy_level(r->policy, e->value.text);
	if (e->level >= 0 || memchr(e->value.text.at, '|', e->value.text.size))
		return true;
	for (size_t i = 0; i < sizeof categories / sizeof categories[0]; i++) {
		const struct concept *c = vocabulary_find(categories[i], e->value.text);

		if (!c)
			continue;
		if (c->status == CONCEPT_RETIRED)
			return fault_at(
			    r->fault, r->file, node, "retired label '%.*s'", (int)c->code.size, c->code.at);
		e->words = below(r, categories[i], c);
		return true;
	}
	return entries_unknown(r, node, "label", "the ladder in policy.yaml, v3-ActCode, or system|code");
}

/* A record type that the standard does not know matches nothing: a slip of the pen in a deny would open. */
static bool
check_class(struct reader *r, const struct yaml_node *node, struct bytes class)
{
	if (r->policy->code_system.size == 0 || memchr(class.at, '|', class.size) ||
	    vocabulary_find(VOCABULARY_RESOURCE_TYPE, class))
		return true;
	return fault_at(r->fault, r->file, node,
	    "unknown class '%.*s', expected a FHIR R4 resource type, a group in authz/classes.yaml, or "
	    "system|code",
	    (int)class.size, class.at);
}

/* Attributes that are strings whatever they look like in YAML. */
static bool
is_text(unsigned attribute)
{
	return attribute < ATTRIBUTES_FIXED && attribute != ATTRIBUTE_CLAIMED_AL;
}

static bool
read_value(struct reader *r, const struct yaml_node *node, unsigned attribute, struct value *v)
{
	switch (node->kind) {
	case YAML_BOOLEAN:
		v->kind = node->truth ? VALUE_TRUE : VALUE_FALSE;
		v->text = bytes_of(node->truth ? "true" : "false");
		return true;
	case YAML_NUMBER:
		v->kind = is_text(attribute) ? VALUE_STRING : VALUE_NUMBER;
		break;
	case YAML_STRING:
		v->kind = VALUE_STRING;
		break;
	case YAML_NULL:
	case YAML_LIST:
	case YAML_MAP:
		return fault_at(r->fault, r->file, node, "expected a string, number or boolean");
	}
	if (v->kind == VALUE_STRING) {
		v->word = intern_add(r->words, request_code(attribute, node->text));
		v->text = intern_text(r->words, v->word);
	} else {
		v->text = arena_copy(r->arena, node->text);
	}
	return true;
}

static bool
read_entry(struct reader *r, const struct yaml_node *node, unsigned attribute, struct entry *e)
{
	const struct group *group;

	e->level = -1;
	if (!read_value(r, node, attribute, &e->value))
		return false;
	if (e->value.kind != VALUE_STRING)
		return true;
	e->words = one_word(r, e->value.word);
	switch (attribute) {
	case ATTRIBUTE_STRUCTURAL_ROLE:
	case ATTRIBUTE_FUNCTIONAL_ROLE:
		return read_role(r, node, e);
	case ATTRIBUTE_PERMISSIONS:
		return word_set_has(r->names->permissions, e->value.word) ||
		       entries_unknown(r, node, "permission", "the permissions in authz/roles.yaml");
	case ATTRIBUTE_ACTION_NAME:
		group = roles_group(r->names, GROUP_ACTION, e->value.word);
		if (group)
			e->words = group->all;
		return true;
	case ATTRIBUTE_PURPOSE:
		return read_purpose(r, node, e);
	case ATTRIBUTE_LABEL:
		return read_label(r, node, e);
	case ATTRIBUTE_CLASS:
		group = roles_group(r->names, GROUP_CLASS, e->value.word);
		if (group)
			e->words = group->all;
		return group || check_class(r, node, e->value.text);
	case ATTRIBUTE_ACR:
		return roles_acr(r->names, e->value.word) >= 0 ||
		       entries_unknown(r, node, "acr", "the list acr in authz/roles.yaml");
	default:
		return true;
	}
}

/* The entries of a list of classes with groups written out: one entry a record type. */
static bool
write_out_classes(struct reader *r, const struct yaml_node *node, struct test *t)
{
	uint32_t count = 0;
	struct entry *all;

	for (uint32_t i = 0; i < t->entries; i++) {
		const struct group *g = roles_group(r->names, GROUP_CLASS, t->entry[i].value.word);

		count += g ? g->leaves : 1;
	}
	all = arena_array(r->arena, count, sizeof *all);
	count = 0;
	for (uint32_t i = 0; i < t->entries; i++) {
		const struct group *g = roles_group(r->names, GROUP_CLASS, t->entry[i].value.word);

		if (!g)
			all[count++] = t->entry[i];
		for (uint32_t k = 0; g && k < g->leaves; k++) {
			all[count] = (struct entry){ .level = -1, .words = one_word(r, g->leaf[k]) };
			all[count].value.word = g->leaf[k];
			all[count].value.text = intern_text(r->words, g->leaf[k]);
			if (!check_class(r, node, all[count++].value.text))
				return false;
		}
	}
	t->entry = all;
	t->entries = count;
	return true;
}

bool
entries_read(struct reader *r, const struct yaml_node *node, unsigned attribute, struct test *t)
{
	bool list = node->kind == YAML_LIST;
	uint32_t count = 0, *words;
	struct entry *entry;

	t->entries = list ? (uint32_t)node->count : 1;
	t->entry = entry = arena_array(r->arena, t->entries, sizeof *entry);
	t->attribute = (uint8_t)attribute;
	t->plain_words = true;
	for (uint32_t i = 0; i < t->entries; i++) {
		if (!read_entry(r, list ? node->item[i] : node, attribute, &entry[i]))
			return false;
		t->plain_words = t->plain_words && entry[i].value.kind == VALUE_STRING;
		count += entry[i].words.count;
	}
	words = arena_array(r->arena, count, sizeof *words);
	count = 0;
	for (uint32_t i = 0; i < t->entries; i++) {
		if (entry[i].words.count > 0)
			memcpy(words + count, entry[i].words.at, entry[i].words.count * sizeof *words);
		count += entry[i].words.count;
	}
	t->words = word_set_of(words, count);
	return attribute != ATTRIBUTE_CLASS || t->mode == MODE_ALL || write_out_classes(r, node, t);
}
