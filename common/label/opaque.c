/* SPDX-License-Identifier: ISC */
#include "common/label/parts.h"

#include <string.h>

enum { PACKED_LENGTH = 24 }; /* the least that gzip makes of nothing, in base64 */

/* The name of an element says that it is an attachment, where nothing in it does. */
static const char *const names[] = { "photo", "image", "presentedForm" };

void
opaque_init(struct opaque *o, const struct ruleset *set, struct label_list *labels)
{
	struct json_keys *keys = set->keys;

	*o = (struct opaque){
		.set = set,
		.labels = labels,
		.sibling = {
			json_keys_add(keys, (struct bytes)BYTES("url")),
			json_keys_add(keys, (struct bytes)BYTES("hash")),
			json_keys_add(keys, (struct bytes)BYTES("size")),
			json_keys_add(keys, (struct bytes)BYTES("title")),
			json_keys_add(keys, (struct bytes)BYTES("_url")),
			json_keys_add(keys, (struct bytes)BYTES("_hash")),
			json_keys_add(keys, (struct bytes)BYTES("_size")),
			json_keys_add(keys, (struct bytes)BYTES("_title")),
		},
		.on_data = json_keys_add(keys, (struct bytes)BYTES("_data")),
		.origin = json_keys_add(keys, (struct bytes)BYTES("origin")),
		.content = json_keys_add(keys, (struct bytes)BYTES("content")),
	};
	buffer_init(&o->text, BUFFER_UNLIMITED);
}

void
opaque_release(struct opaque *o)
{
	buffer_release(&o->text);
}

static void
add_opaque(struct opaque *o, uint32_t node)
{
	if (node != 0 && GUARD(opaque))
		label_list_add(o->labels, node, LABEL_RAISE, ORIGIN_OPAQUE)->level = (int8_t)o->set->opaque;
}

/*
 * Nobody can look into a data: URL, also in markup, or into a run of 256 characters of base64 or base64url,
 * with or without line ends in it.  Shorter runs may be words.
 */
static bool
is_base64(unsigned char c)
{
	return (unsigned)(c | 0x20) - 'a' < 26 || (unsigned)c - '0' < 10 || c == '+' || c == '/' ||
	       c == '-' || c == '_' || c == '=';
}

/* For escaped text: all of \n, \/ and \u002f count, so a run here is no shorter than unescaped. */
static bool
is_base64_escaped(unsigned char c)
{
	return is_base64(c) || c == '\\' || c == '\n' || c == '\r';
}

/* A run that long covers a byte at a multiple of 256, so the search goes backwards from each of these. */
static bool
may_hold_run(struct bytes text)
{
	size_t at = OPAQUE_LENGTH - 1;

	while (at < text.size) {
		size_t i = at;

		while (is_base64_escaped((unsigned char)text.at[i])) {
			if (at - i == OPAQUE_LENGTH - 1)
				return true;
			i--;
		}
		at = i + OPAQUE_LENGTH;
	}
	return false;
}

static bool
holds_run(struct bytes text)
{
	size_t run = 0;

	for (size_t i = 0; i < text.size; i++) {
		unsigned char c = (unsigned char)text.at[i];

		if (is_base64(c))
			run++;
		else if (c != '\n' && c != '\r')
			run = 0;
		if (run >= OPAQUE_LENGTH)
			return true;
	}
	return false;
}

/* Whether a data: URL begins at AT: its type and the rest have no blank before the comma. */
static bool
is_data_url(const char *at, const char *end)
{
	bool has_type = false;

	for (at += sizeof "data:" - 1; at < end && (unsigned char)*at > ' ' && *at != '"' && *at != ','; at++)
		has_type = has_type || *at == '/' || *at == ';';
	return has_type && at < end && *at == ',';
}

static const struct bytes scheme = BYTES("data");

/* Whether a data: URL stands in TEXT, as one of a picture in markup. */
static bool
holds_data_url(struct bytes text)
{
	const char *end = text.at + text.size;
	const char *at = text.at;

	for (; (at = memchr(at, ':', (size_t)(end - at))) != NULL; at++)
		if (at - text.at >= 4 && bytes_equal_folded((struct bytes){ at - 4, 4 }, scheme) &&
		    is_data_url(at - 4, end))
			return true;
	return false;
}

