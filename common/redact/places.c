/* SPDX-License-Identifier: ISC */
#include "common/redact/places.h"

#include "common/label/inline_label.h"
#include "common/policy/vocabulary.h"

static const struct {
	const char *name;
	enum member member;
} members[] = {
	{ "id", MEMBER_ID },
	{ "meta", MEMBER_META },
	{ "valueMeta", MEMBER_META },
	{ "security", MEMBER_SECURITY },
	{ "text", MEMBER_TEXT },
	{ "display", MEMBER_DISPLAY },
	{ "extension", MEMBER_EXTENSION },
	{ "modifierExtension", MEMBER_EXTENSION },
	{ "contained", MEMBER_CONTAINED },
	{ "identifier", MEMBER_IDENTIFIER },
	{ "value", MEMBER_VALUE },
	{ "reference", MEMBER_REFERENCE },
	{ "fullUrl", MEMBER_FULL_URL },
	{ "total", MEMBER_BUNDLE },
	{ "link", MEMBER_BUNDLE },
	{ "signature", MEMBER_BUNDLE },
	{ "resource", MEMBER_RESOURCE },
	{ "data", MEMBER_DATA },
	{ "url", MEMBER_CONTENT },
	{ "hash", MEMBER_CONTENT },
	{ "size", MEMBER_CONTENT },
	{ "title", MEMBER_CONTENT },
};

void
places_init(struct places *p, const struct scheme *s, struct json_keys *keys)
{
	const struct {
		const char *name;
		uint16_t *key;
	} keyed[] = {
		{ "reference", &p->reference },
		{ "type", &p->type },
		{ "system", &p->system },
		{ "code", &p->code },
		{ "url", &p->url },
		{ "id", &p->id },
		{ "entry", &p->entry },
		{ "resource", &p->resource },
		{ "fullUrl", &p->full_url },
		{ "contained", &p->contained },
	};

	*p = (struct places){ .reference = 0 };
	for (size_t i = 0; i < sizeof keyed / sizeof keyed[0]; i++)
		*keyed[i].key = json_keys_add(keys, bytes_of(keyed[i].name));
	if (s->type_member.size > 0)
		p->of_key[json_keys_add(keys, s->type_member)] = MEMBER_BASIC;
	if (s->id_member.size > 0)
		p->of_key[json_keys_add(keys, s->id_member)] = MEMBER_BASIC;
	for (size_t i = 0; s->is_fhir && i < sizeof members / sizeof members[0]; i++)
		p->of_key[json_keys_add(keys, bytes_of(members[i].name))] = (uint8_t)members[i].member;
	p->of_key[0] = MEMBER_PLAIN; /* keys that nobody knows */
}

static struct bytes
text_of(const struct json *j, uint32_t object, uint16_t key, struct buffer *room)
{
	uint32_t node = json_member_key(j, object, key);

	if (node == 0 || json_kind(j, node) != JSON_STRING)
		return (struct bytes){ NULL, 0 };
	return json_string(j, node, room);
}

bool
places_harmless(const struct places *p, const struct json *j, uint32_t coding, struct buffer *room)
{
	static const enum vocabulary harmless[] = { VOCABULARY_HANDLING, VOCABULARY_PURPOSE };
	const struct concept *concept = NULL;
	size_t i;

	if (json_kind(j, coding) != JSON_OBJECT)
		return false;
	for (i = 0; i < 2 && concept == NULL; i++)
	concept = vocabulary_find(harmless[i], text_of(j, coding, p->code, room));
	if (concept == NULL || bytes_are(concept->code, "PROCESSINLINELABEL"))
		return false;
	return bytes_equal(text_of(j, coding, p->system, room), vocabulary_system(harmless[i - 1]));
}

bool
places_inline_label(const struct places *p, const struct json *j, uint32_t extension, struct buffer *room)
{
	return is_inline_label(text_of(j, extension, p->url, room));
}

uint64_t
places_listed(const struct places *p, const struct scheme *s, const struct json *j, uint32_t extension,
    struct buffer *room)
{
	struct bytes url = text_of(j, extension, p->url, room);
	uint64_t listed = 0;

	for (unsigned v = 0; v < s->versions; v++)
		for (size_t i = 0; i < s->version[v].extensions; i++)
			if (bytes_equal(url, s->version[v].extension[i]))
				listed |= s->version[v].bits;
	return listed;
}
