/* SPDX-License-Identifier: ISC */
#include "common/redact/parts.h"

#include "common/base/diag.h"
#include "common/policy/vocabulary.h"

#include <string.h>

/* What holds inside a node with labels, or inside a root. */
struct standing {
	uint32_t end;
	uint8_t base, raise;
	uint32_t root; /* index */
	uint64_t left_out;
};

void
version_labels_init(
    struct version_labels *v, const struct scheme *s, struct json_keys *keys, unsigned max_depth)
{
	*v = (struct version_labels){ 0 };
	fhir_labels_init(&v->fhir, s->policy);
	json_init(&v->json, keys, max_depth);
	roots_init(&v->roots, keys);
	buffer_init(&v->text, BUFFER_UNLIMITED);
	buffer_init(&v->sums, BUFFER_UNLIMITED);
	buffer_init(&v->shown, BUFFER_UNLIMITED);
	buffer_init(&v->standing, BUFFER_UNLIMITED);
	for (unsigned i = 0; i < s->versions; i++) {
		v->may_do[i] = (unsigned)(s->may_lack >> i & 1) << FHIR_LABELS_REDACTED;
		for (size_t p = 0; p < s->places; p++)
			if (s->place[p].use == SCHEME_TRANSFORM && (s->place[p].bits >> i & 1) != 0)
				v->may_do[i] |=
				    1U << operation_done(&s->transform[s->place[p].transform].operation);
	}
}

void
version_labels_release(struct version_labels *v)
{
	fhir_labels_release(&v->fhir);
	json_release(&v->json);
	roots_release(&v->roots);
	buffer_release(&v->text);
	buffer_release(&v->sums);
	buffer_release(&v->shown);
	buffer_release(&v->standing);
}

/* The labels of a record as one version shows them. */
struct survey {
	struct version_labels *v;
	const struct outline *o;
	const struct edits *edits;
	uint64_t bit;
	uint8_t level; /* of the version */
	uint32_t edit, label, category;
	size_t root; /* the next of each */
};

/* What stands in a root that a version does not have. */
enum { ROOT_GONE = UINT32_MAX };

/* True if the version has nothing of NODE.  Nodes come in rising order. */
static bool
is_gone(struct survey *s, uint32_t node)
{
	const struct json_node *n = &s->o->json->nodes[node];
	const struct edit *e;

	while (s->edit < s->edits->count && s->edits->at[s->edit].to <= n->start)
		s->edit++;
	if (s->edit == s->edits->count)
		return false;
	e = &s->edits->at[s->edit];
	if (e->from > n->start || e->to < n->end)
		return false;
	return e->size == 0 || e->from < n->start || e->to > n->end;
}

static struct fhir_labels_sum *
sum_of(const struct survey *s, size_t root)
{
	return (struct fhir_labels_sum *)(void *)s->v->sums.at + root;
}

/* What holds around NODE, and at it by the notes on it. */
static struct standing
stand(struct survey *s, uint32_t node)
{
	struct buffer *b = &s->v->standing;
	const struct notes_node *note = notes_of(s->o->notes, node);
	struct standing at = { 0 };
	const struct standing *around;

	while (b->used > 0 &&
	       ((const struct standing *)(const void *)(b->at + b->used - sizeof at))->end <= node)
		b->used -= sizeof at;
	if (b->used > 0) {
		around = (const struct standing *)(const void *)(b->at + b->used - sizeof at);
		at = *around;
	}
	at.end = s->o->json->nodes[node].next;
	at.base = note->base != NOTES_NO_BASE ? note->base : at.base;
	at.raise = note->raise > at.raise ? note->raise : at.raise;
	at.left_out |= note->left_out;
	return at;
}

/* The categories of the labels on NODE, and no laws. */
static uint64_t
categories_of(struct survey *s, uint32_t node)
{
	const struct notes *n = s->o->notes;
	uint64_t sum = 0;

	while (s->category < n->categories && n->category[s->category].node < node)
		s->category++;
	for (; s->category < n->categories && n->category[s->category].node == node; s->category++)
		sum |= n->category[s->category].categories;
	return sum & ~(~UINT64_C(0) << vocabulary_size(VOCABULARY_SENSITIVITY));
}

/* True if a decision took something out of NODE, whose labels may tell of it. */
static bool
is_incomplete(const struct survey *s, uint32_t node)
{
	const struct notes *n = s->o->notes;
	uint32_t end = s->o->json->nodes[node].next;

	if ((s->o->root[0].limited & s->bit) == 0)
		return false;
	for (uint32_t i = s->label; i < n->count && n->labelled[i] < end; i++)
		if ((notes_of(n, n->labelled[i])->dropped & s->bit) != 0)
			return true;
	return false;
}

