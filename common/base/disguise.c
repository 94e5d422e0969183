/* SPDX-License-Identifier: ISC */
#include "common/base/disguise.h"

#include "common/base/base64url.h"
#include "common/base/block.h"
#include "common/base/fold.h"
#include "common/base/utf8.h"

#include <string.h>

enum {
	HEX_RUN = 12,
	TELLING = 8, /* characters of base64 that tell whether they are of a text */
};

void
disguise_init(struct disguise *d)
{
	buffer_init(&d->code, BUFFER_UNLIMITED);
	buffer_init(&d->plain, BUFFER_UNLIMITED);
}

void
disguise_release(struct disguise *d)
{
	buffer_release(&d->code);
	buffer_release(&d->plain);
}

static inline bool
is_control(char c)
{
	return (unsigned char)c < ' ' && (c < '\t' || c > '\r');
}

/* Whether TEXT can be read: no control characters but those of lines. */
static bool
is_text(struct bytes text)
{
	size_t i = 0;
	block controls = { 0 };

	for (; i + BLOCK_SIZE <= text.size; i += BLOCK_SIZE) {
		block b = block_at(text.at + i);

		controls |= block_from(b, 0, ' ' - 1) & ~block_from(b, '\t', '\r');
	}
	for (; i < text.size; i++)
		if (is_control(text.at[i]))
			return false;
	return text.size > 0 && block_bits(controls) == 0;
}

/* Makes UTF-8 of the bytes in FROM, taken for ISO 8859-1. */
static struct bytes
widen(struct bytes from, struct buffer *to)
{
	to->used = 0;
	for (size_t i = 0; i < from.size; i++) {
		unsigned char c = (unsigned char)from.at[i];
		char wide[2] = { (char)(0xc0 | c >> 6), (char)(0x80 | (c & 0x3f)) };

		if (c < 0x80)
			buffer_add(to, &from.at[i], 1);
		else
			buffer_add(to, wide, sizeof wide);
	}
	buffer_slack(to, DISGUISE_SLACK);
	return buffer_bytes(to);
}

/* UTF-16, in which each other byte of Latin letters is zero, loses these bytes and its mark. */
static void
narrow(struct buffer *text)
{
	size_t zeros[2] = { 0 };
	size_t from, size = 0;

	if (memchr(text->at, '\0', text->used) == NULL)
		return;
	for (size_t i = 0; i < text->used; i++)
		zeros[i % 2] += text->at[i] == '\0';
	if (text->used < 6 || text->used % 2 != 0 || zeros[0] + zeros[1] + 1 < text->used / 2 ||
	    (zeros[0] > 0 && zeros[1] > 0))
		return;
	from = zeros[0] > 0 ? 1 : 0;
	if (zeros[0] + zeros[1] < text->used / 2)
		from += 2;
	for (size_t i = from; i < text->used; i += 2)
		text->at[size++] = text->at[i];
	text->used = size;
}

/* Writes CODE as base64url without blanks to TO, which has room for it.  Returns its size. */
static size_t
strip(struct bytes code, char *to)
{
	size_t size = 0;

	for (size_t i = 0; i < code.size;) {
		block b = i + BLOCK_SIZE <= code.size ? block_at(code.at + i) : block_all('=');
		block left_out = block_is(b, '=') | block_is(b, '\n') | block_is(b, '\r') | block_is(b, ' ');
		size_t end = i + BLOCK_SIZE < code.size ? i + BLOCK_SIZE : code.size;

		if (block_bits(left_out) == 0) {
			b ^= block_is(b, '+') & block_all('+' ^ '-');
			b ^= block_is(b, '/') & block_all('/' ^ '_');
			memcpy(to + size, &b, sizeof b);
			size += sizeof b;
			i = end;
		}
		for (; i < end; i++) {
			char c = code.at[i];

			if (c != '=' && c != '\n' && c != '\r' && c != ' ')
				to[size++] = (char)(c == '+' ? '-' : c == '/' ? '_' : c);
		}
	}
	return size;
}

