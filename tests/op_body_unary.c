/* SPDX-License-Identifier: MIT
 * Networks around operators on each element, comparisons, and operators that
 * move numbers.
 */
#include "tests/op_body.h"

#include "formats/build.h"

#define SIDE_H 5
#define SIDE_W 4

/* The image with weights, `scale` times as wide. */
static const char *
stem(struct model *m, float scale)
{
	const char *in = op_body_batch_norm(m, "bn", "image", 3);

	*build_tensor(m, "scale", 0, NULL) = scale;
	return build_node(m, "Mul", "x", (const char *[]){in, "scale"}, 2);
}

static void
head(struct model *m, const char *in)
{
	op_body_head(m, in, 3 * SIDE_H * SIDE_W);
}

static void
text(struct model *m, const char *name, const char *value)
{
	struct node *n = &m->node[m->nnode - 1];

	build_int(m, name, 0);
	n->attr[n->nattr - 1].kind = ATTR_TEXT;
	n->attr[n->nattr - 1].s = value;
}

#define BODY(name, op, scale, ATTR)                                            \
	static void body_##name(struct model *m)                               \
	{                                                                      \
		const char *v = stem(m, scale);                                \
		v = build_node(m, op, "y", &v, 1);                             \
		ATTR;                                                          \
		head(m, v);                                                    \
	}

/* of what is above zero */
#define POSITIVE(name, op)                                                     \
	static void body_##name(struct model *m)                               \
	{                                                                      \
		const char *v = stem(m, 2.0f);                                 \
		v = build_node(m, "Softplus", "p", &v, 1);                     \
		v = build_node(m, op, "y", &v, 1);                             \
		head(m, v);                                                    \
	}

/* x + f(x), the gradient of f being zero */
#define FLAT(name, op)                                                         \
	static void body_##name(struct model *m)                               \
	{                                                                      \
		const char *v[2] = {stem(m, 3.0f)};                            \
		v[1] = build_node(m, op, "y", v, 1);                           \
		head(m, build_node(m, "Add", "z", v, 2));                      \
	}

BODY(relu, "Relu", 1.0f, )
BODY(leaky, "LeakyRelu", 1.0f, build_real(m, "alpha", 0.2))
BODY(leaky_default, "LeakyRelu", 1.0f, )
BODY(threshold, "ThresholdedRelu", 1.0f, build_real(m, "alpha", 0.25))
BODY(clip_low, "Clip", 2.0f, build_real(m, "min", -0.25))
BODY(clip_high, "Clip", 2.0f, build_real(m, "max", 0.5))
BODY(sigmoid, "Sigmoid", 4.0f, )
BODY(hard_sigmoid, "HardSigmoid", 5.0f, )
BODY(hard_sigmoid_set, "HardSigmoid", 2.0f, build_real(m, "alpha", 0.4);
     build_real(m, "beta", 0.3))
BODY(hard_swish, "HardSwish", 5.0f, )
BODY(tanh, "Tanh", 2.0f, )
BODY(exp, "Exp", 1.0f, )
BODY(neg, "Neg", 1.0f, )
BODY(abs, "Abs", 1.0f, )
BODY(erf, "Erf", 2.0f, )
BODY(gelu, "Gelu", 3.0f, )
BODY(gelu_tanh, "Gelu", 3.0f, text(m, "approximate", "tanh"))
BODY(elu, "Elu", 2.0f, build_real(m, "alpha", 1.5))
BODY(selu, "Selu", 2.0f, )
BODY(selu_set, "Selu", 2.0f, build_real(m, "alpha", 2.0);
     build_real(m, "gamma", 0.5))
BODY(celu, "Celu", 2.0f, build_real(m, "alpha", 0.7))
BODY(softplus, "Softplus", 4.0f, )
BODY(softsign, "Softsign", 2.0f, )
BODY(mish, "Mish", 4.0f, )
BODY(swish, "Swish", 3.0f, )
BODY(swish_set, "Swish", 3.0f, build_real(m, "alpha", 1.7))
BODY(sin, "Sin", 3.0f, )
BODY(cos, "Cos", 3.0f, )
BODY(identity, "Identity", 1.0f, )
POSITIVE(log, "Log")
POSITIVE(sqrt, "Sqrt")
POSITIVE(reciprocal, "Reciprocal")
FLAT(floor, "Floor")
FLAT(ceil, "Ceil")
FLAT(round, "Round")
FLAT(sign, "Sign")

