/* SPDX-License-Identifier: ISC */
#ifndef EHR_BASE_POOL_H
#define EHR_BASE_POOL_H

#include "common/base/arena.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * pool: texts of which many are equal, each kept once, such as the roles of 100,000 grants.  A struct pool of
 * zeros is empty.
 */
struct pool {
	/* private */
	struct arena arena;
	struct bytes *slot; /* at NULL: free */
	size_t room;        /* a power of two, or 0 */
	size_t count;
};

/* A copy that lives as long as P; equal texts have one copy.  It is aligned for any type. */
struct bytes pool_text(struct pool *p, struct bytes text);

/* The same for a list of texts, which are copied, too. */
const struct bytes *pool_list(struct pool *p, const struct bytes *list, size_t count);

/* True if P has such a text. */
bool pool_has(const struct pool *p, struct bytes text);

/* Keeps a copy; false if P has such a text already. */
bool pool_once(struct pool *p, struct bytes text);

/* A copy that is not shared. */
struct bytes pool_own(struct pool *p, struct bytes text);

/* Frees what only new texts need.  Texts that are added later are not shared with those from before. */
void pool_close(struct pool *p);

/* May be called twice. */
void pool_release(struct pool *p);

#endif
