/* SPDX-License-Identifier: ISC */
/* ehr-policy test: runs the tests of a policy and prints TAP (Test Anything Protocol), for prove. */
#include "cmd/policy/cases.h"
#include "cmd/policy/print.h"
#include "cmd/policy/verbs.h"
#include "common/json/json.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * Whether the tests of a policy would miss its rules.  Each rule of classify.yaml is once removed,
 * and its condition once inverted; then some test must fail.  Each changed policy runs in a process of its
 * own.
 */
enum mutate_outcome {
	MUTATE_FAILS,  /* a test fails: it notices the change */
	MUTATE_HOLDS,  /* all tests hold */
	MUTATE_FAULTY, /* the changed policy does not load */
};

enum { MAX_TEXT = 64 << 20 };

static const char file_name[] = "classify.yaml";

struct mutation {
	struct policy *policy;
	struct sink *out;
	enum mutate_outcome (*run)(struct policy *p);
	const char *shown;
	size_t tried, survived, faulty;
};

/* The text of the file is TEXT from here on. */
static void
replace(struct policy *p, struct bytes text)
{
	for (size_t i = 0; i < p->files; i++)
		if (bytes_are(p->file[i].name, file_name))
			p->file[i].text = text;
}

static size_t
byte_of(struct bytes text, unsigned line, unsigned column)
{
	size_t at = 0;

	for (unsigned i = 1; i < line && at < text.size; at++)
		i += text.at[at] == '\n';
	return at + column - 1 < text.size ? at + column - 1 : text.size;
}

/* Behind the bracket that closes the one at AT, quoted text left aside. */
static size_t
end_of_flow(struct bytes text, size_t at)
{
	unsigned depth = 0;
	char quote = '\0';

	for (size_t i = at; i < text.size; i++) {
		char c = text.at[i];
		if (quote != '\0') {
			i += quote == '"' && c == '\\';
			if (c == quote)
				quote = (char)0;
		} else if (c == '"' || c == '\'') {
			quote = c;
		} else {
			depth += c == '{' || c == '[';
			depth -= c == '}' || c == ']';
			if (depth == 0)
				return i + 1;
		}
	}
	return text.size;
}

/* Behind the block that begins at AT: the first later line that is not indented more deeply than COLUMN. */
static size_t
end_of_block(struct bytes text, size_t at, unsigned column)
{
	for (size_t i = at; i < text.size; i++) {
		size_t indent = 0;
		if (text.at[i] != '\n')
			continue;
		while (i + 1 + indent < text.size && text.at[i + 1 + indent] == ' ')
			indent++;
		bool blank = i + 1 + indent >= text.size || text.at[i + 1 + indent] == '\n';
		if (!blank && indent + 1 < column)
			return i + 1;
	}
	return text.size;
}

static bool
is_flow(struct bytes text, size_t at)
{
	return at < text.size && (text.at[at] == '{' || text.at[at] == '[');
}

/* The rule becomes a comment, or nothing between commas. */
static bool
write_without(struct bytes text, const struct yaml_node *rule, struct buffer *out)
{
	size_t at = byte_of(text, rule->line, rule->column);
	size_t start = at;
	bool flow = is_flow(text, at);
	size_t end = flow ? end_of_flow(text, at) : end_of_block(text, at, rule->column);

	while (start > 0 && text.at[start - 1] == ' ')
		start--;
	if (start > 0 && text.at[start - 1] == '-') {
		start--;
	} else {
		start = at;
		while (end < text.size && text.at[end] == ' ')
			end++;
		end += end < text.size && text.at[end] == ',';
	}
	return buffer_append(out, text.at, start) && buffer_append(out, "\n", !flow) &&
	       buffer_append(out, text.at + end, text.size - end);
}

/* The condition WHERE, behind its key at KEY, becomes the only one of `none`. */
static bool
write_inverted(
    struct bytes text, const struct yaml_node *key, const struct yaml_node *where, struct buffer *out)
{
	size_t at = byte_of(text, where->line, where->column);
	size_t end = end_of_flow(text, at);

