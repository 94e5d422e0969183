/* SPDX-License-Identifier: ISC */
#include "cmd/policy/cases.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MAX_TEXT = 64 << 20, MAX_NOTES = 1 << 20, MAX_CONSENTS = 256, SHOWN = 300 };

void
cases_init(struct cases *c, struct policy *p, struct fault *f)
{
	*c = (struct cases){ .policy = p, .fault = f };
	json_init(&c->line, NULL, JSON_MAX_DEPTH);
	json_init(&c->version, NULL, JSON_MAX_DEPTH);
	buffer_init(&c->text, MAX_TEXT);
	buffer_init(&c->record, MAX_TEXT);
	buffer_init(&c->notes, MAX_NOTES);
}

void
cases_release(struct cases *c)
{
	if (c->is_loaded)
		dry_run_release(&c->run);
	if (c->access != NULL)
		access_free(c->access);
	json_release(&c->line);
	json_release(&c->version);
	buffer_release(&c->text);
	buffer_release(&c->record);
	buffer_release(&c->notes);
	c->is_loaded = false;
	c->access = NULL;
}

static void __attribute__((format(printf, 3, 4)))
note(struct cases *c, const struct yaml_node *node, const char *format, ...)
{
	char text[1000];
	va_list list;

	size_t size = (size_t)snprintf(text, sizeof(text), "# line %u: ", node->line);
	va_start(list, format);
	int more = vsnprintf(text + size, sizeof(text) - size, format, list);
	va_end(list);
	size += more > 0 ? (size_t)more : 0;
	(void)buffer_append(&c->notes, text, size < sizeof(text) ? size : sizeof(text) - 1);
	(void)buffer_append(&c->notes, "\n", 1);
}

/* Notes the wanted value beside what came (NODE 0 of J: nothing). */
static void
differ(struct cases *c, const struct yaml_node *want, const char *what, const struct json *j, uint32_t node)
{
	struct buffer wanted;
	struct bytes got = node != 0 ? json_span(j, node) : (struct bytes)BYTES("nothing");

	buffer_init(&wanted, MAX_NOTES);
	(void)yaml_to_json(want, &wanted);
	note(c, want, "%s: wanted %.*s, got %.*s", what, (int)(wanted.used < SHOWN ? wanted.used : SHOWN),
	    wanted.at, (int)(got.size < SHOWN ? got.size : SHOWN), got.at);
	buffer_release(&wanted);
}

/* The JSON text of NODE (a tree, or the name of a file below tests/) with JSON_SLACK bytes behind it. */
static bool
take_text(struct cases *c, const struct yaml_node *node, struct bytes *text)
{
	char name[256];

	if (node->kind == YAML_STRING) {
		(void)snprintf(name, sizeof(name), "tests/%.*s",
		    (int)(node->text.size < 200 ? node->text.size : 200), node->text.at);
		const struct policy_file *file = policy_file(c->policy, name);
		if (file == NULL)
			return fault_at(c->fault, c->file, node, "no file '%s' in this policy", name);
		*text = file->text;
		while (
		    text->size > 0 && (text->at[text->size - 1] == '\n' || text->at[text->size - 1] == '\r'))
			text->size--;
		return true;
	}
	if (node->kind != YAML_MAP)
		return fault_at(
		    c->fault, c->file, node, "expected a map, or the name of a file below tests/");
	c->text.used = 0;
	if (!yaml_to_json(node, &c->text) || !json_slack(&c->text))
		return fault_at(c->fault, c->file, node, "too long for a record");
	*text = buffer_bytes(&c->text);
	return true;
}

static bool
load_run(struct cases *c, const struct yaml_node *now)
{
	struct bytes text = { 0 };

	if (now != NULL && !yaml_string(c->file, now, &text, c->fault))
		return false;
	const char *time = now != NULL ? text.at : "";
	if (c->is_loaded && c->now != NULL && strcmp(c->now, time) == 0)
		return true;
	if (c->is_loaded)
		dry_run_release(&c->run);
	c->is_loaded = true;
	c->now = time;
	struct instant instant;
	if (now != NULL && !clock_parse_instant(text, &instant))
		return fault_at(c->fault, c->file, now, "expected a time, as 2026-03-02T09:00:00Z");
	switch (dry_run_load(&c->run, c->policy, now != NULL ? time : NULL, false, c->fault)) {
	case DRY_RUN_READY:
		return true;
	case DRY_RUN_NEEDS_NOW:
		return fault_at(
		    c->fault, c->file, now, "needs-now: this policy computes ages: a test needs `now:`");
	case DRY_RUN_FAULT:
	default:
		return false;
	}
}

