/* SPDX-License-Identifier: ISC */
#include "common/redact/walk.h"

#include "common/base/diag.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_FRAMES = 64, TEXTS_LIMIT = 1 << 30 };

void
walk_init(struct walk *w, const struct scheme *s, struct json_keys *keys)
{
	*w = (struct walk){ .s = s };
	places_init(&w->places, s, keys);
	roots_init(&w->roots, keys);
	targets_init(&w->targets);
	buffer_init(&w->texts, TEXTS_LIMIT);
	buffer_init(&w->room, TEXTS_LIMIT);
	buffer_init(&w->condition_room, TEXTS_LIMIT);
}

void
walk_release(struct walk *w)
{
	roots_release(&w->roots);
	targets_release(&w->targets);
	for (size_t i = 0; i < sizeof w->edits / sizeof w->edits[0]; i++)
		edits_release(&w->edits[i]);
	buffer_release(&w->texts);
	buffer_release(&w->room);
	buffer_release(&w->condition_room);
	free(w->frame);
	free(w->root);
	free(w->known);
	free(w->names);
	*w = (struct walk){ .s = NULL };
}

/* A version's bit says what its mark's does. */
static uint64_t
with_marks(const struct walk *w, uint64_t bits)
{
	uint64_t versions = bits & UINT32_MAX;

	return (versions | versions << SCHEME_MAX_VERSIONS) & w->s->all;
}

/* ---- nodes ---- */
/*
 * An element of `_x` that says nothing keeps the places of those behind it, so that they go on belonging to
 * the same elements of x.  An array of nothing but such places goes; if it came so, only where a reader must
 * not see that something is missing.
 */
static void
hold_place(struct walk *w, struct frame *f, const struct view *v, uint64_t bits)
{
	uint64_t real = f->real;

	decide_child(w, f, v, bits, 0, 0);
	f->real = real | (bits & ~w->s->hidden);
}

static void
visit_leaf(struct walk *w, struct frame *f, struct view *v)
{
	uint64_t shown = 0;
	uint64_t real;

	if (w->picks > 0)
		decide_release(w, v);
	real = v->active & ~v->hard & ~v->over & ~v->bare;
	for (unsigned i = 0; i < w->picks; i++)
		(void)decide_transform(w, v, &w->pick[i], w->pick[i].bits & real, &shown);
	real &= ~v->hard & ~shown;
	shown |= decide_sign(w, v, decide_signs(v));
	if (v->holds && json_kind(w->json, v->value) == JSON_NULL)
		hold_place(w, f, v, real);
	else
		decide_child(w, f, v, real, shown, 0);
}

/* An object or array that is decided as a whole; REAL: the bits in which it stays. */
static void
decide_whole(struct walk *w, struct frame *f, struct view *v, uint64_t real)
{
	uint64_t shown = decide_sign(w, v, decide_signs(v) & ~real);

	decide_child(w, f, v, real, shown, 0);
}

/* HELD of it stays only as what holds a place. */
static void
decide_held(
    struct walk *w, struct frame *f, const struct view *v, uint64_t real, uint64_t shown, uint64_t held)
{
	uint64_t before = f->real;

	decide_child(w, f, v, real | held, shown, v->active);
	f->real = before | real;
}

static void
push(struct walk *w, const struct view *v, uint64_t active, uint64_t real)
{
	if (w->depth == w->frame_room) {
		uint32_t room = w->frame_room > 0 ? 2 * w->frame_room : FIRST_FRAMES;
		struct frame *frame = reallocarray(w->frame, room, sizeof frame[0]);

		if (frame == NULL)
			diag_die(EXIT_IO, "out of memory (%u frames wanted)", room);
		w->frame = frame;
		w->frame_room = room;
	}
	struct frame *f = &w->frame[w->depth++];
	f->view = *v;
	f->next = v->value + 1;
	f->index = 0;
	f->edge = w->json->nodes[v->value].start + 1;
	f->active = active;
	f->real = f->content = real;
	f->shown = f->before = f->lost = f->carried = 0;
	/* Where labels are, it is done. */
	if (w->s->is_fhir && v->active != 0 && !view_has_label(w, v) &&
	    json_kind(w->json, v->value) == JSON_OBJECT)
		primitive_siblings_join(w, v);
}

