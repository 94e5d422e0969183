/* SPDX-License-Identifier: ISC */
#include "common/redact/parts.h"

#include "common/base/memory.h"

#include <stdlib.h>

enum { FIRST_FRAMES = 64 };

/*
 * A root that has nothing but a reference to a lost root is lost by that, and so on.  A record of nothing but
 * such roots would take a turn for each.
 */
enum { MANY_TURNS = 16 };

void
walk_init(struct walk *w, const struct scheme *s, const struct obligations *o, struct json_keys *keys)
{
	*w = (struct walk){ .active = 0 };
	view_init(&w->viewer, s, o, keys);
	decide_init(&w->decisions, &w->viewer.outline);
	orphans_init(&w->orphans);
}

void
walk_release(struct walk *w)
{
	view_release(&w->viewer);
	decide_release(&w->decisions);
	orphans_release(&w->orphans);
	free(w->frame);
	*w = (struct walk){ .frame = NULL };
}

/* The versions among BITS, with their marks. */
static uint64_t
with_marks(const struct scheme *s, uint64_t bits)
{
	uint64_t versions = bits & UINT32_MAX;

	return (versions | versions << SCHEME_MAX_VERSIONS) & s->asked;
}

/*
 * A null in an array `_x` stays where its neighbours do, but does not keep the array.  An array that came
 * with nothing but nulls stays where a reader may see what is missing.
 */
static void
keep_null(struct walk *w, struct view_frame *f, const struct view *v, uint64_t bits)
{
	uint64_t stays = f->stays;

	decide_child(&w->decisions, f, v, bits, 0, 0);
	f->stays = stays | (bits & ~w->viewer.outline.s->hidden);
}

static void
visit_leaf(struct walk *w, struct view_frame *f, struct view *v)
{
	const struct matches *m = &w->viewer.matches;
	struct decisions *d = &w->decisions;
	uint64_t signs = 0;
	uint64_t stays;

	if (m->picks > 0)
		decide_release_level(d, m, v);
	stays = view_clear(v);
	for (unsigned i = 0; i < m->picks; i++)
		(void)decide_transform(d, v, &m->pick[i], m->pick[i].bits & stays, &signs);
	stays &= ~v->withheld_whole & ~signs;
	signs |= decide_sign(d, v, decide_may_sign(v));
	if (v->is_element && json_kind(d->o->json, v->value) == JSON_NULL)
		keep_null(w, f, v, stays);
	else
		decide_child(d, f, v, stays, signs, 0);
}

static void
decide_whole(struct walk *w, struct view_frame *f, struct view *v, uint64_t stays)
{
	uint64_t signs = decide_sign(&w->decisions, v, decide_may_sign(v) & ~stays);

	decide_child(&w->decisions, f, v, stays, signs, 0);
}

/* A container whose children are decided; NULLS of its bits keep a null in its place. */
static void
decide_emptied(struct walk *w, struct view_frame *f, const struct view *v, uint64_t stays, uint64_t signs,
    uint64_t nulls)
{
	uint64_t before = f->stays;

	decide_child(&w->decisions, f, v, stays | nulls, signs, v->active);
	f->stays = before | stays;
}

static void
push(struct walk *w, const struct view *v, uint64_t active, uint64_t stays)
{
	if (w->depth == w->frame_room) {
		w->frame_room = w->frame_room > 0 ? 2 * w->frame_room : FIRST_FRAMES;
		w->frame = memory_grow(w->frame, w->frame_room, sizeof w->frame[0]);
	}
	struct view_frame *f = &w->frame[w->depth++];
	f->view = *v;
	f->next = v->value + 1;
	f->index = 0;
	f->edge = w->viewer.outline.json->nodes[v->value].start + 1;
	f->active = active;
	f->stays = f->content = stays;
	f->signs = f->before = f->lost = f->carried = 0;
	view_enter(&w->viewer, v);
}

