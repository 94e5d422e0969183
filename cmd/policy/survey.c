/* SPDX-License-Identifier: ISC */
#include "cmd/policy/survey.h"

#include "cmd/policy/parts.h"
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/line/tags.h"
#include "common/policy/vocabulary.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	MAX_DEPTH = 3,    /* of places in records that are not FHIR */
	MAX_MEMBERS = 64, /* an object with more is a map, whose keys are data */
	MAX_PLACES = 400, /* of a type; further places have the level of the place around them */
	MAX_PATH = 1 << 16,
};

void
survey_init(struct survey *s, bool is_fhir, struct json_keys *keys)
{
	*s = (struct survey){ .is_fhir = is_fhir };
	roots_init(&s->roots, keys);
	buffer_init(&s->text, MAX_PATH);
}

void
survey_release(struct survey *s)
{
	for (size_t i = 0; i < s->types; i++)
		free(s->type[i].place);
	free(s->type);
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
	if (t->places == MAX_PLACES)
		return NULL;
	t->place = grow(t->place, t->places, &t->room, sizeof(*t->place));
	t->place[t->places] =
	    (struct survey_place){ .path = arena_copy(&s->arena, path), .dates = true, .words = true };
	return &t->place[t->places++];
}

static void
note_value(struct survey *s, struct survey_type *t, const struct json *j, uint32_t node)
{
	struct survey_place *p = place_of(s, t, buffer_bytes(&s->text));
	enum json_kind kind = json_kind(j, node);
	struct period period;
	enum date_precision precision;

	if (p == NULL)
		return;
	p->kinds |= 1u << kind;
	p->records += p->last != s->seen;
	p->last = s->seen;
	struct bytes text = kind == JSON_STRING ? json_inside(j, node) : (struct bytes){ 0 };
	p->words = p->words && tag_is_word(text);
	p->dates = p->dates && clock_parse_date(text, &period, &precision) && precision >= DATE_DAY;
}

static void survey_node(
    struct survey *s, struct survey_type *t, const struct json *j, uint32_t node, unsigned depth);

/* s->text holds the path of NODE before and afterwards. */
static void
survey_children(struct survey *s, struct survey_type *t, const struct json *j, uint32_t node, unsigned depth)
{
	size_t used = s->text.used;
	bool by_name = json_kind(j, node) == JSON_OBJECT && json_count(j, node) <= MAX_MEMBERS;

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

	if (inner && !s->is_fhir && depth < MAX_DEPTH && j->nodes[node].next > node + 1)
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

static void
survey_root(struct survey *s, const struct json *j, uint32_t node)
{
	struct bytes name = BYTES("Record");

	if (s->is_fhir && !survey_is_fhir(j, node)) {
		s->unknown++;
		return;
	}
	if (s->is_fhir)
		name = json_inside(j, json_member(j, node, (struct bytes)BYTES("resourceType")));
	struct survey_type *t = type_of(s, name);
	t->records++;
	s->seen++;
	s->text.used = 0;
	survey_children(s, t, j, node, 1);
}

void
survey_add(struct survey *s, const struct json *j)
{
	s->records++;
	roots_find(&s->roots, j, 0, s->is_fhir);
	for (size_t i = 0; i < s->roots.count; i++)
		survey_root(s, j, s->roots.at[i].node);
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
