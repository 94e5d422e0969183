/* SPDX-License-Identifier: ISC */
#include "common/redact/parts.h"

#include "common/base/diag.h"

#include <string.h>

/* FHIR R4, extension data-absent-reason. */
#define ABSENT                                                                                               \
	"{\"extension\":[{\"url\":\"http://hl7.org/fhir/StructureDefinition/data-absent-reason\","           \
	"\"valueCode\":\"masked\"}]}"

enum { TEXTS_LIMIT = 1 << 30 }; /* edits count it in 32 bits */

void
decide_init(struct decisions *d, struct outline *o)
{
	*d = (struct decisions){ .o = o };
	buffer_init(&d->texts, TEXTS_LIMIT);
}

void
decide_release(struct decisions *d)
{
	for (size_t i = 0; i < sizeof d->edits / sizeof d->edits[0]; i++)
		edits_release(&d->edits[i]);
	buffer_release(&d->texts);
}

void
decide_start(struct decisions *d)
{
	d->asked_time = false;
	d->failed = 0;
}

void
decide_turn(struct decisions *d, uint64_t active)
{
	for (uint64_t bits = active; bits != 0; bits &= bits - 1)
		d->edits[__builtin_ctzll(bits)].count = 0;
	for (size_t i = 0; i < d->o->roots.count; i++)
		d->o->root[i].gone_now = 0;
	d->texts.used = 0;
	d->lost = 0;
	memset(d->done, 0, sizeof d->done);
	d->failed = 0;
}

/* The fate holds for all that is in the node too, but for what is withheld already. */
static void
note_fate(struct decisions *d, const struct view *v, uint64_t bits, struct redactor_fate fate)
{
	unsigned versions = d->o->s->versions;
	uint32_t end = d->o->json->nodes[v->value].next;

	for (unsigned i = 0; d->fates != NULL && i < versions; i++) {
		if ((bits & scheme_bit(i)) == 0)
			continue;
		for (uint32_t node = v->member; node < end; node++) {
			struct redactor_fate *old = &d->fates[(size_t)node * versions + i];

			if (old->fate != FATE_WITHHELD)
				*old = fate;
		}
	}
}

/* Where a version has several reasons, the first of enum fate_why counts. */
static void
explain_gone(struct decisions *d, const struct view *v, uint64_t bits, uint64_t emptied)
{
	uint64_t causes[WHY_RECORD + 1];

	if (d->fates == NULL || bits == 0)
		return;
	memcpy(causes, v->cause, sizeof causes);
	causes[WHY_LEVEL] |= v->above_level;
	causes[WHY_FORM] |= v->unformed;
	causes[WHY_NOT_KEPT] |= v->not_in_keep;
	causes[WHY_EMPTY] |= emptied;
	for (unsigned why = WHY_LEVEL; why <= WHY_RECORD; why++) {
		uint64_t now = causes[why] & bits;

		if (why == WHY_TRANSFORM)
			continue; /* noted by decide_transform */
		note_fate(d, v, now, (struct redactor_fate){ FATE_WITHHELD, (uint8_t)why, 0 });
		bits &= ~now;
	}
	note_fate(d, v, bits, (struct redactor_fate){ FATE_WITHHELD, WHY_EMPTY, 0 });
}

/* Behind the comma that follows the child; the child's end if it is the last. */
static uint32_t
behind_comma(const struct json *j, const struct view_frame *f, uint32_t value)
{
	uint32_t at = j->nodes[value].end;

	if (j->nodes[value].next >= j->nodes[f->view.value].next)
		return at;
	while (j->text.at[at] != ',')
		at++;
	return at + 1;
}

/* Removes a child with the comma before it, or with the comma behind it where no child before it stays. */
static void
take_out(struct decisions *d, const struct view_frame *f, const struct view *v, uint64_t bits)
{
	const struct json *j = d->o->json;
	uint32_t end = j->nodes[v->value].end;
	uint32_t comma = (bits & ~f->before) != 0 ? behind_comma(j, f, v->value) : end;

	for (; bits != 0; bits &= bits - 1) {
		unsigned bit = (unsigned)__builtin_ctzll(bits);

		edits_remove(&d->edits[bit], f->edge, (f->before >> bit) & 1 ? end : comma);
	}
}

/* The replacement is d->texts from TEXT on. */
static void
put_in(struct decisions *d, uint64_t bits, uint32_t from, uint32_t to, size_t text)
{
	for (; bits != 0; bits &= bits - 1)
		edits_replace(&d->edits[__builtin_ctzll(bits)], from, to, (uint32_t)text,
		    (uint32_t)(d->texts.used - text));
}

