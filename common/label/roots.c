/* SPDX-License-Identifier: ISC */
#include "common/label/roots.h"

#include "common/base/bisect.h"
#include "common/base/buffer.h"

#include <stdlib.h>

void
roots_init(struct roots *r, struct json_keys *keys)
{
	*r = (struct roots){
		.contained = json_keys_add(keys, (struct bytes)BYTES("contained")),
		.entry = json_keys_add(keys, (struct bytes)BYTES("entry")),
		.resource = json_keys_add(keys, (struct bytes)BYTES("resource")),
		.content = json_keys_add(keys, (struct bytes)BYTES("content")),
		.response = json_keys_add(keys, (struct bytes)BYTES("response")),
		.outcome = json_keys_add(keys, (struct bytes)BYTES("outcome")),
		.parameter = json_keys_add(keys, (struct bytes)BYTES("parameter")),
		.resource_type = json_keys_add(keys, (struct bytes)BYTES("resourceType")),
	};
	buffer_init(&r->room, BUFFER_UNLIMITED);
}

void
roots_release(struct roots *r)
{
	buffer_release(&r->room);
	*r = (struct roots){ 0 };
}

static void
add_root(struct roots *r, uint32_t node)
{
	struct root *root = buffer_more(&r->room, sizeof *root);

	root->node = node;
	r->at = (struct root *)(void *)r->room.at;
	r->count++;
}

/* A root is an object with a member resourceType, whatever its value is. */
static bool
add_if_root(struct roots *r, const struct json *j, uint32_t node)
{
	if (node == 0 || json_member_key(j, node, r->resource_type) == 0)
		return false;
	add_root(r, node);
	return true;
}

static void
each_contained(struct roots *r, const struct json *j, uint32_t list)
{
	uint32_t end = j->nodes[list].next;

	if (json_kind(j, list) != JSON_ARRAY)
		(void)add_if_root(r, j, list);
	for (uint32_t i = list + 1; json_kind(j, list) == JSON_ARRAY && i < end; i = j->nodes[i].next)
		(void)add_if_root(r, j, i);
}

static void
look_at_entry(struct roots *r, const struct json *j, uint32_t entry)
{
	uint32_t response = json_member_key(j, entry, r->response);

	(void)add_if_root(r, j, json_member_key(j, entry, r->resource));
	(void)add_if_root(r, j, json_member_key(j, entry, r->content));
	if (response != 0)
		(void)add_if_root(r, j, json_member_key(j, response, r->outcome));
}

static void
each_entry(struct roots *r, const struct json *j, uint32_t list)
{
	if (json_kind(j, list) != JSON_ARRAY) {
		look_at_entry(r, j, list);
		return;
	}
	for (uint32_t i = list + 1; i < j->nodes[list].next; i = j->nodes[i].next)
		look_at_entry(r, j, i);
}

/* Parts nest, so all of it is searched; a root found here is stepped over: it looks into itself. */
static void
each_parameter(struct roots *r, const struct json *j, uint32_t list)
{
	uint32_t end = j->nodes[list].next;

	for (uint32_t i = list + 1; i < end; i++) {
		bool is_holder = json_kind(j, i) == JSON_KEY && j->nodes[i].key == r->resource;

		if (is_holder && add_if_root(r, j, i + 1))
			i = j->nodes[i].next - 1;
	}
}

static void
look_into(struct roots *r, const struct json *j, uint32_t root)
{
	uint32_t end = j->nodes[root].next;

	for (uint32_t key = root + 1; key < end; key = j->nodes[key].next) {
		uint16_t known = j->nodes[key].key;

		if (known == 0)
			continue;
		if (known == r->contained)
			each_contained(r, j, key + 1);
		else if (known == r->entry)
			each_entry(r, j, key + 1);
		else if (known == r->parameter)
			each_parameter(r, j, key + 1);
	}
}

static int
by_node(const void *a, const void *b)
{
	const struct root *x = a;
	const struct root *y = b;

	return (x->node > y->node) - (x->node < y->node);
}

/* The roots inside of a Bundle's resources are found after all of these resources. */
static void
sort(struct roots *r)
{
	for (size_t i = 1; i < r->count; i++)
		if (r->at[i].node < r->at[i - 1].node) {
			qsort(r->at, r->count, sizeof r->at[0], by_node);
			return;
		}
}

static void
find_parents(struct roots *r, const struct json *j)
{
	uint32_t around = 0;

	for (size_t i = 1; i < r->count; i++) {
		while (j->nodes[r->at[around].node].next <= r->at[i].node)
			around = r->at[around].parent;
		r->at[i].parent = around;
		around = (uint32_t)i;
	}
}

void
roots_find(struct roots *r, const struct json *j, uint32_t record, bool is_fhir)
{
	r->room.used = 0;
	r->count = 0;
	add_root(r, record);
	if (!is_fhir || json_kind(j, record) != JSON_OBJECT)
		return;
	for (size_t i = 0; i < r->count; i++)
		look_into(r, j, r->at[i].node);
	if (r->count == 1)
		return;
	sort(r);
	find_parents(r, j);
}

size_t
roots_from(const struct roots *r, uint32_t node)
{
	struct bisect b = { .high = r->count };

	while (bisect_more(&b))
		bisect_step(&b, r->at[b.middle].node < node);
	return b.low;
}

size_t
roots_inner(const struct roots *r, uint32_t node)
{
	size_t i = roots_from(r, node);

	return i < r->count && r->at[i].node == node ? i : 0;
}
