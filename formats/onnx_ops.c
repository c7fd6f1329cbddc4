/* SPDX-License-Identifier: MIT
 * Numbers in comments are the operator set in which a form changed
 * (github.com/onnx/onnx, docs/Changelog.md).
 */
#include "formats/onnx_ops.h"

#include "base/limits.h"
#include "formats/onnx_fact.h"
#include "formats/onnx_shape.h"

#include <math.h>

/* --- removed operators --------------------------------------------------- */

static bool
is_used(const struct onnx_lower *l, const struct onnx_node *n, size_t out)
{
	return out < n->nout && *n->out[out] != '\0' &&
	       map_get(&l->used, n->out[out]) != SIZE_MAX;
}

static int
forget(struct onnx_lower *l, const struct onnx_node *n)
{
	int rc = onnx_lower_need(l, n, 1);

	if (rc != 0)
		return rc;
	if (is_used(l, n, 1))
		return onnx_lower_fail(
		    l, n, ERR_UNSUPPORTED, "its second output is used");
	onnx_lower_alias(l, n->out[0], n->in[0]);
	return 0;
}

/* The one attribute of a Constant, as a tensor of the output's name. */
static int
constant(struct onnx_lower *l, const struct onnx_node *n)
{
	struct arena *a = &l->m->arena;
	struct tensor t = {.rank = 0, .dtype = DTYPE_I64};
	const struct onnx_attr *at = n->nattr == 1 ? &n->attr[0] : NULL;
	size_t count = 1;
	uint8_t *p;
	int rc;

	if ((rc = onnx_lower_need(l, n, 0)) != 0)
		return rc;
	if (at == NULL)
		return onnx_lower_fail(
		    l, n, ERR_FORMAT, "it has %zu values", n->nattr);
	if (at->type == ONNX_TENSOR) {
		t = at->t->t;
		t.name = n->out[0];
		onnx_lower_tensor(l, &t);
		return 0;
	}
	if (at->type == ONNX_FLOATS || at->type == ONNX_INTS) {
		t.rank = 1;
		t.dim[0] = count = at->n;
	} else if (at->type != ONNX_FLOAT && at->type != ONNX_INT) {
		return onnx_lower_fail(
		    l, n, ERR_UNSUPPORTED, "'%s' is not a number", at->name);
	}
	if (at->type == ONNX_FLOATS || at->type == ONNX_FLOAT)
		t.dtype = DTYPE_F32;
	t.name = n->out[0];
	t.size = count * dtype_width(t.dtype);
	if ((t.data = p = arena_alloc(a, t.size + 1, 1)) == NULL)
		return onnx_lower_fail(l, n, ERR_LIMIT, "model too large");
	for (size_t i = 0; i < count; i++) {
		float f = (float)(t.rank == 0 ? at->f : at->reals[i]);
		uint64_t v = (uint64_t)(t.rank == 0 ? at->i : at->ints[i]);
		uint32_t bits;

		memcpy(&bits, &f, sizeof(bits));
		if (t.dtype == DTYPE_F32)
			v = bits;
		for (size_t k = 0; k < dtype_width(t.dtype); k++, v >>= 8)
			*p++ = (uint8_t)v;
	}
	onnx_lower_tensor(l, &t);
	return 0;
}

/* --- windows: Conv and pools --------------------------------------------- */

static const int64_t zeros[2 * MODEL_MAX_RANK];
static const int64_t ones[MODEL_MAX_RANK] = {1, 1, 1, 1, 1, 1, 1, 1};

/* A list of n numbers, written out when the file leaves it to the default. */
static int
window_list(struct onnx_lower *l, const struct onnx_node *from, struct node *n,
    const char *name, const int64_t *absent, size_t want)
{
	size_t len = want;
	const int64_t *v = absent;

	if (onnx_lower_get_ints(l, from, name, &v, &len) && len != want)
		return onnx_lower_fail(l, from, ERR_FORMAT,
		    "'%s' has %zu values, expected %zu", name, len, want);
	onnx_lower_put_ints(n, name, v, want);
	return 0;
}

