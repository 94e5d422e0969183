/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_CONSENT_H
#define EHR_ACCESS_CONSENT_H

#include "common/access/directive.h"
#include "common/access/layer.h"

/*
 * consent: what a patient's directives come to for a request (authorization page, section 7), and which rules
 * of the organization may override that (section 8).
 */
struct note {
	struct bytes id_text; /* of the rule or directive, as a JSON string; empty: the layer itself */
	struct attribute_set missing;
	const struct note *next;
};

/* A rule that spoke, or the directive itself. */
struct spoken {
	struct bytes id, id_text;
	const struct rule *rule; /* NULL: the directive */
	const struct spoken *next;
};

struct opinion {
	const struct directive *directive;
	enum result result; /* RESULT_NOT_APPLICABLE: the directive does not apply */
	const char *reason;
	struct keep keep;
	const struct item *redact;
	const struct note *unknown;
	const struct spoken *spoken;
};

struct consent {
	bool applies;
	enum result result;
	const char *reason;
	bool by_default;  /* no directive spoke */
	bool overridable; /* not if the patient is missing */
	struct opinion *opinion;
	uint32_t opinions;
	const struct note *unknown; /* of the layer itself */
	const struct rule **overriding;
	uint32_t overrides;
};

/* FILE is the organization's, for what holds where no directive applies. */
struct consent consent_decide(const struct layer_file *file, const struct directives *directives,
    struct situation *s, struct scratch *scratch);

/* True if the directive permits without any limit. */
bool opinion_unlimited(const struct opinion *o);

#endif
