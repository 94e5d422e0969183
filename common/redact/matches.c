/* SPDX-License-Identifier: ISC */
#include "common/redact/parts.h"

/* `where:` of a transform.  Unknown counts as false. */
static bool
applies(struct outline *o, const struct scheme_transform *t, uint32_t root)
{
	if (t->where == NULL)
		return true;
	o->asked.root = root;
	return condition_judge(t->where, &o->asked, o->roots.at[root].node) == TRUTH_TRUE;
}

void
matches_find(struct matches *m, struct outline *o, uint32_t state, uint32_t root, unsigned type)
{
	const struct scheme *s = o->s;
	size_t count;
	const uint32_t *number = paths_matched(s->paths, state, &count);
	uint64_t taken = 0; /* bits that have their transform */

	m->in_keep = m->formed = m->excepted = m->summary = 0;
	m->picks = 0;
	for (size_t i = 0; i < count; i++) {
		const struct scheme_place *place = &s->place[number[i]];
		const struct scheme_transform *t = &s->transform[place->transform];
		uint64_t bits = place->bits & ~taken;

		switch (place->use) {
		case SCHEME_KEEP:
			if (place->type == 0 || place->type == type)
				*(place->form != NULL ? &m->formed : &m->in_keep) |= place->bits;
			break;
		case SCHEME_SUMMARY:
			if (place->type == type || (place->type == 0 && !s->has_no_summary[type]))
				m->summary |= place->bits;
			break;
		case SCHEME_EXCEPT:
			m->excepted |= place->bits;
			break;
		case SCHEME_TRANSFORM:
			if (bits == 0 || (t->types != NULL && !t->types[type]) || !applies(o, t, root))
				break;
			m->pick[m->picks++] = (struct matches_pick){ place->transform, bits };
			taken |= bits;
			break;
		}
	}
}

uint64_t
matches_changes(struct outline *o, uint32_t state, uint32_t root, unsigned type)
{
	struct matches m;
	uint64_t changes = 0;

	if (state == PATHS_DEAD)
		return 0;
	matches_find(&m, o, state, root, type);
	for (unsigned i = 0; i < m.picks; i++)
		if (!operation_keeps(&o->s->transform[m.pick[i].transform].operation))
			changes |= m.pick[i].bits;
	return changes;
}

uint64_t
matches_forms(const struct scheme *s, uint32_t state, unsigned type, uint64_t *bits,
    bool (*judge)(void *context, const struct form *form), void *context)
{
	size_t count;
	const uint32_t *number = paths_matched(s->paths, state, &count);
	uint64_t asked = *bits;
	uint64_t good = 0;

	for (size_t i = 0; i < count; i++) {
		const struct scheme_place *place = &s->place[number[i]];

		if (place->form == NULL || (place->type != 0 && place->type != type) ||
		    (place->bits & asked) == 0)
			continue;
		*bits &= ~place->bits;
		if ((place->bits & asked & ~good) != 0 && judge(context, place->form))
			good |= place->bits & asked;
	}
	return good;
}
