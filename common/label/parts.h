/* SPDX-License-Identifier: ISC */
#ifndef EHR_LABEL_PARTS_H
#define EHR_LABEL_PARTS_H

#include "common/base/disguise.h"
#include "common/base/fold.h"
#include "common/base/guard.h"
#include "common/base/truth.h"
#include "common/base/uuid.h"
#include "common/json/json_named.h"
#include "common/json/pointer.h"
#include "common/label/fhir_labels.h"
#include "common/label/naming.h"
#include "common/label/ruleset.h"
#include "common/label/silent_texts.h"
#include "common/label/text_memo.h"
#include "common/policy/codes_text.h"
#include "common/policy/terms.h"

/*
 * parts: what a classifier consists of while it works on a record.  Each struct is written by the one file
 * that stands above it.  A part calls only parts that stand before it here.  Members called "borrowed" belong
 * to the classifier.  Buffers grow to the largest record and stay.  Each part has an _init (once), a _start
 * for each record where it keeps something of the record, and a _release.
 */
#define NO_NODE UINT32_MAX

/* A container that the walk is in. */
struct root_frame {
	uint32_t node;
	uint32_t end;
	uint32_t next;  /* the next child: an element, or a member's key */
	uint32_t index; /* of that element */
	uint32_t state; /* of the automaton */
	uint32_t entry; /* the outermost entry around, NO_NODE */
	uint32_t hits;  /* how many there were when this one was entered */
	uint16_t key;   /* under which it stands; of an element that of its array */
	uint32_t twin;  /* of an array _x: the element of x that was asked for last, see spoken.c; 0: none */
	uint32_t twin_index;
	uint8_t base; /* level */
	bool is_array;
	bool is_element; /* of an array */
	bool is_entry;
	bool has_code;               /* a Coding of its `coding` has a code */
	bool has_mute;               /* one has a code alone, of a system that no value set covers */
	bool has_known;              /* one has another code, or a display */
	bool has_end;                /* the plan of its state says so */
	bool is_asked_url;           /* URL is set */
	bool is_asked_code;          /* HOLDS_CODE is set */
	bool holds_code;             /* see root_frame_has_code() */
	uint16_t roles;              /* of an object: a bit for each role that a member has */
	uint32_t url;                /* see root_frame_url() */
	uint32_t member[ROLE_COUNT]; /* of an object: nodes of values, 0 if absent */
};

/* Begins F for the container NODE.  The walk sets what depends on the frames around and on its state. */
static inline void
root_frame_begin(struct root_frame *f, const struct json *j, uint32_t node)
{
	f->node = node;
	f->end = j->nodes[node].next;
	f->next = node + 1;
	f->index = 0;
	f->twin = 0;
	f->key = 0;
	f->is_array = json_kind(j, node) == JSON_ARRAY;
	f->is_element = false;
	f->has_code = f->has_mute = f->has_known = false;
	f->is_asked_url = f->is_asked_code = false;
	f->roles = 0;
	memset(f->member, 0, sizeof f->member);
}

/*
 * The value of `url` in the object F, 0 if it has none, and whether F has a member KEY, the one of codes;
 * also of members that the walk has not met.  Each is looked for once, however many of the members ask.
 */
static inline uint32_t
root_frame_url(struct root_frame *f, const struct json *j)
{
	if (!f->is_asked_url)
		f->url = json_member(j, f->node, (struct bytes)BYTES("url"));
	f->is_asked_url = true;
	return f->url;
}

static inline bool
root_frame_has_code(struct root_frame *f, const struct json *j, uint16_t key)
{
	if (!f->is_asked_code)
		f->holds_code = json_member_key(j, f->node, key) != 0;
	f->is_asked_code = true;
	return f->holds_code;
}

/* label_list.c: the labels of the record, their order, and the level of each node that follows from them. */
struct label_list {
	const struct ruleset *set; /* borrowed */
	const struct json *json;   /* borrowed */
	struct buffer labels;      /* struct label */
	struct buffer links;       /* uint32_t: see label_list_link */
};

/* What holds at a node: the sum of its labels and of those around it. */
struct label_standing {
	unsigned level; /* max(base, raise) */
	uint64_t sensitivity;
	uint64_t basis;
};

void label_list_init(struct label_list *l, const struct ruleset *set);
void label_list_release(struct label_list *l);
void label_list_start(struct label_list *l, const struct json *j);

