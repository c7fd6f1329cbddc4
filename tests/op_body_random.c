/* SPDX-License-Identifier: MIT
 * Networks of operators drawn by a seed: what each does alone the other bodies
 * show, here they share values, layouts, memory and passes over it.
 */
#include "tests/op_body.h"

#include "base/rng.h"
#include "formats/build.h"

#define STEPS 14
#define SHOWN 5 /* values that the head reads */

/* A value of the net, without its first axis. */
struct value {
	const char *name;
	size_t c, h, w; /* w == 0: of rank 3, c rows of h */
};

struct maker {
	struct model *m;
	struct rng r;
	struct value v[STEPS + 2];
	size_t n, names;
};

static size_t
below(struct maker *k, size_t n)
{
	return (size_t)rng_below(&k->r, n);
}

static const char *
name(struct maker *k)
{
	return arena_printf(&k->m->arena, "v%zu", k->names++);
}

static const char *
one(struct maker *k, const char *op, const char *x)
{
	return build_node(k->m, op, name(k), &x, 1);
}

static const char *
two(struct maker *k, const char *op, const char *x, const char *y)
{
	return build_node(k->m, op, name(k), (const char *[]){x, y}, 2);
}

static const char *
weight(
    struct maker *k, float scale, float shift, size_t rank, const size_t *dim)
{
	const char *w = name(k);
	float *p = build_tensor(k->m, w, rank, dim);
	size_t n = 1;

	for (size_t i = 0; i < rank; i++)
		n *= dim[i];
	for (size_t i = 0; i < n; i++)
		p[i] = shift + scale * rng_normal(&k->r);
	return w;
}

static void
push(struct maker *k, const char *v, size_t c, size_t h, size_t w)
{
	k->v[k->n++] = (struct value){v, c, h, w};
}

/* Any value of this shape; it may be x itself. */
static const char *
like(struct maker *k, const struct value *x)
{
	for (size_t i = 0; i < 8; i++) {
		const struct value *v = &k->v[below(k, k->n)];

		if (v->c == x->c && v->h == x->h && v->w == x->w)
			return v->name;
	}
	return x->name;
}

/* --- layers -------------------------------------------------------------- */

static const char *
activation(struct maker *k, const char *x)
{
	static const char *const op[] = {"Relu", "Clip", "HardSwish", "Relu",
	    "LeakyRelu", "Tanh", "Gelu", "Sigmoid", "Softplus"};
	size_t i = below(k, ARRAY_LEN(op));
	const char *y = one(k, op[i], x);

	if (i == 1) {
		build_real(k->m, "min", -0.2 + 0.1 * (double)below(k, 5));
		build_real(k->m, "max", 0.4 + 0.2 * (double)below(k, 4));
	}
	return i == 7 && below(k, 2) == 0 ? two(k, "Mul", y, x) : y;
}

/* Of one size, in groups of all kinds; then what exporters put behind it. */
static void
conv(struct maker *k, const struct value *x)
{
	size_t side = 1 + 2 * below(k, 2), c = x->c, out = 1 + below(k, 20);
	size_t group = 1, by = 1 + below(k, 2);
	bool stays = below(k, 2) == 0;
	int64_t p = (int64_t)(side / 2), s = stays ? 1 : (int64_t)by;
	const char *y;

	if (stays)
		out = c;
	if (below(k, 3) == 0) {
		group = c;
		out = stays ? c : c * by;
	}
	y = two(k, "Conv", x->name,
	    weight(k, 0.6f / (float)side, 0.0f, 4,
		(size_t[]){out, c / group, side, side}));
	op_body_window(k->m, s, p, p, p, p);
	build_int(k->m, "group", (int64_t)group);
	if (below(k, 2) == 0)
		y = activation(k, y);
	if (stays && below(k, 2) == 0)
		y = below(k, 2) == 0 ? two(k, "Add", y, like(k, x))
				     : two(k, "Add", like(k, x), y);
	if (below(k, 3) == 0)
		y = activation(k, y);
	push(k, y, out, (x->h - 1) / (size_t)s + 1, (x->w - 1) / (size_t)s + 1);
}

