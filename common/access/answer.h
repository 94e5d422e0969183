/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_ANSWER_H
#define EHR_ACCESS_ANSWER_H

#include "common/access/decide.h"

/*
 * answer: a verdict as the JSON that goes out (authorization page, section 10).
 */
struct answer {
	const struct engine *engine;
	struct buffer *out;
	bool public_only;
	const char *request; /* "sha256:..." of the request line */
	int item;            /* in a batch: which, from 0; -1 otherwise */
	const char *basis;   /* ,"policy":"sha256:..","consents":.. */
};

/* ID is the request's own, as it stands; empty if it has none. */
void answer_write(const struct answer *a, const struct verdict *v, struct bytes id);

/* An ill-formed request: MESSAGE is a constant. */
void answer_error(struct buffer *out, struct bytes id, const char *message);

/* "consent", ... */
const char *answer_layer(enum layer layer);

#endif
