/* SPDX-License-Identifier: ISC */
#include "common/json/json.h"
#include "common/policy/codes.h"
#include "tests/lib/tap.h"

#include <stdlib.h>
#include <string.h>

#define HEAD "# source=test\nsystem\tcode\tdisplay\tcategory\tfrom\tuntil\n"
#define ICD "http://hl7.org/fhir/sid/icd-10-cm"
#define HCPCS "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
#define LOINC "http://loinc.org"

static const char mixed[] =
    HEAD ICD "\tB20\tHIV disease\tHIV\t\t\n" ICD "\tF10.20\t\tETHUD\t2015-10-01\t2020-12-31\n" ICD
	     "\tF11*\tOpioids\tOPIOIDUD\t\t\n" ICD "\tF11.20\tDependence\tSUD\t\t\n" HCPCS
	     "\tH0034\tTraining\tSUD\t\t\n"
	     "http://snomed.info/sct\t86406008\tHIV\tHIV\t\t\r\n" LOINC "\t7917-8\tHIV 1 Ab\tHIV\t\t\n"
	     "urn:local\tXy\t\tPSY\t\t\n";
static const char signs[] = HEAD LOINC "\t59408-5\tSpO2\tspo2\t\t\n" LOINC "\t8867-4\tRate\theart-rate\t\t\n";
static const char tree[] =
    "{\"resourceType\":\"ValueSet\",\"compose\":{\"include\":[{\"system\":\"http://snomed.info/"
    "sct\",\"concept\":"
    "[{\"code\":\"11\",\"display\":\"Eleven \\u00b0\"},{\"code\":\"\\u0031\\u0032\"}]}]}}";
static const char grown[] = "{\"resourceType\":\"ValueSet\",\"compose\":{\"include\":[{\"system\":\"s:x\","
			    "\"filter\":[]}]},\"expansion\":{"
			    "\"contains\":[{\"abstract\":true,\"contains\":[{\"system\":\"s:x\",\"code\":"
			    "\"a\"}]},{\"system\":\"s:x\","
			    "\"code\":\"b\"}]}}";

struct bench {
	struct policy policy;
	struct fault fault;
	struct codes *codes;
};

/* A policy of these files: name, text, name, text ..., NULL. */
static void
set_up(struct bench *b, const char *const *files)
{
	*b = (struct bench){ 0 };
	b->policy.file = arena_array(&b->policy.arena, 16, sizeof *b->policy.file);
	for (; files[0] != NULL; files += 2) {
		size_t size = strlen(files[1]);
		char *text = arena_take(&b->policy.arena, size + JSON_SLACK);

		memcpy(text, files[1], size);
		b->policy.file[b->policy.files++] = (struct policy_file){
			.name = bytes_of(files[0]), .shown = files[0], .text = { text, size }
		};
	}
}

static const struct yaml_node *
tree_of(struct bench *b, const char *yaml)
{
	struct bytes text = arena_copy(&b->policy.arena, bytes_of(yaml));

	return yaml_read(&b->policy.arena, "c.yaml", text, &b->fault);
}

static void
load(struct bench *b, const char *const *files, const char *yaml)
{
	const struct yaml_node *root;

	set_up(b, files);
	root = tree_of(b, yaml);
	b->codes = codes_load(
	    &b->policy, "c.yaml", yaml_find(root, "systems"), yaml_find(root, "value_sets"), &b->fault);
	if (b->codes == NULL)
		printf("# %s:%u:%u: %s\n", b->fault.file, b->fault.line, b->fault.column, b->fault.text);
}

static void
tear_down(struct bench *b)
{
	codes_free(b->codes);
	arena_release(&b->policy.arena);
}

static const char *const good_files[] = { "valuesets/grown.json", grown, "valuesets/mixed.tsv", mixed,
	"valuesets/signs.tsv", signs, "valuesets/tree.json", tree, NULL };
static const char good_yaml[] = "systems: {loinc: http://loinc.org}\n"
				"value_sets:\n"
				"  hiv: {file: mixed.tsv, category: [HIV], rows: 3}\n"
				"  all: {file: mixed.tsv, rows: 8, complete: false}\n"
				"  signs: {file: signs.tsv}\n"
				"  eleven: {file: tree.json, category: SEX, rows: 2}\n"
				"  grown: {file: grown.json, category: [STD]}\n";
static const char *const set_names[] = { "hiv", "all", "signs", "eleven", "grown" };

