/* SPDX-License-Identifier: ISC */
/* ehr-deliver ack: what readers answer, one by one or as a stream of lines. */
#include "cmd/deliver/intent_form.h"
#include "cmd/deliver/key.h"
#include "cmd/deliver/message.h"
#include "cmd/deliver/steady.h"
#include "cmd/deliver/trouble.h"
#include "cmd/deliver/verbs.h"
#include "common/crypto/digest.h"
#include "common/json/json_write.h"
#include "common/line/lines.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	LINE_MOST = 4096,
	DEPTH_MOST = 4,
	NAME_MOST = 256,
	TOGETHER = 4096, /* lines in a transaction */
};

struct settings {
	struct verb_place place;
	const char *token;
	const char *by;
	const char *as;
	enum trouble_answer answer; /* of AS */
};

static const struct option_entry table[] = {
	VERB_PLACE(struct settings),
	{ OPTION_TEXT(struct settings, token), 0, false, "token", "T", "the token of the message" },
	{ OPTION_TEXT(struct settings, by), 0, false, "by", "ACCOUNT",
	    "an operator acknowledges for the reader" },
	{ OPTION_TEXT(struct settings, as), 0, false, "as", "accepted|rejected|delivered|read",
	    "what is said (accepted: I take charge)" },
};

static const struct option_manual manual = {
	.program = "ehr-deliver ack",
	.operands = "[ID ...]",
	.purpose =
	    "Notes an answer to messages.  The token of a message proves that it was received.  Without an "
	    "ID, lines {\"id\":..,\"token\":..,\"as\":..} come on standard input; what is answered is on "
	    "disk.",
	.table = table,
	.count = sizeof table / sizeof table[0],
};

static const char *const answers[] = { "accepted", "rejected", "delivered", "read" };

/* False: it is none. */
static bool
answer_word(struct bytes text, enum trouble_answer *answer)
{
	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++)
		if (bytes_are(text, answers[i])) {
			*answer = (enum trouble_answer)i;
			return true;
		}
	return false;
}

/* Whether TOKEN is that of the message ID; its time does not depend on where they differ. */
static bool
is_token(struct spool *s, struct bytes id, struct bytes given)
{
	struct spool_fault f = { 0 };
	struct mac *key = key_read(s, &f);
	char token[MESSAGE_TOKEN + 1];
	unsigned char difference = 0;

	if (key == NULL)
		verb_die(&f);
	message_token(key, id, token);
	mac_free(key);
	if (given.size != MESSAGE_TOKEN)
		return false;
	for (size_t i = 0; i < MESSAGE_TOKEN; i++)
		difference |= (unsigned char)(given.at[i] ^ token[i]);
	return difference == 0;
}

/*
 * An acknowledgement silences an alarm: it takes the token of that message, or an account that is noted.
 * NAME is what messages call it.
 */
static enum diag_exit
answer_one(struct spool *s, const struct settings *set, struct bytes id, struct bytes token,
    enum trouble_answer answer, const char *name)
{
	struct bytes by = set->by != NULL ? bytes_of(set->by) : (struct bytes)BYTES("token");

	if (set->by == NULL && !is_token(s, id, token))
		return verb_no(EXIT_DENIED, name, "not the token of this message");
	if (!trouble_answer(s, id, answer, by, steady_time(s, NULL)))
		return verb_no(EXIT_REFUSED, name, "no such intent here");
	return EXIT_DONE;
}

static enum diag_exit
answer_operand(struct spool *s, const void *context, const char *name)
{
	const struct settings *set = context;

	return answer_one(s, set, bytes_of(name), spool_or_null(set->token), set->answer, name);
}

/* Answers as they come. */
struct stream {
	const struct settings *set;
	struct spool *spool;
	struct lines in;
	struct sink out;
	struct json json;
	struct buffer confirmed; /* of the transaction at hand */
	unsigned pending;        /* lines in it */
};

/* What is confirmed is on disk. */
static bool
commit(struct stream *t)
{
	if (t->pending == 0)
		return true;
	verb_commit(t->spool);
	t->pending = 0;
	if (!sink_put(&t->out, buffer_bytes(&t->confirmed)) || !sink_flush(&t->out))
		return false;
	t->confirmed.used = 0;
	return true;
}

/* A word that is not known could be one that somebody relies on. */
static bool
read_line(
    struct stream *t, struct bytes line, struct bytes *id, struct bytes *token, enum trouble_answer *answer)
{
	const struct json *j = &t->json;
	uint32_t members = 1;