static void
compare_labels(struct cases *c, const struct yaml_node *want)
{
	uint32_t labels = json_member(&c->line, 0, (struct bytes)BYTES("labels"));

	for (size_t i = 0; i < want->count; i++) {
		bool found = false;
		for (uint32_t at = labels + 1; labels != 0 && !found && at < c->line.nodes[labels].next;
		     at = c->line.nodes[at].next)
			found = cases_expect(want->item[i], &c->line, at);
		if (!found)
			differ(c, want->item[i], "labels", &c->line, labels);
	}
}

static bool
holds_text(struct bytes text, struct bytes part)
{
	return part.size > 0 && text.size >= part.size &&
	       memmem(text.at, text.size, part.at, part.size) != NULL;
}

/* True if ITEM of `has` or `lacks` is there: a pointer to an existing value, or bytes of the record. */
static bool
has_item(struct cases *c, struct bytes record, struct bytes item)
{
	uint32_t node;

	if (item.size > 0 && item.at[0] == '/')
		return record.size > 0 && cases_find(&c->version, 0, item, &node);
	return holds_text(record, item);
}

static bool
compare_items(struct cases *c, const struct yaml_node *list, struct bytes record, bool wanted)
{
	for (size_t i = 0; list != NULL && i < yaml_strings(list); i++) {
		const struct yaml_node *node = list->kind == YAML_LIST ? list->item[i] : list;
		struct bytes item = node->text;
		if (item.size == 0)
			return fault_at(
			    c->fault, c->file, node, "expected a JSON Pointer, or text to look for");
		if (has_item(c, record, item) != wanted)
			note(c, node, wanted ? "wanted '%.*s', which is not there" : "'%.*s' is there",
			    (int)item.size, item.at);
	}
	return true;
}

static bool
compare_values(struct cases *c, const struct yaml_node *map, struct bytes record)
{
	for (size_t i = 0; i < map->count; i++) {
		uint32_t node = 0;
		bool found = record.size > 0 && cases_find(&c->version, 0, map->key[i]->text, &node);
		if (!found)
			note(c, map->key[i], "wanted '%s', which is not there", map->key[i]->text.at);
		else if (!cases_expect(map->item[i], &c->version, node))
			differ(c, map->item[i], map->key[i]->text.at, &c->version, node);
	}
	return true;
}

static bool
compare_whole(struct cases *c, const struct yaml_node *want, enum redactor_state state, struct bytes record)
{
	static const char *const words[] = { "none", "stub", "redacted", "whole" };
	static const enum redactor_state states[] = { VERSION_NONE, VERSION_STUB, VERSION_REDACTED,
		VERSION_WHOLE };
	struct bytes text;

	if (want == NULL)
		return true;
	for (size_t i = 0; want->kind == YAML_STRING && i < sizeof(words) / sizeof(words[0]); i++) {
		if (!bytes_are(want->text, words[i]))
			continue;
		if (state != states[i])
			note(c, want, "wanted this version to be '%s'", words[i]);
		return true;
	}
	if (!take_text(c, want, &text))
		return false;
	if (!bytes_equal(text, record))
		note(c, want, "the version's bytes are others");
	return true;
}

static bool
compare_version(struct cases *c, unsigned version, const struct yaml_node *want)
{
	struct redactor *r = c->run.redactor;
	enum redactor_state state = redactor_state(r, version);
	struct yaml_map m;

	c->record.used = 0;
	if (!redactor_record(r, version, &c->record) || !json_slack(&c->record))
		diag_bug("a version is longer than its record may be");
	struct bytes record = buffer_bytes(&c->record);
	if (record.size > 0 && !json_parse(&c->version, record))
		diag_bug("a version is no JSON");
	if (!yaml_open(&m, c->file, want, c->fault))
		return false;
	const struct yaml_node *has = yaml_take(&m, "has");
	const struct yaml_node *lacks = yaml_take(&m, "lacks");
	const struct yaml_node *is = yaml_take(&m, "is");
	const struct yaml_node *criticality = yaml_take(&m, "criticality");
	if (!yaml_close(&m) || !compare_items(c, lacks, record, false) ||
	    !compare_whole(c, is, state, record))
		return false;
	if (criticality != NULL) {
		struct bytes got = redactor_tags(r, version)->criticality;
		if (!bytes_equal(got, criticality->text))
			note(c, criticality, "criticality: wanted %s, got %.*s", criticality->text.at,
			    (int)got.size, got.at);
	}
	if (has != NULL && has->kind == YAML_MAP)
		return compare_values(c, has, record);
	return compare_items(c, has, record, true);
}