/* A new label without a level; the caller fills it in before the next one is added. */
struct label *label_list_add(struct label_list *l, uint32_t node, enum label_kind kind, unsigned origin);

/* In document order, then in the policy's order.  Labels of one origin on one node become one. */
void label_list_sort(struct label_list *l);

/*
 * After label_list_link, which the labels must be sorted for, the next two answer for these labels, also
 * while more are added.
 */
void label_list_link(struct label_list *l);
struct label_standing label_list_standing(const struct label_list *l, uint32_t node);
struct label_standing label_list_within(const struct label_list *l, uint32_t node); /* and all in NODE */

/* The level of one node by sorted LABELS, without links. */
unsigned label_list_level(const struct json *j, const struct label *labels, size_t count, uint32_t node);

static inline struct label *
label_list_at(const struct label_list *l)
{
	return (struct label *)(void *)l->labels.at;
}

static inline size_t
label_list_count(const struct label_list *l)
{
	return l->labels.used / sizeof(struct label);
}

/* current_root.c: the root that is being labelled, and what the walk has found in it so far. */
struct current_root {
	struct ruleset *set;            /* borrowed */
	struct type_plan *plan;         /* of the root's type */
	struct condition_record record; /* the JSON, the roots, the index of this one, its Codings */
	uint64_t number;                /* counts the roots of all records */
	struct coding_hits hits;        /* the Codings that are in a value set */
	struct buffer hit_room;         /* struct coding_hit */
	struct term_hits terms;         /* the strings that say a term of a value set */
	struct buffer term_room;        /* struct term_hit */
	struct buffer entries;          /* uint32_t: the outermost entries, ascending */
	struct buffer text;             /* for conditions to unescape */
	struct jq_limit limit;          /* of all conditions of the record */
	struct coding_memo memo;
};

/* C is zeros.  Its memory is large and mostly not used, so nothing touches it. */
void current_root_init(struct current_root *c, struct ruleset *set, const struct roots *roots);
void current_root_release(struct current_root *c);
void current_root_start(struct current_root *c, const struct json *j);

/* Whether the record's conditions were all evaluated, or why not: then its labels may be too low. */
enum jq_limit_passed current_root_passed_limit(const struct current_root *c);

/* Goes on to root INDEX.  SUBJECT is what $subject is in jq. */
void current_root_enter(struct current_root *c, size_t index, struct bytes subject);

/* Root INDEX for conditions that need no walk: its Codings and entries are not known. */
void current_root_select(struct current_root *c, size_t index, struct bytes subject);

void current_root_add_hit(struct current_root *c, const struct coding_hit *hit);
void current_root_add_term(struct current_root *c, const struct term_hit *hit);
void current_root_add_entry(struct current_root *c, uint32_t node);

/* Whether the rule's `where` and `when` hold. */
enum truth current_root_judge(const struct current_root *c, const struct ruleset_rule *rule);

/* The outermost entry around NODE; the root if there is none. */
uint32_t current_root_entry(const struct current_root *c, uint32_t node);

static inline const struct json *
current_root_json(const struct current_root *c)
{
	return c->record.json;
}

static inline uint32_t
current_root_node(const struct current_root *c)
{
	return c->record.roots->at[c->record.root].node;
}

/* urgency.c: what says how urgent something is.  It becomes labels when the levels are known. */
struct urgency_list {
	const struct current_root *root; /* borrowed */
	struct buffer items;             /* struct urgency_item */
	struct buffer reasons;           /* struct urgency_reason */
	struct buffer points;            /* struct urgency_points, by part of a score */
	uint32_t open;                   /* the first reason that belongs to no item that is closed */
	size_t root_first;               /* the first item of the root at hand */
	uint32_t reading_node;           /* the Quantity that was read last, 0: none */
	const struct unit *reading_unit; /* beside which it was read */
	enum quantity_fault reading_fault;
	struct quantity reading;
	uint16_t value_quantity, value_integer, value_range, value_samples;
	uint16_t low, high, origin, factor, data, lower_limit, upper_limit, text, name;
	struct buffer number; /* of a sample */
};

void urgency_init(struct urgency_list *u, const struct current_root *root);
void urgency_release(struct urgency_list *u);
void urgency_start(struct urgency_list *u);

/*
 * NODE, with all in it, is a reason.  urgency_add makes an item of the reasons since the last urgency_close.
 * LEVEL is the item's own; LABEL_NONE: that of its reasons.
 */
