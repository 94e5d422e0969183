/* SPDX-License-Identifier: ISC */
#include "common/json/json.h"
#include "common/policy/codes.h"
#include "common/policy/valueset.h"
#include "tests/lib/fuzz.h"

struct rows {
	const struct codes *codes;
	size_t count;
};

/* What a row says is found where it says so. */
static bool
look_up(void *context, const struct valueset_row *row)
{
	struct rows *r = context;
	struct codes_match match = { 0 };
	unsigned system = codes_system(r->codes, row->system);

	hold(system != CODES_UNKNOWN_SYSTEM && system != CODES_ANY_SYSTEM);
	(void)codes_find(r->codes, system, row->code, NULL, &match);
	if (row->is_prefix)
		hold(code_bits_has(&match.sets, 0));
	match = (struct codes_match){ 0 };
	(void)codes_find(r->codes, CODES_ANY_SYSTEM, row->code, NULL, &match);
	r->count++;
	return true;
}

/* The first byte tells whether the rest is TSV or JSON. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char tsv[] = "a: {file: a.tsv}", json[] = "a: {file: a.json, category: HIV}";
	bool is_json = size > 0 && data[0] == 'j';
	const char *name = is_json ? "valuesets/a.json" : "valuesets/a.tsv";
	struct policy policy = { 0 };
	struct policy_file file = { .name = bytes_of(name), .shown = name };
	struct fault fault = { 0 };
	char *text;

	if (size == 0)
		return 0;
	text = arena_take(&policy.arena, size - 1 + JSON_SLACK);
	memcpy(text, data + 1, size - 1);
	file.text = (struct bytes){ text, size - 1 };
	policy.file = &file;
	policy.files = 1;
	const struct yaml_node *root =
	    yaml_read(&policy.arena, "c.yaml", bytes_of(is_json ? json : tsv), &fault);
	struct codes *codes = codes_load(&policy, "c.yaml", NULL, root, &fault);
	hold((codes == NULL) == (fault.text[0] != 0));
	if (codes != NULL) {
		struct rows rows = { codes, 0 };

		hold(valueset_read(&file, &policy.arena, &fault, look_up, &rows));
		hold(rows.count < valueset_most_rows(&file));
	}
	codes_free(codes);
	arena_release(&policy.arena);
	return 0;
}
