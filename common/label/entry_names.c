/* SPDX-License-Identifier: ISC */
#include "common/base/bisect.h"
#include "common/base/hash.h"
#include "common/label/parts.h"

#include <stdlib.h>

/* A name of ROOT.  Equal hashes are equal texts: nobody can choose them. */
struct entry_name {
	uint64_t hash;
	uint32_t root;
	bool is_url; /* it is the whole address; else Type/id, or id alone */
};

/* The entry that a root is the resource of.  A large Bundle has many, each with two or three names. */
struct entry_place {
	uint64_t server;  /* 0: not known */
	uint64_t version; /* of its meta.versionId */
	bool is_entry;
};

void
entry_names_init(struct entry_names *n, const struct current_root *root)
{
	*n = (struct entry_names){ .root = root };
	buffer_init(&n->items, BUFFER_UNLIMITED);
	buffer_init(&n->groups, BUFFER_UNLIMITED);
	buffer_init(&n->places, BUFFER_UNLIMITED);
	buffer_init(&n->text, BUFFER_UNLIMITED);
	buffer_init(&n->piece, BUFFER_UNLIMITED);
}

void
entry_names_release(struct entry_names *n)
{
	buffer_release(&n->items);
	buffer_release(&n->groups);
	buffer_release(&n->places);
	buffer_release(&n->text);
	buffer_release(&n->piece);
}

void
entry_names_start(struct entry_names *n)
{
	n->is_read = false;
}

static struct bytes
string_of(struct entry_names *n, uint32_t object, struct bytes name)
{
	const struct json *j = current_root_json(n->root);
	uint32_t value = json_member(j, object, name);

	if (value == 0 || json_kind(j, value) != JSON_STRING)
		return (struct bytes){ "", 0 };
	return json_string(j, value, &n->piece);
}

/* The address of an entry; in DSTU1 it is the entry's id. */
static struct bytes
url_of(struct entry_names *n, uint32_t entry)
{
	struct bytes url = string_of(n, entry, (struct bytes)BYTES("fullUrl"));

	return url.size > 0 ? url : string_of(n, entry, (struct bytes)BYTES("id"));
}

static void
add_name(struct entry_names *n, struct bytes name, struct entry_name item)
{
	if (name.size == 0)
		return;
	item.hash = hash_bytes(name);
	buffer_add(&n->items, &item, sizeof item);
}

/* Appends a string to n->text. */
static bool
put(struct entry_names *n, struct bytes text)
{
	buffer_add(&n->text, text.at, text.size);
	return text.size > 0;
}

/* Type/id of a resource, in n->text; empty if it has not both. */
static struct bytes
typed(struct entry_names *n, uint32_t resource)
{
	n->text.used = 0;
	if (!put(n, string_of(n, resource, (struct bytes)BYTES("resourceType"))))
		return (struct bytes){ "", 0 };
	put(n, (struct bytes)BYTES("/"));
	if (!put(n, string_of(n, resource, (struct bytes)BYTES("id"))))
		return (struct bytes){ "", 0 };
	return buffer_bytes(&n->text);
}

/* The last two segments of TEXT, as `Patient/1` of `http://h/Patient/1`; empty if it has fewer. */
static struct bytes
last_two(struct bytes text)
{
	size_t from = text.size;

	for (int slashes = 0; from > 0 && (text.at[from - 1] != '/' || ++slashes < 2); from--)
		;
	text = (struct bytes){ text.at + from, text.size - from };
	return memchr(text.at, '/', text.size) == NULL ? (struct bytes){ "", 0 } : text;
}

/* The entry's server: `http://h/fhir/` of an address that ends in the name of a resource; else 0. */
static uint64_t
server_of(struct entry_names *n, uint32_t entry)
{
	struct bytes url = url_of(n, entry);

	if (!bytes_begin(url, "http://") && !bytes_begin(url, "https://"))
		return 0;
	return hash_bytes((struct bytes){ url.at, url.size - last_two(url).size });
}

