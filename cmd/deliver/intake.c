/* SPDX-License-Identifier: ISC */
#include "cmd/deliver/intake.h"

#include "cmd/deliver/intent_form.h"
#include "cmd/deliver/trouble.h"
#include "common/base/base32.h"
#include "common/crypto/digest.h"
#include "common/line/tags.h"
#include "common/policy/notify_policy.h"

#include <stdio.h>

enum {
	SECOND = 1000,
	TROUBLE_ID = 2 + 26,
	ID_BYTES = 16,
	/* where the policy has no tiers */
	DISPATCH = 12 * 3600,
	EXPIRES = 72 * 3600,
};

/* What the spool needs to know of an intent; texts are spans of the line, at NULL: not there. */
struct incoming {
	struct bytes id, event, record, subject, level, criticality, kind, subscription;
	int64_t step, after, dispatch, ack, expires, urgency;
	bool urgent; /* of the two highest criticalities */
	char trouble[TROUBLE_ID + 1];
	const char *state;
	const char *reason;
};

enum { APART = 1000 /* more than words */, WORD_ROOM = 130 };

/* Rows of the urgency FROM get TO; it stands apart until all have moved, because an order may turn round. */
static void
move_word(struct spool *s, struct bytes word, int64_t from, int64_t to)
{
	(void)spool_do(s, "UPDATE intent SET urgency = ? WHERE urgency = ?", "ii", to + APART, from);
	(void)spool_do(s, "UPDATE trouble SET urgency = ? WHERE urgency = ?", "ii", to + APART, from);
	(void)spool_do(s, "UPDATE criticality SET urgency = ? WHERE word = ?", "it", to + APART, word);
}

static void
settle_words(struct spool *s, unsigned words)
{
	static const char *const tables[] = {
		"UPDATE intent SET urgency = urgency - ?1 WHERE urgency >= ?1",
		"UPDATE trouble SET urgency = urgency - ?1 WHERE urgency >= ?1",
		"UPDATE criticality SET urgency = urgency - ?1 WHERE urgency >= ?1",
	};

	for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
		(void)spool_do(s, tables[i], "i", (int64_t)APART);
	(void)spool_do(
	    s, "UPDATE intent SET urgent = urgency >= ? WHERE ended IS NULL", "i", (int64_t)words - 2);
}

/* A word that the policy has no longer stands behind all that it has: it is urgent, and never the highest. */
void
intake_words(struct spool *s, const struct notify_policy *plan)
{
	int64_t gone = plan->words, moved = 0, place;
	char text[WORD_ROOM];

	for (int64_t old = 0; old < APART; old++) {
		struct spool_rows *r =
		    spool_rows(s, "SELECT word FROM criticality WHERE urgency = ? ORDER BY word", "i", old);

		if (!spool_next(r) || !bytes_string(spool_text(r, 0), text, sizeof text))
			continue;
		spool_done(r);
		place = notify_policy_word(plan, bytes_of(text));
		place = place >= 0 ? place : gone++;
		if (place == old)
			continue;
		move_word(s, bytes_of(text), old, place);
		moved++;
	}
	if (moved > 0)
		settle_words(s, plan->words);
	for (unsigned i = 0; i < plan->words; i++)
		(void)spool_do(s, "INSERT OR REPLACE INTO criticality (word, urgency) VALUES (?, ?)", "ti",
		    plan->word[i], (int64_t)i);
	spool_meta_set(s, "words", plan->words);
}

void
intake_init(struct intake *i, struct spool *s, unsigned max_depth)
{
	*i = (struct intake){ .spool = s };
	json_init(&i->json, NULL, max_depth);
	buffer_init(&i->event, INTAKE_LINE);
	i->sealed = sealed_line_reader_new(max_depth);
}

void
intake_release(struct intake *i)
{
	json_release(&i->json);
	buffer_release(&i->event);
	sealed_line_reader_free(i->sealed);
}

/* A member of OBJECT that is a word; false if it is anything else.  Absent: at NULL. */
static bool
word(const struct json *j, uint32_t object, const char *name, struct bytes *value)
{
	uint32_t node = object == UINT32_MAX ? 0 : json_member(j, object, bytes_of(name));

	*value = (struct bytes){ NULL, 0 };
	if (node == 0)
		return true;
	if (json_kind(j, node) != JSON_STRING || !tag_is_word(json_inside(j, node)))
		return false;
	*value = json_inside(j, node);
	return true;
}

