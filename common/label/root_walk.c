/* SPDX-License-Identifier: ISC */
#include "common/base/memory.h"
#include "common/label/parts.h"
#include "common/label/search_marks.h"

#include <string.h>

/*
 * Depth first, without recursion.  Matches of a path are noted at once for a scalar, and for a container when
 * the walk leaves it: by then all Codings inside are known, and each was looked up once.
 */

/* What the walk keeps of each root of the record. */
struct root_facts {
	uint8_t base_most;   /* the highest level that `base` gives to a place of the root */
	uint8_t base_around; /* of an inner root: the level of what it stands in */
};

void
root_walk_init(struct root_walk *w)
{
	buffer_init(&w->frames, BUFFER_UNLIMITED);
	buffer_init(&w->facts, BUFFER_UNLIMITED);
	buffer_init(&w->text, BUFFER_UNLIMITED);
	json_named_init(&w->named);
}

void
root_walk_release(struct root_walk *w)
{
	buffer_release(&w->frames);
	buffer_release(&w->facts);
	json_named_release(&w->named);
	buffer_release(&w->text);
}

static struct root_facts *
facts_of(const struct root_walk *w, size_t index)
{
	return (struct root_facts *)(void *)w->facts.at + index;
}

void
root_walk_start(struct root_walk *w)
{
	w->facts.used = 0;
	w->brought_end = 0;
	w->set = w->root->set;
	w->json = w->root->record.json;
	json_named_clear(&w->named);
	for (size_t i = 0; i < w->root->record.roots->count; i++)
		(void)buffer_more(&w->facts, sizeof(struct root_facts));
}

static struct root_frame *
top_frame(const struct root_walk *w)
{
	return (struct root_frame *)(void *)(w->frames.at + w->frames.used) - 1;
}

/* The frame LEVELS above the innermost one; NULL if there is none. */
static struct root_frame *
frame_above(const struct root_walk *w, size_t levels)
{
	size_t count = w->frames.used / sizeof(struct root_frame);

	return count <= levels ? NULL : top_frame(w) - levels;
}

static struct root_frame *
outermost_frame(const struct root_walk *w)
{
	return (struct root_frame *)(void *)w->frames.at;
}

/*
 * The text of a base label on a member of the record, or on a member of an object in it.  It is written once
 * and then found by the one or two keys above the node.  0 for other nodes.
 */
static uint32_t
written_label(struct root_walk *w, uint32_t node, struct state_plan *plan)
{
	const struct json *j = w->json;
	const struct root_frame *outer = top_frame(w);
	size_t depth = w->frames.used / sizeof *outer;
	uint16_t outer_key = depth == 2 ? outer->key : 0;
	uint16_t key;

	if (w->root->record.root > 0 || depth == 0 || depth > 2 || outer->is_array ||
	    plan == &w->plan->passing || (key = j->nodes[node - 1].key) == 0 ||
	    (depth == 2 && outer_key == 0))
		return 0;
	if (plan->written_key == 0) {
		plan->written =
		    labelled_base(w->labelled, j, w->root->record.roots->at[0].node, node, plan->base_origin);
		plan->written_key = key;
		plan->written_outer = outer_key;
	}
	if (plan->written_key != key || plan->written_outer != outer_key)
		return 0;
	return plan->written;
}

static void
add_base(struct root_walk *w, uint32_t node, struct state_plan *plan, uint8_t *base)
{
	struct label *label;
	struct root_facts *facts = facts_of(w, w->root->record.root);

	if (w->plan->is_unknown)
		return;
	*base = (uint8_t)plan->base;
	if (*base > facts->base_most)
		facts->base_most = *base;
	label = label_list_add(w->labels, node, LABEL_BASE, plan->base_origin);
	label->level = (int8_t)plan->base;
	label->written = written_label(w, node, plan);
}

static inline void
note_base(struct root_walk *w, uint32_t node, struct state_plan *plan, uint8_t *base)
{
	if (plan->base != LABEL_NONE && plan->base != *base)
		add_base(w, node, plan, base);
}

/* A narrative that is no object as in FHIR counts too.  One with a status alone is empty. */
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
note_word(void *context, uint32_t trigger)
{
	apply_trigger(context, trigger);
}