/* Whether TEXT is base64 of something packed: gzip, zip, bzip2, zlib, xz, Zstandard. */
static bool
is_packed(struct bytes text)
{
	static const char *const begins[] = { "H4sI", "UEsDB", "QlpoO", "eJw", "eJx", "eNo", "/Td6W",
		"KLUv/" };
	bool is_known = false;

	for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++)
		is_known = is_known || bytes_begin(text, begins[i]);
	for (size_t i = 0; is_known && i < text.size; i++)
		is_known = is_base64_escaped((unsigned char)text.at[i]);
	return is_known && text.size >= PACKED_LENGTH;
}

void
opaque_string(struct opaque *o, const struct json *j, uint32_t node, bool is_coded)
{
	struct bytes text = json_inside(j, node);

	if (o->set->opaque == LABEL_NONE)
		return;
	if (is_coded ||
	    (text.size > 5 && text.at[4] == ':' && bytes_equal_folded((struct bytes){ text.at, 4 }, scheme) &&
		memchr(text.at, ',', text.size) != NULL) ||
	    holds_data_url(text) || is_packed(text) ||
	    (text.size >= OPAQUE_LENGTH && may_hold_run(text) && holds_run(json_string(j, node, &o->text))))
		add_opaque(o, node);
}

/*
 * The member that holds the bytes: `data` beside contentType, and a string `content` as in STU3.  In FHIR a
 * string `data` is enough, since an attachment without its type is no easier to read.  A SampledData, which
 * has `origin`, is none: its `data` are numbers.
 */
static uint32_t
data_of(const struct opaque *o, const struct json *j, const struct opaque_object *at)
{
	uint32_t data = at->member[ROLE_DATA];
	uint32_t content;

	if (at->member[ROLE_CONTENT_TYPE] == 0)
		return data != 0 && shape_is_fhir(o->set->shape) && json_kind(j, data) == JSON_STRING &&
			       json_member_key(j, at->node, o->origin) == 0
			   ? data
			   : 0;
	if (data != 0)
		return json_kind(j, data) != JSON_NULL ? data : 0;
	content = json_member_key(j, at->node, o->content);
	return content != 0 && json_kind(j, content) == JSON_STRING ? content : 0;
}

static bool
is_named(struct opaque *o, const struct json *j, uint32_t key)
{
	static const struct bytes end = BYTES("ttachment");
	struct bytes name = json_string(j, key, &o->text);

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (bytes_are(name, names[i]))
			return true;
	return name.size >= end.size && memcmp(name.at + name.size - end.size, end.at, end.size) == 0;
}

/*
 * An attachment that is elsewhere: whoever has its address may fetch it.  Roots have URLs of their own, and
 * what is for everybody has no secret in its attachments.
 */
static bool
is_elsewhere(struct opaque *o, const struct json *j, const struct opaque_object *at)
{
	if (!shape_is_fhir(o->set->shape) || at->key == 0 || at->is_public ||
	    (at->member[ROLE_URL] == 0 && json_member_key(j, at->node, o->sibling[4]) == 0))
		return false;
	return at->member[ROLE_CONTENT_TYPE] != 0 || json_member_key(j, at->node, o->sibling[1]) != 0 ||
	       json_member_key(j, at->node, o->sibling[2]) != 0 || is_named(o, j, at->key);
}

void
opaque_attachment(struct opaque *o, const struct json *j, const struct opaque_object *at)
{
	uint32_t data = data_of(o, j, at);
	uint32_t on_data =
	    shape_is_fhir(o->set->shape) &&
		    (at->key == 0 || at->member[ROLE_CONTENT_TYPE] != 0 || is_named(o, j, at->key))
		? json_member_key(j, at->node, o->on_data)
		: 0;

	if (o->set->opaque == LABEL_NONE || (data == 0 && on_data == 0 && !is_elsewhere(o, j, at)))
		return;
	add_opaque(o, data);
	add_opaque(o, on_data);
	for (size_t i = 0; i < sizeof o->sibling / sizeof o->sibling[0]; i++)
		add_opaque(o, json_member_key(j, at->node, o->sibling[i]));
}
