/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_CLEARANCE_H
#define EHR_ACCESS_CLEARANCE_H

#include "common/access/criteria.h"

/*
 * clearance: how high a reader may go (authz/clearances.yaml).  The rows of `clearances` give an
 * authorization level (AL), those of `caps` lower it, and a claim in the request may lower it further.  A
 * command to a device needs an AL of its own and an id that was not used before.
 */
struct clearance_row {
	struct criteria criteria;
	unsigned al;
};

struct command {
	uint32_t word;
	unsigned al;
	int64_t fresh; /* seconds for which an issued command may be sent */
	unsigned approvals;
};

struct clearances {
	bool there; /* the policy has the file */
	struct clearance_row *row;
	uint32_t rows;
	struct clearance_row *cap;
	uint32_t caps;
	struct command *command;
	uint32_t commands;
};

/* The file may be absent.  False with a fault. */
bool clearances_read(struct clearances *c, struct access_reader *r);

struct clearance {
	const char *reason; /* of a denial: "no-clearance", "claimed-al"; NULL: none */
	unsigned assessed;  /* before the claim */
	unsigned al;        /* after it */
};

struct clearance clearance_assess(const struct clearances *c, struct situation *s);

/* The commands that were sent: pairs of device and command id. */
struct used_commands {
	struct intern pairs; /* private */
};

void used_init(struct used_commands *u, struct arena *arena);
void used_release(struct used_commands *u);

/* NDJSON {"device":..,"id":..,"exp":..}; false with a fault. */
bool used_read(struct used_commands *u, struct access_reader *r, struct bytes text);

void used_add(struct used_commands *u, struct scratch *scratch, struct bytes device, struct bytes id);

/*
 * NULL, or the reason why the command is denied.  CLEARED: there is an authorization level, AL.  The caller
 * adds the id to USED once everything else permits.
 */
const char *clearance_command(const struct clearances *c, const struct situation *s, bool cleared,
    unsigned al, const struct used_commands *used, struct scratch *scratch);

#endif
