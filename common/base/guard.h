/* SPDX-License-Identifier: ISC */
#ifndef EHR_BASE_GUARD_H
#define EHR_BASE_GUARD_H

/*
 * guard: names a condition that keeps something from readers.  GUARD(name) is true, and costs nothing.  A
 * test build can take out one guard by its name (tests/lib/guard.h), so that a test sees that it is missed:
 * tests/property/guards.bats.
 */
enum { GUARD_STANDS = 1 };

#ifndef GUARD
#define GUARD(name) GUARD_STANDS
#endif

#endif
