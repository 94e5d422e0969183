/* SPDX-License-Identifier: ISC */
#include "cmd/deliver/verbs.h"

#include "common/base/clock.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void
verb_policy_load(struct verb_policy *p, const struct options *o, struct verb_files *files)
{
	struct fault fault = { 0 };

	trust_policy(o, &files->policy, files->place.site);
	trust_options(o, &files->trust);
	files->trust.site = files->place.site;
	if (!trust_load(&p->policy, files->policy, &files->trust, &fault) ||
	    !notify_policy_load(&p->plan, &p->policy, &fault) ||
	    !delivery_policy_load(&p->delivery, &p->plan, &p->policy, &fault))
		fault_exit(&fault);
}

struct gate *
verb_gate(struct verb_policy *p, const struct options *o, const struct verb_files *files, struct instant now)
{
	const struct gate_files from = { files->place.site, files->subscriptions, files->grants,
		files->revoked, files->authority };
	enum diag_exit status;
	char why[512];
	struct gate *g = gate_open(&p->policy, &p->plan, &from, now, &status, why);

	if (g == NULL && status == EXIT_USAGE)
		options_needs(o, "--site DIR or --subscriptions PATH and --authority JWKS");
	if (g == NULL)
		diag_die(status, "%s", why);
	return g;
}

const char *
verb_spool_path(const struct options *o, const struct verb_place *place)
{
	static char path[4096];

	if (place->spool != NULL)
		return place->spool;
	if (place->site == NULL)
		options_needs(o, "--spool DIR or --site DIR");
	if ((size_t)snprintf(path, sizeof path, "%s/spool", place->site) >= sizeof path)
		options_misuse(o, "a name that is too long", place->site);
	return path;
}

struct spool *
verb_open(const struct options *o, const struct verb_place *place)
{
	struct spool_fault f = { 0 };
	struct spool *s = spool_open(verb_spool_path(o, place), &f);

	if (s == NULL)
		verb_die(&f);
	return s;
}

void
verb_die(const struct spool_fault *f)
{
	diag_die(f->status, "%s", f->text);
}

void
verb_commit(struct spool *s)
{
	struct spool_fault f = { 0 };

	if (!spool_commit(s, &f))
		verb_die(&f);
}

void
verb_channels(struct spool *s, const struct delivery_policy *d)
{
	for (unsigned i = 0; i < d->channels; i++)
		(void)spool_do(s, "INSERT INTO channel (name) VALUES (?) ON CONFLICT (name) DO NOTHING", "t",
		    d->channel[i].name);
}

int64_t
verb_now(void)
{
	struct instant now = clock_now();

	return now.seconds * 1000 + now.nano / 1000000;
}

struct bytes
verb_account(void)
{
	const struct passwd *user = getpwuid(getuid());

	return bytes_of(user != NULL ? user->pw_name : "unknown");
}

void
verb_read(struct options *o, const struct option_manual *manual, void *settings, int argc, char *argv[])
{
	options_init(o, manual, argc, argv);
	options_into(o, settings);
	while (options_next(o) != OPTIONS_END)
		continue;
	if (o->operands > 0 && manual->operands[0] == '\0')
		options_misuse(o, "unexpected operand", o->operand[0]);
}

int
verb_each(
    const struct options *o, const struct verb_place *place, verb_one *one, const void *context, bool more)
{
	enum diag_exit status = EXIT_DONE;
	struct spool *s = verb_open(o, place);

	spool_begin(s);
	for (int i = 0; i < o->operands; i++)
		status = diag_worse(status, one(s, context, o->operand[i]));
	if (more)
		status = diag_worse(status, one(s, context, NULL));
	verb_commit(s);
	spool_close(s);
	return (int)status;
}

enum diag_exit
verb_no(enum diag_exit status, const char *name, const char *why)
{
	diag_warn("%s: %s", name, why);
	return status;
}

int
verb_finish(struct sink *out, enum diag_exit status)
{
	if (!sink_close(out)) {
		diag_warn("%s: %s", out->name, strerror(out->error));
		status = diag_worse(status, EXIT_IO);
	}
	return (int)status;
}
