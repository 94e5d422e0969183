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
enum { SPACE_FACTS = 64, SPACE_RELATIONS = 24, SPACE_DIMENSIONS = 2 * ATTRIBUTES_MAX };

struct space_choice {
	struct values values;
	struct instant time; /* of context.time */
};

struct space_dimension {
	unsigned attribute; /* ATTRIBUTES_MAX: the engine knows none of this name */
	const struct attribute *what;
	bool closed; /* no unnamed value and no missing one are tried */
	struct space_choice *choice;
	uint32_t choices, room;
	uint32_t at; /* the choice of the request at hand */
};

struct space {
	struct request request;    /* the one at hand */
	const struct facts *facts; /* what is said besides; it is set in the engine */
	bool exhausted;            /* all requests were tried */
	bool lists; /* an attribute has all its named values at once, too; an action is unnamed */
	uint64_t tried;
	unsigned at;         /* the table of facts at hand */
	unsigned at_consent; /* the directives at hand */
	/* Tables of directives that are tried in turn, borrowed; NULL: the engine's own are in force. */
	const struct directives *consent;
	unsigned consents;
	/* private */
	struct engine *engine;
	struct arena arena;
	struct bytes patient;
	struct space_dimension dimension[SPACE_DIMENSIONS];
	unsigned dimensions;
	struct bytes relation[SPACE_RELATIONS];
	unsigned relations;
	struct facts *table[SPACE_FACTS];
	struct bytes text[SPACE_FACTS]; /* of the table, as NDJSON */
	unsigned tables;
	const struct facts *before; /* the engine's own */
	struct directives own;
	bool begun;
};

/*
 * Requests about PATIENT, who is asked for in the only domain of the organization at hand, HOUSE.  HOUSE
 * NULL: the caller adds the domains.
 */
void space_begin(struct space *s, struct engine *e, const struct layer_file *house, struct bytes patient);
void space_end(struct space *s);

/* The values that the criteria compare with, and for those of time their edges. */
void space_add_criteria(struct space *s, const struct criteria *c);

/* RULE with its exceptions and the rules inside it. */
void space_add_rule(struct space *s, const struct access_rule *rule);

/* Whom and what D is about, its rules, and the edges of its period. */
void space_add_directive(struct space *s, const struct directive *d);

/* One more value of an attribute.  space_settle(): neither an unnamed value nor a missing one is tried. */
void space_add_text(struct space *s, unsigned attribute, struct bytes text);
void space_settle(struct space *s, unsigned attribute, struct bytes text);

/* What every request has, such as a time; to be called first where these values are to be preferred. */
void space_usual(struct space *s);

/* The next request; false after the last. */
bool space_next(struct space *s);

/*
 * Two engines side by side.  space_join() gives both spaces, which are not closed yet, the same dimensions,
 * choices and relations in the same order, also those that one engine alone knows, and ends the adding;
 * space_follow() makes TO have the request that FROM has at hand.
 */
void space_join(struct space *a, struct space *b);
void space_follow(struct space *to, const struct space *from);

/* Makes the request of the choices at hand; the engine's scratch is empty then. */
void space_take(struct space *s);

/*
 * Changes the request at hand so that it meets C: choices are tried from the number FROM on.  False if a
 * criterion has none.
 */
bool space_meet(struct space *s, const struct criteria *c, uint32_t from);

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

/* True if the patient herself, who asks for her own record, would be denied a part by her DIRECTIVE. */
bool advice_hides(struct engine *e, struct bytes patient, struct bytes directive);

#endif
