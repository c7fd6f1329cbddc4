/* SPDX-License-Identifier: MIT */
#include "formats/script_node.h"

#include "base/limits.h"

#define ATTRS 8

/* --- nodes --------------------------------------------------------------- */

static const char *
fresh(struct script *s, const char *base)
{
	return arena_printf(s->arena, "%s:%zu", base, s->fresh++);
}

static int
room(struct script *s)
{
	size_t n = s->f.nnode, want = MAX(64, 2 * s->node_room);
	struct onnx_node *more;

	if (n < s->node_room)
		return 0;
	if (n >= LIMIT_NODES ||
	    (more = arena_alloc(s->arena, want, sizeof(*more))) == NULL)
		return script_full(s);
	if (n != 0)
		memcpy(more, s->f.node, n * sizeof(*more));
	s->f.node = more;
	s->node_room = want;
	return 0;
}

struct onnx_node *
script_node(struct script *s, const char *op, size_t nout,
    const char *const *in, size_t n)
{
	struct onnx_node *x;

	if (room(s) != 0)
		return NULL;
	x = &s->f.node[s->f.nnode++];
	*x = (struct onnx_node){.op = op,
	    .domain = "",
	    .overload = "",
	    .nin = n,
	    .nout = nout,
	    .at = ERR_NOWHERE};
	x->in = arena_alloc(s->arena, n + 1, sizeof(*x->in));
	x->out = arena_alloc(s->arena, nout, sizeof(*x->out));
	x->attr = arena_alloc(s->arena, ATTRS, sizeof(*x->attr));
	x->name = fresh(s, op);
	if (x->in == NULL || x->out == NULL || x->attr == NULL) {
		(void)!script_full(s);
		return NULL;
	}
	for (size_t i = 0; i < n; i++)
		x->in[i] = in[i] != NULL ? in[i] : "";
	for (size_t i = 0; i < nout; i++)
		x->out[i] = i == 0 ? x->name : fresh(s, op);
	return x;
}

static struct onnx_attr *
attr(struct script *s, struct onnx_node *n, const char *name, int64_t type)
{
	struct onnx_attr *a;

	if (n == NULL)
		return NULL;
	if (n->nattr == ATTRS) {
		(void)!script_full(s);
		return NULL;
	}
	a = &n->attr[n->nattr++];
	*a = (struct onnx_attr){.name = name, .type = type, .at = ERR_NOWHERE};
	return a;
}

int
script_node_int(
    struct script *s, struct onnx_node *n, const char *name, int64_t v)
{
	struct onnx_attr *a = attr(s, n, name, ONNX_INT);

	if (a == NULL)
		return ERR_LIMIT;
	a->i = v;
	return 0;
}

int
script_node_real(
    struct script *s, struct onnx_node *n, const char *name, double v)
{
	struct onnx_attr *a = attr(s, n, name, ONNX_FLOAT);

	if (a == NULL)
		return ERR_LIMIT;
	a->f = v;
	return 0;
}

int
script_node_text(
    struct script *s, struct onnx_node *n, const char *name, const char *v)
{
	struct onnx_attr *a = attr(s, n, name, ONNX_STRING);

	if (a == NULL)
		return ERR_LIMIT;
	a->s = v;
	return 0;
}

int
script_node_ints(struct script *s, struct onnx_node *n, const char *name,
    const int64_t *v, size_t count)
{
	struct onnx_attr *a = attr(s, n, name, ONNX_INTS);

	if (a == NULL || (a->ints = arena_alloc(
			      s->arena, count + 1, sizeof(*a->ints))) == NULL)
		return script_full(s);
	for (size_t i = 0; i < count; i++)
		a->ints[i] = v[i];
	a->n = count;
	return 0;
}

const char *
script_node_one(struct script *s, const char *op, const char *x)
{
	struct onnx_node *n = x != NULL ? script_node(s, op, 1, &x, 1) : NULL;

	return n != NULL ? n->out[0] : NULL;
}

const char *
script_node_two(struct script *s, const char *op, const char *x, const char *y)
{
	const char *in[] = {x, y};
	struct onnx_node *n =
	    x != NULL && y != NULL ? script_node(s, op, 1, in, 2) : NULL;

	return n != NULL ? n->out[0] : NULL;
}

/* --- constants ----------------------------------------------------------- */

