/* SPDX-License-Identifier: MIT */
#include "formats/torch_module.h"

#include "base/limits.h"
#include "formats/torch_tensor.h"

/* One walk: `path` is the name of where it is, `len` bytes long. */
struct walk {
	struct torch *t;
	struct torch_found *f;
	struct err *e;
	char path[LIMIT_NAME + 2];
	size_t len, depth;
};

/* The dictionary that BUILD gave an object; NULL: none, or several. */
static const struct pickle_node *
state_of(const struct pickle_node *n)
{
	if (!pickle_is(n, PICKLE_CALL) || n->call->builds != 1)
		return NULL;
	n = n->call->state;
	/* (dictionary, slots) */
	if (pickle_is(n, PICKLE_TUPLE) && n->n == 2)
		n = n->item[0];
	return pickle_is(n, PICKLE_DICT) ? n : NULL;
}

/* The class of an object: a global, which streams (torch_stream.h) wrap in an
 * identifier ('module', class, file, source). */
static const struct pickle_node *
class_of(const struct pickle_node *n)
{
	const struct pickle_node *c =
	    pickle_is(n, PICKLE_CALL) ? n->call->callee : NULL;

	if (pickle_is(c, PICKLE_PERSID) &&
	    pickle_is_text(pickle_item(c->item[0], 0), "module"))
		c = pickle_item(c->item[0], 1);
	return pickle_is(c, PICKLE_GLOBAL) ? c : NULL;
}

size_t
torch_module_cost(const struct pickle_node *n)
{
	const struct pickle_node *s = state_of(n);

	return s != NULL ? 2 * (size_t)s->n : 0;
}

bool
torch_module_is(const struct pickle_node *n)
{
	const struct pickle_node *s = state_of(n);

	return pickle_get(s, "_parameters") != NULL &&
	       pickle_get(s, "_modules") != NULL;
}

bool
torch_module_is_script(const struct pickle_node *n)
{
	static const char prefix[] = "__torch__";
	struct slice s;

	if (state_of(n) == NULL || class_of(n) == NULL)
		return false;
	s = class_of(n)->name->module;
	return s.len >= sizeof(prefix) - 1 &&
	       memcmp(s.ptr, prefix, sizeof(prefix) - 1) == 0;
}

/* --- names --------------------------------------------------------------- */

/* Put ".key" behind the path; *len is to be put back by leave(). */
static int
enter(struct walk *w, const struct pickle_node *key, size_t *len)
{
	struct slice s = key->text;
	size_t dot = w->len != 0;

	*len = w->len;
	if (s.len + dot > LIMIT_NAME - w->len)
		return err_set(w->e, ERR_LIMIT, key->at,
		    "torch: the name of a module is too long");
	if (dot)
		w->path[w->len] = '.';
	if (s.len != 0)
		memcpy(w->path + w->len + dot, s.ptr, s.len);
	w->len += dot + s.len;
	w->path[w->len] = '\0';
	return 0;
}

static void
leave(struct walk *w, size_t len)
{
	w->len = len;
	w->path[len] = '\0';
}

static int
descend(struct walk *w, const struct pickle_node *at)
{
	if (++w->depth > LIMIT_TORCH_DEPTH)
		return err_set(w->e, ERR_LIMIT, at->at,
		    "torch: modules are nested more than %d deep",
		    LIMIT_TORCH_DEPTH);
	return 0;
}

/* --- what a module has --------------------------------------------------- */

/* The members of a set: before protocol 4 it is a call with a list. */
static const struct pickle_node *
set_of(const struct pickle_node *n)
{
	if (pickle_calls(n, "__builtin__", "set") ||
	    pickle_calls(n, "builtins", "set"))
		n = pickle_item(n->call->args, 0);
	return pickle_is(n, PICKLE_SET) || pickle_is(n, PICKLE_LIST) ? n : NULL;
}

static bool
names_it(const struct pickle_node *set, struct slice name)
{
	for (size_t i = 0; set != NULL && i < set->n; i++) {
		const struct pickle_node *n = set->item[i];

		if (pickle_is(n, PICKLE_STR) && n->text.len == name.len &&
		    memcmp(n->text.ptr, name.ptr, name.len) == 0)
			return true;
	}
	return false;
}

/* _parameters or _buffers; not those that state_dict() would leave out. */
static int
add_tensors(struct walk *w, const struct pickle_node *dict,
    const struct pickle_node *except)
{
	size_t len;
	int rc;

	if ((dict = pickle_dict(dict)) == NULL)
		return 0;
	if ((rc = torch_spend(w->t, dict->n, w->e)) != 0)
		return rc;
	for (size_t i = 0; i < dict->n; i += 2) {
		const struct pickle_node *key = dict->item[i];

		if (!pickle_is(key, PICKLE_STR) ||
		    pickle_is(dict->item[i + 1], PICKLE_NONE))
			continue;
		if (except != NULL &&
		    (rc = torch_spend(w->t, except->n, w->e)) != 0)
			return rc;
		if (names_it(except, key->text))
			continue;
		if ((rc = enter(w, key, &len)) != 0 ||
		    (rc = torch_found_tensor(
			 w->t, w->f, w->path, dict->item[i + 1], w->e)) != 0)
			return rc;
		leave(w, len);
	}
	return 0;
}