struct bytes
disguise_decode(struct disguise *d, struct bytes text)
{
	struct buffer *plain = &d->plain;
	char *to;
	size_t size;

	d->code.used = 0;
	to = buffer_more(&d->code, text.size + 1);
	size = strip(text, to);
	plain->used = 0;
	(void)buffer_more(plain, BASE64URL_BYTES(size) + 3);
	if (!base64url_decode(plain->at, &plain->used, (struct bytes){ to, size }) &&
	    !base64url_decode(plain->at, &plain->used, (struct bytes){ to, size / 4 * 4 }))
		return (struct bytes){ "", 0 };
	narrow(plain);
	if (!is_text(buffer_bytes(plain)))
		return (struct bytes){ "", 0 };
	if (!utf8_valid(buffer_bytes(plain)))
		return widen(buffer_bytes(plain), &d->code);
	buffer_slack(plain, DISGUISE_SLACK);
	return buffer_bytes(plain);
}

static bool
is_base64(char c)
{
	return ascii_is_alnum(c) || c == '+' || c == '/' || c == '-' || c == '_';
}

static unsigned
base64_value(char c)
{
	if (ascii_is_digit(c))
		return (unsigned)(c - '0') + 52;
	if (c >= 'a' && c <= 'z')
		return (unsigned)(c - 'a') + 26;
	if (c >= 'A' && c <= 'Z')
		return (unsigned)(c - 'A');
	return c == '+' || c == '-' ? 62 : 63;
}

/*
 * False if the first bytes of what CODE decodes to, six of them or three, are no UTF-8 that can be read:
 * nearly all names of members and addresses end here.  Of UTF-16 in Latin letters two of the six are zero at
 * least.
 */
static bool
may_be_text(struct bytes code)
{
	size_t size = code.size < TELLING ? 4 : TELLING;
	unsigned zeros = 0, more = 0;
	uint64_t bits = 0;
	bool is_good = true;

	if (code.size < 4)
		return false; /* fewer than three bytes */
	for (size_t i = 0; i < size; i++) {
		if (code.at[i] == '=')
			return true;
		bits = bits << 6 | base64_value(code.at[i]);
	}
	for (size_t left = size / 4 * 3; left > 0; left--) {
		unsigned c = (unsigned)(bits >> (8 * (left - 1))) & 0xff;

		zeros += c == 0;
		is_good &= !is_control((char)c) && (c >= 0x80 && c < 0xc0) == (more > 0);
		more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : more > 0 ? more - 1 : 0;
	}
	return is_good || zeros > 1;
}

/* The piece of TEXT around the place at *FROM where a word begins by its case; *FROM becomes its end. */
static struct bytes
piece_around(struct bytes text, size_t *from)
{
	size_t begin = *from, end = *from;

	while (begin > 0 && is_base64(text.at[begin - 1]))
		begin--;
	while (end < text.size && (is_base64(text.at[end]) || text.at[end] == '='))
		end++;
	*from = end;
	return (struct bytes){ text.at + begin, end - begin };
}

/* Adds what base64 in TEXT decodes to.  Words without a capital behind a small letter are none. */
static void
undo_base64(struct disguise *d, struct bytes text, size_t from, struct buffer *out)
{
	while ((from = fold_hump(text, from)) < text.size) {
		struct bytes plain, code = piece_around(text, &from);

		if (!may_be_text(code))
			continue;
		plain = disguise_decode(d, code);
		if (plain.size <= 2 || plain.at != d->plain.at)
			continue;
		(void)buffer_append(out, plain.at, plain.size);
		(void)buffer_append(out, "\n.\n", 3);
	}
}

bool
disguise_may_go_on(struct bytes text)
{
	for (size_t from = 0; (from = fold_hump(text, from)) < text.size;) {
		struct bytes code = piece_around(text, &from);

		if (code.size < TELLING || may_be_text(code))
			return true;
	}
	return false;
}