static void
append(struct buffer *b, struct bytes text)
{
	if (!buffer_append(b, text.at, text.size))
		diag_die(EXIT_IO, "too much to put into one record");
}

/*
 * Puts ABSENT in place of the node: of an object, of an array as its one element, of a primitive x into _x.
 * Returns the bits for which it can be written.  A primitive in an array has no place of its own for it.
 */
static uint64_t
put_absent(struct decisions *d, const struct view *v, uint64_t bits)
{
	const struct json *j = d->o->json;
	const struct json_node *n = &j->nodes[v->value];
	bool is_array = n->kind == JSON_ARRAY;
	bool objects = n->kind == JSON_OBJECT ||
		       (is_array && n->next > v->value + 1 && json_kind(j, v->value + 1) == JSON_OBJECT);
	size_t text = d->texts.used;

	if (bits == 0 || v->is_sibling || (v->member == v->value && !objects))
		return 0;
	if (!objects) {
		append(&d->texts, (struct bytes)BYTES("\"_"));
		append(&d->texts, json_inside(j, v->member));
		append(&d->texts, (struct bytes)BYTES("\":"));
	}
	if (is_array)
		append(&d->texts, (struct bytes)BYTES("["));
	append(&d->texts, (struct bytes)BYTES(ABSENT));
	if (is_array)
		append(&d->texts, (struct bytes)BYTES("]"));
	put_in(d, bits, j->nodes[objects ? v->value : v->member].start, n->end, text);
	return bits;
}

/* Whether the name of the member V, which a sign leaves there, tells nothing. */
static bool
is_plain_name(const struct decisions *d, const struct view *v)
{
	return d->o->s->names == NULL || v->member == v->value ||
	       json_keys_find(d->o->s->names, json_string(d->o->json, v->member, &d->o->room)) != 0;
}

uint64_t
decide_sign(struct decisions *d, const struct view *v, uint64_t bits)
{
	const struct json_node *n = &d->o->json->nodes[v->value];
	bool leaves = (bits & (d->o->s->leaves_mask | d->o->s->leaves_absent)) != 0 && is_plain_name(d, v);
	uint64_t mask = leaves ? bits & d->o->s->leaves_mask : 0;
	uint64_t absent = leaves ? bits & d->o->s->leaves_absent : 0;
	uint64_t signs = absent != 0 ? put_absent(d, v, absent) : 0;
	size_t text = d->texts.used;

	if (mask == 0 || v->is_sibling || n->kind != JSON_STRING)
		return signs;
	append(&d->texts, (struct bytes)BYTES("\"***\""));
	put_in(d, mask, n->start, n->end, text);
	return signs | mask;
}

uint64_t
decide_may_sign(const struct view *v)
{
	return (v->above_level | v->cause[WHY_CATEGORY]) & ~(v->not_in_keep | v->no_sign) & v->active;
}

static void
lose_roots(struct outline *o, const struct view *v, uint64_t bits)
{
	const struct roots *r = &o->roots;
	uint32_t end = o->json->nodes[v->value].next;

	if (r->count == 1)
		return;
	for (size_t i = roots_from(r, v->value); i < r->count && r->at[i].node < end; i++)
		o->root[i].gone_now |= bits;
}

void
decide_child(struct decisions *d, struct view_frame *f, const struct view *v, uint64_t stays, uint64_t signs,
    uint64_t emptied)
{
	uint64_t gone = f->active & ~(stays | signs);

	if (gone != 0) {
		take_out(d, f, v, gone);
		explain_gone(d, v, gone, emptied);
		lose_roots(d->o, v, gone);
		d->o->root[v->root].lost_reference |= v->cause[WHY_REFERENCE] & gone;
		f->lost |= gone;
		d->lost |= gone;
		if (v->is_root && v->kind == PLACE_RESOURCE)
			f->carried |= gone;
	}
	f->stays |= stays;
	f->signs |= signs;
	f->before |= stays | signs;
	f->edge = d->o->json->nodes[v->value].end;
	if (f->view.around == AROUND_ROOT && v->kind != PLACE_BASIC && v->kind != PLACE_ID &&
	    v->kind != PLACE_META)
		f->content |= stays;
}

