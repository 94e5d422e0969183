/* SPDX-License-Identifier: ISC */
#include "common/redact/token.h"

#include "common/base/base32.h"
#include "common/json/json_write.h"
#include "common/policy/vocabulary.h"

#include <stdint.h>
#include <stdio.h>

enum { TOKEN_BYTES = 16 };

static const char *const scope_names[OPERATION_SCOPES] = { "subject", "type", "year", "month", "batch" };

static void
add_part(struct mac *m, struct bytes part)
{
	char length[4] = { (char)(part.size >> 24), (char)(part.size >> 16), (char)(part.size >> 8),
		(char)part.size };

	mac_add(m, (struct bytes){ length, sizeof length });
	mac_add(m, part);
}

/* "2026" or "2026-03".  False if the period does not lie in one. */
static bool
calendar(const struct period *time, bool month, char text[16])
{
	struct instant last;
	int year[2];
	unsigned months[2], day;

	if (time == NULL || instant_compare(time->from, time->until) > 0)
		return false;
	last = time->until;
	if (instant_compare(time->from, time->until) < 0)
		last = (struct instant){ last.seconds - (last.nano == 0),
			last.nano == 0 ? 999999999 : last.nano - 1 };
	for (int i = 0; i < 2; i++) {
		int64_t seconds = i == 0 ? time->from.seconds : last.seconds;
		int64_t days = seconds / 86400 - (seconds % 86400 < 0);

		clock_date(days, &year[i], &months[i], &day);
	}
	if (year[0] != year[1] || (month && months[0] != months[1]))
		return false;
	(void)snprintf(text, 16, month ? "%04d-%02u" : "%04d", year[0], months[0]);
	return true;
}

static struct bytes
scope_value(const struct operation_value *v, enum operation_scope scope, char text[16])
{
	switch (scope) {
	case OPERATION_SUBJECT:
		return v->subject;
	case OPERATION_TYPE:
		return v->type;
	case OPERATION_YEAR:
	case OPERATION_MONTH:
		return bytes_of(calendar(v->time, scope == OPERATION_MONTH, text) ? text : "");
	case OPERATION_BATCH:
		return v->batch;
	case OPERATION_SCOPES:
		break;
	}
	return (struct bytes){ NULL, 0 };
}

bool
token_digest(const struct operation *o, const struct operation_value *v, const char *operation,
    struct bytes value, unsigned char digest[DIGEST_SIZE])
{
	char text[OPERATION_SCOPES][16];
	struct bytes scope[OPERATION_SCOPES];

	for (unsigned i = 0; i < OPERATION_SCOPES; i++) {
		if (!o->scope[i])
			continue;
		scope[i] = scope_value(v, (enum operation_scope)i, text[i]);
		if (scope[i].size == 0)
			return false;
	}
	add_part(o->key, (struct bytes)BYTES("ehr-redact/1"));
	add_part(o->key, bytes_of(operation));
	for (unsigned i = 0; i < OPERATION_SCOPES; i++)
		if (o->scope[i]) {
			add_part(o->key, bytes_of(scope_names[i]));
			add_part(o->key, scope[i]);
		}
	add_part(o->key, value);
	mac_end(o->key, digest);
	return true;
}

static void
write_base32(struct json_write *w, const unsigned char token[TOKEN_BYTES])
{
	char text[BASE32_SIZE(TOKEN_BYTES)];

	json_write_raw(w, (struct bytes){ text, base32_encode(text, token, TOKEN_BYTES) });
}

static void
write_uuid(struct json_write *w, const unsigned char token[TOKEN_BYTES])
{
	static const char hex[] = "0123456789abcdef";
	char text[36];
	size_t used = 0;

	for (size_t i = 0; i < TOKEN_BYTES; i++) {
		unsigned byte = token[i];

		if (i == 6)
			byte = (byte & 0x0f) | 0x80; /* version 8: custom bits */
		if (i == 8)
			byte = (byte & 0x3f) | 0x80; /* the variant of RFC 9562 */
		if (i == 4 || i == 6 || i == 8 || i == 10)
			text[used++] = '-';
		text[used++] = hex[byte >> 4];
		text[used++] = hex[byte & 15];
	}
	json_write_raw(w, (struct bytes){ text, used });
}

