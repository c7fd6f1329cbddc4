/* SPDX-License-Identifier: MIT */
#include "audit/check_weight_compare.h"

#include "base/map.h"

#include <math.h>

#define SOME  16  /* changed numbers that say something */
#define HUGE_ 8.0 /* times the tensor's root mean square */

struct change {
	uint64_t n, changed, rows, rows_changed;
	uint64_t first_row;
	uint64_t differ;  /* bits that do, of any number */
	uint64_t rounded; /* changed numbers whose low bits are 0 now */
	double most, rms; /* largest difference; of the reference */
};

static uint64_t
bits_of(const struct tensor *t, uint64_t i, size_t width)
{
	uint64_t v = 0;

	memcpy(&v, t->data + i * width, width);
	return v;
}

static bool
same_shape(const struct tensor *a, const struct tensor *b)
{
	return a->dtype == b->dtype && a->rank == b->rank &&
	       a->size == b->size &&
	       memcmp(a->dim, b->dim, a->rank * sizeof(a->dim[0])) == 0;
}

static void
measure(const struct tensor *t, const struct tensor *r, struct change *c)
{
	size_t width = dtype_width(t->dtype);
	uint64_t cols, last = UINT64_MAX;

	*c = (struct change){.n = t->size / width, .rows = 1};
	if (t->rank > 1)
		c->rows = MAX(t->dim[0], (uint64_t)1);
	cols = MAX(c->n / c->rows, (uint64_t)1);
	for (uint64_t i = 0; i < c->n; i++) {
		uint64_t a = bits_of(t, i, width), b = bits_of(r, i, width);
		double was = tensor_real(r, i), d;

		c->rms += isfinite(was) ? was * was : 0;
		if (a == b)
			continue;
		c->changed++;
		c->differ |= a ^ b;
		c->rounded += (a & 0xff) == 0 ? 1 : 0;
		d = fabs(tensor_real(t, i) - was);
		c->most = isnan(d) ? (double)INFINITY : MAX(c->most, d);
		if (i / cols == last)
			continue;
		if (c->rows_changed++ == 0)
			c->first_row = i / cols;
		last = i / cols;
	}
	c->rms = sqrt(c->rms / (double)MAX(c->n, (uint64_t)1));
}

/* Low bits that a payload may use and rounding would carry beyond. */
static unsigned
low_bits(enum dtype d)
{
	switch (d) {
	case DTYPE_F32:
		return 16;
	case DTYPE_F64:
		return 45;
	case DTYPE_F16:
		return 8;
	case DTYPE_BF16:
	case DTYPE_I8:
	case DTYPE_U8:
		return 4;
	case DTYPE_I64:
	case DTYPE_I32:
	case DTYPE_I16:
	case DTYPE_BOOL:
	case DTYPE_COUNT:
		break;
	}
	return 0;
}

static bool
only_low(const struct tensor *t, const struct change *c)
{
	return c->changed >= SOME && c->differ >> low_bits(t->dtype) == 0 &&
	       c->rounded < c->changed / 2 + 1;
}

static void
say(const struct check_file *f, const struct tensor *t, const struct change *c)
{
	unsigned bits =
	    c->differ != 0 ? 64 - (unsigned)__builtin_clzll(c->differ) : 0;

	if (only_low(t, c))
		check_find_tensor(f, FINDING_REFERENCE_LOWBITS, t->name,
		    "the low %u bits of %" PRIu64 " of %" PRIu64
		    " numbers, no others",
		    bits, c->changed, c->n);
	else if (c->rows >= 8 && c->rows_changed <= MAX(c->rows / 20, 1U) &&
		 c->changed >= SOME)
		check_find_tensor(f, FINDING_REFERENCE_CHANNEL, t->name,
		    "%" PRIu64 " of %" PRIu64
		    " channels, the first is %" PRIu64,
		    c->rows_changed, c->rows, c->first_row);
	else if (c->changed <= c->n / 100 + 1 && c->most > HUGE_ * c->rms)
		check_find_tensor(f, FINDING_REFERENCE_VALUES, t->name,
		    "%" PRIu64 " of %" PRIu64 " numbers, by up to %.3g",
		    c->changed, c->n, c->most);
}

static void
sum_up(const struct check_file *f, size_t matched, size_t same, size_t alone,
    const struct check_weight_list *r)
{
	if (matched == 0)
		check_short(f, FINDING_REFERENCE_TENSORS, ERR_NOWHERE,
		    "no tensor has the name and shape of one of the "
		    "reference's");
	else if (alone != 0 || matched != r->n)
		check_find(f, FINDING_REFERENCE_TENSORS, ERR_NOWHERE,
		    "%zu are in both, %zu only here, %zu only in the "
		    "reference",
		    matched, alone, r->n - MIN(matched, r->n));
	if (matched != same)
		check_find(f, FINDING_REFERENCE_CHANGED, ERR_NOWHERE,
		    "%zu of %zu tensors", matched - same, matched);
}

void
check_weight_compare(const struct check_file *f,
    const struct check_weight_list *l, const struct check_weight_list *r)
{
	size_t matched = 0, same = 0, alone = 0;
	struct arena a;
	struct map by_name;

	arena_init(&a, (size_t)1 << 28);
	map_init(&by_name, &a);
	for (size_t i = 0; i < r->n; i++)
		if (map_put(&by_name, r->tensor[i].name, i) < 0)
			break;
	for (size_t i = 0; i < l->n; i++) {
		const struct tensor *t = &l->tensor[i];
		size_t k = map_get(&by_name, t->name);
		struct change c;

		if (k == SIZE_MAX || !same_shape(t, &r->tensor[k])) {
			alone++;
			continue;
		}
		matched++;
		measure(t, &r->tensor[k], &c);
		if (c.changed == 0)
			same++;
		else
			say(f, t, &c);
	}
	sum_up(f, matched, same, alone, r);
	arena_release(&a);
}
