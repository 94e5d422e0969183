/* SPDX-License-Identifier: ISC */
#include "common/redact/parts.h"

#include "common/label/coding.h"

/* What readers must be allowed to know a node, while it is looked for from the outside in. */
struct clearance {
	uint8_t base, raise;
	uint64_t left_out;
};

static void
add_note(const struct outline *o, struct clearance *c, uint32_t node)
{
	const struct notes_node *note = notes_of(o->notes, node);

	if (note->base != NOTES_NO_BASE)
		c->base = note->base;
	if (note->raise > c->raise)
		c->raise = note->raise;
	c->left_out |= note->left_out;
}

/* The bits that may know it. */
static uint64_t
cleared(const struct outline *o, const struct clearance *c)
{
	return ~(o->s->below_level[c->base > c->raise ? c->base : c->raise] | c->left_out);
}

/* The bits that may know the code of CODING. */
static uint64_t
coded(const struct outline *o, struct clearance c, uint32_t coding)
{
	const struct json *j = o->json;
	uint32_t code = json_kind(j, coding) == JSON_OBJECT ? json_member_key(j, coding, o->places.code) : 0;

	if (code == 0 || json_kind(j, code) != JSON_STRING || json_inside(j, code).size == 0)
		return 0;
	add_note(o, &c, coding);
	add_note(o, &c, code);
	return cleared(o, &c);
}

uint64_t
retelling_known(const struct outline *o, const struct view *v, uint32_t concept)
{
	const struct json *j = o->json;
	struct clearance c = { v->base, v->raise, v->left_out };
	uint32_t coding =
	    json_kind(j, concept) == JSON_OBJECT ? json_member_key(j, concept, o->places.coding) : 0;
	uint64_t known = 0;

	if (coding == 0)
		return 0;
	if (json_kind(j, coding) != JSON_ARRAY)
		return coded(o, c, coding);
	add_note(o, &c, coding);
	for (uint32_t i = coding + 1; i < j->nodes[coding].next; i = j->nodes[i].next)
		known |= coded(o, c, i);
	return known;
}

/* True if V, a child of F, is the display of a Coding without a code: it says what a text would say. */
static bool
is_display_alone(const struct outline *o, const struct view_frame *f, const struct view *v)
{
	const struct json *j = o->json;
	uint32_t code;

	if (o->places.of_key[j->nodes[v->member].key] != PLACE_DISPLAY)
		return false;
	code = json_member_key(j, f->view.value, o->places.code);
	if (coding_has_code(j, code))
		return false;
	if (code != 0 || json_member_key(j, f->view.value, o->places.system) != 0)
		return true;
	while (!f->view.is_root && f->view.member == f->view.value)
		f--;
	return !f->view.is_root && o->places.holds_coding[j->nodes[f->view.member].key];
}

uint64_t
retelling_gone(const struct viewer *w, const struct view_frame *f, const struct view *v)
{
	const struct outline *o = &w->outline;
	uint64_t gone = w->matches.summary;

	if (v->member != v->value && !o->s->has_no_summary[v->type] &&
	    (o->places.is_summary[o->json->nodes[v->member].key] || is_display_alone(o, f, v)))
		gone |= o->s->may_retell;
	gone &= v->active & (o->s->no_summary | o->root[v->root].limited);
	if (gone == 0 || !GUARD(retelling))
		return 0;
	return gone & ~(retelling_known(o, &f->view, f->view.value) | retelling_known(o, v, v->value));
}
