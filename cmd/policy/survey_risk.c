/* SPDX-License-Identifier: ISC */
#include "cmd/policy/survey_report.h"

#include "cmd/policy/print.h"
#include "cmd/policy/survey.h"
#include "common/base/hash.h"
#include "common/base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_RECORD = 64 << 20, TYPE_CELL = 30, CELL = 10 };

/* The records of a type in one version. */
struct risk_group {
	struct bytes type;
	unsigned version;
	size_t empty;         /* records of which it shows nothing */
	struct buffer hashes; /* uint64_t, of what it shows of each other record */
};

void
survey_risk_init(struct survey_risk *r, const struct dry_run *l)
{
	*r = (struct survey_risk){ .policy = l->policy, .redactor = l->redactor };
	json_init(&r->json, NULL, JSON_MAX_DEPTH);
	buffer_init(&r->text, MAX_RECORD + JSON_SLACK);
	buffer_init(&r->shown, BUFFER_UNLIMITED);
}

void
survey_risk_release(struct survey_risk *r)
{
	for (size_t i = 0; i < r->groups; i++)
		buffer_release(&r->group[i].hashes);
	free(r->group);
	json_release(&r->json);
	buffer_release(&r->text);
	buffer_release(&r->shown);
	arena_release(&r->arena);
}

static struct risk_group *
group_of(struct survey_risk *r, struct bytes type, unsigned version)
{
	for (size_t i = 0; i < r->groups; i++)
		if (r->group[i].version == version && bytes_equal(r->group[i].type, type))
			return &r->group[i];
	if (r->groups == r->room) {
		r->room = r->room > 0 ? r->room * 2 : 32;
		r->group = memory_grow(r->group, r->room, sizeof(*r->group));
	}
	struct risk_group *g = &r->group[r->groups++];
	*g = (struct risk_group){ .type = arena_copy(&r->arena, type), .version = version };
	buffer_init(&g->hashes, BUFFER_UNLIMITED);
	return g;
}

static bool
is_listed(const struct yaml_node *list, struct bytes name)
{
	struct bytes path;
	struct fault f = { 0 };

	for (size_t i = 0; list != NULL && i < yaml_strings(list); i++)
		if (yaml_item_string("", list, i, &path, &f) && path.size == name.size + 1 &&
		    memcmp(path.at + 1, name.at, name.size) == 0)
			return true;
	return false;
}

/* Members that name the record or its subject, or when it was stored, are no knowledge of a person. */
static bool
is_aside(const struct survey_risk *r, struct bytes name)
{
	const struct yaml_node *record = yaml_find(r->policy->root, "record");

	return bytes_are(name, "meta") || bytes_are(name, "resourceType") ||
	       is_listed(yaml_find(record, "id"), name) || is_listed(yaml_find(record, "subject"), name);
}

static void
take_version(struct survey_risk *r, struct bytes type, unsigned version)
{
	struct risk_group *g = group_of(r, type, version);

	r->text.used = 0;
	r->shown.used = 0;
	if (!redactor_record(r->redactor, version, &r->text) || !json_slack(&r->text))
		diag_bug("a version is longer than its record may be");
	if (r->text.used > 0 && json_parse(&r->json, buffer_bytes(&r->text)))
		for (uint32_t at = 1; at < r->json.nodes[0].next; at = r->json.nodes[at].next)
			if (!is_aside(r, json_inside(&r->json, at))) {
				struct bytes value = json_span(&r->json, at + 1);
				buffer_add(
				    &r->shown, json_inside(&r->json, at).at, json_inside(&r->json, at).size);
				buffer_add(&r->shown, value.at, value.size);
			}
	if (r->shown.used == 0) {
		g->empty++;
		return;
	}
	uint64_t hash = hash_bytes(buffer_bytes(&r->shown));
	buffer_add(&g->hashes, &hash, sizeof(hash));
}

void
survey_risk_add(struct survey_risk *r, const struct dry_run *l)
{
	struct bytes id = l->labels.id;
	const char *slash = memchr(id.at, '/', id.size);
	struct bytes type = { id.at, slash != NULL ? (size_t)(slash - id.at) : id.size };

	for (unsigned v = 0; v < redactor_versions(r->redactor); v++)
		take_version(r, type, v);
}

static int
group_order(const void *a, const void *b)
{
	const struct risk_group *x = a;
	const struct risk_group *y = b;
	int order = bytes_compare(x->type, y->type);

	return order != 0 ? order : (x->version > y->version) - (x->version < y->version);
}

static void
put_number(struct sink *out, size_t number)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%zu", number);
	print_cell(out, bytes_of(text), CELL);
}

void
survey_risk_print(struct survey_risk *r, struct sink *out)
{
	if (r->groups > 0)
		qsort(r->group, r->groups, sizeof(*r->group), group_order);
	print(out,
	    "\nrisk: what a version shows of a record, without ids and subjects\n"
	    "  %-*s%-*s%-*s%-*s%-*s%s\n",
	    TYPE_CELL, "type", CELL, "version", CELL, "shown", CELL, "nothing", CELL, "alone",
	    "smallest class");
	for (size_t i = 0; i < r->groups; i++) {
		struct risk_group *g = &r->group[i];
		struct survey_classes classes = survey_classes(&g->hashes);
		print(out, "  ");
		print_cell(out, g->type, TYPE_CELL - 1);
		print(out, " ");
		print_cell(out, r->policy->level[redactor_level(r->redactor, g->version)].name, CELL);
		put_number(out, g->hashes.used / sizeof(uint64_t));
		put_number(out, g->empty);
		put_number(out, classes.single);
		print(out, "%zu\n", classes.smallest);
	}
}