void urgency_reason(struct urgency_list *u, uint32_t node);
void urgency_add(struct urgency_list *u, uint32_t node, unsigned criticality, unsigned origin, int level);
void urgency_close(struct urgency_list *u);

/* NODE is at the place of evidence number EVIDENCE. */
void urgency_evidence(struct urgency_list *u, uint32_t node, uint32_t evidence);

/* HOLDER may hold a sign, by its `code` at node CODE (0: none).  Its Codings are the hits from FIRST on. */
void urgency_sign(struct urgency_list *u, uint32_t holder, uint32_t code, size_t first);

void urgency_end_root(struct urgency_list *u);

/* Adds a label for each item.  LABELS are sorted. */
void urgency_label(struct urgency_list *u, struct label_list *labels);

/*
 * sign_value.c: what becomes of a value under a rule of its sign, the worst last.  With OPEN, *CRITICALITY is
 * that of the least grave band in which the value may lie.
 */
enum judgement { JUDGED, OTHER_UNIT, NO_VALUE, OPEN };

/* Judges the value in HOLDER, a root or a component, which becomes *VALUE; 0 if there is none. */
enum judgement sign_value_judge(struct urgency_list *u, const struct ruleset_rule *rule, uint32_t holder,
    uint32_t *value, unsigned *criticality);

enum judgement sign_value_read(
    const struct ruleset_rule *rule, const struct quantity *reading, unsigned *criticality);

/* apply.c: which rules hold for the root at hand, and where their labels go. */
struct apply {
	const struct current_root *root; /* borrowed */
	struct label_list *labels;       /* borrowed */
	struct urgency_list *urgencies;  /* borrowed */
	struct apply_state *state;       /* by rule: which needs are met */
	struct buffer candidates;        /* uint32_t: rules whose needs are all met */
};

void apply_init(struct apply *a, const struct current_root *root, struct label_list *labels,
    struct urgency_list *urgencies);
void apply_release(struct apply *a);
void apply_start(struct apply *a);

/* A need of the trigger's rule is met. */
void apply_trigger(struct apply *a, uint32_t trigger);

/* The same for all triggers that ask anywhere for one of the value sets of a Coding or a term. */
void apply_hit(struct apply *a, const struct coding_hit *hit);
void apply_match(struct apply *a, const struct codes_match *match);

/* Evaluates the rules that may hold, after the walk. */
void apply_rules(struct apply *a);

/* coverage.c: what the policy does not see, counted over all records. */
struct coverage_count {
	const struct ruleset *set; /* borrowed */
	uint64_t records;
	uint64_t *type_count; /* by index of VOCABULARY_RESOURCE_TYPE: known types without a base */
	uint64_t unknown_types;
	uint64_t other_types;     /* without a base, and not of the vocabulary */
	uint64_t *system_count;   /* by number of a system; 0: any other */
	uint64_t *system_seen;    /* the last record that had it */
	uint8_t *system_coverage; /* enum system_coverage */
	unsigned systems;
	struct coverage_tally {
		uint64_t records, seen;
	} no_code, no_such_code;
};

void coverage_init(struct coverage_count *c, struct ruleset *set);
void coverage_start(struct coverage_count *c);
void coverage_type(struct coverage_count *c, const struct current_root *root);

/* SYSTEM was used.  True if `uncovered:` asks for a label. */
bool coverage_system(struct coverage_count *c, unsigned system);

/* The same for a concept without a code, and for a code that its system cannot have. */
bool coverage_no_code(struct coverage_count *c);
bool coverage_no_such_code(struct coverage_count *c);

/* Whether SYSTEM is a known one of which no value set has rows. */
bool coverage_lacks(const struct coverage_count *c, unsigned system);
bool coverage_fact(const struct coverage_count *c, size_t i, struct coverage *fact);

/* brought_labels.c: the labels that came with the record. */
struct brought_labels {
	const struct current_root *root; /* borrowed */
	struct label_list *labels;       /* borrowed */
	struct pointer_cursor *cursor;
	struct buffer text; /* for unescaping */
	/* Numbers of the systems of security labels. */
	unsigned confidentiality, act_code, act_reason, observation_value;
	uint16_t value_coding, value_concept;
	uint16_t term, scheme; /* of a category of Atom */
	uint16_t of_term[3];   /* the members of a label of Contract.term */
	enum reason reason;    /* after a refusal */
	uint32_t refused;      /* the node */
};

void brought_labels_init(
    struct brought_labels *b, const struct current_root *root, struct label_list *labels);
