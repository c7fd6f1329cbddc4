/* SPDX-License-Identifier: MIT */
#include "formats/onnx_known.h"

#include "base/limits.h"
#include "base/text.h"
#include "formats/onnx_known_part.h"

bool
onnx_known_tensor(const struct tensor *t, struct known *k)
{
	uint64_t n;

	if ((t->dtype != DTYPE_I64 && t->dtype != DTYPE_I32 &&
		t->dtype != DTYPE_BOOL) ||
	    !tensor_elements(t, &n) || n > ONNX_KNOWN_VALUES)
		return false;
	k->n = (size_t)n;
	k->cols = 0;
	for (size_t i = 0; i < n; i++)
		if (!tensor_int(t, i, &k->v[i]))
			return false;
	return true;
}

const struct onnx_node *
onnx_known_maker(const struct onnx_known *b, const char *name)
{
	size_t at = map_get(&b->within, name);

	/* the If that had this output is gone then */
	if (at == SIZE_MAX)
		at = map_get(&b->maker, name);
	return at != SIZE_MAX ? b->place[at] : NULL;
}

static bool
constant(const struct onnx_node *n, struct known *k)
{
	const struct onnx_attr *t = onnx_file_attr(n, "value");
	const struct onnx_attr *i = onnx_file_attr(n, "value_int");

	if (t != NULL && t->type == ONNX_TENSOR)
		return onnx_known_tensor(&t->t->t, k);
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

		if (at != ONNX_KNOWN_OPEN && at < 0)
			at += (int64_t)from.n;
		if (at == ONNX_KNOWN_OPEN || at < 0 || (uint64_t)at >= from.n)
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

/* To a truth value, or a type that holds the numbers that a size may have. */
static bool
cast(const struct onnx_node *n, struct known *k)
{
	const struct onnx_attr *to = onnx_file_attr(n, "to");
	enum dtype type = DTYPE_COUNT;

	if (to != NULL && to->type == ONNX_INT)
		type = onnx_tensor_dtype(to->i);
	for (size_t i = 0; type == DTYPE_BOOL && i < k->n; i++)
		if (k->v[i] != ONNX_KNOWN_OPEN)
			k->v[i] = k->v[i] != 0;
	return type == DTYPE_BOOL || type == DTYPE_I32 || type == DTYPE_I64 ||
	       type == DTYPE_F32;
}

static bool
of_node(struct onnx_known *b, const struct onnx_node *n, struct known *k,
    unsigned depth)
{
	static const char *const alias[] = {"Identity", "Squeeze", "Unsqueeze"};
	static const char *const list[] = {
	    "ConstantOfShape", "Reshape", "Slice", "Transpose"};
	struct known y;

	if (*n->domain != '\0' && strcmp(n->domain, "ai.onnx") != 0)
		return false;
	if (strcmp(n->op, "Constant") == 0)
		return constant(n, k);
	if (n->nin == 0)
		return false;
	if (strcmp(n->op, "Shape") == 0)
		return n->nattr == 0 &&
		       onnx_known_size(b, n->in[0], k, depth + 1);
	if (strcmp(n->op, "Concat") == 0)
		return onnx_known_list_concat(b, n, k, depth);
	if (!onnx_known_find(b, n->in[0], k, depth + 1))
		return false;
	if (text_is_one_of(n->op, list, ARRAY_LEN(list)))
		return onnx_known_list(b, n, k, depth);
	if (strcmp(n->op, "Cast") == 0)
		return cast(n, k);
	if (text_is_one_of(n->op, alias, ARRAY_LEN(alias)))
		return true;
	if (strcmp(n->op, "Not") == 0 && k->n == 1 &&
	    k->v[0] != ONNX_KNOWN_OPEN) {
		k->v[0] = k->v[0] == 0;
		return true;
	}
	if (n->nin != 2 || !onnx_known_find(b, n->in[1], &y, depth + 1))
		return false;
	if (strcmp(n->op, "Gather") == 0)
		return gather(n, k, &y);
	return k->n == 1 && y.n == 1 && k->v[0] != ONNX_KNOWN_OPEN &&
	       y.v[0] != ONNX_KNOWN_OPEN &&
	       binary(n->op, k->v[0], y.v[0], &k->v[0]);
}

bool
onnx_known_find(
    struct onnx_known *b, const char *name, struct known *k, unsigned depth)
{
	size_t at = map_get(&b->tensor, name);
	const struct onnx_node *n = onnx_known_maker(b, name);

	if (depth > ONNX_KNOWN_DEPTH || ++b->visits > ONNX_KNOWN_VISITS)
		return false;
	if (at != SIZE_MAX)
		return b->x->tensor[at].external == NULL &&
		       onnx_known_tensor(&b->x->tensor[at].t, k);
	return n != NULL && of_node(b, n, k, depth);
}

bool
onnx_known_number(struct onnx_known *b, const char *name, int64_t *out)
{
	struct known k;

	b->visits = 0;
	if (!onnx_known_find(b, name, &k, 0) || k.n != 1 ||
	    k.v[0] == ONNX_KNOWN_OPEN)
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