static void
note_matches(struct root_walk *w, uint32_t node, const struct state_plan *plan)
{
	const struct ruleset_trigger *trigger =
	    (const struct ruleset_trigger *)(const void *)w->set->triggers.at;

	if (plan->words != NULL && json_kind(w->json, node) == JSON_STRING)
		state_words_find(plan->words, json_string(w->json, node, &w->text), note_word, w->apply);
	for (size_t i = 0; i < plan->numbers; i++) {
		uint32_t index = plan->number[i] & PATH_INDEX;

		switch ((enum path_number)(plan->number[i] >> PATH_INDEX_BITS)) {
		case PATH_TRIGGER:
			if (condition_judge_node(trigger[index].some, &w->root->record, node) != TRUTH_FALSE)
				apply_trigger(w->apply, index);
			break;
		case PATH_EVIDENCE:
			urgency_evidence(w->urgencies, node, index);
			break;
		case PATH_BASE:
		case PATH_ENTRY:
		case PATH_JUDGED:
		case PATH_BROUGHT:
		case PATH_NARRATIVE:
		case PATH_SUMMARY:
			break;
		}
	}
}

static void
note_entry(struct root_walk *w, uint32_t node, uint32_t *entry)
{
	if (*entry != NO_NODE)
		return;
	*entry = node;
	current_root_add_entry(w->root, node);
}

/* The labels at NODE, a member of the innermost container.  What stands in labels is looked at here alone. */
static bool
brought_at(struct root_walk *w, uint32_t node, enum brought_place place)
{
	if (place != BROUGHT_ATOM)
		w->brought_end = w->json->nodes[node].next;
	return brought_labels_at(w->brought, node, top_frame(w)->node, place);
}

/* NODE is a member of AROUND or an element of a member.  IS_NAMED: its key is one of `summaries:`. */
static inline void
note_summary(
    struct root_walk *w, uint32_t node, uint32_t around, const struct state_plan *plan, bool is_named)
{
	bool is_narrative = plan->is_narrative && says_something(w->json, node);

	if (is_narrative || is_named || plan->is_summary)
		summary_add(w->summaries, node, around, is_narrative);
}

static bool
visit_scalar(struct root_walk *w, uint32_t node, uint32_t state, const struct root_frame *f, bool is_named)
{
	struct state_plan *plan = type_plan_state(w->set, w->plan, state);
	uint8_t base = f->base;
	uint32_t entry = f->entry;

	if (plan->has_base_only) {
		note_base(w, node, plan, &base);
		if (is_named)
			summary_add(w->summaries, node, f->node, false);
		return true;
	}
	if (plan->brought != BROUGHT_NOT && plan->brought != BROUGHT_ATOM)
		return brought_at(w, node, plan->brought);
	note_base(w, node, plan, &base);
	note_summary(w, node, f->node, plan, is_named);
	if (plan->is_entry)
		note_entry(w, node, &entry);
	if (plan->has_triggers || plan->has_evidence)
		note_matches(w, node, plan);
	return true;
}

/* A new innermost frame for the container NODE.  Frames that the caller has are not valid from here on. */
static inline struct root_frame *
push(struct root_walk *w, uint32_t node, uint32_t state)
{
	struct root_frame *f;

	if (w->frames.room - w->frames.used < sizeof *f && !buffer_reserve(&w->frames, sizeof *f))
		memory_missing(sizeof *f);
	w->frames.used += sizeof *f;
	f = top_frame(w);
	root_frame_begin(f, w->json, node);
	f->state = state;
	f->hits = (uint32_t)w->root->hits.count;
	return f;
}

/* begin_root has given the root its level. */
static void
enter_root(struct root_walk *w, uint32_t root, uint32_t state)
{
	struct root_frame *f = push(w, root, state);
	const struct state_plan *plan = type_plan_state(w->set, w->plan, state);

	f->entry = NO_NODE;
	f->base = facts_of(w, w->root->record.root)->base_most;
	f->is_entry = plan->is_entry;
	f->has_end = plan->has_end;
}

