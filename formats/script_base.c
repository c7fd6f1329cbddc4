/* SPDX-License-Identifier: MIT */
#include "formats/script_base.h"

#include "formats/script_node.h"

#include <math.h>

#define arg  script_base_arg
#define real script_base_real

/* --- arguments ----------------------------------------------------------- */

const struct script_value *
script_base_arg(const struct script_args *a, size_t i)
{
	static const struct script_value none = {.type = SCRIPT_NONE};

	return i < a->n ? &a->v[i] : &none;
}

bool
script_base_real(const struct script_value *v, double *out)
{
	if (v->type == SCRIPT_REAL)
		*out = v->f;
	else if (v->type == SCRIPT_INT || v->type == SCRIPT_BOOL)
		*out = (double)v->i;
	else
		return false;
	return true;
}

static void
put_int(struct script_value *out, int64_t v)
{
	*out = (struct script_value){.type = SCRIPT_INT, .i = v};
}

/* --- types and items ----------------------------------------------------- */

bool
script_base_is_type(const char *callee)
{
	return strcmp(callee, "annotate") == 0 ||
	       strcmp(callee, "unchecked_cast") == 0 ||
	       strcmp(callee, "uninitialized") == 0;
}

bool
script_base_typed(
    const struct script_expr *e, const char *callee, struct script_value *out)
{
	*out = (struct script_value){.type = SCRIPT_NONE};
	return strcmp(callee, "uninitialized") != 0 && e->n == 3;
}

int
script_base_item(struct script *s, const struct script_value *v,
    const struct script_value *i, struct script_value *out)
{
	int64_t at = i->i;

	if (i->type != SCRIPT_INT)
		return script_fail(s, "[]", "an index that is not known");
	if (v->type != SCRIPT_ROW)
		return script_fail(s, "[]", "an item of what is no list");
	if (at < 0)
		at += (int64_t)v->list->n;
	if (at < 0 || (size_t)at >= v->list->n)
		return script_fail(s, "[]", "an item that is not there");
	*out = v->list->v[at];
	return 0;
}

/* --- sizes --------------------------------------------------------------- */

static int
do_size(struct script *s, const struct script_args *a, struct script_value *out,
    bool *known)
{
	const struct script_value *x = arg(a, 0), *d = arg(a, 1);
	struct script_value v;
	int rc;

	if ((*known = x->type == SCRIPT_TENSOR) == false)
		return 0;
	if (d->type == SCRIPT_INT)
		return script_node_size(s, x->t, d->i, out);
	rc = script_row(s, out);
	for (size_t i = 0; rc == 0 && i < x->t->rank; i++)
		if ((rc = script_node_size(s, x->t, (int64_t)i, &v)) == 0)
			rc = script_row_add(s, out->list, &v);
	return rc;
}

static int
do_dim(struct script *s, const struct script_args *a, struct script_value *out,
    bool *known)
{
	(void)s;
	*known = arg(a, 0)->type == SCRIPT_TENSOR;
	if (*known)
		put_int(out, (int64_t)a->v[0].t->rank);
	return 0;
}

/* numel(x): of an image it is only known that there are some. */
static int
do_count(struct script *s, const struct script_args *a,
    struct script_value *out, bool *known)
{
	const struct script_value *x = arg(a, 0);
	int64_t n = 1;
	int rc;

	if ((*known = x->type == SCRIPT_TENSOR) == false)
		return 0;
	for (size_t i = 0; i < x->t->rank && n >= 0; i++)
		if (x->t->dim[i] < 0 || ckd_mul(&n, n, x->t->dim[i]))
			n = -1;
	put_int(out, n);
	if (n >= 0)
		return 0;
	rc = script_node_value(s,
	    script_node_one(s, "Size", script_node_input(s, x, false)), 0, out);
	if (rc == 0) {
		out->t->whole = true;
		out->t->size_of = x->t;
		out->t->axis = -1;
	}
	return rc;
}

static int
do_len(struct script *s, const struct script_args *a, struct script_value *out,
    bool *known)
{
	const struct script_value *x = arg(a, 0);

	(void)known;
	if (x->type == SCRIPT_ROW) {
		put_int(out, (int64_t)x->list->n);
		return 0;
	}
	if (x->type == SCRIPT_TEXT) {
		put_int(out, (int64_t)strlen(x->s));
		return 0;
	}
	if (x->type == SCRIPT_TENSOR && x->t->rank != 0)
		return script_node_size(s, x->t, 0, out);
	if (x->type == SCRIPT_UNKNOWN && x->s != NULL) {
		*out = (struct script_value){
		    .type = SCRIPT_UNKNOWN, .s = script_words_some};
		return 0;
	}
	return script_fail(s, "len", "of what is no list");
}

