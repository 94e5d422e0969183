/* SPDX-License-Identifier: ISC */
#include "common/access/moments.h"

#include "common/base/diag.h"

#include <stdlib.h>

static void
add(struct moments *m, struct instant t)
{
	if (m->count == m->room) {
		m->room = m->room ? 2 * m->room : 8;
		m->at = reallocarray(m->at, m->room, sizeof *m->at);
		if (!m->at)
			diag_die(EXIT_IO, "out of memory");
	}
	m->at[m->count++] = t;
}

void
moments_add(struct moments *m, const struct interval *i)
{
	if (i->has_from)
		add(m, i->from);
	if (i->has_until)
		add(m, i->until);
}

static int
by_time(const void *a, const void *b)
{
	return instant_compare(*(const struct instant *)a, *(const struct instant *)b);
}

void
moments_sort(struct moments *m)
{
	if (m->count > 1)
		qsort(m->at, m->count, sizeof *m->at, by_time);
}

void
moments_next(const struct moments *m, struct instant t, struct instant *next, bool *found)
{
	size_t low = 0, high = m->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (instant_compare(m->at[middle], t) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == m->count || (*found && instant_compare(*next, m->at[low]) <= 0))
		return;
	*next = m->at[low];
	*found = true;
}

void
moments_release(struct moments *m)
{
	free(m->at);
	*m = (struct moments){ 0 };
}
