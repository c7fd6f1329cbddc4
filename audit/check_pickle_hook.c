/* SPDX-License-Identifier: MIT
 * Attributes that Python itself looks for while it loads a pickle
 * (Modules/_pickle.c: load_build, do_append, load_additems), and finds in an
 * object's own dictionary: whoever sets them says what is called next, with what.
 * The keys are the pickle's own strings, or anything that is equal to one: numpy's
 * str_, a str of another call.
 */
#include "audit/check_pickle_hook.h"

#include "base/text.h"

/* Numbers of NumPy, which are equal to no string: scalar(dtype("f8"), bytes) */
static bool
is_number(const struct pickle_node *n)
{
	const struct pickle_node *type = pickle_item(n->call->args, 0);
	const struct pickle_node *code;
	size_t i;

	if (!pickle_calls(n, NULL, "scalar") ||
	    !pickle_calls(type, NULL, "dtype"))
		return false;
	code = pickle_item(type->call->args, 0);
	if (!pickle_is(code, PICKLE_STR) || code->text.len == 0)
		return false;
	i = code->text.len > 1 && memchr("<>|=", code->text.ptr[0], 4) != NULL;
	return memchr("iufcb?", code->text.ptr[i], 6) != NULL;
}

/* Whatever it is equal to cannot be known. */
static bool
is_made(const struct pickle_node *key)
{
	static const char *const others[] = {"Decimal", "Fraction", "datetime",
	    "date", "time", "timedelta", "Timestamp", "UUID", "int", "float",
	    "complex", "tuple", "frozenset", "bytes"};
	const struct pickle_node *callee;

	if (!pickle_is(key, PICKLE_CALL) || is_number(key))
		return false;
	callee = key->call->callee;
	return !pickle_is(callee, PICKLE_GLOBAL) ||
	       !text_is_among((const char *)callee->name->name.ptr,
		   callee->name->name.len, others, ARRAY_LEN(others));
}

static bool
is_hook(const struct pickle_node *key)
{
	return is_made(key) ||
	       (pickle_is(key, PICKLE_STR) && pickle_is_hook(key->text));
}

/* Pairs that a dictionary is made of: [["__setstate__", ...], ...]. */
static bool
pairs_hook(const struct pickle_node *pairs)
{
	if (pairs == NULL || pairs->kind < PICKLE_TUPLE ||
	    pairs->kind > PICKLE_FROZENSET)
		return false;
	for (size_t i = 0; i < pairs->n; i++)
		if (is_hook(pickle_item(pairs->item[i], 0)))
			return true;
	return pairs->big; /* those that were not kept */
}

/* (("__setstate__", ...), ...): rows of pairs and nothing else; a partial's row of
 * arguments is none. */
static bool
is_pairs(const struct pickle_node *n)
{
	bool hook = false;

	if (!pickle_is(n, PICKLE_TUPLE) && !pickle_is(n, PICKLE_LIST))
		return false;
	for (size_t i = 0; i < n->n; i++) {
		const struct pickle_node *p = n->item[i], *key;

		key = pickle_item(p, 0);
		if (key == NULL || p->n != 2)
			return false;
		hook |=
		    (pickle_is(key, PICKLE_STR) && pickle_is_hook(key->text)) ||
		    pickle_calls(key, NULL, "str") ||
		    pickle_calls(key, NULL, "str_") ||
		    (pickle_calls(key, NULL, "scalar") && is_made(key));
	}
	return hook;
}

#define DEEP 4 /* dictionaries that are made of dictionaries */

/* A dictionary, or what some class derived from it makes of one, or of pairs.
 * `made`: a key that a call made counts, too. */
