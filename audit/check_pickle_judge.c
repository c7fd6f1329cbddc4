/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* memrchr */
#include "audit/check_pickle_judge.h"

#include "audit/check_pickle_array.h"
#include "audit/check_pickle_hook.h"
#include "audit/check_pickle_wrap.h"

#include "base/limits.h"
#include "formats/pickle_ops.h"

#define FACTS      ((size_t)512 << 20)
#define NODES_KEPT ((size_t)1 << 20) /* bytes, from one pickle to the next */
#define SHOWN      120               /* characters of a name in a finding */

/* --- findings ------------------------------------------------------------ */

void
check_pickle_judge_say(struct check_pickle_judge *j, enum finding_id id,
    uint64_t at, const char *what, const char *shown)
{
	char key[64 + 2 * SHOWN];
	const char *mine;

	if (j->tentative && id != FINDING_PICKLE_STORAGE)
		return;
	snprintf(key, sizeof(key), "%d %.100s %.*s", (int)id, what, SHOWN,
	    shown != NULL ? shown : "");
	if (map_get(&j->said, key) != SIZE_MAX)
		return;
	if ((mine = arena_strdup(&j->arena, key, strlen(key))) != NULL)
		(void)!map_put(&j->said, mine, 1);
	if (shown != NULL)
		check_find(j->f, id, at, "%.*s: %s", SHOWN, shown, what);
	else
		check_find(j->f, id, at, "%s", what);
}

static void
misuse(struct check_pickle_judge *j, const char *what, const char *shown)
{
	check_pickle_judge_say(
	    j, FINDING_PICKLE_MISUSE, j->pickle.at, what, shown);
}

static void
say_name(struct check_pickle_judge *j, const struct check_pickle_fact *t)
{
	const struct check_pickle_danger *d = t->danger;
	enum finding_id id = t->called ? FINDING_PICKLE_CALL_UNKNOWN
				       : FINDING_PICKLE_IMPORT_UNKNOWN;

	if (check_pickle_judge_local(j, t))
		id = FINDING_PICKLE_LOCAL;
	else if (check_pickle_foreign(t))
		id = FINDING_PICKLE_FOREIGN;
	else if (d != NULL && d->code)
		id = FINDING_PICKLE_CODE;
	else if (d != NULL)
		id = t->called ? FINDING_PICKLE_CALL_DANGEROUS
			       : FINDING_PICKLE_IMPORT_DANGEROUS;
	check_find(j->f, id, t->at, "%.*s%s%s%s", SHOWN, t->shown,
	    d != NULL ? " (" : "", d != NULL ? d->reason : "",
	    d != NULL ? ")" : "");
}

/* --- events -------------------------------------------------------------- */

/* Strings among the arguments, and of tuples among them. */
static void
look_into(struct check_pickle_judge *j, const struct pickle_node *args,
    unsigned depth)
{
	for (size_t i = 0; args != NULL && i < args->n && i < 16; i++) {
		const struct pickle_node *a = args->item[i];

		if (a->kind == PICKLE_STR || a->kind == PICKLE_BYTES ||
		    a->kind == PICKLE_CALL)
			check_pickle_nested(j, a);
		else if ((a->kind == PICKLE_TUPLE || a->kind == PICKLE_LIST) &&
			 depth < 2)
			look_into(j, a, depth + 1);
	}
}

/* INST and OBJ without arguments make an object of a class without calling
 * it. */
static unsigned
use_of(uint8_t op, const struct pickle_call *c, unsigned may)
{
	if (op == CODE_NEWOBJ || op == CODE_NEWOBJ_EX)
		return USE_NEW;
	if ((op == CODE_INST || op == CODE_OBJ) && c->args->n == 0 &&
	    (may & USE_NEW) != 0)
		return USE_NEW;
	return USE_CALL;
}

/* As NEWOBJ_EX: what is wrong with the arguments that are given to the class. */
static bool
makes_by_partial(struct check_pickle_judge *j, const struct pickle_call *c)
{
	struct check_pickle_fact *t = check_pickle_wrap_partial(j, c);
	const struct pickle_node *state;
	struct pickle_node args;
	const char *wrong = NULL;

	if (t == NULL)
		return false;
	if (t->allow->arg != ARG_sympy && t->allow->arg != ARG_sympy_text)
		return true;
	state = c->callee->call->state;
	args = *state->item[1];
	args.item++; /* behind the class */
	args.n--;
	if (!check_pickle_sympy_options(state->item[2]))
		wrong = "is given more than assumptions";
	else
		wrong = check_pickle_arg_wrong(j, t->allow->arg, &args);
	if (wrong != NULL)
		misuse(j, wrong, t->shown);
	return true;
}

