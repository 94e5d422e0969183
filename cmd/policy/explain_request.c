/* SPDX-License-Identifier: ISC */
/* ehr-policy explain --request: what each rule of access says of one request, and what it lacks. */
#include "cmd/policy/verbs.h"
#include "common/access/access.h"
#include "common/policy/site.h"

#include <unistd.h>

enum { FILE_LIMIT = 1 << 24 };

struct settings {
	const char *policy, *request, *site, *consents, *facts, *entities, *now;
};

static const struct option_entry table[] = {
	VERB_POLICY(struct settings),
	{ OPTION_TEXT(struct settings, request), 0, false, "request", "FILE", "the request" },
	{ OPTION_TEXT(struct settings, site), 'S', false, "site", "DIR",
	    "the site: consents, facts, entities" },
	{ OPTION_TEXT(struct settings, consents), 0, false, "consents", "PATH",
	    "consent directives: a file or a directory" },
	{ OPTION_TEXT(struct settings, facts), 0, false, "facts", "FILE", "the facts" },
	{ OPTION_TEXT(struct settings, entities), 0, false, "entities", "FILE", "the register" },
	{ OPTION_TEXT(struct settings, now), 0, false, "now", "TIME",
	    "the time of a request that states none" },
};

static const struct option_manual manual = {
	.program = "ehr-policy explain",
	.operands = "",
	.purpose = "Says for each rule of access whether it holds for a request, and what it lacks.",
	.table = table,
	.count = sizeof(table) / sizeof(table[0]),
};

/* Takes from the site what no option names. */
static struct access *
load(const struct settings *s, struct policy *p, const struct instant *now, struct fault *f)
{
	const char *consents = s->consents;
	struct access_sources sources = { .policy = p, .consents = &consents };
	struct access *a;

	if (!site_check(s->site, f))
		return NULL;
	if (consents == NULL)
		consents = site_path_if_there(&p->arena, s->site, SITE_CONSENTS, NULL);
	sources.consents_count = consents != NULL;
	sources.appends_facts = s->facts == NULL;
	sources.facts = site_path_if_there(&p->arena, s->site, SITE_FACTS, s->facts);
	sources.entities = site_path_if_there(&p->arena, s->site, SITE_ENTITIES, s->entities);
	sources.now = s->now != NULL ? now : NULL;
	a = access_load(&sources, f);
	if (a != NULL && access_unfinished(a) > 0)
		diag_warn("%s: the last line is unfinished and does not count", sources.facts);
	for (size_t i = 0; a != NULL && access_warning(a, i) != NULL; i++)
		fault_print(access_warning(a, i));
	return a;
}

enum diag_exit
verb_explain_request(int argc, char *argv[])
{
	struct options o;
	struct settings set = { 0 };
	struct policy p;
	struct fault f = { 0 };
	struct instant now;
	struct bytes request;
	struct buffer text;
	struct sink out;
	struct access *a;

	options_init(&o, &manual, argc, argv);
	options_into(&o, &set);
	while (options_next(&o) != OPTIONS_END)
		continue;
	if (o.operands > 0)
		options_misuse(&o, "unexpected operand", o.operand[0]);
	if (set.now != NULL && !clock_parse_instant(bytes_of(set.now), &now))
		options_misuse(&o, "not a time, as 2026-03-02T09:00:00Z", set.now);
	verb_load(&o, set.policy, set.site, &p);
	a = load(&set, &p, &now, &f);
	if (a == NULL || !site_read(&p.arena, set.request, FILE_LIMIT, &request, &f))
		fault_exit(&f);
	while (request.size > 0 && request.at[request.size - 1] == '\n')
		request.size--;
	buffer_init(&text, BUFFER_UNLIMITED);
	if (!access_explain(a, request, &text))
		diag_die(EXIT_BAD_RECORD, "%s: not a request, or a batch of them", set.request);
	sink_init_take(&out, STDOUT_FILENO, "<stdout>");
	enum diag_exit status = sink_put(&out, buffer_bytes(&text)) ? EXIT_DONE : EXIT_IO;
	buffer_release(&text);
	access_free(a);
	policy_release(&p);
	return verb_finish(&out, status);
}
