/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_CONSENT_H
#define EHR_ACCESS_CONSENT_H

#include "common/access/directive.h"
#include "common/access/layer.h"

/*
 * consent: the result of a patient's directives for a request, and the rules of the organization that
 * override it.
 */

/* Something that is unknown, and the attributes that are missing. */
struct consent_note {
	struct bytes id_text; /* of the rule or directive, as a JSON string; empty: the layer itself */
	struct attribute_set missing;
	const struct consent_note *next;
};

/* A rule that spoke, or the directive itself. */
struct consent_spoken {
	struct bytes id, id_text;
	const struct access_rule *rule; /* NULL: the directive */
	const struct consent_spoken *next;
};

/* The result of one directive. */
struct opinion {
	const struct directive *directive;
	enum result result; /* RESULT_NOT_APPLICABLE: the directive does not apply */
	const char *reason;
	struct keep keep;
	const struct item *redact;
	const struct consent_note *unknown;
	const struct consent_spoken *spoken;
};

struct consent {
	bool applies;
	enum result result;
	const char *reason; /* a constant; NULL with Permit */
	bool by_default;    /* no directive spoke */
	bool overridable;   /* false if the patient is missing */
	struct opinion *opinion;
	uint32_t opinions;
	const struct consent_spoken **spoken; /* for the result, by id, each id once */
	uint32_t speaks;
	const struct consent_note *unknown; /* of the layer itself */
	const struct access_rule **overriding;
	uint32_t overrides;
};

/*
 * FILE is the organization's: it says what holds where no directive applies.  What the result points to lives
 * in SCRATCH.
 */
struct consent consent_decide(const struct layer_file *file, const struct directives *directives,
    struct situation *s, struct scratch *scratch);

/*
 * Fills c->overriding if the organization permits and consent is not a permit without limits.  Rules that say
 * `overrides_consent: acknowledged` override if every directive that stands in the way acknowledges them;
 * rules that say `always` (law, break-glass) override any directive.
 */
void consent_override(struct consent *c, const struct layer_outcome *organization, const struct situation *s,
    struct scratch *scratch);

/* True if an overriding rule holds for the whole record: then consent limits nothing. */
bool consent_override_is_whole(const struct consent *c, const struct layer_outcome *organization);

/* The item for which a rule of the organization holds; NULL if it does not hold. */
const struct item *consent_overriding_item(
    const struct layer_outcome *organization, const struct access_rule *rule);

#endif
