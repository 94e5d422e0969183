/* SPDX-License-Identifier: ISC */
/* ehr-deliver status: counts, deadlines, open cases and channels, for people, Prometheus or a browser. */
#include "cmd/deliver/verbs.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct settings {
	struct verb_place place;
	bool prometheus;
	bool html;
};

static const struct option_entry table[] = {
	VERB_PLACE(struct settings),
	{ OPTION_FLAG(struct settings, prometheus), 0, false, "prometheus", NULL,
	    "metrics in Prometheus' text form" },
	{ OPTION_FLAG(struct settings, html), 0, false, "html", NULL, "one page for a browser" },
};

static const struct option_manual manual = {
	.program = "ehr-deliver status",
	.operands = "",
	.purpose = "Says what is open, due, dead, and how the channels are.",
	.table = table,
	.count = sizeof table / sizeof table[0],
};

#define TIME(column) "strftime('%Y-%m-%d %H:%M:%S', " column " / 1000, 'unixepoch')"
#define WORD "(SELECT word FROM criticality AS c WHERE c.urgency = intent.urgency)"
#define OPEN "ended IS NULL AND (state <> 'sent' OR due IS NOT NULL)"

/* Each part is a table: the heads of its columns, and a query whose rows are its rows.  ?1 is the time. */
static const struct part {
	const char *title;
	const char *heads[7];
	const char *sql;
} parts[] = {
	{ "Intents", { "state", "criticality", "count", "oldest" },
	    "SELECT state, " WORD
	    ", count(*), " TIME("min(accepted)") " FROM intent WHERE ?1 = ?1"
						 " GROUP BY state, urgency ORDER BY state, urgency DESC" },
	{ "Open cases", { "case", "criticality", "state", "opened", "messages" },
	    "SELECT id, (SELECT word FROM criticality AS c WHERE c.urgency = trouble.urgency), state, " TIME(
		"opened") ", (SELECT count(*) FROM intent WHERE trouble = trouble.id AND first_sent IS NOT "
			  "NULL) FROM trouble"
			  " WHERE closed IS NULL AND ?1 = ?1 ORDER BY urgency DESC, opened LIMIT 100" },
	{ "Due next", { "intent", "criticality", "subscription", "dispatch by", "late by, s", "tries" },
	    "SELECT id, " WORD ", coalesce(subscription, 'last resort'), " TIME(
		"dispatch_by") ", max(0, (?1 - dispatch_by)"
			       " / 1000), tries FROM intent WHERE state IN ('due', 'held', 'sending', "
			       "'gathering') AND first_sent IS NULL"
			       " ORDER BY dispatch_by, urgency DESC, seq LIMIT 20" },
	{ "Deadlines missed", { "criticality", "not sent in time", "not acknowledged", "worst, s" },
	    "SELECT " WORD
	    ", sum(coalesce(first_sent, ?1) > dispatch_by AND (first_sent IS NOT NULL OR ended IS NULL)),"
	    " sum(reason = 'missed'), max(0, max(coalesce(first_sent, CASE WHEN ended IS NULL THEN ?1 END) - "
	    "dispatch_by)"
	    " / 1000) FROM intent GROUP BY urgency HAVING sum(coalesce(first_sent, ?1) > dispatch_by AND "
	    "(first_sent IS NOT"
	    " NULL OR ended IS NULL)) + sum(reason = 'missed') > 0 ORDER BY urgency DESC" },
	{ "Given up", { "intent", "criticality", "subscription", "reason", "when" },
	    "SELECT id, " WORD ", coalesce(subscription, 'last resort'), reason, " TIME(
		"ended") " FROM intent WHERE"
			 " state = 'dead' AND ?1 = ?1 ORDER BY ended DESC LIMIT 20" },
	{ "Channels", { "channel", "state", "failures in a row", "last error", "when" },
	    "SELECT name, CASE WHEN held IS NOT NULL THEN 'held' WHEN retry_at > ?1 THEN 'resting' ELSE 'up' "
	    "END, failures,"
	    " coalesce(error, ''), coalesce(" TIME("error_at") ", '') FROM channel ORDER BY name" },
	{ "Subscriptions in error", { "subscription", "since" },
	    "SELECT id, " TIME("since") " FROM subscription WHERE state = 'error' AND ?1 = ?1 ORDER BY id" },
};
enum { PARTS = sizeof parts / sizeof parts[0] };

static unsigned
columns(const struct part *p)
{
	unsigned count = 0;

	while (count < 7 && p->heads[count] != NULL)
		count++;
	return count;
}

