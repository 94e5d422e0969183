/* SPDX-License-Identifier: ISC */
#include "common/redact/walk.h"

#include "common/base/diag.h"

#include <string.h>

#define ABSENT                                                                                               \
	"{\"extension\":[{\"url\":\"http://hl7.org/fhir/StructureDefinition/data-absent-reason\","           \
	"\"valueCode\":\"masked\"}]}"

/* ---- fates ---- */
static void
note_fate(struct walk *w, const struct view *v, uint64_t bits, struct redactor_fate fate)
{
	uint32_t end = w->json->nodes[v->value].next;

	for (unsigned i = 0; w->fates != NULL && i < w->s->versions; i++) {
		if ((bits & scheme_bit(i)) == 0)
			continue;
		for (uint32_t node = v->member; node < end; node++) {
			struct redactor_fate *old = &w->fates[(size_t)node * w->s->versions + i];

			if (old->fate != FATE_WITHHELD)
				*old = fate;
		}
	}
}

/* Why a node is gone in BITS: what was found out first counts. */
static void
explain_gone(struct walk *w, const struct view *v, uint64_t bits, uint64_t empty)
{
	uint64_t causes[WHY_RECORD + 1];

	if (w->fates == NULL || bits == 0)
		return;
	memcpy(causes, v->cause, sizeof causes);
	causes[WHY_LEVEL] |= v->over;
	causes[WHY_NOT_KEPT] |= v->bare;
	causes[WHY_EMPTY] |= empty;
	for (unsigned why = WHY_LEVEL; why <= WHY_RECORD; why++) {
		uint64_t now = causes[why] & bits;

		if (why == WHY_TRANSFORM)
			continue; /* noted with its transform */
		note_fate(w, v, now, (struct redactor_fate){ FATE_WITHHELD, (uint8_t)why, 0 });
		bits &= ~now;
	}
	note_fate(w, v, bits, (struct redactor_fate){ FATE_WITHHELD, WHY_EMPTY, 0 });
}

/* ---- edits ---- */

/* Behind the comma that follows the child; its own end if it is the last. */
static uint32_t
behind_comma(const struct walk *w, const struct frame *f, uint32_t value)
{
	const struct json *j = w->json;
	uint32_t at = j->nodes[value].end;

	if (j->nodes[value].next >= j->nodes[f->view.value].next)
		return at;
	while (j->text.at[at] != ',')
		at++;
	return at + 1;
}

/*
 * A member goes from the end of the one before it to its own end; if none before it stays, up to and with the
 * comma behind it.
 */
static void
take_out(struct walk *w, const struct frame *f, const struct view *v, uint64_t bits)
{
	uint32_t end = w->json->nodes[v->value].end;
	uint32_t comma = (bits & ~f->before) != 0 ? behind_comma(w, f, v->value) : end;

	for (; bits != 0; bits &= bits - 1) {
		unsigned bit = (unsigned)__builtin_ctzll(bits);

		edits_remove(&w->edits[bit], f->edge, (f->before >> bit) & 1 ? end : comma);
	}
}

static void
put_in(struct walk *w, uint64_t bits, uint32_t from, uint32_t to, size_t text)
{
	for (; bits != 0; bits &= bits - 1)
		edits_replace(&w->edits[__builtin_ctzll(bits)], from, to, (uint32_t)text,
		    (uint32_t)(w->texts.used - text));
}

static void
append(struct buffer *b, const char *text, size_t size)
{
	if (!buffer_append(b, text, size))
		diag_die(EXIT_IO, "too much to put into one record");
}

/* What FHIR writes where a required value may not be shown; the bits for which it can be written. */
static uint64_t
put_absent(struct walk *w, const struct view *v, uint64_t bits)
{
	const struct json *j = w->json;
	const struct json_node *n = &j->nodes[v->value];
	bool is_array = n->kind == JSON_ARRAY;
	bool objects = n->kind == JSON_OBJECT ||
		       (is_array && n->next > v->value + 1 && json_kind(j, v->value + 1) == JSON_OBJECT);
	size_t text = w->texts.used;

	/* A primitive among others has no place of its own for a sign. */
	if (bits == 0 || v->half || (v->member == v->value && !objects))
		return 0;
	if (!objects) {
		struct bytes name = json_inside(j, v->member);

		append(&w->texts, "\"_", 2);
		append(&w->texts, name.at, name.size);
		append(&w->texts, "\":", 2);
	}
	if (is_array)
		append(&w->texts, "[", 1);
	append(&w->texts, ABSENT, sizeof ABSENT - 1);
	if (is_array)
		append(&w->texts, "]", 1);
	put_in(w, bits, j->nodes[objects ? v->value : v->member].start, n->end, text);
	return bits;
}

/* The signs that `above: absent` and `above: mask` leave; the bits for which one was left. */
uint64_t
decide_sign(struct walk *w, const struct view *v, uint64_t bits)
{
	uint64_t mask = bits & w->s->mask;
	uint64_t absent = bits & w->s->absent;
	uint64_t signs = absent != 0 ? put_absent(w, v, absent) : 0;
	size_t text = w->texts.used;

	if (mask == 0 || v->half || json_kind(w->json, v->value) != JSON_STRING)
		return signs;
	append(&w->texts, "\"***\"", 5);
	put_in(w, mask, w->json->nodes[v->value].start, w->json->nodes[v->value].end, text);
	return signs | mask;
}

/* ---- what is decided ---- */