static void
norm(struct maker *k, const struct value *x)
{
	const char *in[5] = {x->name}, *y;

	for (size_t i = 1; i < 4; i++)
		in[i] = weight(k, 0.1f, i == 1 ? 1.0f : 0.0f, 1, &x->c);
	in[4] = weight(k, 0.0f, 1.5f, 1, &x->c);
	y = build_node(k->m, "BatchNormalization", name(k), in, 5);
	if (below(k, 2) == 0)
		y = one(k, "Relu", y);
	push(k, y, x->c, x->h, x->w);
}

static void
pool(struct maker *k, const struct value *x)
{
	bool max = below(k, 2) == 0, ceil = below(k, 2) == 0;
	size_t h = x->h + 1, w = x->w + 1; /* with the pads below */
	const char *y = one(k, max ? "MaxPool" : "AveragePool", x->name);

	build_ints(k->m, "kernel_shape", LIST(2, 2));
	op_body_window(k->m, 2, 0, 1, 1, 0);
	build_int(k->m, "ceil_mode", ceil);
	/* one more where it begins in the image or in front of it */
	push(k, y, x->c,
	    h % 2 != 0 && ceil && h / 2 * 2 < x->h ? h / 2 + 1 : h / 2,
	    w % 2 != 0 && ceil && w / 2 * 2 < x->w + 1 ? w / 2 + 1 : w / 2);
}

static void
gate(struct maker *k, const struct value *x)
{
	const char *g = one(k, "GlobalAveragePool", x->name);

	g = two(k, "Conv", g,
	    weight(k, 0.4f, 0.0f, 4, (size_t[]){x->c, x->c, 1, 1}));
	g = one(k, "Sigmoid", g);
	push(k, two(k, "Mul", x->name, g), x->c, x->h, x->w);
}

static void
arithmetic(struct maker *k, const struct value *x)
{
	static const char *const op[] = {"Add", "Sub", "Mul", "Max"};
	const char *with = like(k, x);

	if (below(k, 3) == 0)
		with = weight(k, 0.5f, 0.5f, 3, (size_t[]){x->c, 1, 1});
	push(k, two(k, op[below(k, ARRAY_LEN(op))], x->name, with), x->c, x->h,
	    x->w);
}

/* --- moves --------------------------------------------------------------- */

static void
slice(struct maker *k, const struct value *x)
{
	struct value y = *x;

	if (x->w < 2)
		return;
	y.name = one(k, "Slice", x->name);
	build_ints(k->m, "starts", LIST((int64_t)x->w - 1));
	build_ints(k->m, "ends", LIST(-100));
	build_ints(k->m, "axes", LIST(3));
	build_ints(k->m, "steps", LIST(-2));
	push(k, y.name, x->c, x->h, (x->w + 1) / 2);
}

static void
join(struct maker *k, const struct value *x)
{
	push(k, two(k, "Concat", x->name, like(k, x)), 2 * x->c, x->h, x->w);
	build_int(k->m, "axis", -3);
}

static void
turn(struct maker *k, const struct value *x)
{
	push(k, one(k, "Transpose", x->name), x->h, x->w, x->c);
	build_ints(k->m, "perm", LIST(0, 2, 3, 1));
}

static void
pad(struct maker *k, const struct value *x)
{
	push(k, one(k, "Pad", x->name), x->c, x->h + 1, x->w + 2);
	build_ints(k->m, "pads", LIST(0, 0, 1, 0, 0, 0, 0, 2));
	op_body_text(k->m, "mode", below(k, 2) == 0 ? "edge" : "constant");
}

static void
mean(struct maker *k, const struct value *x)
{
	push(k, one(k, "ReduceMean", x->name), x->c, 1, x->w);
	build_ints(k->m, "axes", LIST(2));
}

static void
softmax(struct maker *k, const struct value *x)
{
	push(k, one(k, "Softmax", x->name), x->c, x->h, x->w);
	build_int(k->m, "axis", (int64_t)below(k, 3) + 1);
}

/* --- rows ---------------------------------------------------------------- */

