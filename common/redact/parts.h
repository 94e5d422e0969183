/* SPDX-License-Identifier: ISC */
#ifndef EHR_REDACT_PARTS_H
#define EHR_REDACT_PARTS_H

#include "common/base/bytes.h"
#include "common/base/guard.h"
#include "common/base/reason.h"
#include "common/json/json.h"
#include "common/json/json_named.h"
#include "common/json/pointer.h"
#include "common/label/fhir_labels.h"
#include "common/label/roots.h"
#include "common/label/shape.h"
#include "common/line/tags.h"
#include "common/redact/obligations.h"
#include "common/redact/redactor.h"
#include "common/redact/scheme.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * parts: what a redactor consists of while it works on a record.  A part calls only parts that stand before
 * it here, below the file that has its functions.  Sets of bits are those of scheme.h.
 */

/*
 * notes.c: what a line's labels say, on the nodes that they are about.
 *
 *	level(n) = max(base(n), raise(n))    base: of the nearest label `base` or `default` at or above n
 *	                                     raise: the highest other label at or above n
 *
 * A label with a criticality does not raise the level: it is an urgency.
 */
enum { NOTES_NO_BASE = 0xff };

/* The labels of one node. */
struct notes_node {
	uint64_t left_out; /* bits of the versions that leave its category out */
	uint64_t dropped;  /* bits of the versions that leave it out whatever its level */
	uint32_t node;     /* private */
	uint8_t base;      /* level, NOTES_NO_BASE */
	uint8_t raise;     /* level, 0 for none: it is the lowest */
	bool is_sibling;   /* it is `_x` beside x */
	bool inside;       /* a node below has notes and is not in `labelled` */
};

/* A label with a criticality. */
struct notes_urgency {
	uint32_t node;
	unsigned level; /* who may know of it */
	unsigned criticality;
};

/* The sensitivity categories of a label and the laws it rests on: see vocabulary_labels_below(). */
struct notes_category {
	uint32_t node;
	uint64_t categories;
};

struct notes {
	uint32_t *labelled; /* nodes with labels, ascending */
	uint32_t count;
	struct notes_urgency *urgent;
	uint32_t urgencies;
	bool wants_categories;           /* the caller's: fill the next */
	struct notes_category *category; /* by node, ascending */
	uint32_t categories;
	unsigned highest;  /* level of any label that counts */
	uint64_t left_out; /* of all nodes together */
	enum reason reason;
	size_t byte;
	/* private: few nodes have notes, so a bit says which, and a hash table finds them */
	uint64_t *bit; /* by node of the line, 64 in each */
	struct notes_node *note;
	uint32_t *slot; /* open addressing: a note's number from 1; 0: free */
	uint32_t notes;
	uint32_t slots; /* a power of two */
	uint32_t bit_room, note_room, slot_room, labelled_room, urgent_room, category_room;
	struct pointer_cursor *cursor;
};

void notes_init(struct notes *n);
/* Leaves zeros. */
void notes_release(struct notes *n);

/* Reads the labels of a line.  False: reason and byte. */
bool notes_read(struct notes *n, const struct scheme *s, const struct json *j, const struct envelope *e);

/*
 * The notes of a node, to be changed, valid until the next call.  They are cleared before the next line.
 */
struct notes_node *notes_touch(struct notes *n, uint32_t node);

/* Private: of a node that has notes. */
const struct notes_node *notes_find(const struct notes *n, uint32_t node);

/* What nodes without notes have. */
extern const struct notes_node notes_nothing;

/* The notes of a node, valid until the next notes_touch. */
static inline const struct notes_node *
notes_of(const struct notes *n, uint32_t node)
{
	return (n->bit[node / 64] >> (node % 64) & 1) == 0 ? &notes_nothing : notes_find(n, node);
}

/*
 * BITS lose NODE, and no sign may stand in its place.  notes_drops_end() follows the last of them.
 */
void notes_drop(struct notes *n, uint32_t node, uint64_t bits);
void notes_drops_end(struct notes *n);

