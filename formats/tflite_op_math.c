/* SPDX-License-Identifier: MIT
 * Element by element; along the channels; reductions.
 */
#include "formats/tflite_op.h"

/* --- one operand --------------------------------------------------------- */

static const struct {
	int64_t op;
	const char *name, *then; /* a second node, or NULL */
} unary_table[] = {
    {TFLITE_ABS, "Abs", NULL},
    {TFLITE_COS, "Cos", NULL},
    {TFLITE_ELU, "Elu", NULL},
    {TFLITE_EXP, "Exp", NULL},
    {TFLITE_FLOOR, "Floor", NULL},
    {TFLITE_GELU, "Gelu", NULL},
    {TFLITE_HARD_SWISH, "HardSwish", NULL},
    {TFLITE_LEAKY_RELU, "LeakyRelu", NULL},
    {TFLITE_LOG, "Log", NULL},
    {TFLITE_LOGISTIC, "Sigmoid", NULL},
    {TFLITE_NEG, "Neg", NULL},
    {TFLITE_RELU, "Relu", NULL},
    {TFLITE_RELU6, "Clip", NULL},
    {TFLITE_RELU_0_TO_1, "Clip", NULL},
    {TFLITE_RELU_N1_TO_1, "Clip", NULL},
    {TFLITE_ROUND, "Round", NULL},
    {TFLITE_RSQRT, "Sqrt", "Reciprocal"},
    {TFLITE_SIGN, "Sign", NULL},
    {TFLITE_SIN, "Sin", NULL},
    {TFLITE_SQRT, "Sqrt", NULL},
    {TFLITE_TANH, "Tanh", NULL},
};

/* The input in the form that it has, and whether that is an image. */
static const char *
as_it_is(struct tflite_lower *l, size_t k, bool *image)
{
	*image = tflite_lower_is_image(l, k);
	return *image ? tflite_lower_image(l, k) : tflite_lower_plain(l, k);
}

/* LeakyReluOptions: alpha 0; GeluOptions: approximate 0 */
static void
put_attributes(struct tflite_lower *l)
{
	struct draw *d = &l->draw;

	if (l->n->op == TFLITE_LEAKY_RELU)
		draw_real(d, "alpha", tflite_lower_f32(l, 0));
	if (l->n->op == TFLITE_ELU)
		draw_real(d, "alpha", 1.0);
	if (l->n->op == TFLITE_GELU)
		draw_text(d, "approximate",
		    tflite_lower_i8(l, 0) != 0 ? "tanh" : "none");
	if (l->n->op != TFLITE_RELU6 && l->n->op != TFLITE_RELU_0_TO_1 &&
	    l->n->op != TFLITE_RELU_N1_TO_1)
		return;
	draw_real(d, "min", l->n->op == TFLITE_RELU_N1_TO_1 ? -1.0 : 0.0);
	draw_real(d, "max", l->n->op == TFLITE_RELU6 ? 6.0 : 1.0);
}

void
tflite_op_math_unary(struct tflite_lower *l)
{
	const struct tflite_value *x = tflite_lower_in(l, 0);
	const char *y;
	size_t i = 0;
	bool image;

	y = as_it_is(l, 0, &image);
	if (l->draw.rc != 0)
		return;
	while (i < ARRAY_LEN(unary_table) && unary_table[i].op != l->n->op)
		i++;
	if (l->n->op == TFLITE_SQUARE) {
		y = draw_binary(&l->draw, "Mul", l->at, y, y);
	} else if (i == ARRAY_LEN(unary_table)) {
		BUG("tflite_op.def");
	} else {
		y = draw_unary(&l->draw, unary_table[i].name, l->at, y);
		put_attributes(l);
		if (unary_table[i].then != NULL)
			y = draw_unary(&l->draw, unary_table[i].then, l->at, y);
	}
	tflite_lower_out(l, 0, y, image, x->rank, x->dim);
}

/* --- two operands -------------------------------------------------------- */

static const struct {
	int64_t op;
	const char *name;
	bool fused; /* its options begin with an activation */
} binary_table[] = {
    {TFLITE_ADD, "Add", true},
    {TFLITE_SUB, "Sub", true},
    {TFLITE_MUL, "Mul", true},
    {TFLITE_DIV, "Div", true},
    {TFLITE_MAXIMUM, "Max", false},
    {TFLITE_MINIMUM, "Min", false},
    {TFLITE_POW, "Pow", false},
    {TFLITE_PRELU, "PRelu", false},
    {TFLITE_SQUARED_DIFFERENCE, "Sub", false},
};

