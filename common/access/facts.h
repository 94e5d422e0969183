/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_FACTS_H
#define EHR_ACCESS_FACTS_H

#include "common/access/moments.h"
#include "common/access/roles.h"

/*
 * facts: who stands in which relation to whom, and when (authorization page, section 2).  NDJSON: a line
 * tells a fact or ends one early.  Ends may stand before their facts: the order of lines never matters.
 */
struct facts;

enum fact_answer { FACT_NONE, FACT_HOLDS, FACT_UNTIMED };

/* NULL after a fault.  FILE is named in it; TEXT has JSON_SLACK bytes behind it. */
struct facts *facts_read(struct reader *r, struct bytes text);
void facts_free(struct facts *f);

/* Does a fact of RELATION lead from SUBJECT to OBJECT at T (NULL: no time; then only an undated one holds)?
 */
enum fact_answer facts_ask(const struct facts *f, uint32_t relation, struct bytes subject,
    struct bytes object, const struct instant *t);

/* When something dated about SUBJECT begins or ends; NULL if there is nothing. */
const struct moments *facts_moments(const struct facts *f, struct bytes subject);

#endif
