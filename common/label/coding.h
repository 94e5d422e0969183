/* SPDX-License-Identifier: ISC */
#ifndef EHR_LABEL_CODING_H
#define EHR_LABEL_CODING_H

#include "common/label/condition.h"
#include "common/label/text_memo.h"

/*
 * coding: which value sets the Codings of a record are in.  A Coding is an object with a string `code`, or an
 * element of `coding`; a string under a member of `codes_in` counts as one.  A test of a Coding is also met
 * by what holds it: a CodeableConcept around `coding`, and a CodeableReference around `concept`.
 */
struct coding_hit {
	uint32_t coding;    /* the Coding, or a string that holds codes */
	uint32_t concept;   /* what holds it as an element of `coding`; else 0 */
	uint32_t reference; /* what holds that as `concept`; else 0 */
	bool is_unreadable; /* its code cannot be read: every set is unknown */
	struct codes_match match;
};

/* The Codings of one root that are in a value set, in the order in which they end. */
struct coding_hits {
	const struct coding_hit *at;
	size_t count;
};

/* The first hit that ends inside of NODE or later; hits in NODE follow until one ends after NODE. */
size_t coding_first_in(const struct coding_hits *hits, const struct json *j, uint32_t node);

/* True if NODE is a code that says something: a string with more in it than blanks.  0 is none. */
bool coding_has_code(const struct json *j, uint32_t node);

/* The system names and the codes seen last, by a hash: records use few of them, and each very often. */
enum { CODING_SYSTEMS = 512, CODING_SEEN = 256 };

/* A code of at most 20 bytes. */
union coding_key {
	struct {
		char code[20];
		uint16_t system;
		uint8_t size;
		bool is_used;
	} of;
	uint64_t word[3];
};

struct coding_memo {
	struct coding_system {
		char name[88];
		size_t size;
		unsigned number;
	} system[CODING_SYSTEMS]; /* in pairs: two names that meet stay both */
	struct {
		union coding_key key;
		bool is_found;
		bool fits;
	} seen[CODING_SEEN];
	struct codes_match match[CODING_SEEN];
	struct text_memo texts; /* of coding_look_in, as the record has them */
};

/* What is known of a code beside its value sets. */
struct coding_facts {
	unsigned system; /* its number (codes_system), CODES_ANY_SYSTEM without one */
	bool fits;       /* of a code in no set: the system can have it */
};

/*
 * Looks up the code at node CODE under the system at node SYSTEM (0: it has none).  False if no value set has
 * it.
 */
bool coding_look_up(const struct condition_members *m, const struct condition_record *r, uint32_t code,
    uint32_t system, struct coding_facts *facts, struct codes_match *match);

/* The same for an Identifier of SYSTEM (0: it has none) with VALUE, which is a code where SYSTEM has rows. */
bool coding_identifies(
    const struct condition_record *r, uint32_t value, uint32_t system, struct codes_match *match);

/* Looks up the codes in the string NODE, which is no Coding: a linkId, a canonical. */
bool coding_look_in(const struct condition_record *r, uint32_t node, struct codes_match *match);

/* TEXT without the percent-encoding of URLs, in ROOM if it had any. */
struct bytes coding_decoded(struct bytes text, struct buffer *room);

/* Whether NODE is, or holds, a Coding of one of SETS. */
enum truth coding_in(const struct condition_members *m, const struct condition_record *r, uint32_t node,
    const struct code_bits *sets);

/* The outermost of the nodes that a hit satisfies. */
uint32_t coding_holder(const struct coding_hit *hit);

#endif
