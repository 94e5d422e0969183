/* SPDX-License-Identifier: ISC */
#ifndef EHR_SEAL_SEAL_ENGINE_H
#define EHR_SEAL_SEAL_ENGINE_H

#include "common/crypto/keys.h"
#include "common/line/filter.h"
#include "common/policy/policy.h"
#include "common/policy/seal_policy.h"

#include <stdbool.h>

/*
 * seal_engine: lines in, sealed lines out.  Everything that a run needs is prepared before the first line:
 * the keys of all levels, the texts that all lines of a level share.
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
	const struct instant *now; /* NULL: no key's dates are looked at */
	bool other_policy;         /* lines made under another policy are taken */
	bool check;                /* the record is parsed, too */
	unsigned max_depth;
};

struct seal_engine;

/* NULL with FAULT ("no-level-key: ...", EXIT_KEYS).  All of SETUP is borrowed for the life of the run. */
struct seal_engine *seal_engine_begin(const struct seal_engine_setup *setup, char fault[320]);
void seal_engine_end(struct seal_engine *r);

/* One line: the engine of the filter. */
enum filter_outcome seal_engine_line(void *context, struct filter *f, struct bytes line);

/* How long a record of SIZE bytes becomes under this padding (NULL: none). */
size_t seal_engine_padded(const struct seal_policy *s, size_t size);

#endif
