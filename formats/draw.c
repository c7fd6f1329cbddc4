/* SPDX-License-Identifier: MIT */
#include "formats/draw.h"

#include "base/limits.h"

#include <stdarg.h>

#define NODE_INPUTS 8
#define NODE_ATTRS  8

/* --- failures, names ----------------------------------------------------- */

void
draw_fail(struct draw *a, const char *fmt, ...)
{
	char msg[sizeof(a->e->msg)];
	va_list ap;

	if (a->rc != 0)
		return;
	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	a->rc = err_set(a->e, ERR_UNSUPPORTED, ERR_NOWHERE, "%s", msg);
}

void *
draw_room(struct draw *a, size_t n, size_t size)
{
	void *p = a->rc == 0 ? arena_alloc(&a->m->arena, n, size) : NULL;

	if (a->rc == 0 && p == NULL)
		a->rc =
		    err_set(a->e, ERR_LIMIT, ERR_NOWHERE, "model too large");
	return p;
}

static const char *
keep(struct draw *a, const char *s)
{
	size_t n = strlen(s);
	char *p = draw_room(a, n + 1, 1);

	if (p == NULL)
		return "";
	memcpy(p, s, n);
	return p;
}

const char *
draw_path(struct draw *a, const char *fmt, ...)
{
	char name[LIMIT_NAME + 1];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(name, sizeof(name), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(name))
		draw_fail(a, "a name is too long");
	return a->rc == 0 ? keep(a, name) : "";
}

/* "module.name", or one of them where the other is "". */
static const char *
member(struct draw *a, const char *module, const char *name)
{
	return draw_path(a, "%s%s%s", module,
	    *module != '\0' && *name != '\0' ? "." : "", name);
}

/* --- weights ------------------------------------------------------------- */

const struct tensor *
draw_weight(struct draw *a, const char *module, const char *name)
{
	const char *path = member(a, module, name);
	const struct tensor *t;

	if (a->rc != 0)
		return NULL;
	if ((t = weights_get(a->w, path)) == NULL)
		draw_fail(a, "there is no tensor '%.100s'", path);
	return t;
}

bool
draw_has(const struct draw *a, const char *module, const char *name)
{
	char path[LIMIT_NAME + 1];
	int n = snprintf(path, sizeof(path), "%s%s%s", module,
	    *module != '\0' && *name != '\0' ? "." : "", name);

	return a->rc == 0 && n > 0 && (size_t)n < sizeof(path) &&
	       weights_has(a->w, path);
}

uint64_t
draw_dim(struct draw *a, const char *module, const char *name, size_t k)
{
	const struct tensor *t = draw_weight(a, module, name);

	if (t == NULL)
		return 0;
	if (k >= t->rank)
		draw_fail(a, "tensor '%.100s' has rank %zu", t->name, t->rank);
	return a->rc == 0 ? t->dim[k] : 0;
}

void
draw_ignore(struct draw *a, const char *prefix)
{
	size_t n = strlen(prefix);

	for (size_t i = 0; a->rc == 0 && i < a->w->n; i++)
		if (strncmp(a->w->tensor[i].name + a->w->prefix, prefix, n) ==
		    0)
			a->w->ignored[i] = true;
}

/* Room for one more of our own. */
static struct tensor *
new_tensor(struct draw *a)
{
	size_t want = MAX(16, 2 * a->tensors);
	struct tensor *more;

	if (a->m->ntensor == a->tensors) {
		if ((more = draw_room(a, want, sizeof(*more))) == NULL)
			return NULL;
		if (a->m->ntensor != 0)
			memcpy(
			    more, a->m->tensor, a->m->ntensor * sizeof(*more));
		a->m->tensor = more;
		a->tensors = want;
	}
	return a->rc == 0 ? &a->m->tensor[a->m->ntensor++] : NULL;
}

static uint8_t *
constant(struct draw *a, const char *name, enum dtype type, size_t rank,
    const uint64_t *dim)
{
	struct tensor *t = new_tensor(a);
	uint8_t *data;
	uint64_t n;

	if (t == NULL)
		return NULL;
	*t = (struct tensor){.name = name, .dtype = type, .rank = rank};
	for (size_t i = 0; i < rank; i++)
		t->dim[i] = dim[i];
	if (!tensor_elements(t, &n)) {
		draw_fail(a, "constant '%.100s' is too large", name);
		return NULL;
	}
	t->size = (size_t)n * dtype_width(type);
	data = draw_room(a, t->size + 1, 1);
	t->data = data;
	return data;
}

