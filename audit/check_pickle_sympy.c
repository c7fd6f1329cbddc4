/* SPDX-License-Identifier: MIT
 * Expressions of SymPy.  A pickle of one is made by cls.__new__(cls, *parts), and
 * what these are given they sympify(): text is evaluated as Python, also within
 * lists.  Without text nothing is, so that an expression is harmless as long as its
 * parts are numbers and other expressions; names are symbols, which take text for
 * what it is.
 */
#include "audit/check_pickle_judge.h"

#include <math.h>

#define DEEP 16 /* levels of lists within one another */

/* An object of one of SymPy's own classes that was made before. */
static bool
is_expression(struct check_pickle_judge *j, const struct pickle_node *n)
{
	static const char begin[] = "sympy.";
	const struct check_pickle_fact *t = check_pickle_judge_class(j, n);

	return t != NULL && t->allow != NULL &&
	       t->module.len > sizeof(begin) - 1 &&
	       memcmp(t->module.ptr, begin, sizeof(begin) - 1) == 0;
}

static bool
is_number(
    struct check_pickle_judge *j, const struct pickle_node *n, unsigned depth)
{
	switch (n->kind) {
	case PICKLE_NONE:
	case PICKLE_BOOL:
	case PICKLE_INT:
	case PICKLE_FLOAT:
		return true;
	case PICKLE_CALL:
		return is_expression(j, n) &&
		       (n->call->dict == NULL ||
			   is_number(j, n->call->dict, depth + 1));
	case PICKLE_TUPLE:
	case PICKLE_LIST:
	case PICKLE_DICT:
	case PICKLE_SET:
	case PICKLE_FROZENSET:
		break;
	default:
		return false;
	}
	for (size_t i = 0; i < n->n && depth < DEEP; i++)
		if (!is_number(j, n->item[i], depth + 1))
			return false;
	return depth < DEEP && !n->big;
}

const char *
check_pickle_sympy_parts(
    struct check_pickle_judge *j, const struct pickle_node *args)
{
	return is_number(j, args, 0)
		   ? NULL
		   : "is given what SymPy may evaluate as Python";
}

/* (name), of a Dummy also its number; (sign, mantissa, exponent, bits) of a
 * Float, the mantissa in hexadecimal, and its precision. */
const char *
check_pickle_sympy_text(const struct pickle_node *args)
{
	for (size_t i = 0; i < args->n; i++) {
		const struct pickle_node *a = args->item[i];

		if (a->kind == PICKLE_STR || a->kind == PICKLE_INT ||
		    a->kind == PICKLE_NONE || a->kind == PICKLE_FLOAT)
			continue;
		if (a->kind != PICKLE_TUPLE || a->big)
			return "is given what is neither name nor number";
		for (size_t k = 0; k < a->n; k++)
			if (a->item[k]->kind != PICKLE_INT &&
			    a->item[k]->kind != PICKLE_STR)
				return "is given what is neither name nor "
				       "number";
	}
	return args->big ? "is given too much" : NULL;
}

/* Assumptions: {"positive": True} */
bool
check_pickle_sympy_options(const struct pickle_node *d)
{
	if (d == NULL || d->kind == PICKLE_NONE)
		return true;
	if (d->kind != PICKLE_DICT || d->big || d->hooks)
		return false;
	for (size_t i = 0; i + 1 < d->n; i += 2)
		if (d->item[i]->kind != PICKLE_STR ||
		    (d->item[i + 1]->kind != PICKLE_BOOL &&
			d->item[i + 1]->kind != PICKLE_NONE &&
			d->item[i + 1]->kind != PICKLE_INT))
			return false;
	return true;
}

/* Attributes are kept as they are given; those of an expression have none but
 * what was computed of it, a matrix has its elements. */
static bool
is_matrix(struct check_pickle_judge *j, const struct pickle_node *state)
{
	if (!pickle_is(state, PICKLE_DICT) || state->big || state->hooks)
		return false;
	for (size_t i = 0; i + 1 < state->n; i += 2)
		if (state->item[i]->kind != PICKLE_STR ||
		    !is_number(j, state->item[i + 1], 0))
			return false;
	return true;
}

const char *
check_pickle_sympy_state(
    struct check_pickle_judge *j, const struct pickle_node *state)
{
	if (is_matrix(j, state))
		return NULL;
	if (pickle_is(state, PICKLE_TUPLE) && state->n == 2)
		return check_pickle_sympy_options(state->item[0]) &&
			       check_pickle_sympy_options(state->item[1])
			   ? NULL
			   : "has a state of more than assumptions";
	return check_pickle_sympy_options(state)
		   ? NULL
		   : "has a state of more than assumptions";
}

/* --- what never ends ------------------------------------------------------ */

#define BITS 268435456.0 /* of a power */
#define MOST 1e6         /* factorial(n), fibonacci(n) */

static double magnitude(const struct pickle_node *n, unsigned depth);

static double
of_parts(const struct pickle_node *args, const char *name, unsigned depth)
{
	double all = name[0] == 'M';

	for (size_t i = 0; i < args->n; i++) {
		double x = magnitude(args->item[i], depth + 1);

		all = name[0] == 'M' ? all * x : all + x;
	}
	return all;
}

/* About how large a number is, as it is computed while the parts are made; 0: it is
 * none. */
static double
magnitude(const struct pickle_node *n, unsigned depth)
{
	const struct pickle_node *args;

	if (pickle_is(n, PICKLE_INT))
		return n->big ? HUGE_VAL : fabs((double)n->i);
	if (!pickle_is(n, PICKLE_CALL) || depth == DEEP)
		return 0;
	args = n->call->args;
	if (pickle_calls(n, NULL, "Integer"))
		return magnitude(pickle_item(args, 0), depth + 1);
	if (pickle_calls(n, NULL, "Pow") && args->n >= 2)
		return pow(magnitude(args->item[0], depth + 1),
		    magnitude(args->item[1], depth + 1));
	if (pickle_calls(n, NULL, "Mul") || pickle_calls(n, NULL, "Add"))
		return of_parts(
		    args, pickle_calls(n, NULL, "Mul") ? "Mul" : "Add", depth);
	return 0;
}

const char *
check_pickle_sympy_endless(
    const struct check_pickle_fact *t, const struct pickle_node *args)
{
	static const char numbers[] = "sympy.functions.combinatorial.";
	double base, bits;

	if (rd_slice_is(t->name, "Pow") && args->n >= 2) {
		base = magnitude(args->item[0], 0);
		bits = base >= 2 ? log2(base) * magnitude(args->item[1], 0) : 0;
		return bits > BITS ? "asks for a power that takes for ever"
				   : NULL;
	}
	if (t->module.len <= sizeof(numbers) - 1 ||
	    memcmp(t->module.ptr, numbers, sizeof(numbers) - 1) != 0)
		return NULL;
	for (size_t i = 0; i < args->n; i++)
		if (magnitude(args->item[i], 0) > MOST)
			return "asks for a number that takes for ever";
	return NULL;
}
