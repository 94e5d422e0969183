/* SPDX-License-Identifier: ISC */
#include "common/label/shape_parts.h"

#include "common/base/arena.h"
#include "common/base/buffer.h"
#include "common/base/closest.h"
#include "common/base/diag.h"
#include "common/base/memory.h"
#include "common/crypto/digest.h"
#include "common/line/tags.h"
#include "common/policy/vocabulary.h"

#include <stdlib.h>
#include <string.h>

struct shape_reader {
	struct shape *shape;
	const char *file;
	struct fault *fault;
};

/* The key of a path .name, which is then looked up without following a path; else 0. */
static uint16_t
single_member(const struct shape *s, struct bytes expression)
{
	struct bytes name = { expression.at + 1, expression.size - 1 };

	if (expression.size < 2 || expression.at[0] != '.' || !ascii_begins_name(name.at[0]))
		return 0;
	for (size_t i = 1; i < name.size; i++)
		if (!ascii_continues_name(name.at[i]))
			return 0;
	return json_keys_find(s->keys, name);
}

static bool
read_place(struct shape_reader *r, const struct yaml_node *node, struct shape_place *place)
{
	struct shape *s = r->shape;
	const char *why = NULL;
	size_t byte = 0;

	if (!yaml_string(r->file, node, &place->text, r->fault))
		return false;
	switch (path_compile(&s->arena, s->keys, place->text, &place->path, &byte, &why)) {
	case PATH_PLAIN:
		place->key = single_member(s, place->text);
		return true;
	case PATH_FAULT:
		return fault_at(r->fault, r->file, node, "bad-path: at byte %zu: %s", byte, why);
	case PATH_NOT_PLAIN:
		break;
	}
	return fault_at(r->fault, r->file, node, "bad-path: at byte %zu: " PATH_PLAIN_FORM, byte);
}

/* One path, or a list of them.  NODE NULL: none. */
static bool
read_places(struct shape_reader *r, const struct yaml_node *node, struct shape_places *places)
{
	if (node == NULL || node->kind == YAML_NULL)
		return true;
	places->count = node->kind == YAML_LIST ? node->count : 1;
	places->at = arena_array(&r->shape->arena, places->count, sizeof *places->at);
	for (size_t i = 0; i < places->count; i++)
		if (!read_place(r, node->kind == YAML_LIST ? node->item[i] : node, &places->at[i]))
			return false;
	return true;
}

/* A period ends where its `end` says. */
static void
find_ends(struct shape *s)
{
	for (size_t i = 0; i < s->time.count; i++) {
		struct shape_place *place = &s->time.at[i];
		size_t size = place->text.size;
		const char *why;
		size_t byte;

		if (size < 6 || memcmp(place->text.at + size - 6, ".start", 6) != 0)
			continue;
		(void)path_compile(&s->arena, s->keys,
		    bytes_of(arena_format(&s->arena, "%.*s.end", (int)size - 6, place->text.at)), &place->end,
		    &byte, &why);
	}
}

/* As many paths as fit into a note of ehr-classify, and how many more there are. */
static void
name_has(struct shape *s)
{
	enum { TEXT_MOST = 120 };
	const char *text = "";
	size_t i = 0;

	for (; i < s->has.count && strlen(text) + s->has.at[i].text.size < TEXT_MOST; i++)
		text = arena_format(&s->arena, "%s%s%.*s", text, i > 0 ? ", " : "",
		    (int)s->has.at[i].text.size, s->has.at[i].text.at);
	if (i < s->has.count)
		text = arena_format(&s->arena, "%s and %zu more", text, s->has.count - i);
	s->has_text = bytes_of(text);
}

static bool
read_type(struct shape_reader *r, const struct yaml_node *node)
{
	struct yaml_map map;
	struct yaml_node *constant, *at;

	if (node->kind != YAML_MAP)
		return read_place(r, node, &r->shape->type);
	if (!yaml_open(&map, r->file, node, r->fault) || (constant = yaml_need(&map, "const")) == NULL ||
	    !yaml_string(r->file, constant, &r->shape->constant, r->fault))
		return false;
	if ((at = yaml_take(&map, "at")) != NULL && !read_place(r, at, &r->shape->type))
		return false;
	if (!read_places(r, yaml_take(&map, "has"), &r->shape->has) || !yaml_close(&map))
		return false;
	name_has(r->shape);
	if (!tag_is_word(r->shape->constant))
		return fault_at(
		    r->fault, r->file, constant, "a type is a word of letters, digits and . _ : / @ + -");
	return true;
}

