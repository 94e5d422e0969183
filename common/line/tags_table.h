/* SPDX-License-Identifier: ISC */
#ifndef EHR_LINE_TAGS_TABLE_H
#define EHR_LINE_TAGS_TABLE_H

#include "common/line/tags.h"

/* tags_table: what the files of tags share.  The sets in the columns may and must of tags.def: */
enum {
	TAGS_INGESTED = 1 << STAGE_INGESTED,
	TAGS_LABELLED = 1 << STAGE_LABELLED,
	TAGS_VERSION = 1 << STAGE_VERSION,
	TAGS_DELETED = 1 << STAGE_DELETED,
	TAGS_CLOSED = 1 << STAGE_SEALED | 1 << STAGE_OPENED,
	TAGS_VERSIONS = TAGS_VERSION | TAGS_DELETED | TAGS_CLOSED,
	/* for may */
	TAGS_COPIED = 1 << 16,
	/* for must: sealed and opened lines, for a level and for a recipient */
	TAGS_TO_LEVEL = 1 << 17,
	TAGS_TO_RECIPIENT = 1 << 18,
};

enum { TAGS_WORD_MOST = 128, TAGS_SMALL_MOST = 99, TAGS_EPOCH_MOST = 2147483647, TAGS_WORDS_MOST = 16 };

enum tags_kind {
	TAGS_KIND_WORD,
	TAGS_KIND_NAME,
	TAGS_KIND_SMALL,
	TAGS_KIND_EPOCH,
	TAGS_KIND_LARGE,
	TAGS_KIND_TRUTH,
	TAGS_KIND_WORDS,
	TAGS_KIND_LIST,
};

enum { TAGS_LEAD = 16 };

/* A row as data. */
struct tags_row {
	struct bytes name;
	char lead[TAGS_LEAD]; /* ,"name": */
	enum tags_kind kind;
	unsigned may;
	size_t at; /* where its value is in struct tags */
};

extern const struct tags_row tags_rows[TAG_COUNT];

/* A set of tags has a bit for each. */
#define TAGS_BIT(tag) (UINT32_C(1) << (tag))

/* The tags SEEN are those that T's stage needs, and T's numbers fit each other. */
bool tags_complete(const struct tags *t, uint32_t seen);

/* Whether a byte may stand in a word (tag_is_word). */
extern const bool tags_in_word[256];

#endif
