/* SPDX-License-Identifier: MIT
 * States that a class does more with than to keep them.
 */
#define _GNU_SOURCE /* memmem */
#include "audit/check_pickle_array.h"
#include "audit/check_pickle_wrap.h"

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

/* What SciPy before 1.6 wrote: (arguments of the constructor, which checks them,
 * random numbers).  Any other row would be taken as pairs of names and values
 * (__setstate__ updates the object's dictionary with it), also a dictionary of two. */
static bool
is_constructor(const struct pickle_node *state)
{
	static const char *const randoms[] = {"__RandomState_ctor",
	    "__randomstate_ctor", "__generator_ctor", "RandomState",
	    "Generator"};
	const struct pickle_node *with = pickle_item(state, 0);
	const struct pickle_node *random = pickle_item(state, 1);
	bool known = pickle_is(random, PICKLE_NONE);

	for (size_t i = 0; i < ARRAY_LEN(randoms); i++)
		known |= pickle_calls(random, NULL, randoms[i]);
	return state->n == 2 && known && pickle_is(with, PICKLE_DICT) &&
	       !with->big && !with->made &&
	       pickle_get(with, "_parse_arg_template") == NULL;
}

static const char *
distribution(const struct pickle_node *state)
{
	if (pickle_is(state, PICKLE_TUPLE) && is_constructor(state))
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

/* --- statsmodels ---------------------------------------------------------- */

static bool
is_name_char(uint8_t c)
{
	return ((c | 32) >= 'a' && (c | 32) <= 'z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '.';
}

/* A transform of patsy or NumPy that only computes. */
static bool
is_transform(struct slice s)
{
	static const char *const names[] = {"C", "I", "center", "scale",
	    "standardize", "bs", "cr", "cc", "poly", "Treatment", "Sum", "Poly",
	    "Helmert", "Diff", "np.log", "np.log1p", "np.log10", "np.exp",
	    "np.sqrt", "np.abs", "np.square", "np.power"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (rd_slice_is(s, names[i]))
			return true;
	return false;
}

/* Names, numbers and signs: patsy evaluates each factor as Python. */
static bool
is_formula(struct slice s)
{
	for (size_t i = 0, to; i < s.len; i = to) {
		struct slice name = {s.ptr + i, 0};

		for (to = i; to < s.len && is_name_char(s.ptr[to]); to++)
			;
		name.len = to - i;
		if (name.len == 0) {
			if (s.ptr[to] == 0 ||
			    strchr("~+-*/:() ,=", s.ptr[to]) == NULL)
				return false;
			to++;
			continue;
		}
		if (memmem(name.ptr, name.len, "__", 2) != NULL)
			return false;
		if (to < s.len && s.ptr[to] == '(' && !is_transform(name))
			return false;
		if (memchr(name.ptr, '.', name.len) != NULL &&
		    !is_transform(name) &&
		    !(name.ptr[0] >= '0' && name.ptr[0] <= '9'))
			return false;
	}
	return s.len != 0;
}

bool
check_pickle_state_formula(
    const struct check_pickle_fact *t, const struct pickle_node *state)
{
	static const char module[] = "statsmodels.",
			  key[] = "restore_design_info";
	const struct pickle_node *formula;

	if (t->module.len < sizeof(module) ||
	    memcmp(t->module.ptr, module, sizeof(module) - 1) != 0 ||
	    !pickle_is(state, PICKLE_DICT) || state->big)
		return false;
	for (size_t i = 0; i + 1 < state->n; i += 2)
		if (pickle_is(state->item[i], PICKLE_STR) &&
		    pickle_is_hook(state->item[i]->text) &&
		    !rd_slice_is(state->item[i]->text, key))
			return false;
	formula = pickle_get(state, "formula");
	return pickle_is(formula, PICKLE_STR) && is_formula(formula->text);
}

/* ModelData and what is derived from it, wherever it was imported. */
static bool
is_data(const struct check_pickle_fact *t)
{
	static const char module[] = "statsmodels.", tail[] = "Data";
	size_t n = sizeof(module) - 1, m = sizeof(tail) - 1;

	return t->module.len > n && memcmp(t->module.ptr, module, n) == 0 &&
	       t->name.len >= m &&
	       memcmp(t->name.ptr + t->name.len - m, tail, m) == 0;
}

/* --- builders of networks ------------------------------------------------- */

/* partial(resnet50, weights=...): whoever calls it fetches them, from where the
 * arguments say.  (function, arguments, options, attributes) */
static const char *
builder(struct check_pickle_judge *j, const struct pickle_node *state)
{
	static const char *const fetch[] = {"checkpoint_path", "pretrained",
	    "pretrained_cfg", "pretrained_cfg_overlay", "weights",
	    "weights_backbone"};
	const struct pickle_node *of = pickle_item(state, 0);
	const struct pickle_node *with = pickle_item(state, 2);
	const struct check_pickle_fact *t;

	const char *wrong = check_pickle_wrap_class(j, of);

	if (wrong != NULL || !pickle_is(of, PICKLE_GLOBAL) ||
	    !pickle_is(with, PICKLE_DICT))
		return wrong;
	t = check_pickle_judge_fact(j, of);
	if (t == NULL || t->allow == NULL ||
	    strcmp(t->allow->reason, "a network's builder") != 0)
		return NULL;
	/* resnet50(True), in place of pretrained=True */
	if (!pickle_is(pickle_item(state, 1), PICKLE_TUPLE) ||
	    pickle_item(state, 1)->n != 0)
		return "builds a network of what cannot be known";
	for (size_t i = 0; i < ARRAY_LEN(fetch); i++) {
		const struct pickle_node *v = pickle_get(with, fetch[i]);

		if (v != NULL && v->kind != PICKLE_NONE &&
		    !(v->kind == PICKLE_BOOL && v->i == 0))
			return "builds a network with weights from elsewhere";
	}
	return with->big ? "builds a network of what cannot be known" : NULL;
}

/* --- NumPy ------------------------------------------------------------------ */

/* (type, offset) of an element of `size` bytes, which holds objects or not */
static bool
is_field(
    const struct pickle_node *type, int64_t offset, int64_t size, bool objects)
{
	bool holds = false;
	uint64_t width;

	/* one that is not known is no wider than nothing */
	if (!check_pickle_joblib_element(type, &width, &holds))
		width = 0;
	return offset >= 0 && offset <= size && (!holds || objects) &&
	       width <= (uint64_t)(size - offset);
}

/* "f8", which is no object and has no parts, but says that it holds objects */
static bool
is_false_object(const struct pickle_node *code, int64_t flags)
{
	static const char codes[] = "?bBhHiIlLqQefdgFDGcuSaUmM";
	size_t i = 0;

	if (!pickle_is(code, PICKLE_STR) || code->text.len == 0 ||
	    (flags & 1) == 0)
		return false;
	if (code->text.len > 1 && memchr("<>|=", code->text.ptr[0], 4) != NULL)
		i = 1;
	return memchr(codes, code->text.ptr[i], sizeof(codes) - 1) != NULL;
}

/* numpy.dtype: (version, order, (type, shape), names, fields, size, alignment,
 * flags), which it believes: fields may lie behind an element's end, and bytes of
 * the file be taken for objects. */
static const char *
element_type(const struct pickle_node *n)
{
	const struct pickle_node *state = n->call->state;
	const struct pickle_node *fields = pickle_item(state, 4);
	const struct pickle_node *sub = pickle_item(state, 2);
	int64_t size = 0, flags = 0, offset;
	bool objects = !pickle_int(pickle_item(state, 7), &flags);

	if (is_false_object(pickle_item(n->call->args, 0), flags))
		return "has numbers that it takes for objects";
	if (!pickle_is(fields, PICKLE_DICT) && !pickle_is(sub, PICKLE_TUPLE))
		return NULL;
	if (!pickle_int(pickle_item(state, 5), &size))
		return "has a size that is none";
	objects |= (flags & 1) != 0;
	if (pickle_is(sub, PICKLE_TUPLE))
		return is_field(pickle_item(sub, 0), 0, size, objects)
			   ? NULL
			   : "has parts that are not within it";
	for (size_t i = 0; i + 1 < fields->n; i += 2)
		if (!pickle_int(pickle_item(fields->item[i + 1], 1), &offset) ||
		    !is_field(pickle_item(fields->item[i + 1], 0), offset, size,
			objects))
			return "has fields that are not within it";
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
check_pickle_state_wrong(struct check_pickle_judge *j,
    const struct check_pickle_fact *t, const struct pickle_node *n)
{
	const struct pickle_node *state = n->call->state;

	if (strcmp(t->allow->name, "(a distribution)") == 0)
		return distribution(state);
	if (t->allow->arg == ARG_sympy || t->allow->arg == ARG_sympy_text)
		return check_pickle_sympy_state(j, state);
	/* it looks for a formula in any mapping, a Series too */
	if (is_data(t) && !pickle_is(state, PICKLE_DICT))
		return "has a state that cannot be known";
	if (strcmp(t->allow->name, "dtype") == 0)
		return element_type(n);
	if (t->allow->arg == ARG_partial)
		return builder(j, state);
	if (strcmp(t->allow->name, "NDArrayWrapper") == 0 ||
	    strcmp(t->allow->name, "ZNDArrayWrapper") == 0)
		return other_file(state);
	return NULL;
}
