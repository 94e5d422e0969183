/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_FAULT_H
#define EHR_POLICY_FAULT_H

#include "common/base/diag.h"

#include <stdbool.h>

/*
 * fault: what is wrong in a file of a policy or site, and where.  The first fault is kept; later ones are
 * dropped.
 */
struct fault {
	const char *file; /* borrowed; as messages show it */
	unsigned line;    /* 0: the file as a whole */
	unsigned column;
	int error;      /* errno if the file could not be read; 0 if its text is wrong */
	char text[480]; /* "": no fault so far */
};

/* The exit status for the fault: EXIT_IO if `error` is set, else EXIT_POLICY. */
enum diag_exit fault_status(const struct fault *f);

/* FILE:LINE:COLUMN: TEXT on standard error. */
void fault_print(const struct fault *f);

/* For main(): prints the fault and ends the program with its status. */
_Noreturn void fault_exit(const struct fault *f);

struct yaml_node;

/*
 * Notes a fault at NODE of the file's tree (NULL: the file as a whole).  Always false, so that a reader can
 * return it.
 */
bool fault_at(struct fault *f, const char *file, const struct yaml_node *node, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The same for a place that is not a node. */
bool fault_line(struct fault *f, const char *file, unsigned line, unsigned column, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* Notes that the file cannot be read, for the reason ERROR, an errno.  Always false. */
bool fault_unread(struct fault *f, const char *file, int error);

#endif
