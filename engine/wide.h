/* SPDX-License-Identifier: MIT
 * Vectors of 16 floats: one register with AVX-512,
 * several elsewhere.  Loads and stores are macros because a function that
 * returns such a vector has another ABI on each processor.
 */
#ifndef ENGINE_WIDE_H
#define ENGINE_WIDE_H

#include "base/base.h"

#define WIDE_LANES 16

typedef float wide_vec __attribute__((vector_size(64), aligned(4), may_alias));
typedef int wide_mask __attribute__((vector_size(64), aligned(4), may_alias));

#define WIDE_LOAD(p)     (*(const wide_vec *)(p))
#define WIDE_STORE(p, v) (*(wide_vec *)(p) = (v))

/*
 * In front of a loop of constantly many rounds.  Where speed does not matter,
 * and clang would take minutes over the sanitizers' checks, it does nothing.
 */
#if defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define WINO_PRAGMA(x) _Pragma(#x)
#define WIDE_UNROLL(n) WINO_PRAGMA(GCC unroll n)
#else
#define WIDE_UNROLL(n)
#endif

#define WIDE_INLINE static inline __attribute__((always_inline))

/* Channels of a transformed row, which is padded to whole vectors. */
static inline size_t
wide_round(size_t channels)
{
	return (channels + WIDE_LANES - 1) / WIDE_LANES * WIDE_LANES;
}

#endif
