/* SPDX-License-Identifier: ISC */
#ifndef EHR_SUBSCRIPTION_SUBSCRIPTIONS_H
#define EHR_SUBSCRIPTION_SUBSCRIPTIONS_H

#include "common/base/options.h"
#include "common/subscription/subscription.h"

/*
 * subscriptions: all subscriptions of a site, from YAML and NDJSON files, and an index by subject.  A
 * subscription that is malformed, or that its grant does not carry, is refused alone and the others run,
 * because one mistyped word or one expired grant must not silence a ward.  One that is
 * idle (off, requested, ended) is kept, because somebody may ask why nothing was told.  It takes no id from
 * one that runs.
 *
 * NDJSON is read line by line.  A subscription takes about 250 bytes and its texts; equal lists, purposes,
 * tags and conditions are kept once.
 */
struct subscriptions {
	struct subscription *at; /* sorted by id, once they are ready */
	size_t count;
	size_t refused;
	bool wants_sealed;   /* a payload is the sealed line itself */
	bool keeps_delivery; /* set by the caller before it reads: routes are kept */
	int64_t until;       /* seconds since 1970: the next time at which one ends; INT64_MAX: none */
	/* private */
	const struct notify_policy *plan;
	const struct grants *grants;
	const struct instant *now;
	size_t room;
	uint32_t read;      /* so many were read */
	struct arena arena; /* names of files */
	struct pool pool;   /* texts */
	struct conditions conditions;
	struct subject_entry *entry; /* by bucket, then by position */
	uint32_t *bucket;            /* the first entry of each, and the end */
	size_t bucket_mask;
	uint32_t *everyone;
	size_t everyone_count;
	size_t everyone_running;
	size_t everyone_idle;
};

enum { SUBSCRIPTIONS_MAX_EVERYONE = 1000 };

/* The options of programs that read them with the grants that carry them: TYPE has a member for each. */
#define SUBSCRIPTIONS_OPTIONS(type)                                                                          \
	{ OPTION_TEXT(type, subscriptions), 0, false, "subscriptions", "PATH",                               \
		"subscriptions: a YAML or NDJSON file, or a directory" },                                    \
	    { OPTION_TEXT(type, grants), 0, false, "grants", "FILE", "signed grants, one a line" },          \
	    { OPTION_TEXT(type, revoked), 0, false, "revoked", "FILE", "signed revocations" },               \
	{                                                                                                    \
		OPTION_TEXT(type, authority), 0, false, "authority", "JWKS", "public keys that sign grants"  \
	}

/* One that does not count. */
struct subscription_refusal {
	const char *file;
	unsigned line;   /* 0: the file as a whole */
	unsigned column; /* 0: none to name */
	struct bytes id; /* empty: not known */
	const char *why; /* one word, or with CODE a text */
	const char
	    *code; /* NULL: grant or policy do not carry it; else a mistake: malformed, duplicate-id, ... */
};

typedef void subscription_refused(void *context, const struct subscription_refusal *what);

/* PLAN and GRANTS are borrowed for the life of S; NOW may be NULL.  REFUSED is called for each refusal. */
void subscriptions_init(struct subscriptions *s, const struct notify_policy *plan,
    const struct grants *grants, const struct instant *now);
void subscriptions_release(struct subscriptions *s);

/*
 * Reads a YAML or NDJSON file, or all such files of a directory.  A file of the directory that cannot be
 * read is refused alone.  False with errno if PATH itself cannot be read.
 */
bool subscriptions_read(
    struct subscriptions *s, const char *path, subscription_refused *refused, void *context);

/*
 * After the last file: sorts, refuses ids that are used again (the first one read counts), makes the index.
 */
void subscriptions_ready(struct subscriptions *s, subscription_refused *refused, void *context);

/* By id, NULL if there is none that counts. */
const struct subscription *subscriptions_find(const struct subscriptions *s, struct bytes id);

/*
 * The positions of the subscriptions to SUBJECT and of those to everyone, ascending, into TO, which has
 * room for all positions.  SUBJECT of size 0, a record about nobody: those to everyone alone.  Returns
 * how many.
 */
size_t subscriptions_for(const struct subscriptions *s, struct bytes subject, uint32_t *to);

#endif
