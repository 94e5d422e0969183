/* SPDX-License-Identifier: ISC */
#include "common/base/fold.h"

#include "common/base/utf8.h"

#if defined(__SSE2__) && !defined(FOLD_PORTABLE)
#include <emmintrin.h>
#endif

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

/* The caller has made room. */
static inline void
put(struct fold *f, char c)
{
	if (c == ' ' && f->cased.used > 0 && f->cased.at[f->cased.used - 1] == ' ')
		return;
	f->cased.at[f->cased.used++] = c;
	f->lower.at[f->lower.used++] = ascii_lower(c);
}

static void
put_ascii(struct fold *f, unsigned c)
{
	if (c <= ' ' || c == '-' || c == '_' || c == 0x7f)
		c = ' ';
	put(f, (char)c);
}

struct fold_range {
	unsigned first, last;
	const char *to; /* NULL: left out */
};

/* Ascending.  What stands in no range stays. */
static const struct fold_range ranges[] = {
	{ 0x80, 0xa0, " " },
	{ 0xa1, 0xac, "." },
	{ 0xad, 0xad, NULL }, /* soft hyphen */
	{ 0xae, 0xbf, "." },
	{ 0x300, 0x36f, NULL },   /* combining marks */
	{ 0x2000, 0x200a, " " },  /* blanks */
	{ 0x200b, 0x200f, NULL }, /* no width; directions */
	{ 0x2010, 0x2015, " " },  /* hyphens and dashes */
	{ 0x2016, 0x2017, "." },
	{ 0x2018, 0x201b, "'" },
	{ 0x201c, 0x2027, "." },
	{ 0x2028, 0x2029, " " },  /* ends of lines */
	{ 0x202a, 0x202e, NULL }, /* directions */
	{ 0x202f, 0x202f, " " },
	{ 0x2030, 0x205e, "." },
	{ 0x205f, 0x205f, " " },
	{ 0x2060, 0x206f, NULL }, /* no width */
	{ 0x20d0, 0x20ff, NULL }, /* combining marks */
	{ 0x2190, 0x2211, "." },
	{ 0x2212, 0x2212, " " }, /* minus */
	{ 0x2213, 0x2bff, "." }, /* signs, lines, pictures */
	{ 0x3000, 0x3000, " " },
	{ 0xfe00, 0xfe0f, NULL }, /* variants */
	{ 0xfe63, 0xfe63, " " },
	{ 0xfeff, 0xfeff, NULL },
};

static void
put_text(struct fold *f, const char *text)
{
	while (*text != '\0')
		put(f, *text++);
}

static void
put_latin(struct fold *f, const char pair[2])
{
	if (pair[0] == ' ')
		put(f, '.');
	else
		put(f, pair[0]);
	if (pair[1] != ' ')
		put(f, pair[1]);
}

static void
put_utf8(struct fold *f, unsigned c)
{
	char utf8[4];
	size_t size = utf8_write(c, utf8);

	for (size_t i = 0; i < size; i++)
		put(f, utf8[i]);
}

/* C is a character; at most four bytes of room are needed. */
static void
put_character(struct fold *f, unsigned c)
{
	const size_t count = sizeof ranges / sizeof ranges[0];

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
	for (size_t i = 0; i < count && ranges[i].first <= c; i++) {
		if (c > ranges[i].last)
			continue;
		if (ranges[i].to != NULL)
			put_text(f, ranges[i].to);
		return;
	}
	put_utf8(f, c);
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

/* A character takes no more room folded than in TEXT.  Two blanks stand around the whole. */
static void
start(struct fold *f, struct bytes text)
{
	f->lower.used = 0;
	f->cased.used = 0;
	f->whole.used = 0;
	if (!buffer_reserve(&f->lower, text.size + 2 + FOLD_SLACK) ||
	    !buffer_reserve(&f->cased, text.size + 2 + FOLD_SLACK))
		return;
	put(f, ' ');
}

enum { BLOCK = 16 };

#if defined(__SSE2__) && !defined(FOLD_PORTABLE)

/* All bits of each byte that is folded to a blank. */
static inline __m128i
blanks_of(__m128i block)
{
	__m128i blank = _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(' ')), block);

	blank = _mm_or_si128(blank, _mm_cmpeq_epi8(block, _mm_set1_epi8('-')));
	blank = _mm_or_si128(blank, _mm_cmpeq_epi8(block, _mm_set1_epi8('_')));
	return _mm_or_si128(blank, _mm_cmpeq_epi8(block, _mm_set1_epi8(0x7f)));
}