/* True if WANT names the sets that hold (SYSTEM, CODE), in the order of good_yaml; SYSTEM NULL: none. */
static bool
is_in(struct bench *b, const char *system, const char *code, const char *when, const char *want)
{
	struct codes_match match = { 0 };
	struct period time;
	enum date_precision precision;
	unsigned number = system == NULL ? CODES_ANY_SYSTEM : codes_system(b->codes, bytes_of(system));
	char got[200] = "";
	bool found;

	if (when != NULL && !clock_parse_date(bytes_of(when), &time, &precision))
		return false;
	found = codes_find(b->codes, number, bytes_of(code), when != NULL ? &time : NULL, &match);
	for (size_t i = 0; i < sizeof set_names / sizeof set_names[0]; i++) {
		int set = codes_set(b->codes, bytes_of(set_names[i]));

		if (set >= 0 && code_bits_has(&match.sets, (unsigned)set))
			(void)snprintf(got + strlen(got), sizeof got - strlen(got), "%s%s", got[0] ? " " : "",
			    set_names[i]);
	}
	if (strcmp(got, want) != 0)
		printf("# %s|%s: %s\n", system, code, got);
	return strcmp(got, want) == 0 && found == (want[0] != 0);
}

static void
check_names_of_systems(struct bench *b)
{
	static const char *const icd[] = { ICD, "http://hl7.org/fhir/sid/icd-10-cm/",
		"https://hl7.org/fhir/sid/icd-10-cm", "urn:oid:2.16.840.1.113883.6.90",
		"2.16.840.1.113883.6.90", "URN:OID:2.16.840.1.113883.6.90",
		"http://terminology.hl7.org/CodeSystem/icd10CM", "HTTP://HL7.org/fhir/sid/ICD-10-CM",
		"http://terminology.hl7.org/CodeSystem/icd10-cm", "http://hl7.org/fhir/sid/icd-10-us",
		"http://terminology.hl7.org/CodeSystem/v3-icd10CM", "I10C", "i10c", "ICD10CM", "ICD-10-CM",
		" icd 10 cm ", "ICD-10-CM Diagnosis Codes", "http://hl7.org/fhir/sid/icd-10-cm/2024",
		"http://hl7.org/fhir/sid/icd-10-cm|2024", "http://hl7.org/fhir/sid/icd-10-cm?x=1",
		"urn:icd-10-cm", "http://purl.bioontology.org/ontology/ICD10CM",
		"https://www.hl7.org/fhir/sid/icd-10-cm// ", "http://hl7.org/fhir/ValueSet/icd-10-cm",
		"ICD10CM_2024", "oid:2.16.840.1.113883.6.90" };
	unsigned number = codes_system(b->codes, bytes_of(ICD));

	for (size_t i = 0; i < sizeof icd / sizeof icd[0]; i++)
		check(codes_system(b->codes, bytes_of(icd[i])) == number);
	check(number != CODES_UNKNOWN_SYSTEM && number != CODES_ANY_SYSTEM);
	check(codes_system(b->codes, bytes_of("")) == CODES_ANY_SYSTEM);
	check(codes_system(b->codes, bytes_of(" \t")) == CODES_ANY_SYSTEM);
	check(codes_system(b->codes, bytes_of("http://")) == CODES_ANY_SYSTEM);
	check(codes_system(b->codes, bytes_of("http://snomed.info/sct/1/version/2")) ==
	      codes_system(b->codes, bytes_of(" https://snomed.info/sct|3 ")));
	check(codes_system(b->codes, bytes_of("http://snomed.info/sctx")) == CODES_UNKNOWN_SYSTEM);
	check(codes_system(b->codes, bytes_of("urn:other")) == CODES_UNKNOWN_SYSTEM);
	check(codes_system(b->codes, bytes_of("http://loinc.org.evil")) == CODES_UNKNOWN_SYSTEM);
	check(bytes_are(codes_system_uri(b->codes, number), ICD));
}