/* The node of an object that must be there, UINT32_MAX if it is not. */
static uint32_t
object(const struct json *j, uint32_t in, const char *name)
{
	uint32_t node = json_member(j, in, bytes_of(name));

	return node != 0 && json_kind(j, node) == JSON_OBJECT ? node : UINT32_MAX;
}

/* "PT1H30M5S": hours, minutes, seconds, in this order (ISO 8601 4.4.3.2). */
static bool
duration(struct bytes text, int64_t *seconds)
{
	static const struct {
		char unit;
		int64_t worth;
	} parts[] = { { 'H', 3600 }, { 'M', 60 }, { 'S', 1 } };
	size_t at = 2, part = 0;

	*seconds = 0;
	if (text.size < 4 || !bytes_begin(text, "PT"))
		return false;
	while (at < text.size) {
		int64_t number = 0;
		size_t from = at;

		for (; at < text.size && ascii_is_digit(text.at[at]) && number <= NOTIFY_LONGEST; at++)
			number = 10 * number + (text.at[at] - '0');
		while (part < 3 && at < text.size && parts[part].unit != text.at[at])
			part++;
		if (at == from || at == text.size || part == 3)
			return false;
		*seconds += number * parts[part++].worth;
		at++;
	}
	return *seconds <= NOTIFY_LONGEST;
}

static bool
read_deadline(const struct json *j, struct incoming *in)
{
	const struct {
		const char *name;
		int64_t *value;
	} rows[] = { { "after", &in->after }, { "dispatch", &in->dispatch }, { "ack", &in->ack },
		{ "expires", &in->expires } };
	uint32_t at = object(j, 0, "deadline");
	struct bytes text;

	in->dispatch = DISPATCH;
	in->expires = EXPIRES;
	if (at == UINT32_MAX)
		return json_member(j, 0, (struct bytes)BYTES("deadline")) == 0;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (!word(j, at, rows[i].name, &text) || (text.at != NULL && !duration(text, rows[i].value)))
			return false;
	return true;
}

static bool
read_step(const struct json *j, uint32_t to, struct incoming *in)
{
	uint32_t node = json_member(j, to, (struct bytes)BYTES("step"));
	uint64_t step = 0;

	if (node != 0 && (!json_integer(j, node, &step) || step > 100))
		return false;
	in->step = (int64_t)step;
	return true;
}

static bool
read_intent(const struct json *j, uint32_t ehr, struct incoming *in)
{
	uint32_t to = object(j, 0, "to");

	return to != UINT32_MAX && word(j, ehr, "id", &in->id) && word(j, ehr, "event", &in->event) &&
	       word(j, ehr, "record", &in->record) && word(j, ehr, "subject", &in->subject) &&
	       word(j, ehr, "rl", &in->level) && word(j, ehr, "criticality", &in->criticality) &&
	       word(j, 0, "kind", &in->kind) && word(j, to, "subscription", &in->subscription) &&
	       read_step(j, to, in) && read_deadline(j, in) && in->id.at != NULL && in->kind.at != NULL &&
	       in->criticality.at != NULL;
}

/* -1 if no policy that used this spool has the word. */
static int64_t
urgency_of(struct intake *i, struct bytes criticality, bool *urgent)
{
	struct spool_rows *r = spool_rows(i->spool,
	    "SELECT urgency, urgency >= coalesce((SELECT value FROM meta WHERE name = 'words') - 2,"
	    " (SELECT max(urgency) - 1 FROM criticality)) FROM criticality WHERE word = ?",
	    "t", criticality);
	int64_t urgency = -1;

	if (spool_next(r)) {
		urgency = spool_int(r, 0);
		*urgent = spool_int(r, 1) == 1;
		spool_done(r);
	}
	return urgency;
}

/*
 * Nobody of the level can see anything new.  What names no version, as a floor notice or the last resort,
 * says something new if any level of the record changed.
 */