static void
see_call(struct check_pickle_judge *j, uint8_t op, const struct pickle_node *n)
{
	const struct pickle_call *c = n->call;
	struct check_pickle_fact *t = check_pickle_judge_fact(j, c->callee);
	const char *wrong = NULL;
	unsigned use;

	if (t == NULL && makes_by_partial(j, c))
		return;
	if (t == NULL && check_pickle_code_type(c->callee)) {
		check_pickle_code_make(j, c->args);
		return;
	}
	if (t == NULL) {
		bool result = c->callee->kind == PICKLE_CALL;
		const struct check_pickle_fact *of =
		    result ? check_pickle_judge_fact(j, c->callee->call->callee)
			   : NULL;

		check_pickle_judge_say(j, FINDING_PICKLE_CALL_UNKNOWN,
		    j->pickle.at,
		    result ? "what it returned is called"
			   : "what is called is no name",
		    of != NULL ? of->shown : NULL);
		look_into(j, c->args, 0);
		return;
	}
	t->called = true;
	t->reduced = t->reduced || use_of(op, c, USE_NEW) == USE_CALL;
	if (t->allow == NULL || t->allow->arg == ARG_nested)
		look_into(j, c->args, 0);
	if (t->allow == NULL)
		return;
	use = use_of(op, c, t->allow->use);
	/* a member of an enumeration of TorchScript, which Python cannot import */
	if (t->module.len > 10 && memcmp(t->module.ptr, "__torch__.", 10) == 0)
		use = USE_NEW;
	if ((t->allow->use & use) == 0)
		wrong = use == USE_NEW ? "no class that may be made"
				       : "may be named but not called";
	else if (use == USE_CALL || check_pickle_arg_costly(t->allow->arg))
		wrong = check_pickle_arg_wrong(j, t->allow->arg, c->args);
	else if (t->allow->arg == ARG_sympy || t->allow->arg == ARG_sympy_text)
		wrong = check_pickle_sympy_options(c->kwargs)
			    ? check_pickle_arg_wrong(j, t->allow->arg, c->args)
			    : "is given more than assumptions";
	if (wrong == NULL && t->allow->arg == ARG_sympy)
		wrong = check_pickle_sympy_endless(t, c->args);
	if (wrong != NULL)
		misuse(j, wrong, t->shown);
	else if (rd_slice_is(t->module, "torch._utils"))
		check_pickle_view(j, n);
}

static void
see_build(struct check_pickle_judge *j, const struct pickle_node *n)
{
	struct check_pickle_fact *t;
	const char *wrong;
	bool hooks, found;

	if (n->kind != PICKLE_CALL) {
		if (n->kind == PICKLE_GLOBAL && !n->built)
			return; /* the state is a name: told before */
		t = check_pickle_judge_fact(j, n);
		misuse(j,
		    "its state is set, but it is no object of this pickle",
		    t != NULL ? t->shown : NULL);
		return;
	}
	t = check_pickle_judge_class(j, n);
	hooks = check_pickle_hook_state(n->call->state);
	found = check_pickle_hook_items(t, n);
	if (t != NULL && t->allow == NULL)
		t->hooked = t->hooked || hooks || found;
	if (t == NULL || t->allow == NULL)
		return;
	if ((t->allow->use & USE_STATE) == 0)
		misuse(j, "has no state that may be set", t->shown);
	else if (hooks && !check_pickle_state_formula(t, n->call->state))
		misuse(j, "its state sets what Python itself calls", t->shown);
	else if (found)
		misuse(j, "its items are found as what Python itself calls",
		    t->shown);
	else if ((wrong = check_pickle_state_wrong(j, t, n)) != NULL)
		misuse(j, wrong, t->shown);
	if (!j->inner && pickle_is_global(n->call->callee, NULL, PICKLE_ARRAY))
		check_pickle_joblib(j, n);
	if (pickle_is_global(n->call->callee, NULL, "_reconstruct"))
		check_pickle_array(j, n);
}

/* APPEND, SETITEM and the like on what is no list, set or dictionary. */
static void
see_items(struct check_pickle_judge *j, uint8_t op, const struct pickle_node *n)
{
	bool pairs = op == CODE_SETITEM || op == CODE_SETITEMS;
	struct check_pickle_fact *t = NULL;

	if (n->kind == PICKLE_CALL) {
		t = check_pickle_judge_class(j, n);
		if (t == NULL || t->allow == NULL ||
		    (t->allow->use & (pairs ? USE_ITEMS : USE_APPEND)) != 0)
			return;
	}
	misuse(j,
	    pairs ? "items are set, but it is no dictionary"
		  : "items are added, but it is no list or set",
	    t != NULL ? t->shown : NULL);
}

