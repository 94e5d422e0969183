/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_PRINT_H
#define EHR_POLICY_PRINT_H

#include "common/line/sink.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * print: text for people on a sink: printf, and cells of a table that hold what came from a record.  A cell
 * never holds a character that could move a cursor or turn the direction of writing: such stand as '?'.
 */

/* At most 4 KiB at once; what is longer goes through sink_put. */
void print(struct sink *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Columns that TEXT takes on a terminal. */
size_t print_width(struct bytes text);

/* TEXT in WIDTH columns, cut with an ellipsis or filled with blanks; the columns used are always WIDTH. */
void print_cell(struct sink *out, struct bytes text, size_t width);

/* The same without filling; at most WIDTH columns; returns how many. */
size_t print_cut(struct sink *out, struct bytes text, size_t width);

void print_blanks(struct sink *out, size_t count);

/* COUNT times U+2588. */
void print_bar(struct sink *out, size_t count);

#endif