static inline block
blanks(block b)
{
	return block_from(b, '\0', ' ');
}

/*
 * The bytes of the block at AT at which undo_at may find something.  Each rule of undo_at needs its line
 * here.  The line may hold at more places than the rule, but all texts pay for it: it asks for a rare sign.
 */
static inline block
signs_at(const char *at)
{
	block here = block_at(at), next = block_at(at + 1);
	block signs = block_is(here, '&') | block_is(here, '\\') | block_is(here, '%') | block_is(here, '=');
	block brackets = (block_is(here, ']') & block_is(next, '[')) |
			 (block_is(here, ')') & block_is(next, '(')) |
			 (block_is(here, '}') & block_is(next, '{'));
	block prefix = block_is(here, '0') & block_is(block_lower(next), 'x');
	block hyphens = block_is(here, '-') & blanks(next);
	block spelled =
	    block_letters(here) & blanks(next) & blanks(block_at(at + 3)) & blanks(block_at(at + 5));
	/* In hexadecimal, each other digit of ASCII is one of these. */
	block hex = block_from(here, '2', '7') & block_from(block_at(at + 2), '2', '7') &
		    block_from(block_at(at + 4), '2', '7') & block_from(block_at(at + 6), '2', '7');

	return signs | brackets | prefix | hyphens | spelled | hex;
}

/* Where a word may begin by its case, as undo_base64 asks for: more than fold_hump finds. */
static inline block
humps_at(const char *at)
{
	return block_letters(block_at(at)) & block_from(block_at(at + 1), 'A', 'Z');
}

/* The first byte of a block of TEXT before which nothing is to be undone; the end: nothing at all is. */
static size_t
first_mark(struct bytes text)
{
	for (size_t i = 0; i < text.size; i += BLOCK_SIZE) {
		uint32_t found = block_bits(signs_at(text.at + i) | humps_at(text.at + i));

		if ((found & block_inside(text.size - i)) != 0)
			return i;
	}
	return text.size;
}

/* The next place in TEXT, from FROM on, that may have to be undone; its end: none. */
static size_t
next_mark(struct bytes text, size_t from)
{
	for (size_t i = from; i < text.size; i += BLOCK_SIZE) {
		uint32_t found = block_bits(signs_at(text.at + i)) & block_inside(text.size - i);

		if (found != 0)
			return i + (size_t)__builtin_ctz(found);
	}
	return text.size;
}

/* COUNT digits of BASE, 8 or 16, at AT; -1 if there are fewer. */
static int
number_at(struct bytes text, size_t at, unsigned count, int base)
{
	int value = 0;

	for (size_t i = at; i < at + count; i++) {
		char c = bytes_at(text, i);
		int lower = c | 0x20;
		int digit = ascii_is_digit(c)              ? c - '0'
			    : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10
							   : 99;

		if (digit >= base)
			return -1;
		value = value * base + digit;
	}
	return value;
}

static bool
stands_at(struct bytes text, size_t at, const char *what)
{
	size_t size = strlen(what);

	return text.size - at >= size && memcmp(text.at + at, what, size) == 0;
}

static void
add_point(struct buffer *out, int point)
{
	char utf8[4];

	(void)buffer_append(out, utf8, utf8_write((unsigned)point, utf8));
}

/* Whether a character that can be read has the number VALUE. */
static bool
is_readable(int value)
{
	return value >= ' ' || value == '\n' || value == '\r' || value == '\t';
}

/* Each of these writes to OUT what stands at AT in disguise, and returns its length in TEXT; 0: nothing. */
static size_t
undo_percent(struct bytes text, size_t at, struct buffer *out)
{
	int value = number_at(text, at + 1, 2, 16);

	if (!is_readable(value))
		return 0;
	(void)buffer_append(out, &(char){ (char)(unsigned char)value }, 1);
	return 3;
}

