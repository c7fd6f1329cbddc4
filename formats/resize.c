/* SPDX-License-Identifier: MIT */
#include "formats/resize.h"

#include <math.h>

#define PRECISION 22
#define PI        3.14159265358979323846

/* --- filters ------------------------------------------------------------- */

static double
bilinear(double x)
{
	x = fabs(x);
	return x < 1.0 ? 1.0 - x : 0.0;
}

static double
bicubic(double x)
{
	const double a = -0.5;

	x = fabs(x);
	if (x < 1.0)
		return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
	if (x < 2.0)
		return (((x - 5.0) * x + 8.0) * x - 4.0) * a;
	return 0.0;
}

static double
sinc(double x)
{
	if (x == 0.0)
		return 1.0;
	x *= PI;
	return sin(x) / x;
}

static double
lanczos(double x)
{
	return x >= -3.0 && x < 3.0 ? sinc(x) * sinc(x / 3.0) : 0.0;
}

static double
box(double x)
{
	return x > -0.5 && x <= 0.5 ? 1.0 : 0.0;
}

/* Pillow's two constants are of single precision. */
static double
hamming(double x)
{
	x = fabs(x);
	return x < 1.0 ? sinc(x) * ((double)0.54f + (double)0.46f * cos(x * PI))
		       : 0.0;
}

static const struct {
	double (*at)(double);
	double support;
} filters[] = {
    [FILTER_BILINEAR] = {bilinear, 1.0},
    [FILTER_BICUBIC] = {bicubic, 2.0},
    [FILTER_LANCZOS] = {lanczos, 3.0},
    [FILTER_BOX] = {box, 0.5},
    [FILTER_HAMMING] = {hamming, 1.0},
};

/* --- weights ------------------------------------------------------------- */

/* Column i of the table; the operations and their order are Pillow's. */
static void
weigh(struct resize_axis *a, size_t i, enum preprocess_filter f, double scale)
{
	double stretch = MAX(scale, 1.0);
	double support = filters[f].support * stretch;
	double centre = ((double)i + 0.5) * scale, step = 1.0 / stretch;
	double lo = centre - support + 0.5, hi = centre + support + 0.5;
	double *w = a->weight + i * a->most, sum = 0.0;
	size_t from = lo > 0.0 ? (size_t)lo : 0;
	size_t to = MIN((size_t)hi, a->in);

	a->first[i] = (uint32_t)from;
	a->count[i] = (uint32_t)(to - from);
	for (size_t k = 0; k < a->count[i]; k++) {
		w[k] =
		    filters[f].at(((double)(k + from) - centre + 0.5) * step);
		sum += w[k];
	}
	for (size_t k = 0; k < a->count[i]; k++) {
		double one;

		if (sum != 0.0)
			w[k] /= sum;
		one = w[k] * (1 << PRECISION);
		a->fixed[i * a->most + k] =
		    (int32_t)(w[k] < 0.0 ? one - 0.5 : one + 0.5);
	}
}

/* Pillow walks along the axis by repeated addition. */
static void
pick(struct resize_axis *a, double scale)
{
	double at = scale * 0.5;

	for (size_t i = 0; i < a->out; i++, at += scale) {
		a->first[i] = (uint32_t)MIN((size_t)at, a->in - 1);
		a->count[i] = 1;
	}
}

static bool
plan(struct resize_axis *a, struct arena *arena, size_t in, size_t out,
    enum preprocess_filter f)
{
	double scale = (double)in / (double)out;

	*a = (struct resize_axis){.in = in, .out = out, .most = 1};
	a->first = arena_alloc(arena, out, sizeof(*a->first));
	a->count = arena_alloc(arena, out, sizeof(*a->count));
	if (a->first == NULL || a->count == NULL)
		return false;
	if (f == FILTER_NEAREST) {
		pick(a, scale);
		return true;
	}
	a->most = 2 * (size_t)ceil(filters[f].support * MAX(scale, 1.0)) + 1;
	a->weight = arena_alloc(arena, out * a->most, sizeof(*a->weight));
	a->fixed = arena_alloc(arena, out * a->most, sizeof(*a->fixed));
	if (a->weight == NULL || a->fixed == NULL)
		return false;
	for (size_t i = 0; i < out; i++)
		weigh(a, i, f, scale);
	return true;
}

int
resize_init(struct resize *r, struct arena *arena, size_t h, size_t w, size_t c,
    size_t oh, size_t ow, enum preprocess_filter f, struct err *e)
{
	*r = (struct resize){.c = c, .nearest = f == FILTER_NEAREST};
	if (!plan(&r->x, arena, w, ow, f) || !plan(&r->y, arena, h, oh, f) ||
	    (r->rows = arena_alloc(arena, h * ow * c, sizeof(float))) == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE,
		    "scaling %zux%zu to %zux%zu needs too much memory", h, w,
		    oh, ow);
	return 0;
}

