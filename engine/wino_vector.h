/* SPDX-License-Identifier: MIT
 * Vectors of 16 floats for the Winograd kernels: one register with AVX-512,
 * several elsewhere.  Loads and stores are macros because a function that
 * returns such a vector has another ABI on each processor.
 */
#ifndef ENGINE_WINO_VECTOR_H
#define ENGINE_WINO_VECTOR_H

#include "base/base.h"

#define WINO_LANES 16

typedef float wino_vec __attribute__((vector_size(64), aligned(4), may_alias));
typedef int wino_mask __attribute__((vector_size(64), aligned(4), may_alias));

#define WINO_LOAD(p)     (*(const wino_vec *)(p))
#define WINO_STORE(p, v) (*(wino_vec *)(p) = (v))

#define WINO_INLINE static inline __attribute__((always_inline))

/* Channels of a transformed row, which is padded to whole vectors. */
static inline size_t
wino_round(size_t channels)
{
	return (channels + WINO_LANES - 1) / WINO_LANES * WINO_LANES;
}

#endif