static void
check_matching(struct bench *b)
{
	check(is_in(b, ICD, "B20", NULL, "hiv all"));
	check(is_in(b, ICD, "b20", NULL, "hiv all"));
	check(is_in(b, ICD, "B2.0", NULL, "hiv all"));
	check(is_in(b, ICD, "B20 ", NULL, "hiv all"));
	check(is_in(b, ICD, "B20.1", NULL, ""));
	check(is_in(b, ICD, "B2", NULL, ""));
	check(is_in(b, ICD, "F1020", NULL, "all"));
	check(is_in(b, ICD, "F11", NULL, "all"));
	check(is_in(b, ICD, "f11.99", NULL, "all"));
	check(is_in(b, ICD, "F1", NULL, ""));
	check(is_in(b, ICD, "", NULL, "") && is_in(b, ICD, "...", NULL, ""));
	/* H00.34 is an eye, H0034 a drug service. */
	check(is_in(b, ICD, "H00.34", NULL, ""));
	check(is_in(b, HCPCS, "H0034", NULL, "all"));
	check(is_in(b, HCPCS, "h0034", NULL, "all"));
	check(is_in(b, HCPCS, "H00.34", NULL, ""));
	check(is_in(b, LOINC, "7917-8", NULL, "hiv all"));
	/* A system that cannot have the code was named by mistake. */
	check(is_in(b, LOINC, "B20", NULL, "hiv all"));
	check(is_in(b, "http://www.cms.gov/Medicare/Coding/ICD10", "B20", NULL, "hiv all"));
	check(is_in(b, "http://www.ama-assn.org/go/cpt", "H0034", NULL, "all"));
	check(is_in(b, "urn:local", "Xy", NULL, "all") && is_in(b, "urn:local", "XY", NULL, ""));
	/* A system nobody knows counts as none for codes that begin with a letter. */
	check(is_in(b, "http://nobody.example", "B20", NULL, "hiv all"));
	check(is_in(b, "http://nobody.example", "h0034", NULL, "all"));
	check(is_in(b, "http://nobody.example", "F11-training", NULL, ""));
	check(is_in(b, "http://nobody.example", "86406008", NULL, ""));
	check(is_in(b, "http://nobody.example", "7917-8", NULL, ""));
	check(is_in(b, "http://nobody.example", "Xy", NULL, ""));
	/* A system that classifies nobody's illness is known. */
	check(is_in(b, "http://terminology.hl7.org/CodeSystem/v2-0078", "B20", NULL, ""));
	check(is_in(b, "urn:oid:2.16.840.1.113883.6.238", "7917-8", NULL, ""));
	check(is_in(b, "http://snomed.info/sct", "11", NULL, "eleven"));
	check(is_in(b, "http://snomed.info/sct", "12", NULL, "eleven"));
	check(is_in(b, "s:x", "a", NULL, "grown") && is_in(b, "s:x", "b", NULL, "grown"));
}

/* A text of several codes, or of a code and its term. */
static void
check_compounds(struct bench *b)
{
	static const char sct[] = "http://snomed.info/sct";

	check(is_in(b, sct, "86406008|HIV infection|", NULL, "hiv all"));
	check(is_in(b, sct, "86406008 | HIV infection |:246112005=24484000", NULL, "hiv all"));
	check(is_in(b, sct, "=== 284196006 + 86406008 : { 363698007 = 113179006 }", NULL, "hiv all"));
	check(is_in(b, sct, "243796009|context|:246090004=(86406008:{1=2})", NULL, "hiv all"));
	check(is_in(b, sct, "284196006|not 86406008|:363698007=113179006", NULL, ""));
	check(is_in(b, sct, "8640600 8", NULL, "") && is_in(b, sct, "186406008", NULL, ""));
	check(is_in(b, sct, "||||||", NULL, "") && is_in(b, sct, "|86406008", NULL, "hiv all"));
	check(is_in(b, NULL, "284196006+86406008", NULL, "hiv all"));
	check(is_in(b, ICD, "F02.4*B20+", NULL, "hiv all") &&
	      is_in(b, ICD, "A17.0\xe2\x80\xa0 B20", NULL, "hiv all"));
	check(is_in(b, ICD, "B20 HIV disease", NULL, "hiv all") && is_in(b, HCPCS, "H0034:HF", NULL, "all"));
	check(is_in(b, LOINC, "7917-8|HIV 1 Ab|", NULL, "hiv all"));
	check(is_in(b, "urn:local", "Xy|b", NULL, "all"));
}

/* Codes and names of systems with full-width letters, dashes, characters without width. */
static void
check_spellings(struct bench *b)
{
	check(is_in(b, ICD, "\xef\xbc\xa2\xef\xbc\x92\xef\xbc\x90", NULL, "hiv all"));
	check(is_in(b, ICD,
	    "B\xe2\x80\x8b"
	    "20",
	    NULL, "hiv all"));
	check(is_in(b, ICD, "B20\xc2\xad", NULL, "hiv all"));
	check(is_in(b, ICD,
	    "\xe2\x80\x8e"
	    "B20\xef\xbb\xbf",
	    NULL, "hiv all"));
	check(is_in(b, ICD,
	    "\xe3\x80\x80"
	    "B20\xe2\x80\xaf",
	    NULL, "hiv all"));
	check(is_in(b, LOINC,
	    "7917\xe2\x80\x93"
	    "8",
	    NULL, "hiv all"));
	check(is_in(b, LOINC,
	    "7917\xe2\x88\x92"
	    "8",
	    NULL, "hiv all"));
	check(is_in(b, LOINC "\xe2\x80\x8b", "7917-8", NULL, "hiv all"));
	check(is_in(b, "\xc2\xa0" ICD, "B20", NULL, "hiv all"));
	/* another letter, another mark */
	check(is_in(b, ICD,
	    "\xd0\x92"
	    "20",
	    NULL, ""));
	check(is_in(b, LOINC,
	    "7917\xe2\x80\x9c"
	    "8",
	    NULL, ""));
}

