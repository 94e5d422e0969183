/* SPDX-License-Identifier: ISC */
#include "common/access/request.h"

#include "common/access/reader.h"
#include "common/base/decimal.h"
#include "common/policy/codes.h"
#include "common/policy/vocabulary.h"

static const char *const places[PLACE_COUNT] = { "subject", "action", "resource", "context" };

static const struct {
	enum request_place place;
	enum attribute_kind kind;
	const char *key;
	const char *name;
} fixed[ATTRIBUTES_FIXED] = {
#define NAME_SUBJECT "subject."
#define NAME_ACTION "action."
#define NAME_RESOURCE "resource."
#define NAME_CONTEXT "context."
#define ATTRIBUTE(name, place, kind, key) { PLACE_##place, ATTRIBUTE_##kind, key, NAME_##place key },
#include "common/access/attributes.def"
#undef ATTRIBUTE
};

static void
append(struct attributes *a, struct attribute new)
{
	unsigned at = a->count;

	new.json = json_keys_add(a->keys, new.key);
	a->at[a->count++] = new;
	for (; at > 0 && bytes_compare(a->at[a->order[at - 1]].name, new.name) > 0; at--)
		a->order[at] = a->order[at - 1];
	a->order[at] = (uint8_t)(a->count - 1);
}

void
attributes_init(struct attributes *a, struct json_keys *keys)
{
	*a = (struct attributes){ .keys = keys };
	for (unsigned i = 0; i < ATTRIBUTES_FIXED; i++)
		append(a, (struct attribute){ .place = fixed[i].place,
			      .kind = fixed[i].kind,
			      .key = bytes_of(fixed[i].key),
			      .name = bytes_of(fixed[i].name) });
}

bool
attributes_add(struct attributes *a, struct arena *arena, enum request_place place, struct bytes key)
{
	if (attributes_find(a, place, key) >= 0)
		return true;
	if (a->count == ATTRIBUTES_MAX)
		return false;
	append(
	    a, (struct attribute){ .place = place,
		   .kind = ATTRIBUTE_ORDINARY,
		   .key = arena_copy(arena, key),
		   .name = bytes_of(arena_format(arena, "%s.%.*s", places[place], (int)key.size, key.at)) });
	return true;
}

int
attributes_find(const struct attributes *a, enum request_place place, struct bytes key)
{
	for (unsigned i = 0; i < a->count; i++)
		if (a->at[i].place == place && bytes_equal(a->at[i].key, key))
			return (int)i;
	return -1;
}

int
attributes_named(const struct attributes *a, struct bytes name)
{
	for (unsigned i = 0; i < a->count; i++)
		if (bytes_equal(a->at[i].name, name))
			return (int)i;
	return -1;
}

struct closest
attributes_near(const struct attributes *a, enum request_place place, struct bytes text)
{
	struct closest c = closest_to(text);

	for (unsigned i = 0; i < a->count; i++)
		if (place == PLACE_COUNT || a->at[i].place == place)
			closest_offer(&c, place == PLACE_COUNT ? a->at[i].name : a->at[i].key);
	return c;
}

void
attributes_ready(struct attributes *a, struct arena *arena)
{
	for (unsigned i = 0; i < a->count; i++)
		if (a->at[i].json >= a->by_keys)
			a->by_keys = (size_t)a->at[i].json + 1;
	for (int place = 0; place < PLACE_COUNT; place++)
		a->by_key[place] = arena_array(arena, a->by_keys, 1);
	for (unsigned i = 0; i < a->count; i++)
		if (a->at[i].kind != ATTRIBUTE_TOP)
			a->by_key[a->at[i].place][a->at[i].json] = (uint8_t)(i + 1);
}

void
request_keys(struct request_reader *r, struct json_keys *keys)
{
	r->key_subject = json_keys_add(keys, bytes_of("subject"));
	r->key_action = json_keys_add(keys, bytes_of("action"));
	r->key_resource = json_keys_add(keys, bytes_of("resource"));
	r->key_context = json_keys_add(keys, bytes_of("context"));
	r->key_id = json_keys_add(keys, bytes_of("id"));
	r->key_type = json_keys_add(keys, bytes_of("type"));
	r->key_name = json_keys_add(keys, bytes_of("name"));
	r->key_properties = json_keys_add(keys, bytes_of("properties"));
}