/* A layer of which only flat operators read gets no gradient. */
static void
body_flat_branch(struct model *m)
{
	const char *v[2];

	v[0] = stem(m, 1.0f);
	v[1] = build_node(m, "Exp", "e", v, 1);
	v[1] = build_node(m, "Floor", "f", &v[1], 1);
	head(m, build_node(m, "Add", "z", v, 2));
}

static void
body_clip_inputs(struct model *m)
{
	const char *v = stem(m, 2.0f);

	*build_tensor(m, "lo", 0, NULL) = -0.25f;
	*build_tensor(m, "hi", 0, NULL) = 0.5f;
	build_node(m, "Neg", "low", (const char *[]){"hi"}, 1);
	v = build_node(m, "Clip", "y", (const char *[]){v, "lo"}, 2);
	v = build_node(m, "Clip", "z", (const char *[]){v, "", "hi"}, 3);
	v = build_node(m, "Clip", "u", (const char *[]){v, "low"}, 2);
	head(m, v);
}

/* --- comparisons, Where -------------------------------------------------- */

/* Cast(x < y) * x + x, y being one number for each column. */
#define COMPARE(name, op)                                                      \
	static void body_##name(struct model *m)                               \
	{                                                                      \
		const char *x = stem(m, 1.0f), *v;                             \
		size_t dim[] = {SIDE_W};                                       \
		op_body_noise(build_tensor(m, "column", 1, dim), SIDE_W, 40,   \
		    0.5f, 0.3f);                                               \
		v = build_node(m, op, "b", (const char *[]){x, "column"}, 2);  \
		v = build_node(m, "Cast", "f", &v, 1);                         \
		build_int(m, "to", 1);                                         \
		v = build_node(m, "Mul", "y", (const char *[]){v, x}, 2);      \
		v = build_node(m, "Add", "z", (const char *[]){v, x}, 2);      \
		head(m, v);                                                    \
	}

COMPARE(less, "Less")
COMPARE(less_equal, "LessOrEqual")
COMPARE(greater, "Greater")
COMPARE(greater_equal, "GreaterOrEqual")
COMPARE(equal, "Equal")

/* Two of them joined, and turned round. */
#define JOIN(name, op)                                                         \
	static void body_##name(struct model *m)                               \
	{                                                                      \
		const char *x = stem(m, 1.0f), *v[2];                          \
		size_t dim[] = {3, 1, 1};                                      \
		op_body_noise(                                                 \
		    build_tensor(m, "channel", 3, dim), 3, 41, 0.5f, 0.3f);    \
		*build_tensor(m, "zero", 0, NULL) = 0.1f;                      \
		v[0] = build_node(                                             \
		    m, "Less", "b", (const char *[]){x, "channel"}, 2);        \
		v[1] = build_node(                                             \
		    m, "Greater", "c", (const char *[]){x, "zero"}, 2);        \
		v[0] = build_node(m, op, "d", v, 2);                           \
		v[0] = build_node(m, "Not", "e", v, 1);                        \
		v[1] = build_node(m, "Tanh", "t", &x, 1);                      \
		v[0] = build_node(                                             \
		    m, "Where", "y", (const char *[]){v[0], x, v[1]}, 3);      \
		head(m, v[0]);                                                 \
	}

JOIN(and, "And")
JOIN(or, "Or")
JOIN(xor, "Xor")

static void
body_is_nan(struct model *m)
{
	const char *x = stem(m, 1.0f), *v;

	v = build_node(m, "IsNaN", "n", &x, 1);
	v = build_node(m, "Not", "o", &v, 1);
	v = build_node(m, "Cast", "f", &v, 1);
	build_int(m, "to", 1);
	head(m, build_node(m, "Mul", "y", (const char *[]){x, v}, 2));
}

/* All three operands are broadcast; the second is a weight. */
static void
body_where(struct model *m)
{
	const char *x = stem(m, 1.0f), *v;
	size_t row[] = {SIDE_H, 1}, channel[] = {3, 1, 1};

	op_body_noise(build_tensor(m, "row", 2, row), SIDE_H, 42, 0.5f, 0.0f);
	op_body_noise(build_tensor(m, "other", 3, channel), 3, 43, 0.5f, 0.0f);
	*build_tensor(m, "zero", 0, NULL) = 0.0f;
	v = build_node(m, "Greater", "b", (const char *[]){"row", "zero"}, 2);
	v = build_node(m, "Where", "y", (const char *[]){v, x, "other"}, 3);
	head(m, v);
}

