/* SPDX-License-Identifier: ISC */
#ifndef EHR_LABEL_SHAPE_H
#define EHR_LABEL_SHAPE_H

#include "common/base/clock.h"
#include "common/base/truth.h"
#include "common/json/json.h"
#include "common/json/path.h"
#include "common/label/roots.h"
#include "common/policy/policy.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * shape: what `record:` of policy.yaml says about records: where type, id, subject and time stand, and which
 * parts are entries, that is labelled and withheld as one.
 *
 *	record:
 *	  type: .resourceType                 or {const: MeterReading}; then `at: .resourceType` says where
 *	                                      a record may state another type, and of `has: [.value]` it
 *	                                      must have one, else its type is unknown
 *	  id: .id
 *	  subject: [.subject, .patient]       the first that exists
 *	  subject_type: Patient               of a reference that names no type
 *	  time: [.effectiveDateTime, .issued] the first that exists
 *	  author: [.author, .recorder]        all that exist
 *	  roots: fhir                         absent: a record is its only root
 *	  entries: {Observation: [".component[]"], "*": [..]}
 *
 * Spans point into the text or into buffers of the shape, and live until the next call of the same function.
 */
struct shape;

/* KEYS gains the members that are needed.  Policy and keys are borrowed.  NULL after a fault. */
struct shape *shape_load(const struct policy *p, struct json_keys *keys, struct fault *f);
void shape_free(struct shape *s);

/* True with `roots: fhir`: roots_find wants to know. */
bool shape_is_fhir(const struct shape *s);

/* A root's type, unescaped; empty if it has none, or it is no string. */
struct bytes shape_type(struct shape *s, const struct json *j, uint32_t root);

/* Paths of `has` for a note, with commas between them; empty: there are none. */
struct bytes shape_has(const struct shape *s);

/* True if roots are FHIR's and it is a type of FHIR R4, or if it is the policy's own constant. */
bool shape_knows_type(const struct shape *s, struct bytes type);

/*
 * True if a policy may name TYPE, as NODE does: one it knows, or any where records that are not FHIR say
 * theirs.  Else a fault with the nearest known type.
 */
bool shape_check_type(const struct shape *s, const char *file, const struct yaml_node *node,
    struct bytes type, struct fault *f);

/* A root's own id, unescaped; empty if it has none or none that is a word (tag_is_word). */
struct bytes shape_id(struct shape *s, const struct json *j, uint32_t root);

/*
 * What `ehr` says of a record: "Observation/o1", without an id "Observation/~" and half of the record's
 * SHA-256 in hex; the subject "Patient/p1" or "Patient?identifier=s|v".  The subject is empty if there is
 * none, or if no other record could name it.
 */
struct bytes shape_ehr_id(struct shape *s, const struct json *j, const struct roots *r);
struct bytes shape_ehr_subject(struct shape *s, const struct json *j, const struct roots *r);

/* When a root's matter took place; false if it does not say, or not in a way that can be read. */
bool shape_time(struct shape *s, const struct json *j, uint32_t root, struct period *time);

/*
 * The same from the first to the last moment: a time .x.start lasts until .x.end, or without end.  False if
 * it does not say, unknown if it cannot be read.
 */
enum truth shape_span(struct shape *s, const struct json *j, uint32_t root, struct period *time);

/* Calls FOUND for each node that says who made the root, until it returns false; false then. */
bool shape_each_author(struct shape *s, const struct json *j, uint32_t root, const struct path_wall *wall,
    bool (*found)(void *context, uint32_t node), void *context);

/* Adds the `entries:` of a type ("*" included) to the caller's automaton, each under NUMBER. */
void shape_add_entries(const struct shape *s, struct bytes type, struct paths *paths, uint32_t number);

/* The types that `entries:` names, "*" left out: their number, and the name of one. */
size_t shape_entry_types(const struct shape *s);
struct bytes shape_entry_type(const struct shape *s, size_t i);

/*
 * The extension with which FHIR's DS4P guide labels an element, and those whose last segment says the same:
 * inline-sec-label, sec-label, security-label.  True with any scheme or none, and with or without a version
 * or a slash at the end, so that no label is lost by how its name is written.  URL is unescaped.
 */
#define SHAPE_INLINE_LABEL                                                                                   \
	"hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/extension-inline-sec-label"
bool shape_is_inline_label(struct bytes url);

/* False for most other URLs, which need not be unescaped then. */
bool shape_may_be_label(struct bytes escaped);

#endif
