/* SPDX-License-Identifier: ISC */
#include "common/access/parts.h"

#include "common/policy/vocabulary.h"

#include <stdlib.h>

/* The whole record but for exceptions is redacted: the exceptions are what may be kept. */
static struct keep
kept_by(const struct item *item, struct scratch *scratch)
{
	struct item *items = scratch_array(scratch, item->excepts, sizeof *items);

	for (uint32_t i = 0; i < item->excepts; i++)
		items[i] = (struct item){ .scope = item->except[i],
			.next = i + 1 < item->excepts ? &items[i + 1] : NULL };
	return (struct keep){ .items = item->excepts > 0 ? items : NULL };
}

static void
add_item(struct verdict *v, const struct item *item, struct scratch *scratch)
{
	if (item->whole)
		v->keep[v->keeps++] = kept_by(item, scratch);
	else
		v->redact[v->redacts++] = item;
}

static const struct item *
excepting(const struct verdict *v, const struct item *item, struct scratch *scratch)
{
	const struct consent *c = &v->consent;
	struct item *copy = scratch_take(scratch, sizeof *copy);
	struct scope *except = scratch_array(scratch, item->excepts + c->overrides, sizeof *except);

	*copy = *item;
	if (item->excepts > 0)
		memcpy(except, item->except, item->excepts * sizeof *except);
	for (uint32_t i = 0; i < c->overrides; i++)
		except[copy->excepts++] =
		    consent_overriding_item(&v->outcome[LAYER_ORGANIZATION], c->overriding[i])->scope;
	copy->except = except;
	copy->next = NULL;
	return copy;
}

static struct keep
overriding_items(const struct verdict *v, const struct item *more, struct scratch *scratch)
{
	const struct consent *c = &v->consent;
	struct item *items = scratch_array(scratch, c->overrides, sizeof *items);

	for (uint32_t i = 0; i < c->overrides; i++) {
		items[i] = *consent_overriding_item(&v->outcome[LAYER_ORGANIZATION], c->overriding[i]);
		items[i].next = i + 1 < c->overrides ? &items[i + 1] : more;
	}
	return (struct keep){ .items = items };
}

struct place {
	const struct item *item;
	uint32_t number;
};

static int
by_rule(const void *a, const void *b)
{
	const struct place *left = a, *right = b;
	int order = bytes_compare(left->item->rule->id, right->item->rule->id);

	return order != 0 ? order : (left->number > right->number) - (left->number < right->number);
}

/* The rules of each directive are sorted; this sorts those of all together.  Equal ids stay as they are. */
static void
sort_by_rule(const struct item **at, uint32_t count, struct scratch *scratch)
{
	struct place *places;

	if (count < 2)
		return;
	places = scratch_array(scratch, count, sizeof *places);
	for (uint32_t i = 0; i < count; i++)
		places[i] = (struct place){ at[i], i };
	qsort(places, count, sizeof *places, by_rule);
	for (uint32_t i = 0; i < count; i++)
		at[i] = places[i].item;
}

static void
consent_limits(struct verdict *v, struct scratch *scratch)
{
	const struct consent *c = &v->consent;
	uint32_t first = v->redacts;

	if (c->overrides > 0 && consent_override_is_whole(c, &v->outcome[LAYER_ORGANIZATION]))
		return;
	if (c->overrides > 0 && c->result != RESULT_PERMIT) {
		v->keep[v->keeps++] = overriding_items(v, NULL, scratch);
		return;
	}
	for (uint32_t i = 0; i < c->opinions; i++) {
		const struct opinion *o = &c->opinion[i];

		if (o->result == RESULT_PERMIT && !o->keep.everything)
			v->keep[v->keeps++] =
			    c->overrides > 0 ? overriding_items(v, o->keep.items, scratch) : o->keep;
	}
	for (uint32_t i = 0; i < c->opinions; i++)
		for (const struct item *item = c->opinion[i].result == RESULT_PERMIT ? c->opinion[i].redact
										     : NULL;
		     item; item = item->next)
			add_item(v, c->overrides > 0 ? excepting(v, item, scratch) : item, scratch);
	sort_by_rule(v->redact + first, v->redacts - first, scratch);
}

static uint32_t
length(const struct item *list)
{
	uint32_t count = 0;

	for (; list; list = list->next)
		count++;
	return count;
}

void
limits_gather(struct verdict *v, struct scratch *scratch)
{
	uint32_t items = 0, lists = LAYER_CONSENT + 1 + v->consent.opinions;

	for (int i = 0; i < LAYER_CONSENT; i++)
		items += length(v->outcome[i].redact);
	for (uint32_t i = 0; i < v->consent.opinions; i++)
		items += length(v->consent.opinion[i].redact);
	v->redact = scratch_array(scratch, items, sizeof(struct item *));
	v->keep = scratch_array(scratch, items + lists, sizeof *v->keep);
	for (int i = 0; i < LAYER_CONSENT; i++) {
		const struct layer_outcome *o = &v->outcome[i];

		if (!o->applies || o->result == RESULT_DENY || o->result == RESULT_INDETERMINATE)
			continue;
		if (!o->keep.everything)
			v->keep[v->keeps++] = o->keep;
		for (const struct item *item = o->redact; item; item = item->next)
			add_item(v, item, scratch);
	}
	if (v->consent.applies)
		consent_limits(v, scratch);
}