static bool
is_unchanged(struct intake *i, const struct incoming *in)
{
	if (in->level.at == NULL)
		return in->event.at != NULL &&
		       spool_number(i->spool, 1,
			   "SELECT max(changed OR event <> ?1) FROM mark WHERE record ="
			   " (SELECT record FROM mark WHERE event = ?1 LIMIT 1)",
			   "t", in->event) == 0;
	return in->record.at != NULL &&
	       spool_number(i->spool, 0,
		   "SELECT 1 FROM mark WHERE record = ? AND level = ? AND event = ? AND changed = 0", "ttt",
		   in->record, in->level, in->event) == 1;
}

/* Whom a case is about.  What happens to nobody, such as a notice, is a case of its own by its event. */
static struct bytes
about(const struct incoming *in)
{
	if (in->subject.at != NULL)
		return in->subject;
	return in->event.at != NULL ? in->event : in->id;
}

static void
trouble_id(const struct incoming *in, char id[TROUBLE_ID + 1])
{
	unsigned char digest[DIGEST_SIZE];
	struct digest *d = digest_new();
	const struct bytes parts[] = { BYTES("ehr-case/1"), about(in), in->criticality, in->event };

	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		digest_add(d, parts[i]);
		digest_add(d, (struct bytes){ "", 1 });
	}
	digest_end(d, digest);
	digest_free(d);
	memcpy(id, "c_", 2);
	id[2 + base32_encode(id + 2, digest, ID_BYTES)] = '\0';
}

/*
 * The open trouble of the subject.  An acknowledgement counts as long as a message of its tier does: whoever
 * took charge longer ago need not know of what comes now, so that trouble is closed, and another one begins.
 */
static bool
find_trouble(struct intake *i, struct incoming *in, bool *acked)
{
	struct spool_rows *r = spool_rows(i->spool,
	    "SELECT id, state = 'acked', state = 'acked' AND acked <= ? FROM trouble"
	    " WHERE subject = ? AND urgency = ? AND closed IS NULL",
	    "iti", i->now - SECOND * in->expires, about(in), in->urgency);
	bool over;

	if (!spool_next(r))
		return false;
	(void)bytes_string(spool_text(r, 0), in->trouble, sizeof in->trouble);
	*acked = spool_int(r, 1) == 1;
	over = spool_int(r, 2) == 1;
	spool_done(r);
	if (over)
		(void)spool_do(i->spool, "UPDATE trouble SET closed = ? WHERE id = ?", "it", i->now,
		    bytes_of(in->trouble));
	return !over;
}

/* Whether the step of the trouble is told already, or waits to be.  One that nobody answered is told anew. */
static bool
has_step(struct intake *i, const struct incoming *in)
{
	return spool_number(i->spool, 0,
		   "SELECT 1 FROM intent WHERE trouble = ? AND step = ? AND kind = ? AND subscription IS ? "
		   "AND"
		   " (state IN ('held', 'due', 'sending') OR (state = 'sent' AND due IS NOT NULL))",
		   "titt", bytes_of(in->trouble), in->step, in->kind, in->subscription) == 1;
}

/* Finds the open trouble of the subject, or opens one. */
static void
join_trouble(struct intake *i, struct incoming *in)
{
	bool acked = false;

	if (find_trouble(i, in, &acked)) {
		/* A new reading may come to the last resort, too. */
		(void)spool_do(i->spool,
		    "UPDATE trouble SET state = 'open', due = NULL WHERE id = ? AND state = 'exhausted'", "t",
		    bytes_of(in->trouble));
		if (in->step > 0 && (acked || has_step(i, in))) {
			in->state = "cancelled";
			in->reason = acked ? "acked" : "merged";
		}
		return;
	}
	trouble_id(in, in->trouble);
	(void)spool_do(i->spool,
	    "INSERT INTO trouble (id, subject, urgency, state, opened) VALUES (?, ?, ?, 'open', ?)", "ttii",
	    bytes_of(in->trouble), about(in), in->urgency, i->now);
}

