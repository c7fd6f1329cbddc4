/* SPDX-License-Identifier: MIT */
#include "audit/check_weight_stat.h"

#include "base/le.h"
#include "engine/vector.h"

#include <math.h>

#define LEAST    1024 /* elements that can say something */
#define SLOTS    (2 * CHECK_WEIGHT_BLOCK)
#define LIMIT_32 0.5 /* audit/INSPECT.md has what they rest on */
#define LIMIT_16 4.0

static void
histogram(const uint8_t *p, size_t n, uint32_t out[256])
{
	uint32_t count[4][256] = {{0}};
	size_t i;

	for (i = 0; i + 4 <= n; i += 4)
		for (size_t k = 0; k < 4; k++)
			count[k][p[i + k]]++;
	for (; i < n; i++)
		count[0][p[i]]++;
	for (i = 0; i < 256; i++)
		out[i] = count[0][i] + count[1][i] + count[2][i] + count[3][i];
}

/*
 * What each byte should come to when the elements are independent.  They need
 * not be uniform: a multiple of 4/3 is never 2 modulo 4.  So bytes of packed
 * bits are products of what the bits of one element show; of the low byte the
 * low four bits may be as they like.
 */
static void
expect(const uint32_t seen[256], unsigned bits, double out[256])
{
	unsigned part = bits == 8 ? 4 : bits, mask = (1U << part) - 1;
	double half[16] = {0}, share[16] = {0}, all = 0;

	for (unsigned b = 0; b < 256; b++) {
		half[b & 15] += seen[b];
		half[b >> 4] += bits == 8 ? 0 : seen[b];
	}
	for (unsigned h = 0; h < 16; h++)
		for (unsigned at = 0; at < 4; at += part) {
			share[h >> at & mask] += half[h];
			all += half[h];
		}
	for (unsigned h = 0; h < 16; h++) {
		half[h] = 1.0;
		for (unsigned at = 0; at < 4; at += part)
			half[h] *= share[h >> at & mask] / all;
	}
	for (unsigned b = 0; b < 256; b++)
		out[b] = half[b & 15] * (bits == 8 ? 1.0 / 16 : half[b >> 4]);
}

/* Pearson's statistic beyond its mean, for each byte. */
static double
excess(const uint8_t *p, size_t n, unsigned bits)
{
	uint32_t seen[256];
	double want[256], sum = 0;

	if (n == 0)
		return 0;
	histogram(p, n, seen);
	expect(seen, bits, want);
	for (size_t i = 0; i < 256; i++) {
		double e = want[i] * (double)n, d = seen[i] - e;

		if (e > 0)
			sum += d * d / MAX(e, 0.5);
	}
	return (sum - 255) / (double)n;
}

static bool
is_float(enum dtype d)
{
	return d <= DTYPE_BF16;
}

double
check_weight_stat_block(enum dtype d, const struct check_weight_block *b)
{
	static const unsigned packs[] = {1, 2, 4};
	uint8_t out[ARRAY_LEN(b->low)];
	double worst = 0;

	if (!is_float(d) || b->n < LEAST)
		return 0;
	/* the low byte of a bf16 has an exponent's bit and skewed ones */
	if (d != DTYPE_BF16)
		worst = excess(b->low, b->n, 8);
	for (size_t i = 0; i < ARRAY_LEN(packs); i++) {
		size_t n;

		if (d == DTYPE_BF16 && packs[i] == 4)
			break;
		(void)check_weight_cut_take(b, packs[i], true, out);
		n = b->n / 8 * packs[i];
		worst = MAX(worst, excess(out, n, packs[i]));
	}
	return worst;
}

double
check_weight_stat_limit(enum dtype d)
{
	return d == DTYPE_F32 || d == DTYPE_F64 ? LIMIT_32 : LIMIT_16;
}

/* --- honest causes ------------------------------------------------------- */

/* The multiple of a power of ten that is nearest, where one is that near by
 * chance only once in fifty times. */
static bool
decimal(double v, double ulp)
{
	double a = fabs(v), ten = 1;

	for (int d = 0; d <= 8; d++, ten *= 10) {
		if (a * ulp * ten > 0.02)
			return false;
		if (fabs(a * ten - rint(a * ten)) <= a * ten * ulp)
			return true;
	}
	return false;
}

/* Whether a value was there; SLOTS is twice what may come. */
static bool
again(uint64_t *set, uint64_t v)
{
	size_t i = (size_t)(v * 0x9e3779b97f4a7c15U >> 50) % SLOTS;

	while (set[i] != 0 && set[i] != v + 1)
		i = (i + 1) % SLOTS;
	if (set[i] == v + 1)
		return true;
	set[i] = v + 1;
	return false;
}

static uint64_t
bits_of(const struct tensor *t, uint64_t i)
{
	size_t width = dtype_width(t->dtype);

	return le_get(t->data + i * width, width);
}

