/* SPDX-License-Identifier: ISC */
#ifndef EHR_LABEL_RULESET_H
#define EHR_LABEL_RULESET_H

#include "common/label/classifier.h"
#include "common/label/coding.h"
#include "common/label/condition.h"
#include "common/policy/vocabulary.h"

/*
 * ruleset: classify.yaml, compiled.  Each type that the policy names has a plan: one automaton over all paths
 * that concern the type, so that one walk over a root serves all rules.  ruleset.c reads the file,
 * ruleset_rules.c its rules, releases and criticality, terms_rules.c its `terms:`, type_plan.c makes the
 * plans.  All of it lives in the ruleset's arena.
 */
enum { MAX_CRITICALITY = 16, MAX_BANDS = 32, MAX_POINTS = 1000, DISPLAY_RULES = 64, NO_SIGN = -1 };

/* Origins of labels that are no rule, in the order in which labels of one node are written. */
enum ruleset_fixed_origin {
	ORIGIN_DEFAULT,
	ORIGIN_FLOOR,
	ORIGIN_OPAQUE,
	ORIGIN_NARRATIVE,
	ORIGIN_SUMMARY,
	ORIGIN_UNCOVERED,
	ORIGIN_MUTE,
	ORIGIN_EVIDENCE,
	ORIGIN_UNIT,
	ORIGIN_VALUE,
	ORIGIN_COMPARATOR,
	ORIGIN_STALE,
	ORIGIN_FIXED /* how many; the policy's origins follow */
};

struct ruleset_origin {
	struct label_origin shown;
	struct bytes id;   /* shown.id; it needs no escape */
	struct bytes tail; /* of a base line: the text of its labels after the place */
	uint32_t order;    /* among labels of one node */
	bool is_reason;    /* named in ehr.reasons */
};

/* A path of `base:`. */
struct base_line {
	unsigned level;
	unsigned origin;
	bool is_own; /* of one type, not of "*" */
};

/* Where a rule's label goes. */
enum ruleset_at { AT_ENTRY, AT_RESOURCE, AT_MATCH, AT_PATH };

/* A rule that labels, or a rule of criticality. */
struct ruleset_rule {
	unsigned origin;
	const struct yaml_node *types; /* NULL: all */
	struct condition *where;       /* NULL: holds */
	struct jq_program *when;       /* NULL: holds */
	enum ruleset_at at;
	struct condition_place *place; /* AT_PATH */
	const struct yaml_node
	    *refers_to; /* types: it labels displays of references to these; NULL: other rule */
	int level;      /* LABEL_NONE: none; of criticality: that of the nodes it was read from */
	uint64_t sensitivity;
	uint64_t basis;
	bool from_value_set;
	struct code_bits sets; /* that its `where` names */
	int criticality;       /* LABEL_NONE: the rule labels */
	uint32_t needs;        /* bits: the rule can hold only if each need was met in the walk */
	/* Of bands: band[i] below cut[i], band[cuts] above all. */
	int sign; /* category of codes, NO_SIGN: none */
	const struct unit *unit;
	struct quantity_bound cut[MAX_BANDS];
	unsigned band[MAX_BANDS + 1];
	unsigned cuts;
};

/* A path or a value set that meets a need of a rule. */
struct ruleset_trigger {
	uint32_t rule;
	uint32_t need;                /* a bit */
	const struct condition *some; /* whose tests a node of its path must pass */
};

/* A line of `declassify:`. */
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

/* What an automaton finds at a node, beside an index into the list of that kind. */
enum path_number {
	PATH_BASE,      /* base line */
	PATH_TRIGGER,   /* trigger */
	PATH_EVIDENCE,  /* evidence */
	PATH_ENTRY,     /* an entry, which is labelled as one */
	PATH_JUDGED,    /* may hold a sign and its value */
	PATH_BROUGHT,   /* labels that came with the record: enum brought_place */
	PATH_NARRATIVE, /* .text of a root or of a section */
	PATH_SUMMARY,   /* a path of `summaries:` */
};

/* What a label that came with the record is about, by its place. */
enum brought_place {
	BROUGHT_NOT,
	BROUGHT_SECURITY, /* meta.security: the root */
	BROUGHT_TAG,      /* meta.tag: the root, and it need not be a label */
	BROUGHT_AROUND,   /* another element of labels: the object that it stands in */
	BROUGHT_ATOM,     /* categories of Atom, as in DSTU1: the same, and they need not be labels */
	BROUGHT_OF_TERM,  /* labels of a term of a Contract: the term */
};

enum { PATH_INDEX_BITS = 24, PATH_INDEX = (1 << PATH_INDEX_BITS) - 1 };

