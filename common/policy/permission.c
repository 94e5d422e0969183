/* SPDX-License-Identifier: ISC */
#include "common/policy/permission.h"

#include "common/base/file.h"
#include "common/crypto/signed_line.h"
#include "common/json/json_write.h"
#include "common/line/cure.h"
#include "common/line/tags.h"
#include "common/policy/site.h"
#include "common/policy/vocabulary.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

enum { SKEW = 60 };

#define ONE_RESOURCE                                                                                         \
	"the decision is about one resource, not its patient; ask for the patient with "                     \
	"resource.properties.instance"
#define NOBODY_TOLD "the decision obliges to notify somebody: give --deliver FILE"

struct reading {
	struct json json;
	struct buffer room;
	struct permission *permission;
	const struct permission_terms *terms;
	char digest[DIGEST_TEXT]; /* of the decision */
	struct buffer delivery;
	unsigned limit; /* the least AL of the obligations */
	int level;      /* the lowest redaction level of the decision and its obligations; -1: none */
	const char *why;
	bool needs_now;
	bool expires; /* an obligation says when the access ends */
};

static bool
deny(struct reading *r, const char *why)
{
	r->why = why;
	return false;
}

/* The member NAME of NODE; 0 if it is absent or NODE is 0. */
static uint32_t
member(const struct reading *r, uint32_t node, const char *name)
{
	return node ? json_member(&r->json, node, bytes_of(name)) : 0;
}

static bool
is(const struct reading *r, uint32_t node, const char *text)
{
	return node != 0 && json_is(&r->json, node, bytes_of(text));
}

/* The time in NODE is an end; now must be before it. */
static bool
read_end(struct reading *r, uint32_t node)
{
	struct instant end;

	if (!node || json_kind(&r->json, node) != JSON_STRING ||
	    !clock_parse_instant(json_string(&r->json, node, &r->room), &end))
		return deny(r, "the decision does not say when it ends");
	if (!r->terms->now) {
		r->needs_now = true;
		return false;
	}
	return instant_compare(*r->terms->now, end) < 0 || deny(r, "the decision has ended");
}

/*
 * An old decision does not know what has changed since, such as a consent.  One that says for how long it
 * opens a record, as that of breaking the glass does, counts so long.
 */
static bool
is_fresh(struct reading *r, uint32_t context)
{
	const struct permission_terms *t = r->terms;
	uint32_t node = member(r, context, "time");
	struct instant time;

	if (r->expires)
		return true;
	r->needs_now = node && !t->now;
	if (!t->now)
		return !r->needs_now;
	if (!node || json_kind(&r->json, node) != JSON_STRING ||
	    !clock_parse_instant(json_string(&r->json, node, &r->room), &time))
		return deny(r, "decision-stale: it does not say of when it is; ask for another one");
	if (time.seconds - t->now->seconds > SKEW)
		return deny(r, "decision-stale: it is of a time to come; ask for another one");
	return t->now->seconds - time.seconds <= t->max_age ||
	       deny(r, "decision-stale: it is older than the policy allows; ask for another one");
}

static bool
read_expiry(struct reading *r, uint32_t properties)
{
	r->expires = true;
	return read_end(r, member(r, properties, "at"));
}

/* Names the obligation if its action is a word. */
static bool
deny_obligation(struct reading *r, uint32_t action)
{
	struct bytes word = { "", 0 };
	const char *program = r->terms->program;

	if (action && json_kind(&r->json, action) == JSON_STRING)
		word = json_string(&r->json, action, &r->room);
	return deny(r, arena_format(&r->permission->arena,
			   "the decision has an obligation that %s cannot carry out%s%.*s", program,
			   tag_is_word(word) ? ": " : "", tag_is_word(word) ? (int)word.size : 0, word.at));
}

static void
lower(struct reading *r, int level)
{
	if (r->level < 0 || level < r->level)
		r->level = level;
}

/* The level that NODE names; -1 if the policy does not have it. */
static int
level_named(struct reading *r, uint32_t node)
{
	return json_kind(&r->json, node) == JSON_STRING
		   ? policy_level(r->terms->policy, json_string(&r->json, node, &r->room))
		   : -1;
}

/* The highest level that AL opens; -1 if it opens none. */
static int
level_of_al(const struct policy *p, uint64_t al)
{
	int level = -1;

	for (unsigned i = 0; i < p->levels; i++)
		if (p->level[i].al <= al)
			level = (int)i;
	return level;
}