void brought_labels_release(struct brought_labels *b);

/* Each of these is false when the record is refused. */
/* VALUES: one label or a list of them, in the object AROUND. */
bool brought_labels_at(struct brought_labels *b, uint32_t values, uint32_t around, enum brought_place place);
bool brought_labels_inline(struct brought_labels *b, uint32_t node, uint32_t extension); /* of NODE */
bool brought_labels_floor(struct brought_labels *b, uint32_t list); /* `floor` of an ingested line, 0: none */

/* The code at node CODE, anywhere in the record, may be that of a sensitivity: then it labels NODE. */
void brought_labels_category(struct brought_labels *b, uint32_t node, uint32_t code);

/*
 * LIST: `labels` of a labelled line.  The labels of narratives and summaries are taken with SUMMARIES, the
 * others without it.  Labels are sorted before and afterwards.
 */
bool brought_labels_line(struct brought_labels *b, uint32_t list, uint32_t record, bool summaries);

/* labelled.c: the line that ehr-classify writes. */
struct labelled {
	struct ruleset *set; /* borrowed */
	struct pointer_cursor *cursor;
	struct buffer line;
	struct buffer texts;           /* struct bytes: of base labels, by number from 1 */
	uint8_t sensitivity_order[64]; /* indexes of concepts by the text of their codes */
	uint8_t basis_order[64];
	uint32_t *origin_rank; /* by the text of their ids */
};

void labelled_init(struct labelled *w, struct ruleset *set);
void labelled_release(struct labelled *w);

/* Writes the text of a base label on NODE, which lives as long as the policy.  Returns its number. */
uint32_t labelled_base(
    struct labelled *w, const struct json *j, uint32_t record, uint32_t node, unsigned origin);

/* With FHIR (NULL: without), the record has the labels found in it.  False: the sink failed. */
bool labelled_write(struct labelled *w, const struct json *j, const struct labels *labels,
    const struct fhir_labels *fhir, struct sink *out);

/*
 * spoken.c: the node that HOLDER's extensions are about: for _x it is x, for an element of _x that element of
 * x.  The frames lead to HOLDER from OUTERMOST.  NAMED is cleared for each record.
 */
uint32_t spoken_of(struct json_named *named, const struct json *j, const struct root_frame *outermost,
    struct root_frame *holder);

/* root_terms.c: terms of value sets in the strings of the root at hand. */
struct root_terms {
	struct current_root *root; /* borrowed, as are the next two */
	struct apply *apply;
	const struct naming *naming; /* NULL: the policy lists no names */
	const struct terms *terms;   /* NULL: the policy has none */
	bool tells;                  /* rules ask for codes in texts, too */
	struct fold fold;
	struct silent_texts silent[2]; /* by whether they are searched for codes, too */
	struct text_memo memo;         /* texts that terms_may or codes_text_may does not dismiss */
	struct buffer text;            /* for unescaping */
	struct disguise disguise;
	struct buffer undone[2]; /* a text as it was before it was encoded, in turn */
	uint16_t display;        /* its key */
};

/* T is zeros, as C above. */
void root_terms_init(
    struct root_terms *t, struct current_root *root, struct apply *apply, const struct naming *naming);
void root_terms_release(struct root_terms *t);

/* True if TEXT, with JSON_SLACK bytes behind it, begins with one of `skip_uris`. */
static inline bool
root_terms_skips(const struct terms_rules *rules, struct bytes text)
{
	uint64_t word;

	if (text.size == 0 || !rules->uri_begins[(unsigned char)text.at[0]])
		return false;
	memcpy(&word, text.at, sizeof word);
	for (size_t i = 0; i < rules->uris; i++)
		if ((word & rules->uri[i].mask) == rules->uri[i].word &&
		    text.size >= rules->uri[i].text.size &&
		    memcmp(text.at, rules->uri[i].text.at, rules->uri[i].text.size) == 0)
			return true;
	return false;
}

/* What is known of a string before it is searched. */
enum text_worth {
	WORTH_NOTHING, /* it says nothing as it stands */
	WORTH_LOOK,    /* it is not plain text */
	WORTH_TERM,    /* it may say a term, and what the next one may */
	WORTH_NO_TERM, /* it may say a code, or something in disguise */
};

/* Of a text that is met for the first time.  Notes it if it says nothing. */
enum text_worth root_terms_news(struct root_terms *t, struct bytes text, bool tells);

