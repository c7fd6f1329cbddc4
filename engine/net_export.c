/* SPDX-License-Identifier: MIT */
#include "engine/net.h"

#include "base/le.h"
#include "formats/patch.h"

#include <math.h>

static int
full(struct err *e)
{
	return err_set(e, ERR_LIMIT, ERR_NOWHERE, "model too large");
}

static bool
is_half(const struct tensor *t)
{
	return t->dtype == DTYPE_F16 || t->dtype == DTYPE_BF16;
}

static int
export_tensor(const struct net *n, const struct param *p, struct arena *a,
    struct tensor *t, struct err *e)
{
	const float *from = net_param(n, (size_t)(p - n->param));
	size_t width = dtype_width(t->dtype);
	uint8_t *data;

	if (p->n * width != t->size || (t->dtype != DTYPE_F32 && !is_half(t)))
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "tensor '%s' is %s, weights of that type cannot be changed",
		    t->name, dtype_name(t->dtype));
	if ((data = arena_alloc(a, t->size, 1)) == NULL)
		return full(e);
	for (size_t k = 0; k < p->n; k++) {
		uint64_t bits = patch_bits(t->dtype, (double)from[k]);
		uint8_t *at = data + width * shape_row_index(&p->shape, k);

		le_put(at, width, bits);
	}
	t->data = data;
	return 0;
}

int
net_export(
    const struct net *n, struct arena *a, struct model *out, struct err *e)
{
	const struct model *m = n->model;
	int rc;

	*out = *m;
	out->arena = (struct arena){0};
	out->tensor = arena_alloc(a, m->ntensor + 1, sizeof(*out->tensor));
	if (out->tensor == NULL)
		return full(e);
	memcpy(out->tensor, m->tensor, m->ntensor * sizeof(*out->tensor));
	for (size_t i = 0; i < n->nparam; i++) {
		const struct param *p = &n->param[i];
		size_t at = (size_t)(p->tensor - m->tensor);

		/* constants that never change keep their bytes */
		if (p->tensor->dtype != DTYPE_F32 && !is_half(p->tensor))
			continue;
		rc = export_tensor(n, p, a, &out->tensor[at], e);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* --- what the types hold ------------------------------------------------- */

static int
round_param(struct net *n, size_t at, struct net_rounding *r, struct err *e)
{
	const struct tensor *t = n->param[at].tensor;
	float *v = net_param_mutable(n, at);
	uint8_t raw[2];
	const struct tensor one = {
	    .dtype = t->dtype, .rank = 0, .data = raw, .size = sizeof(raw)};

	r->tensors++;
	r->numbers += n->param[at].n;
	for (size_t k = 0; k < n->param[at].n; k++) {
		uint64_t bits = patch_bits(t->dtype, (double)v[k]);
		double now;

		le_put(raw, sizeof(raw), bits);
		now = tensor_real(&one, 0);
		if (isfinite(v[k]) && !isfinite(now))
			return err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "a weight of tensor '%s' became %g, more than %s "
			    "holds",
			    t->name, (double)v[k], dtype_name(t->dtype));
		if (isnan(now) || now == (double)v[k])
			continue;
		r->changed++;
		r->farthest = MAX(r->farthest, fabs(now - (double)v[k]));
		v[k] = (float)now;
	}
	return 0;
}

int
net_export_round(struct net *n, struct net_rounding *r, struct err *e)
{
	int rc;

	*r = (struct net_rounding){0};
	for (size_t i = 0; i < n->nparam; i++)
		if (is_half(n->param[i].tensor) && n->param[i].n > 0 &&
		    (rc = round_param(n, i, r, e)) != 0)
			return rc;
	net_changed(n);
	return 0;
}
