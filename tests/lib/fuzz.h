/* SPDX-License-Identifier: ISC */
#ifndef EHR_TESTS_FUZZ_H
#define EHR_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* fuzz: what the fuzz targets share.  libFuzzer calls this function with each input. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A property of any input.  Where it does not hold, the run ends and libFuzzer keeps the input. */
static inline void
hold(bool truth)
{
	if (!truth)
		abort();
}

#endif
