/* SPDX-License-Identifier: ISC */
#include "common/label/classifier.h"

#include "common/base/memory.h"
#include "common/label/parts.h"
#include "common/policy/vocabulary.h"

#include <stdlib.h>

struct classifier {
	struct ruleset set;
	struct roots roots;
	struct envelope envelope;
	struct label_list labels;
	struct current_root root;
	struct urgency_list urgencies;
	struct apply apply;
	struct coverage_count coverage;
	struct brought_labels brought;
	struct opaque opaque;
	struct entry_names names;
	struct summary_list summaries;
	struct naming naming;
	struct displays displays;
	struct labelled labelled;
	struct root_terms terms;
	struct root_walk walk;
	struct fhir_labels fhir;
	bool writes_fhir;
	struct buffer sums;  /* struct fhir_labels_sum, by root */
	struct buffer parts; /* struct fhir_labels_part */
	uint16_t ehr;
};

static void
init_parts(struct classifier *c, struct json_keys *keys)
{
	roots_init(&c->roots, keys);
	label_list_init(&c->labels, &c->set);
	current_root_init(&c->root, &c->set, &c->roots);
	urgency_init(&c->urgencies, &c->root);
	apply_init(&c->apply, &c->root, &c->labels, &c->urgencies);
	coverage_init(&c->coverage, &c->set);
	brought_labels_init(&c->brought, &c->root, &c->labels);
	opaque_init(&c->opaque, &c->set, &c->labels);
	entry_names_init(&c->names, &c->root);
	summary_init(&c->summaries, &c->root, &c->labels, &c->names);
	naming_init(&c->naming, keys, c->set.codes);
	displays_init(&c->displays, &c->root, &c->labels, &c->names, &c->summaries);
	labelled_init(&c->labelled, &c->set);
	struct naming *naming =
	    shape_is_fhir(c->set.shape) && naming_is_asked(&c->naming) ? &c->naming : NULL;

	root_terms_init(&c->terms, &c->root, &c->apply, naming);
	c->walk = (struct root_walk){
		.root = &c->root,
		.labels = &c->labels,
		.summaries = &c->summaries,
		.displays = &c->displays,
		.urgencies = &c->urgencies,
		.apply = &c->apply,
		.coverage = &c->coverage,
		.brought = &c->brought,
		.opaque = &c->opaque,
		.naming = naming,
		.labelled = &c->labelled,
		.terms = &c->terms,
	};
	root_walk_init(&c->walk);
	fhir_labels_init(&c->fhir, c->set.policy);
	buffer_init(&c->sums, BUFFER_UNLIMITED);
	buffer_init(&c->parts, BUFFER_UNLIMITED);
	c->ehr = json_keys_add(keys, (struct bytes)BYTES("ehr"));
}

struct classifier *
classifier_load(struct policy *p, struct json_keys *keys, const char *now, struct fault *f)
{
	struct classifier *c = memory_zeros(1, sizeof *c);

	if (ruleset_load(&c->set, p, keys, now, f)) {
		init_parts(c, keys);
		return c;
	}
	classifier_free(c);
	return NULL;
}

bool
classifier_set_time(struct classifier *c, const char *now)
{
	return ruleset_set_time(&c->set, now);
}

void
classifier_free(struct classifier *c)
{
	if (c == NULL)
		return;
	buffer_release(&c->sums);
	buffer_release(&c->parts);
	fhir_labels_release(&c->fhir);
	root_walk_release(&c->walk);
	root_terms_release(&c->terms);
	labelled_release(&c->labelled);
	displays_release(&c->displays);
	summary_release(&c->summaries);
	entry_names_release(&c->names);
	opaque_release(&c->opaque);
	naming_release(&c->naming);
	brought_labels_release(&c->brought);
	apply_release(&c->apply);
	urgency_release(&c->urgencies);
	current_root_release(&c->root);
	label_list_release(&c->labels);
	roots_release(&c->roots);
	ruleset_release(&c->set);
	free(c);
}

/* Always false. */
static bool
refuse(const struct json *j, enum reason reason, uint32_t node, struct labels *out)
{
	out->reason = reason;
	out->byte = (size_t)j->nodes[node].start + 1;
	return false;
}

/* Finds the record in its envelope. */
static bool
open_line(struct classifier *c, const struct json *j, struct labels *out)
{
	struct envelope *e = &c->envelope;

	/* A bare record has no member ehr.  Most lines are bare, so its key is looked up by number. */
	if (json_kind(j, 0) == JSON_OBJECT && json_member_key(j, 0, c->ehr) == 0) {
		*e = (struct envelope){ .tags = { .stage = STAGE_RAW } };
		out->record = 0;
		return true;
	}
	if (!envelope_read(e, j)) {
		out->byte = 1;
		out->reason = e->reason;
		return false;
	}
	if (e->tags.stage != STAGE_RAW && e->tags.stage != STAGE_INGESTED && e->tags.stage != STAGE_LABELLED)
		return refuse(j, REASON_WRONG_STAGE, e->ehr, out);
	out->record = e->record;
	return true;
}

