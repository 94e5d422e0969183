/* SPDX-License-Identifier: ISC */
#include "cmd/policy/survey.h"

#include "cmd/policy/parts.h"
#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/base/memory.h"
#include "common/line/tags.h"
#include "common/policy/vocabulary.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	FHIR_DEPTH = 1,
	OWN_DEPTH = 3,
	MAX_MEMBERS = 64, /* an object with more is a map */
	MAX_PLACES = 400, /* of a type; further places have the level of the place around them */
	MAX_OBJECTS = 4000,
	MAX_NAMES = 500,
	MAX_PATH = 1 << 16,
	MAX_TYPE = 64,   /* bytes of a type */
	FEW_OBJECTS = 8, /* too few to tell a map from members that are often absent */
	FEW_NAMES = 16,
	RARE = 8, /* a name of a map is in less than one of so many */
	LONG_NAME = 40,
	LONG_DIGITS = 16,
};

/* The objects at one place, and the names of their members. */
struct survey_object {
	struct bytes type, path;
	size_t count;
	size_t members;
	size_t data; /* members whose name looks like data */
	unsigned kinds;
	bool is_map;
	struct buffer names; /* uint64_t: hashes */
};

void
survey_init(struct survey *s, bool is_fhir, struct json_keys *keys)
{
	*s = (struct survey){
		.is_fhir = is_fhir,
		.depth = is_fhir ? FHIR_DEPTH : OWN_DEPTH,
		.keys = keys,
	};
	roots_init(&s->roots, keys);
	buffer_init(&s->text, MAX_PATH);
}

bool
survey_set_type(struct survey *s, struct bytes path)
{
	size_t byte;
	const char *why;

	return path_compile(&s->arena, s->keys, path, &s->type_at, &byte, &why) == PATH_PLAIN;
}

static void
release_counts(struct survey *s)
{
	for (size_t i = 0; i < s->types; i++) {
		for (size_t k = 0; k < s->type[i].places; k++)
			buffer_release(&s->type[i].place[k].hashes);
		free(s->type[i].place);
	}
	for (size_t i = 0; i < s->objects; i++)
		buffer_release(&s->object[i].names);
	s->types = 0;
}

void
survey_release(struct survey *s)
{
	release_counts(s);
	free(s->type);
	free(s->object);
	free(s->units.at);
	roots_release(&s->roots);
	buffer_release(&s->text);
	arena_release(&s->arena);
	*s = (struct survey){ 0 };
}

static void *
grow(void *at, size_t count, size_t *room, size_t size)
{
	if (count < *room)
		return at;
	*room = *room > 0 ? *room * 2 : 32;
	return memory_grow(at, *room, size);
}

static struct survey_type *
type_of(struct survey *s, struct bytes name)
{
	for (size_t i = 0; i < s->types; i++)
		if (bytes_equal(s->type[i].name, name))
			return &s->type[i];
	s->type = grow(s->type, s->types, &s->room, sizeof(*s->type));
	s->type[s->types] = (struct survey_type){ .name = arena_copy(&s->arena, name) };
	return &s->type[s->types++];
}

static struct survey_place *
place_of(struct survey *s, struct survey_type *t, struct bytes path)
{
	for (size_t i = 0; i < t->places; i++)
		if (bytes_equal(t->place[i].path, path))
			return &t->place[i];
	if (t->places == MAX_PLACES || s->watch != NULL)
		return NULL;
	t->place = grow(t->place, t->places, &t->room, sizeof(*t->place));
	struct survey_place *p = &t->place[t->places++];
	*p = (struct survey_place){
		.path = arena_copy(&s->arena, path),
		.dates = true,
		.words = true,
		.number = s->numbers++,
	};
	buffer_init(&p->hashes, BUFFER_UNLIMITED);
	return p;
}

