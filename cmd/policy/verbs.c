/* SPDX-License-Identifier: ISC */
#include "cmd/policy/verbs.h"

#include "common/policy/trust.h"

#include <string.h>

void
verb_load(const struct options *o, const char *directory, const char *site, struct policy *p)
{
	struct fault f = { 0 };

	trust_policy(o, &directory, site);
	if (!policy_load(p, directory, &f))
		fault_exit(&f);
}

static bool
is_of_word(char c)
{
	return ascii_is_alnum(c) || c == '-' || c == '_';
}

const char *
verb_find_word(struct bytes text, struct bytes word)
{
	const char *end = text.at + text.size;

	for (const char *at = text.at; word.size > 0 && at < end; at++) {
		at = memmem(at, (size_t)(end - at), word.at, word.size);
		if (at == NULL)
			return NULL;
		if ((at == text.at || !is_of_word(at[-1])) &&
		    (at + word.size == end || !is_of_word(at[word.size])))
			return at;
	}
	return NULL;
}

enum diag_exit
verb_finish(struct sink *out, enum diag_exit status)
{
	bool good = sink_close(out);

	if (!good)
		diag_warn("%s: %s", out->name, strerror(out->error));
	return good ? status : diag_worse(status, EXIT_IO);
}
