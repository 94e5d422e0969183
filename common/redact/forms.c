/* SPDX-License-Identifier: ISC */
#include "common/redact/parts.h"

/* What a form is asked about. */
struct question {
	struct outline *o;
	uint32_t node;
	uint32_t system, code; /* members of a coding */
	bool changed;          /* an operation replaces the value */
};

static bool
is_of_objects(void *context, const struct form *form)
{
	(void)context;
	return form_is_of_objects(form);
}

static bool
holds(void *context, const struct form *form)
{
	const struct question *q = context;

	return form_holds(form, q->o->json, q->node, q->changed, &q->o->room);
}

static bool
holds_coding(void *context, const struct form *form)
{
	const struct question *q = context;

	return form_holds_coding(form, q->o->json, q->system, q->code, &q->o->room);
}

/* Asks the innermost forms around the node, of each of BITS. */
static uint64_t
ask(const struct view_frame *f, const struct view *v, uint64_t bits,
    bool (*judge)(void *context, const struct form *form), struct question *q)
{
	const struct scheme *s = q->o->s;
	const struct view *at = v;
	uint64_t good = 0;

	for (;;) {
		if (at->state != PATHS_DEAD)
			good |= matches_forms(s, at->state, at->type, &bits, judge, q);
		if (bits == 0 || at->is_root)
			return good;
		at = &f->view;
		f--;
	}
}

/* The bits of a changed value: those of a transform that does not keep it. */
static uint64_t
changed_bits(const struct viewer *w)
{
	uint64_t changed = 0;

	for (unsigned i = 0; i < w->matches.picks; i++)
		if (!operation_keeps(&w->outline.s->transform[w->matches.pick[i].transform].operation))
			changed |= w->matches.pick[i].bits;
	return changed;
}

/* The bits of BITS for which the value has its form, by the elements of FHIR R4 or by forms around it. */
static uint64_t
good_value(struct viewer *w, const struct view_frame *f, const struct view *v, uint64_t bits, bool changed)
{
	struct outline *o = &w->outline;
	const struct form *form = kinds_form(o->s->kinds, v->element);
	struct question q = { .o = o, .node = v->value, .changed = changed };
	uint64_t formed = bits & v->formed;
	uint64_t known = bits & v->in_keep;
	uint64_t good = 0;

	/* A form that lists types of references says more than the element. */
	if (form->kind == FORM_REFERENCE)
		known &= ~formed;
	if (known != 0 && form_holds(form, o->json, v->value, changed, &o->room))
		good |= known;
	if (changed && form->kind != FORM_REFERENCE && v->kind != PLACE_REFERENCE)
		good |= known;
	if ((formed & ~good) != 0)
		good |= ask(f, v, formed & ~good, holds, &q);
	return good;
}

static void
judge_value(struct viewer *w, const struct view_frame *f, struct view *v)
{
	const struct outline *o = &w->outline;
	const struct json_node *member = &o->json->nodes[v->member];
	uint64_t judged = (v->in_keep & o->s->strict) | v->formed;
	uint64_t changed = changed_bits(w) & judged;
	uint64_t good = 0;

	if (v->member != v->value && (member->key == o->places.system || member->key == o->places.code))
		good = f->view.coded;
	if (v->member != v->value && member->key == o->places.url && f->view.around == AROUND_EXTENSION)
		good |= v->in_keep & f->view.is_listed;
	if ((judged & ~changed & ~good) != 0)
		good |= good_value(w, f, v, judged & ~changed & ~good, false);
	if ((changed & ~good) != 0)
		good |= good_value(w, f, v, changed & ~good, true);
	v->unformed = judged & ~good;
	v->in_keep = (v->in_keep & ~judged) | (good & judged);
}

/* True if the object is a Coding or Quantity, or looks like one where its element is not known. */
static bool
is_coded(const struct outline *o, const struct view *v, const struct question *q)
{
	if (v->element.number != KINDS_UNKNOWN)
		return kinds_is_coded(o->s->kinds, v->element);
	return q->system != 0 && q->code != 0;
}

static void
judge_object(struct viewer *w, const struct view_frame *f, struct view *v)
{
	struct outline *o = &w->outline;
	struct question q = { .o = o };
	uint64_t strict = v->in_keep & o->s->strict;

	if (v->formed != 0)
		v->formed = ask(f, v, v->formed, is_of_objects, &q);
	if (v->formed != 0 || kinds_is_coded(o->s->kinds, v->element)) {
		q.system = json_member_key(o->json, v->value, o->places.system);
		q.code = json_member_key(o->json, v->value, o->places.code);
	}
	if (!is_coded(o, v, &q)) {
		v->in_keep |= v->formed;
		return;
	}
	if (v->formed != 0)
		v->coded = ask(f, v, v->formed, holds_coding, &q) & view_seen(o, v, q.code);
	if (q.system != 0)
		v->coded &= view_seen(o, v, q.system);
	v->in_keep = (v->in_keep & ~(strict | v->formed)) | v->coded;
	v->unformed = (strict | v->formed) & ~v->coded;
	v->formed &= v->coded;
}

void
forms_judge(struct viewer *w, const struct view_frame *f, struct view *v)
{
	uint64_t bits = (v->in_keep & w->outline.s->strict) | v->formed;

	if ((bits & v->active) == 0)
		return;
	if (json_kind(w->outline.json, v->value) == JSON_OBJECT)
		judge_object(w, f, v);
	else if (json_kind(w->outline.json, v->value) != JSON_ARRAY)
		judge_value(w, f, v);
}
