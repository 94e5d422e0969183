/* SPDX-License-Identifier: ISC */
#include "common/access/narrowing.h"

static const struct roles_group *
class_group(const struct roles *roles, const struct value *v)
{
	return v->kind == VALUE_STRING && v->word != 0 ? roles_find_group(roles, GROUP_CLASS, v->word) : NULL;
}

static struct values
written_out(const struct values *classes, const struct roles *roles, const struct intern *words,
    struct scratch *scratch)
{
	struct values all = { .present = true };
	struct value *at;
	size_t count = 0;

	for (uint32_t i = 0; i < classes->count; i++) {
		const struct roles_group *g = class_group(roles, &classes->at[i]);

		count += g ? g->leaves : 1;
	}
	all.at = at = scratch_array(scratch, count, sizeof *at);
	for (uint32_t i = 0; i < classes->count; i++) {
		const struct roles_group *g = class_group(roles, &classes->at[i]);

		if (!g)
			at[all.count++] = classes->at[i];
		for (uint32_t k = 0; g && k < g->leaves; k++)
			at[all.count++] = (struct value){ .kind = VALUE_STRING,
				.word = g->leaf[k],
				.text = intern_text(words, g->leaf[k]) };
	}
	return all;
}

struct narrowing
narrowing_of(
    const struct request *q, const struct roles *roles, const struct intern *words, struct scratch *scratch)
{
	struct narrowing n = { 0 };

	for (unsigned i = 0; i < DATA_COUNT; i++) {
		if (!q->at[DATA_FIRST + i].present)
			continue;
		n.there = true;
		n.at[i] = DATA_FIRST + i == ATTRIBUTE_CLASS
			      ? written_out(&q->at[ATTRIBUTE_CLASS], roles, words, scratch)
			      : q->at[DATA_FIRST + i];
	}
	return n;
}