/* Counts NODE, which has labels or is a root. */
static void
count(struct survey *s, uint32_t node, bool is_root)
{
	struct standing at = stand(s, node);
	uint8_t level = at.base > at.raise ? at.base : at.raise;
	uint64_t categories = categories_of(s, node);
	bool gone = is_gone(s, node);
	struct fhir_labels_sum *m;

	if (is_root)
		at.root = (uint32_t)s->root++;
	*(struct standing *)buffer_more(&s->v->standing, sizeof at) = at;
	m = sum_of(s, at.root);
	if (is_root && gone)
		m->level = ROOT_GONE;
	if (gone || m->level == ROOT_GONE)
		return;
	/* Of a node above the level there is a skeleton, a sign, or a value that a transform released. */
	if (level > s->level || (at.left_out & s->bit) != 0)
		level = s->level;
	else if (categories != 0 && !is_incomplete(s, node))
		m->sensitivity |= categories;
	m->level = level > m->level ? level : m->level;
}

static void
count_all(struct survey *s)
{
	const struct roots *roots = &s->o->roots;
	const struct notes *n = s->o->notes;

	while (s->label < n->count || s->root < roots->count) {
		uint32_t label = s->label < n->count ? n->labelled[s->label] : UINT32_MAX;
		uint32_t root = s->root < roots->count ? roots->at[s->root].node : UINT32_MAX;
		uint32_t node = label < root ? label : root;

		for (; s->label < n->count && n->labelled[s->label] == node; s->label++)
			;
		count(s, node, node == root);
	}
}

/* A root has the labels of those inside, too.  A Bundle tells the categories of none. */
static void
fold(struct survey *s)
{
	const struct roots *roots = &s->o->roots;

	for (size_t i = roots->count; i-- > 0;) {
		const struct fhir_labels_sum *m = sum_of(s, i);
		struct fhir_labels_sum *around = sum_of(s, roots->at[i].parent);

		if (i == 0 || m->level == ROOT_GONE || around->level == ROOT_GONE)
			continue;
		around->level = m->level > around->level ? m->level : around->level;
		around->sensitivity |= m->sensitivity;
	}
	for (size_t i = 0; i < roots->count; i++)
		if (s->o->root[i].is_bundle)
			sum_of(s, i)->sensitivity = 0;
}

/*
 * The sums of the version's roots, in order.  A root may have lost what makes it one; where the roots cannot
 * be told apart each gets the sums of the whole.
 */
static void
show(struct survey *s)
{
	struct version_labels *v = s->v;
	size_t kept = 0;
	struct fhir_labels_sum *to;

	v->shown.used = 0;
	to = buffer_more(&v->shown, (s->o->roots.count + v->roots.count) * sizeof *to);
	for (size_t i = 0; i < s->o->roots.count; i++)
		if (sum_of(s, i)->level != ROOT_GONE)
			to[kept++] = *sum_of(s, i);
	for (size_t i = 0; kept != v->roots.count && i < v->roots.count; i++)
		to[i] = *sum_of(s, 0);
}

void
version_labels_find(struct version_labels *v, const struct walk *w, unsigned version)
{
	static const struct edits none = { NULL, 0, 0 };
	const struct outline *o = &w->viewer.outline;
	uint64_t bit = scheme_bit(version);
	struct survey s = { .v = v,
		.o = o,
		.bit = bit,
		.level = (uint8_t)o->s->version[version].level,
		.edits = (w->active & bit) != 0 ? &w->decisions.edits[version] : &none };
	struct fhir_labels_sum *record;

	(void)json_slack(&v->text);
	if (!json_parse(&v->json, buffer_bytes(&v->text)))
		diag_bug("a version that is no JSON");
	roots_find(&v->roots, &v->json, 0, true);
	v->sums.used = v->standing.used = 0;
	(void)buffer_more(&v->sums, o->roots.count * sizeof *record);
	count_all(&s);
	fold(&s);
	show(&s);
	record = (struct fhir_labels_sum *)(void *)v->shown.at;
	record->done = (o->s->hidden & bit) != 0 ? v->may_do[version] : 0;
	for (unsigned i = 0; (o->s->hidden & bit) == 0 && (w->active & bit) != 0 && i < FHIR_LABELS_DONE; i++)
		record->done |= (unsigned)(w->decisions.done[i] >> version & 1) << i;
	if ((o->s->hidden & bit) == 0 && (w->active & w->decisions.lost & bit) != 0)
		record->done |= 1U << FHIR_LABELS_REDACTED;
	fhir_labels_find(&v->fhir, &v->json, &v->roots, &(struct fhir_labels_wanted){ .sum = record });
}