/* What the walk does at a node in one state of the automaton: made on first use. */
struct state_words;
struct state_plan {
	bool is_known;
	bool is_entry, is_judged, is_narrative, is_summary, has_triggers, has_evidence;
	bool has_base_only; /* at most `base` and `is_judged` say something */
	bool has_end;       /* a container is looked at when the walk leaves it */
	enum brought_place brought;
	int base; /* level, LABEL_NONE: no line speaks of it */
	unsigned base_origin;
	const uint32_t *number;
	size_t numbers;
	struct state_words
	    *words; /* the triggers of `number` that ask for a string; NULL: few, they stand in it */
	/* The text of its base label under these keys of the record; key 0: not made yet. */
	uint16_t written_key;
	uint16_t written_outer; /* 0: the key is the record's */
	uint32_t written;       /* its number */
};

struct type_plan {
	struct bytes type;    /* empty: all types without a plan of their own */
	bool is_unknown;      /* everything has the highest level */
	bool has_base;        /* `base` names the type */
	bool has_scores;      /* its signs add up */
	bool has_no_summary;  /* `summaries:` has an empty list for it */
	struct paths *paths;  /* NULL: no root of the type has come yet */
	struct buffer states; /* struct state_plan, by index of a kept state */
	size_t state_count;
	struct state_plan passing;
	uint32_t *always; /* rules without needs: evaluated on every root */
	size_t always_count;
	uint64_t *applies; /* bit r: rule r is about this type */
};

/* A sum of points over the signs of one root, such as an early warning score. */
struct ruleset_score {
	struct ruleset_rule total; /* its bands judge the sum; `where` may limit the score */
	struct ruleset_rule *part; /* a sign whose bands are points, or a `where` that is worth band[0] */
	size_t parts;
	size_t first; /* of its parts among those of all scores */
};

/*
 * A place of `terms:`: the keys of the last members of a path, the innermost first.  Elements of arrays count
 * as the array.  With a type the outermost one is a member of a root of that type.
 */
enum { TERMS_PLACE_KEYS = 4 };

struct terms_place {
	uint16_t key[TERMS_PLACE_KEYS];
	unsigned keys;
	struct bytes type; /* empty: of any, and wherever it stands */
};

struct terms_places {
	struct terms_place *at;
	size_t count;
};

/* `terms:`: where terms are not searched, and what a found one labels. */
/* A beginning of texts. */
struct terms_uri {
	struct bytes text;
	uint64_t word; /* its first bytes, up to eight, as they stand in memory */
	uint64_t mask;
};

struct terms_rules {
	struct terms_places skip;    /* not searched, with all in them */
	struct terms_places around;  /* the object around the string is labelled, not the string alone */
	struct terms_places entry;   /* as members of an entry or root they speak for all of it */
	struct terms_places base64;  /* searched decoded */
	struct terms_places code;    /* the whole string may be a code */
	struct terms_places no_code; /* searched for terms alone */
	struct terms_uri *uri;       /* texts that begin so are not searched */
	size_t uris;
	bool uri_begins[256]; /* by the first byte of a text: it may begin with one of them */
	struct bytes *person; /* types: the display of a reference to one is a name */
	size_t persons;
};

/* What the walk knows of a member by its name alone. */
struct ruleset_key {
	uint8_t role;  /* enum member_role */
	uint8_t about; /* bits of enum about_key */
	uint8_t terms; /* bits of enum about_terms */
	uint8_t meant; /* the type that a reference there means, from 1 in `references:`; 0: none */
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
	struct ruleset_score *score;
	size_t scores;
	size_t parts; /* of all scores */
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

	unsigned top;       /* the highest level */
	bool has_summaries; /* there is a `summaries:` */
	unsigned usual;     /* `default` */
	int opaque;         /* LABEL_NONE: not asked for */
	int mute;           /* of a concept that a code of a system without rows alone names; LABEL_NONE */
	int uncovered;
	bool narrative;
	int category_level[64];            /* by index of VOCABULARY_SENSITIVITY */
	int category_rest;                 /* of "*": also of brought labels of other kinds */
	uint8_t sensitivity_of[CODE_BITS]; /* by category of codes; NO_SENSITIVITY */
	struct ruleset_criticality criticality;
	struct terms_rules terms;

	struct ruleset_origin *origin;
	size_t origins;
	struct base_line *base;
	size_t bases;
	struct ruleset_rule *rule;
	size_t rules;
	size_t judging; /* the first of criticality: they stand behind those that label */
	struct ruleset_declassify *release;
	size_t releases;
	struct buffer triggers; /* struct ruleset_trigger */
	/* By value set: the triggers that ask for it anywhere. */
	uint32_t *set_trigger[CODE_BITS];
	size_t set_triggers[CODE_BITS];
	struct code_bits anywhere; /* sets that are asked for anywhere */

	struct type_plan *plan; /* PLAN_UNKNOWN, PLAN_OTHER, then the types that the policy names */
	size_t plans;
	struct buffer planned; /* struct planned_path: of the plans, see type_plan.c */
	uint32_t *plan_slot;   /* open addressing by type: plan + 1 */
	size_t plan_mask;

	struct ruleset_key *key;            /* by the number of a key; that of 0, any other key, is zeros */
	size_t keyed;                       /* how many */
	const struct yaml_node *references; /* NULL: none */
	unsigned displays;                  /* rules with `refers_to` */
	const struct yaml_node *codes_in;   /* names of members whose text holds codes; NULL */
};

