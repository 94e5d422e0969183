/* SPDX-License-Identifier: ISC */
/* ehr-deliver list, show, dead: what stands in the spool, a JSON object a line. */
#include "cmd/deliver/verbs.h"

#include <string.h>
#include <unistd.h>

struct settings {
	struct verb_place place;
	const char *state;
	const char *subscription;
	const char *trouble;
};

static const struct option_entry list_table[] = {
	VERB_PLACE(struct settings),
	{ OPTION_TEXT(struct settings, state), 0, false, "state", "STATE", "in this state" },
	{ OPTION_TEXT(struct settings, subscription), 0, false, "subscription", "ID",
	    "of this subscription" },
	{ OPTION_TEXT(struct settings, trouble), 0, false, "case", "ID", "of this case" },
};

static const struct option_manual list_manual = {
	.program = "ehr-deliver list",
	.operands = "",
	.purpose = "Lists intents, in order of acceptance.",
	.table = list_table,
	.count = sizeof list_table / sizeof list_table[0],
};

static const struct option_entry place_table[] = { VERB_PLACE(struct settings) };

static const struct option_manual show_manual = {
	.program = "ehr-deliver show",
	.operands = "ID ...",
	.purpose = "Shows an intent as it came, and each attempt to send it.",
	.table = place_table,
	.count = sizeof place_table / sizeof place_table[0],
};

static const struct option_manual dead_manual = {
	.program = "ehr-deliver dead",
	.operands = "",
	.purpose = "Prints what was given up, as enqueue --again takes it back.",
	.table = place_table,
	.count = sizeof place_table / sizeof place_table[0],
};

/* Times as people read them, to the millisecond. */
#define AT(column) "strftime('%Y-%m-%dT%H:%M:%fZ', " column " / 1000.0, 'unixepoch')"

/* Members of an object that have the names of their columns. */
#define WORD(column) "'" #column "', " SPOOL_TEXT(#column) ", "
#define COUNT(column) "'" #column "', " SPOOL_NUMBER(#column) ", "
#define TIME(column) "'" #column "', " AT(#column) ", "

#define ABOUT WORD(id) WORD(kind) WORD(state) WORD(reason) WORD(subscription)
#define CRITICALITY "'criticality', (SELECT word FROM criticality AS c WHERE c.urgency = intent.urgency), "
#define TIMES TIME(accepted) TIME(dispatch_by) TIME(due) TIME(expires) TIME(first_sent)
#define CASE "'case', " SPOOL_TEXT("trouble") ", "
#define INTENT                                                                                               \
	"json_object(" ABOUT CRITICALITY COUNT(step)                                                         \
	CASE TIMES COUNT(tries) "'number', " SPOOL_NUMBER("number") ")"
#define LINE "CASE WHEN json_valid(line) THEN json(" SPOOL_TEXT("line") ") ELSE " SPOOL_TEXT("line") " END"
#define ATTEMPT                                                                                              \
	"json_object(" COUNT(try) WORD(channel) TIME(started)                                                \
	    TIME(finished) "'result', " SPOOL_TEXT("result") ")"
/* As in ehr-spool(5). */
static const char *const states[] = { "held", "due", "gathering", "sending", "sent", "done", "acked",
	"unchanged", "expired", "cancelled", "stopped", "dropped", "dead" };

static void
check_state(const struct options *o, const char *state)
{
	struct closest near = closest_to(bytes_of(state));

	for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
		if (strcmp(states[i], state) == 0)
			return;
		closest_offer(&near, bytes_of(states[i]));
	}
	options_unknown(o, "no state of ehr-spool(5)", state, &near, "");
}

static int
print_rows(struct spool *s, struct spool_rows *r, struct sink *out)
{
	while (spool_next(r) && sink_line(out, spool_text(r, 0)))
		continue;
	spool_done(r);
	verb_commit(s);
	return EXIT_DONE;
}

int
verb_list(int argc, char *argv[])
{
	struct settings set = { 0 };
	struct options o;
	struct sink out;
	struct spool *s;

	verb_read(&o, &list_manual, &set, argc, argv);
	if (set.state != NULL)
		check_state(&o, set.state);
	s = verb_open(&o, &set.place);
	sink_init_take(&out, STDOUT_FILENO, "<stdout>");
	spool_look(s);
	(void)print_rows(s,
	    spool_rows(s,
		"SELECT " INTENT
		" FROM intent WHERE (?1 IS NULL OR state = ?1) AND (?2 IS NULL OR subscription = ?2)"
		" AND (?3 IS NULL OR trouble = ?3) ORDER BY seq",
		"ttt", spool_or_null(set.state), spool_or_null(set.subscription), spool_or_null(set.trouble)),
	    &out);
	spool_close(s);
	return verb_finish(&out, EXIT_DONE);
}

int
verb_show(int argc, char *argv[])
{
	struct settings set = { 0 };
	enum diag_exit status = EXIT_DONE;
	struct options o;
	struct sink out;
	struct spool *s;

	verb_read(&o, &show_manual, &set, argc, argv);
	if (o.operands == 0)
		options_needs(&o, "ID");
	s = verb_open(&o, &set.place);
	sink_init_take(&out, STDOUT_FILENO, "<stdout>");
	for (int i = 0; i < o.operands; i++) {
		struct bytes id = bytes_of(o.operand[i]);

		spool_look(s);
		if (spool_number(s, 0, "SELECT 1 FROM intent WHERE id = ?", "t", id) == 0) {
			diag_warn("%s: no such intent here", o.operand[i]);
			status = EXIT_REFUSED;
		}
		(void)print_rows(s,
		    spool_rows(s,
			"SELECT json_object('state', " INTENT ", 'line', " LINE ", 'attempts', (SELECT "
			"json_group_array(" ATTEMPT
			") FROM attempt WHERE intent = seq)) FROM intent WHERE id = ?",
			"t", id),
		    &out);
	}
	spool_close(s);
	return verb_finish(&out, status);
}

int
verb_dead(int argc, char *argv[])
{
	struct settings set = { 0 };
	struct options o;
	struct sink out;
	struct spool *s;

	verb_read(&o, &dead_manual, &set, argc, argv);
	s = verb_open(&o, &set.place);
	sink_init_take(&out, STDOUT_FILENO, "<stdout>");
	spool_look(s);
	(void)print_rows(
	    s, spool_rows(s, "SELECT line FROM intent WHERE state = 'dead' ORDER BY seq", ""), &out);
	spool_close(s);
	return verb_finish(&out, EXIT_DONE);
}