/* All bits of each byte from FIRST to LAST. */
static inline __m128i
bytes_from(__m128i block, char first, char last)
{
	return _mm_and_si128(_mm_cmpgt_epi8(block, _mm_set1_epi8((char)(first - 1))),
	    _mm_cmplt_epi8(block, _mm_set1_epi8((char)(last + 1))));
}

/* A bit for each letter of LOWER, without case, with which an abbreviation with dots may begin. */
static inline unsigned
dotted_in(__m128i lower, bool after_word)
{
	unsigned letters = (unsigned)_mm_movemask_epi8(bytes_from(lower, 'a', 'z'));
	unsigned words = letters | (unsigned)_mm_movemask_epi8(bytes_from(lower, '0', '9'));
	unsigned dots = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(lower, _mm_set1_epi8('.')));

	/* What follows the last byte is not known. */
	return letters & (dots >> 1 | 1U << (BLOCK - 1)) & ~(words << 1 | after_word);
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
	__m128i block, blank, small, stop;
	unsigned blanks, stops;
	char last[BLOCK] = { 0 };
	size_t size = BLOCK;

	if (end - at < BLOCK) {
		size = (size_t)(end - at);
		at = memcpy(last, at, size);
	}
	block = _mm_loadu_si128((const __m128i *)(const void *)at);
	blank = blanks_of(block);
	stop = block;
	if (is_markup)
		stop = _mm_or_si128(stop, _mm_or_si128(_mm_cmpeq_epi8(block, _mm_set1_epi8('<')),
					      _mm_cmpeq_epi8(block, _mm_set1_epi8('&'))));
	block = _mm_or_si128(_mm_andnot_si128(blank, block), _mm_and_si128(blank, space));
	small = _mm_or_si128(block, _mm_and_si128(bytes_from(block, 'A', 'Z'), space));
	blanks = (unsigned)_mm_movemask_epi8(blank);
	stops = (unsigned)_mm_movemask_epi8(stop) | (blanks & (blanks << 1 | (cased[-1] == ' '))) |
		dotted_in(small, fold_is_word(cased[-1])) | 1U << size;
	_mm_storeu_si128((__m128i *)(void *)cased, block);
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

size_t
fold_dotted(struct bytes text, size_t *size)
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
	    fold_dotted((struct bytes){ at, (size_t)(end - at) }, &size) == 0)
		return 0;
	for (size_t i = 0; i < size; i++)
		if (ascii_is_letter(at[i]))
			put(f, at[i]);
	return size;
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
	put(f, ' ');
}

/* Tags of HTML that stand within a word or a line; all others end it. */
static bool
is_within_line(struct bytes name)
{
	static const struct bytes names[] = { BYTES("a"), BYTES("abbr"), BYTES("b"), BYTES("big"),
		BYTES("bdo"), BYTES("cite"), BYTES("code"), BYTES("dfn"), BYTES("em"), BYTES("font"),
		BYTES("i"), BYTES("kbd"), BYTES("mark"), BYTES("q"), BYTES("s"), BYTES("samp"),
		BYTES("small"), BYTES("span"), BYTES("strike"), BYTES("strong"), BYTES("sub"), BYTES("sup"),
		BYTES("tt"), BYTES("u"), BYTES("var"), BYTES("wbr") };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (name.size == names[i].size && memcmp(name.at, names[i].at, name.size) == 0)
			return true;
	return false;
}

/* Steps over the tag or comment at AT; a blank stands for it if it ends a line.  Any other < is a dot. */
static const char *
take_tag(struct fold *f, const char *at, const char *end)
{
	const char *name = at + 1;
	const char *stop;
	char lower[8] = { 0 };
	size_t size = 0;

	if (name < end && *name == '/')
		name++;
	if (name == end || !(ascii_is_letter(*name) || *name == '!' || *name == '?')) {
		put(f, '.');
		return at + 1;
	}
	if (end - at >= 4 && memcmp(at, "<!--", 4) == 0)
		stop = memmem(at, (size_t)(end - at), "-->", 3);
	else
		stop = memchr(at, '>', (size_t)(end - at));
	while (size < sizeof lower && name + size < end &&
	       (ascii_is_letter(name[size]) || ascii_is_digit(name[size]))) {
		lower[size] = ascii_lower(name[size]);
		size++;
	}
	if (!is_within_line((struct bytes){ lower, size }))
		put(f, ' ');
	if (stop == NULL)
		return end;
	return stop + (*stop == '>' ? 1 : 3);
}

