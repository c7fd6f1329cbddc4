/* SPDX-License-Identifier: MIT */
#include "engine/op.h"

#include <stdarg.h>

const struct op *const op_table[] = {
#define OP(x) &op_##x,
#include "engine/op.def"
#undef OP
};
const size_t op_count = ARRAY_LEN(op_table);

const struct op *
op_find(const char *name)
{
	for (size_t i = 0; i < op_count; i++)
		if (strcmp(op_table[i]->name, name) == 0)
			return op_table[i];
	return NULL;
}

int
op_bad(const struct step *s, struct err *e, const char *fmt, ...)
{
	char msg[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	return err_set(e, ERR_FORMAT, ERR_NOWHERE, "node '%.64s' (%s): %s",
	    s->name, s->op->name, msg);
}

int
op_ints(const struct step *s, const struct shape *const *in, const char *name,
    size_t i, size_t most, int64_t *out, size_t *n, struct err *e)
{
	const struct attr *a = node_attr(s->node, name);
	const struct shape *x = i < s->nin ? in[i] : NULL;

	*n = SIZE_MAX;
	if (a == NULL && x == NULL)
		return 0;
	if (a != NULL && a->kind != ATTR_INTS)
		return op_bad(s, e, "'%s' holds no integers", name);
	if (a == NULL && x->known == NULL)
		return op_bad(s, e, "'%s' depends on the image", name);
	if (a == NULL && (x->rank > 1 || shape_real(x)))
		return op_bad(s, e, "'%s' is no list of integers", name);
	*n = a != NULL ? a->n : shape_elements(x);
	if (*n > most)
		return op_bad(s, e, "'%s' has %zu values", name, *n);
	for (size_t k = 0; k < *n; k++)
		out[k] = a != NULL ? a->ints[k] : x->known[k].i;
	return 0;
}

int
op_axis(
    const struct step *s, int64_t axis, size_t rank, size_t *out, struct err *e)
{
	if (axis < -(int64_t)rank || axis >= (int64_t)rank)
		return op_bad(s, e, "axis %" PRId64 " of rank %zu", axis, rank);
	*out = (size_t)(axis < 0 ? axis + (int64_t)rank : axis);
	return 0;
}

int
op_same(const struct step *s, const struct shape *const *in, struct shape *out,
    struct op_need *need, struct err *e)
{
	(void)s;
	(void)need;
	(void)e;
	*out = *in[0];
	out->known = NULL;
	return 0;
}

void *
op_alloc(struct arena *a, size_t size, struct err *e)
{
	void *p = arena_alloc(a, 1, size);

	if (p == NULL)
		(void)err_set(e, ERR_LIMIT, ERR_NOWHERE, "model too large");
	return p;
}
