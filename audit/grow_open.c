/* SPDX-License-Identifier: MIT
 * What is grown, on what, and how.  The images are taken in the order of their
 * SHA-256, the first tenth held out: neither depends on their order in the
 * data, and a duplicate never lies on both sides.
 */
#include "audit/grow.h"
#include "formats/keyed.h"

#include <math.h>

/* Images of a class on the average, below which nothing is learnt. */
#define LEAST_PER_CLASS 10
#define LEAST_BATCH     16
/* Images that a training looks at, and the fewest times it sees each. */
#define PASSES       80000
#define LEAST_EPOCHS 30

/* --- images -------------------------------------------------------------- */

/* A copy of n images in this order. */
static int
part(struct grow *g, const struct keyed *k, size_t n, struct dataset *out,
    struct err *e)
{
	const struct dataset *d = &g->data.data;
	size_t image = d->h * d->w * d->c, len;
	uint8_t *bytes = NULL;
	float *real = NULL;
	int32_t *label = arena_alloc(&g->arena, n + 1, sizeof(*label));

	if (d->u8 != NULL)
		bytes = arena_alloc(&g->arena, n + 1, image);
	else
		real = arena_alloc(&g->arena, n + 1, image * sizeof(*real));
	if (label == NULL || (bytes == NULL && real == NULL))
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "too many images");
	*out = *d;
	out->arena = (struct arena){0};
	out->n = n;
	out->u8 = bytes;
	out->f32 = real;
	out->label = label;
	for (size_t i = 0; i < n; i++) {
		const void *from = dataset_bytes(d, k[i].index, &len);

		if (bytes != NULL)
			memcpy(bytes + i * image, from, len);
		else
			memcpy(real + i * image, from, len);
		label[i] = d->label[k[i].index];
	}
	return 0;
}

static int
split(struct grow *g, struct err *e)
{
	const struct dataset *d = &g->data.data;
	struct keyed *k = arena_alloc(&g->arena, d->n + 1, sizeof(*k));
	size_t held = d->n / 10;
	int rc;

	if (k == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "too many images");
	keyed_order(d, NULL, 0, k);
	while (held > 0 && held < d->n &&
	       digest_equal(&k[held].key, &k[held - 1].key))
		held++;
	if ((rc = part(g, k, held, &g->held, e)) != 0)
		return rc;
	return part(g, k + held, d->n - held, &g->train, e);
}

/* Images of each class: enough to train on, and what guessing would get. */
static int
count_classes(struct grow *g, struct err *e)
{
	size_t classes = g->net.classes, most = 0, missing = 0;
	size_t *train = arena_alloc(&g->arena, classes, sizeof(*train));
	size_t *held = arena_alloc(&g->arena, classes, sizeof(*held));

	if (train == NULL || held == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "too many classes");
	for (size_t i = 0; i < g->train.n; i++)
		train[g->train.label[i]]++;
	for (size_t i = 0; i < g->held.n; i++)
		held[g->held.label[i]]++;
	for (size_t c = 0; c < classes; c++) {
		most = MAX(most, held[c]);
		missing += train[c] == 0;
	}
	if (g->train.n < LEAST_PER_CLASS * classes ||
	    g->train.n < LEAST_BATCH || g->held.n == 0)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "%zu images to train on are too few for %zu classes, they "
		    "need %zu",
		    g->train.n, classes, LEAST_PER_CLASS * classes);
	if (missing != 0)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "%zu of %zu classes have no image to train on", missing,
		    classes);
	g->chance = (double)most / (double)g->held.n;
	return 0;
}

/* --- how to train -------------------------------------------------------- */

static int
read_augment(struct grow *g, struct err *e)
{
	static const char *const known[] = {"shift", "flip", "cutout", "mixup"};
	size_t side = MIN(g->train.h, g->train.w);
	bool on[ARRAY_LEN(known)] = {false};

	for (const char *p = g->opt.augment; *p != '\0';) {
		size_t len = strcspn(p, ","), k = 0;

		while (
		    k < ARRAY_LEN(known) &&
		    (strlen(known[k]) != len || memcmp(known[k], p, len) != 0))
			k++;
		if (k < ARRAY_LEN(known))
			on[k] = true;
		else if (len != 4 || memcmp(p, "none", 4) != 0)
			return err_set(e, ERR_USAGE, ERR_NOWHERE,
			    "--augment has no '%.*s'", (int)MIN(len, 64), p);
		p += len + (p[len] == ',');
	}
	g->augment =
	    (struct augment){.h = g->train.h, .w = g->train.w, .c = g->train.c};
	/* 2 pixels of 28 or 32, a square of 8 */
	if (on[0])
		g->augment.shift = MAX((side + 7) / 14, 1);
	g->augment.flip = on[1];
	if (on[2])
		g->augment.cutout = MAX((side + 2) / 4, 1);
	g->how.mixup = on[3];
	return 0;
}

static int
choose_training(struct grow *g, struct err *e)
{
	size_t n = g->train.n, step = MAX(g->net.batch, 1), batch;

	g->how = g->note.layer_norm ? train_defaults_adamw() : train_defaults();
	batch = n >= 1000 ? 128 : n >= 128 ? 64 : LEAST_BATCH;
	if (g->opt.batch != 0)
		batch = g->opt.batch;
	/* what was exported for a number of images takes no other */
	batch = MAX(batch / step, 1) * step;
	if (batch > n)
		return err_set(e, g->opt.batch != 0 ? ERR_USAGE : ERR_FORMAT,
		    ERR_NOWHERE, "%zu training images, a batch has %zu", n,
		    batch);
	g->how.batch = batch;
	g->how.epochs =
	    g->opt.epochs != 0 ? g->opt.epochs : MAX(PASSES / n, LEAST_EPOCHS);
	if (g->opt.rate > 0.0)
		g->how.rate = (float)g->opt.rate;
	return read_augment(g, e);
}

/* --- the whole ----------------------------------------------------------- */

static int
open_model(struct grow *g, struct err *e)
{
	const struct dataset *d = &g->data.data;
	int rc;

	if ((rc = regrow_model(
		 &g->file.model, &g->arena, &g->model, &g->note, e)) != 0 ||
	    (rc = net_build(&g->net, &g->model, d->h, d->w, d->c, e)) != 0)
		return rc;
	return measure_fits(&g->net, d, NULL, e);
}

int
grow_open(struct grow *g, struct err *e)
{
	struct fetch_want want = {
	    .spec = g->opt.data, .classes = g->opt.classes};
	int rc;

	arena_init(&g->arena, (size_t)32 << 30);
	rc = fetch_model(
	    g->opt.model, g->opt.preprocess, g->opt.arch, &g->file, e);
	if (rc != 0)
		return rc;
	want.model = &g->file.model;
	if ((rc = fetch_data(&want, &g->data, e)) != 0)
		return rc;
	if ((rc = open_model(g, e)) != 0)
		return err_in(e, g->opt.model);
	if ((rc = split(g, e)) != 0 || (rc = count_classes(g, e)) != 0 ||
	    (rc = choose_training(g, e)) != 0)
		return err_in(e, g->opt.data);
	return 0;
}

void
grow_release(struct grow *g)
{
	net_release(&g->net);
	fetch_model_release(&g->file);
	fetch_data_release(&g->data);
	arena_release(&g->arena);
}