	if (is_flow(text, at))
		return buffer_append(out, text.at, at) && buffer_append(out, "{none: [{all: [", 15) &&
		       buffer_append(out, text.at + at, end - at) && buffer_append(out, "]}]}", 4) &&
		       buffer_append(out, text.at + end, text.size - end);
	at = byte_of(text, key->line, key->column) + strlen("where:");
	bool good = buffer_append(out, text.at, at);
	for (unsigned line = 0; good && line < 2; line++) {
		good = buffer_append(out, "\n", 1);
		for (unsigned i = 0; good && i < key->column; i++)
			good = buffer_append(out, " ", 1);
		good = good && buffer_append(out, line == 0 ? "none:" : "-", line == 0 ? 5 : 1);
	}
	return good && buffer_append(out, text.at + at, text.size - at);
}

static enum mutate_outcome
run_child(const struct mutation *m, struct bytes text)
{
	int status = 0;
	pid_t child = fork();

	if (child < 0)
		diag_die(EXIT_IO, "a process for a changed policy: %s", strerror(errno));
	if (child == 0) {
		replace(m->policy, text);
		_exit((int)m->run(m->policy));
	}
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue;
	if (!WIFEXITED(status) || WEXITSTATUS(status) > MUTATE_FAULTY)
		return MUTATE_FAULTY;
	return (enum mutate_outcome)WEXITSTATUS(status);
}

static void
try(struct mutation *m, struct buffer *text, const struct yaml_node *rule, const char *how)
{
	const struct yaml_node *id = yaml_find(rule, "id");

	if (!json_slack(text))
		diag_bug("a changed policy is longer than a policy may be");
	enum mutate_outcome outcome = run_child(m, buffer_bytes(text));
	m->tried++;
	m->survived += outcome == MUTATE_HOLDS;
	m->faulty += outcome == MUTATE_FAULTY;
	if (outcome != MUTATE_FAILS)
		print(m->out, "%s %s:%u: %s %s\n", outcome == MUTATE_HOLDS ? "not noticed" : "not tried",
		    m->shown, rule->line, id != NULL && id->text.size < 200 ? id->text.at : "a rule", how);
}

static void
try_rules(struct mutation *m, struct bytes text, const struct yaml_node *rules)
{
	struct buffer changed;

	buffer_init(&changed, MAX_TEXT);
	for (size_t i = 0; rules != NULL && rules->kind == YAML_LIST && i < rules->count; i++) {
		const struct yaml_node *rule = rules->item[i];
		const struct yaml_node *where = yaml_find(rule, "where");
		changed.used = 0;
		if (write_without(text, rule, &changed))
			try(m, &changed, rule, "removed");
		for (size_t k = 0; where != NULL && k < rule->count; k++) {
			changed.used = 0;
			if (rule->item[k] == where && write_inverted(text, rule->key[k], where, &changed))
				try(m, &changed, rule, "inverted");
		}
	}
	buffer_release(&changed);
}

static void
put_sum(const struct mutation *m)
{
	print(
	    m->out, "%zu of %zu changes are noticed by a test", m->tried - m->survived - m->faulty, m->tried);
	if (m->faulty > 0)
		print(m->out, "; %zu cannot be tried", m->faulty);
	print(m->out, "\n");
}

/*
 * Tries all rules with RUN, and prints the changes that no test notices and a count.  *NOTICED: tests notice
 * all changes.  False with a fault if classify.yaml cannot be read, or with EXIT_IO's errno in f->error.
 */
static bool
mutate_all(struct policy *p, struct sink *out, enum mutate_outcome (*run)(struct policy *p), bool *noticed,
    struct fault *f)
{
	struct mutation m = { .policy = p, .out = out, .run = run };
	const struct yaml_node *root = policy_yaml(p, file_name, &m.shown, f);

	if (root == NULL)
		return false;
	struct bytes text = policy_file(p, file_name)->text;
	(void)sink_flush(out);
	try_rules(&m, text, yaml_find(root, "rules"));
	try_rules(&m, text, yaml_find(yaml_find(root, "criticality"), "rules"));
	if (m.tried == 0)
		print(out, "%s has no rules to remove or invert: nothing was tried\n", m.shown);
	else
		put_sum(&m);
	*noticed = m.survived == 0;
	return true;
}

struct settings {
	const char *policy;
	bool mutate;
};

enum { COVERAGE = 1 };