static int
window(struct onnx_lower *l, const struct onnx_node *from, struct node *n,
    const int64_t *kernel, size_t spatial)
{
	const char *pad = onnx_lower_get_text(l, from, "auto_pad", "NOTSET");
	int rc;

	if (spatial == 0 || spatial > MODEL_MAX_RANK - 2)
		return onnx_lower_fail(l, from, ERR_UNSUPPORTED,
		    "a window of %zu dimensions", spatial);
	onnx_lower_put_ints(n, "kernel_shape", kernel, spatial);
	if ((rc = window_list(l, from, n, "strides", ones, spatial)) != 0)
		return rc;
	if (strcmp(pad, "SAME_UPPER") == 0 || strcmp(pad, "SAME_LOWER") == 0)
		onnx_lower_put_text(n, "auto_pad", pad);
	else if (strcmp(pad, "VALID") == 0)
		onnx_lower_put_ints(n, "pads", zeros, 2 * spatial);
	else if (*pad != '\0' && strcmp(pad, "NOTSET") != 0)
		return onnx_lower_fail(
		    l, from, ERR_FORMAT, "auto_pad '%s'", pad);
	else if ((rc = window_list(l, from, n, "pads", zeros, 2 * spatial)) !=
		 0)
		return rc;
	return window_list(l, from, n, "dilations", ones, spatial);
}

static int
conv(struct onnx_lower *l, const struct onnx_node *from)
{
	const struct tensor *w;
	const int64_t *kernel = NULL;
	int64_t *own;
	struct node *n;
	size_t spatial = 0;
	int rc;

	if ((rc = onnx_lower_need(l, from, 2)) != 0)
		return rc;
	w = onnx_lower_const(l, from->in[1]);
	if (!onnx_lower_get_ints(l, from, "kernel_shape", &kernel, &spatial)) {
		if (w == NULL || w->rank < 3)
			return onnx_lower_fail(l, from, ERR_UNSUPPORTED,
			    "kernel_shape is missing");
		spatial = w->rank - 2;
		own = arena_alloc(&l->m->arena, spatial, sizeof(*own));
		if (own == NULL)
			return onnx_lower_fail(
			    l, from, ERR_LIMIT, "model too large");
		for (size_t i = 0; i < spatial; i++)
			own[i] = (int64_t)w->dim[i + 2];
		kernel = own;
	}
	if (w != NULL && w->rank != spatial + 2)
		return onnx_lower_fail(l, from, ERR_FORMAT,
		    "a kernel of %zu dimensions, weights of rank %zu", spatial,
		    w->rank);
	for (size_t i = 0; w != NULL && i < spatial; i++)
		if ((uint64_t)kernel[i] != w->dim[i + 2])
			return onnx_lower_fail(l, from, ERR_FORMAT,
			    "kernel_shape contradicts the weights");
	if ((n = onnx_lower_node(l, from, "Conv", 3, 1)) == NULL)
		return 0;
	if ((rc = window(l, from, n, kernel, spatial)) != 0)
		return rc;
	onnx_lower_put_int(n, "group", onnx_lower_get_int(l, from, "group", 1));
	return 0;
}

static int
pool(struct onnx_lower *l, const struct onnx_node *from)
{
	bool average = strcmp(from->op, "AveragePool") == 0;
	const int64_t *kernel;
	struct node *n;
	size_t spatial;
	int rc;

	if ((rc = onnx_lower_need(l, from, 1)) != 0)
		return rc;
	if (is_used(l, from, 1))
		return onnx_lower_fail(
		    l, from, ERR_UNSUPPORTED, "its indices are used");
	if (!onnx_lower_get_ints(l, from, "kernel_shape", &kernel, &spatial))
		return onnx_lower_fail(
		    l, from, ERR_FORMAT, "kernel_shape is missing");
	if ((n = onnx_lower_node(l, from, from->op, 1, 1)) == NULL)
		return 0;
	if ((rc = window(l, from, n, kernel, spatial)) != 0)
		return rc;
	onnx_lower_put_int(
	    n, "ceil_mode", onnx_lower_get_int(l, from, "ceil_mode", 0));
	if (average) /* before 7 pads were never counted */
		onnx_lower_put_int(n, "count_include_pad",
		    onnx_lower_get_int(l, from, "count_include_pad", 0));
	return 0;
}

