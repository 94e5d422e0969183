/* SPDX-License-Identifier: ISC */
#ifndef EHR_LINE_CURE_H
#define EHR_LINE_CURE_H

#include "common/base/bytes.h"
#include "common/base/reason.h"

/*
 * cure: what to do about a refused record, where its bytes show it: the file is compressed or in another
 * format, a text stands on several lines, or a stage of the pipeline is left out.  The text is made of
 * constants alone; no byte of the record is in it.
 */
struct cure_case {
	const char *program; /* that refused it */
	enum reason reason;
	struct bytes
	    head;    /* the record as it came, or its beginning; JSON_SLACK bytes behind it are readable */
	size_t byte; /* in the record, from 1; 0: none */
	bool first;  /* the first of its source, where formats show themselves */
	bool framed; /* the user has said how records are told apart */
};

enum { CURE_ROOM = 160 };

/* Writes to TEXT, and returns it; "" if the bytes show nothing. */
const char *cure_of(const struct cure_case *c, char text[CURE_ROOM]);

/*
 * The same for DECISION, which is to be one JSON object and by J's last json_parse() is none.  Decisions are
 * told apart as requests to ehr-authz are.  JSON_SLACK bytes behind it are readable.
 */
struct json;
const char *cure_of_decision(const struct json *j, struct bytes decision, char text[CURE_ROOM]);

#endif
