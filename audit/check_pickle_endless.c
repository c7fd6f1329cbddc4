/* SPDX-License-Identifier: MIT
 * Calls that never return, or ask for more memory than there is, though what is
 * called is harmless: loading such a pickle stops the program that does.  What
 * libraries write is as large as the file that holds it.
 */
#include "audit/check_pickle_judge.h"

#define DIGITS 4300 /* sys.int_info, Python 3.11 */
#define DEPTH  4    /* iterators of iterators */
#define MOST   ((int64_t)1 << 24)

/* Added to what the pickle asked for before: many small ones are a large one. */
static bool
asks(int64_t *all, int64_t n)
{
	return n > 0 && (ckd_add(all, *all, n) || *all > MOST);
}

/* Elements of range(stop), range(start, stop) or with a step. */
static bool
is_long_range(const struct pickle_node *args, int64_t *all)
{
	double elements;

	int64_t v[3] = {0, 0, 1}, stop;
	size_t n = args->n;

	for (size_t i = 0; i < n && i < 3; i++) {
		if (!pickle_is(args->item[i], PICKLE_INT))
			return false;
		if (!pickle_int(args->item[i], &v[i]))
			return true; /* of more than 64 bits */
	}
	if (n == 1)
		return asks(all, v[0]);
	stop = v[1];
	if (n < 2 || v[2] == 0)
		return false;
	elements = ((double)stop - (double)v[0]) / (double)v[2];
	return elements > (double)MOST || asks(all, (int64_t)elements);
}

/* How much one argument of product() or permutations() holds. */
static int64_t
length(const struct pickle_node *n)
{
	const struct pickle_node *to;
	int64_t v[2] = {0, 0};

	if (n->kind == PICKLE_TUPLE || n->kind == PICKLE_LIST ||
	    n->kind == PICKLE_SET || n->kind == PICKLE_FROZENSET)
		return n->big ? MOST : (int64_t)n->n;
	if (pickle_is(n, PICKLE_STR) || pickle_is(n, PICKLE_BYTES))
		return (int64_t)n->text.len;
	if (!pickle_calls(n, "builtins", "range") || n->call->args->n == 0)
		return 1;
	to = pickle_item(n->call->args, n->call->args->n > 1);
	if (!pickle_is(to, PICKLE_INT) || !pickle_int(to, &v[1]))
		return MOST;
	if (n->call->args->n > 1 &&
	    !pickle_int(pickle_item(n->call->args, 0), &v[0]))
		return MOST;
	return v[1] > v[0] ? v[1] - v[0] : 0;
}

/* Everything with everything: product(), permutations(), combinations(). */
static bool
is_combined(const struct pickle_node *n)
{
	const struct pickle_node *args = n->call->args;
	int64_t all = 1;

	if (pickle_calls(n, "itertools", "product")) {
		for (size_t i = 0; i < args->n; i++)
			if (ckd_mul(&all, all, length(args->item[i])) ||
			    all > MOST)
				return true;
		return false;
	}
	return (pickle_calls(n, "itertools", "permutations") ||
		   pickle_calls(n, "itertools", "combinations") ||
		   pickle_calls(
		       n, "itertools", "combinations_with_replacement")) &&
	       args->n != 0 && length(args->item[0]) > 24;
}

static bool
is_repeated(const struct pickle_node *n, int64_t *all)
{
	const struct pickle_node *times = pickle_item(n->call->args, 1);
	int64_t v;

	return pickle_calls(n, "itertools", "repeat") &&
	       pickle_is(times, PICKLE_INT) &&
	       (!pickle_int(times, &v) || asks(all, v));
}

/* pandas' _new_Index(RangeIndex, {"start": 0, "stop": 9, ...}) */
static bool
is_long_index(const struct pickle_node *n, int64_t *all)
{
	const struct pickle_node *with = pickle_item(n->call->args, 1);
	int64_t from = 0, to = 0;

	if (!pickle_calls(n, NULL, "_new_Index") ||
	    pickle_get(with, "stop") == NULL)
		return false;
	return !pickle_int(pickle_get(with, "start"), &from) ||
	       !pickle_int(pickle_get(with, "stop"), &to) ||
	       ckd_sub(&to, to, from) || asks(all, to < 0 ? -to : to);
}

