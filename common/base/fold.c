/* SPDX-License-Identifier: ISC */
#include "common/base/fold.h"

#include "common/base/fold_letters.h"
#include "common/base/fold_parts.h"
#include "common/base/utf8.h"

/* U+00C0 to U+017F without accents, two bytes each; blanks: no letter. */
static const char latin[] = "A A A A A A AEC E E E E I I I I D N O O O O O   O U U U U Y THss"
			    "a a a a a a aec e e e e i i i i d n o o o o o   o u u u u y thy "
			    "A a A a A a C c C c C c C c D d D d E e E e E e E e E e G g G g "
			    "G g G g H h H h I i I i I i I i I i IJijJ j K k k L l L l L l L "
			    "l L l N n N n N n n N n O o O o O o OEoeR r R r R r S s S s S s "
			    "S s T t T t T t U u U u U u U u U u U u W w Y y Y Z z Z z Z z s ";

enum { LATIN_FIRST = 0xc0, LATIN_LAST = 0x17f };

void
fold_init(struct fold *f)
{
	buffer_init(&f->lower, BUFFER_UNLIMITED);
	buffer_init(&f->cased, BUFFER_UNLIMITED);
	buffer_init(&f->whole, BUFFER_UNLIMITED);
}

void
fold_release(struct fold *f)
{
	buffer_release(&f->lower);
	buffer_release(&f->cased);
	buffer_release(&f->whole);
}

/* Whether the ASCII character C is folded to a blank. */
static inline bool
is_blank(unsigned c)
{
	return c <= ' ' || c == '-' || c == '_' || c == 0x7f;
}

static void
put_ascii(struct fold *f, unsigned c)
{
	fold_put(f, (char)(is_blank(c) ? ' ' : c));
}

static void
put_latin(struct fold *f, const char pair[2])
{
	if (pair[0] == ' ')
		fold_put(f, '.');
	else
		fold_put(f, pair[0]);
	if (pair[1] != ' ')
		fold_put(f, pair[1]);
}

static void
put_utf8(struct fold *f, unsigned c)
{
	char utf8[4];
	size_t size = utf8_write(c, utf8);

	for (size_t i = 0; i < size; i++)
		fold_put(f, utf8[i]);
}

/* A letter of writing without blanks, which is a word by itself: Chinese, Japanese, Korean. */
static bool
is_word_alone(unsigned c)
{
	return (c >= 0x3040 && c <= 0x30ff) || (c >= 0x3400 && c <= 0x9fff) || (c >= 0xac00 && c <= 0xd7a3) ||
	       (c >= 0xf900 && c <= 0xfaff) || (c >= 0x20000 && c <= 0x3ffff);
}

/* C is a character; at most four bytes of room are needed, and two more around a word. */
static void
put_character(struct fold *f, unsigned c)
{
	char room[FOLD_LETTERS_ROOM];
	struct bytes to;

	if (c < 0x80) {
		put_ascii(f, c);
		return;
	}
	if (c >= LATIN_FIRST && c <= LATIN_LAST) {
		put_latin(f, &latin[2 * (size_t)(c - LATIN_FIRST)]);
		return;
	}
	if (c >= 0xff01 && c <= 0xff5e) {
		put_ascii(f, c - 0xff01 + '!');
		return;
	}
	if (fold_letters(c, room, &to)) {
		for (size_t i = 0; i < to.size; i++)
			fold_put(f, to.at[i]);
		return;
	}
	if (!is_word_alone(c)) {
		put_utf8(f, c);
		return;
	}
	fold_put(f, ' ');
	put_utf8(f, c);
	fold_put(f, ' ');
}

/* The character at AT, whose length becomes *SIZE.  A character that END cuts off is read as a byte. */
static unsigned
character_at(const char *at, const char *end, size_t *size)
{
	unsigned char first = (unsigned char)*at;
	size_t more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0 ? 1 : 0;
	unsigned c = more == 0 ? first : first & (0x3fU >> more);

	if (more >= (size_t)(end - at))
		more = 0;
	for (size_t i = 1; i <= more; i++)
		c = c << 6 | ((unsigned char)at[i] & 0x3f);
	*size = more + 1;
	return c;
}

/*
 * A character takes no more room folded than in TEXT, but for the blanks around a word of one, which has
 * three bytes or more.  Two blanks stand around the whole.
 */
static void
start(struct fold *f, struct bytes text)
{
	size_t room = text.size + 2 * (text.size / 3) + 2 + FOLD_SLACK;

	f->lower.used = 0;
	f->cased.used = 0;
	f->whole.used = 0;
	if (!buffer_reserve(&f->lower, room) || !buffer_reserve(&f->cased, room))
		return;
	fold_put(f, ' ');
}

/* The bytes behind the text that next_spelled reads are zeros. */
static void
finish(struct fold *f)
{
	fold_put(f, ' ');
	buffer_slack(&f->cased, FOLD_SLACK);
}

