/* SPDX-License-Identifier: ISC */
#include "common/subscription/conditions.h"

#include "common/base/memory.h"

#include <stdlib.h>

/* So many of the last texts are looked at: tools write subscriptions of one kind one after the other. */
enum { LOOK = 64 };

struct condition_entry {
	struct bytes text;
	struct jq_program *program;
};

struct jq_program *
conditions_get(struct conditions *c, struct pool *pool, struct bytes text, size_t *byte, const char **why)
{
	struct jq_program *program;

	for (size_t i = 0; i < c->count && i < LOOK; i++)
		if (bytes_equal(c->at[c->count - 1 - i].text, text))
			return c->at[c->count - 1 - i].program;
	program = jq_compile_text(text, JQ_CONDITION, false, byte, why);
	if (program == NULL)
		return NULL;
	if (c->count == c->room) {
		c->room = c->room == 0 ? 8 : c->room * 2;
		c->at = memory_grow(c->at, c->room, sizeof *c->at);
	}
	c->at[c->count++] = (struct condition_entry){ pool_text(pool, text), program };
	return program;
}

void
conditions_release(struct conditions *c)
{
	for (size_t i = 0; i < c->count; i++)
		jq_program_free(c->at[i].program);
	free(c->at);
	*c = (struct conditions){ 0 };
}