/* Roots inside a node that is gone are gone. */
static void
lose_roots(struct walk *w, const struct view *v, uint64_t bits)
{
	const struct root *at = w->roots.at;
	size_t low = 0;
	size_t high = w->roots.count;

	if (w->roots.count == 1)
		return;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (at[middle].node < v->value)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < w->roots.count && at[low].node < w->json->nodes[v->value].next; low++)
		w->root[low].gone |= bits;
}

/* A record holds something if more stays of it than its type, its id and its meta. */
static bool
is_content(const struct view *v)
{
	return v->kind != MEMBER_BASIC && v->kind != MEMBER_ID && v->kind != MEMBER_META;
}

/* REAL of it stays, SHOWN is only a sign, all other bits lose it. */
void
decide_child(
    struct walk *w, struct frame *f, const struct view *v, uint64_t real, uint64_t shown, uint64_t empty)
{
	uint64_t stays = real | shown;
	uint64_t gone = f->active & ~stays;

	if (gone != 0) {
		take_out(w, f, v, gone);
		explain_gone(w, v, gone, empty);
		lose_roots(w, v, gone);
		f->lost |= gone;
		w->lost |= gone;
		if (v->is_root && v->kind == MEMBER_RESOURCE)
			f->carried |= gone;
	}
	f->real |= real;
	f->shown |= shown;
	f->before |= stays;
	f->edge = w->json->nodes[v->value].end;
	if (f->view.around == AROUND_ROOT && is_content(v))
		f->content |= real;
}

/* ---- transforms ---- */
static enum outcome
apply(struct walk *w, const struct scheme_transform *t, const struct view *v)
{
	struct operation_value value = {
		.json = w->json,
		.node = v->value,
		.is_reference = v->kind == MEMBER_REFERENCE || v->kind == MEMBER_FULL_URL,
		.subject = w->subject,
		.type = shape_type(w->s->shape, w->json, w->roots.at[v->root].node),
		.batch = w->batch,
		.now = w->now,
		.room = &w->room,
	};

	if (!w->asked_time) {
		w->has_time = shape_time(w->s->shape, w->json, w->record, &w->time);
		w->asked_time = true;
	}
	value.time = w->has_time ? &w->time : NULL;
	return operation_apply(&t->operation, &value, &w->texts);
}

/* One pick, for BITS in which the node stands: those in which it is replaced, and in SHOWN by a sign only. */
uint64_t
decide_transform(struct walk *w, struct view *v, const struct pick *pick, uint64_t bits, uint64_t *shown)
{
	const struct scheme_transform *t = &w->s->transform[pick->transform];
	const struct json_node *n = &w->json->nodes[v->value];
	struct redactor_fate fate = { FATE_TRANSFORMED, WHY_TRANSFORM, (uint16_t)pick->transform };
	size_t text = w->texts.used;
	uint64_t signs;

	if (bits == 0)
		return 0;
	switch (apply(w, t, v)) {
	case OUTCOME_KEEP:
		return 0;
	case OUTCOME_REPLACE:
		put_in(w, bits, n->start, n->end, text);
		note_fate(w, v, bits, fate);
		return bits;
	case OUTCOME_ABSENT:
		signs = put_absent(w, v, bits);
		*shown |= signs;
		note_fate(w, v, signs, fate);
		bits &= ~signs;
		break;
	case OUTCOME_REMOVE:
		w->failed += !operation_removes(&t->operation);
		break;
	}
	fate.fate = FATE_WITHHELD;
	note_fate(w, v, bits, fate);
	view_blame(v, WHY_TRANSFORM, bits);
	return 0;
}

/* A release by name: the result may be known at a level at which the node may not, if its place alone says
 * so. */
void
decide_release(const struct walk *w, struct view *v)
{
	for (unsigned i = 0; i < w->picks; i++) {
		int level = w->s->transform[w->pick[i].transform].release;

		if (level >= 0)
			v->over &= ~(w->pick[i].bits & ~w->s->over[v->raise] & ~w->s->over[level]);
	}
}

/* The bits in which `above:` may leave a sign: nothing but level or category speaks against the node. */
uint64_t
decide_signs(const struct view *v)
{
	return (v->over | v->cause[WHY_CATEGORY]) & ~(v->bare | v->barred) & v->active;
}

/* ---- halves ---- */

/* The bits in which a container stays as what holds a place only; it is written so. */
uint64_t
decide_hold(struct walk *w, const struct view *v, uint64_t bits)
{
	size_t text = w->texts.used;

	if (!v->holds || bits == 0)
		return 0;
	append(&w->texts, "null", 4);
	put_in(w, bits, w->json->nodes[v->value].start, w->json->nodes[v->value].end, text);
	return bits;
}

/* The end of the last element of an array that stays, with something in it, in a version. */
static uint32_t
last_element(const struct walk *w, uint32_t array, const struct edits *edits)
{
	const struct json *j = w->json;
	uint32_t last = j->nodes[array].start + 1;
	uint32_t e = 0;

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

/* Behind the last element of `_x` that says something no place need be held. */
void
decide_trim(struct walk *w, const struct frame *c)
{
	const struct json *j = w->json;
	uint64_t bits = c->real & c->active & w->s->hidden;
	uint32_t end = c->edge;

	if (json_kind(j, c->view.value) != JSON_ARRAY || !w->notes->of[c->view.value].half)
		return;
	for (; bits != 0; bits &= bits - 1) {
		struct edits *edits = &w->edits[__builtin_ctzll(bits)];
		uint32_t last = last_element(w, c->view.value, edits);

		if (last < end)
			edits_remove(edits, last, end);
	}
}
