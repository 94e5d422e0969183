/* SPDX-License-Identifier: ISC */
#ifndef EHR_SELECT_CHOICE_H
#define EHR_SELECT_CHOICE_H

#include "cmd/select/permission.h"
#include "common/line/sealed_line.h"
#include "common/line/sink.h"

/*
 * choice: of a store of sealed lines, those that a permission gives: of each record's newest group of
 * versions the highest that its AL reaches.  The store is append-only and later lines win, so nothing is
 * known before the end of input; what is held until then are the lines that may be written.
 *
 * A group that is broken supersedes what was before it all the same: what a record may show was changed, and
 * an older version would show what the newer one withheld.
 */
struct held {
	struct bytes id;
	uint64_t order;     /* of its group in the input */
	struct buffer text; /* the lines chosen, each with its newline; empty: none */
};

struct group_line {
	size_t start, size; /* in text */
	size_t number;      /* in the source */
	unsigned al;        /* the higher of the tag's and the policy's */
};

enum { GROUP_MAX = 99 };

struct choice {
	const struct permission *permission;
	const struct policy *policy;
	unsigned al;     /* of the permission, or lower if the reader wants less */
	bool all;        /* all versions up to it, not only the highest */
	uint64_t others; /* lines about somebody else */
	/* the group at hand */
	struct group_line line[GROUP_MAX];
	unsigned count; /* 0: none */
	const char *source;
	struct buffer text;
	struct buffer id, batch;
	unsigned of;
	bool ours;
	bool deleted;
	/* private */
	struct held **held; /* open addressing by id */
	size_t room;
	size_t records;
	uint64_t order;
	struct arena arena;
};

void choice_init(struct choice *c, const struct permission *p, const struct policy *policy);
void choice_release(struct choice *c);

enum choice_outcome {
	CHOICE_TAKEN,
	CHOICE_REFUSED, /* this line cannot be taken: *REASON */
	CHOICE_BROKEN,  /* the group at hand is not whole, and this line begins another: choice_break(), add
			   again */
};

/* The next line; S was read from TEXT. */
enum choice_outcome choice_add(struct choice *c, const struct sealed_line *s, struct bytes text,
    const char *source, size_t number, enum reason *reason);

/* The group at hand is over before it was whole: its record has nothing any more. */
void choice_break(struct choice *c);

/* Line I of the group at hand, as it came. */
struct bytes choice_line(const struct choice *c, unsigned i);

/* What is held, in the order of the groups.  False if OUT failed; *WRITTEN counts lines. */
bool choice_write(struct choice *c, struct sink *out, uint64_t *written);

#endif
