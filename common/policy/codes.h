/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_CODES_H
#define EHR_POLICY_CODES_H

#include "common/base/clock.h"
#include "common/policy/policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * codes: the value sets that hold a Coding.  All sets of a policy are one table over (code system, folded
 * code).  A system has one number under all the names that records use for it (URI, OID with and without
 * urn:oid:, trailing slash, https, old URIs).  The system decides how its codes are compared: ICD without
 * dots and in upper case, for example.  The bytes of the files stay in the policy; no row is copied.  Sets of
 * terms (terms.h) are numbered among them.
 *
 * A code with a system matches rows of that system, and of those that belong to it: a national edition of
 * ICD-10 those of WHO's.  A code without a system matches the rows of all systems, folded as each of them
 * asks.  A system that nobody knows counts as none for a code that begins with a letter, and so does one that
 * cannot have the code (B20 under the URL of ICD-10-PCS): it matches where the form is that of the rows'
 * system.  A number matches under its own system or under none, since lists of local numbers meet those of
 * SNOMED CT and RxNorm by chance.
 *
 * An expression of SNOMED CT matches by each concept in it, `id|term|` by the id, a pair of ICD codes by each
 * of the two.
 */
struct codes;

/* A set of small numbers: value sets, groups (rows of one file and category), or categories. */
enum { CODE_BITS = 512 };
struct code_bits {
	uint64_t word[CODE_BITS / 64];
};

static inline void
code_bits_add(struct code_bits *s, unsigned i)
{
	s->word[i / 64] |= UINT64_C(1) << (i % 64);
}

static inline bool
code_bits_has(const struct code_bits *s, unsigned i)
{
	return (s->word[i / 64] >> (i % 64)) & 1;
}

static inline bool
code_bits_meet(const struct code_bits *a, const struct code_bits *b)
{
	uint64_t both = 0;

	for (unsigned i = 0; i < CODE_BITS / 64; i++)
		both |= a->word[i] & b->word[i];
	return both != 0;
}

/*
 * Loads `value_sets:` of the YAML file SHOWN, {name: {file, category, rows, complete}} for codes and
 * {name: {terms, category, rows, complete}} for terms, and `systems:`, the aliases {loinc: http://loinc.org};
 * either may be NULL.  The policy must outlive the result.  NULL after a
 * fault.
 */
struct codes *codes_load(const struct policy *p, const char *shown, const struct yaml_node *systems,
    const struct yaml_node *value_sets, struct fault *f);
void codes_free(struct codes *c);

/*
 * A set without a name, from codes in a rule.  NODE is "loinc|8867-4" or a list of such texts: an alias or a
 * URI, a bar, and a code, a prefix* or * for any code.
 */
bool codes_inline(
    struct codes *c, const char *shown, const struct yaml_node *node, unsigned *set, struct fault *f);

/* Sets are numbered from 0 in the file's order. */
unsigned codes_sets(const struct codes *c);
int codes_set(const struct codes *c, struct bytes name); /* -1: there is none */

/* True if the set holds terms (`terms: FILE`), which no Coding can be in; see terms.h. */
bool codes_is_terms(const struct codes *c, unsigned set);

/* Categories of rows, as written in the files. */
unsigned codes_categories(const struct codes *c);
int codes_category(const struct codes *c, struct bytes name); /* -1: no row of any set has it */
struct bytes codes_category_name(const struct codes *c, unsigned category);
void codes_set_categories(const struct codes *c, unsigned set, struct code_bits *categories);

/* True if all categories of SETS are active v3-ActCode sensitivities; else a fault names file and line. */
bool codes_sensitive(const struct codes *c, const struct code_bits *sets, struct fault *f);

enum { CODES_ANY_SYSTEM = 0, CODES_UNKNOWN_SYSTEM = 0xffff };

/*
 * The number of a code system under any of its names; CODES_UNKNOWN_SYSTEM if no system has this name,
 * CODES_ANY_SYSTEM if NAME is blank.
 */
unsigned codes_system(const struct codes *c, struct bytes name);

/* True if NAME is a name of the system whose canonical URI is URI. */
bool codes_same_system(struct bytes name, struct bytes uri);

/*
 * How a record shows that it is of the class SYSTEM|CODE, which is no record type: by a Coding, or by the
 * content type of what it carries.  Profiles, and codes of FHIR's that stand in elements without a system,
 * are shown by nothing: whoever withholds such a class withholds nothing.
 */
enum class_shown { CLASS_NOT_SHOWN, CLASS_BY_CODING, CLASS_BY_CONTENT_TYPE };
enum class_shown codes_class_shown(struct bytes system, struct bytes code);

struct codes_match {
	struct code_bits sets;   /* the value sets that hold the code */
	struct code_bits groups; /* for codes_matched_categories */
	bool is_dated;           /* at another time it may be another */
};

/*
 * Adds to MATCH the sets and groups that hold (SYSTEM, CODE) at TIME (of the record; NULL: at any time).
 * True if any does.  SYSTEM is a number of codes_system, CODES_ANY_SYSTEM for a Coding without a system.
 * CODE is unescaped.
 */
bool codes_find(const struct codes *c, unsigned system, struct bytes code, const struct period *time,
    struct codes_match *match);

/*
 * The same for NAME, which is no code.  NAMES is the number of identifier-system, identifier-type or
 * name-words (common/policy/codesystem.def).  Case does not count.
 */
bool codes_find_name(const struct codes *c, unsigned names, struct bytes name, struct codes_match *match);

/*
 * The same for the codes in TEXT, which is no code itself: `system|code` as in a search or a canonical,
 * codes alone in a parameter of a search whose name ends with code or concept, numbers of LOINC and
 * SNOMED CT, which their check digits tell from others, and those of ICD-10 and ATC in a path: 1.F20.
 */
bool codes_find_in(
    const struct codes *c, struct bytes text, const struct period *time, struct codes_match *match);

/*
 * False if SYSTEM cannot have CODE by its form or check digit.  True for a system of which nothing is known,
 * CODES_ANY_SYSTEM and CODES_UNKNOWN_SYSTEM.
 */
bool codes_fit(const struct codes *c, unsigned system, struct bytes code);

/*
 * codes_terms has the terms of all sets, NULL if there are none.  codes_say adds to MATCH the sets and groups
 * of those in TEXT, which TERMS_SLACK bytes follow.  True if there are any.
 */
struct terms;
struct fold;
const struct terms *codes_terms(const struct codes *c);
bool codes_say(const struct codes *c, struct bytes text, struct fold *room, struct codes_match *match);

/* Adds to CATEGORIES those of the rows in MATCH that belong to SETS (NULL: all rows). */
void codes_matched_categories(const struct codes *c, const struct codes_match *match,
    const struct code_bits *sets, struct code_bits *categories);

/* True if the codes of the system are compared as ICD's: without dots. */
bool codes_is_icd(const struct codes *c, unsigned system);

/* The display that a file of value sets has for the code.  False if none has. */
bool codes_display(const struct codes *c, unsigned system, struct bytes code, struct bytes *display);

/* For reports on coverage.  The systems are numbered from 1 to this number. */
unsigned codes_systems(const struct codes *c);
struct bytes codes_system_uri(const struct codes *c, unsigned system); /* canonical, and not from a record */
bool codes_system_plain(const struct codes *c, unsigned system);       /* it classifies nobody's illness */
size_t codes_system_rows(
    const struct codes *c, unsigned system); /* in all sets, and of systems it belongs to */
bool codes_system_complete(
    const struct codes *c, unsigned system); /* no set with such rows says complete: false */

#endif