static bool
dict_hooks(const struct pickle_node *d, bool made, unsigned depth)
{
	const struct pickle_node *added, *args;
	bool own;

	if (pickle_is(d, PICKLE_DICT))
		return d->hooks || (made && d->made);
	if (!pickle_is(d, PICKLE_CALL) || depth == DEEP)
		return false;
	added = d->call->dict;
	args = d->call->args;
	if (added != NULL && (added->hooks || (made && added->made)))
		return true;
	own = pickle_calls(d, NULL, "OrderedDict") ||
	      pickle_calls(d, NULL, "dict") ||
	      pickle_calls(d, NULL, "defaultdict");
	for (size_t i = 0; i < args->n && i < 4; i++)
		if (dict_hooks(args->item[i], made && own, depth + 1) ||
		    (own ? pairs_hook(args->item[i]) : is_pairs(args->item[i])))
			return true;
	return false;
}

/* Pairs that come out of something as it is walked through: classes whose
 * __setstate__() updates a dictionary take any (__dict__.update(state)). */
static bool
is_walked(const struct pickle_node *n)
{
	static const char *const walks[] = {"zip", "iter", "reversed",
	    "enumerate", "list", "set", "frozenset", "tuple", "deque",
	    "UserList", "UserDict", "ChainMap"};
	const struct pickle_node *callee;

	if (!pickle_is(n, PICKLE_CALL))
		return false;
	callee = n->call->callee;
	return pickle_is(callee, PICKLE_GLOBAL) &&
	       ((text_is_among((const char *)callee->name->name.ptr,
		     callee->name->name.len, walks, ARRAY_LEN(walks)) &&
		    n->call->args->n != 0) ||
		   rd_slice_is(callee->name->module, "itertools"));
}

/*
 * What a model of pydantic writes: its __dict__, which becomes the object's, the names
 * that were set, and others (BaseModel.__getstate__).  To a class that has no
 * __setstate__ of its own these are attributes that nothing looks for.
 */
static bool
is_pydantic(const struct pickle_node *state)
{
	static const char *const keys[] = {"__dict__", "__fields_set__",
	    "__private_attribute_values__", "__pydantic_extra__",
	    "__pydantic_fields_set__", "__pydantic_private__"};

	if (!pickle_is(state, PICKLE_DICT) || state->big || state->made)
		return false;
	for (size_t i = 0; i + 1 < state->n; i += 2)
		if (!pickle_is(state->item[i], PICKLE_STR) ||
		    !text_is_among((const char *)state->item[i]->text.ptr,
			state->item[i]->text.len, keys, ARRAY_LEN(keys)))
			return false;
	return pickle_is(pickle_get(state, "__dict__"), PICKLE_DICT) &&
	       (pickle_get(state, "__fields_set__") != NULL ||
		   pickle_get(state, "__pydantic_fields_set__") != NULL);
}

bool
check_pickle_hook_state(const struct pickle_node *state)
{
	if (is_pydantic(state)) {
		for (size_t i = 1; i < state->n; i += 2)
			if (dict_hooks(state->item[i], true, 0))
				return true;
		return false;
	}
	if (is_walked(state) || is_pairs(state))
		return true;
	if (!pickle_is(state, PICKLE_TUPLE))
		return dict_hooks(state, true, 0);
	/* (attributes, slots), or what a class makes of a row */
	for (size_t i = 0; i < state->n; i++)
		if (dict_hooks(state->item[i], state->n == 2, 0))
			return true;
	return false;
}

/* Classes of which items are looked up as attributes are any but Python's own: one
 * that has no __setstate__ finds it among them (scipy's OptimizeResult, yacs's
 * CfgNode). */
bool
check_pickle_hook_items(
    const struct check_pickle_fact *t, const struct pickle_node *n)
{
	const struct pickle_node *d = n->call->dict, *args = n->call->args;

	if (t == NULL || rd_slice_is(t->module, "collections") ||
	    rd_slice_is(t->module, "builtins"))
		return false;
	for (size_t i = 0; i < args->n; i++)
		if (pickle_is(args->item[i], PICKLE_DICT) &&
		    args->item[i]->dunder)
			return true;
	return d != NULL && d->dunder;
}
