/* SPDX-License-Identifier: MIT
 * What vision transformers of several origins share.
 */
#include "base/json.h"
#include "base/limits.h"
#include "formats/layer.h"

#include <math.h>

/* Part k of query, key and value: (N, heads, tokens, width / heads). */
static const char *
third(struct draw *a, const char *at, const char *qkv, int64_t k, int64_t width,
    int64_t heads, const char *bias)
{
	const char *x =
	    layer_slice(a, at, qkv, 2, k * width, (k + 1) * width, 1);

	if (a->rc == 0 && bias != NULL)
		x = draw_binary(
		    a, "Add", at, x, draw_weight(a, bias, "")->name);
	x = draw_reshape(a, at, x, 4, (int64_t[]){0, 0, heads, width / heads});
	return draw_transpose(a, at, x, 4, (int64_t[]){0, 2, 1, 3});
}

/* Each head by itself, where there are weights for that. */
static const char *
normed(struct draw *a, const char *norm, const char *x, double eps)
{
	return norm != NULL && draw_has(a, norm, "weight")
		   ? draw_layer_norm(a, norm, x, eps)
		   : x;
}

const char *
layer_attention(struct draw *a, const char *at, const char *x,
    const struct layer_attention *l)
{
	int64_t width = (int64_t)draw_dim(a, l->weight, "", 0) / 3;
	int64_t size = l->heads > 0 ? width / l->heads : 0;
	const char *qkv, *q, *k, *s;
	double scale;

	if (size < 1 || width % l->heads != 0)
		draw_fail(a,
		    "'%.100s': %" PRId64 " heads of %" PRId64 " numbers", at,
		    l->heads, width);
	if (a->rc != 0)
		return "";
	qkv = draw_matmul(a, at, l->weight, l->bias != NULL ? l->bias : "", x);
	q = third(a, at, qkv, 0, width, l->heads, l->query_bias);
	q = normed(a, l->query_norm, q, l->eps);
	k = third(a, at, qkv, 1, width, l->heads, NULL);
	k = normed(a, l->key_norm, k, l->eps);
	scale = 1.0 / sqrt((double)size);
	q = draw_binary(a, "Mul", at, q,
	    draw_constant(a, draw_path(a, "%s.scale", at), 0, NULL, &scale));
	k = draw_transpose(a, at, k, 4, (int64_t[]){0, 1, 3, 2});
	s = draw_binary(a, "MatMul", at, q, k);
	if (l->more != NULL)
		s = l->more(a, l->ctx, s);
	s = draw_unary(a, "Softmax", at, s);
	draw_int(a, "axis", -1);
	x = draw_binary(a, "MatMul", at, s,
	    third(a, at, qkv, 2, width, l->heads, l->value_bias));
	x = draw_transpose(a, at, x, 4, (int64_t[]){0, 2, 1, 3});
	x = draw_reshape(a, at, x, 3, (int64_t[]){0, 0, width});
	return draw_linear(a, l->out, x);
}

/* 0: not said. */
static int64_t
said_heads(struct draw *a, const char *module)
{
	const struct weights_attr *at = weights_attr(a->w, module, "num_heads");
	const json_t *j = NULL;

	if (at != NULL && at->n == 1 && at->v[0] >= 1 && at->v[0] <= 4096)
		return (int64_t)at->v[0];
	if (a->hints->config != NULL &&
	    (j = json_at(a->hints->config, "num_heads")) == NULL)
		j = json_at(a->hints->config, "model_args.num_heads");
	if (j == NULL || !json_is_integer(j))
		return 0;
	return json_integer_value(j) >= 1 && json_integer_value(j) <= 4096
		   ? json_integer_value(j)
		   : 0;
}

int64_t
layer_heads(struct draw *a, const char *module, uint64_t width)
{
	int64_t heads = said_heads(a, module);
	bool said = heads != 0;

	if (!said && width % 64 != 0)
		draw_fail(a,
		    "attention of width %" PRIu64 ": nothing says how "
		    "many heads it has; \"num_heads\" in a config.json would",
		    width);
	else if (!said)
		heads = width == 1280 ? 16 : (int64_t)(width / 64);
	if (strstr(a->m->note, " heads, ") == NULL)
		draw_note(a, "%" PRId64 " heads, %s", heads,
		    said ? "as its files say" : "as is usual for its width");
	a->m->supposed = a->m->supposed || !said;
	return heads;
}

const char *
layer_mlp(struct draw *a, const char *fc1, const char *fc2, enum layer_act act,
    const char *x)
{
	x = layer_act(a, act, fc1, draw_linear(a, fc1, x));
	return draw_linear(a, fc2, x);
}

