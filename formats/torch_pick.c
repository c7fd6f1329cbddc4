/* SPDX-License-Identifier: MIT */
#include "formats/torch_pick.h"

#include "base/limits.h"
#include "formats/torch_module.h"
#include "formats/torch_tensor.h"

#define DEPTH 4 /* {"checkpoint": {"model": {"state_dict": ...}}} */

/*
 * In the order in which they are tried.  Averaged weights that timm writes come
 * first, as its load_state_dict() has it (use_ema); those of others last: what
 * they were averaged from is what such a checkpoint is usually loaded by.
 */
static const struct {
	const char *key;
	bool averaged;
} keys[] = {
    {"state_dict_ema", true},
    {"model_ema", true},
    {"state_dict", false}, /* Lightning, timm, many training loops */
    {"model_state_dict", false},
    {"model_state", false},
    {"model", false}, /* BackdoorBench, DeiT, torchvision's references */
    {"net", false},   /* kuangliu's CIFAR models */
    {"netC", false},  /* the attacks of WaNet, Input-Aware */
    {"network", false},
    {"module", false},
    {"classifier", false},
    {"weights", false},
    {"params", false},
    {"checkpoint", false},
    {"student", false}, /* of a distillation, beside its teacher */
    {"net_state_dict", false},
    {"best_model", false},
    {"best_state_dict", false},
    {"ema_state_dict", true},
    {"ema", true},
};

static bool
is_module(const struct pickle_node *n)
{
	return torch_module_is(n) || torch_module_is_script(n);
}

/* Whether a dictionary has tensors of its own. */
static int
has_tensors(
    struct torch *t, const struct pickle_node *d, bool *out, struct err *e)
{
	int rc = torch_spend(t, (size_t)d->n + 1, e);

	*out = false;
	for (size_t i = 0; rc == 0 && i < d->n && !*out; i += 2)
		*out = pickle_is(d->item[i], PICKLE_STR) &&
		       torch_tensor_is(t, d->item[i + 1]);
	return rc;
}

static int find(struct torch *, const struct pickle_node *, size_t depth,
    const struct pickle_node **out, struct err *) MUST_USE;

/* More than one of what is kept together could be meant. */
static void
several(struct torch *t, const char *which)
{
	if (t->several == NULL)
		t->several = arena_printf(t->arena,
		    "torch: what was saved holds several models (%.120s): save "
		    "the one that is meant",
		    which != NULL ? which : "");
}

/* A key for a message. */
static const char *
shown(struct torch *t, const struct pickle_node *key)
{
	const char *s =
	    pickle_is(key, PICKLE_STR)
		? arena_printf(t->arena, "'%.*s'", (int)MIN(key->text.len, 40),
		      (const char *)key->text.ptr)
		: NULL;

	return s != NULL ? s : "another";
}

/* (model, optimiser), [state dict, epoch]: the only item that leads to one. */
static int
find_item(struct torch *t, const struct pickle_node *n, size_t depth,
    const struct pickle_node **out, struct err *e)
{
	const struct pickle_node *one, *only = NULL;
	size_t leads = 0;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n->n && leads < 2; i++)
		if ((rc = find(t, n->item[i], depth + 1, &one, e)) == 0 &&
		    one != NULL) {
			only = one;
			leads++;
		}
	if (leads > 1)
		several(t, "in a list");
	*out = leads == 1 ? only : NULL;
	return rc;
}

/* Which one was taken; where both averaged and other weights are there, which
 * was not. */
static void
note_key(struct torch *t, const struct pickle_node *d, size_t i)
{
	const char *beside = NULL;

	for (size_t k = 0; k < ARRAY_LEN(keys) && beside == NULL; k++) {
		const struct pickle_node *v = pickle_get(d, keys[k].key);

		if (keys[k].averaged != keys[i].averaged && v != NULL &&
		    (is_module(v) ||
			(pickle_dict(v) != NULL && pickle_dict(v)->n != 0)))
			beside = keys[k].key;
	}
	torch_note(t, "taken from '%s'%s%s%s%s", keys[i].key,
	    keys[i].averaged ? ", whose weights are averaged" : "",
	    beside != NULL ? "; left aside: '" : "",
	    beside != NULL ? beside : "",
	    beside == NULL     ? ""
	    : keys[i].averaged ? "', from which they were"
			       : "', whose weights are averaged");
}

