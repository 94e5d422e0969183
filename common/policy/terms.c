/* SPDX-License-Identifier: ISC */
#include "common/policy/terms.h"

#include "common/base/block.h"
#include "common/base/utf8.h"
#include "common/policy/valueset.h"

#include <endian.h>

enum { KEY_SIZE = 4, SLOTS = 1 << 12 };

static inline uint32_t
scatter(uint32_t key)
{
	return key * UINT32_C(0x9e3779b1);
}

/* Case, and the difference between some punctuation, is lost in all of these. */
static inline uint32_t
may_bit(uint32_t four)
{
	return scatter(four | UINT32_C(0x20202020)) >> 16;
}

static inline uint32_t
slot_of(uint32_t four)
{
	return scatter((le32toh(four) & 0xffffff) | UINT32_C(0x202020)) >> 20;
}

static inline bool
begins(const struct term_anchor *anchor, uint64_t eight)
{
	return ((eight | UINT64_C(0x2020202020202020)) & anchor->mask) == anchor->letters;
}

static void
allow(struct terms *t, const char bytes[KEY_SIZE])
{
	uint32_t four;
	uint32_t bit;

	memcpy(&four, bytes, sizeof four);
	bit = may_bit(four);
	t->may[bit / 64] |= UINT64_C(1) << (bit % 64);
}

/* A word of three letters ends with any byte that belongs to no word, or before a letter of other case. */
static void
allow_word(struct terms *t, struct bytes word)
{
	char bytes[KEY_SIZE] = { 0 };

	memcpy(bytes, word.at, word.size < KEY_SIZE ? word.size : KEY_SIZE);
	if (word.size >= KEY_SIZE) {
		allow(t, bytes);
		return;
	}
	for (int last = 0; last < 0x80; last++) {
		bytes[KEY_SIZE - 1] = (char)last;
		if (!fold_is_word((char)last) || ascii_is_letter((char)last))
			allow(t, bytes);
	}
}

/* The longest word of TEXT that begins with a letter, the first of several.  Records are full of numbers. */
static struct bytes
longest_word(struct bytes text)
{
	struct bytes longest = { text.at, 0 };

	for (size_t i = 0; i < text.size; i++) {
		struct bytes word = fold_word(text, i);

		if (word.size > longest.size && !ascii_is_digit(word.at[0]))
			longest = word;
		if (word.size > 0)
			i += word.size - 1;
	}
	return longest;
}

/* Folds TEXT, without the blanks around it, into the arena.  CASED may be NULL. */
static struct bytes
fold_row(struct terms *t, struct fold *room, struct bytes text, struct bytes *cased)
{
	struct bytes lower;

	fold_text(room, text);
	lower = (struct bytes){ room->lower.at + 1, room->lower.used < 2 ? 0 : room->lower.used - 2 };
	if (cased != NULL)
		*cased = arena_copy(&t->arena, (struct bytes){ room->cased.at + 1, lower.size });
	return arena_copy(&t->arena, lower);
}

/* TEXT with ä, ö and ü as they are written without them. */
static struct bytes
spell_out(struct terms *t, struct bytes text)
{
	static const struct {
		char second; /* of UTF-8; the first byte is 0xc3 */
		char to[2];
	} vowels[] = { { '\xa4', "ae" }, { '\xb6', "oe" }, { '\xbc', "ue" }, { '\x84', "Ae" },
		{ '\x96', "Oe" }, { '\x9c', "Ue" } };
	char *to = arena_take(&t->arena, text.size + 1);

	memcpy(to, text.at, text.size);
	for (size_t i = 0; i + 1 < text.size; i++)
		for (size_t v = 0; to[i] == '\xc3' && v < sizeof vowels / sizeof vowels[0]; v++)
			if (to[i + 1] == vowels[v].second)
				memcpy(to + i, vowels[v].to, 2);
	return (struct bytes){ to, text.size };
}

struct terms_reader {
	struct terms *terms;
	const struct policy_file *file;
	struct fault *fault;
	struct fold fold;
	int (*group)(void *context, const struct terms_row *row);
	void *context;
};