struct bytes
shape_has(const struct shape *s)
{
	return s->has_text;
}

bool
shape_knows_type(const struct shape *s, struct bytes type)
{
	const struct concept *c;

	if (s->constant.size > 0)
		return bytes_equal(type, s->constant);
	c = s->is_fhir ? vocabulary_find(VOCABULARY_RESOURCE_TYPE, type) : NULL;
	return c != NULL && c->status == CONCEPT_ACTIVE;
}

bool
shape_check_type(
    const struct shape *s, const char *file, const struct yaml_node *node, struct bytes type, struct fault *f)
{
	struct closest near = closest_to(type);
	char text[CLOSEST_ROOM];

	if ((!s->is_fhir && s->constant.size == 0) || shape_knows_type(s, type))
		return true;
	closest_offer(&near, s->constant);
	if (s->is_fhir)
		vocabulary_offer(VOCABULARY_RESOURCE_TYPE, &near);
	return fault_at(f, file, node, "unknown type '%.*s': it is %s%s", (int)type.size, type.at,
	    s->is_fhir ? "none of FHIR R4" : "not that of the records", closest_text(&near, "", text));
}

static bool
read_entries(struct shape_reader *r, const struct yaml_node *node)
{
	struct shape *s = r->shape;

	if (node == NULL || node->kind == YAML_NULL)
		return true;
	if (node->kind != YAML_MAP)
		return fault_at(r->fault, r->file, node, "expected a map from types to lists of paths");
	s->entries = arena_array(&s->arena, node->count, sizeof *s->entries);
	s->entry_count = node->count;
	for (size_t i = 0; i < node->count; i++) {
		s->entries[i].type = node->key[i]->text;
		if (!bytes_are(s->entries[i].type, "*") &&
		    !shape_check_type(s, r->file, node->key[i], s->entries[i].type, r->fault))
			return false;
		if (!read_places(r, node->item[i], &s->entries[i].places))
			return false;
	}
	return true;
}

static bool
read_roots(struct shape_reader *r, const struct yaml_node *node)
{
	static const char *const words[] = { "fhir", NULL };
	unsigned word;

	if (node == NULL || node->kind == YAML_NULL || (node->kind == YAML_LIST && node->count == 0))
		return true;
	if (!yaml_word(r->file, node, words, &word, r->fault))
		return false;
	r->shape->is_fhir = true;
	return true;
}

/* The type of what subjects refer to is none of the records where these have one type. */
static bool
read_subject_type(struct shape_reader *r, const struct yaml_node *node)
{
	struct shape *s = r->shape;

	return yaml_string(r->file, node, &s->subject_type, r->fault) &&
	       (node == NULL || !s->is_fhir || shape_check_type(s, r->file, node, s->subject_type, r->fault));
}

static bool
read_record(struct shape_reader *r, const struct yaml_node *record)
{
	struct shape *s = r->shape;
	struct yaml_map map;
	struct yaml_node *type;
	struct yaml_node *id;

	if (!yaml_open(&map, r->file, record, r->fault) || (type = yaml_need(&map, "type")) == NULL ||
	    !read_type(r, type))
		return false;
	if ((id = yaml_take(&map, "id")) != NULL && !read_place(r, id, &s->id))
		return false;
	if (!read_places(r, yaml_take(&map, "subject"), &s->subject) ||
	    !read_places(r, yaml_take(&map, "time"), &s->time) ||
	    !read_places(r, yaml_take(&map, "author"), &s->author))
		return false;
	find_ends(s);
	return read_roots(r, yaml_take(&map, "roots")) &&
	       read_subject_type(r, yaml_take(&map, "subject_type")) &&
	       read_entries(r, yaml_take(&map, "entries")) && yaml_close(&map);
}

static void
init_buffers(struct shape *s)
{
	struct buffer *all[] = { &s->type_room, &s->id_room, &s->ehr_id, &s->subject_room, &s->subject_text,
		&s->subject_found, &s->contained, &s->scratch };

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		buffer_init(all[i], BUFFER_UNLIMITED);
}

