/* SPDX-License-Identifier: ISC */
#include "common/label/classifier.h"
#include "common/policy/vocabulary.h"
#include "tests/lib/tap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What others ask of a classifier: labels and their rules, levels of nodes, facts of coverage. */
static struct policy policy;
static struct json_keys *keys;
static struct classifier *classifier;
static struct json json;
static struct labels labels;
static char text[8192];

static bool
run(const char *line)
{
	size_t size = strlen(line);

	memset(text, 0, sizeof text);
	memcpy(text, line, size);
	if (!json_parse(&json, (struct bytes){ text, size }))
		exit(99);
	return classifier_run(classifier, &json, &labels);
}

static unsigned
level(const char *name)
{
	return (unsigned)policy_level(&policy, bytes_of(name));
}

/* The level of the value of member NAME of OBJECT. */
static unsigned
level_of(uint32_t object, const char *name)
{
	return classifier_level(classifier, &json, &labels, json_member(&json, object, bytes_of(name)));
}

static void
check_levels(void)
{
	check(run(
	    "{\"resourceType\":\"Observation\",\"id\":\"o\",\"status\":\"final\",\"code\":{\"text\":\"t\"},"
	    "\"component\":[{\"code\":{\"coding\":[{\"code\":\"B20\"}]},\"x\":{\"y\":1}},{\"x\":1}]}"));
	uint32_t list = json_member(&json, 0, (struct bytes)BYTES("component"));
	uint32_t second = json.nodes[list + 1].next;

	check(labels.level == level("R"));
	check(labels.record == 0 && labels.roots->count == 1);
	check(bytes_are(labels.id, "Observation/o") && labels.subject.size == 0);
	check(labels.sensitivity == UINT64_C(1)
					<< vocabulary_find(VOCABULARY_SENSITIVITY, bytes_of("HIV"))->index);
	check(level_of(0, "id") == level("U"));
	check(level_of(0, "status") == level("L"));
	check(level_of(0, "code") == level("N"));
	check(level_of(json_member(&json, 0, (struct bytes)BYTES("code")), "text") == level("R"));
	/* A raised entry: nothing in it is lower, whatever base says. */
	check(level_of(list + 1, "code") == level("R"));
	check(level_of(json_member(&json, list + 1, (struct bytes)BYTES("x")), "y") == level("R"));
	check(level_of(second, "x") == level("N"));
}

static void
check_rules(void)
{
	struct label_origin rule;

	check(labels.at[0].node == 0 && labels.at[0].kind == LABEL_BASE);
	rule = classifier_origin(classifier, labels.at[0].origin);
	check(strcmp(rule.id, "base") == 0 && strcmp(rule.say, "By its place: .") == 0 && rule.line > 0);
	for (size_t i = 0; i < labels.count; i++)
		if (labels.at[i].kind == LABEL_RAISE)
			rule = classifier_origin(classifier, labels.at[i].origin);
	check(strcmp(rule.id, "hiv") == 0 && strcmp(rule.say, "HIV.") == 0 && rule.line == 24);
	check(strstr(rule.file, "testdata/policies/labels/classify.yaml") != NULL);
	check(bytes_are(classifier_criticality(classifier, labels.criticality), "routine"));
}

static void
check_refusals(void)
{
	check(!run("[]") && labels.reason == REASON_NOT_AN_OBJECT);
	check(!run("{\"ehr\":{\"v\":1,\"stage\":\"opened\"},\"record\":{}}"));
	check(!run("{\"resourceType\":\"Flag\",\"meta\":{\"security\":[70]}}") &&
	      labels.reason == REASON_BAD_LABEL && labels.byte == 44);
	/* What came before leaves nothing behind. */
	check(run("{\"resourceType\":\"Flag\"}") && labels.count == 2 && labels.level == level("N"));
}

/* So many roots and labels that sorting has its work: in order, each once. */
static void
check_many(void)
{
	static const char head[] = "{\"resourceType\":\"Bundle\",\"entry\":[";
	char *many = calloc(1, 1 << 20);
	size_t used = sizeof head - 1;
	bool ordered = true;

	memcpy(many, head, used);
	for (int i = 0; i < 3000; i++)
		used += (size_t)snprintf(many + used, (1 << 20) - used,
		    "%s{\"resource\":{\"id\":\"%d\",\"resourceType\":\"Group\",\"text\":{\"div\":\"d\"}}}",
		    i > 0 ? "," : "", i);
	used += (size_t)snprintf(many + used, (1 << 20) - used, "]}");
	check(json_parse(&json, (struct bytes){ many, used }) && classifier_run(classifier, &json, &labels));
	check(labels.roots->count == 3001);
	for (size_t i = 1; i < labels.count; i++)
		ordered = ordered && labels.at[i - 1].node <= labels.at[i].node;
	check(ordered);
	/* Of the Bundle its own and its type's, of each Group those and the id's and the rule's. */
	check(labels.count == 2 + 3000 * 3);
	free(many);
}

static void
check_coverage(void)
{
	struct coverage fact;
	size_t count = 0;
	bool groups = false;

	while (classifier_coverage(classifier, count, &fact)) {
		count++;
		check(fact.records > 0);
		groups = groups || (fact.kind == COVERAGE_NO_BASE && bytes_are(fact.name, "Group") &&
				       fact.records == 3000);
	}
	check(count > 0 && groups);
}

static void
check_write(void)
{
	struct sink sink;

	check(run("{\"resourceType\":\"Flag\"}"));
	sink_init_take(&sink, open("/dev/full", O_WRONLY | O_CLOEXEC), "full");
	check(classifier_write(classifier, &json, &labels, &sink));
	check(!sink_close(&sink));
	check(!classifier_write(classifier, &json, &labels, &sink) || sink.error != 0);
}

int
main(void)
{
	const char *root = getenv("EHR_ROOT");
	struct fault fault = { 0 };
	char path[1024];

	(void)snprintf(path, sizeof path, "%s/testdata/policies/labels", root == NULL ? "." : root);
	if (!policy_load(&policy, path, &fault))
		exit(99);
	keys = json_keys_new();
	classifier = classifier_load(&policy, keys, "2026-11-21T10:00:00Z", &fault);
	if (classifier == NULL)
		exit(99);
	json_init(&json, keys, JSON_MAX_DEPTH);
	check_levels();
	check_rules();
	check_refusals();
	check_many();
	check_coverage();
	check_write();
	json_release(&json);
	classifier_free(classifier);
	classifier_free(NULL);
	json_keys_free(keys);
	policy_release(&policy);
	return tap_end();
}
