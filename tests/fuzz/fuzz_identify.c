/* SPDX-License-Identifier: MIT
 * Identification of any bytes: the best bid comes first, no format bids twice,
 * two runs agree.
 */
#include "tests/fuzz/fuzz.h"

#include "formats/identify.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct identify_bids one, two;

	identify(rd_mem(data, len), &one);
	identify(rd_mem(data, len), &two);
	PROPERTY(memcmp(&one, &two, sizeof(one)) == 0);
	PROPERTY((one.best == NULL) == (one.n == 0));
	PROPERTY(one.n == 0 || one.best == one.bid[0]);
	for (size_t i = 1; i < one.n; i++) {
		PROPERTY(one.bits[i] != 0 && one.bits[i] <= one.bits[i - 1]);
		for (size_t k = 0; k < i; k++)
			PROPERTY(one.bid[k] != one.bid[i]);
	}
	return 0;
}
