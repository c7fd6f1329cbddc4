/* SPDX-License-Identifier: MIT */
#include "formats/onnx_fact.h"

struct onnx_fact
onnx_fact_of(const struct onnx_lower *l, const char *name)
{
	size_t i = map_get(&l->fact, name);
	const struct tensor *t = onnx_lower_const(l, name);

	if (t != NULL)
		return (struct onnx_fact){.ranked = true, .rank = t->rank};
	return i != SIZE_MAX ? l->facts[i] : (struct onnx_fact){0};
}

void
onnx_fact_set(struct onnx_lower *l, const char *name, struct onnx_fact f)
{
	size_t i = map_get(&l->fact, name);

	if (i == SIZE_MAX) {
		if (l->nfact == l->fact_cap ||
		    map_put(&l->fact, name, l->nfact) < 0) {
			l->full = true;
			return;
		}
		i = l->nfact++;
	}
	l->facts[i] = f;
}

/* --- rules: the fact of the output from those of the inputs -------------- */

typedef struct onnx_fact rule(const struct onnx_lower *, const struct node *);

static struct onnx_fact
input(const struct onnx_lower *l, const struct node *n, size_t i)
{
	return i < n->nin && *n->in[i] != '\0' ? onnx_fact_of(l, n->in[i])
					       : (struct onnx_fact){0};
}

static struct onnx_fact
same(const struct onnx_lower *l, const struct node *n)
{
	return input(l, n, 0);
}

/* An operand whose first dimension cannot make a batch larger. */
static bool
yields(const struct onnx_lower *l, const char *name, size_t rank)
{
	const struct tensor *t = onnx_lower_const(l, name);
	struct onnx_fact x = onnx_fact_of(l, name);

	return x.batch || (x.ranked && x.rank < rank) ||
	       (t != NULL && (t->rank == 0 || t->dim[0] == 1));
}

/* numpy broadcasting of all inputs */
static struct onnx_fact
broadcast(const struct onnx_lower *l, const struct node *n)
{
	struct onnx_fact f = {.ranked = true};

	for (size_t i = 0; i < n->nin; i++) {
		struct onnx_fact x = input(l, n, i);

		f.ranked = f.ranked && x.ranked;
		f.rank = MAX(f.rank, x.rank);
	}
	if (!f.ranked)
		return (struct onnx_fact){0};
	for (size_t i = 0; i < n->nin; i++) {
		struct onnx_fact x = input(l, n, i);

		f.batch = f.batch || (x.batch && x.rank == f.rank);
	}
	for (size_t i = 0; i < n->nin; i++)
		f.batch = f.batch && yields(l, n->in[i], f.rank);
	return f;
}

static struct onnx_fact
matrix(const struct onnx_lower *l, const struct node *n)
{
	struct onnx_fact x = input(l, n, 0);

	return (struct onnx_fact){.ranked = true,
	    .rank = 2,
	    .batch = x.batch && node_int(n, "transA", 0) == 0 &&
		     node_int(n, "axis", 1) == 1};
}

static struct onnx_fact
matmul(const struct onnx_lower *l, const struct node *n)
{
	struct onnx_fact a = input(l, n, 0), b = input(l, n, 1);

	if (!a.ranked || !b.ranked || a.rank < 2 || b.rank < 2)
		return (struct onnx_fact){0};
	if (b.rank > a.rank)
		return (struct onnx_fact){.ranked = true, .rank = b.rank};
	a.batch = a.batch && (a.rank == 2 || yields(l, n->in[1], a.rank));
	return a;
}

static struct onnx_fact
reshape(const struct onnx_lower *l, const struct node *n)
{
	const struct attr *s = node_attr(n, "shape");

	if (s == NULL || s->kind != ATTR_INTS)
		return (struct onnx_fact){0};
	return (struct onnx_fact){.ranked = true,
	    .rank = s->n,
	    .batch = s->n > 0 && s->ints[0] == 0 &&
		     node_int(n, "allowzero", 0) == 0 && same(l, n).batch};
}

/* Whether the list of axes has the first one; true when that is not known. */
static bool
touches_first(const struct attr *axes, const struct onnx_fact *x)
{
	if (axes == NULL || axes->kind != ATTR_INTS || !x->ranked)
		return true;
	for (size_t i = 0; i < axes->n; i++)
		if (axes->ints[i] == 0 || axes->ints[i] == -(int64_t)x->rank)
			return true;
	return false;
}

static struct onnx_fact
axes_change(const struct onnx_lower *l, const struct node *n)
{
	const struct attr *axes = node_attr(n, "axes");
	struct onnx_fact x = same(l, n);
	bool more = strcmp(n->op, "Unsqueeze") == 0;
	bool keep = node_int(n, "keepdims", 0) != 0;

	if (!x.ranked || (axes == NULL && !keep) || n->nin > 1)
		return (struct onnx_fact){0};
	if (more)
		x.rank += axes->n;
	x.batch = x.batch && !touches_first(axes, &x);
	if (!more && !keep)
		x.rank -= MIN(x.rank, axes->n);
	return x;
}

static struct onnx_fact
transpose(const struct onnx_lower *l, const struct node *n)
{
	const struct attr *perm = node_attr(n, "perm");
	struct onnx_fact x = same(l, n);

	x.batch = x.batch && perm != NULL && perm->kind == ATTR_INTS &&
		  perm->n > 0 && perm->ints[0] == 0;
	return x;
}

