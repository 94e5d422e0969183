/* SPDX-License-Identifier: ISC */
#include "common/label/parts.h"
#include "common/policy/codeform.h"

#include <stdio.h>

/*
 * How much a reader may know of an urgency depends on the level of what it was read from.  So its label is
 * added when the levels of the record are known.
 */

/* Something that says how urgent NODE is. */
struct urgency_item {
	uint32_t node;
	uint32_t reason; /* the first of its reasons */
	uint32_t reasons;
	unsigned criticality;
	unsigned origin;
	int level; /* LABEL_NONE: that of its reasons */
};

/* A node that an item was read from. */
struct urgency_reason {
	uint32_t node;
	bool whole; /* with all that stands in it */
};

/* A sign and the value beside it, in a root or in a component. */
struct sight {
	uint32_t holder;
	uint32_t coding; /* the Coding that names the sign */
	uint32_t value;  /* 0: none */
};

/* The points of one part of a score in the root at hand. */
struct urgency_points {
	bool is_found;
	unsigned points;
	struct sight sight;
};

void
urgency_init(struct urgency_list *u, const struct current_root *root)
{
	struct json_keys *keys = root->set->keys;

	*u = (struct urgency_list){
		.root = root,
		.value_quantity = json_keys_add(keys, (struct bytes)BYTES("valueQuantity")),
		.value_integer = json_keys_add(keys, (struct bytes)BYTES("valueInteger")),
		.value_range = json_keys_add(keys, (struct bytes)BYTES("valueRange")),
		.value_samples = json_keys_add(keys, (struct bytes)BYTES("valueSampledData")),
		.origin = json_keys_add(keys, (struct bytes)BYTES("origin")),
		.factor = json_keys_add(keys, (struct bytes)BYTES("factor")),
		.lower_limit = json_keys_add(keys, (struct bytes)BYTES("lowerLimit")),
		.upper_limit = json_keys_add(keys, (struct bytes)BYTES("upperLimit")),
		.name = json_keys_add(keys, (struct bytes)BYTES("name")),
		.data = json_keys_add(keys, (struct bytes)BYTES("data")),
		.low = json_keys_add(keys, (struct bytes)BYTES("low")),
		.high = json_keys_add(keys, (struct bytes)BYTES("high")),
		.text = json_keys_add(keys, (struct bytes)BYTES("text")),
	};
	size_t points = root->set->criticality.parts * sizeof(struct urgency_points);

	buffer_init(&u->items, BUFFER_UNLIMITED);
	buffer_init(&u->reasons, BUFFER_UNLIMITED);
	buffer_init(&u->points, BUFFER_UNLIMITED);
	buffer_init(&u->number, BUFFER_UNLIMITED);
	if (points > 0)
		(void)buffer_more(&u->points, points);
}

void
urgency_release(struct urgency_list *u)
{
	buffer_release(&u->items);
	buffer_release(&u->reasons);
	buffer_release(&u->points);
	buffer_release(&u->number);
}

void
urgency_start(struct urgency_list *u)
{
	u->items.used = 0;
	u->reasons.used = 0;
	u->open = 0;
	u->root_first = 0;
	u->reading_node = 0;
}

static struct urgency_item *
items(const struct urgency_list *u)
{
	return (struct urgency_item *)(void *)u->items.at;
}

static size_t
item_count(const struct urgency_list *u)
{
	return u->items.used / sizeof(struct urgency_item);
}

static const struct urgency_reason *
reasons(const struct urgency_list *u)
{
	return (const struct urgency_reason *)(const void *)u->reasons.at;
}

static uint32_t
reason_count(const struct urgency_list *u)
{
	return (uint32_t)(u->reasons.used / sizeof(struct urgency_reason));
}

static void
add_reason(struct urgency_list *u, uint32_t node, bool whole)
{
	*(struct urgency_reason *)buffer_more(&u->reasons, sizeof(struct urgency_reason)) =
	    (struct urgency_reason){ node, whole };
}

void
urgency_reason(struct urgency_list *u, uint32_t node)
{
	add_reason(u, node, true);
}

