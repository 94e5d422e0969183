/* SPDX-License-Identifier: ISC */
/*
 * The index once more with the scan that machines without SSE2 get, under the same tests.  What is defined
 * here comes before the library's.
 */
#define JSON_PORTABLE 1
#include "common/json/json.c"     /* NOLINT(bugprone-suspicious-include): on purpose, see above */
#include "tests/unit/test_json.c" /* NOLINT(bugprone-suspicious-include) */
