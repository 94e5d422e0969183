/* SPDX-License-Identifier: ISC */
#include "common/access/entities.h"

#include "common/base/memory.h"

#include <stdlib.h>

struct stated {
	uint8_t attribute;
	struct values values;
};

struct entity {
	struct stated *stated;
	uint32_t count;
};

enum { MAX_KEY = 512 };

struct entities {
	const struct attributes *attributes;
	struct intern ids;     /* type NUL id */
	struct entity *entity; /* by word of its id */
	uint32_t room;
	struct scratch scratch; /* holds the values; never reset */
};

/* A request may name the entity as subject or as resource, so the attributes of both places are kept. */
static void
read_properties(struct request_reader *reader, struct entity *e, uint32_t node, struct arena *arena)
{
	static const enum request_place places[] = { PLACE_SUBJECT, PLACE_RESOURCE };
	const struct json *j = reader->json;
	struct buffer room;

	buffer_init(&room, BUFFER_UNLIMITED);
	e->stated = arena_array(arena, 2 * (size_t)json_count(j, node), sizeof *e->stated);
	for (uint32_t key = node + 1; key < j->nodes[node].next; key = j->nodes[key].next)
		for (size_t p = 0; p < sizeof places / sizeof places[0]; p++) {
			int attribute =
			    attributes_find(reader->attributes, places[p], json_string(j, key, &room));

			if (attribute < 0 || reader->attributes->at[attribute].kind == ATTRIBUTE_TOP)
				continue;
			e->stated[e->count].attribute = (uint8_t)attribute;
			e->stated[e->count++].values = request_values(reader, (unsigned)attribute, key + 1);
		}
	buffer_release(&room);
}

static bool
read_entity(struct entities *all, struct ndjson *n, struct request_reader *reader)
{
	struct bytes type, id;
	uint32_t properties = json_member(&n->json, 0, bytes_of("properties"));
	uint32_t before = all->ids.count, number;

	if (!ndjson_string(n, "type", &type) || !ndjson_string(n, "id", &id))
		return false;
	if (type.size + id.size + 1 > MAX_KEY)
		return ndjson_fault(n, 0, "type and id are too long");
	if (properties == 0 || json_kind(&n->json, properties) != JSON_OBJECT)
		return ndjson_fault(n, properties, "expected an object in member 'properties'");
	number = intern_add(&all->ids, intern_pair(&all->scratch, type, id));
	if (number <= before)
		return ndjson_fault(n, 0, "an entity that is there twice");
	if (number > all->room) {
		all->room = all->room ? 2 * all->room : 64;
		all->entity = memory_grow(all->entity, all->room, sizeof *all->entity);
	}
	all->entity[number - 1] = (struct entity){ 0 };
	reader->json = &n->json;
	read_properties(reader, &all->entity[number - 1], properties, n->reader->arena);
	return true;
}

struct entities *
entities_read(struct access_reader *r, struct bytes text)
{
	struct entities *all = memory_zeros(1, sizeof *all);
	struct request_reader reader = { .attributes = r->attributes, .words = r->words };
	struct ndjson n;

	all->attributes = r->attributes;
	intern_init(&all->ids, r->arena);
	reader.scratch = &all->scratch;
	ndjson_init(&n, r, text);
	while (ndjson_next(&n))
		if (!read_entity(all, &n, &reader))
			break;
	ndjson_release(&n);
	if (!r->fault->text[0])
		return all;
	entities_free(all);
	return NULL;
}

void
entities_free(struct entities *all)
{
	if (!all)
		return;
	intern_release(&all->ids);
	scratch_release(&all->scratch);
	free(all->entity);
	free(all);
}

static const struct entity *
find(const struct entities *all, struct bytes type, struct bytes id)
{
	char key[MAX_KEY];
	uint32_t number;

	if (type.size + id.size + 1 > sizeof key)
		return NULL;
	memcpy(key, type.at, type.size);
	key[type.size] = '\0';
	memcpy(key + type.size + 1, id.at, id.size);
	number = intern_find(&all->ids, (struct bytes){ key, type.size + id.size + 1 });
	return number ? &all->entity[number - 1] : NULL;
}

static void
put(const struct entities *all, struct request *q, enum request_place place, unsigned type, unsigned id)
{
	const struct entity *e = find(all, request_string(q, type), request_string(q, id));

	for (uint32_t i = 0; e && i < e->count; i++)
		if (all->attributes->at[e->stated[i].attribute].place == place)
			q->at[e->stated[i].attribute] = e->stated[i].values;
}

void
entities_apply(const struct entities *all, struct request *q)
{
	put(all, q, PLACE_SUBJECT, ATTRIBUTE_SUBJECT_TYPE, ATTRIBUTE_SUBJECT_ID);
	put(all, q, PLACE_RESOURCE, ATTRIBUTE_RESOURCE_TYPE, ATTRIBUTE_RESOURCE_ID);
}

uint32_t
entities_count(const struct entities *all)
{
	return all->ids.count;
}

struct bytes
entities_key(const struct entities *all, uint32_t i)
{
	return intern_text(&all->ids, i + 1);
}

bool
entities_has_role(const struct entities *all, const struct roles *roles, struct bytes id)
{
	const struct entity *e = find(all, bytes_of("user"), id);

	for (uint32_t i = 0; e && i < e->count; i++) {
		const struct stated *s = &e->stated[i];

		if (s->attribute != ATTRIBUTE_STRUCTURAL_ROLE && s->attribute != ATTRIBUTE_FUNCTIONAL_ROLE)
			continue;
		for (uint32_t k = 0; k < s->values.count; k++)
			if (s->values.at[k].kind == VALUE_STRING && roles_has(roles, s->values.at[k].word))
				return true;
	}
	return false;
}

struct bytes
entities_pseudonym(const struct entities *all, struct bytes patient)
{
	static const char *const types[] = { "patient", "Patient" };

	for (size_t t = 0; t < sizeof types / sizeof types[0]; t++) {
		const struct entity *e = find(all, bytes_of(types[t]), patient);

		for (uint32_t i = 0; e && i < e->count; i++) {
			const struct values *v = &e->stated[i].values;

			if (e->stated[i].attribute == ATTRIBUTE_PSEUDONYM && v->count == 1 &&
			    v->at[0].kind == VALUE_STRING)
				return v->at[0].text;
		}
	}
	return (struct bytes){ "", 0 };
}
