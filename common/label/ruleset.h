/* SPDX-License-Identifier: ISC */
#ifndef EHR_LABEL_RULESET_H
#define EHR_LABEL_RULESET_H

#include "common/label/classifier.h"
#include "common/label/coding.h"
#include "common/label/condition.h"
#include "common/policy/vocabulary.h"

/*
 * ruleset: classify.yaml, compiled.  For each type that the policy speaks of there is a plan: one automaton
 * over all paths that concern it, so that a root is walked once.
 */
enum { MAX_CRITICALITY = 16, MAX_BANDS = 32, NO_SIGN = -1 };

/* Origins of labels that are no rules; the policy's rules stand among them in the order of a record's labels.
 */
enum ruleset_fixed_origin {
	ORIGIN_DEFAULT,
	ORIGIN_FLOOR,
	ORIGIN_OPAQUE,
	ORIGIN_NARRATIVE,
	ORIGIN_UNCOVERED,
	ORIGIN_EVIDENCE,
	ORIGIN_UNIT,
	ORIGIN_VALUE,
	ORIGIN_COMPARATOR,
	ORIGIN_STALE,
	ORIGIN_FIXED /* how many; those of the policy follow, base lines first */
};

struct ruleset_origin {
	struct label_origin shown;
	struct bytes id;   /* rule.id: in no need of escapes */
	struct bytes tail; /* of a base line: its label behind the place */
	uint32_t order;    /* among labels of one node */
	bool is_reason;    /* named in ehr.reasons */
};

/* A path of `base:`. */
struct base_line {
	unsigned level;
	unsigned origin;
	bool is_own; /* of one type, not of "*" */
};

enum ruleset_at { AT_ENTRY, AT_RESOURCE, AT_MATCH, AT_PATH };

/* A rule that labels, or (criticality) that says how urgent something is. */
struct ruleset_rule {
	unsigned origin;
	const struct yaml_node *types; /* NULL: all */
	struct condition *where;       /* NULL: holds */
	struct jq_program *when;       /* NULL: holds */
	enum ruleset_at at;
	struct condition_place *place;
	int level; /* LABEL_NONE: gives none; of a criticality rule: that of the nodes */
	uint64_t sensitivity;
	uint64_t basis;
	bool from_value_set;
	struct code_bits sets; /* that its `where` names */
	int criticality;       /* LABEL_NONE: it labels */
	/* The first stage: it can hold only if for each need something was seen. */
	uint32_t needs;
	/* Of a criticality rule that judges a sign. */
	int sign; /* category of codes, NO_SIGN: none */
	const struct unit *unit;
	struct quantity_bound cut[MAX_BANDS];
	unsigned band[MAX_BANDS + 1];
	unsigned cuts;
};

/* Something that a walk may come across and that a rule needs. */
struct ruleset_trigger {
	uint32_t rule;
	uint32_t need;                /* a bit */
	const struct condition *some; /* whose tests a node of its path must pass */
};

struct ruleset_declassify {
	unsigned origin;
	struct bytes code;
	struct condition *where; /* NULL: holds */
	unsigned to;
};

struct ruleset_evidence_word {
	struct bytes word;
	unsigned criticality;
};

struct ruleset_evidence {
	struct bytes at;
	struct ruleset_evidence_word *word;
	size_t words;
};

/* What stands in an automaton, beside an index. */
enum path_number {
	PATH_BASE,      /* base line */
	PATH_TRIGGER,   /* trigger */
	PATH_EVIDENCE,  /* evidence */
	PATH_ENTRY,     /* around what is labelled as one */
	PATH_JUDGED,    /* may hold a sign and its value */
	PATH_SECURITY,  /* .meta.security */
	PATH_NARRATIVE, /* .text, if it has a div */
};

enum { PATH_INDEX_BITS = 24, PATH_INDEX = (1 << PATH_INDEX_BITS) - 1 };

/* What the walk must do at a node in one state of the automaton: worked out once. */
struct state_plan {
	bool is_known;
	bool is_entry, is_judged, is_security, is_narrative, has_triggers, has_evidence;
	int base; /* level, LABEL_NONE: no line speaks of it */
	unsigned base_origin;
	const uint32_t *number;
	size_t numbers;
	/* The text of its base label below these keys of the record; key 0: not known. */
	struct bytes written;
	uint16_t written_key;
	uint16_t written_outer; /* 0: the record itself stands around it */
};

struct type_plan {
	struct bytes type; /* empty: all types without a plan of their own */
	bool is_unknown;   /* everything has the highest level */
	bool has_base;     /* `base` names the type */
	struct paths *paths;
	struct buffer states; /* struct state_plan, by index of a kept state */
	struct state_plan passing;
	uint32_t *always; /* rules to evaluate on every root: nothing is needed first */
	size_t always_count;
	uint64_t *applies; /* bit r: rule r is about this type */
};

