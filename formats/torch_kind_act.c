/* SPDX-License-Identifier: MIT
 * Activations: torch/nn/modules/activation.py of PyTorch 1.0 to 2.5.
 */
#include "formats/layer.h"
#include "formats/torch_kind.h"

#define DRAW(name)                                                             \
	static void name(struct draw *a, const struct torch_layer *l,          \
	    struct torch_value *x)

static void
unary(struct draw *a, const struct torch_layer *l, struct torch_value *x,
    const char *op)
{
	x->name = draw_unary(a, op, l->path, x->name);
}

/* A number that a layer computes with. */
static const char *
constant(
    struct draw *a, const struct torch_layer *l, const char *name, double v)
{
	return draw_constant(
	    a, draw_path(a, "%s.%s", l->path, name), 0, NULL, &v);
}

static void
clip(struct draw *a, const struct torch_layer *l, struct torch_value *x,
    double lo, double hi)
{
	unary(a, l, x, "Clip");
	draw_real(a, "min", lo);
	draw_real(a, "max", hi);
}

DRAW(relu)
{
	unary(a, l, x, "Relu");
}

DRAW(tanh_)
{
	unary(a, l, x, "Tanh");
}

DRAW(hard_swish)
{
	unary(a, l, x, "HardSwish");
}

DRAW(mish)
{
	unary(a, l, x, "Mish");
}

DRAW(softsign)
{
	unary(a, l, x, "Softsign");
}

DRAW(sigmoid)
{
	unary(a, l, x, "Sigmoid");
}

DRAW(relu6)
{
	clip(a, l, x, 0.0, 6.0);
}

DRAW(hard_tanh)
{
	clip(a, l, x, torch_kind_real(l, "min_val", -1.0),
	    torch_kind_real(l, "max_val", 1.0));
}

DRAW(leaky)
{
	unary(a, l, x, "LeakyRelu");
	draw_real(a, "alpha", torch_kind_real(l, "negative_slope", 0.01));
}

/* Random in training alone. */
DRAW(rrelu)
{
	unary(a, l, x, "LeakyRelu");
	draw_real(a, "alpha",
	    (torch_kind_real(l, "lower", 1.0 / 8) +
		torch_kind_real(l, "upper", 1.0 / 3)) /
		2);
}

DRAW(elu)
{
	unary(a, l, x, "Elu");
	draw_real(a, "alpha", torch_kind_real(l, "alpha", 1.0));
}

DRAW(celu)
{
	unary(a, l, x, "Celu");
	draw_real(a, "alpha", torch_kind_real(l, "alpha", 1.0));
}

DRAW(selu)
{
	unary(a, l, x, "Selu");
	draw_real(a, "alpha", 1.6732632423543772848170429916717);
	draw_real(a, "gamma", 1.0507009873554804934193349852946);
}

DRAW(gelu)
{
	const struct pickle_node *how = pickle_get(l->state, "approximate");
	bool by_tanh = pickle_is_text(how, "tanh");

	if (how != NULL && !by_tanh && !pickle_is_text(how, "none"))
		torch_kind_refuse(a, l, "approximates in an unknown way");
	unary(a, l, x, "Gelu");
	draw_text(a, "approximate", by_tanh ? "tanh" : "none");
}

DRAW(silu)
{
	x->name = layer_act(a, LAYER_SILU, l->path, x->name);
}

DRAW(hard_sigmoid)
{
	x->name = layer_act(a, LAYER_HARD_SIGMOID, l->path, x->name);
}

/* log(1 + exp(beta x)) / beta; beyond the threshold, x, which is the same but
 * for rounding where that is high. */
DRAW(softplus)
{
	double beta = torch_kind_real(l, "beta", 1.0);

	if (!(torch_kind_real(l, "threshold", 20.0) >= 16.0) || !(beta > 0.0))
		torch_kind_refuse(a, l, "has an odd threshold or beta");
	if (beta != 1.0)
		x->name = draw_binary(
		    a, "Mul", l->path, x->name, constant(a, l, "beta", beta));
	unary(a, l, x, "Softplus");
	if (beta != 1.0)
		x->name = draw_binary(a, "Mul", l->path, x->name,
		    constant(a, l, "inverse", 1.0 / beta));
}

/* log(sigmoid(x)) = -softplus(-x) */
DRAW(log_sigmoid)
{
	unary(a, l, x, "Neg");
	unary(a, l, x, "Softplus");
	unary(a, l, x, "Neg");
}

DRAW(tanh_shrink)
{
	x->name = draw_binary(a, "Sub", l->path, x->name,
	    draw_unary(a, "Tanh", l->path, x->name));
}

