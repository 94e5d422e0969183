/* SPDX-License-Identifier: ISC */
#ifndef EHR_LABEL_NAMING_H
#define EHR_LABEL_NAMING_H

#include "common/label/coding.h"
#include "common/policy/codeform.h"

/*
 * naming: which value sets name an Identifier or an extension.  The rows stand under words of their own where
 * others have that of a code system, see common/policy/codesystem.def:
 *
 * identifier-system: the `system` of an Identifier, or what stands before the bar of a search.  It is a URI,
 * or with * at its end the beginning of one.  https counts as http, www. as nothing, a bare OID as urn:oid:.
 *
 * identifier-type: a code of its `type`, under v2-0203, without a system, or under one that nobody knows.
 *
 * name-words: words in the text or display of its type, in the last part of its system, and in the last part
 * of the URL of an extension.  `gender identity` is in .../patient-genderIdentity.  A member that no policy
 * knows is named as an extension is.
 *
 * Case does not count.
 */
struct naming {
	const struct codes *codes; /* borrowed */
	unsigned systems, types, words, table_0203;
	uint16_t display, text, coding, code, system;
	struct buffer room; /* for unescaping */
	struct buffer uri;
	char plain[CODEFORM_ROOM]; /* a text as a keyboard writes it */
	/* The URIs seen last, by a hash: records use few, and each very often. */
	struct naming_memo {
		char uri[120];
		size_t size;
		bool is_url, found;
		struct codes_match match;
	} memo[64];
};

void naming_init(struct naming *n, struct json_keys *keys, const struct codes *codes);
void naming_release(struct naming *n);

/* False: no value set lists names. */
bool naming_is_asked(const struct naming *n);

/* Each adds to MATCH what names the node, and is true if something does.  SYSTEM and TYPE may be 0. */
bool naming_identifier(
    struct naming *n, const struct json *j, uint32_t system, uint32_t type, struct codes_match *match);
bool naming_extension(struct naming *n, const struct json *j, uint32_t url, struct codes_match *match);
bool naming_member(const struct naming *n, struct bytes name, struct codes_match *match);
bool naming_search(struct naming *n, const struct json *j, uint32_t text, struct codes_match *match);

#endif
