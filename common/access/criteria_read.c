/* SPDX-License-Identifier: ISC */
#include "common/access/criteria.h"

#include "common/access/known.h"
#include "common/json/json_write.h"
#include "common/policy/vocabulary.h"

/* A deny with a list that is empty would never hold, and `all` of nothing always would. */
#define NAMES_NOTHING "a criterion that names nothing"

static struct intern_set
one_word(struct access_reader *r, uint32_t word)
{
	uint32_t *at = arena_array(r->arena, 1, sizeof *at);

	*at = word;
	return (struct intern_set){ at, 1 };
}

static struct intern_set
below(struct access_reader *r, enum vocabulary v, const struct concept *concept)
{
	uint32_t *at = arena_array(r->arena, vocabulary_size(v), sizeof *at);
	uint32_t count = 0;

	for (size_t i = 0; i < vocabulary_size(v); i++)
		if (vocabulary_below(v, vocabulary_at(v, i), concept))
			at[count++] = intern_add(r->words, vocabulary_at(v, i)->code);
	return intern_set_of(at, count);
}

static bool
read_role(struct access_reader *r, const struct yaml_node *node, struct listed *e)
{
	const struct roles_group *group = roles_find_group(r->roles, GROUP_ROLE, e->value.word);

	if (group)
		e->words = group->all;
	else if (!intern_set_has(r->roles->structural, e->value.word) &&
		 !intern_set_has(r->roles->functional, e->value.word))
		return reader_unknown(r, node, "role", "the roles and groups in authz/roles.yaml",
		    known_near(r, ATTRIBUTE_STRUCTURAL_ROLE, e->value.text));
	return true;
}

static bool
read_purpose(struct access_reader *r, const struct yaml_node *node, struct listed *e)
{
	const struct concept *c = vocabulary_find(VOCABULARY_PURPOSE, e->value.text);

	if (!c)
		return known_purpose(e->value.text) ||
		       reader_unknown(r, node, "purpose", "v3-ActReason, or system|code",
			   known_near(r, ATTRIBUTE_PURPOSE, e->value.text));
	if (c->status == CONCEPT_RETIRED)
		return fault_at(
		    r->fault, r->file, node, "retired purpose '%.*s'", (int)c->code.size, c->code.at);
	e->words = below(r, VOCABULARY_PURPOSE, c);
	return true;
}

static bool
read_label(struct access_reader *r, const struct yaml_node *node, struct listed *e)
{
	static const enum vocabulary categories[] = { VOCABULARY_SENSITIVITY, VOCABULARY_PRIVACY_LAW,
		VOCABULARY_HANDLING };

	e->level = policy_level(r->policy, e->value.text);
	if (e->level >= 0)
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
	return known_label(r->policy, e->value.text) ||
	       reader_unknown(r, node, "label", "the ladder in policy.yaml, v3-ActCode, or system|code",
		   known_near(r, ATTRIBUTE_LABEL, e->value.text));
}

/* A misspelt record type would match nothing, and a deny with it would withhold nothing: it is a fault. */
static bool
check_class(struct access_reader *r, const struct yaml_node *node, struct bytes class)
{
	return known_class(r->policy, class) || reader_unknown(r, node, "class",
						    "the FHIR R4 resource types, the groups in "
						    "authz/classes.yaml, or system|code that records show",
						    known_near(r, ATTRIBUTE_CLASS, class));
}

/* Attributes whose values are strings, also where YAML reads a number. */
static bool
is_text(unsigned attribute)
{
	return attribute < ATTRIBUTES_FIXED && attribute != ATTRIBUTE_CLAIMED_AL;
}

