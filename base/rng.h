/* SPDX-License-Identifier: MIT
 * Random numbers that are the same everywhere: xoshiro256** (Blackman and
 * Vigna, ACM TOMS 2021), seeded by splitmix64 from (seed, stream), so that
 * every use has a stream of its own and order between uses does not matter.
 */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include "base/base.h"

struct rng {
	uint64_t s[4];
};

void rng_init(struct rng *, uint64_t seed, uint64_t stream);
uint64_t rng_u64(struct rng *);
/* Uniform in [0, n), without bias; n > 0. */
uint64_t rng_below(struct rng *, uint64_t n);
/* Uniform in [0, 1), 24 bits. */
float rng_float(struct rng *);
/* Standard normal (Marsaglia's polar method). */
float rng_normal(struct rng *);
/* A uniformly random order of index[0..n). */
void rng_shuffle(struct rng *, uint32_t *index, size_t n);

#endif
