/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_NOTIFY_POLICY_H
#define EHR_POLICY_NOTIFY_POLICY_H

#include "common/policy/fhir_topics.h"
#include "common/policy/grants.h"
#include "common/policy/seal_policy.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * notify_policy: notify.yaml: who responds to a record, how fast, and what happens if nobody does.  The
 * criticality of a record picks a tier.  A tier has deadlines and steps; a step names classes of responders;
 * a class lists the roles that may belong to it.  All times are in seconds.  The words of criticality come
 * from classify.yaml, the most harmless first.
 */
enum {
	NOTIFY_MAX_WORDS = 16,   /* of criticality */
	NOTIFY_MAX_CLASSES = 32, /* of responders; a set of classes is a bit mask */
	NOTIFY_MAX_STEPS = 16,
	NOTIFY_LONGEST = 366 * 86400, /* seconds of a deadline; ehr-deliver takes no intent beyond */
};

enum notify_payload { PAYLOAD_EMPTY, PAYLOAD_REFERENCE, PAYLOAD_SEALED, PAYLOAD_KINDS };
enum notify_coverage { COVERAGE_NONE, COVERAGE_WARN, COVERAGE_REQUIRE };
enum notify_floor { FLOOR_SUPPRESS, FLOOR_NOTIFY_EMPTY, FLOOR_OFFER_BREAK_GLASS };

struct notify_class {
	struct bytes name;
	const struct yaml_node *roles; /* list of strings */
};

struct notify_step {
	uint32_t classes;                  /* bit i: class i */
	uint8_t place[NOTIFY_MAX_CLASSES]; /* of class i among those of the step, in the policy's order */
	bool last_resort;                  /* the step takes the route of the last resort */
	int64_t after;
};

struct notify_tier {
	bool known;
	int64_t dispatch;
	int64_t ack; /* 0: no acknowledgement is wanted */
	int64_t expires;
	uint32_t classes; /* of all steps */
	struct notify_step step[NOTIFY_MAX_STEPS];
	unsigned steps;
	enum notify_coverage coverage;
};

struct notify_policy {
	struct bytes word[NOTIFY_MAX_WORDS];
	unsigned words;
	bool has_tiers; /* false: everyone with a sufficient AL is told of everything */
	struct notify_tier tier[NOTIFY_MAX_WORDS];
	struct notify_class class[NOTIFY_MAX_CLASSES];
	unsigned classes;
	bool payload[PAYLOAD_KINDS];
	bool visible_change;
	bool revocation_required;
	int64_t max_lifetime;                /* of a grant; 0: no limit */
	const struct policy_file *authority; /* its public keys; NULL: those of the site */
	enum notify_floor floor;
	struct bytes break_glass_purpose;
	int64_t break_glass_for;
	int break_glass_tell; /* class, -1 if nobody */
	bool has_last_resort;
	const struct yaml_node *channels; /* a map, NULL if the policy names none */
	struct fhir_topics fhir;
	const struct yaml_node *obligations; /* a map from levels to words, NULL if there is none */
	struct seal_policy seal;             /* the domain, the tags that lines may have */
};

/*
 * Reads notify.yaml, the criticality words of classify.yaml and seal.yaml.  False with a fault.
 * Texts live as long as the policy.
 */
bool notify_policy_load(struct notify_policy *notify, struct policy *p, struct fault *f);

/*
 * Whether the policy has `visible_change`, without which nothing reads the marks of versions.  A policy
 * without notify.yaml has none.  False with a fault: the file cannot be read.
 */
bool notify_policy_reads_marks(struct policy *p, bool *reads, struct fault *f);

/*
 * Adds to FROM what the policy says of grants: their domain and lifetime, and whether a list of revocations
 * must be there.  FROM has the authority of the site.  The keys that the policy names take its place, because
 * the policy's signature covers them; those of GIVEN, an option, or NULL, take the place of both.
 */
void notify_policy_grants(const struct notify_policy *notify, const char *given, struct grants_files *from);

/* The index of a word of criticality, of a class; -1 if there is none of that name. */
int notify_policy_word(const struct notify_policy *notify, struct bytes word);
int notify_policy_class(const struct notify_policy *notify, struct bytes name);

/* The first step of TIER for CLASS, -1 if there is none. */
int notify_policy_step_of(const struct notify_tier *tier, unsigned class);

#endif
