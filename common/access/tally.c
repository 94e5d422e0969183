/* SPDX-License-Identifier: ISC */
#include "common/access/tally.h"

#include "common/access/parts.h"

#include <string.h>

static void
add_row(struct tally *c, const struct tally_row *row)
{
	if (c->rows == c->room) {
		struct tally_row *old = c->row;

		c->room = c->room ? 2 * c->room : 64;
		c->row = arena_array(&c->arena, c->room, sizeof *c->row);
		if (c->rows > 0)
			memcpy(c->row, old, c->rows * sizeof *old);
	}
	c->row[c->rows++] = *row;
}

static void
add_rule(struct tally *c, const struct layer_file *f, const struct access_rule *rule)
{
	struct tally_row row = {
		.file = f->file, .line = rule->node->line, .id = arena_copy(&c->arena, rule->id)
	};

	for (row.exception = 0; row.exception <= rule->excepts; row.exception++)
		add_row(c, &row);
}

static void
add_clearances(
    struct tally *c, const char *file, const char *what, const struct clearance_row *at, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		add_row(c, &(struct tally_row){ .file = file,
			       .line = at[i].node->line,
			       .id = bytes_of(arena_format(&c->arena, "%s%u", what, at[i].al)) });
}

/* The row of a rule of a directive; NULL if it is not listed. */
static struct tally_row *
row_of(const struct tally *c, const struct directive *d, const struct access_rule *rule)
{
	const char *name = "directive ";
	size_t size = strlen(name);

	for (size_t i = c->directives; i < c->rows; i++)
		if (bytes_equal(c->row[i].id, rule->id) && bytes_are(d->id, c->row[i].file + size))
			return &c->row[i];
	return NULL;
}

static void
add_directive(struct tally *c, const struct directive *d)
{
	for (uint32_t i = 0; !d->unreadable && i < d->rules; i++)
		if (!row_of(c, d, &d->rule[i]))
			add_row(c, &(struct tally_row){ .file = arena_format(&c->arena, "directive %.*s",
							    (int)d->id.size, d->id.at),
				       .id = arena_copy(&c->arena, d->rule[i].id) });
}

void
tally_begin(struct tally *c, const struct engine *e)
{
	const struct clearances *al = &e->clearances;

	if (!c->row) {
		for (uint32_t i = 0; i < e->layers.files; i++)
			for (uint32_t k = 0; k < e->layers.file[i].rules; k++)
				add_rule(c, &e->layers.file[i], &e->layers.file[i].rule[k]);
		add_clearances(c, al->file, "AL ", al->row, al->rows);
		add_clearances(c, al->file, "at most AL ", al->cap, al->caps);
		c->directives = c->rows;
	}
	for (uint32_t i = 0; i < e->directives.room; i++)
		for (const struct directive *d = e->directives.slot[i].first; d; d = d->next)
			add_directive(c, d);
}

/* True if the rule's own criteria hold, and so do those of its exception I. */
static bool
is_taken(const struct access_rule *rule, uint32_t i, struct situation *s)
{
	struct attribute_set missing = { 0 };
	unsigned data = 0;

	return criteria_judge(rule->criteria, s, &data, &missing) == TRUTH_TRUE &&
	       criteria_judge(&rule->except[i], s, &data, &missing) == TRUTH_TRUE;
}

static void
note_rule(struct tally_row *row, const struct layer_outcome *o, uint32_t i, struct situation *s)
{
	const struct access_rule *rule = &o->file->rule[i];

	row->held += o->state[i].holding == RULE_HOLDS;
	row->decided += layer_rule_acts(o, i);
	for (uint32_t k = 0; k < rule->excepts; k++) {
		bool taken = is_taken(rule, k, s);

		row[1 + k].held += taken;
		row[1 + k].decided += taken;
	}
}

/* A cap counts where it lowers, so also where something is missing. */
static void
note_clearances(struct tally_row *row, const struct clearances *c, const struct verdict *v)
{
	struct situation s = v->situation;

	for (uint32_t i = 0; v->cleared && i < c->rows + c->caps; i++) {
		const struct clearance_row *at = i < c->rows ? &c->row[i] : &c->cap[i - c->rows];
		struct attribute_set missing = { 0 };
		unsigned data = 0;

		row[i].held += criteria_judge(&at->criteria, &s, &data, &missing) == TRUTH_TRUE;
		row[i].decided += at == v->clearance.row || at == v->clearance.cap;
	}
}

static bool
is_for_result(const struct consent *c, const struct access_rule *rule)
{
	for (uint32_t i = 0; i < c->speaks; i++)
		if (c->spoken[i]->rule == rule)
			return true;
	return false;
}

static void
note_directives(struct tally *c, const struct consent *consent)
{
	for (uint32_t i = 0; i < consent->opinions; i++) {
		const struct opinion *o = &consent->opinion[i];

		for (const struct consent_spoken *p = o->spoken; p; p = p->next) {
			struct tally_row *row = p->rule ? row_of(c, o->directive, p->rule) : NULL;

			if (!row)
				continue;
			row->held++;
			row->decided += is_for_result(consent, p->rule);
		}
	}
}

void
tally_note(struct tally *c, const struct engine *e, const struct verdict *v)
{
	struct tally_row *row = c->row;

	for (uint32_t i = 0; i < e->layers.files; i++) {
		const struct layer_file *f = &e->layers.file[i];
		const struct layer_outcome *o = &v->outcome[f->layer];
		struct situation s = v->situation;

		s.custodian = f->layer != LAYER_OUTBOUND;
		for (uint32_t k = 0; k < f->rules; k++) {
			if (o->file == f && o->state)
				note_rule(row, o, k, &s);
			row += 1 + f->rule[k].excepts;
		}
	}
	note_clearances(row, &e->clearances, v);
	note_directives(c, &v->consent);
}

void
tally_release(struct tally *c)
{
	arena_release(&c->arena);
	*c = (struct tally){ 0 };
}
