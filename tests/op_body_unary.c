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
};
const struct op_body_set op_body_unary = {table, ARRAY_LEN(table)};
