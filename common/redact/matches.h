/* SPDX-License-Identifier: ISC */
#ifndef EHR_REDACT_MATCHES_H
#define EHR_REDACT_MATCHES_H

#include "common/redact/outline.h"

#include <stdint.h>

/*
 * matches: what redact.yaml says of a node by the paths that lead to it: `keep`, `mark.except`, transforms.
 */

/* A transform that matches, and the bits for which it is the first of their version. */
struct matches_pick {
	unsigned transform;
	uint64_t bits;
};

struct matches {
	uint64_t in_keep;  /* bits whose `keep` names the node */
	uint64_t excepted; /* marks that leave it out */
	struct matches_pick pick[SCHEME_MAX_VERSIONS];
	unsigned picks;
};

/*
 * The node's STATE in the automaton, which is not PATHS_DEAD; index and type number of the root around it.
 */
void matches_find(struct matches *m, struct outline *o, uint32_t state, uint32_t root, unsigned type);

/* The bits in which a transform changes that node. */
uint64_t matches_changes(struct outline *o, uint32_t state, uint32_t root, unsigned type);

#endif
