/* SPDX-License-Identifier: MIT
 * Numbers in comments are the operator set in which a form changed.
 */
#include "formats/onnx_shape.h"

#include "base/limits.h"
#include "formats/onnx_fact.h"

#include <math.h>

static const int64_t counting[] = {0, 1, 2, 3, 4, 5, 6, 7};
static const int64_t ones[] = {1, 1, 1, 1, 1, 1, 1, 1};
static_assert(ARRAY_LEN(counting) == MODEL_MAX_RANK, "every axis");

static bool
present(const struct onnx_node *n, size_t i)
{
	return i < n->nin && *n->in[i] != '\0';
}

/* A list that older files have as attribute, newer ones as input i. */
static bool
list_of(struct onnx_lower *l, const struct onnx_node *n, const char *name,
    size_t i, const int64_t **v, size_t *len)
{
	if (onnx_lower_get_ints(l, n, name, v, len))
		return true;
	return present(n, i) && onnx_lower_ints(l, n->in[i], v, len);
}

/*
 * A batch size that the exporter has baked in: 0, "as the input has it",
 * means the same there and is right for every batch.
 */
static const int64_t *
unbake(struct onnx_lower *l, const struct onnx_node *n, const int64_t *v,
    size_t len)
{
	struct onnx_fact x = onnx_fact_of(l, onnx_lower_name(l, n->in[0]));
	int64_t *own;

	if (len == 0 || !x.batch || l->batch < 0 || v[0] != l->batch)
		return v;
	if ((own = arena_alloc(&l->m->arena, len, sizeof(*own))) == NULL) {
		l->full = true;
		return v;
	}
	memcpy(own, v, len * sizeof(*own));
	own[0] = 0;
	return own;
}

/* The node among the last few that makes a value; NULL when further away. */
static const struct node *
maker(const struct onnx_lower *l, const char *name)
{
	const struct model *m = l->m;

	for (size_t i = 0; i < m->nnode && i < 64; i++) {
		const struct node *n = &m->node[m->nnode - 1 - i];

		if (n->nin > 0 && n->nout == 1 && strcmp(n->out[0], name) == 0)
			return n;
	}
	return NULL;
}

/* Whether a value is the batch size: taken from Shape of an image's feature. */
static bool
is_batch(struct onnx_lower *l, const char *name)
{
	const struct node *n = maker(l, name);
	const int64_t *index;
	int64_t start, end, step, axis;
	size_t len;

	while (n != NULL &&
	       (strcmp(n->op, "Unsqueeze") == 0 ||
		   strcmp(n->op, "Squeeze") == 0 || strcmp(n->op, "Cast") == 0))
		n = maker(l, n->in[0]);
	if (n == NULL)
		return false;
	if (strcmp(n->op, "Gather") == 0) {
		if (n->nin != 2 ||
		    !onnx_lower_ints(l, n->in[1], &index, &len) || len != 1 ||
		    index[0] != 0 || node_int(n, "axis", 1) != 0)
			return false;
	} else if (strcmp(n->op, "Slice") != 0 ||
		   !node_ints(n, "starts", &start, 1) ||
		   !node_ints(n, "ends", &end, 1) ||
		   !node_ints(n, "steps", &step, 1) ||
		   !node_ints(n, "axes", &axis, 1) || start != 0 || end != 1 ||
		   step != 1 || axis != 0) {
		return false;
	}
	n = maker(l, n->in[0]);
	return n != NULL && strcmp(n->op, "Shape") == 0 && n->nattr == 0 &&
	       n->nin == 1 && onnx_fact_of(l, n->in[0]).batch;
}

/*
 * x.view(x.size(0), -1) with an open batch: Concat of the batch size and
 * constants.  As a shape that is 0, "as the input has it", and the constants.
 */
