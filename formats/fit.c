/* SPDX-License-Identifier: MIT */
#include "formats/fit.h"

#include "base/limits.h"

struct frame {
	size_t h, w, c; /* of the new images */
	size_t top, left;
};

static int
frame_for(const struct dataset *d, const struct fit_shape *s, struct frame *f,
    struct err *e)
{
	*f = (struct frame){.h = s->side != 0 ? s->side : d->h,
	    .w = s->side != 0 ? s->side : d->w,
	    .c = s->channels != 0 ? s->channels : d->c};
	if (f->h < d->h || f->w < d->w)
		return err_set(e, ERR_USAGE, ERR_NOWHERE,
		    "images of %zu x %zu do not fit %zu x %zu: they are only "
		    "padded, never cut or scaled",
		    d->h, d->w, f->h, f->w);
	if (f->c != d->c && d->c != 1)
		return err_set(e, ERR_USAGE, ERR_NOWHERE,
		    "images of %zu channels cannot become %zu", d->c, f->c);
	f->top = (f->h - d->h) / 2;
	f->left = (f->w - d->w) / 2;
	return 0;
}

/* Copy all pixels of `width` bytes each into zeroed new images. */
static void
place(const struct dataset *d, const struct frame *f, const uint8_t *from,
    uint8_t *to, size_t width)
{
	for (size_t i = 0; i < d->n * d->h * d->w; i++) {
		size_t x = i % d->w + f->left;
		size_t y = i / d->w % d->h + f->top, n = i / d->w / d->h;
		uint8_t *at = to + ((n * f->h + y) * f->w + x) * f->c * width;

		for (size_t k = 0; k < f->c; k++)
			memcpy(at + k * width,
			    from + (i * d->c + (d->c == 1 ? 0 : k)) * width,
			    width);
	}
}

int
fit_images(struct dataset *d, const struct fit_shape *s, struct err *e)
{
	size_t width = d->u8 != NULL ? 1 : sizeof(float), n;
	struct frame f;
	uint8_t *to;
	int rc;

	if ((rc = frame_for(d, s, &f, e)) != 0)
		return rc;
	if (f.h == d->h && f.w == d->w && f.c == d->c)
		return 0;
	if (f.h > LIMIT_IMAGE_SIDE || f.w > LIMIT_IMAGE_SIDE ||
	    f.c > LIMIT_IMAGE_CHANNELS || ckd_mul(&n, d->n, f.h * f.w * f.c) ||
	    n > LIMIT_DATASET_BYTES / width ||
	    (to = arena_alloc(&d->arena, n, width)) == NULL)
		return err_set(
		    e, ERR_LIMIT, ERR_NOWHERE, "the images become too large");
	if (d->u8 != NULL) {
		place(d, &f, d->u8, to, 1);
		d->u8 = to;
	} else {
		place(d, &f, (const uint8_t *)d->f32, to, sizeof(float));
		d->f32 = (const float *)(void *)to;
	}
	d->h = f.h;
	d->w = f.w;
	d->c = f.c;
	return 0;
}