static uint64_t
version_of(struct entry_names *n, uint32_t resource)
{
	uint32_t meta = json_member(current_root_json(n->root), resource, (struct bytes)BYTES("meta"));

	return meta == 0 ? 0 : hash_bytes(string_of(n, meta, (struct bytes)BYTES("versionId")));
}

/* By root. */
static struct entry_place *
places_of(const struct entry_names *n)
{
	return (struct entry_place *)(void *)n->places.at;
}

static void
add_entry(struct entry_names *n, uint32_t entry)
{
	const struct json *j = current_root_json(n->root);
	const struct roots *r = n->root->record.roots;
	uint32_t resource = json_member(j, entry, (struct bytes)BYTES("resource"));
	struct entry_name item = { .is_url = true };
	struct bytes name;

	if (resource == 0)
		resource = json_member(j, entry, (struct bytes)BYTES("content"));
	item.root = (uint32_t)roots_inner(r, resource);
	if (item.root == 0)
		return;
	places_of(n)[item.root] = (struct entry_place){
		.server = server_of(n, entry), .version = version_of(n, resource), .is_entry = true
	};
	add_name(n, url_of(n, entry), item);
	item.is_url = false;
	name = typed(n, resource);
	if (name.size == 0)
		name = last_two(url_of(n, entry));
	add_name(n, name, item);
	add_name(n, string_of(n, resource, (struct bytes)BYTES("id")), item);
}

static int
by_hash(const void *a, const void *b)
{
	const struct entry_name *x = a;
	const struct entry_name *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	if (x->is_url != y->is_url)
		return x->is_url ? -1 : 1;
	return (x->root > y->root) - (x->root < y->root);
}

/* The names from FROM on that are the same. */
static size_t
same_names(const struct entry_names *n, size_t from)
{
	const struct entry_name *item = (const struct entry_name *)(const void *)n->items.at;
	size_t count = n->items.used / sizeof *item;
	size_t end = from;

	while (end < count && item[end].hash == item[from].hash && item[end].is_url == item[from].is_url)
		end++;
	return end - from;
}

static void
find_groups(struct entry_names *n)
{
	size_t count = n->items.used / sizeof(struct entry_name);

	for (size_t i = 0, same; i < count; i += same) {
		same = same_names(n, i);
		if (same > ENTRY_MANY)
			*(struct entry_group *)buffer_more(&n->groups, sizeof(struct entry_group)) =
			    (struct entry_group){ i, same, TRUTH_UNKNOWN };
	}
}

/* Notes the names of all entries of the record. */
static void
read_names(struct entry_names *n)
{
	const struct json *j = current_root_json(n->root);
	const struct roots *r = n->root->record.roots;

	n->is_read = true;
	n->items.used = n->groups.used = n->places.used = 0;
	(void)buffer_more(&n->places, r->count * sizeof(struct entry_place));
	for (size_t i = 0; i < r->count; i++) {
		uint32_t list = json_member(j, r->at[i].node, (struct bytes)BYTES("entry"));
		uint32_t end = list == 0 ? 0 : j->nodes[list].next;

		/* Some write one without the list around it. */
		for (uint32_t entry = json_kind(j, list) == JSON_ARRAY ? list + 1 : list; entry < end;
		     entry = j->nodes[entry].next)
			add_entry(n, entry);
	}
	if (n->items.used > 0)
		qsort(n->items.at, n->items.used / sizeof(struct entry_name), sizeof(struct entry_name),
		    by_hash);
	find_groups(n);
}

static struct entry_group *
groups_of(const struct entry_names *n)
{
	return (struct entry_group *)(void *)n->groups.at;
}

struct entry_group *
entry_names_group(const struct entry_names *n, uint32_t root)
{
	size_t roots = n->root->record.roots->count;

	return root < roots ? NULL : groups_of(n) + (root - roots);
}

uint32_t
entry_names_member(const struct entry_names *n, const struct entry_group *g, size_t i)
{
	return ((const struct entry_name *)(const void *)n->items.at)[g->first + i].root;
}

