/* SPDX-License-Identifier: ISC */
#ifndef EHR_OPEN_OPENING_H
#define EHR_OPEN_OPENING_H

#include "common/crypto/keys.h"
#include "common/line/filter.h"
#include "common/policy/policy.h"

#include <stdbool.h>

/* opening: the engine of ehr-open.  A line is written after all its checks have passed. */
struct opening_setup {
	const struct policy *policy; /* NULL: the tags are not checked against a policy */
	const struct instant *now;   /* NULL: a key with an end stops the run */
	bool other_policy;           /* open lines of other policies, too */
	bool record_only;            /* write the plaintext without tags */
	struct manifest *manifest;   /* NULL: none; each line must be the next of it */
	bool partial;                /* lines of the manifest may be missing */
	unsigned max_depth;
	/* Whose signatures count: a line without one is refused.  NULL: no signed line is opened. */
	const struct signers *devices;
};

struct opening;

struct opening *opening_new(const struct opening_setup *setup);
void opening_free(struct opening *o);

/* Adds keys, which then belong to O and are tried in the order in which they were added. */
void opening_add_directory(struct opening *o, struct keys *keys);
void opening_add_private(struct opening *o, struct private_key *key);

/* Adds a list, which then belongs to O: it names keys, and devices that sign, of which no line opens. */
void opening_add_revoked(struct opening *o, const struct revoked *revoked);

/* Says which lines of the manifest did not come.  CONTEXT is the struct opening. */
enum filter_outcome opening_last(void *context, struct filter *f);

/* One line; CONTEXT is the struct opening. */
enum filter_outcome opening_line(void *context, struct filter *f, struct bytes line);

#endif