static bool
read_value(struct access_reader *r, const struct yaml_node *node, unsigned attribute, struct value *v)
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
read_entry(struct access_reader *r, const struct yaml_node *node, unsigned attribute, struct listed *e)
{
	const struct roles_group *group;
	const char *never;

	e->level = -1;
	if (!read_value(r, node, attribute, &e->value))
		return false;
	if ((never = known_never(r, attribute, &e->value)) != NULL)
		return fault_at(r->fault, r->file, node, "%s", never);
	if (e->value.kind != VALUE_STRING)
		return true;
	e->words = one_word(r, e->value.word);
	switch (attribute) {
	case ATTRIBUTE_STRUCTURAL_ROLE:
	case ATTRIBUTE_FUNCTIONAL_ROLE:
		return read_role(r, node, e);
	case ATTRIBUTE_PERMISSIONS:
		return intern_set_has(r->roles->permissions, e->value.word) ||
		       reader_unknown(r, node, "permission", "the permissions in authz/roles.yaml",
			   known_near(r, attribute, e->value.text));
	case ATTRIBUTE_ACTION_NAME:
		group = roles_find_group(r->roles, GROUP_ACTION, e->value.word);
		if (group)
			e->words = group->all;
		return known_action(r->roles, e->value.word, e->value.text) ||
		       reader_unknown(r, node, "action",
			   "the standard ones and the groups in authz/roles.yaml",
			   known_near(r, attribute, e->value.text));
	case ATTRIBUTE_PURPOSE:
		return read_purpose(r, node, e);
	case ATTRIBUTE_LABEL:
		return read_label(r, node, e);
	case ATTRIBUTE_CLASS:
		group = roles_find_group(r->roles, GROUP_CLASS, e->value.word);
		if (group)
			e->words = group->all;
		return group || check_class(r, node, e->value.text);
	case ATTRIBUTE_ACR:
		return roles_acr(r->roles, e->value.word) >= 0 ||
		       reader_unknown(r, node, "acr", "the list acr in authz/roles.yaml",
			   known_near(r, attribute, e->value.text));
	default:
		return known_value(r, attribute, e->value.word, e->value.text) ||
		       reader_unknown(r, node, "value", "those that authz/roles.yaml lists in values",
			   known_near(r, attribute, e->value.text));
	}
}

static bool
write_out_classes(struct access_reader *r, const struct yaml_node *node, struct criterion *t)
{
	uint32_t count = 0;
	struct listed *all;

	for (uint32_t i = 0; i < t->listed; i++) {
		const struct roles_group *g = roles_find_group(r->roles, GROUP_CLASS, t->list[i].value.word);

		count += g ? g->leaves : 1;
	}
	all = arena_array(r->arena, count, sizeof *all);
	count = 0;
	for (uint32_t i = 0; i < t->listed; i++) {
		const struct roles_group *g = roles_find_group(r->roles, GROUP_CLASS, t->list[i].value.word);

		if (!g)
			all[count++] = t->list[i];
		for (uint32_t k = 0; g && k < g->leaves; k++) {
			all[count] = (struct listed){ .level = -1, .words = one_word(r, g->leaf[k]) };
			all[count].value.word = g->leaf[k];
			all[count].value.text = intern_text(r->words, g->leaf[k]);
			if (!check_class(r, node, all[count++].value.text))
				return false;
		}
	}
	t->list = all;
	t->listed = count;
	return true;
}

/* A class with a system is a code, and an instance with a scheme may be another name of the entry. */
static bool
is_single(const struct criterion *t)
{
	if (t->mode != CRITERION_ANY ||
	    (t->attribute != ATTRIBUTE_CLASS && t->attribute != ATTRIBUTE_INSTANCE))
		return false;
	for (uint32_t i = 0; i < t->listed; i++) {
		struct bytes text = t->list[i].value.text;

		if (memchr(text.at, t->attribute == ATTRIBUTE_CLASS ? '|' : ':', text.size) != NULL)
			return false;
	}
	return true;
}

bool
criteria_read_values(
    struct access_reader *r, const struct yaml_node *node, unsigned attribute, struct criterion *t)
{
	bool list = node->kind == YAML_LIST;
	uint32_t count = 0, *words;
	struct listed *entry;

	t->listed = list ? (uint32_t)node->count : 1;
	t->list = entry = arena_array(r->arena, t->listed, sizeof *entry);
	t->attribute = (uint8_t)attribute;
	t->plain_words = true;
	for (uint32_t i = 0; i < t->listed; i++) {
		if (!read_entry(r, list ? node->item[i] : node, attribute, &entry[i]))
			return false;
		t->plain_words = t->plain_words && entry[i].value.kind == VALUE_STRING;
		count += entry[i].words.count;
	}
	words = arena_array(r->arena, count, sizeof *words);
	count = 0;
	for (uint32_t i = 0; i < t->listed; i++) {
		if (entry[i].words.count > 0)
			memcpy(words + count, entry[i].words.at, entry[i].words.count * sizeof *words);
		count += entry[i].words.count;
	}
	t->words = intern_set_of(words, count);
	if (attribute == ATTRIBUTE_CLASS && t->mode != CRITERION_ALL && !write_out_classes(r, node, t))
		return false;
	t->single = is_single(t);
	return true;
}

