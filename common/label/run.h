/* SPDX-License-Identifier: ISC */
#ifndef EHR_LABEL_RUN_H
#define EHR_LABEL_RUN_H

#include "common/base/buffer.h"
#include "common/json/pointer.h"
#include "common/label/ruleset.h"

/*
 * run: a classifier at work on one record: what it has seen of the root at hand, and the labels so far.  All
 * arrays grow to the largest record and stay.
 */
#define NO_NODE UINT32_MAX

/* A container that the walk is in. */
struct frame {
	uint32_t node;
	uint32_t end;
	uint32_t next;  /* the child that comes next: an element, or a member's key */
	uint32_t index; /* of that element */
	uint32_t state;
	uint32_t entry; /* the outermost entry around, NO_NODE */
	uint32_t hits;  /* there were before this one was entered */
	uint16_t key;   /* under which it stands; elements: that of their array */
	uint8_t base;   /* level */
	bool is_array;
	bool is_element;             /* of an array */
	uint32_t member[ROLE_COUNT]; /* of an object: nodes of values, 0 if absent */
};

/* A node that something was read from; WHOLE: with all that stands in it. */
struct because {
	uint32_t node;
	bool whole;
};

/* What says how urgent something is: a label when the levels are known. */
struct urgency {
	uint32_t node;    /* what gets the label */
	uint32_t because; /* in the list of nodes that made it true */
	uint32_t because_count;
	unsigned criticality;
	unsigned origin;
	int level; /* LABEL_NONE: that of the nodes */
};

/* A root's narrative, and the highest level that its root's places have. */
struct root_facts {
	uint32_t narrative; /* node, 0 */
	uint8_t base_most;
	uint8_t base_around; /* of an inner root: what it stands in */
};

struct run {
	struct ruleset set;
	struct roots roots;
	struct condition_record record;
	struct coding_hits hit_list;
	struct system_memo memo;
	struct type_plan *plan; /* of the root at hand */
	size_t wall;            /* the next inner root that its walk comes to */
	struct envelope envelope;
	struct labels *out;

	struct buffer labels;     /* struct label */
	struct buffer frames;     /* struct frame */
	struct buffer hits;       /* struct coding_hit */
	struct buffer entries;    /* uint32_t: the outermost ones of the root, ascending */
	struct buffer urgencies;  /* struct urgency */
	struct buffer because;    /* struct because */
	uint32_t because_open;    /* the first of them that belongs to the urgency at hand */
	struct buffer facts;      /* struct root_facts, a root each */
	struct buffer links;      /* struct link, a label each: for levels.c */
	struct buffer candidates; /* uint32_t: rules */
	struct buffer text;       /* unescaped strings */
	struct buffer tested;     /* the same for conditions */
	struct buffer line;       /* what is written */
	struct pointer_cursor *cursor;

	struct rule_state {
		uint64_t root; /* the number of the root to which `met` belongs */
		uint32_t met;  /* needs */
	} * rule_state;
	uint64_t root_number;  /* of the root at hand, over all records */
	bool has_own_level;    /* the record: a confidentiality code in its meta.security */
	size_t root_urgencies; /* there were before the root at hand */

	uint16_t value_quantity, value_integer, value_range, low, high, extension, value_coding, ehr;
	uint16_t data_siblings[4], sampled_origin;

	unsigned confidentiality, act_code; /* numbers of the systems of security labels */
	uint8_t sensitivity_order[64];      /* indexes by the text of their codes */
	uint8_t basis_order[64];
	uint32_t *origin_rank; /* by the text of their ids */

	/* coverage, over all records */
	uint64_t record_number;
	uint64_t *type_count; /* by index of VOCABULARY_RESOURCE_TYPE: known, but without a base */
	uint64_t unknown_types;
	uint64_t other_unspoken;
	uint64_t *system_count;   /* by number of a system; the last one: any other */
	uint64_t *system_seen;    /* the last record that had it */
	uint8_t *system_coverage; /* enum system_coverage */
	unsigned systems;
};

enum system_coverage { COVERED, COVERED_IN_PART, NOT_COVERED };

static inline const struct json *
run_json(const struct run *run)
{
	return run->record.json;
}

static inline struct label *
run_labels(const struct run *run)
{
	return (struct label *)(void *)run->labels.at;
}

static inline size_t
run_label_count(const struct run *run)
{
	return run->labels.used / sizeof(struct label);
}

/* A new label with no level, nothing said. */
struct label *run_add(struct run *run, uint32_t node, enum label_kind kind, unsigned origin);

/* Refuses the record: always false. */
bool run_refuse(struct run *run, enum reason reason, uint32_t node);

/* The outermost entry of the root at hand around NODE; the root if there is none. */
uint32_t run_entry(const struct run *run, uint32_t node);

/* ---- walk.c ---- */
/* Walks root INDEX: base labels, codings, floors, what nobody can look into; notes which rules may hold. */
bool walk_root(struct run *run, size_t index);

/* ---- opaque.c ---- */
bool opaque_string(const struct json *j, uint32_t node, struct buffer *room);

/* ---- apply.c ---- */
/* A need of the trigger's rule is met. */
void apply_trigger(struct run *run, uint32_t trigger);
void apply_hit(struct run *run, const struct coding_hit *hit);

/* Evaluates the rules that may hold for the root that was walked. */
void apply_rules(struct run *run);

/* ---- floors.c ---- */
bool brought_security(struct run *run, uint32_t node);
/* HOLDER is the frame of the object around `extension`. */
bool brought_inline(struct run *run, const struct frame *holder, uint32_t extension);
bool brought_envelope(struct run *run);
bool brought_labels(struct run *run, bool narrative);

/* ---- urgent.c ---- */
void urgent_add(struct run *run, uint32_t node, unsigned criticality, unsigned origin, int level);
void urgent_because(struct run *run, uint32_t node);
void urgent_close(struct run *run);
void urgent_evidence(struct run *run, uint32_t node, uint32_t evidence);
void urgent_sign(struct run *run, const struct frame *f);
void urgent_end_root(struct run *run);
void urgent_labels(struct run *run);

/* ---- levels.c ---- */
/* What holds at a node: of its labels and those around it. */
struct label_standing {
	unsigned level; /* max(base, raise) */
	uint64_t sensitivity;
	uint64_t basis;
};
void levels_sort(struct run *run);
struct label_standing levels_at(
    const struct json *j, const struct label *labels, size_t count, uint32_t node);

/* For many nodes: links the labels that there are, sorted, and looks them up until the next change. */
void levels_link(struct run *run);
struct label_standing levels_standing(const struct run *run, uint32_t node);
unsigned levels_within(const struct run *run, uint32_t node); /* the highest in NODE */
void levels_narratives(struct run *run);

/* ---- coverage.c ---- */
void coverage_init(struct run *run);
void coverage_type(struct run *run, uint32_t root);
/* True if `uncovered:` asks for a label. */
bool coverage_system(struct run *run, unsigned system, uint32_t name);
bool coverage_fact(const struct run *run, size_t i, struct coverage *fact);

#endif