static const char national[] = HEAD
    "http://hl7.org/fhir/sid/icd-10\tB24*\tHIV disease\tHIV\t\t\n"
    "http://fhir.de/CodeSystem/bfarm/icd-10-gm\tU60*\tHIV by class\tHIV\t\t\n" ICD "\tT14.91*\t\tMH\t\t\n"
    "http://www.cms.gov/Medicare/Coding/ICD9\t94.2*\t\tMH\t\t\n"
    "http://hl7.org/fhir/sid/icd-9-cm\t942*\tburn\tVIO\t\t\n"
    "http://terminology.hl7.org/CodeSystem/service-type\t146\t\tMH\t\t\n"
    "http://terminology.hl7.org/CodeSystem/x-local\tQ1\t\tMH\t\t\n"
    "RXNORM\t596,704,72*\tthree codes\tMH\t\t\n";

static bool
has_national(const struct codes *c, const char *system, const char *code)
{
	struct codes_match match = { 0 };
	bool found = codes_find(c, codes_system(c, bytes_of(system)), bytes_of(code), NULL, &match);

	return found;
}

/* National editions of ICD-10 have the rows of WHO's and their own; the halves of ICD-9-CM differ by form. */
static void
check_editions(void)
{
	static const char *const files[] = { "valuesets/a.tsv", national, NULL };
	static const char *const who[] = { "http://hl7.org/fhir/sid/icd-10", "urn:oid:2.16.840.1.113883.6.3",
		"ICD10", "I10", "http://fhir.de/CodeSystem/bfarm/icd-10-gm",
		"http://fhir.de/CodeSystem/dimdi/icd-10-gm/2024", "http://hl7.org/fhir/sid/icd-10-de",
		"http://hl7.org/fhir/sid/icd-10-xx", "ICD-10-GM 2024", "http://hl7.org/fhir/sid/icd-10-am",
		"urn:oid:2.16.840.1.113883.6.94", "ICD10-CA",
		"https://termgit.elga.gv.at/CodeSystem/icd-10-bmsgpk-2023",
		"http://id.who.int/icd/release/10/2019", "https://fhir.nhs.uk/Id/icd-10-5th-edition",
		"urn:oid:1.2.752.116.1.1.1.1.8", "CIM-10", "CID10", ICD, "http://nobody.example/dx" };
	struct bench b;

	load(&b, files, "value_sets: {a: {file: a.tsv, rows: 10}}");
	check(has_national(b.codes, "rxcui", "596") && has_national(b.codes, "rxcui", "704") &&
	      has_national(b.codes, "rxcui", "721") && !has_national(b.codes, "rxcui", "596704"));
	for (size_t i = 0; i < sizeof who / sizeof who[0]; i++)
		check(has_national(b.codes, who[i], "B24.0") && has_national(b.codes, who[i], "b24X") &&
		      !has_national(b.codes, who[i], "B25"));
	check(has_national(b.codes, "ICD-10-GM", "U60.1!") && !has_national(b.codes, "CIM-10", "U60.1"));
	check(has_national(b.codes, "ICD-10-GM", "B24-G") && has_national(b.codes, "ICD-10-GM", "B24.-"));
	check(has_national(b.codes, "urn:oid:1.2.208.176.2.4", "DB249") &&
	      !has_national(b.codes, "SKS", "DB25"));
	/* the rows of ICD-10-CM count, too, and the D is known without its system */
	check(has_national(b.codes, "SKS", "DT1491") && has_national(b.codes, "urn:nobody", "DB249") &&
	      has_national(b.codes, "", "DB249") && !has_national(b.codes, "urn:nobody", "DB25"));
	check(has_national(b.codes, "I10", "T14.91XA"));
	check(has_national(b.codes, "http://hl7.org/fhir/sid/icd-9-cm", "94.27"));
	check(has_national(b.codes, "http://www.cms.gov/Medicare/Coding/ICD9", "942.1"));
	check(!has_national(b.codes, "http://hl7.org/fhir/sid/icd-9-cm/procedure", "95.1"));
	check(has_national(b.codes, "http://hl7.org/fhir/service-type", "146"));
	check(has_national(b.codes, "http://terminology.hl7.org/CodeSystem/x-local", "Q1"));
	check(!has_national(b.codes, "http://terminology.hl7.org/CodeSystem/y-local", "Q1"));
	tear_down(&b);
}

struct named {
	const char *system; /* NULL: unknown */
	const char *name;
};