static struct bytes
unescaped(struct request_reader *r, uint32_t node)
{
	struct bytes inside = json_inside(r->json, node);
	struct buffer room;

	if (!(r->json->nodes[node].flags & JSON_ESCAPED))
		return inside;
	/* An unescaped string is never longer. */
	room = (struct buffer){ .at = scratch_take(r->scratch, inside.size + 1),
		.room = inside.size + 1,
		.limit = inside.size + 1 };
	return json_string(r->json, node, &room);
}

static bool
names_patient(unsigned attribute)
{
	return attribute == ATTRIBUTE_RESOURCE_PATIENT || attribute == ATTRIBUTE_SUBJECT_PATIENT;
}

struct bytes
request_code(unsigned attribute, struct bytes text)
{
	static const struct {
		unsigned attribute;
		enum vocabulary vocabulary;
	} usual[] = { { ATTRIBUTE_CLASS, VOCABULARY_RESOURCE_TYPE },
		{ ATTRIBUTE_LABEL, VOCABULARY_CONFIDENTIALITY }, { ATTRIBUTE_LABEL, VOCABULARY_SENSITIVITY },
		{ ATTRIBUTE_PURPOSE, VOCABULARY_PURPOSE } };

	const char *bar = text.size > 0 ? memrchr(text.at, '|', text.size) : NULL;
	size_t before = bar ? (size_t)(bar - text.at) : 0;

	if (names_patient(attribute))
		return reader_patient(text);
	if (before == 0)
		return text;
	for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
		if (usual[i].attribute == attribute && codes_same_system((struct bytes){ text.at, before },
							   vocabulary_system(usual[i].vocabulary)))
			return (struct bytes){ bar + 1, text.size - before - 1 };
	return text;
}

/* Makes of the values what policies are compiled with. */
static void
strip(struct request_reader *r, struct values *v, unsigned attribute)
{
	struct value *at;
	bool any = false;

	for (uint32_t i = 0; i < v->count; i++)
		any = any || (v->at[i].kind == VALUE_STRING &&
				 request_code(attribute, v->at[i].text).size != v->at[i].text.size);
	if (!any)
		return;
	at = scratch_array(r->scratch, v->count, sizeof *at);
	memcpy(at, v->at, v->count * sizeof *at);
	for (uint32_t i = 0; i < v->count; i++)
		if (at[i].kind == VALUE_STRING) {
			at[i].text = request_code(attribute, at[i].text);
			at[i].word = intern_find(r->words, at[i].text);
		}
	v->at = at;
}

static bool
read_scalar(struct request_reader *r, uint32_t node, struct value *v)
{
	switch (json_kind(r->json, node)) {
	case JSON_STRING:
		v->kind = VALUE_STRING;
		v->text = unescaped(r, node);
		v->word = intern_find(r->words, v->text);
		return true;
	case JSON_NUMBER:
		v->kind = VALUE_NUMBER;
		v->text = json_span(r->json, node);
		return true;
	case JSON_TRUE:
		v->kind = VALUE_TRUE;
		return true;
	case JSON_FALSE:
		v->kind = VALUE_FALSE;
		return true;
	case JSON_NULL:
	case JSON_ARRAY:
	case JSON_OBJECT:
	case JSON_KEY:
		break;
	}
	return false;
}

static struct values
read_values(struct request_reader *r, uint32_t node)
{
	const struct json_node *nodes = r->json->nodes;
	struct values none = { 0 }, all = { .present = true };
	struct value *at;

	if (json_kind(r->json, node) != JSON_ARRAY) {
		at = scratch_take(r->scratch, sizeof *at);
		all.count = 1;
		all.at = at;
		return read_scalar(r, node, at) ? all : none;
	}
	/* In a list that holds scalars only, each has one node. */
	at = scratch_array(r->scratch, nodes[node].next - node, sizeof *at);
	all.at = at;
	for (uint32_t i = node + 1; i < nodes[node].next; i = nodes[i].next)
		if (!read_scalar(r, i, &at[all.count++]))
			return none;
	return all;
}

