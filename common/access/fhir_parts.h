/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_FHIR_PARTS_H
#define EHR_ACCESS_FHIR_PARTS_H

#include "common/access/fhir_consent.h"

/*
 * fhir_parts: what the two readers of a Consent share.  fhir_element.c reads elements and criteria into nodes
 * of a tree, fhir_consent.c the Consent and its provisions.  All functions that return bool return false with
 * a fault.
 */

/* Where a member may stand. */
enum {
	ROOT = 1,
	PROVISION = 2,
	ACTOR = 4,
	DATA = 8,
	PERIOD = 16,
	REFERENCE = 32,
	CONCEPT = 64,
	CODING = 128,
	ELSEWHERE = 256
};

enum { ANYWHERE = ELSEWHERE - 1 };

#define KEYS(KEY)                                                                                            \
	KEY(resourceType, ROOT | PROVISION)                                                                  \
	KEY(id, ANYWHERE)                                                                                    \
	KEY(meta, ROOT)                                                                                      \
	KEY(language, ROOT)                                                                                  \
	KEY(text, ROOT | CONCEPT)                                                                            \
	KEY(contained, ROOT)                                                                                 \
	KEY(extension, ANYWHERE)                                                                             \
	KEY(implicitRules, ELSEWHERE)                                                                        \
	KEY(modifierExtension, ELSEWHERE)                                                                    \
	KEY(identifier, ROOT | REFERENCE)                                                                    \
	KEY(status, ROOT)                                                                                    \
	KEY(scope, ROOT)                                                                                     \
	KEY(category, ROOT)                                                                                  \
	KEY(patient, ROOT)                                                                                   \
	KEY(subject, ROOT)                                                                                   \
	KEY(dateTime, ROOT)                                                                                  \
	KEY(date, ROOT)                                                                                      \
	KEY(period, ROOT | PROVISION)                                                                        \
	KEY(performer, ROOT)                                                                                 \
	KEY(grantor, ROOT)                                                                                   \
	KEY(grantee, ROOT)                                                                                   \
	KEY(manager, ROOT)                                                                                   \
	KEY(controller, ROOT)                                                                                \
	KEY(organization, ROOT)                                                                              \
	KEY(sourceAttachment, ROOT)                                                                          \
	KEY(sourceReference, ROOT)                                                                           \
	KEY(policy, ROOT)                                                                                    \
	KEY(policyRule, ROOT)                                                                                \
	KEY(policyBasis, ROOT)                                                                               \
	KEY(policyText, ROOT)                                                                                \
	KEY(regulatoryBasis, ROOT)                                                                           \
	KEY(verification, ROOT)                                                                              \
	KEY(decision, ROOT)                                                                                  \
	KEY(provision, ROOT | PROVISION)                                                                     \
	KEY(type, PROVISION | REFERENCE)                                                                     \
	KEY(actor, PROVISION)                                                                                \
	KEY(action, PROVISION)                                                                               \
	KEY(securityLabel, PROVISION)                                                                        \
	KEY(purpose, PROVISION)                                                                              \
	KEY(class, PROVISION)                                                                                \
	KEY(code, PROVISION | CODING)                                                                        \
	KEY(dataPeriod, PROVISION)                                                                           \
	KEY(data, PROVISION)                                                                                 \
	KEY(documentType, PROVISION)                                                                         \
	KEY(expression, ELSEWHERE)                                                                           \
	KEY(role, ACTOR)                                                                                     \
	KEY(reference, ACTOR | DATA | REFERENCE)                                                             \
	KEY(meaning, DATA)                                                                                   \
	KEY(system, CODING)                                                                                  \
	KEY(value, ELSEWHERE)                                                                                \
	KEY(coding, CONCEPT)                                                                                 \
	KEY(start, PERIOD)                                                                                   \
	KEY(end, PERIOD)                                                                                     \
	KEY(version, CODING)                                                                                 \
	KEY(display, CODING | REFERENCE)                                                                     \
	KEY(userSelected, CODING)                                                                            \
	KEY(verified, ELSEWHERE)                                                                             \
	KEY(verificationDate, ELSEWHERE)                                                                     \
	KEY(url, ELSEWHERE)                                                                                  \
	KEY(valueString, ELSEWHERE)

