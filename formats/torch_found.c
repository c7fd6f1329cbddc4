/* SPDX-License-Identifier: MIT */
#include "formats/torch_found.h"

#include "base/limits.h"
#include "formats/torch_tensor.h"

/* *p with room for one more than n. */
static int
grow(struct torch *t, void **p, size_t n, size_t *room, size_t size,
    struct err *e)
{
	size_t want = MAX(64, 2 * *room);
	void *more;

	if (n < *room)
		return 0;
	if (n >= LIMIT_TENSORS ||
	    (more = arena_alloc(t->arena, want, size)) == NULL)
		return torch_full(e);
	if (n != 0)
		memcpy(more, *p, n * size);
	*p = more;
	*room = want;
	return 0;
}

static const char *
copy(struct torch *t, const char *name, struct err *e)
{
	return torch_name(
	    t, (struct slice){(const uint8_t *)name, strlen(name)}, e);
}

int
torch_found_tensor(struct torch *t, struct torch_found *f, const char *name,
    const struct pickle_node *n, struct err *e)
{
	void *p = f->tensor;
	int rc = grow(t, &p, f->n, &f->room, sizeof(*f->tensor), e);

	if (rc != 0)
		return rc;
	f->tensor = p;
	if ((name = copy(t, name, e)) == NULL)
		return e->code;
	rc = torch_tensor(t, n, name, &f->tensor[f->n], e);
	f->n += rc == 0;
	return rc;
}

int
torch_found_attr(struct torch *t, struct torch_found *f, const char *name,
    const double *v, size_t n, struct err *e)
{
	void *p = f->attr;
	int rc = grow(t, &p, f->nattr, &f->attr_room, sizeof(*f->attr), e);
	struct weights_attr *a;

	if (rc != 0)
		return rc;
	f->attr = p;
	if ((name = copy(t, name, e)) == NULL)
		return e->code;
	a = &f->attr[f->nattr++];
	*a = (struct weights_attr){.name = name, .n = n};
	for (size_t i = 0; i < n; i++)
		a->v[i] = v[i];
	return 0;
}

int
torch_found_layer(struct torch *t, struct torch_found *f, const char *path,
    const struct torch_layer *layer, struct err *e)
{
	void *p = f->layer;
	int rc = grow(t, &p, f->nlayer, &f->layer_room, sizeof(*f->layer), e);

	if (rc != 0)
		return rc;
	f->layer = p;
	f->layer[f->nlayer] = *layer;
	/* a model of one layer has no way to it */
	path = *path == '\0' ? "" : copy(t, path, e);
	if (path == NULL)
		return e->code;
	f->layer[f->nlayer].path = path;
	f->nlayer++;
	return 0;
}

static bool
one(const struct pickle_node *n, double *v)
{
	int64_t i;

	if (pickle_int(n, &i))
		*v = (double)i;
	else if (pickle_is(n, PICKLE_BOOL))
		*v = (double)n->i;
	else if (pickle_is(n, PICKLE_FLOAT))
		*v = n->f;
	else
		return false;
	return true;
}

bool
torch_found_numbers(
    const struct pickle_node *n, double v[MODEL_MAX_RANK], size_t *count)
{
	*count = 1;
	if (one(n, &v[0]))
		return true;
	if ((!pickle_is(n, PICKLE_TUPLE) && !pickle_is(n, PICKLE_LIST)) ||
	    n->n == 0 || n->n > MODEL_MAX_RANK)
		return false;
	*count = n->n;
	for (size_t i = 0; i < n->n; i++)
		if (!one(n->item[i], &v[i]))
			return false;
	return true;
}