enum { ENTITY_MAX = 12 }; /* bytes of an entity, & and ; included */

struct entity {
	const char *name;
	unsigned character;
};

/* The letters that HTML 4 names for Western languages, and what XML has. */
static const struct entity entities[] = { { "amp", '&' }, { "lt", '.' }, { "gt", '.' }, { "quot", '"' },
	{ "apos", '\'' }, { "nbsp", ' ' }, { "shy", 0xad }, { "ndash", '-' }, { "mdash", '-' },
	{ "rsquo", '\'' }, { "auml", 'a' }, { "ouml", 'o' }, { "uuml", 'u' }, { "Auml", 'A' },
	{ "Ouml", 'O' }, { "Uuml", 'U' }, { "szlig", 0xdf }, { "eacute", 'e' }, { "egrave", 'e' },
	{ "ecirc", 'e' }, { "agrave", 'a' }, { "aacute", 'a' }, { "ccedil", 'c' }, { "iacute", 'i' },
	{ "oacute", 'o' }, { "uacute", 'u' }, { "ntilde", 'n' } };

/* &#228; and &#xe4; */
static bool
read_number(struct bytes name, unsigned *character)
{
	bool is_hex = name.size > 1 && (name.at[1] == 'x' || name.at[1] == 'X');
	unsigned c = 0;

	for (size_t i = is_hex ? 2 : 1; i < name.size; i++) {
		unsigned char digit = (unsigned char)ascii_lower(name.at[i]);
		unsigned value = digit >= 'a' ? digit - 'a' + 10U : digit - (unsigned)'0';

		if (digit < '0' || value >= (is_hex ? 16U : 10U) || c > 0x10ffff)
			return false;
		c = c * (is_hex ? 16 : 10) + value;
	}
	*character = c;
	return c > 0 && c <= 0x10ffff;
}

/* Steps over the entity at AT.  One that is not known, or no entity, is a dot. */
static const char *
take_entity(struct fold *f, const char *at, const char *end)
{
	size_t reach = (size_t)(end - at) < ENTITY_MAX ? (size_t)(end - at) : ENTITY_MAX;
	const char *stop = memchr(at, ';', reach);
	unsigned c = '.';

	if (stop == NULL) {
		put(f, '.');
		return at + 1;
	}
	struct bytes name = { at + 1, (size_t)(stop - at) - 1 };

	if (name.size > 1 && name.at[0] == '#') {
		if (!read_number(name, &c))
			c = '.';
	} else {
		for (size_t i = 0; i < sizeof entities / sizeof entities[0]; i++)
			if (bytes_are(name, entities[i].name))
				c = entities[i].character;
	}
	put_character(f, c);
	return stop + 1;
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
	put(f, ' ');
}

/* &uuml; &#228; */
static bool
is_entity(struct bytes rest)
{
	size_t reach = rest.size < ENTITY_MAX ? rest.size : ENTITY_MAX;

	return rest.size > 1 && (ascii_is_letter(rest.at[1]) || rest.at[1] == '#') &&
	       memchr(rest.at, ';', reach) != NULL;
}

bool
fold_is_markup(struct bytes text)
{
	const char *end = text.at + text.size;
	const char *at = text.at;

	for (; text.size > 0 && (at = memchr(at, '<', (size_t)(end - at))) != NULL; at++)
		if (end - at > 1 && (ascii_is_letter(at[1]) || at[1] == '/' || at[1] == '!'))
			return true;
	at = text.at;
	for (; text.size > 0 && (at = memchr(at, '&', (size_t)(end - at))) != NULL; at++)
		if (is_entity((struct bytes){ at, (size_t)(end - at) }))
			return true;
	return false;
}

#if defined(__SSE2__) && !defined(FOLD_PORTABLE)

static inline uint64_t
letters_at(const char *at, char first, char last)
{
	return (unsigned)_mm_movemask_epi8(
	    bytes_from(_mm_loadu_si128((const __m128i *)(const void *)at), first, last));
}

