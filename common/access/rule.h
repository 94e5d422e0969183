/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_RULE_H
#define EHR_ACCESS_RULE_H

#include "common/access/criteria.h"

/*
 * rule: one rule of a layer or of a directive, and its state for a request: it does not hold, it is unknown
 * because an attribute is missing, or it holds for an item.  An item is a set of entries of the record,
 * described by the data criteria that are open.
 */
enum effect { EFFECT_DENY, EFFECT_PERMIT };

enum override { OVERRIDE_NO, OVERRIDE_ACKNOWLEDGED, OVERRIDE_ALWAYS };

/*
 * An obligation of a rule.  Its texts are JSON that lacks the id, the instant of `expire` and the closing
 * braces.
 */
struct duty {
	struct bytes action; /* "audit" */
	struct bytes type;   /* "custom", "notification" */
	struct bytes
	    text; /* "type":"custom","properties":{"vendor":"ehr","action":"audit","rule":"B-3", ... */
	struct bytes text_public; /* without the rule */
	bool expires;
	int64_t after; /* seconds */
};

struct access_rule {
	struct bytes id;
	struct bytes id_text;  /* as a JSON string */
	struct bytes sentence; /* "ID: SAY", escaped as inside a JSON string */
	enum effect effect;
	enum override override;
	bool skip_missing; /* a deny that is unknown counts as one that does not hold */
	bool names_btg;    /* its own `why` lists BTG */
	struct criteria criteria;
	struct criteria *except;
	uint32_t excepts;
	struct access_rule *nested; /* of the other effect; in directives only */
	uint32_t nests;
	struct duty *duty;
	uint32_t duties;
	const struct yaml_node *node; /* where it stands, for faults; NULL in directives */
};

/* The open data criteria, by number.  Where SECOND is set, a value must be in both lists. */
struct scope {
	const struct criterion *first[DATA_COUNT];
	const struct criterion *second[DATA_COUNT];
};

struct item {
	const struct access_rule *rule; /* NULL for a directive's own `what` */
	bool whole;                     /* no open criteria */
	struct scope scope;
	const struct scope *except;
	uint32_t excepts;
	const struct item *next; /* in a list */
};

/* True if the item is the whole record. */
static inline bool
item_is_all(const struct item *i)
{
	return i->whole && i->excepts == 0;
}

enum holding { RULE_NO, RULE_UNKNOWN, RULE_HOLDS };

struct rule_state {
	enum holding holding;
	struct attribute_set missing; /* with RULE_UNKNOWN */
	const struct item *item;      /* with RULE_HOLDS */
};

/* The item lives in SCRATCH. */
struct rule_state rule_judge(const struct access_rule *rule, struct situation *s, struct scratch *scratch);

/* The item of criteria that hold with the open data criteria DATA. */
struct item *rule_item(
    const struct access_rule *rule, const struct criteria *c, unsigned data, struct scratch *scratch);

/* Puts a copy of ITEM at *END, the end of a list, and returns the new end. */
const struct item **rule_item_append(
    const struct item **end, const struct item *item, struct scratch *scratch);

/* Where rules stand.  It decides what they may say. */
enum rule_home { HOME_OUTBOUND, HOME_JURISDICTION, HOME_ORGANIZATION, HOME_DIRECTIVE };

/* A list of rules, sorted by id.  An id stands there once.  NODE NULL: an empty list.  False with a fault. */
bool rules_read(struct access_reader *r, const struct yaml_node *node, enum rule_home home,
    struct access_rule **rules, uint32_t *count);

#endif