static bool
open_batch(struct onnx_lower *l, const struct onnx_node *from,
    const int64_t **out, size_t *len)
{
	const char *x = onnx_lower_name(l, from->in[0]);
	const struct node *n = maker(l, onnx_lower_name(l, from->in[1]));
	const int64_t *part;
	int64_t *v;
	size_t more;

	if (n == NULL || strcmp(n->op, "Concat") != 0 || n->nin == 0 ||
	    !onnx_fact_of(l, x).batch || !is_batch(l, n->in[0]))
		return false;
	v = arena_alloc(&l->m->arena, MODEL_MAX_RANK, sizeof(*v));
	if (v == NULL)
		return false;
	*len = 1;
	for (size_t i = 1; i < n->nin; i++) {
		if (!onnx_lower_ints(l, n->in[i], &part, &more) ||
		    *len + more > MODEL_MAX_RANK)
			return false;
		memcpy(v + *len, part, more * sizeof(*v));
		*len += more;
	}
	*out = v;
	return true;
}

static int
reshape(struct onnx_lower *l, const struct onnx_node *from)
{
	int64_t zero = onnx_lower_get_int(l, from, "allowzero", 0); /* 14 */
	const int64_t *v;
	struct node *n;
	size_t len;
	int rc;

	if ((rc = onnx_lower_need(l, from, 1)) != 0)
		return rc;
	if (!list_of(l, from, "shape", 1, &v, &len)) {
		if ((rc = onnx_lower_need(l, from, 2)) != 0)
			return rc;
		if (zero != 0 || !open_batch(l, from, &v, &len)) {
			n = onnx_lower_node(l, from, "Reshape", 2, 1);
			if (n != NULL)
				onnx_lower_put_int(n, "allowzero", zero);
			return 0;
		}
	}
	if (len > MODEL_MAX_RANK)
		return onnx_lower_fail(
		    l, from, ERR_UNSUPPORTED, "a shape of rank %zu", len);
	if ((n = onnx_lower_node(l, from, "Reshape", 1, 1)) == NULL)
		return 0;
	if (zero == 0)
		v = unbake(l, from, v, len);
	onnx_lower_put_ints(n, "shape", v, len);
	onnx_lower_put_int(n, "allowzero", zero);
	return 0;
}

/* Squeeze, Unsqueeze: axes an attribute until 12 */
static int
squeeze(struct onnx_lower *l, const struct onnx_node *from)
{
	const int64_t *v;
	struct node *n;
	size_t len;
	int rc;

	if ((rc = onnx_lower_need(l, from, 1)) != 0)
		return rc;
	if (list_of(l, from, "axes", 1, &v, &len)) {
		if (len > MODEL_MAX_RANK)
			return onnx_lower_fail(
			    l, from, ERR_FORMAT, "%zu axes", len);
		n = onnx_lower_node(l, from, from->op, 1, 1);
		if (n != NULL)
			onnx_lower_put_ints(n, "axes", v, len);
		return 0;
	}
	if (strcmp(from->op, "Unsqueeze") == 0 && !present(from, 1))
		return onnx_lower_fail(l, from, ERR_FORMAT, "axes are missing");
	n = onnx_lower_node(l, from, from->op, 2, 1);
	/* of a batch of 1, which ours may be, the batch is not meant */
	if (n != NULL && !present(from, 1) && onnx_fact_of(l, n->in[0]).batch)
		onnx_lower_put_int(n, "batch", 1);
	return 0;
}

/* axes an attribute until 12 (ReduceSum) or 17 */
static int
reduce(struct onnx_lower *l, const struct onnx_node *from)
{
	bool noop = onnx_lower_get_int(l, from, "noop_with_empty_axes", 0) != 0;
	int64_t keep = onnx_lower_get_int(l, from, "keepdims", 1);
	const int64_t *v = NULL;
	struct node *n;
	size_t len = 0;
	bool known;
	int rc;

	if ((rc = onnx_lower_need(l, from, 1)) != 0)
		return rc;
	known = list_of(l, from, "axes", 1, &v, &len) || !present(from, 1);
	if (len > MODEL_MAX_RANK)
		return onnx_lower_fail(l, from, ERR_FORMAT, "%zu axes", len);
	if (known && len == 0 && noop) {
		onnx_lower_alias(l, from->out[0], from->in[0]);
		return 0;
	}
	n = onnx_lower_node(l, from, from->op, known ? 1 : 2, 1);
	if (n == NULL)
		return 0;
	if (len > 0)
		onnx_lower_put_ints(n, "axes", v, len);
	onnx_lower_put_int(n, "keepdims", keep);
	if (!known && noop) /* only where it may matter */
		onnx_lower_put_int(n, "noop_with_empty_axes", 1);
	return 0;
}

