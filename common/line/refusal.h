/* SPDX-License-Identifier: ISC */
#ifndef EHR_LINE_REFUSAL_H
#define EHR_LINE_REFUSAL_H

#include "common/base/diag.h"
#include "common/base/reason.h"
#include "common/json/json.h"
#include "common/line/sink.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * refusal: the only place that refuses records.  A refused record is reported (source, line, reason and byte,
 * never a value; with the first of a reason or source, what to do, see cure.h), counted, and with --on-error
 * quarantine written to a file from which it can be sent again. After 20 messages of one reason the rest are
 * counted, and the end of the run says how many.
 */
enum on_error { ON_ERROR_FAIL, ON_ERROR_SKIP, ON_ERROR_QUARANTINE };

struct refused {
	const char *source;
	size_t line;
	enum reason reason;
	size_t byte;         /* in the record, from 1; 0: none to name */
	struct bytes record; /* as it came; empty if it was too long */
	struct bytes head;   /* of one that was too long: its beginning */
	bool first;          /* of its source */
};

struct refusals {
	enum on_error on_error;
	uint64_t max_refused; /* 0: no limit */
	uint64_t count;
	uint64_t by_reason[REASON_COUNT];
	/*
	 * Keys that may stand in a message, borrowed; NULL: none.  A name that the program or its policy
	 * spells is no value of a record.
	 */
	const struct json_keys *names;
	bool framed; /* the user has said how records are told apart */
	/* private */
	const char *policy;
	struct buffer text;
	struct sink quarantine;
	bool quarantining;
	void (*digest)(struct bytes text, char hex[65]);
};

/*
 * A quarantine line is {"ehr":{"v":1,"stage":"refused",program policy source line byte reason
 * sha256},"record":"..."}. A record that is no UTF-8 stands in base64url as "base64" instead.  DIGEST makes
 * the SHA-256 in hex, because this layer has no cryptography.  QUARANTINE is a descriptor, owned by R from
 * here on, with a name for messages; -1: no quarantine.
 */
void refusals_init(struct refusals *r, enum on_error on_error, int quarantine, const char *name,
    void (*digest)(struct bytes text, char hex[65]));

/* The policy's digest for quarantine lines, borrowed. */
void refusals_policy(struct refusals *r, const char *digest);

/*
 * EXIT_REFUSED: the run goes on.  Any other status ends it: with ON_ERROR_FAIL the reason's own (5; 6 and 7
 * for what cannot be opened), EXIT_BAD_RECORD past max_refused, EXIT_IO if the quarantine cannot be written.
 */
enum diag_exit refuse_record(struct refusals *r, const struct refused *what);

/* Says which messages were counted only, and closes the quarantine.  False if it could not be written. */
bool refusals_end(struct refusals *r);

#endif