/* Of the string NODE under a key with TERMS of enum about_terms; most need no call. */
static inline enum text_worth
root_terms_worth(struct root_terms *t, const struct json *j, uint32_t node, unsigned terms)
{
	struct bytes text = json_inside(j, node);
	bool tells = t->tells && (terms & TERMS_NO_CODE) == 0;

	if ((terms & TERMS_BASE64) != 0 || (j->nodes[node].flags & JSON_ESCAPED) != 0 ||
	    (text.at[0] == 'd' && bytes_begin(text, "data:")))
		return WORTH_LOOK;
	if (text.size <= 2 || numbers_is_time(text))
		return WORTH_NOTHING;
	bool is_address = !tells && uuid_ends(text);
	struct bytes known = { text.at, is_address ? text.size - UUID_SIZE : text.size };

	if (silent_texts_has(&t->silent[tells], known, is_address ? SILENT_BEGIN : SILENT_WHOLE))
		return WORTH_NOTHING;
	return root_terms_news(t, text, tells);
}

/*
 * Looks at the string NODE under KEY in FRAME, to which the frames lead from OUTERMOST, the root's.  WORTH is
 * not WORTH_NOTHING.
 */
void root_terms_look(struct root_terms *t, struct root_frame *outermost, struct root_frame *frame,
    uint32_t node, uint16_t key, enum text_worth worth);

/* Looks at the name NAME of a member of the object FRAME.  What it says labels the member's value. */
void root_terms_look_at_name(
    struct root_terms *t, struct root_frame *outermost, struct root_frame *frame, uint32_t name);

/* Whether nobody has looked at that name, or it said something. */
static inline bool
root_terms_is_news(const struct root_terms *t, const struct json *j, uint32_t name)
{
	struct bytes text = json_inside(j, name);

	return text.size > 2 && !silent_texts_has(&t->silent[true], text, SILENT_NAME);
}

/*
 * entry_names.c: the entries of Bundles in a record by what references call them: their address, Type/id, or
 * `urn:uuid:` and the id.
 */
struct entry_names {
	const struct current_root *root; /* borrowed */
	struct buffer items;             /* struct entry_name, by hash */
	struct buffer groups;            /* struct entry_group */
	struct buffer places;            /* struct entry_place, by root */
	struct buffer text;              /* for unescaping, as is the next */
	struct buffer piece;
	bool is_read; /* the three lists are those of the record at hand */
};

/* More entries of one name, or references to them, count together; else they would be quadratic. */
enum { ENTRY_MANY = 16 };
struct entry_group {
	size_t first; /* item */
	size_t count;
	enum truth retells; /* the displays': one of them is of a type whose displays retell */
};

void entry_names_init(struct entry_names *n, const struct current_root *root);
void entry_names_release(struct entry_names *n);
void entry_names_start(struct entry_names *n);

/*
 * Calls FOUND for each root that REFERENCE in root FROM can mean.  IS_SURE: it means that one by the rules of
 * FHIR (R4 bundle.html, resolving references); otherwise the entry may stand for another server's record, or
 * for another version.  For a group FOUND is called once, with the number of roots and the group's index as
 * ROOT; IS_SURE if one of the first is meant surely.
 */
typedef void entry_names_found(void *context, uint32_t root, bool is_sure);
void entry_names_each(
    struct entry_names *n, struct bytes reference, uint32_t from, entry_names_found *found, void *context);

/* The group that ROOT stands for; NULL if it is a root. */
struct entry_group *entry_names_group(const struct entry_names *n, uint32_t root);

/* Root I of the group. */
uint32_t entry_names_member(const struct entry_names *n, const struct entry_group *g, size_t i);

/*
 * summary.c: parts that tell what stands elsewhere in their root, as a conclusion does.  They get the level
 * and the categories of what they tell.  The display of a reference tells of the entry that it names.
 */
struct summary_list {
	const struct current_root *root; /* borrowed */
	struct label_list *labels;       /* borrowed */
	struct entry_names *names;       /* borrowed */
	struct buffer items;             /* struct summary */
	struct buffer told;              /* struct summary_told, for each root, and group of names */
	bool is_needed;                  /* whatever the labels are */
	uint16_t meta;
};

void summary_init(struct summary_list *s, const struct current_root *root, struct label_list *labels,
    struct entry_names *names);
void summary_release(struct summary_list *s);
void summary_start(struct summary_list *s);

