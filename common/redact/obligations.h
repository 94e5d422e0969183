/* SPDX-License-Identifier: ISC */
#ifndef EHR_REDACT_OBLIGATIONS_H
#define EHR_REDACT_OBLIGATIONS_H

#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/json/json.h"
#include "common/policy/policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * obligations: what a decision of ehr-authz takes out of the records that it permits.
 *
 *	{"action":"redact","class":["MedicationRequest"],"except":[{"author":["Practitioner/p1"]}]}
 *	{"action":"keep-only","any_of":[{"label":["N"]},{"class":["Observation"],"date":{"from":"2020"}}]}
 *
 * An entry matches an item if it meets all demands of it and no exception.  `redact` takes out what matches;
 * `keep-only` takes out what matches none of its items.  What a demand asks for and an entry lacks is
 * unknown, and unknown never helps the reader: `redact` takes the entry out, `keep-only` does not keep it.
 *
 *	struct obligations *o = obligations_new(&policy);
 *	if (!obligations_add(o, &json, properties, &why)) ... it cannot be carried out ...
 */
enum demand_kind {
	DEMAND_CLASS,
	DEMAND_DATE,
	DEMAND_AUTHOR,
	DEMAND_RELATED,
	DEMAND_INSTANCE,
	DEMAND_CODE, /* the first that is about entries, not about whole roots */
	DEMAND_LABEL,
	DEMAND_COUNT,
};

enum demand_mode { DEMAND_ANY, DEMAND_NOT, DEMAND_ALL };

struct demand_value {
	struct bytes text;         /* as written */
	struct bytes system, code; /* of system|code; without a bar the code alone */
	struct bytes type, id;     /* of a reference; without a type the id alone */
	int level;                 /* of a label: index in the ladder, -1: its categories count */
	uint64_t categories;       /* and laws: see vocabulary_labels_below() */
	uint32_t number;           /* of a code, among all codes */
	bool by_content;           /* a class that is a content type */
};

struct demand {
	bool there;
	enum demand_mode mode;
	struct demand_value *value;
	uint32_t values;
	bool up;              /* a level means and above, else and below */
	struct period period; /* of a date */
};

/* Demands that must all be met. */
struct demands {
	struct demand of[DEMAND_COUNT];
	bool lenient;    /* what is unknown counts as met */
	bool on_entries; /* demands a code or a label */
	uint32_t number; /* among all demands */
};

struct obligation_item {
	struct demands *wanted;
	struct demands **except;
	uint32_t excepts;
	struct obligation_item *next;
};

struct obligation_keep {
	struct obligation_item *items; /* NULL: nothing is kept */
	struct obligation_keep *next;
};

struct obligations {
	struct obligation_item *redact;
	struct obligation_keep *keep;
	struct demands **demands; /* all, by number */
	uint32_t count;
	uint32_t codes; /* values of all DEMAND_CODE, and those of DEMAND_CLASS that Codings show */
	bool on_labels; /* some demands name a label */
	bool on_entries;
	/* private */
	const struct policy *policy;
	struct arena arena;
	uint32_t room;
};

/* P is borrowed. */
struct obligations *obligations_new(const struct policy *p);
void obligations_free(struct obligations *o);

/*
 * Adds the obligation whose properties are node PROPERTIES of J, which is not needed afterwards.  False with
 * *WHY, a constant, for what is not understood; then the decision must not be carried out.
 */
bool obligations_add(struct obligations *o, const struct json *j, uint32_t properties, const char **why);

/* True if they take something out of some record. */
static inline bool
obligations_any(const struct obligations *o)
{
	return o != NULL && (o->redact != NULL || o->keep != NULL);
}

#endif