static const struct option_entry table[] = {
	VERB_POLICY(struct settings),
	{ COVERAGE, 0, false, "coverage", "=PCT",
	    "say which rules of access decided in a test; fail below so many of 100" },
	{ OPTION_FLAG(struct settings, mutate), 0, false, "mutate", NULL,
	    "remove and invert each rule in turn, and say which change no test notices" },
};

static const struct option_manual manual = {
	.program = "ehr-policy test",
	.operands = "",
	.purpose = "Runs the tests that a policy brings along (tests/*.yaml): records and requests with what "
		   "must come out.",
	.table = table,
	.count = sizeof(table) / sizeof(table[0]),
};

struct test_run {
	struct cases cases;
	struct sink out;
	unsigned count;
	unsigned failed;
	bool quiet; /* nothing is printed, and requests, which no label changes, are left out */
};

static bool
open_file(struct cases *c, const char *name, struct case_file *file)
{
	struct yaml_map m;

	*file = (struct case_file){ .root = policy_yaml(c->policy, name, &c->file, c->fault) };
	if (file->root == NULL || !yaml_open(&m, c->file, file->root, c->fault))
		return false;
	/* The engines may hold the time and the facts of another file. */
	c->now = NULL;
	if (c->access != NULL)
		access_free(c->access);
	c->access = NULL;
	file->now = yaml_take(&m, "now");
	file->list = yaml_take(&m, "cases");
	if (file->list == NULL)
		return true;
	file->consents = yaml_take(&m, "consents");
	file->facts = yaml_take(&m, "facts");
	file->entities = yaml_take(&m, "entities");
	file->used = yaml_take(&m, "used");
	if (file->list->kind != YAML_LIST)
		return fault_at(c->fault, c->file, file->list, "expected a list of cases");
	return yaml_close(&m);
}

/* Runs one case; *NAME is its name.  The result stands in c->notes. */
static bool
compare_case(struct cases *c, const struct case_file *file, const struct yaml_node *node, struct bytes *name)
{
	struct yaml_map m;

	c->notes.used = 0;
	*name = (struct bytes){ 0 };
	if (!yaml_open(&m, c->file, node, c->fault))
		return false;
	const struct yaml_node *title = yaml_take(&m, "name");
	const struct yaml_node *now = yaml_take(&m, "now");
	const struct yaml_node *record = yaml_take(&m, "record");
	const struct yaml_node *request = file->list != NULL ? yaml_take(&m, "request") : NULL;
	const struct yaml_node *expect = yaml_need(&m, "expect");
	if (!yaml_close(&m) || !yaml_string(c->file, title, name, c->fault))
		return false;
	if ((record == NULL) == (request == NULL))
		return fault_at(c->fault, c->file, node, "expected either a record or a request");
	if (request != NULL && now != NULL)
		return fault_at(
		    c->fault, c->file, now, "a request has its time in context.time, or the file's");
	return request != NULL ? cases_request(c, file, request, expect)
			       : cases_record(c, now != NULL ? now : file->now, record, expect);
}

static bool
run_case(struct test_run *r, const struct case_file *file, const struct yaml_node *node)
{
	struct bytes name;

	if (r->quiet && (r->failed > 0 || yaml_find(node, "request") != NULL))
		return true;
	if (!compare_case(&r->cases, file, node, &name))
		return false;
	bool held = r->cases.notes.used == 0;
	r->count++;
	r->failed += !held;
	if (r->quiet)
		return true;
	print(&r->out, "%s %u - %s:%u%s%.*s\n", held ? "ok" : "not ok", r->count, r->cases.file, node->line,
	    name.size > 0 ? ": " : "", (int)(name.size < 1000 ? name.size : 1000), name.at);
	return sink_put(&r->out, buffer_bytes(&r->cases.notes));
}

static bool
run_file(struct test_run *r, const char *name)
{
	struct case_file file;

	if (!open_file(&r->cases, name, &file))
		return false;
	if (file.list == NULL)
		return run_case(r, &file, file.root);
	for (size_t i = 0; i < file.list->count; i++)
		if (!run_case(r, &file, file.list->item[i]))
			return false;
	return true;
}

