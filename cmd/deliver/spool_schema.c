/* SPDX-License-Identifier: ISC */
#include "cmd/deliver/spool_schema.h"

/*
 * Indices are partial: an intent stands only in that of its state, so that the closed ones cost nothing.
 *
 * intent_order:   what is due, by channel, in the order in which it is sent: what is urgent first, then the
 *                 earliest deadline, the most urgent, the first accepted.  The channel is null until the
 *                 dispatcher has found the route.
 * intent_wait:    what waits for a time: held until `due`; gathering more of its kind; sent, to be
 *                 acknowledged.
 * intent_expires: all that has not ended.
 */
const char *const spool_schema[SPOOL_VERSION] = {
	"CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
	/* the policy's words, the most harmless first */
	"CREATE TABLE criticality (word TEXT PRIMARY KEY, urgency INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE intent ("
	"  seq INTEGER PRIMARY KEY," /* order of acceptance */
	"  id TEXT NOT NULL UNIQUE,"
	"  kind TEXT NOT NULL,"  /* data floor last-resort alarm notice */
	"  state TEXT NOT NULL," /* held due sending sent, and the ends: see ehr-spool(5) */
	"  reason TEXT,"         /* of an end */
	"  subscription TEXT,"   /* null: the last resort, or a class */
	"  record TEXT, level TEXT, subject TEXT, event TEXT,"
	"  urgency INTEGER NOT NULL," /* the place of its criticality in the policy's order */
	"  step INTEGER NOT NULL,"
	"  accepted INTEGER NOT NULL,"
	"  dispatch_by INTEGER NOT NULL,"
	"  expires INTEGER NOT NULL,"
	"  ack INTEGER NOT NULL,"             /* how long to wait for an acknowledgement; 0: none is wanted */
	"  due INTEGER,"                      /* when something is to be done next */
	"  route INTEGER NOT NULL DEFAULT 0," /* of the subscription */
	"  channel TEXT,"
	"  tries INTEGER NOT NULL DEFAULT 0,"
	"  reminders INTEGER NOT NULL DEFAULT 0,"
	"  number INTEGER," /* among the messages of the subscription */
	"  first_sent INTEGER, last_sent INTEGER, ended INTEGER,"
	"  trouble TEXT," /* the case that it belongs to */
	"  line TEXT NOT NULL);"
	"CREATE INDEX intent_order ON intent (channel, dispatch_by, urgency DESC, seq) WHERE state = 'due';"
	"CREATE INDEX intent_wait ON intent (due) WHERE state IN ('held', 'gathering', 'sent');"
	"CREATE INDEX intent_gather ON intent (subscription) WHERE state = 'gathering';"
	"CREATE INDEX intent_sending ON intent (seq) WHERE state = 'sending';"
	"CREATE INDEX intent_trouble ON intent (trouble) WHERE trouble IS NOT NULL;"
	"CREATE INDEX intent_record ON intent (record) WHERE trouble IS NOT NULL;"
	"CREATE INDEX intent_ended ON intent (ended) WHERE ended IS NOT NULL;"
	"CREATE TABLE attempt ("
	"  intent INTEGER NOT NULL, try INTEGER NOT NULL, channel TEXT NOT NULL,"
	"  started INTEGER NOT NULL, finished INTEGER, result TEXT,"
	"  PRIMARY KEY (intent, try)) WITHOUT ROWID;"
	/* a subject in trouble until somebody takes charge */
	"CREATE TABLE trouble ("
	"  id TEXT PRIMARY KEY, subject TEXT NOT NULL, urgency INTEGER NOT NULL,"
	"  state TEXT NOT NULL," /* open acked exhausted resolved */
	"  opened INTEGER NOT NULL, acked INTEGER, acked_by TEXT, closed INTEGER, due INTEGER) WITHOUT ROWID;"
	"CREATE UNIQUE INDEX trouble_open ON trouble (subject, urgency) WHERE closed IS NULL;"
	/* what was visible last, by record and level */
	"CREATE TABLE mark ("
	"  record TEXT NOT NULL, level TEXT NOT NULL, mark TEXT NOT NULL, event TEXT NOT NULL,"
	"  changed INTEGER NOT NULL, seen INTEGER NOT NULL, PRIMARY KEY (record, level)) WITHOUT ROWID;"
	"CREATE INDEX mark_seen ON mark (seen);"
	"CREATE TABLE subscription ("
	"  id TEXT PRIMARY KEY, numbered INTEGER NOT NULL DEFAULT 0, state TEXT, since INTEGER) WITHOUT "
	"ROWID;"
	"CREATE TABLE channel ("
	"  name TEXT PRIMARY KEY, failures INTEGER NOT NULL DEFAULT 0, retry_at INTEGER, held INTEGER,"
	"  error TEXT, error_at INTEGER) WITHOUT ROWID;"
	/* what an operator did */
	"CREATE TABLE act (at INTEGER NOT NULL, account TEXT NOT NULL, verb TEXT NOT NULL, what TEXT NOT "
	"NULL, reason TEXT);",
	/* of the two highest criticalities */
	"ALTER TABLE intent ADD COLUMN urgent INTEGER NOT NULL DEFAULT 0;"
	"UPDATE intent SET urgent = urgency >= (SELECT max(urgency) - 1 FROM criticality) WHERE ended IS "
	"NULL;"
	"DROP INDEX intent_order;"
	"CREATE INDEX intent_order ON intent (channel, urgent DESC, dispatch_by, urgency DESC, seq)"
	"  WHERE state = 'due';"
	"CREATE INDEX intent_expires ON intent (expires) WHERE ended IS NULL;",
	/* SQLite fills a table of its own for a list of three words, each time a row is written. */
	"DROP INDEX intent_wait;"
	"CREATE INDEX intent_wait ON intent (due)"
	"  WHERE state = 'held' OR state = 'gathering' OR state = 'sent';",
	/* what `due` was before an operator held it */
	"ALTER TABLE intent ADD COLUMN resume INTEGER;"
	/* what a subscription was told of a version of a record */
	"CREATE INDEX intent_told ON intent (record, level, subscription) WHERE last_sent IS NOT NULL;"
	"UPDATE intent SET line = json_set(line, '$.kind', 'resolved')"
	"  WHERE kind = 'resolved' AND ended IS NULL AND json_valid(line);",
	/* A file that is taken in a second time is no news. */
	"CREATE TABLE IF NOT EXISTS event (id TEXT PRIMARY KEY, seen INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE INDEX IF NOT EXISTS event_seen ON event (seen);"
	"INSERT OR IGNORE INTO event SELECT event, max(seen) FROM mark GROUP BY event;"
	"INSERT OR IGNORE INTO event SELECT event, max(accepted) FROM intent WHERE event IS NOT NULL"
	"  GROUP BY event;",
	/* how urgent the record was last */
	"ALTER TABLE mark ADD COLUMN criticality TEXT;",
	/* when the window of its rate began, and how many messages went since */
	"ALTER TABLE subscription ADD COLUMN rate_since INTEGER;"
	"ALTER TABLE subscription ADD COLUMN rate_count INTEGER NOT NULL DEFAULT 0;"
	/* what an event showed */
	"CREATE INDEX mark_event ON mark (event);",
};
