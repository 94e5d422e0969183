/* SPDX-License-Identifier: ISC */
#ifndef EHR_NOTIFY_GROUP_H
#define EHR_NOTIFY_GROUP_H

#include "common/line/sealed_line.h"
#include "common/policy/notify_policy.h"

/*
 * group: the versions of one record, which stand on adjacent lines, lowest level first.  Their tags are held
 * until the last one is there; never the ciphertext, unless somebody asked to have the line itself.
 */
enum { GROUP_MAX = 99 };

struct version {
	struct tags tags; /* spans of text */
	struct bytes ehr; /* the object as it stands in the line */
	unsigned al;      /* the higher of the tag's and the policy's */
	unsigned criticality;
	size_t line;
	struct buffer text;  /* private: what the spans point into */
	struct buffer whole; /* the line, if the group keeps lines */
};

struct group {
	struct version *version[GROUP_MAX];
	unsigned count; /* 0: none begun */
	unsigned of;
	unsigned top;       /* the highest criticality of all versions */
	const char *source; /* where its lines stand */
	/* private */
	const struct notify_policy *plan;
	const struct policy *policy;
	bool keep_lines;
};

/* Both are borrowed for the life of G.  KEEP_LINES: for quarantine, and for payloads of sealed lines. */
void group_init(
    struct group *g, const struct notify_policy *plan, const struct policy *policy, bool keep_lines);
void group_release(struct group *g);

enum group_outcome {
	GROUP_OPEN,    /* more versions are to come */
	GROUP_WHOLE,   /* the last one is there */
	GROUP_REFUSED, /* this line cannot be taken: REASON; what was held stays, group_drop() it */
	GROUP_BROKEN, /* the line begins another record: what is held is incomplete.  Drop it and add the line
			 again. */
};

/* Adds the line that S was read from, LINE being its number in SOURCE. */
enum group_outcome group_add(struct group *g, const struct sealed_line *s, struct bytes text,
    const char *source, size_t line, enum reason *reason);

void group_drop(struct group *g);

#endif
