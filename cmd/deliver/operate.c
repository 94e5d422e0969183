/* SPDX-License-Identifier: ISC */
/* ehr-deliver hold, release, retry, drop, reactivate, ack, resolve: what an operator, or a reader, does. */
#include "cmd/deliver/key.h"
#include "cmd/deliver/message.h"
#include "cmd/deliver/steady.h"
#include "cmd/deliver/trouble.h"
#include "cmd/deliver/verbs.h"
#include "common/crypto/digest.h"

#include <stdio.h>
#include <string.h>

struct settings {
	struct verb_place place;
	const char *subscription;
	const char *channel;
	const char *trouble;
	const char *reason;
	const char *token;
	const char *by;
	const char *as;
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

static const struct act {
	const char *name;
	const char *help;
	const char *sql; /* ?4: now, ?5: the reason */
	const char *channel;
} acts[] = {
	{ "hold", "Sends nothing of what is named until it is released.",
	    "UPDATE intent SET state = 'held', due = NULL, reason = 'operator' WHERE state IN ('due', "
	    "'held', 'gathering')"
	    " AND ?4 = ?4 AND ?5 IS ?5 AND " NAMED,
	    "INSERT INTO channel (name, held) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET held = ?2" },
	{ "release", "Sends again what was held.",
	    "UPDATE intent SET state = 'held', due = ?4, reason = NULL WHERE state = 'held' AND due IS NULL "
	    "AND ?5 IS ?5"
	    " AND " NAMED,
	    "UPDATE channel SET held = NULL, retry_at = NULL WHERE name = ?1 AND ?2 = ?2" },
	{ "retry", "Tries at once what waits for another try, or was given up.",
	    "UPDATE intent SET due = CASE WHEN state = 'dead' THEN due ELSE ?4 END, expires = CASE WHEN "
	    "state = 'dead' THEN"
	    " ?4 + expires - accepted ELSE expires END, ended = NULL, reason = NULL, tries = 0, channel = "
	    "NULL,"
	    " state = CASE WHEN state = 'dead' THEN 'due' ELSE 'held' END WHERE state IN ('held', 'dead', "
	    "'gathering')"
	    " AND ?5 IS ?5 AND " NAMED,
	    "UPDATE channel SET failures = 0, retry_at = NULL WHERE name = ?1 AND ?2 = ?2" },
	{ "drop", "Gives up what is named.",
	    "UPDATE intent SET state = 'dropped', reason = ?5, ended = ?4, due = NULL WHERE ended IS NULL AND"
	    " state <> 'sending' AND " NAMED,
	    NULL },
};

/* The time of day as the dispatcher reads it: deadlines move when the clock was put. */
static int64_t
time_of(struct spool *s)
{
	int64_t step;

	return steady_time(s, &step);
}

static void
note(struct spool *s, const char *verb, const char *what, const char *reason)
{
	(void)spool_do(s, "INSERT INTO act (at, account, verb, what, reason) VALUES (?, ?, ?, ?, ?)", "itttt",
	    time_of(s), verb_account(), bytes_of(verb), bytes_of(what), spool_or_null(reason));
}

static int64_t
do_act(struct spool *s, const struct act *act, const char *id, const struct settings *set)
{
	(void)spool_do(s, act->sql, "tttit", spool_or_null(id),
	    spool_or_null(id == NULL ? set->subscription : NULL),
	    spool_or_null(id == NULL ? set->trouble : NULL), time_of(s), spool_or_null(set->reason));
	return spool_changed(s);
}

static int
act_on(const struct act *act, int argc, char *argv[])
{
	struct option_manual manual = { .operands = "[ID ...]", .purpose = act->help };
	struct settings set = { 0 };
	enum diag_exit status = EXIT_DONE;
	struct options o;
	struct spool *s;
	char program[40];
	bool drops = act->channel == NULL;

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
	if (o.operands == 0 && set.subscription == NULL && set.trouble == NULL && set.channel == NULL)
		options_needs(&o, "ID, --subscription ID, --case ID or --channel NAME");
	s = verb_open(&o, &set.place);
	spool_begin(s);
	for (int i = 0; i < o.operands; i++) {
		note(s, act->name, o.operand[i], set.reason);
		if (do_act(s, act, o.operand[i], &set) > 0)
			continue;
		diag_warn("%s: no such intent, or it is past that", o.operand[i]);
		status = EXIT_REFUSED;
	}
	if (set.subscription != NULL || set.trouble != NULL) {
		note(s, act->name, set.subscription != NULL ? set.subscription : set.trouble, set.reason);
		(void)do_act(s, act, NULL, &set);
	}
	if (set.channel != NULL) {
		note(s, act->name, set.channel, set.reason);
		(void)spool_do(s, act->channel, "ti", bytes_of(set.channel), time_of(s));
	}
	verb_commit(s);
	spool_close(s);
	return (int)status;
}

int
verb_hold(int argc, char *argv[])
{
	return act_on(&acts[0], argc, argv);
}

int
verb_release(int argc, char *argv[])
{
	return act_on(&acts[1], argc, argv);
}

int
verb_retry(int argc, char *argv[])
{
	return act_on(&acts[2], argc, argv);
}

int
verb_drop(int argc, char *argv[])
{
	return act_on(&acts[3], argc, argv);
}

static const struct option_entry place_table[] = { VERB_PLACE(struct settings) };

static const struct option_manual reactivate_manual = {
	.program = "ehr-deliver reactivate",
	.operands = "SUBSCRIPTION ...",
	.purpose = "Takes subscriptions out of the state `error`, on the subscriber's word.",
	.table = place_table,
	.count = sizeof place_table / sizeof place_table[0],
};

int
verb_reactivate(int argc, char *argv[])
{
	struct settings set = { 0 };
	enum diag_exit status = EXIT_DONE;
	struct options o;
	struct spool *s;

	verb_read(&o, &reactivate_manual, &set, argc, argv);
	if (o.operands == 0)
		options_needs(&o, "SUBSCRIPTION");
	s = verb_open(&o, &set.place);
	spool_begin(s);
	for (int i = 0; i < o.operands; i++) {
		note(s, "reactivate", o.operand[i], NULL);
		(void)spool_do(s,
		    "UPDATE subscription SET state = NULL, since = NULL WHERE id = ? AND state = 'error'",
		    "t", bytes_of(o.operand[i]));
		if (spool_changed(s) > 0)
			continue;
		diag_warn("%s: not in error", o.operand[i]);
		status = EXIT_REFUSED;
	}
	verb_commit(s);
	spool_close(s);
	return (int)status;
}

static const struct option_entry ack_table[] = {
	VERB_PLACE(struct settings),
	{ OPTION_TEXT(struct settings, token), 0, false, "token", "T", "the token of the message" },
	{ OPTION_TEXT(struct settings, by), 0, false, "by", "ACCOUNT",
	    "an operator acknowledges for the reader" },
	{ OPTION_TEXT(struct settings, as), 0, false, "as", "accepted|rejected|delivered|read",
	    "what is said (accepted: I take charge)" },
};

static const struct option_manual ack_manual = {
	.program = "ehr-deliver ack",
	.operands = "ID ...",
	.purpose = "Notes an answer to messages.  The token of a message proves that it was received.",
	.table = ack_table,
	.count = sizeof ack_table / sizeof ack_table[0],
};

static enum trouble_answer
answer_word(const struct options *o, const char *text)
{
	static const char *const words[] = { "accepted", "rejected", "delivered", "read" };

	for (size_t i = 0; text != NULL && i < sizeof words / sizeof words[0]; i++)
		if (strcmp(text, words[i]) == 0)
			return (enum trouble_answer)i;
	if (text != NULL)
		options_misuse(o, "expected accepted, rejected, delivered or read", text);
	return TROUBLE_ACCEPTED;
}

/* An acknowledgement silences an alarm: it takes the token of that message, or an account that is noted. */
static bool
is_allowed(struct spool *s, const struct settings *set, const char *id)
{
	struct spool_fault f = { 0 };
	char token[MESSAGE_TOKEN + 1];
	struct mac *key;
	unsigned char difference = 0;

	if (set->token == NULL)
		return true;
	key = key_read(s, &f);
	if (key == NULL)
		verb_die(&f);
	message_token(key, bytes_of(id), token);
	mac_free(key);
	if (strlen(set->token) != MESSAGE_TOKEN)
		return false;
	for (size_t i = 0; i < MESSAGE_TOKEN; i++)
		difference |= (unsigned char)(set->token[i] ^ token[i]);
	return difference == 0;
}

int
verb_ack(int argc, char *argv[])
{
	struct settings set = { 0 };
	enum diag_exit status = EXIT_DONE;
	enum trouble_answer answer;
	struct options o;
	struct spool *s;

	verb_read(&o, &ack_manual, &set, argc, argv);
	if (o.operands == 0 || (set.token == NULL) == (set.by == NULL))
		options_needs(&o, "ID and either --token T or --by ACCOUNT");
	answer = answer_word(&o, set.as);
	s = verb_open(&o, &set.place);
	spool_begin(s);
	for (int i = 0; i < o.operands; i++) {
		if (!is_allowed(s, &set, o.operand[i])) {
			diag_warn("%s: not the token of this message", o.operand[i]);
			status = diag_worse(status, EXIT_DENIED);
		} else if (!trouble_answer(s, bytes_of(o.operand[i]), answer,
			       set.by != NULL ? bytes_of(set.by) : (struct bytes)BYTES("token"),
			       time_of(s))) {
			diag_warn("%s: no such intent here", o.operand[i]);
			status = diag_worse(status, EXIT_REFUSED);
		}
	}
	verb_commit(s);
	spool_close(s);
	return (int)status;
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

int
verb_resolve(int argc, char *argv[])
{
	struct settings set = { 0 };
	enum diag_exit status = EXIT_DONE;
	struct options o;
	struct spool *s;

	verb_read(&o, &resolve_manual, &set, argc, argv);
	if (o.operands == 0 || set.by == NULL)
		options_needs(&o, "CASE and --by ACCOUNT");
	s = verb_open(&o, &set.place);
	spool_begin(s);
	for (int i = 0; i < o.operands; i++) {
		if (trouble_resolve(s, bytes_of(o.operand[i]), bytes_of(set.by), time_of(s)))
			continue;
		diag_warn("%s: no open case of that name", o.operand[i]);
		status = EXIT_REFUSED;
	}
	verb_commit(s);
	spool_close(s);
	return (int)status;
}
