/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_ACCESS_H
#define EHR_ACCESS_ACCESS_H

#include "common/access/tally.h"
#include "common/base/clock.h"
#include "common/crypto/jws.h"
#include "common/json/json.h"
#include "common/policy/policy.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * access: who may do what with whose record.  One AuthZEN request in, one decision out, with the layer and
 * the rule that decided.
 *
 *	struct access_sources s = { .policy = &policy, .facts = "site/facts.ndjson" };
 *	struct access *a = access_load(&s, &fault);
 *	access_decide(a, line, &decision);      decision.text is the answer, one line without newline
 *	access_free(a);
 *
 * The way of a request, and the file of each step:
 *
 *	request         its attributes and values                       request.c
 *	assertion       who asks, where requests are not believed       assertion.c
 *	entities        the site's statements replace its own           entities.c
 *	outbound        the policy of the requester's domain            decide.c, layer.c
 *	jurisdiction    the law of the record's domain                  layer.c
 *	organization    the policy of the record's domain               layer.c
 *	consent         the patient's directives, and their overriding  consent.c
 *	clearance       the reader's level; a command's own conditions  clearance.c
 *	limits          what is withheld of the record                  limits.c, narrowing.c
 *	obligations     what the enforcement point must do              decide.c
 *	answer          the verdict as JSON                             answer.c
 *
 * Layers and directives consist of rules (rule.c), rules of criteria (criteria.c), which compare the
 * request's values with words (intern.c, roles.c) and facts (facts.c).
 *
 * A decision is bound: its `about` names the request as "sha256:" and the SHA-256 of the request line's bytes
 * without its newline, the patient with the pseudonym where there is one, and the device
 * (subject.properties.device) and the epoch (resource.properties.epoch) where the request names one of them.
 *
 * A search puts what the register or the policy has into the request, one after the other, and lists what a
 * Permit comes of, in the order of the ids, with how far each Permit goes (search.c).
 *
 * Everything is read once by access_load().  A decision looks at nothing else, so the same request gets the
 * same bytes.  Prints nothing.  What is unknown, missing or contradictory ends in a denial.
 */
struct access;

/* What a request asks for: a decision, or all that it would be permitted for. */
enum access_search {
	ACCESS_SEARCH_NONE,
	ACCESS_SEARCH_SUBJECT,
	ACCESS_SEARCH_RESOURCE,
	ACCESS_SEARCH_ACTION
};

struct access_sources {
	struct policy *policy;       /* loaded, borrowed for the life of the access */
	const char *const *consents; /* files, and directories of *.yaml *.yml *.json *.ndjson */
	size_t consents_count;
	const char *consent_state; /* NDJSON, what ehr-consent writes; NULL: nothing is negotiated */
	const char *facts;         /* NDJSON; NULL: none */
	bool appends_facts;        /* they are the site's: half a last line is left out, see reader.h */
	const char *entities;      /* NDJSON; NULL: none */
	const char *used;          /* NDJSON, commands that were sent in earlier runs; NULL: none */
	const struct instant *now; /* for requests without context.time; NULL: their time is missing */
	const int64_t
	    *max_skew; /* with NOW: it is the time of all requests; see request.h; NULL: stated times count */
	bool public_only;    /* decisions for an enforcement point of another domain */
	bool explain;        /* decisions say what permits lack */
	struct tally *tally; /* counts the rules that speak; borrowed; NULL: nothing is counted */
	bool outbound_only;  /* the outbound layer alone is asked, for the requester's own gateway */
	enum access_search search;
	unsigned max_depth; /* of a request; 0: JSON_MAX_DEPTH */
	/*
	 * Who may say who asks (see assertion.h), and the name under which tokens are for this decider.  With
	 * them a request without a good token is denied.  Borrowed; NULL: requests are believed.
	 */
	const struct signers *signers;
	struct bytes audience;
};

/*
 * NULL after a fault.  A policy without an organization file, or with outbound_only without an outbound file,
 * is a fault: it could permit nothing.
 */
struct access *access_load(const struct access_sources *s, struct fault *f);
void access_free(struct access *a);

/*
 * The I-th directive that could not be read, or not as it stands, as a fault that begins with a code; NULL
 * after the last.
 */
const struct fault *access_warning(const struct access *a, size_t i);

/* The bytes of half a line that are left out of the site's facts; 0: none. */
size_t access_unfinished(const struct access *a);

/*
 * True if an organization's file says `negotiated: true`: without consent_state no directive has an effect.
 */
