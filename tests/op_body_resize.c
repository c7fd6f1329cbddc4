/* SPDX-License-Identifier: MIT
 * Networks around Resize.
 */
#include "tests/op_body.h"

#include "formats/build.h"

#define REALS(...)                                                             \
	.nreal = ARRAY_LEN(((double[]){__VA_ARGS__})), .scales = {__VA_ARGS__}
#define SIZES(...)                                                             \
	.nsize = ARRAY_LEN(((int64_t[]){__VA_ARGS__})), .sizes = {__VA_ARGS__}

/* A Resize of (N, 4, 7, 6) or (N, 4, 2, 3, 7); `features` come out. */
struct form {
	const char *mode, *place, *nearest;
	size_t nreal, nsize, nroi, features;
	double scales[5], roi[10];
	int64_t sizes[5];
	bool exclude, volume, turned;
};

static struct attr *
attr(struct model *m, const char *name, enum attr_kind kind)
{
	struct node *n = &m->node[m->nnode - 1];
	struct attr *a;

	build_int(m, name, 0);
	a = &n->attr[n->nattr - 1];
	a->kind = kind;
	return a;
}

static void
reals(struct model *m, const char *name, size_t n, const double *v)
{
	struct attr *a = attr(m, name, ATTR_REALS);

	a->reals = v;
	a->n = n;
}

/* To the width and height of the image, computed: sizes as an input. */
static const char *
turn(struct model *m, const char *v)
{
	const char *side[2], *in[4] = {v, "", "", NULL};

	for (size_t i = 0; i < 2; i++) {
		side[i] = build_node(
		    m, "Shape", i == 0 ? "width" : "height", &m->input, 1);
		build_int(m, "start", i == 0 ? 3 : 2);
		build_int(m, "end", i == 0 ? 4 : 3);
	}
	in[3] = build_node(m, "Concat", "turned", side, 2);
	build_int(m, "axis", 0);
	v = build_node(m, "Resize", "r", in, 4);
	build_ints(m, "axes", 2, (int64_t[]){2, 3});
	return v;
}

/* Image of 7 x 6 with 3 channels; the form is static. */
static void
resize(struct model *m, const struct form *f)
{
	const char *v = op_body_stem(m);

	if (f->volume) {
		v = build_node(m, "Reshape", "vol", &v, 1);
		build_ints(m, "shape", 5, (int64_t[]){0, 4, 2, 3, 7});
	}
	v = f->turned ? turn(m, v) : build_node(m, "Resize", "r", &v, 1);
	attr(m, "mode", ATTR_TEXT)->s = f->mode;
	if (f->place != NULL)
		attr(m, "coordinate_transformation_mode", ATTR_TEXT)->s =
		    f->place;
	if (f->nearest != NULL)
		attr(m, "nearest_mode", ATTR_TEXT)->s = f->nearest;
	if (f->nreal > 0)
		reals(m, "scales", f->nreal, f->scales);
	if (f->nsize > 0)
		build_ints(m, "sizes", f->nsize, f->sizes);
	if (f->nroi > 0) {
		reals(m, "roi", f->nroi, f->roi);
		build_real(m, "extrapolation_value", 0.75);
	}
	if (f->nsize == 2)
		build_ints(m, "axes", 2, (int64_t[]){-1, 2});
	if (f->exclude) {
		build_int(m, "exclude_outside", 1);
		build_real(m, "cubic_coeff_a", -0.5);
	}
	op_body_head(m, v, f->features);
}

#define BODY(name, ...)                                                        \
	static void body_##name(struct model *m)                               \
	{                                                                      \
		static const struct form f = {__VA_ARGS__};                    \
		resize(m, &f);                                                 \
	}

BODY(nearest, "nearest", REALS(1, 1, 2, 3), .features = 4 * 14 * 18)
BODY(nearest_ceil, "nearest", "asymmetric", "ceil", REALS(1, 1, 1.5, 0.7),
    .features = 4 * 10 * 4)
BODY(nearest_floor, "nearest", "align_corners", "floor", SIZES(9, 4),
    .features = 4 * 9 * 4)
BODY(nearest_prefer, "nearest", "tf_half_pixel_for_nn", "round_prefer_ceil",
    REALS(1, 1, 2.3, 0.5), .features = 4 * 16 * 3)
BODY(linear, "linear", REALS(1, 1, 0.6, 1.7), .features = 4 * 4 * 10)
BODY(linear_torch, "linear", "pytorch_half_pixel", .nsize = 4,
    .sizes = {3, 4, 1, 9}, .features = 4 * 9)
BODY(linear_align, "linear", "align_corners", REALS(1, 1, 2, 0.6),
    .features = 4 * 14 * 3)
BODY(linear_symmetric, "linear", "half_pixel_symmetric", REALS(1, 1, 2.4, 0.8),
    .features = 4 * 16 * 4)
BODY(linear_crop, "linear", "tf_crop_and_resize", .nsize = 4,
    .sizes = {3, 4, 5, 4}, .nroi = 8, .roi = {0, 0, 0.2, -0.3, 1, 1, 0.7, 0.8},
    .features = 4 * 5 * 4)
BODY(linear_turned, "linear", .turned = true, .features = 4 * 6 * 7)
BODY(linear_volume, "linear", REALS(1, 1, 1.5, 2, 0.5), .volume = true,
    .features = 4 * 3 * 6 * 3)
BODY(cubic, "cubic", REALS(1, 1, 2.5, 0.8), .features = 4 * 17 * 4)
BODY(cubic_exclude, "cubic", "align_corners", SIZES(3, 10), .exclude = true,
    .features = 4 * 3 * 10)

static const struct op_body table[] = {
    {"resize nearest", body_nearest, 7, 6, 3, 3},
    {"resize nearest, ceil", body_nearest_ceil, 7, 6, 3, 3},
    {"resize nearest, floor, axes", body_nearest_floor, 7, 6, 3, 3},
    {"resize nearest, rounded up", body_nearest_prefer, 7, 6, 3, 3},
    {"resize linear", body_linear, 7, 6, 3, 3},
    {"resize linear, one row, sizes", body_linear_torch, 7, 6, 3, 3},
    {"resize linear, corners", body_linear_align, 7, 6, 3, 3},
    {"resize linear, symmetric", body_linear_symmetric, 7, 6, 3, 3},
    {"resize linear, cropped", body_linear_crop, 7, 6, 3, 3},
    {"resize linear, computed sizes", body_linear_turned, 7, 6, 3, 3},
    {"resize linear, 3-d", body_linear_volume, 7, 6, 3, 3},
    {"resize cubic", body_cubic, 7, 6, 3, 3},
    {"resize cubic, outside excluded", body_cubic_exclude, 7, 6, 3, 3},
};
const struct op_body_set op_body_resizes = {table, ARRAY_LEN(table)};
