/* SPDX-License-Identifier: ISC */
#include "cmd/policy/cases.h"

#include "cmd/policy/expect.h"

#include <errno.h>
#include <string.h>

enum { MAX_CONSENTS = 256 };

/* ---- loading --------------------------------------------------------------------------------- */

/* The path of a file below tests/ of the policy; NULL after a fault. */
static const char *
path_of(struct cases *c, const struct yaml_node *node)
{
	struct bytes name = { 0 };

	if (!yaml_string(c->file, node, &name, c->fault))
		return NULL;
	const char *relative = arena_format(&c->policy->arena, "tests/%s", name.at);
	const struct policy_file *file = policy_file(c->policy, relative);
	if (file == NULL) {
		(void)fault_at(c->fault, c->file, node, "no file '%s' in this policy", relative);
		return NULL;
	}
	return file->shown;
}

static bool
optional_path(struct cases *c, const struct yaml_node *node, const char **path)
{
	if (node == NULL)
		return true;
	*path = path_of(c, node);
	return *path != NULL;
}

static bool
load(struct cases *c, const struct case_file *file)
{
	const char *consents[MAX_CONSENTS];
	struct access_sources s = { .policy = c->policy, .consents = consents };
	struct instant now;
	enum access_outcome outcome;

	if (c->access != NULL)
		return true;
	if (yaml_strings(file->consents) > MAX_CONSENTS)
		return fault_at(
		    c->fault, c->file, file->consents, "more than 256 directives in one test file");
	for (size_t i = 0; i < yaml_strings(file->consents); i++) {
		const struct yaml_node *list = file->consents;
		consents[i] = path_of(c, list->kind == YAML_LIST ? list->item[i] : list);
		if (consents[i] == NULL)
			return false;
		s.consents_count++;
	}
	if (!optional_path(c, file->facts, &s.facts) || !optional_path(c, file->entities, &s.entities) ||
	    !optional_path(c, file->used, &s.used))
		return false;
	if (file->now != NULL) {
		if (!clock_parse_instant(file->now->text, &now))
			return fault_at(
			    c->fault, c->file, file->now, "expected a time, as 2026-03-02T09:00:00Z");
		s.now = &now;
	}
	c->access = access_load(&s, &outcome, c->fault);
	if (c->access == NULL && outcome == ACCESS_UNREADABLE)
		return fault_at(c->fault, c->fault->file, NULL, "%s", strerror(errno));
	return c->access != NULL;
}

/* ---- comparing ------------------------------------------------------------------------------- */

/* {organization: Permit} or {organization: [B-1]} against context.layers: MEMBER of each layer named. */
static void
compare_layers(struct cases *c, const struct yaml_node *want, uint32_t layers, const char *member)
{
	const struct json *j = &c->line;

	for (size_t i = 0; i < want->count; i++) {
		uint32_t found = 0;
		for (uint32_t at = layers + 1; layers != 0 && at < j->nodes[layers].next;
		     at = j->nodes[at].next) {
			uint32_t name = json_member(j, at, (struct bytes)BYTES("layer"));
			if (name != 0 && json_is(j, name, want->key[i]->text))
				found = json_member(j, at, bytes_of(member));
		}
		if (found == 0 || !expect_same(want->item[i], j, found))
			cases_differ(c, want->item[i], want->key[i]->text.at, j, found);
	}
}

/* Of an obligation, `type` stands outside and everything else in `properties`. */
static bool
same_obligation(const struct yaml_node *want, const struct json *j, uint32_t node)
{
	uint32_t properties = json_member(j, node, (struct bytes)BYTES("properties"));

	if (want->kind != YAML_MAP || json_kind(j, node) != JSON_OBJECT)
		return false;
	for (size_t i = 0; i < want->count; i++) {
		uint32_t at = properties != 0 ? json_member(j, properties, want->key[i]->text) : 0;
		if (at == 0)
			at = json_member(j, node, want->key[i]->text);
		if (at == 0 || !expect_same(want->item[i], j, at))
			return false;
	}
	return true;
}

static void
compare_obligations(struct cases *c, const struct yaml_node *want, uint32_t node)
{
	const struct json *j = &c->line;
	uint32_t at = node + 1;
	bool same = want->kind == YAML_LIST && (node != 0 || want->count == 0);

	for (size_t i = 0; same && i < want->count; i++, at = j->nodes[at].next)
		same = at < j->nodes[node].next && same_obligation(want->item[i], j, at);
	if (!same || (node != 0 && at < j->nodes[node].next))
		cases_differ(c, want, "obligations", j, node);
}

/* What a test says in one map, a decision says layer by layer. */
static const struct {
	const char *key;
	const char *member;
} by_layer[] = {
	{ "layers", "result" },
	{ "rules", "rules" },
	{ "near_miss", "near_miss" },
	{ "unknown", "unknown" },
};

static void
compare_member(struct cases *c, const struct yaml_node *key, const struct yaml_node *want)
{
	const struct json *j = &c->line;
	uint32_t context = json_member(j, 0, (struct bytes)BYTES("context"));
	uint32_t layers = json_member(j, context, (struct bytes)BYTES("layers"));
	uint32_t node = json_member(j, 0, key->text);

	for (size_t i = 0; want->kind == YAML_MAP && i < sizeof(by_layer) / sizeof(by_layer[0]); i++) {
		if (!bytes_are(key->text, by_layer[i].key))
			continue;
		compare_layers(c, want, layers, by_layer[i].member);
		return;
	}
	if (node == 0 && context != 0)
		node = json_member(j, context, key->text);
	if (bytes_are(key->text, "obligations"))
		compare_obligations(c, want, node);
	else if (node == 0 ? want->kind != YAML_NULL : !expect_same(want, j, node))
		cases_differ(c, want, key->text.at, j, node);
}

bool
cases_request(struct cases *c, const struct case_file *file, const struct yaml_node *request,
    const struct yaml_node *expect)
{
	struct access_decision d;
	struct bytes text;

	if (expect->kind != YAML_MAP || expect->count == 0)
		return fault_at(c->fault, c->file, expect, "expected a map of what the decision must hold");
	if (!load(c, file) || !cases_text(c, request, &text))
		return false;
	access_decide(c->access, text, &d);
	c->record.used = 0;
	if (!buffer_append(&c->record, d.text.at, d.text.size) || !buffer_reserve(&c->record, JSON_SLACK) ||
	    !json_parse(&c->line, (struct bytes){ c->record.at, d.text.size }))
		diag_bug("a decision is no JSON");
	for (size_t i = 0; i < expect->count; i++)
		compare_member(c, expect->key[i], expect->item[i]);
	return true;
}
