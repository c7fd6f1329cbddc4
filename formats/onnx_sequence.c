/* SPDX-License-Identifier: MIT */
#include "formats/onnx_sequence.h"

#include "base/limits.h"

struct list {
	const char **name;
	size_t n;
};

struct lists {
	struct arena *a;
	struct map by_name; /* -> index in list */
	struct list *list;
	size_t n, total; /* total: names in all of them */
	struct err *e;
};

static int
full(const struct lists *l)
{
	return err_set(l->e, ERR_LIMIT, ERR_NOWHERE, "onnx: model too large");
}

/* The list `from` and `more`, under the name of the node's output. */
static int
add(struct lists *l, const struct onnx_node *n, const struct list *from,
    const char *const *more, size_t nmore)
{
	size_t count = (from != NULL ? from->n : 0) + nmore;
	struct list *to = &l->list[l->n];

	/* each insertion copies its list */
	l->total += count;
	if (n->nout != 1 || count > LIMIT_NODE_ARITY || l->total > LIMIT_NODES)
		return full(l);
	to->n = count;
	to->name = arena_alloc(l->a, count + 1, sizeof(*to->name));
	if (to->name == NULL || map_put(&l->by_name, n->out[0], l->n) < 0)
		return full(l);
	if (count > nmore)
		memcpy(to->name, from->name, from->n * sizeof(*to->name));
	if (nmore != 0)
		memcpy(
		    to->name + count - nmore, more, nmore * sizeof(*to->name));
	l->n++;
	return 0;
}

static const struct list *
find(const struct lists *l, const struct onnx_node *n)
{
	size_t at = n->nin > 0 ? map_get(&l->by_name, n->in[0]) : SIZE_MAX;

	return at != SIZE_MAX ? &l->list[at] : NULL;
}

/* Concat knows no new_axis; one of 0 says what it does anyway. */
static int
join(struct lists *l, struct onnx_node *n, const struct list *from)
{
	const struct onnx_attr *new = onnx_file_attr(n, "new_axis");
	struct onnx_attr *attr;
	size_t k = 0;

	if (from == NULL || from->n == 0 || (new != NULL &&new->i != 0))
		return 0;
	if ((attr = arena_alloc(l->a, n->nattr + 1, sizeof(*attr))) == NULL)
		return full(l);
	for (size_t i = 0; i < n->nattr; i++)
		if (&n->attr[i] != new)
			attr[k++] = n->attr[i];
	n->op = "Concat";
	n->attr = attr;
	n->nattr = k;
	n->in = from->name;
	n->nin = from->n;
	return 0;
}

static int
one(struct lists *l, struct onnx_node *n)
{
	const struct list *from = find(l, n);

	if (*n->domain != '\0' && strcmp(n->domain, "ai.onnx") != 0)
		return 0;
	if (strcmp(n->op, "SequenceEmpty") == 0)
		return add(l, n, NULL, NULL, 0);
	if (strcmp(n->op, "SequenceConstruct") == 0)
		return add(l, n, NULL, n->in, n->nin);
	if (strcmp(n->op, "SequenceInsert") == 0 && from != NULL && n->nin == 2)
		return add(l, n, from, &n->in[1], 1);
	if (strcmp(n->op, "Identity") == 0 && from != NULL)
		return add(l, n, from, NULL, 0);
	if (strcmp(n->op, "ConcatFromSequence") == 0)
		return join(l, n, from);
	return 0;
}

int
onnx_sequence_join(struct arena *a, struct onnx_file *x, struct err *e)
{
	struct lists l = {.a = a, .e = e};
	size_t joins = 0;
	int rc = 0;

	for (size_t i = 0; i < x->nnode; i++)
		joins += strcmp(x->node[i].op, "ConcatFromSequence") == 0;
	if (joins == 0)
		return 0;
	map_init(&l.by_name, a);
	l.list = arena_alloc(a, x->nnode + 1, sizeof(*l.list));
	if (l.list == NULL)
		return full(&l);
	for (size_t i = 0; i < x->nnode && rc == 0; i++)
		rc = one(&l, &x->node[i]);
	return rc;
}
