/* SPDX-License-Identifier: ISC */
#include "cmd/policy/cases.h"

#include "cmd/policy/expect.h"

#include <stdio.h>

static bool
load(struct cases *c, const struct yaml_node *now)
{
	struct bytes text = { 0 };

	if (now != NULL && !yaml_string(c->file, now, &text, c->fault))
		return false;
	const char *time = now != NULL ? text.at : "";
	if (c->piping && c->now != NULL && strcmp(c->now, time) == 0)
		return true;
	if (c->piping)
		pipeline_release(&c->pipeline);
	c->piping = true;
	c->now = time;
	struct instant instant;
	if (now != NULL && !clock_parse_instant(text, &instant))
		return fault_at(c->fault, c->file, now, "expected a time, as 2026-03-02T09:00:00Z");
	switch (pipeline_load(&c->pipeline, c->policy, now != NULL ? time : NULL, false, c->fault)) {
	case PIPELINE_READY:
		return true;
	case PIPELINE_NEEDS_NOW:
		return fault_at(
		    c->fault, c->file, now, "needs-now: this policy computes ages: a test needs `now:`");
	case PIPELINE_FAULT:
	default:
		return false;
	}
}

/* ---- the labelled line ---------------------------------------------------------------------- */

static void
compare_labels(struct cases *c, const struct yaml_node *want)
{
	uint32_t labels = json_member(&c->line, 0, (struct bytes)BYTES("labels"));

	for (size_t i = 0; i < want->count; i++) {
		bool found = false;
		for (uint32_t at = labels + 1; labels != 0 && !found && at < c->line.nodes[labels].next;
		     at = c->line.nodes[at].next)
			found = expect_same(want->item[i], &c->line, at);
		if (!found)
			cases_differ(c, want->item[i], "labels", &c->line, labels);
	}
}

/* ---- one version ---------------------------------------------------------------------------- */

static bool
holds_text(struct bytes text, struct bytes part)
{
	return part.size > 0 && text.size >= part.size &&
	       memmem(text.at, text.size, part.at, part.size) != NULL;
}

/* What stands in `has` and `lacks`: a pointer that leads somewhere, or bytes that are there. */
static bool
has_item(struct cases *c, struct bytes record, struct bytes item)
{
	uint32_t node;

	if (item.size > 0 && item.at[0] == '/')
		return record.size > 0 && expect_find(&c->version, 0, item, &node);
	return holds_text(record, item);
}

static bool
compare_items(struct cases *c, const struct yaml_node *list, struct bytes record, bool wanted)
{
	for (size_t i = 0; list != NULL && i < yaml_strings(list); i++) {
		const struct yaml_node *node = list->kind == YAML_LIST ? list->item[i] : list;
		struct bytes item = node->text; /* a number is looked for as it is written */
		if (item.size == 0)
			return fault_at(
			    c->fault, c->file, node, "expected a JSON Pointer, or text to look for");
		if (has_item(c, record, item) != wanted)
			cases_note(c, node, wanted ? "wanted '%.*s', which is not there" : "'%.*s' is there",
			    (int)item.size, item.at);
	}
	return true;
}

static bool
compare_values(struct cases *c, const struct yaml_node *map, struct bytes record)
{
	for (size_t i = 0; i < map->count; i++) {
		uint32_t node = 0;
		bool found = record.size > 0 && expect_find(&c->version, 0, map->key[i]->text, &node);
		if (!found)
			cases_note(c, map->key[i], "wanted '%s', which is not there", map->key[i]->text.at);
		else if (!expect_same(map->item[i], &c->version, node))
			cases_differ(c, map->item[i], map->key[i]->text.at, &c->version, node);
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
			cases_note(c, want, "wanted this version to be '%s'", words[i]);
		return true;
	}
	if (!cases_text(c, want, &text))
		return false;
	if (!bytes_equal(text, record))
		cases_note(c, want, "the version's bytes are others");
	return true;
}

static bool
compare_version(struct cases *c, unsigned version, const struct yaml_node *want)
{
	static const char slack[JSON_SLACK];
	struct redactor *r = c->pipeline.redactor;
	enum redactor_state state = redactor_state(r, version);
	struct yaml_map m;

	c->record.used = 0;
	if (!redactor_record(r, version, &c->record))
		diag_bug("a version is longer than its record may be");
	struct bytes record = buffer_bytes(&c->record);
	if (!buffer_append(&c->record, slack, sizeof(slack)))
		diag_bug("a version is longer than its record may be");
	record.at = c->record.at;
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
			cases_note(c, criticality, "criticality: wanted %s, got %.*s", criticality->text.at,
			    (int)got.size, got.at);
	}
	if (has != NULL && has->kind == YAML_MAP)
		return compare_values(c, has, record);
	return compare_items(c, has, record, true);
}

static bool
compare_versions(struct cases *c, const struct yaml_node *want)
{
	struct redactor *r = c->pipeline.redactor;
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

/* ---- a case --------------------------------------------------------------------------------- */

static bool
compare_record(struct cases *c, const struct yaml_node *expect)
{
	static const char *const tags[] = { "id", "subject", "level", "sensitivity", "criticality",
		"reasons" };
	struct yaml_map m;

	if (!json_parse(&c->line, c->pipeline.line))
		diag_bug("a labelled line is no JSON");
	uint32_t ehr = json_member(&c->line, 0, (struct bytes)BYTES("ehr"));
	if (!yaml_open(&m, c->file, expect, c->fault))
		return false;
	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		const struct yaml_node *want = yaml_take(&m, tags[i]);
		uint32_t node = json_member(&c->line, ehr, bytes_of(tags[i]));
		if (want == NULL)
			continue;
		if (node == 0 ? want->kind != YAML_NULL : !expect_same(want, &c->line, node))
			cases_differ(c, want, tags[i], &c->line, node);
	}
	const struct yaml_node *labels = yaml_take(&m, "labels");
	const struct yaml_node *versions = yaml_take(&m, "versions");
	const struct yaml_node *refused = yaml_take(&m, "refused");
	if (!yaml_close(&m))
		return false;
	if (refused != NULL)
		cases_note(c, refused, "wanted %s, but the record was not refused", refused->text.at);
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
	struct bytes text;

	if (!load(c, now) || !cases_text(c, record, &text))
		return false;
	if (pipeline_run(&c->pipeline, text))
		return compare_record(c, expect);
	const struct yaml_node *refused = yaml_find(expect, "refused");
	const char *code = reason_code(c->pipeline.reason);
	if (refused == NULL || !bytes_are(refused->text, code))
		cases_note(c, refused != NULL ? refused : expect, "the record was refused: %s at byte %zu",
		    code, c->pipeline.byte);
	return true;
}
