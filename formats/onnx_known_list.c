/* SPDX-License-Identifier: MIT
 * Lists of numbers: what exporters do to the borders of a Pad.
 */
#include "formats/onnx_known_part.h"

bool
onnx_known_list_concat(struct onnx_known *b, const struct onnx_node *n,
    struct known *k, unsigned depth)
{
	struct known one, all = {0};

	for (size_t i = 0; i < n->nin; i++) {
		if (!onnx_known_find(b, n->in[i], &one, depth + 1) ||
		    one.cols != 0 || all.n + one.n > ONNX_KNOWN_VALUES)
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

	if (k->n != 1 || k->v[0] < 0 || k->v[0] > ONNX_KNOWN_VALUES ||
	    t == NULL || t->type != ONNX_TENSOR ||
	    !onnx_known_tensor(&t->t->t, &one))
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

	if (n->nin != 2 || !onnx_known_find(b, n->in[1], &to, depth + 1) ||
	    to.n > 2)
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
		if (n->nin != 5 ||
		    !onnx_known_find(b, n->in[1 + i], &v, depth + 1) ||
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

bool
onnx_known_list(struct onnx_known *b, const struct onnx_node *n,
    struct known *k, unsigned depth)
{
	if (strcmp(n->op, "ConstantOfShape") == 0)
		return filled(n, k);
	if (strcmp(n->op, "Reshape") == 0)
		return rows(b, n, k, depth);
	if (strcmp(n->op, "Slice") == 0)
		return reversed(b, n, k, depth);
	return turned(n, k);
}
