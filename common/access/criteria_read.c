/* SPDX-License-Identifier: ISC */
#include "common/access/criteria.h"
#include "common/access/entries.h"
#include "common/json/json_write.h"

enum { MAX_TESTS = 64 };

/* A set of criteria while it is read. */
struct draft {
	struct reader *reader;
	enum criteria_side side;
	unsigned allowed;
	struct test test[MAX_TESTS];
	uint32_t tests;
};

static bool
read_instant(struct reader *r, const struct yaml_node *node, struct instant *t, bool *has)
{
	if (!node)
		return true;
	*has = node->kind == YAML_STRING && clock_parse_instant(node->text, t);
	return *has || fault_at(r->fault, r->file, node,
			   "expected a date-time with offset, such as 2026-03-01T00:00:00Z");
}

bool
criteria_interval(struct reader *r, struct yaml_map *m, struct interval *i)
{
	if (!read_instant(r, yaml_take(m, "from"), &i->from, &i->has_from) ||
	    !read_instant(r, yaml_take(m, "until"), &i->until, &i->has_until))
		return false;
	moments_add(r->moments, i);
	return true;
}

static bool
add_test(struct draft *d, const struct yaml_node *node, const struct test *t)
{
	if (d->tests == MAX_TESTS)
		return fault_at(
		    d->reader->fault, d->reader->file, node, "more than %d criteria in one set", MAX_TESTS);
	d->test[d->tests++] = *t;
	return true;
}

static bool
read_date_end(struct reader *r, const struct yaml_node *node, bool end, struct instant *t, bool *has)
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

/* `date: {from: 2020, until: 2020-03}`: both ends count whole. */
static bool
read_date(struct draft *d, const struct yaml_node *node, struct test *t)
{
	struct reader *r = d->reader;
	struct yaml_map m;
	const struct yaml_node *from, *until;

	if (!yaml_open(&m, r->file, node, r->fault))
		return false;
	from = yaml_take(&m, "from");
	until = yaml_take(&m, "until");
	t->kind = TEST_DATE;
	if (!from && !until)
		return fault_at(r->fault, r->file, node, "expected from, until or both");
	if (!read_date_end(r, from, false, &t->interval.from, &t->interval.has_from) ||
	    !read_date_end(r, until, true, &t->interval.until, &t->interval.has_until) || !yaml_close(&m))
		return false;
	t->text = bytes_of(arena_format(r->arena, "\"date\":{%s%.*s%s%s%s%.*s%s}", from ? "\"from\":\"" : "",
	    from ? (int)from->text.size : 0, from ? from->text.at : "", from ? "\"" : "",
	    from && until ? "," : "", until ? "\"until\":\"" : "", until ? (int)until->text.size : 0,
	    until ? until->text.at : "", until ? "\"" : ""));
	return true;
}

/* "class":["A","B"] or "class":{"not":["A"]}: what an obligation says of the criterion. */
static void
write_text(struct draft *d, struct test *t)
{
	struct reader *r = d->reader;
	struct buffer out;
	struct bytes key = r->attributes->at[t->attribute].key;
	static const char *const open[] = { ":[", ":{\"not\":[", ":{\"all\":[" };
	static const char *const close[] = { "]", "]}", "]}" };

	buffer_init(&out, SIZE_MAX / 2);
	(void)json_write_string(&out, key);
	(void)buffer_append(&out, open[t->mode], strlen(open[t->mode]));
	for (uint32_t i = 0; i < t->entries; i++) {
		if (i > 0)
			(void)buffer_append(&out, ",", 1);
		(void)json_write_string(&out, t->entry[i].value.text);
	}
	(void)buffer_append(&out, close[t->mode], strlen(close[t->mode]));
	t->text = arena_copy(r->arena, buffer_bytes(&out));
	buffer_release(&out);
}

static bool
read_presence(struct draft *d, const struct yaml_node *node, struct test *t)
{
	struct reader *r = d->reader;

	t->kind = TEST_PRESENT;
	if (!yaml_boolean(r->file, node, &t->flag, r->fault))
		return false;
	if (t->flag != (d->side == SIDE_PERMIT))
		return fault_at(r->fault, r->file, node,
		    "present: %s would let a missing attribute help: only %s may stand here",
		    t->flag ? "true" : "false", t->flag ? "false" : "true");
	return true;
}

