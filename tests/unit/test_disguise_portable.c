/* SPDX-License-Identifier: ISC */
/* Disguises once more with the search that machines without SSE2 get, under the same tests. */
#define BLOCK_PORTABLE 1
#include "common/base/disguise.c"     /* NOLINT(bugprone-suspicious-include): comes before the library's */
#include "tests/unit/test_disguise.c" /* NOLINT(bugprone-suspicious-include) */
