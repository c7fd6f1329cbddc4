/* SPDX-License-Identifier: MIT
 * States that a class does more with than to keep them.
 */
#include "audit/check_pickle_judge.h"

/* --- scipy.stats --------------------------------------------------------- */

#define NAMES 200 /* characters of the names of parameters */

/* _distn_infrastructure.py, parse_arg_template: the names of parameters (each
 * with a comma and a blank), loc and scale of the three functions */
static const char head[] = "\ndef _parse_args(self, ";
static const char template[] =
    "\n"
    "def _parse_args(self, %s %s):\n"
    "    return (%s), %s\n"
    "\n"
    "def _parse_args_rvs(self, %s %s, size=None):\n"
    "    return self._argcheck_rvs(%s %s, size=size)\n"
    "\n"
    "def _parse_args_stats(self, %s %s, moments='mv'):\n"
    "    return (%s), %s, moments\n";

/* Identifiers, commas and blanks. */
static bool
take_names(struct slice text, char out[NAMES])
{
	size_t from = sizeof(head) - 1, n = 0;

	if (text.len < from || memcmp(text.ptr, head, from) != 0)
		return false;
	for (size_t i = from; i < text.len && n + 1 < NAMES; i++) {
		uint8_t c = text.ptr[i];

		out[n] = '\0';
		if (i + 4 < text.len && memcmp(text.ptr + i, " loc", 4) == 0)
			return true;
		if (!((c | 32) >= 'a' && (c | 32) <= 'z') &&
		    !(c >= '0' && c <= '9') && c != '_' && c != ',' && c != ' ')
			return false;
		out[n++] = (char)c;
	}
	return false;
}

static bool
is_template(struct slice text)
{
	static const char *const in[] = {"loc=0, scale=1", "loc=0"};
	static const char *const out[] = {"loc, scale", "loc, 1"};
	char names[NAMES], want[16 * NAMES];

	if (!take_names(text, names))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(in); i++) {
		int n = snprintf(want, sizeof(want), template, names, in[i],
		    names, out[i], names, in[i], names, out[i], names, in[i],
		    names, out[i]);

		if ((size_t)n == text.len &&
		    memcmp(want, text.ptr, text.len) == 0)
			return true;
	}
	return false;
}

/* A dictionary, or the arguments of the constructor, which checks them. */
static const char *
distribution(const struct pickle_node *state)
{
	if (pickle_is(state, PICKLE_TUPLE))
		return NULL;
	if (!pickle_is(state, PICKLE_DICT) || state->big)
		return "has a state that cannot be known";
	for (size_t i = 0; i + 1 < state->n; i += 2) {
		const struct pickle_node *v = state->item[i + 1];

		if (!pickle_is_text(state->item[i], "_parse_arg_template"))
			continue;
		if (!pickle_is(v, PICKLE_STR) || !is_template(v->text))
			return "has code of its own in its state";
	}
	return NULL;
}

/* --- joblib before 0.10 --------------------------------------------------- */

/* The array is in a file beside this one. */
static const char *
other_file(const struct pickle_node *state)
{
	const struct pickle_node *name = pickle_get(state, "filename");

	if (!pickle_is(name, PICKLE_STR) || name->text.len == 0 ||
	    memchr(name->text.ptr, '/', name->text.len) != NULL ||
	    memchr(name->text.ptr, '\\', name->text.len) != NULL)
		return "names a file in another folder";
	return NULL;
}

const char *
check_pickle_state_wrong(
    const struct check_pickle_fact *t, const struct pickle_node *n)
{
	const struct pickle_node *state = n->call->state;

	if (strcmp(t->allow->name, "(a distribution)") == 0)
		return distribution(state);
	if (t->allow->arg == ARG_sympy || t->allow->arg == ARG_sympy_text)
		return check_pickle_sympy_state(state);
	if (strcmp(t->allow->name, "NDArrayWrapper") == 0 ||
	    strcmp(t->allow->name, "ZNDArrayWrapper") == 0)
		return other_file(state);
	return NULL;
}
