/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_LAYER_H
#define EHR_ACCESS_LAYER_H

#include "common/access/rule.h"

/*
 * layer: the policy files of domains (authz/NAME.yaml with `layer:`), and the result of one file's rules for
 * a request.  A deny goes before a permit; the rules of a file are sorted by id, so their order in it never
 * matters.
 */
enum layer {
	LAYER_OUTBOUND,
	LAYER_JURISDICTION,
	LAYER_ORGANIZATION,
	LAYER_CONSENT,
	LAYER_CLEARANCE,
	LAYER_COMMAND,
	LAYER_OBLIGATIONS, /* denies if the enforcement point cannot carry out what it owes */
	LAYER_REQUEST,     /* denies if the request has a word that nobody knows */
	LAYER_COUNT,
};

enum result { RESULT_NOT_APPLICABLE, RESULT_PERMIT, RESULT_DENY, RESULT_INDETERMINATE };

enum no_consent { NO_CONSENT_DENY, NO_CONSENT_PERMIT, NO_CONSENT_BREAK_GLASS, NO_CONSENT_IGNORE };

enum on_several { SEVERAL_DENY_OVERRIDES, SEVERAL_NEWEST, SEVERAL_REFUSE };

/* A domain whose assertions about its own staff are believed, as far as they keep to the limits. */
struct trust {
	uint32_t domain;
	bool enforces_outbound;  /* it enforces its outbound policy itself */
	struct criterion *limit; /* the values that an attribute of its users may have */
	uint32_t limits;
};

struct layer_file {
	const char *file;
	enum layer layer;
	uint32_t domain;      /* 0: serves every domain */
	enum result fallback; /* of `default` */
	struct access_rule *rule;
	uint32_t rules;
	/* of the organization only */
	struct trust *trust;
	uint32_t trusts;
	enum no_consent no_consent;
	enum on_several on_several;
	bool service_requires_consent;
	struct intern_set no_patient; /* resource types that are about no single patient */
};

struct layers {
	struct layer_file *file;
	uint32_t files;
	bool any[LAYER_COUNT];
};

/* All files of authz/ that say `layer:`.  False with a fault. */
bool layers_read(struct layers *l, struct access_reader *r);

/* The file of LAYER that serves DOMAIN (0: a domain that no policy names); NULL if there is none. */
const struct layer_file *layers_find(const struct layers *l, enum layer layer, uint32_t domain);

/* NULL if F does not trust DOMAIN. */
const struct trust *layer_trust(const struct layer_file *f, uint32_t domain);

/* A limit of a decision: an entry of the record must match one of the items. */
struct keep {
	const struct item *items;
	bool everything; /* no limit */
};

struct layer_outcome {
	enum layer layer;
	bool applies;
	enum result result;
	const char *reason; /* a constant; NULL with Permit and NotApplicable */
	bool by_default;    /* no rule spoke */
	const struct layer_file *file;
	const struct rule_state *state; /* of each of the file's rules; NULL if none was judged */
	struct attribute_set missing;   /* where no rule was judged: the attributes that were needed for it */
	const struct item *redact;      /* of the denies that hold, by rule */
	struct keep keep;
};

/* Judges the rules of F.  What the outcome points to lives in SCRATCH. */
struct layer_outcome layer_decide(const struct layer_file *f, struct situation *s, struct scratch *scratch);

/* True if the result rests on rule I of the outcome's file. */
bool layer_rule_spoke(const struct layer_outcome *o, uint32_t i);

#endif
