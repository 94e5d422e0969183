/* SPDX-License-Identifier: ISC */
#ifndef EHR_JSON_JSON_WRITE_H
#define EHR_JSON_JSON_WRITE_H

#include "common/base/base64url.h"
#include "common/base/buffer.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct json;

/*
 * json_write: appends JSON text (RFC 8259) to a buffer.  The writer puts the commas; the caller opens and
 * closes objects and arrays and names members:
 *
 *	struct json_write w = json_write_to(out);
 *	json_write_open(&w, '{');
 *	json_write_name(&w, "v"), json_write_number(&w, 1);
 *	json_write_member(&w, "id", id);
 *	json_write_close(&w, '}');
 *	return json_write_whole(&w);            {"v":1,"id":"..."}
 *
 * When a piece does not fit, the writer writes nothing more and remembers it, so the caller asks once, at the
 * end.  A name is written without escapes: names are constants of the programs.
 */
struct json_write {
	struct buffer *out; /* borrowed */
	bool comma;         /* a value was written here: a comma stands before the next */
	bool full;          /* something did not fit: OUT holds the beginning alone */
};

/* What OUT holds stays in front. */
static inline struct json_write
json_write_to(struct buffer *out)
{
	return (struct json_write){ .out = out };
}

/* False if anything did not fit. */
static inline bool
json_write_whole(const struct json_write *w)
{
	return !w->full;
}

/* Private: SIZE bytes that the caller fills; NULL if there is no room for them. */
static inline char *
json_write_room(struct json_write *w, size_t size)
{
	struct buffer *b = w->out;
	char *at;

	if (w->full || (b->room - b->used < size && !buffer_reserve(b, size))) {
		w->full = true;
		return NULL;
	}
	at = b->at + b->used;
	b->used += size;
	return at;
}

/* TEXT as it is, and no comma: for pieces that the caller puts together. */
static inline void
json_write_raw(struct json_write *w, struct bytes text)
{
	char *at;

	if (text.size > 0 && (at = json_write_room(w, text.size)) != NULL)
		memcpy(at, text.at, text.size);
}

/* The comma before a value or a name, if something stands before it. */
static inline void
json_write_comma(struct json_write *w)
{
	if (w->comma)
		json_write_raw(w, (struct bytes)BYTES(","));
	w->comma = true;
}

/* '{' or '[', and '}' or ']'. */
static inline void
json_write_open(struct json_write *w, char bracket)
{
	size_t comma = w->comma;
	char *at = json_write_room(w, comma + 1);

	w->comma = false;
	if (at == NULL)
		return;
	at[0] = ',';
	at[comma] = bracket;
}

static inline void
json_write_close(struct json_write *w, char bracket)
{
	char *at = json_write_room(w, 1);

	w->comma = true;
	if (at != NULL)
		*at = bracket;
}

/* "NAME": of the member whose value comes next. */
static inline void
json_write_name(struct json_write *w, const char *name)
{
	struct bytes word = bytes_of(name);
	size_t comma = w->comma;
	char *at = json_write_room(w, comma + word.size + 3);

	w->comma = false;
	if (at == NULL)
		return;
	at[0] = ',';
	at += comma;
	at[0] = '"';
	memcpy(at + 1, word.at, word.size);
	at[word.size + 1] = '"';
	at[word.size + 2] = ':';
}

/* Any valid UTF-8 between quotes; only what RFC 8259 section 7 demands is escaped. */
void json_write_text(struct json_write *w, struct bytes text);

/* The name of a member as any valid UTF-8, escaped. */
static inline void
json_write_key(struct json_write *w, struct bytes key)
{
	json_write_text(w, key);
	json_write_raw(w, (struct bytes)BYTES(":"));
	w->comma = false;
}

/* One or more members that are JSON text already, without a comma at either end; none if empty. */
static inline void
json_write_members(struct json_write *w, struct bytes members)
{
	if (members.size == 0)
		return;
	json_write_comma(w);
	json_write_raw(w, members);
}

/* A value that is JSON text: a span of a record, true, null. */
static inline void
json_write_value(struct json_write *w, struct bytes json)
{
	json_write_comma(w);
	json_write_raw(w, json);
}

/* A value that is JSON text of several lines, perhaps, in one: a line feed between tokens is a blank then. */
void json_write_in_line(struct json_write *w, struct bytes json);

/* The member of J whose name is the node NAME, in one line. */
void json_write_copy(struct json_write *w, const struct json *j, uint32_t name);

/* TEXT between quotes, as it is: a word, a code, digits, or a span from between quotes. */
static inline void
json_write_word(struct json_write *w, struct bytes text)
{
	size_t comma = w->comma;
	char *at = json_write_room(w, comma + text.size + 2);

	w->comma = true;
	if (at == NULL)
		return;
	at[0] = ',';
	at += comma;
	at[0] = '"';
	if (text.size > 0)
		memcpy(at + 1, text.at, text.size);
	at[text.size + 1] = '"';
}

void json_write_number(struct json_write *w, int64_t number);
void json_write_natural(struct json_write *w, uint64_t number);
void json_write_bool(struct json_write *w, bool truth);

/* SIZE bytes in base64url between quotes. */
void json_write_base64url(struct json_write *w, const void *data, size_t size);

/* "NAME":VALUE, for each kind of value. */
static inline void
json_write_member(struct json_write *w, const char *name, struct bytes text)
{
	json_write_name(w, name);
	json_write_text(w, text);
}

static inline void
json_write_member_word(struct json_write *w, const char *name, struct bytes text)
{
	json_write_name(w, name);
	json_write_word(w, text);
}

static inline void
json_write_member_value(struct json_write *w, const char *name, struct bytes json)
{
	json_write_name(w, name);
	json_write_value(w, json);
}

static inline void
json_write_member_number(struct json_write *w, const char *name, int64_t number)
{
	json_write_name(w, name);
	json_write_number(w, number);
}

static inline void
json_write_member_base64url(struct json_write *w, const char *name, const void *data, size_t size)
{
	json_write_name(w, name);
	json_write_base64url(w, data, size);
}

/* TEXT as a JSON string, quotes included, without a writer; true unless OUT is full. */
bool json_write_string(struct buffer *out, struct bytes text);

#endif
