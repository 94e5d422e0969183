/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_VOCABULARY_H
#define EHR_POLICY_VOCABULARY_H

#include "common/base/bytes.h"
#include "common/base/closest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * vocabulary: the code systems that policies use, compiled in: their codes, the parent of each code, and
 * whether policies may still use it.  Each lookup names the vocabulary: HIV is an active sensitivity category
 * and a retired confidentiality code.
 */
enum vocabulary {
	VOCABULARY_CONFIDENTIALITY, /* v3-Confidentiality: U L M N R V, and retired codes */
	VOCABULARY_SENSITIVITY,     /* v3-ActCode below _InformationSensitivityPolicy: HIV, SUD, ... */
	VOCABULARY_PRIVACY_LAW,     /* v3-ActCode below _ActPrivacyLaw: 42CFRPart2, ... */
	VOCABULARY_HANDLING,        /* v3-ActCode obligations and refrain policies: REDACT, NORDSCLCD, ... */
	VOCABULARY_PURPOSE,         /* v3-ActReason below PurposeOfUse: TREAT, ... */
	VOCABULARY_RESOURCE_TYPE,   /* FHIR R4 resource types; Resource and DomainResource are abstract */
	VOCABULARY_COUNT
};

enum concept_status {
	CONCEPT_ACTIVE,
	CONCEPT_RETIRED,  /* recognised in records, refused in policies */
	CONCEPT_ABSTRACT, /* a head: refused in a label, allowed where all codes below it are meant */
};

struct concept {
	struct bytes code;
	struct bytes display;
	enum concept_status status;
	unsigned index;  /* in its vocabulary, which is sorted by code */
	unsigned parent; /* index of the concept above, or CONCEPT_NO_PARENT */
};

enum { CONCEPT_NO_PARENT = 0xffff };

/* The canonical URI of the code system: "http://terminology.hl7.org/CodeSystem/v3-ActCode". */
struct bytes vocabulary_system(enum vocabulary v);

/* How many concepts V has, and the one at INDEX, which is below that.  They are sorted by code. */
size_t vocabulary_size(enum vocabulary v);
const struct concept *vocabulary_at(enum vocabulary v, size_t index);

/* NULL if there is no such code.  Case counts. */
const struct concept *vocabulary_find(enum vocabulary v, struct bytes code);

/* Offers the codes that policies may use to C. */
void vocabulary_offer(enum vocabulary v, struct closest *c);

/* True if A is B or stands anywhere below it; both of vocabulary V. */
bool vocabulary_below(enum vocabulary v, const struct concept *a, const struct concept *b);

/*
 * C and all concepts below it as a set, of sensitivity categories and privacy laws, whose bits are apart: bit
 * i is the category of index i.  An exclusion of C excludes this set.
 */
uint64_t vocabulary_labels_below(enum vocabulary v, const struct concept *c);

/* The bit of C alone in such a set. */
uint64_t vocabulary_label(enum vocabulary v, const struct concept *c);

/* True for the types of people, places and things that records name for who, where and with what. */
bool vocabulary_is_actor(struct bytes type);

#endif