static const char *
iterator(const struct pickle_node *n, unsigned depth, int64_t *all)
{
	const struct pickle_node *args;
	const char *bad = NULL;

	if (!pickle_is(n, PICKLE_CALL) || depth == DEPTH)
		return NULL;
	args = n->call->args;
	if (args == NULL || !pickle_is(n->call->callee, PICKLE_GLOBAL))
		return NULL;
	if (pickle_calls(n, "itertools", "count") ||
	    pickle_calls(n, "itertools", "cycle") ||
	    (pickle_calls(n, "itertools", "repeat") && args->n == 1))
		return "walks through what has no end";
	if (pickle_calls(n, "builtins", "range") && is_long_range(args, all))
		return "makes more than any file holds";
	if (is_combined(n) || is_repeated(n, all) || is_long_index(n, all))
		return "makes more than any file holds";
	/* of up to 2 to the 128 addresses */
	if (rd_slice_is(n->call->callee->name->module, "ipaddress"))
		return "walks through what has no end";
	/* of iter(), zip() and chain() also of what they walk through */
	for (size_t i = 0; i < args->n && bad == NULL; i++)
		bad = iterator(args->item[i], depth + 1, all);
	return bad;
}

const char *
check_pickle_endless(const struct pickle_node *args, int64_t *all)
{
	const char *bad = NULL;

	for (size_t i = 0; i < args->n && bad == NULL; i++)
		bad = iterator(args->item[i], 0, all);
	return bad;
}

/* bytes(n), bytearray(n) */
const char *
check_pickle_endless_size(const struct pickle_node *args, int64_t *all)
{
	const struct pickle_node *of = pickle_item(args, 0);
	int64_t n;

	if (pickle_is(of, PICKLE_INT) && (!pickle_int(of, &n) || asks(all, n)))
		return "makes more than any file holds";
	return check_pickle_endless(args, all);
}

/* The shape of an array that is empty until its state is set. */
const char *
check_pickle_endless_shape(const struct pickle_node *shape, int64_t *asked)
{
	int64_t all = 1, n;

	if (!pickle_is(shape, PICKLE_TUPLE) || shape->big)
		return NULL;
	for (size_t i = 0; i < shape->n; i++) {
		if (!pickle_is(shape->item[i], PICKLE_INT))
			return NULL;
		if (!pickle_int(shape->item[i], &n) || ckd_mul(&all, all, n) ||
		    all > MOST)
			return "makes more than any file holds";
	}
	return asks(asked, all) ? "makes more than any file holds" : NULL;
}

/* fractions.Fraction("1e999999999") computes that power; what it writes of
 * itself are two whole numbers. */
const char *
check_pickle_endless_power(const struct pickle_node *args)
{
	const struct pickle_node *of = pickle_item(args, 0);

	if (pickle_is(of, PICKLE_STR) && of->text.len != 0 &&
	    (memchr(of->text.ptr, 'e', of->text.len) != NULL ||
		memchr(of->text.ptr, 'E', of->text.len) != NULL))
		return "computes a power";
	return NULL;
}

/* int(text), int(Decimal("1E999999999")): digits one by one, with work that grows
 * with the square of their number. */
const char *
check_pickle_endless_digits(const struct pickle_node *args)
{
	const struct pickle_node *of = pickle_item(args, 0);

	if (pickle_calls(of, NULL, "Decimal") ||
	    pickle_calls(of, NULL, "Fraction"))
		return "computes a power";
	return (pickle_is(of, PICKLE_STR) || pickle_is(of, PICKLE_BYTES)) &&
		       of->text.len > DIGITS
		   ? "has more digits than Python takes"
		   : NULL;
}