enum { MAX_TERM = 120 };

static const char columns[] = "term\tlanguage\tcategory\tmode\tunless\tnear_miss";

static bool
wrong(const struct terms_reader *r, const char *at, const char *what)
{
	return valueset_fault(r->fault, r->file, at, "%s", what);
}

/* Adds PHRASE, folded, at each place where its first part holds the term.  False if it does not. */
static bool
add_unless(struct term *term, struct bytes phrase)
{
	size_t first = term_phrase_first(phrase).size;
	size_t count = term->unlesses;

	for (size_t i = 0; i + term->lower.size <= first; i++) {
		size_t end = i + term->lower.size;

		if (memcmp(phrase.at + i, term->lower.at, term->lower.size) != 0 ||
		    (i > 0 && fold_is_word(phrase.at[i - 1])) ||
		    (term->mode != TERM_STEM && end < phrase.size && fold_is_word(phrase.at[end])))
			continue;
		term->unless[term->unlesses++] = (struct term_phrase){ phrase, i + term->anchor };
	}
	return term->unlesses > count;
}

/* At how many places the phrases of LIST can hold the term. */
static size_t
most_places(const struct term *term, struct bytes list)
{
	struct bytes phrase;
	size_t places = 1;

	while (term_phrase_take(&list, &phrase))
		places += phrase.size / term->lower.size;
	return places;
}

/* Each phrase counts in both spellings; the term stands in at least one of them. */
static bool
read_unless(struct terms_reader *r, struct term *term, struct bytes list, bool is_german)
{
	struct bytes phrase;

	term->unless = arena_array(&r->terms->arena, 2 * most_places(term, list), sizeof *term->unless);
	while (term_phrase_take(&list, &phrase)) {
		struct bytes plain = fold_row(r->terms, &r->fold, phrase, NULL);
		struct bytes spelled = plain;
		bool any = add_unless(term, plain);

		if (is_german)
			spelled = fold_row(r->terms, &r->fold, spell_out(r->terms, phrase), NULL);
		if (!bytes_equal(plain, spelled))
			any = add_unless(term, spelled) || any;
		if (!any)
			return wrong(r, phrase.at, "a phrase that does not hold the term");
	}
	return true;
}

/* Whether the group of TERM has it among those from I on.  One spelled out may be a row of its own, too. */
static bool
is_known(const struct terms *t, uint32_t i, const struct term *term)
{
	for (; i != 0; i = t->anchor[i].next)
		if (t->at[i].group == term->group && t->at[i].is_spelled_out <= term->is_spelled_out &&
		    bytes_equal(t->at[i].lower, term->lower) &&
		    (term->mode != TERM_CAPS || bytes_equal(t->at[i].cased, term->cased)))
			return true;
	return false;
}

/* Makes room for one term more. */
static void
make_room(struct terms *t)
{
	struct term *old = t->at;
	struct term_anchor *anchor = t->anchor;

	if (t->first == NULL)
		t->first = arena_array(&t->arena, SLOTS, sizeof *t->first);
	if (t->count + 1 < t->room)
		return;
	t->room = t->room == 0 ? 256 : 2 * t->room;
	t->at = arena_array(&t->arena, t->room, sizeof *t->at);
	t->anchor = arena_array(&t->arena, t->room, sizeof *t->anchor);
	if (old == NULL)
		return;
	memcpy(t->at, old, (t->count + 1) * sizeof *old);
	memcpy(t->anchor, anchor, (t->count + 1) * sizeof *anchor);
}

/* Whether the KNOWN bytes, by which the longest word of TERM is found, are digits of a UUID. */
static bool
is_in_uuid(const struct term *term, size_t known)
{
	const char *word = (term->mode == TERM_CAPS ? term->cased.at : term->lower.at) + term->anchor;

	for (size_t i = 0; i < known; i++)
		if (!ascii_is_digit(word[i]) && (word[i] < 'a' || word[i] > 'f'))
			return false;
	return true;
}