struct ruleset_criticality {
	struct bytes word[MAX_CRITICALITY];
	unsigned words;
	unsigned usual; /* `default` */
	unsigned unreadable;
	struct condition *ignore;
	int64_t stale_after; /* seconds; 0: never */
	unsigned stale;      /* the word `low` */
	struct ruleset_evidence *evidence;
	size_t evidences;
};

struct ruleset {
	struct policy *policy;
	struct arena arena;
	struct json_keys *keys;
	const char *file;
	struct shape *shape;
	struct codes *codes;
	struct condition_words words;
	struct bytes now;
	struct instant now_instant;

	unsigned top;   /* the highest level */
	unsigned usual; /* `default` */
	int opaque;     /* LABEL_NONE: not asked for */
	int uncovered;
	bool narrative;
	int category_level[64];            /* by index of VOCABULARY_SENSITIVITY */
	uint8_t sensitivity_of[CODE_BITS]; /* by category of codes; NO_SENSITIVITY */
	struct ruleset_criticality criticality;

	struct ruleset_origin *origin;
	size_t origins;
	struct base_line *base;
	size_t bases;
	struct ruleset_rule *rule;
	size_t rules;
	struct ruleset_declassify *release;
	size_t releases;
	struct buffer triggers; /* struct ruleset_trigger */
	/* By value set: the triggers that ask for it anywhere. */
	uint32_t *set_trigger[CODE_BITS];
	size_t set_triggers[CODE_BITS];
	struct code_bits anywhere; /* sets that are asked for anywhere */

	struct type_plan *plan; /* 0: unknown types, 1: known ones that nothing names */
	size_t plans;
	uint32_t *plan_slot; /* open addressing by type: plan + 1 */
	size_t plan_mask;

	/* Members that mean something wherever they stand. */
	uint8_t *role; /* by key: enum member_role */
	size_t roles;
};

enum { NO_SENSITIVITY = 0xff, PLAN_UNKNOWN = 0, PLAN_OTHER = 1 };

/* What the walk remembers of the object that it is in. */
enum member_role {
	ROLE_NONE,
	ROLE_CODE,
	ROLE_SYSTEM,
	ROLE_CODING,
	ROLE_CONCEPT,
	ROLE_DATA,
	ROLE_CONTENT_TYPE,
	ROLE_URL,
	ROLE_COUNT
};

/* Reads all of it; false with a fault. */
bool ruleset_load(
    struct ruleset *s, struct policy *p, struct json_keys *keys, const char *now, struct fault *f);
void ruleset_release(struct ruleset *s);

struct type_plan *type_plan_of(struct ruleset *s, struct bytes type);

/* What to do in STATE of the plan's automaton; good until the next call. */
struct state_plan *type_plan_make_state(const struct ruleset *s, struct type_plan *p, uint32_t state);

static inline struct state_plan *
type_plan_state(const struct ruleset *s, struct type_plan *p, uint32_t state)
{
	size_t kept = paths_kept(state);
	struct state_plan *plans = (struct state_plan *)(void *)p->states.at;

	if (kept < p->states.used / sizeof *plans && plans[kept].is_known)
		return &plans[kept];
	return type_plan_make_state(s, p, state);
}

static inline bool
type_plan_applies(const struct type_plan *p, size_t rule)
{
	return (p->applies[rule / 64] >> (rule % 64)) & 1;
}

/* ---- for the files that read classify.yaml ---- */
struct ruleset_loader {
	struct ruleset *set;
	const char *file;
	struct fault *fault;
};

/* A label's origin: NODE says where it stands. */
unsigned ruleset_add_origin(struct ruleset_loader *l, struct bytes id, struct bytes say,
    const struct yaml_node *node, bool is_reason);

/* `id` and `say`, which must be there: the rule's origin. */
bool read_head(struct ruleset_loader *l, struct yaml_map *map, unsigned *origin);

/* `type`, `where`, `when`, `at`: what rules that label and rules of criticality have in common. */
bool read_body(struct ruleset_loader *l, struct yaml_map *map, struct ruleset_rule *rule);

/* A level of the ladder; NODE NULL: it stays as it is. */
bool ruleset_read_level(struct ruleset_loader *l, const struct yaml_node *node, int *level);

void ruleset_add_fixed_origins(struct ruleset_loader *l);
bool ruleset_read_rules(struct ruleset_loader *l, const struct yaml_node *node);
bool ruleset_read_declassify(struct ruleset_loader *l, const struct yaml_node *node);
bool ruleset_read_criticality(struct ruleset_loader *l, const struct yaml_node *node);

/* After all rules: what each needs first, and an automaton for each type. */
bool type_plan_load(struct ruleset_loader *l, const struct yaml_node *base);

#endif
