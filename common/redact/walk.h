/* SPDX-License-Identifier: ISC */
#ifndef EHR_REDACT_WALK_H
#define EHR_REDACT_WALK_H

#include "common/label/roots.h"
#include "common/redact/edits.h"
#include "common/redact/notes.h"
#include "common/redact/places.h"
#include "common/redact/redactor.h"
#include "common/redact/scheme.h"
#include "common/redact/targets.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * walk: one walk over a record that yields the edits of all versions, and of all marks, at once.
 *
 * A subtree is entered only as long as something inside may end otherwise than the whole: a label, a place
 * that redact.yaml names, an inner root, a place with rules of its own.  What a bit is decided for is not
 * looked at again.
 *
 * Whether a Reference goes depends on whether its target does, and whether security labels go depends on
 * whether anything did; both may be known only at the end.  Then the record is walked once more with what was
 * learnt.  Each turn knows more than the last and takes more away, so it ends.
 */

/* What a container is, as far as its children care. */
enum around {
	AROUND_PLAIN,
	AROUND_ROOT,
	AROUND_META,
	AROUND_SECURITY,   /* the array meta.security */
	AROUND_EXTENSIONS, /* an array extension or modifierExtension */
	AROUND_EXTENSION,  /* one of its elements */
	AROUND_IDENTIFIER, /* an Identifier, or an array of them */
};

/* A transform that a node matches, and the versions whose first it is. */
struct pick {
	unsigned transform;
	uint64_t bits;
};

/* What is known of a node before anything is written. */
struct view {
	uint32_t member; /* its key, or itself as an element of an array */
	uint32_t value;
	uint32_t state; /* of the automaton */
	uint32_t root;  /* index of the root around it, or that it is */
	unsigned type;  /* number of that root's type */
	uint8_t kind;   /* enum member */
	uint8_t around; /* enum around: what it is for its children */
	uint8_t base, raise;
	bool is_root;
	bool half;       /* `_x` beside x, or inside it */
	bool holds;      /* an element of the array `_x`, which keeps the places of those behind it */
	uint64_t active; /* bits that are asked about */
	uint64_t out;    /* categories that are left out, here or around */
	uint64_t kept;   /* named by `keep`, here or around */
	uint64_t offer;  /* listed extensions may stay in this array */
	uint64_t hard;   /* goes with all that is in it; by one of these: */
	uint64_t cause[WHY_RECORD + 1];
	uint64_t barred; /* all causes but the category */
	uint64_t over;   /* above the level; what is in it need not be */
	uint64_t bare;   /* `keep` does not name it; it may name what is in it */
};

/* BITS of the node go with all that is in it, for that reason. */
static inline void
view_blame(struct view *v, enum fate_why why, uint64_t bits)
{
	v->cause[why] |= bits;
	v->hard |= bits;
	v->barred |= why != WHY_CATEGORY ? bits : 0;
}

/* A container that is being walked through. */
struct frame {
	struct view view;
	uint32_t next;    /* the child to look at */
	uint32_t index;   /* children seen, the one at hand included */
	uint32_t edge;    /* end of the child before, or behind the bracket */
	uint64_t active;  /* bits not yet decided for all of it */
	uint64_t real;    /* something of it stays */
	uint64_t shown;   /* a sign stays that something was here */
	uint64_t before;  /* a child before stays: the next one needs its comma */
	uint64_t lost;    /* something went */
	uint64_t content; /* a root: more stays than type, id and meta */
	uint64_t carried; /* goes with the root that it carries */
};

struct walk_root {
	unsigned type;
	bool is_bundle;
	uint64_t gone; /* bits in which it goes, this turn */
};

