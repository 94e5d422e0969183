/* SPDX-License-Identifier: ISC */
#include "common/label/parts.h"

/* Of several bands in which a reading may lie the least grave one counts: it is that urgent in any case. */
enum judgement
sign_value_read(const struct ruleset_rule *rule, const struct quantity *reading, unsigned *criticality)
{
	enum judgement judgement = JUDGED;

	for (unsigned i = 0; i <= rule->cuts; i++) {
		enum truth truth = i == rule->cuts ? TRUTH_TRUE : quantity_within(reading, &rule->cut[i]);

		if (truth == TRUTH_FALSE)
			continue;
		if (judgement == JUDGED || rule->band[i] < *criticality)
			*criticality = rule->band[i];
		if (truth == TRUTH_TRUE)
			break;
		judgement = OPEN;
	}
	return judgement;
}

/* Reads the Quantity NODE, which several rules judge, once for each unit. */
static enum quantity_fault
read_quantity(struct urgency_list *u, uint32_t node, const struct unit *unit)
{
	if (node == 0 || json_kind(current_root_json(u->root), node) != JSON_OBJECT)
		return QUANTITY_NO_VALUE;
	if (u->reading_node != node || u->reading_unit != unit) {
		u->reading_node = node;
		u->reading_unit = unit;
		u->reading_fault =
		    quantity_read(u->root->set->words.members, &u->root->record, node, unit, &u->reading);
	}
	return u->reading_fault;
}

static enum judgement
judgement_of(enum quantity_fault fault)
{
	return fault == QUANTITY_NO_UNIT ? OTHER_UNIT : NO_VALUE;
}

static enum judgement
judge_quantity(struct urgency_list *u, const struct ruleset_rule *rule, uint32_t node, unsigned *criticality)
{
	enum quantity_fault fault = read_quantity(u, node, rule->unit);

	return fault == QUANTITY_GOOD ? sign_value_read(rule, &u->reading, criticality) : judgement_of(fault);
}

/* An integer has no unit, so it is taken in the rule's. */
static enum judgement
judge_integer(
    const struct urgency_list *u, const struct ruleset_rule *rule, uint32_t node, unsigned *criticality)
{
	struct quantity reading;

	if (quantity_read(u->root->set->words.members, &u->root->record, node, NULL, &reading) !=
	    QUANTITY_GOOD)
		return NO_VALUE;
	reading.unit = rule->unit;
	return sign_value_read(rule, &reading, criticality);
}

/* A Range with one end that can be read goes on from there, as FHIR has it; that end counts in any case. */
static enum judgement
judge_end(const struct ruleset_rule *rule, struct quantity *end, int side, unsigned *criticality)
{
	unsigned at_end = 0;
	enum judgement judgement;

	(void)sign_value_read(rule, end, &at_end);
	end->comparator = side;
	end->is_touching = true;
	judgement = sign_value_read(rule, end, criticality);
	*criticality = at_end > *criticality ? at_end : *criticality;
	return judgement;
}

/* The more urgent end counts. */
static enum judgement
judge_range(struct urgency_list *u, const struct ruleset_rule *rule, uint32_t node, unsigned *criticality)
{
	const struct json *j = current_root_json(u->root);
	const uint32_t end[] = { json_member_key(j, node, u->low), json_member_key(j, node, u->high) };
	struct quantity reading[2];
	enum quantity_fault fault[2];
	unsigned high = 0;

	for (int i = 0; i < 2; i++) {
		fault[i] = read_quantity(u, end[i], rule->unit);
		reading[i] = u->reading;
	}
	if (fault[0] != QUANTITY_GOOD && fault[1] != QUANTITY_GOOD)
		return judgement_of(fault[0]);
	if (fault[1] != QUANTITY_GOOD)
		return judge_end(rule, &reading[0], 1, criticality);
	if (fault[0] != QUANTITY_GOOD)
		return judge_end(rule, &reading[1], -1, criticality);
	enum judgement low_end = sign_value_read(rule, &reading[0], criticality);
	enum judgement high_end = sign_value_read(rule, &reading[1], &high);

	*criticality = high > *criticality ? high : *criticality;
	return low_end > high_end ? low_end : high_end;
}