	if (!json_parse(&t->json, line) || json_kind(j, 0) != JSON_OBJECT)
		return false;
	*id = intent_word(j, 0, "id");
	*token = intent_word(j, 0, "token");
	*answer = t->set->answer;
	if (json_member(j, 0, (struct bytes)BYTES("as")) != 0) {
		members++;
		if (!answer_word(intent_word(j, 0, "as"), answer))
			return false;
	}
	members += token->at != NULL;
	return id->at != NULL && (token->at != NULL) == (t->set->by == NULL) && json_count(j, 0) == members;
}

static enum diag_exit
take_line(struct stream *t, struct bytes line)
{
	struct json_write w = json_write_to(&t->confirmed);
	enum trouble_answer answer;
	struct bytes id, token;
	enum diag_exit status;
	char name[40];

	(void)snprintf(name, sizeof name, "<stdin>:%zu", t->in.number);
	if (!read_line(t, line, &id, &token, &answer))
		return verb_no(EXIT_REFUSED, name,
		    "malformed: expected {\"id\":..,\"token\":..}, and \"as\": accepted, rejected, delivered "
		    "or "
		    "read");
	if (t->pending++ == 0)
		spool_begin(t->spool);
	status = answer_one(t->spool, t->set, id, token, answer, name);
	if (status != EXIT_DONE)
		return status;
	json_write_open(&w, '{');
	json_write_member_word(&w, "id", id);
	json_write_member_value(&w, "durable", (struct bytes)BYTES("true"));
	json_write_close(&w, '}');
	json_write_raw(&w, (struct bytes)BYTES("\n"));
	return EXIT_DONE;
}

/* Commits before a read that may wait. */
static bool
is_waiting(const struct stream *t)
{
	struct bytes waiting = lines_waiting(&t->in);

	return waiting.size > 0 && memchr(waiting.at, '\n', waiting.size) != NULL;
}

static enum diag_exit
take_lines(struct stream *t)
{
	enum diag_exit status = EXIT_DONE;
	enum lines_outcome outcome;
	struct bytes line;

	while ((outcome = lines_next(&t->in, &line)) == LINES_RECORD || outcome == LINES_REFUSED) {
		if (outcome == LINES_REFUSED) {
			diag_warn("<stdin>:%zu: %s: %s", t->in.number, reason_code(t->in.reason),
			    reason_text(t->in.reason));
			status = diag_worse(status, EXIT_REFUSED);
		} else {
			status = diag_worse(status, take_line(t, line));
		}
		if ((t->pending >= TOGETHER || !is_waiting(t)) && !commit(t))
			return diag_worse(status, EXIT_IO);
	}
	if (outcome == LINES_END)
		return commit(t) ? status : diag_worse(status, EXIT_IO);
	diag_warn("<stdin>: %s", strerror(t->in.error));
	return diag_worse(status, EXIT_IO);
}

static int
answer_stream(const struct options *o, const struct settings *set)
{
	struct stream t = { .set = set, .spool = verb_open(o, &set->place) };
	enum diag_exit status;

	lines_init(&t.in, STDIN_FILENO, "<stdin>", LINE_MOST, NULL);
	sink_init_take(&t.out, STDOUT_FILENO, "<stdout>");
	json_init(&t.json, NULL, DEPTH_MOST);
	buffer_init(&t.confirmed, (size_t)TOGETHER * (NAME_MOST + LINE_MOST));
	status = take_lines(&t);
	lines_release(&t.in);
	json_release(&t.json);
	buffer_release(&t.confirmed);
	spool_close(t.spool);
	return verb_finish(&t.out, status);
}

int
verb_ack(int argc, char *argv[])
{
	struct settings set = { .answer = TROUBLE_ACCEPTED };
	struct options o;

	verb_read(&o, &manual, &set, argc, argv);
	if (set.as != NULL && !answer_word(bytes_of(set.as), &set.answer))
		options_misuse(&o, "expected accepted, rejected, delivered or read", set.as);
	if (o.operands == 0) {
		if (set.token != NULL)
			options_needs(&o, "ID with --token T");
		return answer_stream(&o, &set);
	}
	if ((set.token == NULL) == (set.by == NULL))
		options_needs(&o, "ID and either --token T or --by ACCOUNT");
	return verb_each(&o, &set.place, answer_operand, &set, false);
}
