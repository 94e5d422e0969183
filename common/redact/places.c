/* SPDX-License-Identifier: ISC */
#include "common/redact/parts.h"

#include "common/base/memory.h"
#include "common/label/shape.h"
#include "common/policy/vocabulary.h"

#include <stdlib.h>

enum { KEY_NUMBERS = 1 << 16 };

static const struct {
	const char *name;
	enum places_kind kind;
} members[] = {
	{ "id", PLACE_ID },
	{ "meta", PLACE_META },
	{ "valueMeta", PLACE_META },
	{ "security", PLACE_SECURITY },
	{ "text", PLACE_TEXT },
	{ "display", PLACE_DISPLAY },
	{ "extension", PLACE_EXTENSION },
	{ "modifierExtension", PLACE_EXTENSION },
	{ "contained", PLACE_CONTAINED },
	{ "identifier", PLACE_IDENTIFIER },
	{ "value", PLACE_VALUE },
	{ "reference", PLACE_REFERENCE },
	{ "fullUrl", PLACE_FULL_URL },
	{ "total", PLACE_BUNDLE },
	{ "link", PLACE_BUNDLE },
	{ "signature", PLACE_BUNDLE },
	{ "resource", PLACE_RESOURCE },
	{ "content", PLACE_RESOURCE },
	{ "data", PLACE_DATA },
	{ "url", PLACE_CONTENT },
	{ "hash", PLACE_CONTENT },
	{ "size", PLACE_CONTENT },
	{ "title", PLACE_CONTENT },
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
		{ "coding", &p->coding },
		{ "url", &p->url },
		{ "id", &p->id },
		{ "entry", &p->entry },
		{ "resource", &p->resource },
		{ "content", &p->content },
		{ "fullUrl", &p->full_url },
		{ "contained", &p->contained },
		{ "section", &p->section },
		{ "concept", &p->concept },
		{ "identifier", &p->identifier },
		{ "contentType", &p->content_type },
		{ "attachment", &p->attachment },
		{ "data", &p->data },
		{ "origin", &p->origin },
		{ "hash", &p->hash },
		{ "size", &p->size },
		{ "title", &p->title },
	};

	*p = (struct places){
		.of_key = memory_zeros(KEY_NUMBERS, sizeof *p->of_key),
		.is_summary = memory_zeros(KEY_NUMBERS, sizeof *p->is_summary),
		.holds_coding = memory_zeros(KEY_NUMBERS, sizeof *p->holds_coding),
	};
	for (size_t i = 0; i < sizeof keyed / sizeof keyed[0]; i++)
		*keyed[i].key = json_keys_add(keys, bytes_of(keyed[i].name));
	if (s->type_member.size > 0)
		p->of_key[json_keys_add(keys, s->type_member)] = PLACE_BASIC;
	if (s->id_member.size > 0)
		p->of_key[json_keys_add(keys, s->id_member)] = PLACE_BASIC;
	for (size_t i = 0; s->is_fhir && i < sizeof members / sizeof members[0]; i++)
		p->of_key[json_keys_add(keys, bytes_of(members[i].name))] = (uint8_t)members[i].kind;
	for (size_t i = 0; i < s->summaries; i++)
		p->is_summary[s->summary[i]] = true;
	p->holds_coding[p->coding] = true;
	for (size_t i = 0; i < s->codings; i++)
		p->holds_coding[s->coding[i]] = true;
	p->of_key[0] = PLACE_PLAIN; /* the number of all keys that nobody names */
}

void
places_release(struct places *p)
{
	free(p->of_key);
	free(p->is_summary);
	free(p->holds_coding);
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

	if (json_kind(j, coding) != JSON_OBJECT)
		return false;
	for (size_t i = 0; i < sizeof harmless / sizeof harmless[0]; i++) {
		const struct concept *c = vocabulary_find(harmless[i], text_of(j, coding, p->code, room));

		if (c != NULL)
			/* PROCESSINLINELABEL tells that there are labels inside. */
			return !bytes_are(c->code, "PROCESSINLINELABEL") &&
			       bytes_equal(
				   text_of(j, coding, p->system, room), vocabulary_system(harmless[i]));
	}
	return false;
}

bool
places_inline_label(const struct places *p, const struct json *j, uint32_t extension, struct buffer *room)
{
	return shape_is_inline_label(text_of(j, extension, p->url, room));
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
