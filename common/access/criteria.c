/* SPDX-License-Identifier: ISC */
#include "common/access/criteria.h"

#include "common/base/decimal.h"
#include "common/base/diag.h"

#include <stdlib.h>

static const struct values missing_values = { 0 };

const struct values *
situation_values(const struct situation *s, unsigned attribute)
{
	const struct values *v = &s->request->at[attribute];

	return v->present && !(s->custodian && v->distrusted) ? v : &missing_values;
}

static bool
entry_is(const struct entry *e, const struct value *v)
{
	if (e->value.kind == VALUE_STRING)
		return v->kind == VALUE_STRING && v->word != 0 && word_set_has(e->words, v->word);
	return value_equal(&e->value, v);
}

static bool
test_matches(const struct test *t, const struct value *v)
{
	if (t->plain_words)
		return v->kind == VALUE_STRING && v->word != 0 && word_set_has(t->words, v->word);
	for (uint32_t i = 0; i < t->entries; i++)
		if (entry_is(&t->entry[i], v))
			return true;
	return false;
}

static bool
entry_among(const struct entry *e, const struct values *v)
{
	for (uint32_t i = 0; i < v->count; i++)
		if (entry_is(e, &v->at[i]))
			return true;
	return false;
}

static bool
some_match(const struct test *t, const struct values *v)
{
	for (uint32_t i = 0; i < v->count; i++)
		if (test_matches(t, &v->at[i]))
			return true;
	return false;
}

bool
criteria_covers(const struct test *t, const struct values *v)
{
	for (uint32_t i = 0; i < v->count; i++)
		if (!test_matches(t, &v->at[i]))
			return false;
	return true;
}

static bool
values_hold(const struct test *t, const struct values *v)
{
	if (t->mode != MODE_ALL)
		return some_match(t, v) == (t->mode == MODE_ANY);
	for (uint32_t i = 0; i < t->entries; i++)
		if (!entry_among(&t->entry[i], v))
			return false;
	return true;
}

static enum truth
truth_of(bool holds)
{
	return holds ? TRUTH_TRUE : TRUTH_FALSE;
}

static bool
is_there(const struct values *v)
{
	if (!v->present || v->count == 0)
		return false;
	return v->count > 1 || v->at[0].kind != VALUE_STRING || v->at[0].text.size > 0;
}

static int
by_value(const void *a, const void *b)
{
	const struct value *left = a, *right = b;
	struct decimal x, y;

	if (left->kind != right->kind)
		return left->kind < right->kind ? -1 : 1;
	if (left->kind == VALUE_STRING)
		return bytes_compare(left->text, right->text);
	if (left->kind == VALUE_NUMBER && decimal_parse(left->text, &x) && decimal_parse(right->text, &y))
		return decimal_compare(&x, &y);
	return 0;
}

/* Long lists: sorted once, then looked up, so that a million members take no million times a million steps.
 */
static bool
in_common_sorted(const struct values *few, const struct values *many)
{
	struct value *sorted = reallocarray(NULL, many->count, sizeof *sorted);
	bool found = false;

	if (!sorted)
		diag_die(EXIT_IO, "out of memory");
	memcpy(sorted, many->at, many->count * sizeof *sorted);
	qsort(sorted, many->count, sizeof *sorted, by_value);
	for (uint32_t i = 0; i < few->count && !found; i++) {
		const struct value *hit = bsearch(&few->at[i], sorted, many->count, sizeof *sorted, by_value);

		found = hit && value_equal(hit, &few->at[i]);
	}
	free(sorted);
	return found;
}

static bool
in_common(const struct values *a, const struct values *b)
{
	if ((uint64_t)a->count * b->count > 4096)
		return in_common_sorted(a, b);
	for (uint32_t i = 0; i < a->count; i++)
		for (uint32_t k = 0; k < b->count; k++)
			if (value_equal(&a->at[i], &b->at[k]))
				return true;
	return false;
}

static enum truth
judge_same(const struct test *t, const struct situation *s, struct attribute_set *missing)
{
	const struct values *a = situation_values(s, t->attribute), *b = situation_values(s, t->other);

	if (!a->present || !b->present) {
		attribute_set_add(missing, a->present ? t->other : t->attribute);
		return TRUTH_UNKNOWN;
	}
	return truth_of(in_common(a, b));
}

static enum truth
judge_relation(const struct test *t, const struct situation *s, struct attribute_set *missing)
{
	struct bytes subject = request_string(s->request, ATTRIBUTE_SUBJECT_ID);
	const struct values *object = situation_values(s, t->other);
	bool untimed = false;

	if (!object->present) {
		attribute_set_add(missing, t->other);
		return TRUTH_UNKNOWN;
	}
	if (!s->facts)
		return TRUTH_FALSE;
	for (uint32_t i = 0; i < t->words.count; i++)
		for (uint32_t k = 0; k < object->count; k++) {
			if (object->at[k].kind != VALUE_STRING)
				continue;
			switch (facts_ask(s->facts, t->words.at[i], subject, object->at[k].text,
			    s->request->timed ? &s->request->time : NULL)) {
			case FACT_HOLDS:
				return TRUTH_TRUE;
			case FACT_UNTIMED:
				untimed = true;
				break;
			case FACT_NONE:
				break;
			}
		}
	if (!untimed)
		return TRUTH_FALSE;
	attribute_set_add(missing, ATTRIBUTE_TIME);
	return TRUTH_UNKNOWN;
}

