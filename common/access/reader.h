/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_READER_H
#define EHR_ACCESS_READER_H

#include "common/access/intern.h"
#include "common/base/clock.h"
#include "common/base/closest.h"
#include "common/json/json.h"
#include "common/policy/policy.h"

struct attributes;
struct roles;
struct moments;

/*
 * reader: what the readers of rules, directives, facts and entities share: where they put what they read, and
 * the file at hand.  All functions that return bool return false with a fault.
 */
struct access_reader {
	/* all borrowed */
	struct arena *arena;
	struct intern *words;
	struct attributes *attributes;
	struct roles *roles;
	struct policy *policy;
	struct moments *moments;      /* gains the ends of every period */
	const char *file;             /* at hand, as messages name it */
	struct criteria_shelf *shelf; /* of criteria.h; NULL: none */
	bool is_record;               /* the file is a record: a fault names no word of it */
	struct fault *fault;
};

/* Opens the map of an authorization file and takes `ehr_authz: 1`. */
bool reader_open(struct access_reader *r, const struct yaml_node *root, struct yaml_map *m);

/* The string NODE as a word, not empty. */
bool reader_word(struct access_reader *r, const struct yaml_node *node, uint32_t *word);

/* `Patient/ann` and `ann` are the same patient: `ann`. */
struct bytes reader_patient(struct bytes patient);

/* TEXT as inside a JSON string: TEXT itself if it needs no escape, else in the arena. */
struct bytes reader_escaped(struct access_reader *r, struct bytes text);

/* TEXT as a JSON string in the arena, quotes included. */
struct bytes reader_json(struct access_reader *r, struct bytes text);

/* `60s`, `5m`, `4h`, `30d`: more than 0 seconds.  NODE NULL is false without a fault of its own. */
bool reader_duration(struct access_reader *r, const struct yaml_node *node, int64_t *seconds);

#define READER_ATTRIBUTES "the standard ones and those in authz/roles.yaml"

/* Offers COUNT words, by number, to C. */
void reader_offer(const struct access_reader *r, struct closest *c, const uint32_t *at, uint32_t count);

/* The fault for the name that NEAR was made of, which is in none of the lists of WHERE.  Always false. */
bool reader_unknown(struct access_reader *r, const struct yaml_node *node, const char *what,
    const char *where, struct closest near);

/*
 * Files of one JSON object a line: facts, entities, used commands, directives.  A fault names line and byte;
 * none names a value.
 */
enum { NDJSON_REPEATS = 8 };

struct ndjson {
	struct access_reader *reader;
	struct json json; /* of the object at hand */
	unsigned line;
	bool forgives;       /* the caller's: keys that stand twice are no fault */
	bool is_appended;    /* the caller's: see ndjson_next() */
	size_t unfinished;   /* bytes of the last line that is left out */
	struct bytes stored; /* the text at hand as it came; json.text has another name for such keys */
	size_t repeat[NDJSON_REPEATS]; /* where they stand, from 0 */
	unsigned repeats;
	/* private */
	struct bytes rest;
	struct buffer room, renamed;
};

/* TEXT has JSON_SLACK readable bytes behind it; R->file names it.  KEYS are the known ones, or NULL. */
void ndjson_init(struct ndjson *n, struct access_reader *r, const struct json_keys *keys, struct bytes text);
void ndjson_release(struct ndjson *n);

/*
 * The next object; false at the end, or with a fault.  A last line without LF is a fault, for its writer may
 * not be done, and left out it could permit more: the end of a fact, a used id.  But half a line is left out
 * of a file to which only the toolkit appends, for no run has answered for it and the next one cuts it off.
 */
bool ndjson_next(struct ndjson *n);

/* The whole text as one value, over any number of lines. */
bool ndjson_whole(struct ndjson *n);

/* True if a key stands twice in NODE or in what it holds. */
bool ndjson_repeats(const struct ndjson *n, uint32_t node);

/* Notes the fault TEXT at NODE of the object at hand.  Always false. */
bool ndjson_fault(struct ndjson *n, uint32_t node, const char *text);

/* The string member KEY, copied into the arena.  It must be there and not be empty. */
bool ndjson_string(struct ndjson *n, const char *key, struct bytes *text);

/* The instant in member KEY; *HAS is false if it is absent. */
bool ndjson_instant(struct ndjson *n, const char *key, struct instant *t, bool *has);

/*
 * The next part of a file in YAML, or of one in JSON, taken from REST, in TREE: whole items of a list at the
 * left margin, so that the list may be longer than yaml_read() takes, or all of REST if it is anything else.
 * LINES, from 0, is the caller's: those of the parts before.  NULL with a fault.
 */
const struct yaml_node *reader_part(
    struct arena *tree, const char *file, struct bytes *rest, unsigned *lines, struct fault *f);

#endif
