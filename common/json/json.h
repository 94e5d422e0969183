/* SPDX-License-Identifier: ISC */
#ifndef EHR_JSON_JSON_H
#define EHR_JSON_JSON_H

#include "common/base/buffer.h"
#include "common/base/reason.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * json: an index over one JSON text.  One pass checks the text (RFC 8259; duplicate keys, invalid UTF-8, lone
 * surrogates, NUL and deep nesting are refused) and writes an array of nodes in document order, which point
 * into the text.  The index copies and converts nothing, so that a program writes what it does not change as
 * a span of the text.  It does not recurse.  Its arrays grow to the largest text and are used again.
 *
 *	{"a":[1,"x"]}     node 0 object  next 5
 *	                  node 1   key "a"     next 5     (a key's value is the node behind it)
 *	                  node 2   array       next 5
 *	                  node 3     number 1  next 4
 *	                  node 4     string    next 5
 *
 * The children of node i are i+1, nodes[i+1].next, ... while they are below nodes[i].next.  The children of
 * an object are its keys.  Node 0 is the whole text.
 */

/* So many bytes behind a text must be readable, because the scan reads blocks.  They may hold anything. */
enum { JSON_SLACK = 64 };

enum { JSON_MAX_DEPTH = 256 }; /* the default of --max-depth, and libjq 1.6's own limit */

enum json_kind {
	JSON_NULL,
	JSON_FALSE,
	JSON_TRUE,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
	JSON_KEY,
};

enum {
	JSON_ESCAPED = 1, /* string or key: holds a backslash */
	JSON_INTEGER = 2, /* number: no fraction, no exponent */
};

struct json_node {
	uint32_t start; /* byte of the text where the value begins, its quote included */
	uint32_t end;   /* the byte behind the value */
	uint32_t next;  /* the node behind this one and all below it; of a key: the node behind its value */
	uint16_t key;   /* of a key: its number in the table of known keys, 0 if unknown */
	uint8_t kind;   /* enum json_kind */
	uint8_t flags;
};

/*
 * Known keys (those that a policy names), each with a number from 1.  The index compares unescaped bytes.
 * Add all keys before the first text is parsed.
 */
struct json_keys;

struct json_keys *json_keys_new(void);
void json_keys_free(struct json_keys *k);

/* Adds NAME if it is new, and returns its number; 0 if the table holds 65,535 keys already. */
uint16_t json_keys_add(struct json_keys *k, struct bytes name);

/* The number of NAME, 0 if unknown. */
uint16_t json_keys_find(const struct json_keys *k, struct bytes name);

/* The name of NUMBER, with JSON_SLACK zeros behind it; `at` is NULL if there is none. */
struct bytes json_keys_named(const struct json_keys *k, uint16_t number);

struct json {
	struct bytes text;
	struct json_node *nodes;
	uint32_t count;
	bool spaced;        /* white space stands between tokens, or around the value */
	enum reason reason; /* after a failure */
	size_t byte;        /* after a failure: where in the text, from 1 */
	/* private */
	const struct json_keys *keys;
	unsigned max_depth;
	struct buffer node_room;
	struct buffer levels;  /* the open containers */
	struct buffer members; /* the keys of an object of many members */
	struct buffer slots;   /* of the hash table for objects of many members */
	struct buffer one;     /* unescaped keys */
	struct buffer two;
};

/*
 * KEYS is borrowed for the life of J; with NULL every key has number 0.  MAX_DEPTH: containers in each other.
 */
void json_init(struct json *j, const struct json_keys *keys, unsigned max_depth);

/* May be called twice. */
void json_release(struct json *j);

/* Puts JSON_SLACK zeros behind TEXT, which keeps its size; false with EFBIG if they do not fit. */
bool json_slack(struct buffer *text);

/*
 * Indexes TEXT, which must be exactly one JSON value of any kind with white space around it.  TEXT is
 * borrowed until the next call; JSON_SLACK bytes behind it must be readable.  False: reason and byte are set,
 * and the nodes mean nothing.
 *
 * truncated: the text ends where more bytes could make it good; the byte is the one behind the last.
 * trailing-data: something follows the value.  too-long: 2^32 - 64 bytes or more.
 */
bool json_parse(struct json *j, struct bytes text);

/* The value's bytes exactly as they stand in the text, quotes included. */
static inline struct bytes
json_span(const struct json *j, uint32_t node)
{
	const struct json_node *n = &j->nodes[node];

	return (struct bytes){ j->text.at + n->start, n->end - n->start };
}

/* The bytes between the quotes of a string or key, escapes as they stand. */
static inline struct bytes
json_inside(const struct json *j, uint32_t node)
{
	const struct json_node *n = &j->nodes[node];

	return (struct bytes){ j->text.at + n->start + 1, n->end - n->start - 2 };
}

static inline enum json_kind
json_kind(const struct json *j, uint32_t node)
{
	return (enum json_kind)j->nodes[node].kind;
}

/* True if the string or key, unescaped, is TEXT; false for any other kind. */
bool json_is(const struct json *j, uint32_t node, struct bytes text);

/* Private: json_string where there is an escape. */
struct bytes json_unescape(const struct json *j, uint32_t node, struct buffer *room);

/*
 * The unescaped bytes of a string or key: a span of the text if it holds no escape, else in ROOM, which is
 * cleared first and whose limit must be at least the size of the text.
 */
static inline struct bytes
json_string(const struct json *j, uint32_t node, struct buffer *room)
{
	room->used = 0;
	return (j->nodes[node].flags & JSON_ESCAPED) == 0 ? json_inside(j, node)
							  : json_unescape(j, node, room);
}

/* How many members or elements NODE has; 0 if it is neither object nor array. */
uint32_t json_count(const struct json *j, uint32_t node);

/* The node of the value of the member NAME; 0 if there is none or NODE is no object. */
uint32_t json_member(const struct json *j, uint32_t node, struct bytes name);

/* The same by the number of a known key, which is faster. */
uint32_t json_member_key(const struct json *j, uint32_t node, uint16_t key);

/* An integer 0..2^53-1 without sign, leading zero, fraction or exponent; false for anything else. */
bool json_integer(const struct json *j, uint32_t node, uint64_t *value);

/*
 * For messages: the pointer of the innermost object or array around BYTE (from 1) of TEXT, which is JSON up
 * to there; "" for the outermost.  Keys that are not KNOWN (NULL: none) are written as *, because a key may
 * be a value out of a record.  After 15 steps the rest is "/...".
 */
enum { JSON_PLACE_ROOM = 512 };
void json_place(struct bytes text, size_t byte, const struct json_keys *known, char to[JSON_PLACE_ROOM]);

/* True if all bytes are JSON white space. */
bool json_blank(struct bytes text);

#endif