static void
insert(struct intake *i, const struct incoming *in, struct bytes line)
{
	int64_t due = i->now + SECOND * in->after;
	bool open = in->reason == NULL;

	(void)spool_do(i->spool,
	    "INSERT INTO intent (id, kind, state, reason, subscription, record, level, subject, event, "
	    "urgency, step,"
	    " accepted, dispatch_by, expires, ack, due, ended, trouble, line, urgent)"
	    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, nullif(?, 0), ?, ?, ?) ON CONFLICT "
	    "(id) "
	    "DO NOTHING",
	    "tttttttttiiiiiiiitti", in->id, in->kind, bytes_of(in->state), spool_or_null(in->reason),
	    in->subscription, in->record, in->level, in->subject, in->event, in->urgency, in->step, i->now,
	    due + SECOND * in->dispatch, i->now + SECOND * in->expires, SECOND * in->ack, due,
	    open ? INT64_C(0) : i->now, spool_or_null(in->trouble), line, (int64_t)in->urgent);
}

/* What was given up begins anew. */
static bool
revive(struct intake *i, struct bytes id)
{
	int64_t seq = i->again ? spool_number(i->spool, -1,
				     "SELECT seq FROM intent WHERE id = ? AND state = 'dead'", "t", id)
			       : -1;

	if (seq >= 0)
		trouble_revive(i->spool, seq, i->now);
	return seq >= 0;
}

static bool
is_known(struct intake *i, struct bytes id)
{
	return spool_number(i->spool, 0, "SELECT 1 FROM intent WHERE id = ?", "t", id) == 1;
}

static bool
take_intent(struct intake *i, uint32_t ehr, struct bytes line, enum reason *reason)
{
	struct incoming in = { .state = "due" };

	if (!read_intent(&i->json, ehr, &in) || !intent_form_good(&i->json, i->sealed)) {
		*reason = REASON_TAGS_INVALID;
		return false;
	}
	in.urgency = urgency_of(i, in.criticality, &in.urgent);
	if (in.urgency < 0) {
		*reason = REASON_UNKNOWN_CRITICALITY;
		return spool_failed(i->spool);
	}
	if (revive(i, in.id)) {
		i->taken++;
		return true;
	}
	/* Before it would join a trouble a second time. */
	if (in.ack > 0 && is_known(i, in.id)) {
		i->known++;
		return true;
	}
	if (in.after > 0)
		in.state = "held";
	if (is_unchanged(i, &in))
		in.state = "unchanged", in.reason = "unchanged";
	else if (in.ack > 0)
		join_trouble(i, &in);
	insert(i, &in, line);
	if (spool_changed(i->spool) == 0)
		i->known++;
	else
		i->taken++;
	i->unchanged += in.reason != NULL && strcmp(in.reason, "unchanged") == 0;
	return true;
}

/* What an event that was cut off showed may have been told to nobody: then the next one changes it. */
static bool
take_marks(struct intake *i, struct bytes event, struct bytes record, struct bytes criticality)
{
	const struct json *j = &i->json;
	uint32_t marks = object(j, 0, "marks");
	struct bytes mark;

	if (marks == UINT32_MAX)
		return false;
	for (uint32_t key = marks + 1; key < j->nodes[marks].next; key = j->nodes[key].next) {
		mark = json_inside(j, key + 1);
		if (json_kind(j, key + 1) != JSON_STRING || !tag_is_word(mark) ||
		    !tag_is_word(json_inside(j, key)))
			return false;
		(void)spool_do(i->spool,
		    "INSERT INTO mark (record, level, mark, event, changed, seen, criticality)"
		    " VALUES (?, ?, ?, ?, 1, ?, ?) ON CONFLICT (record, level) DO UPDATE SET"
		    "  changed = CASE WHEN event = excluded.event THEN changed"
		    "   WHEN (SELECT seen FROM event WHERE id = mark.event) < 0 THEN 1"
		    "   ELSE mark <> excluded.mark END,"
		    "  mark = excluded.mark, event = excluded.event, seen = excluded.seen,"
		    "  criticality = excluded.criticality",
		    "ttttit", record, json_inside(j, key), mark, event, i->now, criticality);
	}
	return true;
}

/* Of the event whose lines came last nothing is left out: another one follows, or the input ends. */
void
intake_whole(struct intake *i)
{
	if (i->event.used > 0)
		(void)spool_do(i->spool, "UPDATE event SET seen = -seen WHERE id = ? AND seen < 0", "t",
		    buffer_bytes(&i->event));
	i->event.used = 0;
}

