/* SPDX-License-Identifier: ISC */
#include "common/label/classifier.h"

#include "common/base/memory.h"
#include "common/label/labelled.h"
#include "common/label/run.h"

#include "common/base/memory.h"
#include <stdlib.h>
#include <string.h>

struct classifier {
	struct run run;
};

/* ---- life ------------------------------------------------------------------------------------------------
 */

static void
init_buffers(struct run *run)
{
	struct buffer *all[] = { &run->labels, &run->frames, &run->hits, &run->entries, &run->urgencies,
		&run->because, &run->facts, &run->links, &run->candidates, &run->text, &run->tested,
		&run->line };

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		buffer_init(all[i], BUFFER_UNLIMITED);
}

static void
know_keys(struct run *run)
{
	const struct {
		const char *name;
		uint16_t *key;
	} keys[] = {
		{ "valueQuantity", &run->value_quantity },
		{ "valueInteger", &run->value_integer },
		{ "valueRange", &run->value_range },
		{ "low", &run->low },
		{ "high", &run->high },
		{ "valueCoding", &run->value_coding },
		{ "origin", &run->sampled_origin },
		{ "ehr", &run->ehr },
		{ "url", &run->data_siblings[0] },
		{ "hash", &run->data_siblings[1] },
		{ "size", &run->data_siblings[2] },
		{ "title", &run->data_siblings[3] },
	};

	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		*keys[i].key = json_keys_add(run->set.keys, bytes_of(keys[i].name));
}

/* The orders in which labels are written. */
static void
sort_vocabulary(enum vocabulary v, uint8_t order[64])
{
	size_t count = vocabulary_size(v);

	for (size_t i = 0; i < count; i++) {
		size_t to = i;

		for (; to > 0 &&
		       bytes_compare(vocabulary_at(v, i)->code, vocabulary_at(v, order[to - 1])->code) < 0;
		     to--)
			order[to] = order[to - 1];
		order[to] = (uint8_t)i;
	}
}

/* Each origin's place among all by id, equal ids having one place. */
static void
rank_origins(struct run *run)
{
	struct ruleset *s = &run->set;

	run->origin_rank = arena_array(&s->arena, s->origins, sizeof *run->origin_rank);
	for (size_t i = 0; i < s->origins; i++)
		for (size_t n = 0; s->origin[i].is_reason && n < s->origins; n++)
			run->origin_rank[i] += bytes_compare(s->origin[n].id, s->origin[i].id) < 0;
}

static bool
init_run(struct run *run, struct policy *p, struct json_keys *keys, const char *now, struct fault *f)
{
	init_buffers(run);
	if (!ruleset_load(&run->set, p, keys, now, f))
		return false;
	roots_init(&run->roots, keys);
	know_keys(run);
	run->rule_state = arena_array(&run->set.arena, run->set.rules + 1, sizeof *run->rule_state);
	run->cursor = pointer_cursor_new();
	run->confidentiality = codes_system(run->set.codes, vocabulary_system(VOCABULARY_CONFIDENTIALITY));
	run->act_code = codes_system(run->set.codes, vocabulary_system(VOCABULARY_SENSITIVITY));
	sort_vocabulary(VOCABULARY_SENSITIVITY, run->sensitivity_order);
	sort_vocabulary(VOCABULARY_PRIVACY_LAW, run->basis_order);
	rank_origins(run);
	coverage_init(run);
	run->record = (struct condition_record){
		.roots = &run->roots,
		.shape = run->set.shape,
		.codes = run->set.codes,
		.room = &run->tested,
		.hits = &run->hit_list,
		.memo = &run->memo,
	};
	return true;
}

struct classifier *
classifier_load(struct policy *p, struct json_keys *keys, const char *now, struct fault *f)
{
	struct classifier *c = memory_zeros(1, sizeof *c);

	if (init_run(&c->run, p, keys, now, f))
		return c;
	classifier_free(c);
	return NULL;
}

void
classifier_free(struct classifier *c)
{
	if (c == NULL)
		return;
	struct run *run = &c->run;
	struct buffer *all[] = { &run->labels, &run->frames, &run->hits, &run->entries, &run->urgencies,
		&run->because, &run->facts, &run->links, &run->candidates, &run->text, &run->tested,
		&run->line };

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		buffer_release(all[i]);
	pointer_cursor_free(run->cursor);
	roots_release(&run->roots);
	ruleset_release(&run->set);
	free(c);
}

/* ---- one record ------------------------------------------------------------------------------------------
 */

struct label *
run_add(struct run *run, uint32_t node, enum label_kind kind, unsigned origin)
{
	struct label *label = buffer_more(&run->labels, sizeof *label);

	label->node = node;
	label->kind = kind;
	label->level = LABEL_NONE;
	label->criticality = LABEL_NONE;
	label->origin = origin;
	return label;
}

bool
run_refuse(struct run *run, enum reason reason, uint32_t node)
{
	run->out->reason = reason;
	run->out->byte = (size_t)run_json(run)->nodes[node].start + 1;
	return false;
}

