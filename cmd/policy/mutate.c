/* SPDX-License-Identifier: ISC */
#include "cmd/policy/mutate.h"

#include "cmd/policy/print.h"
#include "common/json/json.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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

bool
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
