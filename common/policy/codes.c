/* SPDX-License-Identifier: ISC */
/* The table of rows, and the search in it. */
#include "common/policy/codes_table.h"

#include "common/base/hash.h"
#include "common/base/memory.h"

#include <stdlib.h>

enum { SECONDS_A_DAY = 86400 };

/* A key while it grows: the hash so far, and the folded bytes. */
struct code_key {
	uint64_t hash;
	size_t size;
	unsigned system;
	unsigned char folded[CODE_MAX_FOLDED];
};

static inline void
start_key(struct code_key *key, unsigned system)
{
	key->hash = hash_key[0] ^ (system + 1) * UINT64_C(0x9e3779b97f4a7c15);
	key->size = 0;
	key->system = system;
}

/* The caller checks for room. */
static inline void
add_to_key(struct code_key *key, unsigned char c)
{
	key->folded[key->size++] = c;
	key->hash = (key->hash ^ c) * (hash_key[1] | 1);
}

/* Adds all of CODE to KEY; false if it is longer than any code of a row. */
static bool
fold_code(struct code_key *key, enum codesystem_fold fold, struct bytes code)
{
	for (size_t i = 0; i < code.size; i++) {
		unsigned char c = codesystem_fold(fold, (unsigned char)code.at[i]);

		if (c == 0 && fold == FOLD_ICD)
			continue;
		if (key->size == CODE_MAX_FOLDED)
			return false;
		add_to_key(key, c);
	}
	return true;
}

/* Never 0, which marks a free slot. */
static uint32_t
finish(const struct code_key *key, bool is_prefix)
{
	uint64_t hash = (key->hash ^ (is_prefix ? 0x80 : 0)) * UINT64_C(0x9e3779b97f4a7c15);

	return (uint32_t)(hash >> 32) | 1;
}

static bool
is_code(const struct codes *c, const struct code_row *row, const struct code_key *key)
{
	enum codesystem_fold fold = c->systems.at[row->system].fold;
	size_t n = 0;

	for (unsigned i = 0; i < row->code_size; i++) {
		unsigned char byte = codesystem_fold(fold, (unsigned char)row->code[i]);

		if (byte == 0 && fold == FOLD_ICD)
			continue;
		if (n == key->size || key->folded[n] != byte)
			return false;
		n++;
	}
	return n == key->size;
}

static uint32_t
place(const struct codes *c, const struct code_key *key, bool is_prefix)
{
	uint32_t hash = finish(key, is_prefix);
	uint32_t i = hash & (c->slots - 1);

	for (; c->slot_hash[i] != 0; i = (i + 1) & (c->slots - 1)) {
		const struct code_row *row = &c->row[c->slot[i]];

		if (c->slot_hash[i] == hash && row->system == key->system && row->is_prefix == is_prefix &&
		    is_code(c, row, key))
			return i;
	}
	return i;
}

/* The newest row of the key, CODE_NO_ROW if there is none. */
static uint32_t
find_rows(const struct codes *c, const struct code_key *key, bool is_prefix)
{
	uint32_t i;

	if (c->slots == 0)
		return CODE_NO_ROW;
	i = place(c, key, is_prefix);
	return c->slot_hash[i] != 0 ? c->slot[i] : CODE_NO_ROW;
}

static void
grow_slots(struct codes *c, uint32_t slots)
{
	uint32_t *old = c->slot;
	uint32_t *old_hash = c->slot_hash;
	uint32_t old_slots = c->slots;

	c->slots = slots;
	c->slot = memory_grow(NULL, slots, sizeof *c->slot);
	c->slot_hash = memory_zeros(slots, sizeof *c->slot_hash);
	for (uint32_t k = 0; k < old_slots; k++) {
		uint32_t i = old_hash[k] & (slots - 1);

		if (old_hash[k] == 0)
			continue;
		while (c->slot_hash[i] != 0)
			i = (i + 1) & (slots - 1);
		c->slot[i] = old[k];
		c->slot_hash[i] = old_hash[k];
	}
	free(old);
	free(old_hash);
}

void
codes_reserve(struct codes *c, size_t rows)
{
	size_t want = c->rows + rows;
	uint32_t slots = c->slots > 0 ? c->slots : 64;

	if (want > UINT32_MAX / 4)
		memory_missing(want);
	if (want > c->row_room) {
		c->row = memory_grow(c->row, want, sizeof *c->row);
		c->row_room = (uint32_t)want;
	}
	while (slots < 2 * want)
		slots *= 2;
	if (slots > c->slots)
		grow_slots(c, slots);
}

