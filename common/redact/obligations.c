/* SPDX-License-Identifier: ISC */
#include "common/redact/obligations.h"

#include "common/base/buffer.h"
#include "common/base/memory.h"
#include "common/policy/codes.h"
#include "common/policy/vocabulary.h"
#include "common/redact/token.h"

#include <stdlib.h>
#include <string.h>

struct obligation_reading {
	struct obligations *o;
	const struct json *json;
	struct buffer room;
	const char *why;
};

struct obligations *
obligations_new(const struct policy *p)
{
	struct obligations *o = memory_zeros(1, sizeof *o);

	o->policy = p;
	return o;
}

void
obligations_free(struct obligations *o)
{
	if (o == NULL)
		return;
	free(o->demands);
	arena_release(&o->arena);
	free(o);
}

static bool
deny(struct obligation_reading *r, const char *why)
{
	r->why = why;
	return false;
}

static bool
read_text(struct obligation_reading *r, uint32_t node, struct bytes *text)
{
	if (json_kind(r->json, node) != JSON_STRING)
		return deny(r, "an obligation names a value that is no text");
	*text = arena_copy(&r->o->arena, json_string(r->json, node, &r->room));
	return text->size > 0 || deny(r, "an obligation names an empty value");
}

static void
split(struct demand_value *v)
{
	const char *bar = memchr(v->text.at, '|', v->text.size);

	v->code = v->text;
	if (bar == NULL)
		return;
	v->system = (struct bytes){ v->text.at, (size_t)(bar - v->text.at) };
	v->code = (struct bytes){ bar + 1, (size_t)(v->text.at + v->text.size - bar) - 1 };
}

static bool
is_fhir(const struct obligations *o)
{
	return o->policy->record != NULL && yaml_find(o->policy->record, "roots") != NULL;
}

/* A record type, bare or under its system; any other class is a code that the root has, or a content type. */
static bool
read_class(struct obligation_reading *r, struct demand_value *v)
{
	struct bytes types = vocabulary_system(VOCABULARY_RESOURCE_TYPE);
	const struct concept *type;

	if (v->system.size > 0 && codes_same_system(v->system, types))
		v->system.size = 0;
	if (v->system.size > 0) {
		enum class_shown shown = codes_class_shown(v->system, v->code);

		v->by_content = shown == CLASS_BY_CONTENT_TYPE;
		v->number = v->by_content ? 0 : r->o->codes++;
		if (shown == CLASS_NOT_SHOWN)
			return deny(r, "an obligation names a class that no record shows");
		return v->code.size > 0 || deny(r, "an obligation names a class that has no code");
	}
	type = vocabulary_find(VOCABULARY_RESOURCE_TYPE, v->code);
	return !is_fhir(r->o) || (type != NULL && type->status != CONCEPT_ABSTRACT) ||
	       deny(r, "an obligation names a class that FHIR does not have");
}

static bool
read_label(struct obligation_reading *r, struct demand_value *v)
{
	static const enum vocabulary sets[] = { VOCABULARY_SENSITIVITY, VOCABULARY_PRIVACY_LAW };
	struct bytes levels = vocabulary_system(VOCABULARY_CONFIDENTIALITY);

	if (v->system.size == 0 || codes_same_system(v->system, levels))
		v->level = policy_level(r->o->policy, v->code);
	for (size_t i = 0; v->level < 0 && i < sizeof sets / sizeof sets[0]; i++) {
		const struct concept *c = vocabulary_find(sets[i], v->code);

		if (c != NULL &&
		    (v->system.size == 0 || codes_same_system(v->system, vocabulary_system(sets[i]))))
			v->categories = vocabulary_labels_below(sets[i], c);
	}
	return v->level >= 0 || v->categories != 0 ||
	       deny(r, "an obligation names a label that is no level, no category and no law");
}

static void
read_reference(struct demand_value *v)
{
	v->type.size = 0;
	v->id = v->text;
	if (bytes_begin(v->text, "urn:uuid:"))
		v->id = bytes_behind(v->text, 9);
	else if (!token_reference(v->text, &v->type, &v->id)) {
		v->type.size = 0;
		v->id = v->text;
	}
}

