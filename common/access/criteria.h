/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_CRITERIA_H
#define EHR_ACCESS_CRITERIA_H

#include "common/access/facts.h"
#include "common/access/moments.h"
#include "common/access/request.h"
#include "common/access/roles.h"

/*
 * criteria: the conditions of a rule (authorization page, sections 4 and 5).  Each is a test with the outcome
 * false, unknown (the attribute is missing) or true; a set is false if one is, else unknown if one is, else
 * true.  A data criterion that the request leaves open counts as true and belongs to the set's scope.
 */
enum truth { TRUTH_FALSE, TRUTH_UNKNOWN, TRUTH_TRUE };

enum test_kind {
	TEST_VALUES,
	TEST_PRESENT,
	TEST_PERIOD, /* context.time within from and until */
	TEST_SAME,   /* two attributes have a value in common */
	TEST_LABEL,
	TEST_DATE,
	TEST_RELATION,
	TEST_ACR, /* at least, or below: last, so that it is reached only where it decides */
};

enum test_mode { MODE_ANY, MODE_NOT, MODE_ALL };

/* One value of a list in a policy.  A group stands for all that it holds. */
struct entry {
	struct value value;
	struct word_set words; /* of a string: itself and what it stands for */
	int level;             /* of a label: index in the ladder, -1 for a category */
};

struct test {
	enum test_kind kind;
	enum test_mode mode;
	uint8_t attribute;
	uint8_t other; /* the second attribute of `same`, the other end of a relation */
	bool flag;     /* TEST_PRESENT: present; TEST_ACR: at least; TEST_LABEL: the permit side */
	int rank;      /* TEST_ACR */
	const struct entry *entry;
	uint32_t entries;
	struct word_set words; /* of all entries */
	bool plain_words;      /* all entries are strings */
	struct interval interval;
	struct bytes text; /* of a data criterion: "class":["A","B"], as obligations write it */
};

struct criteria {
	const struct test *test; /* cheap ones first */
	uint32_t tests;
	const struct test *data[DATA_COUNT]; /* the test of each data criterion, NULL if there is none */
};

/* What a request is judged by. */
struct situation {
	const struct request *request;
	const struct attributes *attributes;
	const struct roles *names;
	const struct facts *facts; /* NULL: none */
	bool custodian;            /* as the custodian sees it: what it does not trust is missing */
	bool stronger_might_help;  /* set where another acr would have changed a test */
	unsigned levels;           /* of the ladder: the words 1 to LEVELS are its names, lowest first */
};

/* DATA gains a bit for each data criterion that is open, MISSING what makes the set unknown. */
enum truth criteria_judge(
    const struct criteria *c, struct situation *s, unsigned *data, struct attribute_set *missing);

/* True if every value is among those that T lists. */
bool criteria_covers(const struct test *t, const struct values *v);

/* The values of an attribute in S; not present if it is missing there. */
const struct values *situation_values(const struct situation *s, unsigned attribute);

/* The highest level that labels name: an index in the ladder, -1 if they name none. */
int criteria_rank(const struct values *labels, unsigned levels);

enum criteria_side { SIDE_DENY, SIDE_PERMIT };

/* Which words a map of criteria may hold. */
enum {
	CRITERIA_REQUEST = 1, /* who does how why where when same */
	CRITERIA_WHAT = 2,
	CRITERIA_DATA = 4, /* data criteria in what */
};

/*
 * Takes the words of criteria from the map M (the other ones stay for the caller).  False with a fault.  An
 * attribute that is neither standard nor listed in roles.yaml, and a name that is in no list there, is one.
 */
bool criteria_read(
    struct reader *r, struct yaml_map *m, enum criteria_side side, unsigned allowed, struct criteria *c);

/* `{from: .., until: ..}`, both full date-times; noted in r->moments.  The map may hold more words. */
bool criteria_interval(struct reader *r, struct yaml_map *m, struct interval *i);

#endif
