/* SPDX-License-Identifier: ISC */
/* The codes in texts once more with the search that machines without SSE2 get, under the same tests. */
#define BLOCK_PORTABLE 1
#include "common/policy/codes_text.c"   /* NOLINT(bugprone-suspicious-include): comes before the library's */
#include "tests/unit/test_codes_text.c" /* NOLINT(bugprone-suspicious-include) */
