/* SPDX-License-Identifier: ISC */
#include "common/access/entities.h"

#include "common/access/links.h"
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
	struct links *links;
	const struct intern *words; /* of the policy */
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
is_patient(struct bytes type)
{
	return bytes_are(type, "patient") || bytes_are(type, "Patient");
}

static void
link_one(struct entities *all, const char *key, struct bytes type, struct bytes self, struct bytes name)
{
	size_t slash = type.size + 1;
	struct bytes id = { self.at + slash, self.size - slash };

	if (strcmp(key, "member") == 0) {
		links_add(all->links, name, self);
		return;
	}
	links_add(all->links, self, name);
	if (strcmp(key, "practitioner") == 0)
		links_add(all->links, name, self);
	if (strcmp(key, "identifier") == 0 && is_patient(type))
		links_identify(all->links, name, id);
}

/* A name that is no string could be one that a deny waits for: a fault. */
static bool
read_links(struct entities *all, struct ndjson *n, uint32_t properties, struct bytes type, struct bytes id)
{
	static const char *const names[] = { "member", "practitioner", "organization", "identifier" };
	struct json *j = &n->json;
	struct bytes self = { "", 0 };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		uint32_t node = json_member(j, properties, bytes_of(names[i]));
		bool list = node != 0 && json_kind(j, node) == JSON_ARRAY;

		if (node != 0 && self.size == 0)
			self = bytes_of(arena_format(
			    n->reader->arena, "%.*s/%.*s", (int)type.size, type.at, (int)id.size, id.at));
		for (uint32_t at = list ? node + 1 : node; node != 0 && at < j->nodes[node].next;
		     at = j->nodes[at].next) {
			if (json_kind(j, at) != JSON_STRING)
				return ndjson_fault(n, at, "expected a name, such as Practitioner/7");
			link_one(all, names[i], type, self, json_string(j, at, &n->room));
		}
	}
	return true;
}

/* A patient's id, as requests and facts name her; the others' as they stand. */
static struct bytes
plain_id(struct bytes type, struct bytes id)
{
	return is_patient(type) ? reader_patient(id) : id;
}

/* A request may name a patient by her pseudonym. */
static void
know_pseudonym(struct entities *all, struct ndjson *n, uint32_t properties, struct bytes id)
{
	uint32_t node = json_member(&n->json, properties, bytes_of("pseudonym"));

	if (node != 0 && json_kind(&n->json, node) == JSON_STRING)
		links_identify(all->links, json_string(&n->json, node, &n->room), id);
}

static bool
read_entity(struct entities *all, struct ndjson *n, struct request_reader *reader)
{
	struct bytes type, id;
	uint32_t properties = json_member(&n->json, 0, bytes_of("properties"));
	uint32_t before = all->ids.count, number;

	if (!ndjson_string(n, "type", &type) || !ndjson_string(n, "id", &id))
		return false;
	id = plain_id(type, id);
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
	if (is_patient(type))
		know_pseudonym(all, n, properties, id);
	return read_links(all, n, properties, type, id);
}

struct entities *
entities_read(struct access_reader *r, struct bytes text)
{
	struct entities *all = memory_zeros(1, sizeof *all);
	struct request_reader reader = { .attributes = r->attributes, .words = r->words };
	struct ndjson n;

	all->attributes = r->attributes;
	all->words = r->words;
	intern_init(&all->ids, r->arena);
	all->links = links_new(r->arena, r->words);
	reader.scratch = &all->scratch;
	ndjson_init(&n, r, NULL, text);
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
	links_free(all->links);
	scratch_release(&all->scratch);
	free(all->entity);
	free(all);
}

static const struct entity *
find(const struct entities *all, struct bytes type, struct bytes id)
{
	char key[MAX_KEY];
	uint32_t number;

	id = plain_id(type, id);
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

/* Facts and directives are kept by the id of a patient, so they would not be found by her other names. */
static void
put_patient(const struct entities *all, struct request *q, unsigned attribute, struct scratch *scratch)
{
	struct bytes name = request_string(q, attribute), id = entities_patient(all, name);
	struct value *v;

	if (id.size == 0 || find(all, bytes_of("patient"), name) || find(all, bytes_of("Patient"), name))
		return;
	v = scratch_take(scratch, sizeof *v);
	*v = (struct value){ .kind = VALUE_STRING, .text = id, .word = intern_find(all->words, id) };
	q->at[attribute] = (struct values){ .at = v, .count = 1, .present = true };
}

void
entities_apply(const struct entities *all, struct request *q, struct scratch *scratch)
{
	put(all, q, PLACE_SUBJECT, ATTRIBUTE_SUBJECT_TYPE, ATTRIBUTE_SUBJECT_ID);
	put(all, q, PLACE_RESOURCE, ATTRIBUTE_RESOURCE_TYPE, ATTRIBUTE_RESOURCE_ID);
	put_patient(all, q, ATTRIBUTE_SUBJECT_PATIENT, scratch);
	put_patient(all, q, ATTRIBUTE_RESOURCE_PATIENT, scratch);
	q->at[ATTRIBUTE_REF] = links_follow(all->links, &q->at[ATTRIBUTE_REF], scratch);
}

struct bytes
entities_patient(const struct entities *all, struct bytes identifier)
{
	return links_patient(all->links, identifier);
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
entities_has(const struct entities *all, struct bytes type, struct bytes id)
{
	return find(all, type, id) != NULL;
}

static const struct values *
stated_of(const struct entities *all, const char *type, struct bytes id, unsigned attribute)
{
	static const struct values missing;
	const struct entity *e = find(all, bytes_of(type), id);

	for (uint32_t i = 0; e && i < e->count; i++)
		if (e->stated[i].attribute == attribute)
			return &e->stated[i].values;
	return &missing;
}

const struct values *
entities_user(const struct entities *all, struct bytes user, unsigned attribute)
{
	return stated_of(all, "user", user, attribute);
}

struct values
entities_names(const struct entities *all, struct bytes user, struct scratch *scratch)
{
	return links_follow(all->links, stated_of(all, "user", user, ATTRIBUTE_REF), scratch);
}

struct bytes
entities_pseudonym(const struct entities *all, struct bytes patient)
{
	static const char *const types[] = { "patient", "Patient" };

	for (size_t t = 0; t < sizeof types / sizeof types[0]; t++) {
		const struct values *v = stated_of(all, types[t], patient, ATTRIBUTE_PSEUDONYM);

		if (v->count == 1 && v->at[0].kind == VALUE_STRING)
			return v->at[0].text;
	}
	return (struct bytes){ "", 0 };
}
