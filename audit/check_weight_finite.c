/* SPDX-License-Identifier: MIT */
#include "audit/check_weight_finite.h"

#include "engine/vector.h"

#include <math.h>

/* Whether any of n elements has all bits of the exponent set; of some at once,
 * without a branch for each. */
#define ANY(name, type)                                                        \
	VECTOR static bool name(const uint8_t *p, size_t n, type mask)         \
	{                                                                      \
		type any = 0;                                                  \
                                                                               \
		for (size_t i = 0; i < n; i++) {                               \
			type v;                                                \
                                                                               \
			memcpy(&v, p + i * sizeof(v), sizeof(v));              \
			any |= (type)((v & mask) == mask);                     \
		}                                                              \
		return any != 0;                                               \
	}

ANY(any_16, uint16_t)
ANY(any_32, uint32_t)
ANY(any_64, uint64_t)

static bool
any_special(const struct tensor *t)
{
	size_t n = t->size / dtype_width(t->dtype);

	if (t->dtype == DTYPE_F32)
		return any_32(t->data, n, 0x7f800000);
	if (t->dtype == DTYPE_F64)
		return any_64(t->data, n, 0x7ff0000000000000);
	return any_16(t->data, n, t->dtype == DTYPE_F16 ? 0x7c00 : 0x7f80);
}

struct count {
	uint64_t n, nan, above, below;
	uint64_t kinds; /* of other numbers but 0: 0, 1, or 2 and more */
	double one;
};

static void
count(const struct tensor *t, struct count *c)
{
	*c = (struct count){.n = t->size / dtype_width(t->dtype)};
	for (uint64_t i = 0; i < c->n; i++) {
		double v = tensor_real(t, i);

		if (isnan(v)) {
			c->nan++;
		} else if (isinf(v)) {
			c->above += v > 0 ? 1 : 0;
			c->below += v < 0 ? 1 : 0;
		} else if (v != 0.0 && v != c->one) {
			c->kinds++;
			c->one = v;
		}
	}
}

/*
 * What is added to the scores of attention, so that some places have no
 * weight: minus infinity, and nothing (or one number) elsewhere, or distances
 * in one triangle (ALiBi).  And the one number that a Clip or a Where of a
 * graph takes.
 */
static bool
is_constant(const struct count *c)
{
	if (c->nan != 0)
		return false;
	if (c->n == 1)
		return true;
	return c->above == 0 && (c->kinds <= 1 || 4 * c->below >= c->n);
}

void
check_weight_finite(const struct check_file *f, const struct tensor *t)
{
	bool data = check_is(f, "npy");
	struct count c;

	if (t->dtype > DTYPE_BF16 || !any_special(t))
		return;
	count(t, &c);
	if (is_constant(&c))
		return;
	/* an array by itself may be a table, where NaN is what is missing */
	check_find_tensor(f,
	    data ? FINDING_ARRAY_NONFINITE : FINDING_TENSOR_NONFINITE, t->name,
	    "%" PRIu64 " of its %" PRIu64 " numbers (%" PRIu64 " NaN)",
	    c.nan + c.above + c.below, c.n, c.nan);
}
