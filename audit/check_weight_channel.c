/* SPDX-License-Identifier: MIT */
#include "audit/check_weight_channel.h"

#include "audit/check_weight_head.h"
#include "base/arena.h"
#include "base/map.h"
#include "engine/vector.h"

#include <math.h>

#define LANES  4     /* that do not wait for one another */
#define ROWS   65536 /* channels of a layer, classes */
#define COLS   4     /* numbers of a channel that can tell it from others */
#define FEW    8     /* channels whose norms have a spread */
#define FAR    12.0  /* spreads (of the logarithm) from the median */
#define ABSURD 0x1p40

struct rows {
	uint64_t n, cols;
	double *norm; /* sum of squares */
	uint64_t dead, copies, first_dead, first_copy, copy_of;
};

static uint64_t
hash(const uint8_t *p, size_t len)
{
	uint64_t h[LANES] = {0xcbf29ce484222325U, 0x84222325cbf29ce4U,
	    0x9fb21c651e98df25U, 0x1e98df259fb21c65U};
	size_t i;

	for (i = 0; i + 8 * LANES <= len; i += 8 * LANES)
		for (size_t k = 0; k < LANES; k++) {
			uint64_t v;

			memcpy(&v, p + i + 8 * k, 8);
			h[k] = (h[k] ^ v) * 0x9fb21c651e98df25U;
			h[k] ^= h[k] >> 29;
		}
	for (; i + 2 <= len; i += 2) {
		h[0] = (h[0] ^ p[i] ^ (uint64_t)p[i + 1] << 8) *
		       0x9fb21c651e98df25U;
		h[0] ^= h[0] >> 29;
	}
	for (size_t k = 1; k < LANES; k++) {
		h[0] = (h[0] ^ h[k]) * 0x9fb21c651e98df25U;
		h[0] ^= h[0] >> 29;
	}
	return h[0];
}

VECTOR static double
square_32(const uint8_t *p, uint64_t n)
{
	double sum[2 * LANES] = {0}, all = 0;
	uint64_t i;

	for (i = 0; i + ARRAY_LEN(sum) <= n; i += ARRAY_LEN(sum))
		for (size_t k = 0; k < ARRAY_LEN(sum); k++) {
			float v;

			memcpy(&v, p + 4 * (i + k), 4);
			sum[k] += (double)v * (double)v;
		}
	for (; i < n; i++) {
		float v;

		memcpy(&v, p + 4 * i, 4);
		all += (double)v * (double)v;
	}
	for (size_t k = 0; k < ARRAY_LEN(sum); k++)
		all += sum[k];
	return all;
}

static double
square(const struct tensor *t, uint64_t row, uint64_t cols)
{
	double sum = 0;

	if (t->dtype == DTYPE_F32)
		return square_32(t->data + row * cols * 4, cols);
	for (uint64_t i = 0; i < cols; i++) {
		double v = tensor_real(t, row * cols + i);

		sum += v * v;
	}
	return sum;
}

/* A channel with the bytes of an earlier one: found by hash, then compared. */
static void
compare_row(struct rows *r, struct map *seen, struct arena *a,
    const struct tensor *t, uint64_t i)
{
	size_t len = (size_t)r->cols * dtype_width(t->dtype), other;
	const uint8_t *p = t->data + i * len;
	char key[24];
	const char *k;

	snprintf(key, sizeof(key), "%" PRIx64, hash(p, len));
	other = map_get(seen, key);
	if (other == SIZE_MAX) {
		k = arena_strdup(a, key, strlen(key));
		if (k != NULL)
			(void)!map_put(seen, k, (size_t)i);
		return;
	}
	if (memcmp(p, t->data + other * len, len) != 0)
		return;
	if (r->copies++ == 0) {
		r->first_copy = i;
		r->copy_of = other;
	}
}