/* --- normalisation ------------------------------------------------------- */

static int
batch_norm(struct onnx_lower *l, const struct onnx_node *from)
{
	struct node *n;
	int rc;

	if ((rc = onnx_lower_need(l, from, 5)) != 0)
		return rc;
	for (size_t i = 1; i < from->nout; i++)
		if (is_used(l, from, i))
			return onnx_lower_fail(l, from, ERR_UNSUPPORTED,
			    "its running statistics are used");
	if (onnx_lower_get_int(l, from, "spatial", 1) != 1) /* until 8 */
		return onnx_lower_fail(
		    l, from, ERR_UNSUPPORTED, "statistics for every pixel");
	if (onnx_lower_get_int(l, from, "training_mode", 0) != 0) /* 14 */
		l->trained = true;
	if ((n = onnx_lower_node(l, from, from->op, 5, 1)) == NULL)
		return 0;
	onnx_lower_put_real(
	    n, "epsilon", onnx_lower_get_real(l, from, "epsilon", 1e-5));
	return 0;
}

static int
layer_norm(struct onnx_lower *l, const struct onnx_node *from)
{
	struct node *n;
	int rc;

	if ((rc = onnx_lower_need(l, from, 2)) != 0)
		return rc;
	if (is_used(l, from, 1) || is_used(l, from, 2))
		return onnx_lower_fail(
		    l, from, ERR_UNSUPPORTED, "its statistics are used");
	if ((n = onnx_lower_node(l, from, from->op, 3, 1)) == NULL)
		return 0;
	onnx_lower_put_int(n, "axis", onnx_lower_get_int(l, from, "axis", -1));
	onnx_lower_put_real(
	    n, "epsilon", onnx_lower_get_real(l, from, "epsilon", 1e-5));
	return 0;
}

/* Per channel parameters only from 21 on; before, per group. */
static int
group_norm(struct onnx_lower *l, const struct onnx_node *from)
{
	struct node *n;
	int rc;

	if ((rc = onnx_lower_need(l, from, 3)) != 0)
		return rc;
	if (l->f->opset < 21)
		return onnx_lower_fail(
		    l, from, ERR_UNSUPPORTED, "parameters for every group");
	if ((n = onnx_lower_node(l, from, from->op, 3, 1)) == NULL)
		return 0;
	onnx_lower_put_int(
	    n, "num_groups", onnx_lower_get_int(l, from, "num_groups", 1));
	onnx_lower_put_real(
	    n, "epsilon", onnx_lower_get_real(l, from, "epsilon", 1e-5));
	return 0;
}

/* --- arithmetic ---------------------------------------------------------- */

/*
 * The second operand shaped so that numpy's broadcasting does what `axis`
 * meant (until 6): ones behind its dimensions.
 */
static int
stretch(struct onnx_lower *l, const struct onnx_node *from, size_t behind,
    const char **name)
{
	struct onnx_fact f = onnx_fact_of(l, onnx_lower_name(l, from->in[1]));
	const struct tensor *t = onnx_lower_const(l, from->in[1]);
	int64_t *v =
	    arena_alloc(&l->m->arena, MODEL_MAX_RANK + behind, sizeof(*v));
	struct node *n =
	    onnx_lower_node(l, from, t != NULL ? "Reshape" : "Unsqueeze", 1, 1);

	if (v == NULL || n == NULL) {
		l->full = true;
		return 0;
	}
	n->in[0] = onnx_lower_name(l, from->in[1]);
	n->out[0] = *name = onnx_lower_fresh(l, from->out[0], "operand");
	if (t != NULL) {
		for (size_t i = 0; i < t->rank + behind; i++)
			v[i] = i < t->rank ? (int64_t)t->dim[i] : 1;
		onnx_lower_put_ints(n, "shape", v, t->rank + behind);
		onnx_lower_put_int(n, "allowzero", 0);
		return 0;
	}
	for (size_t i = 0; i < behind; i++)
		v[i] = (int64_t)(f.rank + i);
	onnx_lower_put_ints(n, "axes", v, behind);
	return 0;
}

