/* SPDX-License-Identifier: ISC */
#include "common/base/diag.h"
#include "common/json/json_parts.h"

/* In a table at most half full only chosen keys make a search longer. */
enum { LONG_SEARCH = 128 };

/* What is compared of a member of an object of many. */
struct member {
	uint64_t hash;
	uint32_t node;
};

static bool
same_key(struct json *j, uint32_t a, uint32_t b)
{
	if (j->nodes[a].key != j->nodes[b].key)
		return false;
	if (((j->nodes[a].flags | j->nodes[b].flags) & JSON_ESCAPED) == 0)
		return bytes_equal(json_inside(j, a), json_inside(j, b));
	return json_is(j, b, json_string(j, a, &j->one));
}

bool
json_members_repeat(struct json *j, uint32_t object, uint32_t key)
{
	for (uint32_t i = object + 1; i < key; i = j->nodes[i].next)
		if (same_key(j, i, key))
			return true;
	return false;
}

/* By hash, then by unescaped bytes. */
static int
order(struct json *j, const struct member *a, const struct member *b)
{
	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	return bytes_compare(json_string(j, a->node, &j->one), json_string(j, b->node, &j->two));
}

static void
sift(struct json *j, struct member *m, size_t at, size_t count)
{
	struct member held = m[at];
	size_t child;

	while ((child = 2 * at + 1) < count) {
		if (child + 1 < count && order(j, &m[child], &m[child + 1]) < 0)
			child++;
		if (order(j, &held, &m[child]) >= 0)
			break;
		m[at] = m[child];
		at = child;
	}
	m[at] = held;
}

/* Heapsort, because it needs no room and no order of keys makes it slow. */
static uint32_t
search_sorted(struct json *j, struct member *m, size_t count)
{
	for (size_t i = count / 2; i > 0; i--)
		sift(j, m, i - 1, count);
	for (size_t i = count - 1; i > 0; i--) {
		struct member largest = m[0];

		m[0] = m[i];
		m[i] = largest;
		sift(j, m, 0, i);
	}
	for (size_t i = 1; i < count; i++)
		if (order(j, &m[i - 1], &m[i]) == 0)
			return m[i].node > m[i - 1].node ? m[i].node : m[i - 1].node;
	return 0;
}

/* An empty table, at least twice as large as COUNT.  A slot holds the place of a member, from 1. */
static uint32_t *
clear_slots(struct json *j, size_t count, size_t *mask)
{
	size_t slots = 4 * (size_t)JSON_MEMBERS_FEW;

	while (slots < 2 * count)
		slots *= 2;
	j->slots.used = 0;
	if (!buffer_reserve(&j->slots, slots * sizeof(uint32_t)))
		diag_bug("no room for a table of members");
	memset(j->slots.at, 0, slots * sizeof(uint32_t));
	*mask = slots - 1;
	return (uint32_t *)(void *)j->slots.at;
}

/* The members of OBJECT, in j->members. */
static struct member *
collect(struct json *j, uint32_t object, size_t count)
{
	struct member *m;

	j->members.used = 0;
	if (!buffer_reserve(&j->members, count * sizeof *m))
		diag_bug("more members than bytes");
	m = (struct member *)(void *)j->members.at;
	for (uint32_t i = object + 1; i < j->nodes[object].next; i = j->nodes[i].next) {
		struct bytes name = json_inside(j, i);

		if ((j->nodes[i].flags & JSON_ESCAPED) != 0)
			name = json_unescaped(j, i);
		*m++ = (struct member){ json_name(name).hash, i };
	}
	return (struct member *)(void *)j->members.at;
}

uint32_t
json_members_all(struct json *j, uint32_t object, size_t count)
{
	size_t mask;
	struct member *m = collect(j, object, count);
	uint32_t *slots = clear_slots(j, count, &mask);

	for (size_t i = 0; i < count; i++) {
		size_t at = m[i].hash & mask;
		unsigned steps = 0;

		for (; slots[at] != 0; at = (at + 1) & mask) {
			const struct member *other = &m[slots[at] - 1];

			if (other->hash == m[i].hash && same_key(j, other->node, m[i].node))
				return m[i].node;
			if (++steps == LONG_SEARCH)
				return search_sorted(j, m, count);
		}
		slots[at] = (uint32_t)i + 1;
	}
	return 0;
}

struct bytes
json_unescaped(struct json *j, uint32_t key)
{
	struct bytes name = json_string(j, key, &j->one);

	(void)buffer_reserve(&j->one, JSON_SLACK);
	return (struct bytes){ j->one.at, name.size };
}