/* The model that n leads to; *out NULL: none.  The note gets the way. */
static int
find(struct torch *t, const struct pickle_node *n, size_t depth,
    const struct pickle_node **out, struct err *e)
{
	const struct pickle_node *d = pickle_dict(n), *only = NULL, *v;
	const struct pickle_node *key = NULL;
	size_t leads = 0;
	bool tensors;
	int rc;

	*out = NULL;
	if ((rc = torch_spend(t, torch_module_cost(n) + 1, e)) != 0)
		return rc;
	if (is_module(n)) {
		*out = n;
		return 0;
	}
	if (depth == DEPTH)
		return 0;
	if (pickle_is(n, PICKLE_TUPLE) || pickle_is(n, PICKLE_LIST))
		return find_item(t, n, depth, out, e);
	if (d == NULL)
		return 0;
	rc = torch_spend(t, 2 * ARRAY_LEN(keys) * ((size_t)d->n + 1), e);
	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(keys); i++) {
		if ((v = pickle_get(d, keys[i].key)) == NULL)
			continue;
		rc = find(t, v, depth + 1, out, e);
		if (rc == 0 && *out != NULL)
			note_key(t, d, i);
		if (rc != 0 || *out != NULL)
			return rc;
	}
	if (rc != 0 || (rc = has_tensors(t, d, &tensors, e)) != 0)
		return rc;
	if (tensors) {
		*out = d;
		return 0;
	}
	for (size_t i = 0; rc == 0 && i < d->n && leads < 2; i += 2) {
		if ((rc = find(t, d->item[i + 1], depth + 1, out, e)) == 0 &&
		    *out != NULL) {
			if (leads++ != 0)
				several(t,
				    arena_printf(t->arena, "%.50s, %.50s, ...",
					shown(t, key), shown(t, d->item[i])));
			only = *out;
			key = d->item[i];
		}
	}
	*out = leads == 1 ? only : NULL;
	return rc;
}

static int
read_dict(struct torch *t, const struct pickle_node *d, struct torch_found *f,
    struct err *e)
{
	int rc = torch_spend(t, d->n, e);

	for (size_t i = 0; rc == 0 && i < d->n; i += 2) {
		const struct pickle_node *key = d->item[i];
		const char *name;

		if (!pickle_is(key, PICKLE_STR) ||
		    !torch_tensor_is(t, d->item[i + 1])) {
			f->others++;
			continue;
		}
		if ((name = torch_name(t, key->text, e)) == NULL)
			return e->code;
		rc = torch_found_tensor(t, f, name, d->item[i + 1], e);
	}
	return rc;
}

/* What was saved, where it is no model. */
static const char *
instead(struct torch *t)
{
	const struct pickle_node *n = t->root;
	const struct pickle_node *callee =
	    pickle_is(n, PICKLE_CALL) ? n->call->callee : NULL;

	if (t->several != NULL)
		return t->several;
	if (pickle_is_global(
		callee, "torch.fx.graph_module", "reduce_graph_module"))
		return "torch: a GraphModule of torch.fx, whose forward pass "
		       "is a program: export the model as ONNX";
	if (torch_tensor_is(t, n))
		return "torch: what was saved is one tensor, and no model";
	if (torch_tensor_is(t, pickle_item(n, 0)))
		return "torch: what was saved are tensors without names: save "
		       "the state_dict()";
	return "torch: what was saved is neither a model nor weights";
}

int
torch_pick(struct torch *t, struct torch_found *f, struct err *e)
{
	const struct pickle_node *n;
	int rc;

	*f = (struct torch_found){0};
	if ((rc = find(t, t->root, 0, &n, e)) != 0)
		return rc;
	if (n == NULL)
		return err_set(
		    e, ERR_UNSUPPORTED, t->root->at, "%s", instead(t));
	if (is_module(n)) {
		rc = torch_module_walk(t, n, f, e);
		torch_note(t, torch_module_is(n)
				  ? "a whole module, whose code is not run"
				  : "TorchScript, whose code is not run: the "
				    "graph is that of the architecture");
		if (rc == 0 && f->n == 0)
			rc = err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
			    "torch: a module without weights of its own%s",
			    torch_module_is(n)
				? ""
				: ", as torch.jit.freeze() makes: export the "
				  "model as ONNX");
		return rc;
	}
	rc = read_dict(t, n, f, e);
	if (rc == 0 && f->others != 0)
		torch_note(t, "%zu entries that are no tensors", f->others);
	return rc;
}