/* Transforms of a container.  Where the result may not be shown, the container goes. */
static uint64_t
transform_whole(struct walk *w, struct view *v, uint64_t *signs)
{
	const struct matches *m = &w->viewer.matches;
	struct decisions *d = &w->decisions;
	uint64_t changed = 0;

	for (unsigned i = 0; i < m->picks; i++) {
		const struct scheme_transform *t = &d->o->s->transform[m->pick[i].transform];
		uint64_t bits = m->pick[i].bits & v->active & ~v->withheld_whole;
		uint64_t clear = bits & ~v->above_level & ~v->not_in_keep;

		if (operation_keeps(&t->operation))
			continue;
		changed |= decide_transform(d, v, &m->pick[i], clear, signs);
		view_blame(v, WHY_TRANSFORM, bits & ~clear);
	}
	return changed;
}

static void
visit_container(struct walk *w, struct view_frame *f, struct view *v)
{
	const struct json *j = w->viewer.outline.json;
	uint64_t hidden = w->viewer.outline.s->hidden;
	bool is_empty = j->nodes[v->value].next == v->value + 1;
	uint64_t signs = 0;
	uint64_t changed = w->viewer.matches.picks > 0 ? transform_whole(w, v, &signs) : 0;
	uint64_t undecided = view_undecided(&w->viewer, v) & ~changed & ~signs;
	uint64_t stays = view_clear(v) & ~signs;

	if (is_empty && v->is_element) {
		decide_emptied(w, f, v, stays & ~hidden, 0, decide_null(&w->decisions, v, stays & hidden));
		return;
	}
	if (is_empty) {
		decide_whole(w, f, v, stays & (~hidden | changed));
		return;
	}
	if (undecided == 0 && signs == 0) {
		decide_whole(w, f, v, stays);
		return;
	}
	push(w, v, undecided, (stays | changed) & ~undecided);
	w->frame[w->depth - 1].signs = signs;
	if (undecided == 0)
		w->frame[w->depth - 1].next = j->nodes[v->value].next;
}

/* Decides the innermost container, whose children are all visited. */
static void
finish(struct walk *w)
{
	struct decisions *d = &w->decisions;
	struct view_frame *c = &w->frame[--w->depth];
	struct view_frame *f = &w->frame[w->depth - 1];
	struct view *v = &c->view;
	uint64_t poor = 0; /* bits that keep only type, id and meta of a root */
	uint64_t stays, may_sign, signs, nulls;

	decide_trim(d, c);
	if (v->is_root)
		poor = c->active & c->stays & ~c->content & (d->o->s->hidden | c->lost);
	view_blame(v, WHY_RECORD, poor);
	view_blame(v, WHY_PLACE, c->carried);
	stays = c->stays & ~poor & ~c->carried;
	may_sign = decide_may_sign(v) & ~stays;
	signs = decide_sign(d, v, may_sign) | (c->signs & ~may_sign & ~stays & ~poor & ~c->carried);
	nulls = decide_null(d, v, c->active & ~stays & ~signs & ~v->above_level);
	decide_emptied(w, f, v, stays, signs, nulls);
}

static void
visit(struct walk *w, struct view_frame *f, uint32_t member)
{
	const struct json *j = w->viewer.outline.json;
	struct view v;

	view_child(&w->viewer, f, member, w->depth - 1, &v);
	if (json_kind(j, v.value) == JSON_OBJECT || json_kind(j, v.value) == JSON_ARRAY)
		visit_container(w, f, &v);
	else
		visit_leaf(w, f, &v);
}

static void
turn(struct walk *w)
{
	const struct outline *o = &w->viewer.outline;
	const struct json_node *nodes = o->json->nodes;
	struct view v;

	decide_turn(&w->decisions, w->active);
	view_record(&w->viewer, w->active, &v);
	/* The frame around the record, whose one child is the record. */
	w->depth = 0;
	push(w, &(struct view){ .value = o->record, .member = o->record }, w->active, 0);
	w->frame[0].edge = nodes[o->record].start;
	visit_container(w, &w->frame[0], &v);
	while (w->depth > 1) {
		struct view_frame *f = &w->frame[w->depth - 1];
		uint32_t member = f->next;

		if (member >= nodes[f->view.value].next) {
			finish(w);
			continue;
		}
		f->next = nodes[member].next;
		f->index++;
		visit(w, f, member);
	}
	w->stays = w->frame[0].stays;
}

/*
 * What loses a reference by a decision, or in a view, loses what retells it; so does what loses a root that a
 * view does not have.  True if something did in this turn.
 */