/* NODE counts, and not what else stands in it. */
static void
reason_at(struct urgency_list *u, uint32_t node)
{
	add_reason(u, node, false);
}

void
urgency_add(struct urgency_list *u, uint32_t node, unsigned criticality, unsigned origin, int level)
{
	struct urgency_item *item = buffer_more(&u->items, sizeof *item);

	*item = (struct urgency_item){
		.node = node,
		.reason = u->open,
		.reasons = reason_count(u) - u->open,
		.criticality = criticality,
		.origin = origin,
		.level = level,
	};
}

void
urgency_close(struct urgency_list *u)
{
	u->open = reason_count(u);
}

/* The criticality of the text at NODE, by code or, as people write it, in any case.  False: it has none. */
static bool
find_word(struct urgency_list *u, const struct ruleset_evidence *e, uint32_t node, unsigned *criticality)
{
	char room[CODEFORM_ROOM];
	struct bytes text =
	    codeform_plain(json_string(current_root_json(u->root), node, u->root->record.room), room);
	bool found = false;

	for (size_t i = 0; i < e->words; i++)
		if (bytes_equal_folded(text, e->word[i].word) &&
		    (!found || e->word[i].criticality > *criticality)) {
			*criticality = e->word[i].criticality;
			found = true;
		}
	return found;
}

/* What the sender says at one place. */
struct testimony {
	const struct ruleset_evidence *evidence;
	uint32_t holder;
	bool is_said;  /* something stands there */
	bool is_known; /* a word of the policy stands there */
};

/* Each such word becomes an item of its own, since a reader may not see all of them. */
static void
hear_word(struct urgency_list *u, struct testimony *t, uint32_t node)
{
	unsigned criticality = 0;

	if (node == 0 || json_kind(current_root_json(u->root), node) != JSON_STRING)
		return;
	t->is_said = true;
	if (!find_word(u, t->evidence, node, &criticality))
		return;
	t->is_known = true;
	reason_at(u, node);
	urgency_add(u, current_root_entry(u->root, t->holder), criticality, ORIGIN_EVIDENCE, LABEL_NONE);
	urgency_close(u);
}

/* A word, a Coding, or a CodeableConcept.  `text` and `display` count where no code is known. */
static void
hear_concept(struct urgency_list *u, struct testimony *t, uint32_t node)
{
	const struct json *j = current_root_json(u->root);
	const struct condition_members *m = u->root->set->words.members;
	uint32_t list = json_member_key(j, node, m->coding);

	hear_word(u, t, node);
	hear_word(u, t, json_member_key(j, node, m->code));
	if (list != 0 && json_kind(j, list) == JSON_OBJECT)
		hear_word(u, t, json_member_key(j, list, m->code));
	if (list != 0 && json_kind(j, list) == JSON_ARRAY)
		for (uint32_t i = list + 1; i < j->nodes[list].next; i = j->nodes[i].next)
			hear_word(u, t, json_member_key(j, i, m->code));
	if (!t->is_known)
		hear_word(u, t, json_member_key(j, node, u->text));
}

/* What the sender says and the policy does not know is unreadable, so that it cannot pass as routine. */
static void
hear(struct urgency_list *u, const struct ruleset_evidence *e, uint32_t node)
{
	struct testimony t = { .evidence = e, .holder = node };

	hear_concept(u, &t, node);
	if (t.is_known || !t.is_said)
		return;
	urgency_reason(u, node);
	urgency_add(u, current_root_entry(u->root, node), u->root->set->criticality.unreadable, ORIGIN_VALUE,
	    LABEL_NONE);
	urgency_close(u);
}

void
urgency_evidence(struct urgency_list *u, uint32_t node, uint32_t evidence)
{
	const struct ruleset_evidence *e = &u->root->set->criticality.evidence[evidence];
	const struct json *j = current_root_json(u->root);

	if (json_kind(j, node) != JSON_ARRAY) {
		hear(u, e, node);
		return;
	}
	for (uint32_t i = node + 1; i < j->nodes[node].next; i = j->nodes[i].next)
		hear(u, e, i);
}

static const unsigned unreadable_origin[] = {
	[OTHER_UNIT] = ORIGIN_UNIT,
	[NO_VALUE] = ORIGIN_VALUE,
	[OPEN] = ORIGIN_COMPARATOR,
};