static bool
enter(struct root_walk *w, uint32_t node, uint32_t state, uint16_t key, const struct root_frame *outer,
    bool is_named)
{
	struct state_plan *plan = NULL;
	uint32_t entry = outer->entry;
	uint8_t base = outer->base;
	bool is_element = outer->is_array;
	struct root_frame *f;

	if (state != PATHS_DEAD)
		plan = type_plan_state(w->set, w->plan, state);
	if (plan != NULL && !plan->has_base_only) {
		if (plan->brought != BROUGHT_NOT && !brought_at(w, node, plan->brought))
			return false;
		note_base(w, node, plan, &base);
		if (plan->is_entry)
			note_entry(w, node, &entry);
		note_summary(w, node, outer->node, plan, is_named);
	} else {
		if (plan != NULL)
			note_base(w, node, plan, &base);
		if (is_named)
			summary_add(w->summaries, node, outer->node, false);
	}
	f = push(w, node, state);
	f->entry = entry;
	f->key = key;
	f->base = base;
	f->is_element = is_element;
	f->is_entry = plan != NULL && plan->is_entry;
	f->has_end = plan != NULL && plan->has_end;
	return true;
}

static void
add_hit(struct root_walk *w, const struct coding_hit *hit)
{
	current_root_add_hit(w->root, hit);
	apply_hit(w->apply, hit);
}

/* How far above F the concept is that has F under `coding`, with a list around it or without; else 0. */
static size_t
steps_to_concept(const struct root_walk *w, const struct root_frame *f)
{
	if (ruleset_key(w->set, f->key).role != ROLE_CODING)
		return 0;
	return f->is_element ? 2 : 1;
}

/* The holders of the Coding F: the object with `coding`, and the object whose `concept` that one is. */
static void
find_holders(const struct root_walk *w, const struct root_frame *f, struct coding_hit *hit)
{
	size_t steps = steps_to_concept(w, f);
	const struct root_frame *concept = frame_above(w, steps);
	const struct root_frame *reference = frame_above(w, steps + 1);

	hit->coding = f->node;
	if (steps == 0 || concept == NULL)
		return;
	hit->concept = concept->node;
	if (reference != NULL && !concept->is_element &&
	    ruleset_key(w->set, concept->key).role == ROLE_CONCEPT)
		hit->reference = reference->node;
}

/* An inline label is about its element, and has been looked at. */
static bool
is_of_inline_label(const struct root_walk *w)
{
	const struct json *j = w->json;

	for (size_t i = 1; i <= 3; i++) {
		struct root_frame *around = frame_above(w, i);
		uint32_t url = around == NULL || around->is_array ? 0 : root_frame_url(around, j);

		if (url != 0 && json_kind(j, url) == JSON_STRING)
			return shape_is_inline_label(json_string(j, url, w->root->record.room));
	}
	return false;
}

/* A category of HL7's that the sender has written anywhere says what the record is about. */
static void
look_at_category(struct root_walk *w, const struct root_frame *f)
{
	if (f->node >= w->brought_end && !is_of_inline_label(w))
		brought_labels_category(w->brought,
		    f->entry == NO_NODE ? current_root_node(w->root) : f->entry, f->member[ROLE_CODE]);
}

static void
add_uncovered(struct root_walk *w, const struct root_frame *f)
{
	uint32_t node = f->entry == NO_NODE ? current_root_node(w->root) : f->entry;

	label_list_add(w->labels, node, LABEL_RAISE, ORIGIN_UNCOVERED)->level = (int8_t)w->set->uncovered;
}

static void
add_mute(struct root_walk *w, uint32_t node)
{
	label_list_add(w->labels, node, LABEL_RAISE, ORIGIN_MUTE)->level = (int8_t)w->set->mute;
}

/* Counts a Coding whose system the value sets do not cover, or whose code nobody can know. */
static void
look_at_miss(struct root_walk *w, const struct root_frame *f, const struct coding_facts *facts)
{
	if (coverage_system(w->coverage, facts->system))
		add_uncovered(w, f);
	if (!facts->fits && coverage_no_such_code(w->coverage))
		add_uncovered(w, f);
}

/* A concept whose Codings, if there are any, have no code: only its text says what it is. */
static void
look_at_concept(struct root_walk *w, const struct root_frame *f)
{
	bool is_named = (ruleset_key(w->set, f->key).about & ABOUT_CONCEPT) != 0;

	if (!f->has_code && (f->member[ROLE_CODING] != 0 || is_named) && coverage_no_code(w->coverage))
		add_uncovered(w, f);
	if (f->has_mute && !f->has_known && f->member[ROLE_TEXT] == 0)
		add_mute(w, f->node);
}

