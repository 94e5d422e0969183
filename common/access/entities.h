/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_ENTITIES_H
#define EHR_ACCESS_ENTITIES_H

#include "common/access/request.h"
#include "common/access/roles.h"

/*
 * entities: what the site itself states about people, devices and resources (authorization page, section 2).
 * It overrules what a request says, attribute by attribute.  And the ids of commands that were used.
 */
struct entities;

/* NDJSON {"type":..,"id":..,"properties":{..}}.  TEXT is borrowed for the register's life; NULL after a
 * fault. */
struct entities *entities_read(struct reader *r, struct bytes text);
void entities_free(struct entities *g);

/* Puts what is stated about the request's subject and resource into it. */
void entities_apply(const struct entities *g, struct request *q);

/* The pseudonym of a patient, empty if the register states none. */
struct bytes entities_pseudonym(const struct entities *g, struct bytes patient);

/* Pairs of device and command id. */
struct used {
	struct intern pairs; /* private */
};

void used_init(struct used *u, struct arena *arena);
void used_release(struct used *u);

/* NDJSON {"device":..,"id":..,"exp":..}; false with a fault. */
bool used_read(struct used *u, struct reader *r, struct bytes text);

bool used_has(const struct used *u, struct scratch *scratch, struct bytes device, struct bytes id);
void used_add(struct used *u, struct scratch *scratch, struct bytes device, struct bytes id);

#endif
