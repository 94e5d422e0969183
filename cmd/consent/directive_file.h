/* SPDX-License-Identifier: ISC */
#ifndef EHR_CONSENT_DIRECTIVE_FILE_H
#define EHR_CONSENT_DIRECTIVE_FILE_H

#include "common/access/access.h"
#include "common/policy/yaml.h"

/*
 * directive_file: the directives of one file as trees of the project's own form, whether they stand there in
 * that form or as FHIR Consents, each with what is wrong with it.
 */
struct written_directive {
	const struct yaml_node *tree;
	struct fault
	    fault; /* its text begins with a code; empty: ehr-authz reads the directive as it stands */
};

struct directive_file {
	const char *file; /* borrowed */
	struct written_directive *at;
	size_t count;
	uint64_t others;     /* Consents of another scope */
	struct arena arena;  /* private */
	struct access *read; /* private */
};

/*
 * ENTITIES is the register, NULL: none.  Ends the program where ehr-authz would: the file cannot be read, or
 * not whose a directive is.
 */
void directive_file_read(
    struct directive_file *f, struct policy *policy, const char *path, const char *entities);

/*
 * True if ehr-authz does not read ONE, whose fault says why.  A fault that leaves it in force is printed and
 * cleared: that a root of type deny denies all data, not only those that it names.
 */
bool directive_file_refuses(struct written_directive *one);
void directive_file_release(struct directive_file *f);

#endif
