/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_NDJSON_H
#define EHR_ACCESS_NDJSON_H

#include "common/access/roles.h"
#include "common/base/clock.h"
#include "common/json/json.h"

/*
 * ndjson: small files of one JSON object a line that are read at the start: facts, register, used commands,
 * directives.  Every fault names line and byte; none of them names a value.
 */
struct ndjson {
	struct reader *reader;
	struct json json;
	unsigned line;
	/* private */
	struct bytes rest;
	struct buffer room;
};

/* TEXT has JSON_SLACK readable bytes behind it; R->file names it. */
void ndjson_init(struct ndjson *n, struct reader *r, struct bytes text);
void ndjson_release(struct ndjson *n);

/* The next object into n->json; false at the end, or with a fault. */
bool ndjson_next(struct ndjson *n);

/* The whole text as one object, over however many lines; false with a fault. */
bool ndjson_whole(struct ndjson *n);

/* Notes a fault at NODE of the line at hand.  Always false. */
bool ndjson_fault(struct ndjson *n, uint32_t node, const char *text);

/* The string member KEY, copied into the arena.  A fault unless it is there, or OPTIONAL and absent (empty
 * then). */
bool ndjson_string(struct ndjson *n, const char *key, bool optional, struct bytes *text);

/* The instant in member KEY; *HAS is false if it is absent. */
bool ndjson_instant(struct ndjson *n, const char *key, struct instant *t, bool *has);

/* The object as a YAML tree in the arena A, for what may be written in both. */
struct yaml_node *ndjson_tree(struct ndjson *n, struct arena *a);

#endif
