/* SPDX-License-Identifier: MIT
 * The answer of a time-stamping authority is refused, or it is whole: not with
 * a byte less, and of this signature alone.
 */
#include "tests/fuzz/fuzz.h"

#include "report/stamp.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char sig[] = "signature";
	struct err e = {0};
	int64_t when = 0;

	if (stamp_read(data, len, sig, strlen(sig), &when, &e) != 0) {
		PROPERTY(e.code == ERR_FORMAT);
		return 0;
	}
	PROPERTY(stamp_read(data, len - 1, sig, strlen(sig), &when, &e) != 0);
	PROPERTY(stamp_read(data, len, sig, strlen(sig) - 1, &when, &e) != 0);
	return 0;
}
