/* SPDX-License-Identifier: MIT */
#include "formats/fit.h"

#include "base/limits.h"
#include "formats/resize.h"

/* One side on its way: scaled, then cut or padded twice. */
struct side {
	size_t in, scaled, out;
	size_t skip;  /* of the scaled image, in front */
	size_t pad;   /* zeros in front of what is left */
	size_t count; /* how much is left */
};

struct plan {
	struct side y, x;
	size_t in_c, c;
	size_t width; /* bytes of a number */
	bool scale;
	struct resize resize;
	uint8_t *scaled; /* one image */
};

bool
fit_scales(const struct fit_shape *s)
{
	return s->pre.resize != RESIZE_UNKNOWN || s->pre.crop_height != 0;
}

/* The centre crop, then --size. */
static int
plan_side(struct side *s, uint64_t crop, enum preprocess_centre centre,
    uint64_t pad, struct err *e)
{
	s->out = s->count = s->scaled;
	if (crop != 0) {
		resize_centre(s->scaled, crop, centre, &s->skip, &s->pad);
		s->out = crop;
		s->count = MIN(s->scaled, crop);
	}
	if (pad == 0)
		return 0;
	if (pad < s->out)
		return err_set(e, ERR_USAGE, ERR_NOWHERE,
		    "%zu pixels do not fit %" PRIu64 ": images are only "
		    "padded to a size, never cut or scaled",
		    s->out, pad);
	s->pad += (pad - s->out) / 2;
	s->out = pad;
	return 0;
}

static void
plan_scale(struct plan *p, const struct preprocess *pre)
{
	p->y.scaled = p->y.in;
	p->x.scaled = p->x.in;
	if (pre->resize == RESIZE_EXACT) {
		p->y.scaled = pre->height;
		p->x.scaled = pre->width;
	} else if (pre->resize == RESIZE_SHORTEST) {
		resize_shortest(
		    p->y.in, p->x.in, pre->height, &p->y.scaled, &p->x.scaled);
	}
	p->scale = p->y.scaled != p->y.in || p->x.scaled != p->x.in;
}

static int
check_plan(const struct plan *p, const struct fit_shape *s, struct err *e)
{
	if ((s->h != 0 && s->h != p->y.out) || (s->w != 0 && s->w != p->x.out))
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "an image of %zux%zu pixels%s is not the %" PRIu64
		    "x%" PRIu64 " that the model takes: say how it becomes "
		    "that with --preprocess (resize=HxW, resize=N, crop=HxW)",
		    p->y.out, p->x.out,
		    fit_scales(s) ? " after resize and crop" : "", s->h, s->w);
	if (p->c != p->in_c && p->in_c != 1)
		return err_set(e, ERR_USAGE, ERR_NOWHERE,
		    "images of %zu channels cannot become %zu", p->in_c, p->c);
	if (MAX(p->y.out, p->x.out) > LIMIT_IMAGE_SIDE ||
	    MAX(p->y.scaled, p->x.scaled) > LIMIT_IMAGE_SIDE ||
	    MIN(p->y.scaled, p->x.scaled) == 0 || p->c > LIMIT_IMAGE_CHANNELS)
		return err_set(
		    e, ERR_LIMIT, ERR_NOWHERE, "the images become too large");
	return 0;
}

/* scaled: whether resize and crop apply.  What it needs is in the arena. */
static int
make_plan(struct plan *p, const struct fit_shape *s, bool scaled,
    struct arena *a, struct err *e)
{
	const struct preprocess *pre = &s->pre;
	enum preprocess_filter f =
	    pre->filter != FILTER_UNKNOWN ? pre->filter : FILTER_BILINEAR;
	int rc;