/* A subject that came with the line is kept, since the stage before knew more, such as the Bundle. */
static void
identify(struct classifier *c, const struct json *j, struct labels *out)
{
	out->id = shape_ehr_id(c->set.shape, j, &c->roots);
	out->subject_is_escaped = c->envelope.tags.subject.size > 0;
	out->subject = out->subject_is_escaped ? c->envelope.tags.subject
					       : shape_ehr_subject(c->set.shape, j, &c->roots);
}

static void
start(struct classifier *c, const struct json *j, struct labels *out)
{
	*out = (struct labels){ .roots = &c->roots };
	label_list_start(&c->labels, j);
	current_root_start(&c->root, j);
	urgency_start(&c->urgencies);
	apply_start(&c->apply);
	coverage_start(&c->coverage);
	entry_names_start(&c->names);
	summary_start(&c->summaries);
}

static bool
label_root(struct classifier *c, size_t index, struct bytes subject)
{
	current_root_enter(&c->root, index, subject);
	coverage_type(&c->coverage, &c->root);
	if (!root_walk(&c->walk))
		return false;
	apply_rules(&c->apply);
	urgency_end_root(&c->urgencies);
	return true;
}

/*
 * Adds what depends on the labels of all roots.  Urgency is judged before the summaries, as it read none of
 * what they tell.  The brought label of a summary is compared when the others are in place.
 */
static bool
finish(struct classifier *c, const struct labels *out)
{
	current_root_select(&c->root, 0, out->subject);
	if (!brought_labels_floor(&c->brought, c->envelope.tags.floor))
		return false;
	label_list_sort(&c->labels);
	if (!brought_labels_line(&c->brought, c->envelope.labels, out->record, false))
		return false;
	urgency_label(&c->urgencies, &c->labels);
	summary_label(&c->summaries);
	return brought_labels_line(&c->brought, c->envelope.labels, out->record, true);
}

/* The high-water marks. */
static void
sum_up(const struct classifier *c, struct labels *out)
{
	const struct label *labels = label_list_at(&c->labels);
	int8_t level = 0, criticality = LABEL_NONE;

	out->at = labels;
	out->count = label_list_count(&c->labels);
	for (size_t i = 0; i < out->count; i++) {
		out->sensitivity |= labels[i].sensitivity;
		if (labels[i].criticality > criticality)
			criticality = labels[i].criticality;
		if (labels[i].kind != LABEL_URGENCY && labels[i].level > level)
			level = labels[i].level;
	}
	out->level = (uint8_t)level;
	out->criticality = criticality == LABEL_NONE ? c->set.criticality.usual : (uint8_t)criticality;
}

bool
classifier_run(struct classifier *c, const struct json *j, struct labels *labels)
{
	bool good = true;

	start(c, j, labels);
	if (!open_line(c, j, labels))
		return false;
	roots_find(&c->roots, j, labels->record, shape_is_fhir(c->set.shape));
	root_walk_start(&c->walk);
	identify(c, j, labels);
	for (size_t i = 0; good && i < c->roots.count; i++)
		good = label_root(c, i, labels->subject);
	if (!good || !finish(c, labels))
		return refuse(j, c->brought.reason, c->brought.refused, labels);
	switch (current_root_passed_limit(&c->root)) {
	case JQ_LIMIT_TIME:
	case JQ_LIMIT_MEMORY:
		return refuse(j, REASON_CONDITION_TIMEOUT, labels->record, labels);
	case JQ_LIMIT_CRASH:
		return refuse(j, REASON_CONDITION_CRASH, labels->record, labels);
	case JQ_LIMIT_KEPT:
		break;
	}
	sum_up(c, labels);
	return true;
}

bool
classifier_fhir_labels(struct classifier *c)
{
	c->writes_fhir = shape_is_fhir(c->set.shape) && c->set.policy->code_system.size > 0;
	return c->writes_fhir;
}

/*
 * The categories of L.  A security label's display may say a term of another category: such a Coding tells
 * its own alone.
 */
static uint64_t
categories_of(const struct json *j, const struct label *l)
{
	uint32_t code = json_member(j, l->node, (struct bytes)BYTES("code"));
	uint32_t system = json_member(j, l->node, (struct bytes)BYTES("system"));
	uint32_t display = json_member(j, l->node, (struct bytes)BYTES("display"));
	const struct concept *c;

	if (code == 0 || display == 0 || json_kind(j, code) != JSON_STRING ||
	    !json_is(j, system, vocabulary_system(VOCABULARY_SENSITIVITY)))
		return l->sensitivity;
	c = vocabulary_find(VOCABULARY_SENSITIVITY, json_inside(j, code));
	if (c == NULL || !json_is(j, display, c->display))
		return l->sensitivity;
	return l->sensitivity & UINT64_C(1) << c->index;
}