/* Steps over one sample of TEXT, which becomes *NUMBER.  False: none is there, or no number (E, U, L). */
static bool
take_sample(struct bytes *text, struct decimal *number)
{
	size_t size = 0;

	while (text->size > 0 && text->at[0] == ' ')
		*text = bytes_behind(*text, 1);
	while (size < text->size && text->at[size] != ' ')
		size++;
	struct bytes sample = { text->at, size };

	*text = bytes_behind(*text, size);
	return decimal_parse(sample, number);
}

/* What makes values of samples, which are origin + factor * sample, as FHIR has it. */
struct sampling {
	struct decimal origin, factor;
	struct quantity limit[2]; /* what L and U are below and above; comparator 0: not given */
};

static bool
read_number(const struct json *j, uint32_t node, struct decimal *number)
{
	return json_kind(j, node) == JSON_NUMBER && decimal_parse(json_span(j, node), number);
}

/* The SampledData NODE.  *READING becomes its origin. */
static enum quantity_fault
read_sampling(struct urgency_list *u, const struct ruleset_rule *rule, uint32_t node, struct sampling *s)
{
	const struct json *j = current_root_json(u->root);
	const uint32_t limit[] = { json_member_key(j, node, u->lower_limit),
		json_member_key(j, node, u->upper_limit) };
	uint32_t factor = json_member_key(j, node, u->factor);
	enum quantity_fault fault = read_quantity(u, json_member_key(j, node, u->origin), rule->unit);

	if (fault != QUANTITY_GOOD)
		return fault;
	*s = (struct sampling){ .origin = u->reading.number };
	(void)decimal_parse((struct bytes)BYTES("1"), &s->factor);
	if (factor != 0 && !read_number(j, factor, &s->factor))
		return QUANTITY_NO_VALUE;
	for (int i = 0; i < 2; i++) {
		s->limit[i] = u->reading;
		if (limit[i] != 0 && read_number(j, limit[i], &s->limit[i].number))
			s->limit[i].comparator = i == 0 ? -1 : 1;
	}
	return QUANTITY_GOOD;
}

/* The value of the next sample in TEXT becomes *READING.  False: it has none. */
static bool
take_value(struct urgency_list *u, const struct sampling *s, struct bytes *text, struct quantity *reading)
{
	char limit = bytes_at(bytes_trim(*text), 0);
	struct decimal sample;

	reading->comparator = 0;
	if (!take_sample(text, &sample)) {
		if ((limit != 'L' && limit != 'U') || s->limit[limit == 'U'].comparator == 0)
			return false;
		*reading = s->limit[limit == 'U'];
		return true;
	}
	u->number.used = 0;
	return decimal_line(&s->origin, &s->factor, &sample, &u->number) &&
	       decimal_parse(buffer_bytes(&u->number), &reading->number);
}

/* The gravest sample counts. */
static enum judgement
judge_samples(struct urgency_list *u, const struct ruleset_rule *rule, uint32_t node, unsigned *criticality)
{
	const struct json *j = current_root_json(u->root);
	uint32_t data = json_member_key(j, node, u->data);
	struct sampling sampling;
	enum quantity_fault fault = read_sampling(u, rule, node, &sampling);
	struct quantity reading = u->reading;
	enum judgement judgement = NO_VALUE;
	struct bytes text;

	if (fault != QUANTITY_GOOD)
		return judgement_of(fault);
	if (data == 0 || json_kind(j, data) != JSON_STRING)
		return NO_VALUE;
	for (text = json_inside(j, data); text.size > 0;) {
		enum judgement one;
		unsigned grave = 0;

		if (!take_value(u, &sampling, &text, &reading))
			continue;
		one = sign_value_read(rule, &reading, &grave);
		*criticality = judgement == NO_VALUE || grave > *criticality ? grave : *criticality;
		judgement = judgement == NO_VALUE || one == OPEN ? one : judgement;
	}
	return judgement;
}

enum judgement
sign_value_judge(struct urgency_list *u, const struct ruleset_rule *rule, uint32_t holder, uint32_t *value,
    unsigned *criticality)
{
	const struct json *j = current_root_json(u->root);

	if ((*value = quantity_member(j, holder, u->value_quantity)) != 0)
		return judge_quantity(u, rule, *value, criticality);
	if ((*value = quantity_member(j, holder, u->value_integer)) != 0)
		return judge_integer(u, rule, *value, criticality);
	if ((*value = quantity_member(j, holder, u->value_range)) != 0)
		return judge_range(u, rule, *value, criticality);
	if ((*value = quantity_member(j, holder, u->value_samples)) != 0)
		return judge_samples(u, rule, *value, criticality);
	return NO_VALUE;
}
