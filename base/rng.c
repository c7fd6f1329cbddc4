/* SPDX-License-Identifier: MIT */
#include "base/rng.h"

#include <math.h>

static uint64_t
splitmix(uint64_t *x)
{
	uint64_t z = (*x += 0x9e3779b97f4a7c15U);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
	z = (z ^ z >> 27) * 0x94d049bb133111ebU;
	return z ^ z >> 31;
}

void
rng_init(struct rng *r, uint64_t seed, uint64_t stream)
{
	uint64_t x = seed, y = stream;

	x = splitmix(&x) ^ splitmix(&y) * 0x9e3779b97f4a7c15U;
	for (size_t i = 0; i < 4; i++)
		r->s[i] = splitmix(&x);
}

static uint64_t
rotl(uint64_t v, unsigned k)
{
	return v << k | v >> (64 - k);
}

uint64_t
rng_u64(struct rng *r)
{
	uint64_t *s = r->s, v = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return v;
}

uint64_t
rng_below(struct rng *r, uint64_t n)
{
	uint64_t limit = UINT64_MAX - UINT64_MAX % n, v;

	do
		v = rng_u64(r);
	while (v >= limit);
	return v % n;
}

float
rng_float(struct rng *r)
{
	return (float)(rng_u64(r) >> 40) * 0x1p-24f;
}

float
rng_normal(struct rng *r)
{
	double u, v, q;

	do {
		u = 2.0 * (double)(rng_u64(r) >> 11) * 0x1p-53 - 1.0;
		v = 2.0 * (double)(rng_u64(r) >> 11) * 0x1p-53 - 1.0;
		q = u * u + v * v;
	} while (q >= 1.0 || q == 0.0);
	return (float)(u * sqrt(-2.0 * log(q) / q));
}

void
rng_shuffle(struct rng *r, uint32_t *index, size_t n)
{
	for (size_t i = n; i > 1; i--) {
		size_t k = rng_below(r, i);
		uint32_t t = index[i - 1];

		index[i - 1] = index[k];
		index[k] = t;
	}
}