/* Everything public that is a number: stride, eps, num_heads, ... */
static int
add_numbers(struct walk *w, const struct pickle_node *state)
{
	double v[MODEL_MAX_RANK];
	size_t len, n;
	int rc;

	for (size_t i = 0; i < state->n; i += 2) {
		const struct pickle_node *key = state->item[i];

		if (!pickle_is(key, PICKLE_STR) || key->text.len == 0 ||
		    key->text.ptr[0] == '_' ||
		    !torch_found_numbers(state->item[i + 1], v, &n))
			continue;
		if ((rc = enter(w, key, &len)) != 0 ||
		    (rc = torch_found_attr(w->t, w->f, w->path, v, n, w->e)) !=
			0)
			return rc;
		leave(w, len);
	}
	return 0;
}

/* An nn.Sequential, or one of torchvision's classes that inherit from it and
 * have no forward pass of their own. */
static bool
is_row(const struct pickle_node *n)
{
	static const char *const rows[][2] = {
	    {"torch.nn.modules.container", "Sequential"},
	    {"torchvision.ops.misc", "Conv2dNormActivation"},
	    {"torchvision.ops.misc", "ConvNormActivation"},
	    {"torchvision.models.mobilenetv2", "ConvBNReLU"},
	    {"torchvision.models.mobilenetv2", "ConvBNActivation"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (pickle_is_global(class_of(n), rows[i][0], rows[i][1]))
			return true;
	return false;
}

/* A module without others is a layer; when all others are rows, the layers in
 * their order are the model. */
static int
add_layer(struct walk *w, const struct pickle_node *n,
    const struct pickle_node *state, bool has_children)
{
	const struct pickle_node *type = class_of(n);
	struct torch_layer layer = {.state = state};

	if (has_children || is_row(n)) {
		w->f->in_order = w->f->in_order && is_row(n);
		return 0;
	}
	if (type != NULL) {
		layer.type = type->name->name;
		layer.package = type->name->module;
	}
	return torch_found_layer(w->t, w->f, w->path, &layer, w->e);
}

static int walk(struct walk *, const struct pickle_node *);

static int
add_children(struct walk *w, const struct pickle_node *dict)
{
	size_t len;
	int rc;

	if (dict == NULL)
		return 0; /* an OrderedDict to which nothing was added */
	if ((rc = torch_spend(w->t, dict->n, w->e)) != 0)
		return rc;
	for (size_t i = 0; i < dict->n; i += 2) {
		const struct pickle_node *key = dict->item[i];
		const struct pickle_node *child = dict->item[i + 1];

		rc = torch_spend(w->t, torch_module_cost(child), w->e);
		if (rc != 0)
			return rc;
		if (!pickle_is(key, PICKLE_STR) || !torch_module_is(child))
			continue;
		if ((rc = enter(w, key, &len)) != 0 ||
		    (rc = walk(w, child)) != 0)
			return rc;
		leave(w, len);
	}
	return 0;
}

static int
walk(struct walk *w, const struct pickle_node *n)
{
	const struct pickle_node *s = state_of(n), *children;
	int rc;

	children = pickle_dict(pickle_get(s, "_modules"));
	if ((rc = descend(w, n)) != 0 ||
	    (rc = torch_spend(w->t, 8 * (size_t)s->n + 1, w->e)) != 0 ||
	    (rc = add_layer(w, n, s, children != NULL && children->n != 0)) !=
		0 ||
	    (rc = add_tensors(w, pickle_get(s, "_parameters"), NULL)) != 0 ||
	    (rc = add_tensors(w, pickle_get(s, "_buffers"),
		 set_of(pickle_get(s, "_non_persistent_buffers_set")))) != 0 ||
	    (rc = add_numbers(w, s)) != 0 ||
	    (rc = add_children(w, children)) != 0)
		return rc;
	w->depth--;
	return 0;
}

/* --- TorchScript --------------------------------------------------------- */

static int
walk_script(struct walk *w, const struct pickle_node *n)
{
	const struct pickle_node *s = state_of(n);
	size_t len;
	int rc;

	if ((rc = descend(w, n)) != 0 ||
	    (rc = torch_spend(w->t, (size_t)s->n + 1, w->e)) != 0 ||
	    (rc = add_numbers(w, s)) != 0)
		return rc;
	for (size_t i = 0; i < s->n; i += 2) {
		const struct pickle_node *key = s->item[i];
		const struct pickle_node *v = s->item[i + 1];
		bool object = torch_module_is_script(v);

		if (!pickle_is(key, PICKLE_STR) ||
		    (!object && !torch_tensor_is(w->t, v)))
			continue;
		if ((rc = enter(w, key, &len)) != 0)
			return rc;
		rc = object ? walk_script(w, v)
			    : torch_found_tensor(w->t, w->f, w->path, v, w->e);
		if (rc != 0)
			return rc;
		leave(w, len);
	}
	w->depth--;
	return 0;
}

/* DataParallel around the whole: its module is the model. */
static bool
is_parallel(const struct pickle_node *n)
{
	const struct pickle_node *c = class_of(n);

	return pickle_is_global(c, NULL, "DataParallel") ||
	       pickle_is_global(c, NULL, "DistributedDataParallel");
}

int
torch_module_walk(struct torch *t, const struct pickle_node *n,
    struct torch_found *f, struct err *e)
{
	const struct pickle_node *inner;
	struct walk w = {.t = t, .f = f, .e = e};

	if (!torch_module_is(n))
		return walk_script(&w, n);
	if (is_parallel(n)) {
		inner =
		    pickle_get(pickle_get(state_of(n), "_modules"), "module");
		if (torch_module_is(inner))
			n = inner;
	}
	f->in_order = f->row = is_row(n);
	return walk(&w, n);
}