/* A data criterion that is none must not widen the request to the whole record: nothing meets it. */
static struct values
no_values(struct request_reader *r)
{
	return (struct values){ .present = true, .at = scratch_take(r->scratch, sizeof(struct value)) };
}

struct values
request_values(struct request_reader *r, unsigned attribute, uint32_t node)
{
	struct values v = read_values(r, node);

	if (!v.present && attribute >= DATA_FIRST && attribute < DATA_FIRST + DATA_COUNT &&
	    json_kind(r->json, node) != JSON_NULL)
		return no_values(r);
	if (attribute == ATTRIBUTE_CLASS || attribute == ATTRIBUTE_LABEL || attribute == ATTRIBUTE_PURPOSE ||
	    names_patient(attribute))
		strip(r, &v, attribute);
	return v;
}

void
request_parts_read(const struct request_reader *r, uint32_t node, struct request_parts *p)
{
	const struct {
		uint16_t key;
		uint32_t *part;
	} parts[] = { { r->key_subject, &p->subject }, { r->key_action, &p->action },
		{ r->key_resource, &p->resource }, { r->key_context, &p->context } };

	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		uint32_t found = json_member_key(r->json, node, parts[i].key);

		if (found)
			*parts[i].part = found;
	}
}

static void
read_properties(struct request_reader *r, struct request *q, enum request_place place, uint32_t node)
{
	const struct json_node *nodes = r->json->nodes;

	for (uint32_t key = node + 1; key < nodes[node].next; key = nodes[key].next) {
		int attribute = attributes_of_key(r->attributes, place, nodes[key].key);

		if (attribute < 0)
			continue;
		q->at[attribute] = request_values(r, (unsigned)attribute, key + 1);
		q->time_stated = q->time_stated || attribute == ATTRIBUTE_TIME;
	}
}

struct part_form {
	enum request_place place;
	uint32_t node;
	struct {
		unsigned attribute;
		uint16_t key;
		const char *missing, *wrong;
	} top[2];
	const char *missing, *wrong, *properties;
};

static const char *
read_part(struct request_reader *r, struct request *q, const struct part_form *part)
{
	uint32_t properties;

	if (part->node == 0)
		return r->searched == part->top[0].attribute && r->searched != 0 ? NULL : part->missing;
	if (json_kind(r->json, part->node) != JSON_OBJECT)
		return part->wrong;
	for (int i = 0; i < 2 && part->top[i].missing; i++) {
		uint32_t node = json_member_key(r->json, part->node, part->top[i].key);

		if (r->searched != 0 && r->searched == part->top[i].attribute)
			continue;
		if (node == 0)
			return part->top[i].missing;
		if (json_kind(r->json, node) != JSON_STRING)
			return part->top[i].wrong;
		q->at[part->top[i].attribute] = read_values(r, node);
	}
	if (!part->top[0].missing) {
		read_properties(r, q, part->place, part->node);
		return NULL;
	}
	properties = json_member_key(r->json, part->node, r->key_properties);
	if (properties == 0)
		return NULL;
	if (json_kind(r->json, properties) != JSON_OBJECT)
		return part->properties;
	read_properties(r, q, part->place, properties);
	return NULL;
}

/* What is stated is only compared with the reader's time. */
static void
compare_time(const struct request_reader *r, struct request *q)
{
	int64_t apart = q->timed ? q->time.seconds - r->now->seconds : 0;

	q->stated_time = request_string(q, ATTRIBUTE_TIME);
	q->skewed = !q->timed || apart > *r->max_skew || apart < -*r->max_skew;
	q->at[ATTRIBUTE_TIME] = (struct values){ 0 };
}

