/* SPDX-License-Identifier: ISC */
#include "common/line/version_line.h"

#include "common/base/memory.h"

#include <stdlib.h>

enum { TAGS_DEPTH = 3, TAGS_MOST = 65536 };

struct version_line_reader {
	struct json ehr;
	struct json whole; /* of a refused line */
};

struct version_line_reader *
version_line_reader_new(unsigned max_depth)
{
	struct version_line_reader *r = memory_zeros(1, sizeof *r);

	json_init(&r->ehr, NULL, TAGS_DEPTH);
	json_init(&r->whole, NULL, max_depth);
	return r;
}

void
version_line_reader_free(struct version_line_reader *r)
{
	if (r == NULL)
		return;
	json_release(&r->ehr);
	json_release(&r->whole);
	free(r);
}

static bool
refuse(struct version_line *h, enum reason reason, size_t byte)
{
	h->reason = reason;
	h->byte = byte;
	return false;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static size_t
skip_blanks(struct bytes line, size_t at)
{
	while (at < line.size && is_blank(line.at[at]))
		at++;
	return at;
}

/* TEXT at *AT, after white space; *AT moves behind it. */
static bool
take(struct bytes line, size_t *at, const char *text)
{
	size_t size = strlen(text), from = skip_blanks(line, *at);

	if (line.size - from < size || memcmp(line.at + from, text, size) != 0)
		return false;
	*at = from + size;
	return true;
}

/* The record stands between AT and the line's last brace.  It begins and ends with braces. */
static bool
take_record(struct bytes line, size_t at, struct version_line *h)
{
	size_t end = line.size;

	while (end > at && is_blank(line.at[end - 1]))
		end--;
	if (end == at || line.at[end - 1] != '}')
		return refuse(h, REASON_TRUNCATED, line.size + 1);
	end = h->bare ? end : end - 1;
	at = skip_blanks(line, at);
	while (end > at && is_blank(line.at[end - 1]))
		end--;
	if (end - at < 2 || line.at[at] != '{' || line.at[end - 1] != '}')
		return refuse(h, REASON_NOT_AN_OBJECT, at + 1);
	h->record = (struct bytes){ line.at + at, end - at };
	return true;
}

/* The place behind the object or array at AT; the line's size if it has no end. */
static size_t
skip_value(struct bytes line, size_t at)
{
	unsigned depth = 0;
	bool quoted = false;

	for (; at < line.size; at++) {
		char c = line.at[at];

		if (quoted) {
			if (c == '\\')
				at++;
			quoted = c != '"';
		} else if (c == '"') {
			quoted = true;
		} else if (c == '{' || c == '[') {
			depth++;
		} else if ((c == '}' || c == ']') && --depth == 0) {
			return at + 1;
		}
	}
	return line.size;
}

static bool
is_sealable(enum stage stage)
{
	return stage == STAGE_VERSION || stage == STAGE_DELETED || stage == STAGE_OPENED;
}

/* Reads tags in any form. */
static bool
read_any(struct version_line_reader *r, struct bytes line, size_t at, struct version_line *h)
{
	size_t from = skip_blanks(line, at), end;

	if (from == line.size || line.at[from] != '{')
		return refuse(h, REASON_BAD_ENVELOPE, from + 1);
	end = skip_value(line, from);
	if (end - from > TAGS_MOST)
		return refuse(h, REASON_TAGS_INVALID, 0);
	if (!json_parse(&r->ehr, (struct bytes){ line.at + from, end - from }))
		return refuse(h, r->ehr.reason, from + r->ehr.byte);
	if (!tags_read(&h->tags, &r->ehr, 0, &h->reason))
		return refuse(h, h->reason, 0);
	if (!take(line, &end, ",") || !take(line, &end, "\"record\"") || !take(line, &end, ":"))
		return refuse(
		    h, is_sealable(h->tags.stage) ? REASON_BAD_ENVELOPE : REASON_WRONG_STAGE, end + 1);
	return take_record(line, end, h);
}

static bool
read_line(struct version_line_reader *r, struct bytes line, struct version_line *h)
{
	static const char begin[] = TAGS_LINE_BEGIN, middle[] = TAGS_LINE_RECORD;
	size_t at = 0, end;

	if (line.size > sizeof begin && memcmp(line.at, begin, sizeof begin - 1) == 0) {
		struct bytes rest = { line.at + sizeof begin - 1, line.size - (sizeof begin - 1) };

		if (tags_scan(rest, &h->tags, &end) && is_sealable(h->tags.stage) &&
		    rest.size - end > sizeof middle && memcmp(rest.at + end, middle, sizeof middle - 1) == 0)
			return take_record(line, sizeof begin - 1 + end + sizeof middle - 1, h);
	}
	if (!take(line, &at, "{"))
		return refuse(h, REASON_NOT_AN_OBJECT, 1);
	h->bare = !take(line, &at, "\"ehr\"") || !take(line, &at, ":");
	if (h->bare)
		return take_record(line, 0, h);
	if (!read_any(r, line, at, h))
		return false;
	return is_sealable(h->tags.stage) || refuse(h, REASON_WRONG_STAGE, 0);
}

/* A refused line is parsed as a whole: if it is no JSON, that is the reason to give. */
bool
version_line_read(struct version_line_reader *r, struct bytes line, bool may_be_bare, struct version_line *h)
{
	*h = (struct version_line){ 0 };
	if (read_line(r, line, h) && (may_be_bare || !h->bare))
		return true;
	if (h->reason == REASON_NONE)
		h->reason = REASON_WRONG_STAGE;
	if (json_parse(&r->whole, line))
		return false;
	return refuse(h, r->whole.reason, r->whole.byte);
}