static const struct criterion *
only_levels(const struct item *item)
{
	const struct criterion *label = item->scope.first[ATTRIBUTE_LABEL - DATA_FIRST];

	if (!label || label->mode != CRITERION_ANY || label->listed == 0 || item->excepts > 0)
		return NULL;
	for (unsigned i = 0; i < DATA_COUNT; i++)
		if (item->scope.first[i] && DATA_FIRST + i != ATTRIBUTE_LABEL)
			return NULL;
	for (uint32_t i = 0; i < label->listed; i++)
		if (label->list[i].level < 0)
			return NULL;
	return label;
}

static bool
spend_redact(struct verdict *v, const struct item *item)
{
	const struct criterion *label = only_levels(item);

	for (uint32_t i = 0; label && i < label->listed; i++)
		if (label->list[i].level <= v->level)
			v->level = label->list[i].level - 1;
	return label != NULL;
}

static bool
spend_keep(struct verdict *v, const struct keep *keep)
{
	int highest = -1;

	for (const struct item *item = keep->items; item; item = item->next) {
		const struct criterion *label = only_levels(item);

		if (!label)
			return false;
		for (uint32_t i = 0; i < label->listed; i++)
			highest = label->list[i].level > highest ? label->list[i].level : highest;
	}
	if (highest < v->level)
		v->level = highest;
	return true;
}

void
limits_spend(struct verdict *v)
{
	uint32_t redacts = 0, keeps = 0;

	for (uint32_t i = 0; i < v->redacts; i++)
		if (!spend_redact(v, v->redact[i]))
			v->redact[redacts++] = v->redact[i];
	for (uint32_t i = 0; i < v->keeps; i++)
		if (!spend_keep(v, &v->keep[i]))
			v->keep[keeps++] = v->keep[i];
	v->redacts = redacts;
	v->keeps = keeps;
}

static int
compare_scopes(const struct scope *a, const struct scope *b, uint32_t count)
{
	return count > 0 ? memcmp(a, b, count * sizeof *a) : 0;
}

/* Equal are items that say the same of the same rule.  The order is any. */
static int
by_content(const void *a, const void *b)
{
	const struct item *left = *(const struct item *const *)a, *right = *(const struct item *const *)b;
	uintptr_t rules[] = { (uintptr_t)left->rule, (uintptr_t)right->rule };
	int order = (rules[0] > rules[1]) - (rules[0] < rules[1]);

	if (order == 0)
		order = (left->excepts > right->excepts) - (left->excepts < right->excepts);
	if (order == 0)
		order = compare_scopes(&left->scope, &right->scope, 1);
	return order != 0 ? order : compare_scopes(left->except, right->except, left->excepts);
}

/* Makes room in V for what two more verdicts limit. */
static void
make_room(struct verdict *v, const struct verdict *all, const struct verdict *whole, struct scratch *scratch)
{
	uint32_t redacts = all->redacts + whole->redacts, keeps = all->keeps + whole->keeps;
	const struct item **redact = scratch_array(scratch, v->redacts + redacts, sizeof(struct item *));
	struct keep *keep = scratch_array(scratch, v->keeps + keeps, sizeof *keep);

	if (v->redacts > 0)
		memcpy(redact, v->redact, v->redacts * sizeof(struct item *));
	if (v->keeps > 0)
		memcpy(keep, v->keep, v->keeps * sizeof *keep);
	v->redact = redact;
	v->keep = keep;
	v->spared = scratch_array(scratch, redacts, sizeof(struct scope *));
}

static void
withhold(struct verdict *v, const struct item *item)
{
	if (item->excepts == 0)
		v->spared[v->spares++] = &item->scope;
	else
		v->redact[v->redacts++] = item;
}

static const struct item **
sorted(const struct verdict *a, const struct verdict *b, int (*order)(const void *a, const void *b),
    struct scratch *scratch)
{
	uint32_t count = a->redacts + b->redacts;
	const struct item **all = scratch_array(scratch, count, sizeof(struct item *));

	if (a->redacts > 0)
		memcpy(all, a->redact, a->redacts * sizeof(struct item *));
	if (b->redacts > 0)
		memcpy(all + a->redacts, b->redact, b->redacts * sizeof(struct item *));
	if (count > 1)
		qsort(all, count, sizeof(struct item *), order);
	return all;
}

