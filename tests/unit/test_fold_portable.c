/* SPDX-License-Identifier: ISC */
/* The folding once more as machines without SSE2 do it, under the same tests. */
#define BLOCK_PORTABLE 1
#include "common/base/fold.c"       /* NOLINT(bugprone-suspicious-include): comes before the library's */
#include "common/base/fold_words.c" /* NOLINT(bugprone-suspicious-include) */
#include "tests/unit/test_fold.c"   /* NOLINT(bugprone-suspicious-include) */
