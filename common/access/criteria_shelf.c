/* SPDX-License-Identifier: ISC */
#include "common/access/criteria.h"
#include "common/base/memory.h"

#include <stdlib.h>

const struct criteria criteria_none = { .count = 0 };

void
criteria_shelf_init(struct criteria_shelf *shelf, struct arena *arena)
{
	*shelf = (struct criteria_shelf){ .at = NULL };
	intern_init(&shelf->texts, arena);
	buffer_init(&shelf->text, BUFFER_UNLIMITED);
}

void
criteria_shelf_release(struct criteria_shelf *shelf)
{
	intern_release(&shelf->texts);
	buffer_release(&shelf->text);
	free(shelf->at);
	*shelf = (struct criteria_shelf){ .at = NULL };
}

/* Criteria with moments of their own are left out: each directive has its own list of these. */
static void
put_on(struct criteria_shelf *shelf, const struct criteria *c)
{
	uint32_t number = intern_add(&shelf->texts, buffer_bytes(&shelf->text));

	if (number > shelf->room) {
		shelf->room = shelf->room ? 2 * shelf->room : 64;
		shelf->at = memory_grow(shelf->at, shelf->room, sizeof(struct criteria *));
	}
	shelf->at[number - 1] = c;
}

/* What the map M says in the words of criteria.  False if it says none. */
static bool
say_on(struct criteria_shelf *shelf, struct yaml_map *m, enum criteria_side side, unsigned allowed)
{
	static const char *const words[] = { "what", "who", "does", "how", "why", "where", "when", "same" };
	const char head[] = { (char)side, (char)allowed };
	bool any = false;

	shelf->text.used = 0;
	buffer_add(&shelf->text, head, sizeof head);
	for (unsigned i = 0; i < sizeof words / sizeof words[0]; i++) {
		const struct yaml_node *node;

		if (!(allowed & (i == 0 ? CRITERIA_WHAT : CRITERIA_REQUEST)) ||
		    !(node = yaml_take(m, words[i])))
			continue;
		buffer_add(&shelf->text, words[i], strlen(words[i]));
		(void)yaml_to_json(node, &shelf->text);
		any = true;
	}
	return any;
}

const struct criteria *
criteria_shared(struct access_reader *r, struct yaml_map *m, enum criteria_side side, unsigned allowed)
{
	struct criteria_shelf *shelf = r->shelf;
	size_t moments = r->moments->count;
	struct criteria *c;
	uint32_t known;

	if (shelf && !say_on(shelf, m, side, allowed))
		return &criteria_none;
	known = shelf ? intern_find(&shelf->texts, buffer_bytes(&shelf->text)) : 0;
	if (known)
		return shelf->at[known - 1];
	c = arena_take(r->arena, sizeof *c);
	if (!criteria_read(r, m, side, allowed, c))
		return NULL;
	if (shelf && r->moments->count == moments)
		put_on(shelf, c);
	return c;
}