/* All attributes until 9 */
static int
slice(struct onnx_lower *l, const struct onnx_node *from)
{
	static const char *const name[] = {"starts", "ends", "axes", "steps"};
	const int64_t *v[4] = {NULL, NULL, counting, ones};
	size_t len[4] = {0};
	struct node *n;
	bool known = true;
	int rc;

	if ((rc = onnx_lower_need(l, from, 1)) != 0)
		return rc;
	for (size_t i = 0; i < 4; i++) {
		if (list_of(l, from, name[i], i + 1, &v[i], &len[i]))
			continue;
		if (i < 2 && !present(from, i + 1))
			return onnx_lower_fail(
			    l, from, ERR_FORMAT, "'%s' is missing", name[i]);
		known = known && !present(from, i + 1);
		len[i] = MIN(len[0], (size_t)MODEL_MAX_RANK);
	}
	if (!known) {
		(void)onnx_lower_node(l, from, "Slice", 5, 1);
		return 0;
	}
	for (size_t i = 0; i < 4; i++)
		if (len[i] != len[0])
			return onnx_lower_fail(l, from, ERR_FORMAT,
			    "%zu %s, %zu starts", len[i], name[i], len[0]);
	n = onnx_lower_node(l, from, "Slice", 1, 1);
	for (size_t i = 0; n != NULL && i < 4; i++)
		onnx_lower_put_ints(n, name[i], v[i], len[i]);
	return 0;
}

/* split an attribute until 12 */
static int
split(struct onnx_lower *l, const struct onnx_node *from)
{
	bool known, has = present(from, 1);
	const int64_t *v = NULL;
	struct node *n;
	size_t len = 0;
	int rc;

	if ((rc = onnx_lower_need(l, from, 1)) != 0)
		return rc;
	known = list_of(l, from, "split", 1, &v, &len);
	if (known && len != from->nout)
		return onnx_lower_fail(l, from, ERR_FORMAT,
		    "%zu parts, %zu outputs", len, from->nout);
	n = onnx_lower_node(
	    l, from, "Split", !known && has ? 2 : 1, from->nout);
	if (n == NULL)
		return 0;
	onnx_lower_put_int(n, "axis", onnx_lower_get_int(l, from, "axis", 0));
	if (known)
		onnx_lower_put_ints(n, "split", v, len);
	return 0;
}

/* Pads that are computed: the node keeps the inputs that it has. */
static int
pad_computed(struct onnx_lower *l, const struct onnx_node *from)
{
	struct node *n;
	int rc = onnx_lower_need(l, from, 2);

	if (rc == 0 && (n = onnx_lower_node(l, from, "Pad", 4, 1)) != NULL)
		onnx_lower_put_text(n, "mode",
		    onnx_lower_get_text(l, from, "mode", "constant"));
	return rc;
}

/* pads and value attributes until 10; axes 18 */
static int
pad(struct onnx_lower *l, const struct onnx_node *from)
{
	const struct tensor *t =
	    present(from, 2) ? onnx_lower_const(l, from->in[2]) : NULL;
	double value = onnx_lower_get_real(l, from, "value", 0);
	const int64_t *v, *axes = NULL;
	struct node *n;
	size_t len, naxes = 0;
	uint64_t count = 1;
	bool none = true;
	int rc;

	if ((rc = onnx_lower_need(l, from, 1)) != 0)
		return rc;
	if (!list_of(l, from, "pads", 1, &v, &len) ||
	    (present(from, 2) && (t == NULL || t->dtype == DTYPE_COUNT)) ||
	    (present(from, 3) &&
		!onnx_lower_ints(l, from->in[3], &axes, &naxes)))
		return pad_computed(l, from);
	if (len % 2 != 0 || len > (size_t)2 * MODEL_MAX_RANK)
		return onnx_lower_fail(l, from, ERR_FORMAT, "%zu pads", len);
	if (axes != NULL && 2 * naxes != len)
		return onnx_lower_fail(
		    l, from, ERR_FORMAT, "%zu pads, %zu axes", len, naxes);
	if (t != NULL && (!tensor_elements(t, &count) || count != 1))
		return onnx_lower_fail(
		    l, from, ERR_FORMAT, "the value is no scalar");
	if (t != NULL)
		value = tensor_real(t, 0);
	/* as torch puts before each AveragePool */
	for (size_t i = 0; i < len; i++)
		none = none && v[i] == 0;
	if (none) {
		onnx_lower_alias(l, from->out[0], from->in[0]);
		return 0;
	}
	if ((n = onnx_lower_node(l, from, "Pad", 1, 1)) == NULL)
		return 0;
	onnx_lower_put_text(
	    n, "mode", onnx_lower_get_text(l, from, "mode", "constant"));
	onnx_lower_put_ints(n, "pads", v, len);
	onnx_lower_put_real(n, "value", value);
	if (axes != NULL)
		onnx_lower_put_ints(n, "axes", axes, naxes);
	return 0;
}

