/* SPDX-License-Identifier: ISC */
#include "common/label/inline_label.h"
#include "common/label/labelled.h"
#include "common/label/run.h"

#include <string.h>

/*
 * walk: one root, depth first, without recursion.  What is matched on the way down is noted at once for a
 * scalar and when it is left for a container: by then all codings inside are known, each looked up once.
 */
enum { LONG_STRING = 256 };

static struct frame *
top_frame(const struct run *run)
{
	return (struct frame *)(void *)(run->frames.at + run->frames.used) - 1;
}

/* The frame so many levels above the innermost; NULL if there is none. */
static const struct frame *
frame_above(const struct run *run, size_t levels)
{
	size_t count = run->frames.used / sizeof(struct frame);

	return count <= levels ? NULL
			       : (const struct frame *)(const void *)run->frames.at + count - 1 - levels;
}

static bool
add_opaque(struct run *run, uint32_t node)
{
	run_add(run, node, LABEL_RAISE, ORIGIN_OPAQUE)->level = run->set.opaque;
	return true;
}

/* ---- on the way down -------------------------------------------------------------------------------------
 */

/*
 * The text of a base label on a member of the record, or of an object in it: written once, then known by the
 * keys above it.
 */
static struct bytes
written_label(struct run *run, uint32_t node, struct state_plan *plan)
{
	const struct json *j = run_json(run);
	const struct frame *outer = top_frame(run);
	size_t depth = run->frames.used / sizeof *outer;
	uint16_t outer_key = depth == 2 ? outer->key : 0;
	uint16_t key;

	if (run->record.root > 0 || depth == 0 || depth > 2 || outer->is_array ||
	    plan == &run->plan->passing || (key = j->nodes[node - 1].key) == 0 ||
	    (depth == 2 && outer_key == 0))
		return (struct bytes){ 0 };
	if (plan->written_key == 0) {
		plan->written = labelled_base(run, node, plan->base_origin);
		plan->written_key = key;
		plan->written_outer = outer_key;
	}
	if (plan->written_key != key || plan->written_outer != outer_key)
		return (struct bytes){ 0 };
	return plan->written;
}

static void
note_base(struct run *run, uint32_t node, struct state_plan *plan, uint8_t *base)
{
	struct label *label;

	struct root_facts *facts = (struct root_facts *)(void *)run->facts.at + run->record.root;

	if (plan->base == LABEL_NONE || run->plan->is_unknown || plan->base == *base)
		return;
	*base = (uint8_t)plan->base;
	if (*base > facts->base_most)
		facts->base_most = *base;
	label = run_add(run, node, LABEL_BASE, plan->base_origin);
	label->level = plan->base;
	label->written = written_label(run, node, plan);
}

/* A narrative that is not written as FHIR writes it is one all the same; a status alone says nothing. */
static bool
says_something(const struct json *j, uint32_t node)
{
	bool is_object = json_kind(j, node) == JSON_OBJECT;

	for (uint32_t k = node + 1; is_object && k < j->nodes[node].next; k = j->nodes[k].next)
		if (!json_is(j, k, (struct bytes)BYTES("status")))
			return true;
	return !is_object;
}

static void
note_matches(struct run *run, uint32_t node, const struct state_plan *plan)
{
	const struct ruleset_trigger *trigger =
	    (const struct ruleset_trigger *)(const void *)run->set.triggers.at;

	for (size_t i = 0; i < plan->numbers; i++) {
		uint32_t index = plan->number[i] & PATH_INDEX;

		switch ((enum path_number)(plan->number[i] >> PATH_INDEX_BITS)) {
		case PATH_TRIGGER:
			if (condition_judge_node(trigger[index].some, &run->record, node) != TRUTH_FALSE)
				apply_trigger(run, index);
			break;
		case PATH_EVIDENCE:
			urgent_evidence(run, node, index);
			break;
		case PATH_NARRATIVE:
			if (says_something(run_json(run), node))
				((struct root_facts *)(void *)run->facts.at)[run->record.root].narrative =
				    node;
			break;
		case PATH_BASE:
		case PATH_ENTRY:
		case PATH_JUDGED:
		case PATH_SECURITY:
			break;
		}
	}
}

static void
note_entry(struct run *run, uint32_t node, uint32_t *entry)
{
	if (*entry != NO_NODE)
		return;
	*entry = node;
	*(uint32_t *)buffer_more(&run->entries, sizeof node) = node;
}

static bool
visit_scalar(struct run *run, uint32_t node, uint32_t state, uint8_t base, uint32_t entry)
{
	struct state_plan *plan = type_plan_state(&run->set, run->plan, state);

	if (plan->is_security)
		return brought_security(run, node);
	note_base(run, node, plan, &base);
	if (plan->is_entry)
		note_entry(run, node, &entry);
	if (plan->has_triggers || plan->has_evidence || plan->is_narrative)
		note_matches(run, node, plan);
	return true;
}

