/* SPDX-License-Identifier: MIT
 * What dill writes of data: types by their names, arrays of NumPy by the call
 * that makes them, classes without code (dill/_dill.py).  All else of dill brings
 * code along and is found as that.
 */
#include "audit/check_pickle_judge.h"

#include "base/text.h"

#define DEEP 8 /* levels of data within data */

static struct slice
word(const char *s)
{
	return (struct slice){(const uint8_t *)s, strlen(s)};
}

/* --- types --------------------------------------------------------------- */

/* Those of no use but to be named. */
static bool
is_marker(struct slice name)
{
	static const char *const markers[] = {
	    "type", "NoneType", "EllipsisType", "NotImplementedType"};

	return text_is_among(
	    (const char *)name.ptr, name.len, markers, ARRAY_LEN(markers));
}

/* functools.partial, which dill knows as a type */
static bool
is_partial(const struct pickle_node *args)
{
	return args->n == 1 &&
	       pickle_is_text(pickle_item(args, 0), "PartialType");
}

/* _load_type(name) looks the name up among the types that Python has. */
static const struct check_pickle_allow *
loaded(const struct pickle_node *args)
{
	const struct pickle_node *name = pickle_item(args, 0);
	const struct check_pickle_allow *a;

	if (args->n != 1 || !pickle_is(name, PICKLE_STR))
		return NULL;
	a = check_pickle_allow_find(word("builtins"), name->text);
	return a != NULL && (a->use & USE_NEW) != 0 ? a : NULL;
}

struct check_pickle_fact *
check_pickle_dill_fact(
    struct check_pickle_judge *j, const struct pickle_node *n)
{
	if (pickle_calls(n, "dill._dill", "_load_type") &&
	    loaded(n->call->args) != NULL)
		return check_pickle_judge_name(
		    j, word("builtins"), pickle_item(n->call->args, 0)->text);
	if (pickle_calls(n, "dill._dill", "_load_type") &&
	    is_partial(n->call->args))
		return check_pickle_judge_name(
		    j, word("functools"), word("partial"));
	if (pickle_calls(n, "dill._dill", "_create_type"))
		return check_pickle_judge_name(
		    j, word("dill._dill"), word("_create_type()"));
	return NULL;
}

const char *
check_pickle_dill_type(const struct pickle_node *args)
{
	const struct pickle_node *name = pickle_item(args, 0);

	if (loaded(args) != NULL || is_partial(args) ||
	    (args->n == 1 && pickle_is(name, PICKLE_STR) &&
		is_marker(name->text)))
		return NULL;
	return "names a type that does more than to hold data";
}

/* "range(0, 3)" */
static bool
is_range(const struct pickle_node *n)
{
	static const char begin[] = "range(";
	size_t i = sizeof(begin) - 1;

	if (!pickle_is(n, PICKLE_STR) || n->text.len < i + 2 ||
	    memcmp(n->text.ptr, begin, i) != 0 ||
	    n->text.ptr[n->text.len - 1] != ')')
		return false;
	for (; i + 1 < n->text.len; i++)
		if (n->text.ptr[i] == 0 ||
		    strchr("0123456789-, ", n->text.ptr[i]) == NULL)
			return false;
	return true;
}

const char *
check_pickle_dill_repr(const struct pickle_node *args)
{
	const struct pickle_node *text = pickle_item(args, 0);

	return args->n == 1 && (pickle_is_text(text, "Ellipsis") ||
				   pickle_is_text(text, "NotImplemented") ||
				   is_range(text))
		   ? NULL
		   : "evaluates what is no constant";
}

/* --- arrays -------------------------------------------------------------- */

static bool
is_reconstruct(const struct pickle_node *n)
{
	return pickle_is_global(n, "numpy.core.multiarray", "_reconstruct") ||
	       pickle_is_global(n, "numpy._core.multiarray", "_reconstruct");
}

/* _create_array(_reconstruct, its arguments, state, attributes): the array is
 * ndarray itself, whose __setstate__ is NumPy's. */
const char *
check_pickle_dill_array(
    struct check_pickle_judge *j, const struct pickle_node *args)
{
	const struct pickle_node *of = pickle_item(args, 0);
	const struct pickle_node *with = pickle_item(args, 1);
	const struct pickle_node *state = pickle_item(args, 2);
	const struct pickle_node *more = pickle_item(args, 3);
	struct check_pickle_fact *t;

	if (!is_reconstruct(of) || !pickle_is(with, PICKLE_TUPLE) ||
	    !pickle_is_global(pickle_item(with, 0), "numpy", "ndarray") ||
	    !pickle_is(state, PICKLE_TUPLE))
		return "makes what is no array";
	if (more != NULL && more->kind != PICKLE_NONE &&
	    (more->kind != PICKLE_DICT || more->hooks))
		return "gives an array attributes that cannot be known";
	t = check_pickle_judge_fact(j, of);
	if (t != NULL && t->handed != 0)
		t->handed--;
	return NULL;
}

/* --- classes ------------------------------------------------------------- */

/* Nothing in it has a name or was made. */
static bool
is_data(const struct pickle_node *n, unsigned depth)
{
	switch (n->kind) {
	case PICKLE_NONE:
	case PICKLE_INT:
	case PICKLE_FLOAT:
	case PICKLE_STR:
	case PICKLE_BYTES:
	case PICKLE_BOOL:
		return true;
	case PICKLE_TUPLE:
	case PICKLE_LIST:
	case PICKLE_DICT:
		break;
	default:
		return false;
	}
	for (size_t i = 0; i < n->n && depth < DEEP; i++)
		if (!is_data(n->item[i], depth + 1))
			return false;
	return depth < DEEP && !n->big;
}

static bool
is_type(const struct pickle_node *n, const char *name)
{
	return pickle_calls(n, "dill._dill", "_load_type") &&
	       n->call->args->n == 1 &&
	       pickle_is_text(pickle_item(n->call->args, 0), name);
}

/* _create_type(type, name, (object,), {...}) of values alone. */
const char *
check_pickle_dill_class(const struct pickle_node *args)
{
	const struct pickle_node *bases = pickle_item(args, 2);
	const struct pickle_node *dict = pickle_item(args, 3);

	if (args->n != 4 || !is_type(pickle_item(args, 0), "type") ||
	    !pickle_is(pickle_item(args, 1), PICKLE_STR) ||
	    !pickle_is(bases, PICKLE_TUPLE) || bases->n != 1 ||
	    !is_type(pickle_item(bases, 0), "object"))
		return "makes a class of more than object";
	if (!pickle_is(dict, PICKLE_DICT) || dict->hooks || !is_data(dict, 0))
		return "makes a class that has more than values";
	return NULL;
}
