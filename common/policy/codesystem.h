/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_CODESYSTEM_H
#define EHR_POLICY_CODESYSTEM_H

#include "common/base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * codesystem: code systems by number.  A system goes by many names in records (URI, OID with and without
 * urn:oid:, http and https, with a slash at its end, older URIs); all of them are one number.  The common
 * ones are compiled in; a policy adds those that its value sets speak of.
 */
enum fold {
	FOLD_EXACT, /* code by code */
	FOLD_UPPER, /* without regard to case */
	FOLD_ICD,   /* the same, and without dots and blanks: f10.20 is F1020 */
};

enum { CODESYSTEM_NONE = 0, CODESYSTEM_MAX = 0xfffe };

struct codesystem {
	struct bytes uri; /* canonical */
	enum fold fold;
};

struct codesystems {
	struct codesystem *at; /* from 1 */
	unsigned count;
	/* private */
	unsigned room;
	struct codesystem_name *name; /* open addressing */
	unsigned names;
	unsigned name_room;
};

void codesystems_init(struct codesystems *s);
void codesystems_release(struct codesystems *s);

/* The number of NAME, CODESYSTEM_NONE if it is not there. */
unsigned codesystems_find(const struct codesystems *s, struct bytes name);

/* The same; a new one is compared exactly.  URI is borrowed.  CODESYSTEM_NONE if there are too many. */
unsigned codesystems_add(struct codesystems *s, struct bytes uri);

/* True of a name that names nothing: empty, or blank. */
bool codesystems_is_nameless(struct bytes name);

/* One byte of a code as FOLD compares it; 0 if it does not count. */
static inline unsigned char
codesystem_fold(enum fold fold, unsigned char c)
{
	if (fold == FOLD_ICD && (c == '.' || c == ' '))
		return 0;
	return fold != FOLD_EXACT && c >= 'a' && c <= 'z' ? (unsigned char)(c - 'a' + 'A') : c;
}

#endif
