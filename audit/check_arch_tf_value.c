/* SPDX-License-Identifier: MIT */
#include "audit/check_arch_tf_part.h"

void *
check_arch_tf_grown(struct check_arch_tf_lower *l, void *old, size_t n,
    size_t *room, size_t size)
{
	size_t more = *room != 0 ? 2 * *room : 64;
	void *p;

	if (n < *room || l->full)
		return old;
	p = arena_alloc(l->arena, more, size);
	if (p == NULL) {
		l->full = true;
		return old;
	}
	if (n != 0)
		memcpy(p, old, n * size);
	*room = more;
	return p;
}

void
check_arch_tf_append(struct check_arch_tf_lower *l, size_t **list, size_t *n,
    size_t *room, size_t value)
{
	*list = check_arch_tf_grown(l, *list, *n, room, sizeof(**list));
	if (!l->full)
		(*list)[(*n)++] = value;
}

size_t
check_arch_tf_value(
    struct check_arch_tf_lower *l, const char *name, uint64_t constant)
{
	struct check_arch_graph *g = &l->g;
	size_t room = g->room;

	l->frame = check_arch_tf_grown(
	    l, l->frame, g->nvalue, &room, sizeof(*l->frame));
	g->value = check_arch_tf_grown(
	    l, g->value, g->nvalue, &g->room, sizeof(*g->value));
	if (l->full)
		return 0;
	g->value[g->nvalue] =
	    (struct check_arch_value){.name = name, .constant = constant};
	l->frame[g->nvalue] = 0;
	return g->nvalue++;
}

size_t
check_arch_tf_frame(
    const struct check_arch_tf_lower *l, const size_t *in, size_t n)
{
	size_t most = 0;

	for (size_t i = 0; i < n; i++)
		most = MAX(most, l->frame[in[i]]);
	return most;
}

size_t
check_arch_tf_node(struct check_arch_tf_lower *l, const char *op,
    const char *name, const size_t *in, size_t n)
{
	size_t out = check_arch_tf_value(l, name, 0);
	struct check_arch_node *x;

	l->g.node = check_arch_tf_grown(
	    l, l->g.node, l->g.nnode, &l->node_room, sizeof(*l->g.node));
	if (l->full)
		return 0;
	x = &l->g.node[l->g.nnode];
	*x = (struct check_arch_node){.op = op, .name = name, .nin = n};
	x->in = arena_alloc(l->arena, n + 1, sizeof(*x->in));
	x->out = arena_alloc(l->arena, 1, sizeof(*x->out));
	if (x->in == NULL || x->out == NULL) {
		l->full = true;
		return 0;
	}
	if (n != 0)
		memcpy(x->in, in, n * sizeof(*in));
	x->out[0] = out;
	x->nout = 1;
	l->g.nnode++;
	l->frame[out] = check_arch_tf_frame(l, in, n);
	return out;
}

void
check_arch_tf_lower_init(
    struct check_arch_tf_lower *l, struct arena *a, size_t left)
{
	*l = (struct check_arch_tf_lower){.arena = a, .left = left};
	l->g.arena = a;
	map_init(&l->g.by_name, a);
	/* the first frame is none */
	l->frames =
	    check_arch_tf_grown(l, NULL, 0, &l->frame_room, sizeof(*l->frames));
	l->nframe = 1;
}

size_t
check_arch_tf_resolve(const struct check_arch_tf_body *b,
    const struct check_arch_tf_out *out, const size_t *arg, size_t narg,
    struct rd in)
{
	size_t index, at;
	struct rd name = check_arch_tf_base(in, &index);

	at = check_arch_tf_find(&b->arg, name);
	if (at != SIZE_MAX)
		return at < narg ? arg[at] : SIZE_MAX;
	at = check_arch_tf_find(&b->by_name, name);
	if (at == SIZE_MAX || out[at].n == 0)
		return SIZE_MAX;
	return out[at].value[MIN(index, out[at].n - 1)];
}
