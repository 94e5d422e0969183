/* SPDX-License-Identifier: ISC */
#include "common/policy/yaml_text.h"

#include <string.h>

struct place {
	size_t at;
	unsigned line;
	unsigned column; /* in characters */
};

/* The character at TEXT[AT] and its size; 0 if it is not UTF-8 (overlong, surrogate, above U+10FFFF, cut). */
static unsigned
character(struct bytes text, size_t at, uint32_t *code)
{
	static const uint32_t least[5] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *t = (const unsigned char *)text.at + at;
	unsigned size = t[0] < 0x80   ? 1
			: t[0] < 0xc2 ? 0
			: t[0] < 0xe0 ? 2
			: t[0] < 0xf0 ? 3
			: t[0] < 0xf5 ? 4
				      : 0;

	if (size == 0 || size > text.size - at)
		return 0;
	*code = size == 1 ? t[0] : t[0] & (0x7fu >> size);
	for (unsigned i = 1; i < size; i++) {
		if ((t[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (t[i] & 0x3f);
	}
	if (*code < least[size] || *code > 0x10ffff || (*code >= 0xd800 && *code <= 0xdfff))
		return 0;
	return size;
}

static const char *
why_not(uint32_t code, bool before_lf)
{
	if (code == 0xfeff)
		return "a byte order mark: save the file as UTF-8 without one";
	if (code == '\r')
		return before_lf ? NULL : "a carriage return inside a line";
	if (code == 0x85 || code == 0x2028 || code == 0x2029)
		return "a Unicode line separator, expected a line feed";
	if ((code < 0x20 && code != '\n' && code != '\t') || (code >= 0x7f && code < 0xa0))
		return "a control character";
	return NULL;
}

/* libyaml drops such a line from a block scalar that would keep it. */
static bool
ends_in_blanks(struct bytes text)
{
	size_t end = text.size;

	while (end > 0 && (text.at[end - 1] == ' ' || text.at[end - 1] == '\t'))
		end--;
	return end < text.size && (end == 0 || text.at[end - 1] == '\n');
}

bool
yaml_text_check(const char *file, struct bytes text, struct fault *f)
{
	struct place p = { 0, 1, 1 };
	uint32_t code = 0;
	bool begins = true; /* only blanks in this line so far */

	while (p.at < text.size) {
		unsigned size = character(text, p.at, &code);
		if (size == 0)
			return fault_line(f, file, p.line, p.column, "not UTF-8");
		bool before_lf = p.at + 1 < text.size && text.at[p.at + 1] == '\n';
		const char *why = why_not(code, before_lf);
		if (why == NULL && code == '\t' && begins)
			why = "a tab before the first word of a line, expected blanks";
		if (why != NULL)
			return fault_line(f, file, p.line, p.column, "%s", why);
		begins = code == '\n' || (begins && code == ' ');
		p.at += size;
		p.column = code == '\n' ? 1 : p.column + 1;
		p.line += code == '\n';
	}
	if (ends_in_blanks(text))
		return fault_line(f, file, p.line, 1, "blanks at the end of the file, expected a line feed");
	return true;
}

static bool
continues(struct bytes text, size_t at)
{
	return at < text.size && ((unsigned char)text.at[at] & 0xc0) == 0x80;
}

size_t
yaml_cursor_byte(struct yaml_cursor *c, size_t index)
{
	for (; c->index < index && c->byte < c->text.size; c->index++)
		do
			c->byte++;
		while (continues(c->text, c->byte));
	for (; c->index > index && c->byte > 0; c->index--)
		do
			c->byte--;
		while (continues(c->text, c->byte));
	return c->byte;
}

const char *
yaml_cursor_gap(struct yaml_cursor *c, size_t from, size_t until)
{
	const char *t = c->text.at;

	for (size_t at = c->seen; at < from; at++) {
		if (t[at] == '?')
			return "explicit keys ('?') are not part of a policy's YAML";
		if (t[at] != '#')
			continue;
		if (at > 0 && t[at - 1] != ' ' && t[at - 1] != '\t' && t[at - 1] != '\n')
			return "a comment without a blank before it";
		while (at < from && t[at] != '\n')
			at++;
	}
	if (until > c->seen)
		c->seen = until;
	return NULL;
}

bool
yaml_text_indented(struct bytes text, size_t from, size_t until, long column)
{
	const char *end = text.at + until;
	const char *line = text.at + from;

	while ((line = memchr(line, '\n', (size_t)(end - line))) != NULL) {
		const char *word = ++line;
		while (word < end && *word == ' ')
			word++;
		if (word < end && *word != '\n' && *word != '\r' && word - line <= column)
			return false;
	}
	return true;
}

bool
yaml_text_head(struct bytes text, size_t from)
{
	size_t at = from + 1;

	while (at < text.size && strchr("+-0123456789", text.at[at]) != NULL && text.at[at] != '\0')
		at++;
	return at >= text.size || strchr(" \t\r\n", text.at[at]) != NULL;
}
