/* SPDX-License-Identifier: ISC */
#include "common/label/shape.h"

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

struct shape_place {
	struct bytes text;
	struct path *path;
	uint16_t key; /* of a path such as .id, which is one member; else 0 */
};

struct shape_places {
	struct shape_place *at;
	size_t count;
};

struct shape_entries {
	struct bytes type;
	struct shape_places places;
};

struct shape {
	struct arena arena;
	struct json_keys *keys;
	bool is_fhir;
	struct bytes constant; /* the type of every record; empty: `type` says where it stands */
	struct shape_place type;
	struct shape_place id;
	struct shape_places subject;
	struct bytes subject_type;
	struct shape_places time;
	struct shape_entries *entries;
	size_t entry_count;
	uint16_t reference, identifier, system, value, reference_type;
	struct buffer type_room;
	struct buffer id_room;
	struct buffer ehr_id;
	struct buffer subject_room;
	struct buffer subject_text; /* a reference, unescaped */
	struct buffer subject_found;
	char last_type[48]; /* the last type that a reference named: mostly the next one, too */
	size_t last_type_size;
	struct buffer scratch;
};

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
		if (!ascii_begins_name(name.at[i]) && !ascii_is_digit(name.at[i]))
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
	return fault_at(r->fault, r->file, node,
	    "bad-path: at byte %zu: only plain paths say where a record's parts stand", byte);
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

static bool
read_type(struct shape_reader *r, const struct yaml_node *node)
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
	for (size_t i = 0; s->is_fhir && i < vocabulary_size(VOCABULARY_RESOURCE_TYPE); i++)
		if (vocabulary_at(VOCABULARY_RESOURCE_TYPE, i)->status == CONCEPT_ACTIVE)
			closest_offer(&near, vocabulary_at(VOCABULARY_RESOURCE_TYPE, i)->code);
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
	return read_places(r, yaml_take(&map, "subject"), &s->subject) &&
	       read_places(r, yaml_take(&map, "time"), &s->time) && read_roots(r, yaml_take(&map, "roots")) &&
	       read_subject_type(r, yaml_take(&map, "subject_type")) &&
	       read_entries(r, yaml_take(&map, "entries")) && yaml_close(&map);
}

static void
init_buffers(struct shape *s)
{
	struct buffer *all[] = { &s->type_room, &s->id_room, &s->ehr_id, &s->subject_room, &s->subject_text,
		&s->subject_found, &s->scratch };

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
	buffer_release(&s->scratch);
	arena_release(&s->arena);
	free(s);
}

bool
shape_is_fhir(const struct shape *s)
{
	return s->is_fhir;
}

static bool
place_first(const struct shape_place *p, const struct json *j, uint32_t root, uint32_t *node)
{
	if (p->key != 0)
		return (*node = json_member_key(j, root, p->key)) != 0;
	return p->path != NULL && path_first(p->path, j, root, NULL, node);
}

static bool
places_first(const struct shape_places *p, const struct json *j, uint32_t root, uint32_t *node)
{
	for (size_t i = 0; i < p->count; i++)
		if (place_first(&p->at[i], j, root, node) && json_kind(j, *node) != JSON_NULL)
			return true;
	return false;
}

struct bytes
shape_type(struct shape *s, const struct json *j, uint32_t root)
{
	uint32_t node;

	if (s->constant.size > 0)
		return s->constant;
	if (!place_first(&s->type, j, root, &node) || json_kind(j, node) != JSON_STRING)
		return (struct bytes){ 0 };
	return json_string(j, node, &s->type_room);
}

