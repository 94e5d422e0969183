/* SPDX-License-Identifier: ISC */
#ifndef EHR_LINE_TAGS_H
#define EHR_LINE_TAGS_H

#include "common/json/json.h"
#include "common/json/json_write.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * tags: the object "ehr", which stands in front of a record from the first stage to the last, and the line
 * around both:
 *
 *	{"ehr":{"v":1,"stage":"version",...},"record":{...}}      a labelled line has "labels" between
 *
 * tags.def lists the members of ehr, their order and the stages in which they stand.
 */
#define TAGS_LINE_BEGIN "{\"ehr\":"
#define TAGS_LINE_RECORD ",\"record\":"
#define TAGS_LINE_END "}\n"

enum stage {
	STAGE_RAW, /* a bare record, without ehr */
	STAGE_INGESTED,
	STAGE_LABELLED,
	STAGE_VERSION,
	STAGE_SEALED,
	STAGE_OPENED,
	STAGE_DELETED,
	STAGE_OTHER, /* event, intent, manifest and the like, which are no records */
};

/* The kinds of value.  A text is a span of the line, between its quotes, as it stands. */
#define TAGS_TYPE_WORD struct bytes  /* see tag_is_word */
#define TAGS_TYPE_NAME struct bytes  /* any string that is not empty; in a sealed line a word */
#define TAGS_TYPE_SMALL unsigned     /* 0 to 99 */
#define TAGS_TYPE_EPOCH uint32_t     /* 1 to 2^31 - 1 */
#define TAGS_TYPE_LARGE uint64_t     /* 0 to 2^53 - 1 */
#define TAGS_TYPE_TRUTH bool         /* true alone */
#define TAGS_TYPE_WORDS struct bytes /* an object of 1 to 16 words, braces included */
#define TAGS_TYPE_LIST uint32_t      /* node of an array */

/*
 * The version of the form, tag v: 2 in sealed lines, 1 in all others.  In sealed lines of version 1 the tags
 * stood in the header once more (see sealed_line.h); they are read for ever.
 */
#define TAGS_SEALED_V "2"
#define TAGS_SEALED_V_1 "1"
#define TAGS_HEAD_SEALED "{\"v\":" TAGS_SEALED_V ",\"stage\":\"sealed\""
#define TAGS_HEAD_SEALED_1 "{\"v\":" TAGS_SEALED_V_1 ",\"stage\":\"sealed\""

/* A tag that is absent has a size of 0 and a value of 0. */
struct tags {
	enum stage stage;
#define TAG(tag, name, kind, may, must) TAGS_TYPE_##kind name;
#define TAG_WITH(tag, name, kind, may, must, other) TAGS_TYPE_##kind name;
#include "common/line/tags.def"
};

enum tag {
#define TAG(tag, name, kind, may, must) TAG_##tag,
#define TAG_WITH(tag, name, kind, may, must, other) TAG_##tag,
#include "common/line/tags.def"
	TAG_COUNT
};

struct envelope {
	struct tags tags;
	uint32_t ehr;    /* node of the value, 0 if the record is bare */
	uint32_t labels; /* node of the array, 0 if absent */
	uint32_t record; /* node of the record; 0 if it is bare: the whole line */
	enum reason reason;
};

/*
 * Reads the envelope of an indexed line.  A line without a member ehr is a bare record.  False: the reason is
 * not-an-object (the line or its record), unknown-version, bad-envelope (a member of the line is missing,
 * doubled, of another type or unknown) or tags-invalid (the same of a tag).  Sealed lines have a reader of
 * their own (sealed_line.h).
 */
bool envelope_read(struct envelope *e, const struct json *j);

/* Reads the object EHR alone (a sealed line's, or the copy in its header). */
bool tags_read(struct tags *t, const struct json *j, uint32_t ehr, enum reason *reason);

/*
 * The same for the object at the beginning of TEXT if it stands in exactly the form in which tags_write
 * writes it: without an index and several times faster; *END is behind it.  Stages version, deleted, sealed
 * and opened alone.  False for any other form (white space, another order, an escape): tags_read then reads
 * it and knows the reason.  tags_scan takes nothing that tags_read refuses.
 */
bool tags_scan(struct bytes text, struct tags *t, size_t *end);

/* How many bytes at the beginning of TEXT may stand in a word (see tag_is_word). */
size_t tags_word_size(struct bytes text);

/* Gives TO the tags of FROM that ehr-redact copies from its input into every version. */
void tags_copy(struct tags *to, const struct tags *from);

/* Appends the object, without lists.  No text is escaped.  False, and nothing appended, if OUT is full. */
bool tags_write(struct buffer *out, const struct tags *t);

/*
 * The object member by member, for a line whose values are made while it is written:
 *
 *	struct tags_writer w = tags_open(out, STAGE_LABELLED);
 *	json_write_text(tags_member(&w, TAG_ID), id);
 *	return tags_close(&w);
 *
 * tags_member names the tag and gives the writer for its value.  A tag out of the table's order or one that
 * may not stand in the stage is a bug and ends the program.
 */
struct tags_writer {
	struct json_write json;
	enum stage stage;
	enum tag next; /* private: the first tag that may still come */
};

struct tags_writer tags_open(struct buffer *out, enum stage stage);
struct json_write *tags_member(struct tags_writer *w, enum tag tag);
bool tags_close(struct tags_writer *w);

const char *stage_name(enum stage s);

/* ASCII letters, digits and . _ : / @ + - ; 1 to 128 of them.  A word never needs an escape. */
bool tag_is_word(struct bytes text);

#endif
