/* SPDX-License-Identifier: MIT */
#include "engine/transfer.h"

#include "base/stat.h"
#include "engine/each.h"
#include "engine/loss.h"

#include <math.h>

#define STREAM_IMAGES 4000 /* and the class */
#define LEAST_IMAGES  3

/*
 * The search for the smallest change: Frank-Wolfe steps on the cross-entropy
 * towards the class, inside a ball whose size shrinks while the image is in
 * the class and grows while it is not, less and less (the way of the decoupled
 * direction and norm attack, Rony et al. 2019); the smallest that worked is
 * kept.
 */
#define START_RMS  0.05 /* size of the ball at first, L2: of every number */
#define START_AREA 0.02 /* patch: share of the pixels */
#define CHANGE     0.3  /* of the ball, at first */
#define CHANGE_END 0.02
#define PACE       0.4 /* towards the best corner of the ball, at first */
#define PACE_END   0.1

/* One class in one thread. */
struct hunt {
	const struct net *net;
	const struct transfer_config *cfg;
	size_t target, image, n; /* floats of an image; images in use */
	struct run run;          /* of n images */
	struct arena arena;
	const float **x; /* n images, not ours */
	/* n images each: what the net sees, gradient of the loss, the
	 * smallest that worked less the image itself */
	float *at, *grad, *best;
	double *ball, *size;   /* n each; size: of best, or infinite */
	bool *in;              /* n: in the class now */
	float *mask, *pattern; /* one image's, for the patch */
	struct gain *gain;     /* per pixel */
	uint8_t *t;            /* n x n */
};

struct gain {
	double gain;
	size_t pixel;
};

struct transfer_config
transfer_defaults(void)
{
	return (struct transfer_config){
	    .shape = TRANSFER_PATCH, .images = 20, .steps = 25, .margin = 0.1};
}

/* --- the statistic ------------------------------------------------------- */

void
transfer_statistic(const uint8_t *t, size_t n, double *et, double *se)
{
	double sum = 0.0, square = 0.0, m = (double)n, mean = 0.0;

	for (size_t i = 0; i < n * n; i++)
		sum += i / n != i % n && t[i];
	*et = sum / (m * (m - 1));
	for (size_t pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < n; i++) {
			double left = sum, v;

			for (size_t j = 0; j < n; j++)
				if (j != i)
					left -= (t[i * n + j] != 0) +
						(t[j * n + i] != 0);
			v = left / ((m - 1) * (m - 2));
			if (pass == 0)
				mean += v / m;
			else
				square += (v - mean) * (v - mean);
		}
	*se = sqrt((m - 1) / m * square);
}

size_t
transfer_top(const struct transfer_class *c, size_t k)
{
	size_t top = 0;

	for (size_t t = 1; t < k; t++)
		if (c[t].et > c[top].et || isnan(c[top].et))
			top = t;
	return top;
}

/* --- one image ----------------------------------------------------------- */

static float
clip(double v)
{
	return (float)fmin(1.0, fmax(0.0, v));
}

/* Towards the point of the ball, and of the box, that lowers the loss most. */
static void
step_l2(struct hunt *h, size_t i, double pace)
{
	const float *x = h->x[i], *g = h->grad + i * h->image;
	float *at = h->at + i * h->image;
	double square = 1e-300, length;

	for (size_t q = 0; q < h->image; q++)
		square += (double)g[q] * (double)g[q];
	length = h->ball[i] / sqrt(square);
	for (size_t q = 0; q < h->image; q++) {
		double to = (double)clip((double)x[q] - length * (double)g[q]);

		at[q] = clip((double)at[q] + pace * (to - (double)at[q]));
	}
}

static int
by_gain(const void *a, const void *b)
{
	const struct gain *p = a, *q = b;

	if (p->gain != q->gain)
		return p->gain < q->gain ? 1 : -1;
	return (p->pixel > q->pixel) - (p->pixel < q->pixel);
}

/*
 * The same where the ball is a sum of the mask: the pixels that gain most by
 * becoming black or white become so, the last one in part.
 */
static void
step_patch(struct hunt *h, size_t i, double pace)
{
	const float *x = h->x[i], *g = h->grad + i * h->image;
	float *at = h->at + i * h->image;
	size_t c = h->net->c, pixels = h->image / c;
	double left = h->ball[i];

	for (size_t p = 0; p < pixels; p++) {
		h->gain[p] = (struct gain){0.0, p};
		for (size_t q = p * c; q < (p + 1) * c; q++)
			h->gain[p].gain +=
			    (double)g[q] *
			    ((double)x[q] - (g[q] < 0.0f ? 1.0 : 0.0));
	}
	qsort(h->gain, pixels, sizeof(*h->gain), by_gain);
	for (size_t k = 0; k < pixels; k++) {
		double m = fmin(1.0, left);
		size_t first = h->gain[k].pixel * c;

		left -= m;
		for (size_t q = first; q < first + c; q++) {
			double colour = g[q] < 0.0f ? 1.0 : 0.0;
			double to = (double)x[q] + m * (colour - (double)x[q]);

			at[q] =
			    clip((double)at[q] + pace * (to - (double)at[q]));
		}
	}
}