/* The number of a key in the index: they are numbered from 1 in the order in which they are added. */
enum {
	K_NONE,
#define KEY(name, places) K_##name,
	KEYS(KEY)
#undef KEY
	    K_COUNT
};

struct fhir_reading {
	struct arena *arena;
	const struct json *json;
	unsigned line;
	const char *file;
	struct fault *fault;
	const struct fhir_names *names;
	struct fhir_consent *out;
};

/* The value of the member KEY of the object NODE; 0: there is none. */
static inline uint32_t
fhir_member(const struct fhir_reading *r, uint32_t node, unsigned key)
{
	return json_member_key(r->json, node, (uint16_t)key);
}

/* Always false. */
bool fhir_fault(struct fhir_reading *r, uint32_t node, const char *text);

/* The text of a string without its escapes; empty if NODE is none. */
struct bytes fhir_text_of(const struct fhir_reading *r, uint32_t node);

/* A string that is not empty. */
bool fhir_string(struct fhir_reading *r, uint32_t node, struct bytes *text);

/* The same of the member KEY; *TEXT stays as it is if there is none. */
bool fhir_string_member(struct fhir_reading *r, uint32_t node, unsigned key, struct bytes *text);

/* Nodes of the tree, which stand where the node AT does.  ROOM: so many values the list has at most. */
struct yaml_node *fhir_node(const struct fhir_reading *r, enum yaml_kind kind, uint32_t at);
struct yaml_node *fhir_text(const struct fhir_reading *r, struct bytes text, uint32_t at);
struct yaml_node *fhir_map(const struct fhir_reading *r, uint32_t at);
struct yaml_node *fhir_list(const struct fhir_reading *r, uint32_t at, size_t room);
void fhir_put(const struct fhir_reading *r, struct yaml_node *map, const char *key, struct yaml_node *value,
    uint32_t at);

static inline void
fhir_append(struct yaml_node *list, struct yaml_node *value)
{
	list->item[list->count++] = value;
}

/* How many values a list made of NODE can have: it has no more nodes. */
static inline size_t
fhir_room(const struct fhir_reading *r, uint32_t node)
{
	return r->json->nodes[node].next - node;
}

/* The values of an element that may repeat: an array's, or the value itself. */
static inline uint32_t
fhir_first(const struct fhir_reading *r, uint32_t node)
{
	return json_kind(r->json, node) == JSON_ARRAY ? node + 1 : node;
}

/* NOLINTBEGIN(bugprone-macro-parentheses): AT is declared here */
#define FHIR_EACH(r, at, node)                                                                               \
	for (uint32_t at = fhir_first(r, node); at < (r)->json->nodes[node].next;                            \
	     at = (r)->json->nodes[at].next)
/* NOLINTEND(bugprone-macro-parentheses) */

/* NODE holds objects and nothing else, and at least one. */
bool fhir_objects(struct fhir_reading *r, uint32_t node);

/*
 * Each member of an object may stand at PLACE.  `_name` holds what a primitive has besides its value; without
 * the value it is refused, for there is a value that is not told (FHIR R4 2.6.2).
 */
bool fhir_only_known(struct fhir_reading *r, uint32_t node, unsigned place);

bool fhir_is_id(struct bytes text);

/* Does a Reference name TEXT by its `reference`, as it stands? */
bool fhir_is_literal(struct bytes text);

/*
 * Whom a Reference names: `Type/id`, a urn as it stands, or, LOGICAL, `system|value` of the identifier.  What
 * else it has is not looked at, see fhir_only_known().
 */
bool fhir_named(struct fhir_reading *r, uint32_t node, struct bytes *text, bool *logical);

/* All criteria of a provision, into the map of a rule or directive.  PERIOD is the key of its period. */
bool fhir_put_criteria(struct fhir_reading *r, struct yaml_node *map, uint32_t provision, const char *period);

/* `who` of one or many References; `when` or `period` of a Period.  NODE 0: none. */
bool fhir_put_references(struct fhir_reading *r, struct yaml_node *map, uint32_t node);
bool fhir_put_period(struct fhir_reading *r, struct yaml_node *map, const char *key, uint32_t node);

#endif