static bool
read_strength(struct draft *d, const struct yaml_node *node, bool at_least, struct test *t)
{
	struct reader *r = d->reader;
	uint32_t word;

	t->kind = TEST_ACR;
	t->flag = at_least;
	if (t->attribute != ATTRIBUTE_ACR)
		return fault_at(r->fault, r->file, node, "at_least and below are for acr only");
	if (!reader_word(r, node, &word))
		return false;
	t->rank = roles_acr(r->names, word);
	return t->rank >= 0 || entries_unknown(r, node, "acr", "the list acr in authz/roles.yaml");
}

/* `{not: [..]}` and the other maps that a value may be: exactly one key. */
static bool
read_operator(struct draft *d, const struct yaml_node *node, struct test *t)
{
	static const char *const words[] = { "not", "all", "present", "at_least", "below", NULL };
	struct reader *r = d->reader;
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
	t->mode = which == 0 ? MODE_NOT : MODE_ALL;
	return entries_read(r, node->item[0], t->attribute, t);
}

static bool
read_attribute(struct draft *d, const struct yaml_node *node, unsigned attribute)
{
	struct reader *r = d->reader;
	struct test t = { .attribute = (uint8_t)attribute };

	if (r->attributes->at[attribute].kind == ATTRIBUTE_DATA && !(d->allowed & CRITERIA_DATA))
		return fault_at(r->fault, r->file, node, "no data criterion may stand here");
	if (attribute == ATTRIBUTE_DATE)
		return read_date(d, node, &t) && add_test(d, node, &t);
	if (node->kind == YAML_MAP ? !read_operator(d, node, &t) : !entries_read(r, node, attribute, &t))
		return false;
	if (attribute == ATTRIBUTE_LABEL) {
		t.kind = TEST_LABEL;
		t.flag = (d->side == SIDE_PERMIT) != (t.mode == MODE_NOT);
	}
	if (r->attributes->at[attribute].kind == ATTRIBUTE_DATA)
		write_text(d, &t);
	return add_test(d, node, &t);
}

static bool
read_relation_word(struct draft *d, const struct yaml_node *name, bool to_patient, uint32_t *word)
{
	struct reader *r = d->reader;
	const struct relation *relation;

	if (!reader_word(r, name, word))
		return false;
	relation = roles_relation(r->names, *word);
	if (!relation)
		return entries_unknown(r, name, "relation", "the relations in authz/roles.yaml");
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
	struct reader *r = d->reader;

	for (size_t i = 0; i < node->count; i++) {
		struct test t = { .kind = TEST_RELATION, .attribute = ATTRIBUTE_SUBJECT_ID };
		struct bytes name;
		uint32_t *at = arena_array(r->arena, 1, sizeof *at);
		int other;

		if (!read_relation_word(d, node->key[i], false, at) ||
		    !yaml_string(r->file, node->item[i], &name, r->fault))
			return false;
		other = attributes_named(r->attributes, name);
		if (other < 0)
			return entries_unknown(
			    r, node->item[i], "attribute", "the standard ones and those in authz/roles.yaml");
		t.other = (uint8_t)other;
		t.words = word_set_of(at, 1);
		if (!add_test(d, node, &t))
			return false;
	}
	return true;
}

static bool
read_relation(struct draft *d, const struct yaml_node *node)
{
	struct reader *r = d->reader;
	struct test t = {
		.kind = TEST_RELATION, .attribute = ATTRIBUTE_SUBJECT_ID, .other = ATTRIBUTE_RESOURCE_PATIENT
	};
	bool list = node->kind == YAML_LIST;
	uint32_t count = list ? (uint32_t)node->count : 1, *words;

	if (node->kind == YAML_MAP)
		return read_relations_between(d, node);
	words = arena_array(r->arena, count, sizeof *words);
	for (uint32_t i = 0; i < count; i++)
		if (!read_relation_word(d, list ? node->item[i] : node, true, &words[i]))
			return false;
	t.words = word_set_of(words, count);
	return add_test(d, node, &t);
}