/*
 * Whether the event is told here for the first time.  One that comes again, as with a file that is taken in
 * twice, may be older than the last one: it must not take the place of that one's marks, nor resolve a case
 * that was opened after it.  Until it is whole, the time at which it was seen is negative.
 */
static bool
is_news(struct intake *i, struct bytes event)
{
	intake_whole(i);
	buffer_add(&i->event, event.at, event.size);
	(void)spool_do(
	    i->spool, "INSERT OR IGNORE INTO event (id, seen) VALUES (?, ?)", "ti", event, -i->now);
	return spool_changed(i->spool) > 0;
}

/* The record of the intent O; a floor notice and the last resort have that of the data of their event. */
#define RECORD_OF_O                                                                                          \
	"coalesce(o.record, (SELECT s.record FROM intent AS s WHERE s.trouble = o.trouble AND s.event = "    \
	"o.event AND s.record IS NOT NULL))"

/*
 * A reading of the same record that is less urgent resolves what the one before it opened, unless another
 * record of the trouble is still so urgent, or nothing is known of it.
 */
static void
resolve_by_event(struct intake *i, struct bytes record, int64_t urgency)
{
	char id[TROUBLE_ID + 1];

	for (;;) {
		struct spool_rows *r = spool_rows(i->spool,
		    "SELECT id FROM trouble AS t WHERE closed IS NULL AND urgency > ?1 AND id IN"
		    " (SELECT trouble FROM intent WHERE record = ?2 AND trouble IS NOT NULL) AND NOT EXISTS"
		    " (SELECT 1 FROM intent AS o WHERE o.trouble = t.id AND " RECORD_OF_O " IS NOT ?2"
		    "  AND NOT EXISTS (SELECT 1 FROM mark AS m JOIN criticality AS c ON c.word = "
		    "m.criticality"
		    "   WHERE m.record = " RECORD_OF_O " AND c.urgency < t.urgency)) LIMIT 1",
		    "it", urgency, record);

		if (!spool_next(r) || !bytes_string(spool_text(r, 0), id, sizeof id))
			return;
		spool_done(r);
		(void)trouble_resolve(i->spool, bytes_of(id), (struct bytes)BYTES("event"), i->now);
	}
}

static bool
take_event(struct intake *i, uint32_t ehr, struct bytes *id, enum reason *reason)
{
	struct bytes record, criticality;
	int64_t urgency;
	bool urgent;

	*reason = REASON_TAGS_INVALID;
	if (!word(&i->json, ehr, "id", id) || !word(&i->json, ehr, "record", &record) ||
	    !word(&i->json, ehr, "criticality", &criticality) || id->at == NULL || record.at == NULL ||
	    criticality.at == NULL)
		return false;
	urgency = urgency_of(i, criticality, &urgent);
	if (urgency < 0) {
		*reason = REASON_UNKNOWN_CRITICALITY;
		return spool_failed(i->spool);
	}
	if (!is_news(i, *id))
		return true;
	if (!take_marks(i, *id, record, criticality))
		return false;
	resolve_by_event(i, record, urgency);
	return true;
}

bool
intake_line(struct intake *i, struct bytes line, struct bytes *id, enum reason *reason, size_t *byte)
{
	const struct json *j = &i->json;
	struct bytes stage;
	uint32_t ehr;

	*byte = 0;
	*id = (struct bytes){ NULL, 0 };
	*reason = REASON_TOO_LONG;
	if (line.size > INTAKE_LINE)
		return false;
	if (!json_parse(&i->json, line)) {
		*reason = i->json.reason;
		*byte = i->json.byte;
		return false;
	}
	*reason = REASON_NOT_AN_OBJECT;
	if (json_kind(j, 0) != JSON_OBJECT)
		return false;
	*reason = REASON_WRONG_STAGE;
	ehr = object(j, 0, "ehr");
	if (ehr == UINT32_MAX || !word(j, ehr, "stage", &stage) || stage.at == NULL)
		return false;
	if (bytes_are(stage, "event"))
		return take_event(i, ehr, id, reason);
	if (!bytes_are(stage, "intent"))
		return false;
	(void)word(j, ehr, "id", id);
	return take_intent(i, ehr, line, reason);
}