const char *
draw_constant(struct draw *a, const char *name, size_t rank,
    const uint64_t *dim, const double *v)
{
	const char *mine = draw_path(a, "assay.%s", name);
	uint8_t *at = constant(a, mine, DTYPE_F32, rank, dim);
	size_t n = at != NULL ? a->m->tensor[a->m->ntensor - 1].size / 4 : 0;

	for (size_t i = 0; i < n; i++) {
		float f = (float)v[i];
		uint32_t bits;

		memcpy(&bits, &f, sizeof(bits));
		for (size_t k = 0; k < 4; k++, bits >>= 8)
			*at++ = (uint8_t)bits;
	}
	return mine;
}

const char *
draw_tensor(struct draw *a, const struct tensor *t)
{
	struct tensor *mine = new_tensor(a);

	if (mine == NULL)
		return "";
	*mine = *t;
	return mine->name;
}

const char *
draw_integers(struct draw *a, const char *name, size_t n, const int64_t *v)
{
	const char *mine = draw_path(a, "assay.%s", name);
	uint8_t *at = constant(a, mine, DTYPE_I64, 1, &(uint64_t){n});

	for (size_t i = 0; at != NULL && i < n; i++) {
		uint64_t bits = (uint64_t)v[i];

		for (size_t k = 0; k < 8; k++, bits >>= 8)
			*at++ = (uint8_t)bits;
	}
	return mine;
}

/* --- nodes --------------------------------------------------------------- */

static struct node *
new_node(struct draw *a)
{
	size_t want = MAX(64, 2 * a->nodes);
	struct node *more;

	if (a->m->nnode == LIMIT_NODES)
		draw_fail(a, "more than %d nodes", LIMIT_NODES);
	if (a->rc == 0 && a->m->nnode == a->nodes) {
		if ((more = draw_room(a, want, sizeof(*more))) == NULL)
			return NULL;
		if (a->m->nnode != 0)
			memcpy(more, a->m->node, a->m->nnode * sizeof(*more));
		a->m->node = more;
		a->nodes = want;
	}
	return a->rc == 0 ? &a->m->node[a->m->nnode++] : NULL;
}

static const char *
add(struct draw *a, const char *op, const char *module, const char *const *in,
    size_t n)
{
	const char *name = member(a, module, op);
	struct node *node = new_node(a);

	if (node == NULL)
		return "";
	*node = (struct node){.op = op, .name = name, .nin = n, .nout = 1};
	node->in = draw_room(a, n, sizeof(*node->in));
	node->out = draw_room(a, 1, sizeof(*node->out));
	node->attr = draw_room(a, NODE_ATTRS, sizeof(*node->attr));
	if (a->rc != 0)
		return "";
	for (size_t i = 0; i < n; i++)
		node->in[i] = in[i];
	node->out[0] = draw_path(a, "%s:%zu", name, a->m->nnode);
	return node->out[0];
}

const char *
draw_node(struct draw *a, const char *op, const char *module, ...)
{
	const char *in[NODE_INPUTS];
	size_t n = 0;
	va_list ap;

	va_start(ap, module);
	while (n < NODE_INPUTS && (in[n] = va_arg(ap, const char *)) != NULL)
		n++;
	va_end(ap);
	if (n == NODE_INPUTS)
		BUG("too many inputs");
	return add(a, op, module, in, n);
}

const char *
draw_list(struct draw *a, const char *op, const char *module, size_t n,
    const char *const *in)
{
	return add(a, op, module, in, n);
}

static struct attr *
new_attr(struct draw *a, const char *name, enum attr_kind kind)
{
	struct node *n;
	struct attr *at;

	if (a->rc != 0)
		return NULL;
	n = &a->m->node[a->m->nnode - 1];
	if (n->nattr == NODE_ATTRS)
		BUG("too many attributes");
	at = &n->attr[n->nattr++];
	*at = (struct attr){.name = name, .kind = kind};
	return at;
}

void
draw_int(struct draw *a, const char *name, int64_t v)
{
	struct attr *at = new_attr(a, name, ATTR_INT);

	if (at != NULL)
		at->i = v;
}

void
draw_real(struct draw *a, const char *name, double v)
{
	struct attr *at = new_attr(a, name, ATTR_REAL);

	if (at != NULL)
		at->f = v;
}

void
draw_text(struct draw *a, const char *name, const char *v)
{
	struct attr *at = new_attr(a, name, ATTR_TEXT);

	if (at != NULL)
		at->s = v;
}

void
draw_ints(struct draw *a, const char *name, size_t n, const int64_t *v)
{
	struct attr *at = new_attr(a, name, ATTR_INTS);
	int64_t *ints = draw_room(a, n + 1, sizeof(*ints));
	double *reals = draw_room(a, n + 1, sizeof(*reals));

	if (a->rc != 0)
		return;
	for (size_t i = 0; i < n; i++) {
		ints[i] = v[i];
		reals[i] = (double)v[i];
	}
	at->ints = ints;
	at->reals = reals;
	at->n = n;
}

