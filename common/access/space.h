/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_SPACE_H
#define EHR_ACCESS_SPACE_H

#include "common/access/parts.h"

/*
 * space: the requests that some rules can tell apart.  Rules are conjunctions of tests of sets, so for each
 * attribute that they name it is enough to try every value named, one that is not named, and none; for a
 * time, each end of a period and a second before it; for relations, each combination of facts.
 *
 *	space_begin(&s, &engine, patient);
 *	space_add_rule(&s, rule); ...
 *	while (space_next(&s)) ... s.request, s.facts; the engine's scratch is empty ...
 *	space_end(&s);
 */
enum { SPACE_FACTS = 64 };

struct space_choice {
	struct values values;
	struct instant time; /* of context.time */
};

struct space_dimension {
	unsigned attribute;
	bool closed; /* no unnamed value and no missing one are tried */
	struct space_choice *choice;
	uint32_t choices, room;
	uint32_t at; /* the choice of the request at hand */
};

struct space {
	struct request request;    /* the one at hand */
	const struct facts *facts; /* what is said besides; it is set in the engine */
	bool exhausted;            /* all requests were tried */
	uint64_t tried;
	/* private */
	struct engine *engine;
	struct arena arena;
	struct bytes patient;
	struct space_dimension dimension[ATTRIBUTES_MAX];
	unsigned dimensions;
	uint32_t relation[6];
	unsigned relations;
	struct facts *table[SPACE_FACTS];
	struct bytes text[SPACE_FACTS]; /* of the table, as NDJSON */
	unsigned tables, at;
	const struct facts *before; /* the engine's own */
	bool begun;
};

/* Requests about PATIENT, who is asked for in the only domain of the organization at hand, HOUSE. */
void space_begin(struct space *s, struct engine *e, const struct layer_file *house, struct bytes patient);
void space_end(struct space *s);

void space_add_criteria(struct space *s, const struct criteria *c);

/* RULE with its exceptions and the rules inside it. */
void space_add_rule(struct space *s, const struct access_rule *rule);

void space_add_directive(struct space *s, const struct directive *d);

/* The next request; false after the last. */
bool space_next(struct space *s);

/* The request at hand as JSON, and the facts that it needs as a list. */
void space_write_request(const struct space *s, struct json_write *w);
void space_write_facts(const struct space *s, struct json_write *w);

/*
 * conflicts.c: what directives say against the rules of an organization.
 */
struct conflict {
	struct bytes directive; /* its id as a JSON string */
	const char *status;     /* as it is written */
	struct bytes with;      /* the id of the rule as a JSON string */
	const char *kind;
	const struct space *space; /* at the witness; NULL: there is none */
};

struct conflicts {
	uint64_t limit; /* of requests to try for each pair of directive and rule */
	bool (*found)(void *context, const struct conflict *c); /* false: stop */
	void *context;
	bool cut; /* some search ended at the limit, and nothing is known of the rest */
};

/* Each directive of E alone and as if it were active.  False if FOUND stopped it. */
bool conflicts_find(struct conflicts *c, struct engine *e);

/*
 * advice.c: what an officer should look at in the rules of layers.
 */
struct advice {
	void (*tell)(void *context, const struct fault *f); /* its text begins with a code */
	void *context;
};

void advice_give(const struct advice *a, struct engine *e);

#endif
