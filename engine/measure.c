/* SPDX-License-Identifier: MIT */
#include "engine/measure.h"

#include "base/stat.h"
#include "engine/batch.h"
#include "engine/loss.h"

/* Images turned into floats at a time. */
#define MEASURE_BATCH 512

struct predict {
	size_t classes;
	int32_t *to;
};

static double
keep_argmax(
    void *ctx, size_t first, size_t n, const float *logits, float *dlogits)
{
	const struct predict *p = ctx;

	(void)dlogits;
	for (size_t i = 0; i < n; i++)
		p->to[first + i] =
		    (int32_t)loss_argmax(p->classes, logits + i * p->classes);
	return 0.0;
}

/* Images [first, first + n) as floats, triggered; spare: one image. */
static void
gather(const struct dataset *d, size_t first, size_t n, const struct trigger *t,
    float *x)
{
	size_t image = d->h * d->w * d->c;

#pragma omp parallel for schedule(static)
	for (size_t i = 0; i < n; i++)
		dataset_image(d, first + i, x + i * image);
	if (t == NULL)
		return;
#pragma omp parallel for schedule(static)
	for (size_t i = 0; i < n; i++) {
		float *plain = x + (MEASURE_BATCH + i) * image;

		memcpy(plain, x + i * image, image * sizeof(*x));
		trigger_apply(t, plain, x + i * image);
	}
}

int
measure_predict(const struct net *net, const struct dataset *d, size_t first,
    size_t n, const struct trigger *t, int32_t *pred, struct err *e)
{
	size_t image = d->h * d->w * d->c;
	struct arena a;
	float *x;
	int rc = 0;

	arena_init(&a, (size_t)16 << 30);
	x = arena_alloc(&a, 2 * MEASURE_BATCH * image, sizeof(*x));
	if (x == NULL)
		rc = err_set(e, ERR_LIMIT, ERR_NOWHERE, "images too large");
	for (size_t i = 0, m; i < n && rc == 0; i += m) {
		struct predict p = {net->classes, pred + i};
		struct batch b;

		m = MIN(MEASURE_BATCH, n - i);
		gather(d, first + i, m, t, x);
		rc = batch_init(&b, net, m, PLAN_FORWARD, BATCH_EVAL, e);
		if (rc != 0)
			break;
		batch_step(&b, x, keep_argmax, &p, NULL, NULL);
		batch_release(&b);
	}
	arena_release(&a);
	return rc;
}

/* Predictions in a fresh array of the arena. */
static int
predict_all(const struct net *net, const struct dataset *d, size_t first,
    size_t n, const struct trigger *t, struct arena *a, int32_t **pred,
    struct err *e)
{
	arena_init(a, (size_t)1 << 30);
	if ((*pred = arena_alloc(a, n + 1, sizeof(**pred))) == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "too many images");
	return measure_predict(net, d, first, n, t, *pred, e);
}

int
measure_accuracy(const struct net *net, const struct dataset *d, size_t first,
    size_t n, struct measure_count *out, struct err *e)
{
	struct arena a;
	int32_t *pred;
	int rc = predict_all(net, d, first, n, NULL, &a, &pred, e);

	*out = (struct measure_count){.n = n};
	for (size_t i = 0; rc == 0 && i < n; i++)
		out->hit += pred[i] == d->label[first + i];
	arena_release(&a);
	return rc;
}

int
measure_attack(const struct net *net, const struct dataset *d, size_t first,
    size_t n, const struct trigger *t, struct measure_count *success,
    struct measure_count *recovered, struct measure_count *by_class,
    struct err *e)
{
	struct arena a;
	int32_t *pred;
	int rc = predict_all(net, d, first, n, t, &a, &pred, e);

	*success = (struct measure_count){0};
	*recovered = (struct measure_count){0};
	for (size_t i = 0; rc == 0 && i < n; i++) {
		int32_t y = d->label[first + i], goal = trigger_target(t, y);

		if (goal < 0 || goal == y)
			continue;
		success->n++;
		recovered->n++;
		success->hit += pred[i] == goal;
		recovered->hit += pred[i] == y;
		if (by_class == NULL)
			continue;
		by_class[y].n++;
		by_class[y].hit += pred[i] == goal;
	}
	arena_release(&a);
	return rc;
}

bool
measure_near_chance(uint64_t hit, uint64_t n, size_t classes)
{
	double chance = 1.0 / (double)MAX(classes, 1);

	return n != 0 && stat_wilson(hit, n, 0.95).hi <
			     MIN(3 * chance, chance + (1 - chance) / 3);
}

int
measure_fits(const struct net *net, const struct dataset *d,
    const struct trigger *t, struct err *e)
{
	if (d->label == NULL)
		return err_set(
		    e, ERR_USAGE, ERR_NOWHERE, "the data has no labels");
	for (size_t i = 0; i < d->n; i++)
		if ((size_t)d->label[i] >= net->classes)
			return err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "image %zu of the data has label %d, the model "
			    "has %zu classes, 0 to %zu",
			    i, d->label[i], net->classes, net->classes - 1);
	if (t == NULL)
		return 0;
	if (t->h != d->h || t->w != d->w || t->c != d->c)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "the trigger is %zu x %zu x %zu, the images are %zu x "
		    "%zu x %zu",
		    t->h, t->w, t->c, d->h, d->w, d->c);
	if (t->classes != net->classes)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "the trigger maps %zu classes, the model has %zu",
		    t->classes, net->classes);
	return 0;
}
