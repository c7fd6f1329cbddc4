/* SPDX-License-Identifier: MIT
 * Layers, from nodes.
 */
#include "formats/draw.h"

#include "base/limits.h"

/* --- layers -------------------------------------------------------------- */

/* A pair from the pickle of a whole module, where there is one. */
static void
pair(struct draw *a, const char *module, const char *name, int64_t out[2])
{
	const struct weights_attr *at = weights_attr(a->w, module, name);

	if (at == NULL || at->n == 0 || !(at->v[0] >= 0 && at->v[0] < 1e6))
		return;
	out[0] = out[1] = (int64_t)at->v[0];
	if (at->n > 1 && at->v[1] >= 0 && at->v[1] < 1e6)
		out[1] = (int64_t)at->v[1];
}

static double
epsilon(struct draw *a, const char *module, double absent)
{
	const struct weights_attr *at = weights_attr(a->w, module, "eps");

	return at != NULL && at->n == 1 && at->v[0] > 0 ? at->v[0] : absent;
}

/* The rank that a weight must have. */
static void
want_rank(struct draw *a, const struct tensor *t, size_t rank)
{
	if (t != NULL && t->rank != rank)
		draw_fail(a, "tensor '%.100s' has rank %zu, not %zu", t->name,
		    t->rank, rank);
}

static void
window(struct draw *a, const int64_t size[2], const int64_t stride[2],
    const int64_t pad[2])
{
	draw_ints(a, "kernel_shape", 2, size);
	draw_ints(a, "strides", 2, stride);
	draw_ints(a, "pads", 4, (int64_t[]){pad[0], pad[1], pad[0], pad[1]});
}

/* What a kernel does along the rows and columns; groups[0] are its groups. */
struct kernel {
	int64_t stride[2], pad[2], dilation[2], groups[2];
};

/* The weight of a module that slides a kernel, NULL when it is none. */
static const struct tensor *
kernel_weight(struct draw *a, const char *module)
{
	const struct tensor *w = draw_weight(a, module, "weight");

	want_rank(a, w, 4);
	if (w != NULL && MAX(w->dim[2], w->dim[3]) > LIMIT_IMAGE_SIDE)
		draw_fail(a, "tensor '%.100s' is a kernel that is too large",
		    w->name);
	return a->rc != 0 ? NULL : w;
}

/* With what the pickle of a whole module says otherwise. */
static const char *
kernel_node(struct draw *a, const char *op, const char *module, const char *x,
    const struct tensor *w, struct kernel *k)
{
	const char *y;

	pair(a, module, "stride", k->stride);
	pair(a, module, "padding", k->pad);
	pair(a, module, "dilation", k->dilation);
	pair(a, module, "groups", k->groups);
	y = draw_node(a, op, module, x, w->name,
	    draw_has(a, module, "bias") ? draw_weight(a, module, "bias")->name
					: NULL,
	    NULL);
	window(a, (int64_t[]){(int64_t)w->dim[2], (int64_t)w->dim[3]},
	    k->stride, k->pad);
	draw_ints(a, "dilations", 2, k->dilation);
	draw_int(a, "group", MAX(k->groups[0], 1));
	return y;
}

const char *
draw_conv(
    struct draw *a, const char *module, const char *x, struct draw_window v)
{
	const struct tensor *w = kernel_weight(a, module);
	struct kernel k = {.pad = {v.pad, v.pad}};

	if (w == NULL)
		return "";
	k.stride[0] = k.stride[1] = MAX(v.stride, 1);
	k.dilation[0] = k.dilation[1] = MAX(v.dilation, 1);
	k.groups[0] = v.groups == DRAW_EACH ? (int64_t)w->dim[0] : v.groups;
	for (size_t i = 0; v.pad == DRAW_SAME && i < 2; i++)
		k.pad[i] = (int64_t)w->dim[2 + i] / 2 * k.dilation[i];
	return kernel_node(a, "Conv", module, x, w, &k);
}

const char *
draw_conv_transpose(
    struct draw *a, const char *module, const char *x, const int64_t out[2])
{
	const struct tensor *w = kernel_weight(a, module);
	struct kernel k = {.stride = {1, 1}, .dilation = {1, 1}};
	const char *y;

