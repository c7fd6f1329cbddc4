/* SPDX-License-Identifier: MIT */
#include "formats/gather.h"

#include "base/limits.h"

#define IMAGE_ARENA ((size_t)1 << 30)

void
gather_begin(
    struct gather *g, struct dataset *d, const struct fit_shape *fit, size_t n)
{
	*g = (struct gather){.d = d, .fit = fit, .n = n};
}

/* Room for all, as large as the first. */
static int
start(struct gather *g, const struct image *img, struct err *e)
{
	struct dataset *d = g->d;
	size_t size = img->w * img->h * img->c;

	if (size > LIMIT_DATASET_BYTES / g->n ||
	    (g->pixels = arena_alloc(&d->arena, g->n, size)) == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE,
		    "%zu images of %zux%zu are too much", g->n, img->h, img->w);
	d->n = g->n;
	d->h = img->h;
	d->w = img->w;
	d->c = img->c;
	d->u8 = g->pixels;
	return 0;
}

static int
place(struct gather *g, const struct image *img, struct err *e)
{
	const struct dataset *d = g->d;
	size_t size = img->w * img->h * img->c;
	int rc;

	if (g->at == g->n)
		BUG("more images than announced");
	if (g->at == 0 && (rc = start(g, img, e)) != 0)
		return rc;
	if (img->w != d->w || img->h != d->h)
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "%zux%zu pixels, the first image has %zux%zu: say how they "
		    "become alike with --preprocess (resize=HxW, or resize=N "
		    "and crop=HxW)",
		    img->h, img->w, d->h, d->w);
	if (img->c != d->c)
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "%zu channels, the first image has %zu; with --channels 3 "
		    "grey becomes colour",
		    img->c, d->c);
	memcpy(g->pixels + g->at++ * size, img->pixel, size);
	return 0;
}

int
gather_add(struct gather *g, struct rd file, struct err *e)
{
	struct image img, fitted;
	struct arena a;
	int rc;

	arena_init(&a, IMAGE_ARENA);
	if ((rc = image_read(file, &a, &img, e)) == 0) {
		fitted = img;
		if (g->fit != NULL)
			rc = fit_image(g->fit, &img, &a, &fitted, e);
		if (rc == 0)
			rc = place(g, &fitted, e);
	}
	arena_release(&a);
	return rc;
}
