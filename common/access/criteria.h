/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_CRITERIA_H
#define EHR_ACCESS_CRITERIA_H

#include "common/access/facts.h"
#include "common/access/reader.h"
#include "common/access/request.h"
#include "common/access/roles.h"
#include "common/base/truth.h"

/*
 * criteria: the conditions of a rule.  criteria.c judges them, criteria_read.c reads them.
 *
 * A criterion is true, false, or unknown, which means that an attribute is missing.  A set of criteria is
 * false if one is false, else unknown if one is unknown, else true.  A data criterion whose attribute the
 * request does not tell is open: it counts as true, and the rule holds only for the entries of the record
 * that meet it.
 */
enum criterion_kind {
	CRITERION_VALUES,
	CRITERION_PRESENT,
	CRITERION_PERIOD, /* context.time within from and until */
	CRITERION_SAME,   /* two attributes have a value in common */
	CRITERION_LABEL,
	CRITERION_DATE,
	CRITERION_RELATION,
	CRITERION_ACR, /* at least, or below */
};

enum criterion_mode { CRITERION_ANY, CRITERION_NOT, CRITERION_ALL };

/* One value of a list in a policy. */
struct listed {
	struct value value;
	struct intern_set words; /* of a string: itself and all that it stands for */
	int level;               /* of a label: index in the ladder, -1 for a category */
};

struct criterion {
	enum criterion_kind kind;
	enum criterion_mode mode;
	uint8_t attribute;
	uint8_t other; /* SAME: the second attribute; RELATION: the one that names the other person */
	bool flag;     /* PRESENT: present; ACR: at least; LABEL: on the side of a permit */
	int rank;      /* ACR */
	const struct listed *list;
	uint32_t listed;
	struct intern_set words; /* of the whole list; RELATION: the relations */
	bool plain_words;        /* the list holds strings only */
	bool single;             /* an entry has one of the values at most, as its type or its own name */
	struct interval interval;
	struct bytes text; /* of a data criterion, as obligations write it: "class":["A","B"] */
};

struct criteria {
	const struct criterion *at; /* cheap ones first */
	uint32_t count;
	const struct criterion *data[DATA_COUNT]; /* the data criteria among them, NULL where there is none */
};

struct entities;

/* What a request is judged by. */
struct situation {
	const struct request *request;
	const struct attributes *attributes;
	const struct roles *roles;
	const struct facts *facts;       /* NULL: none */
	const struct entities *entities; /* NULL: the site keeps no register */
	bool custodian;                  /* distrusted values count as missing */
	const struct values *narrowed; /* by number from DATA_FIRST; NULL: the request describes one entry */
	bool suspects;                 /* a deny that is unknown holds for the data that it names */
	bool stronger_might_help;      /* set where another acr could change the result */
	unsigned levels;               /* of the ladder: the words 1 to LEVELS are its names, lowest first */
};

/*
 * With s->narrowed a data criterion is true or false if it is so of every entry that meets the
 * narrowing, and else open.  DATA gains the bit of each open data criterion, MISSING the attributes that
 * make the set unknown.
 */
enum truth criteria_judge(
    const struct criteria *c, struct situation *s, unsigned *data, struct attribute_set *missing);

/* True if no entry that meets a narrowing by V meets the data criterion C. */
bool criteria_excludes(const struct criterion *c, const struct values *v, unsigned levels);

/* True if all values are in the list of C. */
bool criteria_covers(const struct criterion *c, const struct values *v);

/* The values of an attribute in S; not present if it is missing there. */
const struct values *situation_values(const struct situation *s, unsigned attribute);

/* The highest level that labels name: an index in the ladder, -1 if they name none. */
int criteria_rank(const struct values *labels, unsigned levels);

/* The group that WORD names where it is a value of ATTRIBUTE, as a role or a class; NULL if it names none. */
const struct roles_group *criteria_group(const struct roles *roles, unsigned attribute, uint32_t word);

/* An exception of a permit stands on the side of a deny, and the other way round. */
enum criteria_side { SIDE_DENY, SIDE_PERMIT };

/* Which words a map of criteria may hold. */
enum {
	CRITERIA_REQUEST = 1, /* who does how why where when same */
	CRITERIA_WHAT = 2,
	CRITERIA_DATA = 4, /* data criteria in what */
};

/*
 * Takes the words of criteria from the map M; the others stay for the caller.  False with a fault, among
 * others for an attribute or a name that no list has.
 */
bool criteria_read(struct access_reader *r, struct yaml_map *m, enum criteria_side side, unsigned allowed,
    struct criteria *c);

/*
 * The same for criteria that many may say: with r->shelf, those that say the same are one.
 * NULL with a fault.
 */
struct criteria_shelf {
	struct intern texts; /* what was said, with the side and what is allowed */
	const struct criteria **at;
	uint32_t room;
	struct buffer text; /* at hand */
};

extern const struct criteria criteria_none;

const struct criteria *criteria_shared(
    struct access_reader *r, struct yaml_map *m, enum criteria_side side, unsigned allowed);

/* ARENA is that of the readers. */
void criteria_shelf_init(struct criteria_shelf *shelf, struct arena *arena);
void criteria_shelf_release(struct criteria_shelf *shelf);

/*
 * `{from: .., until: ..}`, both date-times with offset; their instants go to r->moments.  M may hold more
 * words.
 */
bool criteria_interval(struct access_reader *r, struct yaml_map *m, struct interval *i);

/*
 * `[x, y]` or `x` of an attribute, into C, whose mode is set.  Groups are written out: roles and actions
 * with all their members, purposes and labels with all codes below them, classes as single types.  False
 * with a fault.
 */
bool criteria_read_values(
    struct access_reader *r, const struct yaml_node *node, unsigned attribute, struct criterion *c);

#endif