static size_t
undo_entity(struct bytes text, size_t at, struct buffer *out)
{
	char next = bytes_at(text, at + 4);

	if (stands_at(text, at, "&amp;")) {
		next = bytes_at(text, at + 5);
		if (next != '#' && !ascii_is_letter(next))
			return 0;
		(void)buffer_append(out, "&", 1);
		return 5;
	}
	if (stands_at(text, at, "&lt;") && (next == '/' || next == '!' || ascii_is_letter(next))) {
		(void)buffer_append(out, "<", 1);
		return 4;
	}
	if (!stands_at(text, at, "&gt;"))
		return 0;
	(void)buffer_append(out, ">", 1);
	return 4;
}

/* The characters in hexadecimal at AT that can be read; returns how many bytes of TEXT they are. */
static size_t
add_hex(struct bytes text, size_t at, struct buffer *out)
{
	size_t size = 0;

	for (int value; (value = number_at(text, at + size, 2, 16)) >= ' ' && value < 0x7f; size += 2)
		(void)buffer_append(out, &(char){ (char)value }, 1);
	return size;
}

/* \X484956\ of HL7 v2. */
static size_t
undo_long_escape(struct bytes text, size_t at, struct buffer *out)
{
	size_t size = add_hex(text, at + 2, out);

	return size > 0 && bytes_at(text, at + 2 + size) == '\\' ? size + 3 : 0;
}

static size_t
undo_escape(struct bytes text, size_t at, struct buffer *out)
{
	char kind = bytes_at(text, at + 1);
	size_t digits = kind == 'u' ? 4 : kind == 'x' || kind == '\'' ? 2 : 3;
	size_t from = digits == 3 ? at + 1 : at + 2;
	int value = number_at(text, from, (unsigned)digits, digits == 3 ? 8 : 16);

	if (kind == 'X')
		return undo_long_escape(text, at, out);
	if (!is_readable(value) || (value >= 0xd800 && value < 0xe000))
		return 0;
	add_point(out, value);
	return from + digits - at;
}

/* One =48 alone is no sign of it. */
static size_t
undo_quoted(struct bytes text, size_t at, struct buffer *out)
{
	bool is_second = at >= 3 && text.at[at - 3] == '=' && number_at(text, at - 2, 2, 16) >= 0;
	bool is_first = bytes_at(text, at + 3) == '=' && number_at(text, at + 4, 2, 16) >= 0;
	int value = number_at(text, at + 1, 2, 16);

	if (bytes_at(text, at + 1) == '\n')
		return 2;
	if (stands_at(text, at + 1 <= text.size ? at + 1 : at, "\r\n"))
		return 3;
	if (!is_readable(value) || (!is_first && !is_second))
		return 0;
	(void)buffer_append(out, &(char){ (char)(unsigned char)value }, 1);
	return 3;
}

static bool
is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* A hyphen between a letter and white space behind which a small letter follows. */
static size_t
undo_hyphen(struct bytes text, size_t at)
{
	size_t end = at + 1;

	if (at == 0 || !(ascii_is_letter(text.at[at - 1]) || (text.at[at - 1] & 0x80) != 0))
		return 0;
	while (end < text.size && is_blank(text.at[end]))
		end++;
	if (end == at + 1 || !ascii_is_letter(bytes_at(text, end)))
		return 0;
	return end - at;
}

/* H . I . V: a letter without the blanks around the sign behind it, which also stands before it or next. */
static size_t
undo_spelling(struct bytes text, size_t at, struct buffer *out)
{
	char sign = text.at[at + 2];

	if (!ascii_is_letter(text.at[at]) || !ascii_is_letter(bytes_at(text, at + 4)) ||
	    !is_blank(bytes_at(text, at + 5)))
		return 0;
	if (at > 0 && ascii_is_alnum(text.at[at - 1]))
		return 0;
	if (ascii_is_alnum(sign) || (bytes_at(text, at + 6) != sign && (at < 2 || text.at[at - 2] != sign)))
		return 0;
	(void)buffer_append(out, text.at + at, 1);
	(void)buffer_append(out, text.at + at + 2, 1);
	return 4;
}