enum { MAX_CRITERIA = 64 };

struct draft {
	struct access_reader *reader;
	enum criteria_side side;
	unsigned allowed;
	struct criterion at[MAX_CRITERIA];
	uint32_t count;
};

static bool
read_instant(struct access_reader *r, const struct yaml_node *node, struct instant *t, bool *has)
{
	if (!node)
		return true;
	*has = node->kind == YAML_STRING && clock_parse_instant(node->text, t);
	return *has || fault_at(r->fault, r->file, node,
			   "expected a date-time with offset, such as 2026-03-01T00:00:00Z");
}

/* Without this check a deny whose ends were swapped would never hold. */
static bool
has_length(struct access_reader *r, const struct yaml_node *node, const struct interval *i)
{
	return !i->has_from || !i->has_until || instant_compare(i->from, i->until) < 0 ||
	       fault_at(r->fault, r->file, node, "it ends before it begins");
}

bool
criteria_interval(struct access_reader *r, struct yaml_map *m, struct interval *i)
{
	if (!read_instant(r, yaml_take(m, "from"), &i->from, &i->has_from) ||
	    !read_instant(r, yaml_take(m, "until"), &i->until, &i->has_until) || !has_length(r, m->node, i))
		return false;
	moments_add(r->moments, i);
	return true;
}

static bool
add_criterion(struct draft *d, const struct yaml_node *node, const struct criterion *t)
{
	if (d->count == MAX_CRITERIA)
		return fault_at(d->reader->fault, d->reader->file, node, "more than %d criteria in one set",
		    MAX_CRITERIA);
	d->at[d->count++] = *t;
	return true;
}

static bool
read_date_end(struct access_reader *r, const struct yaml_node *node, bool end, struct instant *t, bool *has)
{
	struct period p;
	enum date_precision precision;

	if (!node)
		return true;
	*has = (node->kind == YAML_STRING || node->kind == YAML_NUMBER) &&
	       clock_parse_date(node->text, &p, &precision);
	if (!*has)
		return fault_at(r->fault, r->file, node, "expected a date, such as 2020 or 2020-03-31");
	*t = end ? p.until : p.from;
	return true;
}

static void
write_date(struct draft *d, const struct yaml_node *from, const struct yaml_node *until, struct criterion *t)
{
	struct buffer out;
	struct json_write w;

	buffer_init(&out, BUFFER_UNLIMITED);
	w = json_write_to(&out);
	json_write_name(&w, "date");
	json_write_open(&w, '{');
	if (from)
		json_write_member_word(&w, "from", from->text);
	if (until)
		json_write_member_word(&w, "until", until->text);
	json_write_close(&w, '}');
	t->text = arena_copy(d->reader->arena, buffer_bytes(&out));
	buffer_release(&out);
}

/* `date: {from: 2020, until: 2020-03}`: from the beginning of FROM to the end of UNTIL. */
static bool
read_date(struct draft *d, const struct yaml_node *node, struct criterion *t)
{
	struct access_reader *r = d->reader;
	struct yaml_map m;
	const struct yaml_node *from, *until;

	if (!yaml_open(&m, r->file, node, r->fault))
		return false;
	from = yaml_take(&m, "from");
	until = yaml_take(&m, "until");
	t->kind = CRITERION_DATE;
	if (!from && !until)
		return fault_at(r->fault, r->file, node, "expected from, until or both");
	if (!read_date_end(r, from, false, &t->interval.from, &t->interval.has_from) ||
	    !read_date_end(r, until, true, &t->interval.until, &t->interval.has_until) || !yaml_close(&m) ||
	    !has_length(r, node, &t->interval))
		return false;
	write_date(d, from, until, t);
	return true;
}

