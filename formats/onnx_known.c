/* SPDX-License-Identifier: MIT */
#include "formats/onnx_known.h"

#include "base/limits.h"
#include "base/text.h"

#define VALUES 32        /* of a list that is looked at */
#define OPEN   INT64_MIN /* a number that is not known */
#define DEPTH  64        /* nodes on the way to a number */
#define VISITS 1024      /* in all, for one number */

/* Some whole numbers, each OPEN or known; with `cols` in rows of so many. */
struct known {
	size_t n, cols;
	int64_t v[VALUES];
};

static bool
of_tensor(const struct tensor *t, struct known *k)
{
	uint64_t n;

	if ((t->dtype != DTYPE_I64 && t->dtype != DTYPE_I32 &&
		t->dtype != DTYPE_BOOL) ||
	    !tensor_elements(t, &n) || n > VALUES)
		return false;
	k->n = (size_t)n;
	k->cols = 0;
	for (size_t i = 0; i < n; i++)
		if (!tensor_int(t, i, &k->v[i]))
			return false;
	return true;
}

static const struct onnx_node *
maker(const struct onnx_known *b, const char *name)
{
	size_t at = map_get(&b->within, name);

	/* the If that had this output is gone then */
	if (at == SIZE_MAX)
		at = map_get(&b->maker, name);
	return at != SIZE_MAX ? b->place[at] : NULL;
}

static bool find(struct onnx_known *, const char *, struct known *, unsigned);

/* Unsqueeze: axes as an attribute until operator set 12. */
static bool
unsqueeze(struct onnx_known *b, const struct onnx_node *n, struct known *k,
    unsigned depth)
{
	const struct onnx_attr *attr = onnx_file_attr(n, "axes");
	struct known axes = {0}, out = {0};
	bool one[VALUES] = {false};
	size_t from = 0;

	if (attr != NULL && attr->type == ONNX_INTS && attr->n <= VALUES) {
		axes.n = attr->n;
		memcpy(axes.v, attr->ints, attr->n * sizeof(*axes.v));
	} else if (n->nin < 2 || !find(b, n->in[1], &axes, depth + 1)) {
		return false;
	}
	out.n = k->n + axes.n;
	if (out.n > VALUES)
		return false;
	for (size_t i = 0; i < axes.n; i++) {
		int64_t at = axes.v[i];

		if (at != OPEN && at < 0)
			at += (int64_t)out.n;
		if (at == OPEN || at < 0 || (uint64_t)at >= out.n || one[at])
			return false;
		one[at] = true;
	}
	for (size_t i = 0; i < out.n; i++)
		out.v[i] = one[i] ? 1 : k->v[from++];
	*k = out;
	return true;
}

static bool
pad(struct onnx_known *b, const struct onnx_node *n, struct known *k,
    unsigned depth)
{
	struct known pads;

	if (n->nin < 2 || (n->nin > 3 && *n->in[3] != '\0') ||
	    !find(b, n->in[1], &pads, depth + 1) || pads.n != 2 * k->n)
		return false;
	for (size_t i = 0; i < k->n; i++)
		if (k->v[i] == OPEN || pads.v[i] == OPEN ||
		    pads.v[i + k->n] == OPEN ||
		    ckd_add(&k->v[i], k->v[i], pads.v[i]) ||
		    ckd_add(&k->v[i], k->v[i], pads.v[i + k->n]))
			k->v[i] = OPEN;
	return true;
}

/* -1 is what is left, which is not worked out; 0 keeps. */
static bool
reshape(struct onnx_known *b, const struct onnx_node *n, struct known *k,
    unsigned depth)
{
	struct known to;

	if (n->nin != 2 || n->nattr != 0 || !find(b, n->in[1], &to, depth + 1))
		return false;
	for (size_t i = 0; i < to.n; i++) {
		if (to.v[i] == 0 && i >= k->n)
			return false;
		if (to.v[i] == 0)
			to.v[i] = k->v[i];
		else if (to.v[i] < 0)
			to.v[i] = OPEN;
	}
	*k = to;
	return true;
}

/* All but the first two axes are others. */
static bool
window(struct known *k, bool global)
{
	for (size_t i = 2; i < k->n; i++)
		k->v[i] = global ? 1 : OPEN;
	return true;
}

