/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_REQUEST_H
#define EHR_ACCESS_REQUEST_H

#include "common/access/attributes.h"
#include "common/access/intern.h"
#include "common/access/scratch.h"
#include "common/base/clock.h"
#include "common/json/json.h"

/*
 * request: one AuthZEN request, read into an array of attributes.  A value is a string, number, boolean or a
 * list of these; one value is a list of one.  null, objects, nested lists and a time that is none count as
 * missing, and so does an empty list of purposes.
 */
enum value_kind { VALUE_STRING, VALUE_NUMBER, VALUE_TRUE, VALUE_FALSE };

struct value {
	struct bytes text; /* a string's bytes unescaped; a number as it stands */
	uint32_t word;     /* of a string: 0 if no policy knows it */
	enum value_kind kind;
};

struct values {
	const struct value *at;
	uint32_t count;
	bool present;
	bool distrusted; /* the custodian does not take it from the requester's domain: missing for it */
};

struct request {
	struct values at[ATTRIBUTES_MAX];
	struct bytes id; /* the member id as it stands, empty if there is none */
	struct instant time;
	bool timed;
};

/* How requests are read: known keys of the index, and where values are put. */
struct request_reader {
	const struct attributes *attributes;
	const struct intern *words;
	struct scratch *scratch;
	const struct instant *now; /* where context.time is missing; NULL: it stays missing */
	const struct json *json;
	uint16_t key_subject, key_action, key_resource, key_context, key_id, key_type, key_name,
	    key_properties;
};

/* The keys that the members of a request itself have. */
void request_keys(struct request_reader *r, struct json_keys *keys);

/* Where the four parts of a request stand: nodes, 0 for one that is absent. */
struct request_parts {
	uint32_t subject, action, resource, context;
};

/* Those of the object NODE; one that it lacks stays as it is in P. */
void request_parts_read(const struct request_reader *r, uint32_t node, struct request_parts *p);

/* NULL, or what is wrong, as the answer's message says it. */
const char *request_read(struct request_reader *r, const struct request_parts *p, struct request *q);

/* The values of the attribute's JSON value NODE under the rules above. */
struct values request_values(struct request_reader *r, unsigned attribute, uint32_t node);

/* context.time after it was changed: read again. */
void request_time(struct request_reader *r, struct request *q);

/* The one string of an attribute; empty if it is missing or a list. */
struct bytes request_string(const struct request *q, unsigned attribute);

/*
 * A code as it is compared: without its system where that is the usual one of the attribute (class:
 * resource types, label: v3-Confidentiality and v3-ActCode).
 */
struct bytes request_code(unsigned attribute, struct bytes text);

bool value_equal(const struct value *a, const struct value *b);

#endif
