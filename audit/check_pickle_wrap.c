/* SPDX-License-Identifier: MIT
 * Functions that a pickle calls to make something of another function or class,
 * which is an argument: of toolz and tblib, and Python's own partial.
 */
#include "audit/check_pickle_wrap.h"

/* "toolz.curried:map": a curried function of these packages, by no path */
static bool
is_curried_name(struct slice s)
{
	static const char *const begins[] = {
	    "toolz.", "cytoolz.", "dask.array."};
	const uint8_t *colon = s.len != 0 ? memchr(s.ptr, ':', s.len) : NULL;
	size_t n = colon != NULL ? (size_t)(colon - s.ptr) : 0;

	for (size_t i = 0; i < ARRAY_LEN(begins) && n != 0; i++)
		if (n > strlen(begins[i]) &&
		    memcmp(s.ptr, begins[i], strlen(begins[i])) == 0)
			return check_pickle_is_word(
			    (struct slice){colon + 1, s.len - n - 1}, '_');
	return false;
}

/* toolz.functoolz._restore_curry(curry, func, args, kwargs, state, decorated): a
 * text in place of the function is imported, "module:name" */
const char *
check_pickle_wrap_curry(
    struct check_pickle_judge *j, const struct pickle_node *args)
{
	const struct pickle_node *of = pickle_item(args, 1);

	if (!pickle_is_global(pickle_item(args, 0), "toolz.functoolz", "curry"))
		return "makes what is no curried function";
	if (pickle_is(of, PICKLE_CALL) || check_pickle_arg_listed(j, of) ||
	    (pickle_is(of, PICKLE_STR) && is_curried_name(of->text)))
		return NULL;
	return "wraps a function that is not allowed";
}

/* tblib.pickling_support.unpickle_exception(class, args, cause, traceback) calls
 * the class */
const char *
check_pickle_wrap_exception(
    struct check_pickle_judge *j, const struct pickle_node *args)
{
	struct check_pickle_fact *t =
	    check_pickle_judge_fact(j, pickle_item(args, 0));
	const struct pickle_node *inner = pickle_item(args, 1);

	if (t == NULL || !pickle_is(inner, PICKLE_TUPLE))
		return "calls what cannot be known";
	t->called = true;
	t->reduced = true;
	if (t->allow == NULL)
		return NULL;
	if ((t->allow->use & (USE_CALL | USE_NEW)) != (USE_CALL | USE_NEW) ||
	    t->allow->arg != ARG_data)
		return "makes what is no exception";
	return check_pickle_arg_wrong(j, ARG_data, inner);
}

/* matplotlib.cbook._picklable_class_constructor(mixin, format, attribute, base) makes
 * a class of both, whose attribute is the base: as __setstate__ it would be called
 * with a state. */
const char *
check_pickle_wrap_mixin(
    struct check_pickle_judge *j, const struct pickle_node *args)
{
	const struct pickle_node *attribute = pickle_item(args, 2);

	if (args->n != 4 || !check_pickle_arg_class(j, args->item[0]) ||
	    !check_pickle_arg_class(j, args->item[3]))
		return "is given what is no class that may be made";
	return attribute->kind == PICKLE_NONE ||
		       pickle_is_text(attribute, "_axes_class") ||
		       pickle_is_text(attribute, "_base_axes_class")
		   ? NULL
		   : "makes a class with an attribute that is not its own";
}

/*
 * Whoever calls partial(cls, ...) runs cls.__init__() with arguments of the pickle.
 * Most classes keep them; those of these packages open, fetch or evaluate what they
 * are given (activation: "..." of ultralytics, _target_ of nemo).
 */
const char *
check_pickle_wrap_class(
    struct check_pickle_judge *j, const struct pickle_node *of)
{
	static const char *const packages[] = {"astropy.io", "catboost",
	    "diffusers", "fairseq", "gensim", "lightgbm", "nemo", "nltk",
	    "optuna.study", "speechbrain", "torchvision.datasets",
	    "transformers.models", "ultralytics.nn.tasks", "xgboost.core"};
	const struct check_pickle_fact *t = check_pickle_judge_fact(j, of);

	if (t == NULL || t->allow == NULL || (t->allow->use & USE_NEW) == 0 ||
	    (t->allow->use & USE_CALL) != 0)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(packages); i++) {
		size_t n = strlen(packages[i]);

		if (t->module.len >= n &&
		    memcmp(t->module.ptr, packages[i], n) == 0 &&
		    (t->module.len == n || t->module.ptr[n] == '.'))
			return "wraps a class that opens or evaluates what it "
			       "is given";
	}
	return NULL;
}

/*
 * partial(cls.__new__, cls, *args, **kwargs)(), which protocols 2 and 3 have in
 * place of NEWOBJ_EX (Lib/pickle.py, save_reduce).
 */
struct check_pickle_fact *
check_pickle_wrap_partial(
    struct check_pickle_judge *j, const struct pickle_call *c)
{
	const struct pickle_node *state, *method, *args, *cls, *of;
	struct check_pickle_fact *t;

	if (!pickle_calls(c->callee, NULL, "partial") || c->args->n != 0)
		return NULL;
	state = c->callee->call->state;
	if (!pickle_is(state, PICKLE_TUPLE) || state->n != 4)
		return NULL;
	method = state->item[0];
	args = state->item[1];
	if (!pickle_calls(method, NULL, "getattr") ||
	    !pickle_is_text(pickle_item(method->call->args, 1), "__new__"))
		return NULL;
	cls = pickle_item(method->call->args, 0);
	of = pickle_is(args, PICKLE_TUPLE) ? pickle_item(args, 0) : NULL;
	t = of != NULL ? check_pickle_judge_fact(j, of) : NULL;
	return t != NULL && t == check_pickle_judge_fact(j, cls) &&
		       t->allow != NULL && (t->allow->use & USE_NEW) != 0
		   ? t
		   : NULL;
}