/* Sizes that follow from those of input 0. */
static bool
derived(struct onnx_known *b, const struct onnx_node *n, struct known *k,
    unsigned depth)
{
	static const char *const same[] = {"Relu", "Identity", "Cast",
	    "Sigmoid", "Clip", "LeakyRelu", "BatchNormalization", "Dropout",
	    "Tanh", "HardSwish"};
	size_t at;

	if (strcmp(n->op, "Conv") == 0 && n->nin > 1 &&
	    (at = map_get(&b->tensor, n->in[1])) != SIZE_MAX) {
		const struct tensor *w = &b->x->tensor[at].t;

		k->n = w->rank;
		for (size_t i = 0; i < k->n; i++)
			k->v[i] = i == 1 ? (int64_t)w->dim[0] : OPEN;
		return w->rank > 2;
	}
	if (text_is_one_of(n->op, same, ARRAY_LEN(same)) ||
	    (strcmp(n->op, "Mul") == 0 && n->nin == 2 &&
		strcmp(n->in[0], n->in[1]) == 0))
		return true;
	if (strcmp(n->op, "GlobalAveragePool") == 0)
		return window(k, true);
	if (strcmp(n->op, "AveragePool") == 0 || strcmp(n->op, "MaxPool") == 0)
		return window(k, false);
	if (strcmp(n->op, "Unsqueeze") == 0)
		return unsqueeze(b, n, k, depth);
	if (strcmp(n->op, "Pad") == 0)
		return pad(b, n, k, depth);
	return strcmp(n->op, "Reshape") == 0 && reshape(b, n, k, depth);
}

/* Sizes of a value that the file or a layer says; false: not even how many. */
static bool
sizes(struct onnx_known *b, const char *name, struct known *k, unsigned depth)
{
	size_t at = map_get(&b->value, name);
	const struct onnx_node *n = maker(b, name);
	const struct onnx_value *v = NULL;

	if (at != SIZE_MAX)
		v = at < b->x->ninput ? &b->x->input[at]
				      : &b->x->info[at - b->x->ninput];
	k->cols = 0;
	if (v != NULL && v->shaped && v->rank <= MODEL_MAX_RANK) {
		k->n = v->rank;
		for (size_t i = 0; i < v->rank; i++)
			k->v[i] = v->dim[i] < 0 || i == 0 ? OPEN : v->dim[i];
		return true;
	}
	if (n == NULL || depth > DEPTH || n->nin == 0 || ++b->visits > VISITS ||
	    (*n->domain != '\0' && strcmp(n->domain, "ai.onnx") != 0))
		return false;
	/* of a convolution they are the weight's */
	if (strcmp(n->op, "Conv") != 0 && !sizes(b, n->in[0], k, depth + 1))
		return false;
	return derived(b, n, k, depth);
}

static bool
constant(const struct onnx_node *n, struct known *k)
{
	const struct onnx_attr *t = onnx_file_attr(n, "value");
	const struct onnx_attr *i = onnx_file_attr(n, "value_int");

	if (t != NULL && t->type == ONNX_TENSOR)
		return of_tensor(&t->t->t, k);
	if (i == NULL || i->type != ONNX_INT)
		return false;
	k->n = 1;
	k->cols = 0;
	k->v[0] = i->i;
	return true;
}

static bool
gather(const struct onnx_node *n, struct known *k, const struct known *index)
{
	const struct onnx_attr *axis = onnx_file_attr(n, "axis");
	struct known from = *k;

	if (axis != NULL && axis->i != 0)
		return false;
	k->n = index->n;
	for (size_t i = 0; i < index->n; i++) {
		int64_t at = index->v[i];

		if (at != OPEN && at < 0)
			at += (int64_t)from.n;
		if (at == OPEN || at < 0 || (uint64_t)at >= from.n)
			return false;
		k->v[i] = from.v[at];
	}
	return true;
}

/* Of two numbers. */
static bool
binary(const char *op, int64_t x, int64_t y, int64_t *out)
{
	if (strcmp(op, "Equal") == 0)
		*out = x == y;
	else if (strcmp(op, "Less") == 0)
		*out = x < y;
	else if (strcmp(op, "Greater") == 0)
		*out = x > y;
	else if (strcmp(op, "LessOrEqual") == 0)
		*out = x <= y;
	else if (strcmp(op, "GreaterOrEqual") == 0)
		*out = x >= y;
	else if (strcmp(op, "And") == 0)
		*out = x != 0 && y != 0;
	else if (strcmp(op, "Or") == 0)
		*out = x != 0 || y != 0;
	else if (strcmp(op, "Add") == 0)
		return !ckd_add(out, x, y);
	else if (strcmp(op, "Sub") == 0)
		return !ckd_sub(out, x, y);
	else if (strcmp(op, "Mul") == 0)
		return !ckd_mul(out, x, y);
	else
		return false;
	return true;
}