/* The AL of `level` and that of its level's name. */
static bool
read_level(struct reading *r, uint32_t properties)
{
	const struct policy *p = r->terms->policy;
	uint32_t al = member(r, properties, "al"), name = member(r, properties, "rl");
	uint64_t number;
	int level;

	if (!al || !json_integer(&r->json, al, &number) || number > 99)
		return deny(r, "its obligation level names no authorization level");
	r->limit = number < r->limit ? (unsigned)number : r->limit;
	level = level_of_al(p, number);
	if (level < 0 && r->terms->opened)
		return deny(r, "its obligation level allows no level");
	lower(r, level);
	if (!name)
		return true;
	level = level_named(r, name);
	if (level < 0)
		return deny(r, "its obligation level names a level that the policy does not have");
	r->limit = p->level[level].al < r->limit ? p->level[level].al : r->limit;
	lower(r, level);
	return true;
}

/* {"v":1,"decision":"sha256:..","about":{..},"obligation":{..}} */
static void
deliver(struct reading *r, uint32_t obligation)
{
	struct json_write w = json_write_to(&r->delivery);
	uint32_t context = json_member(&r->json, 0, bytes_of("context"));

	json_write_open(&w, '{');
	json_write_member_number(&w, "v", 1);
	json_write_member(&w, "decision", bytes_of(r->digest));
	json_write_member_value(&w, "about", json_span(&r->json, member(r, context, "about")));
	json_write_member_value(&w, "obligation", json_span(&r->json, obligation));
	json_write_close(&w, '}');
	json_write_raw(&w, (struct bytes)BYTES("\n"));
}

static bool
read_notification(struct reading *r, uint32_t node, uint32_t action)
{
	if (!is(r, action, "notify"))
		return deny_obligation(r, action);
	if (!r->terms->delivers)
		return deny(r, NOBODY_TOLD);
	deliver(r, node);
	return true;
}

/* True if the caller says that it carries out the obligation ACTION itself. */
static bool
is_handled(struct reading *r, uint32_t action)
{
	struct bytes word = { "", 0 };
	const char *at = r->terms->handled;

	if (action && json_kind(&r->json, action) == JSON_STRING)
		word = json_string(&r->json, action, &r->room);
	while (at && word.size > 0) {
		size_t size = strcspn(at, ",");

		if (bytes_equal(word, (struct bytes){ at, size }))
			return true;
		at = at[size] == ',' ? at + size + 1 : NULL;
	}
	return false;
}

static bool
asks_of_data(const struct reading *r, uint32_t action)
{
	return is(r, action, "redact") || is(r, action, "keep-only");
}

static bool
take(struct reading *r, uint32_t properties)
{
	const char *why = NULL;

	return r->terms->take(r->terms->context, &r->json, properties, &why) || deny(r, why);
}

/* ehr-redact carries out what asks something of the data, and hands on what others carry out. */
static bool
read_for_redaction(struct reading *r, uint32_t node, uint32_t properties, uint32_t action)
{
	bool custom = is(r, member(r, node, "type"), "custom");
	bool notify = is(r, member(r, node, "type"), "notification") && is(r, action, "notify");
	bool expire = custom && is(r, action, "expire");

	if (custom && asks_of_data(r, action))
		return take(r, properties);
	if (r->terms->delivers && (notify || expire))
		deliver(r, node);
	else if (!is_handled(r, action))
		return notify ? deny(r, NOBODY_TOLD) : deny_obligation(r, action);
	return !expire || read_expiry(r, properties);
}

/* What asks something of the data, such as redact and keep-only, is for the application server. */
static bool
read_obligation(struct reading *r, uint32_t node)
{
	uint32_t properties = member(r, node, "properties"), type = member(r, node, "type");
	uint32_t action = member(r, properties, "action");

	if (!is(r, member(r, properties, "vendor"), "ehr"))
		return deny_obligation(r, action);
	if (is(r, type, "custom") && is(r, action, "level"))
		return read_level(r, properties);
	if (r->terms->opened)
		return read_for_redaction(r, node, properties, action);
	if (is(r, type, "notification"))
		return read_notification(r, node, action);
	if (!is(r, type, "custom"))
		return deny_obligation(r, action);
	if (r->terms->take && asks_of_data(r, action))
		return take(r, properties);
	/* the log is the decider's */
	if (is(r, action, "audit"))
		return true;
	if (!is(r, action, "expire"))
		return deny_obligation(r, action);
	if (r->terms->delivers)
		deliver(r, node);
	return read_expiry(r, properties);
}

static bool
read_obligations(struct reading *r, uint32_t list)
{
	const struct json_node *nodes = r->json.nodes;
	unsigned index = 0;

	if (!list || json_kind(&r->json, list) != JSON_ARRAY)
		return deny(r, "the decision has no list of obligations");
	for (uint32_t i = list + 1; i < nodes[list].next; i = nodes[i].next, index++) {
		if (read_obligation(r, i))
			continue;
		return r->why && deny(r, arena_format(&r->permission->arena, "/context/obligations/%u: %s",
					     index, r->why));
	}
	return true;
}

