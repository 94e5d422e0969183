/* SPDX-License-Identifier: ISC */
#include "common/access/access.h"
#include "common/access/assertion.h"
#include "common/crypto/jws_sign.h"
#include "tests/lib/fuzz.h"
#include "tests/lib/signers.h"

static struct access *
load(struct private_key *key)
{
	static struct policy policy;
	static const char *const consents[] = { "testdata/authz/hospital/consents" };
	struct access_sources s = { .policy = &policy,
		.consents = consents,
		.consents_count = 1,
		.facts = "testdata/authz/hospital/facts.ndjson",
		.signers = signers_of(key, "hospital"),
		.audience = BYTES("pdp") };
	struct fault fault = { 0 };

	hold(s.signers != NULL && policy_load(&policy, "policies/hospital", &fault));
	return access_load(&s, &fault);
}

/*
 * The input is the claims of a token that is signed well.  Whatever they are, a request has one answer, and
 * it is a permit only if they name the one who asks.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char head[] =
	    "{\"subject\":{\"type\":\"user\",\"id\":\"dr-lee\"},\"action\":{\"name\":\"read\"},\"resource\":{"
	    "\"type\":\"patient\",\"id\":\"ann\",\"properties\":{\"domain\":\"hospital\",\"patient\":\"ann\"}"
	    "},"
	    "\"context\":{\"time\":\"2026-03-02T09:00:00Z\",\"assertion\":\"";
	static struct private_key *key;
	static struct access *access;
	struct access_decision d;
	struct buffer line;
	size_t end;

	if (!access) {
		key = keyref_draw();
		access = load(key);
		hold(access != NULL);
	}
	buffer_init(&line, BUFFER_UNLIMITED);
	buffer_add(&line, head, sizeof head - 1);
	hold(jws_sign(&line, key, ASSERTION_TYPE, false, (struct bytes){ (const char *)data, size }));
	buffer_add(&line, "\"}}", 3);
	end = line.used;
	hold(json_slack(&line));
	access_decide(access, (struct bytes){ line.at, end }, &d);
	hold(d.text.size > 0 && !d.ill_formed);
	hold(!d.permitted || memmem(data, size, "dr-lee", 6));
	buffer_release(&line);
	return 0;
}
