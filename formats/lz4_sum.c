/* SPDX-License-Identifier: MIT */
#include "formats/lz4_sum.h"

#include "base/le.h"

#define P1 0x9e3779b1U
#define P2 0x85ebca77U
#define P3 0xc2b2ae3dU
#define P4 0x27d4eb2fU
#define P5 0x165667b1U

static uint32_t
turn(uint32_t v, unsigned by)
{
	return v << by | v >> (32 - by);
}

static void
stripe(struct lz4_sum *s, const uint8_t *p)
{
	for (size_t i = 0; i < 4; i++)
		s->lane[i] =
		    turn(s->lane[i] + le_get_4(p + 4 * i) * P2, 13) * P1;
}

void
lz4_sum_init(struct lz4_sum *s)
{
	*s = (struct lz4_sum){.lane = {P1 + P2, P2, 0, 0U - P1}};
}

void
lz4_sum_add(struct lz4_sum *s, const uint8_t *p, size_t len)
{
	s->len += len;
	while (s->nheld != 0 && len != 0) {
		s->held[s->nheld++] = *p++;
		len--;
		if (s->nheld == sizeof(s->held)) {
			stripe(s, s->held);
			s->nheld = 0;
		}
	}
	for (; len >= sizeof(s->held); len -= 16, p += 16)
		stripe(s, p);
	if (len != 0)
		memcpy(s->held, p, len);
	s->nheld += len;
}

uint32_t
lz4_sum_end(const struct lz4_sum *s)
{
	uint32_t h = P5;
	size_t i = 0;

	if (s->len >= 16)
		h = turn(s->lane[0], 1) + turn(s->lane[1], 7) +
		    turn(s->lane[2], 12) + turn(s->lane[3], 18);
	h += (uint32_t)s->len;
	for (; i + 4 <= s->nheld; i += 4)
		h = turn(h + le_get_4(s->held + i) * P3, 17) * P4;
	for (; i < s->nheld; i++)
		h = turn(h + s->held[i] * P5, 11) * P1;
	h = (h ^ h >> 15) * P2;
	h = (h ^ h >> 13) * P3;
	return h ^ h >> 16;
}

uint32_t
lz4_sum(const uint8_t *p, size_t len)
{
	struct lz4_sum s;

	lz4_sum_init(&s);
	lz4_sum_add(&s, p, len);
	return lz4_sum_end(&s);
}