/* False for what is there and is no string: it cannot be looked up among what was revoked. */
static bool
read_name(struct reading *r, uint32_t node, struct bytes *name)
{
	if (!node)
		return true;
	if (json_kind(&r->json, node) != JSON_STRING)
		return false;
	*name = arena_copy(&r->permission->arena, json_string(&r->json, node, &r->room));
	return true;
}

bool
permission_is_whole(const struct json *j, uint32_t about)
{
	uint32_t resource = json_member(j, about, bytes_of("resource")), type;
	struct buffer room;
	struct bytes text;
	bool whole;

	if (!resource)
		return true;
	type = json_member(j, resource, bytes_of("type"));
	if (!type || json_kind(j, type) != JSON_STRING)
		return false;
	buffer_init(&room, BUFFER_UNLIMITED);
	text = json_string(j, type, &room);
	whole = bytes_are(text, "Patient") || vocabulary_find(VOCABULARY_RESOURCE_TYPE, text) == NULL;
	buffer_release(&room);
	return whole;
}

static bool
read_about(struct reading *r, uint32_t about)
{
	static const char *const actions[] = { "read", "search", "subscribe" };
	uint32_t action = member(r, about, "action"), subject = member(r, about, "pseudonym");
	uint32_t party = member(r, about, "subject"), device = member(r, about, "device");
	struct permission *p = r->permission;
	bool shows = false;

	for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++)
		shows = shows || is(r, action, actions[i]);
	if (!shows)
		return deny(r, "the decision is about an action that shows no record");
	if (member(r, about, "only"))
		return deny(r, "the decision is that of the requester's own domain alone");
	if (!read_name(r, party, &p->party) || !read_name(r, device, &p->device))
		return deny(r, "the decision names its person or device by no word");
	if (r->terms->opened)
		subject = 0;
	p->by_pseudonym = subject != 0;
	if (!subject)
		subject = member(r, about, "patient");
	if (!subject || json_kind(&r->json, subject) != JSON_STRING)
		return deny(r, "the decision is about no patient");
	p->subject = arena_copy(&p->arena, json_string(&r->json, subject, &r->room));
	if (p->subject.size == 0)
		return deny(r, "the decision is about no patient");
	return permission_is_whole(&r->json, about) || deny(r, ONE_RESOURCE);
}

/* The AL; for ehr-redact also the level, and neither need be there. */
static bool
read_limits(struct reading *r, uint32_t context)
{
	const struct permission_terms *t = r->terms;
	uint32_t node = member(r, context, "al"), rl = t->opened ? member(r, context, "rl") : 0;
	uint64_t al = 99;

	if (node ? !json_integer(&r->json, node, &al) || al > 99 : !t->opened)
		return deny(r, "the decision names no authorization level");
	r->permission->al = al < r->limit ? (unsigned)al : r->limit;
	if (!t->opened)
		return true;
	if (rl && level_named(r, rl) < 0)
		return deny(r, "the decision names a level that the policy does not have");
	if (rl)
		lower(r, level_named(r, rl));
	if (node && level_of_al(t->policy, al) < 0)
		return deny(r, "the decision allows no level");
	if (node)
		lower(r, level_of_al(t->policy, al));
	r->permission->level = r->level;
	return true;
}

/* TEXT is no JSON object, or more than one. */
static bool
deny_text(struct reading *r, struct bytes text)
{
	char cure[CURE_ROOM];

	return deny(r, arena_format(&r->permission->arena, "it is not one decision%s",
			   r->json.reason == REASON_TRAILING_DATA && bytes_at(text, r->json.byte - 1) == '{'
			       ? "; give one alone"
			       : cure_of_decision(&r->json, text, cure)));
}

static bool
read_decision(struct reading *r, struct bytes text)
{
	uint32_t context, decision, until;

	if (!json_parse(&r->json, text) || json_kind(&r->json, 0) != JSON_OBJECT)
		return deny_text(r, text);
	context = json_member(&r->json, 0, bytes_of("context"));
	decision = json_member(&r->json, 0, bytes_of("decision"));
	if (!decision)
		return deny(r, "it is no decision: put the request through ehr-authz");
	if (json_kind(&r->json, decision) != JSON_TRUE)
		return deny(r, "the decision is not true");
	if (!read_about(r, member(r, context, "about")) ||
	    !read_obligations(r, member(r, context, "obligations")))
		return false;
	if (!read_limits(r, context))
		return false;
	until = member(r, context, "valid_until");
	return (!until || read_end(r, until)) && is_fresh(r, context);
}

/* Without its newline, as all programs name a decision by its digest. */
static struct bytes
line_of(struct bytes text)
{
	while (text.size > 0 && (text.at[text.size - 1] == '\n' || text.at[text.size - 1] == '\r'))
		text.size--;
	return text;
}

