/* SPDX-License-Identifier: ISC */
#include "common/json/json.h"
#include "common/policy/codes_text.h"
#include "tests/lib/tap.h"

#include <stdio.h>
#include <string.h>

static const char rows[] = "# source=test\nsystem\tcode\tdisplay\tcategory\tfrom\tuntil\n"
			   "http://hl7.org/fhir/sid/icd-10-cm\tB20*\tHIV disease\tHIV\t\t\n"
			   "http://hl7.org/fhir/sid/icd-10-cm\tF10*\tAlcohol\tHIV\t\t\n"
			   "http://hl7.org/fhir/sid/icd-10-cm\tF32*\tDepression\tHIV\t\t\n"
			   "http://hl7.org/fhir/sid/icd-9-cm\t042\tHIV disease\tHIV\t\t\n"
			   "http://id.who.int/icd/release/11/mms\t1C62\tHIV disease\tHIV\t\t\n"
			   "http://hl7.org/fhir/sid/icpc-2\tP76\tDepression\tHIV\t\t\n"
			   "http://snomed.info/sct\t86406008\tHIV\tHIV\t\t\n"
			   "http://www.nlm.nih.gov/research/umls/rxnorm\t1999667\tTablet\tHIV\t\t\n"
			   "http://www.whocc.no/atc\tJ05AR*\tCombinations\tHIV\t\t\n"
			   "http://loinc.org\t75622-1\tHIV 1 and 2\tHIV\t\t\n";

static struct codes *codes;

static bool
tells(const char *text)
{
	struct codes_match match = { 0 };
	char room[256] = { 0 };

	(void)snprintf(room, sizeof room - CODES_TEXT_SLACK, "%s", text);
	return codes_text_may(bytes_of(room)) && codes_text_find(codes, bytes_of(room), &match);
}

static const char *const told[] = {
	"ICD-10 B20",
	"ICD10: B20.9",
	"icd 10 b20",
	"ICD-10-GM-Code F32.1G",
	"ICD10:F3210",
	"ICD-9 042",
	"ICD-11: 1C62",
	"Dx: B20",
	"Hauptdiagnose F32",
	"code B20",
	"infection (B20)",
	"[F32]",
	"B20 - since 2019",
	"B20 (known)",
	"seen for x: B20",
	"<td>B20</td>",
	"B20^HIV^I10",
	"E11.9, B20, I10",
	"F10-F19, past",
	"I10/F32",
	"F32.-",
	"F10.20",
	"seit 2019 F32.1 bekannt",
	"SNOMED CT: 86406008",
	"http://snomed.info/id/86406008",
	"86406008^x^SCT",
	"saw 86406008 in the list",
	"RxNorm 1999667",
	"on J05AR10 since May",
	"ATC J05AR",
	"LOINC: 75622-1",
	"https://loinc.org/75622-1/",
	"ICPC-2 P76",
	"urn:oid:2.16.840.1.113883.6.90|B20",
	"a text of more than sixteen bytes (B20)",
	"B20 infection",
	"a B20  Infektion",
	"B20 G",
	"history of B20",
	"Hx: B20 in 2019",
	"known B20 since May",
	"V.a. B20 bei Gewichtsverlust",
	"Zustand nach B20 im Mai",
	"x # B20, y",
	"on *B20* since",
	"says 'B20' of it",
	"says <B20>, x",
	"patient with B20",
	"60 year old man with B20, stable",
	"Patient has F10",
	"Pt. w/ B20 on meds",
	"Patientin mit B20 in Behandlung",
	"suffers from F32",
	"treated for F10 in May",
	"secondary to F10",
	"wegen F32 in Behandlung",
	"B20 since 2019",
	"F32 seit 03-2011 bekannt",
	"B20 diagnosed in May",
	"dx: B20, on ART",
	"Code F10: alcohol",
};

