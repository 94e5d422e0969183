/* SPDX-License-Identifier: ISC */
#include "common/base/diag.h"
#include "common/line/tags_table.h"

#include <string.h>

enum { NUMBER_MOST = 20, LEAD_MARKS = 4 };

/* Inline, so that a constant is stored by an instruction or two. */
static inline __attribute__((always_inline)) char *
put(char *at, const char *text, size_t size)
{
	memcpy(at, text, size);
	return at + size;
}

static char *
put_number(char *at, uint64_t value)
{
	char digits[NUMBER_MOST];
	size_t first = NUMBER_MOST;

	if (value < 10) {
		*at = (char)('0' + value);
		return at + 1;
	}
	do
		digits[--first] = (char)('0' + value % 10);
	while ((value /= 10) > 0);
	return put(at, digits + first, NUMBER_MOST - first);
}

/* How much room the value of each kind takes, if it is more than TAGS_LEAD and NUMBER_MOST cover. */
#define ROOM_WORD(value) (value).size
#define ROOM_NAME(value) (value).size
#define ROOM_WORDS(value) (value).size
#define ROOM_SMALL(value) 0
#define ROOM_EPOCH(value) 0
#define ROOM_LARGE(value) 0
#define ROOM_TRUTH(value) 0
#define ROOM_LIST(value) 0

static size_t
room(const struct tags *t)
{
	size_t size = 64 + TAG_COUNT * (TAGS_LEAD + NUMBER_MOST + 2);

#define TAG(tag, name, kind, may, must) size += ROOM_##kind(t->name);
#define TAG_WITH(tag, name, kind, may, must, other) size += ROOM_##kind(t->name);
#include "common/line/tags.def"
	return size;
}

#define PUT(text) at = put(at, (text), sizeof(text) - 1)
#define PUT_WORD(name, is_there)                                                                             \
	if (t->name.size > 0) {                                                                              \
		PUT(",\"" #name "\":\"");                                                                    \
		at = put(at, t->name.at, t->name.size);                                                      \
		PUT("\"");                                                                                   \
	}
#define PUT_NAME(name, is_there) PUT_WORD(name, is_there)
#define PUT_WORDS(name, is_there)                                                                            \
	if (t->name.size > 0) {                                                                              \
		PUT(",\"" #name "\":");                                                                      \
		at = put(at, t->name.at, t->name.size);                                                      \
	}
#define PUT_SMALL(name, is_there)                                                                            \
	if (is_there) {                                                                                      \
		PUT(",\"" #name "\":");                                                                      \
		at = put_number(at, t->name);                                                                \
	}
#define PUT_EPOCH(name, is_there) PUT_SMALL(name, is_there)
#define PUT_LARGE(name, is_there) PUT_SMALL(name, is_there)
#define PUT_TRUTH(name, is_there)                                                                            \
	if (t->name)                                                                                         \
		PUT(",\"" #name "\":true");
#define PUT_LIST(name, is_there)

static char *
put_tags(char *at, const struct tags *t)
{
#define TAG(tag, name, kind, may, must) PUT_##kind(name, t->name != 0)
#define TAG_WITH(tag, name, kind, may, must, other) PUT_##kind(name, t->other.size > 0)
#include "common/line/tags.def"
	return at;
}

bool
tags_write(struct buffer *out, const struct tags *t)
{
	struct bytes stage = bytes_of(stage_name(t->stage));
	char *at;

	if (!buffer_reserve(out, room(t)))
		return false;
	at = out->at + out->used;
	if (t->stage == STAGE_SEALED) {
		PUT(TAGS_HEAD_SEALED);
	} else {
		PUT("{\"v\":1,\"stage\":\"");
		at = put(at, stage.at, stage.size);
		PUT("\"");
	}
	at = put_tags(at, t);
	PUT("}");
	out->used = (size_t)(at - out->at);
	return true;
}

struct tags_writer
tags_open(struct buffer *out, enum stage stage)
{
	struct tags_writer w = { .json = json_write_to(out), .stage = stage };

	json_write_raw(&w.json, (struct bytes)BYTES("{\"v\":1,\"stage\":\""));
	json_write_raw(&w.json, bytes_of(stage_name(stage)));
	json_write_raw(&w.json, (struct bytes)BYTES("\""));
	return w;
}

struct json_write *
tags_member(struct tags_writer *w, enum tag tag)
{
	const struct tags_row *r = &tags_rows[tag];
	struct buffer *b = w->json.out;

	if (tag < w->next || (r->may & 1u << w->stage) == 0)
		diag_bug("a tag where none may stand");
	w->next = tag + 1;
	w->json.comma = false;
	if (w->json.full || !buffer_reserve(b, TAGS_LEAD)) {
		w->json.full = true;
		return &w->json;
	}
	/* A constant size takes no call; the value overwrites what is too much. */
	memcpy(b->at + b->used, r->lead, TAGS_LEAD);
	b->used += r->name.size + LEAD_MARKS;
	return &w->json;
}

bool
tags_close(struct tags_writer *w)
{
	json_write_close(&w->json, '}');
	return json_write_whole(&w->json);
}