static void
check_more_names(struct bench *b)
{
	static const char sct[] = "http://snomed.info/sct",
			  rx[] = "http://www.nlm.nih.gov/research/umls/rxnorm";
	static const struct named names[] = {
		{ sct, "SNOMEDCT_US" },
		{ sct, "SCT" },
		{ sct, "SNOMED CT" },
		{ sct, "snomed-ct" },
		{ sct, "SNM3" },
		{ sct, "http://snomed.info" },
		{ sct, "http://www.snomed.org/" },
		{ sct, "http://snomed.info/id/86406008" },
		{ sct, "http://snomed.info/sct/999000031000000106/version/20230705" },
		{ sct, "http://terminology.hl7.org/CodeSystem/v3-snomed-CT" },
		{ NULL, "http://snomed.info.evil/x" },
		{ NULL, "snomedish" },
		{ LOINC, "http://www.loinc.org" },
		{ LOINC, "LN" },
		{ LOINC, "LOINC 2.72" },
		{ LOINC, "LOINC\xc2\xae" },
		{ sct, "SNOMED CT\xe2\x84\xa2 (international)" },
		{ sct, "http://purl.bioontology.org/ontology/SNOMEDCT/86406008" },
		{ rx, "http://www.nlm.nih.gov/research/umls/rxnorm/11413" },
		{ LOINC, "http://loinc.org/vs/LL358-3" },
		{ LOINC, "urn:oid:2.16.840.1.113883.6.1" },
		{ NULL, "http://loinc.example/x" },
		{ rx, "RXNORM" },
		{ rx, "http://nlm.nih.gov/research/umls/rxnorm" },
		{ rx, "https://rxnav.nlm.nih.gov/REST/rxcui" },
		{ rx, "http://terminology.hl7.org/CodeSystem/v3-rxNorm" },
		{ HCPCS, "http://terminology.hl7.org/CodeSystem/HCPCS-all-codes" },
		{ HCPCS, "https://bluebutton.cms.gov/resources/codesystem/hcpcs" },
		{ HCPCS, "HCPCS Level II" },
		{ "http://hl7.org/fhir/sid/icd-9-cm", "http://hl7.org/fhir/sid/icd-9-cm/diagnosis" },
		{ "http://www.cms.gov/Medicare/Coding/ICD9", "http://hl7.org/fhir/sid/icd-9-cm/procedure" },
		{ "http://www.cms.gov/Medicare/Coding/ICD10", "http://www.icd10data.com/icd10pcs" },
		{ "http://www.cms.gov/Medicare/Coding/ICD10", "http://hl7.org/fhir/sid/icd-10-pcs" },
		{ "http://www.whocc.no/atc", "http://fhir.de/CodeSystem/bfarm/atc" },
		{ "http://www.whocc.no/atc", "https://www.whocc.no/atc_ddd_index/" },
		{ "http://hl7.org/fhir/sid/icpc-2", "urn:oid:2.16.840.1.113883.6.139" },
		{ "http://id.who.int/icd/release/11/mms", "http://hl7.org/fhir/sid/icd-11" },
		{ "http://id.who.int/icd/release/11/mms", "http://id.who.int/icd/release/11/2024-01/mms" },
		{ "http://www.genenames.org", "http://www.genenames.org/geneId" },
		{ "http://www.orpha.net", "ORPHA" },
		{ "http://omim.org", "https://www.omim.org/" },
		{ NULL, "http://hl7.org/fhir/sid/icd-12" },
		{ NULL, "http://hospital.example/atcx" },
		{ NULL, "2024" },
		{ "http://terminology.hl7.org", "http://hl7.org/fhir/condition-category" },
		{ "http://terminology.hl7.org", "urn:oid:2.16.840.1.113883.12.1" },
	};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		unsigned number = codes_system(b->codes, bytes_of(names[i].name));

		check(
		    number == (names[i].system == NULL ? (unsigned)CODES_UNKNOWN_SYSTEM
						       : codes_system(b->codes, bytes_of(names[i].system))));
		if (number != CODES_UNKNOWN_SYSTEM)
			check(names[i].system != NULL &&
			      bytes_are(codes_system_uri(b->codes, number), names[i].system));
	}
}

static void
check_forms(struct bench *b)
{
	static const struct {
		const char *system, *good, *bad;
	} forms[] = {
		{ LOINC, "7917-8 LA6568-5 1-8", "7917-7 7917 79178 7917-88 -8" },
		{ "http://snomed.info/sct", "86406008 999000031000000106 284196006+86406008",
		    "86406009 12345 B20" },
		{ "RXNORM", "11413 1", "B20 1234567890" },
		{ ICD, "B20 b20 F10.20 T14.91XA B20.- B24X A17.0+", "B2 20 F10.123456 B20.x? HIV 042" },
		{ "http://hl7.org/fhir/sid/icd-9-cm", "042 304.01 30401 V08 V61.21 E950.1",
		    "04 304.011 94.27 B20" },
		{ "http://www.cms.gov/Medicare/Coding/ICD9", "94 94.2 94.27 9427", "942.7 9 B20" },
		{ "http://www.cms.gov/Medicare/Coding/ICD10", "HZ2ZZZZ", "HZ2ZZZ HZ2ZZZO B20" },
		{ HCPCS, "H0034 90834 0359T", "H003 H00345" },
		{ "http://www.ama-assn.org/go/cpt", "90834 0359T", "H0034 9083" },
		{ "ATC", "J05AR20 J05AR J05A J05 J", "J0 J05AR2 05" },
		{ "http://hl7.org/fhir/sid/icpc-2", "P76 P76.01", "P7 176" },
		{ "MSDRG", "897", "89 8970" },
		{ "SKS", "DB20 DB209", "B20" },
		{ "http://fhir.de/CodeSystem/bfarm/ops", "5-740.0 9-607 9-401.00 1-90a.1",
		    "5-74.0 57400 5-740. 55-740 5-7400.1 5-7" },
		{ "http://read.info/ctv3", "E2B.. E2B10 A788. E2B..00 Eu32", "E .E2B E-2B E2B..000" },
		{ "G-DRG", "O60D v60z", "060D O60 O60DD" },
		{ "urn:local", "anything", "" },
	};

	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
		unsigned system = codes_system(b->codes, bytes_of(forms[i].system));

		for (unsigned k = 0; k < 2; k++) {
			char text[100], *at = text, *code;

			(void)snprintf(text, sizeof text, "%s", k == 0 ? forms[i].good : forms[i].bad);
			while ((code = strsep(&at, " ")) != NULL && code[0] != '\0') {
				bool fits = codes_fit(b->codes, system, bytes_of(code));

				if (fits != (k == 0))
					printf("# %s|%s\n", forms[i].system, code);
				check(fits == (k == 0));
			}
		}
	}
	check(codes_fit(b->codes, CODES_ANY_SYSTEM, bytes_of("x")));
	check(codes_fit(b->codes, CODES_UNKNOWN_SYSTEM, bytes_of("x")));
}

