/* SPDX-License-Identifier: ISC */
#include "cmd/policy/options.h"

#include <stdlib.h>
#include <string.h>

void
options_no_operands(const struct options *o)
{
	if (o->operands > 0)
		options_misuse(o, "unexpected operand", o->operand[0]);
}

void
options_policy(const struct options *o, const char *directory, struct policy *p)
{
	struct fault f = { 0 };

	if (directory == NULL)
		diag_die(EXIT_USAGE, "no policy: --policy is missing (try %s --help)", o->manual->program);
	if (!policy_load(p, directory, &f)) {
		fault_print(&f);
		exit((int)fault_status(&f));
	}
}

enum diag_exit
options_finish(struct sink *out, enum diag_exit status)
{
	bool good = sink_close(out);

	if (!good)
		diag_warn("%s: %s", out->name, strerror(out->error));
	return good ? status : diag_worse(status, EXIT_IO);
}
