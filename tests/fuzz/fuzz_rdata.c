/* SPDX-License-Identifier: MIT
 * R's objects: what is found lies within what was read, twice the same, and an
 * object in binary is no longer whole without its last byte.
 */
#include "tests/fuzz/fuzz.h"

#include "formats/rdata.h"

static void
symbol(void *ctx, struct slice s, uint64_t at)
{
	uint64_t *sum = ctx;

	*sum = *sum * 31 + s.len + at;
}

static int
look(const uint8_t *data, size_t len, struct rdata *d, uint64_t *sum,
    size_t *used)
{
	struct rd r = rd_mem(data, len);
	struct err e = {0};
	int rc;

	*sum = 0;
	*d = (struct rdata){.symbol = symbol, .ctx = sum};
	rc = rdata_read(d, &r, &e);
	*used = r.off;
	PROPERTY(r.off <= len);
	PROPERTY(rc == 0 || (e.msg[0] != '\0' && e.off <= len));
	for (size_t k = 0; k < RDATA_KINDS; k++)
		PROPERTY(d->at[k] == ERR_NOWHERE || d->at[k] < len);
	return rc;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rdata one, two;
	uint64_t sum, again;
	size_t used, other;
	int rc = look(data, len, &one, &sum, &used);

	PROPERTY(look(data, len, &two, &again, &other) == rc);
	PROPERTY(sum == again && used == other);
	PROPERTY(memcmp(one.at, two.at, sizeof(one.at)) == 0);
	/* the letters of save() say nothing about what follows */
	if (rc == 0 && data[data[0] == 'R' ? 5 : 0] != 'A')
		PROPERTY(look(data, used - 1, &two, &again, &other) != 0);
	return 0;
}
