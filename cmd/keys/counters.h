/* SPDX-License-Identifier: ISC */
#ifndef EHR_KEYS_COUNTERS_H
#define EHR_KEYS_COUNTERS_H

#include "cmd/keys/verbs.h"
#include "common/access/intern.h"

/*
 * counters: numbers that only rise, each with a name, in counters.json of a key directory: by them a message
 * counts once.  The caller holds the lock of the directory.
 */
struct counters {
	/* private */
	const struct keys *keys;
	struct buffer text; /* of the file, and its index */
	struct json json;
	struct arena arena; /* what is set since: names and, by number, values */
	struct intern names;
	uint64_t *value;
};

/*
 * Reads the file; one that does not exist has no counters.  False with a fault.  counters_end() in either
 * case.
 */
bool counters_begin(struct counters *c, const struct keys *k, struct verb_answer *a);
void counters_end(struct counters *c);

/* The counter called NAME, 0 if there is none.  False with a fault: it is no number. */
bool counters_get(const struct counters *c, const char *name, uint64_t *value, struct verb_answer *a);

/* From counters_write() on it is VALUE. */
void counters_set(struct counters *c, const char *name, uint64_t value);

/* Replaces the file.  False with a fault (EXIT_IO). */
bool counters_write(const struct counters *c, struct verb_answer *a);

/* The same for one counter: reads it; and replaces it. */
bool counter_read(const struct keys *k, const char *name, uint64_t *value, struct verb_answer *a);
bool counter_write(const struct keys *k, const char *name, uint64_t value, struct verb_answer *a);

#endif