/*
 * places.c: members of FHIR records that copy or name what stands elsewhere in the record.  A version that
 * withholds the original must withhold the copy, so these members have rules of their own.  Where roots are
 * not FHIR's, only the members of type and id are known.
 */
enum places_kind {
	PLACE_PLAIN,
	PLACE_BASIC, /* type and id of the record: any record has them */
	PLACE_ID,    /* a root's id, or an element's */
	PLACE_META,
	PLACE_SECURITY,
	PLACE_TEXT,
	PLACE_DISPLAY,
	PLACE_EXTENSION, /* modifierExtension, too */
	PLACE_CONTAINED,
	PLACE_IDENTIFIER,
	PLACE_VALUE,
	PLACE_REFERENCE, /* the string in a Reference */
	PLACE_FULL_URL,
	PLACE_BUNDLE, /* total, link, signature of a Bundle: they count or cover all its entries */
	PLACE_RESOURCE,
	PLACE_DATA,    /* data of an Attachment */
	PLACE_CONTENT, /* url, hash, size, title of an Attachment: they identify its data */
};

struct places {
	uint8_t *of_key;    /* enum places_kind by key number */
	bool *is_summary;   /* by key number: names of summaries anywhere */
	bool *holds_coding; /* by key number: members with a Coding */
	uint16_t reference, type, system, code, coding, url, id, entry, resource, content, full_url, data,
	    contained, section, concept, identifier, content_type, attachment, origin, hash, size, title;
};

/* KEYS gains the members that matter; before the first text is parsed. */
void places_init(struct places *p, const struct scheme *s, struct json_keys *keys);
void places_release(struct places *p);

/*
 * True if a Coding of meta.security is a handling instruction or a purpose of use: such
 * codes say nothing of how sensitive the record is.
 */
bool places_harmless(const struct places *p, const struct json *j, uint32_t coding, struct buffer *room);

/* True if the extension is an inline security label (FHIR DS4P). */
bool places_inline_label(
    const struct places *p, const struct json *j, uint32_t extension, struct buffer *room);

/* The bits whose `extensions` list the extension's URL. */
uint64_t places_listed(const struct places *p, const struct scheme *s, const struct json *j,
    uint32_t extension, struct buffer *room);

/*
 * outline.c: what is known of a record before its tree is walked: its roots and their types, and whether it
 * has members with rules of their own at all.  Most records have few of them, so most questions end here.
 */
struct outline_root {
	unsigned type; /* number of its type in the scheme */
	bool is_bundle;
	bool is_contained; /* known after orphans_learn */
	struct kinds_at element;
	uint64_t gone_now;       /* bits that lost it in this turn of the walk */
	uint64_t orphan;         /* bits in which nothing that stays refers to it: it goes */
	uint64_t lost_reference; /* bits that lost a reference in it */
	uint64_t limited;        /* bits that lose what retells it, for a decision took something out of it */
};

struct outline {
	const struct scheme *s;
	const struct json_keys *keys;
	/* the record, borrowed until the next one */
	const struct json *json;
	struct notes *notes;
	uint32_t record; /* node */
	/* what it is made of */
	struct roots roots;
	struct outline_root *root; /* beside roots.at */
	uint64_t *gone_before;     /* beside roots.at: bits that lost the root in an earlier turn */
	uint64_t transformed;      /* bits with a transform for the type of some root */
	uint64_t without_type;     /* bits whose `types` leave out the type of some root */
	bool has_labels;           /* a member security or extension */
	bool has_references;
	bool has_names;    /* a display or an identifier: a reference may have no address */
	bool has_sections; /* whose narratives repeat them */
	bool has_bundle;
	struct condition_record asked; /* the record as conditions see it */
	struct buffer room;            /* for unescaping: anybody's, until the next call */
	/* private */
	size_t root_room;
	struct buffer condition_room;
	struct places places;
};

/* KEYS gains the members that matter; before the first text is parsed. */
void outline_init(struct outline *o, const struct scheme *s, struct json_keys *keys);
void outline_release(struct outline *o);

/* Takes the record at node RECORD of J and the notes on it. */
void outline_start(struct outline *o, const struct json *j, struct notes *n, uint32_t record);