/* Puts TERM into the table; the phrases that cancel it may still come.  False if it is there already. */
static bool
enter(struct terms *t, const struct term *term)
{
	struct bytes word = fold_word(term->lower, term->anchor);
	struct term_anchor *anchor;
	size_t known = word.size < sizeof anchor->letters ? word.size : sizeof anchor->letters;
	uint32_t four = 0;
	uint32_t *first;

	make_room(t);
	memcpy(&four, word.at, KEY_SIZE - 1);
	first = &t->first[slot_of(four)];
	if (is_known(t, *first, term))
		return false;
	t->at[++t->count] = *term;
	anchor = &t->anchor[t->count];
	memcpy(&anchor->letters, word.at, known);
	memset(&anchor->mask, 0xff, known);
	anchor->letters |= UINT64_C(0x2020202020202020) & anchor->mask;
	anchor->next = *first;
	anchor->size = (uint8_t)word.size;
	t->in_uuid |= is_in_uuid(term, known);
	anchor->is_open = term->mode == TERM_STEM && term->anchor + word.size == term->lower.size;
	*first = t->count;
	allow_word(t, word);
	return true;
}

/* Enters TERM as TEXT spells it.  False if it is there already. */
static bool
enter_spelling(struct terms_reader *r, struct bytes text, struct term *term)
{
	struct bytes anchor;

	term->lower = fold_row(r->terms, &r->fold, text, &term->cased);
	anchor = longest_word(term->lower);
	term->anchor = (size_t)(anchor.at - term->lower.at);
	return enter(r->terms, term);
}

static bool
read_mode(const struct terms_reader *r, struct bytes text, enum term_mode *mode)
{
	static const char *const words[] = { "word", "caps", "stem", "number" };

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (bytes_are(text, words[i])) {
			*mode = (enum term_mode)i;
			return true;
		}
	return wrong(r, text.at, "unknown mode, expected one of word, caps, stem, number");
}

/* A key needs three letters, and of a word that may go on four. */
static bool
check_term(struct terms_reader *r, struct bytes text, enum term_mode mode)
{
	struct bytes lower = fold_row(r->terms, &r->fold, text, NULL);
	struct bytes anchor = longest_word(lower);
	bool is_open = mode == TERM_STEM && anchor.at + anchor.size == lower.at + lower.size;

	if (text.size == 0 || text.size > MAX_TERM)
		return wrong(r, text.at, "expected a term of 1 to 120 bytes");
	if (lower.size == 0 || !fold_is_word(lower.at[0]) || lower.at[0] == ' ' ||
	    lower.at[lower.size - 1] == ' ')
		return wrong(r, text.at, "a term begins with a letter or a digit, and ends with no blank");
	if (anchor.size < KEY_SIZE - 1 || (is_open && anchor.size < KEY_SIZE))
		return wrong(r, text.at,
		    "too short: a term has a word of three letters, of four where the word may go on");
	return true;
}

/* A row of mode number stands for all numbers of the kind that its term is one of. */
static bool
enter_number(struct terms_reader *r, struct bytes text, const struct term *term)
{
	struct terms *t = r->terms;
	uint64_t kinds = numbers_of(text);

	if (kinds == 0)
		return wrong(r, text.at, "no number of a kind that is known");
	if ((kinds & (kinds - 1)) != 0)
		return wrong(r, text.at, "a number of several kinds: take another as example");
	if ((t->numbers.kinds & kinds) != 0)
		return wrong(r, text.at, "the same kind of number twice");
	make_room(t);
	t->at[++t->count] = *term;
	numbers_add(&t->numbers, kinds);
	t->number[__builtin_ctzll(kinds)] = t->count;
	return true;
}

