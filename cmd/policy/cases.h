/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_CASES_H
#define EHR_POLICY_CASES_H

#include "cmd/policy/dry_run.h"
#include "common/access/access.h"
#include "common/policy/yaml.h"

#include <stdbool.h>

/*
 * cases: the tests of a policy (tests/NAME.yaml), one at a time.
 *
 *	now: 2026-03-02T09:00:00Z                      optional, for all cases of the file
 *	consents: [consents/tom.yaml]                  for requests: files below tests/
 *	facts: facts.ndjson
 *	entities: entities.ndjson
 *	used: used.ndjson
 *	cases:
 *	  - name: an HIV test is restricted
 *	    record: {resourceType: Observation, ...}   or the name of a file below tests/
 *	    expect: {level: R, labels: [{at: "", rule: hiv}], versions: {N: {lacks: [/code]}}}
 *	  - name: a nurse of the ward may read
 *	    request: {subject: ..., action: ..., resource: ...}
 *	    expect: {decision: true, decided_by: organization}
 *
 * A file may also be one case of a record.
 */
struct cases {
	struct policy *policy;
	const char *file;    /* as messages show it */
	struct fault *fault; /* of the test file, or of what it needs */
	const char *now;     /* of the loaded dry run; NULL: none */
	struct dry_run run;
	bool is_loaded; /* the dry run */
	struct access *access;
	struct tally *tally; /* of the rules of requests; NULL: none is kept */
	struct json line;    /* labelled line, or decision */
	struct json version;
	struct buffer text;   /* of a record or request */
	struct buffer record; /* of a version */
	struct buffer notes;  /* differences, a line each; empty: the case holds */
};

void cases_init(struct cases *c, struct policy *p, struct fault *f);
void cases_release(struct cases *c);

/* The keys of a test file.  LIST is its cases; NULL: ROOT itself is the only case. */
struct case_file {
	const struct yaml_node *root;
	const struct yaml_node *list;
	const struct yaml_node *now;
	const struct yaml_node *consents;
	const struct yaml_node *facts;
	const struct yaml_node *entities;
	const struct yaml_node *used;
};

/*
 * Compare what comes out of a record or a request with EXPECT; the differences stand in c->notes.  False: a
 * fault of the policy or of the test.
 */
bool cases_record(struct cases *c, const struct yaml_node *now, const struct yaml_node *record,
    const struct yaml_node *expect);
bool cases_request(struct cases *c, const struct case_file *file, const struct yaml_node *request,
    const struct yaml_node *expect);

/*
 * True if NODE is what a test wants.  An object may have more members than the wanted map; a list must have
 * the same elements; numbers are compared as written.
 */
bool cases_expect(const struct yaml_node *want, const struct json *j, uint32_t node);

/* The node that POINTER (RFC 6901) names below ROOT; false if there is none. */
bool cases_find(const struct json *j, uint32_t root, struct bytes pointer, uint32_t *node);

#endif
