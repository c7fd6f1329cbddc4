/* SPDX-License-Identifier: MIT */
#include "audit/check_weight_cut.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#endif

#define LANES 8 /* elements that are packed at once */

static uint64_t
element(const uint8_t *p, size_t width)
{
	uint64_t v = 0;

	memcpy(&v, p, width); /* little-endian, as all of formats/ assumes */
	return v;
}

/* --- blocks -------------------------------------------------------------- */

static void
load_32(const uint8_t *p, size_t n, unsigned shift, uint32_t *out)
{
	memcpy(out, p, n * sizeof(*out));
	for (size_t i = 0; i < n; i++)
		out[i] >>= shift;
}

static void
load_16(const uint8_t *p, size_t n, unsigned shift, uint32_t *out)
{
	for (size_t i = 0; i < n; i++) {
		uint16_t v;

		memcpy(&v, p + 2 * i, 2);
		out[i] = (uint32_t)v >> shift;
	}
}

static void
load_64(const uint8_t *p, size_t n, unsigned shift, uint32_t *out)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t v;

		memcpy(&v, p + 8 * i, 8);
		out[i] = (uint32_t)(v >> shift);
	}
}

static void
load_8(const uint8_t *p, size_t n, unsigned shift, uint32_t *out)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (uint32_t)p[i] >> shift;
}

/* A place in the cut of a row of tensors. */
struct place {
	const struct check_weight_list *l;
	size_t at, rank, width;
	uint64_t i, n; /* element, of that many */
	enum dtype dtype;
};

static bool
passes(const struct place *p, const struct tensor *t)
{
	return t->dtype == p->dtype && t->rank >= p->rank;
}

static bool
next(struct place *p, uint64_t *out)
{
	const struct tensor *t = &p->l->tensor[p->at];

	while (p->i >= p->n) {
		do {
			if (++p->at >= p->l->n)
				return false;
			t = &p->l->tensor[p->at];
		} while (!passes(p, t));
		p->i = 0;
		p->n = t->size / p->width;
	}
	*out = element(t->data + p->i * p->width, p->width);
	p->i++;
	return true;
}

static struct place
place_of(const struct check_weight_list *l, size_t at, size_t rank, uint64_t i)
{
	const struct tensor *t = &l->tensor[at];
	size_t width = dtype_width(t->dtype);

	return (struct place){l, at, rank, width, i, t->size / width, t->dtype};
}

void
check_weight_cut_load(const struct check_weight_list *l, size_t at, size_t rank,
    uint64_t first, unsigned shift, struct check_weight_block *b)
{
	const struct tensor *t = &l->tensor[at];
	size_t width = dtype_width(t->dtype), more;
	uint64_t left = t->size / width - first, v;
	const uint8_t *p = t->data + first * width;
	struct place ahead = place_of(l, at, rank, t->size / width);

	b->have = (size_t)MIN(left, (uint64_t)ARRAY_LEN(b->v));
	b->n = MIN(b->have, (size_t)CHECK_WEIGHT_BLOCK);
	if (width == 4)
		load_32(p, b->have, shift, b->v);
	else if (width == 2)
		load_16(p, b->have, shift, b->v);
	else if (width == 8)
		load_64(p, b->have, shift, b->v);
	else
		load_8(p, b->have, shift, b->v);
	more = b->n + CHECK_WEIGHT_AHEAD - b->have;
	while (more-- > 0 && next(&ahead, &v))
		b->v[b->have++] = (uint32_t)(v >> shift);
	for (size_t i = 0; i < b->have; i++)
		b->low[i] = (uint8_t)b->v[i];
}

/* --- whole bytes of each element ----------------------------------------- */

static void
take_16(const uint32_t *v, size_t n, bool high, uint8_t *out)
{
	for (size_t i = 0; i < n; i++) {
		uint16_t x = (uint16_t)v[i];

		if (high)
			x = (uint16_t)(x >> 8 | x << 8);
		memcpy(out + 2 * i, &x, 2);
	}
}

/* Of the four bytes that are written, three count. */
static void
take_24(const uint32_t *v, size_t n, bool high, uint8_t *out)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t x = high ? __builtin_bswap32(v[i] << 8) : v[i];

		memcpy(out + 3 * i, &x, 4);
	}
}

static void
take_32(const uint32_t *v, size_t n, bool high, uint8_t *out)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t x = high ? __builtin_bswap32(v[i]) : v[i];

		memcpy(out + 4 * i, &x, 4);
	}
}

/* --- a few bits of each -------------------------------------------------- */

/* Eight lanes of eight bits, the low k of each, pushed together. */
static inline uint64_t
pack(uint64_t x, unsigned k)
{
	x &= 0x0101010101010101U * ((1U << k) - 1);
	x = (x & 0x00ff00ff00ff00ffU) | (x & 0xff00ff00ff00ff00U) >> (8 - k);
	x = (x & 0x0000ffff0000ffffU) |
	    (x & 0xffff0000ffff0000U) >> 2 * (8 - k);
	return (x & 0xffffffffU) | x >> 32 << 4 * k;
}

/* What eight elements have: lowest first, or with the first one highest. */
static inline size_t
take_lanes(const uint8_t *low, size_t n, unsigned k, bool high, uint8_t *out)
{
	size_t at = 0;

	for (size_t i = 0; i + LANES <= n; i += LANES, at += k) {
		uint64_t x;

		memcpy(&x, low + i, LANES);
		x = high ? __builtin_bswap64(
			       pack(__builtin_bswap64(x), k) << (64 - 8 * k))
			 : pack(x, k);
		memcpy(out + at, &x, 8); /* k of them count */
	}
	return at;
}

