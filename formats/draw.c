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

void
draw_note(struct draw *a, const char *fmt, ...)
{
	char text[512];
	const char *note;
	va_list ap;

	if (a->rc != 0)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	note = arena_printf(&a->m->arena, "%s%s%s", a->m->note,
	    *a->m->note != '\0' ? "; " : "", text);
	if (note == NULL)
		a->rc =
		    err_set(a->e, ERR_LIMIT, ERR_NOWHERE, "model too large");
	else
		a->m->note = note;
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
		if (!a->w->ignored[i] &&
		    strncmp(a->w->tensor[i].name + a->w->prefix, prefix, n) ==
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