static int
arithmetic(struct onnx_lower *l, const struct onnx_node *from)
{
	const char *second = NULL;
	struct onnx_fact a, b;
	struct node *n;
	int64_t axis;
	int rc;

	if ((rc = onnx_lower_need(l, from, 2)) != 0)
		return rc;
	if (l->f->opset < 7 && onnx_file_attr(from, "axis") != NULL &&
	    onnx_lower_get_int(l, from, "broadcast", 0) != 0) {
		a = onnx_fact_of(l, onnx_lower_name(l, from->in[0]));
		b = onnx_fact_of(l, onnx_lower_name(l, from->in[1]));
		axis = onnx_lower_get_int(l, from, "axis", 0);
		if (!a.ranked || !b.ranked)
			return onnx_lower_fail(l, from, ERR_UNSUPPORTED,
			    "broadcasting along an axis of unknown rank");
		if (axis < 0)
			axis += (int64_t)a.rank;
		if (axis < 0 || (uint64_t)axis + b.rank > a.rank)
			return onnx_lower_fail(l, from, ERR_FORMAT,
			    "broadcasting rank %zu into rank %zu at %" PRId64,
			    b.rank, a.rank, axis);
		if ((uint64_t)axis + b.rank < a.rank &&
		    (rc = stretch(l, from, a.rank - b.rank - (size_t)axis,
			 &second)) != 0)
			return rc;
	}
	if ((n = onnx_lower_node(l, from, from->op, 2, 1)) == NULL)
		return 0;
	if (second != NULL)
		n->in[1] = second;
	return 0;
}

/* Until 6 a slope vector was one of channels, whatever followed them. */
static int
prelu(struct onnx_lower *l, const struct onnx_node *from)
{
	const char *second = NULL;
	struct onnx_fact x, s;
	struct node *n;
	int rc;

	if ((rc = onnx_lower_need(l, from, 2)) != 0)
		return rc;
	x = onnx_fact_of(l, onnx_lower_name(l, from->in[0]));
	s = onnx_fact_of(l, onnx_lower_name(l, from->in[1]));
	if (l->f->opset < 7 && !x.ranked)
		return onnx_lower_fail(
		    l, from, ERR_UNSUPPORTED, "an input of unknown rank");
	if (l->f->opset < 7 && s.rank == 1 && x.rank > 2 &&
	    (rc = stretch(l, from, x.rank - 2, &second)) != 0)
		return rc;
	if ((n = onnx_lower_node(l, from, from->op, 2, 1)) != NULL &&
	    second != NULL)
		n->in[1] = second;
	return 0;
}

/* min and max: attributes until 10, then inputs that may be absent. */
static int
clip(struct onnx_lower *l, const struct onnx_node *from)
{
	static const char *const name[] = {"min", "max"};
	const struct tensor *t[2] = {NULL, NULL};
	double v[2] = {-(double)INFINITY, (double)INFINITY};
	struct node *n;
	uint64_t count;
	int rc;

	if ((rc = onnx_lower_need(l, from, 1)) != 0)
		return rc;
	for (size_t i = 0; i < 2; i++) {
		v[i] = onnx_lower_get_real(l, from, name[i], v[i]);
		if (i + 1 >= from->nin || *from->in[i + 1] == '\0')
			continue;
		t[i] = onnx_lower_const(l, from->in[i + 1]);
		if (t[i] == NULL || t[i]->dtype == DTYPE_COUNT)
			return onnx_lower_fail(l, from, ERR_UNSUPPORTED,
			    "'%s' is not a constant", name[i]);
		if (!tensor_elements(t[i], &count) || count != 1)
			return onnx_lower_fail(
			    l, from, ERR_FORMAT, "'%s' is no scalar", name[i]);
		v[i] = tensor_real(t[i], 0);
	}
	if ((n = onnx_lower_node(l, from, "Clip", 1, 1)) == NULL)
		return 0;
	for (size_t i = 0; i < 2; i++)
		if (v[i] != (i == 0 ? -(double)INFINITY : (double)INFINITY))
			onnx_lower_put_real(n, name[i], v[i]);
	return 0;
}

