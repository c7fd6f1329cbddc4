/* SPDX-License-Identifier: MIT */
#include "engine/net.h"

static int
full(struct err *e)
{
	return err_set(e, ERR_LIMIT, ERR_NOWHERE, "model too large");
}

static int
export_tensor(const struct net *n, const struct param *p, struct arena *a,
    struct tensor *t, struct err *e)
{
	const float *from = net_param(n, (size_t)(p - n->param));
	uint8_t *data;

	if (p->n * sizeof(float) != t->size || t->dtype != DTYPE_F32)
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "tensor '%s' is %s, only f32 weights can be changed",
		    t->name, dtype_name(t->dtype));
	if ((data = arena_alloc(a, t->size, 1)) == NULL)
		return full(e);
	for (size_t k = 0; k < p->n; k++)
		memcpy(data + 4 * shape_row_index(&p->shape, k), &from[k], 4);
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
		if (p->tensor->dtype != DTYPE_F32 && !p->trainable)
			continue;
		rc = export_tensor(n, p, a, &out->tensor[at], e);
		if (rc != 0)
			return rc;
	}
	return 0;
}