static struct survey_object *
object_of(struct survey *s, struct bytes type, struct bytes path)
{
	for (size_t i = 0; i < s->objects; i++)
		if (bytes_equal(s->object[i].path, path) && bytes_equal(s->object[i].type, type))
			return &s->object[i];
	if (s->objects == MAX_OBJECTS)
		return NULL;
	s->object = grow(s->object, s->objects, &s->object_room, sizeof(*s->object));
	struct survey_object *o = &s->object[s->objects++];
	*o = (struct survey_object){
		.type = arena_copy(&s->arena, type),
		.path = arena_copy(&s->arena, path),
	};
	buffer_init(&o->names, BUFFER_UNLIMITED);
	return o;
}

static void
add_hash(struct buffer *to, struct bytes text)
{
	uint64_t hash = hash_bytes(text);

	buffer_add(to, &hash, sizeof(hash));
}

static void
note_value(struct survey *s, struct survey_type *t, const struct json *j, uint32_t node)
{
	struct survey_place *p = place_of(s, t, buffer_bytes(&s->text));
	enum json_kind kind = json_kind(j, node);
	struct period period;
	enum date_precision precision;

	if (p != NULL && s->watch != NULL)
		s->watch->value(s->watch->context, p, node);
	if (p == NULL || s->watch != NULL)
		return;
	p->kinds |= 1u << kind;
	p->records += p->last != s->seen;
	p->last = s->seen;
	struct bytes text = kind == JSON_STRING ? json_inside(j, node) : (struct bytes){ 0 };
	p->words = p->words && tag_is_word(text);
	p->dates = p->dates && clock_parse_date(text, &period, &precision) && precision >= DATE_DAY;
	if (kind != JSON_STRING && kind != JSON_NUMBER)
		return;
	p->values++;
	add_hash(&p->hashes, json_span(j, node));
}

/* A name such as 2026-11-01, 17, a hash or an address. */
static bool
is_data(struct bytes name)
{
	size_t digits = 0;

	if (name.size == 0 || name.size > LONG_NAME || ascii_is_digit(name.at[0]))
		return true;
	for (size_t i = 0; i < name.size; i++) {
		bool is_hex = ascii_is_digit(name.at[i]) || (name.at[i] >= 'a' && name.at[i] <= 'f') ||
			      (name.at[i] >= 'A' && name.at[i] <= 'F') || name.at[i] == '-';
		digits = is_hex ? digits + 1 : 0;
		if (digits == LONG_DIGITS || (i > 0 && name.at[i] == '@'))
			return true;
	}
	return false;
}

/* Counts the names of the object NODE; true if they are to be followed by name. */
static bool
note_object(struct survey *s, struct survey_type *t, const struct json *j, uint32_t node)
{
	struct survey_object *o = object_of(s, t->name, buffer_bytes(&s->text));

	if (o == NULL || o->is_map || json_count(j, node) > MAX_MEMBERS)
		return false;
	if (s->watch != NULL)
		return true;
	o->count++;
	for (uint32_t at = node + 1; at < j->nodes[node].next; at = j->nodes[at].next) {
		struct bytes name = json_inside(j, at);
		o->members++;
		o->data += is_data(name);
		o->kinds |= 1u << json_kind(j, at + 1);
		add_hash(&o->names, name);
	}
	return true;
}

static void survey_node(
    struct survey *s, struct survey_type *t, const struct json *j, uint32_t node, unsigned depth);

/* s->text holds the path of NODE before and afterwards. */
static void
survey_children(struct survey *s, struct survey_type *t, const struct json *j, uint32_t node, unsigned depth)
{
	size_t used = s->text.used;
	bool by_name = json_kind(j, node) == JSON_OBJECT && note_object(s, t, j, node);

	for (uint32_t at = node + 1; at < j->nodes[node].next; at = j->nodes[at].next) {
		bool is_key = json_kind(j, at) == JSON_KEY;
		bool good = by_name ? parts_name(j, at, &s->text)
				    : buffer_append(&s->text, used > 0 ? "[]" : ".[]", used > 0 ? 2 : 3);
		if (good)
			survey_node(s, t, j, is_key ? at + 1 : at, depth);
		s->text.used = used;
	}
}

