/* SPDX-License-Identifier: ISC */
/*
 * declare: decisions on declare-relation become facts of the site, and with --end those on end-relation end
 * them.  The site's facts.ndjson gains a line for each, and the answer is those lines.  A fact begins when it
 * is written, not when it was decided: nothing that was read before is covered by it.  It ends when the
 * decision says.  An end is of the person's own facts alone.
 */
#include "cmd/keys/device.h"
#include "cmd/keys/store.h"
#include "cmd/keys/taken.h"
#include "common/policy/site.h"

#include <fcntl.h>
#include <stdio.h>

enum { ID_SIZE = 24, TEXT_MOST = 1 << 30, DEPTH = 64 }; /* "f-" and 22 hex digits */

struct declaring {
	const struct verb_settings *settings;
	struct verb_answer *answer;
	struct policy policy;
	int64_t max_age;
	struct keys *keys;
	struct taken *taken;
	char now[32];
	const char *path;    /* of the facts */
	struct buffer facts; /* with --end: those that are there */
	struct arena arena;
};

static bool
deny(struct declaring *x, const char *why)
{
	(void)verb_fault(x->answer, EXIT_DENIED, "decision-denied: %s", why);
	return false;
}

/*
 * Another policy may not have the relation, and facts with a relation that the policy lacks are refused as a
 * whole.
 */
static bool
check(struct declaring *x, const struct decision *d)
{
	uint32_t policy = json_member(d->json, d->context, (struct bytes)BYTES("policy"));
	struct instant until;

	if (policy == 0 || !json_is(d->json, policy, bytes_of(x->policy.digest)))
		return deny(x, "it was made under another policy");
	if (d->relation.size == 0 || d->patient.size == 0)
		return deny(x, "it names no relation, or no patient");
	if (d->domain.size == 0 && json_member(d->json, d->about, (struct bytes)BYTES("domain")) != 0)
		return deny(x, "it names the person's domain by no word");
	if (!x->settings->end &&
	    (!clock_parse_instant(d->until, &until) || instant_compare(until, x->settings->now) <= 0))
		return deny(x, "the relation has no end, or is over");
	return true;
}

static void
put_fact(struct declaring *x, const struct decision *d)
{
	struct json_write w = json_write_to(&x->answer->out);
	char id[ID_SIZE + 1];

	(void)snprintf(id, sizeof id, "f-%.22s", strchr(d->id, ':') + 1);
	json_write_open(&w, '{');
	json_write_member(&w, "fact", bytes_of(id));
	json_write_member(&w, "relation", d->relation);
	json_write_member(&w, "subject", d->subject);
	if (d->domain.size > 0)
		json_write_member(&w, "domain", d->domain);
	json_write_member(&w, "patient", d->patient);
	json_write_member(&w, "from", bytes_of(x->now));
	json_write_member(&w, "until", d->until);
	json_write_member(&w, "by", d->subject);
	json_write_member(&w, "at", bytes_of(x->now));
	json_write_member(&w, "decision", bytes_of(d->digest));
	verb_line_end(&w);
}

static void
put_end(struct declaring *x, const struct decision *d, struct bytes fact)
{
	struct json_write w = verb_line_begin(&x->answer->out);

	json_write_name(&w, "end");
	json_write_value(&w, fact);
	json_write_member(&w, "at", bytes_of(x->now));
	json_write_member(&w, "by", d->subject);
	json_write_member(&w, "decision", bytes_of(d->digest));
	verb_line_end(&w);
}

static bool
has(const struct json *j, const char *name, struct bytes text)
{
	uint32_t at = json_member(j, 0, bytes_of(name));

	return at != 0 && json_is(j, at, text);
}

/* The time NAME of the line is there and not later than NOW. */
static bool
is_over(const struct json *j, const char *name, struct instant now)
{
	uint32_t at = json_member(j, 0, bytes_of(name));
	struct instant t;

	return at != 0 && json_kind(j, at) == JSON_STRING && clock_parse_instant(json_inside(j, at), &t) &&
	       instant_compare(t, now) <= 0;
}

/* A fact that names no domain is about the house's own person. */
static bool
is_of(const struct declaring *x, const struct decision *d, const struct json *j)
{
	struct bytes house = bytes_of(keys_domain(x->keys));

	if (!has(j, "subject", d->subject))
		return false;
	if (json_member(j, 0, (struct bytes)BYTES("domain")) != 0)
		return has(j, "domain", d->domain);
	return d->domain.size == 0 || bytes_equal(d->domain, house);
}