static void
know_keys(struct shape *s)
{
	s->reference = json_keys_add(s->keys, (struct bytes)BYTES("reference"));
	s->identifier = json_keys_add(s->keys, (struct bytes)BYTES("identifier"));
	s->system = json_keys_add(s->keys, (struct bytes)BYTES("system"));
	s->value = json_keys_add(s->keys, (struct bytes)BYTES("value"));
	s->reference_type = json_keys_add(s->keys, (struct bytes)BYTES("type"));
}

struct shape *
shape_load(const struct policy *p, struct json_keys *keys, struct fault *f)
{
	const struct policy_file *file = policy_file(p, "policy.yaml");
	struct shape *s = memory_zeros(1, sizeof *s);

	s->keys = keys;
	init_buffers(s);
	know_keys(s);
	struct shape_reader r = {
		.shape = s, .file = file == NULL ? "policy.yaml" : file->shown, .fault = f
	};
	if (p->record == NULL)
		(void)fault_at(
		    f, r.file, p->root, "record: is missing: it says where type, id and subject stand");
	else if (read_record(&r, p->record))
		return s;
	shape_free(s);
	return NULL;
}

void
shape_free(struct shape *s)
{
	if (s == NULL)
		return;
	buffer_release(&s->type_room);
	buffer_release(&s->id_room);
	buffer_release(&s->ehr_id);
	buffer_release(&s->subject_room);
	buffer_release(&s->subject_text);
	buffer_release(&s->subject_found);
	buffer_release(&s->contained);
	buffer_release(&s->scratch);
	arena_release(&s->arena);
	free(s);
}

bool
shape_is_fhir(const struct shape *s)
{
	return s->is_fhir;
}

bool
shape_place_first(const struct shape_place *p, const struct json *j, uint32_t root, uint32_t *node)
{
	if (p->key != 0)
		return (*node = json_member_key(j, root, p->key)) != 0;
	return p->path != NULL && path_first(p->path, j, root, NULL, node);
}

static bool
places_first(const struct shape_places *p, const struct json *j, uint32_t root, uint32_t *node)
{
	for (size_t i = 0; i < p->count; i++)
		if (shape_place_first(&p->at[i], j, root, node) && json_kind(j, *node) != JSON_NULL)
			return true;
	return false;
}

/* The constant, unless the record states another type, or has nothing of what such records have. */
static struct bytes
constant_type(struct shape *s, const struct json *j, uint32_t root)
{
	size_t lacks = 0;
	uint32_t node;

	/* null is there: nothing was measured then */
	while (lacks < s->has.count && !shape_place_first(&s->has.at[lacks], j, root, &node))
		lacks++;
	if (s->has.count > 0 && lacks == s->has.count)
		return (struct bytes){ 0 };
	if (!shape_place_first(&s->type, j, root, &node) || json_is(j, node, s->constant))
		return s->constant;
	return json_kind(j, node) == JSON_STRING ? json_string(j, node, &s->type_room) : (struct bytes){ 0 };
}

struct bytes
shape_type(struct shape *s, const struct json *j, uint32_t root)
{
	uint32_t node;

	if (s->constant.size > 0)
		return constant_type(s, j, root);
	if (!shape_place_first(&s->type, j, root, &node) || json_kind(j, node) != JSON_STRING)
		return (struct bytes){ 0 };
	return json_string(j, node, &s->type_room);
}

/* A number is an id, digits as they stand: some systems number their records. */
struct bytes
shape_id(struct shape *s, const struct json *j, uint32_t root)
{
	uint32_t node;
	struct bytes id;

	if (!shape_place_first(&s->id, j, root, &node))
		return (struct bytes){ 0 };
	switch (json_kind(j, node)) {
	case JSON_STRING:
		id = json_string(j, node, &s->id_room);
		break;
	case JSON_NUMBER:
		id = json_span(j, node);
		break;
	case JSON_NULL:
	case JSON_FALSE:
	case JSON_TRUE:
	case JSON_ARRAY:
	case JSON_OBJECT:
	case JSON_KEY:
		return (struct bytes){ 0 };
	}
	return tag_is_word(id) ? id : (struct bytes){ 0 };
}