static bool
enter(struct run *run, uint32_t node, uint32_t state, uint16_t key, const struct frame *outer)
{
	const struct json *j = run_json(run);
	struct frame f = {
		.node = node,
		.end = j->nodes[node].next,
		.next = node + 1,
		.state = state,
		.entry = outer == NULL ? NO_NODE : outer->entry,
		.hits = (uint32_t)run->hit_list.count,
		.key = key,
		.base = outer == NULL ? 0 : outer->base,
		.is_array = json_kind(j, node) == JSON_ARRAY,
		.is_element = outer != NULL && outer->is_array,
	};

	if (outer == NULL)
		f.base = ((struct root_facts *)(void *)run->facts.at)[run->record.root].base_most;
	if (state != PATHS_DEAD) {
		struct state_plan *plan = type_plan_state(&run->set, run->plan, state);

		if (plan->is_security && !brought_security(run, node))
			return false;
		/* The root's own level is there already. */
		if (outer != NULL)
			note_base(run, node, plan, &f.base);
		if (plan->is_entry && outer != NULL)
			note_entry(run, node, &f.entry);
	}
	*(struct frame *)buffer_more(&run->frames, sizeof f) = f;
	return true;
}

/* ---- on the way up ---------------------------------------------------------------------------------------
 */

static void
add_hit(struct run *run, const struct coding_hit *hit)
{
	*(struct coding_hit *)buffer_more(&run->hits, sizeof *hit) = *hit;
	run->hit_list.at = (const struct coding_hit *)(const void *)run->hits.at;
	run->hit_list.count++;
	apply_hit(run, hit);
}

static bool
is_coding_element(const struct run *run, const struct frame *f)
{
	return f->is_element && f->key < run->set.roles && run->set.role[f->key] == ROLE_CODING;
}

/* The holders of a Coding in F: the object around `coding`, and the one around that as `concept`. */
static void
find_holders(const struct run *run, const struct frame *f, struct coding_hit *hit)
{
	const struct frame *concept = frame_above(run, 2);
	const struct frame *reference = frame_above(run, 3);

	hit->coding = f->node;
	if (!is_coding_element(run, f) || concept == NULL)
		return;
	hit->concept = concept->node;
	if (reference != NULL && !concept->is_element && concept->key < run->set.roles &&
	    run->set.role[concept->key] == ROLE_CONCEPT)
		hit->reference = reference->node;
}

static void
look_at_coding(struct run *run, const struct frame *f)
{
	const struct json *j = run_json(run);
	uint32_t code = f->member[ROLE_CODE];
	uint32_t system = f->member[ROLE_SYSTEM];
	struct coding_hit hit = { 0 };
	unsigned number;

	bool readable =
	    json_kind(j, code) == JSON_STRING &&
	    (system == 0 || json_kind(j, system) == JSON_STRING || json_kind(j, system) == JSON_NULL);
	if (!readable) {
		if (json_kind(j, code) == JSON_NULL ||
		    (json_kind(j, code) != JSON_STRING && system == 0 && !is_coding_element(run, f)))
			return;
		hit.is_unreadable = true;
	} else {
		bool found =
		    coding_look_up(run->set.words.members, &run->record, code, system, &number, &hit.match);

		if (number != CODES_ANY_SYSTEM && coverage_system(run, number, system))
			run_add(run, f->entry == NO_NODE ? run->roots.at[run->record.root].node : f->entry,
			    LABEL_RAISE, ORIGIN_UNCOVERED)
			    ->level = run->set.uncovered;
		if (!found)
			return;
	}
	find_holders(run, f, &hit);
	add_hit(run, &hit);
}

/*
 * `data` beside contentType; in FHIR a string of that name also without, as whoever leaves the type out hides
 * no less.  Only the values of a SampledData (beside `origin`) are numbers for everybody to read.
 */
static bool
is_attachment(const struct run *run, const struct frame *f)
{
	if (f->member[ROLE_DATA] == 0 || f->member[ROLE_CONTENT_TYPE] != 0)
		return f->member[ROLE_DATA] != 0;
	return shape_is_fhir(run->set.shape) &&
	       json_kind(run_json(run), f->member[ROLE_DATA]) == JSON_STRING &&
	       json_member_key(run_json(run), f->node, run->sampled_origin) == 0;
}

/* An attachment, and what tells its length and digest. */
static void
look_at_attachment(struct run *run, const struct frame *f)
{
	const struct json *j = run_json(run);

	if (run->set.opaque == LABEL_NONE || json_kind(j, f->member[ROLE_DATA]) == JSON_NULL)
		return;
	add_opaque(run, f->member[ROLE_DATA]);
	for (size_t i = 0; i < sizeof run->data_siblings / sizeof run->data_siblings[0]; i++) {
		uint32_t sibling = json_member_key(j, f->node, run->data_siblings[i]);

		if (sibling != 0)
			add_opaque(run, sibling);
	}
}

