/* SPDX-License-Identifier: ISC */
#ifndef EHR_REDACT_VIEW_H
#define EHR_REDACT_VIEW_H

#include "common/redact/matches.h"
#include "common/redact/outline.h"
#include "common/redact/primitive_siblings.h"
#include "common/redact/redactor.h"
#include "common/redact/targets.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * view: what is known of a node before anything is decided: for which bits its level, its category, `keep`,
 * a place with rules of its own or a lost target speaks against it.  Nothing is written here.
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
	uint32_t state; /* of the automaton of paths */
	uint32_t root;  /* index of the root around it, or its own */
	unsigned type;  /* number of that root's type */
	uint8_t kind;   /* enum places_kind */
	uint8_t around; /* enum view_around: what it is for its children */
	uint8_t base, raise;
	bool is_root;
	bool is_sibling; /* `_x` beside x, or inside it */
	bool is_element; /* an element of an array `_x`: its index ties it to the same element of x */
	/* sets of bits */
	uint64_t active;         /* asked about */
	uint64_t left_out;       /* leave out its category, or one around it */
	uint64_t in_keep;        /* `keep` names it, or a node around it */
	uint64_t may_extend;     /* an array in which listed extensions stay */
	uint64_t withheld_whole; /* lose it with all that is in it: the union of */
	uint64_t cause[WHY_RECORD + 1];
	uint64_t no_sign;     /* of all causes but the category: no sign may stand in its place */
	uint64_t above_level; /* its level is above theirs; the level of nodes in it may not be */
	uint64_t not_in_keep; /* `keep` does not name it; it may name nodes in it */
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
	bool has_gone;         /* some root went in an earlier turn */
};

struct viewer {
	struct outline outline;
	struct targets targets;
	struct view_turn turn;
	struct matches matches; /* of the node at hand */
	/* private */
	struct primitive_siblings siblings;
	uint32_t next_label; /* index of the first node in notes->labelled that comes */
	uint32_t next_root;  /* in outline.roots */
};

void view_init(struct viewer *w, const struct scheme *s, struct json_keys *keys);
void view_release(struct viewer *w);

/* The record itself, for the bits ACTIVE.  A turn begins with it; children follow in document order. */
void view_record(struct viewer *w, uint64_t active, struct view *v);

/* The child of F at node MEMBER, which is its key or an element; DEPTH levels below the record. */
void view_child(
    struct viewer *w, const struct view_frame *f, uint32_t member, uint32_t depth, struct view *v);

/* The bits for which the node cannot be decided as a whole: its children must be looked at. */
uint64_t view_undecided(const struct viewer *w, const struct view *v);

/* Before the children of V are viewed. */
void view_enter(struct viewer *w, const struct view *v);

#endif