void
codes_note_systems(struct codes *c)
{
	unsigned room = 2 * c->systems.count + 1;

	if (c->systems.count < c->facts_room)
		return;
	c->facts = memory_grow(c->facts, room, sizeof *c->facts);
	c->used_system = memory_grow(c->used_system, room, sizeof *c->used_system);
	memset(c->facts + c->facts_room, 0, (room - c->facts_room) * sizeof *c->facts);
	c->facts_room = room;
}

static bool
is_double(const struct codes *c, uint32_t first, const struct code_row *row)
{
	for (; first != CODE_NO_ROW; first = c->row[first].next) {
		const struct code_row *other = &c->row[first];

		if (other->group == row->group && other->from == row->from && other->until == row->until)
			return true;
	}
	return false;
}

bool
codes_add(struct codes *c, const struct code_row *row)
{
	struct code_facts *facts = &c->facts[row->system];
	struct code_key key;
	uint32_t first = CODE_NO_ROW;
	uint32_t i;

	if (c->rows == c->row_room)
		codes_reserve(c, c->rows + 16);
	start_key(&key, row->system);
	(void)fold_code(&key, c->systems.at[row->system].fold, (struct bytes){ row->code, row->code_size });
	i = place(c, &key, row->is_prefix);
	if (c->slot_hash[i] != 0)
		first = c->slot[i];
	if (is_double(c, first, row))
		return false;
	c->row[c->rows] = *row;
	c->row[c->rows].next = first;
	c->slot[i] = c->rows++;
	c->slot_hash[i] = finish(&key, row->is_prefix);
	if (key.size > 0)
		facts->begins |= UINT64_C(1) << key.folded[0] % 64;
	if (row->is_prefix)
		facts->prefix_lengths |= UINT64_C(1) << key.size;
	if (!facts->in_table && !c->systems.at[row->system].is_names)
		c->used_system[c->used_systems++] = row->system;
	facts->in_table = true;
	return true;
}

unsigned
codes_system(const struct codes *c, struct bytes name)
{
	unsigned system = codesystems_find(&c->systems, name);

	if (system == CODESYSTEM_NONE && codesystems_is_nameless(name))
		return CODES_ANY_SYSTEM;
	return system != CODESYSTEM_NONE ? system : CODES_UNKNOWN_SYSTEM;
}

bool
codes_same_system(struct bytes name, struct bytes uri)
{
	return codesystems_same(name, uri);
}

/* True if the interval TIME, which is open at its end, touches the days of ROW. */
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

struct codes_search {
	const struct codes *codes;
	const struct period *time;
	struct codes_match *match;
	bool found;
	bool is_anywhere; /* the code has not the system of the row: the row for any code is none */
};

static void
gather(struct codes_search *s, uint32_t row)
{
	for (; row != CODE_NO_ROW; row = s->codes->row[row].next) {
		const struct code_row *r = &s->codes->row[row];
		const struct code_group *g = &s->codes->group[r->group];

		s->match->is_dated |= r->from != VALUESET_FIRST_DAY || r->until != VALUESET_LAST_DAY;
		if (!is_valid(r, s->time))
			continue;
		s->found = true;
		code_bits_add(&s->match->groups, r->group);
		for (unsigned i = 0; i < CODE_BITS / 64; i++)
			s->match->sets.word[i] |= g->sets.word[i];
	}
}

/* Looks up CODE itself, and each of its beginnings that is as long as some prefix of the system. */
static void
find_under(struct codes_search *s, unsigned system, struct bytes code)
{
	uint64_t lengths = s->codes->facts[system].prefix_lengths;
	uint64_t begins = s->codes->facts[system].begins;
	enum codesystem_fold fold = s->codes->systems.at[system].fold;
	struct code_key key;

	start_key(&key, system);
	if ((lengths & 1) != 0 && !s->is_anywhere)
		gather(s, find_rows(s->codes, &key, true));
	for (size_t i = 0; i < code.size; i++) {
		unsigned char c = codesystem_fold(fold, (unsigned char)code.at[i]);

		if (c == 0 && fold == FOLD_ICD)
			continue;
		if (key.size == CODE_MAX_FOLDED || (key.size == 0 && (begins >> c % 64 & 1) == 0))
			return;
		add_to_key(&key, c);
		if (key.size < 64 && ((lengths >> key.size) & 1) != 0)
			gather(s, find_rows(s->codes, &key, true));
	}
	if (key.size > 0)
		gather(s, find_rows(s->codes, &key, false));
}

