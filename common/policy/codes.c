/* SPDX-License-Identifier: ISC */
#include "common/policy/codes.h"

#include "common/policy/codetable.h"

/* ---- what there is ---- */

static int
find_name(const struct bytes *list, unsigned count, struct bytes name)
{
	for (unsigned i = 0; i < count; i++)
		if (bytes_equal(list[i], name))
			return (int)i;
	return -1;
}

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

struct bytes
codes_set_name(const struct codes *c, unsigned set)
{
	return c->set[set].name;
}

size_t
codes_set_rows(const struct codes *c, unsigned set)
{
	return c->set[set].rows;
}

unsigned
codes_categories(const struct codes *c)
{
	return c->categories;
}

int
codes_category(const struct codes *c, struct bytes name)
{
	return find_name(c->category, c->categories, name);
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
		if (c->group[i].category != NO_CATEGORY && code_bits_has(&c->group[i].sets, set))
			code_bits_add(categories, c->group[i].category);
}

bool
codes_sensitive(const struct codes *c, const struct code_bits *sets, struct fault *f)
{
	for (unsigned i = 0; i < c->groups; i++) {
		const struct code_group *g = &c->group[i];
		const struct concept *concept;

		if (g->category == NO_CATEGORY || !code_bits_meet(&g->sets, sets))
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

/* ---- at work ---- */

unsigned
codes_system(const struct codes *c, struct bytes name)
{
	unsigned system = codesystems_find(&c->systems, name);

	if (system == CODESYSTEM_NONE && codesystems_is_nameless(name))
		return CODES_ANY_SYSTEM;
	return system != CODESYSTEM_NONE ? system : CODES_UNKNOWN_SYSTEM;
}

/* Whether a row counts at TIME: the record's time, an interval open at its end, touches the row's days. */
static bool
is_valid(const struct code_row *row, const struct period *time)
{
	int64_t from = (int64_t)row->from * SECONDS_A_DAY;
	int64_t until = ((int64_t)row->until + 1) * SECONDS_A_DAY;

	if (time == NULL)
		return true;
	if (row->until != VALUESET_LAST_DAY && time->from.seconds >= until)
		return false;
	return row->from == VALUESET_FIRST_DAY || time->from.seconds >= from || time->until.seconds > from ||
	       (time->until.seconds == from && time->until.nano > 0);
}

struct search {
	const struct codes *codes;
	const struct period *time;
	struct codes_match *match;
	bool found;
};

/* All rows of one key. */
static void
gather(struct search *s, uint32_t row)
{
	for (; row != NO_ROW; row = s->codes->row[row].next) {
		const struct code_row *r = &s->codes->row[row];
		const struct code_group *g = &s->codes->group[r->group];

		if (!is_valid(r, s->time))
			continue;
		s->found = true;
		code_bits_add(&s->match->groups, r->group);
		for (unsigned i = 0; i < CODE_BITS / 64; i++)
			s->match->sets.word[i] |= g->sets.word[i];
	}
}

/* The code itself, and those of its beginnings that are as long as some prefix of the system. */
static void
find_under(struct search *s, unsigned system, struct bytes code)
{
	uint64_t lengths = s->codes->facts[system].prefix_lengths;
	enum fold fold = s->codes->systems.at[system].fold;
	struct code_key key;

	code_key_start(&key, system);
	if ((lengths & 1) != 0)
		gather(s, codetable_find(s->codes, &key, true));
	for (size_t i = 0; i < code.size; i++) {
		unsigned char c = codesystem_fold(fold, (unsigned char)code.at[i]);

		if (c == 0 && fold == FOLD_ICD)
			continue;
		if (key.size == MAX_FOLDED)
			return;
		code_key_add(&key, c);
		if (key.size < 64 && ((lengths >> key.size) & 1) != 0)
			gather(s, codetable_find(s->codes, &key, true));
	}
	if (key.size > 0)
		gather(s, codetable_find(s->codes, &key, false));
}

/* Blanks around a code, also one that does not break, are nobody's meaning. */
static struct bytes
trim(struct bytes code)
{
	while (code.size > 0 && (unsigned char)code.at[0] <= ' ')
		code = (struct bytes){ code.at + 1, code.size - 1 };
	while (code.size > 0 && (unsigned char)code.at[code.size - 1] <= ' ')
		code.size--;
	if (bytes_begin(code, "\xc2\xa0"))
		return trim((struct bytes){ code.at + 2, code.size - 2 });
	if (code.size > 2 && memcmp(code.at + code.size - 2, "\xc2\xa0", 2) == 0)
		return trim((struct bytes){ code.at, code.size - 2 });
	return code;
}

bool
codes_find(const struct codes *c, unsigned system, struct bytes code, const struct period *time,
    struct codes_match *match)
{
	struct search s = { c, time, match, false };

	code = trim(code);
	if (system != CODES_ANY_SYSTEM) {
		if (system <= c->systems.count && c->facts[system].in_table)
			find_under(&s, system, code);
		return s.found;
	}
	for (unsigned i = 0; i < c->used_systems; i++)
		find_under(&s, c->used_system[i], code);
	return s.found;
}

void
codes_matched_categories(const struct codes *c, const struct codes_match *match, const struct code_bits *sets,
    struct code_bits *categories)
{
	for (unsigned w = 0; w < CODE_BITS / 64; w++) {
		for (uint64_t bits = match->groups.word[w]; bits != 0; bits &= bits - 1) {
			const struct code_group *g = &c->group[w * 64 + (unsigned)__builtin_ctzll(bits)];

			if (g->category != NO_CATEGORY && (sets == NULL || code_bits_meet(&g->sets, sets)))
				code_bits_add(categories, g->category);
		}
	}
}

bool
codes_display(const struct codes *c, unsigned system, struct bytes code, struct bytes *display)
{
	struct code_key key;

	code_key_start(&key, system);
	if (system == CODES_ANY_SYSTEM || system > c->systems.count || !c->facts[system].in_table)
		return false;
	if (!code_key_fold(&key, c->systems.at[system].fold, code))
		return false;
	for (uint32_t row = codetable_find(c, &key, false); row != NO_ROW; row = c->row[row].next) {
		*display = (struct bytes){ c->row[row].display, c->row[row].display_size };
		if (display->size > 0)
			return true;
	}
	return false;
}

/* ---- coverage ---- */

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

size_t
codes_system_rows(const struct codes *c, unsigned system)
{
	return c->facts[system].rows;
}

bool
codes_system_complete(const struct codes *c, unsigned system)
{
	return !c->facts[system].is_partial;
}
