/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_BARS_H
#define EHR_POLICY_BARS_H

#include "cmd/policy/parts.h"
#include "common/line/sink.h"

/*
 * bars: a record as each level may know it, side by side, with black bars over what is withheld there.  For
 * people who may see the record itself: the last column shows it.  A value that the policy coarsens or
 * replaces is shown as that version has it, behind a ~.
 */
enum { BARS_MIN_WIDTH = 60, BARS_MAX_WIDTH = 1000 };

/* VERSION: that one alone; below 0: all.  WIDTH: columns of the picture. */
void bars_draw(struct sink *out, const struct parts *p, int version, size_t width);

#endif
