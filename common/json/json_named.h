/* SPDX-License-Identifier: ISC */
#ifndef EHR_JSON_JSON_NAMED_H
#define EHR_JSON_JSON_NAMED_H

#include "common/json/json.h"

/*
 * json_named: the member x for a member _x, for who asks one object for very many of them.
 * json_member walks over the members at each question, so a question for each member costs their square.
 */
struct json_named {
	struct json_named_member {
		uint32_t object; /* its node + 1; 0: the slot is free */
		uint32_t key;    /* 0: the object itself, whose members are in the table */
	} * slot;                /* open addressing */
	size_t slots;            /* a power of two, or 0 */
	size_t used;
	struct buffer room;  /* for unescaping */
	struct buffer asked; /* the name in question */
};

void json_named_init(struct json_named *t);
void json_named_release(struct json_named *t);

/* For another record: what is in the table says nothing of it. */
void json_named_clear(struct json_named *t);

/*
 * KEY is that of a member of OBJECT.  If the member is _NAME, the key of NAME, 0 if there is none or if KEY
 * is no such name (FHIR R4 section 2.6.2, JSON representation of primitive elements).  Escapes in both names
 * are read.  Enters the members of OBJECT when it is asked for one for the first time.
 */
uint32_t json_named_twin(struct json_named *t, const struct json *j, uint32_t object, uint32_t key);

#endif
