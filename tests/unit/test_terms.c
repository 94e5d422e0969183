/* SPDX-License-Identifier: ISC */
#include "common/policy/terms.h"
#include "tests/lib/tap.h"

#include <stdlib.h>

#define HEAD "# source=test\nterm\tlanguage\tcategory\tmode\tunless\tnear_miss\n"

static struct terms terms;
static struct fault fault;
static struct fold room;
static unsigned rows;
static bool one_group;
static unsigned seen; /* bit n: a term of row n */

static int
number(void *context, const struct terms_row *row)
{
	(void)context;
	if (bytes_are(row->category, "NONE"))
		return TERMS_LEAVE_OUT;
	return one_group ? 0 : (int)rows++;
}

static bool
load(const char *text)
{
	struct policy_file file = {
		.name = { "valuesets/t.tsv", 15 }, .shown = "t.tsv", .text = bytes_of(text)
	};

	terms_release(&terms);
	rows = 0;
	fault = (struct fault){ 0 };
	return terms_read(&terms, &file, &fault, number, NULL);
}

static void
note(void *context, const struct term *term)
{
	(void)context;
	seen |= 1U << term->group;
}

/* The rows that TEXT says.  terms_may must not dismiss a text that says one, wherever it stands in memory. */
static unsigned
said(const char *text)
{
	struct bytes bytes = bytes_of(text);
	char *copy = calloc(1, 64 + bytes.size + TERMS_SLACK);
	bool may = true;

	seen = 0;
	memcpy(copy, bytes.at, bytes.size);
	terms_find(&terms, (struct bytes){ copy, bytes.size }, &room, note, NULL);
	for (size_t at = 0; at < 32; at++) {
		memset(copy, 'x', 64 + bytes.size);
		memcpy(copy + at, bytes.at, bytes.size);
		copy[at + bytes.size] = '"';
		may = may && terms_may(&terms, (struct bytes){ copy + at, bytes.size });
	}
	if (seen != 0 && bytes.at[0] != '<')
		check(may);
	free(copy);
	return seen;
}

static bool
dismissed(const char *text)
{
	char copy[256] = { 0 };

	memcpy(copy, text, strlen(text));
	return !terms_may(&terms, (struct bytes){ copy, strlen(text) });
}

static void
check_words(void)
{
	check(load(
	    HEAD "HIV\ten\tHIV\tword\t\thives\n"
		 "AIDS\ten\tHIV\tcaps\thearing AIDS ; AIDS in\t\n"
		 "schwanger\tde\tPREGNANT\tstem\t\t\n"
		 "self-harm\ten\tMH\tword\t\t\n"
		 "C-SSRS\ten\tMH\tword\t\t\n"
		 "Schütteltrauma\tde\tSDV\tstem\t\t\n"
		 "depression\ten\tMH\tword\tST depression ; depression of the ST ; respiratory depression\t\n"
		 "the pill\ten\tSEX\tword\t\t\n"
		 "left out\ten\tNONE\tword\t\t\n"));
	check(rows == 8 && terms.count == 9);
	check(said("HIV") == 1 && said("hiv-1 RNA") == 1 && said("Anti-HIV") == 1 && said("(HIV)") == 1);
	check(said("http://x.example/StructureDefinition/hiv-viral-load") == 1 && said("hiv_clinic") == 1);
	check(said("hives") == 0 && said("archive") == 0 && said("HIV1") == 0 && said("aHIVE") == 0);
	check(said("AIDS") == 2 && said("aids") == 0 && said("Aids") == 0 && said("Hearing AIDS") == 0);
	check(said("AIDS in digestion") == 0 && said("hearing AIDS and AIDS") == 2);
	check(said("Schwangerschaft") == 4 && said("schwanger") == 4 && said("hochschwanger") == 0);
	check(said("self harm") == 8 && said("self\t-\nharm") == 8 && said("self harming") == 0);
	check(said("C-SSRS 3") == 16 && said("the C SSRS") == 16);
	check(said("Schütteltrauma") == 32 && said("SCHUETTELTRAUMA") == 32 && said("Schutteltraumas") == 32);
	check(said("ST depression") == 0 && said("ST-depression in V4") == 0);
	check(said("Depression of the ST segment") == 0 && said("Depression.") == 64);
	check(said("no respiratory depression, but depression") == 64);
	check(said("take the pill") == 128 && said("the pills") == 0 && said("pill") == 0);
	check(said("<div>H<i>I</i>V</div>") == 1 && said("<!-- HIV -->") == 1 &&
	      said("<p>the&nbsp;pill</p>") == 128);
	check(said("") == 0 && said("a") == 0);
}