#if defined(__SSE2__) && !defined(BLOCK_PORTABLE)

/* All bits of each byte that is folded to a blank. */
static inline __m128i
blanks_of(__m128i part)
{
	__m128i blank = _mm_cmpeq_epi8(_mm_min_epu8(part, _mm_set1_epi8(' ')), part);

	blank = _mm_or_si128(blank, _mm_cmpeq_epi8(part, _mm_set1_epi8('-')));
	blank = _mm_or_si128(blank, _mm_cmpeq_epi8(part, _mm_set1_epi8('_')));
	return _mm_or_si128(blank, _mm_cmpeq_epi8(part, _mm_set1_epi8(0x7f)));
}

/* A bit for each letter of LOWER, without case, with which an abbreviation with dots may begin. */
static inline unsigned
dotted_in(__m128i lower, bool after_word)
{
	unsigned letters = (unsigned)_mm_movemask_epi8(fold_bytes_from(lower, 'a', 'z'));
	unsigned words = letters | (unsigned)_mm_movemask_epi8(fold_bytes_from(lower, '0', '9'));
	unsigned dots = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(lower, _mm_set1_epi8('.')));

	/* What follows the last byte is not known. */
	return letters & (dots >> 1 | 1U << (BLOCK_SIZE - 1)) & ~(words << 1 | after_word);
}

/*
 * Puts the ASCII characters from AT on as put_ascii does, up to one that something else must see, and up to a
 * second blank.  Returns how many they are, at most a block.
 */
static inline size_t
put_plain(struct fold *f, const char *at, const char *end, bool is_markup)
{
	const __m128i space = _mm_set1_epi8(' ');
	char *lower = f->lower.at + f->lower.used;
	char *cased = f->cased.at + f->cased.used;
	__m128i part, blank, small, stop;
	unsigned blanks, stops;
	char last[BLOCK_SIZE] = { 0 };
	size_t size = BLOCK_SIZE;

	if (end - at < BLOCK_SIZE) {
		size = (size_t)(end - at);
		at = memcpy(last, at, size);
	}
	part = _mm_loadu_si128((const __m128i *)(const void *)at);
	blank = blanks_of(part);
	stop = part;
	if (is_markup)
		stop = _mm_or_si128(stop, _mm_or_si128(_mm_cmpeq_epi8(part, _mm_set1_epi8('<')),
					      _mm_cmpeq_epi8(part, _mm_set1_epi8('&'))));
	part = _mm_or_si128(_mm_andnot_si128(blank, part), _mm_and_si128(blank, space));
	small = _mm_or_si128(part, _mm_and_si128(fold_bytes_from(part, 'A', 'Z'), space));
	blanks = (unsigned)_mm_movemask_epi8(blank);
	stops = (unsigned)_mm_movemask_epi8(stop) | (blanks & (blanks << 1 | (cased[-1] == ' '))) |
		dotted_in(small, fold_is_word(cased[-1])) | 1U << size;
	_mm_storeu_si128((__m128i *)(void *)cased, part);
	_mm_storeu_si128((__m128i *)(void *)lower, small);
	size = (size_t)__builtin_ctz(stops);
	f->lower.used += size;
	f->cased.used += size;
	return size;
}

#else

static inline size_t
put_plain(struct fold *f, const char *at, const char *end, bool is_markup)
{
	(void)f, (void)at, (void)end, (void)is_markup;
	return 0;
}

#endif

/* How many letters the abbreviation with dots has that TEXT begins with; its bytes become *SIZE.  0: none. */
static size_t
dotted_at(struct bytes text, size_t *size)
{
	bool spaced = text.size > 2 && text.at[2] == ' ';
	size_t letters = 0;
	size_t i = 0;

	while (i < text.size && ascii_is_letter(text.at[i])) {
		bool has_dot = i + 1 < text.size && text.at[i + 1] == '.';

		if (!has_dot && (spaced || (i + 1 < text.size && fold_is_word(text.at[i + 1]))))
			break;
		letters++;
		*size = i + (has_dot ? 2 : 1);
		i = *size + (spaced ? 1 : 0);
		if (!has_dot || (spaced && i <= text.size && text.at[i - 1] != ' '))
			break;
	}
	return letters > 1 && (*size == text.size || !fold_is_word(text.at[*size])) ? letters : 0;
}

/* Puts the letters of the abbreviation with dots at AT, and returns its bytes; 0 if there is none. */
static size_t
put_dotted(struct fold *f, const char *at, const char *end)
{
	size_t size;

	if (end - at < 3 || at[1] != '.' || !ascii_is_letter(*at) ||
	    fold_is_word(f->cased.at[f->cased.used - 1]) ||
	    dotted_at((struct bytes){ at, (size_t)(end - at) }, &size) == 0)
		return 0;
	for (size_t i = 0; i < size; i++)
		if (ascii_is_letter(at[i]))
			fold_put(f, at[i]);
	return size;
}