/* A reference, without its version. */
struct entry_reference {
	struct bytes name;
	uint64_t version;
	uint64_t server; /* of the entry around it; 0: not known, or it is in none */
	uint32_t bundle; /* of that entry, or the record */
	bool has_version;
};

/* Where a reference in root INDEX stands. */
static void
find_around(const struct entry_names *n, struct entry_reference *q, uint32_t index)
{
	const struct roots *r = n->root->record.roots;
	const struct entry_place *place = places_of(n);

	while (index > 0 && !place[index].is_entry)
		index = r->at[index].parent;
	q->bundle = r->at[index].parent;
	q->server = place[index].server;
}

/* `Type/id` is relative to the server that its entry comes from, if that is known (FHIR R4 bundle.html). */
static bool
is_sure(const struct entry_names *n, const struct entry_reference *q, const struct entry_name *item)
{
	const struct entry_place *place = &places_of(n)[item->root];

	if (n->root->record.roots->at[item->root].parent != q->bundle ||
	    (q->has_version && place->version != q->version))
		return false;
	if (item->is_url)
		return true;
	return last_two(q->name).size == q->name.size &&
	       (place->server == 0 || q->server == 0 || place->server == q->server);
}

/* The first of the names that are NAME; the count if there is none. */
static size_t
find_first(const struct entry_names *n, struct bytes name, bool is_url)
{
	const struct entry_name *item = (const struct entry_name *)(const void *)n->items.at;
	const struct entry_name sought = { .hash = hash_bytes(name), .is_url = is_url };
	size_t count = n->items.used / sizeof *item;
	struct bisect b = { .high = count };

	while (bisect_more(&b))
		bisect_step(&b, by_hash(&item[b.middle], &sought) < 0);
	if (b.low < count && (item[b.low].hash != sought.hash || item[b.low].is_url != is_url))
		return count;
	return b.low;
}

static uint32_t
group_at(const struct entry_names *n, size_t first)
{
	const struct entry_group *group = groups_of(n);
	struct bisect b = { .high = n->groups.used / sizeof *group };

	while (bisect_more(&b))
		bisect_step(&b, group[b.middle].first < first);
	return (uint32_t)b.low;
}

static void
each_of(const struct entry_names *n, const struct entry_reference *q, struct bytes name, bool is_url,
    entry_names_found *found, void *context)
{
	const struct entry_name *item = (const struct entry_name *)(const void *)n->items.at;
	size_t first = find_first(n, name, is_url);
	size_t same = 0;
	bool any_sure = false;

	while (first + same < n->items.used / sizeof *item && same <= ENTRY_MANY &&
	       item[first + same].hash == item[first].hash && item[first + same].is_url == is_url)
		any_sure |= is_sure(n, q, &item[first + same++]);
	if (same > ENTRY_MANY) {
		found(context, (uint32_t)n->root->record.roots->count + group_at(n, first), any_sure);
		return;
	}
	for (size_t i = 0; i < same; i++)
		found(context, item[first + i].root, is_sure(n, q, &item[first + i]));
}

void
entry_names_each(
    struct entry_names *n, struct bytes reference, uint32_t from, entry_names_found *found, void *context)
{
	struct entry_reference q = { .name = reference };
	const char *history;
	struct bytes name;

	if (n->root->record.roots->count == 1 || reference.size == 0 || reference.at[0] == '#')
		return;
	history = memmem(reference.at, reference.size, "/_history/", 10);
	if (!n->is_read)
		read_names(n);
	if (n->items.used == 0)
		return;
	if (history != NULL) {
		q.name.size = (size_t)(history - reference.at);
		q.version = hash_bytes(
		    (struct bytes){ history + 10, (size_t)(reference.at + reference.size - history) - 10 });
		q.has_version = history + 10 < reference.at + reference.size;
	}
	find_around(n, &q, from);
	each_of(n, &q, q.name, true, found, context);
	name = last_two(q.name);
	if (bytes_begin(q.name, "urn:uuid:"))
		name = (struct bytes){ q.name.at + 9, q.name.size - 9 };
	if (name.size > 0)
		each_of(n, &q, name, false, found, context);
}
