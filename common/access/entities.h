/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_ENTITIES_H
#define EHR_ACCESS_ENTITIES_H

#include "common/access/reader.h"
#include "common/access/request.h"

/*
 * entities: what the site states about people, devices and resources (entities.ndjson).  A stated attribute
 * replaces the request's.
 *
 * Some properties link entities, each with one name or a list.  Names are `Type/id`, of an entity's type and
 * id, or `system|value`:
 *
 *	member         Group, CareTeam: who of the members asks, asks as the group, too
 *	practitioner   PractitionerRole: the practitioner asks in this role, too
 *	organization   PractitionerRole, Practitioner: asks as a part of it, too
 *	identifier     is another name of the entity
 *
 * subject.properties.ref of a request gains whatever the names in it lead to.
 */
struct entities;

/*
 * NDJSON {"type":..,"id":..,"properties":{..}}.  TEXT is borrowed for the life of the entities.  NULL with a
 * fault.
 */
struct entities *entities_read(struct access_reader *r, struct bytes text);
void entities_free(struct entities *all);

/*
 * Puts what is stated about the request's subject and resource into the request, and the id of a patient whom
 * it names by a pseudonym or identifier.  SCRATCH holds the names.
 */
void entities_apply(const struct entities *all, struct request *q, struct scratch *scratch);

/* What stands in the register, in no order: type NUL id. */
uint32_t entities_count(const struct entities *all);
struct bytes entities_key(const struct entities *all, uint32_t i);

/* True if the register has an entity of this type and id. */
bool entities_has(const struct entities *all, struct bytes type, struct bytes id);

/* What the register states of a user; missing values if nothing. */
const struct values *entities_user(const struct entities *all, struct bytes user, unsigned attribute);

/* The user's ref, with whatever its names lead to, in SCRATCH. */
struct values entities_names(const struct entities *all, struct bytes user, struct scratch *scratch);

/* The one patient of the identifier or pseudonym; empty if there is none, or a second one. */
struct bytes entities_patient(const struct entities *all, struct bytes identifier);

/* The pseudonym of a patient, empty if none is stated. */
struct bytes entities_pseudonym(const struct entities *all, struct bytes patient);

#endif
