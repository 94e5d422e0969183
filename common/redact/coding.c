/* SPDX-License-Identifier: ISC */
#include "common/redact/coding.h"

#include "common/json/json_write.h"

/* The strings system and code of the Coding AROUND; the code is good until the next use of the room. */
static bool
read_coding(const struct operation *o, const struct operation_value *v, uint32_t around, unsigned *system,
    struct bytes *code)
{
	uint32_t uri = json_member(v->json, around, (struct bytes)BYTES("system"));
	uint32_t node = json_member(v->json, around, (struct bytes)BYTES("code"));

	if (uri == 0 || node == 0 || json_kind(v->json, uri) != JSON_STRING ||
	    json_kind(v->json, node) != JSON_STRING)
		return false;
	*system = codes_system(o->codes, json_string(v->json, uri, v->room));
	*code = json_string(v->json, node, v->room);
	return true;
}

/* Cuts to O->characters letters and digits; false for what is no code. */
static bool
cut(const struct operation *o, struct bytes *code)
{
	size_t count = 0;

	for (size_t i = 0; i < code->size && count < o->characters; i++) {
		char c = code->at[i];

		if (!ascii_is_alnum(c) && c != '.' && c != '-')
			return false;
		count += c != '.' && c != '-';
		if (count == o->characters)
			code->size = i + 1;
	}
	return count == o->characters;
}

enum operation_outcome
coding_cut(const struct operation *o, const struct operation_value *v, struct buffer *out)
{
	struct json_write w = json_write_to(out);
	struct bytes code;
	unsigned system;

	if (json_kind(v->json, v->node) != JSON_OBJECT || !read_coding(o, v, v->node, &system, &code) ||
	    !codes_is_icd(o->codes, system) || !codes_fit(o->codes, system, code) || !cut(o, &code))
		return OPERATION_REMOVE;
	json_write_open(&w, '{');
	json_write_member(&w, "system", codes_system_uri(o->codes, system));
	json_write_member(&w, "code", code);
	json_write_close(&w, '}');
	return json_write_whole(&w) ? OPERATION_REPLACE : OPERATION_REMOVE;
}

enum operation_outcome
coding_display(const struct operation *o, const struct operation_value *v, struct buffer *out)
{
	struct json_write w = json_write_to(out);
	struct bytes code, display;
	unsigned system;

	if (json_kind(v->json, v->node) != JSON_STRING || !read_coding(o, v, v->around, &system, &code) ||
	    !codes_display(o->codes, system, code, &display))
		return OPERATION_REMOVE;
	json_write_text(&w, display);
	return json_write_whole(&w) ? OPERATION_REPLACE : OPERATION_REMOVE;
}