/* Attention of places to places, as far as it goes without heads. */
static void
attention(struct maker *k, const struct value *x)
{
	const char *v = one(k, "Reshape", x->name), *t;

	build_ints(k->m, "shape", LIST(0, (int64_t)x->c, -1));
	t = one(k, "Transpose", v);
	build_ints(k->m, "perm", LIST(0, 2, 1));
	t = one(k, "Softmax", two(k, "MatMul", v, t));
	push(k, two(k, "MatMul", t, v), x->c, x->h * x->w, 0);
}

static void
linear(struct maker *k, const struct value *x)
{
	size_t out = 1 + below(k, 9);
	const char *y = two(k, "MatMul", x->name,
	    weight(k, 0.4f, 0.0f, 2, (size_t[]){x->h, out}));

	y = two(k, "Add", weight(k, 0.2f, 0.0f, 1, &out), y);
	push(k, below(k, 2) == 0 ? activation(k, y) : y, x->c, out, 0);
}

static void
rows_norm(struct maker *k, const struct value *x)
{
	const char *in[] = {x->name, weight(k, 0.1f, 1.0f, 1, &x->h),
	    weight(k, 0.1f, 0.0f, 1, &x->h)};

	push(k, build_node(k->m, "LayerNormalization", name(k), in, 3), x->c,
	    x->h, 0);
	build_real(k->m, "epsilon", 0.5);
}

static void
image_again(struct maker *k, const struct value *x)
{
	push(k, one(k, "Reshape", x->name), x->c, 1, x->h);
	build_ints(k->m, "shape", LIST(0, (int64_t)x->c, 1, (int64_t)x->h));
}

/* --- the net ------------------------------------------------------------- */

typedef void step_fn(struct maker *, const struct value *);

static step_fn *const on_images[] = {conv, conv, conv, conv, norm, norm, pool,
    gate, arithmetic, arithmetic, slice, join, turn, pad, mean, softmax,
    attention};
static step_fn *const on_rows[] = {linear, linear, rows_norm, image_again};

static void
random_net(struct model *m, uint64_t seed)
{
	const char *flat[SHOWN + 1];
	struct maker k = {.m = m};
	size_t features = 0, n = 0;

	rng_init(&k.r, seed, 9);
	push(&k, op_body_stem(m), 4, 7, 6);
	for (size_t i = 0; i < STEPS; i++) {
		struct value x =
		    k.v[below(&k, 2) == 0 ? k.n - 1 : below(&k, k.n)];

		if (x.w == 0)
			on_rows[below(&k, ARRAY_LEN(on_rows))](&k, &x);
		else if (x.c * x.h * x.w < 800)
			on_images[below(&k, ARRAY_LEN(on_images))](&k, &x);
	}
	for (size_t i = 0; i < MIN(SHOWN, k.n - 1); i++) {
		const struct value *x = &k.v[k.n - 1 - i];

		features += x->c * x->h * MAX(x->w, 1);
		flat[n++] = one(&k, "Flatten", x->name);
	}
	flat[n++] = one(&k, "Flatten", "c"); /* all of the first layer */
	features += 4 * 7 * 6;
	build_node(m, "Concat", "all", flat, n);
	build_int(m, "axis", 1);
	op_body_head(m, "all", features);
}

#define NET(n)                                                                 \
	static void body_##n(struct model *m)                                  \
	{                                                                      \
		random_net(m, n);                                              \
	}
#define ROW(n)                                                                 \
	{                                                                      \
		"random net " #n, body_##n, 7, 6, 3, 2                         \
	}
NET(1)
NET(2)
NET(3)
NET(4)
NET(5)
NET(6)
NET(25)
NET(26)
NET(34)
NET(36)
NET(39)
NET(40)

static const struct op_body table[] = {
    ROW(1),
    ROW(2),
    ROW(3),
    ROW(4),
    ROW(5),
    ROW(6),
    ROW(25),
    ROW(26),
    ROW(34),
    ROW(36),
    ROW(39),
    ROW(40),
};
const struct op_body_set op_body_randoms = {table, ARRAY_LEN(table)};