	p->c = s->channels != 0 ? s->channels : p->in_c;
	plan_scale(p, scaled ? pre : &(struct preprocess){0});
	if ((rc = plan_side(&p->y, scaled ? pre->crop_height : 0, pre->centre,
		 s->side, e)) != 0 ||
	    (rc = plan_side(&p->x, scaled ? pre->crop_width : 0, pre->centre,
		 s->side, e)) != 0 ||
	    (rc = check_plan(p, s, e)) != 0 || !p->scale)
		return rc;
	if ((rc = resize_init(&p->resize, a, p->y.in, p->x.in, p->in_c,
		 p->y.scaled, p->x.scaled, f, e)) != 0)
		return rc;
	p->scaled =
	    arena_alloc(a, p->y.scaled * p->x.scaled, p->in_c * p->width);
	return p->scaled != NULL ? 0
				 : err_set(e, ERR_LIMIT, ERR_NOWHERE,
				       "the images become too large");
}

/* The part of an image that is left, into zeroed pixels. */
static void
place(const struct plan *p, const uint8_t *from, uint8_t *to)
{
	size_t in = p->in_c * p->width, out = p->c * p->width;

	for (size_t y = 0; y < p->y.count; y++) {
		const uint8_t *row =
		    from + ((y + p->y.skip) * p->x.scaled + p->x.skip) * in;
		uint8_t *at = to + ((y + p->y.pad) * p->x.out + p->x.pad) * out;

		if (in == out) {
			memcpy(at, row, p->x.count * in);
			continue;
		}
		for (size_t x = 0; x < p->x.count; x++, row += in)
			for (size_t k = 0; k < p->c; k++, at += p->width)
				memcpy(at, row, p->width);
	}
}

static void
run(const struct plan *p, const uint8_t *from, uint8_t *to)
{
	if (p->scale && p->width == 1)
		resize_u8(&p->resize, from, p->scaled);
	else if (p->scale)
		resize_f32(&p->resize, (const float *)(const void *)from,
		    (float *)(void *)p->scaled);
	place(p, p->scale ? p->scaled : from, to);
}

int
fit_image(const struct fit_shape *s, const struct image *in, struct arena *a,
    struct image *out, struct err *e)
{
	struct plan p = {
	    .y.in = in->h, .x.in = in->w, .in_c = in->c, .width = 1};
	uint8_t *to;
	int rc;

	if ((rc = make_plan(&p, s, true, a, e)) != 0)
		return rc;
	*out = (struct image){.c = p.c};
	if ((to = image_alloc(a, out, p.x.out, p.y.out, e)) == NULL)
		return e->code;
	run(&p, in->pixel, to);
	return 0;
}

static int
fit_all(struct dataset *d, const struct plan *p, struct err *e)
{
	size_t in = d->h * d->w * d->c * p->width, n, out;
	const uint8_t *from = d->u8 != NULL ? d->u8 : (const uint8_t *)d->f32;
	uint8_t *to;

	out = p->y.out * p->x.out * p->c * p->width;
	if (ckd_mul(&n, d->n, out) || n > LIMIT_DATASET_BYTES ||
	    (to = arena_alloc(&d->arena, d->n, out)) == NULL)
		return err_set(
		    e, ERR_LIMIT, ERR_NOWHERE, "the images become too large");
	for (size_t i = 0; i < d->n; i++)
		run(p, from + i * in, to + i * out);
	if (d->u8 != NULL)
		d->u8 = to;
	else
		d->f32 = (const float *)(void *)to;
	d->h = p->y.out;
	d->w = p->x.out;
	d->c = p->c;
	return 0;
}

int
fit_images(struct dataset *d, const struct fit_shape *s, struct err *e)
{
	struct plan p = {.y.in = d->h,
	    .x.in = d->w,
	    .in_c = d->c,
	    .width = d->u8 != NULL ? 1 : sizeof(float)};
	bool ready = s->h != 0 && s->h == d->h && s->w == d->w;
	struct arena a;
	int rc;

	arena_init(&a, (size_t)1 << 30);
	rc = make_plan(&p, s, !ready, &a, e);
	if (rc == 0 && (p.scale || p.y.out != d->h || p.x.out != d->w ||
			   p.c != d->c || p.y.skip != 0 || p.x.skip != 0))
		rc = fit_all(d, &p, e);
	arena_release(&a);
	return rc;
}