/* --- lists --------------------------------------------------------------- */

static int
do_list(struct script *s, const struct script_args *a, struct script_value *out,
    bool *known)
{
	const struct script_value *x = arg(a, 0);
	int rc;

	(void)known;
	if (x->type != SCRIPT_ROW)
		return script_fail(s, "list", "of what is no list");
	rc = script_row(s, out);
	for (size_t i = 0; rc == 0 && i < x->list->n; i++)
		rc = script_row_add(s, out->list, &x->list->v[i]);
	return rc;
}

static int
do_append(struct script *s, const struct script_args *a,
    struct script_value *out, bool *known)
{
	(void)known;
	if (a->n != 2 || a->v[0].type != SCRIPT_ROW)
		return script_fail(s, "append", "to what is no list");
	if (a->v[0].list->kept)
		return script_fail(s, "append", "to a list of the model's");
	*out = a->v[0];
	return script_row_add(s, a->v[0].list, &a->v[1]);
}

static int
do_slice(struct script *s, const struct script_args *a,
    struct script_value *out, bool *known)
{
	const struct script_value *x = arg(a, 0);
	int64_t n, from, to, step;
	int rc;

	if ((*known = x->type == SCRIPT_ROW) == false)
		return 0;
	n = (int64_t)x->list->n;
	from = arg(a, 1)->type == SCRIPT_INT ? a->v[1].i : 0;
	to = arg(a, 2)->type == SCRIPT_INT ? a->v[2].i : n;
	step = arg(a, 3)->type == SCRIPT_INT ? a->v[3].i : 1;
	from = MIN(MAX(from < 0 ? from + n : from, 0), n);
	to = MIN(MAX(to < 0 ? to + n : to, 0), n);
	if (step < 1 || step > INT32_MAX)
		return script_fail(s, "slice", "of a list, backwards");
	rc = script_row(s, out);
	for (int64_t i = from; rc == 0 && i < to; i += step)
		rc = script_row_add(s, out->list, &x->list->v[i]);
	return rc;
}

/* The integers that a loop is made of, of which sums and products fit. */
static int
three(struct script *s, const struct script_args *a, int64_t v[3])
{
	for (size_t i = 0; i < 3 && i < a->n; i++) {
		v[i] = a->v[i].i;
		if (a->v[i].type != SCRIPT_INT || v[i] > INT32_MAX ||
		    v[i] < INT32_MIN)
			return script_fail(s, a->callee, "of no known number");
	}
	return 0;
}

static int64_t
turns(const int64_t v[3])
{
	if (v[2] > 0 && v[1] > v[0])
		return (v[1] - v[0] + v[2] - 1) / v[2];
	if (v[2] < 0 && v[1] < v[0])
		return (v[0] - v[1] - v[2] - 1) / -v[2];
	return 0;
}

/* range(n), range(a, b), range(a, b, step): a list. */
static int
do_range(struct script *s, const struct script_args *a,
    struct script_value *out, bool *known)
{
	int64_t v[3] = {0, 0, 1};
	int rc = three(s, a, v);

	(void)known;
	if (a->n == 1) {
		v[1] = v[0];
		v[0] = 0;
	}
	if (rc != 0 || (rc = script_row(s, out)) != 0)
		return rc;
	if (turns(v) > 65536)
		return script_full(s);
	for (int64_t i = 0; rc == 0 && i < turns(v); i++) {
		struct script_value item = {
		    .type = SCRIPT_INT, .i = v[0] + i * v[2]};

		rc = script_row_add(s, out->list, &item);
	}
	return rc;
}

/* How often range(from, to, step) turns, and with what the i-th time: what
 * becomes of "for i in range(2, n)". */
static int
do_turns(struct script *s, const struct script_args *a,
    struct script_value *out, bool *known)
{
	int64_t v[3] = {0, 0, 1};
	int rc = three(s, a, v);

	(void)known;
	put_int(out, turns(v));
	return rc;
}

static int
do_turn(struct script *s, const struct script_args *a, struct script_value *out,
    bool *known)
{
	int64_t v[3] = {0, 0, 0};
	int rc = three(s, a, v);

	(void)known;
	put_int(out, v[1] + v[0] * v[2]);
	return rc;
}

/* --- numbers ------------------------------------------------------------- */

