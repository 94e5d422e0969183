/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_FHIR_CONSENT_H
#define EHR_ACCESS_FHIR_CONSENT_H

#include "common/access/reader.h"
#include "common/policy/yaml.h"

/*
 * fhir_consent: a Consent of FHIR R4 or R5 as a directive in the project's own form, a YAML tree, so that one
 * reader serves both.  Each node of the tree stands where the element stood that it was made of.
 *
 *	Consent                             directive
 *	id status dateTime|date             consent status date
 *	patient|subject                     patient
 *	policyRule, provision.type,
 *	  decision (R5)                     base
 *	provision.period, period (R5)       period
 *	provision.actor, grantee (R5)       who.ref
 *	provision.action purpose            does why
 *	provision.securityLabel class code
 *	  dataPeriod data                   what
 *	provision.provision, provision[]    rules, at most two deep; their period is `when`
 *	verification                        verified: the last one holds, or all do
 *	an extension of ours                acknowledges, and `say` of a rule
 *
 * R4 wants a root without type under policyRule.  Most data has the type and nests its exceptions, so both
 * are read.  A root that has criteria and no type is an exception whose direction nobody knows.  Whatever the
 * reader does not know could be a condition, so it is a fault: an unknown member, a modifierExtension
 * anywhere, a criterion that names nothing.
 */

enum fhir_consent_kind {
	FHIR_CONSENT_NONE,       /* the object is no Consent */
	FHIR_CONSENT_OTHER,      /* of another scope: research, treatment, advance directive */
	FHIR_CONSENT_NOBODY,     /* no patient can be read: a fault */
	FHIR_CONSENT_UNREADABLE, /* a fault; patient and id are there */
	FHIR_CONSENT_READ,
};

struct fhir_consent {
	enum fhir_consent_kind kind;
	struct bytes patient;   /* the id of the Patient, or `system|value` */
	bool logical;           /* PATIENT is an identifier */
	struct bytes id;        /* line-N if the Consent has none */
	struct yaml_node *data; /* what a root that denies says of data, which it denies all of; else NULL */
	struct yaml_node *tree; /* with FHIR_CONSENT_UNREADABLE as far as it could be read */
};

/* What extensions of ours are called. */
#define FHIR_CONSENT_SAY "urn:ehr:consent:say"
#define FHIR_CONSENT_ACKNOWLEDGES "urn:ehr:consent:acknowledges"

/* The keys that an index must know before its text is parsed for fhir_consent_read. */
struct json_keys *fhir_consent_keys(void);

/* Is the object NODE a resource of this type? */
bool fhir_consent_is(const struct json *j, uint32_t node, const char *type);

/*
 * The names that a Bundle gives to its entries by `fullUrl`: `urn:uuid:..` means the resource beside it.  The
 * arena holds them.
 */
struct fhir_names {
	struct fhir_name *at; /* by name */
	size_t count;
};

/* ENTRIES is the array of the object at hand. */
void fhir_names_of(struct fhir_names *names, struct arena *a, struct ndjson *n, uint32_t entries);

/*
 * Reads the resource NODE of the object at hand, whose index has those keys.  Everything in *C lives in the
 * arena A; strings may lie in the text.  The reader's fault gains what is wrong.  NAMES are those of
 * the Bundle around it; NULL: there is none.
 */
void fhir_consent_read(
    struct arena *a, struct ndjson *n, uint32_t node, const struct fhir_names *names, struct fhir_consent *c);

#endif
