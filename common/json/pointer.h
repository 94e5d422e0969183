/* SPDX-License-Identifier: ISC */
#ifndef EHR_JSON_POINTER_H
#define EHR_JSON_POINTER_H

#include "common/json/json.h"

/*
 * pointer: JSON Pointer (RFC 6901), by which labels name places.  "" is the whole value; keys stand
 * unescaped, with ~0 and ~1 for ~ and /.
 */

/*
 * Appends the pointer of the value NODE below ROOT to OUT, as a JSON string without quotes.  False if OUT is
 * full; it then holds the beginning.
 */
bool pointer_write(const struct json *j, uint32_t root, uint32_t node, struct buffer *out);

/*
 * For many pointers in document order, the order of labels: each search goes on where the last one ended, so
 * all of them cost one walk.  Any other order is slower.  Finding and writing may be mixed.
 */
struct pointer_cursor;
struct pointer_cursor *pointer_cursor_new(void);
void pointer_cursor_free(struct pointer_cursor *c);

/* J is borrowed until the next start.  It also holds the pointers to be found. */
void pointer_cursor_start(struct pointer_cursor *c, const struct json *j, uint32_t root);

/* The node that the JSON string AT (a pointer) names below the root; false if it names nothing. */
bool pointer_cursor_find(struct pointer_cursor *c, uint32_t at, uint32_t *node);

/* As pointer_write. */
bool pointer_cursor_write(struct pointer_cursor *c, uint32_t node, struct buffer *out);

#endif
