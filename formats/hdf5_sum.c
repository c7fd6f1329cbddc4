/* SPDX-License-Identifier: MIT */
#include "formats/hdf5_sum.h"

#include "formats/hdf5_object.h"

static uint32_t
rot(uint32_t x, unsigned k)
{
	return x << k | x >> (32 - k);
}

struct state {
	uint32_t a, b, c;
};

static void
mix(struct state *s)
{
	static const uint8_t by[] = {4, 6, 8, 16, 19, 4};

	for (size_t i = 0; i < sizeof(by); i++) {
		uint32_t a = s->a, b = s->b, c = s->c;

		/* a -= c; a ^= rot(c, k); c += b; and the next one's turn */
		*s = (struct state){b, c + b, (a - c) ^ rot(c, by[i])};
	}
}

static void
last(struct state *s)
{
	s->c = (s->c ^ s->b) - rot(s->b, 14);
	s->a = (s->a ^ s->c) - rot(s->c, 11);
	s->b = (s->b ^ s->a) - rot(s->a, 25);
	s->c = (s->c ^ s->b) - rot(s->b, 16);
	s->a = (s->a ^ s->c) - rot(s->c, 4);
	s->b = (s->b ^ s->a) - rot(s->a, 14);
	s->c = (s->c ^ s->b) - rot(s->b, 24);
}

/* Up to twelve bytes, least significant first, zeros for what is missing. */
static void
add(struct state *s, const uint8_t *p, size_t n)
{
	uint32_t w[3] = {0};

	for (size_t i = 0; i < n; i++)
		w[i / 4] |= (uint32_t)p[i] << 8 * (i % 4);
	s->a += w[0];
	s->b += w[1];
	s->c += w[2];
}

uint32_t
hdf5_sum(struct slice in)
{
	uint32_t begin = 0xdeadbeef + (uint32_t)in.len;
	struct state s = {begin, begin, begin};

	for (; in.len > 12; in.ptr += 12, in.len -= 12) {
		add(&s, in.ptr, 12);
		mix(&s);
	}
	if (in.len != 0) {
		add(&s, in.ptr, in.len);
		last(&s);
	}
	return s.c;
}

void
hdf5_sum_check(struct hdf5 *h, struct rd from, struct rd at_end)
{
	struct slice s = {from.base + from.off,
	    (size_t)(at_end.base + at_end.off - (from.base + from.off))};
	struct rd place = at_end;
	uint32_t sum = 0;

	hdf5_object_expect(
	    h, &place, rd_u32le(&at_end, &sum) == 0 && sum == hdf5_sum(s));
}