/* A code without a display, of a system without rows: nobody here knows what it says. */
static void
look_at_mute(struct root_walk *w, const struct root_frame *f, unsigned system, bool found)
{
	size_t steps = steps_to_concept(w, f);
	bool is_mute = !found && f->member[ROLE_DISPLAY] == 0 && coverage_lacks(w->coverage, system) &&
		       GUARD(mute_codes);

	if (steps > 0 && frame_above(w, steps) != NULL) {
		top_frame(w)[-(ptrdiff_t)steps].has_mute |= is_mute;
		top_frame(w)[-(ptrdiff_t)steps].has_known |= !is_mute;
	} else if (is_mute) {
		add_mute(w, f->node);
	}
}

static void
look_at_coding(struct root_walk *w, const struct root_frame *f)
{
	const struct json *j = w->json;
	uint32_t code = f->member[ROLE_CODE];
	uint32_t system = f->member[ROLE_SYSTEM];
	struct coding_hit hit;
	struct coding_facts facts;
	bool readable =
	    json_kind(j, code) == JSON_STRING &&
	    (system == 0 || json_kind(j, system) == JSON_STRING || json_kind(j, system) == JSON_NULL);
	if (!readable) {
		if (json_kind(j, code) == JSON_NULL ||
		    (json_kind(j, code) != JSON_STRING && system == 0 && steps_to_concept(w, f) == 0))
			return;
		hit = (struct coding_hit){ .is_unreadable = true };
	} else {
		bool found =
		    coding_look_up(w->set->words.members, &w->root->record, code, system, &facts, &hit.match);
		size_t steps = steps_to_concept(w, f);

		if (steps > 0 && frame_above(w, steps) != NULL)
			top_frame(w)[-(ptrdiff_t)steps].has_code = true;
		if (facts.system != CODES_ANY_SYSTEM)
			look_at_miss(w, f, &facts);
		if (w->set->mute != LABEL_NONE)
			look_at_mute(w, f, facts.system, found);
		if (facts.system == w->brought->act_code)
			look_at_category(w, f);
		if (!found)
			return;
		hit.concept = hit.reference = 0;
		hit.is_unreadable = false;
	}
	find_holders(w, f, &hit);
	add_hit(w, &hit);
}

/* An inline label is about the object that has the array `extension`. */
static bool
look_at_extension(struct root_walk *w, struct root_frame *f)
{
	struct root_frame *holder = frame_above(w, f->is_element ? 2 : 1);
	uint32_t url = f->member[ROLE_URL];

	if (json_kind(w->json, url) != JSON_STRING || !shape_may_be_label(json_inside(w->json, url)) ||
	    !shape_is_inline_label(json_string(w->json, url, &w->text)))
		return true;
	return brought_labels_inline(w->brought,
	    spoken_of(&w->named, w->json, outermost_frame(w), holder == NULL ? f : holder), f->node);
}

/*
 * What names an identifier or an extension counts as a Coding of it.  An Identifier has a value, and no code,
 * which a Quantity may have.
 */
static void
look_at_name(struct root_walk *w, const struct root_frame *f)
{
	uint32_t url = f->member[ROLE_URL];
	bool is_extension = url != 0 && (ruleset_key(w->set, f->key).about & ABOUT_EXTENSION) != 0;
	bool is_identifier = f->member[ROLE_VALUE] != 0 && f->member[ROLE_CODE] == 0;
	struct coding_hit hit;
	bool found = false;

	if (!is_identifier && !is_extension)
		return;
	hit = (struct coding_hit){ .coding = f->node };
	if (is_identifier)
		found = GUARD(identifiers) && naming_identifier(w->naming, w->json, f->member[ROLE_SYSTEM],
						  f->member[ROLE_TYPE], &hit.match);
	if (is_identifier)
		found |= coding_identifies(
		    &w->root->record, f->member[ROLE_VALUE], f->member[ROLE_SYSTEM], &hit.match);
	if (is_extension)
		found |= GUARD(naming_extensions) && naming_extension(w->naming, w->json, url, &hit.match);
	if (found)
		add_hit(w, &hit);
}