/* True if the narrowing keeps references to the classes of C away: it names classes, and none of these. */
static bool
is_outside(const struct narrowing *n, const struct criterion *c, const struct intern *words)
{
	const struct values *classes = &n->at[ATTRIBUTE_CLASS - DATA_FIRST];

	if (!c || !classes->present)
		return false;
	for (uint32_t i = 0; i < classes->count; i++)
		if (classes->at[i].kind != VALUE_STRING ||
		    memchr(classes->at[i].text.at, '|', classes->at[i].text.size) ||
		    (classes->at[i].word != 0 && intern_set_has(c->words, classes->at[i].word)))
			return false;
	for (uint32_t i = 0; i < c->words.count; i++) {
		struct bytes class = intern_text(words, c->words.at[i]);

		if (memchr(class.at, '|', class.size) || vocabulary_is_actor(class))
			return false;
	}
	return true;
}

/* True if SCOPE says which records are meant, and so which references tell of them. */
static bool
names_records(const struct scope *s)
{
	return s->first[ATTRIBUTE_CLASS - DATA_FIRST] || s->first[ATTRIBUTE_INSTANCE - DATA_FIRST];
}

static bool
has_not(const struct criterion *c)
{
	return c && c->mode == CRITERION_NOT;
}

/* References that what is withheld by SCOPE withholds, too, pass the narrowing. */
static bool
reaches(const struct narrowing *n, const struct scope *s, const struct intern *words)
{
	const struct criterion *class = s->first[ATTRIBUTE_CLASS - DATA_FIRST];

	return names_records(s) && (has_not(class) || !is_outside(n, class, words));
}

/* True if no entry that meets the narrowing meets SCOPE. */
static bool
is_disjoint(const struct verdict *v, const struct scope *s)
{
	for (unsigned i = 0; i < DATA_COUNT; i++)
		if ((s->first[i] &&
			criteria_excludes(s->first[i], &v->narrowing.at[i], v->situation.levels)) ||
		    (s->second[i] &&
			criteria_excludes(s->second[i], &v->narrowing.at[i], v->situation.levels)))
			return true;
	return false;
}

/* What a list keeps says of references more than that it keeps no others. */
static bool
keep_reaches(const struct narrowing *n, const struct keep *keep, const struct intern *words)
{
	for (const struct item *i = keep->items; i; i = i->next) {
		const struct criterion *class = i->scope.first[ATTRIBUTE_CLASS - DATA_FIRST];

		if ((has_not(class) && !is_outside(n, class, words)) ||
		    has_not(i->scope.first[ATTRIBUTE_INSTANCE - DATA_FIRST]))
			return true;
		for (uint32_t k = 0; k < i->excepts; k++)
			if (reaches(n, &i->except[k], words))
				return true;
	}
	return false;
}

/* The order is any.  Equal are items of one rule that name the same records. */
static int
by_records(const void *a, const void *b)
{
	const struct item *left = *(const struct item *const *)a, *right = *(const struct item *const *)b;
	static const unsigned named[] = { ATTRIBUTE_CLASS - DATA_FIRST, ATTRIBUTE_INSTANCE - DATA_FIRST };
	uintptr_t x[] = { (uintptr_t)left->rule, 0, 0, 0, 0 }, y[] = { (uintptr_t)right->rule, 0, 0, 0, 0 };

	for (size_t i = 0; i < 2; i++) {
		x[1 + i] = (uintptr_t)left->scope.first[named[i]];
		x[3 + i] = (uintptr_t)left->scope.second[named[i]];
		y[1 + i] = (uintptr_t)right->scope.first[named[i]];
		y[3 + i] = (uintptr_t)right->scope.second[named[i]];
	}
	for (size_t i = 0; i < 5; i++)
		if (x[i] != y[i])
			return x[i] < y[i] ? -1 : 1;
	return 0;
}

void
limits_add(struct verdict *v, const struct verdict *all, const struct verdict *whole,
    const struct intern *words, struct scratch *scratch)
{
	static const struct verdict none = { .redacts = 0 };
	uint32_t own = v->redacts;
	const struct item **same = sorted(v, &none, by_content, scratch);
	const struct item **named = sorted(v, all, by_records, scratch);

	make_room(v, all, whole, scratch);
	for (uint32_t i = 0; i < all->redacts; i++)
		if (!bsearch(&all->redact[i], same, own, sizeof(struct item *), by_content))
			withhold(v, all->redact[i]);
	for (uint32_t i = 0; i < whole->redacts; i++)
		if ((reaches(&v->narrowing, &whole->redact[i]->scope, words) ||
			!is_disjoint(v, &whole->redact[i]->scope)) &&
		    !bsearch(&whole->redact[i], named, own + all->redacts, sizeof(struct item *), by_records))
			withhold(v, whole->redact[i]);
	for (uint32_t i = 0; i < all->keeps; i++)
		v->keep[v->keeps++] = all->keep[i];
	for (uint32_t i = 0; i < whole->keeps; i++)
		if (keep_reaches(&v->narrowing, &whole->keep[i], words))
			v->keep[v->keeps++] = whole->keep[i];
}