static int
transpose(struct onnx_lower *l, const struct onnx_node *from)
{
	const int64_t *v;
	int64_t *own;
	struct onnx_fact x;
	struct node *n;
	size_t len;
	int rc;

	if ((rc = onnx_lower_need(l, from, 1)) != 0)
		return rc;
	if (l->nhwc && strcmp(from->in[0], l->m->input) == 0) {
		onnx_lower_alias(l, from->out[0], from->in[0]);
		return 0;
	}
	if ((n = onnx_lower_node(l, from, "Transpose", 1, 1)) == NULL)
		return 0;
	x = onnx_fact_of(l, n->in[0]);
	if (onnx_lower_get_ints(l, from, "perm", &v, &len)) {
		onnx_lower_put_ints(n, "perm", v, len);
	} else if (x.ranked && x.rank <= MODEL_MAX_RANK) {
		own = arena_alloc(&l->m->arena, x.rank + 1, sizeof(*own));
		for (size_t i = 0; own != NULL && i < x.rank; i++)
			own[i] = (int64_t)(x.rank - 1 - i);
		if (own != NULL)
			onnx_lower_put_ints(n, "perm", own, x.rank);
		l->full = l->full || own == NULL;
	}
	return 0;
}

/* Expand's shape and Tile's repeats */
static int
repeat(struct onnx_lower *l, const struct onnx_node *from)
{
	const char *name =
	    strcmp(from->op, "Expand") == 0 ? "shape" : "repeats";
	const int64_t *v;
	struct node *n;
	size_t len;
	int rc;

	if ((rc = onnx_lower_need(l, from, 2)) != 0)
		return rc;
	if (!onnx_lower_ints(l, from->in[1], &v, &len)) {
		(void)onnx_lower_node(l, from, from->op, 2, 1);
		return 0;
	}
	if ((n = onnx_lower_node(l, from, from->op, 1, 1)) != NULL)
		onnx_lower_put_ints(n, name, v, len);
	return 0;
}

static int
constant_of_shape(struct onnx_lower *l, const struct onnx_node *from)
{
	const struct onnx_attr *at = onnx_file_attr(from, "value");
	struct node *n;
	uint64_t count;
	double v = 0;
	enum dtype d = DTYPE_F32;
	int rc;

	if ((rc = onnx_lower_need(l, from, 1)) != 0)
		return rc;
	if (at != NULL) {
		if (at->type != ONNX_TENSOR || at->t->t.dtype == DTYPE_COUNT ||
		    !tensor_elements(&at->t->t, &count) || count != 1)
			return onnx_lower_fail(l, from, ERR_UNSUPPORTED,
			    "the value is not one number");
		v = tensor_real(&at->t->t, 0);
		d = at->t->t.dtype;
	}
	if ((n = onnx_lower_node(l, from, from->op, 1, 1)) == NULL)
		return 0;
	onnx_lower_put_real(n, "value", v);
	onnx_lower_put_text(n, "dtype", dtype_name(d));
	return 0;
}

/*
 * Input i of a Resize as a list; false when it is computed.  An absent or
 * empty one says nothing.
 */
