/* SPDX-License-Identifier: ISC */
#ifndef EHR_KEYS_DECISION_H
#define EHR_KEYS_DECISION_H

#include "cmd/keys/verbs.h"
#include "common/policy/permission.h"

/*
 * decision: reads the answers of ehr-authz that keys and grants rest on.  A decision with an obligation that
 * is not understood here is refused as a whole.  Whether it is fresh, taken_add() sees.
 */
struct decision {
	char digest[DIGEST_TEXT]; /* of the line */
	char id[DIGEST_TEXT];     /* of the request, the action and the time: what is taken once */
	uint64_t al;
	struct instant time;
	struct instant asked; /* the time in the request, where the decider's own counted; else TIME */
	bool ends;            /* END is set */
	struct instant end;   /* valid_until or an obligation to expire, whichever comes first */
	/* of about; empty if absent */
	struct bytes subject, domain, action, patient, pseudonym, device, request, relation, until,
	    stated_time;
	uint64_t epoch;          /* of about; 0 if absent */
	uint32_t purpose, roles; /* nodes of arrays of strings, 0 where absent */
	const struct json *json;
	uint32_t context, about; /* nodes; ABOUT 0 where absent */
};

struct decision_file;

/*
 * Reads the file of --decision or, for "-", standard input: one decision a line.  Where the site or
 * --deciders names keys that sign decisions, only signed ones count.  NULL with a fault and its status.
 */
struct decision_file *decision_file_read(
    const struct verb_settings *s, struct verb_answer *a, enum diag_exit *status);

/* The same for decisions that were made here: TEXT has a line for each. */
struct decision_file *decision_file_of(
    struct bytes text, const struct verb_settings *s, struct verb_answer *a, enum diag_exit *status);

/* How long a decision and a user's token may be believed, in seconds. */
struct decision_limits {
	int64_t max_age; /* permission_max_age() */
	int64_t longest; /* from a token's iat to its exp */
};

/* By the policy that the settings name, or by none. */
bool decision_limits(
    const struct verb_settings *s, struct decision_limits *l, struct verb_answer *a, enum diag_exit *status);
void decision_file_free(struct decision_file *d);

/*
 * The next decision, which lives until the next call.  It must permit ACTION and be in force at NOW.  False
 * at the end, with *STATUS EXIT_DONE, or with a fault and its status.
 */
bool decision_file_next(struct decision_file *d, const char *action, struct instant now,
    struct decision *next, struct verb_answer *a, enum diag_exit *status);

/*
 * What is not read yet, and back to what was not.  Also of a decision that does not permit, NEXT says what it
 * is about.
 */
struct bytes decision_file_rest(const struct decision_file *d);
void decision_file_back(struct decision_file *d, struct bytes rest);

#endif