/* Looks up CODE itself. */
static void
find_exact(struct codes_search *s, unsigned system, struct bytes code)
{
	struct code_key key;

	start_key(&key, system);
	if (fold_code(&key, s->codes->systems.at[system].fold, code) && key.size > 0)
		gather(s, find_rows(s->codes, &key, false));
}

/* CODE as the rows of OTHER have it, if OTHER can have it; else empty. */
static struct bytes
code_under(const struct codes *c, unsigned system, unsigned other, struct bytes code)
{
	if (c->systems.at[system].form == CODEFORM_SKS && codeform_fits(CODEFORM_SKS, code))
		code = bytes_behind(code, 1);
	return codeform_fits(c->systems.at[other].form, code) ? code : (struct bytes){ code.at, 0 };
}

/* The rows of the systems that SYSTEM belongs to: other editions, or the other half of a classification. */
static void
find_also(struct codes_search *s, unsigned system, struct bytes code)
{
	const uint16_t *also = s->codes->systems.at[system].also;

	for (unsigned i = 0; i < 2 && also[i] != CODESYSTEM_NONE; i++)
		if (s->codes->facts[also[i]].in_table)
			find_under(s, also[i], code_under(s->codes, system, also[i], code));
}

/* The classifications whose codes begin with a letter, as far as they can have CODE. */
static void
find_by_form(struct codes_search *s, struct bytes code)
{
	s->is_anywhere = true;
	for (unsigned i = 0; i < s->codes->used_systems; i++) {
		unsigned system = s->codes->used_system[i];
		enum codeform form = s->codes->systems.at[system].form;

		if (codeform_has_letters(form) && codeform_fits(form, code))
			find_under(s, system, code);
	}
	s->is_anywhere = false;
}

/* The rows of all systems.  Prefixes count for codes of their system's form only: P* is no row for PPN. */
static void
find_anywhere(struct codes_search *s, struct bytes code, bool is_part)
{
	s->is_anywhere = true;
	for (unsigned i = 0; i < s->codes->used_systems; i++) {
		unsigned system = s->codes->used_system[i];
		enum codeform form = s->codes->systems.at[system].form;

		if (!codeform_stands_alone(form))
			continue;
		if (codeform_fits(form, code))
			find_under(s, system, code);
		else if (!is_part)
			find_exact(s, system, code);
	}
	s->is_anywhere = false;
}

/* A code of SKS without its system: what stands behind its D is one of ICD-10. */
static void
find_behind_d(struct codes_search *s, struct bytes code)
{
	if (codeform_fits(CODEFORM_SKS, code))
		find_by_form(s, bytes_behind(code, 1));
}

/* IS_PART: of a longer text, so that only what has the form of a code of SYSTEM counts. */
static void
find_one(struct codes_search *s, unsigned system, struct bytes code, bool is_part)
{
	bool begins_with_letter = code.size > 0 && (code.at[0] | 0x20) >= 'a' && (code.at[0] | 0x20) <= 'z';
	enum codeform form;

	if (system == CODES_UNKNOWN_SYSTEM) {
		if (begins_with_letter)
			find_by_form(s, code);
		find_behind_d(s, code);
		return;
	}
	if (system == CODES_ANY_SYSTEM) {
		find_anywhere(s, code, is_part);
		find_behind_d(s, code);
		return;
	}
	form = s->codes->systems.at[system].form;
	if (s->codes->facts[system].in_table && (!is_part || codeform_fits(form, code)))
		find_under(s, system, code);
	find_also(s, system, code);
	if (begins_with_letter && !codeform_fits(form, code))
		find_by_form(s, code);
}