/* The bytes of a FHIR id (A-Z a-z 0-9 - .): a bit for each, 64 to a word. */
static const uint64_t id_bytes[4] = {
	[0] = UINT64_C(0x03ff600000000000), /* - . 0-9 */
	[1] = UINT64_C(0x07fffffe07fffffe), /* A-Z a-z */
};

bool
token_is_id(struct bytes text)
{
	if (text.size == 0 || text.size > 64)
		return false;
	for (size_t i = 0; i < text.size; i++) {
		unsigned char c = (unsigned char)text.at[i];

		if ((id_bytes[c / 64] >> (c % 64) & 1) == 0)
			return false;
	}
	return true;
}

static bool
is_type(struct bytes text)
{
	for (size_t i = 0; i < text.size; i++)
		if (!ascii_is_letter(text.at[i]))
			return false;
	return text.size > 0 && text.at[0] <= 'Z';
}

static struct bytes
last_segment(struct bytes *rest)
{
	size_t start = rest->size;
	struct bytes segment;

	while (start > 0 && rest->at[start - 1] != '/')
		start--;
	segment = bytes_behind(*rest, start);
	rest->size = start > 0 ? start - 1 : 0;
	return segment;
}

bool
token_reference(struct bytes reference, struct bytes *type, struct bytes *id)
{
	struct bytes rest = reference;
	const char *hash = rest.size > 0 ? memchr(rest.at, '#', rest.size) : NULL;

	if (hash != NULL)
		rest.size = (size_t)(hash - rest.at);
	*id = last_segment(&rest);
	*type = last_segment(&rest);
	if (bytes_are(*type, "_history")) {
		*id = last_segment(&rest);
		*type = last_segment(&rest);
	}
	return token_is_id(*id) && is_type(*type);
}

/* The base URL is left out: it tells whose record it is. */
static enum operation_outcome
apply_reference(
    const struct operation *o, const struct operation_value *v, struct bytes text, struct buffer *out)
{
	struct json_write w = json_write_to(out);
	unsigned char token[DIGEST_SIZE];
	struct bytes type, id;

	if (text.size > 0 && text.at[0] == '#')
		return OPERATION_KEEP;
	if (bytes_begin(text, "urn:uuid:")) {
		struct bytes uuid = { text.at + 9, text.size - 9 };

		if (!token_is_id(uuid) || !token_digest(o, v, "hash", uuid, token))
			return OPERATION_REMOVE;
		json_write_raw(&w, (struct bytes)BYTES("\"urn:uuid:"));
		write_uuid(&w, token);
	} else {
		/* A conditional reference holds an identifier in clear, and what is no type may be a name. */
		if (memchr(text.at, '?', text.size) != NULL)
			return OPERATION_HIDE;
		if (!token_reference(text, &type, &id) ||
		    vocabulary_find(VOCABULARY_RESOURCE_TYPE, type) == NULL ||
		    !token_digest(o, v, "hash", id, token))
			return OPERATION_REMOVE;
		json_write_raw(&w, (struct bytes)BYTES("\""));
		json_write_raw(&w, type);
		json_write_raw(&w, (struct bytes)BYTES("/"));
		write_base32(&w, token);
	}
	json_write_raw(&w, (struct bytes)BYTES("\""));
	return json_write_whole(&w) ? OPERATION_REPLACE : OPERATION_REMOVE;
}

enum operation_outcome
token_apply(const struct operation *o, const struct operation_value *v, struct buffer *out)
{
	struct json_write w = json_write_to(out);
	unsigned char token[DIGEST_SIZE];
	struct bytes text;

	if (json_kind(v->json, v->node) != JSON_STRING)
		return OPERATION_REMOVE;
	text = json_string(v->json, v->node, v->room);
	if (text.size == 0)
		return OPERATION_REMOVE;
	if (v->is_reference)
		return apply_reference(o, v, text, out);
	if (!token_digest(o, v, "hash", text, token))
		return OPERATION_REMOVE;
	json_write_raw(&w, (struct bytes)BYTES("\""));
	write_base32(&w, token);
	json_write_raw(&w, (struct bytes)BYTES("\""));
	return json_write_whole(&w) ? OPERATION_REPLACE : OPERATION_REMOVE;
}
