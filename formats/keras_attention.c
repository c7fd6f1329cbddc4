/* SPDX-License-Identifier: MIT
 * keras/src/layers/attention/multi_head_attention.py, and the pools over the
 * tokens that it makes (pooling/global_average_pooling1d.py).
 */
#include "formats/keras_class.h"

#include <math.h>

#define DRAW(name)                                                             \
	static void name(struct keras *k, struct keras_layer *l,               \
	    const struct keras_value *in, size_t nin, struct keras_value *out)

enum part {
	QUERY,
	KEY,
	VALUE,
	OUTPUT
};

/* Sizes that the weights of a part say. */
struct sizes {
	uint64_t in, heads, each;
};

/* (in, heads, each), of the output (heads, each, out). */
static struct sizes
sizes_of(struct keras *k, struct keras_layer *l, enum part p)
{
	const struct tensor *t = &l->var[2 * p];
	struct sizes s = {1, 1, 1};

	if (k->d.rc != 0)
		return s;
	if (t->rank != 3) {
		keras_draw_refuse(k, l, "'%s' has rank %zu",
		    l->kind->var[2 * p].name, t->rank);
		return s;
	}
	return (struct sizes){t->dim[0], t->dim[1], t->dim[2]};
}

/* x W + b, W being a matrix of `rows` rows over the bytes of the kernel. */
static const char *
project(struct keras *k, struct keras_layer *l, enum part p, const char *x,
    uint64_t rows)
{
	const struct tensor *w = &l->var[2 * p], *b = &l->var[2 * p + 1];
	uint64_t width = dtype_width(w->dtype), n, dim[2], stride[2];
	const char *y;

	if (k->d.rc != 0)
		return "";
	n = w->size / width / rows;
	dim[0] = rows;
	dim[1] = n;
	stride[0] = n * width;
	stride[1] = width;
	y = draw_binary(&k->d, "MatMul", l->path, x,
	    keras_draw_view(k, l, 2 * p, 2, dim, stride));
	if (b->data == NULL)
		return y;
	width = dtype_width(b->dtype);
	if (b->size / width != n)
		keras_draw_bad(k, l, "'%s' does not fit its kernel",
		    l->kind->var[2 * p + 1].name);
	return draw_binary(&k->d, "Add", l->path, y,
	    keras_draw_view(k, l, 2 * p + 1, 1, &n, &width));
}

/* (N, tokens, heads x each) to (N, heads, tokens, each), keys transposed. */
static const char *
split(struct keras *k, struct keras_layer *l, const char *x, struct sizes s,
    bool turn)
{
	static const int64_t plain[] = {0, 2, 1, 3}, turned[] = {0, 2, 3, 1};

	x = draw_reshape(&k->d, l->path, x, 4,
	    (int64_t[]){0, 0, (int64_t)s.heads, (int64_t)s.each});
	return draw_transpose(&k->d, l->path, x, 4, turn ? turned : plain);
}

static void
check(struct keras *k, struct keras_layer *l, const struct sizes s[4])
{
	int64_t heads = 0, axis = 1;

	if (!keras_config_ints(l, "num_heads", 1, &heads) || heads < 1)
		keras_draw_bad(k, l, "'num_heads' is no integer");
	if (keras_config_has(l, "attention_axes") &&
	    (!keras_config_ints(l, "attention_axes", 1, &axis) || axis != 1))
		keras_draw_refuse(k, l, "attention along other axes");
	for (size_t p = 0; p < OUTPUT && k->d.rc == 0; p++)
		if (s[p].heads != (uint64_t)heads)
			keras_draw_bad(k, l,
			    "%" PRId64 " heads, '%s' has %" PRIu64, heads,
			    l->kind->var[2 * p].name, s[p].heads);
	if (k->d.rc == 0 &&
	    (s[QUERY].each != s[KEY].each || s[OUTPUT].in != s[VALUE].heads ||
		s[OUTPUT].heads != s[VALUE].each || s[QUERY].each == 0))
		keras_draw_bad(k, l, "weights that do not fit one another");
}

