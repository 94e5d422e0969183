/* SPDX-License-Identifier: ISC */
#include "common/label/shape.h"

#include "common/base/diag.h"
#include "common/crypto/digest.h"
#include "common/label/array.h"
#include "common/label/shape_parts.h"
#include "common/line/tags.h"
#include "common/policy/vocabulary.h"

#include <stdlib.h>
#include <string.h>

/* ---- from policy.yaml -------------------------------------------------------------------------------- */

struct reader {
	struct shape *shape;
	const char *file;
	struct fault *fault;
};

static bool
is_letter(char c)
{
	return (unsigned)(c | 0x20) - 'a' < 26 || c == '_';
}

/* The member's number if EXPRESSION is .name and nothing else: looked up without following a path. */
static uint16_t
single_member(const struct shape *s, struct bytes expression)
{
	struct bytes name = { expression.at + 1, expression.size - 1 };

	if (expression.size < 2 || expression.at[0] != '.' || !is_letter(name.at[0]))
		return 0;
	for (size_t i = 1; i < name.size; i++)
		if (!is_letter(name.at[i]) && (unsigned)name.at[i] - '0' > 9)
			return 0;
	return json_keys_find(s->keys, name);
}

static bool
read_place(struct reader *r, const struct yaml_node *node, struct shape_place *place)
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
	return fault_at(r->fault, r->file, node,
	    "bad-path: at byte %zu: only plain paths say where a record's parts stand", byte);
}

/* One path, or a list of them.  NODE NULL: none. */
static bool
read_places(struct reader *r, const struct yaml_node *node, struct shape_places *places)
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

static bool
read_type(struct reader *r, const struct yaml_node *node)
{
	struct yaml_map map;
	struct yaml_node *constant;

	if (node->kind != YAML_MAP)
		return read_place(r, node, &r->shape->type);
	if (!yaml_open(&map, r->file, node, r->fault) || (constant = yaml_need(&map, "const")) == NULL ||
	    !yaml_string(r->file, constant, &r->shape->constant, r->fault) || !yaml_close(&map))
		return false;
	if (!tag_is_word(r->shape->constant))
		return fault_at(
		    r->fault, r->file, constant, "a type is a word of letters, digits and . _ : / @ + -");
	return true;
}

static bool
read_entries(struct reader *r, const struct yaml_node *node)
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
		if (!read_places(r, node->item[i], &s->entries[i].places))
			return false;
	}
	return true;
}

static bool
read_roots(struct reader *r, const struct yaml_node *node)
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

static bool
read_record(struct reader *r, const struct yaml_node *record)
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
	return read_places(r, yaml_take(&map, "subject"), &s->subject) &&
	       yaml_string(r->file, yaml_take(&map, "subject_type"), &s->subject_type, r->fault) &&
	       read_places(r, yaml_take(&map, "time"), &s->time) && read_roots(r, yaml_take(&map, "roots")) &&
	       read_entries(r, yaml_take(&map, "entries")) && yaml_close(&map);
}

static void
init_buffers(struct shape *s)
{
	struct buffer *all[] = { &s->type_room, &s->id_room, &s->ehr_id, &s->subject_room, &s->subject_text,
		&s->scratch };

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		array_init(all[i]);
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
	struct shape *s = calloc(1, sizeof *s);

	if (s == NULL)
		diag_die(EXIT_IO, "out of memory (%zu bytes wanted)", sizeof *s);
	s->keys = keys;
	init_buffers(s);
	know_keys(s);
	struct reader r = { .shape = s, .file = file == NULL ? "policy.yaml" : file->shown, .fault = f };
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
	buffer_release(&s->scratch);
	arena_release(&s->arena);
	free(s);
}

/* ---- at work ----------------------------------------------------------------------------------------- */

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

bool
shape_places_first(const struct shape_places *p, const struct json *j, uint32_t root, uint32_t *node)
{
	for (size_t i = 0; i < p->count; i++)
		if (shape_place_first(&p->at[i], j, root, node) && json_kind(j, *node) != JSON_NULL)
			return true;
	return false;
}

struct bytes
shape_type(struct shape *s, const struct json *j, uint32_t root)
{
	uint32_t node;

	if (s->constant.size > 0)
		return s->constant;
	if (!shape_place_first(&s->type, j, root, &node) || json_kind(j, node) != JSON_STRING)
		return (struct bytes){ 0 };
	return json_string(j, node, &s->type_room);
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

/* A number is an id as it stands: meters count. */
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

void
shape_put(struct buffer *out, struct bytes text)
{
	if (!buffer_append(out, text.at, text.size))
		diag_die(EXIT_IO, "out of memory");
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
	shape_put(&s->ehr_id, tag_is_word(type) ? type : (struct bytes)BYTES("_"));
	shape_put(&s->ehr_id, (struct bytes)BYTES("/"));
	if (id.size > 0) {
		shape_put(&s->ehr_id, id);
		return buffer_bytes(&s->ehr_id);
	}
	digest_hex(json_span(j, root), hex);
	shape_put(&s->ehr_id, (struct bytes)BYTES("~"));
	shape_put(&s->ehr_id, (struct bytes){ hex, HALF });
	return buffer_bytes(&s->ehr_id);
}

bool
shape_time(struct shape *s, const struct json *j, uint32_t root, struct period *time)
{
	enum date_precision precision;
	uint32_t node;

	if (!shape_places_first(&s->time, j, root, &node) || json_kind(j, node) != JSON_STRING)
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

/* The outermost of the entries that hold `inside`: the first in document order. */
struct outermost {
	const struct json *json;
	uint32_t inside;
	uint32_t entry;
};

static bool
keep_outermost(void *context, uint32_t node)
{
	struct outermost *o = context;

	if (node > o->inside)
		return false;
	if (node < o->entry && o->json->nodes[node].next > o->inside)
		o->entry = node;
	return true;
}

static bool
is_inner(void *context, uint32_t node)
{
	return roots_is_inner(context, node);
}

uint32_t
shape_entry_around(struct shape *s, const struct json *j, const struct roots *r, size_t index, uint32_t node)
{
	struct roots copy = *r;
	struct path_wall wall = { is_inner, &copy };
	uint32_t root = r->at[index].node;
	struct bytes type = shape_type(s, j, root);
	struct outermost o = { .json = j, .inside = node, .entry = UINT32_MAX };

	for (size_t i = 0; i < s->entry_count; i++)
		for (size_t n = 0; speaks_of(&s->entries[i], type) && n < s->entries[i].places.count; n++)
			(void)path_each(s->entries[i].places.at[n].path, j, root, &wall, keep_outermost, &o);
	return o.entry == UINT32_MAX ? root : o.entry;
}