/* A Slice whose starts and ends are computed: its axes are input 3. */
static bool
slices_first(const struct onnx_lower *l, const struct node *n, size_t rank)
{
	const struct tensor *t =
	    n->nin > 3 ? onnx_lower_const(l, n->in[3]) : NULL;
	uint64_t count;
	int64_t v;

	if (t == NULL || t->dtype == DTYPE_COUNT || !tensor_elements(t, &count))
		return true;
	for (uint64_t i = 0; i < count; i++)
		if (!tensor_int(t, i, &v) || v == 0 || v == -(int64_t)rank)
			return true;
	return false;
}

/* One axis changes length: Concat, Split, Slice, Pad. */
static struct onnx_fact
along(const struct onnx_lower *l, const struct node *n)
{
	const struct attr *axes = node_attr(n, "axes");
	struct onnx_fact x = same(l, n);
	int64_t axis = node_int(n, "axis", 1);

	if (axes != NULL)
		x.batch = x.batch && !touches_first(axes, &x);
	else if (strcmp(n->op, "Slice") == 0)
		x.batch = x.batch && x.ranked && !slices_first(l, n, x.rank);
	else
		x.batch = x.batch && axis != 0 && x.ranked &&
			  axis != -(int64_t)x.rank && n->nin > 0;
	return x;
}

static struct onnx_fact
gather(const struct onnx_lower *l, const struct node *n)
{
	struct onnx_fact x = input(l, n, 0), k = input(l, n, 1);
	int64_t axis = node_int(n, "axis", 0);

	if (!x.ranked || !k.ranked || x.rank + k.rank == 0)
		return (struct onnx_fact){0};
	x.batch = x.batch && axis != 0 && axis != -(int64_t)x.rank;
	x.rank = x.rank + k.rank - 1;
	return x;
}

static struct onnx_fact
vector(const struct onnx_lower *l, const struct node *n)
{
	(void)l;
	(void)n;
	return (struct onnx_fact){.ranked = true, .rank = 1};
}

static const struct {
	const char *op;
	rule *fn;
} rule_table[] = {
    {"Conv", same},
    {"ConvTranspose", same},
    {"BatchNormalization", same},
    {"InstanceNormalization", same},
    {"GroupNormalization", same},
    {"LayerNormalization", same},
    {"LRN", same},
    {"MaxPool", same},
    {"AveragePool", same},
    {"GlobalAveragePool", same},
    {"GlobalMaxPool", same},
    {"Relu", same},
    {"LeakyRelu", same},
    {"Elu", same},
    {"Selu", same},
    {"PRelu", same},
    {"Sigmoid", same},
    {"HardSigmoid", same},
    {"HardSwish", same},
    {"Softplus", same},
    {"StraightRound", same},
    {"Tanh", same},
    {"Erf", same},
    {"Gelu", same},
    {"Mish", same},
    {"Sqrt", same},
    {"Exp", same},
    {"Log", same},
    {"Neg", same},
    {"Not", same},
    {"Abs", same},
    {"Reciprocal", same},
    {"Clip", same},
    {"Cast", same},
    {"Softmax", same},
    {"LogSoftmax", same},
    {"Resize", same},
    {"Hardmax", same},
    {"GridSample", same},
    {"Shrink", same},
    {"Celu", same},
    {"ThresholdedRelu", same},
    {"Softsign", same},
    {"Sin", same},
    {"Cos", same},
    {"Tan", same},
    {"Atan", same},
    {"Floor", same},
    {"Ceil", same},
    {"Round", same},
    {"Sign", same},
    {"IsNaN", same},
    {"IsInf", same},
    {"Add", broadcast},
    {"Sub", broadcast},
    {"Mul", broadcast},
    {"Div", broadcast},
    {"Pow", broadcast},
    {"Sum", broadcast},
    {"Max", broadcast},
    {"Min", broadcast},
    {"And", broadcast},
    {"Equal", broadcast},
    {"Greater", broadcast},
    {"Less", broadcast},
    {"Or", broadcast},
    {"Xor", broadcast},
    {"Gemm", matrix},
    {"Flatten", matrix},
    {"MatMul", matmul},
    {"Reshape", reshape},
    {"Squeeze", axes_change},
    {"Unsqueeze", axes_change},
    {"ReduceMean", axes_change},
    {"ReduceSum", axes_change},
    {"ReduceMax", axes_change},
    {"ReduceMin", axes_change},
    {"ReduceL1", axes_change},
    {"ReduceL2", axes_change},
    {"Transpose", transpose},
    {"Concat", along},
    {"Split", along},
    {"Slice", along},
    {"Gather", gather},
    {"Shape", vector},
};

/* Pad that leaves the first axis alone */
static struct onnx_fact
pad(const struct onnx_lower *l, const struct node *n)
{
	const struct attr *p = node_attr(n, "pads");
	struct onnx_fact x = same(l, n);

	x.batch = x.batch && p != NULL && p->n >= 2 && p->n % 2 == 0 &&
		  p->ints[0] == 0 && p->ints[p->n / 2] == 0 &&
		  node_attr(n, "axes") == NULL;
	return x;
}

void
onnx_fact_node(struct onnx_lower *l, const struct node *n)
{
	struct onnx_fact f = {0};

	for (size_t i = 0; i < ARRAY_LEN(rule_table); i++)
		if (strcmp(rule_table[i].op, n->op) == 0)
			f = rule_table[i].fn(l, n);
	if (strcmp(n->op, "Pad") == 0)
		f = pad(l, n);
	for (size_t i = 0; f.ranked && i < n->nout; i++)
		if (*n->out[i] != '\0')
			onnx_fact_set(l, n->out[i], f);
}
