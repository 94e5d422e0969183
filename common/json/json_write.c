/* SPDX-License-Identifier: ISC */
#include "common/json/json_write.h"

#include "common/json/json.h"
#include "common/json/json_parts.h"

size_t
json_escaped(unsigned char c, char out[6])
{
	static const char shorts[] = "\bb\ff\nn\rr\tt\"\"\\\\";
	static const char digits[] = "0123456789abcdef";
	const char *s = NULL;

	out[0] = (char)c;
	if (c >= ' ' && c != '"' && c != '\\')
		return 1;
	for (size_t i = 0; i + 1 < sizeof shorts && s == NULL; i += 2)
		if ((unsigned char)shorts[i] == c)
			s = &shorts[i];
	out[0] = '\\';
	out[1] = *(s != NULL ? s + 1 : "u");
	if (s != NULL)
		return 2;
	out[2] = out[3] = '0';
	out[4] = digits[c >> 4];
	out[5] = digits[c & 15];
	return 6;
}

/* At least so many bytes from I on need no escape.  Looks at eight at a time. */
static size_t
plain_bytes(struct bytes text, size_t i)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	const uint64_t highs = ones << 7;
	size_t from = i;

	for (; i + sizeof(uint64_t) <= text.size; i += sizeof(uint64_t)) {
		uint64_t v;

		memcpy(&v, text.at + i, sizeof v);
		uint64_t quote = v ^ ones * '"';
		uint64_t backslash = v ^ ones * '\\';
		uint64_t low = (v - ones * ' ') & ~v;

		if (((low | ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash)) & highs) != 0)
			break;
	}
	return i - from;
}

bool
json_write_string(struct buffer *out, struct bytes text)
{
	size_t from = 0;
	size_t plain = plain_bytes(text, 0);
	char escape[6];

	if (!buffer_reserve(out, plain + 2) || !buffer_append(out, "\"", 1))
		return false;
	for (size_t i = plain; i < text.size; i++) {
		unsigned char c = (unsigned char)text.at[i];

		if (c >= ' ' && c != '"' && c != '\\')
			continue;
		if (!buffer_append(out, text.at + from, i - from) ||
		    !buffer_append(out, escape, json_escaped(c, escape)))
			return false;
		from = i + 1;
	}
	return buffer_append(out, text.size > from ? text.at + from : "", text.size - from) &&
	       buffer_append(out, "\"", 1);
}

void
json_write_text(struct json_write *w, struct bytes text)
{
	json_write_comma(w);
	if (!w->full && !json_write_string(w->out, text))
		w->full = true;
}

void
json_write_natural(struct json_write *w, uint64_t number)
{
	char digits[20];
	size_t first = sizeof digits;

	do
		digits[--first] = (char)('0' + number % 10);
	while ((number /= 10) > 0);
	json_write_comma(w);
	json_write_raw(w, (struct bytes){ digits + first, sizeof digits - first });
}

void
json_write_number(struct json_write *w, int64_t number)
{
	if (number >= 0) {
		json_write_natural(w, (uint64_t)number);
		return;
	}
	json_write_comma(w);
	json_write_raw(w, (struct bytes)BYTES("-"));
	w->comma = false;
	json_write_natural(w, -(uint64_t)number);
}

void
json_write_bool(struct json_write *w, bool truth)
{
	json_write_value(w, bytes_of(truth ? "true" : "false"));
}

void
json_write_base64url(struct json_write *w, const void *data, size_t size)
{
	size_t chars = BASE64URL_SIZE(size);

	json_write_comma(w);
	json_write_raw(w, (struct bytes)BYTES("\""));
	if (!w->full && buffer_reserve(w->out, chars))
		w->out->used += base64url_encode(w->out->at + w->out->used, (struct bytes){ data, size });
	else
		w->full = true;
	json_write_raw(w, (struct bytes)BYTES("\""));
}

/* A line feed in JSON stands between tokens; in a string it is escaped (RFC 8259 sections 2 and 7). */
static void
put_in_line(struct json_write *w, struct bytes json)
{
	size_t from = w->out->used;

	json_write_raw(w, json);
	for (size_t i = from; i < w->out->used; i++)
		if (w->out->at[i] == '\n')
			w->out->at[i] = ' ';
}

void
json_write_in_line(struct json_write *w, struct bytes json)
{
	json_write_comma(w);
	put_in_line(w, json);
}

void
json_write_copy(struct json_write *w, const struct json *j, uint32_t name)
{
	json_write_value(w, json_span(j, name));
	json_write_raw(w, (struct bytes)BYTES(":"));
	put_in_line(w, json_span(j, name + 1));
}
