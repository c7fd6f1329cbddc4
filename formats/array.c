/* SPDX-License-Identifier: MIT */
#include "formats/array.h"

#include "base/limits.h"

#include <math.h>

int
array_take(struct array *a, struct rd *r, struct err *e)
{
	uint64_t count = 1, bytes;
	uint64_t at = rd_pos(r);

	for (size_t i = 0; i < a->rank; i++)
		if (ckd_mul(&count, count, a->dim[i]))
			count = UINT64_MAX;
	if (count > LIMIT_DATASET_BYTES / a->width)
		return err_set(e, ERR_LIMIT, at, "array is too large");
	bytes = count * a->width;
	if (bytes > rd_left(r))
		return err_set(e, ERR_TRUNCATED, r->start + r->len,
		    "%zu bytes of data, the shape needs %" PRIu64, rd_left(r),
		    bytes);
	if (bytes < rd_left(r))
		return err_set(e, ERR_FORMAT, at + bytes,
		    "%" PRIu64 " bytes after the data", rd_left(r) - bytes);
	a->count = count;
	return rd_sub(r, bytes, &a->data);
}

/*
 * The same row by row: `a` itself, or a copy in the arena.  The elements of a
 * copy are no longer where errors about them say.
 */
static int
in_rows(const struct array *a, struct arena *arena, struct array *out,
    struct err *e)
{
	size_t step[ARRAY_MAX_RANK], at[ARRAY_MAX_RANK] = {0}, from = 0, n = 1;
	uint8_t *p;

	*out = *a;
	if (!a->columns || a->rank < 2 || a->count == 0)
		return 0;
	if ((p = arena_alloc(arena, a->count, a->width)) == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "data too large");
	for (size_t k = 0; k < a->rank; k++) {
		step[k] = n;
		n *= (size_t)a->dim[k];
	}
	out->data = rd_mem(p, a->count * a->width);
	out->columns = false;
	for (size_t i = 0; i < a->count; i++, p += a->width) {
		memcpy(p, a->data.base + from * a->width, a->width);
		for (size_t k = a->rank; k-- > 0;) {
			from += step[k];
			if (++at[k] < a->dim[k])
				break;
			from -= step[k] * at[k];
			at[k] = 0;
		}
	}
	return 0;
}

static uint64_t
element(const struct array *a, size_t i)
{
	const uint8_t *p = a->data.base + i * a->width;
	uint64_t v = 0;

	for (size_t k = 0; k < a->width; k++)
		v = v << 8 | p[a->big ? k : a->width - 1 - k];
	return v;
}

/* False for floats and above INT64_MAX. */
static bool
integer(const struct array *a, size_t i, int64_t *out)
{
	uint64_t v = element(a, i), sign = (uint64_t)1 << (8 * a->width - 1);

	if (a->kind == 'f' || (a->kind == 'u' && v > INT64_MAX))
		return false;
	*out = (int64_t)(a->kind == 'i' ? (v ^ sign) - sign : v);
	return true;
}

static float
half(uint64_t v)
{
	int exponent = (int)(v >> 10 & 31);
	float m = (float)(v & 1023) + (exponent > 0 ? 1024.0f : 0.0f);

	m = ldexpf(m, MAX(exponent, 1) - 25);
	return (v & 0x8000) != 0 ? -m : m;
}

static float
real(const struct array *a, size_t i)
{
	uint64_t v = element(a, i);
	uint32_t v4 = (uint32_t)v;
	double d;
	float f;

	if (a->width == 2) /* also infinities and NaN, which are no pixels */
		return (v >> 10 & 31) == 31 ? NAN : half(v);
	if (a->width == 4) {
		memcpy(&f, &v4, sizeof(f));
		return f;
	}
	memcpy(&d, &v, sizeof(d));
	return (float)d;
}

static uint64_t
place(const struct array *a, size_t i)
{
	return a->data.start + i * a->width;
}

/* How the axes lie; *planar: (N,C,H,W). */
static int
layout(const struct array *a, struct dataset *d, bool *planar, struct err *e)
{
	const uint64_t *n = a->dim;

	*planar =
	    a->rank == 4 && (n[1] == 1 || n[1] == 3) && n[3] != 1 && n[3] != 3;
	if (a->rank != 3 && a->rank != 4)
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "images have 3 or 4 axes, this array has %zu", a->rank);
	if (a->rank == 4 && !*planar && n[3] != 1 && n[3] != 3)
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "no axis of 1 or 3 channels in %" PRIu64 "x%" PRIu64
		    "x%" PRIu64 "x%" PRIu64,
		    n[0], n[1], n[2], n[3]);
	d->n = n[0];
	d->h = n[*planar ? 2 : 1];
	d->w = n[*planar ? 3 : 2];
	d->c = a->rank == 3 ? 1 : n[*planar ? 1 : 3];
	if (a->count == 0)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE, "no images");
	if (d->n > LIMIT_IMAGES || d->h > LIMIT_IMAGE_SIDE ||
	    d->w > LIMIT_IMAGE_SIDE)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE,
		    "%zu images of %zux%zu are too many or too large", d->n,
		    d->h, d->w);
	return 0;
}

