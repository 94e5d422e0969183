/* SPDX-License-Identifier: ISC */
/* ehr-policy diff: which requests two policies decide differently, each with an example. */
#include "cmd/policy/verbs.h"
#include "common/access/access.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

struct settings {
	const char *limit;
};

static const struct option_entry table[] = {
	{ OPTION_TEXT(struct settings, limit), 0, false, "limit", "N", "try no more requests (100000)" },
};

static const struct option_manual manual = {
	.program = "ehr-policy diff",
	.operands = "OLD NEW",
	.purpose = "Says which requests two policies decide differently, each with an example.",
	.table = table,
	.count = sizeof(table) / sizeof(table[0]),
};

struct listing {
	struct sink out;
	unsigned number; /* of differences */
	bool full;       /* the output takes no more */
};

static void
put(struct listing *l, struct bytes text)
{
	l->full = l->full || !sink_put(&l->out, text);
}

static void
put_text(struct listing *l, const char *text)
{
	put(l, bytes_of(text));
}

static void
put_change(void *context, const struct fault *f)
{
	struct listing *l = context;
	char place[64];

	put_text(l, f->file);
	(void)snprintf(place, sizeof place, f->line ? ":%u:%u: " : ": ", f->line, f->column);
	put_text(l, place);
	put_text(l, f->text);
	put_text(l, "\n");
}

static void
put_line(struct listing *l, const char *name, struct bytes text)
{
	put_text(l, name);
	put(l, text);
	if (text.size == 0 || text.at[text.size - 1] != '\n')
		put_text(l, "\n");
}

static bool
put_difference(void *context, const struct access_difference *d)
{
	struct listing *l = context;
	char number[32];

	(void)snprintf(number, sizeof number, "\n%u. ", ++l->number);
	put_line(l, number, bytes_of(d->what));
	put_line(l, "request: ", d->request);
	if (d->facts.size > 2)
		put_line(l, "facts: ", d->facts);
	if (d->directive.size > 0)
		put_line(l, "directive: ", d->directive);
	put_line(l, "was: ", d->was);
	put_line(l, "now: ", d->is);
	return !l->full;
}

static struct access *
load(struct policy *p, const char *directory)
{
	struct fault f = { 0 };
	struct access_sources sources = { .policy = p };
	struct access *a;

	if (!policy_load(p, directory, &f))
		fault_exit(&f);
	a = access_load(&sources, &f);
	if (a == NULL)
		fault_exit(&f);
	return a;
}

static void
read_options(struct options *o, struct settings *s, uint64_t *limit)
{
	options_into(o, s);
	while (options_next(o) != OPTIONS_END)
		continue;
	if (o->operands < 2)
		options_needs(o, "OLD and NEW");
	if (o->operands > 2)
		options_misuse(o, "unexpected operand", o->operand[2]);
	*limit = 100000;
	if (s->limit != NULL && (!options_number(s->limit, INT32_MAX, limit) || *limit == 0))
		options_misuse(o, "not a number above 0", s->limit);
}

enum diag_exit
verb_diff(int argc, char *argv[])
{
	struct options o;
	struct settings set = { 0 };
	struct policy policy[2];
	struct access *access[2];
	struct fault f = { 0 };
	struct listing l = { .number = 0 };
	struct access_differences wanted = { .changed = put_change, .found = put_difference, .context = &l };

	options_init(&o, &manual, argc, argv);
	read_options(&o, &set, &wanted.limit);
	for (int i = 0; i < 2; i++)
		access[i] = load(&policy[i], o.operand[i]);
	sink_init_take(&l.out, STDOUT_FILENO, "<stdout>");
	if (!access_differ(access[0], access[1], &wanted, &f))
		fault_exit(&f);
	if (!wanted.exhaustive && !l.full)
		diag_warn("%" PRIu64
			  " requests were tried, and there are more: other differences may be left",
		    wanted.tried);
	for (int i = 0; i < 2; i++) {
		access_free(access[i]);
		policy_release(&policy[i]);
	}
	return verb_finish(&l.out, l.full ? EXIT_IO : l.number > 0 ? EXIT_REFUSED : EXIT_DONE);
}
