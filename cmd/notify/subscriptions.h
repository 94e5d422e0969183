/* SPDX-License-Identifier: ISC */
#ifndef EHR_NOTIFY_SUBSCRIPTIONS_H
#define EHR_NOTIFY_SUBSCRIPTIONS_H

#include "common/policy/grants.h"
#include "common/policy/jq.h"
#include "common/policy/notify_policy.h"

/*
 * subscriptions: who wants to hear of what, from YAML and NDJSON files, and the first of the three AL gates:
 * a subscription counts only as far as a signed grant carries it.  One that fails the gate is refused alone,
 * the others run: one expired grant must not silence a ward.  A malformed file stops the start.
 */
struct subscription {
	struct bytes id;
	const struct grant *grant;
	unsigned al; /* the grant's, or what was claimed if that is less */
	int class;   /* of responders, -1 if the policy has no tiers */
	struct grant_words subjects;
	bool everyone; /* select.subjects: "*" */
	unsigned min_criticality;
	const struct yaml_node *tags; /* map from tag to the words that match, NULL for any */
	struct jq_program *when;      /* NULL for any */
	struct bytes purpose;
	enum notify_payload payload;
	const char *file; /* where it stands, for messages */
	unsigned line;
};

struct subscriptions {
	struct subscription *at; /* sorted by id */
	size_t count;
	size_t refused;
	bool wants_sealed; /* some payload is the sealed line itself */
	/* private */
	const struct notify_policy *plan;
	const struct grants *grants;
	const struct instant *now;
	size_t room;
	struct arena arena;
	struct slot *slots; /* subject -> subscriptions */
	size_t slot_mask;
	uint32_t *everyone;
	size_t everyone_count;
};

enum { SUBSCRIPTIONS_MAX_EVERYONE = 1000 };

/* PLAN and GRANTS are borrowed for the life of S; NOW may be NULL. */
void subscriptions_init(struct subscriptions *s, const struct notify_policy *plan,
    const struct grants *grants, const struct instant *now);
void subscriptions_release(struct subscriptions *s);

/*
 * Reads a YAML or NDJSON file, or all of a directory.  REFUSED is told of each subscription that the gate
 * stops: WHY is one word.  False with a fault, or with fault.text empty and errno set if a file cannot be
 * read.
 */
bool subscriptions_read(struct subscriptions *s, const char *path,
    void (*refused)(void *context, const struct subscription *what, const char *why), void *context,
    struct fault *f);

/* After the last file: sorts, refuses an id used twice, makes the index by subject. */
bool subscriptions_ready(struct subscriptions *s, struct fault *f);

/*
 * The subscriptions that may hear of SUBJECT (size 0: of nobody in particular): their positions, ascending,
 * into TO, which has room for all of them.  Returns how many.
 */
size_t subscriptions_for(const struct subscriptions *s, struct bytes subject, uint32_t *to);

#endif