/* The root that NODE is in, by number. */
static size_t
root_around(const struct classifier *c, const struct json *j, uint32_t node)
{
	size_t i = roots_from(&c->roots, node + 1) - 1;

	while (i > 0 && j->nodes[c->roots.at[i].node].next <= node)
		i = c->roots.at[i].parent;
	return i;
}

static void
add_to_sum(struct fhir_labels_sum *m, int level, uint64_t sensitivity, uint64_t basis)
{
	m->level = level > (int)m->level ? (unsigned)level : m->level;
	m->sensitivity |= sensitivity;
	m->basis |= basis;
}

/* The labels of each root, with all that is in it.  A Bundle tells the categories of none. */
static const struct fhir_labels_sum *
sum_roots(struct classifier *c, const struct json *j, const struct labels *labels)
{
	struct fhir_labels_sum *sum;

	c->sums.used = 0;
	sum = buffer_more(&c->sums, c->roots.count * sizeof *sum);
	label_list_link(&c->labels);
	for (size_t i = 0; i < c->roots.count; i++) {
		struct label_standing s = label_list_standing(&c->labels, c->roots.at[i].node);

		add_to_sum(&sum[i], (int)s.level, s.sensitivity, s.basis);
	}
	for (size_t i = 0; i < labels->count; i++) {
		const struct label *l = &labels->at[i];

		if (l->kind != LABEL_URGENCY)
			add_to_sum(&sum[root_around(c, j, l->node)], l->level, categories_of(j, l), l->basis);
	}
	for (size_t i = c->roots.count; i-- > 1;)
		add_to_sum(&sum[c->roots.at[i].parent], (int)sum[i].level, sum[i].sensitivity, sum[i].basis);
	for (size_t i = 0; i < c->roots.count; i++)
		if (bytes_are(shape_type(c->set.shape, j, c->roots.at[i].node), "Bundle"))
			sum[i].sensitivity = sum[i].basis = 0;
	return sum;
}

/* True if NODE is an element of a meta.security, or in one: its number must stay as it is. */
static bool
is_in_security(const struct classifier *c, const struct json *j, uint32_t node)
{
	struct bytes meta = BYTES("meta");
	struct bytes security = BYTES("security");
	uint32_t root = c->roots.at[root_around(c, j, node)].node;
	uint32_t list = json_member(j, json_member(j, root, meta), security);

	return list != 0 && list < node && node < j->nodes[list].next;
}

/*
 * The labels of parts, but for those by place, which anybody reads in the policy.  True if some of all labels
 * name elements of a meta.security.
 */
static bool
find_parts(struct classifier *c, const struct json *j, const struct labels *labels)
{
	bool has_pointers = false;

	c->parts.used = 0;
	for (size_t i = 0; i < labels->count; i++) {
		const struct label *l = &labels->at[i];
		struct fhir_labels_part *part;

		has_pointers = has_pointers || is_in_security(c, j, l->node);
		if (l->kind != LABEL_RAISE)
			continue;
		part = buffer_more(&c->parts, sizeof *part);
		*part = (struct fhir_labels_part){ l->node, l->level, l->sensitivity };
	}
	return has_pointers;
}

bool
classifier_write(struct classifier *c, const struct json *j, const struct labels *labels, struct sink *out)
{
	struct fhir_labels_wanted wanted;

	if (!c->writes_fhir)
		return labelled_write(&c->labelled, j, labels, NULL, out);
	wanted.sum = sum_roots(c, j, labels);
	wanted.has_pointers = find_parts(c, j, labels);
	wanted.part = (const struct fhir_labels_part *)(const void *)c->parts.at;
	wanted.parts = c->parts.used / sizeof wanted.part[0];
	fhir_labels_find(&c->fhir, j, &c->roots, &wanted);
	return labelled_write(&c->labelled, j, labels, &c->fhir, out);
}

unsigned
classifier_level(const struct classifier *c, const struct json *j, const struct labels *labels, uint32_t node)
{
	(void)c;
	return label_list_level(j, labels->at, labels->count, node);
}

struct label_origin
classifier_origin(const struct classifier *c, unsigned origin)
{
	return c->set.origin[origin].shown;
}

struct bytes
classifier_criticality(const struct classifier *c, unsigned criticality)
{
	const struct ruleset_criticality *k = &c->set.criticality;

	return criticality < k->words ? k->word[criticality] : (struct bytes){ 0 };
}

bool
classifier_coverage(const struct classifier *c, size_t i, struct coverage *fact)
{
	return coverage_fact(&c->coverage, i, fact);
}
