/* SPDX-License-Identifier: ISC */
#include "common/redact/redact_keys.h"

#include "common/base/diag.h"

static void
open_directory(struct redact_keys *k, struct bytes name)
{
	const struct keys_lists lists = { .site = k->revoked };
	struct keys_fault fault;
	enum diag_exit status;

	if (k->directory == NULL)
		diag_die(
		    EXIT_KEYS, "the policy needs the key '%.*s': %s", (int)name.size, name.at, k->options);
	k->keys = keys_open(k->directory, KEYS_REDACT, false, &fault);
	if (k->keys == NULL)
		diag_die(EXIT_KEYS, "%s", fault.text);
	status = keys_revoked(k->keys, &lists, &k->list, &fault);
	if (status != EXIT_DONE)
		diag_die(status, "%s", fault.text);
}

/* A revoked key makes no marks and tokens: whoever has it can tell by them whose they are. */
struct mac *
redact_keys_find(void *redact_keys, struct bytes name)
{
	struct redact_keys *k = redact_keys;
	const char *full = arena_format(k->arena, "redact.%.*s", (int)name.size, name.at);

	if (k->keys == NULL)
		open_directory(k, name);
	if (revoked_has(&k->list, REVOKED_KIDS, bytes_of(keys_mac_kid(k->keys, full))))
		diag_die(EXIT_KEYS, "key-revoked: the key %s is on the revocation list", full);
	if (keys_mac(k->keys, full) != NULL && !keys_mac_in_time(k->keys, full, k->now))
		diag_die(k->now == NULL ? EXIT_USAGE : EXIT_KEYS,
		    k->now == NULL
			? "now-missing: the key %s was released for a time: needs --now TIME"
			: "key-not-valid: the key %s is for another time: give such a --now, or ask "
			  "for a new key",
		    full);
	return keys_mac(k->keys, full);
}

void
redact_keys_close(struct redact_keys *k)
{
	keys_close(k->keys);
	revoked_free(&k->list);
}
