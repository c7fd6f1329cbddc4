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

/*
 * In front of a loop of constantly many rounds.  Where speed does not matter,
 * and clang would take minutes over the sanitizers' checks, it does nothing.
 */
#if defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define WINO_PRAGMA(x) _Pragma(#x)
#define WINO_UNROLL(n) WINO_PRAGMA(GCC unroll n)
#else
#define WINO_UNROLL(n)
#endif

#define WINO_INLINE static inline __attribute__((always_inline))

/* Channels of a transformed row, which is padded to whole vectors. */
static inline size_t
wino_round(size_t channels)
{
	return (channels + WINO_LANES - 1) / WINO_LANES * WINO_LANES;
}

#endif
