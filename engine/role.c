/* SPDX-License-Identifier: MIT */
#include "engine/role.h"

#include "base/map.h"
#include "engine/op.h"

#define ROLE_ARENA ((size_t)1 << 30)

enum role {
	ROLE_NONE,
	ROLE_OPERAND, /* of arithmetic */
	ROLE_WEIGHT,  /* of a layer */
};

struct roles {
	const struct model *m;
	struct arena arena;
	struct map id;  /* name -> value; the tensors are the first */
	bool *data;     /* per value: depends on the image */
	bool *deep;     /* and has gone through a layer with weights */
	enum role *use; /* per value that does not */
	size_t n;
};

static size_t
id_of(const struct roles *r, const char *name)
{
	return *name != '\0' ? map_get(&r->id, name) : SIZE_MAX;
}

static int
number(struct roles *r, const char *name)
{
	if (*name == '\0')
		return 0;
	return map_put(&r->id, name, r->n++) < 0 ? ERR_LIMIT : 0;
}

static int
number_all(struct roles *r, struct err *e)
{
	const struct model *m = r->m;
	size_t most = m->ntensor + 1;
	int rc = 0;

	for (size_t i = 0; i < m->nnode; i++)
		most += m->node[i].nout;
	map_init(&r->id, &r->arena);
	r->data = arena_alloc(&r->arena, most, sizeof(*r->data));
	r->deep = arena_alloc(&r->arena, most, sizeof(*r->deep));
	r->use = arena_alloc(&r->arena, most, sizeof(*r->use));
	if (r->data == NULL || r->deep == NULL || r->use == NULL)
		rc = ERR_LIMIT;
	for (size_t i = 0; rc == 0 && i < m->ntensor; i++)
		rc = number(r, m->tensor[i].name);
	if (rc == 0 && (rc = number(r, m->input)) == 0)
		r->data[r->n - 1] = true;
	for (size_t i = 0; rc == 0 && i < m->nnode; i++)
		for (size_t k = 0; rc == 0 && k < m->node[i].nout; k++)
			rc = number(r, m->node[i].out[k]);
	return rc == 0 ? 0
		       : err_set(e, ERR_LIMIT, ERR_NOWHERE, "model too large");
}

/* What does not depend on the image enters a layer as its weight. */
static bool
is_layer(const struct roles *r, const struct node *n, const struct op *op)
{
	if ((op->flags & OP_OPERAND) != 0)
		return false;
	for (size_t k = 0; k < n->nin; k++) {
		size_t v = id_of(r, n->in[k]);

		if (v != SIZE_MAX && op_bit(op->weights, k) && !r->data[v])
			return true;
	}
	return false;
}

static void
mark_data(struct roles *r, const struct node *n)
{
	const struct op *op = op_find(n->op);
	bool data = false, deep = false;

	for (size_t k = 0; k < n->nin; k++) {
		size_t v = id_of(r, n->in[k]);

		data = data || (v != SIZE_MAX && r->data[v]);
		deep = deep || (v != SIZE_MAX && r->deep[v]);
	}
	deep = deep || (data && op != NULL && is_layer(r, n, op));
	/* a shape is known before any image is seen */
	if (strcmp(n->op, "Shape") == 0 || strcmp(n->op, "Size") == 0)
		data = deep = false;
	for (size_t k = 0; k < n->nout; k++) {
		size_t v = id_of(r, n->out[k]);

		if (v != SIZE_MAX) {
			r->data[v] = data;
			r->deep[v] = deep;
		}
	}
}

/* How node n uses a constant at input k. */
static enum role
use_of(const struct roles *r, const struct node *n, size_t k)
{
	const struct op *op = op_find(n->op);
	size_t out = n->nout > 0 ? id_of(r, n->out[0]) : SIZE_MAX;

	if (op == NULL || out == SIZE_MAX || op_bit(op->ints, k))
		return ROLE_NONE;
	if (!r->data[out])
		return (op->flags & OP_MOVES) != 0 ? r->use[out] : ROLE_NONE;
	if (!op_bit(op->weights, k))
		return ROLE_NONE;
	if ((op->flags & OP_OPERAND) == 0)
		return ROLE_WEIGHT;
	for (size_t i = 0; i < n->nin; i++) {
		size_t v = id_of(r, n->in[i]);

		if (v != SIZE_MAX && r->deep[v])
			return ROLE_OPERAND;
	}
	return ROLE_NONE;
}

/* Attention masks and the like: exactly two values in many elements. */
static bool
is_mask(const struct tensor *t, uint64_t n)
{
	double a = tensor_real(t, 0), b = a;

	for (uint64_t i = 1; i < n; i++) {
		double v = tensor_real(t, i);

		if (v == a || v == b)
			continue;
		if (b != a)
			return false;
		b = v;
	}
	return b != a && n > 2 && t->rank > 1;
}

static bool
is_weight(const struct tensor *t, enum role use)
{
	uint64_t n;

	if (use == ROLE_NONE || t->dtype == DTYPE_COUNT ||
	    !tensor_elements(t, &n) || n == 0)
		return false;
	if (t->dtype != DTYPE_F32 && t->dtype != DTYPE_F16 &&
	    t->dtype != DTYPE_BF16)
		return false;
	return use == ROLE_WEIGHT || (n > 1 && !is_mask(t, n));
}

int
role_weights(const struct model *m, bool *weight, struct err *e)
{
	struct roles r = {.m = m};
	int rc;

	arena_init(&r.arena, ROLE_ARENA);
	if ((rc = number_all(&r, e)) != 0)
		goto out;
	for (size_t i = 0; i < m->nnode; i++)
		mark_data(&r, &m->node[i]);
	for (size_t i = m->nnode; i-- > 0;)
		for (size_t k = 0; k < m->node[i].nin; k++) {
			size_t v = id_of(&r, m->node[i].in[k]);

			if (v != SIZE_MAX && !r.data[v])
				r.use[v] =
				    MAX(r.use[v], use_of(&r, &m->node[i], k));
		}
	for (size_t i = 0; i < m->ntensor; i++)
		weight[i] = is_weight(&m->tensor[i], r.use[i]);
out:
	arena_release(&r.arena);
	return rc;
}