enum { NO_SENSITIVITY = 0xff };
enum {
	PLAN_UNKNOWN,
	PLAN_OTHER
}; /* of types that nobody knows; of known ones that the policy does not name */

/* What stands under a member of this name, wherever it is. */
enum about_key {
	ABOUT_CONCEPT = 1, /* a CodeableConcept that tells of health */
	ABOUT_CODES = 2,   /* a text with codes in it */
	ABOUT_BASE64 = 4,
	ABOUT_EXTENSION = 8,
	ABOUT_SUMMARY = 16, /* tells what stands elsewhere in its root */
	ABOUT_SEARCH = 32,  /* a reference or URL, which may search by a code or an identifier */
};

/* What a key tells the search for terms, so that most strings need no look at what is around them. */
enum about_terms {
	TERMS_BASE64 = 1,  /* some place of `base64` ends so */
	TERMS_SKIPPED = 2, /* it is a place of `skip` */
	TERMS_NO_CODE = 4, /* it is a place of `no_code` */
	TERMS_NAMED = 8,   /* the name itself may say a term */
};

/* Members that the walk remembers in every object. */
enum member_role {
	ROLE_NONE,
	ROLE_CODE,
	ROLE_SYSTEM,
	ROLE_CODING,
	ROLE_CONCEPT,
	ROLE_DATA,
	ROLE_CONTENT_TYPE,
	ROLE_URL,
	ROLE_TYPE,
	ROLE_VALUE, /* or _value */
	ROLE_DISPLAY,
	ROLE_BESIDE_DISPLAY, /* _display */
	ROLE_TEXT,
	ROLE_COUNT
};

/* KEYS gains all members that the policy speaks of.  False with a fault; release it all the same. */
bool ruleset_load(
    struct ruleset *s, struct policy *p, struct json_keys *keys, const char *now, struct fault *f);
void ruleset_release(struct ruleset *s);

/* NOW is borrowed.  False if it is no time. */
bool ruleset_set_time(struct ruleset *s, const char *now);

/* The plan for roots of TYPE. */
struct type_plan *type_plan_of(struct ruleset *s, struct bytes type);

/* What to do in STATE of the plan's automaton; good until the next call. */
struct state_plan *type_plan_make_state(const struct ruleset *s, struct type_plan *p, uint32_t state);

static inline struct state_plan *
type_plan_state(const struct ruleset *s, struct type_plan *p, uint32_t state)
{
	size_t kept = paths_kept(state);
	struct state_plan *plans = (struct state_plan *)(void *)p->states.at;

	if (kept < p->state_count && plans[kept].is_known)
		return &plans[kept];
	return type_plan_make_state(s, p, state);
}

/*
 * state_words.c: of many triggers at one place that each ask for some strings, only those are judged that ask
 * for the one that stands there.  Takes such triggers out of PLAN->number, if they are many.
 */
void state_words_make(const struct ruleset *s, struct state_plan *plan);
void state_words_free(struct state_words *w);

/* Calls FOUND for each trigger that asks for TEXT. */
void state_words_find(const struct state_words *w, struct bytes text,
    void (*found)(void *context, uint32_t trigger), void *context);

static inline struct ruleset_key
ruleset_key(const struct ruleset *s, uint16_t key)
{
	return s->key[key < s->keyed ? key : 0];
}

static inline bool
type_plan_applies(const struct type_plan *p, size_t rule)
{
	return (p->applies[rule / 64] >> (rule % 64)) & 1;
}

/* For the three files that read classify.yaml.  Each function is false after a fault; NODE may be NULL. */
struct ruleset_loader {
	struct ruleset *set;
	const char *file;
	struct fault *fault;
	struct paths *checked; /* type_plan.c: each path is read here before it is needed */
};

/* key_roles.c: what the names of members tell.  SUMMARIES: those of any type; NULL. */
bool key_roles_load(struct ruleset_loader *l, const struct yaml_node *summaries);

/* After all else: which of the known names may say a term. */
void key_roles_note_names(struct ruleset *s);

/* A new origin; NODE gives its line. */
unsigned ruleset_add_origin(struct ruleset_loader *l, struct bytes id, struct bytes say,
    const struct yaml_node *node, bool is_reason);
void ruleset_add_fixed_origins(struct ruleset_loader *l);

/* A level of the policy; without NODE *LEVEL stays as it is. */
bool ruleset_read_level(struct ruleset_loader *l, const struct yaml_node *node, int *level);
bool ruleset_read_rules(struct ruleset_loader *l, const struct yaml_node *node);
bool ruleset_read_declassify(struct ruleset_loader *l, const struct yaml_node *node);
bool ruleset_read_terms(struct ruleset_loader *l, const struct yaml_node *node);
bool ruleset_read_criticality(struct ruleset_loader *l, const struct yaml_node *node);

/* After all rules: their needs, and an automaton for each type. */
bool type_plan_load(
    struct ruleset_loader *l, const struct yaml_node *base, const struct yaml_node *summaries);

#endif