enum { SPELLED_GAP = 3 };

/* The letter behind the blanks or the one other sign at AT, which becomes *SIGN; NULL: none. */
static const char *
behind_gap(const char *at, const char *end, char *sign)
{
	const char *from = at;

	while (at < end && at - from < SPELLED_GAP && is_blank((unsigned char)*at))
		at++;
	*sign = ' ';
	if (at == from && at < end && !fold_is_word(*at))
		*sign = *at++;
	return at > from && at < end && ascii_is_letter(*at) ? at : NULL;
}

bool
fold_spelled(const char *at, const char *end)
{
	const char *second, *third;
	char first_sign, sign;
	size_t size;

	if (end - at < 5)
		return false;
	second = behind_gap(at + 1, end, &first_sign);
	third = second == NULL ? NULL : behind_gap(second + 1, end, &sign);
	return (third != NULL && sign == first_sign && (third + 1 == end || !fold_is_word(third[1]))) ||
	       dotted_at((struct bytes){ at, (size_t)(end - at) }, &size) >= FOLD_SPELLED;
}

void
fold_text(struct fold *f, struct bytes text)
{
	const char *at = text.at;
	const char *end = at + text.size;
	size_t size;

	start(f, text);
	for (; at < end; at += size) {
		size = put_dotted(f, at, end);
		if (size == 0)
			size = put_plain(f, at, end, false);
		if (size > 0)
			continue;
		size = 1;
		if ((unsigned char)*at < 0x80)
			put_ascii(f, (unsigned char)*at);
		else
			put_character(f, character_at(at, end, &size));
	}
	finish(f);
}

enum { TAG_NAME_MAX = 12 };

/* The tags of HTML and CDA that end a line or a cell, by their first letter. */
static const char *const line_tags[26] = {
	['a' - 'a'] = "address article aside ",
	['b' - 'a'] = "blockquote body br ",
	['c' - 'a'] = "caption center ",
	['d' - 'a'] = "dd details dialog div dl dt ",
	['f' - 'a'] = "fieldset figcaption figure footer form frame ",
	['h' - 'a'] = "h1 h2 h3 h4 h5 h6 head header hr html ",
	['i' - 'a'] = "item ",
	['l' - 'a'] = "legend li link list ",
	['m' - 'a'] = "main meta ",
	['n' - 'a'] = "nav ",
	['o' - 'a'] = "ol optgroup option ",
	['p' - 'a'] = "p paragraph pre ",
	['s' - 'a'] = "script section select style summary ",
	['t' - 'a'] = "table tbody td textarea tfoot th thead title tr ",
	['u' - 'a'] = "ul ",
};

/* Whether a tag ends a line or a cell; all others, and comments, stand within a word. */
static bool
ends_line(struct bytes name)
{
	const char *at = name.size > 0 && fold_is_small(name.at[0]) ? line_tags[name.at[0] - 'a'] : NULL;

	while (at != NULL && *at != '\0') {
		size_t same = 0;

		while (same < name.size && at[same] == name.at[same])
			same++;
		at += same;
		if (same == name.size && *at == ' ')
			return true;
		while (*at++ != ' ')
			;
	}
	return false;
}

/* Steps over the tag or comment at AT; a blank stands for it if it ends a line.  Any other < is a dot. */
static const char *
take_tag(struct fold *f, const char *at, const char *end)
{
	const char *name = at + 1;
	const char *stop;
	char lower[TAG_NAME_MAX];
	size_t size = 0;

	if (name < end && *name == '/')
		name++;
	if (name == end || !(ascii_is_letter(*name) || *name == '!' || *name == '?')) {
		fold_put(f, '.');
		return at + 1;
	}
	if (end - at >= 4 && memcmp(at, "<!--", 4) == 0)
		stop = memmem(at, (size_t)(end - at), "-->", 3);
	else
		stop = memchr(at, '>', (size_t)(end - at));
	while (size < sizeof lower && name + size < end && ascii_is_alnum(name[size])) {
		lower[size] = ascii_lower(name[size]);
		size++;
	}
	if (ends_line((struct bytes){ lower, size }))
		fold_put(f, ' ');
	if (stop == NULL)
		return end;
	return stop + (*stop == '>' ? 1 : 3);
}

enum { ENTITY_MAX = 32 }; /* bytes of an entity, & and ; included */

struct entity {
	const char *name;
	unsigned character;
};

