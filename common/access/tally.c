/* SPDX-License-Identifier: ISC */
#include "common/access/tally.h"

#include "common/access/parts.h"

static size_t
count_rows(const struct engine *e)
{
	size_t rows = 0;

	for (uint32_t i = 0; i < e->layers.files; i++)
		for (uint32_t k = 0; k < e->layers.file[i].rules; k++)
			rows += 1 + e->layers.file[i].rule[k].excepts;
	return rows;
}

static void
add_rule(struct tally *c, const struct layer_file *f, const struct access_rule *rule)
{
	struct bytes id = arena_copy(&c->arena, rule->id);

	for (uint32_t i = 0; i <= rule->excepts; i++)
		c->row[c->rows++] =
		    (struct tally_row){ .file = f->file, .line = rule->node->line, .exception = i, .id = id };
}

void
tally_begin(struct tally *c, const struct engine *e)
{
	if (c->row)
		return;
	c->row = arena_array(&c->arena, count_rows(e) + 1, sizeof *c->row);
	for (uint32_t i = 0; i < e->layers.files; i++)
		for (uint32_t k = 0; k < e->layers.file[i].rules; k++)
			add_rule(c, &e->layers.file[i], &e->layers.file[i].rule[k]);
}

/* True if the rule's own criteria hold, and so do those of its exception I. */
static bool
is_taken(const struct access_rule *rule, uint32_t i, struct situation *s)
{
	struct attribute_set missing = { 0 };
	unsigned data = 0;

	return criteria_judge(&rule->criteria, s, &data, &missing) == TRUTH_TRUE &&
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
}

void
tally_release(struct tally *c)
{
	arena_release(&c->arena);
	*c = (struct tally){ 0 };
}
