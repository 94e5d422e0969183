/* SPDX-License-Identifier: ISC */
#include "common/label/quantity.h"

#include "common/label/condition.h"
#include "common/policy/codeform.h"

static const struct {
	const char *text;
	int side;
	bool is_touching;
} comparators[] = {
	{ "<", -1, false },
	{ "<=", -1, true },
	{ ">", 1, false },
	{ ">=", 1, true },
};

static void
read_comparator(const struct json *j, uint32_t node, struct quantity *quantity)
{
	quantity->comparator = 2;
	for (size_t i = 0; i < sizeof comparators / sizeof comparators[0]; i++)
		if (json_is(j, node, bytes_of(comparators[i].text))) {
			quantity->comparator = comparators[i].side;
			quantity->is_touching = comparators[i].is_touching;
		}
}

/* `code` is the coded unit; `unit` is text for people and counts only without it. */
static enum quantity_fault
read_unit(const struct condition_members *m, const struct condition_record *r, uint32_t node,
    const struct unit *beside, struct quantity *quantity)
{
	uint32_t unit = json_member_key(r->json, node, m->code);
	char room[CODEFORM_ROOM];

	if (unit == 0)
		unit = json_member_key(r->json, node, m->unit);
	if (beside == NULL)
		return unit == 0 ? QUANTITY_GOOD : QUANTITY_NO_UNIT;
	if (unit == 0 || json_kind(r->json, unit) != JSON_STRING)
		return QUANTITY_NO_UNIT;
	quantity->unit = unit_beside(beside, codeform_plain(json_string(r->json, unit, r->room), room));
	return quantity->unit == NULL ? QUANTITY_NO_UNIT : QUANTITY_GOOD;
}

uint32_t
quantity_member(const struct json *j, uint32_t holder, uint16_t key)
{
	uint32_t value = json_member_key(j, holder, key);
	bool is_one = value != 0 && json_kind(j, value) == JSON_ARRAY && value + 1 < j->nodes[value].next &&
		      j->nodes[value + 1].next == j->nodes[value].next;

	return is_one ? value + 1 : value;
}

enum quantity_fault
quantity_read(const struct condition_members *m, const struct condition_record *r, uint32_t node,
    const struct unit *beside, struct quantity *quantity)
{
	uint32_t value = node;
	uint32_t comparator = 0;
	enum quantity_fault fault = beside == NULL ? QUANTITY_GOOD : QUANTITY_NO_UNIT;

	*quantity = (struct quantity){ 0 };
	if (json_kind(r->json, node) == JSON_OBJECT) {
		value = json_member_key(r->json, node, m->value);
		comparator = json_member_key(r->json, node, m->comparator);
		fault = read_unit(m, r, node, beside, quantity);
	}
	if (value == 0 || json_kind(r->json, value) != JSON_NUMBER ||
	    !decimal_parse(json_span(r->json, value), &quantity->number))
		return QUANTITY_NO_VALUE;
	if (comparator != 0)
		read_comparator(r->json, comparator, quantity);
	return fault;
}

static int
compare(const struct quantity *quantity, const struct quantity_bound *bound)
{
	if (bound->unit == NULL)
		return decimal_compare(&quantity->number, &bound->number);
	return unit_compare(&quantity->number, quantity->unit, &bound->number, bound->unit);
}

/* ORDER and OPEN are seen from the bound: the allowed side is positive. */
enum truth
quantity_within(const struct quantity *quantity, const struct quantity_bound *bound)
{
	int order;
	int open = bound->is_upper ? -quantity->comparator : quantity->comparator;

	if (quantity->comparator == 2)
		return TRUTH_UNKNOWN;
	order = compare(quantity, bound);
	if (bound->is_upper)
		order = -order;
	if (quantity->comparator == 0)
		return order > 0 || (order == 0 && bound->is_included) ? TRUTH_TRUE : TRUTH_FALSE;
	/* The true value lies on the OPEN side of the number. */
	if (open > 0)
		return order > 0 || (order == 0 && (bound->is_included || !quantity->is_touching))
			   ? TRUTH_TRUE
			   : TRUTH_UNKNOWN;
	return order < 0 || (order == 0 && (!bound->is_included || !quantity->is_touching)) ? TRUTH_FALSE
											    : TRUTH_UNKNOWN;
}

bool
quantity_parse_bound(struct bytes text, struct quantity_bound *bound, const char **why)
{
	struct bytes number = text;
	size_t i = 0;

	*bound = (struct quantity_bound){ 0 };
	while (i < text.size && text.at[i] != ' ')
		i++;
	number.size = i;
	while (i < text.size && text.at[i] == ' ')
		i++;
	if (!decimal_parse(number, &bound->number) || !unit_bound(&bound->number)) {
		*why = "expected a number of at most 30 digits, with or without a unit";
		return false;
	}
	if (i < text.size &&
	    (bound->unit = unit_find((struct bytes){ text.at + i, text.size - i })) == NULL) {
		*why = "bad-unit: a unit that is not known";
		return false;
	}
	return true;
}
