/* SPDX-License-Identifier: ISC */
#ifndef EHR_DELIVER_MESSAGE_H
#define EHR_DELIVER_MESSAGE_H

#include "common/json/json.h"
#include "common/policy/notify_policy.h"

#include <stdint.h>

/*
 * message: the line that a channel gets, which is all that leaves the house.  It names one version and
 * nothing of those above it.
 */
struct message_parts {
	const struct json *intent; /* the intent's line */
	const char *kind;          /* data floor last-resort alarm notice digest reminder resolved */
	struct bytes id;
	struct bytes to;           /* the address */
	struct bytes subscription; /* size 0: none */
	int64_t number;            /* 0: none */
	int64_t tries;
	int64_t at;     /* milliseconds; so are the others */
	int64_t ack_by; /* 0: no acknowledgement is wanted */
	int64_t expires;
	struct bytes trouble;        /* size 0: none */
	const char *token;           /* with ACK_BY */
	bool no_version;             /* a floor notice in place of a version that may not be read any more */
	bool no_subject;             /* the references are about several */
	enum notify_payload payload; /* as the subscription has it now */
	struct bytes purpose;        /* the same */
	const struct bytes *refs;    /* of a digest */
	size_t ref_count;
};

/* Appends the line. */
void message_write(struct buffer *out, const struct message_parts *m);

enum { MESSAGE_TOKEN = 2 + 26 };

/* The token that acknowledges INTENT: "t_" and a keyed digest of its id. */
struct mac;
void message_token(struct mac *key, struct bytes intent, char token[MESSAGE_TOKEN + 1]);

#endif