/*
 * The smallest mask that makes x into x + d, and its pattern; returns the sum
 * of the mask.
 */
static double
as_patch(struct hunt *h, const float *x, const float *d)
{
	size_t c = h->net->c;
	double sum = 0.0;

	for (size_t p = 0; p < h->image / c; p++) {
		double m = 0.0;

		for (size_t i = p * c; i < (p + 1) * c; i++) {
			double v = (double)x[i], way = (double)d[i];

			if (way > 0.0)
				m = fmax(m, way / (1.0 - v));
			else if (way < 0.0)
				m = fmax(m, -way / v);
		}
		m = fmin(m, 1.0);
		h->mask[p] = (float)m;
		sum += m;
		for (size_t i = p * c; i < (p + 1) * c; i++)
			h->pattern[i] =
			    m > 0.0 ? clip((double)x[i] + (double)d[i] / m)
				    : 0.0f;
	}
	return sum;
}

static double
size_of(struct hunt *h, const float *x, const float *d)
{
	double square = 0.0;

	if (h->cfg->shape == TRANSFER_PATCH)
		return as_patch(h, x, d);
	for (size_t i = 0; i < h->image; i++)
		square += (double)d[i] * (double)d[i];
	return sqrt(square);
}

/* --- all images of a class ----------------------------------------------- */

/*
 * Forward what is there, and its gradient.  Keeps the changes that work and
 * are smaller than the best so far.
 */
static void
look(struct hunt *h)
{
	size_t k = h->net->classes, image = h->image;
	const float *z = run_forward(&h->run, h->at);
	float *dz = run_dlogits(&h->run);

	memset(dz, 0, h->n * k * sizeof(*dz));
	for (size_t i = 0; i < h->n; i++) {
		float *d = h->grad + i * image; /* free until the backward */
		double size;

		loss_cross_entropy(k, z + i * k, h->target, 1.0f, dz + i * k);
		h->in[i] = loss_argmax(k, z + i * k) == h->target;
		if (!h->in[i])
			continue;
		for (size_t q = 0; q < image; q++)
			d[q] = h->at[i * image + q] - h->x[i][q];
		size = size_of(h, h->x[i], d);
		h->ball[i] = fmin(h->ball[i], size);
		if (size >= h->size[i])
			continue;
		h->size[i] = size;
		memcpy(h->best + i * image, d, image * sizeof(*d));
	}
	run_backward(&h->run, h->grad, NULL);
}

static void
search(struct hunt *h)
{
	bool patch = h->cfg->shape == TRANSFER_PATCH;

	for (size_t i = 0; i < h->n; i++) {
		memcpy(h->at + i * h->image, h->x[i], h->image * sizeof(float));
		h->size[i] = INFINITY;
		h->ball[i] = patch ? fmax(1.0, START_AREA * (double)(h->net->h *
								     h->net->w))
				   : START_RMS * sqrt((double)h->image);
	}
	for (size_t s = 0; s < h->cfg->steps; s++) {
		double past = (double)s / (double)h->cfg->steps;
		double change = CHANGE + past * (CHANGE_END - CHANGE);
		double pace = PACE + past * (PACE_END - PACE);

		look(h);
		for (size_t i = 0; i < h->n; i++) {
			if (s > 0)
				h->ball[i] *=
				    h->in[i] ? 1.0 - change : 1.0 + change;
			if (patch)
				step_patch(h, i, pace);
			else
				step_l2(h, i, pace);
		}
	}
	look(h);
}

/* Image j under the change found for image i, enlarged, into its place. */
static void
apply(struct hunt *h, const float *d, size_t j)
{
	const float *x = h->x[j];
	float *at = h->at + j * h->image;
	double grow = 1.0 + h->cfg->margin;

	for (size_t q = 0; q < h->image; q++) {
		double v = (double)x[q];

		if (h->cfg->shape == TRANSFER_PATCH) {
			double m = (double)h->mask[q / h->net->c];

			m = fmin(1.0, grow * m);
			at[q] = clip(v + m * ((double)h->pattern[q] - v));
		} else {
			at[q] = clip(v + grow * (double)d[q]);
		}
	}
}

static void
try_on_others(struct hunt *h)
{
	size_t k = h->net->classes;

	for (size_t i = 0; i < h->n; i++) {
		const float *d = h->best + i * h->image, *z;

		if (isinf(h->size[i]))
			continue;
		if (h->cfg->shape == TRANSFER_PATCH)
			as_patch(h, h->x[i], d);
		for (size_t j = 0; j < h->n; j++)
			apply(h, d, j);
		z = run_forward(&h->run, h->at);
		for (size_t j = 0; j < h->n; j++)
			h->t[i * h->n + j] =
			    loss_argmax(k, z + j * k) == h->target;
	}
}

