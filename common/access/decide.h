/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_DECIDE_H
#define EHR_ACCESS_DECIDE_H

#include "common/access/clearance.h"
#include "common/access/consent.h"
#include "common/access/entities.h"
#include "common/access/narrowing.h"

/*
 * decide: from a request to a verdict.  All layers are evaluated and reported.  A request is permitted only
 * if no layer denies and none is undecided.  What a request for a part of the record gets is never more than
 * what a request for the whole record gets of that part.
 */
struct engine {
	struct policy *policy;
	struct intern words;
	struct attributes attributes;
	struct roles roles;
	struct layers layers;
	struct clearances clearances;
	struct directives directives;
	struct facts *facts;       /* NULL: none */
	struct entities *entities; /* NULL: none */
	struct used_commands used;
	struct moments moments; /* of all rules and rows */
	struct scratch scratch;
};

/* An obligation of a rule, for this request. */
struct owed {
	const struct duty *duty;
	struct instant at; /* with timed: when it expires */
	bool timed;
};

struct verdict {
	const struct request *request;
	struct situation situation;                  /* as the custodian sees it */
	struct layer_outcome outcome[LAYER_CONSENT]; /* outbound, jurisdiction, organization */
	struct consent consent;
	struct clearance clearance;
	const char *reasons[LAYER_COUNT]; /* of clearance, command and obligations, if they deny */
	const char *reason;
	/* what the enforcement point must do */
	const struct item **redact;
	struct keep *keep;
	struct narrowing narrowing;
	const struct scope **spared; /* of the narrowing: what is withheld of the entries that meet it */
	uint32_t spares;
	struct owed *owed;
	uint32_t redacts;
	uint32_t keeps;
	uint32_t owes;
	uint32_t step_up; /* the word of the acr that would help, 0: none */
	struct instant valid_until;
	int level; /* the highest to give: index in the ladder */
	unsigned al;
	enum layer decided_by;
	bool denied[LAYER_COUNT];
	bool permitted;
	bool cleared;   /* the policy has clearances */
	bool commanded; /* the request is a command */
	bool level_owed;
	bool ends; /* at valid_until */
};

/* The order in which layers answer for a denial. */
extern const enum layer decide_order[LAYER_COUNT];

/*
 * Judges Q, to which entities_apply() was done.  What V points to lives until the scratch is reset.  The id
 * of a command that is permitted counts as used from then on.
 */
void decide(struct engine *e, struct request *q, struct verdict *v);

bool decide_is_command(const struct request *q);

#endif
