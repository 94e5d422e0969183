/* SPDX-License-Identifier: ISC */
#include "common/access/criteria.h"

#include "common/access/narrowing.h"
#include "common/base/decimal.h"
#include "common/base/fold.h"
#include "common/base/memory.h"

#include <stdlib.h>

static const struct values missing_values = { 0 };

const struct values *
situation_values(const struct situation *s, unsigned attribute)
{
	const struct values *v = &s->request->at[attribute];

	return v->present && !(s->custodian && v->distrusted) ? v : &missing_values;
}

const struct roles_group *
criteria_group(const struct roles *roles, unsigned attribute, uint32_t word)
{
	switch (attribute) {
	case ATTRIBUTE_STRUCTURAL_ROLE:
	case ATTRIBUTE_FUNCTIONAL_ROLE:
		return roles_find_group(roles, GROUP_ROLE, word);
	case ATTRIBUTE_ACTION_NAME:
		return roles_find_group(roles, GROUP_ACTION, word);
	case ATTRIBUTE_CLASS:
		return roles_find_group(roles, GROUP_CLASS, word);
	default:
		return NULL;
	}
}

static bool
listed_is(const struct listed *e, const struct value *v)
{
	if (e->value.kind == VALUE_STRING)
		return v->kind == VALUE_STRING && v->word != 0 && intern_set_has(e->words, v->word);
	return request_same_value(&e->value, v);
}

static bool
criterion_matches(const struct criterion *c, const struct value *v)
{
	if (c->plain_words)
		return v->kind == VALUE_STRING && v->word != 0 && intern_set_has(c->words, v->word);
	for (uint32_t i = 0; i < c->listed; i++)
		if (listed_is(&c->list[i], v))
			return true;
	return false;
}

static bool
listed_among(const struct listed *e, const struct values *v)
{
	for (uint32_t i = 0; i < v->count; i++)
		if (listed_is(e, &v->at[i]))
			return true;
	return false;
}

static bool
some_match(const struct criterion *c, const struct values *v)
{
	for (uint32_t i = 0; i < v->count; i++)
		if (criterion_matches(c, &v->at[i]))
			return true;
	return false;
}

bool
criteria_covers(const struct criterion *c, const struct values *v)
{
	for (uint32_t i = 0; i < v->count; i++)
		if (!criterion_matches(c, &v->at[i]))
			return false;
	return true;
}

static bool
values_hold(const struct criterion *c, const struct values *v)
{
	if (c->mode != CRITERION_ALL)
		return some_match(c, v) == (c->mode == CRITERION_ANY);
	for (uint32_t i = 0; i < c->listed; i++)
		if (!listed_among(&c->list[i], v))
			return false;
	return true;
}

static enum truth
truth_of(bool holds)
{
	return holds ? TRUTH_TRUE : TRUTH_FALSE;
}

/* Whether a letter or a digit of any script is in it. */
static bool
has_word(struct bytes text)
{
	struct fold f;
	struct bytes folded;
	size_t at = 0;

	if (ascii_is_alnum(bytes_at(text, 0)))
		return true;
	fold_init(&f);
	fold_text(&f, text);
	folded = buffer_bytes(&f.lower);
	while (at < folded.size && !fold_is_word(folded.at[at]))
		at++;
	fold_release(&f);
	return at < folded.size;
}

/* False, and a string of blanks and signs alone, says that there is nothing: neither justifies anything. */
static bool
says_something(const struct value *v)
{
	return v->kind == VALUE_STRING ? has_word(v->text) : v->kind != VALUE_FALSE;
}

