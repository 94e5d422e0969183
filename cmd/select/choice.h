/* SPDX-License-Identifier: ISC */
#ifndef EHR_SELECT_CHOICE_H
#define EHR_SELECT_CHOICE_H

#include "common/line/sealed_line.h"
#include "common/line/sink.h"
#include "common/policy/permission.h"
#include "common/redact/stored_views.h"

/*
 * choice: which lines of a store of sealed lines a permission gives.  Of each record it gives the highest
 * version that the AL reaches, out of the record's newest group of versions, and if the decision asks for a
 * redaction, the highest whose view does it.  The store is append-only, so
 * the newest group is known at the end of the input; the lines that may be written are held until then.
 *
 * A broken group supersedes older groups of its record too.  Otherwise an older version could show what the
 * newer one withholds.
 */
struct choice_held {
	struct bytes id;
	uint64_t order;     /* of its group in the input */
	struct buffer text; /* the chosen lines, each with its newline; empty: none */
};

struct choice_place {
	size_t start, size; /* in text */
	size_t number;      /* in the source */
	unsigned al;        /* the tag's or the policy's, whichever is higher */
	bool fits;          /* it is a version that may be given */
};

enum { CHOICE_MAX = 99 };

struct choice {
	const struct permission *permission;
	const struct policy *policy;
	unsigned al;                      /* the permission's; main lowers it if the reader asks for less */
	bool all;                         /* all versions up to AL, not only the highest */
	const struct stored_views *views; /* only versions of these may be given; NULL: of any */
	uint64_t viewed;                  /* with views: bit I, those of view I */
	uint64_t matched;                 /* lines about the permission's subjects */
	uint64_t others;                  /* lines about somebody else */
	/* the group at hand */
	struct choice_place line[CHOICE_MAX];
	unsigned count; /* 0: none */
	const char *source;
	struct buffer text;
	struct buffer id, batch;
	unsigned of;
	bool ours;
	bool deleted;
	/* private */
	struct choice_held **held; /* open addressing by id */
	size_t room;
	size_t records;
	uint64_t order;
	struct arena arena;
};

void choice_init(struct choice *c, const struct permission *p, const struct policy *policy);
void choice_release(struct choice *c);

enum choice_outcome {
	CHOICE_TAKEN,
	CHOICE_REFUSED, /* the line is not taken: *REASON */
	CHOICE_BROKEN,  /* the line begins another group too early: choice_break(), then add it again */
};

/* Adds the line TEXT, from which S was read; it is NUMBER of SOURCE. */
enum choice_outcome choice_add(struct choice *c, const struct sealed_line *s, struct bytes text,
    const char *source, size_t number, enum reason *reason);

/* Ends the group at hand before it is whole.  Its record gives nothing, until a newer group comes. */
void choice_break(struct choice *c);

/* Line I of the group at hand, as it was read. */
struct bytes choice_line(const struct choice *c, unsigned i);

/* Writes the lines held, in the order of the groups; adds to *WRITTEN.  False if OUT failed. */
bool choice_write(struct choice *c, struct sink *out, uint64_t *written);

#endif