static void
survey_node(struct survey *s, struct survey_type *t, const struct json *j, uint32_t node, unsigned depth)
{
	bool inner = json_kind(j, node) == JSON_OBJECT || json_kind(j, node) == JSON_ARRAY;

	if (inner && depth < s->depth && j->nodes[node].next > node + 1 && roots_inner(&s->roots, node) == 0)
		survey_children(s, t, j, node, depth + 1);
	else
		note_value(s, t, j, node);
}

bool
survey_is_fhir(const struct json *j, uint32_t node)
{
	uint32_t type = json_member(j, node, (struct bytes)BYTES("resourceType"));

	if (type == 0 || json_kind(j, type) != JSON_STRING)
		return false;
	const struct concept *known = vocabulary_find(VOCABULARY_RESOURCE_TYPE, json_inside(j, type));
	return known != NULL && known->status == CONCEPT_ACTIVE;
}

/* The type of a record that is not FHIR. */
static struct bytes
own_type(const struct survey *s, const struct json *j, uint32_t node)
{
	uint32_t at;

	if (s->type_at != NULL && path_first(s->type_at, j, node, NULL, &at) &&
	    json_kind(j, at) == JSON_STRING && tag_is_word(json_inside(j, at)) &&
	    json_inside(j, at).size <= MAX_TYPE)
		return json_inside(j, at);
	return (struct bytes)BYTES("Record");
}

static void
survey_root(struct survey *s, const struct json *j, uint32_t node)
{
	if (s->is_fhir && !survey_is_fhir(j, node)) {
		s->unknown += s->watch == NULL;
		return;
	}
	struct bytes name = s->is_fhir
				? json_inside(j, json_member(j, node, (struct bytes)BYTES("resourceType")))
				: own_type(s, j, node);
	struct survey_type *t = type_of(s, name);
	t->records += s->watch == NULL;
	s->seen++;
	s->text.used = 0;
	survey_children(s, t, j, node, 1);
}

static void
count_name(struct survey *s, struct survey_names *n, struct bytes name, struct bytes system)
{
	size_t i = n->last;

	if (i >= n->count || !bytes_equal(n->at[i].name, name) || !bytes_equal(n->at[i].system, system))
		for (i = 0; i < n->count; i++)
			if (bytes_equal(n->at[i].name, name) && bytes_equal(n->at[i].system, system))
				break;
	if (i == MAX_NAMES) {
		n->others++;
		return;
	}
	if (i == n->count) {
		n->at = grow(n->at, n->count, &n->room, sizeof(*n->at));
		n->at[n->count++] = (struct survey_name){
			.name = arena_copy(&s->arena, name),
			.system = arena_copy(&s->arena, system),
		};
	}
	n->at[i].count++;
	n->last = i;
}

static struct bytes
text_member(const struct json *j, uint32_t node, const char *name)
{
	uint32_t at = json_member(j, node, bytes_of(name));

	return at != 0 && json_kind(j, at) == JSON_STRING ? json_inside(j, at) : (struct bytes){ 0 };
}

/* What the object NODE says as a quantity: `value`, a number, with `unit` or `code`. */
static void
note_unit(struct survey *s, const struct json *j, uint32_t node)
{
	uint32_t value = json_member(j, node, (struct bytes)BYTES("value"));
	struct bytes system = text_member(j, node, "system");
	struct bytes code = text_member(j, node, "code");
	struct bytes unit = text_member(j, node, "unit");

	if (value != 0 && json_kind(j, value) == JSON_NUMBER && (code.size > 0 || unit.size > 0))
		count_name(s, &s->units, code.size > 0 ? code : unit, system);
}