static int
keep(struct script *s, const struct tensor *t)
{
	size_t n = s->f.ntensor, want = MAX(64, 2 * s->tensor_room);
	struct onnx_tensor *more;

	if (n == s->tensor_room) {
		if (n >= LIMIT_TENSORS ||
		    (more = arena_alloc(s->arena, want, sizeof(*more))) == NULL)
			return script_full(s);
		if (n != 0)
			memcpy(more, s->f.tensor, n * sizeof(*more));
		s->f.tensor = more;
		s->tensor_room = want;
	}
	s->f.tensor[n] = (struct onnx_tensor){
	    .t = *t, .type = onnx_tensor_type(t->dtype), .at = ERR_NOWHERE};
	s->f.ntensor++;
	return 0;
}

int
script_node_list(struct script *s, const struct tensor *t)
{
	int fresh_name = map_put(&s->listed, t->name, 0);

	if (fresh_name < 0)
		return script_full(s);
	return fresh_name == 1 ? keep(s, t) : 0;
}

static const char *
made(struct script *s, struct tensor *t, const void *data)
{
	t->name = fresh(s, "assay.constant");
	t->data = data;
	return data != NULL && keep(s, t) == 0 ? t->name : NULL;
}

const char *
script_node_whole(struct script *s, const int64_t *v, size_t n)
{
	struct tensor t = {
	    .dtype = DTYPE_I64, .rank = 1, .dim = {n}, .size = n * sizeof(*v)};
	int64_t *data = arena_alloc(s->arena, n + 1, sizeof(*data));

	for (size_t i = 0; data != NULL && i < n; i++)
		data[i] = v[i];
	return made(s, &t, data);
}

const char *
script_node_integer(struct script *s, int64_t v)
{
	struct tensor t = {.dtype = DTYPE_I64, .size = sizeof(v)};
	int64_t *data = arena_alloc(s->arena, 1, sizeof(*data));

	if (data != NULL)
		*data = v;
	return made(s, &t, data);
}

const char *
script_node_scalar(struct script *s, double v)
{
	struct tensor t = {.dtype = DTYPE_F32, .size = sizeof(float)};
	float *data = arena_alloc(s->arena, 1, sizeof(*data));

	if (data != NULL)
		*data = (float)v;
	return made(s, &t, data);
}

const char *
script_node_same(struct script *s, double v, const uint64_t *dim, size_t rank)
{
	struct tensor t = {.dtype = DTYPE_F32, .rank = rank};
	uint64_t n;
	float *data;

	for (size_t i = 0; i < rank; i++)
		t.dim[i] = dim[i];
	if (!tensor_elements(&t, &n) || n > LIMIT_FOLD_ELEMENTS ||
	    (data = arena_alloc(s->arena, n + 1, sizeof(*data))) == NULL) {
		(void)!script_full(s);
		return NULL;
	}
	for (uint64_t i = 0; i < n; i++)
		data[i] = (float)v;
	t.size = n * sizeof(*data);
	return made(s, &t, data);
}

/* --- values -------------------------------------------------------------- */

bool
script_node_axis(int64_t *d, size_t rank)
{
	if (*d < 0)
		*d += (int64_t)rank;
	return *d >= 0 && (size_t)*d < rank;
}

int
script_node_value(
    struct script *s, const char *name, size_t rank, struct script_value *out)
{
	if (name == NULL)
		return s->e->code != 0 ? s->e->code : script_full(s);
	if (rank > MODEL_MAX_RANK)
		return script_fail(
		    s, name, "more than %d dimensions", MODEL_MAX_RANK);
	out->type = SCRIPT_TENSOR;
	out->t = script_tensor(s, name, rank);
	return out->t != NULL ? 0 : script_full(s);
}

int
script_node_like(struct script *s, const char *name,
    const struct script_tensor *x, struct script_value *out)
{
	int rc = script_node_value(s, name, x->rank, out);

	for (size_t i = 0; rc == 0 && i < x->rank; i++)
		out->t->dim[i] = x->dim[i];
	if (rc == 0) {
		out->t->whole = x->whole;
		out->t->truth = x->truth;
		out->t->image = x->image;
	}
	return rc;
}

int
script_node_each(struct script *s, const char *name,
    const struct script_tensor *x, struct script_value *out)
{
	int rc = script_node_like(s, name, x, out);

	if (rc == 0)
		out->t->like = x->like != NULL ? x->like : x;
	return rc;
}