/* The criterion in an obligation: "class":["A","B"] or "class":{"not":["A"]}. */
static void
write_text(struct draft *d, struct criterion *t)
{
	static const char *const modes[] = { [CRITERION_NOT] = "not", [CRITERION_ALL] = "all" };
	struct access_reader *r = d->reader;
	struct buffer out;
	struct json_write w;

	buffer_init(&out, BUFFER_UNLIMITED);
	w = json_write_to(&out);
	json_write_key(&w, r->attributes->at[t->attribute].key);
	if (t->mode != CRITERION_ANY) {
		json_write_open(&w, '{');
		json_write_name(&w, modes[t->mode]);
	}
	json_write_open(&w, '[');
	for (uint32_t i = 0; i < t->listed; i++)
		json_write_text(&w, t->list[i].value.text);
	json_write_close(&w, ']');
	if (t->mode != CRITERION_ANY)
		json_write_close(&w, '}');
	t->text = arena_copy(r->arena, buffer_bytes(&out));
	buffer_release(&out);
}

static bool
read_presence(struct draft *d, const struct yaml_node *node, struct criterion *t)
{
	struct access_reader *r = d->reader;

	t->kind = CRITERION_PRESENT;
	if (!yaml_boolean(r->file, node, &t->flag, r->fault))
		return false;
	if (t->flag != (d->side == SIDE_PERMIT))
		return fault_at(r->fault, r->file, node,
		    "present: %s would let a missing attribute help: only %s may stand here",
		    t->flag ? "true" : "false", t->flag ? "false" : "true");
	if (!t->flag && r->attributes->at[t->attribute].kind == ATTRIBUTE_TOP)
		return fault_at(
		    r->fault, r->file, node, "every request has this, so that the deny never holds");
	return true;
}

static bool
read_strength(struct draft *d, const struct yaml_node *node, bool at_least, struct criterion *t)
{
	struct access_reader *r = d->reader;
	uint32_t word;

	t->kind = CRITERION_ACR;
	t->flag = at_least;
	if (t->attribute != ATTRIBUTE_ACR)
		return fault_at(r->fault, r->file, node, "at_least and below are for acr only");
	if (!reader_word(r, node, &word))
		return false;
	t->rank = roles_acr(r->roles, word);
	return t->rank >= 0 || reader_unknown(r, node, "acr", "the list acr in authz/roles.yaml",
				   known_near(r, ATTRIBUTE_ACR, node->text));
}

/* A map with one key: `{not: [..]}`, `{all: [..]}`, `{present: ..}`, `{at_least: ..}`, `{below: ..}`. */
static bool
read_operator(struct draft *d, const struct yaml_node *node, struct criterion *t)
{
	static const char *const words[] = { "not", "all", "present", "at_least", "below", NULL };
	struct access_reader *r = d->reader;
	unsigned which;
	bool is_data = r->attributes->at[t->attribute].kind == ATTRIBUTE_DATA;

	if (node->count != 1)
		return fault_at(
		    r->fault, r->file, node, "expected one of not, all, present, at_least, below");
	if (!yaml_word(r->file, node->key[0], words, &which, r->fault))
		return false;
	if (which >= 2 && is_data)
		return fault_at(r->fault, r->file, node, "a data criterion takes values, not or all");
	if (which == 2)
		return read_presence(d, node->item[0], t);
	if (which > 2)
		return read_strength(d, node->item[0], which == 3, t);
	t->mode = which == 0 ? CRITERION_NOT : CRITERION_ALL;
	return criteria_read_values(r, node->item[0], t->attribute, t);
}

static bool
read_attribute(struct draft *d, const struct yaml_node *node, unsigned attribute)
{
	struct access_reader *r = d->reader;
	struct criterion t = { .attribute = (uint8_t)attribute };

	if (r->attributes->at[attribute].kind == ATTRIBUTE_DATA && !(d->allowed & CRITERIA_DATA))
		return fault_at(r->fault, r->file, node, "no data criterion may stand here");
	if (attribute == ATTRIBUTE_DATE)
		return read_date(d, node, &t) && add_criterion(d, node, &t);
	if (node->kind == YAML_MAP ? !read_operator(d, node, &t)
				   : !criteria_read_values(r, node, attribute, &t))
		return false;
	if (t.kind == CRITERION_VALUES && t.listed == 0)
		return fault_at(r->fault, r->file, node, NAMES_NOTHING);
	if (attribute == ATTRIBUTE_LABEL) {
		t.kind = CRITERION_LABEL;
		t.flag = (d->side == SIDE_PERMIT) != (t.mode == CRITERION_NOT);
	}
	if (r->attributes->at[attribute].kind == ATTRIBUTE_DATA)
		write_text(d, &t);
	return add_criterion(d, node, &t);
}

