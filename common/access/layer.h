/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_LAYER_H
#define EHR_ACCESS_LAYER_H

#include "common/access/rule.h"

/*
 * layer: the policy files of domains (authz/NAME.yaml with `layer:`), and what the rules of one come to for
 * a request (authorization page, section 6).  Deny overrides; rules are taken by id.
 */
enum layer {
	LAYER_OUTBOUND,
	LAYER_JURISDICTION,
	LAYER_ORGANIZATION,
	LAYER_CONSENT,
	LAYER_CLEARANCE,
	LAYER_COMMAND,
	LAYER_OBLIGATIONS, /* decides only: the enforcement point cannot carry out what it must */
	LAYER_COUNT,
};

enum result { RESULT_NOT_APPLICABLE, RESULT_PERMIT, RESULT_DENY, RESULT_INDETERMINATE };

enum no_consent { NO_CONSENT_DENY, NO_CONSENT_PERMIT, NO_CONSENT_BREAK_GLASS, NO_CONSENT_IGNORE };

enum on_several { SEVERAL_DENY_OVERRIDES, SEVERAL_NEWEST, SEVERAL_REFUSE };

/* A domain whose assertions about its own staff are taken, and which of them. */
struct trust {
	uint32_t domain;
	bool enforces_outbound; /* the domain enforces its own outbound policy */
	struct test *limit;     /* the values that an attribute of its users may have */
	uint32_t limits;
};

struct layer_file {
	enum layer layer;
	uint32_t domain;          /* 0: serves every domain */
	struct bytes domain_text; /* as a JSON string */
	enum result fallback;     /* of `default` */
	struct rule *rule;
	uint32_t rules;
	/* organization */
	struct trust *trust;
	uint32_t trusts;
	enum no_consent no_consent;
	enum on_several on_several;
	bool service_requires_consent;
	struct word_set no_patient; /* resource types that are about no single patient */
	const char *file;
};

struct layers {
	struct layer_file *file;
	uint32_t files;
	bool any[LAYER_COUNT];
};

/* All files of authz/ that say `layer:`.  False with a fault. */
bool layers_read(struct layers *l, struct reader *r);

/* The file of LAYER that serves DOMAIN (0: a domain that no policy knows); NULL if there is none. */
const struct layer_file *layers_find(const struct layers *l, enum layer layer, uint32_t domain);

const struct trust *layer_trust(const struct layer_file *f, uint32_t domain);

/* One list of a decision: an entry must match one of its items. */
struct keep {
	const struct item *items;
	bool everything; /* no limit */
};

/* What a layer came to. */
struct outcome {
	enum layer layer;
	bool applies;
	enum result result;
	const char *reason; /* a constant; NULL with Permit and NotApplicable */
	bool by_default;    /* no rule spoke */
	const struct layer_file *file;
	const struct state *state;    /* of each of the file's rules; NULL if they were not looked at */
	struct attribute_set missing; /* without which the layer itself is undecided */
	const struct item *redact;    /* by rule */
	struct keep keep;
};

/* FILE's rules for a request. */
struct outcome layer_decide(const struct layer_file *f, struct situation *s, struct scratch *scratch);

#endif
