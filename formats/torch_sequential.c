/* SPDX-License-Identifier: MIT */
#include "formats/torch_sequential.h"

#include "formats/arch.h"
#include "formats/layer.h"

/* --- numbers of a layer -------------------------------------------------- */

static double
real(const struct torch_layer *l, const char *name, double absent)
{
	double v[MODEL_MAX_RANK];
	size_t n;

	return torch_found_numbers(pickle_get(l->state, name), v, &n) && n == 1
		   ? v[0]
		   : absent;
}

/* A pair, or one number twice. */
static void
pair(struct draw *a, const struct torch_layer *l, const char *name,
    int64_t absent, int64_t out[2])
{
	const struct pickle_node *node = pickle_get(l->state, name);
	double v[MODEL_MAX_RANK];
	size_t n;

	out[0] = out[1] = absent;
	if (node == NULL || pickle_is(node, PICKLE_NONE))
		return;
	if (!torch_found_numbers(node, v, &n) || n > 2 || !(v[0] >= 0) ||
	    !(v[0] < 65536) || !(v[n - 1] >= 0) || !(v[n - 1] < 65536)) {
		draw_fail(a, "layer '%.100s' has an odd %s", l->path, name);
		return;
	}
	out[0] = (int64_t)v[0];
	out[1] = (int64_t)v[n - 1];
}

/* The layer's name as that of weights: without the wrapper's prefix. */
static const char *
module(const struct draw *a, const struct torch_layer *l)
{
	size_t n = strlen(l->path);

	return n > a->w->prefix ? l->path + a->w->prefix : l->path;
}

/* --- layers -------------------------------------------------------------- */

typedef const char *layer_fn(
    struct draw *, const struct torch_layer *, const char *x);

/* "same": torch puts the odd row and column at the end, as ONNX's SAME_UPPER
 * does where the stride is 1, and takes no other. */
static const char *
conv(struct draw *a, const struct torch_layer *l, const char *x)
{
	x = draw_conv(a, module(a, l), x, (struct draw_window){0});
	if (pickle_is_text(pickle_get(l->state, "padding"), "same"))
		draw_text(a, "auto_pad", "SAME_UPPER");
	return x;
}

static const char *
norm(struct draw *a, const struct torch_layer *l, const char *x)
{
	return draw_batch_norm(a, module(a, l), x, real(l, "eps", 1e-5));
}

static const char *
linear(struct draw *a, const struct torch_layer *l, const char *x)
{
	return draw_gemm(a, module(a, l), x);
}

static void
window(struct draw *a, const struct torch_layer *l)
{
	int64_t kernel[2], stride[2], pad[2];

	pair(a, l, "kernel_size", 1, kernel);
	pair(a, l, "stride", kernel[0], stride);
	if (pickle_is(pickle_get(l->state, "stride"), PICKLE_NONE))
		stride[1] = kernel[1];
	pair(a, l, "padding", 0, pad);
	draw_ints(a, "kernel_shape", 2, kernel);
	draw_ints(a, "strides", 2, stride);
	draw_ints(a, "pads", 4, (int64_t[]){pad[0], pad[1], pad[0], pad[1]});
	draw_int(a, "ceil_mode", real(l, "ceil_mode", 0) != 0);
}

static const char *
max_pool(struct draw *a, const struct torch_layer *l, const char *x)
{
	const char *y = draw_unary(a, "MaxPool", l->path, x);
	int64_t dilation[2];

	window(a, l);
	pair(a, l, "dilation", 1, dilation);
	draw_ints(a, "dilations", 2, dilation);
	return y;
}

static const char *
average_pool(struct draw *a, const struct torch_layer *l, const char *x)
{
	const char *y = draw_unary(a, "AveragePool", l->path, x);

	window(a, l);
	draw_int(a, "count_include_pad", real(l, "count_include_pad", 1) != 0);
	if (real(l, "divisor_override", 0) != 0)
		draw_fail(a, "layer '%.100s' has a divisor", l->path);
	return y;
}