void
draw_reals(struct draw *a, const char *name, size_t n, const double *v)
{
	struct attr *at = new_attr(a, name, ATTR_REALS);
	double *reals = draw_room(a, n + 1, sizeof(*reals));

	if (a->rc != 0)
		return;
	for (size_t i = 0; i < n; i++)
		reals[i] = v[i];
	at->reals = reals;
	at->n = n;
}

/* --- layers -------------------------------------------------------------- */

/* A pair from the pickle of a whole module, where there is one. */
static void
pair(struct draw *a, const char *module, const char *name, int64_t out[2])
{
	const struct weights_attr *at = weights_attr(a->w, module, name);

	if (at == NULL || at->n == 0 || !(at->v[0] >= 0 && at->v[0] < 1e6))
		return;
	out[0] = out[1] = (int64_t)at->v[0];
	if (at->n > 1 && at->v[1] >= 0 && at->v[1] < 1e6)
		out[1] = (int64_t)at->v[1];
}

static double
epsilon(struct draw *a, const char *module, double absent)
{
	const struct weights_attr *at = weights_attr(a->w, module, "eps");

	return at != NULL && at->n == 1 && at->v[0] > 0 ? at->v[0] : absent;
}

/* The rank that a weight must have. */
static void
want_rank(struct draw *a, const struct tensor *t, size_t rank)
{
	if (t != NULL && t->rank != rank)
		draw_fail(a, "tensor '%.100s' has rank %zu, not %zu", t->name,
		    t->rank, rank);
}

static void
window(struct draw *a, const int64_t size[2], const int64_t stride[2],
    const int64_t pad[2])
{
	draw_ints(a, "kernel_shape", 2, size);
	draw_ints(a, "strides", 2, stride);
	draw_ints(a, "pads", 4, (int64_t[]){pad[0], pad[1], pad[0], pad[1]});
}

const char *
draw_conv(
    struct draw *a, const char *module, const char *x, struct draw_window v)
{
	const struct tensor *w = draw_weight(a, module, "weight");
	int64_t stride[2], pad[2] = {v.pad, v.pad}, dilation[2], groups[2];
	const char *y;

	want_rank(a, w, 4);
	if (w != NULL && MAX(w->dim[2], w->dim[3]) > LIMIT_IMAGE_SIDE)
		draw_fail(a, "tensor '%.100s' is a kernel that is too large",
		    w->name);
	if (a->rc != 0)
		return "";
	stride[0] = stride[1] = MAX(v.stride, 1);
	dilation[0] = dilation[1] = MAX(v.dilation, 1);
	groups[0] = v.groups == DRAW_EACH ? (int64_t)w->dim[0] : v.groups;
	for (size_t i = 0; v.pad == DRAW_SAME && i < 2; i++)
		pad[i] = (int64_t)w->dim[2 + i] / 2 * dilation[i];
	pair(a, module, "stride", stride);
	pair(a, module, "padding", pad);
	pair(a, module, "dilation", dilation);
	pair(a, module, "groups", groups);
	y = draw_node(a, "Conv", module, x, w->name,
	    draw_has(a, module, "bias") ? draw_weight(a, module, "bias")->name
					: NULL,
	    NULL);
	window(a, (int64_t[]){(int64_t)w->dim[2], (int64_t)w->dim[3]}, stride,
	    pad);
	draw_ints(a, "dilations", 2, dilation);
	draw_int(a, "group", MAX(groups[0], 1));
	return y;
}

const char *
draw_batch_norm(struct draw *a, const char *module, const char *x, double eps)
{
	static const char *const part[] = {
	    "weight", "bias", "running_mean", "running_var"};
	const struct tensor *t[4];
	const char *y;

	for (size_t i = 0; i < 4; i++) {
		t[i] = draw_weight(a, module, part[i]);
		want_rank(a, t[i], 1);
	}
	if (a->rc != 0)
		return "";
	y = draw_node(a, "BatchNormalization", module, x, t[0]->name,
	    t[1]->name, t[2]->name, t[3]->name, NULL);
	draw_real(a, "epsilon", epsilon(a, module, eps));
	return y;
}

const char *
draw_layer_norm(struct draw *a, const char *module, const char *x, double eps)
{
	const struct tensor *w = draw_weight(a, module, "weight");
	const struct tensor *b = draw_weight(a, module, "bias");
	const char *y;

	want_rank(a, w, 1);
	want_rank(a, b, 1);
	if (a->rc != 0)
		return "";
	y = draw_node(
	    a, "LayerNormalization", module, x, w->name, b->name, NULL);
	draw_int(a, "axis", -1);
	draw_real(a, "epsilon", epsilon(a, module, eps));
	return y;
}