/* Transforms of an object or array as a whole: what cannot be replaced goes. */
static uint64_t
transform_whole(struct walk *w, struct view *v, uint64_t *shown)
{
	uint64_t changed = 0;

	for (unsigned i = 0; i < w->picks; i++) {
		const struct scheme_transform *t = &w->s->transform[w->pick[i].transform];
		uint64_t bits = w->pick[i].bits & v->active & ~v->hard;
		uint64_t clear = bits & ~v->over & ~v->bare;

		if (operation_keeps(&t->operation))
			continue;
		changed |= decide_transform(w, v, &w->pick[i], clear, shown);
		view_blame(v, WHY_TRANSFORM, bits & ~clear);
	}
	return changed;
}

static void
visit_container(struct walk *w, struct frame *f, struct view *v)
{
	bool is_empty = w->json->nodes[v->value].next == v->value + 1;
	uint64_t shown = 0;
	uint64_t changed = w->picks > 0 ? transform_whole(w, v, &shown) : 0;
	uint64_t undecided = view_undecided(w, v) & ~changed & ~shown;
	uint64_t real = v->active & ~v->hard & ~v->over & ~v->bare & ~shown;

	if (is_empty && v->holds) {
		decide_held(w, f, v, real & ~w->s->hidden, 0, decide_hold(w, v, real & w->s->hidden));
		return;
	}
	if (is_empty) {
		decide_whole(w, f, v, real & (~w->s->hidden | changed));
		return;
	}
	if (undecided == 0 && shown == 0) {
		decide_whole(w, f, v, real);
		return;
	}
	/* What is replaced already must not be touched below. */
	push(w, v, undecided, (real | changed) & ~undecided);
	w->frame[w->depth - 1].shown = shown;
	if (undecided == 0)
		w->frame[w->depth - 1].next = w->json->nodes[v->value].next;
}

/* All children of the innermost container are seen. */
static void
finish(struct walk *w)
{
	struct frame *c = &w->frame[--w->depth];
	struct frame *f = &w->frame[w->depth - 1];
	struct view *v = &c->view;
	uint64_t poor = 0;
	uint64_t real, whole, shown, held;

	decide_trim(w, c);
	if (v->is_root)
		poor = c->active & c->real & ~c->content & (w->s->hidden | c->lost);
	view_blame(v, WHY_RECORD, poor);
	view_blame(v, WHY_PLACE, c->carried);
	real = c->real & ~poor & ~c->carried;
	whole = decide_signs(v) & ~real;
	shown = decide_sign(w, v, whole) | (c->shown & ~whole & ~real & ~poor & ~c->carried);
	held = decide_hold(w, v, c->active & ~real & ~shown & ~v->over);
	decide_held(w, f, v, real, shown, held);
}

static void
visit(struct walk *w, struct frame *f, uint32_t member, uint32_t value)
{
	struct view v;

	view_child(w, f, member, value, &v);
	if (json_kind(w->json, value) == JSON_OBJECT || json_kind(w->json, value) == JSON_ARRAY)
		visit_container(w, f, &v);
	else
		visit_leaf(w, f, &v);
}

static void
step(struct walk *w)
{
	struct frame *f = &w->frame[w->depth - 1];
	uint32_t node = f->next;
	bool is_key = w->json->nodes[node].kind == JSON_KEY;

	f->next = w->json->nodes[node].next;
	f->index++;
	visit(w, f, node, is_key ? node + 1 : node);
}

/* ---- turns ---- */
static void
turn(struct walk *w)
{
	const struct json *j = w->json;
	struct view v;

	for (uint64_t bits = w->active; bits != 0; bits &= bits - 1)
		w->edits[__builtin_ctzll(bits)].count = 0;
	w->texts.used = 0;
	w->lost = 0;
	for (size_t i = 0; i < w->roots.count; i++)
		w->root[i].gone = 0;
	view_record(w, &v);
	/* The frame around the record: its one child is the record. */
	w->depth = 0;
	push(w, &(struct view){ .value = w->record, .member = w->record }, w->active, 0);
	w->frame[0].edge = j->nodes[w->record].start;
	visit_container(w, &w->frame[0], &v);
	while (w->depth > 1) {
		struct frame *f = &w->frame[w->depth - 1];

		if (f->next >= j->nodes[f->view.value].next)
			finish(w);
		else
			step(w);
	}
	w->real = w->frame[0].real;
}