/* --- lists: what exporters do to the borders of a Pad ---------------------- */

static bool
concat(struct onnx_known *b, const struct onnx_node *n, struct known *k,
    unsigned depth)
{
	struct known one, all = {0};

	for (size_t i = 0; i < n->nin; i++) {
		if (!find(b, n->in[i], &one, depth + 1) || one.cols != 0 ||
		    all.n + one.n > VALUES)
			return false;
		memcpy(all.v + all.n, one.v, one.n * sizeof(*one.v));
		all.n += one.n;
	}
	*k = all;
	return true;
}

static bool
filled(const struct onnx_node *n, struct known *k)
{
	const struct onnx_attr *t = onnx_file_attr(n, "value");
	struct known one = {.n = 1};
	size_t count;

	if (k->n != 1 || k->v[0] < 0 || k->v[0] > VALUES || t == NULL ||
	    t->type != ONNX_TENSOR || !of_tensor(&t->t->t, &one))
		return false;
	count = (size_t)k->v[0];
	for (size_t i = 0; i < count; i++)
		k->v[i] = one.v[0];
	k->n = count;
	k->cols = 0;
	return one.n == 1;
}

/* To a list, or to rows of two. */
static bool
rows(struct onnx_known *b, const struct onnx_node *n, struct known *k,
    unsigned depth)
{
	struct known to;

	if (n->nin != 2 || !find(b, n->in[1], &to, depth + 1) || to.n > 2)
		return false;
	if (to.n == 2 && (to.v[0] != -1 || to.v[1] != 2 || k->n % 2 != 0))
		return false;
	k->cols = to.n == 2 ? 2 : 0;
	return true;
}

/* All rows, the last first. */
static bool
reversed(struct onnx_known *b, const struct onnx_node *n, struct known *k,
    unsigned depth)
{
	static const int64_t want[] = {-1, -INT64_MAX, 0, -1};
	struct known v, out = *k;
	size_t cols = MAX(k->cols, 1), rows = k->n / cols;

	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		if (n->nin != 5 || !find(b, n->in[1 + i], &v, depth + 1) ||
		    v.n != 1 || v.v[0] != want[i])
			return false;
	for (size_t r = 0; r < rows; r++)
		for (size_t c = 0; c < cols; c++)
			out.v[r * cols + c] = k->v[(rows - 1 - r) * cols + c];
	*k = out;
	return true;
}

static bool
turned(const struct onnx_node *n, struct known *k)
{
	const struct onnx_attr *perm = onnx_file_attr(n, "perm");
	struct known out = *k;
	size_t rows;

	if (k->cols != 2 ||
	    (perm != NULL && (perm->type != ONNX_INTS || perm->n != 2 ||
				 perm->ints[0] != 1)))
		return false;
	rows = k->n / 2;
	for (size_t r = 0; r < rows; r++)
		for (size_t c = 0; c < 2; c++)
			out.v[c * rows + r] = k->v[2 * r + c];
	out.cols = rows;
	*k = out;
	return true;
}

/* To a truth value, or a type that holds the numbers that a size may have. */
static bool
cast(const struct onnx_node *n, struct known *k)
{
	const struct onnx_attr *to = onnx_file_attr(n, "to");
	enum dtype type = DTYPE_COUNT;

	if (to != NULL && to->type == ONNX_INT)
		type = onnx_tensor_dtype(to->i);
	for (size_t i = 0; type == DTYPE_BOOL && i < k->n; i++)
		if (k->v[i] != OPEN)
			k->v[i] = k->v[i] != 0;
	return type == DTYPE_BOOL || type == DTYPE_I32 || type == DTYPE_I64 ||
	       type == DTYPE_F32;
}

