/* SPDX-License-Identifier: MIT */
#include "formats/cifar_pickle.h"

#include "base/limits.h"

#define TREE ((size_t)1 << 30)

static int
open_tree(struct cifar_pickle *c, struct rd r, const struct pickle_node **root,
    struct err *e)
{
	struct pickle p = {.arena = &c->arena};

	*c = (struct cifar_pickle){0};
	arena_init(&c->arena, TREE);
	return pickle_read(&p, &r, root, e);
}

/* The bytes of a string, whichever Python wrote it. */
static bool
bytes_of(const struct pickle_node *n, struct slice *out)
{
	if (!pickle_is(n, PICKLE_STR) && !pickle_is(n, PICKLE_BYTES))
		return false;
	*out = n->text;
	return true;
}

/* numpy's array of bytes: _reconstruct(...) with BUILD of
 * (1, shape, dtype, Fortran order, bytes). */
static int
take_array(struct cifar_pickle *c, const struct pickle_node *a, size_t image,
    struct err *e)
{
	const struct pickle_node *s, *shape, *type;
	int64_t n, k, version;
	struct slice name;

	if (!pickle_calls(a, NULL, "_reconstruct") || a->call->state == NULL)
		return err_set(e, ERR_FORMAT, a != NULL ? a->at : ERR_NOWHERE,
		    "cifar: 'data' is no numpy array");
	s = a->call->state;
	shape = pickle_item(s, 1);
	type = pickle_item(s, 2);
	if (!pickle_int(pickle_item(s, 0), &version) ||
	    !pickle_int(pickle_item(shape, 0), &n) ||
	    !pickle_int(pickle_item(shape, 1), &k) || n < 0 ||
	    k != (int64_t)image || !pickle_is(shape, PICKLE_TUPLE) ||
	    shape->n != 2 || !pickle_calls(type, "numpy", "dtype") ||
	    !bytes_of(pickle_item(type->call->args, 0), &name) ||
	    name.len != 2 || memcmp(name.ptr, "u1", 2) != 0 ||
	    !bytes_of(pickle_item(s, 4), &c->pixels))
		return err_set(e, ERR_UNSUPPORTED, a->at,
		    "cifar: 'data' is no array of N x %zu bytes", image);
	if (pickle_item(s, 3) != NULL && pickle_item(s, 3)->i != 0)
		return err_set(
		    e, ERR_UNSUPPORTED, a->at, "cifar: 'data' is transposed");
	if (c->pixels.len / image != (uint64_t)n || c->pixels.len % image != 0)
		return err_set(e, ERR_FORMAT, a->at,
		    "cifar: %zu bytes for %" PRId64 " images", c->pixels.len,
		    n);
	c->n = (size_t)n;
	return 0;
}

static const struct pickle_node *
list_at(const struct pickle_node *root, const char *key)
{
	const struct pickle_node *list = pickle_get(root, key);

	return pickle_is(list, PICKLE_LIST) ? list : NULL;
}

int
cifar_pickle_open(
    struct cifar_pickle *c, struct rd r, size_t image, struct err *e)
{
	const struct pickle_node *root;
	int rc = open_tree(c, r, &root, e);

	if (rc != 0)
		return rc;
	if (pickle_dict(root) == NULL)
		return err_set(e, ERR_FORMAT, 0, "cifar: no dictionary");
	if ((rc = take_array(c, pickle_get(root, "data"), image, e)) != 0)
		return rc;
	if ((c->list = list_at(root, "fine_labels")) == NULL)
		c->list = list_at(root, "labels");
	if (c->list == NULL || c->list->n != c->n)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "cifar: no list of %zu labels", c->n);
	return 0;
}

int
cifar_pickle_names(struct cifar_pickle *c, struct rd r, const char *key,
    size_t n, struct err *e)
{
	const struct pickle_node *root;
	int rc = open_tree(c, r, &root, e);

	if (rc != 0)
		return rc;
	c->list = list_at(root, key);
	if (c->list == NULL || c->list->n != n)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "cifar: no list '%s' of %zu names", key, n);
	return 0;
}

void
cifar_pickle_close(struct cifar_pickle *c)
{
	arena_release(&c->arena);
}

int64_t
cifar_pickle_label(const struct cifar_pickle *c, size_t i)
{
	int64_t v;

	return pickle_int(pickle_item(c->list, i), &v) ? v : -1;
}

int
cifar_pickle_name(
    const struct cifar_pickle *c, size_t i, struct slice *out, struct err *e)
{
	if (bytes_of(pickle_item(c->list, i), out))
		return 0;
	return err_set(
	    e, ERR_FORMAT, ERR_NOWHERE, "cifar: name %zu is no string", i);
}
