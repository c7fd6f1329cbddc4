/* SPDX-License-Identifier: MIT */
#include "formats/build.h"

#include "base/limits.h"

#define BUILD_ATTRS 8

static void *
need(struct model *m, size_t n, size_t size)
{
	void *p = arena_alloc(&m->arena, n, size);

	if (p == NULL)
		BUG("model too large to build");
	return p;
}

static const char *
copy(struct model *m, const char *s)
{
	return arena_printf(&m->arena, "%s", s);
}

void
build_begin(struct model *m, size_t h, size_t w, size_t c)
{
	model_init(m, LIMIT_MODEL_ARENA);
	m->tensor = need(m, BUILD_MAX, sizeof(*m->tensor));
	m->node = need(m, BUILD_MAX, sizeof(*m->node));
	m->input = "image";
	m->shape[1] = (int64_t)c;
	m->shape[2] = (int64_t)h;
	m->shape[3] = (int64_t)w;
	m->format = "assay";
	m->producer = "assay-plant";
}

float *
build_tensor(struct model *m, const char *name, size_t rank, const size_t *dim)
{
	struct tensor *t = &m->tensor[m->ntensor];
	float *data;
	size_t n = 1;

	if (m->ntensor++ == BUILD_MAX || rank > MODEL_MAX_RANK)
		BUG("too many tensors");
	*t = (struct tensor){
	    .name = copy(m, name), .dtype = DTYPE_F32, .rank = rank};
	for (size_t i = 0; i < rank; i++) {
		t->dim[i] = dim[i];
		n *= dim[i];
	}
	data = need(m, n + 1, sizeof(*data));
	t->data = (const uint8_t *)data;
	t->size = n * sizeof(*data);
	return data;
}

const char *
build_node(struct model *m, const char *op, const char *name,
    const char *const *in, size_t nin)
{
	struct node *n = &m->node[m->nnode];

	if (m->nnode++ == BUILD_MAX)
		BUG("too many nodes");
	*n = (struct node){.op = op, .name = copy(m, name), .nin = nin};
	n->nout = 1;
	n->in = need(m, nin + 1, sizeof(*n->in));
	n->out = need(m, 1, sizeof(*n->out));
	n->attr = need(m, BUILD_ATTRS, sizeof(*n->attr));
	for (size_t i = 0; i < nin; i++)
		n->in[i] = copy(m, in[i]);
	n->out[0] = n->name;
	return n->name;
}

static struct attr *
new_attr(struct model *m, const char *name, enum attr_kind kind)
{
	struct node *n = &m->node[m->nnode - 1];

	if (n->nattr == BUILD_ATTRS)
		BUG("too many attributes");
	n->attr[n->nattr] = (struct attr){.name = name, .kind = kind};
	return &n->attr[n->nattr++];
}

void
build_int(struct model *m, const char *name, int64_t v)
{
	struct attr *a = new_attr(m, name, ATTR_INT);

	a->i = v;
	a->f = (double)v;
}

void
build_real(struct model *m, const char *name, double v)
{
	new_attr(m, name, ATTR_REAL)->f = v;
}

void
build_ints(struct model *m, const char *name, size_t n, const int64_t *v)
{
	struct attr *a = new_attr(m, name, ATTR_INTS);
	int64_t *to = need(m, n + 1, sizeof(*to));

	memcpy(to, v, n * sizeof(*to));
	a->ints = to;
	a->n = n;
}

void
build_end(struct model *m, const char *output, size_t classes)
{
	struct err e;

	m->output = copy(m, output);
	m->classes = classes;
	if (model_check(m, &e) != 0)
		BUG(e.msg);
}
