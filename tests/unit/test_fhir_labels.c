/* SPDX-License-Identifier: ISC */
#include "common/label/fhir_labels.h"
#include "common/policy/vocabulary.h"
#include "tests/lib/tap.h"

#include <string.h>

#define SYSTEM "http://terminology.hl7.org/CodeSystem/"
#define LEVEL(code, display)                                                                                 \
	"{\"system\":\"" SYSTEM "v3-Confidentiality\",\"code\":\"" code "\",\"display\":\"" display "\"}"
#define ACT(code, display)                                                                                   \
	"{\"system\":\"" SYSTEM "v3-ActCode\",\"code\":\"" code "\",\"display\":\"" display "\"}"
#define R LEVEL("R", "restricted")
#define HIV ACT("HIV", "HIV/AIDS information sensitivity")
#define INSIDE ACT("PROCESSINLINELABEL", "process inline security label")
#define BROUGHT(code) "{\"system\":\"" SYSTEM "v3-Confidentiality\",\"code\":\"" code "\"}"
#define EXTENSION                                                                                            \
	"{\"url\":\"http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/"                         \
	"extension-inline-sec-label\",\"valueCoding\":" BROUGHT("R") "}"
#define EXTENSIONS "\"extension\":[" EXTENSION "]"
#define SECURITY "\"security\":[" R "," INSIDE "]"
#define META "\"meta\":{" SECURITY "}"

static struct {
	struct policy policy;
	struct json_keys *keys;
	struct json json;
	struct roots roots;
	struct fhir_labels labels;
	struct buffer text, out;
	struct fhir_labels_sum sum[8];
	struct fhir_labels_part part[8];
	struct fhir_labels_wanted wanted;
} all;

static bool
put(void *context, struct bytes piece)
{
	return buffer_append(context, piece.at, piece.size);
}

/* Every root has the first sum. */
static void
read_record(const char *record)
{
	all.text.used = 0;
	buffer_add(&all.text, record, strlen(record));
	(void)json_slack(&all.text);
	check(json_parse(&all.json, buffer_bytes(&all.text)));
	roots_find(&all.roots, &all.json, 0, true);
	for (size_t i = 1; i < all.roots.count; i++)
		all.sum[i] = all.sum[0];
	all.wanted = (struct fhir_labels_wanted){ .sum = all.sum, .part = all.part };
}

/* The first string VALUE gets the label R, and with WHOLE the object or array that holds it. */
static void
label(const char *value, bool whole)
{
	uint32_t node = 0;
	uint32_t around = 0;

	for (uint32_t i = 0; i < all.json.count && node == 0; i++) {
		if (json_kind(&all.json, i) == JSON_OBJECT || json_kind(&all.json, i) == JSON_ARRAY)
			around = i;
		if (json_is(&all.json, i, bytes_of(value)) && json_kind(&all.json, i) == JSON_STRING)
			node = i;
	}
	all.part[all.wanted.parts++] =
	    (struct fhir_labels_part){ whole ? around : node, (int)all.sum[0].level, 0 };
}

static bool
gives(const char *record)
{
	all.out.used = 0;
	fhir_labels_find(&all.labels, &all.json, &all.roots, &all.wanted);
	check(fhir_labels_each(&all.labels, put, &all.out));
	if (bytes_are(buffer_bytes(&all.out), record))
		return true;
	printf("# %.*s\n# %s\n", (int)all.out.used, all.out.at, record);
	return false;
}

static bool
makes(const char *record, const char *labelled)
{
	read_record(record);
	return gives(labelled);
}

static bool
marks(const char *record, const char *value, bool whole, const char *labelled)
{
	read_record(record);
	label(value, whole);
	return gives(labelled);
}

static void
check_meta(void)
{
	/* where meta comes */
	check(makes("{ \"resourceType\" : \"Flag\" , \"id\":\"f\", \"a\":1.0 }",
	    "{ \"resourceType\" : \"Flag\" , \"id\":\"f\",\"meta\":{\"security\":[" R "]}, \"a\":1.0 }"));
	check(makes("{\"a\":1,\"resourceType\":\"Flag\"}",
	    "{\"a\":1,\"resourceType\":\"Flag\",\"meta\":{\"security\":[" R "]}}"));
	check(makes("{\"a\":1}", "{\"a\":1,\"meta\":{\"security\":[" R "]}}"));
	check(makes("{}", "{\"meta\":{\"security\":[" R "]}}"));
	/* a meta that is there */
	check(makes("{\"meta\":{ }}", "{\"meta\":{ \"security\":[" R "]}}"));
	check(makes("{\"meta\":{\"source\":\"s\"}}", "{\"meta\":{\"source\":\"s\",\"security\":[" R "]}}"));
	check(makes("{\"meta\":{\"security\":[]}}", "{\"meta\":{\"security\":[" R "]}}"));
	check(makes("{\"meta\":null,\"a\":1}", "{\"meta\":{\"security\":[" R "]},\"a\":1}"));
	check(makes("{\"meta\":\"R\"}", "{\"meta\":{\"security\":[" R "]}}"));
	check(makes("{\"meta\":[]}", "{\"meta\":[{\"security\":[" R "]}]}"));
	check(makes("{\"meta\":[7]}", "{\"meta\":[7,{\"security\":[" R "]}]}"));
	check(makes("{\"meta\":[{\"a\":1}]}", "{\"meta\":[{\"a\":1,\"security\":[" R "]}]}"));
}

