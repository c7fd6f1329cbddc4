/* SPDX-License-Identifier: MIT */
#include "formats/script_op.h"

/* --- arguments ----------------------------------------------------------- */

const struct script_value *
script_op_arg(const struct script_args *a, size_t i, const char *key)
{
	static const struct script_value none = {.type = SCRIPT_NONE};

	if (i < a->n && a->key[i] == NULL)
		return &a->v[i];
	for (size_t k = 0; key != NULL && k < a->n; k++)
		if (a->key[k] != NULL && strcmp(a->key[k], key) == 0) {
			if (a->used != NULL)
				*a->used |= (uint64_t)1 << k % 64;
			return &a->v[k];
		}
	return &none;
}

int
script_op_tensor(struct script *s, const struct script_args *a, size_t i,
    struct script_tensor **out)
{
	const struct script_value *v = script_op_arg(a, i, NULL);

	if (v->type != SCRIPT_TENSOR)
		return script_fail(
		    s, a->callee, "its argument %zu is no tensor", i + 1);
	*out = v->t;
	return 0;
}

int
script_op_input(struct script *s, const struct script_args *a,
    struct script_tensor **x, const char **name)
{
	int rc = script_op_tensor(s, a, 0, x);

	if (rc != 0)
		return rc;
	*name = script_node_input(s, &a->v[0], false);
	return *name != NULL ? 0 : s->e->code;
}

int
script_op_ints(struct script *s, const struct script_args *a, size_t i,
    const char *key, int64_t *out, size_t room, size_t *n)
{
	const struct script_value *v = script_op_arg(a, i, key);

	*n = 0;
	if (v->type == SCRIPT_INT) {
		out[(*n)++] = v->i;
		return 0;
	}
	if (v->type != SCRIPT_ROW || v->list->n > room)
		return script_fail(s, a->callee,
		    "its argument %zu is no row of whole numbers", i + 1);
	for (; *n < v->list->n; (*n)++) {
		if (v->list->v[*n].type != SCRIPT_INT)
			return script_fail(
			    s, a->callee, "a number that only an image tells");
		out[*n] = v->list->v[*n].i;
	}
	return 0;
}

int
script_op_exactly(struct script *s, const struct script_args *a, size_t i,
    const char *key, int64_t *out, size_t n, const int64_t *absent)
{
	const struct script_value *v = script_op_arg(a, i, key);
	size_t count = 0;
	int rc = 0;

	if (v->type != SCRIPT_NONE)
		rc = script_op_ints(s, a, i, key, out, n, &count);
	if (rc != 0)
		return rc;
	if (count == 0 && absent != NULL) {
		memcpy(out, absent, n * sizeof(*out));
		return 0;
	}
	if (count == 1)
		for (size_t k = 1; k < n; k++)
			out[k] = out[0];
	return count == n || count == 1
		   ? 0
		   : script_fail(
			 s, a->callee, "%zu numbers instead of %zu", count, n);
}

double
script_op_real(
    const struct script_args *a, size_t i, const char *key, double absent)
{
	const struct script_value *v = script_op_arg(a, i, key);

	return v->type == SCRIPT_REAL                            ? v->f
	       : v->type == SCRIPT_INT || v->type == SCRIPT_BOOL ? (double)v->i
								 : absent;
}

int64_t
script_op_int(
    const struct script_args *a, size_t i, const char *key, int64_t absent)
{
	const struct script_value *v = script_op_arg(a, i, key);

	return v->type == SCRIPT_INT || v->type == SCRIPT_BOOL ? v->i : absent;
}

int64_t
script_op_window(int64_t in, int64_t kernel, int64_t stride, int64_t before,
    int64_t behind, int64_t dilation, bool ceil)
{
	int64_t left, n;

	if (in < 0 || stride < 1 || in > INT32_MAX || kernel > INT32_MAX ||
	    dilation > INT32_MAX || before > INT32_MAX || behind > INT32_MAX)
		return -1;
	left = in + before + behind - dilation * (kernel - 1) - 1;
	if (left < 0)
		return -1;
	n = (left + (ceil ? stride - 1 : 0)) / stride + 1;
	/* the last window begins in the image or in front of it */
	return ceil && (n - 1) * stride >= in + before ? n - 1 : n;
}

/* --- calls --------------------------------------------------------------- */