static int
do_identity(struct script *s, const struct script_args *a,
    struct script_value *out, bool *known)
{
	(void)s;
	(void)known;
	*out = *arg(a, 0);
	return 0;
}

static int
do_int(struct script *s, const struct script_args *a, struct script_value *out,
    bool *known)
{
	const struct script_value *x = arg(a, 0);

	(void)known;
	*out = *x;
	if (x->type == SCRIPT_REAL && fabs(x->f) < 1e15)
		put_int(out, (int64_t)x->f);
	else if (x->type == SCRIPT_BOOL)
		put_int(out, x->i);
	else if (x->type != SCRIPT_INT &&
		 (x->type != SCRIPT_TENSOR || !x->t->whole || x->t->rank != 0))
		return script_fail(s, "int", "of no whole number");
	return 0;
}

static int
do_float(struct script *s, const struct script_args *a,
    struct script_value *out, bool *known)
{
	double v;

	(void)known;
	if (!real(arg(a, 0), &v))
		return arg(a, 0)->type == SCRIPT_TENSOR && a->v[0].t->rank == 0
			   ? script_node_float(s, &a->v[0], out)
			   : script_fail(s, "float", "of no number");
	*out = (struct script_value){.type = SCRIPT_REAL, .f = v};
	return 0;
}

static int
do_nothing(struct script *s, const struct script_args *a,
    struct script_value *out, bool *known)
{
	(void)s;
	(void)a;
	(void)known;
	*out = (struct script_value){.type = SCRIPT_NONE};
	return 0;
}

/* c10/core/ScalarType.h: float, long, bool */
static int
do_dtype(struct script *s, const struct script_args *a,
    struct script_value *out, bool *known)
{
	const struct script_value *x = arg(a, 0);

	(void)s;
	(void)known;
	put_int(out, x->type != SCRIPT_TENSOR ? 6
		     : x->t->truth            ? 11
		     : x->t->whole            ? 4
					      : 6);
	return 0;
}

static int
do_false(struct script *s, const struct script_args *a,
    struct script_value *out, bool *known)
{
	(void)s;
	(void)a;
	(void)known;
	*out = (struct script_value){.type = SCRIPT_BOOL, .i = 0};
	return 0;
}

static int
do_true(struct script *s, const struct script_args *a, struct script_value *out,
    bool *known)
{
	(void)s;
	(void)a;
	(void)known;
	*out = (struct script_value){.type = SCRIPT_BOOL, .i = 1};
	return 0;
}

/* On another machine, or while no gradients are wanted, it is otherwise. */
static int
do_assumed_true(struct script *s, const struct script_args *a,
    struct script_value *out, bool *known)
{
	s->assumed = true;
	return do_true(s, a, out, known);
}

static int
do_assumed_false(struct script *s, const struct script_args *a,
    struct script_value *out, bool *known)
{
	s->assumed = true;
	return do_false(s, a, out, known);
}

static int
do_raise(struct script *s, const struct script_args *a,
    struct script_value *out, bool *known)
{
	(void)a;
	(void)out;
	(void)known;
	return script_fail(s, "RaiseException", "the code ends with an error");
}

static int
do_mkldnn(struct script *s, const struct script_args *a,
    struct script_value *out, bool *known)
{
	(void)a;
	(void)out;
	(void)known;
	return script_fail(s, "to_mkldnn",
	    "optimize_for_inference() leaves the weights out of the file");
}

/* Of a number; of a tensor it is an operation. */
static int
do_function(struct script *s, const struct script_args *a,
    struct script_value *out, bool *known)
{
	const char *op = strrchr(a->callee, '.') + 1;
	double v;

	(void)s;
	if (!(*known = real(arg(a, 0), &v)))
		return 0;
	if (*op == 'n' && a->v[0].type == SCRIPT_INT) {
		*known = a->v[0].i != INT64_MIN;
		put_int(out, *known ? -a->v[0].i : 0);
		return 0;
	}
	*out = (struct script_value){.type = SCRIPT_REAL};
	out->f = strcmp(op, "sqrt") == 0   ? sqrt(v)
		 : strcmp(op, "exp") == 0  ? exp(v)
		 : strcmp(op, "log") == 0  ? log(v)
		 : strcmp(op, "neg") == 0  ? -v
		 : strcmp(op, "ceil") == 0 ? ceil(v)
					   : floor(v);
	if ((*op == 'c' || *op == 'f') && fabs(v) < 1e15)
		put_int(out, (int64_t)out->f);
	return 0;
}

/* [x] * n */
static int
repeated(struct script *s, const struct script_row *x, int64_t n,
    struct script_value *out)
{
	int rc = script_row(s, out);

