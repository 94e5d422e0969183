/* SPDX-License-Identifier: ISC */
#include "common/access/duties.h"

#include "common/access/override.h"

static void
add_redact(struct verdict *v, const struct item *item)
{
	uint32_t at = v->redacts++;

	v->redact[at] = item;
}

/* Exceptions and nothing else: what is excepted is what may be kept. */
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
add_items(struct verdict *v, const struct item *list, struct scratch *scratch)
{
	for (; list; list = list->next) {
		if (list->whole)
			v->keep[v->keeps++] = kept_by(list, scratch);
		else
			add_redact(v, list);
	}
}

/* ITEM, but not for what the overriding rules give. */
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
		    override_item(&v->outcome[LAYER_ORGANIZATION], c->overriding[i])->scope;
	copy->except = except;
	copy->next = NULL;
	return copy;
}

/* The items of the overriding rules in front of MORE. */
static struct keep
overriding_items(const struct verdict *v, const struct item *more, struct scratch *scratch)
{
	const struct consent *c = &v->consent;
	struct item *items = scratch_array(scratch, c->overrides, sizeof *items);

	for (uint32_t i = 0; i < c->overrides; i++) {
		items[i] = *override_item(&v->outcome[LAYER_ORGANIZATION], c->overriding[i]);
		items[i].next = i + 1 < c->overrides ? &items[i + 1] : more;
	}
	return (struct keep){ .items = items };
}

static void
consent_limits(struct verdict *v, struct scratch *scratch)
{
	const struct consent *c = &v->consent;
	uint32_t first = v->redacts;

	if (c->overrides > 0 && override_is_total(c, &v->outcome[LAYER_ORGANIZATION]))
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
		     item; item = item->next) {
			struct item one = c->overrides > 0 ? *excepting(v, item, scratch) : *item;
			struct item *copy = scratch_take(scratch, sizeof *copy);

			*copy = one;
			copy->next = NULL;
			add_items(v, copy, scratch);
		}
	/* Directives come by id, and so do the rules of each: the list of all is by rule. */
	for (uint32_t i = first + 1; i < v->redacts; i++)
		for (uint32_t k = i;
		     k > first && bytes_compare(v->redact[k - 1]->rule->id, v->redact[k]->rule->id) > 0;
		     k--) {
			const struct item *swap = v->redact[k];

			v->redact[k] = v->redact[k - 1];
			v->redact[k - 1] = swap;
		}
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
duties_of_data(struct verdict *v, struct scratch *scratch)
{
	uint32_t items = 0, lists = LAYER_CONSENT + 1 + v->consent.opinions;

	for (int i = 0; i < LAYER_CONSENT; i++)
		items += length(v->outcome[i].redact);
	for (uint32_t i = 0; i < v->consent.opinions; i++)
		items += length(v->consent.opinion[i].redact);
	v->redact = scratch_array(scratch, items, sizeof(struct item *));
	v->keep = scratch_array(scratch, items + lists, sizeof *v->keep);
	for (int i = 0; i < LAYER_CONSENT; i++) {
		const struct outcome *o = &v->outcome[i];

		if (!o->applies || o->result == RESULT_DENY || o->result == RESULT_INDETERMINATE)
			continue;
		if (!o->keep.everything)
			v->keep[v->keeps++] = o->keep;
		add_items(v, o->redact, scratch);
	}
	if (v->consent.applies)
		consent_limits(v, scratch);
}

/* A plain list of levels and nothing else; NULL if the item says more. */
static const struct test *
only_levels(const struct item *item)
{
	const struct test *label = item->scope.first[ATTRIBUTE_LABEL - DATA_FIRST];

	if (!label || label->mode != MODE_ANY || label->entries == 0 || item->excepts > 0)
		return NULL;
	for (unsigned i = 0; i < DATA_COUNT; i++)
		if (item->scope.first[i] && DATA_FIRST + i != ATTRIBUTE_LABEL)
			return NULL;
	for (uint32_t i = 0; i < label->entries; i++)
		if (label->entry[i].level < 0)
			return NULL;
	return label;
}