static void
check_codes(void)
{
	/* the code that is there is replaced, or stays with its bytes; others keep place and bytes */
	check(makes("{\"meta\":{\"security\":[{\"code\":\"x\"}, " BROUGHT("N") ",7]}}",
	    "{\"meta\":{\"security\":[{\"code\":\"x\"}, " R ",7]}}"));
	check(makes("{\"meta\":{\"security\":[ " BROUGHT("R") " ]}}",
	    "{\"meta\":{\"security\":[ " BROUGHT("R") " ]}}"));
	check(makes("{\"meta\":{\"security\":" BROUGHT("N") "}}", "{\"meta\":{\"security\":[" R "]}}"));
	check(makes("{\"meta\":{\"security\":\"N\"}}", "{\"meta\":{\"security\":[\"N\"," R "]}}"));
	/* of several one is left, unless they are named by number */
	check(makes("{\"meta\":{\"security\":[" BROUGHT("N") ",{}, " BROUGHT("V") ",1]}}",
	    "{\"meta\":{\"security\":[" R ",{},1]}}"));
	read_record("{\"meta\":{\"security\":[" BROUGHT("N") "," BROUGHT("V") ",1]}}");
	all.wanted.has_pointers = true;
	check(gives("{\"meta\":{\"security\":[" R "," R ",1]}}"));
	/* categories, laws, and what was done */
	all.sum[0].sensitivity = UINT64_C(1)
				 << vocabulary_find(VOCABULARY_SENSITIVITY, bytes_of("HIV"))->index;
	check(makes("{\"a\":1}", "{\"a\":1,\"meta\":{\"security\":[" R "," HIV "]}}"));
	check(makes("{\"meta\":{\"security\":[{\"code\":\"HIV\",\"system\":\"" SYSTEM "v3-ActCode\"}]}}",
	    "{\"meta\":{\"security\":[{\"code\":\"HIV\",\"system\":\"" SYSTEM "v3-ActCode\"}," R "]}}"));
	check(makes("{\"meta\":{\"security\":[{\"code\":\"HIV\"}]}}",
	    "{\"meta\":{\"security\":[{\"code\":\"HIV\"}," R "," HIV "]}}"));
	all.sum[0].sensitivity = 0;
	all.sum[0].done = 1U << FHIR_LABELS_PSEUDED;
	check(makes("{\"a\":1}",
	    "{\"a\":1,\"meta\":{\"security\":[" R ",{\"system\":\"" SYSTEM
	    "v3-ObservationValue\",\"code\":\"PSEUDED\",\"display\":\"pseudonymized\"}]}}"));
	all.sum[0].done = 0;
	all.sum[0].basis = UINT64_C(1)
			   << vocabulary_find(VOCABULARY_PRIVACY_LAW, bytes_of("42CFRPart2"))->index;
	check(makes("{\"meta\":{\"security\":[" BROUGHT("R") "]}}",
	    "{\"meta\":{\"security\":[{\"system\":\"" SYSTEM
	    "v3-Confidentiality\",\"code\":\"R\",\"display\":\"restricted\",\"extension\":[{\"url\":"
	    "\"http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/extension-sec-label-basis\","
	    "\"valueCoding\":" ACT("42CFRPart2", "42 CFR Part2") "}]}]}}"));
	all.sum[0].basis = 0;
}

static void
check_roots(void)
{
	/* each resource of a Bundle; no contained one */
	check(makes("{\"resourceType\":\"Bundle\",\"entry\":[{\"resource\":{\"resourceType\":\"Flag\","
		    "\"contained\":[{\"resourceType\":\"Basic\"}]}}]}",
	    "{\"resourceType\":\"Bundle\",\"meta\":{\"security\":[" R
	    "]},\"entry\":[{\"resource\":{\"resourceType\":\"Flag\",\"meta\":{\"security\":[" R
	    "]},\"contained\":[{\"resourceType\":\"Basic\"}]}}]}"));
}

