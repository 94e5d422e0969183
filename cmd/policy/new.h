/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_NEW_H
#define EHR_POLICY_NEW_H

#include "cmd/policy/print.h"
#include "cmd/policy/sample.h"

/*
 * new: the files of a first policy.  Each function appends the text of its file.  POLICY is the name of
 * the policy.  Names of members and types and counts go into the files; other values do not.
 *
 *	new_policy.c    policy.yaml, redact.yaml, seal.yaml, notify.yaml, pipeline.yaml
 *	new_classify.c  classify.yaml
 *	new_authz.c     authz/
 *	new_tests.c     tests/
 */
void new_policy(struct buffer *out, const struct sample *s, const char *policy);
void new_classify(struct buffer *out, const struct sample *s, const char *policy);
void new_redact(struct buffer *out, const struct sample *s, const char *policy);
void new_seal(struct buffer *out, const struct sample *s, const char *policy);
void new_notify(struct buffer *out, const struct sample *s, const char *policy);
void new_pipeline(struct buffer *out, const struct sample *s, const char *policy);
void new_record_tests(struct buffer *out, const struct sample *s, const char *policy);

/* The files that take nothing from a sample: the text for FHIR records, and for others; NULL: no file. */
struct new_text {
	const char *fhir;
	const char *other;
};
extern const struct new_text new_roles, new_clearances, new_organization;
extern const struct new_text new_access_tests, new_access_consent, new_access_facts;

/* A path or word as a key of YAML: plain if it has no character with a meaning there, else as in JSON. */
void new_put_key(struct buffer *out, struct bytes key);

/* The highest level, that of those who work with the records, and the lowest. */
const char *new_top(const struct sample *s);
const char *new_middle(const struct sample *s);
const char *new_bottom(const struct sample *s);

#endif
