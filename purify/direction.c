/* SPDX-License-Identifier: MIT */
#include "purify/direction.h"

#include "engine/tap.h"

#include <math.h>

struct pair {
	float *x;   /* n clean images, n pushed ones */
	float *f;   /* their features */
	double *to; /* mean difference */
	double length;
};

static size_t
gather(
    const struct uap_images *im, const struct push *p, size_t floats, float *x)
{
	size_t n = 0, at[DIRECTION_IMAGES];

	for (size_t i = 0; i < im->n && n < DIRECTION_IMAGES; i++)
		if (push_goal(p, im->label[i]) >= 0)
			at[n++] = i;
	for (size_t i = 0; i < n; i++) {
		const float *plain = im->x + at[i] * floats;

		memcpy(x + i * floats, plain, floats * sizeof(*x));
		push_image(p, floats, plain, x + (n + i) * floats);
	}
	return n;
}

/* Mean difference of n images of `size` features; returns its length by the
 * root mean square length of the clean ones. */
static double
difference(const float *f, size_t n, size_t size, double *to)
{
	double clean = 0.0, sum = 0.0;

	for (size_t k = 0; k < size; k++) {
		to[k] = 0.0;
		for (size_t i = 0; i < n; i++) {
			double plain = (double)f[i * size + k];

			to[k] += (double)f[(n + i) * size + k] - plain;
			clean += plain * plain;
		}
		to[k] /= (double)n;
		sum += to[k] * to[k];
	}
	return sqrt(sum / (clean / (double)n));
}

static double
cosine(const double *a, const double *b, size_t n)
{
	double ab = 0.0, aa = 0.0, bb = 0.0;

	for (size_t i = 0; i < n; i++) {
		ab += a[i] * b[i];
		aa += a[i] * a[i];
		bb += b[i] * b[i];
	}
	return ab / sqrt(aa * bb);
}

static int
measure(const struct net *const net[2], const struct uap_images *im,
    const struct push *p, size_t v, struct arena *a, struct direction *out,
    struct err *e)
{
	size_t floats = net[0]->h * net[0]->w * net[0]->c;
	float *x = arena_alloc(a, 2 * DIRECTION_IMAGES * floats, sizeof(*x));
	float *f = arena_alloc(a, 2 * DIRECTION_IMAGES * out->size, sizeof(*f));
	double *to[2], length[2];
	int rc;

	to[0] = arena_alloc(a, 2 * out->size, sizeof(**to));
	if (x == NULL || f == NULL || to[0] == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE,
		    "%zu features of %d images do not fit in memory", out->size,
		    DIRECTION_IMAGES);
	to[1] = to[0] + out->size;
	if ((out->n = gather(im, p, floats, x)) == 0)
		return 0;
	for (size_t i = 0; i < 2; i++) {
		rc = tap_run(net[i], v, out->size, x, 2 * out->n, f, e);
		if (rc != 0)
			return rc;
		length[i] = difference(f, out->n, out->size, to[i]);
	}
	out->cosine = cosine(to[0], to[1], out->size);
	out->before = length[0];
	out->after = length[1];
	return 0;
}

int
direction_measure(const struct net *h0, const struct net *h,
    const struct uap_images *im, const struct push *p, struct direction *out,
    struct err *e)
{
	const struct net *const net[2] = {h0, h};
	size_t v = tap_features(h);
	struct arena a;
	int rc;

	*out = (struct direction){
	    .logits = v == h->output, .size = tap_size(h, v, e)};
	if (out->size == 0)
		return 0;
	arena_init(&a, (size_t)16 << 30);
	rc = measure(net, im, p, v, &a, out, e);
	arena_release(&a);
	return rc;
}