/* Where element i of the result, channels innermost, lies in the array. */
static size_t
source(const struct dataset *d, bool planar, size_t i)
{
	size_t plane = d->h * d->w, image = i / (plane * d->c);
	size_t in = i % (plane * d->c);

	if (!planar)
		return i;
	return (image * d->c + in % d->c) * plane + in / d->c;
}

static int
take_bytes(const struct array *a, struct dataset *d, bool planar, struct err *e)
{
	uint8_t *p;

	if (a->width == 1 && a->kind == 'u' && !planar) {
		d->u8 = a->data.base;
		return 0;
	}
	if ((p = arena_alloc(&d->arena, a->count, 1)) == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "data too large");
	for (size_t i = 0; i < a->count; i++) {
		size_t from = source(d, planar, i);
		int64_t v = -1;

		if (!integer(a, from, &v) || v < 0 || v > 255)
			return err_set(e, ERR_FORMAT, place(a, from),
			    "a pixel is not within 0 to 255");
		p[i] = (uint8_t)v;
	}
	d->u8 = p;
	return 0;
}

static int
take_floats(
    const struct array *a, struct dataset *d, bool planar, struct err *e)
{
	float *p = arena_alloc(&d->arena, a->count, sizeof(*p)), most = 0.0f;

	if (p == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "data too large");
	for (size_t i = 0; i < a->count; i++) {
		size_t from = source(d, planar, i);
		float v = real(a, from);

		if (!(v >= 0.0f && v <= 255.0f))
			return err_set(e, ERR_FORMAT, place(a, from),
			    "a pixel is %g, not within 0 to 255", (double)v);
		most = MAX(most, v);
		p[i] = v;
	}
	for (size_t i = 0; most > 1.0f && i < a->count; i++)
		p[i] /= 255.0f;
	d->f32 = p;
	return 0;
}

int
array_images(const struct array *a, struct dataset *d, struct err *e)
{
	struct array rows;
	bool planar;
	int rc;

	if ((rc = layout(a, d, &planar, e)) != 0 ||
	    (rc = in_rows(a, &d->arena, &rows, e)) != 0)
		return rc;
	return a->kind == 'f' ? take_floats(&rows, d, planar, e)
			      : take_bytes(&rows, d, planar, e);
}

/* A whole number, also where it is kept as a float. */
static bool
whole(const struct array *a, size_t i, int64_t *out)
{
	float v;

	if (a->kind != 'f')
		return integer(a, i, out);
	v = real(a, i);
	if (!(v >= 0.0f && v < (float)LIMIT_CLASSES))
		return false;
	*out = (int64_t)v;
	return (float)*out == v;
}

/* Where the only 1 of row i stands, all else being 0 (one-hot labels, as
 * Keras's to_categorical makes them); -1: it is no such row. */
static int64_t
hot(const struct array *a, size_t i)
{
	size_t n = (size_t)a->dim[1];
	int64_t at = -1, v;

	for (size_t k = 0; k < n; k++) {
		if (!whole(a, i * n + k, &v) || v > 1 || (v == 1 && at >= 0))
			return -1;
		if (v == 1)
			at = (int64_t)k;
	}
	return at;
}

static int
take_labels(const struct array *a, struct dataset *d, struct err *e)
{
	bool rows = a->rank == 2 && a->dim[1] > 1;
	int64_t v, most = -1;
	int32_t *label;

	if (a->rank != 1 && a->rank != 2)
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "labels have one axis, this array has %zu", a->rank);
	if (a->dim[0] != d->n)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "%" PRIu64 " labels for %zu images", a->dim[0], d->n);
	if (rows && a->dim[1] > LIMIT_CLASSES)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE,
		    "labels of %" PRIu64 " numbers", a->dim[1]);
	label = arena_alloc(&d->arena, d->n, sizeof(*label));
	if (label == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "data too large");
	for (size_t i = 0; i < d->n; i++) {
		if (rows && (v = hot(a, i)) < 0)
			return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
			    "labels have one axis, or a 1 in each row; row %zu "
			    "has not",
			    i);
		if (!rows && (!whole(a, i, &v) || v < 0 || v >= LIMIT_CLASSES))
			return err_set(e, ERR_FORMAT, place(a, i),
			    "label %zu is not a whole number within 0 to %d", i,
			    LIMIT_CLASSES - 1);
		label[i] = (int32_t)v;
		most = MAX(most, v);
	}
	d->label = label;
	d->classes = rows ? (size_t)a->dim[1] : (size_t)(most + 1);
	return 0;
}

int
array_labels(const struct array *a, struct dataset *d, struct err *e)
{
	struct array rows;
	int rc = in_rows(a, &d->arena, &rows, e);

	return rc != 0 ? rc : take_labels(&rows, d, e);
}