/* The bits that certainly keep the whole record, by its roots and labels alone. */
uint64_t outline_whole(const struct outline *o);

/*
 * limiter.c: carries out the obligations of a decision on a record before its tree is walked: notes what they
 * take out.  limiter_judge.c has the answers to their demands.
 *
 * A root, an entry of policy.yaml and a node with labels are judged; what is in them follows, unless it is
 * judged itself.  What a redaction matches is gone with all that is in it.  Of what is not kept, the way to a
 * part that is kept stays.
 */
struct limiter_coding {
	uint32_t node;
	uint32_t entry; /* the outermost entry around it in its root; 0: none */
	uint32_t root;  /* index */
};

struct limiter {
	const struct obligations *obligations; /* NULL: none */
	struct outline *outline;
	bool record_gone;
	bool refuses; /* some obligation speaks of references */
	/* private */
	struct paths *entries;
	struct buffer codings; /* struct limiter_coding, by node */
	struct buffer parts;   /* a byte by node of the record */
	struct buffer frames;
	struct buffer contexts; /* of the roots and entries around the node at hand */
	struct buffer room;
	uint32_t next_root, next_category;
};

/* O may be NULL.  S and O are borrowed. */
void limiter_init(
    struct limiter *l, const struct obligations *o, const struct scheme *s, struct json_keys *keys);
void limiter_release(struct limiter *l);

/* Judges the record of OUT and notes for BITS what is taken out: notes, outline.root[].limited. */
void limiter_run(struct limiter *l, struct outline *out, uint64_t bits);

/* Root number ROOT and those around it have lost something. */
void limiter_mark(struct outline *o, size_t root, uint64_t bits);

/* True if a reference to a TYPE with ID (empty: unknown) tells of what an obligation may have taken out. */
bool limiter_refuses(const struct limiter *l, struct bytes type, struct bytes id);

/*
 * limiter_judge.c: a context is what is known of the root, or of the entry, around a node: the truth of each
 * demand but labels, and which codes it has.
 */
size_t limiter_context_size(const struct obligations *o);

/* Of the root with index ROOT; PARENT is the context of the root around it, whose part it is, or NULL. */
void limiter_judge_root(struct limiter *l, uint8_t *context, const uint8_t *parent, uint32_t root);

/* CONTEXT is that of its root and becomes that of the entry at node ENTRY. */
void limiter_judge_entry(struct limiter *l, uint8_t *context, uint32_t root, uint32_t entry);

enum limiter_verdict { LIMIT_NONE, LIMIT_NOT_KEPT, LIMIT_GONE };
enum limiter_verdict limiter_judge(
    const struct limiter *l, const uint8_t *context, unsigned level, uint64_t categories);

/* The verdict on a Bundle: it goes where its class is named, else its entries are judged. */
enum limiter_verdict limiter_judge_bundle(const struct limiter *l, const uint8_t *context);

/*
 * matches.c: what redact.yaml says of a node by the paths that lead to it: `keep`, `mark.except`, transforms.
 */

/* A transform that matches, and the bits for which it is the first of their version. */
struct matches_pick {
	unsigned transform;
	uint64_t bits;
};

struct matches {
	uint64_t in_keep;  /* bits whose `keep` names the node */
	uint64_t formed;   /* bits whose `keep` names it with a form */
	uint64_t excepted; /* marks that leave it out */
	uint64_t summary;  /* bits that lose it as a summary */
	struct matches_pick pick[SCHEME_MAX_VERSIONS];
	unsigned picks;
};

/*
 * The node's STATE in the automaton, which is not PATHS_DEAD; index and type number of the root around it.
 */
void matches_find(struct matches *m, struct outline *o, uint32_t state, uint32_t root, unsigned type);

/* The bits in which a transform changes that node. */
uint64_t matches_changes(struct outline *o, uint32_t state, uint32_t root, unsigned type);

/*
 * The forms of `keep` for a node in STATE, of roots of a type.  Takes from *BITS those for which a form
 * matches, and returns those of them for which JUDGE finds one good.
 */
