/* SPDX-License-Identifier: MIT */
#include "audit/check_arch_build.h"

#include "base/limits.h"

#include <math.h>

#define FIRST 16      /* room to begin with */
#define MARKS 4000000 /* names to remember, at all branches */

void
check_arch_build_init(
    struct check_arch_build *b, struct arena *a, struct onnx_file *x)
{
	*b = (struct check_arch_build){.arena = a, .x = x, .left = MARKS};
	map_init(&b->by_name, a);
}

void
check_arch_build_end(const struct check_arch_build *b, struct err *e)
{
	if (b->full)
		(void)err_set(e, ERR_LIMIT, ERR_NOWHERE,
		    "graph: more than memory for it");
}

/* Room for one more of `size` bytes behind n: the array, old or new. */
static void *
grown(
    struct check_arch_build *b, void *old, size_t n, size_t *room, size_t size)
{
	void *p;

	if (n < *room)
		return old;
	*room = MAX(2 * *room, (size_t)FIRST);
	p = arena_alloc(b->arena, *room, size);
	if (p == NULL) {
		b->full = true;
		*room = n;
		return old;
	}
	if (n != 0)
		memcpy(p, old, n * size);
	return p;
}

/* --- names --------------------------------------------------------------- */

const char *
check_arch_build_kept(struct check_arch_build *b, const char *s, size_t len)
{
	const char *p = s != NULL && len <= LIMIT_NAME
			    ? arena_strdup(b->arena, s, len)
			    : NULL;

	b->full = b->full || p == NULL;
	return p != NULL ? p : "";
}

const char *
check_arch_build_bytes(struct check_arch_build *b, struct rd r)
{
	return r.len == 0
		   ? ""
		   : check_arch_build_kept(b, (const char *)r.base, r.len);
}

const char *
check_arch_build_get(struct check_arch_build *b, const char *name)
{
	size_t at = map_get(&b->by_name, name);

	return at != SIZE_MAX ? b->now[at] : "";
}

void
check_arch_build_put(
    struct check_arch_build *b, const char *name, const char *value)
{
	size_t at = map_get(&b->by_name, name);

	if (at == SIZE_MAX) {
		b->now =
		    grown(b, b->now, b->nnow, &b->now_room, sizeof(*b->now));
		b->called = grown(
		    b, b->called, b->nnow, &b->called_room, sizeof(*b->called));
		if (b->full ||
		    map_put(&b->by_name, name, b->nnow) == ERR_LIMIT) {
			b->full = true;
			return;
		}
		at = b->nnow++;
		b->called[at] = name;
	}
	b->now[at] = value;
}

const char *
check_arch_build_set(struct check_arch_build *b, const char *name)
{
	const char *value = arena_printf(b->arena, "%s#%zu", name, b->fresh++);

	if (value == NULL) {
		b->full = true;
		return "";
	}
	check_arch_build_put(b, name, value);
	return value;
}

void
check_arch_build_add(
    struct check_arch_build *b, struct check_arch_list *l, const char *value)
{
	l->name = grown(b, l->name, l->n, &l->room, sizeof(*l->name));
	if (!b->full)
		l->name[l->n++] = value;
}

/* --- the graph ----------------------------------------------------------- */

void
check_arch_build_node(struct check_arch_build *b, const char *op,
    const char *name, const struct check_arch_list *in,
    const struct check_arch_list *out, int64_t to)
{
	struct onnx_file *x = b->x;
	struct onnx_node *n;

	x->node = grown(b, x->node, x->nnode, &b->node_room, sizeof(*x->node));
	b->full = b->full || x->nnode == LIMIT_NODES;
	if (b->full || out->n == 0)
		return;
	n = &x->node[x->nnode];
	*n = (struct onnx_node){.op = op,
	    .name = name,
	    .domain = "",
	    .overload = "",
	    .in = in->name,
	    .nin = in->n,
	    .out = out->name,
	    .nout = out->n};
	if (to != 0) {
		n->attr = arena_alloc(b->arena, 1, sizeof(*n->attr));
		b->full = n->attr == NULL;
		if (b->full)
			return;
		n->attr[n->nattr++] =
		    (struct onnx_attr){.name = "to", .type = ONNX_INT, .i = to};
	}
	x->nnode++;
}