/* What CODE was before somebody changed it, in the rows of SYSTEM. */
static void
find_repaired_under(struct codes_search *s, unsigned system, bool is_named, struct bytes code)
{
	enum codeform form = s->codes->systems.at[system].form;
	char room[CODEFORM_ROOM];
	struct bytes repaired;
	unsigned step = 0;

	while (codeform_repaired(form, is_named, code, &step, room, &repaired)) {
		/* Codes of ICD-9-CM without its name are those that begin with a letter. */
		if (!is_named && codeform_has_letters(form) && !ascii_is_letter(repaired.at[0]))
			continue;
		find_under(s, system, repaired);
		if (is_named)
			find_also(s, system, repaired);
	}
}

/* As find_one, of a code that no value set has as it stands. */
static void
find_repaired(struct codes_search *s, unsigned system, struct bytes code)
{
	if (system != CODES_UNKNOWN_SYSTEM && system != CODES_ANY_SYSTEM) {
		find_repaired_under(s, system, true, code);
		return;
	}
	s->is_anywhere = true;
	for (unsigned i = 0; i < s->codes->used_systems; i++) {
		enum codeform form = s->codes->systems.at[s->codes->used_system[i]].form;

		if (codeform_has_letters(form) || (system == CODES_ANY_SYSTEM && codeform_is_number(form)))
			find_repaired_under(s, s->codes->used_system[i], false, code);
	}
	s->is_anywhere = false;
}

bool
codes_find(const struct codes *c, unsigned system, struct bytes code, const struct period *time,
    struct codes_match *match)
{
	struct codes_search s = { .codes = c, .time = time, .match = match };
	char room[CODEFORM_ROOM];
	struct bytes part, plain = codeform_plain(code, room);

	code = codeform_bare(plain);
	find_one(&s, system, code, false);
	if (codeform_is_compound(code))
		for (size_t at = 0; codeform_part(code, &at, &part);)
			find_one(&s, system, part, true);
	if (!s.found)
		find_repaired(&s, system, code);
	return s.found;
}

bool
codes_find_part(const struct codes *c, unsigned system, struct bytes code, struct codes_match *match)
{
	struct codes_search s = { .codes = c, .match = match };

	find_one(&s, system, code, true);
	return s.found;
}

bool
codes_is_listed(const struct codes *c, struct bytes code)
{
	struct codes_match any = { 0 };
	struct codes_search s = { .codes = c, .match = &any, .is_anywhere = true };
	uint64_t asked = 0, fits = 0; /* bit i: form i, which several systems have */

	for (unsigned i = 0; i < c->used_systems && !s.found; i++) {
		enum codeform form = c->systems.at[c->used_system[i]].form;
		uint64_t bit = UINT64_C(1) << form;

		if ((asked & bit) == 0 && codeform_fits(form, code))
			fits |= bit;
		asked |= bit;
		if ((fits & bit) != 0)
			find_under(&s, c->used_system[i], code);
	}
	return s.found;
}

/* CODE under all systems whose codes have FORM. */
static void
find_form(struct codes_search *s, enum codeform form, struct bytes code)
{
	for (unsigned i = 0; i < s->codes->used_systems; i++)
		if (s->codes->systems.at[s->codes->used_system[i]].form == form)
			find_under(s, s->codes->used_system[i], code);
}

bool
codes_find_form(const struct codes *c, enum codeform form, struct bytes code, struct codes_match *match)
{
	struct codes_search s = { .codes = c, .match = match, .is_anywhere = true };

	if (codeform_fits(form, code))
		find_form(&s, form, code);
	return s.found;
}

bool
codes_find_name(const struct codes *c, unsigned names, struct bytes name, struct codes_match *match)
{
	struct codes_search s = { .codes = c, .match = match };

	if (c->facts[names].in_table)
		find_under(&s, names, name);
	return s.found;
}

/* What ends a system or a code in a search or a URL. */
static bool
ends_token(char c)
{
	return (unsigned char)c <= ' ' || strchr("=,&?\"'()<>|", c) != NULL;
}

/* The tokens on both sides of the bar at BAR. */
static void
find_beside_bar(struct codes_search *s, struct bytes text, size_t bar)
{
	size_t start = bar, end = bar + 1;
	unsigned system;

	while (start > 0 && !ends_token(text.at[start - 1]))
		start--;
	while (end < text.size && !ends_token(text.at[end]))
		end++;
	if (start == bar || end == bar + 1)
		return;
	system = codes_system(s->codes, (struct bytes){ text.at + start, bar - start });
	if (system != CODES_ANY_SYSTEM)
		find_one(s, system, (struct bytes){ text.at + bar + 1, end - bar - 1 }, true);
}

