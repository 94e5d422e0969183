/* SPDX-License-Identifier: ISC */
#include "common/base/clock.h"
#include "common/redact/redactor.h"
#include "tests/lib/fuzz.h"

static struct mac *
find_key(void *context, struct bytes name)
{
	static struct mac *key;

	(void)context;
	(void)name;
	if (key == NULL)
		key = mac_new((struct bytes)BYTES("a key of thirty-two bytes, no less"));
	return key;
}

static struct redactor *
load(const char *directory)
{
	struct policy *policy = calloc(1, sizeof *policy);
	struct redactor_settings settings = {
		.other_policy = true, .max_depth = 64, .max_record = 1 << 20, .key = find_key
	};
	struct redactor_problem problem = { .text = "" };
	struct redactor *r = NULL;

	hold(policy != NULL && policy_load(policy, directory, &problem.fault));
	hold(redactor_load(&r, policy, &settings, &problem) == REDACTOR_READY);
	return r;
}

/* The record of a line that the redactor took. */
static struct bytes
record_of(struct bytes line)
{
	static struct json json;
	struct envelope envelope;

	if (json.nodes == NULL)
		json_init(&json, NULL, 256);
	hold(json_parse(&json, line) && envelope_read(&envelope, &json));
	return json_span(&json, envelope.record);
}

/* A version is one JSON object, and the highest one is the record, byte for byte. */
static void
look_at(struct redactor *r, unsigned version, struct bytes line, struct buffer *text)
{
	static struct json json;

	if (json.nodes == NULL)
		json_init(&json, NULL, 256);
	text->used = 0;
	hold(redactor_record(r, version, text));
	if (redactor_state(r, version) == VERSION_NONE) {
		hold(text->used == 0);
		return;
	}
	size_t size = text->used;
	static const char slack[JSON_SLACK];
	hold(buffer_append(text, slack, sizeof slack));
	hold(json_parse(&json, (struct bytes){ text->at, size }) && json_kind(&json, 0) == JSON_OBJECT);
	hold(redactor_tags(r, version)->n >= 1 &&
	     redactor_tags(r, version)->n <= redactor_tags(r, version)->of);
	if (version + 1 == redactor_versions(r) && redactor_tags(r, version)->stage == STAGE_VERSION)
		hold(bytes_equal((struct bytes){ text->at, size }, record_of(line)));
}

static void
run(struct redactor *r, struct bytes line)
{
	static struct buffer text;
	struct redaction result;

	if (text.limit == 0)
		buffer_init(&text, 64 << 20);
	if (!redactor_run(r, line, &result)) {
		hold(result.reason != REASON_NONE && result.byte <= line.size + 1);
		return;
	}
	for (unsigned i = 0; i < redactor_versions(r); i++)
		look_at(r, i, line, &text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct redactor *hospital, *meter;
	char *line = calloc(1, size + JSON_SLACK);

	if (hospital == NULL) {
		hospital = load("policies/hospital");
		meter = load("policies/meter");
		redactor_explain(meter);
	}
	hold(line != NULL);
	if (size > 0)
		memcpy(line, data, size);
	run(hospital, (struct bytes){ line, size });
	run(meter, (struct bytes){ line, size });
	free(line);
	return 0;
}
