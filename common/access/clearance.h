/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_CLEARANCE_H
#define EHR_ACCESS_CLEARANCE_H

#include "common/access/entities.h"
#include "common/access/rule.h"

/*
 * clearance: how high a reader may go (authorization page, section 9): from criteria to an authorization
 * level (AL), what lowers it, and what a command to a device asks for.
 */
struct clearance_row {
	struct criteria criteria;
	unsigned al;
};

struct command {
	uint32_t word;
	unsigned al;
	int64_t fresh; /* seconds */
	unsigned approvals;
};

struct clearances {
	bool there; /* is there such a file? */
	struct clearance_row *row;
	uint32_t rows;
	struct clearance_row *cap;
	uint32_t caps;
	struct command *command;
	uint32_t commands;
	int64_t longest_grant; /* seconds, 0: not said */
};

/* authz/clearances.yaml, which may be absent.  False with a fault. */
bool clearances_read(struct clearances *c, struct reader *r);

struct clearance {
	const char *reason; /* of a denial: "no-clearance", "claimed-al"; NULL */
	unsigned assessed;  /* before the claim */
	unsigned al;        /* after it */
};

struct clearance clearance_assess(const struct clearances *c, struct situation *s);

/* NULL, or why the command is denied.  The caller notes the id as used once all else permits. */
const char *clearance_command(const struct clearances *c, const struct situation *s, bool cleared,
    unsigned al, const struct used *used, struct scratch *scratch);

#endif
