/* SPDX-License-Identifier: MIT */
#include "formats/onnx_lower.h"

#include "base/limits.h"
#include "formats/onnx_arith.h"
#include "formats/onnx_einsum.h"
#include "formats/onnx_fact.h"
#include "formats/onnx_fold.h"
#include "formats/onnx_lp.h"
#include "formats/onnx_norm.h"
#include "formats/onnx_ops.h"
#include "formats/onnx_ort.h"
#include "formats/onnx_quant_op.h"
#include "formats/onnx_shape.h"

#include <math.h>
#include <stdarg.h>

int
onnx_lower_fail(struct onnx_lower *l, const struct onnx_node *n, int code,
    const char *fmt, ...)
{
	char msg[sizeof(l->e->msg)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	return err_set(l->e, code, n->at, "onnx: node '%.80s' (%.40s): %s",
	    n->name, n->op, msg);
}

int
onnx_lower_need(struct onnx_lower *l, const struct onnx_node *n, size_t nin)
{
	for (size_t i = 0; i < nin; i++)
		if (i >= n->nin || *n->in[i] == '\0')
			return onnx_lower_fail(
			    l, n, ERR_FORMAT, "input %zu is missing", i);
	if (n->nout == 0 || *n->out[0] == '\0')
		return onnx_lower_fail(l, n, ERR_FORMAT, "it has no output");
	return 0;
}

/* --- names and constants ------------------------------------------------- */

const char *
onnx_lower_name(const struct onnx_lower *l, const char *name)
{
	size_t i = map_get(&l->alias, name);

	return i != SIZE_MAX ? l->target[i] : name;
}

void
onnx_lower_alias(struct onnx_lower *l, const char *name, const char *target)
{
	l->target[l->ntarget] = onnx_lower_name(l, target);
	if (map_put(&l->alias, name, l->ntarget) < 0)
		l->full = true;
	else
		l->ntarget++;
}

/* Where the number to try behind a name is kept, which was taken before. */
static unsigned *
next_of(struct onnx_lower *l, const char *name)
{
	size_t i = map_get(&l->tried, name);
	char *key;

	if (i != SIZE_MAX)
		return &l->next[i];
	if (l->nnext == l->next_cap) {
		size_t cap = 2 * l->next_cap + 64;
		unsigned *more = arena_alloc(&l->m->arena, cap, sizeof(*more));

		if (more == NULL)
			return NULL;
		if (l->nnext != 0)
			memcpy(more, l->next, l->nnext * sizeof(*more));
		l->next = more;
		l->next_cap = cap;
	}
	key = arena_strdup(&l->m->arena, name, strlen(name));
	if (key == NULL || map_put(&l->tried, key, l->nnext) < 0)
		return NULL;
	l->next[l->nnext] = 1;
	return &l->next[l->nnext++];
}

const char *
onnx_lower_fresh(struct onnx_lower *l, const char *base, const char *suffix)
{
	char name[LIMIT_NAME + 64];
	unsigned *k = NULL;
	char *s = NULL;

	snprintf(name, sizeof(name), "%s/%s", base, suffix);
	if (map_get(&l->taken, name) != SIZE_MAX)
		k = next_of(l, name);
	while (k != NULL && map_get(&l->taken, name) != SIZE_MAX)
		snprintf(name, sizeof(name), "%s/%s.%u", base, suffix, (*k)++);
	if (map_get(&l->taken, name) == SIZE_MAX)
		s = arena_strdup(&l->m->arena, name, strlen(name));
	if (s != NULL && map_put(&l->taken, s, 0) > 0)
		return s;
	l->full = true;
	return base;
}

const struct tensor *
onnx_lower_const(const struct onnx_lower *l, const char *name)
{
	size_t i = map_get(&l->constant, onnx_lower_name(l, name));

	return i != SIZE_MAX ? &l->m->tensor[i] : NULL;
}

bool
onnx_lower_ints(
    struct onnx_lower *l, const char *name, const int64_t **out, size_t *n)
{
	const struct tensor *t = onnx_lower_const(l, name);
	uint64_t count;
	int64_t *v;

	if (t == NULL || t->dtype == DTYPE_COUNT ||
	    !tensor_elements(t, &count) || count > LIMIT_ATTR_INTS)
		return false;
	v = arena_alloc(&l->m->arena, (size_t)count + 1, sizeof(*v));
	if (v == NULL) {
		l->full = true;
		return false;
	}
	for (uint64_t i = 0; i < count; i++)
		if (!tensor_int(t, i, &v[i]))
			return false;
	*out = v;
	*n = (size_t)count;
	return true;
}

void
onnx_lower_tensor(struct onnx_lower *l, const struct tensor *t)
{
	if (l->m->ntensor == l->tensor_cap ||
	    map_put(&l->constant, t->name, l->m->ntensor) < 0) {
		l->full = true;
		return;
	}
	l->m->tensor[l->m->ntensor++] = *t;
}

void
onnx_lower_number(struct onnx_lower *l, const char *name, enum dtype type,
    size_t rank, double v)
{
	struct tensor t = {.name = name,
	    .dtype = type,
	    .rank = rank,
	    .dim = {1},
	    .size = dtype_width(type)};
	uint8_t *data = arena_alloc(&l->m->arena, t.size, 1);
	uint64_t bits = (uint64_t)(int64_t)v;
	float f = (float)v;
	uint32_t raw;

	if (type != DTYPE_F32 && type != DTYPE_I64)
		BUG("type of a number");
	if (data == NULL) {
		l->full = true;
		return;
	}
	memcpy(&raw, &f, sizeof(raw));
	if (type == DTYPE_F32)
		bits = raw;
	for (size_t k = 0; k < t.size; k++)
		data[k] = (uint8_t)(bits >> 8 * k);
	t.data = data;
	onnx_lower_tensor(l, &t);
}

const char *
onnx_lower_scalar(struct onnx_lower *l, const struct onnx_node *from, double v)
{
	const char *name = onnx_lower_fresh(l, from->out[0], "number");

	onnx_lower_number(l, name, DTYPE_F32, 0, v);
	return name;
}

bool
onnx_lower_used(
    const struct onnx_lower *l, const struct onnx_node *n, size_t out)
{
	return out < n->nout && *n->out[out] != '\0' &&
	       map_get(&l->used, n->out[out]) != SIZE_MAX;
}

/* --- new nodes ----------------------------------------------------------- */

#define ATTRS_OF_OURS 12

struct node *
onnx_lower_node(struct onnx_lower *l, const struct onnx_node *from,
    const char *op, size_t nin, size_t nout)
{
	struct arena *a = &l->m->arena;
	struct node *n;

	if (l->m->nnode == l->node_cap) {
		l->full = true;
		return NULL;
	}
	n = &l->m->node[l->m->nnode];
	*n = (struct node){.op = op, .name = from->name};
	/* absent inputs at the end say nothing */
	nin = MIN(nin, from->nin);
	while (nin > 0 && *from->in[nin - 1] == '\0')
		nin--;
	n->nin = nin;
	n->nout = MIN(nout, from->nout);
	n->in = arena_alloc(a, n->nin + 4, sizeof(*n->in));
	n->out = arena_alloc(a, n->nout + 1, sizeof(*n->out));
	n->attr = arena_alloc(a, ATTRS_OF_OURS + from->nattr, sizeof(*n->attr));
	if (n->in == NULL || n->out == NULL || n->attr == NULL) {
		l->full = true;
		return NULL;
	}
	for (size_t i = 0; i < n->nin; i++)
		n->in[i] = onnx_lower_name(l, from->in[i]);
	for (size_t i = 0; i < n->nout; i++)
		n->out[i] = from->out[i];
	l->m->nnode++;
	return n;
}

struct node *
onnx_lower_insert(struct onnx_lower *l, const struct onnx_node *from,
    const char *op, const char *in, const char *out)
{
	struct node *n = onnx_lower_node(l, from, op, 1, 1);

	if (n == NULL)
		return NULL;
	n->in[0] = in;
	n->nin = 1;
	n->out[0] = out;
	n->nout = 1;
	return n;
}

static struct attr *
put(struct node *n, const char *name, enum attr_kind kind)
{
	struct attr *at = &n->attr[n->nattr++];

	*at = (struct attr){.name = name, .kind = kind};
	return at;
}

void
onnx_lower_put_int(struct node *n, const char *name, int64_t v)
{
	struct attr *at = put(n, name, ATTR_INT);

	at->i = v;
	at->f = (double)v;
}

void
onnx_lower_put_real(struct node *n, const char *name, double v)
{
	put(n, name, ATTR_REAL)->f = v;
}

void
onnx_lower_put_text(struct node *n, const char *name, const char *v)
{
	put(n, name, ATTR_TEXT)->s = v;
}

void
onnx_lower_put_ints(
    struct node *n, const char *name, const int64_t *v, size_t len)
{
	struct attr *at = put(n, name, ATTR_INTS);

	at->ints = v;
	at->n = len;
}

void
onnx_lower_put_reals(
    struct node *n, const char *name, const double *v, size_t len)
{
	struct attr *at = put(n, name, ATTR_REALS);

	at->reals = v;
	at->n = len;
}

/* --- attributes of the file ---------------------------------------------- */

static const struct onnx_attr *
get(struct onnx_lower *l, const struct onnx_node *n, const char *name,
    enum onnx_attr_type type)
{
	const struct onnx_attr *at = onnx_file_attr(n, name);

	if (at == NULL || at->type == (int64_t)type)
		return at;
	l->mistyped = at;
	return NULL;
}

int64_t
onnx_lower_get_int(struct onnx_lower *l, const struct onnx_node *n,
    const char *name, int64_t absent)
{
	const struct onnx_attr *at = get(l, n, name, ONNX_INT);

	return at != NULL ? at->i : absent;
}

double
onnx_lower_get_real(struct onnx_lower *l, const struct onnx_node *n,
    const char *name, double absent)
{
	const struct onnx_attr *at = get(l, n, name, ONNX_FLOAT);

	/* defaults are floats, too: the same once they were written */
	return at != NULL ? at->f : (double)(float)absent;
}

const char *
onnx_lower_get_text(struct onnx_lower *l, const struct onnx_node *n,
    const char *name, const char *absent)
{
	const struct onnx_attr *at = get(l, n, name, ONNX_STRING);

	return at != NULL ? at->s : absent;
}

bool
onnx_lower_get_ints(struct onnx_lower *l, const struct onnx_node *n,
    const char *name, const int64_t **out, size_t *len)
{
	const struct onnx_attr *at = get(l, n, name, ONNX_INTS);

	if (at == NULL || at->n > LIMIT_ATTR_INTS) {
		l->mistyped = at != NULL ? at : l->mistyped;
		return false;
	}
	*out = at->ints;
	*len = at->n;
	return true;
}

int
onnx_lower_put_rest(
    struct onnx_lower *l, const struct onnx_node *from, struct node *n)
{
	for (size_t i = 0; i < from->nattr; i++) {
		const struct onnx_attr *at = &from->attr[i];

		if (node_attr(n, at->name) != NULL)
			continue;
		/* Gemm before version 7 said so when it did */
		if (l->opset < 7 && strcmp(at->name, "broadcast") == 0)
			continue;
		if (*at->name == '\0')
			return onnx_lower_fail(
			    l, from, ERR_FORMAT, "an attribute without a name");
		switch (at->type) {
		case ONNX_FLOAT:
			onnx_lower_put_real(n, at->name, at->f);
			break;
		case ONNX_INT:
			onnx_lower_put_int(n, at->name, at->i);
			break;
		case ONNX_STRING:
			onnx_lower_put_text(n, at->name, at->s);
			break;
		case ONNX_FLOATS:
			onnx_lower_put_reals(n, at->name, at->reals, at->n);
			break;
		case ONNX_INTS:
			onnx_lower_put_ints(n, at->name, at->ints, at->n);
			break;
		default:
			/* of texts: RNN, LSTM and others that are not known */
			return onnx_lower_fail(l, from, ERR_UNSUPPORTED,
			    at->type == ONNX_TENSOR
				? "attribute '%s' holds a tensor"
				: "the operator is not supported, nor "
				  "attributes of texts or graphs ('%s')",
			    at->name);
		}
	}
	return 0;
}

/* --- operators that only have defaults ----------------------------------- */

static const struct {
	const char *op, *attr;
	enum attr_kind kind;
	double number;
	const char *text;
} default_table[] = {
    {"ArgMax", "axis", ATTR_INT, 0, NULL},
    {"ArgMax", "keepdims", ATTR_INT, 1, NULL},
    {"Celu", "alpha", ATTR_REAL, 1, NULL},
    {"Elu", "alpha", ATTR_REAL, 1, NULL},
    {"Flatten", "axis", ATTR_INT, 1, NULL},
    {"Gather", "axis", ATTR_INT, 0, NULL},
    {"Gelu", "approximate", ATTR_TEXT, 0, "none"},
    {"Gemm", "alpha", ATTR_REAL, 1, NULL},
    {"Gemm", "beta", ATTR_REAL, 1, NULL},
    {"Gemm", "transA", ATTR_INT, 0, NULL},
    {"Gemm", "transB", ATTR_INT, 0, NULL},
    {"GroupNormalization", "epsilon", ATTR_REAL, 1e-5, NULL},
    {"HardSigmoid", "alpha", ATTR_REAL, .2, NULL},
    {"HardSigmoid", "beta", ATTR_REAL, .5, NULL},
    {"InstanceNormalization", "epsilon", ATTR_REAL, 1e-5, NULL},
    {"IsInf", "detect_negative", ATTR_INT, 1, NULL},
    {"IsInf", "detect_positive", ATTR_INT, 1, NULL},
    {"LRN", "alpha", ATTR_REAL, 1e-4, NULL},
    {"LRN", "beta", ATTR_REAL, .75, NULL},
    {"LRN", "bias", ATTR_REAL, 1, NULL},
    {"LeakyRelu", "alpha", ATTR_REAL, .01, NULL},
    {"Selu", "alpha", ATTR_REAL, 1.67326319217681884765625, NULL},
    {"Selu", "gamma", ATTR_REAL, 1.05070102214813232421875, NULL},
    {"Shrink", "bias", ATTR_REAL, 0, NULL},
    {"Shrink", "lambd", ATTR_REAL, .5, NULL},
    {"ThresholdedRelu", "alpha", ATTR_REAL, 1, NULL},
    {"TopK", "axis", ATTR_INT, -1, NULL},
    {"TopK", "largest", ATTR_INT, 1, NULL},
};

static int
plain(struct onnx_lower *l, const struct onnx_node *from)
{
	size_t nout = from->nout;
	struct node *n;

	/* what nobody asks for, the indices of TopK above all */
	while (nout > 1 && !onnx_lower_used(l, from, nout - 1))
		nout--;
	n = onnx_lower_node(l, from, from->op, from->nin, nout);
	for (size_t i = 0; n != NULL && i < ARRAY_LEN(default_table); i++) {
		const char *attr = default_table[i].attr;
		double v = default_table[i].number;

		if (strcmp(default_table[i].op, from->op) != 0)
			continue;
		if (default_table[i].kind == ATTR_INT)
			onnx_lower_put_int(n, attr,
			    onnx_lower_get_int(l, from, attr, (int64_t)v));
		else if (default_table[i].kind == ATTR_REAL)
			onnx_lower_put_real(
			    n, attr, onnx_lower_get_real(l, from, attr, v));
		else
			onnx_lower_put_text(n, attr,
			    onnx_lower_get_text(
				l, from, attr, default_table[i].text));
	}
	return n != NULL ? onnx_lower_put_rest(l, from, n) : 0;
}

/* JSON has no infinities. */
static int
check_finite(
    struct onnx_lower *l, const struct onnx_node *from, const struct node *n)
{
	for (size_t i = 0; i < n->nattr; i++) {
		const struct attr *at = &n->attr[i];
		bool ok = at->kind != ATTR_REAL || isfinite(at->f);

		for (size_t k = 0; at->kind == ATTR_REALS && k < at->n; k++)
			ok = ok && isfinite(at->reals[k]);
		if (!ok)
			return onnx_lower_fail(l, from, ERR_UNSUPPORTED,
			    "attribute '%s' is not finite", at->name);
		if ((at->kind == ATTR_INTS || at->kind == ATTR_REALS) &&
		    at->n > LIMIT_ATTR_INTS)
			return onnx_lower_fail(l, from, ERR_LIMIT,
			    "attribute '%s' has %zu values", at->name, at->n);
	}
	return 0;
}

onnx_lower_fn *
onnx_lower_find(const char *op)
{
	static onnx_lower_fn *(*const table[])(const char *op) = {
	    onnx_arith_find, onnx_einsum_find, onnx_lp_find, onnx_norm_find,
	    onnx_ops_find, onnx_shape_find};
	onnx_lower_fn *fn = NULL;

	for (size_t i = 0; fn == NULL && i < ARRAY_LEN(table); i++)
		fn = table[i](op);
	return fn != NULL ? fn : plain;
}

int
onnx_lower_one(struct onnx_lower *l, const struct onnx_node *from)
{
	onnx_lower_fn *fn = onnx_quant_op_find(from->domain, from->op);
	size_t first = l->m->nnode;
	int rc;

	if (fn == NULL)
		fn = onnx_ort_find(from->domain, from->op);
	l->opset = from->opset != 0 ? from->opset : l->f->opset;
	if (from->opset < 0 || from->opset > 21 || (l->opset < 6 && !l->graph))
		return onnx_lower_fail(l, from, ERR_UNSUPPORTED,
		    "operator set %" PRId64 ", known are 6 to 21", l->opset);
	if (fn == NULL && *from->domain != '\0' &&
	    strcmp(from->domain, "ai.onnx") != 0)
		return onnx_lower_fail(l, from, ERR_UNSUPPORTED,
		    "an operator of domain '%s'", from->domain);
	for (size_t i = 0; i < from->nattr; i++)
		if (from->attr[i].type == ONNX_GRAPH ||
		    from->attr[i].type == ONNX_GRAPHS)
			return onnx_lower_fail(l, from, ERR_UNSUPPORTED,
			    strcmp(from->op, "If") == 0
				? "which branch it takes ('%s') is known only "
				  "when it runs"
				: "it runs a graph of its own, '%s'",
			    from->attr[i].name);
	if (fn == NULL)
		fn = onnx_lower_find(from->op);
	if ((rc = fn(l, from)) != 0)
		return rc;
	if (l->mistyped != NULL)
		return err_set(l->e, ERR_FORMAT, l->mistyped->at,
		    "onnx: node '%.80s' (%.40s): attribute '%s' is of the "
		    "wrong type",
		    from->name, from->op, l->mistyped->name);
	/* the engine computes all constants; a classifier should be small */
	if (!l->graph && l->m->nnode == first + 1 && !l->full &&
	    onnx_fold_node(l, &l->m->node[first]))
		l->m->nnode--;
	for (size_t i = first; i < l->m->nnode && !l->full; i++) {
		if ((rc = check_finite(l, from, &l->m->node[i])) != 0)
			return rc;
		onnx_fact_node(l, &l->m->node[i]);
	}
	return l->full ? onnx_lower_fail(l, from, ERR_LIMIT, "model too large")
		       : 0;
}