static bool
read_relation_word(struct draft *d, const struct yaml_node *name, bool to_patient, uint32_t *word)
{
	struct access_reader *r = d->reader;
	const struct relation *relation;

	if (!reader_word(r, name, word))
		return false;
	relation = roles_relation(r->roles, *word);
	if (!relation)
		return reader_unknown(r, name, "relation", "the relations in authz/roles.yaml",
		    roles_near_relation(r->roles, r, name->text));
	if (relation->to_patient != to_patient)
		return fault_at(r->fault, r->file, name, "relation '%.*s' leads to a %s",
		    (int)name->text.size, name->text.at,
		    to_patient ? "person: name the attribute that it leads to" : "patient");
	return true;
}

/* `relation: {supervises: resource.author}` */
static bool
read_relations_between(struct draft *d, const struct yaml_node *node)
{
	struct access_reader *r = d->reader;

	for (size_t i = 0; i < node->count; i++) {
		struct criterion t = { .kind = CRITERION_RELATION, .attribute = ATTRIBUTE_SUBJECT_ID };
		struct bytes name;
		uint32_t *at = arena_array(r->arena, 1, sizeof *at);
		int other;

		if (!read_relation_word(d, node->key[i], false, at) ||
		    !yaml_string(r->file, node->item[i], &name, r->fault))
			return false;
		other = attributes_named(r->attributes, name);
		if (other < 0)
			return reader_unknown(r, node->item[i], "attribute", READER_ATTRIBUTES,
			    attributes_near(r->attributes, PLACE_COUNT, name));
		t.other = (uint8_t)other;
		t.words = intern_set_of(at, 1);
		if (!add_criterion(d, node, &t))
			return false;
	}
	return true;
}

static bool
read_relation(struct draft *d, const struct yaml_node *node)
{
	struct access_reader *r = d->reader;
	struct criterion t = { .kind = CRITERION_RELATION,
		.attribute = ATTRIBUTE_SUBJECT_ID,
		.other = ATTRIBUTE_RESOURCE_PATIENT };
	bool list = node->kind == YAML_LIST;
	uint32_t count = list ? (uint32_t)node->count : 1, *words;

	if ((list || node->kind == YAML_MAP) && node->count == 0)
		return fault_at(r->fault, r->file, node, NAMES_NOTHING);
	if (node->kind == YAML_MAP)
		return read_relations_between(d, node);
	words = arena_array(r->arena, count, sizeof *words);
	for (uint32_t i = 0; i < count; i++)
		if (!read_relation_word(d, list ? node->item[i] : node, true, &words[i]))
			return false;
	t.words = intern_set_of(words, count);
	return add_criterion(d, node, &t);
}

/* `who: {KEY: value}` and the like.  `from` and `until` of the context are left to the caller. */
static bool
read_map(struct draft *d, const struct yaml_node *node, enum request_place place)
{
	struct access_reader *r = d->reader;

	if (node->kind != YAML_MAP || node->count == 0)
		return fault_at(r->fault, r->file, node, "expected a map of criteria");
	for (size_t i = 0; i < node->count; i++) {
		struct bytes key = node->key[i]->text;
		int attribute = attributes_find(r->attributes, place, key);

		if (place == PLACE_SUBJECT && bytes_are(key, "relation")) {
			if (!read_relation(d, node->item[i]))
				return false;
			continue;
		}
		if (place == PLACE_CONTEXT && (bytes_are(key, "from") || bytes_are(key, "until")))
			continue;
		if (attribute < 0 || (place == PLACE_ACTION && attribute == ATTRIBUTE_ACTION_NAME))
			return reader_unknown(r, node->key[i], "attribute", READER_ATTRIBUTES,
			    attributes_near(r->attributes, place, key));
		if (!read_attribute(d, node->item[i], (unsigned)attribute))
			return false;
	}
	return true;
}

/* `where` and `when`: attributes of the context and a period. */
static bool
read_context(struct draft *d, const struct yaml_node *node)
{
	struct access_reader *r = d->reader;
	struct criterion t = { .kind = CRITERION_PERIOD, .attribute = ATTRIBUTE_TIME };
	struct yaml_map m;

	if (!read_map(d, node, PLACE_CONTEXT) || !yaml_open(&m, r->file, node, r->fault) ||
	    !criteria_interval(r, &m, &t.interval))
		return false;
	return !interval_dated(&t.interval) || add_criterion(d, node, &t);
}