/*
 * One instruction does what pack() does.  Before Zen 3, AMD's processors have
 * it and are slow at it; none of those has AVX-512.
 */
#if defined(__x86_64__) && defined(__GNUC__)
__attribute__((target("bmi2"))) static size_t
take_wide(const uint8_t *low, size_t n, unsigned k, bool high, uint8_t *out)
{
	const uint64_t mask = 0x0101010101010101U * ((1U << k) - 1);
	size_t at = 0;

	for (size_t i = 0; i + LANES <= n; i += LANES, at += k) {
		uint64_t x;

		memcpy(&x, low + i, LANES);
		x = high ? __builtin_bswap64(
			       _pext_u64(__builtin_bswap64(x), mask)
			       << (64 - 8 * k))
			 : _pext_u64(x, mask);
		memcpy(out + at, &x, 8);
	}
	return at;
}

/* Four elements at once; 16 bytes are written, 12 count. */
__attribute__((target("ssse3"))) static void
take_24_wide(const uint32_t *v, size_t n, bool high, uint8_t *out)
{
	const __m128i order = high ? _mm_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8,
					 14, 13, 12, -1, -1, -1, -1)
				   : _mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10,
					 12, 13, 14, -1, -1, -1, -1);
	size_t i = 0;

	for (; i + 4 <= n; i += 4) {
		__m128i x = _mm_loadu_si128((const void *)(v + i));

		_mm_storeu_si128(
		    (void *)(out + 3 * i), _mm_shuffle_epi8(x, order));
	}
	take_24(v + i, n - i, high, out + 3 * i);
}

static bool
wide(void)
{
	return __builtin_cpu_supports("bmi2") &&
	       __builtin_cpu_supports("avx512bw");
}
#else
static size_t
take_wide(const uint8_t *low, size_t n, unsigned k, bool high, uint8_t *out)
{
	return take_lanes(low, n, k, high, out);
}

static void
take_24_wide(const uint32_t *v, size_t n, bool high, uint8_t *out)
{
	take_24(v, n, high, out);
}

static bool
wide(void)
{
	return false;
}
#endif

static size_t
take_few(
    const struct check_weight_block *b, unsigned k, bool high, uint8_t *out)
{
#define CASE(k)                                                                \
	case k:                                                                \
		return high ? take_lanes(b->low, b->have, k, true, out)        \
			    : take_lanes(b->low, b->have, k, false, out)
	if (wide())
		return take_wide(b->low, b->have, k, high, out);
	switch (k) {
		CASE(1);
		CASE(2);
		CASE(3);
		CASE(4);
		CASE(5);
		CASE(6);
		CASE(7);
	default:
		BUG("bits of a cut");
	}
#undef CASE
}

size_t
check_weight_cut_take(
    const struct check_weight_block *b, unsigned bits, bool high, uint8_t *out)
{
	if (bits < 8)
		return take_few(b, bits, high, out);
	if (bits == 8)
		memcpy(out, b->low, b->have);
	else if (bits == 16)
		take_16(b->v, b->have, high, out);
	else if (bits == 24 && wide())
		take_24_wide(b->v, b->have, high, out);
	else if (bits == 24)
		take_24(b->v, b->have, high, out);
	else
		take_32(b->v, b->have, high, out);
	return b->have * (bits / 8);
}

/* --- from anywhere ------------------------------------------------------- */

/* Bits on their way to bytes. */
struct bits {
	uint64_t v;
	unsigned have;
	bool high;
};

/* The low n (at most 32) bits of v; less than 8 are there already. */
static void
put(struct bits *b, uint64_t v, unsigned n)
{
	v &= ((uint64_t)1 << n) - 1;
	b->v = b->high ? b->v << n | v : b->v | v << b->have;
	b->have += n;
}

static uint8_t
get(struct bits *b)
{
	uint8_t out;

	b->have -= 8;
	if (b->high)
		return (uint8_t)(b->v >> b->have);
	out = (uint8_t)b->v;
	b->v >>= 8;
	return out;
}

/* The first bit last (Anderson, "Bit Twiddling Hacks": with 64-bit multiply). */
static uint8_t
turned(uint8_t b)
{
	return (uint8_t)(((b * 0x80200802ULL) & 0x0884422110ULL) *
			     0x0101010101ULL >>
			 32);
}

size_t
check_weight_cut_read(const struct check_weight_list *l, size_t at, size_t rank,
    const struct check_weight_cut *c, uint64_t bit, uint8_t *out, size_t len)
{
	struct place p = place_of(l, at, rank, bit / c->bits);
	unsigned skip = (unsigned)(bit % c->bits);
	struct bits b = {.high = c->high};
	size_t done = 0;
	uint64_t v;

	while (done < len && next(&p, &v)) {
		unsigned from = skip;

		v >>= c->shift;
		/* what is read highest first is never longer than 24 bits */
		while (from < c->bits) {
			unsigned n = MIN(c->bits - from, 32U);

			put(&b, c->high ? v : v >> from, n);
			from += n;
			while (done < len && b.have >= 8)
				out[done++] = get(&b);
		}
		skip = 0;
	}
	for (size_t i = 0; c->turned && i < done; i++)
		out[i] = turned(out[i]);
	return done;
}
