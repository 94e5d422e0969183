/* SPDX-License-Identifier: ISC */
#include "common/base/pool.h"

#include "common/base/hash.h"
#include "common/base/memory.h"

#include <stdlib.h>

enum { FIRST_ROOM = 64 };

static struct bytes *
find(const struct pool *p, struct bytes text)
{
	size_t i = (size_t)hash_bytes(text) & (p->room - 1);

	while (p->slot[i].at != NULL && !bytes_equal(p->slot[i], text))
		i = (i + 1) & (p->room - 1);
	return &p->slot[i];
}

static void
grow(struct pool *p)
{
	struct bytes *old = p->slot;
	size_t room = p->room;

	p->room = room == 0 ? FIRST_ROOM : room * 2;
	p->slot = memory_zeros(p->room, sizeof *p->slot);
	for (size_t i = 0; i < room; i++)
		if (old[i].at != NULL)
			*find(p, old[i]) = old[i];
	free(old);
}

struct bytes
pool_text(struct pool *p, struct bytes text)
{
	if (p->count * 4 >= p->room * 3)
		grow(p);
	struct bytes *slot = find(p, text);
	if (slot->at == NULL) {
		*slot = pool_own(p, text);
		p->count++;
	}
	return *slot;
}

bool
pool_has(const struct pool *p, struct bytes text)
{
	return p->room > 0 && find(p, text)->at != NULL;
}

bool
pool_once(struct pool *p, struct bytes text)
{
	size_t before = p->count;

	(void)pool_text(p, text);
	return p->count > before;
}

const struct bytes *
pool_list(struct pool *p, const struct bytes *list, size_t count)
{
	struct bytes *copy = memory_zeros(count + 1, sizeof *copy);
	struct bytes whole;

	/* Equal texts have one copy, so equal lists have equal bytes. */
	for (size_t i = 0; i < count; i++)
		copy[i] = pool_text(p, list[i]);
	whole = pool_text(p, (struct bytes){ (const char *)copy, count * sizeof *copy });
	free(copy);
	return (const struct bytes *)(const void *)whole.at;
}

struct bytes
pool_own(struct pool *p, struct bytes text)
{
	return arena_copy(&p->arena, text);
}

void
pool_close(struct pool *p)
{
	free(p->slot);
	p->slot = NULL;
	p->room = p->count = 0;
}

void
pool_release(struct pool *p)
{
	pool_close(p);
	arena_release(&p->arena);
}