/* Words that begin by their case alone, and abbreviations with dots. */
static void
check_split_words(void)
{
	check(
	    said("hivStatus") == 1 && said("HIVPositive") == 1 && said("http://x.example/HivViralLoad") == 1);
	check(said("isHIVpositive") == 1 && said("patientSelfHarm") == 8 && said("C-SSRSScore") == 16);
	check(
	    said("StDepression") == 0 && said("RespiratoryDepression") == 0 && said("majorDepression") == 64);
	check(said("HiveMind") == 0 && said("mHIVx") == 0 && said("ARCHIVE") == 0 && said("shiV") == 0 &&
	      said("hIve") == 0 && said("chIves") == 0);
	check(said("012345678901234567890123456789 hivStatus") == 1);
	check(said("H.I.V.") == 1 && said("h.i.v") == 1 && said("(H. I. V.)") == 1 && said("A.I.D.S.") == 2);
	check(said("012345678901234567890123456789 A.I.D.S. known") == 2 && said("H.I.V.-positive") == 1);
	check(said("H.I.Ve") == 0 && said("H.I.J.V.") == 0 && said("i.e. H.I") == 0 && said("a.i.d.s.") == 0);
}

/* What cancels a term does so across a plus and emphasis, and across no sign that parts two thoughts. */
static void
check_signs(void)
{
	check(load(
	    HEAD "depression\ten\tMH\tword\tST depression ; depression of * plateau ; skin depression\t\n"
		 "sickle cell\ten\tSCA\tword\tno sickle cell ; sickle cell counter\t\n"
		 "AIDS tag\ten\tHIV\tcaps\thearing AIDS tag\t\n"));
	check(said("q=ST+depression") == 0 && said("*ST* *depression*") == 0 && said("ST+depressions") == 0);
	check(said("depression+of+the+tibial+plateau") == 0 && said("depression *of* the plateau") == 0);
	check(said("sickle+cell") == 2 && said("sickle/cell") == 2 && said("*sickle* cell") == 2);
	check(said("no+sickle+cell") == 0 && said("sickle+cell+counter") == 0 &&
	      said("sickle*cell counter") == 0);
	check(said("hearing+AIDS+tag") == 0 && said("AIDS+tag") == 4 && said("aids+tag") == 0);
	check(said("skin/depression") == 1 && said("skin.Depression") == 1 && said("skin + depression") == 1);
	check(said("skin=depression") == 1 && said("skin^depression") == 1 && said("no|sickle+cell") == 2);
	check(said("ST++depression") == 1 && said("depression+of+a+b+c+d+e+plateau") == 1);
	check(said("+depression+") == 1 && said("sickle+cell+") == 2 && said("depression+of+") == 1);
}

static void
check_gaps(void)
{
	check(load(HEAD "depression\ten\tMH\tword\tdepression of * plateau ; depression of * left * eye\t\n"
			"assault\ten\tVIO\tstem\tassault on * summit\t\n"));
	check(
	    said("Depression of left lateral tibial plateau") == 0 && said("depression of the plateau") == 0);
	check(said("depression of a b c d plateau") == 0 && said("depression of a b c d e plateau") == 1);
	check(said("depression of years, tibial plateau") == 1 && said("depression of plateaus") == 1);
	check(said("depression of the left lower eye") == 0 && said("depression of the lower left") == 1);
	check(said("assault on the south summit") == 0 && said("assault on the street") == 2);
	check(!load(HEAD "assault\ten\tVIO\tstem\tsummit * assault\t\n"));
}

static void
check_dismissals(void)
{
	check(dismissed("http://terminology.hl7.org/CodeSystem/observation-category"));
	check(dismissed("2026-05-13T22:12:00+01:00") && dismissed("00000000-0000-0000-3b5e-86f660f38ec3"));
	check(dismissed("harmless") && dismissed("deposition") && dismissed("hives") && dismissed("pillow"));
	check(!dismissed("Björn") && !dismissed("self harm") && dismissed("self") && dismissed("no self"));
}