/* An element of `extension` labels what the array stands in. */
static bool
look_at_extension(struct run *run, const struct frame *f)
{
	const struct frame *holder = frame_above(run, f->is_element ? 2 : 1);
	const struct json_node *url = &run_json(run)->nodes[f->member[ROLE_URL]];

	/* Most are shorter. */
	if (url->kind != JSON_STRING || url->end - url->start < sizeof INLINE_LABEL + 1)
		return true;
	if (!is_inline_label(json_string(run_json(run), f->member[ROLE_URL], &run->text)))
		return true;
	return brought_inline(run, holder == NULL ? f : holder, f->node);
}

static bool
leave(struct run *run)
{
	const struct frame *f = top_frame(run);

	if (f->member[ROLE_CODE] != 0)
		look_at_coding(run, f);
	if (is_attachment(run, f))
		look_at_attachment(run, f);
	if (f->member[ROLE_URL] != 0 && shape_is_fhir(run->set.shape) && !look_at_extension(run, f))
		return false;
	if (f->state == PATHS_DEAD)
		return true;
	struct state_plan *plan = type_plan_state(&run->set, run->plan, f->state);

	if (plan->has_triggers || plan->has_evidence || plan->is_narrative)
		note_matches(run, f->node, plan);
	if (plan->is_judged && run->hit_list.count > f->hits)
		urgent_sign(run, f);
	return true;
}

/* ---- the walk --------------------------------------------------------------------------------------------
 */

/* Steps over the inner root at CHILD's value, and all roots in it; what stands around it is noted for later.
 */
static void
step_over(struct run *run, const struct frame *f)
{
	struct root_facts *facts = (struct root_facts *)(void *)run->facts.at;
	const struct roots *r = &run->roots;

	facts[run->wall].base_around = f->base;
	while (run->wall < r->count && r->at[run->wall].node < f->next)
		run->wall++;
}

static bool
is_wall(const struct run *run, uint32_t node)
{
	return run->wall < run->roots.count && run->roots.at[run->wall].node == node;
}

static bool
visit(struct run *run, struct frame *f, uint32_t node, uint32_t state, uint16_t key)
{
	const struct json *j = run_json(run);
	const struct json_node *n = &j->nodes[node];

	if (n->kind == JSON_OBJECT || n->kind == JSON_ARRAY)
		return enter(run, node, state, key, f);
	if (state != PATHS_DEAD && !visit_scalar(run, node, state, f->base, f->entry))
		return false;
	if (n->kind == JSON_STRING && run->set.opaque != LABEL_NONE &&
	    (n->end - n->start > LONG_STRING || j->text.at[n->start + 1] == 'd') &&
	    opaque_string(j, node, &run->text))
		return add_opaque(run, node);
	return true;
}

/* One step: the next child of the innermost container. */
static bool
step(struct run *run, struct frame *f)
{
	const struct json *j = run_json(run);
	uint32_t child = f->next;
	uint32_t node = f->is_array ? child : child + 1;
	uint32_t state = PATHS_DEAD;
	uint16_t key = f->is_array ? f->key : j->nodes[child].key;

	f->next = j->nodes[child].next;
	if (is_wall(run, node)) {
		step_over(run, f);
		return true;
	}
	if (f->is_array) {
		if (f->state != PATHS_DEAD)
			state = paths_element(run->plan->paths, f->state, j, node, f->index);
		f->index++;
	} else {
		if (f->state != PATHS_DEAD)
			state = paths_member(run->plan->paths, f->state, j, child);
		if (key < run->set.roles)
			f->member[run->set.role[key]] = node;
	}
	return visit(run, f, node, state, key);
}

/* The level of the root itself: a label, unless it is an inner one in surroundings of the same level. */
static void
begin_root(struct run *run, uint32_t root, uint32_t state)
{
	struct root_facts *facts = (struct root_facts *)(void *)run->facts.at + run->record.root;
	struct state_plan *plan = type_plan_state(&run->set, run->plan, state);
	bool is_spoken_of = !run->plan->is_unknown && plan->base != LABEL_NONE;
	unsigned level = run->plan->is_unknown ? run->set.top : run->set.usual;
	struct label *label;

	if (is_spoken_of)
		level = (unsigned)plan->base;
	facts->base_most = (uint8_t)level;
	if (run->record.root > 0 && facts->base_around == level)
		return;
	label = run_add(run, root, is_spoken_of ? LABEL_BASE : LABEL_DEFAULT,
	    is_spoken_of ? plan->base_origin : (unsigned)ORIGIN_DEFAULT);
	label->level = (int)level;
}

bool
walk_root(struct run *run, size_t index)
{
	uint32_t root = run->roots.at[index].node;
	uint32_t state = paths_root(run->plan->paths, run_json(run), root, 0);

	run->wall = index + 1;
	begin_root(run, root, state);
	run->frames.used = 0;
	run->hits.used = 0;
	run->hit_list.count = 0;
	run->entries.used = 0;
	if (!enter(run, root, state, 0, NULL))
		return false;
	while (run->frames.used > 0) {
		struct frame *f = top_frame(run);

		if (f->next < f->end) {
			if (!step(run, f))
				return false;
			continue;
		}
		if (!leave(run))
			return false;
		run->frames.used -= sizeof *f;
	}
	return true;
}