/* The members of a Quantity that were read. */
static void
reason_quantity(struct urgency_list *u, uint32_t node)
{
	const struct condition_members *m = u->root->set->words.members;
	const uint16_t read[] = { m->value, m->code, m->unit, m->comparator };

	reason_at(u, node);
	for (size_t i = 0; i < sizeof read / sizeof read[0]; i++) {
		uint32_t member = json_member_key(current_root_json(u->root), node, read[i]);

		if (member != 0)
			reason_at(u, member);
	}
}

static void
reason_value(struct urgency_list *u, uint32_t value)
{
	const uint16_t parts[] = { u->low, u->high, u->origin, u->factor, u->data, u->lower_limit,
		u->upper_limit };

	reason_quantity(u, value);
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		uint32_t part = json_member_key(current_root_json(u->root), value, parts[i]);

		if (part != 0)
			reason_quantity(u, part);
	}
}

static void
reason_coding(struct urgency_list *u, uint32_t coding)
{
	const struct condition_members *m = u->root->set->words.members;
	uint32_t system = json_member_key(current_root_json(u->root), coding, m->system);

	reason_at(u, json_member_key(current_root_json(u->root), coding, m->code));
	if (system != 0)
		reason_at(u, system);
}

static void
reason_sight(struct urgency_list *u, const struct sight *sight)
{
	reason_coding(u, sight->coding);
	if (sight->value != 0)
		reason_value(u, sight->value);
	else
		reason_at(u, sight->holder);
}

static bool
is_stale(const struct urgency_list *u)
{
	const struct ruleset_criticality *c = &u->root->set->criticality;
	uint32_t root = current_root_node(u->root);
	struct period time;

	if (c->stale_after == 0 || u->root->set->now.size == 0 ||
	    !shape_time(u->root->set->shape, current_root_json(u->root), root, &time))
		return false;
	return instant_compare(time.from, u->root->set->now_instant) > 0 ||
	       instant_compare(time.until, instant_add(u->root->set->now_instant, -c->stale_after)) <= 0;
}

/* Whether an item of CRITICALITY may become a label: see urgency_label. */
static bool
may_tell(const struct urgency_list *u, unsigned criticality)
{
	const struct ruleset_criticality *c = &u->root->set->criticality;

	return criticality != 0 || c->usual != 0 || (c->stale != 0 && is_stale(u));
}

static void
add_sign(struct urgency_list *u, const struct sight *sight, unsigned criticality, unsigned origin, int level)
{
	if (!may_tell(u, criticality))
		return;
	reason_sight(u, sight);
	urgency_add(u, sight->holder, criticality, origin, level);
	urgency_close(u);
}

static void
judge_sign(struct urgency_list *u, struct sight *sight, int sign)
{
	enum judgement worst = JUDGED;
	unsigned least = u->root->set->criticality.unreadable;
	bool is_judged = false;
	bool is_released = true; /* all rules give a level of their own */
	int level = LABEL_NONE;

	for (size_t i = u->root->set->judging; i < u->root->set->rules; i++) {
		const struct ruleset_rule *rule = &u->root->set->rule[i];
		unsigned criticality = 0;
		enum truth truth;
		enum judgement judgement;

		if (rule->sign != sign || !type_plan_applies(u->root->plan, i) ||
		    (truth = current_root_judge(u->root, rule)) == TRUTH_FALSE)
			continue;
		judgement = sign_value_judge(u, rule, sight->holder, &sight->value, &criticality);
		if (judgement == JUDGED && truth == TRUTH_UNKNOWN)
			judgement = NO_VALUE;
		if (judgement == JUDGED) {
			is_judged = true;
			add_sign(u, sight, criticality, rule->origin, rule->level);
		} else {
			worst = judgement > worst ? judgement : worst;
			least = judgement == OPEN && criticality > least ? criticality : least;
		}
		level = rule->level > level ? rule->level : level;
		is_released &= rule->level != LABEL_NONE;
	}
	/* A sign may have a rule for each unit, so one rule that can judge the value is enough. */
	if (!is_judged && worst != JUDGED)
		add_sign(u, sight, least, unreadable_origin[worst], is_released ? level : LABEL_NONE);
}

