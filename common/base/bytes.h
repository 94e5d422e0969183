/* SPDX-License-Identifier: ISC */
#ifndef EHR_BASE_BYTES_H
#define EHR_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * bytes: a piece of memory that another owns.  It may hold NUL.  It is valid for as long as its owner says.
 */
struct bytes {
	const char *at;
	size_t size;
};

/* A string constant as bytes, for initialisers too. */
#define BYTES(text)                                                                                          \
	{                                                                                                    \
		(text), sizeof(text) - 1                                                                     \
	}

static inline struct bytes
bytes_of(const char *text)
{
	return (struct bytes){ text, strlen(text) };
}

static inline bool
bytes_equal(struct bytes a, struct bytes b)
{
	/* Most texts that differ do so in the first byte, which costs no call. */
	return a.size == b.size && (a.size == 0 || (a.at[0] == b.at[0] && memcmp(a.at, b.at, a.size) == 0));
}

static inline bool
bytes_are(struct bytes a, const char *text)
{
	return bytes_equal(a, bytes_of(text));
}

static inline bool
bytes_begin(struct bytes a, const char *text)
{
	size_t size = strlen(text);

	return a.size >= size && memcmp(a.at, text, size) == 0;
}

static inline bool
bytes_end(struct bytes a, const char *text)
{
	size_t size = strlen(text);

	return a.size >= size && memcmp(a.at + (a.size - size), text, size) == 0;
}

/* TEXT without its first COUNT bytes, which it must have. */
static inline struct bytes
bytes_behind(struct bytes text, size_t count)
{
	return (struct bytes){ text.at + count, text.size - count };
}

/* The byte at I of TEXT; a NUL at its end and behind it. */
static inline char
bytes_at(struct bytes text, size_t i)
{
	if (i < text.size)
		return text.at[i];
	return '\0';
}

/* Copies TEXT with a NUL behind it to TO; false, and nothing is copied, if that is more than ROOM bytes. */
static inline bool
bytes_string(struct bytes text, char *to, size_t room)
{
	if (text.size >= room)
		return false;
	if (text.size > 0)
		memcpy(to, text.at, text.size);
	to[text.size] = '\0';
	return true;
}

/* Takes the first line off TEXT; LINE is without its LF.  False if TEXT is empty. */
static inline bool
bytes_line(struct bytes *text, struct bytes *line)
{
	const char *lf = text->size > 0 ? (const char *)memchr(text->at, '\n', text->size) : NULL;
	size_t whole = lf == NULL ? text->size : (size_t)(lf - text->at) + 1;

	if (text->size == 0)
		return false;
	*line = (struct bytes){ text->at, lf == NULL ? whole : whole - 1 };
	text->at += whole;
	text->size -= whole;
	return true;
}

/* Takes an unfinished last line, one without LF, off TEXT.  Returns its size, 0 if there is none. */
static inline size_t
bytes_unfinished(struct bytes *text)
{
	const char *lf = text->size > 0 ? (const char *)memrchr(text->at, '\n', text->size) : NULL;
	size_t whole = lf == NULL ? 0 : (size_t)(lf - text->at) + 1;
	size_t rest = text->size - whole;

	text->size = whole;
	return rest;
}

/* TEXT without blanks and control characters around it. */
static inline struct bytes
bytes_trim(struct bytes text)
{
	while (text.size > 0 && (unsigned char)text.at[0] <= ' ')
		text = bytes_behind(text, 1);
	while (text.size > 0 && (unsigned char)text.at[text.size - 1] <= ' ')
		text.size--;
	return text;
}

/* ASCII letters and digits.  The locale does not matter, and bytes from 0x80 on are neither. */
static inline bool
ascii_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool
ascii_is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool
ascii_is_alnum(char c)
{
	return ascii_is_letter(c) || ascii_is_digit(c);
}

/* How many digits stand in TEXT from AT on. */
static inline size_t
bytes_digits(struct bytes text, size_t at)
{
	size_t end = at;

	while (end < text.size && ascii_is_digit(text.at[end]))
		end++;
	return end - at;
}

/* A byte that a name in jq begins with, and one that it goes on with. */
static inline bool
ascii_begins_name(char c)
{
	return ascii_is_letter(c) || c == '_';
}

static inline bool
ascii_continues_name(char c)
{
	return ascii_is_alnum(c) || c == '_';
}

static inline char
ascii_lower(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return c;
}

/* Whether A and B are equal but for the case of the letters of ASCII. */
static inline bool
bytes_equal_folded(struct bytes a, struct bytes b)
{
	if (a.size != b.size)
		return false;
	for (size_t i = 0; i < a.size; i++)
		if (ascii_lower(a.at[i]) != ascii_lower(b.at[i]))
			return false;
	return true;
}

/*
 * Below, equal or above 0 as memcmp, by unsigned byte; a prefix comes first.  All sorted lists have this
 * order.
 */
static inline int
bytes_compare(struct bytes a, struct bytes b)
{
	size_t common = a.size < b.size ? a.size : b.size;
	int order = common > 0 ? memcmp(a.at, b.at, common) : 0;

	if (order != 0)
		return order;
	return (a.size > b.size) - (a.size < b.size);
}

#endif
