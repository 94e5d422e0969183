/* SPDX-License-Identifier: ISC */
#include "common/label/parts.h"

/* VALUE is that of a member of OBJECT.  If the member is _NAME, the value of NAME; else 0. */
static uint32_t
twin_of(struct json_named *named, const struct json *j, uint32_t object, uint32_t value)
{
	uint32_t twin = json_named_twin(named, j, object, value - 1);

	return twin == 0 ? 0 : twin + 1;
}

/*
 * The element of LIST that stands where the one at hand stands in the array of F.  F knows that of the last
 * question.
 */
static uint32_t
element_at(const struct json *j, uint32_t list, struct root_frame *f)
{
	uint32_t index = f->index - 1;

	if (list == 0 || json_kind(j, list) != JSON_ARRAY)
		return 0;
	if (f->twin == 0) {
		f->twin = list + 1;
		f->twin_index = 0;
	}
	for (; f->twin_index < index && f->twin < j->nodes[list].next; f->twin_index++)
		f->twin = j->nodes[f->twin].next;
	return f->twin < j->nodes[list].next ? f->twin : 0;
}

uint32_t
spoken_of(struct json_named *named, const struct json *j, const struct root_frame *outermost,
    struct root_frame *holder)
{
	struct root_frame *outer = holder - 1;
	uint32_t twin = 0;

	if (holder == outermost)
		return holder->node;
	if (!holder->is_element)
		twin = twin_of(named, j, outer->node, holder->node);
	else if (outer != outermost && !outer->is_element)
		twin = element_at(j, twin_of(named, j, (outer - 1)->node, outer->node), outer);
	return twin != 0 ? twin : holder->node;
}