static const struct script_op *
find(const char *name, size_t len)
{
	static const struct script_op *const tables[] = {script_op_adapt,
	    script_op_attend, script_op_curve, script_op_einsum,
	    script_op_image, script_op_layer, script_op_made, script_op_math,
	    script_op_norm, script_op_part, script_op_place, script_op_scan,
	    script_op_shape, script_op_slide, script_op_truth, script_op_type,
	    script_op_weight};

	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		for (const struct script_op *o = tables[i]; o->name != NULL;
		     o++)
			if (strlen(o->name) == len &&
			    memcmp(o->name, name, len) == 0)
				return o;
	return NULL;
}

/* x.relu_(): whoever has x has the result. */
static int
in_place(struct script *s, const struct script_args *a,
    const struct script_op *op, struct script_value *out)
{
	struct script_tensor *x = NULL;
	int rc;

	/* of a size, which a trace has as a tensor: "n *= size" */
	if (script_op_arg(a, 0, NULL)->type == SCRIPT_INT)
		return op->fn(s, a, op, out);
	if ((rc = script_op_tensor(s, a, 0, &x)) != 0 ||
	    (rc = op->fn(s, a, op, out)) != 0)
		return rc;
	if (out->type != SCRIPT_TENSOR)
		return script_fail(s, a->callee, "in place");
	if (out->t == x)
		return 0;
	if (x->shared || x->data != NULL)
		return script_fail(
		    s, a->callee, "in the place of a tensor that others show");
	*x = *out->t;
	out->t = x;
	return 0;
}

/* Whether the operation has asked for each argument that has a key, or it makes
 * no difference here. */
static int
check_keys(struct script *s, const struct script_args *a)
{
	static const char *const free[] = {"memory_format", "layout", "device",
	    "pin_memory", "non_blocking", "copy", "implicit", "path"};

	for (size_t k = 0; k < a->n; k++) {
		const struct script_value *v = &a->v[k];
		bool known = a->key[k] == NULL || v->type == SCRIPT_NONE ||
			     (*a->used >> k % 64 & 1) != 0;

		for (size_t i = 0; i < ARRAY_LEN(free) && !known; i++)
			known = strcmp(a->key[k], free[i]) == 0;
		/* half, float and double are all floats */
		if (!known && strcmp(a->key[k], "dtype") == 0)
			known = v->type == SCRIPT_INT && v->i >= 5 && v->i <= 7;
		if (!known)
			return script_fail(s, a->callee,
			    "an argument '%.40s', which is not known here",
			    a->key[k]);
	}
	return 0;
}

/* Sizes of which sums and products of two fit. */
static int
check_sizes(struct script *s, const char *callee, const struct script_value *v)
{
	int rc = 0;

	if (v->type == SCRIPT_ROW)
		for (size_t i = 0; rc == 0 && i < v->list->n; i++)
			if (v->list->v[i].type == SCRIPT_TENSOR)
				rc = check_sizes(s, callee, &v->list->v[i]);
	if (v->type == SCRIPT_TENSOR)
		for (size_t i = 0; i < v->t->rank; i++)
			if (v->t->dim[i] > INT32_MAX)
				return script_fail(
				    s, callee, "a result of more than 2^31");
	return rc;
}

static int
operate(struct script *s, const struct script_op *op, bool there,
    const struct script_args *a, struct script_value *out)
{
	uint64_t used = 0;
	struct script_args b = *a;
	int rc;

	b.used = &used;
	rc = there ? in_place(s, &b, op, out) : op->fn(s, &b, op, out);
	if (rc == 0)
		rc = check_keys(s, &b);
	return rc != 0 ? rc : check_sizes(s, a->callee, out);
}

int
script_op_call(struct script *s, const char *callee,
    const struct script_args *a, struct script_value *out)
{
	const char *name = strrchr(callee, '.');
	size_t len;
	const struct script_op *op;

	name = name != NULL ? name + 1 : callee;
	len = strlen(name);
	*out = (struct script_value){.type = SCRIPT_NONE};
	if (strncmp(callee, "torch.", 6) != 0 || name != callee + 6)
		return script_fail(s, callee, "not known here");
	if ((op = find(name, len)) != NULL)
		return operate(s, op, false, a, out);
	if (len > 1 && name[len - 1] == '_' &&
	    (op = find(name, len - 1)) != NULL)
		return operate(s, op, true, a, out);
	return script_fail(s, callee, "an operation that is not known here");
}