const char *
check_arch_build_constant(struct check_arch_build *b, const char *name,
    const struct tensor *t, double number)
{
	struct onnx_file *x = b->x;
	struct tensor *to;
	float *v = arena_alloc(b->arena, 1, sizeof(*v));
	const char *value = check_arch_build_set(b, name);

	x->tensor = grown(
	    b, x->tensor, x->ntensor, &b->tensor_room, sizeof(*x->tensor));
	b->full = b->full || v == NULL || x->ntensor == LIMIT_TENSORS;
	if (b->full)
		return "";
	to = &x->tensor[x->ntensor++].t;
	*to = *t;
	to->name = value;
	to->dtype = DTYPE_F32;
	if (!isnan(number)) {
		*v = (float)number;
		to->data = (const uint8_t *)v;
		to->size = sizeof(*v);
	}
	return value;
}

void
check_arch_build_input(
    struct check_arch_build *b, const char *value, int64_t type, size_t rank)
{
	struct onnx_file *x = b->x;

	x->input =
	    grown(b, x->input, x->ninput, &b->input_room, sizeof(*x->input));
	b->full = b->full || x->ninput == LIMIT_TENSORS;
	if (!b->full)
		x->input[x->ninput++] = (struct onnx_value){
		    .name = value, .type = type, .shaped = true, .rank = rank};
}

void
check_arch_build_output(
    struct check_arch_build *b, const char *value, size_t rank)
{
	struct onnx_file *x = b->x;

	x->output = grown(
	    b, x->output, x->noutput, &b->output_room, sizeof(*x->output));
	b->full = b->full || x->noutput == LIMIT_TENSORS;
	if (!b->full && *value != '\0')
		x->output[x->noutput++] = (struct onnx_value){
		    .name = value, .shaped = rank != 0, .rank = rank};
}

void
check_arch_build_ends(struct check_arch_build *b)
{
	struct onnx_file *x = b->x;
	struct map used;

	map_init(&used, b->arena);
	for (size_t i = 0; i < x->nnode && !b->full; i++)
		for (size_t k = 0; k < x->node[i].nin; k++)
			if (map_put(&used, x->node[i].in[k], 1) == ERR_LIMIT)
				b->full = true;
	for (size_t i = 0; i < x->noutput && !b->full; i++)
		b->full = map_put(&used, x->output[i].name, 1) == ERR_LIMIT;
	for (size_t i = 0; i < x->nnode && !b->full; i++)
		for (size_t k = 0; k < x->node[i].nout; k++)
			if (map_get(&used, x->node[i].out[k]) == SIZE_MAX)
				check_arch_build_output(
				    b, x->node[i].out[k], 0);
}

/* --- branches ------------------------------------------------------------ */

void
check_arch_build_choose(struct check_arch_build *b, const char *name,
    const char *decides, const char *x, const char *y)
{
	struct check_arch_list in = {0}, out = {0};

	check_arch_build_add(b, &in, decides);
	check_arch_build_add(b, &in, x);
	check_arch_build_add(b, &in, y);
	check_arch_build_add(b, &out, check_arch_build_set(b, name));
	check_arch_build_node(b, "If", name, &in, &out, 0);
}

struct check_arch_mark
check_arch_build_mark(struct check_arch_build *b)
{
	struct check_arch_mark m = {.n = b->nnow};

	b->full = b->full || m.n >= b->left;
	if (!b->full) {
		b->left -= m.n + 1;
		m.now = arena_alloc(b->arena, m.n + 1, sizeof(*m.now));
		b->full = m.now == NULL;
	}
	if (b->full)
		m.n = 0;
	else if (m.n != 0)
		memcpy(m.now, b->now, m.n * sizeof(*m.now));
	return m;
}

void
check_arch_build_back(
    struct check_arch_build *b, const struct check_arch_mark *m)
{
	for (size_t i = 0; i < b->nnow && !b->full; i++)
		b->now[i] = i < m->n ? m->now[i] : "";
}

void
check_arch_build_join(struct check_arch_build *b, const char *decides,
    const struct check_arch_mark *m)
{
	for (size_t i = 0, n = b->nnow; i < n && !b->full; i++) {
		const char *x = i < m->n ? m->now[i] : "", *y = b->now[i];

		if (strcmp(x, y) != 0)
			check_arch_build_choose(b, b->called[i], decides, x, y);
	}
}

/* --- JSON ---------------------------------------------------------------- */

size_t
check_arch_build_members(const struct conf *n)
{
	size_t count = 0;

	for (n = n != NULL ? n->child : NULL; n != NULL; n = n->next)
		count++;
	return count;
}

int64_t
check_arch_build_whole(const struct conf *n)
{
	int64_t v = 0;

	if (n == NULL || n->text == NULL)
		return 0;
	for (size_t i = 0; i < n->len && n->text[i] >= '0' && n->text[i] <= '9';
	     i++)
		v = MIN(10 * v + (n->text[i] - '0'), (int64_t)1 << 40);
	return v;
}
