/* SPDX-License-Identifier: ISC */
#include "common/access/entities.h"

#include "common/access/ndjson.h"
#include "common/base/diag.h"

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
	struct intern names;   /* "type\0id" */
	struct entity *entity; /* by number, from 1 */
	uint32_t room;
	struct scratch scratch; /* values that live as long */
};

/* Two strings as one key: neither holds a NUL, for JSON lines hold none. */
static struct bytes
pair(struct scratch *scratch, struct bytes a, struct bytes b)
{
	char *at = scratch_take(scratch, a.size + b.size + 1);

	memcpy(at, a.at, a.size);
	memcpy(at + a.size + 1, b.at, b.size);
	return (struct bytes){ at, a.size + b.size + 1 };
}

/* One entity may be asked about as subject and as resource: attributes of both places are kept. */
static void
read_properties(struct request_reader *reader, struct entity *e, uint32_t node, struct arena *arena)
{
	static const enum place places[] = { PLACE_SUBJECT, PLACE_RESOURCE };
	const struct json *j = reader->json;
	uint32_t keys = 0;

	for (uint32_t key = node + 1; key < j->nodes[node].next; key = j->nodes[key].next)
		keys++;
	e->stated = arena_array(arena, 2 * (size_t)keys, sizeof *e->stated);
	for (uint32_t key = node + 1; key < j->nodes[node].next; key = j->nodes[key].next)
		for (size_t p = 0; p < sizeof places / sizeof places[0]; p++) {
			struct buffer room;
			int attribute;

			buffer_init(&room, SIZE_MAX / 2);
			attribute =
			    attributes_find(reader->attributes, places[p], json_string(j, key, &room));
			buffer_release(&room);
			if (attribute < 0 || reader->attributes->at[attribute].kind == ATTRIBUTE_TOP)
				continue;
			e->stated[e->count].attribute = (uint8_t)attribute;
			e->stated[e->count++].values = request_values(reader, (unsigned)attribute, key + 1);
		}
}

static bool
read_entity(struct entities *g, struct ndjson *n, struct request_reader *reader)
{
	struct bytes type, id;
	uint32_t properties = json_member(&n->json, 0, bytes_of("properties")), number,
		 before = g->names.count;

	if (!ndjson_string(n, "type", false, &type) || !ndjson_string(n, "id", false, &id))
		return false;
	if (type.size + id.size + 1 > MAX_KEY)
		return ndjson_fault(n, 0, "type and id are too long");
	if (properties == 0 || json_kind(&n->json, properties) != JSON_OBJECT)
		return ndjson_fault(n, properties, "expected an object in member 'properties'");
	number = intern_add(&g->names, pair(&g->scratch, type, id));
	if (number <= before)
		return ndjson_fault(n, 0, "an entity that is there twice");
	if (number > g->room) {
		g->room = g->room ? 2 * g->room : 64;
		g->entity = reallocarray(g->entity, g->room, sizeof *g->entity);
		if (!g->entity)
			diag_die(EXIT_IO, "out of memory");
	}
	g->entity[number - 1] = (struct entity){ 0 };
	reader->json = &n->json;
	read_properties(reader, &g->entity[number - 1], properties, n->reader->arena);
	return true;
}

struct entities *
entities_read(struct reader *r, struct bytes text)
{
	struct entities *g = calloc(1, sizeof *g);
	struct request_reader reader = { .attributes = r->attributes, .words = r->words };
	struct ndjson n;

	if (!g)
		diag_die(EXIT_IO, "out of memory");
	g->attributes = r->attributes;
	intern_init(&g->names, r->arena);
	reader.scratch = &g->scratch;
	ndjson_init(&n, r, text);
	while (ndjson_next(&n))
		if (!read_entity(g, &n, &reader))
			break;
	ndjson_release(&n);
	if (!r->fault->text[0])
		return g;
	entities_free(g);
	return NULL;
}

void
entities_free(struct entities *g)
{
	if (!g)
		return;
	intern_release(&g->names);
	scratch_release(&g->scratch);
	free(g->entity);
	free(g);
}

static const struct entity *
find(const struct entities *g, struct bytes type, struct bytes id)
{
	char key[MAX_KEY];
	uint32_t number;

	if (type.size + id.size + 1 > sizeof key)
		return NULL;
	memcpy(key, type.at, type.size);
	key[type.size] = '\0';
	memcpy(key + type.size + 1, id.at, id.size);
	number = intern_find(&g->names, (struct bytes){ key, type.size + id.size + 1 });
	return number ? &g->entity[number - 1] : NULL;
}

static void
put(const struct entities *g, struct request *q, enum place place, unsigned type, unsigned id)
{
	const struct entity *e = find(g, request_string(q, type), request_string(q, id));

	for (uint32_t i = 0; e && i < e->count; i++)
		if (g->attributes->at[e->stated[i].attribute].place == place)
			q->at[e->stated[i].attribute] = e->stated[i].values;
}

void
entities_apply(const struct entities *g, struct request *q)
{
	put(g, q, PLACE_SUBJECT, ATTRIBUTE_SUBJECT_TYPE, ATTRIBUTE_SUBJECT_ID);
	put(g, q, PLACE_RESOURCE, ATTRIBUTE_RESOURCE_TYPE, ATTRIBUTE_RESOURCE_ID);
}

struct bytes
entities_pseudonym(const struct entities *g, struct bytes patient)
{
	static const char *const types[] = { "patient", "Patient" };

	for (size_t t = 0; t < sizeof types / sizeof types[0]; t++) {
		const struct entity *e = find(g, bytes_of(types[t]), patient);

		for (uint32_t i = 0; e && i < e->count; i++) {
			const struct values *v = &e->stated[i].values;

			if (e->stated[i].attribute == ATTRIBUTE_PSEUDONYM && v->count == 1 &&
			    v->at[0].kind == VALUE_STRING)
				return v->at[0].text;
		}
	}
	return (struct bytes){ "", 0 };
}

void
used_init(struct used *u, struct arena *arena)
{
	intern_init(&u->pairs, arena);
}

void
used_release(struct used *u)
{
	intern_release(&u->pairs);
}

bool
used_read(struct used *u, struct reader *r, struct bytes text)
{
	struct scratch scratch = { 0 };
	struct bytes device, id;
	struct ndjson n;

	ndjson_init(&n, r, text);
	while (ndjson_next(&n)) {
		if (!ndjson_string(&n, "device", false, &device) || !ndjson_string(&n, "id", false, &id))
			break;
		used_add(u, &scratch, device, id);
		scratch_reset(&scratch);
	}
	ndjson_release(&n);
	scratch_release(&scratch);
	return !r->fault->text[0];
}

bool
used_has(const struct used *u, struct scratch *scratch, struct bytes device, struct bytes id)
{
	return intern_find(&u->pairs, pair(scratch, device, id)) != 0;
}

void
used_add(struct used *u, struct scratch *scratch, struct bytes device, struct bytes id)
{
	(void)intern_add(&u->pairs, pair(scratch, device, id));
}
