/* SPDX-License-Identifier: MIT
 * keras/src/activations/activations.py and keras/src/layers/activations.  What
 * changed with Keras 3: the hard sigmoid's slope (0.2 before, 1/6 since).
 */
#include "formats/keras_activation.h"

#include <float.h>

struct spot {
	struct keras *k;
	struct keras_layer *l;
	struct keras_value *x;
};

static void
unary(struct spot s, const char *op)
{
	s.x->name = draw_unary(&s.k->d, op, s.l->path, s.x->name);
}

/* --- by name ------------------------------------------------------------- */

static void
clip(struct spot s, double lo, double hi)
{
	unary(s, "Clip");
	if (lo > -DBL_MAX)
		draw_real(&s.k->d, "min", lo);
	if (hi < DBL_MAX)
		draw_real(&s.k->d, "max", hi);
}

static void
with_alpha(struct spot s, const char *op, double alpha)
{
	unary(s, op);
	draw_real(&s.k->d, "alpha", alpha);
}

static void
relu6(struct spot s)
{
	clip(s, 0.0, 6.0);
}

static void
softmax_along(struct spot s, const char *op, int64_t axis)
{
	int64_t stored = keras_draw_axis(s.k, s.l, s.x, axis);

	unary(s, op);
	draw_int(&s.k->d, "axis", stored);
}

static void
softmax(struct spot s)
{
	softmax_along(s, "Softmax", -1);
}

static void
log_softmax(struct spot s)
{
	softmax_along(s, "LogSoftmax", -1);
}

static void
hard_sigmoid(struct spot s)
{
	with_alpha(s, "HardSigmoid", s.k->version < 3 ? 0.2 : 1.0 / 6.0);
	draw_real(&s.k->d, "beta", 0.5);
}

/* x * f(x) */
static void
gate(struct spot s, void (*f)(struct spot))
{
	const char *x = s.x->name;

	f(s);
	s.x->name = draw_binary(&s.k->d, "Mul", s.l->path, x, s.x->name);
}

static void
sigmoid(struct spot s)
{
	unary(s, "Sigmoid");
}

static void
silu(struct spot s)
{
	gate(s, sigmoid);
}

static void
sixths(struct spot s)
{
	with_alpha(s, "HardSigmoid", 1.0 / 6.0);
	draw_real(&s.k->d, "beta", 0.5);
}

static void
hard_silu(struct spot s)
{
	gate(s, sixths);
}

static void
soft_tanh(struct spot s)
{
	unary(s, "Softplus");
	unary(s, "Tanh");
}

static void
mish(struct spot s)
{
	gate(s, soft_tanh);
}

static void
gelu(struct spot s)
{
	unary(s, "Gelu");
	draw_text(&s.k->d, "approximate", "none");
}

static void
elu(struct spot s)
{
	with_alpha(s, "Elu", 1.0);
}

/* keras/src/activations/activations.py, selu */
static void
selu(struct spot s)
{
	with_alpha(s, "Selu", 1.6732632423543772848170429916717);
	draw_real(&s.k->d, "gamma", 1.0507009873554804934193349852946);
}

static void
leaky(struct spot s)
{
	with_alpha(s, "LeakyRelu", 0.2);
}

static void
celu(struct spot s)
{
	with_alpha(s, "Celu", 1.0);
}

static void
hard_tanh(struct spot s)
{
	clip(s, -1.0, 1.0);
}

/* log(sigmoid(x)) = -softplus(-x) */
static void
log_sigmoid(struct spot s)
{
	unary(s, "Neg");
	unary(s, "Softplus");
	unary(s, "Neg");
}

static void
take_away(struct spot s, void (*f)(struct spot))
{
	const char *x = s.x->name;

	f(s);
	s.x->name = draw_binary(&s.k->d, "Sub", s.l->path, x, s.x->name);
}

static void
only_tanh(struct spot s)
{
	unary(s, "Tanh");
}

static void
tanh_shrink(struct spot s)
{
	take_away(s, only_tanh);
}

static void
within_half(struct spot s)
{
	clip(s, -0.5, 0.5);
}

static void
soft_shrink(struct spot s)
{
	take_away(s, within_half);
}

static void
nothing(struct spot s)
{
	(void)s;
}

static const struct {
	const char *name;
	void (*draw)(struct spot);
	const char *op; /* that is all */
} named[] = {
    {"linear", nothing, NULL},
    {"relu", NULL, "Relu"},
    {"relu6", relu6, NULL},
    {"softmax", softmax, NULL},
    {"log_softmax", log_softmax, NULL},
    {"sigmoid", sigmoid, NULL},
    {"tanh", NULL, "Tanh"},
    {"softplus", NULL, "Softplus"},
    {"softsign", NULL, "Softsign"},
    {"exponential", NULL, "Exp"},
    {"elu", elu, NULL},
    {"selu", selu, NULL},
    {"gelu", gelu, NULL},
    {"mish", mish, NULL},
    {"swish", silu, NULL},
    {"silu", silu, NULL},
    {"hard_silu", hard_silu, NULL},
    {"hard_swish", hard_silu, NULL},
    {"hard_sigmoid", hard_sigmoid, NULL},
    {"leaky_relu", leaky, NULL},
    {"celu", celu, NULL},
    {"hard_tanh", hard_tanh, NULL},
    {"log_sigmoid", log_sigmoid, NULL},
    {"tanh_shrink", tanh_shrink, NULL},
    {"soft_shrink", soft_shrink, NULL},
};

