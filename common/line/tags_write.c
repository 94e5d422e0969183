/* SPDX-License-Identifier: ISC */
#include "common/base/diag.h"
#include "common/line/tags_table.h"

#include <string.h>

enum { NUMBER_MOST = 20, LEAD_MARKS = 4 };

static char *
put(char *at, struct bytes text)
{
	memcpy(at, text.at, text.size);
	return at + text.size;
}

/* Copies all of LEAD, which takes no call; what follows overwrites the rest. */
static char *
put_lead(char *at, const struct tags_row *r)
{
	memcpy(at, r->lead, TAGS_LEAD);
	return at + r->name.size + LEAD_MARKS;
}

static char *
put_text(char *at, const struct tags_row *r, struct bytes value)
{
	at = put_lead(at, r);
	*at++ = '"';
	at = put(at, value);
	*at++ = '"';
	return at;
}

static char *
put_number(char *at, const struct tags_row *r, uint64_t value)
{
	char digits[NUMBER_MOST];
	size_t first = NUMBER_MOST;

	do
		digits[--first] = (char)('0' + value % 10);
	while ((value /= 10) > 0);
	return put(put_lead(at, r), (struct bytes){ digits + first, NUMBER_MOST - first });
}

static const void *
value_of(const struct tags *t, size_t at)
{
	return (const char *)t + at;
}

static bool
is_text(enum tags_kind kind)
{
	return kind == TAGS_KIND_WORD || kind == TAGS_KIND_NAME || kind == TAGS_KIND_WORDS;
}

static struct bytes
text_of(const struct tags *t, size_t at)
{
	return *(const struct bytes *)value_of(t, at);
}

static uint64_t
number_of(const struct tags *t, const struct tags_row *r)
{
	if (r->kind == TAGS_KIND_LARGE)
		return *(const uint64_t *)value_of(t, r->at);
	return r->kind == TAGS_KIND_EPOCH ? *(const uint32_t *)value_of(t, r->at)
					  : *(const unsigned *)value_of(t, r->at);
}

static char *
write_number(char *at, const struct tags *t, const struct tags_row *r)
{
	uint64_t number = number_of(t, r);

	if (r->with != 0 ? text_of(t, r->with).size == 0 : number == 0)
		return at;
	return put_number(at, r, number);
}

/* Texts are there: see find. */
static char *
write_row(char *at, const struct tags *t, const struct tags_row *r)
{
	switch (r->kind) {
	case TAGS_KIND_WORD:
	case TAGS_KIND_NAME:
		return put_text(at, r, text_of(t, r->at));
	case TAGS_KIND_WORDS:
		return put(put_lead(at, r), text_of(t, r->at));
	case TAGS_KIND_SMALL:
	case TAGS_KIND_EPOCH:
	case TAGS_KIND_LARGE:
		return write_number(at, t, r);
	case TAGS_KIND_TRUTH:
		return *(const bool *)value_of(t, r->at) ? put(put_lead(at, r), (struct bytes)BYTES("true"))
							 : at;
	case TAGS_KIND_LIST:
		return at;
	}
	return at;
}

/* The tags that T may have; they take at most *MOST bytes. */
static uint32_t
find(const struct tags *t, size_t *most)
{
	uint32_t found = 0;

	*most = TAG_COUNT * (TAGS_LEAD + NUMBER_MOST + 2) + 64;
	for (size_t i = 0; i < TAG_COUNT; i++) {
		size_t size = is_text(tags_rows[i].kind) ? text_of(t, tags_rows[i].at).size : 0;

		*most += size;
		found |= (uint32_t)(size > 0 || !is_text(tags_rows[i].kind)) << i;
	}
	return found;
}

bool
tags_write(struct buffer *out, const struct tags *t)
{
	size_t most;
	uint32_t found = find(t, &most);
	char *at;

	if (!buffer_reserve(out, most))
		return false;
	at = put(out->at + out->used, (struct bytes)BYTES("{\"v\":1,\"stage\":\""));
	at = put(at, bytes_of(stage_name(t->stage)));
	*at++ = '"';
	for (; found != 0; found &= found - 1)
		at = write_row(at, t, &tags_rows[__builtin_ctz(found)]);
	*at++ = '}';
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

	if (tag < w->next || (r->may & 1u << w->stage) == 0)
		diag_bug("a tag where none may stand");
	w->next = tag + 1;
	json_write_raw(&w->json, (struct bytes){ r->lead, r->name.size + LEAD_MARKS });
	w->json.comma = false;
	return &w->json;
}

bool
tags_close(struct tags_writer *w)
{
	json_write_close(&w->json, '}');
	return json_write_whole(&w->json);
}
