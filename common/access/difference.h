/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_DIFFERENCE_H
#define EHR_ACCESS_DIFFERENCE_H

#include "common/access/space.h"

/*
 * difference: which requests two policies decide differently.  Requests are made of the words of both
 * (space.h), with patients who have no directive, one that permits all, one that denies all, and so on.  If
 * there are too many requests for all to be tried, each thing that changed is aimed at in turn: a request is
 * made that meets it, and the rules of the other layers that it needs besides.
 */

/* Something in the files that changed, and may decide otherwise. */
struct change {
	unsigned side; /* 0: it stands in the old policy, 1: in the new one */
	const struct criteria *criteria;
	const struct access_rule *rule; /* NULL: a row of authz/clearances.yaml */
};

struct changes {
	/* Gets a fault for each thing that changed: where it stands, and "rule H-2 is changed". */
	void (*tell)(void *context, const struct fault *f);
	void *context;
	/* set */
	struct change *at;
	size_t count;
	bool any; /* something changed, a thing without criteria perhaps */
};

/*
 * changes.c: compares the files of authz/ and the levels.  The list lives in ARENA.  False with a fault of
 * its own.
 */
bool changes_find(
    struct changes *c, struct engine *old, struct engine *new, struct arena *arena, struct fault *f);

enum difference_kind {
	DIFFERENCE_PERMITTED, /* denied before, permitted now */
	DIFFERENCE_DENIED,
	DIFFERENCE_LEVEL, /* permitted by both, to another level */
	DIFFERENCE_TERMS, /* other obligations */
};

struct difference {
	enum difference_kind kind;
	/* Both at the request, with its facts and directives in the engines. */
	const struct space *old, *new;
	struct bytes consent; /* the patient's directive as JSON; empty: there is none */
};

struct differences {
	uint64_t limit;                                           /* of requests to try */
	bool (*found)(void *context, const struct difference *d); /* false: stop */
	void *context;
	uint64_t tried;
	bool all; /* set: all requests were tried */
};

/*
 * A difference is found once for each kind and set of rules that spoke in one policy and not in the other, by
 * a request that says no more than it must.  The first ones are those that permit more.  C is what changed.
 * False if FOUND stopped it.
 */
bool differences_find(struct differences *d, const struct changes *c, struct engine *old, struct engine *new);

#endif
