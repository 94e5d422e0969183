/* SPDX-License-Identifier: ISC */
#include "common/base/bisect.h"
#include "common/label/parts.h"

void
current_root_init(struct current_root *c, struct ruleset *set, const struct roots *roots)
{
	c->set = set;
	buffer_init(&c->hit_room, BUFFER_UNLIMITED);
	buffer_init(&c->term_room, BUFFER_UNLIMITED);
	buffer_init(&c->entries, BUFFER_UNLIMITED);
	buffer_init(&c->text, BUFFER_UNLIMITED);
	c->limit.milliseconds = set->policy->condition_seconds * 1000;
	c->record = (struct condition_record){
		.roots = roots,
		.shape = set->shape,
		.codes = set->codes,
		.room = &c->text,
		.hits = &c->hits,
		.terms = &c->terms,
		.memo = &c->memo,
	};
}

void
current_root_release(struct current_root *c)
{
	buffer_release(&c->hit_room);
	buffer_release(&c->term_room);
	buffer_release(&c->entries);
	buffer_release(&c->text);
}

void
current_root_start(struct current_root *c, const struct json *j)
{
	c->record.json = j;
	jq_limit_start(&c->limit);
}

enum jq_limit_passed
current_root_passed_limit(const struct current_root *c)
{
	return c->limit.passed;
}

void
current_root_select(struct current_root *c, size_t index, struct bytes subject)
{
	const struct ruleset *s = c->set;
	const struct json *j = c->record.json;
	uint32_t root = c->record.roots->at[index].node;

	c->record.root = index;
	c->hit_room.used = 0;
	c->hits.count = 0;
	c->term_room.used = 0;
	c->terms.count = 0;
	c->entries.used = 0;
	if (s->words.programs.used > 0)
		c->record.jq = (struct jq_context){
			.type = shape_type(s->shape, j, root),
			.id = shape_id(s->shape, j, root),
			.subject = subject,
			.now = s->now,
			.limit = &c->limit,
		};
}

void
current_root_enter(struct current_root *c, size_t index, struct bytes subject)
{
	struct ruleset *s = c->set;

	current_root_select(c, index, subject);
	c->number++;
	c->plan = type_plan_of(s, shape_type(s->shape, c->record.json, current_root_node(c)));
}

void
current_root_add_hit(struct current_root *c, const struct coding_hit *hit)
{
	*(struct coding_hit *)buffer_more(&c->hit_room, sizeof *hit) = *hit;
	c->hits.at = (const struct coding_hit *)(const void *)c->hit_room.at;
	c->hits.count++;
}

void
current_root_add_term(struct current_root *c, const struct term_hit *hit)
{
	*(struct term_hit *)buffer_more(&c->term_room, sizeof *hit) = *hit;
	c->terms.at = (const struct term_hit *)(const void *)c->term_room.at;
	c->terms.count++;
}

void
current_root_add_entry(struct current_root *c, uint32_t node)
{
	*(uint32_t *)buffer_more(&c->entries, sizeof node) = node;
}

enum truth
current_root_judge(const struct current_root *c, const struct ruleset_rule *rule)
{
	enum truth truth = TRUTH_TRUE;

	if (rule->where != NULL)
		truth = condition_judge(rule->where, &c->record, current_root_node(c));
	if (truth != TRUTH_FALSE && rule->when != NULL)
		truth = truth_and(truth, condition_judge_when(rule->when, &c->record));
	return truth;
}

uint32_t
current_root_entry(const struct current_root *c, uint32_t node)
{
	const uint32_t *entry = (const uint32_t *)(const void *)c->entries.at;
	struct bisect b = { .high = c->entries.used / sizeof *entry };

	while (bisect_more(&b))
		bisect_step(&b, entry[b.middle] <= node);
	if (b.low > 0 && c->record.json->nodes[entry[b.low - 1]].next > node)
		return entry[b.low - 1];
	return current_root_node(c);
}
