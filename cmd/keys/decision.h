/* SPDX-License-Identifier: ISC */
#ifndef EHR_KEYS_DECISION_H
#define EHR_KEYS_DECISION_H

#include "cmd/keys/verbs.h"

/*
 * decision: what ehr-authz answered, as far as keys and grants rest on it.  A decision is carried out whole
 * or not at all: an obligation that is not understood here refuses.
 */
struct decision {
	char digest[DIGEST_TEXT]; /* of its line */
	uint64_t al;
	struct instant time;
	bool timed;         /* it says its time */
	bool ends;          /* it says until when it holds */
	struct instant end; /* valid_until or expire, whichever comes first */
	struct bytes subject, action, patient, pseudonym, device; /* of about; empty where absent */
	uint32_t purpose, roles; /* nodes of arrays of strings, 0 where absent */
	const struct json *json;
	uint32_t context;
};

struct decisions;

/* The decisions of a file or, for "-", of standard input, one a line. NULL with the answer's fault and
 * *STATUS. */
struct decisions *decisions_read(const char *path, struct answer *a, enum diag_exit *status);
void decisions_free(struct decisions *d);

/*
 * The next one, which permits, for ACTION, in force at NOW; it lives until the next call.  False at the end
 * with *STATUS EXIT_DONE, or with the answer's fault.
 */
bool decisions_next(struct decisions *d, const char *action, struct instant now, struct decision *next,
    struct answer *a, enum diag_exit *status);

#endif
