/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_SAMPLE_H
#define EHR_POLICY_SAMPLE_H

#include "cmd/policy/survey.h"
#include "common/base/diag.h"

/*
 * sample: a file of records for `new` and `survey`.  A bad record is said and left out.  Records are FHIR if
 * most have a type of FHIR R4; otherwise their type may stand in one of their places.
 */
struct sample {
	struct survey survey;
	struct bytes type; /* the place of the type of records that are not FHIR; empty: there is none */
	size_t refused;
	/* private */
	struct json_keys *keys;
	struct arena arena;
};

/*
 * What to do with each good record once the sample is surveyed: `record` may refuse it (false); else the
 * watch of the survey sees its values.
 */
struct sample_watch {
	bool (*record)(void *context, const struct json *j, struct bytes text);
	struct survey_watch values;
};

/*
 * Surveys the file PATH ("-": standard input), its places down to DEPTH (0: as for a first policy).  WATCH
 * may be NULL.
 * EXIT_REFUSED: some records are bad; EXIT_BAD_RECORD: none is good; EXIT_IO.
 */
enum diag_exit sample_read(
    struct sample *s, const char *path, unsigned depth, const struct sample_watch *watch);
void sample_release(struct sample *s);

#endif