static void
by_name(struct spot s, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(named); i++) {
		if (strcmp(named[i].name, name) != 0)
			continue;
		if (named[i].op != NULL)
			unary(s, named[i].op);
		else
			named[i].draw(s);
		return;
	}
	keras_draw_refuse(
	    s.k, s.l, "activation '%.40s' is not known here", name);
}

/* A layer as an activation: {"class_name": "LeakyReLU", "config": {...}}. */
static void
by_layer(struct spot s, const json_t *j)
{
	const char *class = json_string_value(json_object_get(j, "class_name"));
	const char *module = json_string_value(json_object_get(j, "module"));
	const json_t *config = json_object_get(j, "config");
	struct keras_layer l = *s.l;
	struct keras_value in = *s.x;

	l.kind = class != NULL ? keras_class_find(class) : NULL;
	l.config = config;
	if (l.kind == NULL || l.kind->var[0].name != NULL ||
	    l.kind->most != 1 || !json_is_object(config) ||
	    (module != NULL && strncmp(module, "keras", 5) != 0)) {
		keras_draw_refuse(s.k, s.l,
		    "activation '%.40s' needs code of its own",
		    json_is_string(config) ? json_string_value(config)
		    : class != NULL        ? class
					   : "");
		return;
	}
	l.class = class;
	l.kind->draw(s.k, &l, &in, 1, s.x);
}

void
keras_activation_fused(
    struct keras *k, struct keras_layer *l, struct keras_value *x)
{
	const json_t *j = json_object_get(l->config, "activation");
	struct spot s = {k, l, x};

	if (k->d.rc != 0 || j == NULL || json_is_null(j))
		return;
	if (json_is_string(j))
		by_name(s, json_string_value(j));
	else if (json_is_object(j))
		by_layer(s, j);
	else
		keras_draw_bad(k, l, "'activation' is neither text nor object");
}

/* --- layers -------------------------------------------------------------- */

#define DRAW(name)                                                             \
	static void name(struct keras *k, struct keras_layer *l,               \
	    const struct keras_value *in, size_t nin, struct keras_value *out)

DRAW(activation)
{
	(void)nin;
	*out = in[0];
	keras_activation_fused(k, l, out);
}

DRAW(relu)
{
	double top = keras_config_real(l, "max_value", DBL_MAX);
	double slope = keras_config_real(l, "negative_slope", 0.0);
	double from = keras_config_real(l, "threshold", 0.0);
	struct spot s = {k, l, out};

	(void)nin;
	*out = in[0];
	if (from != 0.0 && slope != 0.0) {
		keras_draw_refuse(k, l, "both a threshold and a slope");
	} else if (from != 0.0) {
		with_alpha(s, "ThresholdedRelu", from);
		if (top < DBL_MAX)
			clip(s, -DBL_MAX, top);
	} else if (slope != 0.0) {
		with_alpha(s, "LeakyRelu", slope);
		if (top < DBL_MAX)
			clip(s, -DBL_MAX, top);
	} else if (top < DBL_MAX) {
		clip(s, 0.0, top);
	} else {
		unary(s, "Relu");
	}
}

DRAW(leaky_relu)
{
	double alpha = keras_config_real(l, "alpha", 0.3);

	(void)nin;
	*out = in[0];
	with_alpha((struct spot){k, l, out}, "LeakyRelu",
	    keras_config_real(l, "negative_slope", alpha));
}

DRAW(elu_layer)
{
	(void)nin;
	*out = in[0];
	with_alpha((struct spot){k, l, out}, "Elu",
	    keras_config_real(l, "alpha", 1.0));
}

DRAW(thresholded)
{
	(void)nin;
	*out = in[0];
	with_alpha((struct spot){k, l, out}, "ThresholdedRelu",
	    keras_config_real(l, "theta", 1.0));
}

DRAW(softmax_layer)
{
	int64_t axis = -1;

	(void)nin;
	*out = in[0];
	if (keras_config_has(l, "axis") &&
	    !keras_config_ints(l, "axis", 1, &axis))
		keras_draw_refuse(k, l, "more than one axis");
	softmax_along((struct spot){k, l, out}, "Softmax", axis);
}

/* alpha has the shape of the value without the batch, or 1 where shared. */
DRAW(prelu)
{
	static const size_t turned[] = {2, 0, 1};

	(void)nin;
	*out = in[0];
	out->name = draw_binary(&k->d, "PRelu", l->path, in[0].name,
	    keras_draw_weight(
		k, l, 0, in[0].rank - 1, in[0].turned ? turned : NULL));
}

const struct keras_class keras_activation_classes[] = {
    {.name = "Activation", .draw = activation, .least = 1, .most = 1},
    {.name = "ReLU", .draw = relu, .least = 1, .most = 1},
    {.name = "LeakyReLU", .draw = leaky_relu, .least = 1, .most = 1},
    {.name = "ELU", .draw = elu_layer, .least = 1, .most = 1},
    {.name = "ThresholdedReLU", .draw = thresholded, .least = 1, .most = 1},
    {.name = "Softmax", .draw = softmax_layer, .least = 1, .most = 1},
    {.name = "PReLU",
	.draw = prelu,
	.least = 1,
	.most = 1,
	.var = {{.name = "alpha"}}},
    {.name = NULL},
};