/* Element i says something about low bits. */
static bool
telling(const struct tensor *t, uint64_t i, uint64_t bits, unsigned shift)
{
	double ulp = t->dtype == DTYPE_F64 ? 0x1p-53 : 0x1p-24, v;

	if ((bits >> shift & 0xff) == 0)
		return false;
	v = tensor_real(t, i);
	if (!isfinite(v))
		return false;
	return (t->dtype != DTYPE_F32 && t->dtype != DTYPE_F64) ||
	       !decimal(v, ulp);
}

/* A scale times q, -q and 2q: their mantissas are the same. */
static uint64_t
kind_of(enum dtype d)
{
	return d == DTYPE_F32   ? 0x7fffff
	       : d == DTYPE_F64 ? 0xfffffffffffff
				: 0x7fff;
}

size_t
check_weight_stat_distinct(const struct tensor *t, uint64_t first, size_t n)
{
	uint64_t set[SLOTS] = {0}, total = t->size / dtype_width(t->dtype);
	size_t distinct = 0;

	n = MIN(n, (size_t)CHECK_WEIGHT_BLOCK);
	for (uint64_t i = first; i < total && i < first + n; i++)
		distinct +=
		    again(set, bits_of(t, i) & kind_of(t->dtype)) ? 0 : 1;
	return distinct;
}

double
check_weight_stat_rest(const struct tensor *t, uint64_t first, unsigned shift)
{
	uint64_t set[SLOTS] = {0}, total = t->size / dtype_width(t->dtype);
	struct check_weight_block b;
	size_t n = (size_t)MIN(total - first, (uint64_t)CHECK_WEIGHT_BLOCK);
	bool wide = t->dtype == DTYPE_F32 || t->dtype == DTYPE_F64;
	size_t fresh = 0;

	b.n = 0;
	for (size_t i = 0; i < n; i++) {
		uint64_t v = bits_of(t, first + i);
		bool old;

		if (!telling(t, first + i, v, shift))
			continue;
		old = again(set, v & kind_of(t->dtype));
		fresh += old ? 0 : 1;
		/* halves are few: the same one comes again by chance */
		if (old && wide)
			continue;
		b.v[b.n] = (uint32_t)(v >> shift);
		b.low[b.n] = (uint8_t)b.v[b.n];
		b.n++;
	}
	b.have = b.n;
	if (fresh < LEAST || (wide && 2 * fresh < n && shift == 0))
		return 0;
	return check_weight_stat_block(t->dtype, &b);
}

/* --- text ---------------------------------------------------------------- */

/* 0 or 1.  Without a branch: of random bytes, nobody foretells which way it
 * goes. */
static unsigned
is_text(uint8_t c)
{
	return (unsigned)((uint8_t)(c - ' ') < 0x7f - ' ') |
	       (unsigned)(c == '\n') | (unsigned)(c == '\t') |
	       (unsigned)(c == '\r');
}

/* Letters, many of them, in no regular order: 64 of them are 88 bits. */
static bool
wordy(const uint8_t *p, size_t n)
{
	bool seen[256] = {0}, step[256] = {0};
	size_t chars = 0, steps = 0, letters = 0;

	for (size_t i = 0; i < n; i++) {
		uint8_t d = (uint8_t)(p[i] - p[i != 0 ? i - 1 : 0]);

		chars += seen[p[i]] ? 0 : 1;
		steps += step[d] ? 0 : 1;
		seen[p[i]] = step[d] = true;
		letters += (p[i] | 32) >= 'a' && (p[i] | 32) <= 'z' ? 1 : 0;
	}
	return chars >= 12 && steps >= 16 && 2 * letters >= n;
}

size_t
check_weight_stat_text(const uint8_t *p, size_t len, size_t least, size_t *run)
{
	size_t i = 0;

	/* a run has one of every `least` / 2 places in it, and the next */
	for (i = least / 2; i < len; i += least / 2) {
		size_t from = i, to = i;
		uint64_t before;

		/* no character of text has the highest bit */
		memcpy(&before, p + i - 7, 8);
		if ((before & 0x8080808080808080U) != 0)
			continue;
		if ((is_text(p[i]) & is_text(p[i - least / 8]) &
			is_text(p[i - least / 4]) &
			is_text(p[i - least / 3])) == 0)
			continue;
		while (from > 0 && is_text(p[from - 1]) != 0)
			from--;
		while (to < len && is_text(p[to]) != 0)
			to++;
		*run = to - from;
		if (*run >= least && wordy(p + from, *run))
			return from;
		i = MAX(i, to);
	}
	return len;
}

/* --- conversions --------------------------------------------------------- */

struct below {
	uint64_t zero, empty; /* numbers; those that have nothing below */
};

VECTOR static void
count_32(const uint8_t *p, uint64_t n, uint32_t mask, struct below *b)
{
	uint32_t zero = 0, empty = 0;

	for (uint64_t i = 0; i < n; i++) {
		uint32_t v;

		memcpy(&v, p + 4 * i, 4);
		zero += v << 1 == 0 ? 1 : 0;
		empty += (v & mask) == 0 ? 1 : 0;
	}
	b->zero += zero;
	b->empty += empty;
}

