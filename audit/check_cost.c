/* SPDX-License-Identifier: MIT */
#include "audit/check_cost.h"

#include "base/limits.h"

const struct check_cost_value check_cost_unknown = {.elements = 1.0};

void
check_cost_open(struct check_cost *c, size_t room)
{
	*c = (struct check_cost){.room = room};
	arena_init(&c->arena, LIMIT_TF_ARENA);
	map_init(&c->at, &c->arena);
	c->value = arena_alloc(&c->arena, room + 1, sizeof(*c->value));
	if (c->value == NULL)
		c->room = 0;
}

void
check_cost_close(struct check_cost *c)
{
	arena_release(&c->arena);
}

void
check_cost_keep(struct check_cost *c, struct rd name, struct check_cost_value v)
{
	char *key;
	size_t old = map_get_n(&c->at, (const char *)name.base, name.len);

	if (name.len == 0 || name.len > LIMIT_NAME)
		return;
	if (old != SIZE_MAX) {
		c->value[old] = v;
		return;
	}
	key = c->n < c->room
		  ? arena_strdup(&c->arena, (const char *)name.base, name.len)
		  : NULL;
	if (key == NULL || map_put(&c->at, key, c->n) < 0)
		return;
	c->value[c->n++] = v;
}

const struct check_cost_value *
check_cost_find(const struct check_cost *c, struct rd name)
{
	size_t i = name.len == 0
		       ? SIZE_MAX
		       : map_get_n(&c->at, (const char *)name.base, name.len);

	return i != SIZE_MAX ? &c->value[i] : &check_cost_unknown;
}

double
check_cost_product(const struct check_cost_value *v)
{
	double p = v->n != 0 ? 1.0 : 0.0;

	for (size_t i = 0; i < v->n; i++)
		p *= MAX(v->number[i], 0.0);
	return p;
}

double
check_cost_first(const struct check_cost_value *const in[])
{
	return check_cost_product(in[0]);
}

double
check_cost_second(const struct check_cost_value *const in[])
{
	return check_cost_product(in[1]);
}

double
check_cost_third(const struct check_cost_value *const in[])
{
	return check_cost_product(in[2]);
}

double
check_cost_largest(const struct check_cost_value *const in[])
{
	double most = 1.0;

	for (size_t i = 0; i < CHECK_COST_INPUTS; i++)
		most = MAX(most, in[i]->elements);
	return most;
}

double
check_cost_tiled(const struct check_cost_value *const in[])
{
	return in[0]->elements *
	       (in[1]->n != 0 ? check_cost_product(in[1]) : 1.0);
}

double
check_cost_expanded(const struct check_cost_value *const in[])
{
	return MAX(in[0]->elements, check_cost_product(in[1]));
}

double
check_cost_hot(const struct check_cost_value *const in[])
{
	return in[0]->elements *
	       (in[1]->n == 1 ? MAX(in[1]->number[0], 1.0) : 1.0);
}

double
check_cost_ranged(const struct check_cost_value *const in[])
{
	const struct check_cost_value *from = in[0], *to = in[1], *by = in[2];

	return from->n == 1 && to->n == 1 && by->n == 1 && by->number[0] != 0.0
		   ? (to->number[0] - from->number[0]) / by->number[0]
		   : 1.0;
}

/* Each axis has one element or more. */
double
check_cost_padded(const struct check_cost_value *const in[])
{
	const struct check_cost_value *pads = in[1];
	double p = 1.0;

	for (size_t i = 0; i + 1 < pads->n; i += 2)
		p *= 1.0 + MAX(pads->number[i], 0.0) +
		     MAX(pads->number[i + 1], 0.0);
	return MAX(p, in[0]->elements);
}

double
check_cost_made(struct rd op, const struct check_cost_op *ops, size_t n,
    const struct check_cost_value *const in[])
{
	for (size_t i = 0; i < n; i++)
		if (rd_is(op, ops[i].op))
			return MAX(ops[i].elements(in), 0.0);
	return 1.0;
}
