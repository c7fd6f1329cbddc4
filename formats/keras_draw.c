/* SPDX-License-Identifier: MIT */
#include "formats/keras_class.h"

#include <stdarg.h>

static void fail(struct keras *, const struct keras_layer *, int code,
    const char *fmt, va_list) PRINTF_LIKE(4, 0);

static void
fail(struct keras *k, const struct keras_layer *l, int code, const char *fmt,
    va_list ap)
{
	char msg[160];

	if (k->d.rc != 0)
		return;
	vsnprintf(msg, sizeof(msg), fmt, ap);
	k->d.rc = err_set(k->d.e, code, ERR_NOWHERE,
	    "keras: layer '%.60s' (%.40s): %s",
	    *l->path != '\0' ? l->path : l->name, l->class, msg);
}

void
keras_draw_refuse(
    struct keras *k, const struct keras_layer *l, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fail(k, l, ERR_UNSUPPORTED, fmt, ap);
	va_end(ap);
}

void
keras_draw_bad(
    struct keras *k, const struct keras_layer *l, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fail(k, l, ERR_FORMAT, fmt, ap);
	va_end(ap);
}

/* --- the order of axes --------------------------------------------------- */

struct keras_value
keras_draw_straight(
    struct keras *k, const struct keras_layer *l, struct keras_value v)
{
	static const int64_t perm[] = {0, 2, 3, 1};

	if (!v.turned)
		return v;
	v.turned = false;
	v.name = draw_transpose(&k->d, l->path, v.name, 4, perm);
	return v;
}

struct keras_value
keras_draw_turned(
    struct keras *k, const struct keras_layer *l, struct keras_value v)
{
	static const int64_t perm[] = {0, 3, 1, 2};

	if (v.rank != 4)
		keras_draw_bad(
		    k, l, "wants an image, not a value of rank %zu", v.rank);
	if (v.turned || k->d.rc != 0)
		return v;
	v.turned = true;
	v.name = draw_transpose(&k->d, l->path, v.name, 4, perm);
	return v;
}

bool
keras_draw_first(const struct keras_layer *l)
{
	return strcmp(keras_config_text(l, "data_format", ""),
		   "channels_first") == 0;
}

struct keras_value
keras_draw_image(
    struct keras *k, const struct keras_layer *l, struct keras_value v)
{
	if (!keras_draw_first(l))
		return keras_draw_turned(k, l, v);
	if (v.rank != 4)
		keras_draw_bad(
		    k, l, "wants an image, not a value of rank %zu", v.rank);
	return keras_draw_straight(k, l, v);
}

int64_t
keras_draw_axis(struct keras *k, const struct keras_layer *l,
    const struct keras_value *v, int64_t axis)
{
	static const int64_t turned[] = {0, 2, 3, 1};
	int64_t rank = (int64_t)v->rank;

	if (axis < -rank || axis >= rank) {
		keras_draw_bad(k, l, "axis %" PRId64 " of a value of rank %zu",
		    axis, v->rank);
		return 0;
	}
	axis += axis < 0 ? rank : 0;
	return v->turned ? turned[axis] : axis;
}

/* --- weights ------------------------------------------------------------- */

static const char *
remember(struct keras *k, struct keras_layer *l, size_t i, struct tensor *t)
{
	t->name = draw_path(&k->d, "%s/%s", l->path, l->kind->var[i].name);
	draw_tensor(&k->d, t);
	l->drawn[i] = t->name;
	return t->name;
}

const char *
keras_draw_view(struct keras *k, struct keras_layer *l, size_t i, size_t rank,
    const uint64_t *dim, const uint64_t *stride)
{
	struct tensor t = l->var[i];
	uint64_t *own;

	if (k->d.rc != 0)
		return "";
	if (l->drawn[i] != NULL)
		return l->drawn[i];
	t.rank = rank;
	memcpy(t.dim, dim, rank * sizeof(*dim));
	if ((own = arena_alloc(&k->d.m->arena, MODEL_MAX_RANK, 8)) == NULL) {
		k->d.rc = err_set(
		    k->d.e, ERR_LIMIT, ERR_NOWHERE, "keras: model too large");
		return "";
	}
	memcpy(own, stride, rank * sizeof(*stride));
	t.stride = own;
	return remember(k, l, i, &t);
}