static void
body_where_weight(struct model *m)
{
	const char *x = stem(m, 1.0f), *v;
	size_t channel[] = {3, 1, 1};

	op_body_noise(build_tensor(m, "one", 3, channel), 3, 44, 0.5f, 0.0f);
	*build_tensor(m, "zero", 0, NULL) = 0.4f;
	v = build_node(m, "Less", "b", (const char *[]){x, "zero"}, 2);
	v = build_node(m, "Where", "y", (const char *[]){v, "one", x}, 3);
	head(m, build_node(m, "Add", "z", (const char *[]){v, x}, 2));
}

/* --- moves --------------------------------------------------------------- */

static const char *
pooled(struct model *m)
{
	const char *v = stem(m, 1.0f);

	v = build_node(m, "Slice", "cut", &v, 1);
	build_ints(m, "starts", 1, (int64_t[]){1});
	build_ints(m, "ends", 1, (int64_t[]){2});
	build_ints(m, "axes", 1, (int64_t[]){2});
	return v;
}

/* (N, 3, 1, 4) to (N, 3, 5, 4) */
static void
body_expand(struct model *m)
{
	const char *v = pooled(m);

	v = build_node(m, "Expand", "y", &v, 1);
	build_ints(m, "shape", 3, (int64_t[]){3, SIDE_H, 1});
	head(m, v);
}

/* A weight that is expanded before it is used, and data of a new rank. */
static void
body_expand_weight(struct model *m)
{
	const char *x = stem(m, 1.0f), *v;
	size_t dim[] = {3, 1, 1};

	op_body_noise(build_tensor(m, "w", 3, dim), 3, 45, 0.5f, 1.0f);
	v = build_node(m, "Expand", "wide", (const char *[]){"w"}, 1);
	build_ints(m, "shape", 3, (int64_t[]){1, SIDE_H, SIDE_W});
	v = build_node(m, "Mul", "y", (const char *[]){x, v}, 2);
	v = build_node(m, "Expand", "more", &v, 1);
	build_ints(m, "shape", 5, (int64_t[]){2, 1, 1, 1, 1});
	v = build_node(m, "Slice", "part", &v, 1);
	build_ints(m, "starts", 1, (int64_t[]){1});
	build_ints(m, "ends", 1, (int64_t[]){2});
	v = build_node(m, "Squeeze", "less", &v, 1);
	build_ints(m, "axes", 1, (int64_t[]){0});
	head(m, v);
}

static void
body_tile(struct model *m)
{
	const char *v = pooled(m);

	v = build_node(m, "Tile", "y", &v, 1);
	build_ints(m, "repeats", 4, (int64_t[]){1, 2, 5, 3});
	op_body_head(m, v, 3 * SIDE_W * 2 * 5 * 3);
}

#define PAD(name, how, t, l, b, r)                                             \
	static void body_##name(struct model *m)                               \
	{                                                                      \
		const char *v = stem(m, 1.0f);                                 \
		v = build_node(m, "Pad", "y", &v, 1);                          \
		build_ints(m, "pads", 8, (int64_t[]){0, 1, t, l, 0, 0, b, r}); \
		text(m, "mode", how);                                          \
		op_body_head(                                                  \
		    m, v, 4 * (SIDE_H + (t) + (b)) * (SIDE_W + (l) + (r)));    \
	}

PAD(pad_constant, "constant", 2, -1, 0, 3)
PAD(pad_edge, "edge", 2, 3, 1, 0)
PAD(pad_edge_crop, "edge", -2, 3, 1, -1)
PAD(pad_reflect, "reflect", 4, 1, 2, 3)
PAD(pad_reflect_far, "reflect", 9, 7, 11, 8)
PAD(pad_wrap, "wrap", 2, 1, 3, 4)
PAD(pad_wrap_far, "wrap", 7, 11, 6, 10)

static void
body_pad_inputs(struct model *m)
{
	const char *v = stem(m, 1.0f);

	*build_tensor(m, "fill", 0, NULL) = -0.75f;
	v = build_node(m, "Pad", "y", (const char *[]){v, "", "fill"}, 3);
	build_ints(m, "pads", 4, (int64_t[]){1, 0, 0, 2});
	build_ints(m, "axes", 2, (int64_t[]){-1, 2});
	op_body_head(m, v, 3 * (SIDE_H + 2) * (SIDE_W + 1));
}

