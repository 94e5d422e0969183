/* SPDX-License-Identifier: ISC */
#include "cmd/keys/decision.h"
#include "common/policy/permission.h"
#include "tests/lib/fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

static struct policy policy;
static const struct instant early = { .seconds = 1000000000 }, late = { .seconds = 4000000000 };
static const struct instant fresh = { .seconds = 1772442060 }; /* 2026-03-02T09:01:00Z */

static enum permission_outcome
ask(struct permission *p, struct bytes text, const struct instant *now, bool delivers)
{
	const struct permission_terms terms = {
		.policy = &policy, .now = now, .delivers = delivers, .program = "ehr-select"
	};
	const char *why = NULL;
	enum permission_outcome outcome = permission_of_decision(p, text, &terms, &why);

	hold(outcome == PERMISSION_GIVEN || why != NULL || outcome == PERMISSION_NEEDS_NOW);
	hold(outcome != PERMISSION_NEEDS_NOW || now == NULL);
	return outcome;
}

/* What is given is in the decision, for one subject that is not empty. */
static void
check_given(const struct permission *p, const struct json *j)
{
	uint32_t decision = json_member(j, 0, bytes_of("decision"));
	uint32_t context = json_member(j, 0, bytes_of("context"));
	uint64_t al = 0;

	hold(decision != 0 && json_kind(j, decision) == JSON_TRUE && context != 0);
	hold(json_integer(j, json_member(j, context, bytes_of("al")), &al) && p->al <= al && al <= 99);
	hold(p->subject.size > 0 && permission_covers(p, p->subject));
	hold(!permission_covers(p, (struct bytes){ "", 0 }) && !permission_covers(p, bytes_of("\001")));
}

/* Whether the decision that is indexed in J says of when it is, or until when. */
static bool
is_timed(const struct json *j)
{
	uint32_t context = json_member(j, 0, bytes_of("context"));

	return json_member(j, context, bytes_of("time")) != 0 ||
	       json_member(j, context, bytes_of("valid_until")) != 0;
}

/*
 * What ehr-select makes of a decision.  Whatever is given without a time says none itself; what is given late
 * is given early; a caller that delivers nothing is given no more.
 */
static void
try_select(struct bytes text)
{
	struct permission p;
	struct json j;
	bool at_early, at_late, undelivered;

	json_init(&j, NULL, JSON_MAX_DEPTH);
	at_early = ask(&p, text, &early, true) == PERMISSION_GIVEN;
	if (at_early) {
		hold(json_parse(&j, text));
		check_given(&p, &j);
	}
	permission_release(&p);
	undelivered = ask(&p, text, &early, false) == PERMISSION_GIVEN;
	permission_release(&p);
	at_late = ask(&p, text, &late, true) == PERMISSION_GIVEN;
	permission_release(&p);
	if (ask(&p, text, NULL, true) == PERMISSION_GIVEN)
		hold(json_parse(&j, text) && !is_timed(&j));
	permission_release(&p);
	hold(!at_late || at_early);
	hold(!undelivered || at_early);
	json_release(&j);
}

/* What ehr-keys makes of the lines of standard input: each that counts is in force and about the action. */
static void
try_keys(struct instant now)
{
	static const char *const actions[] = { "release-keys", "subscribe", "revoke", "enrol" };

	for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
		const struct verb_settings s = { .decision = "-" };
		struct verb_answer a = { 0 };
		enum diag_exit status;
		struct decision d;
		struct decision_file *file;

		hold(lseek(STDIN_FILENO, 0, SEEK_SET) == 0);
		file = decision_file_read(&s, &a, &status);
		hold(file != NULL);
		while (decision_file_next(file, actions[i], now, &d, &a, &status)) {
			uint32_t decision = json_member(d.json, 0, bytes_of("decision"));

			hold(status == EXIT_DONE && json_kind(d.json, decision) == JSON_TRUE && d.al <= 99);
			hold(bytes_are(d.action, actions[i]) && d.subject.size > 0);
			hold(!d.ends || instant_compare(d.end, now) > 0);
		}
		hold((status == EXIT_DONE) == (a.fault[0] == '\0'));
		decision_file_free(file);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool begun;
	char *text = calloc(1, size + JSON_SLACK);

	hold(text != NULL);
	if (!begun) {
		struct fault fault = { 0 };

		hold(policy_load(&policy, "policies/hospital", &fault));
		hold(dup2(memfd_create("decision", MFD_CLOEXEC), STDIN_FILENO) == STDIN_FILENO);
		begun = true;
	}
	hold(ftruncate(STDIN_FILENO, 0) == 0 && pwrite(STDIN_FILENO, data, size, 0) == (ssize_t)size);
	if (size > 0)
		memcpy(text, data, size);
	try_select((struct bytes){ text, size });
	try_keys(early);
	try_keys(fresh);
	try_keys(late);
	free(text);
	return 0;
}
