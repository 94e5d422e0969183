/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_PERMISSION_H
#define EHR_POLICY_PERMISSION_H

#include "common/json/json.h"
#include "common/policy/deciders.h"
#include "common/policy/grants.h"
#include "common/policy/policy.h"

/*
 * permission: whose lines a decision or a grant gives to a reader, and how much of them.  ehr-select asks for
 * an authorization level and knows subjects by their pseudonyms; ehr-redact asks for a redaction level and
 * knows the patient.  A decision that has a part that the program does not understand, or an obligation that
 * it cannot carry out, gives nothing.
 */
struct permission {
	struct bytes subject; /* of a decision: the tag that its lines have */
	struct bytes party;   /* of a decision: the person whom it permits; empty if it names none */
	struct bytes device;  /* of a decision: the device, by id or thumbprint; empty if it names none */
	const struct grants *grants; /* of a grant, with the next */
	const struct grant *grant;
	bool by_pseudonym; /* the decision names one, and the terms take it */
	unsigned al;
	/*
	 * Of a decision for ehr-redact: the highest redaction level, as an index in the ladder; -1 if neither
	 * the decision nor an obligation names one.
	 */
	int level;
	/*
	 * Of a decision: the obligations that others carry out, one JSON object a line.  They must be
	 * handed on before anything is given.
	 */
	struct bytes delivery;
	struct arena arena; /* private */
};

enum { PERMISSION_AGE = 15 * 60 }; /* seconds, if the policy says nothing else */

struct permission_terms {
	const struct policy *policy;
	const struct instant *now; /* may be NULL */
	int64_t max_age;           /* seconds for which a decision counts that does not expire */
	const struct deciders *deciders;
	bool delivers;       /* the caller hands permission.delivery on */
	const char *program; /* for messages: "ehr-select" */
	bool opened;         /* of ehr-redact, whose records are not sealed */
	/*
	 * TAKE takes an obligation to redact or to keep-only; its PROPERTIES are a node of J.  False with
	 * *WHY, a constant, if it cannot be carried out.  NULL: none can.  HANDLED, of ehr-redact: the other
	 * obligations that the caller carries out itself, "audit,notify"; NULL: none.
	 */
	bool (*take)(void *context, const struct json *j, uint32_t properties, const char **why);
	void *context;
	const char *handled;
};

enum permission_outcome {
	PERMISSION_GIVEN,
	PERMISSION_DENIED,    /* *WHY says why; it lives as long as P */
	PERMISSION_FORGED,    /* the same, for its signature does not hold */
	PERMISSION_NEEDS_NOW, /* it has an end or grows old, and there is no now */
};

/*
 * Lengths of time that authz/clearances.yaml sets, in seconds: decision_max_age, and `longest` of the map
 * GROUP, "grants" or "assertions".  Without them PERMISSION_AGE, and *SECONDS as it was.  False with a fault.
 */
bool permission_max_age(struct policy *p, int64_t *seconds, struct fault *f);
bool permission_longest(struct policy *p, const char *group, int64_t *seconds, struct fault *f);

/*
 * True if a decision with this member ABOUT is about all that there is of its patient: its resource is of no
 * type of FHIR but Patient.  Who asks for one Observation is not given the rest.
 */
bool permission_is_whole(const struct json *j, uint32_t about);

/* TEXT is one decision of ehr-authz with JSON_SLACK bytes behind it. */
enum permission_outcome permission_of_decision(
    struct permission *p, struct bytes text, const struct permission_terms *terms, const char **why);

/* G is ready and must hold one grant, which gives; it is borrowed for the life of P. */
enum permission_outcome permission_of_grant(
    struct permission *p, const struct grants *g, const struct instant *now, const char **why);

/*
 * Where the authority's lists are, for a program that looks up in them whom a decision is for.  GRANT may be
 * NULL.  Strings may be NULL and are borrowed.  DOMAIN and the rest of the notification policy are the
 * caller's to add.
 */
struct grants_files permission_lists(
    struct arena *a, const char *site, const char *authority, const char *revoked, const char *grant);

/* True if the person or the device of a decision was revoked since. */
bool permission_is_revoked(const struct permission *p, const struct revoked *revoked);

/*
 * Appends the delivery of P to the file PATH, which is made with mode 0600 and must be closed to others.
 * CUT: see file_append_at().  NULL, or in words what is wrong; then nothing may be given,
 * and file_fault_status(errno) is the status.
 */
const char *permission_deliver(const struct permission *p, const char *path, size_t *cut);

/* True if lines of SUBJECT may be given.  False for the empty subject: such lines are about nobody. */
bool permission_covers(const struct permission *p, struct bytes subject);

void permission_release(struct permission *p);

#endif
