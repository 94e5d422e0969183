/* SPDX-License-Identifier: ISC */
#include "common/json/json.h"
#include "common/policy/codes_text.h"
#include "tests/lib/fuzz.h"

static const char rows[] = "# source=test\nsystem\tcode\tdisplay\tcategory\tfrom\tuntil\n"
			   "http://hl7.org/fhir/sid/icd-10-cm\tB20*\tHIV disease\tHIV\t\t\n"
			   "http://hl7.org/fhir/sid/icd-9-cm\t042\tHIV disease\tHIV\t\t\n"
			   "http://id.who.int/icd/release/11/mms\t1C62\tHIV disease\tHIV\t\t\n"
			   "http://snomed.info/sct\t86406008\tHIV\tHIV\t\t\n"
			   "http://www.whocc.no/atc\tJ05AR*\tCombinations\tHIV\t\t\n"
			   "http://loinc.org\t75622-1\tHIV 1 and 2\tHIV\t\t\n";

static struct codes *
load(void)
{
	static struct policy policy;
	static struct policy_file file = { .name = BYTES("valuesets/c.tsv"), .shown = "c.tsv" };
	struct fault fault = { 0 };
	char *text = arena_take(&policy.arena, sizeof rows - 1 + JSON_SLACK);
	const struct yaml_node *root;

	memcpy(text, rows, sizeof rows - 1);
	file.text = (struct bytes){ text, sizeof rows - 1 };
	policy.file = &file;
	policy.files = 1;
	root = yaml_read(&policy.arena, "c.yaml",
	    arena_copy(&policy.arena, (struct bytes)BYTES("value_sets: {hiv: {file: c.tsv, rows: 6}}")),
	    &fault);
	return codes_load(&policy, "c.yaml", NULL, yaml_find(root, "value_sets"), &fault);
}

/* What is found in a text is found there by its first look, too. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct codes *codes;
	char *room = calloc(size + CODES_TEXT_SLACK, 1);
	struct codes_match match = { 0 };
	struct bytes text = { room, size };

	codes = codes == NULL ? load() : codes;
	hold(codes != NULL && room != NULL);
	memcpy(room, data, size);
	if (codes_text_find(codes, text, &match))
		hold(codes_text_may(text) && code_bits_has(&match.sets, 0));
	if (codes_text_is_one(text))
		(void)codes_text_find_one(codes, text, &match);
	free(room);
	return 0;
}