static int
order(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The largest channel, in spreads of the logarithm of all channels' norms. */
static double
outlier(const struct rows *r, struct arena *a, uint64_t *which)
{
	double *v = arena_alloc(a, r->n, sizeof(*v)), median, spread;
	size_t n = 0;

	for (uint64_t i = 0; v != NULL && i < r->n; i++)
		if (r->norm[i] > 0)
			v[n++] = log(r->norm[i]);
	if (n < FEW)
		return 0;
	qsort(v, n, sizeof(*v), order);
	median = v[n / 2];
	/* the upper half's quartile, no less than a tenth of a power of e */
	spread = MAX((v[n / 2 + n / 4] - median) / 0.6745, 0.1);
	for (uint64_t i = 0; i < r->n; i++)
		if (r->norm[i] > r->norm[*which])
			*which = i;
	return (v[n - 1] - median) / spread;
}

static void
say(const struct check_file *f, const struct tensor *t, const struct rows *r,
    double far, uint64_t which)
{
	if (r->dead != 0 && r->dead < r->n)
		check_find_tensor(f, FINDING_TENSOR_DEAD, t->name,
		    "%" PRIu64 " of %" PRIu64 ", the first is %" PRIu64,
		    r->dead, r->n, r->first_dead);
	if (r->copies != 0 && r->copies + r->dead + 1 < r->n)
		check_find_tensor(f, FINDING_TENSOR_DUPLICATE, t->name,
		    "%" PRIu64 " of %" PRIu64 ", the first is %" PRIu64
		    ", as %" PRIu64,
		    r->copies, r->n, r->first_copy, r->copy_of);
	if (far > FAR)
		check_find_tensor(f, FINDING_TENSOR_OUTLIER, t->name,
		    "channel %" PRIu64 " of %" PRIu64 ", %.0f spreads above "
		    "the median",
		    which, r->n, far);
}

static void
channels(const struct check_file *f, const struct tensor *t)
{
	struct rows r = {.n = t->dim[0]};
	struct arena a;
	struct map seen;
	uint64_t total, which = 0;

	if (!tensor_elements(t, &total) || r.n < 2 || r.n > ROWS ||
	    (r.cols = total / r.n) < COLS)
		return;
	arena_init(&a, (size_t)64 << 20);
	map_init(&seen, &a);
	r.norm = arena_alloc(&a, r.n, sizeof(*r.norm));
	for (uint64_t i = 0; r.norm != NULL && i < r.n; i++) {
		r.norm[i] = square(t, i, r.cols);
		if (r.norm[i] > 0)
			compare_row(&r, &seen, &a, t, i);
		else if (r.norm[i] == 0.0 && r.dead++ == 0)
			r.first_dead = i;
	}
	if (r.norm != NULL) {
		double far = outlier(&r, &a, &which);

		say(f, t, &r, far, which);
	}
	arena_release(&a);
}

VECTOR static bool
any_absurd(const struct tensor *t)
{
	uint32_t most = 0;

	for (size_t i = 0; i + 4 <= t->size; i += 4) {
		uint32_t v;

		memcpy(&v, t->data + i, 4);
		v &= 0x7fffffff;
		most = MAX(most, v);
	}
	return most >= 0x53800000; /* 2^40 */
}

/*
 * Finite numbers beyond any weight.  A mask has them too, but then few
 * different ones (0 and -1e30); weights are all different.
 */
static void
absurd(const struct check_file *f, const struct tensor *t)
{
	uint64_t n = t->size / dtype_width(t->dtype), beyond = 0, others = 0;
	double most = 0, one = 0;

	if (t->dtype == DTYPE_F16 || (t->dtype == DTYPE_F32 && !any_absurd(t)))
		return;
	/* doubles in an array by itself: a measurement, of whatever unit */
	if (t->dtype == DTYPE_F64 && check_is(f, "npy"))
		return;
	for (uint64_t i = 0; i < n; i++) {
		double v = fabs(tensor_real(t, i));

		if (v > ABSURD && isfinite(v)) {
			beyond++;
			most = MAX(most, v);
		} else if (v != 0.0 && v != 1.0 && v != one) {
			others++;
			one = v;
		}
	}
	/* no mask, which lets something through */
	if (beyond != 0 && (others >= 8 || (beyond == n && t->rank >= 2)))
		check_find_tensor(f, FINDING_TENSOR_MAGNITUDE, t->name,
		    "%" PRIu64 " of %" PRIu64 ", up to %.3g", beyond, n, most);
}

void
check_weight_channel(const struct check_file *f, const struct tensor *t)
{
	if (t->dtype > DTYPE_BF16 || t->stride != NULL)
		return;
	absurd(f, t);
	check_weight_head(f, t);
	if (t->rank >= 2)
		channels(f, t);
}
