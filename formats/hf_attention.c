/* SPDX-License-Identifier: MIT */
#include "formats/hf_attention.h"

#include <math.h>

/* Tokens that attend to each other where each pair has a number of its own:
 * images of 640 x 640 in patches of 16; their index takes 20 MB. */
#define MAX_TOKENS 1601

static const char *
split(struct draw *a, const struct hf_attention *h, const char *at,
    const char *name, const char *x, bool bias)
{
	static const int64_t rows[] = {0, 2, 1, 3}, columns[] = {0, 2, 3, 1};
	const char *module = draw_path(a, "%s.%s", at, name);

	x = hf_linear(a, module, x, h->width, h->width, bias);
	x = draw_reshape(
	    a, module, x, 4, (int64_t[]){0, 0, h->heads, h->width / h->heads});
	return draw_transpose(
	    a, module, x, 4, strcmp(name, "key") == 0 ? columns : rows);
}

/* Each window has a mask of its own: the batch is taken apart for it. */
static const char *
masked(
    struct draw *a, const struct hf_attention *h, const char *at, const char *x)
{
	int64_t t = h->tokens;

	x = draw_reshape(
	    a, at, x, 5, (int64_t[]){-1, h->windows, h->heads, t, t});
	x = draw_binary(a, "Add", at, x, h->mask);
	return draw_reshape(a, at, x, 4, (int64_t[]){-1, h->heads, t, t});
}

const char *
hf_attention(
    struct draw *a, const struct hf_attention *h, const char *at, const char *x)
{
	const char *q, *k, *v;

	if (h->width % h->heads != 0)
		hf_bad(a,
		    "config.json: %" PRId64 " heads for a width of %" PRId64,
		    h->heads, h->width);
	if (a->rc != 0)
		return "";
	q = split(a, h, at, "query", x, h->query_bias);
	k = split(a, h, at, "key", x, h->key_bias);
	v = split(a, h, at, "value", x, h->value_bias);
	x = draw_binary(a, "MatMul", at, q, k);
	x = hf_scale(
	    a, at, "scale", x, 1.0 / sqrt((double)(h->width / h->heads)));
	if (h->bias != NULL)
		x = draw_binary(a, "Add", at, x, h->bias);
	if (h->mask != NULL)
		x = masked(a, h, at, x);
	x = draw_unary(a, "Softmax", at, x);
	draw_int(a, "axis", -1);
	x = draw_binary(a, "MatMul", at, x, v);
	x = draw_transpose(a, at, x, 4, (int64_t[]){0, 2, 1, 3});
	return draw_reshape(a, at, x, 3, (int64_t[]){0, 0, h->width});
}

const char *
hf_attention_mlp(struct draw *a, const char *at, const char *x, int64_t width,
    int64_t hidden)
{
	const char *in = draw_path(a, "%s.intermediate", at);

	x = hf_linear(a, draw_path(a, "%s.dense", in), x, width, hidden, true);
	x = hf_activation(a, "gelu", in, x);
	return hf_linear(
	    a, draw_path(a, "%s.output.dense", at), x, hidden, width, true);
}

const char *
hf_attention_bias(struct draw *a, const char *module, const char *index,
    int64_t tokens, int64_t heads)
{
	const struct tensor *t = draw_weight(a, module, "");
	const char *x;

	if (a->rc != 0)
		return "";
	x = draw_node(a, "Gather", module, t->name, index, NULL);
	draw_int(a, "axis", 0);
	x = draw_reshape(a, module, x, 3, (int64_t[]){tokens, tokens, heads});
	return draw_transpose(a, module, x, 3, (int64_t[]){2, 0, 1});
}

/* Row p, column q; places count from the top left. */
static int64_t
between(int64_t p, int64_t q, int64_t h, int64_t w)
{
	return (p / w - q / w + h - 1) * (2 * w - 1) + p % w - q % w + w - 1;
}

static int64_t
entry(int64_t p, int64_t q, int64_t h, int64_t w, bool special)
{
	int64_t pairs = (2 * h - 1) * (2 * w - 1);

	if (!special)
		return between(p, q, h, w);
	if (p > 0 && q > 0)
		return between(p - 1, q - 1, h, w);
	if (p == 0 && q == 0)
		return pairs + 2;
	return p == 0 ? pairs : pairs + 1;
}

/* How many tokens there are; fails when they are too many. */
static int64_t
tokens_of(struct draw *a, int64_t h, int64_t w, bool special)
{
	if (h > MAX_TOKENS || w > MAX_TOKENS || h * w + 1 > MAX_TOKENS)
		draw_fail(a,
		    "biases between the places of a grid of %" PRId64
		    " x %" PRId64,
		    h, w);
	return a->rc == 0 ? h * w + (special ? 1 : 0) : 0;
}

const char *
hf_attention_index(
    struct draw *a, const char *name, int64_t h, int64_t w, bool special)
{
	int64_t t = tokens_of(a, h, w, special), *v;

	if (a->rc != 0)
		return "";
	v = arena_alloc(&a->m->arena, (size_t)(t * t), sizeof(*v));
	if (v == NULL) {
		draw_fail(a, "no memory for an index");
		return "";
	}
	for (int64_t p = 0; p < t; p++)
		for (int64_t q = 0; q < t; q++)
			v[p * t + q] = entry(p, q, h, w, special);
	return draw_integers(a, name, (size_t)(t * t), v);
}

void
hf_attention_same_index(struct draw *a, const char *module, const char *name,
    int64_t h, int64_t w, bool special)
{
	int64_t t = tokens_of(a, h, w, special), is;
	const struct tensor *at;
	uint64_t n;

	at = weights_peek(a->w, draw_path(a, "%s.%s", module, name));
	if (a->rc != 0 || at == NULL)
		return;
	if (!tensor_elements(at, &n) || n != (uint64_t)(t * t))
		hf_bad(a, "tensor '%.80s' is not for %" PRId64 " tokens",
		    at->name, t);
	for (int64_t i = 0; a->rc == 0 && i < t * t; i++)
		if (!tensor_int(at, (uint64_t)i, &is) ||
		    is != entry(i / t, i % t, h, w, special))
			hf_bad(a,
			    "tensor '%.80s' is not the index that the "
			    "architecture has",
			    at->name);
	hf_ignore(a, module, name);
}