uint64_t matches_forms(const struct scheme *s, uint32_t state, unsigned type, uint64_t *bits,
    bool (*judge)(void *context, const struct form *form), void *context);

/*
 * primitive_siblings.c: FHIR writes the id and the extensions of a primitive x into a member _x beside it
 * (FHIR R4 2.6.2), and those of an array element by element.  A label on either of the two holds for both,
 * and a version that changes x leaves _x out, with or without x: a birth time in `_birthDate` would undo it.
 *
 * In the same way url, hash, size and title of an Attachment have at least the level of its data.
 */
struct view;

/* True for the key of a _x.  The underscore may be escaped. */
bool primitive_siblings_is(const struct json *j, uint32_t key);

/*
 * Notes this for the members of the object of V, before any of them is viewed.  NAMED is cleared for each
 * record.
 */
void primitive_siblings_join(struct json_named *named, struct outline *o, const struct view *v);

/*
 * targets.c: which roots of a record its references mean.  A reference to a lost root would tell that the
 * root was there, so a version that loses the root loses the reference too.
 */
struct targets {
	struct buffer groups;            /* struct targets_group: the roots of one name */
	struct buffer items;             /* struct targets_item: the roots of each group */
	struct buffer text, piece, name; /* `text` holds the names */
	uint32_t *slot;                  /* open addressing: a group's number from 1; 0: free */
	uint32_t slots;                  /* a power of two */
	uint32_t room, turn;
};

void targets_init(struct targets *t);
void targets_release(struct targets *t);

/* Notes the ids, fullUrls and identifiers of contained roots and of entries. */
void targets_find(struct targets *t, const struct places *p, struct shape *shape, const struct json *j,
    const struct roots *roots);

/* What is lost has changed since the last targets_gone. */
void targets_turn(struct targets *t);

/* A record, and what of it is lost. */
struct targets_query {
	const struct roots *roots;
	const uint64_t *gone; /* by root: the bits that lost it */
	uint64_t local;       /* bits for which a `#x` that leads nowhere is lost too */
};

/* The bits that lost all roots that REFERENCE (unescaped, in root FROM) can mean.  IS_HERE: it means one. */
uint64_t targets_gone(
    struct targets *t, const struct targets_query *q, struct bytes reference, uint32_t from, bool *is_here);

/* The bits that lost an entry with that IDENTIFIER, of which a Reference without a reference speaks. */
uint64_t targets_identified(
    struct targets *t, const struct targets_query *q, const struct json *j, uint32_t identifier);

/* NAME in `#NAME`, in `Encounter/e#NAME`, the record around it, and in a NAME alone; false: it has none. */
bool targets_fragment(struct bytes reference, struct bytes *name);
/* Calls FOUND for a root inside FROM, and one beside it, that it can mean. */
void targets_local(const struct targets *t, const struct roots *roots, struct bytes name, uint32_t from,
    void (*found)(void *context, uint32_t root), void *context);

/*
 * view.c: what is known of a node before anything is decided: for which bits its level, its category,
 * `keep`, a place with rules of its own or a lost target speaks against it.  Nothing is written here.
 */

/* What a container is for its children. */
enum view_around {
	AROUND_PLAIN,
	AROUND_ROOT,
	AROUND_META,
	AROUND_SECURITY,   /* the array meta.security */
	AROUND_EXTENSIONS, /* an array extension or modifierExtension */
	AROUND_EXTENSION,  /* one of its elements */
	AROUND_IDENTIFIER, /* an Identifier, or an array of them */
};

