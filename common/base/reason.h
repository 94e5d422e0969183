/* SPDX-License-Identifier: ISC */
#ifndef EHR_BASE_REASON_H
#define EHR_BASE_REASON_H

#include "common/base/diag.h"

/* reason: why a record is refused.  The list is reasons.def. */
enum reason {
	REASON_NONE,
#define REASON(name, code, status, text) REASON_##name,
#include "common/base/reasons.def"
#undef REASON
	REASON_COUNT
};

/* "nul-byte" */
const char *reason_code(enum reason reason);

/* "NUL found", to be followed by "at byte N" */
const char *reason_text(enum reason reason);

/* The exit status of a run that stops at it: EXIT_BAD_RECORD, or EXIT_KEYS or EXIT_DENIED. */
enum diag_exit reason_status(enum reason reason);

#endif