	if (w == NULL)
		return "";
	y = kernel_node(a, "ConvTranspose", module, x, w, &k);
	draw_ints(a, "output_padding", 2, out);
	return y;
}

const char *
draw_batch_norm(struct draw *a, const char *module, const char *x, double eps)
{
	static const char *const part[] = {
	    "weight", "bias", "running_mean", "running_var"};
	const struct tensor *t[4];
	const char *y;

	for (size_t i = 0; i < 4; i++) {
		t[i] = draw_weight(a, module, part[i]);
		want_rank(a, t[i], 1);
	}
	if (a->rc != 0)
		return "";
	y = draw_node(a, "BatchNormalization", module, x, t[0]->name,
	    t[1]->name, t[2]->name, t[3]->name, NULL);
	draw_real(a, "epsilon", epsilon(a, module, eps));
	return y;
}

const char *
draw_layer_norm(struct draw *a, const char *module, const char *x, double eps)
{
	const struct tensor *w = draw_weight(a, module, "weight");
	const struct tensor *b = draw_weight(a, module, "bias");
	const char *y;

	want_rank(a, w, 1);
	want_rank(a, b, 1);
	if (a->rc != 0)
		return "";
	y = draw_node(
	    a, "LayerNormalization", module, x, w->name, b->name, NULL);
	draw_int(a, "axis", -1);
	draw_real(a, "epsilon", epsilon(a, module, eps));
	return y;
}

/*
 * The weight as (in, out): another view of the same bytes of the file.  A
 * weight that two layers share is turned once.
 */
static void
turn(struct draw *a, const struct tensor *t)
{
	size_t i = (size_t)(t - a->w->tensor), width = dtype_width(t->dtype);
	struct tensor *mine = &a->w->tensor[i];
	uint64_t *stride, rows = t->dim[0];

	if (a->w->turned[i] ||
	    (stride = draw_room(a, 2, sizeof(*stride))) == NULL)
		return;
	stride[0] = t->stride != NULL ? t->stride[1] : width;
	stride[1] = t->stride != NULL ? t->stride[0] : width * t->dim[1];
	mine->dim[0] = t->dim[1];
	mine->dim[1] = rows;
	mine->stride = stride;
	a->w->turned[i] = true;
}

const char *
draw_matmul(struct draw *a, const char *at, const char *weight,
    const char *bias, const char *x)
{
	const struct tensor *w = draw_weight(a, weight, "");
	const char *y;

	want_rank(a, w, 2);
	if (a->rc != 0)
		return "";
	turn(a, w);
	y = draw_node(a, "MatMul", at, x, w->name, NULL);
	if (draw_has(a, bias, ""))
		y = draw_binary(
		    a, "Add", at, y, draw_weight(a, bias, "")->name);
	return y;
}

/* "module.name"; the name alone at the top. */
static const char *
part(struct draw *a, const char *module, const char *name)
{
	return *module != '\0' ? draw_path(a, "%s.%s", module, name) : name;
}

const char *
draw_linear(struct draw *a, const char *module, const char *x)
{
	return draw_matmul(
	    a, module, part(a, module, "weight"), part(a, module, "bias"), x);
}

const char *
draw_gemm(struct draw *a, const char *module, const char *x)
{
	const struct tensor *w = draw_weight(a, module, "weight");
	const struct tensor *b = NULL;
	const char *y;

	want_rank(a, w, 2);
	if (draw_has(a, module, "bias"))
		b = draw_weight(a, module, "bias");
	if (a->rc != 0)
		return "";
	y = draw_node(
	    a, "Gemm", module, x, w->name, b != NULL ? b->name : NULL, NULL);
	draw_real(a, "alpha", 1.0);
	draw_real(a, "beta", 1.0);
	draw_int(a, "transA", 0);
	draw_int(a, "transB", 1);
	return y;
}

const char *
draw_classifier(struct draw *a, const char *module, const char *x)
{
	a->m->classes = draw_dim(a, module, "weight", 0);
	return draw_gemm(a, module, x);
}

