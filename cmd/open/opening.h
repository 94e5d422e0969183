/* SPDX-License-Identifier: ISC */
#ifndef EHR_OPEN_OPENING_H
#define EHR_OPEN_OPENING_H

#include "common/crypto/keys.h"
#include "common/line/filter.h"
#include "common/policy/policy.h"

#include <stdbool.h>

/* opening: sealed lines in, records out.  Nothing of a line is written before its last check has passed. */
struct opening_setup {
	const struct policy *policy; /* NULL: tags are not held against one */
	const struct instant *now;   /* NULL: a key that ends is an error */
	bool other_policy;           /* lines of other policies are opened too */
	bool record_only;            /* the plaintext alone */
	unsigned max_depth;
};

struct opening;

struct opening *opening_new(const struct opening_setup *setup);
void opening_free(struct opening *o);

/* Keys to open with, in the order given.  Both become the opening's. */
void opening_add_directory(struct opening *o, struct keys *keys);
void opening_add_private(struct opening *o, struct private_key *key);

/* One line: the engine of the filter. */
enum filter_outcome opening_line(void *context, struct filter *f, struct bytes line);

#endif