/* `same: [[subject.ward, resource.ward], ..]` */
static bool
read_same(struct draft *d, const struct yaml_node *node)
{
	struct access_reader *r = d->reader;

	if (node->kind != YAML_LIST || node->count == 0)
		return fault_at(r->fault, r->file, node, "expected a list of pairs of attributes");
	for (size_t i = 0; i < node->count; i++) {
		const struct yaml_node *pair = node->item[i];
		struct criterion t = { .kind = CRITERION_SAME };
		int side[2];

		if (pair->kind != YAML_LIST || pair->count != 2)
			return fault_at(r->fault, r->file, pair, "expected a pair of attributes");
		for (int k = 0; k < 2; k++) {
			struct bytes name;

			if (!yaml_string(r->file, pair->item[k], &name, r->fault))
				return false;
			side[k] = attributes_named(r->attributes, name);
			if (side[k] < 0)
				return reader_unknown(r, pair->item[k], "attribute", READER_ATTRIBUTES,
				    attributes_near(r->attributes, PLACE_COUNT, name));
		}
		t.attribute = (uint8_t)side[0];
		t.other = (uint8_t)side[1];
		if (!add_criterion(d, pair, &t))
			return false;
	}
	return true;
}

static unsigned
cost(const struct criterion *t)
{
	static const unsigned by_kind[] = { [CRITERION_VALUES] = 3,
		[CRITERION_PRESENT] = 3,
		[CRITERION_PERIOD] = 2,
		[CRITERION_SAME] = 5,
		[CRITERION_LABEL] = 4,
		[CRITERION_DATE] = 4,
		[CRITERION_RELATION] = 6,
		[CRITERION_ACR] = 7 };

	if (t->attribute == ATTRIBUTE_ACR)
		return 7;
	if (t->kind == CRITERION_VALUES && t->attribute == ATTRIBUTE_ACTION_NAME)
		return 0;
	if (t->kind == CRITERION_VALUES && t->attribute == ATTRIBUTE_PURPOSE)
		return 1;
	return by_kind[t->kind];
}

/*
 * Sorts by cost, since a criterion that is false ends the judgement.  The acr comes last: it is judged only
 * where it decides, so a step-up is offered only where it helps.
 */
static void
finish(struct draft *d, struct criteria *c)
{
	struct criterion *sorted = arena_array(d->reader->arena, d->count, sizeof *sorted);

	*c = (struct criteria){ .at = sorted, .count = d->count };
	for (uint32_t i = 0; i < d->count; i++) {
		uint32_t at = i;

		for (; at > 0 && cost(&sorted[at - 1]) > cost(&d->at[i]); at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = d->at[i];
	}
	for (uint32_t i = 0; i < d->count; i++)
		if (sorted[i].text.size > 0)
			c->data[sorted[i].attribute - DATA_FIRST] = &sorted[i];
}

bool
criteria_read(struct access_reader *r, struct yaml_map *m, enum criteria_side side, unsigned allowed,
    struct criteria *c)
{
	struct draft draft, *d = &draft;
	const struct yaml_node *who, *does, *how, *what, *why, *where, *when, *same;
	bool good;

	/* The room for criteria is large, and is not cleared. */
	draft.reader = r;
	draft.side = side;
	draft.allowed = allowed;
	draft.count = 0;
	what = allowed & CRITERIA_WHAT ? yaml_take(m, "what") : NULL;
	good = !what || read_map(d, what, PLACE_RESOURCE);
	if (good && allowed & CRITERIA_REQUEST) {
		who = yaml_take(m, "who");
		does = yaml_take(m, "does");
		how = yaml_take(m, "how");
		why = yaml_take(m, "why");
		where = yaml_take(m, "where");
		when = yaml_take(m, "when");
		same = yaml_take(m, "same");
		good = (!who || read_map(d, who, PLACE_SUBJECT)) &&
		       (!does || read_attribute(d, does, ATTRIBUTE_ACTION_NAME)) &&
		       (!how || read_map(d, how, PLACE_ACTION)) &&
		       (!why || read_attribute(d, why, ATTRIBUTE_PURPOSE)) &&
		       (!where || read_context(d, where)) && (!when || read_context(d, when)) &&
		       (!same || read_same(d, same));
	}
	if (good)
		finish(d, c);
	return good;
}