static void
check_without_system(struct bench *b)
{
	check(is_in(b, NULL, "b2.0", NULL, "hiv all"));
	check(is_in(b, NULL, "h0034", NULL, "all"));
	check(is_in(b, NULL, "F11.5", NULL, "all"));
	check(is_in(b, NULL, "59408-5", NULL, "signs"));
	check(is_in(b, NULL, "11", NULL, "eleven"));
	check(is_in(b, NULL, "999", NULL, ""));
}

static void
check_validity(struct bench *b)
{
	check(is_in(b, ICD, "F10.20", "2018-03-01", "all"));
	check(is_in(b, ICD, "F10.20", "2015-09-30", ""));
	check(is_in(b, ICD, "F10.20", "2015-10-01", "all"));
	check(is_in(b, ICD, "F10.20", "2020-12-31", "all"));
	check(is_in(b, ICD, "F10.20", "2020-12-31T23:59:59Z", "all"));
	check(is_in(b, ICD, "F10.20", "2021-01-01", ""));
	check(is_in(b, ICD, "F10.20", "2015", "all") && is_in(b, ICD, "F10.20", "2015-09", ""));
	check(is_in(b, ICD, "F10.20", "2021-01-01T00:00:00Z", ""));
	check(is_in(b, ICD, "B20", "1950", "hiv all"));
}

static void
check_categories(struct bench *b)
{
	struct codes_match match = { 0 };
	struct code_bits categories = { 0 }, hiv = { 0 }, all = { 0 }, sign = { 0 };
	unsigned icd = codes_system(b->codes, bytes_of(ICD));

	check(codes_set(b->codes, bytes_of("hiv")) == 0 && codes_set(b->codes, bytes_of("none")) == -1);
	check(codes_find(b->codes, icd, bytes_of("F11.20"), NULL, &match));
	codes_matched_categories(b->codes, &match, NULL, &categories);
	check(code_bits_has(&categories, (unsigned)codes_category(b->codes, bytes_of("SUD"))));
	check(code_bits_has(&categories, (unsigned)codes_category(b->codes, bytes_of("OPIOIDUD"))));
	check(!code_bits_has(&categories, (unsigned)codes_category(b->codes, bytes_of("HIV"))));
	code_bits_add(&hiv, 0);
	code_bits_add(&all, 1);
	code_bits_add(&sign, 2);
	categories = (struct code_bits){ 0 };
	codes_matched_categories(b->codes, &match, &hiv, &categories);
	check(!code_bits_meet(&categories, &categories));
	codes_set_categories(b->codes, 0, &categories);
	check(code_bits_has(&categories, (unsigned)codes_category(b->codes, bytes_of("HIV"))));
	check(
	    codes_category(b->codes, bytes_of("spo2")) >= 0 && codes_category(b->codes, bytes_of("x")) == -1);
	check(bytes_are(codes_category_name(b->codes, 0), "HIV") && codes_categories(b->codes) >= 8);
	check(codes_sensitive(b->codes, &all, &b->fault) && b->fault.text[0] == 0);
	check(!codes_sensitive(b->codes, &sign, &b->fault) && b->fault.line == 3 && b->fault.column == 18);
}

static void
check_coverage(struct bench *b)
{
	unsigned loinc = codes_system(b->codes, bytes_of(LOINC));
	unsigned cvx = codes_system(b->codes, bytes_of("http://hl7.org/fhir/sid/cvx"));
	unsigned grown_system = codes_system(b->codes, bytes_of("s:x"));

	check(codes_system_rows(b->codes, loinc) == 3 && !codes_system_complete(b->codes, loinc));
	check(codes_system_rows(b->codes, cvx) == 0);
	check(
	    codes_system_rows(b->codes, grown_system) == 2 && codes_system_complete(b->codes, grown_system));
	check(grown_system <= codes_systems(b->codes));
}