/* Nearer to 0 by lambda: what is left beyond [-lambda, lambda]. */
DRAW(soft_shrink)
{
	double by = torch_kind_real(l, "lambd", 0.5);
	struct torch_value within = *x;

	clip(a, l, &within, -by, by);
	x->name = draw_binary(a, "Sub", l->path, x->name, within.name);
}

/* x where `test` is above `from`, else `other`. */
static void
where_above(struct draw *a, const struct torch_layer *l, struct torch_value *x,
    const char *test, double from, double other)
{
	const char *is = draw_binary(
	    a, "Greater", l->path, test, constant(a, l, "from", from));

	x->name = draw_node(a, "Where", l->path, is, x->name,
	    constant(a, l, "other", other), NULL);
}

DRAW(hard_shrink)
{
	where_above(a, l, x, draw_unary(a, "Abs", l->path, x->name),
	    torch_kind_real(l, "lambd", 0.5), 0.0);
}

DRAW(threshold)
{
	where_above(a, l, x, x->name, torch_kind_real(l, "threshold", 0.0),
	    torch_kind_real(l, "value", 0.0));
}

/* Without a dimension: torch.nn.functional._get_softmax_dim(). */
static void
softmax_along(struct draw *a, const struct torch_layer *l,
    struct torch_value *x, const char *op)
{
	double dim = torch_kind_real(l, "dim", x->rank == 3 ? 0.0 : 1.0);

	if (dim < 0)
		dim += (double)x->rank;
	if (!(dim >= 1.0) || !(dim < (double)x->rank))
		torch_kind_refuse(a, l, "sums over the images of a batch");
	unary(a, l, x, op);
	draw_int(a, "axis", a->rc == 0 ? (int64_t)dim : 1);
}

DRAW(softmax)
{
	softmax_along(a, l, x, "Softmax");
}

DRAW(log_softmax)
{
	softmax_along(a, l, x, "LogSoftmax");
}

DRAW(softmax_2d)
{
	unary(a, l, x, "Softmax");
	draw_int(a, "axis", 1);
}

/*
 * One slope for all, or one for each channel, with a one for each axis behind
 * it as ONNX has it.
 */
DRAW(prelu)
{
	const struct tensor *w =
	    draw_weight(a, torch_kind_module(a, l), "weight");
	struct tensor *mine;
	bool each;

	if (w == NULL)
		return;
	each = w->dim[0] != 1;
	mine = &a->w->tensor[w - a->w->tensor];
	if (each && w->rank == 1 && w->stride == NULL)
		while (mine->rank < x->rank - 1)
			mine->dim[mine->rank++] = 1;
	/* another layer may have it on another rank */
	if (each ? w->rank != x->rank - 1 : w->rank != 1)
		torch_kind_refuse(a, l, "has odd slopes");
	x->name = draw_binary(a, "PRelu", l->path, x->name, w->name);
}

const struct torch_kind torch_kind_act[] = {
    {"ReLU", relu, TORCH_OTHER},
    {"ReLU6", relu6, TORCH_OTHER},
    {"LeakyReLU", leaky, TORCH_OTHER},
    {"RReLU", rrelu, TORCH_OTHER},
    {"PReLU", prelu, TORCH_OTHER},
    {"ELU", elu, TORCH_OTHER},
    {"CELU", celu, TORCH_OTHER},
    {"SELU", selu, TORCH_OTHER},
    {"GELU", gelu, TORCH_OTHER},
    {"SiLU", silu, TORCH_OTHER},
    {"Mish", mish, TORCH_OTHER},
    {"Tanh", tanh_, TORCH_OTHER},
    {"Hardtanh", hard_tanh, TORCH_OTHER},
    {"Hardswish", hard_swish, TORCH_OTHER},
    {"Hardsigmoid", hard_sigmoid, TORCH_OTHER},
    {"Softsign", softsign, TORCH_OTHER},
    {"Softplus", softplus, TORCH_OTHER},
    {"LogSigmoid", log_sigmoid, TORCH_OTHER},
    {"Tanhshrink", tanh_shrink, TORCH_OTHER},
    {"Softshrink", soft_shrink, TORCH_OTHER},
    {"Hardshrink", hard_shrink, TORCH_OTHER},
    {"Threshold", threshold, TORCH_OTHER},
    {"Softmax2d", softmax_2d, TORCH_OTHER},
    {"Sigmoid", sigmoid, TORCH_SIGMOID},
    {"Softmax", softmax, TORCH_SOFTMAX},
    {"LogSoftmax", log_softmax, TORCH_SOFTMAX},
    {.type = NULL},
};