static const char *
global_pool(struct draw *a, const struct torch_layer *l, const char *x)
{
	bool max = memcmp(l->type.ptr, "AdaptiveM", 9) == 0;
	int64_t out[2];

	pair(a, l, "output_size", 0, out);
	if (!max && out[0] == out[1] && out[0] > 1)
		return layer_adaptive_pool(a, l->path, x, out[0]);
	if (out[0] != 1 || out[1] != 1)
		draw_fail(
		    a, "layer '%.100s' pools to a size other than 1", l->path);
	return draw_unary(
	    a, max ? "GlobalMaxPool" : "GlobalAveragePool", l->path, x);
}

static const char *
flatten(struct draw *a, const struct torch_layer *l, const char *x)
{
	if (real(l, "start_dim", 1) != 1 || real(l, "end_dim", -1) != -1)
		draw_fail(a, "layer '%.100s' flattens some axes", l->path);
	return draw_flatten(a, l->path, x);
}

static const char *
plain(struct draw *a, const struct torch_layer *l, const char *x)
{
	static const struct {
		const char *type, *op;
	} ops[] = {{"ReLU", "Relu"}, {"Tanh", "Tanh"},
	    {"Hardswish", "HardSwish"}, {"Mish", "Mish"},
	    {"Softsign", "Softsign"}};

	for (size_t i = 0; i < ARRAY_LEN(ops); i++)
		if (l->type.len == strlen(ops[i].type) &&
		    memcmp(l->type.ptr, ops[i].type, l->type.len) == 0)
			return draw_unary(a, ops[i].op, l->path, x);
	BUG("an operator of the table below");
}

static const char *
sigmoid(struct draw *a, const struct torch_layer *l, const char *x)
{
	return draw_unary(a, "Sigmoid", l->path, x);
}

static const char *
relu6(struct draw *a, const struct torch_layer *l, const char *x)
{
	const char *y = draw_unary(a, "Clip", l->path, x);

	draw_real(a, "min", 0.0);
	draw_real(a, "max", 6.0);
	return y;
}

static const char *
leaky(struct draw *a, const struct torch_layer *l, const char *x)
{
	const char *y = draw_unary(a, "LeakyRelu", l->path, x);

	draw_real(a, "alpha", real(l, "negative_slope", 0.01));
	return y;
}

static const char *
elu(struct draw *a, const struct torch_layer *l, const char *x)
{
	const char *y = draw_unary(a, "Elu", l->path, x);

	draw_real(a, "alpha", real(l, "alpha", 1.0));
	return y;
}

static const char *
gelu(struct draw *a, const struct torch_layer *l, const char *x)
{
	const struct pickle_node *how = pickle_get(l->state, "approximate");

	if (how != NULL && !pickle_is_text(how, "none"))
		draw_fail(a, "layer '%.100s' approximates", l->path);
	return draw_unary(a, "Gelu", l->path, x);
}

static const char *
silu(struct draw *a, const struct torch_layer *l, const char *x)
{
	return draw_binary(
	    a, "Mul", l->path, x, draw_unary(a, "Sigmoid", l->path, x));
}

static const char *
hard_sigmoid(struct draw *a, const struct torch_layer *l, const char *x)
{
	return layer_act(a, LAYER_HARD_SIGMOID, l->path, x);
}

static const char *
selu(struct draw *a, const struct torch_layer *l, const char *x)
{
	const char *y = draw_unary(a, "Selu", l->path, x);

	draw_real(a, "alpha", 1.6732632423543772848170429916717);
	draw_real(a, "gamma", 1.0507009873554804934193349852946);
	return y;
}

static const char *
celu(struct draw *a, const struct torch_layer *l, const char *x)
{
	const char *y = draw_unary(a, "Celu", l->path, x);

	draw_real(a, "alpha", real(l, "alpha", 1.0));
	return y;
}

static const char *
hard_tanh(struct draw *a, const struct torch_layer *l, const char *x)
{
	const char *y = draw_unary(a, "Clip", l->path, x);

	draw_real(a, "min", real(l, "min_val", -1.0));
	draw_real(a, "max", real(l, "max_val", 1.0));
	return y;
}