const char *
keras_draw_weight(struct keras *k, struct keras_layer *l, size_t i, size_t rank,
    const size_t *perm)
{
	const struct tensor *t = &l->var[i];
	uint64_t dim[MODEL_MAX_RANK], stride[MODEL_MAX_RANK];
	uint64_t step = dtype_width(t->dtype), dense[MODEL_MAX_RANK];
	struct tensor same = *t;

	if (k->d.rc != 0)
		return "";
	if (t->rank != rank) {
		keras_draw_bad(k, l, "'%s' has rank %zu, not %zu",
		    l->kind->var[i].name, t->rank, rank);
		return "";
	}
	if (l->drawn[i] != NULL)
		return l->drawn[i];
	if (perm == NULL)
		return remember(k, l, i, &same);
	for (size_t a = rank; a-- > 0; step *= t->dim[a])
		dense[a] = step;
	for (size_t a = 0; a < rank; a++) {
		dim[a] = t->dim[perm[a]];
		stride[a] = dense[perm[a]];
	}
	return keras_draw_view(k, l, i, rank, dim, stride);
}

/* --- numbers of ours ----------------------------------------------------- */

const char *
keras_draw_numbers(struct keras *k, const struct keras_layer *l,
    const char *what, size_t rank, const uint64_t *dim, const double *v)
{
	struct tensor t = {.dtype = DTYPE_F64, .rank = rank};
	uint64_t n = 0;
	uint8_t *p;

	for (size_t i = 0; i < rank; i++)
		t.dim[i] = dim[i];
	if (k->d.rc != 0)
		return "";
	if (!tensor_elements(&t, &n) ||
	    (p = arena_alloc(&k->d.m->arena, (size_t)n + 1, 8)) == NULL) {
		k->d.rc = err_set(
		    k->d.e, ERR_LIMIT, ERR_NOWHERE, "keras: model too large");
		return "";
	}
	t.data = p;
	t.size = (size_t)n * 8;
	t.name =
	    draw_path(&k->d, "assay.%s/%s:%zu", l->path, what, k->d.m->ntensor);
	for (size_t i = 0; i < n; i++) {
		uint64_t bits;

		memcpy(&bits, &v[i], sizeof(bits));
		for (size_t b = 0; b < 8; b++, bits >>= 8)
			*p++ = (uint8_t)bits;
	}
	draw_tensor(&k->d, &t);
	return t.name;
}

const char *
keras_draw_repeat(struct keras *k, const struct keras_layer *l,
    const char *what, size_t n, double v)
{
	double *list;
	uint64_t dim = n;

	if (n == 0)
		return keras_draw_numbers(k, l, what, 0, NULL, &v);
	list =
	    k->d.rc == 0 ? arena_alloc(&k->d.m->arena, n, sizeof(*list)) : NULL;
	if (list == NULL && k->d.rc == 0)
		k->d.rc = err_set(
		    k->d.e, ERR_LIMIT, ERR_NOWHERE, "keras: model too large");
	if (list == NULL)
		return "";
	for (size_t i = 0; i < n; i++)
		list[i] = v;
	return keras_draw_numbers(k, l, what, 1, &dim, list);
}

void
keras_draw_pixels(struct keras *k, bool bytes)
{
	if (!k->pixels && bytes)
		k->bytes = true;
	k->pixels = true;
}

/* --- windows ------------------------------------------------------------- */

void
keras_draw_window(struct keras *k, const struct keras_layer *l,
    const int64_t size[2], const int64_t stride[2], const int64_t dilation[2])
{
	const char *padding = keras_config_text(l, "padding", "valid");

	for (size_t i = 0; i < 2; i++)
		if (size[i] < 1 || stride[i] < 1 || dilation[i] < 1 ||
		    size[i] > INT32_MAX || stride[i] > INT32_MAX ||
		    dilation[i] > INT32_MAX)
			keras_draw_bad(k, l, "a window of no size");
	draw_ints(&k->d, "kernel_shape", 2, size);
	draw_ints(&k->d, "strides", 2, stride);
	if (strcmp(padding, "same") == 0)
		draw_text(&k->d, "auto_pad", "SAME_UPPER");
	else if (strcmp(padding, "valid") == 0)
		draw_ints(&k->d, "pads", 4, (int64_t[]){0, 0, 0, 0});
	else
		keras_draw_refuse(k, l, "padding '%.20s'", padding);
	draw_ints(&k->d, "dilations", 2, dilation);
}