static void
look_at_attachment(struct root_walk *w, const struct root_frame *f)
{
	const struct root_frame *named = f->is_element ? frame_above(w, 1) : f;
	bool is_root = frame_above(w, 1) == NULL;

	opaque_attachment(w->opaque, w->json,
	    &(struct opaque_object){
		.node = f->node,
		.key = is_root || named == NULL ? 0 : named->node - 1,
		.member = f->member,
		.is_public = f->base == 0,
	    });
}

/* An object with one of these members is looked at when the walk leaves it. */
enum {
	ROLES_LOOKED_AT = 1 << ROLE_CODE | 1 << ROLE_CODING | 1 << ROLE_TEXT | 1 << ROLE_VALUE |
			  1 << ROLE_URL | 1 << ROLE_DATA | 1 << ROLE_CONTENT_TYPE | 1 << ROLE_DISPLAY |
			  1 << ROLE_BESIDE_DISPLAY
};

static bool
look_at_members(struct root_walk *w, struct root_frame *f)
{
	if (f->member[ROLE_CODE] != 0)
		look_at_coding(w, f);
	if (f->member[ROLE_DISPLAY] != 0 || f->member[ROLE_BESIDE_DISPLAY] != 0)
		displays_look(w->displays, f, steps_to_concept(w, f) > 0);
	if (f->member[ROLE_CODING] != 0 || f->member[ROLE_TEXT] != 0)
		look_at_concept(w, f);
	if (w->naming != NULL && (f->member[ROLE_VALUE] != 0 || f->member[ROLE_URL] != 0))
		look_at_name(w, f);
	if (f->member[ROLE_DATA] != 0 || f->member[ROLE_CONTENT_TYPE] != 0 ||
	    (f->member[ROLE_URL] != 0 && (ruleset_key(w->set, f->key).about & ABOUT_EXTENSION) == 0))
		look_at_attachment(w, f);
	return f->member[ROLE_URL] == 0 || !shape_is_fhir(w->set->shape) || look_at_extension(w, f);
}

static bool
leave(struct root_walk *w)
{
	struct root_frame *f = top_frame(w);

	if ((f->roles & ROLES_LOOKED_AT) != 0 && !look_at_members(w, f))
		return false;
	if (!f->has_end)
		return true;
	struct state_plan *plan = type_plan_state(w->set, w->plan, f->state);

	if (plan->has_triggers || plan->has_evidence)
		note_matches(w, f->node, plan);
	if (plan->is_judged && w->root->hits.count > f->hits)
		urgency_sign(w->urgencies, f->node, f->member[ROLE_CODE], f->hits);
	return true;
}

/* Notes the inner root INDEX as the next that the walk comes to. */
static void
find_wall(struct root_walk *w, size_t index)
{
	const struct roots *r = w->root->record.roots;

	w->wall = index;
	w->wall_node = index < r->count ? r->at[index].node : NO_NODE;
}

/* Steps over an inner root with all roots in it, and notes the level around it for its own walk. */
static void
step_over(struct root_walk *w, const struct root_frame *f)
{
	facts_of(w, w->wall)->base_around = f->base;
	while (w->wall_node < f->next)
		find_wall(w, w->wall + 1);
}

/* A string that holds codes, or searches by a code or an identifier, counts as a Coding of each. */
static void
look_for_codes(struct root_walk *w, uint32_t node, unsigned about)
{
	struct search_marks marks = search_marks_in(json_inside(w->json, node));
	bool holds_codes = (about & ABOUT_CODES) != 0 || marks.query != 0;
	bool may_search = w->naming != NULL && GUARD(conditional_references) && marks.value != 0;
	struct coding_hit hit;
	bool found;

	if (!holds_codes && !may_search)
		return;
	hit = (struct coding_hit){ .coding = node };
	found = holds_codes && coding_look_in(&w->root->record, node, &hit.match);
	if (may_search)
		found |= naming_search(w->naming, w->json, node, &hit.match);
	if (found)
		add_hit(w, &hit);
}

/* The string NODE under a key that is ABOUT that. */
static inline void
look_in_string(struct root_walk *w, uint32_t node, unsigned about)
{
	const struct json *j = w->json;
	const struct json_node *n = &j->nodes[node];
	char first = j->text.at[n->start + 1];

	if ((about & (ABOUT_CODES | ABOUT_SEARCH)) != 0)
		look_for_codes(w, node, about);
	if (n->end - n->start > OPAQUE_LENGTH || opaque_may_begin(first) || (about & ABOUT_BASE64) != 0)
		opaque_string(w->opaque, j, node, (about & ABOUT_BASE64) != 0);
}

