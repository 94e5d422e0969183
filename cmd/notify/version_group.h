/* SPDX-License-Identifier: ISC */
#ifndef EHR_NOTIFY_VERSION_GROUP_H
#define EHR_NOTIFY_VERSION_GROUP_H

#include "common/line/sealed_line.h"
#include "common/policy/notify_policy.h"

/*
 * version_group: the versions of one record, which stand on adjacent lines, lowest level first.  Their tags
 * are held until the last version has come.  Whole lines are held only if a payload or the quarantine needs
 * them.
 */
enum { VERSION_GROUP_MAX = 99 };

struct sealed_version {
	struct tags tags; /* spans of text */
	struct bytes ehr; /* the object as it stands in the line */
	unsigned al;      /* the tag's or the policy's, whichever is higher */
	unsigned criticality;
	size_t line;
	struct buffer text;  /* private: the bytes that the spans point into */
	struct buffer whole; /* the line, if the group keeps lines; else empty */
};

struct version_group {
	struct sealed_version *version[VERSION_GROUP_MAX];
	unsigned count; /* 0: no group has begun */
	unsigned of;
	unsigned top;       /* the highest criticality of all versions */
	const char *source; /* file of its lines */
	/* private */
	const struct notify_policy *plan;
	const struct policy *policy;
	bool keep_lines;
};

/* PLAN and POLICY are borrowed for the life of G.  KEEP_LINES: fill in `whole`. */
void version_group_init(
    struct version_group *g, const struct notify_policy *plan, const struct policy *policy, bool keep_lines);
void version_group_release(struct version_group *g);

enum version_group_outcome {
	VERSION_GROUP_OPEN,    /* the line is taken, more versions are to come */
	VERSION_GROUP_WHOLE,   /* the line is taken, it is the last version */
	VERSION_GROUP_REFUSED, /* it is not taken: *REASON.  Lines held stay until version_group_drop() */
	VERSION_GROUP_BROKEN,  /* it begins another record before this one is whole: drop, add again */
};

/* Adds the line TEXT, from which S was read; it is number LINE of SOURCE. */
enum version_group_outcome version_group_add(struct version_group *g, const struct sealed_line *s,
    struct bytes text, const char *source, size_t line, enum reason *reason);

void version_group_drop(struct version_group *g);

#endif