/* "1.", alone or behind other wrappers. */
static bool
behind_resize(const struct weights *w)
{
	const char *name = "";
	size_t i = 0;

	while (i < w->n && w->ignored[i])
		i++;
	name = i < w->n ? w->tensor[i].name : "";
	return w->prefix >= 2 && memcmp(name + w->prefix - 2, "1.", 2) == 0 &&
	       (w->prefix == 2 || name[w->prefix - 3] == '.');
}

/* As torchvision's Resize does to tensors: bilinear, not antialiased. */
static const char *
resize(struct draw *a, const char *x, int64_t side)
{
	const char *y = draw_unary(a, "Resize", "0", x);

	draw_text(a, "mode", "linear");
	draw_text(a, "coordinate_transformation_mode", "half_pixel");
	draw_ints(a, "axes", 2, (int64_t[]){2, 3});
	draw_ints(a, "sizes", 2, (int64_t[]){side, side});
	return y;
}

const char *
layer_fit(struct draw *a, const char *x, const char *conv, const char *place,
    uint64_t more)
{
	uint64_t tokens = draw_dim(a, place, "", 1), side = 0;
	uint64_t patch = draw_dim(a, conv, "weight", 2);
	int64_t *shape = a->m->shape;

	while (side < LIMIT_IMAGE_SIDE && side * side + more < tokens)
		side++;
	if (a->rc == 0 && (side == 0 || side * side + more != tokens ||
			      patch == 0 || side > LIMIT_IMAGE_SIDE / patch))
		draw_fail(
		    a, "%" PRIu64 " places are no square of patches", tokens);
	if (a->rc != 0)
		return "";
	side *= patch;
	if (behind_resize(a->w)) {
		draw_note(a,
		    "images are resized to %" PRIu64 " pixels, not antialiased",
		    side);
		return resize(a, x, (int64_t)side);
	}
	if ((shape[2] > 0 && shape[2] != (int64_t)side) ||
	    (shape[3] > 0 && shape[3] != (int64_t)side))
		draw_fail(a,
		    "its places are for images of %" PRIu64
		    " pixels, not %" PRId64 " x %" PRId64,
		    side, shape[2], shape[3]);
	shape[2] = shape[3] = (int64_t)side;
	return x;
}

const char *
layer_patches(struct draw *a, const char *conv, const char *x)
{
	uint64_t patch = draw_dim(a, conv, "weight", 2);
	uint64_t width = draw_dim(a, conv, "weight", 0);

	if (patch < 1 || patch > 1024 || width > INT32_MAX)
		draw_fail(a, "patches of %" PRIu64 " pixels", patch);
	if (a->rc != 0)
		return "";
	x = layer_stem(
	    a, conv, x, (struct draw_window){.stride = (int64_t)patch});
	x = draw_reshape(a, conv, x, 3, (int64_t[]){0, (int64_t)width, -1});
	return draw_transpose(a, conv, x, 3, (int64_t[]){0, 2, 1});
}

const char *
layer_class_token(struct draw *a, const char *token, const char *x)
{
	const struct tensor *t = draw_weight(a, token, "");
	const char *n, *rest, *shape;

	if (t != NULL && (t->rank != 3 || t->dim[0] != 1 || t->dim[1] > 1024))
		draw_fail(a, "'%.100s' is no token", t->name);
	if (a->rc != 0)
		return "";
	n = layer_slice(a, token, draw_unary(a, "Shape", token, x), 0, 0, 1, 1);
	rest = draw_integers(a, draw_path(a, "%s.rest", token), 2,
	    (int64_t[]){(int64_t)t->dim[1], (int64_t)t->dim[2]});
	shape = layer_concat(a, token, 0, 2, (const char *[]){n, rest});
	return layer_concat(a, token, 1, 2,
	    (const char *[]){
		draw_binary(a, "Expand", token, t->name, shape), x});
}

const char *
layer_token(struct draw *a, const char *at, const char *x, int64_t i)
{
	x = layer_slice(a, at, x, 1, i, i + 1, 1);
	return draw_reshape(a, at, x, 2, (int64_t[]){0, -1});
}

const char *
layer_token_mean(struct draw *a, const char *at, const char *x, int64_t from)
{
	x = layer_slice(a, at, x, 1, from, INT32_MAX, 1);
	x = draw_unary(a, "ReduceMean", at, x);
	draw_ints(a, "axes", 1, (int64_t[]){1});
	draw_int(a, "keepdims", 0);
	return x;
}
