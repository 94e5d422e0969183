/* SPDX-License-Identifier: ISC */
#include "common/redact/parts.h"

#include "common/base/memory.h"

#include <stdlib.h>

enum { FIRST_ROOM = 64 };

void
edits_release(struct edits *e)
{
	free(e->at);
	*e = (struct edits){ NULL, 0, 0 };
}

static struct edit *
next_edit(struct edits *e)
{
	if (e->count == e->room) {
		if (e->room > UINT32_MAX / 2)
			memory_missing(0);
		e->room = e->room > 0 ? 2 * e->room : FIRST_ROOM;
		e->at = memory_grow(e->at, e->room, sizeof e->at[0]);
	}
	return &e->at[e->count++];
}

/* The edits at FROM or behind it lie inside the span that is removed or replaced now. */
static void
forget(struct edits *e, uint32_t from)
{
	while (e->count > 0 && e->at[e->count - 1].from >= from)
		e->count--;
}

void
edits_remove(struct edits *e, uint32_t from, uint32_t to)
{
	struct edit *last;

	forget(e, from);
	last = e->count > 0 ? &e->at[e->count - 1] : NULL;
	if (last != NULL && last->size == 0 && last->to >= from) {
		if (last->to < to)
			last->to = to;
		return;
	}
	*next_edit(e) = (struct edit){ from, to, 0, 0 };
}

void
edits_replace(struct edits *e, uint32_t from, uint32_t to, uint32_t text, uint32_t size)
{
	forget(e, from);
	*next_edit(e) = (struct edit){ from, to, text, size };
}

bool
edits_each(const struct edited *e, bool (*put)(void *context, struct bytes piece), void *context)
{
	uint32_t at = e->from;

	for (uint32_t i = 0; i < e->edits->count; i++) {
		const struct edit *edit = &e->edits->at[i];

		if (edit->from > at && !put(context, (struct bytes){ e->text + at, edit->from - at }))
			return false;
		if (edit->size > 0 && !put(context, (struct bytes){ e->texts + edit->text, edit->size }))
			return false;
		at = edit->to;
	}
	return at >= e->to || put(context, (struct bytes){ e->text + at, e->to - at });
}