struct view {
	uint32_t member; /* node of its key; of an element the element itself */
	uint32_t value;
	uint32_t holder;         /* the object or array around it */
	uint32_t state;          /* of the automaton of paths */
	uint32_t root;           /* index of the root around it, or its own */
	unsigned type;           /* number of that root's type */
	struct kinds_at element; /* of FHIR R4, where a form may depend on it */
	uint8_t kind;            /* enum places_kind */
	uint8_t around;          /* enum view_around: what it is for its children */
	uint8_t base, raise;
	bool is_root;
	bool is_sibling; /* `_x` beside x, or inside it */
	bool is_element; /* an element of an array `_x`: its index ties it to the same element of x */
	/* sets of bits */
	uint64_t active;                /* asked about */
	uint64_t left_out;              /* leave out its category, or one around it */
	uint64_t in_keep;               /* `keep` names it, or a node around it */
	uint64_t formed;                /* the same with a form, which values in it must have */
	uint64_t coded;                 /* a Coding or Quantity of a system that the form lists */
	uint64_t may_extend, is_listed; /* an array in which listed extensions stay; one of these */
	uint64_t withheld_whole;        /* lose it with all that is in it: the union of */
	uint64_t cause[WHY_RECORD + 1];
	uint64_t no_sign;     /* of all causes but the category: no sign may stand in its place */
	uint64_t above_level; /* its level is above theirs; the level of nodes in it may not be */
	uint64_t not_in_keep; /* `keep` does not name it; it may name nodes in it */
	uint64_t unformed;    /* of those: `keep` names it, but it does not have the form */
};

/* BITS lose the node with all that is in it, for that reason. */
static inline void
view_blame(struct view *v, enum fate_why why, uint64_t bits)
{
	v->cause[why] |= bits;
	v->withheld_whole |= bits;
	v->no_sign |= why != WHY_CATEGORY ? bits : 0;
}

/* The bits that nothing speaks against. */
static inline uint64_t
view_clear(const struct view *v)
{
	return v->active & ~v->withheld_whole & ~v->above_level & ~v->not_in_keep;
}

/* A container whose children are being visited. */
struct view_frame {
	struct view view;
	uint32_t next;    /* the child to look at */
	uint32_t index;   /* children seen, the one at hand included */
	uint32_t edge;    /* end of the child before, or behind the bracket */
	uint64_t active;  /* bits not yet decided for all of it */
	uint64_t stays;   /* something of it stays */
	uint64_t signs;   /* a sign stays that something was here */
	uint64_t before;  /* a child before stays, so the next one needs its comma */
	uint64_t lost;    /* something of it went */
	uint64_t content; /* of a root: more stays than type, id and meta */
	uint64_t carried; /* it carries a root (an entry of a Bundle) and goes with it */
};

/* What this turn of the walk is about, set by the walk. */
struct view_turn {
	uint64_t narrative;    /* bits that lose narratives */
	uint64_t security;     /* bits that lose security labels */
	uint64_t references;   /* bits that lose references to lost roots */
	uint64_t looks_inside; /* bits that enter all that stays, for the three above */
	uint64_t limited;      /* bits that a decision took something from */
	bool has_gone;         /* some root went in an earlier turn */
};

/*
 * The bits that may know the child TEXT of a node; none if it is absent (0).  A version's shape must not
 * depend on a value that the version withholds, otherwise the shape reveals the value.
 */
static inline uint64_t
view_seen(const struct outline *o, const struct view *v, uint32_t text)
{
	const struct notes_node *note = notes_of(o->notes, text);
	uint8_t level = note->base != NOTES_NO_BASE ? note->base : v->base;

	if (text == 0)
		return 0;
	level = v->raise > level ? v->raise : level;
	level = note->raise > level ? note->raise : level;
	return ~(o->s->below_level[level] | v->left_out | note->left_out);
}

struct viewer {
	struct outline outline;
	struct limiter limiter;
	struct targets targets;
	struct view_turn turn;
	struct matches matches; /* of the node at hand */
	/* private */
	struct json_named named; /* the members of objects with an _x */
	uint32_t next_label;     /* index of the first node in notes->labelled that comes */
	uint32_t next_root;      /* in outline.roots */
};

/*
 * forms.c: takes from what `keep` names the values that do not have their form.  A form that names a place
 * holds for what is in it, too; of several around a node the innermost counts.
 *
 * Values of objects and arrays pass: their members are judged.  A Coding or Quantity is judged as a whole,
 * as its code says little without its system.
 */
void forms_judge(struct viewer *w, const struct view_frame *f, struct view *v);

void view_init(struct viewer *w, const struct scheme *s, const struct obligations *o, struct json_keys *keys);
void view_release(struct viewer *w);

