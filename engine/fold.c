/* SPDX-License-Identifier: MIT */
#include "engine/fold.h"

#include "base/limits.h"

static int
full(struct err *e)
{
	return err_set(e, ERR_LIMIT, ERR_NOWHERE, "model too large");
}

enum dtype
fold_type(enum dtype t)
{
	switch (t) {
	case DTYPE_F32:
	case DTYPE_F16:
	case DTYPE_BF16:
		return DTYPE_F32;
	case DTYPE_I32:
	case DTYPE_I16:
	case DTYPE_I8:
	case DTYPE_U8:
		return DTYPE_I32;
	case DTYPE_F64:
	case DTYPE_I64:
	case DTYPE_BOOL:
	case DTYPE_COUNT:
		break;
	}
	return t;
}

int
fold_tensor(const struct tensor *t, struct arena *a, const union number **out,
    struct err *e)
{
	bool real = fold_type(t->dtype) == DTYPE_F32 || t->dtype == DTYPE_F64;
	union number *v;
	uint64_t n;

	if (!tensor_elements(t, &n) || n > LIMIT_FOLD_ELEMENTS)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE,
		    "constant '%s' is too large", t->name);
	if ((v = arena_alloc(a, (size_t)n + 1, sizeof(*v))) == NULL)
		return full(e);
	for (uint64_t i = 0; i < n; i++) {
		if (real)
			v[i].f = tensor_real(t, i);
		else if (!tensor_int(t, i, &v[i].i))
			return err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "tensor '%s' holds no integers", t->name);
	}
	*out = v;
	return 0;
}

void
fold_round(enum dtype type, union number *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (type == DTYPE_F32)
			v[i].f = (double)(float)v[i].f;
		else if (type == DTYPE_I32)
			v[i].i = (int32_t)(uint32_t)(uint64_t)v[i].i;
		else if (type == DTYPE_BOOL)
			v[i].i = v[i].i != 0;
	}
}

int
fold_step(const struct step *s, const struct shape *const *in,
    struct shape *out, struct arena *a, struct err *e)
{
	size_t n = 1;
	union number *v;
	int rc;

	for (size_t i = 0; i < out->rank; i++)
		if (ckd_mul(&n, n, out->dim[i]) || n > LIMIT_FOLD_ELEMENTS)
			return op_bad(s, e, "a constant that is too large");
	if (s->op->eval == NULL)
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "node '%s' (%s): it cannot be computed from constants",
		    s->name, s->op->name);
	if ((v = arena_alloc(a, n + 1, sizeof(*v))) == NULL)
		return full(e);
	if ((rc = s->op->eval(s, in, out, v, e)) != 0)
		return rc;
	fold_round(out->type, v, n);
	out->known = v;
	return 0;
}

int
fold_floats(
    const struct shape *s, struct arena *a, const float **out, struct err *e)
{
	size_t n = shape_elements(s);
	float *v = arena_alloc(a, n + 1, sizeof(*v));

	if (v == NULL)
		return full(e);
	for (size_t i = 0; i < n; i++) {
		union number x = s->known[shape_row_index(s, i)];

		v[i] = shape_real(s) ? (float)x.f : (float)x.i;
	}
	*out = v;
	return 0;
}