/* A number is an id, digits as they stand: some systems number their records. */
struct bytes
shape_id(struct shape *s, const struct json *j, uint32_t root)
{
	uint32_t node;
	struct bytes id;

	if (!place_first(&s->id, j, root, &node))
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

static struct bytes
before(struct bytes text, const char *mark)
{
	const char *at = memmem(text.at, text.size, mark, strlen(mark));

	return at == NULL ? text : (struct bytes){ text.at, (size_t)(at - text.at) };
}

/* Cuts the last segment of a path off TEXT and returns it. */
static struct bytes
cut_segment(struct bytes *text)
{
	const char *slash = memrchr(text->at, '/', text->size);
	struct bytes segment = *text;

	if (slash != NULL)
		segment = (struct bytes){ slash + 1, (size_t)(text->at + text->size - slash) - 1 };
	text->size = slash == NULL ? 0 : (size_t)(slash - text->at);
	return segment;
}

/* TYPE/ID in the buffer; empty if one of the two is no word. */
static struct bytes
typed(struct shape *s, struct bytes type, struct bytes id)
{
	if (!tag_is_word(type) || !tag_is_word(id))
		return (struct bytes){ 0 };
	s->subject_room.used = 0;
	put(&s->subject_room, type);
	put(&s->subject_room, (struct bytes)BYTES("/"));
	put(&s->subject_room, id);
	return buffer_bytes(&s->subject_room);
}

static struct bytes
string_member(const struct json *j, uint32_t node, uint16_t key)
{
	uint32_t member = json_member_key(j, node, key);

	if (member == 0 || json_kind(j, member) != JSON_STRING)
		return (struct bytes){ 0 };
	return json_inside(j, member);
}

/* Patient?identifier=SYSTEM|VALUE of an Identifier (or of the first in a list); empty without a value. */
static struct bytes
by_identifier(struct shape *s, const struct json *j, uint32_t node, struct bytes type)
{
	if (node != 0 && json_kind(j, node) == JSON_ARRAY && j->nodes[node].next > node + 1)
		node++;
	if (node == 0 || !tag_is_word(type) || string_member(j, node, s->value).size == 0)
		return (struct bytes){ 0 };
	uint32_t system = json_member_key(j, node, s->system);
	uint32_t value = json_member_key(j, node, s->value);

	s->subject_room.used = 0;
	put(&s->subject_room, type);
	put(&s->subject_room, (struct bytes)BYTES("?identifier="));
	if (system != 0 && json_kind(j, system) == JSON_STRING)
		put(&s->subject_room, json_string(j, system, &s->scratch));
	put(&s->subject_room, (struct bytes)BYTES("|"));
	put(&s->subject_room, json_string(j, value, &s->scratch));
	return buffer_bytes(&s->subject_room);
}

/* #x names a contained resource.  Outside of the record only its identifier is known. */
static struct bytes
by_contained(struct shape *s, const struct json *j, const struct roots *r, struct bytes reference)
{
	struct bytes id = { reference.at + 1, reference.size - 1 };

	for (size_t i = 1; i < r->count && id.size > 0; i++) {
		uint32_t root = r->at[i].node;

		if (r->at[i].parent != 0 || !bytes_equal(shape_id(s, j, root), id))
			continue;
		return by_identifier(s, j, json_member_key(j, root, s->identifier), shape_type(s, j, root));
	}
	return (struct bytes){ 0 };
}

static bool
is_type(struct shape *s, struct bytes name)
{
	if (!s->is_fhir || (name.size == s->last_type_size && memcmp(s->last_type, name.at, name.size) == 0))
		return true;
	if (vocabulary_find(VOCABULARY_RESOURCE_TYPE, name) == NULL || name.size > sizeof s->last_type)
		return false;
	memcpy(s->last_type, name.at, name.size);
	s->last_type_size = name.size;
	return true;
}

/* Patient/p1, the form of most references. */
static bool
is_canonical(struct shape *s, struct bytes reference)
{
	const char *slash = memchr(reference.at, '/', reference.size);

	return slash != NULL && slash > reference.at && slash + 1 < reference.at + reference.size &&
	       memchr(slash + 1, '/', (size_t)(reference.at + reference.size - slash) - 1) == NULL &&
	       is_type(s, (struct bytes){ reference.at, (size_t)(slash - reference.at) }) &&
	       tag_is_word(reference);
}

static int
hex_digit(char c)
{
	if (ascii_is_digit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The character that %XX at TEXT stands for; 0 if it is no printable one of ASCII. */
static char
percent(struct bytes text)
{
	int high = text.size < 3 || text.at[0] != '%' ? -1 : hex_digit(text.at[1]);
	int low = high < 0 ? -1 : hex_digit(text.at[2]);
	int c = low < 0 ? 0 : high * 16 + low;

	if (c <= ' ' || c >= 0x7f)
		return '\0';
	return (char)c;
}

/* A url with the characters that %XX stands for, as far as they are printable ones of ASCII. */
static struct bytes
unescaped(struct shape *s, struct bytes url)
{
	s->subject_room.used = 0;
	for (size_t i = 0; i < url.size; i++) {
		char c = percent((struct bytes){ url.at + i, url.size - i });

		put(&s->subject_room, (struct bytes){ c == '\0' ? url.at + i : &c, 1 });
		i += c == '\0' ? 0 : 2;
	}
	return buffer_bytes(&s->subject_room);
}

/* TYPE is the Reference's own `type`, else `subject_type`. */
static struct bytes
by_text(struct shape *s, struct bytes reference, struct bytes type)
{
	struct bytes rest = before(reference, "/_history/");
	struct bytes id;
	struct bytes named;

	if (is_canonical(s, reference))
		return reference;
	if (bytes_begin(reference, "urn:uuid:"))
		return typed(s, type, (struct bytes){ reference.at + 9, reference.size - 9 });
	if (memchr(reference.at, '?', reference.size) != NULL) {
		struct bytes head = before(reference, "?identifier=");

		if (head.size == reference.size || !tag_is_word(head))
			return (struct bytes){ 0 };
		return unescaped(s, reference);
	}
	id = cut_segment(&rest);
	named = cut_segment(&rest);
	if (named.size == 0)
		return typed(s, type, id);
	if (!is_type(s, named))
		return (struct bytes){ 0 };
	return typed(s, named, id);
}

static struct bytes
by_reference(struct shape *s, const struct json *j, const struct roots *r, uint32_t node)
{
	struct bytes type = string_member(j, node, s->reference_type);
	uint32_t reference = json_member_key(j, node, s->reference);
	struct bytes text;

	if (type.size == 0)
		type = s->subject_type;
	if (reference == 0 || json_kind(j, reference) != JSON_STRING)
		return by_identifier(s, j, json_member_key(j, node, s->identifier), type);
	text = json_string(j, reference, &s->subject_text);
	if (bytes_begin(text, "#"))
		return by_contained(s, j, r, text);
	return by_text(s, text, type);
}

/* The subject that NODE names: a Reference, or text. */
static struct bytes
by_node(struct shape *s, const struct json *j, const struct roots *r, uint32_t node)
{
	if (json_kind(j, node) == JSON_OBJECT)
		return by_reference(s, j, r, node);
	if (json_kind(j, node) == JSON_STRING)
		return by_text(s, json_string(j, node, &s->subject_text), s->subject_type);
	return (struct bytes){ 0 };
}

/* The search for the one record of `subject_type` that a list of references names. */
struct subject_search {
	struct shape *shape;
	const struct json *json;
	const struct roots *roots;
	size_t found; /* subjects that differ, at most 2 */
};

static bool
is_of_type(struct bytes subject, struct bytes type)
{
	if (type.size == 0)
		return subject.size > 0;
	return subject.size > type.size && memcmp(subject.at, type.at, type.size) == 0 &&
	       (subject.at[type.size] == '/' || subject.at[type.size] == '?');
}

static bool
look_at_listed(void *context, uint32_t node)
{
	struct subject_search *search = context;
	struct shape *s = search->shape;
	struct bytes subject = by_node(s, search->json, search->roots, node);

	if (!is_of_type(subject, s->subject_type))
		return true;
	if (search->found > 0 && bytes_equal(subject, buffer_bytes(&s->subject_found)))
		return true;
	s->subject_found.used = 0;
	put(&s->subject_found, subject);
	return ++search->found < 2;
}

/* A record that names several is about none of them alone. */
static struct bytes
by_list(struct shape *s, const struct json *j, const struct roots *r, const struct shape_place *place)
{
	struct subject_search search = { .shape = s, .json = j, .roots = r };
	uint32_t root = r->at[0].node;
	uint32_t node;

	if (place->key == 0) {
		(void)path_each(place->path, j, root, NULL, look_at_listed, &search);
	} else if ((node = json_member_key(j, root, place->key)) != 0) {
		for (uint32_t i = node + 1; i < j->nodes[node].next && look_at_listed(&search, i);
		     i = j->nodes[i].next)
			;
	}
	return search.found == 1 ? buffer_bytes(&s->subject_found) : (struct bytes){ 0 };
}

static struct bytes
at_place(struct shape *s, const struct json *j, const struct roots *r, const struct shape_place *place)
{
	uint32_t node;

	if (!place_first(place, j, r->at[0].node, &node))
		return (struct bytes){ 0 };
	if (place->key != 0 && json_kind(j, node) != JSON_ARRAY)
		return by_node(s, j, r, node);
	return by_list(s, j, r, place);
}

struct bytes
shape_ehr_subject(struct shape *s, const struct json *j, const struct roots *r)
{
	const struct shape_place *other = NULL;
	uint32_t root = r->at[0].node;

	if (s->is_fhir) {
		struct bytes type = shape_type(s, j, root);

		if (bytes_are(type, "Patient") || bytes_are(type, "Person"))
			return typed(s, type, shape_id(s, j, root));
	}
	for (size_t i = 0; i < s->subject.count; i++) {
		struct bytes subject = at_place(s, j, r, &s->subject.at[i]);

		if (is_of_type(subject, s->subject_type))
			return subject;
		other = subject.size > 0 && other == NULL ? &s->subject.at[i] : other;
	}
	/* A record about a group or a device has no patient. */
	return other == NULL ? (struct bytes){ 0 } : at_place(s, j, r, other);
}

bool
shape_is_inline_label(struct bytes url)
{
	static const struct bytes name = BYTES(SHAPE_INLINE_LABEL);

	for (size_t i = 0; i + 2 < 9 && i + 2 < url.size; i++)
		if (url.at[i] == ':' && url.at[i + 1] == '/' && url.at[i + 2] == '/') {
			url = (struct bytes){ url.at + i + 3, url.size - i - 3 };
			break;
		}
	if (!bytes_begin(url, SHAPE_INLINE_LABEL))
		return false;
	return url.size == name.size || url.at[name.size] == '/' || url.at[name.size] == '|';
}