static void
body_depth(struct model *m)
{
	const char *v = stem(m, 1.0f);

	v = build_node(m, "SpaceToDepth", "deep", &v, 1);
	build_int(m, "blocksize", 2);
	v = build_node(m, "Tanh", "t", &v, 1);
	v = build_node(m, "DepthToSpace", "wide", &v, 1);
	build_int(m, "blocksize", 2);
	op_body_head(m, v, 3 * 6 * 4);
}

static void
body_depth_crd(struct model *m)
{
	const char *v = stem(m, 1.0f);

	v = build_node(m, "SpaceToDepth", "deep", &v, 1);
	build_int(m, "blocksize", 2);
	v = build_node(m, "DepthToSpace", "wide", &v, 1);
	build_int(m, "blocksize", 2);
	text(m, "mode", "CRD");
	op_body_head(m, v, 3 * 6 * 4);
}

/* A tensor of integers: it is put together as floats. */
static void
indices(struct model *m, const char *name, size_t rank, const size_t *dim,
    const int64_t *v)
{
	float *p = build_tensor(m, name, rank, dim);
	struct tensor *t = &m->tensor[m->ntensor - 1];

	t->dtype = DTYPE_I32;
	for (size_t i = 0; i < t->size / 4; i++) {
		int32_t k = (int32_t)v[i];

		memcpy(&p[i], &k, sizeof(k));
	}
}

/* Rows 4, 0 and 4 again of the first image, channel 1. */
static const char *
scatter_nd(struct model *m)
{
	const char *x = stem(m, 1.0f), *u;

	indices(m, "i", 2, (size_t[]){3, 3},
	    (int64_t[]){0, 1, 4, 0, -2, 0, 0, 1, -1});
	u = build_node(m, "Slice", "u", &x, 1);
	build_ints(m, "starts", 4, (int64_t[]){0, 2, 1, 0});
	build_ints(m, "ends", 4, (int64_t[]){1, 3, 4, SIDE_W});
	u = build_node(m, "Reshape", "v", &u, 1);
	build_ints(m, "shape", 2, (int64_t[]){3, SIDE_W});
	return build_node(m, "ScatterND", "y", (const char *[]){x, "i", u}, 3);
}

static void
body_scatter_set(struct model *m)
{
	head(m, scatter_nd(m));
}

static void
body_scatter_add(struct model *m)
{
	const char *v = scatter_nd(m);

	text(m, "reduction", "add");
	head(m, v);
}

static void
elements(struct model *m, const char *how)
{
	const char *x = stem(m, 1.0f), *v;

	indices(m, "i", 4, (size_t[]){1, 3, 2, 2},
	    (int64_t[]){0, 1, 2, 3, 4, 0, 1, -1, 2, 2, 2, -5});
	v = build_node(m, "GatherElements", "g", (const char *[]){x, "i"}, 2);
	build_int(m, "axis", 2);
	v = build_node(m, "Exp", "e", &v, 1);
	v = build_node(
	    m, "ScatterElements", "y", (const char *[]){x, "i", v}, 3);
	build_int(m, "axis", -2);
	text(m, "reduction", how);
	head(m, v);
}

static void
body_elements_set(struct model *m)
{
	elements(m, "none");
}

static void
body_elements_add(struct model *m)
{
	elements(m, "add");
}

#define CUM_SUM(name, along, without, back)                                    \
	static void body_##name(struct model *m)                               \
	{                                                                      \
		const char *v = stem(m, 1.0f);                                 \
		indices(m, "i", 0, NULL, (int64_t[]){along});                  \
		v = build_node(m, "CumSum", "y", (const char *[]){v, "i"}, 2); \
		build_int(m, "exclusive", without);                            \
		build_int(m, "reverse", back);                                 \
		head(m, v);                                                    \
	}

#define TOP_K(name, along, count, most, left)                                  \
	static void body_##name(struct model *m)                               \
	{                                                                      \
		const char *v = stem(m, 1.0f);                                 \
		indices(m, "i", 1, (size_t[]){1}, (int64_t[]){count});         \
		v = build_node(m, "TopK", "y", (const char *[]){v, "i"}, 2);   \
		build_int(m, "axis", along);                                   \
		build_int(m, "largest", most);                                 \
		op_body_head(m, v, left);                                      \
	}