/* True if the last turn found out what the next one must know. */
static bool
learn(struct walk *w)
{
	uint64_t lost = with_marks(w, w->lost) & ~w->losing;
	bool news = w->has_labels && (lost & w->s->below & ~w->s->hidden) != 0;

	w->losing |= lost;
	for (size_t i = 1; i < w->roots.count; i++) {
		uint64_t gone = with_marks(w, w->root[i].gone) & ~w->known[i];

		w->known[i] |= gone;
		w->has_gone |= gone != 0;
		w->referring |= w->has_references && w->s->is_fhir ? gone : 0;
		news |= gone != 0 && w->has_references;
	}
	return news;
}

static void
prepare(struct walk *w)
{
	w->security = w->active & w->s->below & (w->s->hidden | w->losing);
	w->search = (w->s->hidden & ~w->s->keeps) | w->referring;
	if (w->has_labels)
		w->search |= w->security;
}

void
walk_run(struct walk *w)
{
	const struct scheme *s = w->s;

	w->losing = with_marks(w, s->over[w->notes->highest] | w->notes->out) & w->active;
	w->narrative = (s->hidden & s->below) | w->changes;
	w->referring = s->is_fhir && w->has_references ? (s->hidden | s->drops) & w->active : 0;
	w->has_gone = false;
	for (size_t i = 0; i < w->roots.count; i++)
		w->known[i] = 0;
	if (w->roots.count > 1)
		targets_find(&w->targets, &w->places, w->json, &w->roots);
	do {
		w->failed = 0;
		prepare(w);
		turn(w);
	} while (learn(w));
}

/* ---- before ---- */
static void
grow_roots(struct walk *w)
{
	size_t room = w->root_room > 0 ? w->root_room : 16;

	if (w->roots.count <= w->root_room)
		return;
	while (room < w->roots.count)
		room *= 2;
	w->root = reallocarray(w->root, room, sizeof w->root[0]);
	w->known = reallocarray(w->known, room, sizeof w->known[0]);
	if (w->root == NULL || w->known == NULL)
		diag_die(EXIT_IO, "out of memory (%zu roots wanted)", room);
	w->root_room = room;
}

/* Whether there is anything that some places ask for: most records have none of it. */
static void
look_for_members(struct walk *w)
{
	const struct json *j = w->json;

	w->has_labels = false;
	w->has_references = w->roots.count > 1;
	for (uint32_t i = w->record; w->s->is_fhir && i < j->nodes[w->record].next; i++) {
		uint8_t kind = w->places.of_key[j->nodes[i].key];

		w->has_labels |= kind == MEMBER_SECURITY || kind == MEMBER_EXTENSION;
		w->has_references |= kind == MEMBER_REFERENCE;
	}
}

void
walk_start(struct walk *w)
{
	const struct scheme *s = w->s;

	roots_find(&w->roots, w->json, w->record, s->is_fhir);
	grow_roots(w);
	w->changes = w->types = 0;
	w->has_bundle = false;
	for (size_t i = 0; i < w->roots.count; i++) {
		struct bytes type = shape_type(s->shape, w->json, w->roots.at[i].node);
		struct walk_root *root = &w->root[i];

		*root =
		    (struct walk_root){ scheme_type(s, type), s->is_fhir && bytes_are(type, "Bundle"), 0 };
		w->changes |= s->type_changes[root->type];
		w->types |= s->type_gone[root->type];
		w->has_bundle |= root->is_bundle;
	}
	look_for_members(w);
	w->asked_time = false;
	w->asked = (struct condition_record){ .json = w->json,
		.roots = &w->roots,
		.shape = s->shape,
		.codes = s->codes,
		.room = &w->condition_room };
}

uint64_t
walk_whole(const struct walk *w)
{
	const struct scheme *s = w->s;
	uint64_t touched = s->hidden | s->keeps | s->excepts | w->changes | w->types | w->notes->out |
			   s->over[w->notes->highest];

	if (w->has_bundle)
		touched |= s->below;
	if (w->has_references)
		touched |= s->drops;
	return s->all & ~(touched & ~(s->open & ~s->excepts));
}
