/* SPDX-License-Identifier: ISC */
#ifndef EHR_LAUNCH_LAUNCH_H
#define EHR_LAUNCH_LAUNCH_H

#include "common/crypto/detached.h"

#include <stdbool.h>

/*
 * launch: a program is copied into memory, the copy is sealed and verified, and the copy runs.  The bytes
 * that were verified are the bytes that run: a file that is only opened can be rewritten in place between the
 * check and the start.
 */
struct launch_settings {
	struct detached_trust trust;
	const char *signature; /* NULL: PROGRAM.p7s */
	bool has_after;
	struct instant after; /* a program signed before is refused */
};

/* Why a file is refused. */
struct launch_refusal {
	const char *file;
	char text[400]; /* begins with a word that stays, as signature-missing; else what the system says */
};

/*
 * A descriptor of a sealed copy of PATH whose signature holds; -1 with a refusal.  RUN: it is to be started,
 * so a script is refused.  What R names lives until the next call.
 */
int launch_copy(const char *path, bool run, const struct launch_settings *s, struct launch_refusal *r);

/*
 * The environment of a program: what is harmless of ours, the names in KEEP, and the system's PATH.  Ends
 * with NULL.
 */
char **launch_environment(char *const *ours, const char *const *keep, size_t keeps);

/* False if a variable of that name changes what code runs: it is never kept. */
bool launch_may_keep(const char *name);

#endif
