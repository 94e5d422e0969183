/* SPDX-License-Identifier: ISC */
/* rotate: a new epoch, whose keys have nothing to do with those before. */
#include "cmd/keys/epoch.h"
#include "cmd/keys/store.h"
#include "common/policy/seal_policy.h"

#include <inttypes.h>

static enum diag_exit
rotate(struct keys *k, struct policy *p, const struct settings *s, struct answer *a)
{
	const struct epoch e = { keys_directory(k), keys_signing(k), keyref_public(keys_private(k)),
		keys_domain(k), keys_epoch(k) + 1, p, s->now };

	if (e.number > INT32_MAX)
		return answer_fault(a, EXIT_KEYS, "no epoch is left");
	return epoch_begin(&e, a) ? EXIT_DONE : EXIT_IO;
}

enum diag_exit
verb_rotate(const struct settings *s, struct answer *a)
{
	struct policy p = { 0 };
	struct seal_policy sealing;
	struct fault f = { 0 };
	enum diag_exit status;
	struct keys *k;

	if (s->policy == NULL)
		return answer_fault(a, EXIT_USAGE, "for which levels? expected -P DIR");
	if (!policy_load(&p, s->policy, &f) || !seal_policy_load(&sealing, &p, &f)) {
		status = answer_policy_fault(a, &f);
	} else if ((k = store_open_authority(s, 0, a, &status)) != NULL) {
		if (bytes_are(sealing.domain, keys_domain(k)))
			status = rotate(k, &p, s, a);
		else
			status =
			    answer_fault(a, EXIT_KEYS, "the policy is of another domain than these keys");
		keys_close(k);
	}
	policy_release(&p);
	return status;
}