static inline bool
visit(struct root_walk *w, struct root_frame *f, uint32_t node, uint32_t state, uint16_t key,
    struct ruleset_key of)
{
	const struct json *j = w->json;
	enum json_kind kind = json_kind(j, node);
	bool is_named = (of.about & ABOUT_SUMMARY) != 0 && !f->is_array && !w->plan->has_no_summary;

	if (kind == JSON_OBJECT || kind == JSON_ARRAY)
		return enter(w, node, state, key, f, is_named);
	if (kind == JSON_STRING && (of.terms & TERMS_SKIPPED) == 0 && w->terms->terms != NULL) {
		enum text_worth worth = root_terms_worth(w->terms, j, node, of.terms);

		if (worth != WORTH_NOTHING)
			root_terms_look(w->terms, outermost_frame(w), f, node, key, worth);
	}
	if (state != PATHS_DEAD && !visit_scalar(w, node, state, f, is_named))
		return false;
	if (state == PATHS_DEAD && is_named)
		summary_add(w->summaries, node, f->node, false);
	if (kind == JSON_STRING)
		look_in_string(w, node, of.about);
	return true;
}

/* The state of the next child of F, which is NODE behind its key if there is one. */
static inline uint32_t
state_below(const struct root_walk *w, struct root_frame *f, uint32_t node)
{
	if (f->state == PATHS_DEAD)
		return PATHS_DEAD;
	return f->is_array ? paths_element(w->plan->paths, f->state, w->json, node, f->index)
			   : paths_member(w->plan->paths, f->state, w->json, node - 1);
}

/* Goes on to the next child of F, the innermost container. */
static bool
step(struct root_walk *w, struct root_frame *f)
{
	const struct json_node *child = &w->json->nodes[f->next];
	uint32_t node = f->is_array ? f->next : f->next + 1;
	uint16_t key = f->is_array ? f->key : child->key;
	struct ruleset_key of = ruleset_key(w->set, key);
	uint32_t state;

	f->next = child->next;
	if (node == w->wall_node) {
		step_over(w, f);
		return true;
	}
	state = state_below(w, f, node);
	if (f->is_array) {
		f->index++;
	} else {
		if ((key == 0 || (of.terms & TERMS_NAMED) != 0) && w->terms->terms != NULL &&
		    root_terms_is_news(w->terms, w->json, node - 1))
			root_terms_look_at_name(w->terms, outermost_frame(w), f, node - 1);
		f->member[of.role] = node;
		f->roles |= (uint16_t)(1U << of.role);
	}
	return visit(w, f, node, state, key, of);
}

/* The root's own level is a label, unless the root is an inner one and what is around has the same level. */
static void
begin_root(struct root_walk *w, uint32_t root, uint32_t state)
{
	struct root_facts *facts = facts_of(w, w->root->record.root);
	struct state_plan *plan = type_plan_state(w->set, w->plan, state);
	bool is_spoken_of = !w->plan->is_unknown && plan->base != LABEL_NONE;
	unsigned level = w->plan->is_unknown && GUARD(unknown_types) ? w->set->top : w->set->usual;
	struct label *label;

	if (is_spoken_of)
		level = (unsigned)plan->base;
	facts->base_most = (uint8_t)level;
	if (w->root->record.root > 0 && facts->base_around == level)
		return;
	label = label_list_add(w->labels, root, is_spoken_of ? LABEL_BASE : LABEL_DEFAULT,
	    is_spoken_of ? plan->base_origin : (unsigned)ORIGIN_DEFAULT);
	label->level = (int8_t)level;
}

bool
root_walk(struct root_walk *w)
{
	uint32_t root = current_root_node(w->root);
	uint32_t state;

	w->plan = w->root->plan;
	state = paths_root(w->plan->paths, w->json, root, 0);
	find_wall(w, w->root->record.root + 1);
	begin_root(w, root, state);
	w->frames.used = 0;
	enter_root(w, root, state);
	while (w->frames.used > 0) {
		struct root_frame *f = top_frame(w);

		if (f->next < f->end) {
			if (!step(w, f))
				return false;
			continue;
		}
		if (!leave(w))
			return false;
		w->frames.used -= sizeof *f;
	}
	return true;
}
