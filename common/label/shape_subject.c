/* SPDX-License-Identifier: ISC */
#include "common/label/shape_parts.h"

#include "common/base/bisect.h"
#include "common/base/hash.h"
#include "common/line/tags.h"
#include "common/policy/vocabulary.h"

#include <stdlib.h>
#include <string.h>

static void
put(struct buffer *out, struct bytes text)
{
	buffer_add(out, text.at, text.size);
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

/* A resource that the record itself contains, by its id. */
struct contained_id {
	uint64_t hash;
	uint32_t node;
};

static int
by_hash(const void *x, const void *y)
{
	const struct contained_id *a = x, *b = y;

	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	return (a->node > b->node) - (a->node < b->node);
}

/* Each id is read once for a record, as a list may name each of them. */
static void
make_contained(struct shape *s, const struct json *j, const struct roots *r)
{
	s->contained.used = 0;
	for (size_t i = 1; i < r->count; i++)
		if (r->at[i].parent == 0) {
			struct contained_id one = { hash_bytes(shape_id(s, j, r->at[i].node)),
				r->at[i].node };

			buffer_add(&s->contained, (const char *)&one, sizeof one);
		}
	if (s->contained.used > 0)
		qsort(s->contained.at, s->contained.used / sizeof(struct contained_id),
		    sizeof(struct contained_id), by_hash);
	s->contained_is_made = true;
}

/* #x names the first contained resource of that id.  Outside of the record its identifier alone is known. */
static struct bytes
by_contained(struct shape *s, const struct json *j, const struct roots *r, struct bytes reference)
{
	struct bytes id = { reference.at + 1, reference.size - 1 };
	uint64_t hash = hash_bytes(id);
	const struct contained_id *first;
	struct bisect b = { 0 };

	if (id.size == 0)
		return (struct bytes){ 0 };
	if (!s->contained_is_made)
		make_contained(s, j, r);
	first = (const struct contained_id *)(const void *)s->contained.at;
	b.high = s->contained.used / sizeof *first;
	while (bisect_more(&b))
		bisect_step(&b, first[b.middle].hash < hash);
	if (b.low == s->contained.used / sizeof *first || !bytes_equal(shape_id(s, j, first[b.low].node), id))
		return (struct bytes){ 0 };
	uint32_t node = first[b.low].node;
	return by_identifier(s, j, json_member_key(j, node, s->identifier), shape_type(s, j, node));
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
	struct bytes rest, id, named;

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
	rest = before(reference, "/_history/");
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

	if (!shape_place_first(place, j, r->at[0].node, &node))
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

	s->contained_is_made = false;
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
	return other != NULL ? at_place(s, j, r, other) : (struct bytes){ 0 };
}