/* NODE of the current root, which stands in the object or array AROUND. */
void summary_add(struct summary_list *s, uint32_t node, uint32_t around, bool is_narrative);

/*
 * DISPLAY in the current root tells of the entry whose resource is root INDEX.  RETELLS: also of its parts,
 * as the name of a person does not.
 */
void summary_display(struct summary_list *s, uint32_t display, uint32_t index, bool retells);

/* Adds their labels.  Labels are sorted before and afterwards. */
void summary_label(struct summary_list *s);

/* displays.c: displays of references, which tell of another record. */
struct display_type {
	char name[40];
	size_t size;    /* 0: free */
	uint64_t rules; /* bit i: rule i of the list is about it */
	bool is_known;
};
enum { DISPLAY_TYPES = 32 };
struct displays {
	const struct current_root *root; /* borrowed */
	struct label_list *labels;       /* borrowed, as are the next two */
	struct entry_names *names;
	struct summary_list *summaries;
	struct buffer text;           /* for unescaping */
	uint32_t rule[DISPLAY_RULES]; /* those with refers_to */
	unsigned rules;
	struct display_type type[DISPLAY_TYPES]; /* the last types met, by their name */
	uint16_t reference;
};

void displays_init(struct displays *d, const struct current_root *root, struct label_list *labels,
    struct entry_names *names, struct summary_list *summaries);
void displays_release(struct displays *d);

/* Looks at the object of F, which has a display.  IS_ELEMENT: it is one of the list `coding`. */
void displays_look(struct displays *d, const struct root_frame *f, bool is_element);

/* opaque.c: parts that nobody can look into: attachments, base64. */
struct opaque {
	const struct ruleset *set; /* borrowed */
	struct label_list *labels; /* borrowed */
	struct buffer text;        /* for unescaping */
	uint16_t sibling[8];       /* members of an attachment that reveal what it is */
	uint16_t origin, content, on_data;
};

/* An object that may be an attachment. */
struct opaque_object {
	uint32_t node;
	uint32_t key;           /* the node of its key, or of its array's; 0: a root */
	const uint32_t *member; /* by role */
	bool is_public;         /* it stands in a place of the lowest level */
};

/* A run of base64 this long is no word. */
enum { OPAQUE_LENGTH = 256 };

void opaque_init(struct opaque *o, const struct ruleset *set, struct label_list *labels);
void opaque_release(struct opaque *o);

/* IS_CODED: its element holds base64 alone. */
/* Whether a short string may be opaque that begins so: a data: URL, markup with one, what is packed. */
static inline bool
opaque_may_begin(char first)
{
	static const bool begins[UINT8_MAX + 1] = {
		['d'] = true,
		['D'] = true,
		['<'] = true,
		['H'] = true,
		['U'] = true,
		['Q'] = true,
		['e'] = true,
		['K'] = true,
		['/'] = true,
		['\\'] = true,
	};

	return begins[(unsigned char)first];
}

void opaque_string(struct opaque *o, const struct json *j, uint32_t node, bool is_coded);
void opaque_attachment(struct opaque *o, const struct json *j, const struct opaque_object *at);

/* root_walk.c: one walk over a root, which serves all of the parts above. */
struct root_walk {
	struct current_root *root; /* borrowed, as are the next eight */
	struct label_list *labels;
	struct summary_list *summaries;
	struct displays *displays;
	struct urgency_list *urgencies;
	struct apply *apply;
	struct coverage_count *coverage;
	struct brought_labels *brought;
	struct opaque *opaque;
	struct naming *naming; /* NULL: the policy lists no names */
	struct labelled *labelled;
	struct root_terms *terms;
	struct buffer frames;    /* struct root_frame: the containers around the node at hand */
	struct buffer facts;     /* struct root_facts, for each root */
	struct json_named named; /* the members of objects with an _x */
	const struct json *json; /* of the record */
	const struct ruleset *set;
	struct type_plan *plan; /* of the root */
	struct buffer text;     /* for unescaping */
	size_t wall;            /* the next inner root that the walk comes to */
	uint32_t wall_node;     /* its node, NO_NODE if there is none */
	uint32_t brought_end;   /* of the labels that the walk came to last */
};

/* The other members of W are set. */
void root_walk_init(struct root_walk *w);
void root_walk_release(struct root_walk *w);
void root_walk_start(struct root_walk *w);

/* Walks the current root.  False: a brought label refuses the record. */
bool root_walk(struct root_walk *w);

#endif