static bool
read_row(struct terms_reader *r, struct bytes text)
{
	struct bytes field[VALUESET_COLUMNS];
	struct terms_row row;
	struct term term = { 0 };
	struct bytes spelled;
	bool is_german;
	int group;

	if (!valueset_split(r->file, r->fault, text, field) || !read_mode(r, field[3], &term.mode) ||
	    (term.mode != TERM_NUMBER && !check_term(r, field[0], term.mode)))
		return false;
	if (field[1].size != 2)
		return wrong(r, field[1].at, "expected a language of two letters");
	if (field[2].size == 0)
		return wrong(r, field[2].at, "a row without a category");
	row = (struct terms_row){ field[0], field[2], field[0].at };
	group = r->group(r->context, &row);
	if (group < 0)
		return group == TERMS_LEAVE_OUT;
	term.group = (unsigned)group;
	if (term.mode == TERM_NUMBER)
		return enter_number(r, field[0], &term);
	is_german = bytes_are(field[1], "de");
	if (!enter_spelling(r, field[0], &term))
		return wrong(r, field[0].at, "the same term twice");
	if (!read_unless(r, &r->terms->at[r->terms->count], field[4], is_german))
		return false;
	spelled = is_german ? spell_out(r->terms, field[0]) : field[0];
	term.is_spelled_out = true;
	if (bytes_equal(spelled, field[0]) || !enter_spelling(r, spelled, &term))
		return true;
	return read_unless(r, &r->terms->at[r->terms->count], field[4], is_german);
}

static bool
read_lines(struct terms_reader *r)
{
	struct bytes rest = r->file->text;
	struct bytes text;
	unsigned line = 0;

	while (bytes_line(&rest, &text)) {
		if (text.size > 0 && text.at[text.size - 1] == '\r')
			text.size--;
		line++;
		if (line == 1 && (text.size == 0 || text.at[0] != '#'))
			return wrong(r, text.at, "expected '#' with source and licence");
		if (line == 2 && !bytes_are(text, columns))
			return wrong(r, text.at,
			    "expected the columns term, language, category, mode, unless, near_miss");
		if (line > 2 && !read_row(r, text))
			return false;
	}
	return line >= 2 || wrong(r, rest.at, "expected a line with '#' and one with the columns");
}

bool
terms_read(struct terms *t, const struct policy_file *file, struct fault *f,
    int (*group)(void *context, const struct terms_row *row), void *context)
{
	struct terms_reader r = { .terms = t, .file = file, .fault = f, .group = group, .context = context };
	bool good;

	fold_init(&r.fold);
	if (!utf8_valid(file->text))
		good = wrong(&r, file->text.at, "not UTF-8 text");
	else
		good = read_lines(&r);
	fold_release(&r.fold);
	return good;
}

void
terms_release(struct terms *t)
{
	arena_release(&t->arena);
	*t = (struct terms){ 0 };
}

/* Whether TERM stands, as it is written, with its longest word at ANCHOR of the folded text. */
static bool
stands_as_written(const struct term *term, const struct fold *room, size_t anchor)
{
	struct bytes text = buffer_bytes(&room->lower);
	size_t from = anchor - term->anchor;
	size_t end = from + term->lower.size;

	return term->anchor < anchor && end < text.size &&
	       memcmp(text.at + from, term->lower.at, term->lower.size) == 0 &&
	       !fold_is_word(text.at[from - 1]) && (term->mode == TERM_STEM || !fold_is_word(text.at[end])) &&
	       (term->mode != TERM_CAPS ||
		   memcmp(room->cased.at + from, term->cased.at, term->cased.size) == 0);
}

/* Whether TERM stands there, too, where signs may part its words, and no phrase around it cancels it. */
static bool
stands_at(const struct term *term, const struct fold *room, size_t anchor, bool has_parts)
{
	bool is_caps = term->mode == TERM_CAPS;
	struct bytes text = buffer_bytes(is_caps ? &room->cased : &room->lower);

	if (!stands_as_written(term, room, anchor) &&
	    (!has_parts || !term_phrase_parted(is_caps ? term->cased : term->lower, term->anchor, text,
			       anchor, term->mode == TERM_STEM)))
		return false;
	for (size_t i = 0; i < term->unlesses; i++)
		if (term_phrase_stands(&term->unless[i], buffer_bytes(&room->lower), anchor))
			return false;
	return true;
}

/* Whether fold_split may put a blank behind the letter at AT, which another byte follows. */
static bool
may_split(const char *at, const char *end)
{
	if (!ascii_is_letter(at[0]) || !ascii_is_letter(at[1]))
		return false;
	return fold_is_capital(at[0]) != fold_is_capital(at[1]) ||
	       (fold_is_capital(at[0]) && at + 2 < end && fold_is_small(at[2]));
}