/* Of query, value and, unless it is the value, key. */
DRAW(attend)
{
	const struct keras_value *x[3] = {&in[0], &in[nin > 2 ? 2 : 1], &in[1]};
	const char *y[3];
	struct sizes s[4];

	for (size_t i = 0; i < nin; i++)
		if (in[i].rank != 3)
			keras_draw_refuse(
			    k, l, "a value of rank %zu", in[i].rank);
	for (enum part p = QUERY; p <= OUTPUT; p++)
		s[p] = sizes_of(k, l, p);
	check(k, l, s);
	for (size_t p = 0; p < 3 && k->d.rc == 0; p++) {
		if (x[p]->last != -1 && (uint64_t)x[p]->last != s[p].in)
			keras_draw_bad(k, l,
			    "%" PRId64 " columns meet weights for %" PRIu64,
			    x[p]->last, s[p].in);
		y[p] = split(k, l,
		    project(k, l, (enum part)p, x[p]->name, s[p].in), s[p],
		    p == KEY);
	}
	if (k->d.rc != 0)
		return;
	y[0] = draw_binary(&k->d, "Mul", l->path, y[0],
	    keras_draw_repeat(
		k, l, "scale", 0, 1.0 / sqrt((double)s[QUERY].each)));
	y[0] = draw_binary(&k->d, "MatMul", l->path, y[0], y[1]);
	y[0] = draw_unary(&k->d, "Softmax", l->path, y[0]);
	draw_int(&k->d, "axis", -1);
	y[0] = draw_binary(&k->d, "MatMul", l->path, y[0], y[2]);
	y[0] = draw_transpose(&k->d, l->path, y[0], 4, (int64_t[]){0, 2, 1, 3});
	y[0] = draw_reshape(&k->d, l->path, y[0], 3, (int64_t[]){0, 0, -1});
	*out = (struct keras_value){
	    .name = project(k, l, OUTPUT, y[0], s[OUTPUT].in * s[OUTPUT].heads),
	    .rank = 3,
	    .last = (int64_t)s[OUTPUT].each};
}

/* --- over tokens ---------------------------------------------------------- */

static void
over_tokens(struct keras *k, struct keras_layer *l, const struct keras_value *x,
    const char *op, struct keras_value *out)
{
	bool keep = keras_config_bool(l, "keepdims", false);

	if (x->rank != 3 || keras_draw_first(l))
		keras_draw_refuse(
		    k, l, "a value of rank %zu, or channels first", x->rank);
	*out = *x;
	out->name = draw_unary(&k->d, op, l->path, x->name);
	draw_ints(&k->d, "axes", 1, (int64_t[]){1});
	draw_int(&k->d, "keepdims", keep);
	out->rank = keep ? 3 : 2;
}

DRAW(mean)
{
	(void)nin;
	over_tokens(k, l, in, "ReduceMean", out);
}

DRAW(largest)
{
	(void)nin;
	over_tokens(k, l, in, "ReduceMax", out);
}

#define PAIR(attr, what)                                                       \
	{.name = what "/kernel", .within = attr},                              \
	{                                                                      \
		.name = what "/bias", .within = attr, .only_if = "use_bias"    \
	}

const struct keras_class keras_attention_classes[] = {
    {.name = "MultiHeadAttention",
	.draw = attend,
	.least = 2,
	.most = 3,
	.var = {PAIR("_query_dense", "query"), PAIR("_key_dense", "key"),
	    PAIR("_value_dense", "value"),
	    PAIR("_output_dense", "attention_output")}},
    {.name = "GlobalAveragePooling1D", .draw = mean, .least = 1, .most = 1},
    {.name = "GlobalMaxPooling1D", .draw = largest, .least = 1, .most = 1},
    {.name = NULL},
};