static void
put(struct buffer *out, struct bytes text)
{
	buffer_add(out, text.at, text.size);
}

struct bytes
shape_ehr_id(struct shape *s, const struct json *j, const struct roots *r)
{
	enum { HALF = DIGEST_SIZE };
	uint32_t root = r->at[0].node;
	struct bytes type = shape_type(s, j, root);
	struct bytes id = shape_id(s, j, root);
	char hex[DIGEST_HEX];

	s->ehr_id.used = 0;
	put(&s->ehr_id, tag_is_word(type) ? type : (struct bytes)BYTES("_"));
	put(&s->ehr_id, (struct bytes)BYTES("/"));
	if (id.size > 0) {
		put(&s->ehr_id, id);
		return buffer_bytes(&s->ehr_id);
	}
	digest_hex(json_span(j, root), hex);
	put(&s->ehr_id, (struct bytes)BYTES("~"));
	put(&s->ehr_id, (struct bytes){ hex, HALF });
	return buffer_bytes(&s->ehr_id);
}

/* Until the end of a period that TIME begins; without an end it goes on. */
static bool
find_end(struct shape *s, const struct shape_place *place, const struct json *j, uint32_t root,
    struct period *time)
{
	enum date_precision precision;
	struct period end;
	uint32_t node;

	if (place->end == NULL)
		return true;
	time->until.seconds = INT64_MAX;
	if (!path_first(place->end, j, root, NULL, &node) || json_kind(j, node) == JSON_NULL)
		return true;
	if (json_kind(j, node) != JSON_STRING ||
	    !clock_parse_date(json_string(j, node, &s->scratch), &end, &precision))
		return false;
	time->until = end.until;
	return true;
}

enum truth
shape_span(struct shape *s, const struct json *j, uint32_t root, struct period *time)
{
	enum date_precision precision;
	uint32_t node;

	for (size_t i = 0; i < s->time.count; i++) {
		const struct shape_place *place = &s->time.at[i];

		if (!shape_place_first(place, j, root, &node) || json_kind(j, node) == JSON_NULL)
			continue;
		return json_kind(j, node) == JSON_STRING &&
			       clock_parse_date(json_string(j, node, &s->scratch), time, &precision) &&
			       find_end(s, place, j, root, time)
			   ? TRUTH_TRUE
			   : TRUTH_UNKNOWN;
	}
	return TRUTH_FALSE;
}

bool
shape_each_author(struct shape *s, const struct json *j, uint32_t root, const struct path_wall *wall,
    bool (*found)(void *context, uint32_t node), void *context)
{
	for (size_t i = 0; i < s->author.count; i++)
		if (!path_each(s->author.at[i].path, j, root, wall, found, context))
			return false;
	return true;
}

bool
shape_time(struct shape *s, const struct json *j, uint32_t root, struct period *time)
{
	enum date_precision precision;
	uint32_t node;

	if (!places_first(&s->time, j, root, &node) || json_kind(j, node) != JSON_STRING)
		return false;
	return clock_parse_date(json_string(j, node, &s->scratch), time, &precision);
}

static bool
speaks_of(const struct shape_entries *e, struct bytes type)
{
	return bytes_are(e->type, "*") || bytes_equal(e->type, type);
}

void
shape_add_entries(const struct shape *s, struct bytes type, struct paths *paths, uint32_t number)
{
	size_t byte;

	for (size_t i = 0; i < s->entry_count; i++) {
		const struct shape_places *places = &s->entries[i].places;

		if (!speaks_of(&s->entries[i], type))
			continue;
		for (size_t n = 0; n < places->count; n++)
			if (paths_add(paths, places->at[n].text, number, &byte) != PATH_PLAIN)
				diag_bug("a path that was plain is plain no more");
	}
}

size_t
shape_entry_types(const struct shape *s)
{
	size_t count = 0;

	for (size_t i = 0; i < s->entry_count; i++)
		count += !bytes_are(s->entries[i].type, "*");
	return count;
}

struct bytes
shape_entry_type(const struct shape *s, size_t i)
{
	for (size_t n = 0; n < s->entry_count; n++)
		if (!bytes_are(s->entries[n].type, "*") && i-- == 0)
			return s->entries[n].type;
	return (struct bytes){ 0 };
}