/* The record itself, for the bits ACTIVE.  A turn begins with it; children follow in document order. */
void view_record(struct viewer *w, uint64_t active, struct view *v);

/*
 * F is the last of the frames from the record down to it, which stand in one array.  The child of F at node
 * MEMBER, which is its key or an element; DEPTH levels below the record. */
void view_child(
    struct viewer *w, const struct view_frame *f, uint32_t member, uint32_t depth, struct view *v);

/* The bits for which the node cannot be decided as a whole: its children must be looked at. */
uint64_t view_undecided(const struct viewer *w, const struct view *v);

/* Before the children of V are viewed. */
void view_enter(struct viewer *w, const struct view *v);

/*
 * retelling.c: the bits that lose the child V of F as a summary.  Beside codes it says no more than they do,
 * so the bits that know one of them keep it.
 */
uint64_t retelling_gone(const struct viewer *w, const struct view_frame *f, const struct view *v);

/* The bits that may know a code of the concept at node CONCEPT, of which V is the view. */
uint64_t retelling_known(const struct outline *o, const struct view *v, uint32_t concept);

/*
 * edits.c: the spans of a text that a version leaves out or replaces, in rising order and without overlap.
 * The version is the text between the spans and the replacements in their places.
 */
struct edit {
	uint32_t from;
	uint32_t to;
	uint32_t text; /* the replacement: its offset among the texts of the run */
	uint32_t size; /* and its length; 0: nothing is put there */
};

struct edits {
	struct edit *at;
	uint32_t count;
	uint32_t room;
};

/* Leaves zeros.  May be called twice. */
void edits_release(struct edits *e);

/*
 * Removes FROM..TO.  Earlier edits at FROM or behind it are forgotten; a removal that ends at FROM grows.
 */
void edits_remove(struct edits *e, uint32_t from, uint32_t to);

/* Replaces FROM..TO.  Earlier edits at FROM or behind it are forgotten. */
void edits_replace(struct edits *e, uint32_t from, uint32_t to, uint32_t text, uint32_t size);

/* FROM..TO of a text with edits made in it. */
struct edited {
	const struct edits *edits;
	const char *text;
	uint32_t from, to;
	const char *texts; /* the replacements */
};

/* Hands the result to PUT piece by piece.  False as soon as PUT answers false. */
bool edits_each(const struct edited *e, bool (*put)(void *context, struct bytes piece), void *context);

/*
 * decide.c: carries out what a view says of a node: removes it, replaces it, or puts a sign in its place,
 * as edits of each bit.  It notes why if the caller asks (fates).
 *
 * A sign is what `above: absent` and `above: mask` leave in the place of a node that is above the level.
 */
struct decisions {
	struct outline *o;                           /* borrowed */
	struct edits edits[2 * SCHEME_MAX_VERSIONS]; /* by bit */
	struct buffer texts;                         /* their replacements */
	uint64_t lost;                               /* bits that lost something */
	uint64_t done[FHIR_LABELS_DONE + 1];         /* by enum fhir_labels_done: bits with such a value */
	uint64_t failed; /* values that an operation could not be carried out on, and removed */
	/* of the run */
	struct bytes subject;
	struct bytes batch;
	const struct instant *now;
	struct redactor_fate *fates; /* node * versions + version; NULL: not asked for */
	/* private: the record's time, looked up with the first transform */
	bool asked_time, has_time;
	struct period time;
};

void decide_init(struct decisions *d, struct outline *o);
void decide_release(struct decisions *d);

/* decide_start comes before each record, decide_turn before each turn; ACTIVE is the bits of the turn. */
void decide_start(struct decisions *d);
void decide_turn(struct decisions *d, uint64_t active);

/*
 * The child V of F: STAYS of its bits keep it, SIGNS keep a sign of it, all other bits lose it.  Those of
 * EMPTIED lose it because nothing in it stays.
 */
void decide_child(struct decisions *d, struct view_frame *f, const struct view *v, uint64_t stays,
    uint64_t signs, uint64_t emptied);

