/* SPDX-License-Identifier: ISC */
#include "common/policy/codeform.h"
#include "tests/lib/tap.h"

#include <stdio.h>

struct written {
	enum codeform form;
	bool is_named;
	const char *code, *was; /* empty: nothing else than it is */
};

static const struct written written[] = {
	/* numbers as spreadsheets write them */
	{ CODEFORM_SNOMED, true, "86406008.0", "86406008" },
	{ CODEFORM_SNOMED, false, "86406008,00", "86406008" },
	{ CODEFORM_SNOMED, false, "86,406,008", "86406008" },
	{ CODEFORM_SNOMED, true, "86 406 008.0", "86406008" },
	{ CODEFORM_SNOMED, true, "86'406'008", "86406008" },
	{ CODEFORM_SNOMED, true, "370.143.000", "370143000" },
	{ CODEFORM_SNOMED, false, "8.6406008E7", "86406008" },
	{ CODEFORM_SNOMED, false, "8,6406008e+07", "86406008" },
	{ CODEFORM_SNOMED, true, "3.70143E+8", "370143000" },
	{ CODEFORM_SNOMED, true, "0086406008", "86406008" },
	{ CODEFORM_SNOMED, true, "86406008", "" },
	{ CODEFORM_SNOMED, true, "86406009.0", "" },
	{ CODEFORM_SNOMED, true, "86.406,008", "" },
	{ CODEFORM_SNOMED, true, "86,4060,08", "" },
	{ CODEFORM_SNOMED, true, "86,,406,008", "" },
	{ CODEFORM_SNOMED, true, "8.6406008E6", "" },
	{ CODEFORM_SNOMED, true, "8.6406008E99", "" },
	{ CODEFORM_SNOMED, true, "8.6406008E", "" },
	{ CODEFORM_SNOMED, true, "8.E7", "" },
	{ CODEFORM_SNOMED, true, ".0", "" },
	{ CODEFORM_SNOMED, true, "000", "" },
	{ CODEFORM_SNOMED, true, "", "" },
	{ CODEFORM_NUMBER, true, "704.0", "704" },
	{ CODEFORM_NUMBER, false, "704.0", "" },
	{ CODEFORM_NUMBER, false, "36,437", "36437" },
	{ CODEFORM_DRG, true, "897.0", "897" },
	{ CODEFORM_DRG, true, "0897", "897" },
	{ CODEFORM_DRG, true, "89", "089" },
	{ CODEFORM_CPT, true, "90,834", "90834" },
	{ CODEFORM_CPT, true, "90834-95", "90834" },
	{ CODEFORM_CPT, true, "90834-95-HO", "90834" },
	{ CODEFORM_CPT, true, "90834-9", "" },
	{ CODEFORM_HCPCS, false, "H0020HF", "H0020" },
	{ CODEFORM_HCPCS, false, "H0020X", "" },
	/* zeros that a number has lost, and a dot that is a comma */
	{ CODEFORM_ICD9, true, "42", "042" },
	{ CODEFORM_ICD9, true, "98.0", "098.0" },
	{ CODEFORM_ICD9, true, "282,62", "282.62" },
	{ CODEFORM_ICD9, true, "1234.5", "" },
	{ CODEFORM_ICD9_PROCEDURE, true, "4.1", "04.1" },
	/* LOINC: the hyphen, and dates made of it */
	{ CODEFORM_LOINC, false, "20447_9", "20447-9" },
	{ CODEFORM_LOINC, false, "20447 - 9", "20447-9" },
	{ CODEFORM_LOINC, true, "20,447-9", "20447-9" },
	{ CODEFORM_LOINC, true, "204479", "20447-9" },
	{ CODEFORM_LOINC, false, "204479", "" },
	{ CODEFORM_LOINC, true, "204478", "" },
	{ CODEFORM_LOINC, true, "2106-03-01", "2106-3" },
	{ CODEFORM_LOINC, true, "2106-03-01T00:00:00", "2106-3" },
	{ CODEFORM_LOINC, true, "2106-03-01 00:00", "2106-3" },
	{ CODEFORM_LOINC, true, "01.03.2106", "2106-3" },
	{ CODEFORM_LOINC, true, "3/1/2106", "2106-3" },
	{ CODEFORM_LOINC, true, "2106-03-01x", "" },
	{ CODEFORM_LOINC, true, "2106-03", "" },
	{ CODEFORM_LOINC, false, "2106-03-01", "" },
	{ CODEFORM_LOINC, true, "21-03-01", "" },
	{ CODEFORM_LOINC, true, "-", "" },
	/* ICD: dots, blanks, letters for digits, certainty and side */
	{ CODEFORM_ICD10, false, "B 20", "B20" },
	{ CODEFORM_ICD10, false, "A5.39", "A539" },
	{ CODEFORM_ICD10, true, "F10_20", "F1020" },
	{ CODEFORM_ICD10, true, "F10-20", "F1020" },
	{ CODEFORM_ICD10, false, "F10-20", "" },
	{ CODEFORM_ICD10, false, "B2O", "B20" },
	{ CODEFORM_ICD10, true, "f1o.2o", "f1020" },
	{ CODEFORM_ICD10, true, "Z33.2G", "Z332G" },
	{ CODEFORM_ICD10, true, "HIV disease", "" },
	{ CODEFORM_ICD11, true, "6C40,2", "6C402" },
	{ CODEFORM_PCS, true, "HZ2ZZZ.Z", "HZ2ZZZZ" },
	{ CODEFORM_PCS, false, "1OA07ZZ", "10A07ZZ" },
	{ CODEFORM_ATC, false, "J05A R20", "J05AR20" },
	{ CODEFORM_ATC, false, "J05A-R20", "" },
	{ CODEFORM_ICPC, true, "P-76", "P76" },
	{ CODEFORM_ANY, true, "86406008.0", "" },
};

