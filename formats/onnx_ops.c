/* SPDX-License-Identifier: MIT
 * Numbers in comments are the operator set in which a form changed
 * (github.com/onnx/onnx, docs/Changelog.md).
 */
#include "formats/onnx_ops.h"

#include "formats/onnx_fact.h"

/* --- removed operators --------------------------------------------------- */

static int
forget(struct onnx_lower *l, const struct onnx_node *n)
{
	int rc = onnx_lower_need(l, n, 1);

	if (rc != 0)
		return rc;
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

int
onnx_ops_window(struct onnx_lower *l, const struct onnx_node *from,
    struct node *n, const int64_t *kernel, size_t spatial)
{
	const char *pad = onnx_lower_get_text(l, from, "auto_pad", "NOTSET");
	int rc;

	if (spatial == 0 || spatial > MODEL_MAX_RANK - 2)
		return onnx_lower_fail(l, from, ERR_UNSUPPORTED,
		    "a window of %zu dimensions", spatial);
	if (kernel != NULL)
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

/* How many axes the window of a computed weight has; 0 is not known. */
static size_t
axes_of(const struct onnx_lower *l, const struct onnx_node *from)
{
	for (size_t i = 2; i-- > 0;) {
		struct onnx_fact f =
		    onnx_fact_of(l, onnx_lower_name(l, from->in[i]));

		if (f.ranked && f.rank > 2)
			return f.rank - 2;
	}
	return 0;
}

/* The window of a convolution: the attribute, or that of constant weights;
 * *kernel is NULL where the weights are computed. */
static int
conv_kernel(struct onnx_lower *l, const struct onnx_node *from,
    const int64_t **kernel, size_t *spatial)
{
	const struct tensor *w;
	int64_t *own;
	int rc;

	*kernel = NULL;
	if ((rc = onnx_lower_need(l, from, 2)) != 0)
		return rc;
	w = onnx_lower_const(l, from->in[1]);
	if (!onnx_lower_get_ints(l, from, "kernel_shape", kernel, spatial)) {
		if (w == NULL && (*spatial = axes_of(l, from)) != 0)
			return 0;
		if (w == NULL || w->rank < 3)
			return onnx_lower_fail(l, from, ERR_UNSUPPORTED,
			    "kernel_shape is missing");
		*spatial = w->rank - 2;
		own = arena_alloc(&l->m->arena, *spatial, sizeof(*own));
		if (own == NULL)
			return onnx_lower_fail(
			    l, from, ERR_LIMIT, "model too large");
		for (size_t i = 0; i < *spatial; i++)
			own[i] = (int64_t)w->dim[i + 2];
		*kernel = own;
	}
	if (w != NULL && w->rank != *spatial + 2)
		return onnx_lower_fail(l, from, ERR_FORMAT,
		    "a kernel of %zu dimensions, weights of rank %zu", *spatial,
		    w->rank);
	for (size_t i = 0; w != NULL && i < *spatial; i++)
		if ((uint64_t)(*kernel)[i] != w->dim[i + 2])
			return onnx_lower_fail(l, from, ERR_FORMAT,
			    "kernel_shape contradicts the weights");
	return 0;
}

static int
conv(struct onnx_lower *l, const struct onnx_node *from)
{
	const int64_t *kernel = NULL;
	struct node *n;
	size_t spatial = 0;
	int rc;

	if ((rc = conv_kernel(l, from, &kernel, &spatial)) != 0)
		return rc;
	if ((n = onnx_lower_node(l, from, "Conv", 3, 1)) == NULL)
		return 0;
	if ((rc = onnx_ops_window(l, from, n, kernel, spatial)) != 0)
		return rc;
	onnx_lower_put_int(n, "group", onnx_lower_get_int(l, from, "group", 1));
	return 0;
}

static int
conv_transpose(struct onnx_lower *l, const struct onnx_node *from)
{
	const int64_t *kernel = NULL, *shape;
	struct node *n;
	size_t spatial = 0, len;
	int rc;

	if ((rc = conv_kernel(l, from, &kernel, &spatial)) != 0)
		return rc;
	if ((n = onnx_lower_node(l, from, "ConvTranspose", 3, 1)) == NULL)
		return 0;
	if ((rc = onnx_ops_window(l, from, n, kernel, spatial)) != 0 ||
	    (rc = window_list(l, from, n, "output_padding", zeros, spatial)) !=
		0)
		return rc;
	onnx_lower_put_int(n, "group", onnx_lower_get_int(l, from, "group", 1));
	if (!onnx_lower_get_ints(l, from, "output_shape", &shape, &len))
		return 0;
	/* some exporters write all dimensions */
	if (len == spatial + 2) {
		shape += 2;
		len = spatial;
	}
	if (len != spatial)
		return onnx_lower_fail(l, from, ERR_FORMAT,
		    "'output_shape' has %zu values, expected %zu", len,
		    spatial);
	onnx_lower_put_ints(n, "output_shape", shape, spatial);
	return 0;
}

static int
pool(struct onnx_lower *l, const struct onnx_node *from)
{
	bool average = strcmp(from->op, "AveragePool") == 0;
	bool indices = !average && onnx_lower_used(l, from, 1);
	const int64_t *kernel;
	struct node *n;
	size_t spatial;
	int rc;

	if ((rc = onnx_lower_need(l, from, 1)) != 0)
		return rc;
	if (!onnx_lower_get_ints(l, from, "kernel_shape", &kernel, &spatial))
		return onnx_lower_fail(
		    l, from, ERR_FORMAT, "kernel_shape is missing");
	if ((n = onnx_lower_node(l, from, from->op, 1, indices ? 2 : 1)) ==
	    NULL)
		return 0;
	if ((rc = onnx_ops_window(l, from, n, kernel, spatial)) != 0)
		return rc;
	onnx_lower_put_int(
	    n, "ceil_mode", onnx_lower_get_int(l, from, "ceil_mode", 0));
	if (indices)
		onnx_lower_put_int(n, "storage_order",
		    onnx_lower_get_int(l, from, "storage_order", 0));
	if (average) /* before 7 pads were never counted */
		onnx_lower_put_int(n, "count_include_pad",
		    onnx_lower_get_int(l, from, "count_include_pad", 0));
	return 0;
}

/* --- softmax ------------------------------------------------------------- */

/* Until 12: of a matrix, rows being all dimensions before `axis`. */
static int
softmax_flat(struct onnx_lower *l, const struct onnx_node *from, int64_t axis)
{
	const char *x = onnx_lower_name(l, from->in[0]);
	const char *flat = onnx_lower_fresh(l, from->out[0], "flat");
	const char *soft = onnx_lower_fresh(l, from->out[0], "soft");
	const char *shape = onnx_lower_fresh(l, from->out[0], "shape");
	struct node *n;

	if ((n = onnx_lower_insert(l, from, "Flatten", x, flat)) == NULL)
		return 0;
	onnx_lower_put_int(n, "axis", axis);
	onnx_fact_node(l, n);
	if ((n = onnx_lower_insert(l, from, from->op, flat, soft)) == NULL)
		return 0;
	onnx_lower_put_int(n, "axis", -1);
	if (onnx_lower_insert(l, from, "Shape", x, shape) == NULL ||
	    (n = onnx_lower_insert(l, from, "Reshape", soft, from->out[0])) ==
		NULL)
		return 0;
	n->in[n->nin++] = shape;
	onnx_lower_put_int(n, "allowzero", 0);
	onnx_fact_set(l, from->out[0], onnx_fact_of(l, x));
	return 0;
}

static int
softmax(struct onnx_lower *l, const struct onnx_node *from)
{
	bool old = l->opset < 13;
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

/* Until 10 by this name. */
static int
scatter(struct onnx_lower *l, const struct onnx_node *from)
{
	struct node *n;
	int rc;

	if ((rc = onnx_lower_need(l, from, 3)) != 0)
		return rc;
	n = onnx_lower_node(l, from, "ScatterElements", 3, 1);
	if (n != NULL)
		onnx_lower_put_int(
		    n, "axis", onnx_lower_get_int(l, from, "axis", 0));
	return 0;
}

/* --- the table ----------------------------------------------------------- */

static const struct {
	const char *op;
	onnx_lower_fn *fn;
} op_table[] = {
    {"AveragePool", pool},
    {"Constant", constant},
    {"Conv", conv},
    {"ConvTranspose", conv_transpose},
    {"Hardmax", softmax},
    {"Identity", forget},
    {"LogSoftmax", softmax},
    {"MaxPool", pool},
    {"Scatter", scatter},
    {"Sigmoid", sigmoid},
    {"Softmax", softmax},
};

onnx_lower_fn *
onnx_ops_find(const char *op)
{
	for (size_t i = 0; i < ARRAY_LEN(op_table); i++)
		if (strcmp(op_table[i].op, op) == 0)
			return op_table[i].fn;
	return NULL;
}