TOP_K(top_k, -1, 2, 1, 3 * SIDE_H * 2)
TOP_K(top_k_least, 2, 3, 0, 3 * 3 * SIDE_W)
TOP_K(top_k_channels, 1, 2, 1, 2 * SIDE_H * SIDE_W)

CUM_SUM(cum_sum, 1, 0, 0)
CUM_SUM(cum_sum_back, -1, 0, 1)
CUM_SUM(cum_sum_without, 2, 1, 0)

static void
body_trilu(struct model *m)
{
	const char *v = stem(m, 1.0f);

	indices(m, "k", 0, NULL, (int64_t[]){-1});
	v = build_node(m, "Trilu", "y", (const char *[]){v, "k"}, 2);
	v = build_node(m, "Trilu", "z", &v, 1);
	build_int(m, "upper", 0);
	head(m, v);
}

#define ROW(what, fn)                                                          \
	{                                                                      \
		what, body_##fn, SIDE_H, SIDE_W, 3, 6                          \
	}

static const struct op_body table[] = {
    ROW("relu of a batch-norm", relu),
    ROW("leaky relu, alpha", leaky),
    ROW("leaky relu, default alpha", leaky_default),
    ROW("thresholded relu", threshold),
    ROW("clip below", clip_low),
    ROW("clip above", clip_high),
    ROW("clip, bounds as inputs", clip_inputs),
    ROW("sigmoid", sigmoid),
    ROW("hard sigmoid", hard_sigmoid),
    ROW("hard sigmoid, alpha, beta", hard_sigmoid_set),
    ROW("hard swish", hard_swish),
    ROW("tanh", tanh),
    ROW("exp", exp),
    ROW("neg", neg),
    ROW("abs", abs),
    ROW("erf", erf),
    ROW("gelu", gelu),
    ROW("gelu, tanh", gelu_tanh),
    ROW("elu", elu),
    ROW("selu", selu),
    ROW("selu, alpha, gamma", selu_set),
    ROW("celu", celu),
    ROW("softplus", softplus),
    ROW("softsign", softsign),
    ROW("mish", mish),
    ROW("swish", swish),
    ROW("swish, alpha", swish_set),
    ROW("sin", sin),
    ROW("cos", cos),
    ROW("identity", identity),
    ROW("log", log),
    ROW("sqrt", sqrt),
    ROW("reciprocal", reciprocal),
    ROW("floor", floor),
    ROW("ceil", ceil),
    ROW("round", round),
    ROW("sign", sign),
    ROW("flat branch", flat_branch),
    ROW("less", less),
    ROW("less or equal", less_equal),
    ROW("greater", greater),
    ROW("greater or equal", greater_equal),
    ROW("equal", equal),
    ROW("and", and),
    ROW("or", or),
    ROW("xor", xor),
    ROW("is NaN", is_nan),
    ROW("where, three broadcast", where),
    ROW("where, of a weight", where_weight),
    ROW("expand", expand),
    ROW("expand, of a weight, to a new rank", expand_weight),
    ROW("tile", tile),
    ROW("pad with a constant", pad_constant),
    ROW("pad with the edge", pad_edge),
    ROW("pad with the edge, cropped", pad_edge_crop),
    ROW("pad with a reflection", pad_reflect),
    ROW("pad with reflections", pad_reflect_far),
    ROW("pad with the other end", pad_wrap),
    ROW("pad with the other end, wide", pad_wrap_far),
    ROW("pad, value as input", pad_inputs),
    {"depth to space", body_depth, 6, 4, 3, 2},
    {"depth to space, CRD", body_depth_crd, 6, 4, 3, 2},
    ROW("scatter-nd", scatter_set),
    ROW("scatter-nd, add", scatter_add),
    ROW("gather and scatter elements", elements_set),
    ROW("gather and scatter elements, add", elements_add),
    ROW("top k", top_k),
    ROW("top k, the least", top_k_least),
    ROW("top k of channels", top_k_channels),
    ROW("cumulative sum", cum_sum),
    ROW("cumulative sum, reverse", cum_sum_back),
    ROW("cumulative sum, exclusive", cum_sum_without),
    ROW("trilu", trilu),
};
const struct op_body_set op_body_unary = {table, ARRAY_LEN(table)};