const char *
draw_last(struct draw *a, const char *module, const char *x)
{
	char buf[LIMIT_NAME + 1];
	const char *y = NULL, *last;

	if (a->rc == 0 && a->w->row != NULL)
		y = a->w->row(a, a->w->found, module, x);
	if (y != NULL || a->rc != 0)
		return y != NULL ? y : "";
	last = weights_last(a->w, module, buf);
	if (last == NULL)
		last = module; /* the message names it */
	if (last != module)
		draw_note(a,
		    "'%.64s' is the last layer, behind a dropout at most",
		    last = draw_path(a, "%s", last));
	return draw_classifier(a, last, x);
}

/* --- without weights ----------------------------------------------------- */

const char *
draw_unary(struct draw *a, const char *op, const char *at, const char *x)
{
	return draw_node(a, op, at, x, NULL);
}

const char *
draw_binary(struct draw *a, const char *op, const char *at, const char *x,
    const char *y)
{
	return draw_node(a, op, at, x, y, NULL);
}

const char *
draw_max_pool(struct draw *a, const char *at, const char *x, int64_t kernel,
    int64_t stride, int64_t pad, bool ceil)
{
	const char *y = draw_unary(a, "MaxPool", at, x);

	window(a, (int64_t[]){kernel, kernel}, (int64_t[]){stride, stride},
	    (int64_t[]){pad, pad});
	draw_ints(a, "dilations", 2, (int64_t[]){1, 1});
	draw_int(a, "ceil_mode", ceil);
	return y;
}

const char *
draw_average_pool(struct draw *a, const char *at, const char *x, int64_t kernel,
    int64_t stride, int64_t pad)
{
	const char *y = draw_unary(a, "AveragePool", at, x);

	window(a, (int64_t[]){kernel, kernel}, (int64_t[]){stride, stride},
	    (int64_t[]){pad, pad});
	draw_int(a, "ceil_mode", 0);
	draw_int(a, "count_include_pad", 1);
	return y;
}

/* timm's configurations name the pool in front of the last layer
 * (timm/layers/adaptive_avgmax_pool.py). */
static const char *
pool_of(const json_t *config)
{
	const json_t *how = json_object_get(config, "global_pool");

	return json_is_string(json_object_get(config, "architecture")) &&
		       json_is_string(how)
		   ? json_string_value(how)
		   : "";
}

const char *
draw_global_pool(struct draw *a, const char *at, const char *x)
{
	static const double half = 0.5;
	const char *how = pool_of(a->hints->config), *y, *z;

	if (strcmp(how, "max") == 0)
		return draw_flatten(
		    a, at, draw_unary(a, "GlobalMaxPool", at, x));
	y = draw_flatten(a, at, draw_unary(a, "GlobalAveragePool", at, x));
	if (strcmp(how, "avgmax") != 0 && strcmp(how, "catavgmax") != 0)
		return y;
	z = draw_flatten(a, at, draw_unary(a, "GlobalMaxPool", at, x));
	if (strcmp(how, "avgmax") == 0)
		return draw_binary(a, "Mul", at,
		    draw_binary(a, "Add", at, y, z),
		    draw_constant(
			a, draw_path(a, "assay.%s.half", at), 0, NULL, &half));
	y = draw_binary(a, "Concat", at, y, z);
	draw_int(a, "axis", 1);
	return y;
}

const char *
draw_flatten(struct draw *a, const char *at, const char *x)
{
	const char *y = draw_unary(a, "Flatten", at, x);

	draw_int(a, "axis", 1);
	return y;
}

const char *
draw_reshape(struct draw *a, const char *at, const char *x, size_t rank,
    const int64_t *dim)
{
	const char *y = draw_unary(a, "Reshape", at, x);

	draw_ints(a, "shape", rank, dim);
	draw_int(a, "allowzero", 0);
	return y;
}

const char *
draw_transpose(struct draw *a, const char *at, const char *x, size_t rank,
    const int64_t *perm)
{
	const char *y = draw_unary(a, "Transpose", at, x);

	draw_ints(a, "perm", rank, perm);
	return y;
}

const char *
draw_channels_last(struct draw *a, const char *at, const char *x)
{
	return draw_transpose(a, at, x, 4, (int64_t[]){0, 2, 3, 1});
}

const char *
draw_channels_first(struct draw *a, const char *at, const char *x)
{
	return draw_transpose(a, at, x, 4, (int64_t[]){0, 3, 1, 2});
}