static bool
refused(const char *row, const char *why)
{
	char text[512];

	(void)snprintf(text, sizeof text, HEAD "%s", row);
	return !load(text) && strcmp(fault.text, why) == 0;
}

static void
check_faults(void)
{
	check(!load("") && fault.line == 1);
	check(!load("term\n") && !load("# x\nterm\tlanguage\n") && fault.line == 2);
	check(!load(HEAD "HIV\ten\tHIV\tword\t\t\nHIV\ten\tHIV\tword\t\n") && fault.line == 4);
	check(refused("123-45-678\ten\tIDS\tnumber\t\t\n", "no number of a kind that is known"));
	check(refused("123-45-6789\ten\tIDS\tnumber\t\t\n123-45-6780\ten\tIDS\tnumber\t\t\n",
	    "the same kind of number twice"));
	check(refused(
	    "010112-1135\ten\tIDS\tnumber\t\t\n", "a number of several kinds: take another as example"));
	check(refused("HIV\ten\tHIV\twords\t\t\n", "unknown mode, expected one of word, caps, stem, number"));
	check(refused("HIV\tenglish\tHIV\tword\t\t\n", "expected a language of two letters"));
	check(refused("HIV\ten\t\tword\t\t\n", "a row without a category"));
	check(refused("\ten\tHIV\tword\t\t\n", "expected a term of 1 to 120 bytes"));
	check(refused("ED\ten\tSEX\tword\t\t\n",
	    "too short: a term has a word of three letters, of four where the word may go on"));
	check(refused("sex\ten\tSEX\tstem\t\t\n",
	    "too short: a term has a word of three letters, of four where the word may go on"));
	check(refused(
	    "(HIV\ten\tHIV\tword\t\t\n", "a term begins with a letter or a digit, and ends with no blank"));
	check(refused("AIDS\ten\tHIV\tcaps\thearing aid\t\n", "a phrase that does not hold the term"));
	check(refused("AIDS\ten\tHIV\tcaps\thearingaids\t\n", "a phrase that does not hold the term"));
	one_group = true;
	check(refused("HIV\ten\tHIV\tword\t\t\nhiv\tde\tHIV\tword\t\t\n", "the same term twice"));
	check(fault.line == 4 && fault.column == 1);
	check(!load(HEAD "\xff\ten\tHIV\tword\t\t\n"));
}

#define SOME_UUID "0a8c51fe-0007-4bad-9fab-00a0c91e6bf6"

static bool
may_before_uuid(const char *text)
{
	char copy[256] = { 0 };

	memcpy(copy, text, strlen(text));
	return terms_may_before_uuid(&terms, (struct bytes){ copy, strlen(text) });
}

/* What may go on in the digits, and what is digits alone, may stand there. */
static void
check_uuids(void)
{
	check(load(HEAD "hepatitis/b\ten\tHIV\tword\t\t\nHIV\ten\tHIV\tword\t\t\nAFAB\ten\tHIV\tcaps\t\t\n"));
	check(!may_before_uuid("Encounter/" SOME_UUID));
	check(!may_before_uuid("urn:uuid:" SOME_UUID));
	check(may_before_uuid("hepatitis/" SOME_UUID));
	check(may_before_uuid("x/hiv/" SOME_UUID));
	check(may_before_uuid("h/i/v/" SOME_UUID));
	check(may_before_uuid("caf\xc3\xa9/" SOME_UUID));
	check(load(HEAD "fade\ten\tHIV\tword\t\t\n") && may_before_uuid("Encounter/" SOME_UUID));
	check(load(HEAD "decadence\ten\tHIV\tstem\t\t\n") && !may_before_uuid("Encounter/" SOME_UUID));
	check(load(HEAD "fadedad5x\ten\tHIV\tword\t\t\n") && may_before_uuid("Encounter/" SOME_UUID));
}

int
main(void)
{
	fold_init(&room);
	check_words();
	check_dismissals();
	check_split_words();
	check_signs();
	check_gaps();
	check_uuids();
	check_faults();
	terms_release(&terms);
	fold_release(&room);
	return tap_end();
}
