/* SPDX-License-Identifier: ISC */
#ifndef EHR_JSON_POINTER_H
#define EHR_JSON_POINTER_H

#include "common/json/json.h"

/*
 * pointer: JSON Pointer (RFC 6901), which labels use to say where they belong.  "" is the whole value; keys
 * stand unescaped, with ~ and / as ~0 and ~1.
 */

/*
 * The pointer of the value NODE below ROOT, as a JSON string without quotes (escaped for JSON), appended to
 * OUT.  True unless OUT is full, which then holds the beginning.
 */
bool pointer_write(const struct json *j, uint32_t root, uint32_t node, struct buffer *out);

/*
 * Many pointers in document order (as labels are): the search goes on where the last one ended, so that
 * all of them together cost one walk.  Any order is right, only slower.  Finding and writing may be mixed.
 */
struct pointer_cursor;
struct pointer_cursor *pointer_cursor_new(void);
void pointer_cursor_free(struct pointer_cursor *c);

/* J is borrowed until the next start, and holds the pointers that are looked for as well. */
void pointer_cursor_start(struct pointer_cursor *c, const struct json *j, uint32_t root);

/* The node that the JSON string AT (a pointer) names below the root; false if it names nothing. */
bool pointer_cursor_find(struct pointer_cursor *c, uint32_t at, uint32_t *node);

/* As pointer_write. */
bool pointer_cursor_write(struct pointer_cursor *c, uint32_t node, struct buffer *out);

#endif