static bool
is_first_of_sign(const struct ruleset *s, size_t rule)
{
	for (size_t i = s->judging; i < rule; i++)
		if (s->rule[i].sign == s->rule[rule].sign)
			return false;
	return true;
}

static struct urgency_points *
points_of(const struct urgency_list *u, size_t part)
{
	return (struct urgency_points *)(void *)u->points.at + part;
}

/* Of several values of one sign the worst counts. */
static void
count_points(struct urgency_list *u, const struct ruleset_score *score, size_t part, const struct sight *seen)
{
	struct urgency_points *known = points_of(u, score->first + part);
	struct sight sight = *seen;
	unsigned points = 0;

	if (sign_value_judge(u, &score->part[part], sight.holder, &sight.value, &points) != JUDGED ||
	    (known->is_found && known->points >= points))
		return;
	*known = (struct urgency_points){ .is_found = true, .points = points, .sight = sight };
}

static void
count_sign(struct urgency_list *u, const struct sight *sight, const struct code_bits *categories)
{
	const struct ruleset_criticality *c = &u->root->set->criticality;

	for (size_t i = 0; i < c->scores; i++)
		for (size_t n = 0; n < c->score[i].parts; n++)
			if (c->score[i].part[n].sign != NO_SIGN &&
			    code_bits_has(categories, (unsigned)c->score[i].part[n].sign))
				count_points(u, &c->score[i], n, sight);
}

static void
judge_coding(struct urgency_list *u, const struct coding_hit *hit, uint32_t holder)
{
	struct sight sight = { .holder = holder, .coding = hit->coding };
	struct code_bits categories = { 0 };

	codes_matched_categories(u->root->set->codes, &hit->match, NULL, &categories);
	for (size_t i = u->root->set->judging; i < u->root->set->rules; i++) {
		int sign = u->root->set->rule[i].sign;

		if (sign != NO_SIGN && code_bits_has(&categories, (unsigned)sign) &&
		    is_first_of_sign(u->root->set, i))
			judge_sign(u, &sight, sign);
	}
	if (u->root->plan->has_scores)
		count_sign(u, &sight, &categories);
}

/* CODE is the concept, or a list of concepts, as some write one. */
static bool
is_or_has(const struct json *j, uint32_t code, uint32_t concept)
{
	if (code == concept)
		return true;
	return json_kind(j, code) == JSON_ARRAY && concept > code && concept < j->nodes[code].next;
}

/* Each of several Codings makes items, since a reader may see one Coding and not another. */
void
urgency_sign(struct urgency_list *u, uint32_t holder, uint32_t code, size_t first)
{
	const struct json *j = current_root_json(u->root);

	if (code == 0)
		code = json_member_key(j, holder, u->name); /* of DSTU1 */
	for (size_t i = first; code != 0 && i < u->root->hits.count; i++) {
		const struct coding_hit *hit = &u->root->hits.at[i];

		if (is_or_has(j, code, hit->concept != 0 ? hit->concept : hit->coding) && !hit->is_unreadable)
			judge_coding(u, hit, holder);
	}
}

static void
note_reason(void *context, uint32_t node)
{
	urgency_reason(context, node);
}

/* Adds the points of the signs of SCORE in the root at hand to TOTAL.  Returns how many signs there are. */
static size_t
add_signs(const struct urgency_list *u, const struct ruleset_score *score, unsigned *total)
{
	size_t found = 0;

	for (size_t i = 0; i < score->parts; i++) {
		const struct urgency_points *known = points_of(u, score->first + i);

		*total += known->is_found ? known->points : 0;
		found += known->is_found;
	}
	return found;
}

static bool
holds(const struct urgency_list *u, const struct ruleset_rule *part)
{
	return part->where != NULL &&
	       condition_judge(part->where, &u->root->record, current_root_node(u->root)) == TRUTH_TRUE;
}