static void
see_name(struct check_pickle_judge *j, uint8_t op, const struct pickle_node *n)
{
	struct check_pickle_fact *t = check_pickle_judge_fact(j, n);

	if (op == CODE_BUILD || n->built) {
		see_build(j, n);
		return;
	}
	if (op == CODE_GLOBAL || op == CODE_STACK_GLOBAL)
		return;
	t->put = true;
	if (t->allow != NULL && (t->allow->use & USE_ONLY) != 0 &&
	    !j->tentative) {
		t->handed++;
		t->handed_at = j->pickle.at;
	}
}

static bool
is_number(const struct pickle_node *n)
{
	if (!pickle_is(n, PICKLE_STR) || n->text.len == 0)
		return false;
	for (size_t i = 0; i < n->text.len; i++)
		if (n->text.ptr[i] < '0' || n->text.ptr[i] > '9')
			return false;
	return true;
}

/* ('storage', class, key, location, elements[, part]), or, of old modules,
 * ('module', class, file, source) */
static void
see_persid(struct check_pickle_judge *j, const struct pickle_node *n)
{
	const struct pickle_node *id = n->item[0];
	const struct pickle_node *type = pickle_item(id, 1);
	const struct pickle_node *key = pickle_item(id, 2);
	struct check_pickle_fact *t = check_pickle_judge_fact(j, type);
	int64_t elements;

	if (pickle_is_text(pickle_item(id, 0), "module") && t != NULL) {
		if (!check_pickle_arg_class(j, type))
			misuse(j, "a module of PyTorch that is no class",
			    t->shown);
		return;
	}
	if (pickle_is(id, PICKLE_INT) || is_number(id))
		return; /* tensors of PyTorch's tar */
	if (!pickle_is_text(pickle_item(id, 0), "storage") || t == NULL) {
		check_pickle_judge_say(j, FINDING_PICKLE_PERSID, j->pickle.at,
		    "not ('storage', class, key, location, elements)", NULL);
		return;
	}
	if (t->allow == NULL)
		return;
	/* keys of torch.package are numbers */
	if ((!pickle_is(key, PICKLE_STR) && !pickle_is(key, PICKLE_INT)) ||
	    !pickle_is(pickle_item(id, 3), PICKLE_STR) ||
	    !pickle_int(pickle_item(id, 4), &elements) || elements < 0) {
		misuse(j, "a storage without key, place or size", t->shown);
		return;
	}
	if (j->storage != NULL && key->kind == PICKLE_STR)
		j->storage(j, type, key->text, elements);
}

/* Not to be loaded without what its writer kept apart. */
static void
needs_buffer(struct check_pickle_judge *j)
{
	if (j->tentative || j->buffers)
		return;
	j->buffers = true;
	check_short(j->f, FINDING_PICKLE_INVALID, j->pickle.at,
	    "it needs buffers that are not in the file");
}

/* Once a pickle: what such a container is put into is one too. */
static void
endless(struct check_pickle_judge *j)
{
	if (!j->tentative && !j->endless)
		check_pickle_judge_say(j, FINDING_PICKLE_MISUSE, j->pickle.at,
		    "values in values, so often that nothing walks through it",
		    NULL);
	j->endless = true;
}

static void
see(void *ctx, uint8_t op, const struct pickle_node *n)
{
	struct check_pickle_judge *j = ctx;

	j->told++;
	if (op == CODE_BUILD && n->kind != PICKLE_GLOBAL)
		see_build(j, n);
	else if (n->kind == PICKLE_GLOBAL)
		see_name(j, op, n);
	else if (n->kind == PICKLE_PERSID &&
		 (op == CODE_PERSID || op == CODE_BINPERSID))
		see_persid(j, n);
	else if (n->kind == PICKLE_BUFFER && op == CODE_NEXT_BUFFER)
		needs_buffer(j);
	else if (n->kind == PICKLE_EXT && !n->built)
		check_pickle_judge_say(j, FINDING_PICKLE_IMPORT_UNKNOWN,
		    j->pickle.at, "a name by its number (copyreg's registry)",
		    NULL);
	else if ((n->kind == PICKLE_STR || n->kind == PICKLE_BYTES) &&
		 !n->built)
		check_pickle_nested(j, n);
	else if (pickle_is_endless(n, j->pickle.at) && !n->built)
		endless(j);
	else if (n->kind == PICKLE_DICT && n->state && !n->built)
		check_pickle_judge_say(j, FINDING_PICKLE_MISUSE, j->pickle.at,
		    "a state that was set gets what Python itself calls", NULL);
	else if (n->kind == PICKLE_TUPLE && n->bulk >= PICKLE_HASH && !n->built)
		check_pickle_judge_say(j, FINDING_PICKLE_MISUSE, j->pickle.at,
		    "a key whose hash takes for ever to compute", NULL);
	else if (n->kind == PICKLE_CALL &&
		 (op == CODE_REDUCE || op == CODE_NEWOBJ ||
		     op == CODE_NEWOBJ_EX || op == CODE_INST || op == CODE_OBJ))
		see_call(j, op, n);
	else
		see_items(j, op, n);
}

