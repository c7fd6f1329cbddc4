/* SPDX-License-Identifier: MIT */
#include "formats/onnx_order.h"

static int
define(
    struct map *m, const char *name, size_t value, uint64_t at, struct err *e)
{
	int rc;

	if (*name == '\0')
		return err_set(e, ERR_FORMAT, at,
		    "onnx: an input or initialiser without a name");
	if ((rc = map_put(m, name, value)) < 0)
		return err_set(e, ERR_LIMIT, at, "onnx: model too large");
	if (rc == 0)
		return err_set(
		    e, ERR_FORMAT, at, "onnx: '%s' is defined twice", name);
	return 0;
}

static int
define_all(const struct onnx_file *f, struct onnx_order *o, struct err *e)
{
	int rc;

	for (size_t i = 0; i < f->ntensor; i++)
		if ((rc = define(&o->init, f->tensor[i].t.name, i,
			 f->tensor[i].at, e)) != 0 ||
		    (rc = define(&o->define, f->tensor[i].t.name, f->nnode,
			 f->tensor[i].at, e)) != 0)
			return rc;
	for (size_t i = 0; i < f->ninput; i++) {
		const struct onnx_value *v = &f->input[i];

		/* IR 3 lists every initialiser as an input, too */
		if (map_get(&o->init, v->name) == SIZE_MAX &&
		    (rc = define(&o->define, v->name, f->nnode, v->at, e)) != 0)
			return rc;
	}
	for (size_t i = 0; i < f->nnode; i++)
		for (size_t k = 0; k < f->node[i].nout; k++)
			if (*f->node[i].out[k] != '\0' &&
			    (rc = define(&o->define, f->node[i].out[k], i,
				 f->node[i].at, e)) != 0)
				return rc;
	return 0;
}

static int
check_uses(const struct onnx_file *f, const struct onnx_order *o, struct err *e)
{
	for (size_t i = 0; i < f->nnode; i++)
		for (size_t k = 0; k < f->node[i].nin; k++) {
			const char *name = f->node[i].in[k];

			if (*name != '\0' &&
			    map_get(&o->define, name) == SIZE_MAX)
				return err_set(e, ERR_FORMAT, f->node[i].at,
				    "onnx: node '%s' (%s) uses '%s', which "
				    "nothing defines",
				    f->node[i].name, f->node[i].op, name);
		}
	return 0;
}

/* Depth-first, without recursion: stack[d] is a node, next[d] its input. */
static int
sort(const struct onnx_file *f, struct onnx_order *o, struct arena *a,
    struct err *e)
{
	enum {
		NEW,
		OPEN,
		DONE
	};
	size_t *stack = arena_alloc(a, f->nnode + 1, sizeof(*stack));
	size_t *next = arena_alloc(a, f->nnode + 1, sizeof(*next));
	uint8_t *state = arena_alloc(a, f->nnode + 1, 1);
	size_t n = 0;

	if (stack == NULL || next == NULL || state == NULL)
		return err_set(
		    e, ERR_LIMIT, ERR_NOWHERE, "onnx: model too large");
	for (size_t root = 0; root < f->nnode; root++) {
		size_t depth = 0;

		if (state[root] == DONE)
			continue;
		stack[0] = root;
		next[0] = 0;
		state[root] = OPEN;
		for (;;) {
			const struct onnx_node *x = &f->node[stack[depth]];
			size_t from;

			if (next[depth] == x->nin) {
				state[stack[depth]] = DONE;
				o->node[n++] = stack[depth];
				if (depth-- == 0)
					break;
				continue;
			}
			from = map_get(&o->define, x->in[next[depth]++]);
			if (from >= f->nnode || state[from] == DONE)
				continue;
			if (state[from] == OPEN)
				return err_set(e, ERR_FORMAT, x->at,
				    "onnx: node '%s' (%s) is part of a cycle",
				    x->name, x->op);
			state[from] = OPEN;
			stack[++depth] = from;
			next[depth] = 0;
		}
	}
	return 0;
}

int
onnx_order_init(const struct onnx_file *f, struct arena *a,
    struct onnx_order *o, struct err *e)
{
	int rc;

	*o = (struct onnx_order){0};
	map_init(&o->define, a);
	map_init(&o->init, a);
	o->node = arena_alloc(a, f->nnode + 1, sizeof(*o->node));
	o->live = arena_alloc(a, f->nnode + 1, sizeof(*o->live));
	if (o->node == NULL || o->live == NULL)
		return err_set(
		    e, ERR_LIMIT, ERR_NOWHERE, "onnx: model too large");
	if ((rc = define_all(f, o, e)) != 0 || (rc = check_uses(f, o, e)) != 0)
		return rc;
	return sort(f, o, a, e);
}

void
onnx_order_live(
    const struct onnx_file *f, struct onnx_order *o, const char *output)
{
	size_t at = map_get(&o->define, output);

	if (at < f->nnode)
		o->live[at] = true;
	for (size_t i = f->nnode; i-- > 0;) {
		const struct onnx_node *x = &f->node[o->node[i]];

		for (size_t k = 0; o->live[o->node[i]] && k < x->nin; k++) {
			at = map_get(&o->define, x->in[k]);
			if (*x->in[k] != '\0' && at < f->nnode)
				o->live[at] = true;
		}
	}
}

const struct onnx_node *
onnx_order_maker(
    const struct onnx_file *f, const struct onnx_order *o, const char *name)
{
	size_t at = map_get(&o->define, name);

	return at < f->nnode ? &f->node[at] : NULL;
}
