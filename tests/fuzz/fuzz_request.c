/* SPDX-License-Identifier: ISC */
#include "common/access/access.h"
#include "tests/lib/fuzz.h"

/* The hospital's policy with the directives and facts of its cases. */
static struct access *
load(void)
{
	static struct policy policy;
	static const char *const consents[] = { "testdata/authz/hospital/consents" };
	struct access_sources s = { .policy = &policy,
		.consents = consents,
		.consents_count = 1,
		.facts = "testdata/authz/hospital/facts.ndjson",
		.used = "testdata/authz/hospital/used.ndjson" };
	struct fault fault = { 0 };

	hold(policy_load(&policy, "policies/hospital", &fault));
	return access_load(&s, &fault);
}

/* Every line has one answer, which is strict JSON.  An ill-formed request is not permitted. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct access *access;
	static struct json json;
	struct access_decision d;
	char *line = calloc(1, size + JSON_SLACK), *answer;

	if (!access) {
		access = load();
		hold(access != NULL);
		json_init(&json, NULL, 2 * JSON_MAX_DEPTH);
	}
	hold(line != NULL);
	memcpy(line, data, size);
	access_decide(access, (struct bytes){ line, size }, &d);
	hold(d.text.size > 0 && !memchr(d.text.at, '\n', d.text.size));
	hold(!d.ill_formed || (!d.permitted && d.reason != REASON_NONE));
	answer = calloc(1, d.text.size + JSON_SLACK);
	hold(answer != NULL);
	memcpy(answer, d.text.at, d.text.size);
	hold(json_parse(&json, (struct bytes){ answer, d.text.size }));
	hold(d.ill_formed || json_member(&json, 0, (struct bytes)BYTES("decision")) != 0 ||
	     json_member(&json, 0, (struct bytes)BYTES("evaluations")) != 0);
	free(answer);
	free(line);
	return 0;
}
