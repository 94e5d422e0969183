/* SPDX-License-Identifier: ISC */
#include "common/label/condition_parts.h"

/* What a policy writes of one test: `below: 92 %`, `in: hiv`, or a plain X. */

static bool
read_scalar(
    struct condition_words *w, const struct yaml_node *node, struct condition_scalar *s, struct fault *f)
{
	s->text = node->text;
	switch (node->kind) {
	case YAML_NULL:
		s->kind = JSON_NULL;
		return true;
	case YAML_BOOLEAN:
		s->kind = node->truth ? JSON_TRUE : JSON_FALSE;
		return true;
	case YAML_NUMBER:
		s->kind = JSON_NUMBER;
		if (decimal_parse(node->text, &s->number))
			return true;
		return fault_at(f, w->file, node, "a number out of reach");
	case YAML_STRING:
		s->kind = JSON_STRING;
		return true;
	case YAML_LIST:
	case YAML_MAP:
		break;
	}
	return fault_at(f, w->file, node, "expected a string, a number, true, false or null");
}

static bool
read_scalars(
    struct condition_words *w, const struct yaml_node *node, struct condition_test *t, struct fault *f)
{
	bool is_list = node->kind == YAML_LIST;

	t->scalars = is_list ? node->count : 1;
	if (t->scalars == 0)
		return fault_at(
		    f, w->file, node, "an empty list: nothing could be equal to one of its items");
	t->scalar = arena_array(w->arena, t->scalars, sizeof *t->scalar);
	for (size_t i = 0; i < t->scalars; i++)
		if (!read_scalar(w, is_list ? node->item[i] : node, &t->scalar[i], f))
			return false;
	return true;
}

bool
test_read_is(
    struct condition_words *w, const struct yaml_node *node, struct condition_test *t, struct fault *f)
{
	t->kind = CONDITION_TEST_IS;
	return read_scalars(w, node, t, f);
}

static bool
read_prefix(
    struct condition_words *w, const struct yaml_node *node, struct condition_test *t, struct fault *f)
{
	t->kind = CONDITION_TEST_PREFIX;
	if (!read_scalars(w, node, t, f))
		return false;
	for (size_t i = 0; i < t->scalars; i++)
		if (t->scalar[i].kind != JSON_STRING || t->scalar[i].text.size == 0)
			return fault_at(
			    f, w->file, node, "expected a string that is not empty, or a list of them");
	return true;
}

static bool
read_in(struct condition_words *w, const struct yaml_node *node, struct condition_test *t, struct fault *f)
{
	size_t count = yaml_strings(node);

	t->kind = CONDITION_TEST_IN;
	if (count == 0)
		return fault_at(f, w->file, node, "expected the name of a value set, or a list of names");
	for (size_t i = 0; i < count; i++) {
		const struct yaml_node *item = node->kind == YAML_LIST ? node->item[i] : node;
		struct bytes name;
		int set;

		if (!yaml_item_string(w->file, node, i, &name, f))
			return false;
		if (w->codes == NULL || (set = codes_set(w->codes, name)) < 0)
			return fault_at(f, w->file, item,
			    "unknown-set: no value set '%.*s': it is not in value_sets", (int)name.size,
			    name.at);
		code_bits_add(&t->sets, (unsigned)set);
	}
	return true;
}

static bool
read_codes(struct condition_words *w, const struct yaml_node *node, struct condition_test *t, struct fault *f)
{
	unsigned set;

	t->kind = CONDITION_TEST_IN;
	if (w->codes == NULL)
		return fault_at(f, w->file, node, "codes cannot be asked for here");
	if (!codes_inline(w->codes, w->file, node, &set, f))
		return false;
	code_bits_add(&t->sets, set);
	return true;
}

static bool
read_bound(struct condition_words *w, const struct yaml_node *node, struct condition_test *t, bool is_upper,
    bool is_included, struct fault *f)
{
	struct quantity_bound *b = &t->bound[t->bounds++];
	const char *why = NULL;

	t->kind = CONDITION_TEST_RANGE;
	if (node->kind != YAML_NUMBER && node->kind != YAML_STRING)
		return fault_at(f, w->file, node, "expected a number with or without a unit");
	if (!quantity_parse_bound(node->text, b, &why))
		return fault_at(f, w->file, node, "%s: '%.*s'", why, (int)node->text.size, node->text.at);
	b->is_upper = is_upper;
	b->is_included = is_included;
	return true;
}