/* Room for any code may be full; nothing is written behind it. */
static void
check_length(void)
{
	static const char digit[] = "9999999999999999999999999999999999999999999999999999999999999999999999";
	char room[CODEFORM_ROOM];
	struct bytes repaired;

	for (unsigned form = 0; form <= CODEFORM_ICD11; form++)
		for (size_t size = 0; size < sizeof digit; size++) {
			struct bytes code = { digit, size };
			unsigned step = 0;

			while (codeform_repaired(form, true, code, &step, room, &repaired))
				check(repaired.size <= 32);
		}
}

/* The German letters go only after the code as it stands, without its dot, was tried. */
static void
check_certainty(void)
{
	static const char *const marked[] = { "Z33.2G", "Z332GL", "Z33.2-V", "Z33.2 Z R", "z33.2ag",
		"Z33.2LG", "Z33.2B" };
	char room[CODEFORM_ROOM];
	struct bytes repaired, code;

	for (size_t i = 0; i < sizeof marked / sizeof marked[0]; i++) {
		bool found = false;
		unsigned step = 0;

		code = bytes_of(marked[i]);
		while (codeform_repaired(CODEFORM_ICD10, true, code, &step, room, &repaired))
			found = found || bytes_equal_folded(repaired, (struct bytes)BYTES("Z332")) ||
				bytes_equal_folded(repaired, (struct bytes)BYTES("Z332A"));
		check(found);
	}
}

static void
check_plain(void)
{
	static const char *const plain[][2] = {
		{ "\"B20\"", "B20" },
		{ "'B20", "B20" },
		{ "=\"B20\"", "B20" },
		{ "\xe2\x80\x9e"
		  "B20\xe2\x80\x9c",
		    "B20" },
		{ "\xc2\xab"
		  "B20\xc2\xbb",
		    "B20" },
		{ "\xe2\x80\x99"
		  "B20",
		    "B20" },
		{ "#B20 ;", "B20" },
		{ "B20.,", "B20" },
		{ "\xef\xbb\xbf"
		  "B20\xc2\xa0",
		    "B20" },
		{ "F32\xc2\xb7"
		  "1",
		    "F32.1" },
		{ "B\xd9\xa2\xd9\xa0", "B20" },         /* Arabic */
		{ "B\xe0\xa5\xa8\xe0\xa5\xa6", "B20" }, /* Devanagari */
		{ "B20*", "B20*" },
		{ "\"\"", "" },
		{ "'", "" },
		{ "", "" },
	};
	char room[CODEFORM_ROOM];

	for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
		check(bytes_are(codeform_bare(codeform_plain(bytes_of(plain[i][0]), room)), plain[i][1]));
}

int
main(void)
{
	char room[CODEFORM_ROOM];

	for (size_t i = 0; i < sizeof written / sizeof written[0]; i++) {
		const struct written *w = &written[i];
		struct bytes repaired = { "", 0 };
		unsigned step = 0;

		if (!codeform_repaired(w->form, w->is_named, bytes_of(w->code), &step, room, &repaired))
			repaired.size = 0;
		if (!bytes_are(repaired, w->was))
			printf("# %s: %.*s, not %s\n", w->code, (int)repaired.size, repaired.at, w->was);
		check(bytes_are(repaired, w->was));
	}
	check_certainty();
	check_length();
	check_plain();
	return tap_end();
}
