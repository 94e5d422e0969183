/* SPDX-License-Identifier: ISC */
#ifndef EHR_CONSENT_VERBS_H
#define EHR_CONSENT_VERBS_H

/* The verbs of ehr-consent: each reads its own options and returns the exit status. */
int verb_render(int argc, char *argv[]);
int verb_form(int argc, char *argv[]);
int verb_import(int argc, char *argv[]);
int verb_export(int argc, char *argv[]);

#endif