static bool
read_below(struct condition_words *w, const struct yaml_node *node, struct condition_test *t, struct fault *f)
{
	return read_bound(w, node, t, true, false, f);
}

static bool
read_at_most(
    struct condition_words *w, const struct yaml_node *node, struct condition_test *t, struct fault *f)
{
	return read_bound(w, node, t, true, true, f);
}

static bool
read_above(struct condition_words *w, const struct yaml_node *node, struct condition_test *t, struct fault *f)
{
	return read_bound(w, node, t, false, false, f);
}

static bool
read_at_least(
    struct condition_words *w, const struct yaml_node *node, struct condition_test *t, struct fault *f)
{
	return read_bound(w, node, t, false, true, f);
}

static bool
read_between(
    struct condition_words *w, const struct yaml_node *node, struct condition_test *t, struct fault *f)
{
	if (node->kind != YAML_LIST || node->count != 2)
		return fault_at(f, w->file, node, "expected the two ends: [a, b]");
	if (!read_bound(w, node->item[0], t, false, true, f) ||
	    !read_bound(w, node->item[1], t, true, true, f))
		return false;
	if ((t->bound[0].unit == NULL) != (t->bound[1].unit == NULL) ||
	    (t->bound[0].unit != NULL &&
		!bytes_equal(unit_dimension(t->bound[0].unit), unit_dimension(t->bound[1].unit))))
		return fault_at(f, w->file, node, "both ends in units of one dimension, or both without");
	return true;
}

static bool
read_date(struct condition_words *w, const struct yaml_node *node, struct condition_test *t, bool is_after,
    struct fault *f)
{
	enum date_precision precision;

	t->kind = CONDITION_TEST_DATE;
	t->is_after = is_after;
	if ((node->kind != YAML_STRING && node->kind != YAML_NUMBER) ||
	    !clock_parse_date(node->text, &t->date, &precision))
		return fault_at(
		    f, w->file, node, "expected a date such as 2026, 2026-11-21 or 2026-11-21T10:00:00Z");
	return true;
}

static bool
read_before(
    struct condition_words *w, const struct yaml_node *node, struct condition_test *t, struct fault *f)
{
	return read_date(w, node, t, false, f);
}

static bool
read_after(struct condition_words *w, const struct yaml_node *node, struct condition_test *t, struct fault *f)
{
	return read_date(w, node, t, true, f);
}

static bool
read_where(struct condition_words *w, const struct yaml_node *node, struct condition_test *t, struct fault *f)
{
	t->kind = CONDITION_TEST_WHERE;
	return (t->where = condition_compile(w, node, f)) != NULL;
}

/* Tests of one node.  `not` and `present` speak of all nodes of the path and stand below. */
static const struct {
	const char *name;
	bool (*read)(struct condition_words *w, const struct yaml_node *node, struct condition_test *t,
	    struct fault *f);
} tests[] = {
	{ "is", test_read_is },
	{ "in", read_in },
	{ "codes", read_codes },
	{ "prefix", read_prefix },
	{ "below", read_below },
	{ "at_most", read_at_most },
	{ "above", read_above },
	{ "at_least", read_at_least },
	{ "between", read_between },
	{ "before", read_before },
	{ "after", read_after },
	{ "where", read_where },
};

#define KNOWN_TESTS                                                                                          \
	"is, present, not, in, codes, prefix, below, at_most, above, at_least, between, before, after, "     \
	"where"

bool
test_read(struct condition_words *w, const struct yaml_node *name, const struct yaml_node *value,
    struct condition_test *t, struct fault *f)
{
	for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
		if (bytes_are(name->text, tests[i].name))
			return tests[i].read(w, value, t, f);
	return fault_at(f, w->file, name, "unknown test '%.*s', expected one of %s", (int)name->text.size,
	    name->text.at, KNOWN_TESTS);
}