static bool
resize_list(struct onnx_lower *l, const struct onnx_node *from, struct node *n,
    size_t i, const char *name)
{
	const struct tensor *t =
	    present(from, i) ? onnx_lower_const(l, from->in[i]) : NULL;
	const int64_t *sizes;
	uint64_t count;
	double *v;
	size_t len;

	if (!present(from, i))
		return true;
	if (t == NULL || t->dtype == DTYPE_COUNT ||
	    !tensor_elements(t, &count) || count > (size_t)2 * MODEL_MAX_RANK)
		return false;
	if (count == 0)
		return true;
	if (strcmp(name, "sizes") == 0) {
		if (!onnx_lower_ints(l, from->in[i], &sizes, &len))
			return false;
		onnx_lower_put_ints(n, name, sizes, len);
		return true;
	}
	v = arena_alloc(&l->m->arena, (size_t)count, sizeof(*v));
	for (uint64_t k = 0; v != NULL && k < count; k++)
		v[k] = tensor_real(t, k);
	if (v != NULL)
		onnx_lower_put_reals(n, name, v, (size_t)count);
	l->full = l->full || v == NULL;
	return true;
}

/* All of roi, scales and sizes as attributes, or all as inputs 1 to 3. */
static void
resize_lists(struct onnx_lower *l, const struct onnx_node *from, struct node *n,
    bool early, bool crop)
{
	const struct onnx_attr *at = onnx_file_attr(from, "scales"); /* 7 */
	size_t nattr = n->nattr;
	bool known = true;

	if (at != NULL && at->type == ONNX_FLOATS) {
		onnx_lower_put_reals(n, "scales", at->reals, at->n);
		return;
	}
	/* cropping alone reads it */
	if (crop)
		known = resize_list(l, from, n, 1, "roi");
	known = known && resize_list(l, from, n, early ? 1 : 2, "scales");
	if (!early)
		known = known && resize_list(l, from, n, 3, "sizes");
	if (known)
		return;
	n->nattr = nattr;
	for (size_t i = 1; i < 4; i++) {
		size_t k = early ? i - 1 : i;

		if ((early && i != 2) || !present(from, k) || (i == 1 && !crop))
			n->in[i] = "";
		else
			n->in[i] = onnx_lower_name(l, from->in[k]);
		if (*n->in[i] != '\0')
			n->nin = i + 1;
	}
}

/* Upsample until 9; Resize 10 (x, scales), 11 (x, roi, scales, sizes) */
static int
resize(struct onnx_lower *l, const struct onnx_node *from)
{
	bool early = l->opset < 11 || strcmp(from->op, "Upsample") == 0;
	const char *mode = onnx_lower_get_text(
	    l, from, "coordinate_transformation_mode", "half_pixel");
	struct node *n;
	int rc;

	if ((rc = onnx_lower_need(l, from, 1)) != 0)
		return rc;
	if ((n = onnx_lower_node(l, from, "Resize", 1, 1)) == NULL)
		return 0;
	onnx_lower_put_text(
	    n, "mode", onnx_lower_get_text(l, from, "mode", "nearest"));
	onnx_lower_put_text(
	    n, "coordinate_transformation_mode", early ? "asymmetric" : mode);
	onnx_lower_put_text(n, "nearest_mode",
	    early ? "floor"
		  : onnx_lower_get_text(
			l, from, "nearest_mode", "round_prefer_floor"));
	resize_lists(l, from, n, early,
	    !early && strcmp(mode, "tf_crop_and_resize") == 0);
	return onnx_lower_put_rest(l, from, n);
}

static const struct {
	const char *op;
	onnx_lower_fn *fn;
} op_table[] = {
    {"ConstantOfShape", constant_of_shape},
    {"Expand", repeat},
    {"Pad", pad},
    {"ReduceL1", reduce},
    {"ReduceL2", reduce},
    {"ReduceLogSum", reduce},
    {"ReduceLogSumExp", reduce},
    {"ReduceMax", reduce},
    {"ReduceMean", reduce},
    {"ReduceMin", reduce},
    {"ReduceProd", reduce},
    {"ReduceSum", reduce},
    {"ReduceSumSquare", reduce},
    {"Reshape", reshape},
    {"Resize", resize},
    {"Slice", slice},
    {"Split", split},
    {"Squeeze", squeeze},
    {"Tile", repeat},
    {"Transpose", transpose},
    {"Unsqueeze", squeeze},
    {"Upsample", resize},
};

onnx_lower_fn *
onnx_shape_find(const char *op)
{
	for (size_t i = 0; i < ARRAY_LEN(op_table); i++)
		if (strcmp(op_table[i].op, op) == 0)
			return op_table[i].fn;
	return NULL;
}