/*
 * Reads context.time; where it is absent, the reader's time.  One that is no time must not help: it is
 * missing.
 */
static void
read_time(struct request_reader *r, struct request *q)
{
	struct values *time = &q->at[ATTRIBUTE_TIME];

	q->timed = time->present && time->count == 1 && time->at[0].kind == VALUE_STRING &&
		   clock_parse_instant(time->at[0].text, &q->time);
	q->skewed = false;
	q->stated_time = (struct bytes){ "", 0 };
	if (q->time_stated && r->max_skew)
		compare_time(r, q);
	if (r->now && (!q->time_stated || r->max_skew)) {
		q->time = *r->now;
		q->timed = true;
	}
	time->present = q->timed;
}

/*
 * The obligation keep-only has an item for each date, and in each all other values of the narrowing.  Without
 * a bound a request of some kilobytes makes an answer of gigabytes.
 */
enum { NARROWINGS_MOST = 4096 };

static bool
has_too_many_dates(const struct request *q)
{
	uint64_t others = 1;

	for (unsigned i = DATA_FIRST; i < DATA_FIRST + DATA_COUNT; i++)
		if (i != ATTRIBUTE_DATE && q->at[i].present)
			others += q->at[i].count;
	return q->at[ATTRIBUTE_DATE].present && q->at[ATTRIBUTE_DATE].count > 1 &&
	       q->at[ATTRIBUTE_DATE].count * others > NARROWINGS_MOST;
}

const char *
request_read(struct request_reader *r, const struct request_parts *p, struct request *q)
{
#define TOP(name, key, text)                                                                                 \
	{                                                                                                    \
		ATTRIBUTE_##name, r->key_##key, "missing " text, text " is not a string"                     \
	}
	const struct part_form parts[] = {
		{ PLACE_SUBJECT, p->subject,
		    { TOP(SUBJECT_TYPE, type, "subject.type"), TOP(SUBJECT_ID, id, "subject.id") },
		    "missing subject", "subject is not an object", "subject.properties is not an object" },
		{ PLACE_ACTION, p->action, { TOP(ACTION_NAME, name, "action.name") }, "missing action",
		    "action is not an object", "action.properties is not an object" },
		{ PLACE_RESOURCE, p->resource,
		    { TOP(RESOURCE_TYPE, type, "resource.type"), TOP(RESOURCE_ID, id, "resource.id") },
		    "missing resource", "resource is not an object", "resource.properties is not an object" },
		{ PLACE_CONTEXT, p->context, { { 0 } }, NULL, "context is not an object", NULL },
	};
#undef TOP
	struct values *purpose = &q->at[ATTRIBUTE_PURPOSE];

	memset(q->at, 0, r->attributes->count * sizeof q->at[0]);
	q->time_stated = q->foreign = false;
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		const char *wrong = read_part(r, q, &parts[i]);

		if (wrong)
			return wrong;
	}
	if (purpose->count == 0)
		purpose->present = false;
	read_time(r, q);
	return has_too_many_dates(q) ? "too many dates beside the other data criteria" : NULL;
}

struct bytes
request_string(const struct request *q, unsigned attribute)
{
	const struct values *v = &q->at[attribute];

	if (!v->present || v->count != 1 || v->at[0].kind != VALUE_STRING)
		return (struct bytes){ "", 0 };
	return v->at[0].text;
}

bool
values_have(const struct values *all, struct bytes text)
{
	for (uint32_t i = 0; i < all->count; i++)
		if (all->at[i].kind == VALUE_STRING && bytes_equal(all->at[i].text, text))
			return true;
	return false;
}

bool
request_same_value(const struct value *a, const struct value *b)
{
	struct decimal left, right;

	if (a->kind != b->kind)
		return false;
	if (a->kind == VALUE_STRING)
		return bytes_equal(a->text, b->text);
	if (a->kind != VALUE_NUMBER)
		return true;
	return decimal_parse(a->text, &left) && decimal_parse(b->text, &right) &&
	       decimal_compare(&left, &right) == 0;
}