/* Whether the letters and digits of TERM before I stand before AT of TEXT, whatever is between them. */
static bool
follows(const struct term *term, size_t i, struct bytes text, const char *at)
{
	while (i > 0) {
		if (!fold_is_word(term->lower.at[--i]))
			continue;
		do
			if (at == text.at)
				return false;
		while (!fold_is_word(*--at));
		if (ascii_lower(*at) != term->lower.at[i])
			return false;
	}
	return true;
}

/* Whether those from I on stand at AT or behind it. */
static bool
goes_on(const struct term *term, size_t i, struct bytes text, const char *at)
{
	const char *end = text.at + text.size;

	for (; i < term->lower.size; i++) {
		if (!fold_is_word(term->lower.at[i]))
			continue;
		while (at < end && !fold_is_word(*at))
			at++;
		if (at == end || ascii_lower(*at++) != term->lower.at[i])
			return false;
	}
	return true;
}

/* Whether TERM may stand in the ASCII text TEXT with its anchor at AT, where that begins. */
static inline bool
may_stand(const struct term_anchor *anchor, const struct term *term, struct bytes text, const char *at)
{
	const char *end = text.at + text.size;
	size_t size = anchor->size;

	if ((size_t)(end - at) < size || (!anchor->is_open && at + size != end && fold_is_word(at[size]) &&
					     !may_split(at + size - 1, end)))
		return false;
	return goes_on(term, term->anchor, text, at) && follows(term, term->anchor, text, at);
}

/* What is done with a folded text; a text as the record has it is only asked whether it may hold a term. */
struct finding {
	const struct fold *room;
	void (*found)(void *context, const struct term *term);
	void *context;
};

/* At WORD of TEXT begins a word with which terms may begin.  True if the search is over. */
__attribute__((noinline)) static bool
look_at_word(
    const struct terms *t, struct bytes text, const char *word, const struct finding *f, bool is_begin_enough)
{
	uint32_t four;
	uint64_t eight;

	memcpy(&four, word, sizeof four);
	memcpy(&eight, word, sizeof eight);
	for (uint32_t i = t->first[slot_of(four)]; i != 0; i = t->anchor[i].next) {
		if (!begins(&t->anchor[i], eight))
			continue;
		if (f == NULL) {
			if (is_begin_enough || may_stand(&t->anchor[i], &t->at[i], text, word))
				return true;
		} else if (stands_at(&t->at[i], f->room, (size_t)(word - text.at),
			       t->anchor[i].size < t->at[i].lower.size)) {
			f->found(f->context, &t->at[i]);
		}
	}
	return false;
}

static inline bool
may_begin(const struct terms *t, const char *word)
{
	uint32_t four;
	uint32_t bit;

	memcpy(&four, word, sizeof four);
	bit = may_bit(four);
	return (t->may[bit / 64] >> (bit % 64)) & 1;
}

/* A bit for each of 32 bytes. */
struct byte_kinds {
	uint32_t letters, digits, high;
	uint32_t capitals;
	uint32_t markup; /* < and & */
};

/* Where a word may begin by its case.  Of the byte before the first, BEFORE has its bits as the highest. */
static inline uint32_t
humps(uint32_t letters, uint32_t capitals, uint32_t letter_before, uint32_t capital_before, uint32_t last)
{
	uint32_t small = letters & ~capitals;

	return capitals & ((small << 1 | (letter_before & ~capital_before)) |
			      ((capitals << 1 | capital_before) & (small >> 1 | last)));
}

static inline uint32_t
both(block one, block two)
{
	return block_bits(one) | block_bits(two) << BLOCK_SIZE;
}

static inline struct byte_kinds
kinds_at(const char *at)
{
	block one = block_at(at), two = block_at(at + BLOCK_SIZE);

	return (struct byte_kinds){
		.letters = both(block_letters(one), block_letters(two)),
		.digits = both(block_from(one, '0', '9'), block_from(two, '0', '9')),
		.capitals = both(block_from(one, 'A', 'Z'), block_from(two, 'A', 'Z')),
		.high = both(one, two),
		.markup =
		    both(block_is(one, '<') | block_is(one, '&'), block_is(two, '<') | block_is(two, '&')),
	};
}