VECTOR static void
count_64(const uint8_t *p, uint64_t n, uint64_t mask, struct below *b)
{
	for (uint64_t i = 0; i < n; i++) {
		uint64_t v;

		memcpy(&v, p + 8 * i, 8);
		b->zero += v << 1 == 0 ? 1 : 0;
		b->empty += (v & mask) == 0 ? 1 : 0;
	}
}

/* Nearly all numbers that are not 0 have nothing in their low bits: those that
 * have are at most a quarter, which most tensors have soon.  *rest: they. */
static bool
empty_below(const struct tensor *t, unsigned shift, uint64_t *rest)
{
	size_t width = dtype_width(t->dtype);
	uint64_t n = t->size / width, nonzero;
	uint64_t mask = ((uint64_t)1 << shift) - 1;
	struct below b = {0};

	for (uint64_t i = 0; i < n; i += CHECK_WEIGHT_BLOCK) {
		const uint8_t *p = t->data + i * width;
		uint64_t some = MIN(n - i, (uint64_t)CHECK_WEIGHT_BLOCK);

		if (width == 4)
			count_32(p, some, (uint32_t)mask, &b);
		else
			count_64(p, some, mask, &b);
		if (i + some - b.empty > n / 4 + 1)
			return false;
	}
	nonzero = n - b.zero;
	*rest = n - b.empty;
	return nonzero != 0 && *rest <= nonzero / 4;
}

unsigned
check_weight_stat_shift(const struct tensor *t, uint64_t *rest)
{
	static const unsigned narrow[] = {16, 13}, wide[] = {45, 42, 29};
	const unsigned *of = t->dtype == DTYPE_F32 ? narrow : wide;
	size_t n = t->dtype == DTYPE_F32 ? ARRAY_LEN(narrow) : ARRAY_LEN(wide);

	*rest = 0;
	if (t->dtype != DTYPE_F32 && t->dtype != DTYPE_F64)
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (empty_below(t, of[i], rest))
			return of[i];
		*rest = 0;
	}
	return 0;
}

/* --- no numbers at all --------------------------------------------------- */

struct layout {
	unsigned mantissa, exponent; /* bits */
	unsigned least;              /* the exponent that no weight has */
	unsigned kinds, spread;      /* of exponents beyond it: large numbers of
				      * physics have a scale, bytes have none */
};

static const struct layout layouts[] = {
    [DTYPE_F32] = {23, 8, 127 + 40, 12, 40},
    [DTYPE_F64] = {52, 11, 1023 + 40, 12, 256},
    [DTYPE_F16] = {10, 5, 15 + 11, 4, 3},
    [DTYPE_BF16] = {7, 8, 127 + 40, 12, 40},
};

/* Quickly, that no float is beyond: the case of all honest files. */
VECTOR static bool
all_small(const struct tensor *t, uint64_t first, size_t n)
{
	const uint8_t *p = t->data + 4 * first;
	uint32_t most = 0;

	for (size_t i = 0; i < n; i++) {
		uint32_t v;

		memcpy(&v, p + 4 * i, 4);
		most = MAX(most, v & 0x7fffffff);
	}
	return most >> 23 < layouts[DTYPE_F32].least;
}

uint64_t
check_weight_stat_alien(const struct tensor *t, uint64_t first, size_t n)
{
	const struct layout *l;
	uint32_t seen[2048] = {0};
	uint64_t beyond = 0;
	unsigned kinds = 0, lowest = 0, highest = 0;

	if (!is_float(t->dtype) ||
	    (t->dtype == DTYPE_F32 && all_small(t, first, n)))
		return 0;
	l = &layouts[t->dtype];
	for (size_t i = 0; i < n; i++) {
		unsigned e = (unsigned)(bits_of(t, first + i) >> l->mantissa) &
			     ((1U << l->exponent) - 1);

		seen[e]++;
	}
	for (unsigned e = l->least; e < 1U << l->exponent; e++) {
		if (seen[e] == 0)
			continue;
		lowest = kinds == 0 ? e : lowest;
		highest = e;
		kinds++;
		beyond += seen[e];
	}
	return kinds >= l->kinds && highest - lowest >= l->spread ? beyond : 0;
}

bool
check_weight_stat_octaves(const struct tensor *t, uint64_t first, size_t n)
{
	size_t minus = 0, upper = 0;
	uint32_t v, of = 0;

	if (t->dtype != DTYPE_F32 || n < 1024)
		return false;
	for (size_t i = 0; i < n; i++) {
		memcpy(&v, t->data + 4 * (first + i), 4);
		of = i == 0 ? v : of;
		if (((v ^ of) & 0x7f000000) != 0)
			return false;
		minus += v >> 31;
		upper += v >> 23 & 1;
	}
	return 4 * MIN(minus, n - minus) >= n &&
	       4 * MIN(upper, n - upper) >= n &&
	       check_weight_stat_distinct(t, first, n) > n / 2;
}

size_t
check_weight_stat_capitals(const uint8_t *p, size_t n)
{
	bool seen[26] = {false};
	size_t different = 0;

	for (size_t i = 0; i < n; i++) {
		if (p[i] < 'A' || p[i] > 'Z')
			return 0;
		different += !seen[p[i] - 'A'];
		seen[p[i] - 'A'] = true;
	}
	return different;
}
