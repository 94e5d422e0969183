/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_FHIR_WRITE_H
#define EHR_ACCESS_FHIR_WRITE_H

#include "common/json/json_write.h"
#include "common/policy/policy.h"
#include "common/policy/yaml.h"

/*
 * fhir_write: a directive in the project's own form as a Consent of FHIR R4, which fhir_consent reads as the
 * same directive.  What a Consent cannot say is a fault at that place: left out of a deny it would withhold
 * more than the patient said, left out of a permit it would give more.
 *
 *	a Consent has no		so these are faults
 *	attributes of users		all of who but ref
 *	conditions			how, where, same; of when all but from and until
 *	not, all, present		in any criterion
 *	exceptions to a permit		except; of a deny they are nested permits
 *	two kinds of data		of instance, author and related more than one
 *	way to skip what is missing	if_missing
 *
 * An exception to a deny is a nested permit only where the deny has no other criteria than of data: with
 * others the two differ when an attribute is missing.  Groups of record types are written out.  `negotiating`
 * is written as draft, which counts alike.
 */
struct fhir_writing {
	struct policy *policy; /* borrowed: its groups of record types */
	const char *file;      /* as messages name it */
	struct fault *fault;
};

/* DIRECTIVE is one that ehr-authz reads.  False with a fault: W holds a beginning. */
bool fhir_write(struct fhir_writing *f, const struct yaml_node *directive, struct json_write *w);

#endif