static void
check_inline(struct bench *b)
{
	unsigned set, other;
	struct codes_match match = { 0 };
	unsigned loinc = codes_system(b->codes, bytes_of(LOINC));
	size_t rows = codes_system_rows(b->codes, loinc);

	check(codes_inline(
	    b->codes, "c.yaml", tree_of(b, "[\"loinc|1-1\", \"loinc|2*\", \"urn:new|*\"]"), &set, &b->fault));
	check(codes_inline(b->codes, "c.yaml", tree_of(b, "loinc|7917-8"), &other, &b->fault));
	check(set != other && codes_set(b->codes, bytes_of("")) == -1 &&
	      codes_system_rows(b->codes, loinc) == rows);
	check(codes_find(b->codes, loinc, bytes_of("1-1"), NULL, &match) && code_bits_has(&match.sets, set));
	match = (struct codes_match){ 0 };
	check(
	    codes_find(b->codes, loinc, bytes_of("2345-7"), NULL, &match) && code_bits_has(&match.sets, set));
	match = (struct codes_match){ 0 };
	check(codes_find(
	    b->codes, codes_system(b->codes, bytes_of("urn:new")), bytes_of("anything"), NULL, &match));
	check(code_bits_has(&match.sets, set));
	match = (struct codes_match){ 0 };
	check(codes_find(b->codes, loinc, bytes_of("7917-8"), NULL, &match) &&
	      code_bits_has(&match.sets, other) && code_bits_has(&match.sets, 0) &&
	      !code_bits_has(&match.sets, set));
}

static bool
inline_fault(const char *yaml)
{
	struct bench b;
	unsigned set;
	bool bad;

	load(&b, good_files, good_yaml);
	bad = !codes_inline(b.codes, "c.yaml", tree_of(&b, yaml), &set, &b.fault) && b.fault.text[0] != 0;
	tear_down(&b);
	return bad;
}

static bool
refused(const char *text, const char *name, const char *yaml, unsigned line, const char *part)
{
	const char *const files[] = { name, text, NULL };
	const struct yaml_node *root;
	struct bench b;
	bool good;

	set_up(&b, files);
	root = tree_of(&b, yaml);
	b.codes = codes_load(&b.policy, "c.yaml", NULL, yaml_find(root, "value_sets"), &b.fault);
	good = root != NULL && b.codes == NULL && b.fault.line == line && strstr(b.fault.text, part) != NULL;
	if (!good)
		printf("# %s:%u:%u: %s\n", b.fault.file, b.fault.line, b.fault.column, b.fault.text);
	tear_down(&b);
	return good;
}

#define A "value_sets: {a: {file: a.tsv}}"
#define TSV(rows) refused(HEAD rows, "valuesets/a.tsv", A, 3, "")
#define JSON_SET "value_sets: {a: {file: a.json, category: HIV}}"

static void
check_files(void)
{
	check(refused("", "valuesets/a.tsv", A, 1, "expected a line"));
	check(refused("system\n", "valuesets/a.tsv", A, 1, "expected '#'"));
	check(refused("# x\nsystem\tcode\n", "valuesets/a.tsv", A, 2, "expected the columns"));
	check(refused(HEAD, "valuesets/a.tsv", A, 1, "no row"));
	check(TSV("s:a\tb\t\tHIV\t\n"));
	check(TSV("s:a\tb\t\tHIV\t\t\t\n"));
	check(TSV("\n"));
	check(TSV("\tb\t\tHIV\t\t\n"));
	check(TSV("s:a\t\t\tHIV\t\t\n"));
	check(TSV("s:a\tb,\t\tHIV\t\t\n") && TSV("s:a\t,b\t\tHIV\t\t\n") && TSV("s:a\tb,b\t\tHIV\t\t\n"));
	check(TSV("s:a\tb\t\t\t\t\n"));
	check(TSV("s:a\tb\t\tHIV\t2020\t\n"));
	check(TSV("s:a\tb\t\tHIV\t2020-02-30\t\n"));
	check(TSV("s:a\tb\t\tHIV\t2020-02-03\t2020-02-02\n"));
	check(TSV("http://\tb\t\tHIV\t\t\n"));
	check(refused(HEAD "s:a\tb\t\tHIV\t\t\ns:a\tb\tx\tHIV\t\t\n", "valuesets/a.tsv", A, 4, "twice"));
	check(refused(
	    HEAD ICD "\tB20\t\tHIV\t\t\n" ICD "\tb2.0\tx\tHIV\t\t\n", "valuesets/a.tsv", A, 4, "twice"));
	check(refused(HEAD "s:a\t\xff\t\tHIV\t\t\n", "valuesets/a.tsv", A, 1, "UTF-8"));
	check(refused("[]", "valuesets/a.json", JSON_SET, 1, "ValueSet"));
	check(refused("{\n\"a\":}", "valuesets/a.json", JSON_SET, 2, ""));
	check(refused(
	    "{\"resourceType\":\"ValueSet\"}", "valuesets/a.json", JSON_SET, 1, "expected an expansion"));
	check(refused("{\"resourceType\":\"ValueSet\",\"compose\":{\"include\":[\n{\"system\":\"s:a\","
		      "\"filter\":[]}]}}",
	    "valuesets/a.json", JSON_SET, 2, "terminology server"));
	check(refused("{\"resourceType\":\"ValueSet\",\"compose\":{\"include\":[{\"system\":\"s:a\"}]}}",
	    "valuesets/a.json", JSON_SET, 1, "one by one"));
	check(refused("{\"resourceType\":\"ValueSet\",\"compose\":{\"exclude\":[]}}", "valuesets/a.json",
	    JSON_SET, 1, "terminology server"));
	check(refused("{\"resourceType\":\"ValueSet\",\"expansion\":{\"contains\":[{\"code\":\"a\"}]}}",
	    "valuesets/a.json", JSON_SET, 1, "without a system"));
	check(refused(tree, "valuesets/a.json", "value_sets: {a: {file: a.json}}", 0, "one category"));
}