static void
put(struct buffer *out, const char *text)
{
	buffer_add(out, text, strlen(text));
}

static void
write_text(struct spool *s, const struct part *p, int64_t now, struct buffer *out)
{
	struct spool_rows *r = spool_rows(s, p->sql, "i", now);
	unsigned count = columns(p);
	bool any = false;
	char cell[160];

	while (spool_next(r)) {
		if (!any) {
			put(out, p->title);
			put(out, "\n");
			for (unsigned i = 0; i < count; i++) {
				(void)snprintf(
				    cell, sizeof cell, i + 1 < count ? "  %-20s" : "  %s", p->heads[i]);
				put(out, cell);
			}
			put(out, "\n");
			any = true;
		}
		for (unsigned i = 0; i < count; i++) {
			struct bytes text = spool_text(r, (int)i);

			(void)snprintf(cell, sizeof cell, i + 1 < count ? "  %-20.*s" : "  %.*s",
			    text.size < 100 ? (int)text.size : 100, text.at);
			put(out, cell);
		}
		put(out, "\n");
	}
	if (any)
		put(out, "\n");
}

static void
put_html(struct buffer *out, struct bytes text)
{
	static const struct {
		char c;
		const char *entity;
	} rows[] = { { '&', "&amp;" }, { '<', "&lt;" }, { '>', "&gt;" }, { '"', "&quot;" } };

	for (size_t i = 0; i < text.size; i++) {
		const char *entity = NULL;

		for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++)
			if (rows[k].c == text.at[i])
				entity = rows[k].entity;
		if (entity != NULL)
			put(out, entity);
		else
			buffer_add(out, &text.at[i], 1);
	}
}

static void
write_html(struct spool *s, const struct part *p, int64_t now, struct buffer *out)
{
	struct spool_rows *r = spool_rows(s, p->sql, "i", now);
	unsigned count = columns(p);
	bool any = false;

	put(out, "<section><h2>");
	put(out, p->title);
	put(out, "</h2>");
	while (spool_next(r)) {
		if (!any) {
			put(out, "<table><tr>");
			for (unsigned i = 0; i < count; i++) {
				put(out, "<th>");
				put(out, p->heads[i]);
			}
			any = true;
		}
		put(out, "\n<tr>");
		for (unsigned i = 0; i < count; i++) {
			put(out, "<td>");
			put_html(out, spool_text(r, (int)i));
		}
	}
	put(out, any ? "</table></section>\n" : "<p>none</section>\n");
}

static const char html_head[] =
    "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>ehr-deliver</title><style>"
    "body{font:16px/1.4 sans-serif;margin:2em;max-width:70em}table{border-collapse:collapse}"
    "th,td{text-align:left;padding:.2em 1em .2em 0;border-bottom:1px solid "
    "#ccc}h2{font-size:1.1em;margin-top:2em}"
    "</style><h1>Delivery</h1><p>A secondary notification system. It is not a primary alarm (IEC "
    "60601-1-8).\n";

/* A histogram in seconds of the time TOOK, in milliseconds, in the rows of FROM. */
#define SECONDS(name, took, from)                                                                            \
	"# TYPE ehr_deliver_" name "_seconds histogram\n",                                                   \
	    "WITH t AS (SELECT (" took ") / 1000.0 AS s FROM " from                                          \
	    "), b (le) AS (VALUES (0.25), (1), (5), (30), (60), (300), (900), (3600))"                       \
	    " SELECT 'ehr_deliver_" name                                                                     \
	    "_seconds_bucket{le=\"' || le || '\"} ' || (SELECT count(*) FROM t WHERE s <= le) FROM b"        \
	    " UNION ALL SELECT 'ehr_deliver_" name "_seconds_bucket{le=\"+Inf\"} ' || count(*) FROM t"       \
	    " UNION ALL SELECT 'ehr_deliver_" name "_seconds_sum ' || coalesce(sum(s), 0.0) FROM t"          \
	    " UNION ALL SELECT 'ehr_deliver_" name "_seconds_count ' || count(*) FROM t WHERE ?1 = ?1"