uint32_t
survey_record(const struct json *j)
{
	uint32_t ehr = json_member(j, 0, (struct bytes)BYTES("ehr"));
	uint32_t record = json_member(j, 0, (struct bytes)BYTES("record"));

	return ehr != 0 && record != 0 && json_kind(j, record) == JSON_OBJECT ? record : 0;
}

void
survey_add(struct survey *s, const struct json *j)
{
	uint32_t record = survey_record(j);

	s->records += s->watch == NULL;
	roots_find(&s->roots, j, record, s->is_fhir);
	for (size_t i = 0; i < s->roots.count; i++)
		survey_root(s, j, s->roots.at[i].node);
	for (uint32_t node = record; s->watch == NULL && node < j->nodes[record].next; node++)
		if (json_kind(j, node) == JSON_OBJECT)
			note_unit(s, j, node);
}

static int
hash_order(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

struct survey_classes
survey_classes(struct buffer *hashes)
{
	uint64_t *at = (uint64_t *)(void *)hashes->at;
	size_t count = hashes->used / sizeof(*at);
	struct survey_classes classes = { 0 };

	if (count > 1)
		qsort(at, count, sizeof(*at), hash_order);
	for (size_t i = 0, end; i < count; i = end) {
		for (end = i + 1; end < count && at[end] == at[i];)
			end++;
		classes.count++;
		classes.single += end == i + 1;
		if (classes.smallest == 0 || end - i < classes.smallest)
			classes.smallest = end - i;
	}
	return classes;
}

/* Most names are data; or there are many names, each of them rare, and all values are of one kind. */
static bool
is_map(struct survey_object *o)
{
	unsigned kinds = o->kinds & ~(1u << JSON_NULL);
	size_t different;

	if (o->members > 0 && o->data * 2 >= o->members)
		return true;
	if (o->path.size == 0 || o->count < FEW_OBJECTS || (kinds & (kinds - 1)) != 0)
		return false;
	different = survey_classes(&o->names).count;
	return different > FEW_NAMES && o->members * RARE < different * o->count;
}

bool
survey_again(struct survey *s)
{
	bool found = false;

	for (size_t i = 0; i < s->objects; i++) {
		struct survey_object *o = &s->object[i];
		if (o->is_map || !is_map(o))
			continue;
		o->is_map = true;
		found = true;
	}
	if (!found)
		return false;
	size_t kept = 0;
	release_counts(s);
	for (size_t i = 0; i < s->objects; i++)
		if (s->object[i].is_map) {
			s->object[kept] = s->object[i];
			buffer_init(&s->object[kept++].names, BUFFER_UNLIMITED);
		}
	s->objects = kept;
	s->records = s->unknown = s->seen = s->numbers = 0;
	s->units.count = s->units.others = 0;
	return true;
}

void
survey_end(struct survey *s)
{
	for (size_t i = 0; i < s->types; i++)
		for (size_t k = 0; k < s->type[i].places; k++) {
			struct survey_place *p = &s->type[i].place[k];
			struct survey_classes classes = survey_classes(&p->hashes);

			p->different = classes.count;
			p->single = classes.single;
		}
}

const char *
survey_kinds(const struct survey_place *p, char text[96])
{
	static const char *const words[] = {
		[JSON_NULL] = "null",
		[JSON_FALSE] = "false",
		[JSON_TRUE] = "true",
		[JSON_NUMBER] = "a number",
		[JSON_STRING] = "text",
		[JSON_ARRAY] = "a list",
		[JSON_OBJECT] = "an object",
	};
	size_t used = 0;

	text[0] = '\0';
	for (unsigned k = 0; k < sizeof(words) / sizeof(words[0]); k++)
		if ((p->kinds >> k & 1) != 0)
			used += (size_t)snprintf(
			    text + used, 96 - used, "%s%s", used > 0 ? " or " : "", words[k]);
	return text;
}