static bool
compare_versions(struct cases *c, const struct yaml_node *want)
{
	struct redactor *r = c->run.redactor;
	unsigned level;

	if (want->kind != YAML_MAP)
		return fault_at(c->fault, c->file, want, "expected a map of levels");
	for (size_t i = 0; i < want->count; i++) {
		if (!policy_level_node(c->policy, c->file, want->key[i], &level, c->fault))
			return false;
		unsigned v = 0;
		while (v < redactor_versions(r) && redactor_level(r, v) != level)
			v++;
		if (v == redactor_versions(r))
			return fault_at(
			    c->fault, c->file, want->key[i], "redact.yaml has no version of this level");
		if (!compare_version(c, v, want->item[i]))
			return false;
	}
	return true;
}

static bool
compare_record(struct cases *c, const struct yaml_node *expect)
{
	static const char *const tags[] = { "id", "subject", "level", "sensitivity", "criticality",
		"reasons" };
	struct yaml_map m;

	if (!json_parse(&c->line, c->run.line))
		diag_bug("a labelled line is no JSON");
	uint32_t ehr = json_member(&c->line, 0, (struct bytes)BYTES("ehr"));
	if (!yaml_open(&m, c->file, expect, c->fault))
		return false;
	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		const struct yaml_node *want = yaml_take(&m, tags[i]);
		uint32_t node = json_member(&c->line, ehr, bytes_of(tags[i]));
		if (want == NULL)
			continue;
		if (node == 0 ? want->kind != YAML_NULL : !cases_expect(want, &c->line, node))
			differ(c, want, tags[i], &c->line, node);
	}
	const struct yaml_node *labels = yaml_take(&m, "labels");
	const struct yaml_node *versions = yaml_take(&m, "versions");
	const struct yaml_node *refused = yaml_take(&m, "refused");
	if (!yaml_close(&m))
		return false;
	if (refused != NULL)
		note(c, refused, "wanted %s, but the record was not refused", refused->text.at);
	if (labels != NULL && labels->kind != YAML_LIST)
		return fault_at(c->fault, c->file, labels, "expected a list of labels");
	if (labels != NULL)
		compare_labels(c, labels);
	return versions == NULL || compare_versions(c, versions);
}

bool
cases_record(struct cases *c, const struct yaml_node *now, const struct yaml_node *record,
    const struct yaml_node *expect)
{
	struct bytes text = { 0 };

	if (!load_run(c, now) || !take_text(c, record, &text))
		return false;
	if (dry_run(&c->run, text))
		return compare_record(c, expect);
	const struct yaml_node *refused = yaml_find(expect, "refused");
	const char *code = reason_code(c->run.reason);
	if (refused == NULL || !bytes_are(refused->text, code))
		note(c, refused != NULL ? refused : expect, "the record was refused: %s at byte %zu", code,
		    c->run.byte);
	return true;
}

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
load_access(struct cases *c, const struct case_file *file)
{
	const char *consents[MAX_CONSENTS];
	struct access_sources s = { .policy = c->policy, .consents = consents, .tally = c->tally };
	struct instant now;

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
	c->access = access_load(&s, c->fault);
	return c->access != NULL;
}

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
		if (found == 0 || !cases_expect(want->item[i], j, found))
			differ(c, want->item[i], want->key[i]->text.at, j, found);
	}
}

/* `type` is a member of an obligation, every other key a member of its `properties`. */
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
		if (at == 0 || !cases_expect(want->item[i], j, at))
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
		differ(c, want, "obligations", j, node);
}

/* Keys whose values in a test are maps by layer; a decision has these members in each layer. */
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
	else if (node == 0 ? want->kind != YAML_NULL : !cases_expect(want, j, node))
		differ(c, want, key->text.at, j, node);
}

bool
cases_request(struct cases *c, const struct case_file *file, const struct yaml_node *request,
    const struct yaml_node *expect)
{
	struct access_decision d;
	struct bytes text = { 0 };

	if (expect->kind != YAML_MAP || expect->count == 0)
		return fault_at(c->fault, c->file, expect, "expected a map of what the decision must hold");
	if (!load_access(c, file) || !take_text(c, request, &text))
		return false;
	access_decide(c->access, text, &d);
	c->record.used = 0;
	if (!buffer_append(&c->record, d.text.at, d.text.size) || !json_slack(&c->record) ||
	    !json_parse(&c->line, buffer_bytes(&c->record)))
		diag_bug("a decision is no JSON");
	for (size_t i = 0; i < expect->count; i++)
		compare_member(c, expect->key[i], expect->item[i]);
	return true;
}
