/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_ENTITIES_H
#define EHR_ACCESS_ENTITIES_H

#include "common/access/reader.h"
#include "common/access/request.h"
#include "common/access/roles.h"

/*
 * entities: what the site states about people, devices and resources (entities.ndjson).  A stated attribute
 * replaces the request's.
 */
struct entities;

/*
 * NDJSON {"type":..,"id":..,"properties":{..}}.  TEXT is borrowed for the life of the entities.  NULL with a
 * fault.
 */
struct entities *entities_read(struct access_reader *r, struct bytes text);
void entities_free(struct entities *all);

/* Puts what is stated about the request's subject and resource into the request. */
void entities_apply(const struct entities *all, struct request *q);

/* What stands in the register, in no order: type NUL id. */
uint32_t entities_count(const struct entities *all);
struct bytes entities_key(const struct entities *all, uint32_t i);

/* True if the register has the user ID, and with a role of authz/roles.yaml. */
bool entities_has_role(const struct entities *all, const struct roles *roles, struct bytes id);

/* The pseudonym of a patient, empty if none is stated. */
struct bytes entities_pseudonym(const struct entities *all, struct bytes patient);

#endif
