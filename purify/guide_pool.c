/* SPDX-License-Identifier: MIT */
#include "purify/guide_part.h"

#include "base/rng.h"

#include <math.h>

#define STREAM_VARIANT 321
/* Variants are larger by at most this factor, and moved by at most so many pixels:
 * a search finds a trigger about as it is, and about where it is. */
#define LARGER 1.5
#define MOVED  1

/* --- the pool ------------------------------------------------------------ */

/* to = from moved; what comes in at a border is zero. */
static void
move(const struct trigger *t, size_t c, const float *from, int dy, int dx,
    float *to)
{
	long h = (long)t->h, w = (long)t->w;

	if (from == NULL)
		return;
	for (long i = MAX(0, dy); i < MIN(h, h + dy); i++)
		for (long j = MAX(0, dx); j < MIN(w, w + dx); j++)
			memcpy(to + (size_t)(i * w + j) * c,
			    from + (size_t)((i - dy) * w + j - dx) * c,
			    c * sizeof(*to));
}

/* A place in the pool. */
static struct trigger *
place(struct guide_question *q)
{
	size_t out = q->first < GUIDE_POOL ? q->first : 0;

	if (q->n == GUIDE_POOL) {
		trigger_release(&q->pool[out]);
		memmove(q->pool + out, q->pool + out + 1,
		    (GUIDE_POOL - out - 1) * sizeof(q->pool[0]));
		q->n--;
	}
	return &q->pool[q->n++];
}

/* A search spends a mask where it tells most and leaves out pixels of what was
 * stamped: each pixel gets the largest of its neighbours'. */
static void
fill(const struct trigger *t, float *mask)
{
	struct trigger out;

	trigger_like(t, &out);
	for (size_t i = 0; i < t->h; i++)
		for (size_t j = 0; j < t->w; j++) {
			float *to = &out.mask[i * t->w + j];

			for (size_t y = i > 0 ? i - 1 : 0; y < MIN(i + 2, t->h);
			     y++)
				for (size_t x = j > 0 ? j - 1 : 0;
				     x < MIN(j + 2, t->w); x++)
					*to = MAX(*to, mask[y * t->w + x]);
		}
	memcpy(mask, out.mask, t->h * t->w * sizeof(*mask));
	trigger_release(&out);
}

/* Larger, every other one filled, moved. */
static void
add_variant(struct guide_question *q, const struct trigger *t, size_t number,
    struct rng *r)
{
	double scale = 1.0 + (LARGER - 1.0) * (double)rng_float(r);
	int dy = (int)rng_below(r, 2 * MOVED + 1) - MOVED;
	int dx = (int)rng_below(r, 2 * MOVED + 1) - MOVED;
	struct trigger scaled, *to = place(q);

	trigger_like(t, &scaled);
	trigger_like(t, to);
	q->geometry->scale(t, scale, &scaled);
	if (number % 2 == 0 && q->geometry == geometry_find("patch")) {
		fill(t, scaled.mask);
		dy = dx = 0;
	}
	move(t, 1, scaled.mask, dy, dx, to->mask);
	move(t, t->c, scaled.pattern, dy, dx, to->pattern);
	move(t, t->c, scaled.delta, dy, dx, to->delta);
	move(t, 2, scaled.warp, dy, dx, to->warp);
	trigger_release(&scaled);
}

void
guide_keep(struct guide_question *q, struct uap_found *f, size_t variants,
    uint64_t seed)
{
	struct rng r;

	q->ease = fmax(q->ease, guide_ease(f));
	rng_init(&r, seed, STREAM_VARIANT);
	for (size_t i = 1; i <= variants; i++)
		add_variant(q, &f->trigger, i, &r);
	*place(q) = f->trigger;
	f->trigger = (struct trigger){0};
}
