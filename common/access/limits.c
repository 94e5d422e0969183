/* SPDX-License-Identifier: ISC */
#include "common/access/parts.h"

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

void
limits_add(struct verdict *v, const struct verdict *other, struct scratch *scratch)
{
	const struct item **redact =
	    scratch_array(scratch, v->redacts + other->redacts, sizeof(struct item *));
	struct keep *keep = scratch_array(scratch, v->keeps + other->keeps, sizeof *keep);
	uint32_t own = v->redacts;
	const struct item **sorted = scratch_array(scratch, own, sizeof(struct item *));

	if (own > 0) {
		memcpy(redact, v->redact, own * sizeof(struct item *));
		memcpy(sorted, v->redact, own * sizeof(struct item *));
	}
	if (v->keeps > 0)
		memcpy(keep, v->keep, v->keeps * sizeof *keep);
	v->redact = redact;
	v->keep = keep;
	v->spared = scratch_array(scratch, other->redacts, sizeof(struct scope *));
	if (own > 1)
		qsort(sorted, own, sizeof(struct item *), by_content);
	for (uint32_t i = 0; i < other->redacts; i++) {
		const struct item *item = other->redact[i];

		if (bsearch(&item, sorted, own, sizeof(struct item *), by_content))
			continue;
		if (item->excepts == 0)
			v->spared[v->spares++] = &item->scope;
		else
			redact[v->redacts++] = item;
	}
	for (uint32_t i = 0; i < other->keeps; i++)
		keep[v->keeps++] = other->keep[i];
}