/* The bits in which a sign may stand: only the level or the category speaks against the node. */
uint64_t decide_may_sign(const struct view *v);

/* Puts the sign of BITS in place of the node.  Returns those that have one. */
uint64_t decide_sign(struct decisions *d, const struct view *v, uint64_t bits);

/*
 * A transform with `level:` releases its result to that level.  Takes its bits from v->above_level, unless
 * the node is above the level by a label and not by its place alone.
 */
void decide_release_level(const struct decisions *d, const struct matches *m, struct view *v);

/*
 * Applies a transform for BITS.  Returns those that are replaced; those that keep a sign only join SIGNS.
 */
uint64_t decide_transform(
    struct decisions *d, struct view *v, const struct matches_pick *pick, uint64_t bits, uint64_t *signs);

/*
 * An element of an array `_x` whose content is gone, or never was, becomes null, so that the elements
 * behind it still belong to the same elements of x.  Returns the bits of BITS for which it did.
 */
uint64_t decide_null(struct decisions *d, const struct view *v, uint64_t bits);

/* Removes trailing nulls of the array `_x` that C walked through. */
void decide_trim(struct decisions *d, const struct view_frame *c);

/*
 * orphans.c: contained roots that nothing refers to any more (FHIR R4 dom-3).  One that came without a
 * reference stays where a reader may see what is missing.
 */
struct orphans {
	struct buffer links,
	    roots; /* struct orphans_link, the references to contained roots; struct orphans_root */
	struct buffer waiting; /* uint32_t: roots whose links are to be followed */
};

void orphans_init(struct orphans *p);
void orphans_release(struct orphans *p);

/* Finds the references of the record, after targets_find. */
void orphans_start(struct orphans *p, struct outline *o, const struct targets *t);

/* After a turn for the bits ACTIVE: true if more roots are orphans. */
bool orphans_learn(struct orphans *p, const struct decisions *d, uint64_t active);

/*
 * walk.c: one walk over a record yields the edits of all versions and marks at once.
 *
 * The walk enters a node only while something in it may end otherwise than the whole: it holds a label, a
 * path of redact.yaml, an inner root, or a place with rules of its own.  A bit that is decided for a node
 * is not looked at again inside it.
 *
 * A Reference is lost with its target, and security labels are lost where anything is.  Both may be known
 * only at the end.  Then the record is walked once more, with what the turn before found out.  Each turn
 * knows more and removes more than the last, so the turns end.
 */
struct walk {
	struct viewer viewer;
	struct decisions decisions;
	struct orphans orphans;
	uint64_t active; /* bits to find edits for; the others keep the whole record */
	uint64_t stays;  /* active bits that keep something of the record */
	/* private */
	uint64_t lost_before; /* bits that lost something in an earlier turn */
	struct view_frame *frame;
	uint32_t depth, frame_room;
};

void walk_init(struct walk *w, const struct scheme *s, const struct obligations *o, struct json_keys *keys);
void walk_release(struct walk *w);

/* Finds the edits of the record at node RECORD of J; false after many turns. */
bool walk_run(struct walk *w, const struct json *j, struct notes *n, uint32_t record);

/*
 * version_labels.c: security labels of FHIR in a version, if asked.  They come from what the version shows: a
 * label counts if its node stays, and tells its category only if its level is not above the version's.
 * Where presence is hidden, what was done is all that the policy may do, so that it tells of no record.
 */
struct version_labels {
	struct fhir_labels fhir;
	struct json json; /* of the version */
	struct roots roots;
	struct buffer text;
	struct buffer sums;  /* struct fhir_labels_sum, by root of the record */
	struct buffer shown; /* the same by root of the version */
	struct buffer standing;
	unsigned may_do[SCHEME_MAX_VERSIONS]; /* bit i: enum fhir_labels_done */
};

void version_labels_init(
    struct version_labels *v, const struct scheme *s, struct json_keys *keys, unsigned max_depth);
void version_labels_release(struct version_labels *v);

/* Finds the labels of VERSION, which stands in v->text; then fhir_labels_each writes it. */
void version_labels_find(struct version_labels *v, const struct walk *w, unsigned version);

#endif