const char *
script_node_input(struct script *s, const struct script_value *v, bool whole)
{
	if (v->type == SCRIPT_TENSOR) {
		if (v->t->data != NULL && script_node_list(s, v->t->data) != 0)
			return NULL;
		return v->t->name;
	}
	if (v->type == SCRIPT_INT || v->type == SCRIPT_BOOL)
		return whole ? script_node_integer(s, v->i)
			     : script_node_scalar(s, (double)v->i);
	if (v->type == SCRIPT_REAL)
		return script_node_scalar(s, v->f);
	(void)!err_set(s->e, ERR_UNSUPPORTED, ERR_NOWHERE,
	    "torch: the code gives an operation what is no tensor");
	return NULL;
}

const char *
script_node_sizes(struct script *s, const struct script_row *l)
{
	static const int64_t zero[] = {0};
	int64_t v[2 * MODEL_MAX_RANK]; /* both edges of each dimension */
	const char *in[2 * MODEL_MAX_RANK], *at0;
	struct onnx_node *n;
	bool known = true;

	if (l->n == 0 || l->n > ARRAY_LEN(v)) {
		(void)!script_fail(s, "sizes", "%zu dimensions", l->n);
		return NULL;
	}
	for (size_t i = 0; i < l->n; i++) {
		known = known && l->v[i].type == SCRIPT_INT;
		v[i] = l->v[i].i;
	}
	if (known)
		return script_node_whole(s, v, l->n);
	if ((at0 = script_node_whole(s, zero, 1)) == NULL)
		return NULL;
	for (size_t i = 0; i < l->n; i++) {
		if (l->v[i].type == SCRIPT_INT)
			in[i] = script_node_whole(s, &l->v[i].i, 1);
		else
			in[i] = script_node_two(s, "Unsqueeze",
			    script_node_input(s, &l->v[i], true), at0);
		if (in[i] == NULL)
			return NULL;
	}
	n = script_node(s, "Concat", 1, in, l->n);
	return n != NULL && script_node_int(s, n, "axis", 0) == 0 ? n->out[0]
								  : NULL;
}

int
script_node_size(struct script *s, struct script_tensor *t, int64_t d,
    struct script_value *out)
{
	struct script_value x = {.type = SCRIPT_TENSOR, .t = t};
	const char *shape, *name;
	int rc;

	if (!script_node_axis(&d, t->rank))
		return script_fail(s, "size", "of a dimension that is none");
	*out = (struct script_value){.type = SCRIPT_INT, .i = t->dim[d]};
	if (t->dim[d] >= 0)
		return 0;
	shape = script_node_one(s, "Shape", script_node_input(s, &x, false));
	name = script_node_two(s, "Gather", shape, script_node_integer(s, d));
	if ((rc = script_node_value(s, name, 0, out)) == 0) {
		out->t->whole = true;
		out->t->size_of = t;
		out->t->axis = d;
	}
	return rc;
}

int
script_node_select(struct script *s, struct script_tensor *t, int64_t d,
    int64_t i, struct script_value *out)
{
	struct script_value x = {.type = SCRIPT_TENSOR, .t = t};
	const char *in[2] = {script_node_input(s, &x, false), NULL};
	struct onnx_node *n;
	int rc;

	if (!script_node_axis(&d, t->rank))
		return script_fail(s, "select", "a dimension that is none");
	in[1] = script_node_integer(s, i);
	if (in[0] == NULL || in[1] == NULL ||
	    (n = script_node(s, "Gather", 1, in, 2)) == NULL ||
	    script_node_int(s, n, "axis", d) != 0)
		return s->e->code;
	rc = script_node_value(s, n->out[0], t->rank - 1, out);
	for (size_t k = 0; rc == 0 && k + 1 < t->rank; k++)
		out->t->dim[k] = t->dim[k + (k >= (size_t)d)];
	if (rc == 0) {
		out->t->whole = t->whole;
		out->t->truth = t->truth;
		out->t->shared = t->shared = true;
	}
	return rc;
}

int
script_node_float(
    struct script *s, const struct script_value *v, struct script_value *out)
{
	const char *name = script_node_input(s, v, false);
	struct onnx_node *n;
	int rc;

	*out = *v;
	if (v->type != SCRIPT_TENSOR || !v->t->whole)
		return 0;
	if (name == NULL || (n = script_node(s, "Cast", 1, &name, 1)) == NULL ||
	    script_node_int(s, n, "to", 1) != 0)
		return s->e->code;
	if ((rc = script_node_like(s, n->out[0], v->t, out)) == 0)
		out->t->whole = out->t->truth = false;
	return rc;
}
