/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_ACCESS_H
#define EHR_ACCESS_ACCESS_H

#include "common/base/clock.h"
#include "common/json/json.h"
#include "common/policy/policy.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * access: who may do what with whose record.  One AuthZEN request in, one decision out, with the layer and
 * the rule that decided.  The policy's authz/ is compiled once, and with it the directives, facts and
 * register of a site; a decision then looks at nothing else, so the same request gets the same bytes.
 *
 *	struct access_sources s = { .policy = &policy, .facts = "site/facts.ndjson" };
 *	struct access *a = access_load(&s, &outcome, &fault);
 *	access_decide(a, line, &decision);      decision.text is the answer, one line without newline
 *	access_free(a);
 *
 * Prints nothing.  Everything that is unknown, missing or contradictory ends in a refusal.
 */
struct access;

struct access_sources {
	struct policy *policy;       /* loaded, borrowed for the life of the access */
	const char *const *consents; /* files, and directories of *.yaml *.yml *.json *.ndjson */
	size_t consents_count;
	const char *facts;         /* NDJSON; NULL: none */
	const char *entities;      /* NDJSON, the register; NULL: none */
	const char *used;          /* NDJSON, command ids that were used in earlier runs; NULL: none */
	const struct instant *now; /* for requests without context.time; NULL: that time is missing */
	bool public_only;          /* decisions for an enforcement point outside of the custodian */
	unsigned max_depth;        /* of a request; 0: JSON_MAX_DEPTH */
};

enum access_outcome {
	ACCESS_LOADED,
	ACCESS_FAULT,      /* the fault says where and what: EXIT_POLICY */
	ACCESS_UNREADABLE, /* fault.file could not be read, errno says why: EXIT_IO */
};

/* NULL after a fault.  A policy without an organization file is one: it could permit nothing. */
struct access *access_load(const struct access_sources *s, enum access_outcome *outcome, struct fault *f);
void access_free(struct access *a);

/* What a careful administrator should know, as faults that do not stop: the I-th, NULL behind the last. */
const struct fault *access_warning(const struct access *a, size_t i);

struct access_decision {
	struct bytes text;  /* the answer: borrowed until the next call */
	bool permitted;     /* of a batch: all were */
	bool ill_formed;    /* the request is none: the answer is an error with status 400 */
	enum reason reason; /* with ill_formed: why, for the refusal */
	size_t byte;        /* with ill_formed: where in the request, from 1; 0: no place to name */
	/* of a single request (the last item of a batch) */
	const char *decided_by; /* "consent", ...; NULL if ill-formed */
	const char *code;       /* the reason: "permitted", "deny-rule", ... */
	int level;              /* index in the ladder of the highest level to give, -1 if none is named */
	unsigned al;            /* meaningful with level >= 0 */
};

/*
 * REQUEST has JSON_SLACK readable bytes behind it.  The one thing that stays from one call to the next are
 * the ids of permitted commands, so that none is permitted twice in a run.
 */
void access_decide(struct access *a, struct bytes request, struct access_decision *d);

/* The answer to a line that is none for REASON and was not even looked at. */
void access_refuse(struct access *a, enum reason reason, struct access_decision *d);

#endif
