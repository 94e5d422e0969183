/* SPDX-License-Identifier: ISC */
#include "cmd/policy/verbs.h"

#include <string.h>

void
verb_load(const struct options *o, const char *directory, struct policy *p)
{
	struct fault f = { 0 };

	if (directory == NULL)
		options_needs(o, "--policy DIR");
	if (!policy_load(p, directory, &f))
		fault_exit(&f);
}

enum diag_exit
verb_finish(struct sink *out, enum diag_exit status)
{
	bool good = sink_close(out);

	if (!good)
		diag_warn("%s: %s", out->name, strerror(out->error));
	return good ? status : diag_worse(status, EXIT_IO);
}