/* "os.system", as the list of dangerous names has it. */
static bool
is_dangerous(struct slice s)
{
	const uint8_t *dot = s.len != 0 ? memrchr(s.ptr, '.', s.len) : NULL;
	size_t n = dot != NULL ? (size_t)(dot - s.ptr) : 0;

	return n != 0 && check_pickle_danger_find((struct slice){s.ptr, n},
			     (struct slice){dot + 1, s.len - n - 1}) != NULL;
}

/*
 * Data that a loader imports and calls: Lightning's load_from_checkpoint() what
 * "_instantiator" of the hyperparameters names, Hydra, which is handed these,
 * what "_target_" names; and skorch's networks give bytes to torch.load()
 * (NeuralNet.__setstate__).
 */
static void
pair(void *ctx, const struct pickle_node *key, const struct pickle_node *value)
{
	static const char *const own[] = {
	    "lightning.pytorch.cli.instantiate_module",
	    "pytorch_lightning.cli.instantiate_module"};
	struct check_pickle_judge *j = ctx;
	bool known = false;

	if (pickle_is_text(key, "__cuda_dependent_attributes__") &&
	    !check_pickle_nested_whole(value))
		misuse(j, "torch.load() loads what cannot be known",
		    "__cuda_dependent_attributes__");
	if (value->kind != PICKLE_STR)
		return;
	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		known |= rd_slice_is(value->text, own[i]);
	if (pickle_is_text(key, "_instantiator") && !known)
		misuse(j, "Lightning imports and calls what it names",
		    "_instantiator");
	else if ((pickle_is_text(key, "_target_") ||
		     pickle_is_text(key, "_component_")) &&
		 is_dangerous(value->text))
		misuse(j, "Hydra imports and calls what it names", "_target_");
}

static void
odd(void *ctx, uint64_t at, const char *what)
{
	struct check_pickle_judge *j = ctx;

	/* a stream may be nothing else, a million times; all are literals */
	if (what == j->last_odd)
		return;
	j->last_odd = what;
	check_pickle_judge_say(j, FINDING_PICKLE_DIVERGENT, at, what, NULL);
}

/* --- one pickle ---------------------------------------------------------- */

void
check_pickle_judge_init(
    struct check_pickle_judge *j, const struct check_file *f, struct rd bytes)
{
	*j = (struct check_pickle_judge){.f = f, .bytes = bytes};
	arena_init(&j->nodes, LIMIT_PICKLE_LEAN_BYTES);
	j->pickle = (struct pickle){
	    .arena = &j->nodes, .see = see, .odd = odd, .pair = pair, .ctx = j};
	arena_init(&j->arena, FACTS);
	map_init(&j->by_name, &j->arena);
	map_init(&j->said, &j->arena);
	j->last = &j->first;
	j->none = arena_alloc(&j->arena, 1, sizeof(*j->none));
	if (j->none == NULL)
		BUG("an empty arena is full");
	j->none->shown = "a name";
}

void
check_pickle_judge_end(struct check_pickle_judge *j)
{
	for (struct check_pickle_fact *t = j->first; t != NULL; t = t->next)
		if (t->allow == NULL)
			say_name(j, t);
		else if (t->handed != 0) /* and to none that may have it */
			check_pickle_judge_say(j, FINDING_PICKLE_MISUSE,
			    t->handed_at, "is handed on instead of called",
			    t->shown);
	arena_release(&j->nodes);
	arena_release(&j->arena);
}

int
check_pickle_judge_read(struct check_pickle_judge *j, struct rd *r, bool whole,
    const struct pickle_node **root, struct err *e)
{
	int rc;

	if (j->nodes.used > NODES_KEPT) {
		arena_release(&j->nodes);
		arena_init(&j->nodes, LIMIT_PICKLE_LEAN_BYTES);
		j->pickle.nodes = j->pickle.nfresh = 0;
	}
	j->told = 0;
	j->asked = 0;
	j->endless = false;
	j->pickle.lean = !whole;
	rc = pickle_read(&j->pickle, r, root, e);
	if (rc == 0 && pickle_is_endless(*root, j->pickle.at))
		endless(j);
	return rc;
}
