/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_PRINT_H
#define EHR_POLICY_PRINT_H

#include "common/line/sink.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * print: printf on a sink or a buffer, and cells of a table with text of a record.  In a cell, a '?'
 * replaces each character that could move the cursor or change the direction of writing.
 */

/* At most 4 KiB; for longer text there are sink_put and buffer_add. */
void print(struct sink *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
void print_into(struct buffer *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The columns of TEXT on a terminal. */
size_t print_width(struct bytes text);

/* TEXT in exactly WIDTH columns, cut with an ellipsis or filled with blanks. */
void print_cell(struct sink *out, struct bytes text, size_t width);

/* TEXT in at most WIDTH columns, cut with an ellipsis; returns the columns used. */
size_t print_cut(struct sink *out, struct bytes text, size_t width);

void print_blanks(struct sink *out, size_t count);

/* COUNT times U+2588. */
void print_bar(struct sink *out, size_t count);

#endif
