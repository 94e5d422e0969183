/* SPDX-License-Identifier: ISC */
#include "cmd/deliver/trouble.h"

#include "common/json/json_write.h"

#include <stdio.h>

enum { SECOND = 1000, WORD = 130 };

/* What waits for its time.  What an operator holds has no `due` and does not count: it silences no alarm. */
#define WAITS(intent) "(" intent ".state = 'held' AND " intent ".due IS NOT NULL)"

/* The policy's word, also where a line was broken. */
#define CRITICALITY(intent) "(SELECT word FROM criticality AS c WHERE c.urgency = " intent ".urgency)"

/* Runs SQL with NOW for each urgency that has a limit. */
static void
remind(struct spool *s, const struct delivery_policy *delivery, int64_t now)
{
	for (int64_t i = 0; i < NOTIFY_MAX_WORDS; i++)
		if (delivery->remind[i] > 0)
			(void)spool_do(s,
			    "UPDATE intent SET state = 'due', reminders = reminders + 1, tries = 0 WHERE "
			    "state = 'sent'"
			    " AND due <= ? AND urgency = ? AND reminders < ?",
			    "iii", now, i, (int64_t)delivery->remind[i]);
}

/* What nobody acknowledged in all its time. */
static void
miss(struct spool *s, int64_t now)
{
	(void)spool_do(
	    s, "UPDATE intent SET due = NULL, reason = 'missed' WHERE state = 'sent' AND due <= ?", "i", now);
}

/* A patch with a null leaves that member out: a subject of which there is none. */
void
trouble_exhaust(struct spool *s, int64_t now)
{
	(void)spool_do(s,
	    "UPDATE trouble SET state = 'exhausted', due = ?1 WHERE state = 'open' AND closed IS NULL"
	    " AND EXISTS (SELECT 1 FROM intent WHERE trouble = trouble.id AND (reason = 'missed' OR"
	    "  state IN ('dead', 'expired', 'stopped')))"
	    " AND NOT EXISTS (SELECT 1 FROM intent AS w WHERE w.trouble = trouble.id AND (w.state IN ('due', "
	    "'gathering', 'sending') OR (w.state = 'sent' AND w.due IS NOT NULL) OR " WAITS("w") "))",
	    "i", now);
	if (spool_changed(s) == 0)
		return;
	(void)spool_do(s,
	    "INSERT INTO intent (id, kind, state, urgency, urgent, step, accepted, dispatch_by, expires, "
	    "ack, due, "
	    "subject,"
	    " event, trouble, line)"
	    " SELECT t.id || '.' || i.seq || '.exhausted', 'last-resort', 'due', i.urgency, i.urgent, "
	    "i.step, ?1, ?1, ?1 + i.expires - "
	    "i.accepted,"
	    "  0, ?1, i.subject, i.event, t.id, json_object('ehr', json_patch('{}', json_object('v', 1, "
	    "'stage', 'intent', 'id',"
	    "  t.id || '.' || i.seq || '.exhausted', 'subject', CAST(i.subject AS TEXT), "
	    "'criticality', " CRITICALITY(
		"i") ")),"
		     "  'kind', 'last-resort', 'why', 'exhausted', 'to', json_object('last_resort', "
		     "json('true')),"
		     "  'obligations', json('[]'))"
		     " FROM trouble AS t JOIN intent AS i ON i.seq = (SELECT max(seq) FROM intent WHERE "
		     "trouble = "
		     "t.id)"
		     " WHERE t.state = 'exhausted' AND t.due = ?1 ON CONFLICT (id) DO NOTHING",
	    "i", now);
}

/* A case that was acknowledged and not resolved asks those who took charge again. */
static void
ask_again(struct spool *s, const struct delivery_policy *delivery, int64_t now)
{
	for (int64_t i = 0; i < NOTIFY_MAX_WORDS; i++) {
		if (delivery->reack[i] == 0)
			continue;
		(void)spool_do(s,
		    "UPDATE intent SET state = 'due', reminders = reminders + 1, tries = 0, ended = NULL, "
		    "reason = NULL,"
		    " expires = max(expires, ?1 + expires - accepted) WHERE state = 'acked' AND trouble IN "
		    "(SELECT id FROM"
		    " trouble WHERE state = 'acked' AND closed IS NULL AND urgency = ?2 AND acked <= ?1 - "
		    "?3)",
		    "iii", now, i, SECOND * delivery->reack[i]);
		(void)spool_do(s,
		    "UPDATE trouble SET state = 'open', acked = NULL WHERE state = 'acked' AND closed IS NULL"
		    " AND urgency = ?2 AND acked <= ?1 - ?3",
		    "iii", now, i, SECOND * delivery->reack[i]);
	}
}

int64_t
trouble_next(struct spool *s, const struct delivery_policy *delivery)
{
	int64_t next = INT64_MAX;

	for (int64_t i = 0; i < NOTIFY_MAX_WORDS; i++) {
		int64_t acked =
		    delivery->reack[i] == 0
			? INT64_MAX
			: spool_number(s, INT64_MAX,
			      "SELECT min(acked) FROM trouble WHERE state = 'acked' AND closed IS "
			      "NULL AND urgency = ?",
			      "i", i);

		if (acked != INT64_MAX && acked + SECOND * delivery->reack[i] < next)
			next = acked + SECOND * delivery->reack[i];
	}
	return next;
}