static bool
of_node(struct onnx_known *b, const struct onnx_node *n, struct known *k,
    unsigned depth)
{
	static const char *const alias[] = {"Identity", "Squeeze", "Unsqueeze"};
	struct known y;

	if (*n->domain != '\0' && strcmp(n->domain, "ai.onnx") != 0)
		return false;
	if (strcmp(n->op, "Constant") == 0)
		return constant(n, k);
	if (n->nin == 0)
		return false;
	if (strcmp(n->op, "Shape") == 0)
		return n->nattr == 0 && sizes(b, n->in[0], k, depth + 1);
	if (strcmp(n->op, "Concat") == 0)
		return concat(b, n, k, depth);
	if (!find(b, n->in[0], k, depth + 1))
		return false;
	if (strcmp(n->op, "ConstantOfShape") == 0)
		return filled(n, k);
	if (strcmp(n->op, "Reshape") == 0)
		return rows(b, n, k, depth);
	if (strcmp(n->op, "Slice") == 0)
		return reversed(b, n, k, depth);
	if (strcmp(n->op, "Transpose") == 0)
		return turned(n, k);
	if (strcmp(n->op, "Cast") == 0)
		return cast(n, k);
	if (text_is_one_of(n->op, alias, ARRAY_LEN(alias)))
		return true;
	if (strcmp(n->op, "Not") == 0 && k->n == 1 && k->v[0] != OPEN) {
		k->v[0] = k->v[0] == 0;
		return true;
	}
	if (n->nin != 2 || !find(b, n->in[1], &y, depth + 1))
		return false;
	if (strcmp(n->op, "Gather") == 0)
		return gather(n, k, &y);
	return k->n == 1 && y.n == 1 && k->v[0] != OPEN && y.v[0] != OPEN &&
	       binary(n->op, k->v[0], y.v[0], &k->v[0]);
}

static bool
find(struct onnx_known *b, const char *name, struct known *k, unsigned depth)
{
	size_t at = map_get(&b->tensor, name);
	const struct onnx_node *n = maker(b, name);

	if (depth > DEPTH || ++b->visits > VISITS)
		return false;
	if (at != SIZE_MAX)
		return b->x->tensor[at].external == NULL &&
		       of_tensor(&b->x->tensor[at].t, k);
	return n != NULL && of_node(b, n, k, depth);
}

bool
onnx_known_number(struct onnx_known *b, const char *name, int64_t *out)
{
	struct known k;

	b->visits = 0;
	if (!find(b, name, &k, 0) || k.n != 1 || k.v[0] == OPEN)
		return false;
	*out = k.v[0];
	return true;
}

/* --- the file ------------------------------------------------------------- */

static int
remember(struct onnx_known *b, struct map *m, const struct onnx_node *n)
{
	if (b->nplace == b->cap) {
		const struct onnx_node **more =
		    arena_alloc(b->a, 2 * b->cap + 64, sizeof(*more));

		if (more == NULL)
			return ERR_LIMIT;
		if (b->nplace != 0)
			memcpy(more, b->place, b->nplace * sizeof(*more));
		b->place = more;
		b->cap = 2 * b->cap + 64;
	}
	b->place[b->nplace] = n;
	for (size_t k = 0; k < n->nout; k++)
		if (map_put(m, n->out[k], b->nplace) < 0)
			return ERR_LIMIT;
	b->nplace++;
	return 0;
}

int
onnx_known_add(struct onnx_known *b, const struct onnx_node *n)
{
	return remember(b, &b->within, n);
}

int
onnx_known_init(
    struct onnx_known *b, const struct onnx_file *x, struct arena *a)
{
	bool bad = false;

	*b = (struct onnx_known){.x = x, .a = a};
	map_init(&b->maker, a);
	map_init(&b->within, a);
	map_init(&b->tensor, a);
	map_init(&b->value, a);
	for (size_t i = 0; i < x->ntensor; i++)
		bad |= map_put(&b->tensor, x->tensor[i].t.name, i) < 0;
	for (size_t i = 0; i < x->ninput; i++)
		bad |= map_put(&b->value, x->input[i].name, i) < 0;
	for (size_t i = 0; i < x->ninfo; i++)
		bad |= map_put(&b->value, x->info[i].name, x->ninput + i) < 0;
	for (size_t i = 0; i < x->nnode && !bad; i++)
		bad |= remember(b, &b->maker, &x->node[i]) != 0;
	return bad ? ERR_LIMIT : 0;
}