static void
check_elements(void)
{
	/* an object, an object with extensions, an empty list of them */
	check(marks(
	    "{" META ",\"a\":{\"b\":\"x\"}}", "x", true, "{" META ",\"a\":{\"b\":\"x\"," EXTENSIONS "}}"));
	check(marks("{" META ",\"a\":{\"b\":\"x\",\"extension\":[{\"url\":\"u\"}]}}", "x", true,
	    "{" META ",\"a\":{\"b\":\"x\",\"extension\":[{\"url\":\"u\"}," EXTENSION "]}}"));
	check(marks("{" META ",\"a\":{\"b\":\"x\",\"extension\":[]}}", "x", true,
	    "{" META ",\"a\":{\"b\":\"x\"," EXTENSIONS "}}"));
	/* twice changes nothing */
	check(marks("{" META ",\"a\":{\"b\":\"x\"," EXTENSIONS "}}", "x", true,
	    "{" META ",\"a\":{\"b\":\"x\"," EXTENSIONS "}}"));
	/* a primitive, one with _x, one in a list */
	check(marks("{" META ",\"a\":\"x\"}", "x", false, "{" META ",\"a\":\"x\",\"_a\":{" EXTENSIONS "}}"));
	check(marks("{" META ",\"_a\":{\"id\":\"1\"},\"a\":\"x\"}", "x", false,
	    "{" META ",\"_a\":{\"id\":\"1\"," EXTENSIONS "},\"a\":\"x\"}"));
	check(marks("{" META ",\"a\":{\"b\":[\"y\",\"x\",\"z\"]}}", "x", false,
	    "{" META ",\"a\":{\"b\":[\"y\",\"x\",\"z\"],\"_b\":[null,{" EXTENSIONS "}]}}"));
	check(marks("{" META ",\"a\":{\"b\":[\"y\",\"x\"],\"_b\":[null,null]}}", "x", false,
	    "{" META ",\"a\":{\"b\":[\"y\",\"x\"],\"_b\":[null,{" EXTENSIONS "}]}}"));
	read_record("{" META ",\"a\":[\"y\",\"x\",\"z\",\"w\"]}");
	label("y", false);
	label("z", false);
	check(gives(
	    "{" META ",\"a\":[\"y\",\"x\",\"z\",\"w\"],\"_a\":[{" EXTENSIONS "},null,{" EXTENSIONS "}]}"));
	/* the label of a list is one of each element */
	check(marks("{" META ",\"a\":[\"x\",\"y\"]}", "x", true,
	    "{" META ",\"a\":[\"x\",\"y\"],\"_a\":[{" EXTENSIONS "},{" EXTENSIONS "}]}"));
	/* what holds no extension leaves its label to what is around it, the root to its meta */
	check(marks("{" META ",\"a\":{\"b\":1,\"id\":\"x\"}}", "x", false,
	    "{" META ",\"a\":{\"b\":1,\"id\":\"x\"," EXTENSIONS "}}"));
	check(marks("{" META ",\"a\":{\"extension\":[{\"url\":\"x\"}]}}", "x", true,
	    "{" META ",\"a\":{\"extension\":[{\"url\":\"x\"}," EXTENSION "]}}"));
	check(marks("{\"resourceType\":\"x\"," META "}", "x", false, "{\"resourceType\":\"x\"," META "}"));
	check(marks("{\"meta\":{\"tag\":[{\"code\":\"x\"}]}}", "x", true,
	    "{\"meta\":{\"tag\":[{\"code\":\"x\"}],\"security\":[" R "]}}"));
	/* the label of a contained root stands in it */
	check(marks("{" META ",\"contained\":[{\"resourceType\":\"x\"}]}", "x", true,
	    "{" META ",\"contained\":[{\"resourceType\":\"x\"," EXTENSIONS "}]}"));
	/* both at one place */
	read_record("{" META ",\"a\":{\"b\":\"x\"}}");
	label("x", true);
	label("x", false);
	check(gives("{" META ",\"a\":{\"b\":\"x\"," EXTENSIONS ",\"_b\":{" EXTENSIONS "}}}"));
	/* an inline label gets none */
	check(marks("{\"a\":{" EXTENSIONS "}}", "R", true,
	    "{\"a\":{" EXTENSIONS "},\"meta\":{\"security\":[" R "]}}"));
}

int
main(void)
{
	static struct policy_level ladder[2] = { { .name = BYTES("N") }, { .name = BYTES("R") } };

	memcpy(all.policy.level, ladder, sizeof ladder);
	all.policy.code_system = vocabulary_system(VOCABULARY_CONFIDENTIALITY);
	all.keys = json_keys_new();
	roots_init(&all.roots, all.keys);
	json_init(&all.json, all.keys, JSON_MAX_DEPTH);
	fhir_labels_init(&all.labels, &all.policy);
	buffer_init(&all.text, BUFFER_UNLIMITED);
	buffer_init(&all.out, BUFFER_UNLIMITED);
	all.sum[0].level = 1;
	check_meta();
	check_codes();
	check_roots();
	check_elements();
	fhir_labels_release(&all.labels);
	roots_release(&all.roots);
	json_release(&all.json);
	json_keys_free(all.keys);
	buffer_release(&all.text);
	buffer_release(&all.out);
	return tap_end();
}
