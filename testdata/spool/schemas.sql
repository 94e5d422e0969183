-- The spool as programs of each schema left it: what stands above a user_version is a database of that schema, with an
-- intent that waits, an urgent one in a case, one that was sent, and what was visible of its record.  A step never changes.
PRAGMA application_id = 1701343844;
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE criticality (word TEXT PRIMARY KEY, urgency INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE intent ( seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, state TEXT NOT NULL, reason TEXT, subscription TEXT, record TEXT, level TEXT, subject TEXT, event TEXT, urgency INTEGER NOT NULL, step INTEGER NOT NULL, accepted INTEGER NOT NULL, dispatch_by INTEGER NOT NULL, expires INTEGER NOT NULL, ack INTEGER NOT NULL, due INTEGER, route INTEGER NOT NULL DEFAULT 0, channel TEXT, tries INTEGER NOT NULL DEFAULT 0, reminders INTEGER NOT NULL DEFAULT 0, number INTEGER, first_sent INTEGER, last_sent INTEGER, ended INTEGER, trouble TEXT, line TEXT NOT NULL);
CREATE INDEX intent_order ON intent (channel, dispatch_by, urgency DESC, seq) WHERE state = 'due';
CREATE INDEX intent_wait ON intent (due) WHERE state IN ('held', 'gathering', 'sent');
CREATE INDEX intent_gather ON intent (subscription) WHERE state = 'gathering';
CREATE INDEX intent_sending ON intent (seq) WHERE state = 'sending';
CREATE INDEX intent_trouble ON intent (trouble) WHERE trouble IS NOT NULL;
CREATE INDEX intent_record ON intent (record) WHERE trouble IS NOT NULL;
CREATE INDEX intent_ended ON intent (ended) WHERE ended IS NOT NULL;
CREATE TABLE attempt ( intent INTEGER NOT NULL, try INTEGER NOT NULL, channel TEXT NOT NULL, started INTEGER NOT NULL, finished INTEGER, result TEXT, PRIMARY KEY (intent, try)) WITHOUT ROWID;
CREATE TABLE trouble ( id TEXT PRIMARY KEY, subject TEXT NOT NULL, urgency INTEGER NOT NULL, state TEXT NOT NULL, opened INTEGER NOT NULL, acked INTEGER, acked_by TEXT, closed INTEGER, due INTEGER) WITHOUT ROWID;
CREATE UNIQUE INDEX trouble_open ON trouble (subject, urgency) WHERE closed IS NULL;
CREATE TABLE mark ( record TEXT NOT NULL, level TEXT NOT NULL, mark TEXT NOT NULL, event TEXT NOT NULL, changed INTEGER NOT NULL, seen INTEGER NOT NULL, PRIMARY KEY (record, level)) WITHOUT ROWID;
CREATE INDEX mark_seen ON mark (seen);
CREATE TABLE subscription ( id TEXT PRIMARY KEY, numbered INTEGER NOT NULL DEFAULT 0, state TEXT, since INTEGER) WITHOUT ROWID;
CREATE TABLE channel ( name TEXT PRIMARY KEY, failures INTEGER NOT NULL DEFAULT 0, retry_at INTEGER, held INTEGER, error TEXT, error_at INTEGER) WITHOUT ROWID;
CREATE TABLE act (at INTEGER NOT NULL, account TEXT NOT NULL, verb TEXT NOT NULL, what TEXT NOT NULL, reason TEXT);
INSERT INTO criticality VALUES ('routine', 0), ('low', 1), ('medium', 2), ('high', 3), ('critical', 4);
CREATE TEMP TABLE sample (seq, name, urgency, word, ack, state);
INSERT INTO sample VALUES (1, 'a1', 0, 'routine', 0, 'due'), (2, 'c1', 4, 'critical', 600000, 'due'), (3, 'a2', 0, 'routine', 0, 'done');
INSERT INTO intent (seq, id, kind, state, subscription, record, level, subject, event, urgency, step, accepted, dispatch_by, expires, ack, due, first_sent, last_sent, ended, trouble, line)
SELECT seq, 'n_' || name, 'data', state, 'nurse-7', 'r_' || name, 'N', 's_a', 'e_' || name, urgency, 0, unixepoch() * 1000, unixepoch() * 1000 + 5000, unixepoch() * 1000 + 86400000, ack,
iif(state = 'due', unixepoch() * 1000, NULL), iif(state = 'done', unixepoch() * 1000, NULL), iif(state = 'done', unixepoch() * 1000, NULL), iif(state = 'done', unixepoch() * 1000, NULL), iif(ack > 0, 'c_1', NULL),
json_object('ehr', json_object('v', 1, 'stage', 'intent', 'id', 'n_' || name, 'event', 'e_' || name, 'record', 'r_' || name, 'subject', 's_a', 'rl', 'N', 'al', 3, 'criticality', word, 'policy', 'sha256:0'),
'kind', 'data', 'to', json_object('subscription', 'nurse-7', 'party', 'nurse', 'class', 'care-team', 'step', 0), 'deadline', json_object('after', 'PT0S', 'dispatch', 'PT5S', 'expires', 'PT24H'),
'ref', 'r_' || name || '/N', 'payload', 'reference', 'purpose', 'TREAT', 'grant', 'g', 'obligations', json_array()) FROM sample;
INSERT INTO intent (seq, id, kind, state, subscription, subject, urgency, step, accepted, dispatch_by, expires, ack, due, line)
SELECT 4, 'n_b1.resolved', 'resolved', 'due', 'nurse-7', 's_a', 3, 0, accepted, dispatch_by, expires, 0, due,
json_set(json_remove(line, '$.ref', '$.ehr.rl', '$.ehr.al'), '$.ehr.id', 'n_b1', '$.ehr.criticality', 'high', '$.kind', 'data') FROM intent WHERE seq = 1;
INSERT INTO attempt VALUES (3, 1, 'file', unixepoch() * 1000, unixepoch() * 1000, '0');
INSERT INTO trouble (id, subject, urgency, state, opened) VALUES ('c_1', 's_a', 4, 'open', unixepoch() * 1000);
INSERT INTO mark VALUES ('r_a2', 'N', 'm_N', 'e_a2', 1, unixepoch() * 1000);
DROP TABLE sample;
PRAGMA user_version = 1;
ALTER TABLE intent ADD COLUMN urgent INTEGER NOT NULL DEFAULT 0;
UPDATE intent SET urgent = urgency >= (SELECT max(urgency) - 1 FROM criticality) WHERE ended IS NULL;
DROP INDEX intent_order;
CREATE INDEX intent_order ON intent (channel, urgent DESC, dispatch_by, urgency DESC, seq) WHERE state = 'due';
CREATE INDEX intent_expires ON intent (expires) WHERE ended IS NULL;
PRAGMA user_version = 2;
DROP INDEX intent_wait;
CREATE INDEX intent_wait ON intent (due) WHERE state = 'held' OR state = 'gathering' OR state = 'sent';
PRAGMA user_version = 3;
ALTER TABLE intent ADD COLUMN resume INTEGER;
CREATE INDEX intent_told ON intent (record, level, subscription) WHERE last_sent IS NOT NULL;
UPDATE intent SET line = json_set(line, '$.kind', 'resolved') WHERE kind = 'resolved' AND ended IS NULL AND json_valid(line);
PRAGMA user_version = 4;
CREATE TABLE IF NOT EXISTS event (id TEXT PRIMARY KEY, seen INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS event_seen ON event (seen);
INSERT OR IGNORE INTO event SELECT event, max(seen) FROM mark GROUP BY event;
INSERT OR IGNORE INTO event SELECT event, max(accepted) FROM intent WHERE event IS NOT NULL GROUP BY event;
PRAGMA user_version = 5;
ALTER TABLE mark ADD COLUMN criticality TEXT;
PRAGMA user_version = 6;