static enum truth
judge_acr(const struct test *t, struct situation *s, struct attribute_set *missing)
{
	const struct values *v = situation_values(s, t->attribute);
	bool known = false, holds = false;

	for (uint32_t i = 0; i < v->count; i++) {
		int rank = v->at[i].word ? roles_acr(s->names, v->at[i].word) : -1;

		known = known || rank >= 0;
		holds = holds || (rank >= 0 && (rank >= t->rank) == t->flag);
	}
	/* More strength makes `at_least` true and `below` false. */
	if (!known || holds != t->flag)
		s->stronger_might_help = true;
	if (known)
		return truth_of(holds);
	attribute_set_add(missing, t->attribute);
	return TRUTH_UNKNOWN;
}

enum open_truth { OPEN_FALSE, OPEN_OPEN, OPEN_TRUE };

/* The rank of a record's labels: the highest level among them, -1 if they name none. */
int
criteria_rank(const struct values *labels, unsigned levels)
{
	int rank = -1;

	for (uint32_t i = 0; i < labels->count; i++) {
		const struct value *v = &labels->at[i];

		if (v->kind == VALUE_STRING && v->word != 0 && v->word <= levels)
			rank = (int)v->word - 1 > rank ? (int)v->word - 1 : rank;
	}
	return rank;
}

static enum open_truth
label_entry(const struct entry *e, bool permit_side, int rank, const struct values *labels)
{
	if (e->level < 0)
		return entry_among(e, labels) ? OPEN_TRUE : OPEN_FALSE;
	if (rank < 0)
		return OPEN_OPEN;
	return (permit_side ? rank <= e->level : rank >= e->level) ? OPEN_TRUE : OPEN_FALSE;
}

static enum open_truth
judge_label(const struct test *t, const struct values *v, unsigned levels)
{
	enum open_truth worst = OPEN_TRUE, best = OPEN_FALSE;
	int rank;

	if (!v->present)
		return OPEN_OPEN;
	rank = criteria_rank(v, levels);
	for (uint32_t i = 0; i < t->entries; i++) {
		enum open_truth one = label_entry(&t->entry[i], t->flag, rank, v);

		worst = one < worst ? one : worst;
		best = one > best ? one : best;
	}
	if (t->mode == MODE_ALL)
		return worst;
	return t->mode == MODE_ANY ? best : (enum open_truth)(OPEN_TRUE - best);
}

static enum open_truth
judge_date(const struct test *t, const struct values *v)
{
	enum open_truth best = v->present ? OPEN_FALSE : OPEN_OPEN;

	for (uint32_t i = 0; i < v->count && best != OPEN_TRUE; i++) {
		struct period p;
		enum date_precision precision;
		const struct interval *in = &t->interval;

		/* A date that cannot be read may lie anywhere. */
		bool known = v->at[i].kind == VALUE_STRING && clock_parse_date(v->at[i].text, &p, &precision);

		if (known && ((in->has_from && instant_compare(p.until, in->from) <= 0) ||
				 (in->has_until && instant_compare(p.from, in->until) >= 0)))
			continue;
		if (known && (!in->has_from || instant_compare(p.from, in->from) >= 0) &&
		    (!in->has_until || instant_compare(p.until, in->until) <= 0))
			best = OPEN_TRUE;
		else
			best = OPEN_OPEN;
	}
	return best;
}

static enum open_truth
judge_data(const struct test *t, const struct values *v, unsigned levels)
{
	if (t->kind == TEST_LABEL)
		return judge_label(t, v, levels);
	if (t->kind == TEST_DATE)
		return judge_date(t, v);
	if (!v->present)
		return OPEN_OPEN;
	return values_hold(t, v) ? OPEN_TRUE : OPEN_FALSE;
}

static enum truth
judge_values(const struct test *t, struct situation *s, struct attribute_set *missing)
{
	const struct values *v = situation_values(s, t->attribute);

	if (t->attribute == ATTRIBUTE_ACR)
		s->stronger_might_help = true;
	if (v->present)
		return truth_of(values_hold(t, v));
	attribute_set_add(missing, t->attribute);
	return TRUTH_UNKNOWN;
}

static enum truth
judge(const struct test *t, struct situation *s, unsigned *data, struct attribute_set *missing)
{
	enum open_truth open;

	if (t->text.size > 0) {
		open = judge_data(t, situation_values(s, t->attribute), s->levels);
		if (open == OPEN_OPEN)
			*data |= 1U << (t->attribute - DATA_FIRST);
		return truth_of(open != OPEN_FALSE);
	}
	switch (t->kind) {
	case TEST_PRESENT:
		if (t->attribute == ATTRIBUTE_ACR)
			s->stronger_might_help = true;
		return truth_of(is_there(situation_values(s, t->attribute)) == t->flag);
	case TEST_PERIOD:
		if (s->request->timed)
			return truth_of(interval_holds(&t->interval, s->request->time));
		attribute_set_add(missing, ATTRIBUTE_TIME);
		return TRUTH_UNKNOWN;
	case TEST_SAME:
		return judge_same(t, s, missing);
	case TEST_RELATION:
		return judge_relation(t, s, missing);
	case TEST_ACR:
		return judge_acr(t, s, missing);
	case TEST_VALUES:
	case TEST_LABEL:
	case TEST_DATE:
		break;
	}
	return judge_values(t, s, missing);
}

enum truth
criteria_judge(const struct criteria *c, struct situation *s, unsigned *data, struct attribute_set *missing)
{
	enum truth all = TRUTH_TRUE;

	for (uint32_t i = 0; i < c->tests; i++) {
		enum truth one = judge(&c->test[i], s, data, missing);

		if (one == TRUTH_FALSE)
			return TRUTH_FALSE;
		if (one < all)
			all = one;
	}
	return all;
}