static enum operation_outcome
apply(struct decisions *d, const struct scheme_transform *t, const struct view *v)
{
	struct outline *o = d->o;
	struct operation_value value = {
		.json = o->json,
		.node = v->value,
		.around = v->holder,
		.is_reference = v->kind == PLACE_REFERENCE || v->kind == PLACE_FULL_URL,
		.subject = d->subject,
		.type = shape_type(o->s->shape, o->json, o->roots.at[v->root].node),
		.batch = d->batch,
		.now = d->now,
		.room = &o->room,
	};

	if (!d->asked_time) {
		d->has_time = shape_time(o->s->shape, o->json, o->record, &d->time);
		d->asked_time = true;
	}
	value.time = d->has_time ? &d->time : NULL;
	return operation_apply(&t->operation, &value, &d->texts);
}

/* The bits that may know system and code, which the result tells of. */
static uint64_t
knows_coding(const struct outline *o, const struct view *v)
{
	uint32_t coding = json_kind(o->json, v->value) == JSON_OBJECT ? v->value : v->holder;

	return view_seen(o, v, json_member_key(o->json, coding, o->places.system)) &
	       view_seen(o, v, json_member_key(o->json, coding, o->places.code));
}

uint64_t
decide_transform(
    struct decisions *d, struct view *v, const struct matches_pick *pick, uint64_t bits, uint64_t *signs)
{
	const struct scheme_transform *t = &d->o->s->transform[pick->transform];
	const struct json_node *n = &d->o->json->nodes[v->value];
	struct redactor_fate fate = { FATE_TRANSFORMED, WHY_TRANSFORM, (uint16_t)pick->transform };
	size_t text = d->texts.used;
	uint64_t absent;

	if (operation_reads_coding(&t->operation)) {
		view_blame(v, WHY_TRANSFORM, bits & ~knows_coding(d->o, v));
		bits &= ~v->cause[WHY_TRANSFORM];
	}
	if (bits == 0)
		return 0;
	switch (apply(d, t, v)) {
	case OPERATION_KEEP:
		return 0;
	case OPERATION_REPLACE:
		put_in(d, bits, n->start, n->end, text);
		note_fate(d, v, bits, fate);
		d->done[operation_done(&t->operation)] |= bits;
		return bits;
	case OPERATION_ABSENT:
		absent = put_absent(d, v, bits);
		*signs |= absent;
		note_fate(d, v, absent, fate);
		bits &= ~absent;
		break;
	case OPERATION_REMOVE:
		d->failed += !operation_removes(&t->operation);
		break;
	case OPERATION_HIDE:
		break;
	}
	fate.fate = FATE_WITHHELD;
	note_fate(d, v, bits, fate);
	view_blame(v, WHY_TRANSFORM, bits);
	return 0;
}

void
decide_release_level(const struct decisions *d, const struct matches *m, struct view *v)
{
	const struct scheme *s = d->o->s;

	for (unsigned i = 0; i < m->picks; i++) {
		int level = s->transform[m->pick[i].transform].release;

		if (level >= 0)
			v->above_level &=
			    ~(m->pick[i].bits & ~s->below_level[v->raise] & ~s->below_level[level]);
	}
}

uint64_t
decide_null(struct decisions *d, const struct view *v, uint64_t bits)
{
	size_t text = d->texts.used;

	if (!v->is_element || bits == 0)
		return 0;
	append(&d->texts, (struct bytes)BYTES("null"));
	put_in(d, bits, d->o->json->nodes[v->value].start, d->o->json->nodes[v->value].end, text);
	return bits;
}

/* The end of the last element that stays and is not null; behind the bracket if there is none. */
static uint32_t
last_element(const struct json *j, uint32_t array, const struct edits *edits)
{
	uint32_t last = j->nodes[array].start + 1;
	uint32_t e = edits->count;

	while (e > 0 && edits->at[e - 1].to > last)
		e--;
	for (uint32_t i = array + 1; i < j->nodes[array].next; i = j->nodes[i].next) {
		const struct json_node *n = &j->nodes[i];

		while (e < edits->count && edits->at[e].to <= n->start)
			e++;
		bool gone = e < edits->count && edits->at[e].from <= n->start && edits->at[e].to >= n->end;
		if (!gone && n->kind != JSON_NULL)
			last = n->end;
	}
	return last;
}

void
decide_trim(struct decisions *d, const struct view_frame *c)
{
	const struct outline *o = d->o;
	uint64_t bits = c->stays & c->active & o->s->hidden;

	if (json_kind(o->json, c->view.value) != JSON_ARRAY || !notes_of(o->notes, c->view.value)->is_sibling)
		return;
	for (; bits != 0; bits &= bits - 1) {
		struct edits *edits = &d->edits[__builtin_ctzll(bits)];
		uint32_t last = last_element(o->json, c->view.value, edits);

		if (last < c->edge)
			edits_remove(edits, last, c->edge);
	}
}