	for (int64_t k = 0; rc == 0 && x->n != 0 && k < n; k++)
		for (size_t i = 0; rc == 0 && i < x->n; i++)
			rc = script_row_add(s, out->list, &x->v[i]);
	return rc;
}

static int
do_arithmetic(struct script *s, const struct script_args *a,
    struct script_value *out, bool *known)
{
	const char *op = strrchr(a->callee, '.') + 1;
	const struct script_value *x = arg(a, 0), *y = arg(a, 1);

	*known = false;
	if (strcmp(op, "add") == 0 && x->type == SCRIPT_ROW &&
	    y->type == SCRIPT_ROW) { /* of lists */
		int rc = do_list(s, a, out, known);

		*known = true;
		for (size_t i = 0; rc == 0 && i < y->list->n; i++)
			rc = script_row_add(s, out->list, &y->list->v[i]);
		return rc;
	}
	if (strcmp(op, "add") == 0 && script_words_sum(s, x, y, out)) {
		*known = true;
		return 0;
	}
	if (strcmp(op, "mul") == 0 && x->type == SCRIPT_ROW &&
	    y->type == SCRIPT_INT) {
		*known = true;
		return repeated(s, x->list, y->i, out);
	}
	if (a->n == 3 && a->key[2] != NULL && a->v[2].type == SCRIPT_TEXT)
		op = "floordiv"; /* rounding_mode: sizes are not negative */
	else if (a->n < 2 ||
		 (a->n > 2 && (a->n != 3 || arg(a, 2)->type != SCRIPT_INT ||
				  a->v[2].i != 1)))
		return 0;
	*known = script_number(op, x, y, out);
	return 0;
}

/* --- the table ----------------------------------------------------------- */

/* What is no operation on tensors, or is one only where a tensor is given.
 * Gradients are said to be wanted, so that modules go the way of their parts
 * instead of one fused operation. */
static const struct script_base base[] = {
    {"torch.size", do_size},
    {"torch.dim", do_dim},
    {"torch.numel", do_count},
    {"torch.len", do_len},
    {"torch.list", do_list},
    {"torch.copy", do_list},
    {"torch.append", do_append},
    {"torch.slice", do_slice},
    {"range", do_range},
    {"torch.__range_length", do_turns},
    {"torch.__derive_index", do_turn},
    {"ops.prim.NumToTensor", do_identity},
    {"torch.scalar_tensor", do_identity},
    {"torch._shape_as_tensor", do_size},
    {"int", do_int},
    {"float", do_float},
    {"ops.prim.data", do_identity},
    {"ops.prim.dtype", do_dtype},
    {"ops.prim.layout", do_nothing},
    {"torch.device", do_identity},
    {"torch.warn", do_nothing},
    {"torch._assert", do_nothing},
    {"ops.profiler._record_function_enter", do_nothing},
    {"ops.prim.RaiseException", do_raise},
    {"torch.to_mkldnn", do_mkldnn},
    {"ops.prim.is_cuda", do_assumed_false},
    {"ops.prim.requires_grad", do_assumed_true},
    {"ops.prim.is_nested", do_false},
    {"ops.prim.is_sparse", do_false},
    {"ops.prim.is_quantized", do_false},
    {"torch.is_grad_enabled", do_assumed_true},
    {"torch.is_autocast_enabled", do_assumed_false},
    {"torch.is_floating_point", do_true},
    {"torch.is_scripting", do_true},
    {"torch.sqrt", do_function},
    {"torch.exp", do_function},
    {"torch.log", do_function},
    {"torch.neg", do_function},
    {"torch.ceil", do_function},
    {"torch.floor", do_function},
    {"torch.add", do_arithmetic},
    {"torch.sub", do_arithmetic},
    {"torch.mul", do_arithmetic},
    {"torch.div", do_arithmetic},
    {"torch.floordiv", do_arithmetic},
    {"torch.floor_divide", do_arithmetic},
    {"torch.remainder", do_arithmetic},
    {"torch.pow", do_arithmetic},
    {NULL, NULL},
};

int
script_base_call(struct script *s, const char *callee,
    const struct script_args *a, struct script_value *out, bool *known)
{
	static const struct script_base *const tables[] = {
	    base, script_truth, script_words};

	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		for (const struct script_base *b = tables[i]; b->name != NULL;
		     b++)
			if (strcmp(b->name, callee) == 0) {
				*known = true;
				return b->fn(s, a, out, known);
			}
	*known = false;
	return 0;
}
