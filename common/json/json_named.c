/* SPDX-License-Identifier: ISC */
#include "common/json/json_named.h"

#include "common/base/hash.h"
#include "common/base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_SLOTS = 64 };

/* The whole table is cleared where it is small, and given back where a record made it large. */
enum { MANY_SLOTS = 64 * 1024 };

void
json_named_init(struct json_named *t)
{
	*t = (struct json_named){ 0 };
	buffer_init(&t->room, BUFFER_UNLIMITED);
	buffer_init(&t->asked, BUFFER_UNLIMITED);
}

void
json_named_release(struct json_named *t)
{
	free(t->slot);
	buffer_release(&t->room);
	buffer_release(&t->asked);
	*t = (struct json_named){ 0 };
}

void
json_named_clear(struct json_named *t)
{
	if (t->used == 0)
		return;
	if (t->slots > MANY_SLOTS) {
		free(t->slot);
		t->slot = NULL;
		t->slots = 0;
	} else {
		memset(t->slot, 0, t->slots * sizeof t->slot[0]);
	}
	t->used = 0;
}

/* The program numbers the objects, so only the names need the secret key. */
static struct json_named_member *
slot_of(struct json_named *t, uint32_t object, struct bytes name)
{
	uint64_t at = hash_bytes(name) + object * UINT64_C(0x9e3779b97f4a7c15);

	return &t->slot[at & (t->slots - 1)];
}

static struct json_named_member *
slot_behind(struct json_named *t, struct json_named_member *at)
{
	return ++at == t->slot + t->slots ? t->slot : at;
}

static void
enter(struct json_named *t, const struct json *j, struct json_named_member m)
{
	struct bytes name = m.key == 0 ? (struct bytes){ "", 0 } : json_string(j, m.key, &t->room);
	struct json_named_member *at = slot_of(t, m.object, name);

	while (at->object != 0)
		at = slot_behind(t, at);
	*at = m;
	t->used++;
}

static void
reserve(struct json_named *t, const struct json *j, size_t more)
{
	struct json_named old = *t;
	size_t slots = t->slots == 0 ? FIRST_SLOTS : t->slots;

	while (slots < 2 * (t->used + more))
		slots *= 2;
	if (slots == t->slots)
		return;
	t->slot = memory_zeros(slots, sizeof t->slot[0]);
	t->slots = slots;
	t->used = 0;
	for (size_t i = 0; i < old.slots; i++)
		if (old.slot[i].object != 0)
			enter(t, j, old.slot[i]);
	free(old.slot);
}

static bool
is_entered(struct json_named *t, uint32_t object)
{
	struct json_named_member *at;

	if (t->slots == 0)
		return false;
	at = slot_of(t, object + 1, (struct bytes){ "", 0 });
	while (at->object != 0 && (at->object != object + 1 || at->key != 0))
		at = slot_behind(t, at);
	return at->object != 0;
}

static void
enter_members(struct json_named *t, const struct json *j, uint32_t object)
{
	reserve(t, j, (size_t)json_count(j, object) + 1);
	enter(t, j, (struct json_named_member){ object + 1, 0 });
	for (uint32_t k = object + 1; k < j->nodes[object].next; k = j->nodes[k].next)
		enter(t, j, (struct json_named_member){ object + 1, k });
}

static uint32_t
find(struct json_named *t, const struct json *j, uint32_t object, struct bytes name)
{
	struct json_named_member *at;

	if (!is_entered(t, object))
		enter_members(t, j, object);
	at = slot_of(t, object + 1, name);
	while (at->object != 0 && (at->object != object + 1 || at->key == 0 || !json_is(j, at->key, name)))
		at = slot_behind(t, at);
	return at->object == 0 ? 0 : at->key;
}

uint32_t
json_named_twin(struct json_named *t, const struct json *j, uint32_t object, uint32_t key)
{
	struct bytes name = json_string(j, key, &t->asked);

	if (name.size < 2 || name.at[0] != '_')
		return 0;
	return find(t, j, object, bytes_behind(name, 1));
}
