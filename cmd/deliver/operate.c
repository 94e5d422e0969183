/* SPDX-License-Identifier: ISC */
/* ehr-deliver hold, release, retry, drop, reactivate, resolve: what an operator does. */
#include "cmd/deliver/steady.h"
#include "cmd/deliver/trouble.h"
#include "cmd/deliver/verbs.h"

#include <stdio.h>

struct settings {
	struct verb_place place;
	const char *subscription;
	const char *channel;
	const char *trouble;
	const char *reason;
	const char *by;
	const struct act *act;
};

#define SELECTED                                                                                             \
	VERB_PLACE(struct settings),                                                                         \
	    { OPTION_TEXT(struct settings, subscription), 0, false, "subscription", "ID",                    \
		    "all of a subscription" },                                                               \
	    { OPTION_TEXT(struct settings, trouble), 0, false, "case", "ID", "all of a case" },              \
	{                                                                                                    \
		OPTION_TEXT(struct settings, channel), 0, false, "channel", "NAME", "the channel as a whole" \
	}

static const struct option_entry selected_table[] = { SELECTED };
static const struct option_entry drop_table[] = {
	SELECTED,
	{ OPTION_TEXT(struct settings, reason), 0, false, "reason", "CODE", "why, a word that is kept" },
};

/* WHERE of the intents that a command names: ids one by one, else those of a subscription or a case. */
#define NAMED                                                                                                \
	"((?1 IS NOT NULL AND id = ?1) OR (?2 IS NOT NULL AND subscription = ?2) OR (?3 IS NOT NULL AND "    \
	"trouble = ?3))"

enum { ACT_HOLD, ACT_RELEASE, ACT_RETRY, ACT_DROP };

static const struct act {
	const char *name;
	const char *help;
	const char *sql; /* ?4: now, ?5: the reason */
	const char *channel;
} acts[] = {
	{ "hold", "Sends nothing of what is named until it is released.",
	    "UPDATE intent SET state = 'held', resume = coalesce(due, resume, ?4), due = NULL, reason = "
	    "'operator' WHERE state IN ('due', 'held', 'gathering')"
	    " AND ?4 = ?4 AND ?5 IS ?5 AND " NAMED,
	    "INSERT INTO channel (name, held) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET held = ?2" },
	{ "release", "Sends again what was held, as soon as its time has come.",
	    "UPDATE intent SET due = coalesce(resume, ?4), resume = NULL, reason = NULL WHERE state = 'held' "
	    "AND "
	    "due IS NULL AND ?5 IS ?5"
	    " AND " NAMED,
	    "UPDATE channel SET held = NULL, retry_at = NULL WHERE name = ?1 AND ?2 = ?2" },
	{ "retry", "Tries at once what waits for another try, or was given up.",
	    /* A later step waits for its time, and what an operator holds for its release. */
	    "UPDATE intent SET due = ?4, reason = NULL, tries = 0, channel = NULL, state = 'held' WHERE "
	    "(state "
	    "= 'gathering'"
	    " OR (state = 'held' AND due IS NOT NULL AND (id IS ?1 OR EXISTS (SELECT 1 FROM attempt WHERE "
	    "intent = seq))))"
	    " AND ?5 IS ?5 AND " NAMED,
	    "UPDATE channel SET failures = 0, retry_at = NULL WHERE name = ?1 AND ?2 = ?2" },
	{ "drop", "Gives up what is named.",
	    "UPDATE intent SET state = 'dropped', reason = ?5, ended = ?4, due = NULL WHERE ended IS NULL AND"
	    " state <> 'sending' AND " NAMED,
	    NULL },
};

static void
note(struct spool *s, const char *verb, const char *what, const char *reason)
{
	(void)spool_do(s, "INSERT INTO act (at, account, verb, what, reason) VALUES (?, ?, ?, ?, ?)", "itttt",
	    steady_time(s, NULL), verb_account(), bytes_of(verb), bytes_of(what), spool_or_null(reason));
}

/* What was given up and is named begins anew.  Returns how many. */
static int64_t
revive_named(struct spool *s, struct bytes id, struct bytes subscription, struct bytes trouble, int64_t now)
{
	int64_t revived = 0, seq;

	while ((seq = spool_number(s, -1, "SELECT min(seq) FROM intent WHERE state = 'dead' AND " NAMED,
		    "ttt", id, subscription, trouble)) >= 0) {
		trouble_revive(s, seq, now);
		revived++;
	}
	return revived;
}

static int64_t
do_act(struct spool *s, const struct settings *set, const char *name)
{
	struct bytes id = spool_or_null(name);
	struct bytes subscription = spool_or_null(name == NULL ? set->subscription : NULL);
	struct bytes trouble = spool_or_null(name == NULL ? set->trouble : NULL);
	int64_t now = steady_time(s, NULL), changed;

	(void)spool_do(s, set->act->sql, "tttit", id, subscription, trouble, now, spool_or_null(set->reason));
	changed = spool_changed(s);
	if (set->act == &acts[ACT_RETRY])
		changed += revive_named(s, id, subscription, trouble, now);
	if (set->act == &acts[ACT_HOLD])
		trouble_exhaust(s, now);
	return changed;
}

