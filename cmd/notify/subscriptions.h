/* SPDX-License-Identifier: ISC */
#ifndef EHR_NOTIFY_SUBSCRIPTIONS_H
#define EHR_NOTIFY_SUBSCRIPTIONS_H

#include "cmd/notify/subscription.h"

/*
 * subscriptions: all subscriptions of a site, from YAML and NDJSON files, and an index by subject.  A
 * subscription that its grant does not carry is refused alone and the others run, because one expired grant
 * must not silence a ward.  A malformed file stops the start.
 */
struct subscriptions {
	struct subscription *at; /* sorted by id, once they are ready */
	size_t count;
	size_t refused;
	bool wants_sealed; /* a payload is the sealed line itself */
	/* private */
	const struct notify_policy *plan;
	const struct grants *grants;
	const struct instant *now;
	size_t room;
	struct arena arena;
	struct subject_slot *slots; /* subject -> subscriptions */
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
 * Reads a YAML or NDJSON file, or all such files of a directory.  REFUSED is called for each subscription
 * that is refused; WHY is one word.  False with a fault; if a file cannot be read, fault.text is empty and
 * errno is set.
 */
bool subscriptions_read(struct subscriptions *s, const char *path,
    void (*refused)(void *context, const struct subscription *what, const char *why), void *context,
    struct fault *f);

/* After the last file: sorts and makes the index.  False with a fault if an id is used twice. */
bool subscriptions_ready(struct subscriptions *s, struct fault *f);

/*
 * The positions of the subscriptions to SUBJECT and of those to everyone, ascending, into TO, which has room
 * for all positions.  SUBJECT of size 0, a record about nobody: those to everyone alone.  Returns how many.
 */
size_t subscriptions_for(const struct subscriptions *s, struct bytes subject, uint32_t *to);

#endif
