/* SPDX-License-Identifier: ISC */
#include "common/label/parts.h"

/* VALUE is that of a member of OBJECT.  If the member is _NAME, the value of NAME; else 0. */
static uint32_t
twin_of(const struct json *j, uint32_t object, uint32_t value)
{
	struct bytes key = json_inside(j, value - 1);

	if (key.size < 2 || key.at[0] != '_')
		return 0;
	return json_member(j, object, (struct bytes){ key.at + 1, key.size - 1 });
}

static uint32_t
element_at(const struct json *j, uint32_t list, uint32_t index)
{
	uint32_t i = list + 1;

	if (list == 0 || json_kind(j, list) != JSON_ARRAY)
		return 0;
	while (i < j->nodes[list].next && index-- > 0)
		i = j->nodes[i].next;
	return i < j->nodes[list].next ? i : 0;
}

uint32_t
spoken_of(const struct json *j, const struct root_frame *outermost, const struct root_frame *holder)
{
	const struct root_frame *outer = holder - 1;
	uint32_t twin = 0;

	if (holder == outermost)
		return holder->node;
	if (!holder->is_element)
		twin = twin_of(j, outer->node, holder->node);
	else if (outer != outermost && !outer->is_element)
		twin = element_at(j, twin_of(j, (outer - 1)->node, outer->node), outer->index - 1);
	return twin != 0 ? twin : holder->node;
}