static const char *
softplus(struct draw *a, const struct torch_layer *l, const char *x)
{
	if (real(l, "beta", 1.0) != 1.0)
		draw_fail(a, "layer '%.100s' has a beta", l->path);
	return draw_unary(a, "Softplus", l->path, x);
}

/* ONNX has one slope a channel with the axes after it as ones. */
static const char *
prelu(struct draw *a, const struct torch_layer *l, const char *x)
{
	const struct tensor *w = draw_weight(a, module(a, l), "weight");

	if (w == NULL)
		return "";
	if (w->rank != 1 || w->dim[0] != 1)
		draw_fail(
		    a, "layer '%.100s' has a slope for each channel", l->path);
	return draw_binary(a, "PRelu", l->path, x, w->name);
}

static const char *
group_norm(struct draw *a, const struct torch_layer *l, const char *x)
{
	const char *at = module(a, l), *y;
	const struct tensor *w = draw_weight(a, at, "weight");
	const struct tensor *b = draw_weight(a, at, "bias");

	if (a->rc != 0)
		return "";
	y = draw_node(
	    a, "GroupNormalization", l->path, x, w->name, b->name, NULL);
	draw_real(a, "epsilon", real(l, "eps", 1e-5));
	draw_int(a, "num_groups",
	    (int64_t)MIN(MAX(real(l, "num_groups", 1.0), 1.0), 65536.0));
	return y;
}

/* torch has left, right, top, bottom, or one number for all. */
static const char *
pads(struct draw *a, const struct torch_layer *l, const char *x,
    const char *mode)
{
	double v[MODEL_MAX_RANK];
	int64_t p[4] = {0};
	size_t n;
	bool fits =
	    torch_found_numbers(pickle_get(l->state, "padding"), v, &n) &&
	    (n == 4 || n == 1);

	for (size_t i = 0, one = 0; fits && i < 4; i++) {
		one = n == 1 ? 0 : i;
		if ((fits = v[one] >= 0 && v[one] < 65536))
			p[i] = (int64_t)v[one];
	}
	if (!fits)
		draw_fail(a, "layer '%.100s' has odd pads", l->path);
	x = draw_unary(a, "Pad", l->path, x);
	draw_text(a, "mode", mode);
	draw_ints(
	    a, "pads", 8, (int64_t[]){0, 0, p[2], p[0], 0, 0, p[3], p[1]});
	return x;
}

static const char *
pad_constant(struct draw *a, const struct torch_layer *l, const char *x)
{
	x = pads(a, l, x, "constant");
	draw_real(a, "value", real(l, "value", 0.0));
	return x;
}

static const char *
pad_reflect(struct draw *a, const struct torch_layer *l, const char *x)
{
	return pads(a, l, x, "reflect");
}

static const char *
pad_edge(struct draw *a, const struct torch_layer *l, const char *x)
{
	return pads(a, l, x, "edge");
}

static const char *
nothing(struct draw *a, const struct torch_layer *l, const char *x)
{
	(void)a;
	(void)l;
	return x;
}

struct kind {
	const char *type;
	layer_fn *draw;
	bool last; /* only as the last layer, where it is left out */
};

static const struct kind kinds[] = {
    {"Conv2d", conv, false},
    {"BatchNorm2d", norm, false},
    {"BatchNorm1d", norm, false},
    {"Linear", linear, false},
    {"MaxPool2d", max_pool, false},
    {"AvgPool2d", average_pool, false},
    {"AdaptiveAvgPool2d", global_pool, false},
    {"AdaptiveMaxPool2d", global_pool, false},
    {"Flatten", flatten, false},
    {"ReLU", plain, false},
    {"Sigmoid", sigmoid, false},
    {"Tanh", plain, false},
    {"Hardswish", plain, false},
    {"Mish", plain, false},
    {"Softsign", plain, false},
    {"ReLU6", relu6, false},
    {"LeakyReLU", leaky, false},
    {"ELU", elu, false},
    {"GELU", gelu, false},
    {"SiLU", silu, false},
    {"Hardsigmoid", hard_sigmoid, false},
    {"SELU", selu, false},
    {"CELU", celu, false},
    {"Hardtanh", hard_tanh, false},
    {"Softplus", softplus, false},
    {"PReLU", prelu, false},
    {"GroupNorm", group_norm, false},
    {"ZeroPad2d", pad_constant, false},
    {"ConstantPad2d", pad_constant, false},
    {"ReflectionPad2d", pad_reflect, false},
    {"ReplicationPad2d", pad_edge, false},
    {"Dropout", nothing, false},
    {"Dropout2d", nothing, false},
    {"FeatureAlphaDropout", nothing, false},
    {"AlphaDropout", nothing, false},
    {"Identity", nothing, false},
    {"Sequential", nothing, false}, /* an empty one */
    {"Softmax", nothing, true},
    {"LogSoftmax", nothing, true},
};

