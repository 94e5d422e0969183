/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_SEAL_POLICY_H
#define EHR_POLICY_SEAL_POLICY_H

#include "common/policy/policy.h"

#include <stdbool.h>

/*
 * seal_policy: seal.yaml: the key domain, the life of pseudonyms, the padding that hides lengths, and the
 * coarse tags that may stand outside the envelope.
 *	seal: 1
 *	domain: hospital
 *	pseudonyms: {id: stable, subject: stable}   stable (the default) or epoch
 *	padding: 4096                               none, padme, 16..65536, or steps: [256, 1024]; required
 *	rekey_lines: 65536                          1..65536, the default
 *	empty_tag: false                            true, the default, leaves the tag `empty` of versions
 *	tags: {topic: [vitals, labs]}               at most 16 names; absent: no tags
 */
enum { SEAL_STEPS_MOST = 8 };
enum padding_kind { PADDING_NONE, PADDING_BLOCK, PADDING_PADME };

struct seal_policy {
	struct bytes domain; /* a word (tag_is_word) without a slash */
	bool id_per_epoch;
	bool subject_per_epoch;
	enum padding_kind padding;
	unsigned block; /* with PADDING_BLOCK: multiples of it, behind the last of the steps */
	unsigned step[SEAL_STEPS_MOST]; /* rising */
	unsigned steps;
	unsigned rekey_lines;
	bool hides_empty;             /* with empty_tag: false */
	const struct yaml_node *tags; /* a map of lists of words; NULL: no tags */
};

/* False with a fault.  Texts live as long as the policy. */
bool seal_policy_load(struct seal_policy *s, struct policy *p, struct fault *f);

/* True if seal.yaml lists VALUE for the tag NAME. */
bool seal_policy_allows(const struct seal_policy *s, struct bytes name, struct bytes value);

/*
 * True if NODE is a map from tags to words that lines may have; what names others would never meet a line.
 * False with a fault of FILE.
 */
bool seal_policy_choice(
    const struct seal_policy *s, const char *file, const struct yaml_node *node, struct fault *f);

#endif
