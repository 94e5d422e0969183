/* SPDX-License-Identifier: ISC */
#ifndef EHR_LABEL_SHAPE_PARTS_H
#define EHR_LABEL_SHAPE_PARTS_H

#include "common/base/arena.h"
#include "common/label/shape.h"

/* What shape.c and subject.c share. */
struct shape_place {
	struct bytes text;
	struct path *path;
	uint16_t key; /* of a path that is one member and no more; else 0 */
};

struct shape_places {
	struct shape_place *at;
	size_t count;
};

struct shape_entries {
	struct bytes type;
	struct shape_places places;
};

struct shape {
	struct arena arena;
	struct json_keys *keys;
	bool is_fhir;
	struct bytes constant; /* type of every record; empty: `type` says where it stands */
	struct shape_place type;
	struct shape_place id;
	struct shape_places subject;
	struct bytes subject_type;
	struct shape_places time;
	struct shape_entries *entries;
	size_t entry_count;
	uint16_t reference, identifier, system, value, reference_type;
	struct buffer type_room;
	struct buffer id_room;
	struct buffer ehr_id;
	struct buffer subject_room;
	struct buffer subject_text; /* a reference, unescaped */
	char last_type[48];         /* that a reference named */
	size_t last_type_size;
	struct buffer scratch;
};

bool shape_place_first(const struct shape_place *p, const struct json *j, uint32_t root, uint32_t *node);

/* The first place where something stands that is not null. */
bool shape_places_first(const struct shape_places *p, const struct json *j, uint32_t root, uint32_t *node);

/* Appends; out of memory ends the program. */
void shape_put(struct buffer *out, struct bytes text);

#endif