/* The codes without a system in the parameter of a search that begins at AT: code=B20,B21 */
static void
find_in_parameter(struct codes_search *s, struct bytes text, size_t at)
{
	struct bytes rest = { text.at + at, text.size - at };
	const char *sign = memchr(rest.at, '=', rest.size);
	struct bytes name = { rest.at, sign == NULL ? 0 : (size_t)(sign - rest.at) };
	const char *modifier = memchr(name.at, ':', name.size);

	if (modifier != NULL)
		name.size = (size_t)(modifier - name.at);
	if (!bytes_end(name, "code") && !bytes_end(name, "concept"))
		return;
	for (size_t i = at + (size_t)(sign - rest.at) + 1, end; i < text.size && text.at[i - 1] != '&';
	     i = end + 1) {
		for (end = i; end < text.size && !ends_token(text.at[end]);)
			end++;
		if (end == text.size || text.at[end] != '|')
			find_one(s, CODES_ANY_SYSTEM, (struct bytes){ text.at + i, end - i }, true);
	}
}

/* ICD-10 has three characters, or a dot behind them, which a question may have added; ATC has seven. */
static void
find_piece(struct codes_search *s, struct bytes piece)
{
	enum { CATEGORY = 3, SUBSTANCE = 7 };

	if (piece.size == CATEGORY || piece.at[CATEGORY] == '.') {
		find_form(s, CODEFORM_ICD10, piece);
		find_form(s, CODEFORM_ICD10, (struct bytes){ piece.at, CATEGORY });
	} else if (piece.size == SUBSTANCE && codeform_fits(CODEFORM_ATC, piece)) {
		find_form(s, CODEFORM_ATC, piece);
	}
}

bool
codes_find_in(const struct codes *c, struct bytes text, const struct period *time, struct codes_match *match)
{
	struct codes_search s = { .codes = c, .time = time, .match = match };
	enum codeform form = CODEFORM_ANY;
	struct bytes number;

	for (size_t i = 0; i < text.size; i++)
		if (text.at[i] == '|')
			find_beside_bar(&s, text, i);
		else if (text.at[i] == '?' || text.at[i] == '&')
			find_in_parameter(&s, text, i + 1);
	for (size_t at = 0; codeform_number(text, &at, &number, &form);)
		find_form(&s, form, number);
	for (size_t at = 0; codeform_piece(text, &at, &number);)
		find_piece(&s, number);
	return s.found;
}

bool
codes_fit(const struct codes *c, unsigned system, struct bytes code)
{
	enum codeform form = system == CODES_ANY_SYSTEM || system == CODES_UNKNOWN_SYSTEM
				 ? CODEFORM_ANY
				 : c->systems.at[system].form;
	char room[CODEFORM_ROOM];
	struct bytes part;
	bool all = true;

	code = codeform_plain(code, room);
	if (codeform_fits(form, code))
		return true;
	if (!codeform_is_compound(code))
		return false;
	for (size_t at = 0; codeform_part(code, &at, &part);)
		all = all && codeform_fits(form, part);
	return all;
}

/* What stands behind the code of a row of a TSV file; empty in a file of another kind. */
static struct bytes
display_of(const struct codes *c, const struct code_row *row)
{
	const struct policy_file *file = c->group[row->group].file;
	const char *from = row->code + row->code_size;
	const char *end = file != NULL ? file->text.at + file->text.size : NULL;
	size_t size = 0;

	if (file == NULL || row->code < file->text.at || from >= end || *from != '\t')
		return (struct bytes){ NULL, 0 };
	from++;
	while (from + size < end && from[size] != '\t' && from[size] != '\n')
		size++;
	return (struct bytes){ from, size };
}

bool
codes_display(const struct codes *c, unsigned system, struct bytes code, struct bytes *display)
{
	struct code_key key;

	if (system == CODES_ANY_SYSTEM || system == CODES_UNKNOWN_SYSTEM)
		return false;
	start_key(&key, system);
	if (!fold_code(&key, c->systems.at[system].fold, code))
		return false;
	for (uint32_t row = find_rows(c, &key, false); row != CODE_NO_ROW; row = c->row[row].next) {
		*display = display_of(c, &c->row[row]);
		if (display->size > 0)
			return true;
	}
	return false;
}