/* The names and labels hold no subject, party or id. */
static const struct {
	const char *head;
	const char *sql; /* rows of one text */
} metrics[] = {
	{ "# TYPE ehr_deliver_intents_total counter\n",
	    "SELECT 'ehr_deliver_intents_total{state=\"' || state || '\",criticality=\"' || " WORD
	    " || '\"} ' || count(*)"
	    " FROM intent WHERE ?1 = ?1 GROUP BY state, urgency" },
	{ "# TYPE ehr_deliver_open gauge\n",
	    "SELECT 'ehr_deliver_open{criticality=\"' || " WORD
	    " || '\"} ' || count(*) FROM intent WHERE " OPEN " AND ?1 = ?1 GROUP BY urgency" },
	{ "# TYPE ehr_deliver_oldest_due_seconds gauge\n",
	    "SELECT 'ehr_deliver_oldest_due_seconds ' || max(0, coalesce((?1 - min(accepted)) / 1000, 0)) "
	    "FROM intent WHERE"
	    " state = 'due'" },
	{ "# TYPE ehr_deliver_deadline_missed_total counter\n",
	    "SELECT 'ehr_deliver_deadline_missed_total{tier=\"' || " WORD
	    " || '\"} ' || sum(coalesce(first_sent, ?1) >"
	    " dispatch_by AND (first_sent IS NOT NULL OR ended IS NULL)) FROM intent GROUP BY urgency" },
	{ SECONDS("dispatch", "first_sent - accepted", "intent WHERE first_sent IS NOT NULL") },
	{ SECONDS("ack", "acked - opened", "trouble WHERE acked IS NOT NULL") },
	{ "# TYPE ehr_deliver_attempts_total counter\n",
	    "SELECT 'ehr_deliver_attempts_total{channel=\"' || channel || '\",code=\"' || result || '\"} ' "
	    "|| count(*) FROM"
	    " attempt WHERE result IS NOT NULL AND ?1 = ?1 GROUP BY channel, result" },
	{ "# TYPE ehr_deliver_breaker gauge\n", "SELECT 'ehr_deliver_breaker{channel=\"' || name || '\"} ' "
						"|| (coalesce(retry_at, 0) > ?1) FROM channel" },
	{ "# TYPE ehr_deliver_cases_open gauge\n",
	    "SELECT 'ehr_deliver_cases_open ' || count(*) FROM trouble WHERE closed IS NULL AND ?1 = ?1" },
	{ "# TYPE ehr_deliver_suppressed_total counter\n",
	    "SELECT 'ehr_deliver_suppressed_total{reason=\"' || reason || '\"} ' || count(*) FROM intent "
	    "WHERE state IN"
	    " ('stopped', 'unchanged') AND ?1 = ?1 GROUP BY reason" },
};

static void
write_metrics(struct spool *s, int64_t now, struct buffer *out)
{
	for (size_t i = 0; i < sizeof metrics / sizeof metrics[0]; i++) {
		struct spool_rows *r = spool_rows(s, metrics[i].sql, "i", now);

		put(out, metrics[i].head);
		while (spool_next(r)) {
			buffer_add(out, spool_text(r, 0).at, spool_text(r, 0).size);
			put(out, "\n");
		}
	}
}

/* Without a dispatcher nothing is sent, however good all else looks. */
static void
write_run(bool at_work, const struct settings *set, struct buffer *out)
{
	if (set->prometheus) {
		put(out, "# TYPE ehr_deliver_up gauge\nehr_deliver_up ");
		put(out, at_work ? "1\n" : "0\n");
		return;
	}
	put(out, set->html ? "<p>" : "");
	put(out, at_work ? "ehr-deliver run is at work\n" : "No ehr-deliver run is at work\n");
	put(out, set->html ? "" : "\n");
}

int
verb_status(int argc, char *argv[])
{
	struct settings set = { 0 };
	int64_t now = verb_now();
	struct buffer text;
	struct options o;
	struct sink out;
	struct spool *s;

	verb_read(&o, &manual, &set, argc, argv);
	s = verb_open(&o, &set.place);
	buffer_init(&text, BUFFER_UNLIMITED);
	spool_look(s);
	if (set.prometheus)
		write_metrics(s, now, &text);
	if (set.html)
		put(&text, html_head);
	write_run(spool_is_run(s), &set, &text);
	for (size_t i = 0; i < PARTS && !set.prometheus; i++)
		if (set.html)
			write_html(s, &parts[i], now, &text);
		else
			write_text(s, &parts[i], now, &text);
	verb_commit(s);
	spool_close(s);
	sink_init_take(&out, STDOUT_FILENO, "<stdout>");
	(void)sink_put(&out, buffer_bytes(&text));
	buffer_release(&text);
	return verb_finish(&out, EXIT_DONE);
}