static bool
read_value(struct obligation_reading *r, enum demand_kind kind, uint32_t node, struct demand_value *v)
{
	if (!read_text(r, node, &v->text))
		return false;
	v->level = -1;
	split(v);
	switch (kind) {
	case DEMAND_CLASS:
		return read_class(r, v);
	case DEMAND_LABEL:
		return read_label(r, v);
	case DEMAND_CODE:
		v->number = r->o->codes++;
		return v->code.size > 0 || deny(r, "an obligation names a code that is empty");
	case DEMAND_AUTHOR:
	case DEMAND_RELATED:
	case DEMAND_INSTANCE:
		read_reference(v);
		return true;
	case DEMAND_DATE:
	case DEMAND_COUNT:
		break;
	}
	return false;
}

/* One value or a list of them. */
static bool
read_list(struct obligation_reading *r, enum demand_kind kind, uint32_t node, struct demand *d)
{
	const struct json *j = r->json;
	bool is_list = json_kind(j, node) == JSON_ARRAY;
	uint32_t count = is_list ? json_count(j, node) : 1;
	uint32_t i = is_list ? node + 1 : node;

	d->value = arena_array(&r->o->arena, count + 1, sizeof d->value[0]);
	for (d->values = 0; d->values < count; i = j->nodes[i].next)
		if (!read_value(r, kind, i, &d->value[d->values++]))
			return false;
	return true;
}

/* {"from":"2020","until":"2021-03"}: both are whole periods, and either may be absent. */
static bool
read_date(struct obligation_reading *r, uint32_t node, struct demand *d)
{
	const struct json *j = r->json;
	enum date_precision precision;
	struct bytes text;

	d->period = (struct period){ { INT64_MIN, 0 }, { INT64_MAX, 0 } };
	if (json_kind(j, node) != JSON_OBJECT || json_count(j, node) == 0)
		return deny(r, "an obligation names a date that is no period");
	for (uint32_t k = node + 1; k < j->nodes[node].next; k = j->nodes[k].next) {
		bool from = json_is(j, k, (struct bytes)BYTES("from"));
		struct period p;

		if ((!from && !json_is(j, k, (struct bytes)BYTES("until"))) || !read_text(r, k + 1, &text) ||
		    !clock_parse_date(text, &p, &precision))
			return deny(r, "an obligation names a date that is no period");
		if (from)
			d->period.from = p.from;
		else
			d->period.until = p.until;
	}
	return instant_compare(d->period.from, d->period.until) < 0 ||
	       deny(r, "an obligation names a date that is no period");
}

/* A list, {"not":[..]} or {"all":[..]}. */
static bool
read_demand(struct obligation_reading *r, enum demand_kind kind, uint32_t node, struct demands *to)
{
	const struct json *j = r->json;
	struct demand *d = &to->of[kind];

	d->there = true;
	d->mode = DEMAND_ANY;
	to->on_entries |= kind >= DEMAND_CODE;
	r->o->on_entries |= kind >= DEMAND_CODE;
	r->o->on_labels |= kind == DEMAND_LABEL;
	if (kind == DEMAND_DATE)
		return read_date(r, node, d);
	if (json_kind(j, node) == JSON_OBJECT) {
		if (json_count(j, node) != 1)
			return deny(r, "an obligation has a demand that is not understood");
		if (json_is(j, node + 1, (struct bytes)BYTES("not")))
			d->mode = DEMAND_NOT;
		else if (json_is(j, node + 1, (struct bytes)BYTES("all")))
			d->mode = DEMAND_ALL;
		else
			return deny(r, "an obligation has a demand that is not understood");
		node += 2;
	}
	d->up = to->lenient != (d->mode == DEMAND_NOT);
	return read_list(r, kind, node, d);
}

static struct demands *
add_demands(struct obligations *o, bool lenient)
{
	struct demands *d = arena_take(&o->arena, sizeof *d);

	if (o->count == o->room) {
		o->room = o->room > 0 ? 2 * o->room : 16;
		o->demands = memory_grow(o->demands, o->room, sizeof(struct demands *));
	}
	d->lenient = lenient;
	d->number = o->count;
	o->demands[o->count++] = d;
	return d;
}

static int
kind_named(const struct json *j, uint32_t key)
{
	static const char *const names[DEMAND_COUNT] = {
		[DEMAND_CLASS] = "class",
		[DEMAND_DATE] = "date",
		[DEMAND_AUTHOR] = "author",
		[DEMAND_RELATED] = "related",
		[DEMAND_INSTANCE] = "instance",
		[DEMAND_CODE] = "code",
		[DEMAND_LABEL] = "label",
	};

	for (int i = 0; i < DEMAND_COUNT; i++)
		if (json_is(j, key, bytes_of(names[i])))
			return i;
	return -1;
}