static bool
from(const struct torch_layer *l, const char *package)
{
	return l->package.len >= strlen(package) &&
	       memcmp(l->package.ptr, package, strlen(package)) == 0;
}

static const struct kind *
kind_of(const struct torch_layer *l)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (l->type.len == strlen(kinds[i].type) &&
		    memcmp(l->type.ptr, kinds[i].type, l->type.len) == 0)
			return from(l, "torch.nn.modules.") ? &kinds[i] : NULL;
	return NULL;
}

/* Bilinear without antialiasing; not said, or "warn": so it was up to 0.16. */
static bool
is_resize(const struct torch_layer *l)
{
	const struct pickle_node *anti = pickle_get(l->state, "antialias");
	const struct pickle_node *how = pickle_get(l->state, "interpolation");

	/* getattr(InterpolationMode, "BILINEAR"), or that enum of "bilinear" */
	if (pickle_is(how, PICKLE_CALL) && how->call->args->n != 0)
		how = pickle_item(how->call->args, how->call->args->n - 1);
	return !(pickle_is(anti, PICKLE_BOOL) && anti->i != 0) &&
	       (pickle_is_text(how, "bilinear") ||
		   pickle_is_text(how, "BILINEAR")) &&
	       l->type.len == 6 && memcmp(l->type.ptr, "Resize", 6) == 0 &&
	       from(l, "torchvision.transforms");
}

bool
torch_sequential_resize(const struct torch_found *f, int64_t size[2])
{
	double v[MODEL_MAX_RANK];
	size_t n;

	if (f->nlayer == 0 || !is_resize(&f->layer[0]) ||
	    !torch_found_numbers(
		pickle_get(f->layer[0].state, "size"), v, &n) ||
	    n != 2)
		return false;
	for (size_t i = 0; i < 2; i++) {
		if (!(v[i] >= 1) || !(v[i] <= 65536))
			return false;
		size[i] = (int64_t)v[i];
	}
	return true;
}

static bool
is_normalize(const struct torch_layer *l)
{
	return l->type.len == 9 && memcmp(l->type.ptr, "Normalize", 9) == 0 &&
	       from(l, "torchvision.transforms");
}

bool
torch_sequential_in_front(const struct torch_found *f, size_t i)
{
	int64_t unused[2];
	bool resizes = torch_sequential_resize(f, unused);

	return (i == 0 && resizes) ||
	       (i == (resizes ? 1 : 0) && i < f->nlayer &&
		   is_normalize(&f->layer[i]));
}

bool
torch_sequential_normalize(const struct torch_found *f, struct preprocess *p)
{
	int64_t unused[2];
	size_t i = torch_sequential_resize(f, unused) ? 1 : 0, nmean, nstd;
	double mean[MODEL_MAX_RANK], std[MODEL_MAX_RANK];

	if (i >= f->nlayer || !is_normalize(&f->layer[i]) ||
	    !torch_found_numbers(
		pickle_get(f->layer[i].state, "mean"), mean, &nmean) ||
	    !torch_found_numbers(
		pickle_get(f->layer[i].state, "std"), std, &nstd) ||
	    nmean > PREPROCESS_CHANNELS || nstd > PREPROCESS_CHANNELS)
		return false;
	for (size_t k = 0; k < nmean; k++)
		p->mean[k] = mean[k];
	for (size_t k = 0; k < nstd; k++)
		p->std[k] = std[k];
	p->nmean = nmean;
	p->nstd = nstd;
	return true;
}

