/* SPDX-License-Identifier: ISC */
#ifndef EHR_SEAL_SEAL_ENGINE_H
#define EHR_SEAL_SEAL_ENGINE_H

#include "common/crypto/keys.h"
#include "common/line/filter.h"
#include "common/policy/policy.h"
#include "common/policy/seal_policy.h"

#include <stdbool.h>

/*
 * seal_engine: the engine of ehr-seal.  The keys of all levels are found before the first line, so a missing
 * key stops the start.
 */
enum { BATCH_SIZE = 24 };

struct seal_engine_setup {
	struct policy *policy;             /* NULL: none (only to a recipient) */
	const struct seal_policy *sealing; /* NULL with policy */
	struct keys *keys;                 /* NULL: none (only to a recipient) */
	const struct point *recipient;     /* NULL: to levels */
	struct bytes domain;
	uint32_t epoch; /* to levels */
	char batch[BATCH_SIZE + 1];
	uint64_t seq;               /* of the first line */
	struct sink *manifest;      /* NULL: none */
	struct bytes prev;          /* the digest of the manifest before; empty: none */
	const struct instant *now;  /* NULL: a key with an end stops the start */
	struct revoked revoked;     /* keys that nothing is sealed with */
	bool other_policy;          /* take lines made under another policy */
	bool check;                 /* parse the record, too */
	struct private_key *signer; /* signs each record; NULL: none */
	unsigned gather;            /* so many bare records in one line; 0: one */
	bool keep;                  /* with a recipient: lines are labelled, and each is sealed whole */
	unsigned max_depth;
};

struct seal_engine;

/* The message ("no-level-key: ...") and its exit status. */
struct seal_fault {
	enum diag_exit status;
	char text[640];
};

/* NULL with a fault.  All of SETUP is borrowed until seal_engine_end(). */
struct seal_engine *seal_engine_begin(const struct seal_engine_setup *setup, struct seal_fault *f);
void seal_engine_end(struct seal_engine *r);

/* Begins a part of the batch, whose first line has the number SEQ. */
void seal_engine_part(struct seal_engine *r, uint64_t seq);

/* With a manifest: how many lines of the part it lists. */
const struct manifest_counts *seal_engine_listed(const struct seal_engine *r);

/* One line; CONTEXT is the struct seal_engine. */
enum filter_outcome seal_engine_line(void *context, struct filter *f, struct bytes line);

/* What was gathered and is not sealed yet, and the end of the manifest. */
enum filter_outcome seal_engine_last(void *context, struct filter *f);

#endif
