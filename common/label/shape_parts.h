/* SPDX-License-Identifier: ISC */
#ifndef EHR_LABEL_SHAPE_PARTS_H
#define EHR_LABEL_SHAPE_PARTS_H

#include "common/base/arena.h"
#include "common/base/buffer.h"
#include "common/label/shape.h"

/*
 * shape_parts: what shape.c reads of `record:` and shape_subject.c uses, too.
 */
struct shape_place {
	struct bytes text;
	struct path *path;
	struct path *end; /* of a time .x.start: .x.end; else NULL */
	uint16_t key;     /* of a path such as .id, which is one member; else 0 */
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
	struct bytes constant;   /* the type of every record; empty: `type` says where it stands */
	struct shape_place type; /* with a constant: where a record may state another type */
	struct shape_places has; /* with a constant: of these a record has at least one */
	struct bytes has_text;   /* some of them, for people */
	struct shape_place id;
	struct shape_places subject;
	struct bytes subject_type;
	struct shape_places time;
	struct shape_places author;
	struct shape_entries *entries;
	size_t entry_count;
	uint16_t reference, identifier, system, value, reference_type;
	struct buffer type_room;
	struct buffer id_room;
	struct buffer ehr_id;
	struct buffer subject_room;
	struct buffer subject_text; /* a reference, unescaped */
	struct buffer subject_found;
	struct buffer contained; /* of struct contained_id, sorted; made when a subject asks */
	bool contained_is_made;
	char last_type[48]; /* the last type that a reference named: mostly the next one, too */
	size_t last_type_size;
	struct buffer scratch;
};

/* The first node at PLACE of ROOT. */
bool shape_place_first(const struct shape_place *p, const struct json *j, uint32_t root, uint32_t *node);

#endif
