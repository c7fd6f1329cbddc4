/* SPDX-License-Identifier: MIT
 * Warp: every image is sampled at places that a smooth field moves; the
 * budget is the root mean square, in pixels, of the field's control offsets.
 * The field is a grid of offsets enlarged with cosine weights, images are
 * sampled bilinearly with repeated borders, as a trigger's warp is
 * (formats/trigger.h).
 */
#include "engine/geometry.h"

#include <math.h>

#define GRID 6 /* control points along each side */
/* Where the search starts, as a part of the largest budget. */
#define START 0.15
#define PI    3.14159265358979323846

struct field {
	size_t h, w, c;
	size_t *at;    /* per pixel the first of its 2 x 2 control points */
	float *part;   /* per pixel their four weights */
	float *field;  /* h * w * 2 */
	float *dfield; /* the same */
};

static void
weights(size_t n, size_t i, size_t *first, double *part)
{
	double g = n > 1 ? (double)(GRID - 1) * (double)i / (double)(n - 1) : 0;

	*first = MIN((size_t)g, GRID - 2);
	*part = 0.5 - 0.5 * cos(PI * (g - (double)*first));
}

static void
field_init(struct field *s, struct geometry_job *j, const struct trigger *t)
{
	*s = (struct field){.h = t->h, .w = t->w, .c = t->c};
	s->at = arena_alloc(j->arena, t->h * t->w, sizeof(*s->at));
	if (s->at == NULL)
		BUG("search does not fit in memory");
	s->part = geometry_floats(j, 4 * t->h * t->w);
	s->field = geometry_floats(j, 2 * t->h * t->w);
	s->dfield = geometry_floats(j, 2 * t->h * t->w);
	for (size_t i = 0; i < t->h * t->w; i++) {
		size_t y, x;
		double ay, ax;

		weights(t->h, i / t->w, &y, &ay);
		weights(t->w, i % t->w, &x, &ax);
		s->at[i] = y * GRID + x;
		s->part[4 * i] = (float)((1 - ay) * (1 - ax));
		s->part[4 * i + 1] = (float)((1 - ay) * ax);
		s->part[4 * i + 2] = (float)(ay * (1 - ax));
		s->part[4 * i + 3] = (float)(ay * ax);
	}
}

/* Control points of pixel i, q = 0..3. */
static size_t
control(const struct field *s, size_t i, size_t q)
{
	return s->at[i] + q / 2 * GRID + q % 2;
}

static void
enlarge(const struct field *s, const float *p)
{
	for (size_t i = 0; i < s->h * s->w; i++)
		for (size_t k = 0; k < 2; k++) {
			float v = 0.0f;

			for (size_t q = 0; q < 4; q++)
				v += s->part[4 * i + q] *
				     p[2 * control(s, i, q) + k];
			s->field[2 * i + k] = v;
		}
}

/* Where a sample lies between its four pixels. */
struct sample {
	size_t at[4];
	float ay, ax;
	bool y_free, x_free; /* not held by a border */
};

static struct sample
sample_at(const struct field *s, size_t i)
{
	float y = (float)(i / s->w) + s->field[2 * i];
	float x = (float)(i % s->w) + s->field[2 * i + 1];
	float ym = (float)(s->h - 1), xm = (float)(s->w - 1);
	float fy = fminf(fmaxf(y, 0.0f), ym), fx = fminf(fmaxf(x, 0.0f), xm);
	size_t y0 = (size_t)fy, x0 = (size_t)fx;
	size_t y1 = MIN(y0 + 1, s->h - 1), x1 = MIN(x0 + 1, s->w - 1);

	return (struct sample){.at = {y0 * s->w + x0, y0 * s->w + x1,
				   y1 * s->w + x0, y1 * s->w + x1},
	    .ay = fy - (float)y0,
	    .ax = fx - (float)x0,
	    .y_free = y >= 0.0f && y <= ym,
	    .x_free = x >= 0.0f && x <= xm};
}

static void
apply(struct geometry_job *j, struct descent *d)
{
	struct field *s = d->shape;
	size_t image = s->h * s->w * s->c;

	enlarge(s, d->p);
	for (size_t i = 0; i < s->h * s->w; i++) {
		struct sample a = sample_at(s, i);

		for (size_t b = 0; b < j->batch; b++)
			for (size_t k = 0; k < s->c; k++) {
				const float *in = j->plain + b * image + k;
				float top = (1 - a.ax) * in[a.at[0] * s->c] +
					    a.ax * in[a.at[1] * s->c];
				float low = (1 - a.ax) * in[a.at[2] * s->c] +
					    a.ax * in[a.at[3] * s->c];

				j->images[b * image + i * s->c + k] =
				    (1 - a.ay) * top + a.ay * low;
			}
	}
}

static void
pull(struct geometry_job *j, struct descent *d)
{
	struct field *s = d->shape;
	size_t image = s->h * s->w * s->c;

	for (size_t i = 0; i < s->h * s->w; i++) {
		struct sample a = sample_at(s, i);
		float dy = 0.0f, dx = 0.0f;

		for (size_t b = 0; b < j->batch; b++)
			for (size_t k = 0; k < s->c; k++) {
				const float *in = j->plain + b * image + k;
				float g = j->grad[b * image + i * s->c + k];
				float v[4];

				for (size_t q = 0; q < 4; q++)
					v[q] = in[a.at[q] * s->c];
				dy += g * ((1 - a.ax) * (v[2] - v[0]) +
					      a.ax * (v[3] - v[1]));
				dx += g * ((1 - a.ay) * (v[1] - v[0]) +
					      a.ay * (v[3] - v[2]));
			}
		s->dfield[2 * i] = a.y_free ? dy : 0.0f;
		s->dfield[2 * i + 1] = a.x_free ? dx : 0.0f;
	}
	for (size_t i = 0; i < s->h * s->w; i++)
		for (size_t q = 0; q < 4; q++)
			for (size_t k = 0; k < 2; k++)
				d->g[2 * control(s, i, q) + k] +=
				    s->part[4 * i + q] * s->dfield[2 * i + k];
}

/* L2 to root mean square. */
static double
rms(size_t n)
{
	return sqrt((double)n);
}

static double
warp_largest(const struct trigger *t)
{
	return (double)MAX(t->h, t->w) / 7;
}

static double
warp_search(struct geometry_job *j, struct trigger *t)
{
	struct field s;
	struct descent d = {.n = (size_t)GRID * GRID * 2,
	    .apply = apply,
	    .pull = pull,
	    .move = geometry_move_l2,
	    .shape = &s};
	double budget;

	d.largest = rms(d.n) * warp_largest(t);
	d.budget = START * d.largest;
	field_init(&s, j, t);
	budget = geometry_descend(j, &d);
	enlarge(&s, d.kept);
	t->warp = trigger_part(t, 2 * t->h * t->w);
	memcpy(t->warp, s.field, 2 * t->h * t->w * sizeof(*t->warp));
	return budget / rms(d.n);
}

static void
warp_scale(const struct trigger *from, double scale, struct trigger *to)
{
	for (size_t i = 0; i < 2 * from->h * from->w; i++)
		to->warp[i] = (float)((double)from->warp[i] * scale);
}

const struct geometry geometry_warp = {
    .name = "warp",
    .summary = "a smooth field moves every pixel",
    .unit = "root mean square offset, pixels",
    .search = warp_search,
    .scale = warp_scale,
    .largest = warp_largest,
};