/* What HTML names beside letters with accents and of other alphabets, and what XML has. */
static const struct entity entities[] = { { "amp", '&' }, { "lt", '.' }, { "gt", '.' }, { "quot", '"' },
	{ "apos", '\'' }, { "nbsp", ' ' }, { "ensp", ' ' }, { "emsp", ' ' }, { "thinsp", ' ' },
	{ "NewLine", ' ' }, { "Tab", ' ' }, { "hyphen", '-' }, { "dash", '-' }, { "ndash", '-' },
	{ "mdash", '-' }, { "rsquo", '\'' }, { "shy", 0xad }, { "zwnj", 0xad }, { "zwj", 0xad },
	{ "lrm", 0xad }, { "rlm", 0xad }, { "ZeroWidthSpace", 0xad }, { "NoBreak", 0xad }, { "szlig", 0xdf },
	{ "middot", 0xb7 }, { "period", '.' }, { "sol", '/' }, { "lowbar", '_' } };

/* What follows a letter in the names of those with an accent and of the mathematical alphabets. */
static const char *const accents[] = { "uml", "acute", "grave", "circ", "tilde", "cedil", "caron", "ring",
	"slash", "macr", "breve", "ogon", "dot", "dblac", "opf", "scr", "fr" };

/* The character of a name; a dot if nobody knows it. */
static unsigned
named(struct bytes name)
{
	for (size_t i = 0; i < sizeof entities / sizeof entities[0]; i++)
		if (bytes_are(name, entities[i].name))
			return entities[i].character;
	for (size_t i = 0; name.size > 1 && i < sizeof accents / sizeof accents[0]; i++)
		if (bytes_are((struct bytes){ name.at + 1, name.size - 1 }, accents[i]))
			return (unsigned char)name.at[0];
	return '.';
}

/*
 * The number of &#228; and &#xe4;, which browsers also read without the semicolon.  Returns the bytes behind
 * & that it takes, 0 if there is none.
 */
static size_t
read_number(const char *at, size_t reach, unsigned *character)
{
	bool is_hex = reach > 1 && ascii_lower(at[1]) == 'x';
	size_t first = is_hex ? 2 : 1;
	size_t i = first;
	unsigned c = 0;

	for (; i < reach; i++) {
		unsigned char digit = (unsigned char)ascii_lower(at[i]);
		unsigned value = digit >= 'a' ? digit - 'a' + 10U : digit - (unsigned)'0';

		if (digit < '0' || (digit > '9' && digit < 'a') || value >= (is_hex ? 16U : 10U))
			break;
		c = c > 0x10ffff ? c : c * (is_hex ? 16 : 10) + value;
	}
	*character = c > 0 && c <= 0x10ffff ? c : '.';
	if (i == first)
		return 0;
	return i < reach && at[i] == ';' ? i + 1 : i;
}

/* The bytes of the entity that TEXT begins with, and its character; 0: none. */
static size_t
entity_at(struct bytes text, unsigned *c)
{
	size_t reach = text.size < ENTITY_MAX ? text.size : ENTITY_MAX;
	size_t size = 1;

	if (reach > 1 && text.at[1] == '#') {
		size = read_number(text.at + 1, reach - 1, c);
		return size > 0 ? size + 1 : 0;
	}
	while (size < reach && ascii_is_alnum(text.at[size]))
		size++;
	if (size == 1 || size == reach || text.at[size] != ';')
		return 0;
	*c = named((struct bytes){ text.at + 1, size - 1 });
	return size + 1;
}

/* Steps over the entity at AT.  Any other & is a dot. */
static const char *
take_entity(struct fold *f, const char *at, const char *end)
{
	unsigned c = '.';
	size_t size = entity_at((struct bytes){ at, (size_t)(end - at) }, &c);

	put_character(f, c);
	return at + (size > 0 ? size : 1);
}

void
fold_markup(struct fold *f, struct bytes text)
{
	const char *at = text.at;
	const char *end = at + text.size;
	size_t size;

	start(f, text);
	while (at < end) {
		size = put_plain(f, at, end, true);
		if (size == 0)
			size = put_dotted(f, at, end);
		if (size > 0) {
			at += size;
		} else if (*at == '<') {
			at = take_tag(f, at, end);
		} else if (*at == '&') {
			at = take_entity(f, at, end);
		} else {
			put_character(f, character_at(at, end, &size));
			at += size;
		}
	}
	finish(f);
}

bool
fold_is_markup(struct bytes text)
{
	const char *end = text.at + text.size;
	const char *at = text.at;
	unsigned c;

	for (; text.size > 0 && (at = memchr(at, '<', (size_t)(end - at))) != NULL; at++)
		if (end - at > 1 && (ascii_is_letter(at[1]) || at[1] == '/' || at[1] == '!' || at[1] == '?'))
			return true;
	at = text.at;
	for (; text.size > 0 && (at = memchr(at, '&', (size_t)(end - at))) != NULL; at++)
		if (entity_at((struct bytes){ at, (size_t)(end - at) }, &c) > 0)
			return true;
	return false;
}