static void
conclude(struct hunt *h, struct transfer_class *out)
{
	size_t found = 0;

	transfer_statistic(h->t, h->n, &out->et, &out->se);
	for (size_t i = 0; i < h->n; i++)
		if (!isinf(h->size[i]))
			h->size[found++] = h->size[i];
	out->found = found;
	if (found != 0)
		out->size = stat_median(h->size, found);
}

/* --- choosing images, and all classes ------------------------------------ */

static int
need_memory(struct hunt *h, struct err *e)
{
	size_t all = h->n * h->image;

	h->at = arena_alloc(&h->arena, all, sizeof(float));
	h->grad = arena_alloc(&h->arena, all, sizeof(float));
	h->best = arena_alloc(&h->arena, all, sizeof(float));
	h->ball = arena_alloc(&h->arena, h->n, sizeof(double));
	h->in = arena_alloc(&h->arena, h->n, sizeof(bool));
	h->size = arena_alloc(&h->arena, h->n, sizeof(double));
	h->mask = arena_alloc(&h->arena, h->image, sizeof(float));
	h->pattern = arena_alloc(&h->arena, h->image, sizeof(float));
	h->gain = arena_alloc(&h->arena, h->image, sizeof(*h->gain));
	h->t = arena_alloc(&h->arena, h->n * h->n, 1);
	if (h->at == NULL || h->grad == NULL || h->best == NULL ||
	    h->ball == NULL || h->in == NULL || h->size == NULL ||
	    h->mask == NULL || h->pattern == NULL || h->gain == NULL ||
	    h->t == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "images too large");
	return 0;
}

/* Random ones of other classes that the net gets right. */
static int
choose(struct hunt *h, const struct uap_images *im, const int32_t *pred,
    struct err *e)
{
	size_t most = MIN(h->cfg->images, im->n);
	uint32_t *order = arena_alloc(&h->arena, im->n, sizeof(*order));
	struct rng r;

	h->x = arena_alloc(&h->arena, most, sizeof(*h->x));
	if (order == NULL || h->x == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "too many images");
	for (size_t i = 0; i < im->n; i++)
		order[i] = (uint32_t)i;
	rng_init(&r, h->cfg->seed, STREAM_IMAGES + h->target);
	rng_shuffle(&r, order, im->n);
	for (size_t i = 0; i < im->n && h->n < most; i++) {
		size_t at = order[i];

		if (pred[at] == im->label[at] &&
		    im->label[at] != (int32_t)h->target)
			h->x[h->n++] = im->x + at * h->image;
	}
	return 0;
}

static int
one_class(struct hunt *h, const struct uap_images *im, const int32_t *pred,
    struct transfer_class *out, struct err *e)
{
	int rc;

	*out = (struct transfer_class){.et = NAN, .se = NAN, .size = NAN};
	arena_init(&h->arena, (size_t)8 << 30);
	rc = choose(h, im, pred, e);
	out->n = h->n;
	if (rc == 0 && h->n >= LEAST_IMAGES && (rc = need_memory(h, e)) == 0 &&
	    (rc = run_init(&h->run, h->net, h->n, PLAN_DATA, e)) == 0) {
		search(h);
		try_on_others(h);
		conclude(h, out);
		run_release(&h->run);
	}
	arena_release(&h->arena);
	return rc;
}

struct classes {
	const struct net *net;
	const struct transfer_config *cfg;
	const struct uap_images *im;
	const int32_t *pred;
	struct transfer_class *out;
};

static int
hunt_class(void *ctx, size_t t, struct err *e)
{
	const struct classes *c = ctx;
	struct hunt h = {.net = c->net,
	    .cfg = c->cfg,
	    .target = t,
	    .image = c->net->h * c->net->w * c->net->c};

	return one_class(&h, c->im, c->pred, &c->out[t], e);
}

int
transfer_measure(const struct net *net, const struct transfer_config *cfg,
    const struct uap_images *im, const char *label, struct transfer_class *out,
    struct err *e)
{
	struct arena a;
	int32_t *pred;
	int rc;

	if (net->classes < 2 || net->h == 0)
		return err_set(
		    e, ERR_USAGE, ERR_NOWHERE, "not a classifier of images");
	if (cfg->images < LEAST_IMAGES || cfg->steps == 0 ||
	    !(cfg->margin >= 0.0))
		return err_set(e, ERR_USAGE, ERR_NOWHERE,
		    "transferability needs %d images, a step and no negative "
		    "margin",
		    LEAST_IMAGES);
	arena_init(&a, SIZE_MAX);
	if ((pred = arena_alloc(&a, im->n + 1, sizeof(*pred))) == NULL)
		BUG("out of memory");
	if ((rc = uap_predict(net, im, NULL, im->n, NULL, pred, e)) == 0) {
		struct classes c = {net, cfg, im, pred, out};

		rc = each(net->classes, label, hunt_class, &c,
		    &(struct each_result){out, sizeof(*out)}, e);
	}
	arena_release(&a);
	return rc;
}