/* --- softmax ------------------------------------------------------------- */

static struct node *
insert(struct onnx_lower *l, const struct onnx_node *from, const char *op,
    const char *in, const char *out)
{
	struct node *n = onnx_lower_node(l, from, op, 1, 1);

	if (n == NULL)
		return NULL;
	n->in[0] = in;
	n->out[0] = out;
	return n;
}

/* Until 12: of a matrix, rows being all dimensions before `axis`. */
static int
softmax_flat(struct onnx_lower *l, const struct onnx_node *from, int64_t axis)
{
	const char *x = onnx_lower_name(l, from->in[0]);
	const char *flat = onnx_lower_fresh(l, from->out[0], "flat");
	const char *soft = onnx_lower_fresh(l, from->out[0], "soft");
	const char *shape = onnx_lower_fresh(l, from->out[0], "shape");
	struct node *n;

	if ((n = insert(l, from, "Flatten", x, flat)) == NULL)
		return 0;
	onnx_lower_put_int(n, "axis", axis);
	onnx_fact_node(l, n);
	if ((n = insert(l, from, from->op, flat, soft)) == NULL)
		return 0;
	onnx_lower_put_int(n, "axis", -1);
	if (insert(l, from, "Shape", x, shape) == NULL ||
	    (n = insert(l, from, "Reshape", soft, from->out[0])) == NULL)
		return 0;
	n->in[n->nin++] = shape;
	onnx_lower_put_int(n, "allowzero", 0);
	onnx_fact_set(l, from->out[0], onnx_fact_of(l, x));
	return 0;
}

static int
softmax(struct onnx_lower *l, const struct onnx_node *from)
{
	bool old = l->f->opset < 13;
	int64_t axis = onnx_lower_get_int(l, from, "axis", old ? 1 : -1);
	struct onnx_fact x;
	struct node *n;
	int rc;

	if ((rc = onnx_lower_need(l, from, 1)) != 0)
		return rc;
	x = onnx_fact_of(l, onnx_lower_name(l, from->in[0]));
	if (from == l->tail) {
		onnx_lower_alias(l, from->out[0], from->in[0]);
		return 0;
	}
	if (old && axis != -1 && !(x.ranked && axis == (int64_t)x.rank - 1))
		return softmax_flat(l, from, axis);
	if ((n = onnx_lower_node(l, from, from->op, 1, 1)) != NULL)
		onnx_lower_put_int(n, "axis", old ? -1 : axis);
	return 0;
}

static int
sigmoid(struct onnx_lower *l, const struct onnx_node *from)
{
	int rc = onnx_lower_need(l, from, 1);

	if (rc == 0 && from == l->tail)
		onnx_lower_alias(l, from->out[0], from->in[0]);
	else if (rc == 0)
		(void)onnx_lower_node(l, from, from->op, 1, 1);
	return rc;
}

/* --- the table ----------------------------------------------------------- */

static const struct {
	const char *op;
	onnx_ops_fn *fn;
} op_table[] = {
    {"Add", arithmetic},
    {"AveragePool", pool},
    {"BatchNormalization", batch_norm},
    {"Clip", clip},
    {"Constant", constant},
    {"Conv", conv},
    {"Div", arithmetic},
    {"Dropout", forget},
    {"GroupNormalization", group_norm},
    {"Identity", forget},
    {"LayerNormalization", layer_norm},
    {"LogSoftmax", softmax},
    {"MaxPool", pool},
    {"Mul", arithmetic},
    {"PRelu", prelu},
    {"Pow", arithmetic},
    {"Sigmoid", sigmoid},
    {"Softmax", softmax},
    {"Sub", arithmetic},
};

onnx_ops_fn *
onnx_ops_find(const char *op)
{
	for (size_t i = 0; i < ARRAY_LEN(op_table); i++)
		if (strcmp(op_table[i].op, op) == 0)
			return op_table[i].fn;
	return onnx_shape_find(op);
}
