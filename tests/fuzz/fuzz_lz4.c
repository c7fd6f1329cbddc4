/* SPDX-License-Identifier: MIT
 * LZ4: no more comes out than its blocks may hold, twice the same, and what
 * is whole is no longer whole without its last byte.
 */
#include "tests/fuzz/fuzz.h"

#include "formats/lz4.h"
#include "formats/lz4_sum.h"

#define MOST ((uint64_t)1 << 26)

struct seen {
	struct lz4_sum sum;
	uint64_t skipped;
};

static bool
take(void *ctx, const uint8_t *p, size_t n)
{
	struct seen *s = ctx;

	PROPERTY(n != 0 && n <= (size_t)8 << 20);
	lz4_sum_add(&s->sum, p, n);
	return s->sum.len < MOST;
}

static void
skipped(void *ctx, struct rd r)
{
	((struct seen *)ctx)->skipped += r.len;
}

static enum lz4_end
look(const uint8_t *data, size_t len, struct seen *s, size_t *used)
{
	struct arena a;
	struct lz4 z = {.take = take, .skip = skipped, .ctx = s, .arena = &a};
	enum lz4_end end;

	*s = (struct seen){0};
	lz4_sum_init(&s->sum);
	arena_init(&a, (size_t)33 << 20);
	end = lz4_read(&z, rd_mem(data, len));
	arena_release(&a);
	*used = z.used;
	PROPERTY(*used <= len && s->skipped <= len);
	/* a byte of length adds 255 at most, and a frame its header */
	PROPERTY(s->sum.len <= 255 * (uint64_t)len);
	return end;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct seen one, two;
	size_t used, again;
	enum lz4_end end = look(data, len, &one, &used);

	PROPERTY(look(data, len, &two, &again) == end && again == used);
	PROPERTY(lz4_sum_end(&one.sum) == lz4_sum_end(&two.sum));
	if (end != LZ4_WHOLE || used == 0)
		return 0;
	/* its end alone says the same; a legacy frame ends anywhere */
	PROPERTY(look(data, used, &two, &again) == end && again == used);
	PROPERTY(lz4_sum_end(&one.sum) == lz4_sum_end(&two.sum));
	return 0;
}
