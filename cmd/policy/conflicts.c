/* SPDX-License-Identifier: ISC */
/* ehr-policy conflicts: what consent directives say against the rules of the house. */
#include "cmd/policy/verbs.h"
#include "common/access/access.h"
#include "common/policy/site.h"

#include <inttypes.h>
#include <unistd.h>

enum { MAX_CONSENTS = 64, CONSENTS = 1 };

struct settings {
	const char *policy, *site, *limit;
	const char *consents[MAX_CONSENTS];
	size_t consents_count;
};

static const struct option_entry table[] = {
	VERB_POLICY(struct settings),
	{ OPTION_TEXT(struct settings, site), 'S', false, "site", "DIR", "the site, for its consents" },
	{ CONSENTS, 0, true, "consents", "PATH", "consent directives: a file or a directory" },
	{ OPTION_TEXT(struct settings, limit), 0, false, "limit", "N",
	    "try no more requests for each pair of directive and rule (1000000)" },
};

static const struct option_manual manual = {
	.program = "ehr-policy conflicts",
	.operands = "",
	.purpose =
	    "Finds what consent directives say against the rules of the house, each with a request that "
	    "shows it.",
	.table = table,
	.count = sizeof(table) / sizeof(table[0]),
};

struct listing {
	struct sink out;
	bool found;
};

static bool
put_line(void *context, struct bytes line)
{
	struct listing *l = context;

	l->found = true;
	return sink_line(&l->out, line);
}

static void
read_options(struct options *o, struct settings *s, uint64_t *limit)
{
	options_into(o, s);
	while (options_next(o) != OPTIONS_END) {
		if (s->consents_count == MAX_CONSENTS)
			options_misuse(o, "given too often", "--consents");
		s->consents[s->consents_count++] = o->value;
	}
	if (o->operands > 0)
		options_misuse(o, "unexpected operand", o->operand[0]);
	*limit = 1000000;
	if (s->limit != NULL && (!options_number(s->limit, INT32_MAX, limit) || *limit == 0))
		options_misuse(o, "not a number above 0", s->limit);
	if (s->consents_count == 0 && s->site == NULL)
		options_needs(o, "--consents PATH or --site DIR");
}

enum diag_exit
verb_conflicts(int argc, char *argv[])
{
	struct options o;
	struct settings set = { 0 };
	struct policy p;
	struct fault f = { 0 };
	struct listing l = { .found = false };
	struct access_conflicts wanted = { .line = put_line, .context = &l };
	struct access_sources sources = { .policy = &p, .consents = set.consents };
	struct access *a;
	enum diag_exit status;

	options_init(&o, &manual, argc, argv);
	read_options(&o, &set, &wanted.limit);
	if (!site_check(set.site, &f))
		fault_exit(&f);
	verb_load(&o, set.policy, set.site, &p);
	if (set.consents_count == 0)
		set.consents[set.consents_count++] = site_path(&p.arena, set.site, SITE_CONSENTS, NULL);
	sources.consents_count = set.consents_count;
	a = access_load(&sources, &f);
	if (a == NULL)
		fault_exit(&f);
	for (size_t i = 0; access_warning(a, i) != NULL; i++) {
		const struct fault *w = access_warning(a, i);

		diag_warn("%s:%u:%u: %s", w->file, w->line, w->column, w->text);
	}
	sink_init_take(&l.out, STDOUT_FILENO, "<stdout>");
	status = access_conflicts(a, &wanted) ? EXIT_DONE : EXIT_IO;
	if (!wanted.exhaustive)
		diag_warn(
		    "a search ended at the limit of %" PRIu64 " requests: there may be more", wanted.limit);
	if (status == EXIT_DONE && (l.found || access_warning(a, 0) != NULL))
		status = EXIT_REFUSED;
	access_free(a);
	policy_release(&p);
	return verb_finish(&l.out, status);
}
