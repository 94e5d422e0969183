/* SPDX-License-Identifier: ISC */
#include "cmd/consent/directive_file.h"

#include "common/access/fhir_consent.h"
#include "common/base/memory.h"
#include "common/policy/site.h"

#include <stdlib.h>

enum { MAX_FILE = 1 << 28 };

struct reading {
	struct directive_file *file;
	struct fault *fault;
	struct ndjson n;
	const struct fhir_names *names; /* of the Bundle at hand; NULL: none */
	size_t room;
};

static void
add(struct reading *r, const struct yaml_node *tree)
{
	struct directive_file *f = r->file;

	if (f->count == r->room) {
		r->room = r->room ? 2 * r->room : 64;
		f->at = memory_grow(f->at, r->room, sizeof *f->at);
	}
	f->at[f->count++] = (struct written_directive){ .tree = tree };
}

/* The register knows the patient whom a Consent names by an identifier. */
static void
name_patient(struct reading *r, const struct fhir_consent *c)
{
	struct yaml_node *patient = yaml_find(c->tree, "patient");

	if (c->logical)
		patient->text = arena_copy(&r->file->arena, access_patient(r->file->read, c->patient));
}

static void
add_value(struct reading *r, uint32_t node)
{
	struct arena *a = &r->file->arena;
	struct fhir_consent c;

	fhir_consent_read(a, &r->n, node, r->names, &c);
	r->fault->text[0] = '\0';
	if (c.kind == FHIR_CONSENT_NONE) {
		add(r, yaml_of_json(a, &r->n.json, node, r->n.line));
	} else if (c.kind != FHIR_CONSENT_OTHER) {
		name_patient(r, &c);
		add(r, c.tree);
	}
}

static void
add_entries(struct reading *r)
{
	const struct json *j = &r->n.json;
	uint32_t entries = json_member(j, 0, bytes_of("entry"));
	struct fhir_names names;

	fhir_names_of(&names, &r->file->arena, &r->n, entries);
	r->names = &names;
	for (uint32_t i = entries + 1; i < j->nodes[entries].next; i = j->nodes[i].next) {
		uint32_t resource = json_member(j, i, bytes_of("resource"));

		if (resource != 0 && fhir_consent_is(j, resource, "Consent"))
			add_value(r, resource);
	}
	r->names = NULL;
}

static void
add_json(struct reading *r, bool lines)
{
	const struct json *j = &r->n.json;

	if (lines) {
		while (ndjson_next(&r->n))
			add_value(r, 0);
		return;
	}
	if (!ndjson_whole(&r->n))
		return;
	if (fhir_consent_is(j, 0, "Bundle")) {
		add_entries(r);
	} else if (json_kind(j, 0) == JSON_ARRAY) {
		for (uint32_t i = 1; i < j->nodes[0].next; i = j->nodes[i].next)
			add_value(r, i);
	} else {
		add_value(r, 0);
	}
}

static void
add_yaml(struct reading *r, const char *path, struct bytes text)
{
	const struct yaml_node *root = yaml_read_list(&r->file->arena, path, text, r->fault);

	for (size_t i = 0; root && root->kind == YAML_LIST && i < root->count; i++)
		add(r, root->item[i]);
	if (root && root->kind == YAML_MAP)
		add(r, root);
}

static bool
stands_behind(const struct fault *f, const struct yaml_node *node)
{
	return f->line > node->line || (f->line == node->line && f->column >= node->column);
}

/* A warning is about the last directive that begins before it. */
static void
put_faults(struct directive_file *f)
{
	const struct fault *w;

	for (size_t i = 0; (w = access_warning(f->read, i)) != NULL; i++) {
		size_t from = 0, until = f->count;

		while (until - from > 1) {
			size_t middle = from + (until - from) / 2;

			if (stands_behind(w, f->at[middle].tree))
				from = middle;
			else
				until = middle;
		}
		if (from < f->count && f->at[from].fault.text[0] == '\0')
			f->at[from].fault = *w;
	}
}

/* Of two directives of one id neither counts, though only the second has a warning. */
static void
put_twins(struct directive_file *f)
{
	for (size_t i = 0; i < f->count; i++) {
		struct written_directive *one = &f->at[i];

		if (one->fault.text[0] == '\0' &&
		    !access_reads(f->read, yaml_find(one->tree, "patient")->text,
			yaml_find(one->tree, "consent")->text))
			(void)fault_at(&one->fault, f->file, one->tree,
			    "consent-unreadable: a directive that is there twice for its patient");
	}
}

void
directive_file_read(struct directive_file *f, struct policy *policy, const char *path, const char *entities)
{
	struct fault fault = { 0 };
	struct reading r = { .file = f, .fault = &fault };
	struct access_reader reader = { .arena = &f->arena, .file = path, .fault = &fault };
	struct json_keys *keys = fhir_consent_keys();
	struct access_sources sources = {
		.policy = policy, .consents = &path, .consents_count = 1, .entities = entities
	};
	struct bytes text;

	*f = (struct directive_file){ .file = path };
	f->read = access_load(&sources, &fault);
	if (!f->read || !site_read(&f->arena, path, MAX_FILE, &text, &fault))
		fault_exit(&fault);
	f->others = access_others(f->read);
	if (bytes_end(bytes_of(path), "json")) {
		ndjson_init(&r.n, &reader, keys, text);
		add_json(&r, bytes_end(bytes_of(path), ".ndjson"));
		ndjson_release(&r.n);
	} else {
		add_yaml(&r, path, text);
	}
	json_keys_free(keys);
	if (fault.text[0] != '\0')
		fault_exit(&fault);
	put_faults(f);
	put_twins(f);
}

bool
directive_file_refuses(struct written_directive *one)
{
	if (bytes_begin(bytes_of(one->fault.text), "root-data")) {
		fault_print(&one->fault);
		one->fault.text[0] = '\0';
	}
	return one->fault.text[0] != '\0';
}

void
directive_file_release(struct directive_file *f)
{
	access_free(f->read);
	free(f->at);
	arena_release(&f->arena);
}
