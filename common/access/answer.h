/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_ANSWER_H
#define EHR_ACCESS_ANSWER_H

#include "common/access/decide.h"
#include "common/json/json_write.h"

/*
 * answer: a verdict as JSON, one object without newline.  Buffers have no limit: an answer is bounded by its
 * request and its policy.
 */
struct answer_frame {
	const struct engine *engine;
	struct scratch *scratch; /* the engine's */
	bool public_only;        /* without reasons, rules and layers */
	const char *request;     /* "sha256:..." of the request line */
	int item;                /* of a batch: which, from 0; -1 otherwise */
	struct bytes basis;      /* members: "policy":"sha256:..","consents":.. */
};

/* ID is the request's own as it stands, a JSON string or number; empty if it has none. */
void answer_write(
    struct json_write *w, const struct answer_frame *a, const struct verdict *v, struct bytes id);

/* The answer to an ill-formed request.  MESSAGE is a constant. */
void answer_error(struct json_write *w, struct bytes id, const char *message);

/* "consent" and the like. */
const char *answer_layer_name(enum layer layer);

#endif
