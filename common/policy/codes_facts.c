/* SPDX-License-Identifier: ISC */
/* What is known of sets, categories and systems, and of the terms of sets. */
#include "common/policy/codes_table.h"
#include "common/policy/vocabulary.h"

unsigned
codes_sets(const struct codes *c)
{
	return c->sets;
}

int
codes_set(const struct codes *c, struct bytes name)
{
	for (unsigned i = 0; i < c->sets; i++)
		if (c->set[i].name.size > 0 && bytes_equal(c->set[i].name, name))
			return (int)i;
	return -1;
}

unsigned
codes_categories(const struct codes *c)
{
	return c->categories;
}

int
codes_category(const struct codes *c, struct bytes name)
{
	for (unsigned i = 0; i < c->categories; i++)
		if (bytes_equal(c->category[i], name))
			return (int)i;
	return -1;
}

struct bytes
codes_category_name(const struct codes *c, unsigned category)
{
	return c->category[category];
}

void
codes_set_categories(const struct codes *c, unsigned set, struct code_bits *categories)
{
	for (unsigned i = 0; i < c->groups; i++)
		if (c->group[i].category != CODE_NO_CATEGORY && code_bits_has(&c->group[i].sets, set))
			code_bits_add(categories, c->group[i].category);
}

bool
codes_sensitive(const struct codes *c, const struct code_bits *sets, struct fault *f)
{
	for (unsigned i = 0; i < c->groups; i++) {
		const struct code_group *g = &c->group[i];
		const struct concept *concept;

		if (g->category == CODE_NO_CATEGORY || !code_bits_meet(&g->sets, sets))
			continue;
		concept = vocabulary_find(VOCABULARY_SENSITIVITY, c->category[g->category]);
		if (concept != NULL && concept->status == CONCEPT_ACTIVE)
			continue;
		return valueset_fault(f, g->file, g->first,
		    "'%.*s' is no active sensitivity category of v3-ActCode",
		    code_shown(c->category[g->category]), c->category[g->category].at);
	}
	return true;
}

void
codes_matched_categories(const struct codes *c, const struct codes_match *match, const struct code_bits *sets,
    struct code_bits *categories)
{
	for (unsigned w = 0; w < CODE_BITS / 64; w++) {
		for (uint64_t bits = match->groups.word[w]; bits != 0; bits &= bits - 1) {
			const struct code_group *g = &c->group[w * 64 + (unsigned)__builtin_ctzll(bits)];

			if (g->category != CODE_NO_CATEGORY &&
			    (sets == NULL || code_bits_meet(&g->sets, sets)))
				code_bits_add(categories, g->category);
		}
	}
}

unsigned
codes_systems(const struct codes *c)
{
	return c->systems.count;
}

struct bytes
codes_system_uri(const struct codes *c, unsigned system)
{
	return c->systems.at[system].uri;
}

bool
codes_system_plain(const struct codes *c, unsigned system)
{
	return c->systems.at[system].is_plain;
}

size_t
codes_system_rows(const struct codes *c, unsigned system)
{
	const uint16_t *also = c->systems.at[system].also;

	return c->facts[system].rows + c->facts[also[0]].rows + c->facts[also[1]].rows;
}

bool
codes_system_complete(const struct codes *c, unsigned system)
{
	const uint16_t *also = c->systems.at[system].also;

	return !c->facts[system].is_partial && !c->facts[also[0]].is_partial && !c->facts[also[1]].is_partial;
}

bool
codes_is_terms(const struct codes *c, unsigned set)
{
	return c->set[set].is_terms;
}

const struct terms *
codes_terms(const struct codes *c)
{
	return c->terms.count > 0 ? &c->terms : NULL;
}

struct saying {
	const struct codes *codes;
	struct codes_match *match;
	bool any;
};

static void
add_term(void *context, const struct term *term)
{
	struct saying *s = context;
	const struct code_bits *sets = &s->codes->group[term->group].sets;

	code_bits_add(&s->match->groups, term->group);
	for (unsigned i = 0; i < CODE_BITS / 64; i++)
		s->match->sets.word[i] |= sets->word[i];
	s->any = true;
}

bool
codes_say(const struct codes *c, struct bytes text, struct fold *room, struct codes_match *match)
{
	struct saying s = { c, match, false };

	terms_find(&c->terms, text, room, add_term, &s);
	return s.any;
}

bool
codes_is_icd(const struct codes *c, unsigned system)
{
	return system != CODES_ANY_SYSTEM && system != CODES_UNKNOWN_SYSTEM &&
	       c->systems.at[system].fold == FOLD_ICD;
}