static inline bool
search(
    const struct terms *t, struct bytes text, const struct finding *f, bool is_markup, bool is_begin_enough)
{
	const char *at = text.at;
	const char *end = at + text.size;
	uint32_t before = 0;
	struct byte_kinds last = { 0 };

	for (; at < end; at += 32) {
		struct byte_kinds kinds = kinds_at(at);
		uint32_t words = kinds.letters | kinds.digits | kinds.high;
		uint32_t inside = end - at >= 32 ? UINT32_MAX : (UINT32_C(1) << (end - at)) - 1;
		uint32_t starts = (kinds.letters | kinds.high) & ~(words << 1 | before) & inside;
		uint32_t alone = f == NULL ? starts & ~(words >> 1) : 0;

		/* An accent, a blank of Unicode, a tag or an entity may hide where a word begins. */
		if (f == NULL && ((kinds.high | (is_markup ? kinds.markup : 0)) & inside) != 0)
			return true;
		if ((kinds.capitals & ~starts) != 0)
			starts |= humps(kinds.letters, kinds.capitals, last.letters >> 31,
				      last.capitals >> 31, UINT32_C(1) << 31) &
				  inside;
		for (; starts != 0; starts &= starts - 1) {
			const char *word = at + __builtin_ctz(starts);

			if (may_begin(t, word) && look_at_word(t, text, word, f, is_begin_enough))
				return true;
		}
		for (; alone != 0; alone &= alone - 1)
			if (fold_spelled(at + __builtin_ctz(alone), end))
				return true;
		before = words >> 31;
		last = kinds;
	}
	return false;
}

bool
terms_may(const struct terms *t, struct bytes text)
{
	return search(t, text, NULL, true, false) ||
	       (text.size >= NUMBERS_SHORTEST && t->numbers.kinds != 0 && numbers_in(&t->numbers, text) != 0);
}

/*
 * Where no word of TEXT begins as a term's longest word does, TEXT holds no term, whatever digits stand at
 * its end, unless they are such a word themselves.
 */
bool
terms_may_before_uuid(const struct terms *t, struct bytes text)
{
	return t->in_uuid || search(t, text, NULL, true, true);
}

static void
find_numbers(const struct terms *t, struct bytes text, const struct finding *f)
{
	for (uint64_t kinds = numbers_in(&t->numbers, text); kinds != 0; kinds &= kinds - 1)
		f->found(f->context, &t->at[t->number[__builtin_ctzll(kinds)]]);
}

/* Searches the text as it was folded. */
static void
find_folded(const struct terms *t, struct fold *room, const struct finding *f)
{
	if (t->numbers.kinds != 0)
		find_numbers(t, buffer_bytes(&room->cased), f); /* blanks of Unicode are plain here */
	(void)search(t, buffer_bytes(&room->lower), f, false, false);
	if (fold_join(room))
		(void)search(t, buffer_bytes(&room->lower), f, false, false);
}

void
terms_find(const struct terms *t, struct bytes text, struct fold *room,
    void (*found)(void *context, const struct term *term), void *context)
{
	const struct finding f = { room, found, context };

	if (t->count == 0)
		return;
	if (t->numbers.kinds != 0)
		find_numbers(t, text, &f);
	/* Markup is searched with its tags, too: comments and addresses in them are read by people. */
	if (search(t, text, NULL, false, false)) {
		fold_text(room, text);
		find_folded(t, room, &f);
		if (fold_split(room, FOLD_CAMEL)) {
			(void)search(t, buffer_bytes(&room->lower), &f, false, false);
			if (fold_split(room, FOLD_CAPITALS))
				(void)search(t, buffer_bytes(&room->lower), &f, false, false);
		}
	}
	if (!fold_is_markup(text))
		return;
	fold_markup(room, text);
	find_folded(t, room, &f);
}