/* `who: {KEY: value}` and the like; keys in SKIP are somebody else's. */
static bool
read_map(struct draft *d, const struct yaml_node *node, enum place place)
{
	struct reader *r = d->reader;

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
			return entries_unknown(
			    r, node->key[i], "attribute", "the standard ones and those in authz/roles.yaml");
		if (!read_attribute(d, node->item[i], (unsigned)attribute))
			return false;
	}
	return true;
}

/* `where` and `when`: attributes of the context, and a period of time. */
static bool
read_context(struct draft *d, const struct yaml_node *node)
{
	struct reader *r = d->reader;
	struct test t = { .kind = TEST_PERIOD, .attribute = ATTRIBUTE_TIME };
	struct yaml_map m;

	if (!read_map(d, node, PLACE_CONTEXT) || !yaml_open(&m, r->file, node, r->fault) ||
	    !criteria_interval(r, &m, &t.interval))
		return false;
	return !interval_dated(&t.interval) || add_test(d, node, &t);
}

/* `same: [[subject.ward, resource.ward], ..]` */
static bool
read_same(struct draft *d, const struct yaml_node *node)
{
	struct reader *r = d->reader;

	if (node->kind != YAML_LIST || node->count == 0)
		return fault_at(r->fault, r->file, node, "expected a list of pairs of attributes");
	for (size_t i = 0; i < node->count; i++) {
		const struct yaml_node *pair = node->item[i];
		struct test t = { .kind = TEST_SAME };
		int side[2];

		if (pair->kind != YAML_LIST || pair->count != 2)
			return fault_at(r->fault, r->file, pair, "expected a pair of attributes");
		for (int k = 0; k < 2; k++) {
			struct bytes name;

			if (!yaml_string(r->file, pair->item[k], &name, r->fault))
				return false;
			side[k] = attributes_named(r->attributes, name);
			if (side[k] < 0)
				return entries_unknown(r, pair->item[k], "attribute",
				    "the standard ones and those in authz/roles.yaml");
		}
		t.attribute = (uint8_t)side[0];
		t.other = (uint8_t)side[1];
		if (!add_test(d, pair, &t))
			return false;
	}
	return true;
}

static unsigned
cost(const struct test *t)
{
	static const unsigned by_kind[] = { [TEST_VALUES] = 3,
		[TEST_PRESENT] = 3,
		[TEST_PERIOD] = 2,
		[TEST_SAME] = 5,
		[TEST_LABEL] = 4,
		[TEST_DATE] = 4,
		[TEST_RELATION] = 6,
		[TEST_ACR] = 7 };

	if (t->attribute == ATTRIBUTE_ACR)
		return 7;
	if (t->kind == TEST_VALUES && t->attribute == ATTRIBUTE_ACTION_NAME)
		return 0;
	if (t->kind == TEST_VALUES && t->attribute == ATTRIBUTE_PURPOSE)
		return 1;
	return by_kind[t->kind];
}

static void
finish(struct draft *d, struct criteria *c)
{
	struct test *test = arena_array(d->reader->arena, d->tests, sizeof *test);

	*c = (struct criteria){ .test = test, .tests = d->tests };
	for (uint32_t i = 0; i < d->tests; i++) {
		uint32_t at = i;

		for (; at > 0 && cost(&test[at - 1]) > cost(&d->test[i]); at--)
			test[at] = test[at - 1];
		test[at] = d->test[i];
	}
	for (uint32_t i = 0; i < d->tests; i++)
		if (test[i].text.size > 0)
			c->data[test[i].attribute - DATA_FIRST] = &test[i];
}

bool
criteria_read(
    struct reader *r, struct yaml_map *m, enum criteria_side side, unsigned allowed, struct criteria *c)
{
	struct draft draft = { .reader = r, .side = side, .allowed = allowed }, *d = &draft;
	const struct yaml_node *who, *does, *how, *what, *why, *where, *when, *same;
	bool good;

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