struct walk {
	const struct scheme *s;
	struct places places;
	struct roots roots;
	struct targets targets;
	struct edits edits[2 * SCHEME_MAX_VERSIONS]; /* by bit */
	struct buffer texts;                         /* what is put in */
	/* what a run is told */
	const struct json *json;
	struct notes *notes;
	uint32_t record;
	struct bytes subject;
	struct bytes batch;
	const struct instant *now;
	uint64_t active; /* bits to find edits for; all others keep the whole record */
	/* what it finds */
	uint64_t real;               /* bits in which something of the record stays */
	uint64_t failed;             /* values that an operation could not be carried out on */
	struct redactor_fate *fates; /* node * versions + version; NULL: nobody asks */
	/* private */
	struct frame *frame;
	uint32_t depth, frame_room;
	struct walk_root *root; /* beside roots.at */
	uint64_t *known;        /* the same: bits in which it went, in all turns before */
	size_t root_room;
	struct pick pick[SCHEME_MAX_VERSIONS]; /* of the node at hand */
	unsigned picks;
	uint32_t next_label; /* in notes->node */
	uint32_t next_root;  /* in roots.at */
	bool has_labels;     /* a member security or extension somewhere */
	bool has_references;
	bool has_bundle;
	uint64_t changes;   /* bits with a transform that changes something in a root of this record */
	uint64_t types;     /* bits that do not have a root of this record */
	uint64_t lost;      /* bits that lost something, this turn */
	uint64_t losing;    /* the same, of all turns before */
	uint64_t narrative; /* bits in which narratives go */
	uint64_t security;  /* bits in which security labels go */
	uint64_t referring; /* bits in which references are looked at */
	uint64_t search;    /* bits in which all that stays is looked into */
	bool has_gone;      /* a root is known to go */
	bool asked_time, has_time;
	struct period time;
	struct condition_record asked;
	struct buffer room, condition_room;
	uint32_t *names; /* for halves.c */
	uint32_t roles_room;
};

void walk_init(struct walk *w, const struct scheme *s, struct json_keys *keys);
void walk_release(struct walk *w);

/* Takes a record: its roots and their types.  What a run is told must stand in W. */
void walk_start(struct walk *w);

/* The bits that certainly keep the whole record, by its roots and labels alone. */
uint64_t walk_whole(const struct walk *w);

/* Finds the edits of w->active. */
void walk_run(struct walk *w);

/* ---- view.c: what is known of a node ---- */

/* The child VALUE of F behind the key MEMBER (an element: MEMBER is VALUE). */
void view_child(struct walk *w, const struct frame *f, uint32_t member, uint32_t value, struct view *v);

/* The record itself. */
void view_record(struct walk *w, struct view *v);

/* The bits in which a transform changes node VALUE in STATE, in a root of TYPE. */
uint64_t view_changes(struct walk *w, uint32_t state, uint32_t root, unsigned type);

/* True if labels stand inside the node, or what they say of a part of it. */
bool view_has_label(const struct walk *w, const struct view *v);

/* The bits for which more must be seen than the node itself. */
uint64_t view_undecided(const struct walk *w, const struct view *v);

/* ---- settle.c: what is decided, and its edits ---- */

/* REAL of the child V of F stays, SHOWN is only a sign; all other bits lose it, those of EMPTY as hollow. */
void decide_child(
    struct walk *w, struct frame *f, const struct view *v, uint64_t real, uint64_t shown, uint64_t empty);

/* The bits in which `above:` may leave a sign: nothing but level or category speaks against the node. */
uint64_t decide_signs(const struct view *v);

/* Leaves the sign in BITS; those for which there is one. */
uint64_t decide_sign(struct walk *w, const struct view *v, uint64_t bits);

/* A release by name: the result may be known at a level at which the node may not, if its place alone says
 * so. */
void decide_release(const struct walk *w, struct view *v);

/* One pick, for BITS in which the node stands: those in which it is replaced, and in SHOWN by a sign only. */
uint64_t decide_transform(
    struct walk *w, struct view *v, const struct pick *pick, uint64_t bits, uint64_t *shown);

/* The bits in which a container stays as what holds a place only; it is written so. */
uint64_t decide_hold(struct walk *w, const struct view *v, uint64_t bits);

/* Behind the last element of `_x` that says something no place need be held. */
void decide_trim(struct walk *w, const struct frame *c);

/* ---- halves.c: x and _x ---- */

/* Before the members of object V are looked at: what is said of x holds for _x, and the other way round. */
void primitive_siblings_join(struct walk *w, const struct view *v);

#endif