/* KEY of the map GROUP of authz/clearances.yaml, or of the file itself if GROUP is NULL. */
static bool
read_limit(struct policy *p, const char *group, const char *key, int64_t *seconds, struct fault *f)
{
	const char *file = "authz/clearances.yaml";
	const struct yaml_node *map, *limit;

	if (policy_file(p, file) == NULL)
		return true;
	map = policy_yaml(p, file, &file, f);
	if (map == NULL)
		return false;
	if (group != NULL)
		map = yaml_find(map, group);
	limit = map == NULL ? NULL : yaml_find(map, key);
	return limit == NULL || (clock_parse_duration(limit->text, seconds) && *seconds > 0) ||
	       fault_at(f, file, limit, "not a length of time, expected 15m, 4h or 30d");
}

bool
permission_max_age(struct policy *p, int64_t *seconds, struct fault *f)
{
	*seconds = PERMISSION_AGE;
	return read_limit(p, NULL, "decision_max_age", seconds, f);
}

bool
permission_longest(struct policy *p, const char *group, int64_t *seconds, struct fault *f)
{
	return read_limit(p, group, "longest", seconds, f);
}

enum permission_outcome
permission_of_decision(
    struct permission *p, struct bytes text, const struct permission_terms *terms, const char **why)
{
	struct reading r = { .permission = p, .terms = terms, .limit = UINT_MAX, .level = -1 };
	enum diag_exit status;
	bool given;

	*p = (struct permission){ .level = -1 };
	json_init(&r.json, NULL, JSON_MAX_DEPTH);
	buffer_init(&r.room, BUFFER_UNLIMITED);
	buffer_init(&r.delivery, BUFFER_UNLIMITED);
	signed_line_digest(line_of(text), r.digest);
	status = terms->deciders ? deciders_check(terms->deciders, line_of(text), &r.why) : EXIT_DONE;
	given = status == EXIT_DONE && read_decision(&r, text);
	p->delivery = arena_copy(&p->arena, buffer_bytes(&r.delivery));
	json_release(&r.json);
	buffer_release(&r.room);
	buffer_release(&r.delivery);
	*why = r.why;
	if (given)
		return PERMISSION_GIVEN;
	if (status == EXIT_KEYS)
		return PERMISSION_FORGED;
	return r.needs_now ? PERMISSION_NEEDS_NOW : PERMISSION_DENIED;
}

enum permission_outcome
permission_of_grant(struct permission *p, const struct grants *g, const struct instant *now, const char **why)
{
	enum grant_fault fault;

	*p = (struct permission){ .grants = g };
	*why = "it is not one grant that verifies";
	if (g->count != 1 || g->bad > 0)
		return PERMISSION_DENIED;
	p->grant = &g->grant[0];
	p->al = p->grant->al;
	fault = p->grant->fault;
	if (fault == GRANT_GOOD)
		fault = grants_revoked(g, p->grant);
	if (fault == GRANT_GOOD && !now)
		return PERMISSION_NEEDS_NOW;
	if (fault == GRANT_GOOD)
		fault = grants_in_time(g, p->grant, *now);
	*why = grant_fault_word(fault);
	return fault == GRANT_GOOD ? PERMISSION_GIVEN : PERMISSION_DENIED;
}

struct grants_files
permission_lists(
    struct arena *a, const char *site, const char *authority, const char *revoked, const char *grant)
{
	return (struct grants_files){
		.authority = site_path(a, site, SITE_AUTHORITY, authority),
		.grants = grant,
		.revoked = site_path_if_there(a, site, SITE_REVOKED, revoked),
		.known = revoked ? site_path(a, site, SITE_REVOKED, NULL) : NULL,
	};
}

bool
permission_is_revoked(const struct permission *p, const struct revoked *revoked)
{
	return revoked_has(revoked, REVOKED_PARTIES, p->party) || revoked_has_device(revoked, p->device);
}

const char *
permission_deliver(const struct permission *p, const char *path, size_t *cut)
{
	const char *why = NULL;
	int fd;

	*cut = 0;
	if (p->delivery.size == 0)
		return NULL;
	fd = file_open_output(path, &why);
	if (fd < 0)
		return why;
	(void)close(fd);
	if (file_append_at(AT_FDCWD, path, p->delivery, 0600, cut))
		return NULL;
	return errno == EINVAL ? "a FIFO: name a file" : file_read_fault(errno);
}

bool
permission_covers(const struct permission *p, struct bytes subject)
{
	if (subject.size == 0)
		return false;
	return p->grant ? grants_cover(p->grants, p->grant, subject) : bytes_equal(p->subject, subject);
}

void
permission_release(struct permission *p)
{
	arena_release(&p->arena);
	*p = (struct permission){ 0 };
}