/* --- passes -------------------------------------------------------------- */

/*
 * Both passes in one form: `rows` rows of a->out results each, of which every
 * one has `inner` numbers side by side; the input has a->in of them.
 */
static void
pass_u8(const struct resize_axis *a, size_t rows, size_t inner,
    const uint8_t *in, uint8_t *out)
{
	for (size_t y = 0; y < rows; y++, in += a->in * inner)
		for (size_t i = 0; i < a->out; i++, out += inner) {
			const uint8_t *from = in + a->first[i] * inner;
			const int32_t *w = a->fixed + i * a->most;

			for (size_t c = 0; c < inner; c++) {
				int64_t sum = 1 << (PRECISION - 1);

				for (size_t k = 0; k < a->count[i]; k++)
					sum +=
					    from[k * inner + c] * (int64_t)w[k];
				sum >>= PRECISION;
				out[c] = (uint8_t)MIN(MAX(sum, 0), 255);
			}
		}
}

static void
pass_f32(const struct resize_axis *a, size_t rows, size_t inner,
    const float *in, float *out)
{
	for (size_t y = 0; y < rows; y++, in += a->in * inner)
		for (size_t i = 0; i < a->out; i++, out += inner) {
			const float *from = in + a->first[i] * inner;
			const double *w = a->weight + i * a->most;

			for (size_t c = 0; c < inner; c++) {
				double sum = 0.0;

				for (size_t k = 0; k < a->count[i]; k++)
					sum +=
					    (double)from[k * inner + c] * w[k];
				out[c] = (float)sum;
			}
		}
}

static void
copy_nearest(const struct resize *r, const uint8_t *in, uint8_t *out, size_t n)
{
	for (size_t y = 0; y < r->y.out; y++)
		for (size_t x = 0; x < r->x.out; x++, out += n)
			memcpy(out,
			    in + (r->y.first[y] * r->x.in + r->x.first[x]) * n,
			    n);
}

void
resize_u8(const struct resize *r, const uint8_t *in, uint8_t *out)
{
	bool wide = r->x.in != r->x.out, high = r->y.in != r->y.out;
	size_t row = r->x.out * r->c;

	if (r->nearest) {
		copy_nearest(r, in, out, r->c);
		return;
	}
	if (wide)
		pass_u8(&r->x, r->y.in, r->c, in, high ? r->rows : out);
	if (high)
		pass_u8(&r->y, 1, row, wide ? r->rows : in, out);
	if (!wide && !high)
		memcpy(out, in, r->y.in * row);
}

void
resize_f32(const struct resize *r, const float *in, float *out)
{
	bool wide = r->x.in != r->x.out, high = r->y.in != r->y.out;
	size_t row = r->x.out * r->c;

	if (r->nearest) {
		copy_nearest(r, (const uint8_t *)in, (uint8_t *)out,
		    r->c * sizeof(*out));
		return;
	}
	if (wide)
		pass_f32(&r->x, r->y.in, r->c, in, high ? r->rows : out);
	if (high)
		pass_f32(&r->y, 1, row, wide ? r->rows : in, out);
	if (!wide && !high)
		memcpy(out, in, r->y.in * row * sizeof(*out));
	/* overshoot of the cubic and sinc filters */
	for (size_t i = 0; i < r->y.out * row; i++)
		out[i] = MIN(MAX(out[i], 0.0f), 1.0f);
}

/* --- sizes --------------------------------------------------------------- */

void
resize_shortest(size_t h, size_t w, size_t k, size_t *oh, size_t *ow)
{
	/* int(k * long / short) in Python; these quotients are never rounded
	 * up to a whole number, so that the integer division is the same */
	*oh = w <= h ? k * h / w : k;
	*ow = w <= h ? k : k * w / h;
}

/*
 * torchvision: transforms/functional.py, center_crop; transformers:
 * image_transforms.py, center_crop, and the torchvision backend of its image
 * processors (which until 4.56 was torchvision's own).
 */
void
resize_centre(size_t have, size_t want, enum preprocess_centre centre,
    size_t *skip, size_t *pad)
{
	size_t d = have > want ? have - want : 0, half = d / 2;
	size_t more = want > have ? want - have : 0;

	*pad = (more + (centre == CENTRE_TRANSFORMERS)) / 2;
	*skip = half;
	/* Python's round(): halves go to the even number */
	if (centre == CENTRE_TORCHVISION)
		*skip += d % 2 == 1 && half % 2 == 1;
}