static void
check_declarations(void)
{
	static const char one[] = HEAD "s:a\tb\t\tHIV\t\t\n";

	check(refused(one, "valuesets/a.tsv", "value_sets: [a]", 1, "expected a map"));
	check(refused(one, "valuesets/a.tsv", "value_sets: {a: {}}", 1, "file"));
	check(refused(one, "valuesets/a.tsv", "value_sets: {a: {file: b.tsv}}", 1, "no file"));
	check(refused(one, "valuesets/a.tsv", "value_sets: {a: {file: ../valuesets/a.tsv}}", 1, "no file"));
	check(refused(one, "valuesets/a.tsv", "value_sets: {a: {file: a.tsv, rows: 2}}", 1, "1 rows"));
	check(refused(
	    one, "valuesets/a.tsv", "value_sets:\n a: {file: a.tsv, category: [HIV, SUD]}", 2, "SUD"));
	check(refused(one, "valuesets/a.tsv", "value_sets: {a: {file: a.tsv, kind: x}}", 1, "unknown key"));
	check(refused(one, "valuesets/a.tsv", "value_sets: {a: {file: a.tsv, complete: maybe}}", 1, ""));
	check(inline_fault("loinc"));
	check(inline_fault("nowhere|1"));
	check(inline_fault("loinc|"));
	check(inline_fault("|1"));
	check(inline_fault("[]"));
	check(inline_fault("[\"loinc|1\", \"loinc|1\"]"));
}

/* Many rows: the table grows, and nothing gets lost or is found that is not there. */
static void
check_growth(void)
{
	enum { ROWS = 20000 };
	char *text = malloc(ROWS * 32 + 200);
	const char *const files[] = { "valuesets/a.tsv", text, NULL };
	size_t size = (size_t)snprintf(text, 200, "%s", HEAD);
	struct bench b;
	bool good = true;

	for (unsigned i = 0; i < ROWS; i++)
		size += (size_t)snprintf(
		    text + size, 32, "s:x\t%u%s\t\tHIV\t\t\n", 3 * i, i % 7 == 0 ? "x*" : "");
	load(&b, files, "value_sets: {a: {file: a.tsv, rows: 20000}}");
	check(b.codes != NULL);
	for (unsigned i = 0; i < 3 * ROWS && good; i++) {
		char code[32];
		struct codes_match match = { 0 };
		bool exact = i % 3 == 0 && i / 3 % 7 != 0, prefix = i % 3 == 0 && i / 3 % 7 == 0;
		unsigned system = codes_system(b.codes, bytes_of("s:x"));

		(void)snprintf(code, sizeof code, "%u", i);
		good = codes_find(b.codes, system, bytes_of(code), NULL, &match) == exact;
		(void)snprintf(code, sizeof code, "%uxy", i);
		good = good && codes_find(b.codes, system, bytes_of(code), NULL, &match) == prefix;
	}
	check(good);
	tear_down(&b);
	free(text);
}

int
main(void)
{
	struct bench b;

	load(&b, good_files, good_yaml);
	check(b.codes != NULL);
	check_names_of_systems(&b);
	check_matching(&b);
	check_without_system(&b);
	check_compounds(&b);
	check_spellings(&b);
	check_more_names(&b);
	check_forms(&b);
	check_validity(&b);
	check_coverage(&b);
	check_inline(&b);
	check_categories(&b);
	tear_down(&b);
	check_editions();
	check_files();
	check_declarations();
	check_growth();
	return tap_end();
}
