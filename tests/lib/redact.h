/* SPDX-License-Identifier: ISC */
#ifndef EHR_TESTS_REDACT_H
#define EHR_TESTS_REDACT_H

#include "common/base/clock.h"
#include "common/redact/redactor.h"
#include "tests/lib/folder.h"

#include <string.h>

/*
 * redact: the redactor of a policy in testdata/policies/redact, given one labelled record at a time.
 * NAME.yaml there is a redact.yaml; the other files of the policy lie beside it.
 *
 *	redact_begin();
 *	check(redact_load("shown") == REDACTOR_READY);
 *	check(redact_run(BASE RAISE("/a"), "{\"a\":1,\"b\":2}") && redact_is(0, "{\"b\":2}"));
 *	redact_end();
 */
#define BASE "{\"at\":\"\",\"level\":\"N\",\"rule\":\"base\"}"
#define LOW "{\"at\":\"\",\"level\":\"L\",\"rule\":\"base\"}"
#define LABEL(at, level, rule) ",{\"at\":\"" at "\",\"level\":\"" level "\",\"rule\":\"" rule "\"}"
#define RAISE(at) LABEL(at, "R", "x")
#define LOWER(at) LABEL(at, "L", "base")

/* What `above: absent` leaves. */
#define GONE                                                                                                 \
	"{\"extension\":[{\"url\":\"http://hl7.org/fhir/StructureDefinition/data-absent-reason\","           \
	"\"valueCode\":\"masked\"}]}"

enum { REDACT_TEXT = 1 << 17 };

static struct redact_state {
	struct policy policy;
	struct redactor *redactor;
	struct redactor_problem problem;
	struct redaction result;
	struct mac *mark, *pseudonym;
	struct instant now;
	char line[REDACT_TEXT + JSON_SLACK];
} redact;

static inline struct mac *
redact_key(void *context, struct bytes name)
{
	(void)context;
	if (bytes_are(name, "mark"))
		return redact.mark;
	return bytes_are(name, "pseudonym") ? redact.pseudonym : NULL;
}

/* The file NAME of testdata/policies/redact. */
static inline void
redact_read(const char *name, char *text, size_t room)
{
	const char *root = getenv("EHR_ROOT");
	char path[512];
	size_t size;
	FILE *f;

	(void)snprintf(path, sizeof path, "%s/testdata/policies/redact/%s", root == NULL ? "." : root, name);
	f = fopen(path, "re");
	size = f != NULL ? fread(text, 1, room, f) : 0;
	if (f == NULL || size == 0 || size == room || fclose(f) != 0)
		exit(99);
	text[size] = '\0';
}

static inline void
redact_copy(const char *from, const char *to)
{
	static char text[1 << 16];

	redact_read(from, text, sizeof text);
	folder_write(to, text);
}

static inline void
redact_begin(void)
{
	unsigned char key[32];

	for (unsigned i = 0; i < sizeof key; i++)
		key[i] = (unsigned char)i;
	redact.mark = mac_new((struct bytes){ (const char *)key, sizeof key });
	key[0] = 99;
	redact.pseudonym = mac_new((struct bytes){ (const char *)key, sizeof key });
	(void)clock_parse_instant((struct bytes)BYTES("2026-11-01T00:00:00Z"), &redact.now);
	folder_make();
	redact_copy("policy.yaml", "policy.yaml");
	redact_copy("classify.yaml", "classify.yaml");
	redact_copy("seal.yaml", "seal.yaml");
	redact_copy("notify.yaml", "notify.yaml");
}

static inline void
redact_unload(void)
{
	redactor_free(redact.redactor);
	redact.redactor = NULL;
	policy_release(&redact.policy);
}

static inline void
redact_end(void)
{
	redact_unload();
	mac_free(redact.mark);
	mac_free(redact.pseudonym);
	folder_remove();
}

/* Loads what redact.yaml in the folder says; SETTINGS lack limits and keys. */
static inline enum redactor_start
redact_load_folder(struct redactor_settings settings)
{
	redact_unload();
	redact.problem = (struct redactor_problem){ .text = "" };
	if (!policy_load(&redact.policy, folder_name, &redact.problem.fault)) {
		printf("# %s\n", redact.problem.fault.text);
		exit(99);
	}
	settings.max_depth = 64;
	settings.max_record = 1 << 20;
	settings.key = redact_key;
	return redactor_load(&redact.redactor, &redact.policy, &settings, &redact.problem);
}

static inline enum redactor_start
redact_load_with(const char *name, struct redactor_settings settings)
{
	char file[64];

	(void)snprintf(file, sizeof file, "%s.yaml", name);
	redact_copy(file, "redact.yaml");
	return redact_load_folder(settings);
}

/* With a time, a batch, and lines of any policy. */
static inline enum redactor_start
redact_load(const char *name)
{
	struct redactor_settings settings = {
		.now = &redact.now, .batch = bytes_of("b1"), .other_policy = true
	};
	enum redactor_start start = redact_load_with(name, settings);

	if (start != REDACTOR_READY)
		printf("# start %d: %s:%u:%u: %s %s\n", (int)start, redact.problem.fault.file,
		    redact.problem.fault.line, redact.problem.fault.column, redact.problem.fault.text,
		    redact.problem.text);
	return start;
}

static inline bool
redact_run(const char *labels, const char *record)
{
	int size = snprintf(redact.line, REDACT_TEXT,
	    "{\"ehr\":{\"v\":1,\"stage\":\"labelled\",\"id\":\"Observation/o1\",\"subject\":\"Patient/p1\","
	    "\"level\":\"N\",\"criticality\":\"routine\",\"policy\":\"sha256:0\"},\"labels\":[%s],\"record\":"
	    "%s}",
	    labels, record);

	return redactor_run(redact.redactor, (struct bytes){ redact.line, (size_t)size }, &redact.result);
}

/* The record of a version, until the next call. */
static inline const char *
redact_version(unsigned version)
{
	static char text[REDACT_TEXT];
	struct buffer out;

	buffer_init(&out, sizeof text - 1);
	if (!redactor_record(redact.redactor, version, &out))
		exit(99);
	if (out.used > 0)
		memcpy(text, out.at, out.used);
	text[out.used] = '\0';
	buffer_release(&out);
	return text;
}

/* A version as it will be written, record and tags; empty if there is none. */
struct redact_text {
	char at[REDACT_TEXT];
	size_t size;
};

static inline void
redact_take(unsigned version, struct redact_text *t)
{
	struct buffer out;

	buffer_init(&out, REDACT_TEXT - 1);
	if (redactor_state(redact.redactor, version) != VERSION_NONE &&
	    (!redactor_record(redact.redactor, version, &out) || !buffer_append(&out, " ", 1) ||
		!tags_write(&out, redactor_tags(redact.redactor, version))))
		exit(99);
	if (out.used > 0)
		memcpy(t->at, out.at, out.used);
	t->at[out.used] = '\0';
	t->size = out.used;
	buffer_release(&out);
}

static inline bool
redact_is(unsigned version, const char *want)
{
	const char *got = redact_version(version);

	if (strcmp(got, want) == 0)
		return true;
	printf("# version %u is   %s\n# and should be %s\n", version, got, want);
	return false;
}

static inline enum redactor_state
redact_state(unsigned version)
{
	return redactor_state(redact.redactor, version);
}

static inline const struct tags *
redact_tags(unsigned version)
{
	return redactor_tags(redact.redactor, version);
}

#endif
