/* SPDX-License-Identifier: MIT
 * Networks around functions of the circle, logarithms near one, and places of
 * images that are computed.
 */
#include "tests/op_body.h"

#include "formats/build.h"

#define SIDE_H 5
#define SIDE_W 4

/* A function of the image with weights, after `before` (NULL: nothing). */
static const char *
curve(struct model *m, const char *before, const char *op)
{
	const char *v = op_body_batch_norm(m, "bn", "image", 3);

	if (before != NULL)
		v = build_node(m, before, "b", &v, 1);
	return build_node(m, op, "y", &v, 1);
}

#define CURVE(name, before, op)                                                \
	static void body_##name(struct model *m)                               \
	{                                                                      \
		op_body_head(m, curve(m, before, op), 3 * SIDE_H * SIDE_W);    \
	}

CURVE(tan, "Tanh", "Tan")
CURVE(sinh, NULL, "Sinh")
CURVE(cosh, NULL, "Cosh")
CURVE(asin, "Softsign", "Asin")
CURVE(acos, "Softsign", "Acos")
CURVE(atan, NULL, "Atan")
CURVE(asinh, NULL, "Asinh")
CURVE(atanh, "Softsign", "Atanh")
CURVE(log1p, "Exp", "Log1p")
CURVE(expm1, NULL, "Expm1")
CURVE(shrink, NULL, "Shrink")

static void
body_acosh(struct model *m)
{
	const char *v = curve(m, NULL, "Exp");

	*build_tensor(m, "one", 0, NULL) = 1.5f;
	v = build_node(m, "Add", "more", (const char *[]){v, "one"}, 2);
	v = build_node(m, "Acosh", "z", &v, 1);
	op_body_head(m, v, 3 * SIDE_H * SIDE_W);
}

static void
body_shrink_set(struct model *m)
{
	const char *v = curve(m, NULL, "Shrink");

	build_real(m, "lambd", 0.2);
	build_real(m, "bias", 0.3);
	op_body_head(m, v, 3 * SIDE_H * SIDE_W);
}

/* x + hardmax(x) along an axis */
#define HARDMAX(name, along)                                                   \
	static void body_##name(struct model *m)                               \
	{                                                                      \
		const char *v[2];                                              \
		v[0] = op_body_batch_norm(m, "bn", "image", 3);                \
		v[1] = build_node(m, "Hardmax", "y", v, 1);                    \
		build_int(m, "axis", along);                                   \
		op_body_head(                                                  \
		    m, build_node(m, "Add", "z", v, 2), 3 * SIDE_H * SIDE_W);  \
	}

HARDMAX(hardmax_channels, 1)
HARDMAX(hardmax_rows, 2)
HARDMAX(hardmax_columns, -1)

/* Places between -2 and 2 made of two channels. */
static const char *
grid(struct model *m, const char *x)
{
	const char *v = build_node(m, "Slice", "two", &x, 1);

	build_ints(m, "starts", LIST(1));
	build_ints(m, "ends", LIST(3));
	build_ints(m, "axes", LIST(1));
	*build_tensor(m, "two.by", 0, NULL) = 2.0f;
	v = build_node(m, "Tanh", "two.t", &v, 1);
	v = build_node(m, "Mul", "two.m", (const char *[]){v, "two.by"}, 2);
	v = build_node(m, "Transpose", "grid", &v, 1);
	build_ints(m, "perm", LIST(0, 2, 3, 1));
	return v;
}

static void
sample(struct model *m, const char *mode, const char *edge, int64_t corners)
{
	const char *x = op_body_batch_norm(m, "bn", "image", 3);
	const char *v[2] = {x, grid(m, x)};

	v[0] = build_node(m, "GridSample", "s", v, 2);
	op_body_text(m, "mode", mode);
	op_body_text(m, "padding_mode", edge);
	build_int(m, "align_corners", corners);
	v[1] = x;
	v[0] = build_node(m, "Add", "z", v, 2);
	op_body_head(m, v[0], 3 * SIDE_H * SIDE_W);
}

#define SAMPLE(name, mode, edge, corners)                                      \
	static void body_##name(struct model *m)                               \
	{                                                                      \
		sample(m, mode, edge, corners);                                \
	}

SAMPLE(sample_zeros, "bilinear", "zeros", 0)
SAMPLE(sample_zeros_corners, "linear", "zeros", 1)
SAMPLE(sample_border, "bilinear", "border", 0)
SAMPLE(sample_border_corners, "bilinear", "border", 1)
SAMPLE(sample_reflection, "bilinear", "reflection", 0)
SAMPLE(sample_reflection_corners, "bilinear", "reflection", 1)
SAMPLE(sample_nearest, "nearest", "zeros", 0)
SAMPLE(sample_nearest_border, "nearest", "border", 1)
SAMPLE(sample_nearest_reflection, "nearest", "reflection", 0)

/* One grid of weights for all images. */
static void
body_sample_one(struct model *m)
{
	const char *v[2] = {op_body_batch_norm(m, "bn", "image", 3), "g"};

	op_body_noise(build_tensor(m, "g", 4, (size_t[]){1, 2, 3, 2}), 12, 50,
	    0.6f, 0.1f);
	v[0] = build_node(m, "GridSample", "s", v, 2);
	op_body_head(m, v[0], 3 * 2 * 3);
}

#define ROW(what, fn)                                                          \
	{                                                                      \
		what, body_##fn, SIDE_H, SIDE_W, 3, 6                          \
	}

static const struct op_body table[] = {
    ROW("tan", tan),
    ROW("sinh", sinh),
    ROW("cosh", cosh),
    ROW("asin", asin),
    ROW("acos", acos),
    ROW("atan", atan),
    ROW("asinh", asinh),
    ROW("acosh", acosh),
    ROW("atanh", atanh),
    ROW("log1p", log1p),
    ROW("expm1", expm1),
    ROW("shrink", shrink),
    ROW("shrink, lambd, bias", shrink_set),
    ROW("hardmax of channels", hardmax_channels),
    ROW("hardmax of rows", hardmax_rows),
    ROW("hardmax of columns", hardmax_columns),
    ROW("grid sample", sample_zeros),
    ROW("grid sample, corners", sample_zeros_corners),
    ROW("grid sample, border", sample_border),
    ROW("grid sample, border, corners", sample_border_corners),
    ROW("grid sample, reflection", sample_reflection),
    ROW("grid sample, reflection, corners", sample_reflection_corners),
    ROW("grid sample, nearest", sample_nearest),
    ROW("grid sample, nearest, border", sample_nearest_border),
    ROW("grid sample, nearest, reflection", sample_nearest_reflection),
    ROW("grid sample, one for all", sample_one),
};
const struct op_body_set op_body_curves = {table, ARRAY_LEN(table)};