/* As numpy broadcasts; false when the shapes do not fit. */
static bool
broadcast(const struct tflite_value *a, const struct tflite_value *b,
    size_t *rank, uint64_t *dim)
{
	*rank = MAX(a->rank, b->rank);
	for (size_t i = 0; i < *rank; i++) {
		size_t ka = i + a->rank - *rank, kb = i + b->rank - *rank;
		uint64_t da = i + a->rank >= *rank ? a->dim[ka] : 1;
		uint64_t db = i + b->rank >= *rank ? b->dim[kb] : 1;

		if (da != db && da != 1 && db != 1)
			return false;
		dim[i] = da == 1 ? db : da;
	}
	return true;
}

/*
 * As images, when one is and the other is one, is plain of rank 4, or a
 * constant that can be seen so.
 */
static bool
as_images(struct tflite_lower *l, const struct tflite_value *a,
    const struct tflite_value *b)
{
	if (!tflite_lower_is_image(l, 0) && !tflite_lower_is_image(l, 1))
		return false;
	return (a->constant ? a->rank <= 4 : a->rank == 4) &&
	       (b->constant ? b->rank <= 4 : b->rank == 4);
}

void
tflite_op_math_binary(struct tflite_lower *l)
{
	const struct tflite_value *a = tflite_lower_in(l, 0);
	const struct tflite_value *b = tflite_lower_in(l, 1);
	uint64_t dim[MODEL_MAX_RANK];
	const char *x, *y;
	size_t rank, i = 0;
	bool image;

	while (binary_table[i].op != l->n->op)
		if (++i == ARRAY_LEN(binary_table))
			BUG("tflite_op.def");
	if (l->draw.rc != 0)
		return;
	if (!broadcast(a, b, &rank, dim)) {
		tflite_lower_fail(l, ERR_FORMAT, "shapes that do not fit");
		return;
	}
	image = as_images(l, a, b);
	x = image ? tflite_lower_image(l, 0) : tflite_lower_plain(l, 0);
	y = image ? tflite_lower_image(l, 1) : tflite_lower_plain(l, 1);
	y = draw_binary(&l->draw, binary_table[i].name, l->at, x, y);
	if (l->n->op == TFLITE_SQUARED_DIFFERENCE)
		y = draw_binary(&l->draw, "Mul", l->at, y, y);
	if (binary_table[i].fused)
		y = tflite_lower_activate(l, tflite_lower_i8(l, 0), y);
	tflite_lower_out(l, 0, y, image, rank, dim);
}

/* Any number of operands of one shape. */
void
tflite_op_math_sum(struct tflite_lower *l)
{
	const struct tflite_value *x = tflite_lower_in(l, 0);
	bool image = false;
	const char *y;

	for (size_t k = 0; l->draw.rc == 0 && k < l->n->nin; k++) {
		const struct tflite_value *v = tflite_lower_in(l, k);

		image = image || tflite_lower_is_image(l, k);
		if (v->constant || v->rank != x->rank ||
		    memcmp(v->dim, x->dim, x->rank * sizeof(*x->dim)) != 0)
			tflite_lower_fail(
			    l, ERR_UNSUPPORTED, "shapes that do not fit");
	}
	if (l->draw.rc != 0)
		return;
	y = image ? tflite_lower_image(l, 0) : tflite_lower_plain(l, 0);
	for (size_t k = 1; l->draw.rc == 0 && k < l->n->nin; k++)
		y = draw_binary(&l->draw, "Add", l->at, y,
		    image ? tflite_lower_image(l, k)
			  : tflite_lower_plain(l, k));
	tflite_lower_out(l, 0, y, image, x->rank, x->dim);
}

/* --- along the channels -------------------------------------------------- */

/* SoftmaxOptions: beta 0 */
void
tflite_op_math_softmax(struct tflite_lower *l)
{
	const struct tflite_value *x = tflite_lower_in(l, 0);
	bool log = l->n->op == TFLITE_LOG_SOFTMAX, image;
	const char *y = as_it_is(l, 0, &image);

	if (!log && tflite_lower_f32(l, 0) != 1.0)
		tflite_lower_fail(
		    l, ERR_UNSUPPORTED, "beta %g", tflite_lower_f32(l, 0));
	if (l->draw.rc != 0)
		return;
	y = draw_unary(&l->draw, log ? "LogSoftmax" : "Softmax", l->at, y);
	draw_int(&l->draw, "axis", image ? 1 : -1);
	tflite_lower_out(l, 0, y, image, x->rank, x->dim);
}

