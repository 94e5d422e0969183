/* SPDX-License-Identifier: ISC */
#ifndef EHR_BASE_INSTALLED_H
#define EHR_BASE_INSTALLED_H

#include <stdbool.h>
#include <stddef.h>

/*
 * installed: where the files lie that came with the program: below share/ehr beside the folder of an
 * installed program, or in the source tree around build/.  No variable and no option names another place.
 */
enum { INSTALLED_PATH = 4096 };

/* The folder of the running program in PATH, a slash at its end.  Returns its length; 0 if nobody knows. */
size_t installed_folder(char path[INSTALLED_PATH]);

/* The path of NAME, such as channels/mail or policies/hospital.  False if it is not there. */
bool installed_find(const char *name, char path[INSTALLED_PATH]);

#endif
