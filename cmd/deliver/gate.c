/* SPDX-License-Identifier: ISC */
#include "cmd/deliver/gate.h"

#include "cmd/deliver/intent_form.h"
#include "common/base/file.h"
#include "common/base/hash.h"
#include "common/base/memory.h"
#include "common/policy/site.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define FILE_LIMIT ((size_t)256 << 20)

/* A subscription that does not count, and why: one word. */
struct gate_refusal {
	struct bytes id;
	const char *why;
	const struct gate_refusal *next;
};

struct gate {
	struct policy *policy;
	const struct notify_policy *plan;
	struct gate_files files;
	const char *given_authority; /* by an option */
	struct arena paths;
	struct arena arena; /* of what was read last */
	struct grants grants;
	struct jws_memory memory; /* of the signatures of grants, from one reading to the next */
	struct subscriptions subscriptions;
	const struct gate_refusal *refusals;
	struct instant now;
	struct sealed_line_reader *sealed;
	uint64_t stamp; /* of the files that were read last */
	int64_t read;   /* when they were read, seconds since 1970 */
	bool needs_grants;
	bool needs_revoked; /* by an option, or it was there once */
	bool loaded;
};

/* Fowler, Noll and Vo's 64-bit hash, version 1a, by words; the files are the site's own. */
static uint64_t
mix(uint64_t sum, uint64_t word)
{
	return (sum ^ word) * UINT64_C(0x100000001b3);
}

/* What changes when a file is written or replaced. */
static uint64_t
add_stamp(uint64_t sum, const char *path)
{
	struct stat st;

	if (path == NULL || stat(path, &st) != 0)
		return mix(sum, 0);
	sum = mix(mix(mix(sum, (uint64_t)st.st_dev), (uint64_t)st.st_ino), (uint64_t)st.st_size);
	sum = mix(mix(sum, (uint64_t)st.st_mtim.tv_sec), (uint64_t)st.st_mtim.tv_nsec);
	/* Whoever writes a file can put back its mtime, and not its ctime. */
	return mix(mix(sum, (uint64_t)st.st_ctim.tv_sec), (uint64_t)st.st_ctim.tv_nsec);
}