/* --- the row ------------------------------------------------------------- */

/* Channels of the image and number of classes, by the first and the last
 * layer with weights. */
static void
take_ends(struct draw *a, const struct torch_found *f)
{
	bool first = true;

	for (size_t i = 0; i < f->nlayer; i++) {
		const struct torch_layer *l = &f->layer[i];
		const char *at = module(a, l);
		const struct kind *k = kind_of(l);
		bool window = k != NULL && k->draw == conv;

		if (!window && (k == NULL || k->draw != linear))
			continue;
		if (first && window)
			a->m->shape[1] = (int64_t)MIN(
			    draw_dim(a, at, "weight", 1) *
				(uint64_t)MAX(real(l, "groups", 1), 1),
			    INT32_MAX);
		first = false;
		a->m->classes = draw_dim(a, at, "weight", 0);
	}
}

/* A softmax or sigmoid that ends the model: what goes into it are the logits. */
static bool
is_tail(struct draw *a, const struct kind *k, const struct torch_layer *l)
{
	if (k == NULL || (!k->last && k->draw != sigmoid))
		return false;
	if (k->last && a->m->classes == 1)
		draw_fail(a,
		    "layer '%.100s' is a %.*s over one output, which is the "
		    "same for every image",
		    l->path, (int)l->type.len, (const char *)l->type.ptr);
	a->m->note = draw_path(a, "%s%slogits are the input of the final %.*s",
	    a->m->note, *a->m->note != '\0' ? "; " : "", (int)l->type.len,
	    (const char *)l->type.ptr);
	return true;
}

static const char *
draw(struct draw *a, const char *x)
{
	const struct torch_found *f = a->ctx;
	size_t i = 0;

	while (i < 2 && torch_sequential_in_front(f, i))
		i++;
	take_ends(a, f);
	for (; i < f->nlayer && a->rc == 0; i++) {
		const struct torch_layer *l = &f->layer[i];
		const struct kind *k = kind_of(l);

		if (i + 1 == f->nlayer && is_tail(a, k, l))
			break;
		if (k == NULL || (k->last && i + 1 != f->nlayer)) {
			draw_fail(a, "layer '%.100s' is a %.*s", l->path,
			    (int)MIN(l->type.len, 60),
			    (const char *)l->type.ptr);
			break;
		}
		x = k->draw(a, l, x);
	}
	return x;
}

/* Layers are as the module has them, in the place of the linear one of the
 * architecture: below "fc", or beside "classifier.1". */
const char *
torch_sequential_part(
    struct draw *a, const void *found, const char *last_, const char *x)
{
	const struct torch_found *f = found;
	size_t n = strlen(last_), drawn = 0, end = 0;
	bool ended = false; /* by a softmax */

	if (n > 2 && last_[n - 2] == '.')
		n -= 2;
	for (size_t i = 0; i < f->nlayer; i++) {
		const char *at = module(a, &f->layer[i]);

		if (strncmp(at, last_, n) == 0 && at[n] == '.')
			end = i;
	}
	for (size_t i = 0; i < f->nlayer && a->rc == 0; i++) {
		const struct torch_layer *l = &f->layer[i];
		const char *at = module(a, l);
		const struct kind *k = kind_of(l);

		if (strncmp(at, last_, n) != 0 || at[n] != '.')
			continue;
		if (k == NULL || ended) {
			draw_fail(a, "layer '%.100s' is a %.*s", l->path,
			    (int)MIN(l->type.len, 60),
			    (const char *)l->type.ptr);
			break;
		}
		if (k->draw == linear)
			a->m->classes = draw_dim(a, at, "weight", 0);
		if (i != end || !is_tail(a, k, l))
			x = k->draw(a, l, x);
		ended = k->last;
		drawn++;
	}
	return drawn != 0 ? x : NULL;
}

static const struct arch_family family = {
    .name = "a row of layers",
    .draw = draw,
};

int
torch_sequential_load(const struct torch_found *f, const struct hints *h,
    struct weights *w, struct model *m, struct err *e)
{
	return arch_draw(&family, f, h, w, m, e);
}