static bool
learn_limits(struct walk *w)
{
	struct outline *o = &w->viewer.outline;
	uint64_t bits = o->s->views | (w->viewer.limiter.obligations != NULL ? o->s->asked : 0);
	bool again = false;

	for (size_t i = 0; bits != 0 && i < o->roots.count; i++) {
		size_t around = o->roots.at[i].parent;
		uint64_t lost = o->root[i].lost_reference & bits & ~o->root[i].limited;
		uint64_t typed = i == 0 ? 0
					: o->root[i].gone_now & o->s->views &
					      o->s->type_gone[o->root[i].type] & ~o->root[around].limited;

		again |= (lost | typed) != 0;
		if (lost != 0)
			limiter_mark(o, i, lost);
		if (typed != 0)
			limiter_mark(o, around, typed);
	}
	return again;
}

/* True if the turn found out what makes another one necessary. */
static bool
learn(struct walk *w)
{
	struct outline *o = &w->viewer.outline;
	const struct scheme *s = o->s;
	uint64_t lost = with_marks(s, w->decisions.lost) & ~w->lost_before;
	bool again = o->has_labels && (lost & s->may_lack & ~s->hidden) != 0;

	again |= learn_limits(w);
	if (o->roots.count > 1)
		again |= orphans_learn(&w->orphans, &w->decisions, w->active);

	w->lost_before |= lost;
	for (size_t i = 1; i < o->roots.count; i++) {
		uint64_t gone = with_marks(s, o->root[i].gone_now) & ~o->gone_before[i];

		o->gone_before[i] |= gone;
		w->viewer.turn.has_gone |= gone != 0;
		w->viewer.turn.references |= o->has_references && s->is_fhir ? gone : 0;
		again |= gone != 0 && o->has_references;
	}
	return again;
}

static void
prepare_turn(struct walk *w)
{
	const struct outline *o = &w->viewer.outline;
	struct view_turn *t = &w->viewer.turn;

	t->limited = o->root[0].limited & w->active;
	t->security = (w->active & o->s->may_lack & (o->s->hidden | w->lost_before)) | t->limited;
	t->looks_inside = (o->s->hidden & ~o->s->has_keep) | t->references | t->limited;
	if (o->has_sections)
		t->looks_inside |= t->narrative;
	if (o->has_labels)
		t->looks_inside |= t->security;
}

static bool
take_turns(struct walk *w)
{
	struct outline *o = &w->viewer.outline;
	const struct scheme *s = o->s;
	struct view_turn *t = &w->viewer.turn;
	unsigned turns = 0;

	w->lost_before = with_marks(s, s->below_level[o->notes->highest] | o->notes->left_out) & w->active;
	t->narrative = (s->hidden & s->may_lack) | o->transformed;
	t->references = s->is_fhir && o->has_references ? s->hidden & w->active : 0;
	if (s->is_fhir && (o->has_references || o->has_names))
		t->references |= s->drops_references & w->active;
	if (w->viewer.limiter.refuses)
		t->references |= w->active;
	t->has_gone = false;
	for (size_t i = 0; i < o->roots.count; i++)
		o->gone_before[i] = 0;
	if (o->roots.count > 1) {
		targets_find(&w->viewer.targets, &o->places, s->shape, o->json, &o->roots);
		orphans_start(&w->orphans, o, &w->viewer.targets);
	}
	do {
		if (turns++ == MANY_TURNS)
			return false;
		targets_turn(&w->viewer.targets);
		prepare_turn(w);
		turn(w);
	} while (learn(w));
	return true;
}

bool
walk_run(struct walk *w, const struct json *j, struct notes *n, uint32_t record)
{
	struct outline *o = &w->viewer.outline;

	outline_start(o, j, n, record);
	decide_start(&w->decisions);
	if (w->viewer.limiter.obligations != NULL)
		limiter_run(&w->viewer.limiter, o, o->s->asked);
	if (w->viewer.limiter.record_gone) {
		w->active = w->stays = 0;
		return true;
	}
	w->active = o->s->asked & ~outline_whole(o);
	if (w->viewer.limiter.refuses && o->s->is_fhir)
		w->active = o->s->asked;
	return w->active == 0 || take_turns(w);
}
