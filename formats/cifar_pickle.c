/* SPDX-License-Identifier: MIT */
#include "formats/cifar_pickle.h"

#include "base/limits.h"
#include "formats/pickle_scalar.h"

#define TREE    ((size_t)1 << 30)
#define MEMBERS 64 /* keys and values: a batch has four of each */

static int
open_tree(struct cifar_pickle *c, struct rd r, const struct pickle_node **root,
    struct err *e)
{
	struct pickle p = {.arena = &c->arena};

	*c = (struct cifar_pickle){0};
	arena_init(&c->arena, TREE);
	return pickle_read(&p, &r, root, e);
}

/*
 * The bytes of a string, whichever Python wrote it; Python 3 has no bytes before
 * protocol 3, and writes _codecs.encode(text, "latin1").
 */
static bool
bytes_of(struct cifar_pickle *c, const struct pickle_node *n, struct slice *out)
{
	const struct pickle_node *text;
	uint8_t *p;
	size_t len = 0;

	if (pickle_is(n, PICKLE_STR) || pickle_is(n, PICKLE_BYTES)) {
		*out = n->text;
		return true;
	}
	if (pickle_calls(n, NULL, "bytearray"))
		return bytes_of(c, pickle_item(n->call->args, 0), out);
	if (!pickle_calls(n, "_codecs", "encode"))
		return false;
	text = pickle_item(n->call->args, 0);
	if (!pickle_is(text, PICKLE_STR) ||
	    !pickle_is_text(pickle_item(n->call->args, 1), "latin1") ||
	    (p = arena_alloc(&c->arena, text->text.len + 1, 1)) == NULL)
		return false;
	for (size_t i = 0; i < text->text.len; i++) {
		unsigned b = text->text.ptr[i];

		if (b >= 0x80) { /* two bytes of UTF-8 */
			if ((b != 0xc2 && b != 0xc3) || ++i == text->text.len)
				return false;
			b = (b & 3) << 6 | (text->text.ptr[i] & 0x3f);
		}
		p[len++] = (uint8_t)b;
	}
	*out = (struct slice){p, len};
	return true;
}

/* A member by its name: "data", or b"data" as Python 3 reads Python 2's. */
static const struct pickle_node *
member(struct cifar_pickle *c, const struct pickle_node *root, const char *key)
{
	const struct pickle_node *d = pickle_dict(root), *found = NULL;
	struct slice s;

	if (d == NULL || d->n > MEMBERS)
		return NULL;
	for (size_t i = 0; i + 1 < d->n; i += 2)
		if (bytes_of(c, d->item[i], &s) && s.len == strlen(key) &&
		    memcmp(s.ptr, key, s.len) == 0)
			found = d->item[i + 1];
	return found;
}

/* --- arrays of numpy ----------------------------------------------------- */

struct array {
	const struct pickle_node *shape, *type;
	bool columns; /* Fortran order */
	struct slice bytes;
};

/* _reconstruct(...) with BUILD of (1, shape, dtype, Fortran order, bytes); in
 * protocol 5 _frombuffer(bytes, dtype, shape, order). */
static bool
array_of(struct cifar_pickle *c, const struct pickle_node *n, struct array *out)
{
	const struct pickle_node *s;

	if (pickle_calls(n, NULL, "_frombuffer")) {
		s = n->call->args;
		out->type = pickle_item(s, 1);
		out->shape = pickle_item(s, 2);
		out->columns = pickle_is_text(pickle_item(s, 3), "F");
		return bytes_of(c, pickle_item(s, 0), &out->bytes);
	}
	if (!pickle_calls(n, NULL, "_reconstruct") || n->call->state == NULL)
		return false;
	s = n->call->state;
	out->shape = pickle_item(s, 1);
	out->type = pickle_item(s, 2);
	out->columns = pickle_item(s, 3) != NULL && pickle_item(s, 3)->i != 0;
	return bytes_of(c, pickle_item(s, 4), &out->bytes);
}

static bool
is_type(const struct pickle_node *type, const char *name)
{
	return pickle_calls(type, "numpy", "dtype") &&
	       pickle_is_text(pickle_item(type->call->args, 0), name) &&
	       !pickle_is_text(pickle_item(type->call->state, 1), ">");
}

static int
take_pixels(struct cifar_pickle *c, const struct pickle_node *data,
    size_t image, struct err *e)
{
	struct array a;
	int64_t n, k;

	if (!array_of(c, data, &a))
		return err_set(e, ERR_FORMAT,
		    data != NULL ? data->at : ERR_NOWHERE,
		    "cifar: 'data' is no numpy array");
	if (!pickle_is(a.shape, PICKLE_TUPLE) || a.shape->n != 2 ||
	    !pickle_int(pickle_item(a.shape, 0), &n) ||
	    !pickle_int(pickle_item(a.shape, 1), &k) || n < 0 ||
	    k != (int64_t)image || !is_type(a.type, "u1"))
		return err_set(e, ERR_UNSUPPORTED, data->at,
		    "cifar: 'data' is no array of N x %zu bytes", image);
	if (a.columns)
		return err_set(e, ERR_UNSUPPORTED, data->at,
		    "cifar: 'data' is transposed");
	if (a.bytes.len / image != (uint64_t)n || a.bytes.len % image != 0)
		return err_set(e, ERR_FORMAT, data->at,
		    "cifar: %zu bytes for %" PRId64 " images", a.bytes.len, n);
	c->pixels = a.bytes;
	c->n = (size_t)n;
	return 0;
}

/* A list of numbers, or an array of int64. */
static bool
take_labels(
    struct cifar_pickle *c, const struct pickle_node *root, const char *key)
{
	const struct pickle_node *n = member(c, root, key);
	struct array a;
	int64_t count;

	if (pickle_is(n, PICKLE_LIST)) {
		c->list = n;
		return n->n == c->n;
	}
	if (!array_of(c, n, &a) || !pickle_is(a.shape, PICKLE_TUPLE) ||
	    a.shape->n != 1 || !pickle_int(pickle_item(a.shape, 0), &count) ||
	    !is_type(a.type, "i8") || count != (int64_t)c->n ||
	    a.bytes.len / 8 != c->n || a.bytes.len % 8 != 0)
		return false;
	c->labels = a.bytes;
	return true;
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
	if ((rc = take_pixels(c, member(c, root, "data"), image, e)) != 0)
		return rc;
	if (!take_labels(c, root,
		member(c, root, "fine_labels") != NULL ? "fine_labels"
						       : "labels"))
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
	c->list = member(c, root, key);
	if (!pickle_is(c->list, PICKLE_LIST) || c->list->n != n)
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
	const uint8_t *p = c->labels.ptr;
	uint64_t word = 0;
	int64_t v;

	if (p == NULL)
		return pickle_scalar_int(pickle_item(c->list, i), &v) ? v : -1;
	for (size_t k = 8; k-- > 0;)
		word = word << 8 | p[8 * i + k];
	return word <= INT64_MAX ? (int64_t)word : -1;
}

int
cifar_pickle_name(
    struct cifar_pickle *c, size_t i, struct slice *out, struct err *e)
{
	if (bytes_of(c, pickle_item(c->list, i), out))
		return 0;
	return err_set(
	    e, ERR_FORMAT, ERR_NOWHERE, "cifar: name %zu is no string", i);
}