static const char *const ordinary[] = {
	"Vitamin B12",
	"Room B20",
	"room no. F32",
	"Zimmer F32.1",
	"Bett: B20",
	"Lot F32.1",
	"Section F10.2 of the form",
	"error code F32",
	"press F10",
	"B20 bus",
	"B20-331",
	"F32AB17",
	"x F32 y",
	"#F32;",
	"colour #F32",
	"Apt # B20",
	"the history of the car B20 on the road",
	"B20 g of it",
	"B20 infections of the plate",
	"room B20 infection control",
	"the plate, well F32 G",
	"Patient/F32",
	"ICD-10 I10",
	"ICD-10 P76",
	"(I10)",
	"E11.9, I10",
	"SNOMED 38341003",
	"Tel. 86406008",
	"MRN 86406008",
	"1999667",
	"86406008",
	"75622-1",
	"order 1999667",
	"042 patients",
	"ICD f32 lead",
	"code b20 error",
	"Code F10: door open",
	"Ventilator code F32",
	"patient in B20 since 2019",
	"moved to F32 since 3 pm",
	"patient from F32",
	"pacemaker patient with F10 lead",
	"Part B20 with cover",
	"camera with F10 aperture",
	"flight B20 since 2019",
	"patient in room F32 with cough",
	"LOINC 2708-6",
	"2026-11-28",
	"b20f3241-86406008-75622-1",
	"",
};

static void
check_list(const char *const *text, size_t count, bool want)
{
	for (size_t i = 0; i < count; i++) {
		check(tells(text[i]) == want);
		if (tells(text[i]) != want)
			printf("# %s\n", text[i]);
	}
}

/* A code that is all of its text. */
static void
test_alone(void)
{
	static const char *const one[] = { "B20", "F3210", "\"B20\"", "86406008", "75622-1", "J05AR10" };
	struct codes_match match = { 0 };

	for (size_t i = 0; i < sizeof one / sizeof one[0]; i++)
		check(codes_text_is_one(bytes_of(one[i])) &&
		      codes_text_find_one(codes, bytes_of(one[i]), &match));
	check(!tells("B20"));
	check(!codes_text_find_one(codes, bytes_of("I10"), &match));
	check(!codes_text_find_one(codes, bytes_of("1999667"), &match));
	check(!codes_text_is_one(bytes_of("B20 x")));
}

/* Wherever a code begins, with what stands before it in blocks of any length. */
static void
test_places(void)
{
	char text[64];
	bool all = true;

	for (int before = 0; before < 40; before++) {
		(void)snprintf(text, sizeof text, "%*s(B20)", before, "");
		all = all && tells(text);
		memset(text, 'x', (size_t)before);
		all = all && (before == 0 || !tells((strcpy(text + before, "B20"), text)));
	}
	check(all);
}

int
main(void)
{
	struct policy policy = { 0 };
	struct fault fault = { 0 };
	struct policy_file file = { .name = bytes_of("valuesets/c.tsv"), .shown = "c.tsv" };
	char *text = arena_take(&policy.arena, sizeof rows - 1 + JSON_SLACK);
	const struct yaml_node *root;

	memcpy(text, rows, sizeof rows - 1);
	file.text = (struct bytes){ text, sizeof rows - 1 };
	policy.file = &file;
	policy.files = 1;
	root = yaml_read(&policy.arena, "c.yaml",
	    arena_copy(&policy.arena, bytes_of("value_sets: {hiv: {file: c.tsv, rows: 10}}")), &fault);
	codes = codes_load(&policy, "c.yaml", NULL, yaml_find(root, "value_sets"), &fault);
	check(codes != NULL);
	if (codes == NULL)
		return tap_end();
	check_list(told, sizeof told / sizeof told[0], true);
	check_list(ordinary, sizeof ordinary / sizeof ordinary[0], false);
	test_alone();
	test_places();
	codes_free(codes);
	arena_release(&policy.arena);
	return tap_end();
}