static bool
is_one_of(const struct json *j, uint32_t key, const char *const names[])
{
	for (size_t i = 0; names[i] != NULL; i++)
		if (json_is(j, key, bytes_of(names[i])))
			return true;
	return false;
}

/* The demands among the members of NODE; other members must be among OTHERS. */
static bool
read_demands(struct obligation_reading *r, uint32_t node, const char *const others[], struct demands *d)
{
	const struct json *j = r->json;

	if (json_kind(j, node) != JSON_OBJECT)
		return deny(r, "an obligation has an item that is not understood");
	for (uint32_t k = node + 1; k < j->nodes[node].next; k = j->nodes[k].next) {
		int kind = kind_named(j, k);

		if (kind < 0 && !is_one_of(j, k, others))
			return deny(r, "an obligation has a member that is not understood");
		if (kind >= 0 && !read_demand(r, (enum demand_kind)kind, k + 1, d))
			return false;
	}
	return true;
}

static bool
demands_any(const struct demands *d)
{
	for (int i = 0; i < DEMAND_COUNT; i++)
		if (d->of[i].there)
			return true;
	return false;
}

/* An item among the members of NODE.  LENIENT: of a redaction. */
static bool
read_item(struct obligation_reading *r, uint32_t node, const char *const others[], bool lenient,
    struct obligation_item *item)
{
	static const char *const none[] = { NULL };
	const struct json *j = r->json;
	uint32_t list;

	item->wanted = add_demands(r->o, lenient);
	if (!read_demands(r, node, others, item->wanted))
		return false;
	list = json_member(j, node, (struct bytes)BYTES("except"));
	if (list == 0)
		return true;
	if (json_kind(j, list) != JSON_ARRAY)
		return deny(r, "an obligation has exceptions that are no list");
	item->except = arena_array(&r->o->arena, json_count(j, list) + 1, sizeof(struct demands *));
	for (uint32_t i = list + 1; i < j->nodes[list].next; i = j->nodes[i].next) {
		struct demands *d = add_demands(r->o, !lenient);

		item->except[item->excepts++] = d;
		if (!read_demands(r, i, none, d))
			return false;
		if (!demands_any(d))
			return deny(r, "an obligation has an exception that does not say what");
	}
	return true;
}

static bool
read_redact(struct obligation_reading *r, uint32_t properties)
{
	static const char *const others[] = { "vendor", "action", "rule", "except", NULL };
	struct obligation_item *item = arena_take(&r->o->arena, sizeof *item);

	if (!read_item(r, properties, others, true, item))
		return false;
	item->next = r->o->redact;
	r->o->redact = item;
	return demands_any(item->wanted) || deny(r, "an obligation to redact does not say what");
}

static bool
read_keep(struct obligation_reading *r, uint32_t properties)
{
	static const char *const members[] = { "vendor", "action", "rule", "any_of", NULL };
	static const char *const others[] = { "except", NULL };
	const struct json *j = r->json;
	uint32_t list = json_member(j, properties, (struct bytes)BYTES("any_of"));
	struct obligation_keep *keep = arena_take(&r->o->arena, sizeof *keep);

	for (uint32_t k = properties + 1; k < j->nodes[properties].next; k = j->nodes[k].next)
		if (!is_one_of(j, k, members))
			return deny(r, "an obligation has a member that is not understood");
	if (list == 0 || json_kind(j, list) != JSON_ARRAY)
		return deny(r, "an obligation to keep-only does not say what");
	for (uint32_t i = list + 1; i < j->nodes[list].next; i = j->nodes[i].next) {
		struct obligation_item *item = arena_take(&r->o->arena, sizeof *item);

		item->next = keep->items;
		keep->items = item;
		if (!read_item(r, i, others, false, item))
			return false;
	}
	keep->next = r->o->keep;
	r->o->keep = keep;
	return true;
}

bool
obligations_add(struct obligations *o, const struct json *j, uint32_t properties, const char **why)
{
	struct obligation_reading r = { .o = o, .json = j };
	uint32_t action = json_member(j, properties, (struct bytes)BYTES("action"));
	bool done = false;

	buffer_init(&r.room, BUFFER_UNLIMITED);
	if (action != 0 && json_is(j, action, (struct bytes)BYTES("redact")))
		done = read_redact(&r, properties);
	else if (action != 0 && json_is(j, action, (struct bytes)BYTES("keep-only")))
		done = read_keep(&r, properties);
	else
		r.why = "an obligation is neither to redact nor to keep-only";
	buffer_release(&r.room);
	*why = r.why;
	return done;
}