/* True for tests/NAME.yaml.  Folders below tests/ hold records, directives and facts. */
static bool
is_test(struct bytes name)
{
	size_t head = strlen("tests/");

	return bytes_begin(name, "tests/") && bytes_end(name, ".yaml") &&
	       name.size > head + strlen(".yaml") && memchr(name.at + head, '/', name.size - head) == NULL;
}

static enum diag_exit
run_all(struct test_run *r, struct policy *p, struct fault *f)
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

static enum mutate_outcome
run_quietly(struct policy *p)
{
	struct fault f = { 0 };
	struct test_run r = { .quiet = true };

	cases_init(&r.cases, p, &f);
	for (size_t i = 0; i < p->files && r.failed == 0; i++)
		if (is_test(p->file[i].name) && !run_file(&r, p->file[i].name.at))
			return MUTATE_FAULTY;
	return r.failed > 0 ? MUTATE_FAILS : MUTATE_HOLDS;
}

/* After tests that hold. */
static enum diag_exit
mutate(struct test_run *r, struct policy *p, struct fault *f)
{
	bool noticed = false;

	if (mutate_all(p, &r->out, run_quietly, &noticed, f))
		return noticed ? EXIT_DONE : EXIT_REFUSED;
	fault_print(f);
	return EXIT_POLICY;
}

/* A policy whose tests ask no request has rules that never held. */
static bool
list_rules(struct policy *p, struct tally *c, struct fault *f)
{
	struct access_sources s = { .policy = p, .tally = c };
	struct access *a;

	for (size_t i = 0; i < p->files; i++) {
		if (!bytes_begin(p->file[i].name, "authz/"))
			continue;
		a = access_load(&s, f);
		if (a == NULL)
			return false;
		access_free(a);
		return true;
	}
	return true;
}

static void
put_row(struct test_run *r, const struct tally_row *row)
{
	const char *what = row->decided > 0 ? "decided"
			   : row->held > 0  ? "held without deciding"
					    : "never held";

	print(&r->out, "# %s", row->file);
	if (row->line > 0)
		print(&r->out, ":%u", row->line);
	print(&r->out, ": %.*s", (int)row->id.size, row->id.at);
	if (row->exception > 0) {
		what = row->held > 0 ? "taken" : "never taken";
		print(&r->out, ", exception %u", row->exception);
	}
	print(&r->out, ": %s\n", what);
}

/* LEAST of 100 must have decided. */
static enum diag_exit
put_coverage(struct test_run *r, struct policy *p, uint64_t least, struct fault *f)
{
	const struct tally *c = r->cases.tally;
	size_t good = 0;

	if (!list_rules(p, r->cases.tally, f)) {
		fault_print(f);
		return EXIT_POLICY;
	}
	for (size_t i = 0; i < c->rows; i++) {
		put_row(r, &c->row[i]);
		good += c->row[i].decided > 0;
	}
	print(&r->out, "# coverage: %zu of %zu rules and exceptions\n", good, c->rows);
	return good * 100 < least * c->rows ? EXIT_REFUSED : EXIT_DONE;
}

enum diag_exit
verb_test(int argc, char *argv[])
{
	struct options o;
	struct settings set = { 0 };
	struct policy p;
	struct fault f = { 0 };
	struct test_run r = { 0 };
	struct tally tally = { 0 };
	uint64_t least = 0;
	bool covering = false;

	options_init(&o, &manual, argc, argv);
	options_into(&o, &set);
	while (options_next(&o) == COVERAGE) {
		covering = true;
		if (o.value != NULL && !options_number(o.value, 100, &least))
			options_misuse(&o, "not a number from 0 to 100", o.value);
	}
	if (o.operands > 0)
		options_misuse(&o, "unexpected operand", o.operand[0]);
	verb_load(&o, set.policy, NULL, &p);
	sink_init_take(&r.out, STDOUT_FILENO, "<stdout>");
	cases_init(&r.cases, &p, &f);
	r.cases.tally = covering ? &tally : NULL;
	enum diag_exit status = run_all(&r, &p, &f);
	if (covering && status != EXIT_POLICY)
		status = diag_worse(status, put_coverage(&r, &p, least, &f));
	if (status == EXIT_DONE && set.mutate)
		status = mutate(&r, &p, &f);
	cases_release(&r.cases);
	tally_release(&tally);
	policy_release(&p);
	return verb_finish(&r.out, status);
}
