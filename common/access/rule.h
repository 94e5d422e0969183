/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_RULE_H
#define EHR_ACCESS_RULE_H

#include "common/access/criteria.h"

/*
 * rule: one rule of a layer or directive, compiled, and its state for a request: it does not apply, something
 * is missing to tell, or it holds for an item: the entries of the record that its data criteria describe.
 */
enum effect { EFFECT_DENY, EFFECT_PERMIT };

enum override { OVERRIDE_NO, OVERRIDE_ACKNOWLEDGED, OVERRIDE_ALWAYS };

/* An obligation of a rule, prepared: all of its JSON but the instant of `expire`. */
struct duty {
	struct bytes action; /* "audit" */
	struct bytes type;   /* "custom", "notification" */
	struct bytes
	    text; /* "type":"custom","properties":{"vendor":"ehr","action":"audit","rule":"B-3", ... */
	struct bytes text_public; /* without the rule */
	bool expires;
	int64_t after; /* seconds */
};

struct rule {
	struct bytes id;
	struct bytes id_text;  /* as a JSON string */
	struct bytes sentence; /* "ID: SAY" inside a JSON string */
	enum effect effect;
	enum override override;
	bool skip_missing;
	bool roles_btg; /* its own `why` names BTG or what lies below it */
	struct criteria criteria;
	struct criteria *except;
	uint32_t excepts;
	struct rule *nested; /* of the other effect; directives only */
	uint32_t nests;
	struct duty *duty;
	uint32_t duties;
	const struct yaml_node *node; /* where it stands */
};

/* Data criteria in force, by their place among the data criteria.  SECOND: both lists must hold the value. */
struct scope {
	const struct test *first[DATA_COUNT];
	const struct test *second[DATA_COUNT];
};

struct item {
	const struct rule *rule; /* whose item it is; NULL for a directive's own `what` */
	bool whole;              /* no criteria */
	struct scope scope;
	const struct scope *except;
	uint32_t excepts;
	const struct item *next; /* in a list */
};

/* Neither criteria nor exceptions: everything. */
static inline bool
item_is_all(const struct item *i)
{
	return i->whole && i->excepts == 0;
}

enum holding { RULE_NO, RULE_UNKNOWN, RULE_HOLDS };

struct state {
	enum holding holding;
	struct attribute_set missing; /* with RULE_UNKNOWN */
	const struct item *item;      /* with RULE_HOLDS */
};

/* Memory comes from SCRATCH. */
struct state rule_state(const struct rule *rule, struct situation *s, struct scratch *scratch);

/* The item of criteria that hold with the open data criteria DATA. */
struct item *item_of(
    const struct rule *rule, const struct criteria *c, unsigned data, struct scratch *scratch);

/* Where rules may stand, and what they may say there. */
enum rule_home { HOME_OUTBOUND, HOME_JURISDICTION, HOME_ORGANIZATION, HOME_DIRECTIVE };

/*
 * A list of rules, sorted by id; ids are unique in it.  NODE NULL: none.  False with a fault.
 */
bool rules_read(struct reader *r, const struct yaml_node *node, enum rule_home home, struct rule **rules,
    uint32_t *count);

/* TEXT as a JSON string in R's arena. */
struct bytes reader_json(struct reader *r, struct bytes text);

#endif