void
trouble_time(struct spool *s, const struct delivery_policy *delivery, int64_t now)
{
	if (spool_number(s, 0, "SELECT 1 FROM intent WHERE state = 'sent' AND due <= ? LIMIT 1", "i", now) ==
	    1) {
		remind(s, delivery, now);
		miss(s, now);
		trouble_exhaust(s, now);
	}
	ask_again(s, delivery, now);
}

void
trouble_revive(struct spool *s, int64_t seq, int64_t now)
{
	(void)spool_do(s,
	    "UPDATE intent SET state = 'due', reason = NULL, ended = NULL, tries = 0, reminders = 0, route = "
	    "0,"
	    " channel = NULL, due = ?1, dispatch_by = ?1 + dispatch_by - accepted, expires = ?1 + expires - "
	    "accepted, accepted = ?1 WHERE seq = ?2 AND state = 'dead'",
	    "ii", now, seq);
	(void)spool_do(s,
	    "UPDATE trouble SET state = 'open', due = NULL WHERE state = 'exhausted' AND id ="
	    " (SELECT trouble FROM intent WHERE seq = ?)",
	    "i", seq);
}

/*
 * The intent SEQ may be the copy, for one subscription, of a notice to a class.  If no copy reached anybody
 * or may still do so, the notice goes to the last resort.  One with a case goes there by its case.
 */
static void
tell_for_class(struct spool *s, int64_t seq, int64_t now)
{
	(void)spool_do(s,
	    "UPDATE intent SET kind = 'last-resort', state = 'due', reason = NULL, ended = NULL, due = ?2,"
	    " dispatch_by = ?2 + dispatch_by - accepted, expires = ?2 + expires - accepted, accepted = ?2"
	    " WHERE id = (SELECT substr(id, 1, length(id) - length(subscription) - 1) FROM intent"
	    "  WHERE seq = ?1 AND kind = 'notice' AND ended IS NOT NULL)"
	    " AND reason = 'class' AND trouble IS NULL AND NOT EXISTS (SELECT 1 FROM intent AS c WHERE"
	    "  c.id > intent.id || '.' AND c.id < intent.id || '/'"
	    "  AND c.id = intent.id || '.' || c.subscription"
	    "  AND c.state NOT IN ('dead', 'expired', 'stopped'))",
	    "ii", seq, now);
}

void
trouble_next_step(struct spool *s, int64_t seq, int64_t now)
{
	(void)spool_do(s,
	    "UPDATE intent SET state = 'due', dispatch_by = ?2 + dispatch_by - due, due = ?2 WHERE seq IN"
	    " (SELECT n.seq FROM intent AS o JOIN intent AS n ON n.trouble = o.trouble WHERE o.seq = ?1"
	    "  AND " WAITS("n") " AND n.step = (SELECT min(w.step) FROM intent AS w WHERE w.trouble = "
				"o.trouble AND " WAITS(
				    "w") " AND w.step > o.step)"
					 "  AND NOT EXISTS (SELECT 1 FROM intent AS w WHERE w.trouble = "
					 "o.trouble AND w.step = o.step AND"
					 "   w.seq <> o.seq AND (w.state IN ('due', 'gathering', 'sending', "
					 "'sent') OR " WAITS("w") ")))",
	    "ii", seq, now);
	/* Nobody is left to be told. */
	if (spool_changed(s) == 0)
		trouble_exhaust(s, now);
	tell_for_class(s, seq, now);
}

/* {"to":{"class":"privacy-officer"}} of the intent's line; -1 if the policy lacks it. */
static int
class_of(struct spool *s, const struct notify_policy *plan, int64_t seq)
{
	struct spool_rows *r = spool_rows(s,
	    "SELECT json_extract(CAST(line AS TEXT), '$.to.class') FROM intent WHERE seq = ? AND "
	    "json_valid(line)",
	    "i", seq);
	int class = spool_next(r) ? notify_policy_class(plan, spool_text(r, 0)) : -1;

	spool_done(r);
	return class;
}

void
trouble_tell_class(
    struct spool *s, const struct gate *gate, const struct notify_policy *plan, int64_t seq, int64_t now)
{
	const struct subscriptions *subscriptions = gate_subscriptions(gate);
	struct instant time = { .seconds = now / 1000 };
	int class = class_of(s, plan, seq);
	int64_t told = 0;

