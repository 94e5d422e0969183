/* SPDX-License-Identifier: ISC */
#include "common/seal/seal_keys.h"

#include "common/policy/site.h"

#include <stdio.h>
#include <string.h>

enum { DOMAIN_ROOM = 129 };

static bool
fail(struct seal_fault *f, enum diag_exit status, const char *directory, const char *why)
{
	f->status = status;
	(void)snprintf(f->text, sizeof f->text, "%s%s%s", directory != NULL ? directory : "",
	    directory != NULL ? ": " : "", why);
	return false;
}

bool
seal_keys_open(
    struct seal_engine_setup *s, const struct seal_keys_demand *d, struct arena *a, struct seal_fault *f)
{
	const struct keys_lists lists = { site_path(a, d->site, SITE_REVOKED, NULL), d->revoked, s->now };
	unsigned want = KEYS_TAGS | (d->to_recipient ? 0 : KEYS_LEVELS) | (d->epoch == 0 ? KEYS_NOW : 0);
	struct keys_fault fault;
	enum diag_exit status;

	s->keys = keys_open(d->directory, want, d->allow_test_keys, &fault);
	if (s->keys == NULL)
		return fail(f, EXIT_KEYS, NULL, fault.text);
	status = keys_revoked(s->keys, &lists, &s->revoked, &fault);
	if (status != EXIT_DONE)
		return fail(f, status, NULL, fault.text);
	s->epoch = d->epoch != 0 ? d->epoch : keys_epoch(s->keys);
	if (s->epoch == 0 && !d->to_recipient)
		return fail(f, EXIT_KEYS, d->directory, "no-level-key: no epoch has begun here");
	if (s->domain.size == 0)
		s->domain = bytes_of(keys_domain(s->keys));
	return bytes_are(s->domain, keys_domain(s->keys)) ||
	       fail(f, EXIT_KEYS, d->directory,
		   "no-level-key: these are keys of another domain than the policy's");
}

void
seal_keys_close(struct seal_engine_setup *s)
{
	keys_close(s->keys);
	s->keys = NULL;
	revoked_free(&s->revoked);
}

bool
seal_keys_domain(const struct seal_engine_setup *s, bool allow_test_keys, struct seal_fault *f)
{
	char name[DOMAIN_ROOM] = "";

	if (s->domain.size < sizeof name)
		memcpy(name, s->domain.at, s->domain.size);
	return allow_test_keys || !jwk_is_test_domain(name) ||
	       fail(f, EXIT_KEYS, NULL,
		   "test-key: the domain example is for examples; only with --allow-test-keys");
}
