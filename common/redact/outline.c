/* SPDX-License-Identifier: ISC */
#include "common/redact/parts.h"

#include "common/base/memory.h"

#include <stdlib.h>

enum { FIRST_ROOTS = 16 };

void
outline_init(struct outline *o, const struct scheme *s, struct json_keys *keys)
{
	*o = (struct outline){ .s = s, .keys = keys };
	places_init(&o->places, s, keys);
	roots_init(&o->roots, keys);
	buffer_init(&o->room, BUFFER_UNLIMITED);
	buffer_init(&o->condition_room, BUFFER_UNLIMITED);
}

void
outline_release(struct outline *o)
{
	places_release(&o->places);
	roots_release(&o->roots);
	buffer_release(&o->room);
	buffer_release(&o->condition_room);
	free(o->root);
	free(o->gone_before);
	*o = (struct outline){ .s = NULL };
}

static void
grow_roots(struct outline *o)
{
	size_t room = o->root_room > 0 ? o->root_room : FIRST_ROOTS;

	if (o->roots.count <= o->root_room)
		return;
	while (room < o->roots.count)
		room *= 2;
	o->root = memory_grow(o->root, room, sizeof o->root[0]);
	o->gone_before = memory_grow(o->gone_before, room, sizeof o->gone_before[0]);
	o->root_room = room;
}

static void
look_at_roots(struct outline *o)
{
	const struct scheme *s = o->s;

	o->transformed = o->without_type = 0;
	o->has_bundle = false;
	for (size_t i = 0; i < o->roots.count; i++) {
		struct bytes type = shape_type(s->shape, o->json, o->roots.at[i].node);
		struct outline_root *root = &o->root[i];

		*root = (struct outline_root){ .type = scheme_type(s, type),
			.is_bundle = s->is_fhir && bytes_are(type, "Bundle") };
		root->element = s->element[root->type];
		o->transformed |= s->type_transformed[root->type];
		o->without_type |= s->type_gone[root->type];
		o->has_bundle |= root->is_bundle;
	}
}

static void
look_at_members(struct outline *o)
{
	const struct json *j = o->json;

	o->has_labels = o->has_sections = o->has_names = false;
	o->has_references = o->roots.count > 1;
	for (uint32_t i = o->record; o->s->is_fhir && i < j->nodes[o->record].next; i++) {
		uint8_t kind = o->places.of_key[j->nodes[i].key];

		o->has_labels |= kind == PLACE_SECURITY || kind == PLACE_EXTENSION;
		o->has_references |= kind == PLACE_REFERENCE;
		o->has_names |= kind == PLACE_DISPLAY || kind == PLACE_IDENTIFIER;
		o->has_sections |= j->nodes[i].key == o->places.section;
	}
}

void
outline_start(struct outline *o, const struct json *j, struct notes *n, uint32_t record)
{
	o->json = j;
	o->notes = n;
	o->record = record;
	roots_find(&o->roots, j, record, o->s->is_fhir);
	grow_roots(o);
	look_at_roots(o);
	look_at_members(o);
	o->asked = (struct condition_record){ .json = j,
		.roots = &o->roots,
		.shape = o->s->shape,
		.codes = o->s->codes,
		.room = &o->condition_room };
}

uint64_t
outline_whole(const struct outline *o)
{
	const struct scheme *s = o->s;
	uint64_t touched = s->hidden | s->has_keep | s->has_except | o->transformed | o->without_type |
			   o->notes->left_out | s->below_level[o->notes->highest];

	if (o->has_bundle)
		touched |= s->may_lack;
	if (o->has_references || o->has_names)
		touched |= s->drops_references;
	return s->asked & ~(touched & ~(s->always_whole & ~s->has_except));
}