/* A bit for each byte of the block from I of TEXT on where a word begins by its case.  Reads two blocks. */
static inline unsigned
begins_from(struct bytes text, size_t i, enum fold_split how)
{
	const char *at = text.at + i;
	uint64_t big = letters_at(at, 'A', 'Z') << BLOCK;
	uint64_t small, begin;

	if (text.size - i < 3 || (big == 0 && (i == 0 || !fold_is_capital(at[-1]))))
		return 0;
	small = letters_at(at, 'a', 'z') << BLOCK | letters_at(at + BLOCK, 'a', 'z') << 2 * BLOCK;
	if (i > 0) {
		big |= letters_at(at - BLOCK, 'A', 'Z');
		small |= letters_at(at - BLOCK, 'a', 'z');
	}
	begin = big & small << 1;
	begin |= how == FOLD_CAMEL ? big & big << 1 & small >> 1
				   : small & small >> 1 & small >> 2 & big << 1 & big << 2 & big << 3;
	begin >>= BLOCK;
	return (unsigned)begin & ((1U << (text.size - i - 2 < BLOCK ? text.size - i - 2 : BLOCK)) - 1);
}

/* Puts SIZE bytes, at most a block. */
static inline void
put_run(struct fold *f, const char *at, size_t size)
{
	__m128i block = _mm_loadu_si128((const __m128i *)(const void *)at);

	_mm_storeu_si128((__m128i *)(void *)(f->cased.at + f->cased.used), block);
	block = _mm_or_si128(block, _mm_and_si128(bytes_from(block, 'A', 'Z'), _mm_set1_epi8(' ')));
	_mm_storeu_si128((__m128i *)(void *)(f->lower.at + f->lower.used), block);
	f->cased.used += size;
	f->lower.used += size;
}

#else

/* Whether a word begins at I of TEXT, which has a letter before and behind it, by its case. */
static bool
begins_word(const char *text, size_t i, enum fold_split how)
{
	if (fold_is_capital(text[i])) {
		return fold_is_small(text[i - 1]) ||
		       (how == FOLD_CAMEL && fold_is_capital(text[i - 1]) && fold_is_small(text[i + 1]));
	}
	return how == FOLD_CAPITALS && i > 3 && fold_is_small(text[i]) && fold_is_small(text[i + 1]) &&
	       fold_is_small(text[i + 2]) && fold_is_capital(text[i - 1]) && fold_is_capital(text[i - 2]) &&
	       fold_is_capital(text[i - 3]);
}

static unsigned
begins_from(struct bytes text, size_t i, enum fold_split how)
{
	unsigned begin = 0;

	for (size_t k = 0; k < BLOCK && i + k + 2 < text.size; k++)
		if (i + k > 0 && begins_word(text.at, i + k, how))
			begin |= 1U << k;
	return begin;
}

static void
put_run(struct fold *f, const char *at, size_t size)
{
	while (size-- > 0)
		put(f, *at++);
}

#endif

/* How many words of TEXT begin by their case. */
static size_t
count_words(struct bytes text, enum fold_split how)
{
	size_t count = 0;

	for (size_t i = 0; i < text.size; i += BLOCK)
		count += (size_t)__builtin_popcount(begins_from(text, i, how));
	return count;
}

bool
fold_split(struct fold *f, enum fold_split how)
{
	struct bytes whole = buffer_bytes(f->whole.used > 0 ? &f->whole : &f->cased);
	size_t blanks = count_words(whole, how);

	if (blanks == 0 || !buffer_reserve(&f->lower, blanks + FOLD_SLACK) ||
	    !buffer_reserve(&f->cased, blanks + FOLD_SLACK))
		return false;
	if (f->whole.used == 0) {
		buffer_add(&f->whole, whole.at, whole.size);
		(void)buffer_more(&f->whole, FOLD_SLACK);
		f->whole.used = whole.size;
		whole = buffer_bytes(&f->whole);
	}
	f->lower.used = 0;
	f->cased.used = 0;
	for (size_t i = 0; i < whole.size; i += BLOCK) {
		size_t end = whole.size - i < BLOCK ? whole.size : i + BLOCK;
		size_t from = i;

		for (unsigned begin = begins_from(whole, i, how); begin != 0; begin &= begin - 1) {
			size_t word = i + (size_t)__builtin_ctz(begin);

			put_run(f, whole.at + from, word - from);
			put(f, ' ');
			from = word;
		}
		put_run(f, whole.at + from, end - from);
	}
	return true;
}
