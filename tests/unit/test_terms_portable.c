/* SPDX-License-Identifier: ISC */
/* The terms once more with the search that machines without SSE2 get, under the same tests. */
#define BLOCK_PORTABLE 1
#include "common/policy/terms.c"   /* NOLINT(bugprone-suspicious-include): comes before the library's */
#include "tests/unit/test_terms.c" /* NOLINT(bugprone-suspicious-include) */
