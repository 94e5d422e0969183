/* SPDX-License-Identifier: ISC */
/* ehr-deliver events: what a subscription was told, each message through the gate once more. */
#include "cmd/deliver/verbs.h"

#include <inttypes.h>
#include <unistd.h>

struct settings {
	struct verb_files files;
	const char *subscription;
	const char *since;
};

static const struct option_entry table[] = {
	VERB_GATE,
	{ OPTION_TEXT(struct settings, subscription), 0, false, "subscription", "ID",
	    "of this subscription" },
	{ OPTION_TEXT(struct settings, since), 0, false, "since", "N", "messages with a number above N" },
};

static const struct option_manual manual = {
	.program = "ehr-deliver events",
	.operands = "",
	.purpose = "Lists the messages of a subscription by their numbers, as far as they are kept and may\n"
		   "still be told.",
	.table = table,
	.count = sizeof table / sizeof table[0],
};

struct events {
	struct settings set;
	struct verb_policy policy;
	struct gate *gate;
	struct instant now;
	struct json json;
	struct buffer line; /* of the intent, with slack */
	uint64_t stopped;
	const char *why; /* the first of them was stopped */
};

static void
release(struct events *e)
{
	gate_close(e->gate);
	json_release(&e->json);
	buffer_release(&e->line);
	policy_release(&e->policy.policy);
}

/* NULL: the message may be told again, to SUB. */
static const char *
stops(struct events *e, struct bytes line, const struct subscription **sub)
{
	e->line.used = 0;
	buffer_add(&e->line, line.at, line.size);
	if (!json_slack(&e->line) || !json_parse(&e->json, buffer_bytes(&e->line)))
		return "malformed";
	return gate_stops(e->gate, &e->json, bytes_of(e->set.subscription), e->now, sub);
}

#define REF "CASE WHEN json_valid(line) THEN json_extract(" SPOOL_TEXT("line") ", '$.ref') END"
#define EVENT(ref)                                                                                           \
	"json_object('number', " SPOOL_NUMBER("number") ", 'id', " SPOOL_TEXT("id") ", 'kind', " SPOOL_TEXT( \
	    "kind") ", 'state', " SPOOL_TEXT("state") ", 'ref', " ref                                        \
						      ", 'sent', strftime('%Y-%m-%dT%H:%M:%fZ', first_sent " \
						      "/ 1000.0, 'unixepoch'))"

/* A subscription that asks for empty messages by now gets no reference. */
static void
print_events(struct events *e, struct spool *s, int64_t since, struct sink *out)
{
	struct spool_rows *r = spool_rows(s,
	    "SELECT line, " EVENT(REF) ", " EVENT("NULL") " FROM intent WHERE subscription = ? AND number > ?"
							  " ORDER BY number",
	    "ti", bytes_of(e->set.subscription), since);

	while (spool_next(r)) {
		const struct subscription *sub = NULL;
		const char *why = stops(e, spool_text(r, 0), &sub);

		if (why == NULL && !sink_line(out, spool_text(r, sub->payload == PAYLOAD_EMPTY ? 2 : 1)))
			break;
		if (why != NULL && e->stopped++ == 0)
			e->why = why;
	}
	spool_done(r);
}

int
verb_events(int argc, char *argv[])
{
	static struct events e;
	enum diag_exit status = EXIT_DONE;
	uint64_t since = 0;
	struct options o;
	struct sink out;
	struct spool *s;

	verb_read(&o, &manual, &e.set, argc, argv);
	if (e.set.subscription == NULL)
		options_needs(&o, "--subscription ID");
	if (e.set.since != NULL && !options_number(e.set.since, INT64_MAX, &since))
		options_misuse(&o, "not a number", e.set.since);
	s = verb_open(&o, &e.set.files.place);
	verb_policy_load(&e.policy, &o, &e.set.files);
	e.now = (struct instant){ .seconds = verb_now() / 1000 };
	e.gate = verb_gate(&e.policy, &o, &e.set.files, e.now);
	json_init(&e.json, NULL, JSON_MAX_DEPTH);
	buffer_init(&e.line, BUFFER_UNLIMITED);
	sink_init_take(&out, STDOUT_FILENO, "<stdout>");
	spool_look(s);
	print_events(&e, s, (int64_t)since, &out);
	verb_commit(s);
	spool_close(s);
	if (e.stopped > 0) {
		diag_warn("%s: %" PRIu64 " messages are not shown, because the gate would stop them now: %s",
		    e.set.subscription, e.stopped, e.why);
		status = EXIT_REFUSED;
	}
	release(&e);
	return verb_finish(&out, status);
}
