/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_DECIDE_H
#define EHR_ACCESS_DECIDE_H

#include "common/access/clearance.h"
#include "common/access/consent.h"

/*
 * decide: from a request to a verdict.  All layers are always evaluated and reported; a request is permitted
 * only if none of them denies or stays undecided (authorization page, sections 6 to 9).
 */
struct engine {
	struct policy *policy;
	struct intern words;
	struct attributes attributes;
	struct roles names;
	struct layers layers;
	struct clearances clearances;
	struct directives directives;
	struct facts *facts;       /* NULL: none */
	struct entities *entities; /* NULL: none */
	struct used used;
	struct moments moments; /* of all rules and rows */
	struct scratch scratch;
};

/* An obligation of a rule. */
struct owed {
	const struct duty *duty;
	struct instant at; /* of one that expires */
	bool timed;
};

struct verdict {
	const struct request *request;
	struct situation situation;            /* as the custodian sees it */
	struct outcome outcome[LAYER_CONSENT]; /* outbound, jurisdiction, organization */
	struct consent consent;
	struct clearance clearance;
	const char *reasons[LAYER_COUNT]; /* of clearance, command and obligations, if they deny */
	const char *reason;
	/* what the enforcement point must do */
	const struct item **redact;
	struct keep *keep;
	struct owed *owed;
	uint32_t redacts;
	uint32_t keeps;
	uint32_t owes;
	uint32_t step_up; /* the word of an acr, 0: none would help */
	struct instant valid_until;
	int level; /* the highest to give: index in the ladder */
	unsigned al;
	enum layer decided_by;
	bool denied[LAYER_COUNT];
	bool permitted;
	bool cleared;   /* is there a clearance stage? */
	bool commanded; /* is there a command stage? */
	bool level_owed;
	bool ends; /* at valid_until */
};

/* The order in which layers answer for a denial; LAYER_COUNT of them. */
extern const enum layer decide_order[LAYER_COUNT];

/* Judges Q, which the register has spoken about.  What V points to lives until the scratch is reset. */
void decide(struct engine *e, struct request *q, struct verdict *v);

bool decide_is_command(const struct request *q);

#endif