/* x / max(|x|, 1e-6), as the reference kernel has it */
void
tflite_op_math_l2(struct tflite_lower *l)
{
	const struct tflite_value *x = tflite_lower_in(l, 0);
	struct draw *d = &l->draw;
	bool image;
	const char *from = as_it_is(l, 0, &image), *y;

	if (l->draw.rc != 0)
		return;
	y = draw_unary(d, "ReduceL2", l->at, from);
	draw_ints(d, "axes", 1, &(int64_t){image ? 1 : -1});
	draw_int(d, "keepdims", 1);
	y = draw_unary(d, "Clip", l->at, y);
	draw_real(d, "min", 1e-6);
	y = draw_binary(d, "Div", l->at, from, y);
	y = tflite_lower_activate(l, tflite_lower_i8(l, 0), y);
	tflite_lower_out(l, 0, y, image, x->rank, x->dim);
}

/*
 * radius 0, bias 1, alpha 2, beta 3; ONNX divides alpha by the number of
 * channels in the sum
 */
void
tflite_op_math_lrn(struct tflite_lower *l)
{
	const struct tflite_value *x = tflite_lower_in(l, 0);
	const char *image = tflite_lower_image(l, 0), *y;
	int64_t radius = tflite_lower_i32(l, 0, 0);
	struct draw *d = &l->draw;

	if (radius < 0 || radius > 32768)
		tflite_lower_fail(l, ERR_FORMAT, "radius %" PRId64, radius);
	if (l->draw.rc != 0)
		return;
	y = draw_unary(d, "LRN", l->at, image);
	draw_real(
	    d, "alpha", tflite_lower_f32(l, 2) * (double)(2 * radius + 1));
	draw_real(d, "beta", tflite_lower_f32(l, 3));
	draw_real(d, "bias", tflite_lower_f32(l, 1));
	draw_int(d, "size", 2 * radius + 1);
	tflite_lower_out(l, 0, y, true, x->rank, x->dim);
}

/* --- reductions ---------------------------------------------------------- */

static const char *
reduction(int64_t op)
{
	switch (op) {
	case TFLITE_MEAN:
		return "ReduceMean";
	case TFLITE_SUM:
		return "ReduceSum";
	case TFLITE_REDUCE_MAX:
		return "ReduceMax";
	default:
		return "ReduceMin";
	}
}

/* The axes of input 1 as flags; a failure when they are not known. */
static void
take_axes(struct tflite_lower *l, size_t rank, bool *on)
{
	const int64_t *v = NULL;
	size_t n;

	if (!tflite_const_ints(l, 1, &v, &n))
		tflite_lower_fail(
		    l, ERR_UNSUPPORTED, "axes that are not constant");
	for (size_t i = 0; l->draw.rc == 0 && i < n; i++)
		on[tflite_lower_axis(l, v[i], rank)] = true;
	if (rank == 0 || on[0])
		tflite_lower_fail(l, ERR_UNSUPPORTED, "it joins images");
}

static const char *
reduce(struct tflite_lower *l, const char *x, bool image, const bool *on,
    size_t rank, bool keep)
{
	int64_t axes[MODEL_MAX_RANK];
	size_t n = 0;
	const char *y;

	for (size_t i = 0; i < rank; i++)
		if (on[i])
			axes[n++] = image ? tflite_lower_turn(i) : (int64_t)i;
	y = draw_unary(&l->draw, reduction(l->n->op), l->at, x);
	draw_ints(&l->draw, "axes", n, axes);
	draw_int(&l->draw, "keepdims", keep);
	return y;
}

/* The mean over height and width is what everybody ends with. */
static const char *
global_mean(struct tflite_lower *l, bool keep)
{
	const char *y = draw_unary(
	    &l->draw, "GlobalAveragePool", l->at, tflite_lower_image(l, 0));

	return keep ? y : draw_flatten(&l->draw, l->at, y);
}

/* keep_dims 0 */
void
tflite_op_math_reduce(struct tflite_lower *l)
{
	const struct tflite_value *x = tflite_lower_in(l, 0);
	bool keep = tflite_lower_i8(l, 0) != 0, on[MODEL_MAX_RANK] = {false};
	uint64_t dim[MODEL_MAX_RANK];
	bool image, spatial;
	size_t rank = 0;
	const char *y;

	take_axes(l, x->rank, on);
	if (l->draw.rc != 0)
		return;
	for (size_t i = 0; i < x->rank; i++)
		if (keep || !on[i])
			dim[rank++] = on[i] ? 1 : x->dim[i];
	spatial = x->rank == 4 && on[1] && on[2] && !on[3];
	image = keep && (tflite_lower_is_image(l, 0) || spatial);
	if (spatial && l->n->op == TFLITE_MEAN)
		y = global_mean(l, keep);
	else if (image || (spatial && tflite_lower_is_image(l, 0)))
		y = reduce(
		    l, tflite_lower_image(l, 0), true, on, x->rank, keep);
	else
		y = reduce(
		    l, tflite_lower_plain(l, 0), false, on, x->rank, keep);
	tflite_lower_out(l, 0, y, image, rank, dim);
}
