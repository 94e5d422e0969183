/* SPDX-License-Identifier: ISC */
/* ehr-policy test: the policy's own tests, in the Test Anything Protocol, so that prove reads them too. */
#include "cmd/policy/cases.h"
#include "cmd/policy/options.h"
#include "cmd/policy/print.h"
#include "cmd/policy/verbs.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { POLICY = 1 };

static const struct option_entry table[] = {
	{ POLICY, 'P', false, "policy", "DIR", "the policy" },
};

static const struct option_manual manual = {
	.program = "ehr-policy test",
	.operands = "",
	.purpose = "Runs the tests that a policy brings along (tests/*.yaml): records and requests with what "
		   "must come out.",
	.table = table,
	.count = sizeof(table) / sizeof(table[0]),
};

struct run {
	struct cases cases;
	struct sink out;
	unsigned count;
	unsigned failed;
};

static bool
run_case(struct run *r, const struct case_file *file, const struct yaml_node *node)
{
	struct bytes name;

	if (!cases_run(&r->cases, file, node, &name))
		return false;
	bool held = r->cases.notes.used == 0;
	r->count++;
	r->failed += !held;
	print(&r->out, "%s %u - %s:%u%s%.*s\n", held ? "ok" : "not ok", r->count, r->cases.file, node->line,
	    name.size > 0 ? ": " : "", (int)(name.size < 1000 ? name.size : 1000), name.at);
	return sink_put(&r->out, buffer_bytes(&r->cases.notes));
}

static bool
run_file(struct run *r, const char *name)
{
	struct case_file file;

	if (!cases_open(&r->cases, name, &file))
		return false;
	if (file.list == NULL)
		return run_case(r, &file, file.root);
	for (size_t i = 0; i < file.list->count; i++)
		if (!run_case(r, &file, file.list->item[i]))
			return false;
	return true;
}

/* tests/NAME.yaml, not what lies in folders below: those are records, directives and facts. */
static bool
is_test(struct bytes name)
{
	static const char folder[] = "tests/";
	static const char ending[] = ".yaml";
	size_t head = sizeof(folder) - 1;

	return bytes_begin(name, folder) && name.size > head + sizeof(ending) - 1 &&
	       memcmp(name.at + name.size - (sizeof(ending) - 1), ending, sizeof(ending) - 1) == 0 &&
	       memchr(name.at + head, '/', name.size - head) == NULL;
}

static enum diag_exit
run_all(struct run *r, struct policy *p, struct fault *f)
{
	for (size_t i = 0; i < p->files; i++) {
		if (!is_test(p->file[i].name) || run_file(r, p->file[i].name.at))
			continue;
		if (r->out.error != 0)
			return EXIT_IO;
		fault_print(f);
		return EXIT_POLICY;
	}
	print(&r->out, "1..%u%s\n", r->count, r->count == 0 ? " # skip this policy brings no tests" : "");
	return r->failed > 0 ? EXIT_REFUSED : EXIT_DONE;
}

enum diag_exit
verb_test(int argc, char *argv[])
{
	struct options o;
	struct policy p;
	struct fault f = { 0 };
	struct run r = { 0 };
	const char *directory = NULL;

	options_init(&o, &manual, argc, argv);
	while (options_next(&o) == POLICY)
		directory = o.value;
	options_no_operands(&o);
	options_policy(&o, directory, &p);
	sink_init_take(&r.out, STDOUT_FILENO, "<stdout>");
	cases_init(&r.cases, &p, &f);
	enum diag_exit status = run_all(&r, &p, &f);
	cases_release(&r.cases);
	policy_release(&p);
	return options_finish(&r.out, status);
}