static size_t
undo_hex(struct bytes text, size_t at, struct buffer *out)
{
	size_t size;

	if (at > 0 && ascii_is_alnum(text.at[at - 1]))
		return 0;
	size = add_hex(text, at, out);
	return size >= HEX_RUN ? size : 0;
}

/* Whether 0x and a byte stand at AT. */
static bool
is_prefixed(struct bytes text, size_t at)
{
	return bytes_at(text, at) == '0' && (bytes_at(text, at + 1) | 0x20) == 'x' &&
	       number_at(text, at + 2, 2, 16) >= 0;
}

/* 0x48 0x49 0x56: the blanks, commas and semicolons between two go, too.  One byte alone is none. */
static size_t
undo_prefixed(struct bytes text, size_t at, struct buffer *out)
{
	size_t size, end, begin = at;

	if (!is_prefixed(text, at) || (at > 0 && ascii_is_alnum(text.at[at - 1])))
		return 0;
	size = add_hex(text, at + 2, out) + 2;
	for (end = at + size;
	     is_blank(bytes_at(text, end)) || bytes_at(text, end) == ',' || bytes_at(text, end) == ';';)
		end++;
	if (is_prefixed(text, end))
		return size > 2 ? end - at : 0;
	while (begin > 0 &&
	       (is_blank(text.at[begin - 1]) || text.at[begin - 1] == ',' || text.at[begin - 1] == ';'))
		begin--;
	return size > 4 || (size == 4 && begin >= 4 && is_prefixed(text, begin - 4)) ? size : 0;
}

/* [H][I][V]: the brackets between two letters go. */
static size_t
undo_brackets(struct bytes text, size_t at)
{
	char close = text.at[at], open = bytes_at(text, at + 1);

	if (at < 2 || text.at[at - 2] != open || bytes_at(text, at + 3) != close)
		return 0;
	return ascii_is_letter(text.at[at - 1]) && ascii_is_letter(bytes_at(text, at + 2)) ? 2 : 0;
}

static size_t
undo_at(struct bytes text, size_t at, struct buffer *out)
{
	switch (text.at[at]) {
	case '%':
		return undo_percent(text, at, out);
	case '&':
		return undo_entity(text, at, out);
	case '\\':
		return undo_escape(text, at, out);
	case '=':
		return undo_quoted(text, at, out);
	case '-':
		return undo_hyphen(text, at);
	case ']':
	case ')':
	case '}':
		return undo_brackets(text, at);
	case '0':
		return undo_prefixed(text, at, out);
	default:
		if (bytes_at(text, at + 1) == ' ' && bytes_at(text, at + 3) == ' ')
			return undo_spelling(text, at, out);
		return undo_hex(text, at, out);
	}
}

/* Adds TEXT with all signs undone, if there are any; none stands before AT. */
static void
undo_signs(struct bytes text, size_t at, struct buffer *out)
{
	size_t start = out->used, copied = 0;
	bool any = false;

	/* What stands before a sign is copied once, undone or not. */
	for (size_t size; (at = next_mark(text, at)) < text.size; at += size > 0 ? size : 1) {
		(void)buffer_append(out, text.at + copied, at - copied);
		size_t used = out->used;

		size = undo_at(text, at, out);
		if (size == 0)
			out->used = used;
		copied = at + size;
		any |= size > 0;
	}
	if (!any) {
		out->used = start;
		return;
	}
	(void)buffer_append(out, text.at + copied, text.size - copied);
	if (out->used == start)
		return;
	if (!utf8_valid((struct bytes){ out->at + start, out->used - start }))
		out->used = start;
	else
		(void)buffer_append(out, "\n.\n", 3);
}

bool
disguise_undo(struct disguise *d, struct bytes text, struct buffer *out)
{
	size_t first = first_mark(text);

	out->used = 0;
	if (first == text.size)
		return false;
	undo_signs(text, first, out);
	undo_base64(d, text, first, out);
	buffer_slack(out, DISGUISE_SLACK);
	return out->used > 0;
}
