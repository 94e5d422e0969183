/* SPDX-License-Identifier: ISC */
#include "cmd/ingest/frames.h"

#include "common/json/json_scan.h"

#define SEPARATOR '\x1e'

void
frames_init(struct frames *fr, enum framing framing, struct json *probe)
{
	*fr = (struct frames){ .framing = framing, .probe = probe };
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Takes SIZE bytes off the input and counts their lines. */
static void
take(struct frames *fr, struct lines *in, size_t size)
{
	struct bytes waiting = lines_waiting(in);
	const char *end = waiting.at + size;
	const char *lf;

	for (const char *p = waiting.at; p < end && (lf = memchr(p, '\n', (size_t)(end - p))) != NULL;
	     p = lf + 1) {
		fr->passed++;
		fr->line = lines_offset(in) + (uint64_t)(lf + 1 - waiting.at);
	}
	lines_take(in, size);
	fr->scanned = 0;
}

static enum lines_outcome
refuse(struct frames *fr, struct lines *in, enum reason reason, size_t byte)
{
	in->number = fr->passed + 1;
	in->offset = lines_offset(in);
	in->reason = reason;
	in->refused_byte = byte;
	return LINES_REFUSED;
}

/* Refuses the byte that waits, by its place in its line; nothing behind it can be framed. */
static enum lines_outcome
lose(struct frames *fr, struct lines *in, enum reason reason)
{
	fr->lost = true;
	return refuse(fr, in, reason, (size_t)(lines_offset(in) - fr->line) + 1);
}

/* The first SIZE bytes that wait are the record. */
static enum lines_outcome
give(struct frames *fr, struct lines *in, size_t size, struct bytes *record)
{
	*record = (struct bytes){ lines_waiting(in).at, size };
	in->number = fr->passed + 1;
	in->offset = lines_offset(in);
	fr->pending = size;
	fr->scanned = 0;
	return LINES_RECORD;
}

/* Afterwards a byte waits that is not white space, or nothing does and the input has ended. */
static enum lines_outcome
skip_space(struct frames *fr, struct lines *in)
{
	for (;;) {
		struct bytes waiting = lines_waiting(in);
		size_t blank = 0;

		while (blank < waiting.size && is_space(waiting.at[blank]))
			blank++;
		take(fr, in, blank);
		if (blank < waiting.size || in->ended)
			return LINES_RECORD;
		enum lines_outcome outcome = lines_more(in);

		if (outcome != LINES_RECORD)
			return outcome;
	}
}

/* Scans a string to behind its closing quote; false if that has not been read yet. */
static bool
scan_string(struct frames *fr, struct bytes waiting)
{
	const unsigned char *begin = (const unsigned char *)waiting.at;
	const unsigned char *end = begin + waiting.size;
	const unsigned char *p = begin + fr->scanned;

	while ((p = json_scan_plain(p, end)) < end && *p != '"') {
		if (*p == '\\' && end - p < 2)
			break;
		p += *p == '\\' ? 2 : 1;
	}
	if (p > end)
		p = end;
	fr->string = p == end || *p != '"';
	fr->scanned = (size_t)(p - begin) + (fr->string ? 0 : 1);
	return !fr->string;
}

/* The same for a container, or for a string that is the whole value. */
static bool
scan_nested(struct frames *fr, struct bytes waiting)
{
	while (fr->scanned < waiting.size) {
		if (fr->string && !scan_string(fr, waiting))
			return false;
		if (fr->depth == 0 && fr->scanned > 0)
			return true;
		for (; fr->scanned < waiting.size && !fr->string; fr->scanned++) {
			char c = waiting.at[fr->scanned];

			fr->string = c == '"';
			if (c == '{' || c == '[')
				fr->depth++;
			if ((c == '}' || c == ']') && --fr->depth == 0) {
				fr->scanned++;
				return true;
			}
		}
	}
	return false;
}

static bool
ends_word(char c)
{
	return is_space(c) || c == ',' || c == ':' || c == '"' || c == '[' || c == ']' || c == '{' ||
	       c == '}';
}

/*
 * The same for any other value, which ends before the first byte that cannot belong to it.  It has one byte
 * at least, so that a byte that begins no value is a frame too and is refused.
 */
static bool
scan_word(struct frames *fr, struct bytes waiting)
{
	if (fr->depth == 0 && waiting.size > 0)
		fr->scanned = fr->depth = 1;
	while (fr->scanned < waiting.size && !ends_word(waiting.at[fr->scanned]))
		fr->scanned++;
	return fr->scanned < waiting.size;
}

/* Containers and strings have a last byte of their own. */
static bool
is_closed(char first)
{
	return first == '{' || first == '[' || first == '"';
}

static bool
scan_value(struct frames *fr, struct bytes waiting)
{
	return is_closed(fr->first) ? scan_nested(fr, waiting) : scan_word(fr, waiting);
}

/* A frame of SIZE bytes, all of which wait. */
static enum lines_outcome
give_or_refuse(struct frames *fr, struct lines *in, size_t size, struct bytes *record)
{
	if (size <= in->limit)
		return give(fr, in, size, record);
	fr->pending = size;
	return refuse(fr, in, REASON_TOO_LONG, in->limit + 1);
}

static enum lines_outcome
next_value(struct frames *fr, struct lines *in, struct bytes *record)
{
	fr->first = lines_waiting(in).at[0];
	fr->depth = 0;
	fr->string = false;
	for (;;) {
		struct bytes waiting = lines_waiting(in);

		if (scan_value(fr, waiting))
			return give_or_refuse(fr, in, fr->scanned, record);
		/* the input ends inside the value, which the index refuses */
		if (in->ended)
			return give_or_refuse(fr, in, waiting.size, record);
		if (waiting.size > in->limit) {
			fr->skipping = true;
			return refuse(fr, in, REASON_TOO_LONG, in->limit + 1);
		}
		enum lines_outcome outcome = lines_more(in);

		if (outcome != LINES_RECORD)
			return outcome;
	}
}

/* Skips the rest of a value that was too long. */
static enum lines_outcome
skip_value(struct frames *fr, struct lines *in)
{
	for (;;) {
		bool whole = scan_value(fr, lines_waiting(in)) || (in->ended && !is_closed(fr->first));

		take(fr, in, fr->scanned);
		fr->skipping = !whole;
		if (whole)
			return LINES_RECORD;
		if (in->ended)
			return lose(fr, in, REASON_TRUNCATED);
		enum lines_outcome outcome = lines_more(in);

		if (outcome != LINES_RECORD)
			return outcome;
	}
}

/* The bytes between the values of an array that is taken apart. */
static const struct {
	enum frames_place place;
	char byte;
	enum frames_place then;
} steps[] = {
	{ FRAMES_OUTSIDE, '[', FRAMES_BEGUN },
	{ FRAMES_BEGUN, ']', FRAMES_OUTSIDE },
	{ FRAMES_VALUE, ',', FRAMES_COMMA },
	{ FRAMES_VALUE, ']', FRAMES_OUTSIDE },
};

static bool
step(struct frames *fr, char byte)
{
	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
		if (steps[i].place == fr->place && steps[i].byte == byte) {
			fr->place = steps[i].then;
			return true;
		}
	return false;
}

static enum lines_outcome
next_json(struct frames *fr, struct lines *in, struct bytes *record)
{
	for (;;) {
		enum lines_outcome outcome = fr->skipping ? skip_value(fr, in) : LINES_RECORD;

		if (outcome == LINES_RECORD)
			outcome = skip_space(fr, in);
		if (outcome != LINES_RECORD)
			return outcome;
		struct bytes waiting = lines_waiting(in);

		if (waiting.size == 0)
			return fr->place == FRAMES_OUTSIDE ? LINES_END : lose(fr, in, REASON_TRUNCATED);
		char byte = waiting.at[0];

		if (step(fr, byte)) {
			take(fr, in, 1);
			continue;
		}
		if (fr->place == FRAMES_VALUE || byte == ']' || byte == ',')
			return lose(fr, in, REASON_BAD_SYNTAX);
		outcome = next_value(fr, in, record);
		if (fr->place != FRAMES_OUTSIDE && (outcome == LINES_RECORD || outcome == LINES_REFUSED))
			fr->place = FRAMES_VALUE;
		return outcome;
	}
}

/* *SIZE: the bytes before the next separator or the end of the input, or more than the limit. */
static enum lines_outcome
measure(struct frames *fr, struct lines *in, size_t *size)
{
	for (;;) {
		struct bytes waiting = lines_waiting(in);
		const char *end = memchr(waiting.at + fr->scanned, SEPARATOR, waiting.size - fr->scanned);

		*size = end != NULL ? (size_t)(end - waiting.at) : waiting.size;
		if (end != NULL || in->ended || *size > in->limit)
			return LINES_RECORD;
		fr->scanned = *size;
		enum lines_outcome outcome = lines_more(in);

		if (outcome != LINES_RECORD)
			return outcome;
	}
}

/* Skips white space and separators. */
static enum lines_outcome
skip_separators(struct frames *fr, struct lines *in)
{
	for (;;) {
		enum lines_outcome outcome = skip_space(fr, in);
		struct bytes waiting = lines_waiting(in);

		if (outcome != LINES_RECORD || waiting.size == 0 || waiting.at[0] != SEPARATOR)
			return outcome;
		take(fr, in, 1);
		fr->begun = true;
	}
}

static enum lines_outcome
next_seq(struct frames *fr, struct lines *in, struct bytes *record)
{
	enum lines_outcome outcome;
	size_t size;

	while (fr->skipping) {
		outcome = measure(fr, in, &size);
		if (outcome != LINES_RECORD)
			return outcome;
		take(fr, in, size);
		fr->skipping = lines_waiting(in).size == 0 && !in->ended;
	}
	outcome = skip_separators(fr, in);
	if (outcome == LINES_RECORD && lines_waiting(in).size == 0)
		return LINES_END;
	if (outcome == LINES_RECORD)
		outcome = measure(fr, in, &size);
	if (outcome != LINES_RECORD)
		return outcome;
	if (size > in->limit) {
		fr->skipping = true;
		return refuse(fr, in, REASON_TOO_LONG, in->limit + 1);
	}
	give(fr, in, size, record);
	while (is_space(record->at[record->size - 1]))
		record->size--;
	return fr->begun ? LINES_RECORD : refuse(fr, in, REASON_BAD_SYNTAX, 1);
}

enum whole { ONE, SEVERAL, BEGINNING, NEITHER };

/* What TEXT is: one JSON text, several, the beginning of one, or none of these. */
static enum whole
look(struct json *probe, struct bytes text)
{
	enum whole found = ONE;

	while (!json_parse(probe, text)) {
		if (probe->reason == REASON_TRUNCATED)
			return found == ONE ? BEGINNING : SEVERAL;
		if (probe->reason != REASON_TRAILING_DATA)
			return NEITHER;
		text.at += probe->byte - 1;
		text.size -= probe->byte - 1;
		found = SEVERAL;
	}
	return found;
}

/*
 * *TEXT: the first COUNT lines that are not blank, with their LF; they are not taken.  *WHOLE: false if the
 * limit cut them; the end of the input may.
 */
static enum lines_outcome
peek(struct lines *in, unsigned count, struct bytes *text, bool *whole)
{
	size_t line = 0;
	size_t searched = 0;

	for (;;) {
		struct bytes waiting = lines_waiting(in);
		const char *lf;

		while (count > 0 &&
		       (lf = memchr(waiting.at + searched, '\n', waiting.size - searched)) != NULL) {
			searched = (size_t)(lf - waiting.at) + 1;
			count -= !json_blank((struct bytes){ waiting.at + line, searched - line });
			line = searched;
		}
		*whole = count == 0 || in->ended;
		*text = (struct bytes){ waiting.at, count == 0 ? line : waiting.size };
		if (*whole || waiting.size > in->limit)
			return LINES_RECORD;
		searched = waiting.size;
		enum lines_outcome outcome = lines_more(in);

		if (outcome != LINES_RECORD)
			return outcome;
	}
}

/*
 * A first line that is bad means lines, so that it is refused alone.  A first line that is the beginning of a
 * text means json, unless the second line cannot continue it.
 */
static enum lines_outcome
decide(struct frames *fr, struct lines *in)
{
	struct bytes text;
	bool whole;

	if (lines_waiting(in).at[0] == SEPARATOR) {
		fr->framing = FRAMING_SEQ;
		return LINES_RECORD;
	}
	enum lines_outcome outcome = peek(in, 1, &text, &whole);

	if (outcome != LINES_RECORD)
		return outcome;
	enum whole found = whole ? look(fr->probe, text) : BEGINNING;

	if (found == BEGINNING && whole) {
		outcome = peek(in, 2, &text, &whole);
		if (outcome != LINES_RECORD)
			return outcome;
		if (whole && look(fr->probe, text) == NEITHER)
			found = NEITHER;
	}
	fr->framing = found == SEVERAL || found == BEGINNING ? FRAMING_JSON : FRAMING_LINES;
	return LINES_RECORD;
}

/* Takes the byte order mark, which has three bytes, and decides auto. */
static enum lines_outcome
begin(struct frames *fr, struct lines *in)
{
	enum lines_outcome outcome = LINES_RECORD;

	while (outcome == LINES_RECORD && lines_waiting(in).size < 3 && !in->ended)
		outcome = lines_more(in);
	if (outcome != LINES_RECORD)
		return outcome;
	lines_take_mark(in);
	outcome = fr->framing == FRAMING_AUTO ? decide(fr, in) : LINES_RECORD;
	fr->marked = outcome == LINES_RECORD;
	return outcome;
}

enum lines_outcome
frames_next(struct frames *fr, struct lines *in, struct bytes *record)
{
	enum lines_outcome outcome =
	    fr->marked || fr->framing == FRAMING_LINES ? LINES_RECORD : begin(fr, in);

	if (fr->lost || outcome != LINES_RECORD)
		return fr->lost ? LINES_END : outcome;
	if (fr->framing == FRAMING_LINES)
		return lines_next(in, record);
	if (fr->pending > 0)
		take(fr, in, fr->pending);
	fr->pending = 0;
	return fr->framing == FRAMING_SEQ ? next_seq(fr, in, record) : next_json(fr, in, record);
}