/*
 * The weight as (in, out): another view of the same bytes of the file.  A
 * weight that two layers share is turned once.
 */
static void
turn(struct draw *a, const struct tensor *t)
{
	size_t i = (size_t)(t - a->w->tensor), width = dtype_width(t->dtype);
	struct tensor *mine = &a->w->tensor[i];
	uint64_t *stride, rows = t->dim[0];

	if (a->w->turned[i] ||
	    (stride = draw_room(a, 2, sizeof(*stride))) == NULL)
		return;
	stride[0] = t->stride != NULL ? t->stride[1] : width;
	stride[1] = t->stride != NULL ? t->stride[0] : width * t->dim[1];
	mine->dim[0] = t->dim[1];
	mine->dim[1] = rows;
	mine->stride = stride;
	a->w->turned[i] = true;
}

const char *
draw_matmul(struct draw *a, const char *at, const char *weight,
    const char *bias, const char *x)
{
	const struct tensor *w = draw_weight(a, weight, "");
	const char *y;

	want_rank(a, w, 2);
	if (a->rc != 0)
		return "";
	turn(a, w);
	y = draw_node(a, "MatMul", at, x, w->name, NULL);
	if (draw_has(a, bias, ""))
		y = draw_binary(
		    a, "Add", at, y, draw_weight(a, bias, "")->name);
	return y;
}

const char *
draw_linear(struct draw *a, const char *module, const char *x)
{
	return draw_matmul(a, module, member(a, module, "weight"),
	    member(a, module, "bias"), x);
}

const char *
draw_gemm(struct draw *a, const char *module, const char *x)
{
	const struct tensor *w = draw_weight(a, module, "weight");
	const struct tensor *b = NULL;
	const char *y;

	want_rank(a, w, 2);
	if (draw_has(a, module, "bias"))
		b = draw_weight(a, module, "bias");
	if (a->rc != 0)
		return "";
	y = draw_node(
	    a, "Gemm", module, x, w->name, b != NULL ? b->name : NULL, NULL);
	draw_real(a, "alpha", 1.0);
	draw_real(a, "beta", 1.0);
	draw_int(a, "transA", 0);
	draw_int(a, "transB", 1);
	return y;
}

const char *
draw_classifier(struct draw *a, const char *module, const char *x)
{
	a->m->classes = draw_dim(a, module, "weight", 0);
	return draw_gemm(a, module, x);
}

/* --- without weights ----------------------------------------------------- */

const char *
draw_unary(struct draw *a, const char *op, const char *at, const char *x)
{
	return draw_node(a, op, at, x, NULL);
}

const char *
draw_binary(struct draw *a, const char *op, const char *at, const char *x,
    const char *y)
{
	return draw_node(a, op, at, x, y, NULL);
}

const char *
draw_max_pool(struct draw *a, const char *at, const char *x, int64_t kernel,
    int64_t stride, int64_t pad, bool ceil)
{
	const char *y = draw_unary(a, "MaxPool", at, x);

	window(a, (int64_t[]){kernel, kernel}, (int64_t[]){stride, stride},
	    (int64_t[]){pad, pad});
	draw_ints(a, "dilations", 2, (int64_t[]){1, 1});
	draw_int(a, "ceil_mode", ceil);
	return y;
}

const char *
draw_average_pool(struct draw *a, const char *at, const char *x, int64_t kernel,
    int64_t stride, int64_t pad)
{
	const char *y = draw_unary(a, "AveragePool", at, x);

	window(a, (int64_t[]){kernel, kernel}, (int64_t[]){stride, stride},
	    (int64_t[]){pad, pad});
	draw_int(a, "ceil_mode", 0);
	draw_int(a, "count_include_pad", 1);
	return y;
}

const char *
draw_global_pool(struct draw *a, const char *at, const char *x)
{
	return draw_flatten(a, at, draw_unary(a, "GlobalAveragePool", at, x));
}

const char *
draw_flatten(struct draw *a, const char *at, const char *x)
{
	const char *y = draw_unary(a, "Flatten", at, x);

	draw_int(a, "axis", 1);
	return y;
}

const char *
draw_reshape(struct draw *a, const char *at, const char *x, size_t rank,
    const int64_t *dim)
{
	const char *y = draw_unary(a, "Reshape", at, x);

	draw_ints(a, "shape", rank, dim);
	draw_int(a, "allowzero", 0);
	return y;
}

const char *
draw_transpose(struct draw *a, const char *at, const char *x, size_t rank,
    const int64_t *perm)
{
	const char *y = draw_unary(a, "Transpose", at, x);

	draw_ints(a, "perm", rank, perm);
	return y;
}