/* The same for the conditions, which are not looked at in a record without a sign. */
static size_t
add_conditions(const struct urgency_list *u, const struct ruleset_score *score, unsigned *total)
{
	size_t found = 0;

	for (size_t i = 0; i < score->parts; i++)
		if (holds(u, &score->part[i])) {
			*total += score->part[i].band[0];
			found++;
		}
	return found;
}

static void
reason_score(struct urgency_list *u, const struct ruleset_score *score)
{
	for (size_t i = 0; i < score->parts; i++) {
		const struct urgency_points *known = points_of(u, score->first + i);

		if (known->is_found)
			reason_sight(u, &known->sight);
		if (holds(u, &score->part[i]))
			condition_matches(score->part[i].where, &u->root->record, current_root_node(u->root),
			    note_reason, u);
	}
}

/* One part alone is no score: its own rule judges it. */
static void
judge_score(struct urgency_list *u, const struct ruleset_score *score)
{
	struct quantity sum = { 0 };
	enum truth truth = TRUTH_TRUE;
	unsigned total = 0;
	unsigned criticality = u->root->set->criticality.unreadable;
	unsigned origin = ORIGIN_VALUE;
	char text[16];
	size_t signs = add_signs(u, score, &total);
	int size;

	if (signs > 0 && score->total.where != NULL)
		truth = current_root_judge(u->root, &score->total);
	if (signs == 0 || truth == TRUTH_FALSE || signs + add_conditions(u, score, &total) < 2)
		return;
	size = snprintf(text, sizeof text, "%u", total);
	if (truth == TRUTH_TRUE && decimal_parse((struct bytes){ text, (size_t)size }, &sum.number) &&
	    sign_value_read(&score->total, &sum, &criticality) == JUDGED)
		origin = score->total.origin;
	if (!may_tell(u, criticality))
		return;
	reason_score(u, score);
	urgency_add(u, current_root_node(u->root), criticality, origin, score->total.level);
	urgency_close(u);
}

static void
judge_scores(struct urgency_list *u)
{
	const struct ruleset_criticality *c = &u->root->set->criticality;

	if (!u->root->plan->has_scores)
		return;
	for (size_t i = 0; i < c->scores; i++)
		judge_score(u, &c->score[i]);
	memset(u->points.at, 0, u->points.used);
}

void
urgency_end_root(struct urgency_list *u)
{
	const struct ruleset_criticality *c = &u->root->set->criticality;
	uint32_t root = current_root_node(u->root);
	size_t before = u->root_first;

	judge_scores(u);
	if (item_count(u) == before)
		return;
	if (c->ignore != NULL && condition_judge(c->ignore, &u->root->record, root) == TRUTH_TRUE)
		u->items.used = before * sizeof(struct urgency_item);
	else if (is_stale(u))
		for (size_t i = before; i < item_count(u); i++) {
			items(u)[i].criticality = c->stale;
			items(u)[i].origin = ORIGIN_STALE;
		}
	u->root_first = item_count(u);
}

static unsigned
level_of(const struct urgency_list *u, const struct urgency_item *item, const struct label_list *labels)
{
	const struct urgency_reason *reason = reasons(u) + item->reason;
	unsigned level = 0;

	if (item->level != LABEL_NONE)
		return (unsigned)item->level;
	if (item->reasons == 0)
		return label_list_within(labels, item->node).level;
	for (uint32_t i = 0; i < item->reasons; i++) {
		unsigned one = reason[i].whole ? label_list_within(labels, reason[i].node).level
					       : label_list_standing(labels, reason[i].node).level;

		level = one > level ? one : level;
	}
	return level;
}

/* The lowest word gets no label if it is the default: the record is no more urgent for it. */
void
urgency_label(struct urgency_list *u, struct label_list *labels)
{
	if (item_count(u) == 0)
		return;
	label_list_link(labels);
	for (size_t i = 0; i < item_count(u); i++) {
		const struct urgency_item *item = &items(u)[i];
		struct label *label;

		if (item->criticality == 0 && u->root->set->criticality.usual == 0)
			continue;
		unsigned level = level_of(u, item, labels);

		label = label_list_add(labels, item->node, LABEL_URGENCY, item->origin);
		label->level = (int8_t)level;
		label->criticality = (int8_t)item->criticality;
	}
	label_list_sort(labels);
}