uint32_t
run_entry(const struct run *run, uint32_t node)
{
	const uint32_t *entry = (const uint32_t *)(const void *)run->entries.at;
	size_t low = 0;
	size_t high = run->entries.used / sizeof *entry;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (entry[middle] <= node)
			low = middle + 1;
		else
			high = middle;
	}
	if (low > 0 && run_json(run)->nodes[entry[low - 1]].next > node)
		return entry[low - 1];
	return run->roots.at[run->record.root].node;
}

/* The record in its envelope. */
static bool
open_line(struct run *run, const struct json *j)
{
	struct envelope *e = &run->envelope;
	struct labels *out = run->out;

	/* Most lines are bare records: their keys are numbers already. */
	if (json_kind(j, 0) == JSON_OBJECT && json_member_key(j, 0, run->ehr) == 0) {
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
		return run_refuse(run, REASON_WRONG_STAGE, e->ehr);
	out->record = e->record;
	return true;
}

/* Who it is and whom it is about, as the stage before knew it better or as the record says. */
static void
identify(struct run *run)
{
	struct labels *out = run->out;
	const struct json *j = run_json(run);

	out->id = shape_ehr_id(run->set.shape, j, &run->roots);
	out->subject_is_escaped = run->envelope.tags.subject.size > 0;
	out->subject = out->subject_is_escaped ? run->envelope.tags.subject
					       : shape_ehr_subject(run->set.shape, j, &run->roots);
}

static void
give_context(struct run *run, uint32_t root)
{
	if (run->set.words.programs.used == 0)
		return;
	run->record.jq = (struct jq_context){
		.type = shape_type(run->set.shape, run_json(run), root),
		.id = shape_id(run->set.shape, run_json(run), root),
		.subject = run->out->subject,
		.now = run->set.now,
	};
}

static bool
label_root(struct run *run, size_t index)
{
	uint32_t root = run->roots.at[index].node;

	run->record.root = index;
	run->root_number++;
	run->plan = type_plan_of(&run->set, shape_type(run->set.shape, run_json(run), root));
	coverage_type(run, root);
	give_context(run, root);
	if (!walk_root(run, index))
		return false;
	apply_rules(run);
	urgent_end_root(run);
	return true;
}

static void
begin(struct run *run, const struct json *j, struct labels *out)
{
	*out = (struct labels){ .roots = &run->roots };
	run->out = out;
	run->record.json = j;
	run->record_number++;
	run->labels.used = 0;
	run->urgencies.used = 0;
	run->because.used = 0;
	run->because_open = 0;
	run->root_urgencies = 0;
	run->facts.used = 0;
	run->has_own_level = false;
}

/* The high-water marks. */
static void
sum_up(struct run *run)
{
	struct labels *out = run->out;
	const struct label *labels = run_labels(run);
	int level = 0;
	int criticality = LABEL_NONE;

	out->at = labels;
	out->count = run_label_count(run);
	for (size_t i = 0; i < out->count; i++) {
		out->sensitivity |= labels[i].sensitivity;
		if (labels[i].criticality > criticality)
			criticality = labels[i].criticality;
		if (labels[i].kind != LABEL_URGENCY && labels[i].level > level)
			level = labels[i].level;
	}
	out->level = (unsigned)level;
	out->criticality = criticality == LABEL_NONE ? run->set.criticality.usual : (unsigned)criticality;
}

/* What needs all labels of all roots: each step sees those of the steps before, in order. */
static bool
finish(struct run *run)
{
	bool is_labelled = run->envelope.labels != 0;

	if (!brought_envelope(run))
		return false;
	levels_sort(run);
	levels_narratives(run);
	if (is_labelled) {
		if (!brought_labels(run, false))
			return false;
		levels_narratives(run);
		if (!brought_labels(run, true))
			return false;
	}
	if (run->urgencies.used > 0) {
		urgent_labels(run);
		levels_sort(run);
	}
	sum_up(run);
	return true;
}

bool
classifier_run(struct classifier *c, const struct json *j, struct labels *labels)
{
	struct run *run = &c->run;

	begin(run, j, labels);
	if (!open_line(run, j))
		return false;
	roots_find(&run->roots, j, labels->record, shape_is_fhir(run->set.shape));
	for (size_t i = 0; i < run->roots.count; i++)
		(void)buffer_more(&run->facts, sizeof(struct root_facts));
	identify(run);
	for (size_t i = 0; i < run->roots.count; i++)
		if (!label_root(run, i))
			return false;
	return finish(run);
}

bool
classifier_write(struct classifier *c, const struct json *j, const struct labels *labels, struct sink *out)
{
	return labelled_write(&c->run, j, labels, out);
}

unsigned
classifier_level(const struct classifier *c, const struct json *j, const struct labels *labels, uint32_t node)
{
	(void)c;
	return levels_at(j, labels->at, labels->count, node).level;
}

/* ---- what it was made of ---------------------------------------------------------------------------------
 */

struct label_origin
classifier_origin(const struct classifier *c, unsigned origin)
{
	return c->run.set.origin[origin].shown;
}

struct bytes
classifier_criticality(const struct classifier *c, unsigned criticality)
{
	const struct ruleset_criticality *k = &c->run.set.criticality;

	return criticality < k->words ? k->word[criticality] : (struct bytes){ 0 };
}

bool
classifier_coverage(const struct classifier *c, size_t i, struct coverage *fact)
{
	return coverage_fact(&c->run, i, fact);
}
