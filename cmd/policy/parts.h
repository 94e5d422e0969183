/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_PARTS_H
#define EHR_POLICY_PARTS_H

#include "cmd/policy/dry_run.h"
#include "common/line/sink.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * parts: a record as a list of its values in document order, each with its place, its level, the label that
 * gives the level, and its fate in every version.
 */
enum { PARTS_MAX_VERSIONS = 64 };

struct parts_item {
	uint32_t node;   /* in the json of the dry run */
	uint32_t key;    /* of its key; 0 for an element or the record */
	uint32_t index;  /* of an element in its array */
	uint32_t parent; /* index of the part that holds it */
	uint32_t next;   /* index of the first part after all that it holds */
	uint32_t children;
	unsigned level;
	const struct label *label; /* that gives the level; NULL: none */
	bool uniform;              /* all that it holds has its level, label and fates */
};

struct parts_told {
	size_t first; /* in `told` */
	size_t count;
};

struct parts {
	const struct dry_run *run;
	struct parts_item *at;
	uint32_t count;
	unsigned versions;
	/* private */
	struct buffer room;
	struct buffer told;    /* numbers of labels that others may retell, by root */
	struct buffer ranges;  /* by root: struct parts_told */
	struct buffer root_of; /* by label: the innermost root around it */
};

/* The parts of the record of the last dry run.  L is borrowed. */
void parts_init(struct parts *p, const struct dry_run *l);
void parts_release(struct parts *p);

/*
 * The labels that LABEL, of a summary or a narrative, retells: at most PARTS_BEHIND, each of another origin.
 * Those of its own root come first; only if there are none, those of other roots.
 */
enum { PARTS_BEHIND = 3 };
size_t parts_behind(const struct parts *p, const struct label *label, const struct label *behind[]);

/* The fate of part I in VERSION. */
struct redactor_fate parts_fate(const struct parts *p, unsigned version, uint32_t i);

/* Appends the name of the member KEY with a dot, as jq writes it: .name or ."a b".  False if OUT is full. */
bool parts_name(const struct json *j, uint32_t key, struct buffer *out);

/* Appends the step from its parent to part I: a name or "[3]". */
void parts_step(const struct parts *p, uint32_t i, struct buffer *out);

/* Appends the path of part I from the record; "." is the record. */
void parts_path(const struct parts *p, uint32_t i, struct buffer *out);

/* The level of part I with the categories of its label, "R HIV,STD", in TEXT. */
enum { PARTS_LEVEL = 1024 };
struct bytes parts_level(const struct parts *p, uint32_t i, char text[PARTS_LEVEL]);

/* A value for people: a string without its quotes. */
struct bytes parts_value(const struct json *j, uint32_t node);

/*
 * Draws the record as each level may know it, side by side, with black bars over what that level does not
 * see; the last column shows all.  A ~ stands before a value that the version changes.  VERSION: only that
 * one; below 0: all.  WIDTH: columns of the picture.
 */
enum { BARS_MIN_WIDTH = 60, BARS_MAX_WIDTH = 1000 };
void parts_bars(struct sink *out, const struct parts *p, int version, size_t width);

/*
 * Records as one HTML page that needs nothing else: no script, no resource.  A switch chooses the level; what
 * its readers do not see is black, and what they see changed is marked.  The rule's sentence stands in the
 * title of each part, which a browser shows under the pointer.  The page holds the whole record: it is for
 * people who may see it.  VERSION is the one that is shown first; below 0: the record itself.
 */
void parts_html_begin(struct sink *out, const struct dry_run *l, int version);
void parts_html_record(struct sink *out, const struct parts *p);
void parts_html_end(struct sink *out);

#endif