bool access_negotiates(const struct access *a);

/* How many Consents were left out because they are of another scope than privacy. */
uint64_t access_others(const struct access *a);

/* True if the patient has directives of that id and each of them could be read. */
bool access_reads(const struct access *a, struct bytes patient, struct bytes directive);

/* True if the register has the user ID. */
bool access_has_user(const struct access *a, struct bytes id);

/* The one patient whom the register knows by IDENTIFIER, `system|value`; empty if there is none. */
struct bytes access_patient(const struct access *a, struct bytes identifier);

struct access_decision {
	struct bytes text;  /* the answer: borrowed until the next call */
	bool permitted;     /* of a batch: all were; of a search: something was found */
	bool ill_formed;    /* the answer is an error with status 400 */
	enum reason reason; /* with ill_formed: why, for the refusal */
	size_t byte;        /* with ill_formed: where in the request, from 1; 0: no place to name */
	/* of a single request, or the last item of a batch */
	const char *decided_by; /* "consent" and the like; NULL if ill-formed */
	const char *code;       /* the reason: "permitted", "deny-rule" and the like */
	int level;              /* the highest to give: index in the ladder, -1 if none is named */
	unsigned al;            /* with level >= 0 */
};

/*
 * REQUEST has JSON_SLACK readable bytes behind it.  Only the ids of permitted commands are kept from one call
 * to the next: none is permitted twice in a run.
 */
void access_decide(struct access *a, struct bytes request, struct access_decision *d);

/*
 * Adds to TEXT what the last decision would oblige to and its request cannot carry out, a line each; nothing
 * unless that is why it denies.  To be called before the next decision.
 */
void access_undone(const struct access *a, struct buffer *text);

/*
 * What becomes of REQUEST and why, in lines for people: the answer and the sentences that it rests on; what
 * would have to differ; then what each rule, directive and row of clearances says of it, and what each
 * lacks.  Added to TEXT, which has no limit.  False if REQUEST is ill-formed or a batch.
 */
bool access_explain(struct access *a, struct bytes request, struct buffer *text);

/* The answer to a line that was refused for REASON before it was read as a request. */
void access_refuse(struct access *a, enum reason reason, struct access_decision *d);

/*
 * What directives say against the organization, each of them alone and as if it were active: a line for each
 * pair of directive and rule, {"directive","status","with","kind","witness","facts"}, sorted by directive and
 * rule.
 *
 *	conflict	the rule overrides acknowledged consents, and this one does not acknowledge it
 *	settled		it does
 *	overridable	the rule always overrides
 *	shadowed	the directive's own permit, which the house or the law denies for every request
 *	dead		the directive's own rule, which no request meets
 *
 * The witness is a request that the rule permits and the directive denies or cuts; FACTS are what must be
 * said besides.
 */
struct access_conflicts {
	uint64_t limit;                                 /* of requests to try for each pair */
	bool (*line)(void *context, struct bytes line); /* without newline; false: stop */
	void *context;
	bool exhaustive; /* set: no search ended at the limit */
};

/* False if a line stopped it. */
bool access_conflicts(struct access *a, struct access_conflicts *c);

/*
 * Tells what an officer should look at in the rules of layers, as faults whose text begins with a code:
 * ehr-policy(1) lists them.
 */
void access_advise(struct access *a, void (*tell)(void *context, const struct fault *f), void *context);

/* True if the directive of PATIENT would deny the patient herself a part of her record, if it were active. */
bool access_hides(struct access *a, struct bytes patient, struct bytes directive);

/* A request that two policies decide differently, and what each says of it. */
struct access_difference {
	const char *what;       /* "denied before, permitted now" */
	struct bytes request;   /* JSON */
	struct bytes facts;     /* a list of those that it needs */
	struct bytes directive; /* of the patient, as JSON; empty: she has none */
	struct bytes was, is;   /* lines for people */
};

struct access_differences {
	uint64_t limit; /* of requests to try */
	void (*changed)(
	    void *context, const struct fault *f); /* something in the files is new, gone, changed */
	bool (*found)(void *context, const struct access_difference *d); /* false: stop */
	void *context;
	uint64_t tried;  /* set */
	bool exhaustive; /* set: all requests that the words of the policies make were tried */
	bool stopped;    /* set: FOUND stopped it */
};

/*
 * Which requests NEW decides otherwise than OLD; both were loaded with their policies alone.  False with a
 * fault.
 */
bool access_differ(struct access *old, struct access *new, struct access_differences *d, struct fault *f);

#endif