	for (size_t i = 0; i < subscriptions->count; i++) {
		const struct subscription *sub = &subscriptions->at[i];

		if (class < 0 || sub->class != class || sub->idle != SUBSCRIPTION_RUNS ||
		    gate_grant(gate, sub, time) != GRANT_GOOD)
			continue;
		(void)spool_do(s,
		    "INSERT INTO intent (id, kind, state, subscription, subject, urgency, urgent, step,"
		    " accepted, dispatch_by, expires, ack, due, trouble, line)"
		    " SELECT id || '.' || ?1, kind, 'due', ?1, subject, urgency, urgent, step,"
		    " accepted, dispatch_by, expires, ack, due, trouble, line"
		    " FROM intent WHERE seq = ?2 ON CONFLICT (id) DO NOTHING",
		    "ti", sub->id, seq);
		told++;
	}
	if (told > 0)
		(void)spool_do(s,
		    "UPDATE intent SET state = 'done', reason = 'class', ended = ? WHERE seq = ?", "ii", now,
		    seq);
	else /* nobody is of the class: the last resort */
		(void)spool_do(s, "UPDATE intent SET kind = 'last-resort' WHERE seq = ?", "i", seq);
}

/* Ends what the trouble would still say. */
static void
silence(struct spool *s, struct bytes trouble, const char *reason, int64_t now)
{
	(void)spool_do(s,
	    "UPDATE intent SET state = CASE WHEN state = 'sent' OR (state = 'sending' AND reminders > 0) "
	    "THEN "
	    "'acked' ELSE"
	    " 'cancelled' END, reason = ?, ended = ?, due = NULL WHERE trouble = ? AND (state IN ('held', "
	    "'sent') OR"
	    " (state IN ('due', 'gathering', 'sending') AND (step > 0 OR reminders > 0)))",
	    "tit", bytes_of(reason), now, trouble);
}

static void
take_charge(struct spool *s, struct bytes trouble, struct bytes by, int64_t now)
{
	(void)spool_do(s,
	    "UPDATE trouble SET state = 'acked', acked = ?, acked_by = ? WHERE id = ? AND closed IS NULL"
	    " AND state <> 'acked'",
	    "itt", now, by, trouble);
	silence(s, trouble, "acked", now);
}

bool
trouble_answer(struct spool *s, struct bytes id, enum trouble_answer answer, struct bytes by, int64_t now)
{
	static const char *const words[] = { "accepted", "rejected", "delivered", "read" };
	struct spool_rows *r = spool_rows(s, "SELECT seq, trouble FROM intent WHERE id = ?", "t", id);
	char trouble[WORD] = "";
	int64_t seq;

	if (!spool_next(r))
		return false;
	seq = spool_int(r, 0);
	(void)bytes_string(spool_text(r, 1), trouble, sizeof trouble);
	spool_done(r);
	(void)spool_do(s, "INSERT INTO act (at, account, verb, what, reason) VALUES (?, ?, 'ack', ?, ?)",
	    "ittt", now, by, id, bytes_of(words[answer]));
	if (answer == TROUBLE_ACCEPTED) {
		(void)spool_do(s,
		    "UPDATE intent SET state = 'acked', reason = 'acked', ended = ?, due = NULL WHERE seq = "
		    "? AND state IN"
		    " ('sent', 'due', 'held', 'sending', 'gathering')",
		    "ii", now, seq);
		if (trouble[0] != '\0')
			take_charge(s, bytes_of(trouble), by, now);
	} else if (answer == TROUBLE_REJECTED) {
		(void)spool_do(s,
		    "UPDATE intent SET state = 'stopped', reason = 'rejected', ended = ?, due = NULL WHERE "
		    "seq = ? AND"
		    " (state IN ('sent', 'sending') OR (state IN ('due', 'held') AND first_sent IS NOT "
		    "NULL))",
		    "ii", now, seq);
		if (spool_changed(s) > 0)
			trouble_next_step(s, seq, now);
	}
	return true;
}

bool
trouble_resolve(struct spool *s, struct bytes id, struct bytes by, int64_t now)
{
	(void)spool_do(s, "UPDATE trouble SET state = 'resolved', closed = ? WHERE id = ? AND closed IS NULL",
	    "it", now, id);
	if (spool_changed(s) == 0)
		return false;
	silence(s, id, "resolved", now);
	(void)spool_do(
	    s, "INSERT INTO act (at, account, verb, what) VALUES (?, ?, 'resolve', ?)", "itt", now, by, id);
	/* A message `resolved` to each subscription that had been told, and to the last resort. */
	(void)spool_do(s,
	    "INSERT INTO intent (id, kind, state, subscription, subject, urgency, urgent, step,"
	    " accepted, dispatch_by, expires, ack, due, trouble, line)"
	    " SELECT min(id) || '.resolved', 'resolved', 'due', subscription, subject, urgency, urgent, 0,"
	    " ?1, ?1, ?1 + max(expires - accepted), 0, ?1, trouble,"
	    " json_set(json_remove(CAST(line AS TEXT), '$.ref', '$.sealed', '$.ehr.rl', '$.ehr.al'),"
	    "  '$.kind', 'resolved')"
	    " FROM intent WHERE trouble = ?2 AND first_sent IS NOT NULL AND json_valid(line)"
	    " AND (subscription IS NOT NULL OR kind = 'last-resort')"
	    " GROUP BY subscription ON CONFLICT (id) DO NOTHING",
	    "it", now, id);
	return true;
}
