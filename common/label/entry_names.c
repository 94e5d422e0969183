/* SPDX-License-Identifier: ISC */
#include "common/base/hash.h"
#include "common/label/parts.h"

#include <stdlib.h>

/* A name of ROOT, which is the resource of ENTRY.  Equal hashes are equal names: nobody can choose them. */
struct entry_name {
	uint64_t hash;
	uint32_t root;
	uint32_t entry;
	bool is_url; /* it is the whole address; else Type/id, or id alone */
};

void
entry_names_init(struct entry_names *n, const struct current_root *root)
{
	*n = (struct entry_names){ .root = root };
	buffer_init(&n->items, BUFFER_UNLIMITED);
	buffer_init(&n->entries, BUFFER_UNLIMITED);
	buffer_init(&n->text, BUFFER_UNLIMITED);
	buffer_init(&n->piece, BUFFER_UNLIMITED);
}

void
entry_names_release(struct entry_names *n)
{
	buffer_release(&n->items);
	buffer_release(&n->entries);
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
	uint32_t value = object == NO_NODE ? 0 : json_member(j, object, name);

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

static void
add_entry(struct entry_names *n, uint32_t entry)
{
	const struct json *j = current_root_json(n->root);
	const struct roots *r = n->root->record.roots;
	uint32_t resource = json_member(j, entry, (struct bytes)BYTES("resource"));
	struct entry_name item = { .entry = entry };
	struct bytes name;

	if (resource == 0)
		resource = json_member(j, entry, (struct bytes)BYTES("content"));
	item.root = (uint32_t)roots_inner(r, resource);
	if (item.root == 0)
		return;
	((uint32_t *)(void *)n->entries.at)[item.root] = entry;
	item.is_url = true;
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
	return (x->root > y->root) - (x->root < y->root);
}

/* Notes the names of all entries of the record. */
static void
read_names(struct entry_names *n)
{
	const struct json *j = current_root_json(n->root);
	const struct roots *r = n->root->record.roots;

	n->is_read = true;
	n->items.used = n->entries.used = 0;
	memset(buffer_more(&n->entries, r->count * sizeof(uint32_t)), 0xff, r->count * sizeof(uint32_t));
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
}

/* The entry's server: `http://h/fhir/` of an address that ends in the name of a resource; else empty. */
static struct bytes
server_of(struct entry_names *n, uint32_t entry)
{
	struct bytes url = url_of(n, entry);

	if (!bytes_begin(url, "http://") && !bytes_begin(url, "https://"))
		return (struct bytes){ "", 0 };
	return (struct bytes){ url.at, url.size - last_two(url).size };
}

/* The entry around root INDEX, and that entry's Bundle; NO_NODE and the record if there is none. */
static uint32_t
entry_around(const struct entry_names *n, uint32_t index, uint32_t *bundle)
{
	const struct roots *r = n->root->record.roots;
	const uint32_t *entry = (const uint32_t *)(const void *)n->entries.at;

	while (index > 0 && entry[index] == NO_NODE)
		index = r->at[index].parent;
	*bundle = r->at[index].parent;
	return entry[index];
}

/* `Type/id` is relative to the server that its entry comes from, if that is known (FHIR R4 bundle.html). */
static bool
is_of_same_server(struct entry_names *n, uint32_t entry, uint32_t other)
{
	struct bytes server = server_of(n, entry);
	bool is_same;

	n->text.used = 0;
	put(n, server);
	server = server_of(n, other);
	is_same = n->text.used == 0 || server.size == 0 || bytes_equal(buffer_bytes(&n->text), server);
	return is_same;
}

/* A reference in root FROM, without its version. */
struct entry_reference {
	struct bytes name;
	struct bytes version; /* empty: none */
	uint32_t from;
};

static bool
is_sure(struct entry_names *n, const struct entry_reference *q, const struct entry_name *item)
{
	const struct json *j = current_root_json(n->root);
	const struct roots *r = n->root->record.roots;
	uint32_t bundle;
	uint32_t around = entry_around(n, q->from, &bundle);
	uint32_t meta = json_member(j, r->at[item->root].node, (struct bytes)BYTES("meta"));

	if (r->at[item->root].parent != bundle)
		return false;
	if (q->version.size > 0 &&
	    (meta == 0 || !bytes_equal(string_of(n, meta, (struct bytes)BYTES("versionId")), q->version)))
		return false;
	if (item->is_url)
		return true;
	return last_two(q->name).size == q->name.size && is_of_same_server(n, item->entry, around);
}

static void
each_of(struct entry_names *n, const struct entry_reference *q, struct bytes name, bool is_url,
    void (*found)(void *context, uint32_t root, bool is_sure), void *context)
{
	const struct entry_name *item = (const struct entry_name *)(const void *)n->items.at;
	size_t low = 0;
	size_t count = n->items.used / sizeof *item;
	uint64_t hash = hash_bytes(name);

	for (size_t high = count; low < high;) {
		size_t middle = low + (high - low) / 2;

		if (item[middle].hash < hash)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < count && item[low].hash == hash; low++)
		if (item[low].is_url == is_url)
			found(context, item[low].root, is_sure(n, q, &item[low]));
}

void
entry_names_each(struct entry_names *n, struct bytes reference, uint32_t from,
    void (*found)(void *context, uint32_t root, bool is_sure), void *context)
{
	struct entry_reference q = { reference, { "", 0 }, from };
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
		q.version =
		    (struct bytes){ history + 10, (size_t)(reference.at + reference.size - history) - 10 };
	}
	each_of(n, &q, q.name, true, found, context);
	name = last_two(q.name);
	if (bytes_begin(q.name, "urn:uuid:"))
		name = (struct bytes){ q.name.at + 9, q.name.size - 9 };
	if (name.size > 0)
		each_of(n, &q, name, false, found, context);
}
