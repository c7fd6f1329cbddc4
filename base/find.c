/* SPDX-License-Identifier: MIT */
#include "base/find.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define WIDE  __attribute__((target("avx2")))
#define WIDER __attribute__((target("avx512bw")))
#include <immintrin.h>
#endif

void
find_add(struct find *f, unsigned bucket, const void *start, size_t n)
{
	const uint8_t *p = start;
	uint8_t bit = (uint8_t)(1U << bucket % FIND_BUCKETS);

	for (size_t i = 0; i < FIND_BYTES; i++) {
		if (i < n) {
			f->low[i][p[i] & 15] |= bit;
			f->high[i][p[i] >> 4] |= bit;
			continue;
		}
		/* any byte */
		for (unsigned k = 0; k < 16; k++) {
			f->low[i][k] |= bit;
			f->high[i][k] |= bit;
		}
	}
}

/* One place after the other. */
static size_t
next_slow(const struct find *f, const uint8_t *p, size_t i, size_t len)
{
	for (; i + FIND_BYTES <= len; i++) {
		unsigned buckets = 0xff;

		for (size_t k = 0; k < FIND_BYTES; k++)
			buckets &= f->low[k][p[i + k] & 15] &
				   f->high[k][p[i + k] >> 4];
		if (buckets != 0)
			return i;
	}
	return len;
}

#ifdef WIDE
#define LANES 32

/* A table of 16 bytes, in both halves of a vector. */
WIDE static inline __m256i
table(const uint8_t *p)
{
	return _mm256_broadcastsi128_si256(
	    _mm_loadu_si128((const __m128i *)(const void *)p));
}

/* The buckets that have the byte at each of 32 places. */
WIDE static inline __m256i
buckets_of(const uint8_t *p, __m256i low, __m256i high)
{
	__m256i half = _mm256_set1_epi8(15);
	__m256i v = _mm256_loadu_si256((const __m256i *)(const void *)p);
	__m256i up = _mm256_and_si256(_mm256_srli_epi16(v, 4), half);

	return _mm256_and_si256(
	    _mm256_shuffle_epi8(low, _mm256_and_si256(v, half)),
	    _mm256_shuffle_epi8(high, up));
}

WIDE static size_t
next_wide(const struct find *f, const uint8_t *p, size_t i, size_t len)
{
	const __m256i l0 = table(f->low[0]), h0 = table(f->high[0]);
	const __m256i l1 = table(f->low[1]), h1 = table(f->high[1]);
	const __m256i l2 = table(f->low[2]), h2 = table(f->high[2]);
	const __m256i none = _mm256_setzero_si256();

	for (; i + LANES + FIND_BYTES - 1 <= len; i += LANES) {
		__m256i v = buckets_of(p + i, l0, h0);
		unsigned not_here;

		v = _mm256_and_si256(v, buckets_of(p + i + 1, l1, h1));
		v = _mm256_and_si256(v, buckets_of(p + i + 2, l2, h2));
		not_here =
		    (unsigned)_mm256_movemask_epi8(_mm256_cmpeq_epi8(v, none));
		if (not_here != UINT32_MAX)
			return i + (size_t)__builtin_ctz(~not_here);
	}
	return next_slow(f, p, i, len);
}

/* The same with vectors of 64. */
WIDER static inline __m512i
table_64(const uint8_t *p)
{
	return _mm512_broadcast_i32x4(
	    _mm_loadu_si128((const __m128i *)(const void *)p));
}

WIDER static inline __m512i
buckets_of_64(const uint8_t *p, __m512i low, __m512i high)
{
	__m512i half = _mm512_set1_epi8(15);
	__m512i v = _mm512_loadu_si512(p);
	__m512i up = _mm512_and_si512(_mm512_srli_epi16(v, 4), half);

	return _mm512_and_si512(
	    _mm512_shuffle_epi8(low, _mm512_and_si512(v, half)),
	    _mm512_shuffle_epi8(high, up));
}

WIDER static size_t
next_wider(const struct find *f, const uint8_t *p, size_t i, size_t len)
{
	const __m512i l0 = table_64(f->low[0]), h0 = table_64(f->high[0]);
	const __m512i l1 = table_64(f->low[1]), h1 = table_64(f->high[1]);
	const __m512i l2 = table_64(f->low[2]), h2 = table_64(f->high[2]);

	for (; i + 2 * LANES + FIND_BYTES - 1 <= len; i += 2 * LANES) {
		__m512i v = buckets_of_64(p + i, l0, h0);
		uint64_t here;

		v = _mm512_and_si512(v, buckets_of_64(p + i + 1, l1, h1));
		v = _mm512_and_si512(v, buckets_of_64(p + i + 2, l2, h2));
		if ((here = _mm512_test_epi8_mask(v, v)) != 0)
			return i + (size_t)__builtin_ctzll(here);
	}
	return next_wide(f, p, i, len);
}
#endif

size_t
find_next(const struct find *f, const uint8_t *p, size_t from, size_t len)
{
#ifdef WIDE
	if (__builtin_cpu_supports("avx512bw"))
		return next_wider(f, p, from, len);
	if (__builtin_cpu_supports("avx2"))
		return next_wide(f, p, from, len);
#endif
	return next_slow(f, p, from, len);
}
