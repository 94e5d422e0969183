/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_YAML_TEXT_H
#define EHR_POLICY_YAML_TEXT_H

#include "common/policy/yaml.h"

/*
 * yaml_text: the look at a YAML file's bytes that libyaml does not take.  Before it reads: only UTF-8 with
 * lines that end in LF or CR LF passes, no byte order mark, no control character but tab, no tab where a
 * line begins, none of Unicode's other line separators (libyaml counts them as lines, an editor does not).
 * While it reads: what lies between two values, and how deep the later lines of one value stand, where
 * libyaml forgives what YAML 1.2 calls an error.
 */

/* False with a fault that names the first byte's place. */
bool yaml_text_check(const char *file, struct bytes text, struct fault *f);

/* A place in the text that follows libyaml's marks, which count characters. */
struct yaml_cursor {
	struct bytes text;
	size_t byte;
	size_t index; /* characters before it */
	size_t seen;  /* bytes that were looked at */
};

/* The byte of a mark's index. */
size_t yaml_cursor_byte(struct yaml_cursor *c, size_t index);

/*
 * What is wrong in the gap between the last value seen and FROM, where the next begins; NULL if nothing.
 * Then the text up to UNTIL counts as seen.
 */
const char *yaml_cursor_gap(struct yaml_cursor *c, size_t from, size_t until);

/* True if each line after the first of FROM..UNTIL is blank or begins right of COLUMN (from 0; -1: any
 * place). */
bool yaml_text_indented(struct bytes text, size_t from, size_t until, long column);

/* True if the head of the block scalar at FROM ("|2-") ends in a blank or a line's end. */
bool yaml_text_head(struct bytes text, size_t from);

/* As fault_at, for a place that is no node. */
bool fault_line(struct fault *f, const char *file, unsigned line, unsigned column, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

#endif