/* A channel that no policy of this spool has named, and that never had a message, is a mistyped one. */
static bool
is_channel(struct spool *s, const char *name)
{
	struct closest near = closest_to(bytes_of(name));
	struct spool_rows *r = spool_rows(s,
	    "SELECT group_concat(name, char(10)) FROM (SELECT name FROM channel UNION SELECT channel FROM "
	    "attempt)",
	    "");
	struct bytes names = { "", 0 }, known;
	char text[CLOSEST_ROOM];
	bool found = false;

	if (spool_next(r))
		names = spool_text(r, 0);
	while (!found && bytes_line(&names, &known)) {
		found = bytes_are(known, name);
		closest_offer(&near, known);
	}
	if (!found)
		diag_warn("%s: no channel here%s", name, closest_text(&near, "", text));
	spool_done(r);
	return found;
}

/* What the options name: a subscription, a case, a channel. */
static enum diag_exit
act_on_options(struct spool *s, const struct settings *set)
{
	const char *name = set->subscription != NULL ? set->subscription : set->trouble;
	enum diag_exit status = EXIT_DONE;

	if (name != NULL) {
		note(s, set->act->name, name, set->reason);
		if (do_act(s, set, NULL) == 0) {
			diag_warn("%s: nothing to %s", name, set->act->name);
			status = EXIT_REFUSED;
		}
	}
	if (set->channel == NULL)
		return status;
	if (!is_channel(s, set->channel))
		return EXIT_REFUSED;
	note(s, set->act->name, set->channel, set->reason);
	(void)spool_do(s, set->act->channel, "ti", bytes_of(set->channel), steady_time(s, NULL));
	return status;
}

static enum diag_exit
act_on_one(struct spool *s, const void *context, const char *name)
{
	const struct settings *set = context;

	if (name == NULL)
		return act_on_options(s, set);
	note(s, set->act->name, name, set->reason);
	return do_act(s, set, name) > 0 ? EXIT_DONE
					: verb_no(EXIT_REFUSED, name, "no such intent, or it is past that");
}

static int
act_on(const struct act *act, int argc, char *argv[])
{
	struct option_manual manual = { .operands = "[ID ...]", .purpose = act->help };
	struct settings set = { .act = act };
	struct options o;
	char program[40];
	bool drops = act->channel == NULL, more;

	(void)snprintf(program, sizeof program, "ehr-deliver %s", act->name);
	manual.program = program;
	manual.table = drops ? drop_table : selected_table;
	manual.count = drops ? sizeof drop_table / sizeof drop_table[0]
			     : sizeof selected_table / sizeof selected_table[0];
	verb_read(&o, &manual, &set, argc, argv);
	if (drops && set.reason == NULL)
		options_needs(&o, "--reason CODE");
	if (drops && set.channel != NULL)
		options_misuse(&o, "a channel cannot be dropped: hold it", set.channel);
	more = set.subscription != NULL || set.trouble != NULL || set.channel != NULL;
	if (o.operands == 0 && !more)
		options_needs(&o, "ID, --subscription ID, --case ID or --channel NAME");
	return verb_each(&o, &set.place, act_on_one, &set, more);
}

int
verb_hold(int argc, char *argv[])
{
	return act_on(&acts[ACT_HOLD], argc, argv);
}

int
verb_release(int argc, char *argv[])
{
	return act_on(&acts[ACT_RELEASE], argc, argv);
}

int
verb_retry(int argc, char *argv[])
{
	return act_on(&acts[ACT_RETRY], argc, argv);
}

int
verb_drop(int argc, char *argv[])
{
	return act_on(&acts[ACT_DROP], argc, argv);
}

static const struct option_entry place_table[] = { VERB_PLACE(struct settings) };

static const struct option_manual reactivate_manual = {
	.program = "ehr-deliver reactivate",
	.operands = "SUBSCRIPTION ...",
	.purpose = "Takes subscriptions out of the state `error`, on the subscriber's word.",
	.table = place_table,
	.count = sizeof place_table / sizeof place_table[0],
};

static enum diag_exit
reactivate_one(struct spool *s, const void *context, const char *name)
{
	(void)context;
	note(s, "reactivate", name, NULL);
	(void)spool_do(s,
	    "UPDATE subscription SET state = NULL, since = NULL WHERE id = ? AND state = 'error'", "t",
	    bytes_of(name));
	return spool_changed(s) > 0 ? EXIT_DONE : verb_no(EXIT_REFUSED, name, "not in error");
}

int
verb_reactivate(int argc, char *argv[])
{
	struct settings set = { 0 };
	struct options o;

	verb_read(&o, &reactivate_manual, &set, argc, argv);
	if (o.operands == 0)
		options_needs(&o, "SUBSCRIPTION");
	return verb_each(&o, &set.place, reactivate_one, &set, false);
}

static const struct option_entry resolve_table[] = {
	VERB_PLACE(struct settings),
	{ OPTION_TEXT(struct settings, by), 0, false, "by", "ACCOUNT", "who says so" },
};

static const struct option_manual resolve_manual = {
	.program = "ehr-deliver resolve",
	.operands = "CASE ...",
	.purpose = "Closes cases; whoever had been told gets a message that it is over.",
	.table = resolve_table,
	.count = sizeof resolve_table / sizeof resolve_table[0],
};

static enum diag_exit
resolve_one(struct spool *s, const void *context, const char *name)
{
	const struct settings *set = context;

	return trouble_resolve(s, bytes_of(name), bytes_of(set->by), steady_time(s, NULL))
		   ? EXIT_DONE
		   : verb_no(EXIT_REFUSED, name, "no open case of that name");
}

int
verb_resolve(int argc, char *argv[])
{
	struct settings set = { 0 };
	struct options o;

	verb_read(&o, &resolve_manual, &set, argc, argv);
	if (o.operands == 0 || set.by == NULL)
		options_needs(&o, "CASE and --by ACCOUNT");
	return verb_each(&o, &set.place, resolve_one, &set, false);
}