/* Writes an end for each fact that D speaks of and that is not over by its own `until`. */
static bool
put_ends(struct declaring *x, const struct decision *d)
{
	struct bytes rest = buffer_bytes(&x->facts), line;
	size_t before = x->answer->out.used;
	struct buffer one;
	struct json j;

	json_init(&j, NULL, DEPTH);
	buffer_init(&one, TEXT_MOST);
	while (bytes_line(&rest, &line)) {
		uint32_t fact;

		if (json_blank(line) || !store_object(&one, &j, line))
			continue;
		fact = json_member(&j, 0, (struct bytes)BYTES("fact"));
		if (fact != 0 && json_kind(&j, fact) == JSON_STRING && has(&j, "relation", d->relation) &&
		    has(&j, "patient", d->patient) && is_of(x, d, &j) &&
		    !is_over(&j, "until", x->settings->now))
			put_end(x, d, json_span(&j, fact));
	}
	json_release(&j);
	buffer_release(&one);
	return x->answer->out.used > before || deny(x, "there is no such relation to end");
}

static enum diag_exit
gather(struct declaring *x, struct decision_file *all)
{
	const char *action = x->settings->end ? "end-relation" : "declare-relation";
	struct decision d;
	enum diag_exit status;

	while (decision_file_next(all, action, x->settings->now, &d, x->answer, &status)) {
		if (!device_party_counts(x->keys, x->settings, d.subject, x->answer, &status))
			return status;
		if (!check(x, &d) || !taken_add(x->taken, &d, x->max_age, x->answer))
			return EXIT_DENIED;
		if (!x->settings->end)
			put_fact(x, &d);
		else if (!put_ends(x, &d))
			return EXIT_DENIED;
	}
	if (status == EXIT_DONE && x->answer->out.used == 0)
		status = verb_fault(x->answer, EXIT_DENIED, "decision-denied: there is none");
	return status;
}

/* The directory is open and locked. */
static enum diag_exit
declare(struct declaring *x, struct decision_file *all)
{
	enum diag_exit status = EXIT_KEYS;
	struct bytes facts;
	bool written;

	if (x->settings->end && !store_read(x->path, &x->facts, x->answer))
		return EXIT_IO;
	facts = buffer_bytes(&x->facts);
	(void)bytes_unfinished(&facts); /* the append says it */
	x->facts.used = facts.size;
	x->taken = taken_begin(x->keys, x->settings->now, x->answer);
	if (x->taken != NULL)
		status = gather(x, all);
	if (status != EXIT_DONE) {
		taken_free(x->taken);
		return status;
	}
	written = taken_commit(x->taken, x->answer) &&
		  store_append(AT_FDCWD, x->path, buffer_bytes(&x->answer->out), x->answer);
	/* The site has the fact, even if nobody reads it from standard output. */
	x->answer->kept = written;
	return written ? EXIT_DONE : EXIT_IO;
}

static bool
load_policy(struct declaring *x)
{
	struct fault f = { 0 };

	if (trust_load(&x->policy, x->settings->policy, &x->settings->trust, &f) &&
	    permission_max_age(&x->policy, &x->max_age, &f))
		return true;
	(void)verb_policy_fault(x->answer, &f);
	return false;
}

enum diag_exit
verb_declare(const struct verb_settings *s, struct verb_answer *a)
{
	struct declaring x = { .settings = s, .answer = a };
	struct decision_file *all = NULL;
	enum diag_exit status = EXIT_POLICY;

	if (s->policy == NULL || s->site == NULL || s->decision == NULL)
		return verb_fault(a, EXIT_USAGE, "on what? expected -P DIR, -S DIR and --decision FILE");
	clock_format(s->now, x.now);
	buffer_init(&x.facts, TEXT_MOST);
	x.path = site_path(&x.arena, s->site, SITE_FACTS, NULL);
	if (load_policy(&x) && (all = decision_file_read(s, a, &status)) != NULL &&
	    (x.keys = store_open(s, 0, STORE_AUTHORITY | STORE_LOCK, a, &status)) != NULL) {
		status = declare(&x, all);
		keys_close(x.keys);
	}
	decision_file_free(all);
	buffer_release(&x.facts);
	arena_release(&x.arena);
	policy_release(&x.policy);
	return status;
}