/* The folder itself changes with names; its files change alone. */
static uint64_t
add_folder(uint64_t sum, const char *path)
{
	DIR *folder = path != NULL ? opendir(path) : NULL;
	struct dirent *entry;
	char name[4096];
	uint64_t files = 0;

	sum = add_stamp(sum, path);
	if (folder == NULL)
		return sum;
	while ((entry = readdir(folder)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		    (size_t)snprintf(name, sizeof name, "%s/%s", path, entry->d_name) < sizeof name)
			files += add_stamp(UINT64_C(0xcbf29ce484222325), name);
	(void)closedir(folder);
	return sum ^ files;
}

static uint64_t
stamp_files(const struct gate *g)
{
	uint64_t sum = UINT64_C(0xcbf29ce484222325);

	sum = add_stamp(sum, g->files.grants);
	sum = add_stamp(sum, g->files.revoked);
	sum = add_stamp(sum, g->files.authority);
	return add_folder(sum, g->files.subscriptions);
}

/* Whoever is refused is told nothing: ehr-notify says it, and here the intents end with the reason. */
static void
refused(void *context, const struct subscription_refusal *what)
{
	struct gate *g = context;
	struct gate_refusal *r = arena_take(&g->arena, sizeof *r);

	*r = (struct gate_refusal){
		.id = arena_copy(&g->arena, what->id),
		.why = arena_copy(&g->arena, bytes_of(what->code != NULL ? what->code : what->why)).at,
		.next = g->refusals,
	};
	g->refusals = r;
}

static void
unload(struct gate *g)
{
	if (!g->loaded)
		return;
	subscriptions_release(&g->subscriptions);
	grants_release(&g->grants);
	arena_release(&g->arena);
	g->refusals = NULL;
	g->loaded = false;
}

/* A file of the site need not be there, and may come later.  What cannot be looked at is there. */
static const char *
if_there(const char *path, bool needed)
{
	struct stat st;

	if (path != NULL && !needed && lstat(path, &st) != 0 && errno == ENOENT)
		return NULL;
	return path;
}

static bool
load(struct gate *g, enum diag_exit *status, char why[512])
{
	struct grants_files from = {
		.grants = if_there(g->files.grants, g->needs_grants),
		.revoked = if_there(g->files.revoked, g->needs_revoked),
		.authority = g->files.authority,
		.limit = FILE_LIMIT,
		.memory = &g->memory,
		.now = &g->now,
	};
	struct fault fault = { 0 };

	g->needs_revoked |= from.revoked != NULL;
	g->stamp = stamp_files(g);
	g->read = g->now.seconds;
	notify_policy_grants(g->plan, g->given_authority, &from);
	if (from.authority == NULL) {
		*status = EXIT_USAGE;
		(void)snprintf(why, 512, "needs --site DIR or --authority JWKS");
		return false;
	}
	g->loaded = true;
	*status = grants_load(&g->grants, &from, &g->arena, &fault);
	subscriptions_init(&g->subscriptions, g->plan, &g->grants, &g->now);
	if (*status != EXIT_DONE) {
		(void)snprintf(why, 512, "%s: %s", fault.file, fault.text);
		return false;
	}
	g->subscriptions.keeps_delivery = true;
	if (!subscriptions_read(&g->subscriptions, g->files.subscriptions, refused, g)) {
		*status = EXIT_IO;
		(void)snprintf(why, 512, "%s: %s", g->files.subscriptions, file_read_fault(errno));
		return false;
	}
	subscriptions_ready(&g->subscriptions, refused, g);
	return true;
}

struct gate *
gate_open(struct policy *policy, const struct notify_policy *plan, const struct gate_files *files,
    struct instant now, enum diag_exit *status, char why[512])
{
	struct gate *g = memory_zeros(1, sizeof *g);
	struct arena *a = &g->paths;

	g->policy = policy;
	g->plan = plan;
	g->now = now;
	g->sealed = sealed_line_reader_new(JSON_MAX_DEPTH);
	g->files = (struct gate_files){
		.subscriptions = site_path(a, files->site, SITE_SUBSCRIPTIONS, files->subscriptions),
		.grants = site_path(a, files->site, SITE_GRANTS, files->grants),
		.revoked = site_path(a, files->site, SITE_REVOKED, files->revoked),
		.authority = site_path(a, files->site, SITE_AUTHORITY, files->authority),
	};
	g->given_authority = files->authority;
	g->needs_grants = files->grants != NULL;
	g->needs_revoked = files->revoked != NULL;
	*status = EXIT_USAGE;
	if (g->files.subscriptions == NULL)
		(void)snprintf(why, 512, "needs --site DIR or --subscriptions PATH");
	else if (load(g, status, why))
		return g;
	gate_close(g);
	return NULL;
}

void
gate_close(struct gate *g)
{
	if (g == NULL)
		return;
	unload(g);
	arena_release(&g->paths);
	jws_memory_release(&g->memory);
	sealed_line_reader_free(g->sealed);
	free(g);
}

/* What was read says something else now: a panel or a subscription begins or ends, or the clock went back. */
static bool
is_past(const struct gate *g)
{
	return g->now.seconds < g->read || g->now.seconds >= g->grants.until ||
	       g->now.seconds >= g->subscriptions.until;
}

bool
gate_refresh(struct gate *g, struct instant now, bool *changed, enum diag_exit *status, char why[512])
{
	*changed = false;
	g->now = now;
	if (stamp_files(g) == g->stamp && !is_past(g))
		return true;
	*changed = true;
	unload(g);
	return load(g, status, why);
}

/* The AL of the version: the higher of the line's and the policy's for its level now. */
static bool
al_suffices(const struct gate *g, const struct json *j, const struct subscription *sub)
{
	uint32_t ehr = json_member(j, 0, (struct bytes)BYTES("ehr"));
	uint32_t rl = json_member(j, ehr, (struct bytes)BYTES("rl"));
	uint32_t al = json_member(j, ehr, (struct bytes)BYTES("al"));
	uint64_t needed;
	int level;

	if (rl == 0)
		return true; /* only data names a version: see intent_form.h */
	level = json_kind(j, rl) == JSON_STRING ? policy_level(g->policy, json_inside(j, rl)) : -1;
	return level >= 0 && al != 0 && json_integer(j, al, &needed) && sub->al >= needed &&
	       sub->al >= g->policy->level[level].al;
}

/*
 * The subscription asks for the subject and, of data, for the criticality; the tags of the version are not
 * here.  A word that the policy has no longer is not below any.  A notice is for a class, whatever its
 * members ask for.
 */
static bool
is_selected(const struct gate *g, const struct json *j, const struct subscription *sub)
{
	const struct grant wanted = { .subjects = sub->subjects };
	uint32_t ehr = json_member(j, 0, (struct bytes)BYTES("ehr"));
	struct bytes subject = intent_word(j, ehr, "subject");
	int criticality = notify_policy_word(g->plan, intent_word(j, ehr, "criticality"));

	if (intent_subscription(j).at == NULL)
		return true;
	if (bytes_are(intent_word(j, 0, "kind"), "data") && criticality >= 0 &&
	    criticality < sub->min_criticality)
		return false;
	return sub->everyone || (subject.at != NULL && grants_cover(&g->grants, &wanted, subject));
}

/*
 * The row of the spool and the line name one receiver.  Of a notice each subscription of the class has a row
 * of its own.
 */
static bool
is_addressed(const struct json *j, struct bytes subscription)
{
	struct bytes named = intent_subscription(j);

	if (named.at != NULL)
		return bytes_equal(named, subscription);
	return subscription.size == 0 || bytes_are(intent_word(j, 0, "kind"), "notice");
}

/* The subscription has not become another person's. */
static bool
is_party(const struct json *j, const struct subscription *sub)
{
	uint32_t to = json_member(j, 0, (struct bytes)BYTES("to"));

	return intent_subscription(j).at == NULL || bytes_equal(intent_word(j, to, "party"), sub->grant->sub);
}

/* The grant covers the subject.  A notice about nobody tells a code and an id, so none is needed. */
static bool
is_covered(const struct gate *g, const struct json *j, const struct grant *grant)
{
	uint32_t ehr = json_member(j, 0, (struct bytes)BYTES("ehr"));
	uint32_t subject = json_member(j, ehr, (struct bytes)BYTES("subject"));
	uint32_t kind = json_member(j, 0, (struct bytes)BYTES("kind"));

	if (subject != 0)
		return grants_cover(&g->grants, grant, json_inside(j, subject));
	return json_is(j, kind, (struct bytes)BYTES("notice")) ||
	       grant_words_have(&grant->subjects, bytes_of("*"));
}

const char *
gate_missing(const struct gate *g, struct bytes subscription)
{
	for (const struct gate_refusal *r = g->refusals; r != NULL; r = r->next)
		if (bytes_equal(r->id, subscription))
			return r->why;
	return "gone";
}

enum grant_fault
gate_grant(const struct gate *g, const struct subscription *sub, struct instant now)
{
	enum grant_fault fault = grants_revoked(&g->grants, sub->grant);

	return fault == GRANT_GOOD ? grants_in_time(&g->grants, sub->grant, now) : fault;
}

const char *
gate_stops(const struct gate *g, const struct json *j, struct bytes subscription, struct instant now,
    const struct subscription **sub)
{
	const struct subscription *s = NULL;
	enum grant_fault fault;

	*sub = NULL;
	if (!intent_form_good(j, g->sealed) || !is_addressed(j, subscription))
		return "altered";
	if (subscription.size == 0)
		return NULL;
	*sub = s = subscriptions_find(&g->subscriptions, subscription);
	if (s == NULL)
		return gate_missing(g, subscription);
	if (s->idle != SUBSCRIPTION_RUNS)
		return "subscription-off";
	if (!is_selected(g, j, s))
		return "not-selected";
	fault = is_party(j, s) ? GRANT_GOOD : GRANT_PARTY;
	if (fault == GRANT_GOOD)
		fault = gate_grant(g, s, now);
	/* A list of revocations that is past its time stops data; a floor notice shows none. */
	if (fault == GRANT_REVOCATION_STALE && bytes_are(intent_word(j, 0, "kind"), "floor"))
		fault = GRANT_GOOD;
	if (fault == GRANT_GOOD && !is_covered(g, j, s->grant))
		fault = GRANT_SUBJECT;
	if (fault != GRANT_GOOD)
		return grant_fault_word(fault);
	return al_suffices(g, j, s) ? NULL : grant_fault_word(GRANT_AL);
}

size_t
gate_refused(const struct gate *g)
{
	return g->subscriptions.refused;
}

const struct subscriptions *
gate_subscriptions(const struct gate *g)
{
	return &g->subscriptions;
}