static bool
is_there(const struct values *v)
{
	for (uint32_t i = 0; v->present && i < v->count; i++)
		if (says_something(&v->at[i]))
			return true;
	return false;
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

/* Sorts one list and looks the members of the other up, so that long lists take no quadratic time. */
static bool
in_common_sorted(const struct values *few, const struct values *many)
{
	struct value *sorted = memory_grow(NULL, many->count, sizeof *sorted);
	bool found = false;

	memcpy(sorted, many->at, many->count * sizeof *sorted);
	qsort(sorted, many->count, sizeof *sorted, by_value);
	for (uint32_t i = 0; i < few->count && !found; i++) {
		const struct value *hit = bsearch(&few->at[i], sorted, many->count, sizeof *sorted, by_value);

		found = hit && request_same_value(hit, &few->at[i]);
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
			if (request_same_value(&a->at[i], &b->at[k]))
				return true;
	return false;
}

static enum truth
judge_same(const struct criterion *c, const struct situation *s, struct attribute_set *missing)
{
	const struct values *a = situation_values(s, c->attribute), *b = situation_values(s, c->other);

	if (!a->present || !b->present) {
		attribute_set_add(missing, a->present ? c->other : c->attribute);
		return TRUTH_UNKNOWN;
	}
	return truth_of(in_common(a, b));
}

static enum truth
judge_relation(const struct criterion *c, const struct situation *s, struct attribute_set *missing)
{
	const struct fact_subject subject = { request_string(s->request, ATTRIBUTE_SUBJECT_ID),
		request_string(s->request, ATTRIBUTE_SUBJECT_DOMAIN), s->request->foreign };
	const struct values *object = situation_values(s, c->other);
	bool untimed = false, somebody = false;

	if (!object->present) {
		attribute_set_add(missing, c->other);
		return TRUTH_UNKNOWN;
	}
	if (!s->facts)
		return TRUTH_FALSE;
	for (uint32_t i = 0; i < c->words.count; i++)
		for (uint32_t k = 0; k < object->count; k++) {
			if (object->at[k].kind != VALUE_STRING)
				continue;
			switch (facts_ask(s->facts, c->words.at[i], &subject, object->at[k].text,
			    s->request->timed ? &s->request->time : NULL)) {
			case FACT_HOLDS:
				return TRUTH_TRUE;
			case FACT_UNTIMED:
				untimed = true;
				break;
			case FACT_OF_SOMEBODY:
				somebody = true;
				break;
			case FACT_NONE:
				break;
			}
		}
	if (untimed)
		attribute_set_add(missing, ATTRIBUTE_TIME);
	if (somebody)
		attribute_set_add(missing, ATTRIBUTE_SUBJECT_DOMAIN);
	return untimed || somebody ? TRUTH_UNKNOWN : TRUTH_FALSE;
}

static enum truth
judge_acr(const struct criterion *c, struct situation *s, struct attribute_set *missing)
{
	const struct values *v = situation_values(s, c->attribute);
	bool known = false, holds = false;

	for (uint32_t i = 0; i < v->count; i++) {
		int rank = v->at[i].word ? roles_acr(s->roles, v->at[i].word) : -1;

		known = known || rank >= 0;
		holds = holds || (rank >= 0 && (rank >= c->rank) == c->flag);
	}
	/* A stronger acr can only make `at_least` true and `below` false. */
	if (!known || holds != c->flag)
		s->stronger_might_help = true;
	if (known)
		return truth_of(holds);
	attribute_set_add(missing, c->attribute);
	return TRUTH_UNKNOWN;
}

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

/*
 * What E says of an entry that has LABELS and no others.  A level means itself and all above it on the side
 * of a deny, itself and all below it on the side of a permit.
 */
static enum truth
judge_label(const struct listed *e, bool permit_side, int rank, const struct values *labels)
{
	if (e->level < 0)
		return truth_of(listed_among(e, labels));
	if (rank < 0)
		return TRUTH_UNKNOWN;
	return truth_of(permit_side ? rank <= e->level : rank >= e->level);
}

/*
 * What E says of every entry that meets a narrowing by LABELS.  Such entries may have more labels, and a
 * level keeps those at it and below, so only one answer of judge_label() is sure.
 */
static enum truth
settled_label(const struct listed *e, bool permit_side, int rank, const struct values *labels)
{
	enum truth judged = judge_label(e, permit_side, rank, labels);
	enum truth sure = e->level < 0 || permit_side ? TRUTH_TRUE : TRUTH_FALSE;

	return judged == sure ? sure : TRUTH_UNKNOWN;
}

static enum truth
judge_labels(const struct criterion *c, const struct values *v, unsigned levels,
    enum truth (*judge_one)(const struct listed *e, bool permit_side, int rank, const struct values *labels))
{
	enum truth any = TRUTH_FALSE, all = TRUTH_TRUE;
	int rank = criteria_rank(v, levels);

	for (uint32_t i = 0; i < c->listed; i++) {
		enum truth one = judge_one(&c->list[i], c->flag, rank, v);

		any = truth_or(any, one);
		all = truth_and(all, one);
	}
	if (c->mode == CRITERION_ALL)
		return all;
	return c->mode == CRITERION_ANY ? any : truth_not(any);
}

/* A date that cannot be read may lie anywhere, so it leaves the criterion open. */
static enum truth
judge_date(const struct interval *in, const struct value *date)
{
	struct period p;
	enum date_precision precision;

	if (date->kind != VALUE_STRING || !clock_parse_date(date->text, &p, &precision))
		return TRUTH_UNKNOWN;
	if ((in->has_from && instant_compare(p.until, in->from) <= 0) ||
	    (in->has_until && instant_compare(p.from, in->until) >= 0))
		return TRUTH_FALSE;
	if ((!in->has_from || instant_compare(p.from, in->from) >= 0) &&
	    (!in->has_until || instant_compare(p.until, in->until) <= 0))
		return TRUTH_TRUE;
	return TRUTH_UNKNOWN;
}

/* What C says of an entry that has exactly the values V. */
static enum truth
judge_data(const struct criterion *c, const struct values *v, unsigned levels)
{
	enum truth any = TRUTH_FALSE;

	if (!v->present)
		return TRUTH_UNKNOWN;
	if (c->kind == CRITERION_LABEL)
		return judge_labels(c, v, levels, judge_label);
	if (c->kind != CRITERION_DATE)
		return truth_of(values_hold(c, v));
	for (uint32_t i = 0; i < v->count && any != TRUTH_TRUE; i++)
		any = truth_or(any, judge_date(&c->interval, &v->at[i]));
	return any;
}

static enum truth
settled_date(const struct criterion *c, const struct values *v)
{
	bool inside = true, outside = true;

	for (uint32_t i = 0; i < v->count; i++) {
		enum truth in = judge_date(&c->interval, &v->at[i]);

		inside = inside && in == TRUTH_TRUE;
		outside = outside && in == TRUTH_FALSE;
	}
	return outside ? TRUTH_FALSE : inside ? TRUTH_TRUE : TRUTH_UNKNOWN;
}

/* What C says of every entry that meets a narrowing by V: true of all, false of all, else unknown. */
static enum truth
settled(const struct criterion *c, const struct values *v, unsigned levels)
{
	bool any = narrowing_any(c->attribute);
	enum truth found;

	if (!v->present)
		return TRUTH_UNKNOWN;
	if (c->kind == CRITERION_LABEL)
		return judge_labels(c, v, levels, settled_label);
	if (c->kind == CRITERION_DATE)
		return settled_date(c, v);
	if (c->mode == CRITERION_ALL && c->listed != 1)
		return TRUTH_UNKNOWN;
	if (some_match(c, v))
		found = any && !criteria_covers(c, v) ? TRUTH_UNKNOWN : TRUTH_TRUE;
	else
		found = any ? TRUTH_FALSE : TRUTH_UNKNOWN;
	return c->mode == CRITERION_NOT ? truth_not(found) : found;
}

bool
criteria_excludes(const struct criterion *c, const struct values *v, unsigned levels)
{
	return settled(c, v, levels) == TRUTH_FALSE;
}

static enum truth
judge_values(const struct criterion *c, struct situation *s, struct attribute_set *missing)
{
	const struct values *v = situation_values(s, c->attribute);

	if (c->attribute == ATTRIBUTE_ACR)
		s->stronger_might_help = true;
	if (v->present)
		return truth_of(values_hold(c, v));
	attribute_set_add(missing, c->attribute);
	return TRUTH_UNKNOWN;
}

static enum truth
judge(const struct criterion *c, struct situation *s, unsigned *data, struct attribute_set *missing)
{
	enum truth truth;

	if (c->text.size > 0) {
		truth = s->narrowed ? settled(c, &s->narrowed[c->attribute - DATA_FIRST], s->levels)
				    : judge_data(c, situation_values(s, c->attribute), s->levels);
		if (truth == TRUTH_UNKNOWN)
			*data |= 1U << (c->attribute - DATA_FIRST);
		return truth_of(truth != TRUTH_FALSE);
	}
	switch (c->kind) {
	case CRITERION_PRESENT:
		if (c->attribute == ATTRIBUTE_ACR)
			s->stronger_might_help = true;
		return truth_of(is_there(situation_values(s, c->attribute)) == c->flag);
	case CRITERION_PERIOD:
		if (s->request->timed)
			return truth_of(interval_holds(&c->interval, s->request->time));
		attribute_set_add(missing, ATTRIBUTE_TIME);
		return TRUTH_UNKNOWN;
	case CRITERION_SAME:
		return judge_same(c, s, missing);
	case CRITERION_RELATION:
		return judge_relation(c, s, missing);
	case CRITERION_ACR:
		return judge_acr(c, s, missing);
	case CRITERION_VALUES:
	case CRITERION_LABEL:
	case CRITERION_DATE:
		break;
	}
	return judge_values(c, s, missing);
}

enum truth
criteria_judge(const struct criteria *c, struct situation *s, unsigned *data, struct attribute_set *missing)
{
	enum truth all = TRUTH_TRUE;

	for (uint32_t i = 0; i < c->count; i++) {
		enum truth one = judge(&c->at[i], s, data, missing);

		if (one == TRUTH_FALSE)
			return TRUTH_FALSE;
		all = truth_and(all, one);
	}
	return all;
}
