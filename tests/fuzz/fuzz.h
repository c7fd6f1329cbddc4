/* SPDX-License-Identifier: MIT
 * A fuzz target is one function; libFuzzer or tests/fuzz/replay.c calls it.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include "base/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* The property that the target states does not hold. */
#define PROPERTY(ok)                                                           \
	do {                                                                   \
		if (!(ok))                                                     \
			BUG("property does not hold: " #ok);                   \
	} while (0)

#endif