static bool
spend_redact(struct verdict *v, const struct item *item)
{
	const struct test *label = only_levels(item);

	for (uint32_t i = 0; label && i < label->entries; i++)
		if (label->entry[i].level <= v->level)
			v->level = label->entry[i].level - 1;
	return label != NULL;
}

static bool
spend_keep(struct verdict *v, const struct keep *keep)
{
	int highest = -1;

	for (const struct item *item = keep->items; item; item = item->next) {
		const struct test *label = only_levels(item);

		if (!label)
			return false;
		for (uint32_t i = 0; i < label->entries; i++)
			highest = label->entry[i].level > highest ? label->entry[i].level : highest;
	}
	if (highest < v->level)
		v->level = highest;
	return true;
}

void
duties_spend_levels(struct verdict *v)
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

static bool
overrides(const struct consent *c, const struct rule *rule)
{
	for (uint32_t i = 0; i < c->overrides; i++)
		if (c->overriding[i] == rule)
			return true;
	return false;
}

/* Do the obligations of RULE count for this verdict? */
static bool
rule_counts(const struct verdict *v, const struct outcome *o, uint32_t i)
{
	const struct rule *rule = &o->file->rule[i];
	const struct state *state = &o->state[i];

	if (state->holding != RULE_HOLDS)
		return false;
	if (!v->permitted)
		return o->result == RESULT_DENY && rule->effect == EFFECT_DENY && item_is_all(state->item);
	return rule->override == OVERRIDE_NO || overrides(&v->consent, rule);
}

static void
owe(struct verdict *v, const struct rule *rule)
{
	const struct request *q = v->request;

	for (uint32_t i = 0; i < rule->duties; i++) {
		struct owed *owed = &v->owed[v->owes++];

		*owed = (struct owed){ .duty = &rule->duty[i] };
		if (rule->duty[i].expires && q->timed) {
			owed->timed = true;
			owed->at = instant_add(q->time, rule->duty[i].after);
		}
	}
}

void
duties_of_rules(struct verdict *v, struct scratch *scratch)
{
	uint32_t count = 0;

	v->owes = 0;
	for (int i = 0; i < LAYER_CONSENT; i++)
		for (uint32_t k = 0; v->outcome[i].state && k < v->outcome[i].file->rules; k++)
			count += v->outcome[i].file->rule[k].duties;
	if (!v->owed)
		v->owed = scratch_array(scratch, count, sizeof *v->owed);
	for (int i = 0; i < LAYER_CONSENT; i++)
		for (uint32_t k = 0; v->outcome[i].state && k < v->outcome[i].file->rules; k++)
			if (rule_counts(v, &v->outcome[i], k))
				owe(v, &v->outcome[i].file->rule[k]);
}

static bool
lists(const struct verdict *v, unsigned attribute, const char *word, size_t size)
{
	const struct values *all = situation_values(&v->situation, attribute);

	if (!all->present)
		return true;
	for (uint32_t i = 0; i < all->count; i++)
		if (all->at[i].kind == VALUE_STRING &&
		    bytes_equal(all->at[i].text, (struct bytes){ word, size }))
			return true;
	return false;
}

static bool
can(const struct verdict *v, struct bytes type, struct bytes action)
{
	return lists(v, ATTRIBUTE_SUPPORTED_OBLIGATIONS, type.at, type.size) &&
	       lists(v, ATTRIBUTE_SUPPORTED_ACTIONS, action.at, action.size);
}

bool
duties_supported(const struct verdict *v)
{
	struct bytes custom = bytes_of("custom");

	if ((v->level_owed && !can(v, custom, bytes_of("level"))) ||
	    (v->redacts > 0 && !can(v, custom, bytes_of("redact"))) ||
	    (v->keeps > 0 && !can(v, custom, bytes_of("keep-only"))))
		return false;
	for (uint32_t i = 0; i < v->owes; i++)
		if (!can(v, v->owed[i].duty->type, v->owed[i].duty->action))
			return false;
	return true;
}
