/* SPDX-License-Identifier: MIT */
#include "audit/check_pickle_allow.h"
#include "audit/check_pickle_reach.h"
#include "base/text.h"

#define DATA   USE_DATA
#define CALL   USE_CALL
#define NEW    USE_NEW
#define STATE  USE_STATE
#define ITEMS  USE_ITEMS
#define APPEND USE_APPEND
#define ONLY   USE_ONLY
#define ARRAY  USE_ARRAY

#define FAMILY(prefix, reason)
#define CYTHON(prefix, reason)
#define NAMED(prefix, reason)
#define NEVER(prefix, reason)
#define RANDOM(prefix, reason)
#define PARTS(prefix, reason)
const struct check_pickle_allow check_pickle_allow_table[] = {
#define ALLOW(module, name, use, arg, reason)                                  \
	{module, name, use, ARG_##arg, reason},
#include "audit/check_pickle_allow.def"
#undef ALLOW
};
#undef FAMILY
#undef CYTHON
#undef NAMED
#undef NEVER
#undef RANDOM
#undef PARTS

const size_t check_pickle_allow_count = ARRAY_LEN(check_pickle_allow_table);

/* --- exact names --------------------------------------------------------- */

static int
compare(struct slice s, const char *text)
{
	size_t n = strlen(text), least = MIN(n, s.len);
	int c = least != 0 ? memcmp(s.ptr, text, least) : 0;

	return c != 0 ? c : s.len < n ? -1 : s.len > n;
}

static const struct check_pickle_allow *
exact(struct slice module, struct slice name)
{
	size_t lo = 0, hi = check_pickle_allow_count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct check_pickle_allow *a =
		    &check_pickle_allow_table[mid];
		int c = compare(module, a->module);

		if (c == 0)
			c = compare(name, a->name);
		if (c == 0)
			return a;
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

/* --- families ------------------------------------------------------------ */

enum form {
	FORM_CLASS,  /* a class that is made by NEWOBJ */
	FORM_CYTHON, /* __pyx_unpickle_X(class, checksum, state) */
	FORM_NAMED,  /* a function or class that is only referred to */
	FORM_RANDOM, /* a distribution of scipy.stats */
	FORM_PART,   /* an expression of SymPy: classes have any name */
	FORM_NEVER,  /* nothing from here on */
};

struct family {
	enum form form;
	struct check_pickle_allow as; /* module: at which it begins */
};

static const struct family families[] = {
#define ALLOW(module, name, use, arg, reason)
#define FAMILY(prefix, reason)                                                 \
	{FORM_CLASS, {prefix, "(a class)", NEW | STATE, ARG_any, reason}},
#define CYTHON(prefix, reason)                                                 \
	{FORM_CYTHON, {prefix, "(__pyx_unpickle_)", CALL | STATE | ONLY,       \
			  ARG_cython, reason}},
#define NAMED(prefix, reason)                                                  \
	{FORM_NAMED, {prefix, "(a name)", DATA, ARG_any, reason}},
#define RANDOM(prefix, reason)                                                 \
	{FORM_RANDOM,                                                          \
	    {prefix, "(a distribution)", NEW | STATE, ARG_any, reason}},
#define PARTS(prefix, reason)                                                  \
	{FORM_PART,                                                            \
	    {prefix, "(an expression)", NEW | STATE, ARG_sympy, reason}},
#define NEVER(prefix, reason) {FORM_NEVER, {prefix, "", DATA, ARG_any, reason}},
#include "audit/check_pickle_allow.def"
#undef ALLOW
#undef FAMILY
#undef CYTHON
#undef NAMED
#undef NEVER
#undef RANDOM
#undef PARTS
};

/* The module is that one or below it. */
static bool
below(struct slice module, const char *prefix)
{
	size_t n = strlen(prefix);

	return module.len >= n && memcmp(module.ptr, prefix, n) == 0 &&
	       (module.len == n || module.ptr[n] == '.');
}

/* "module.name", for one name of a module. */
static bool
is_whole(struct slice module, struct slice name, const char *whole)
{
	size_t n = strlen(whole);

	return n == module.len + 1 + name.len &&
	       memcmp(whole, module.ptr, module.len) == 0 &&
	       whole[module.len] == '.' &&
	       memcmp(whole + module.len + 1, name.ptr, name.len) == 0;
}

static bool
is_letter(uint8_t c, char from, char to)
{
	return c >= (uint8_t)from && c <= (uint8_t)to;
}

bool
check_pickle_is_word(struct slice s, char also)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_letter(s.ptr[i], 'a', 'z') &&
		    !is_letter(s.ptr[i], 'A', 'Z') &&
		    !is_letter(s.ptr[i], '0', '9') && s.ptr[i] != '_' &&
		    s.ptr[i] != (uint8_t)also)
			return false;
	return s.len != 0;
}

/* As classes are written: a capital, perhaps behind an underscore; and so each
 * part of a class within a class, "BoxStyle.Round". */
static bool
is_class_name(struct slice s)
{
	bool part = true;

	for (size_t i = 0; i < s.len; i++) {
		if (part && s.ptr[i] == '_' && i + 1 < s.len)
			i++;
		if (part && !is_letter(s.ptr[i], 'A', 'Z'))
			return false;
		part = s.ptr[i] == '.';
	}
	return s.len != 0 && !part;
}

static bool
is_cython_name(struct slice s)
{
	static const char prefix[] = "__pyx_unpickle_";

	return s.len >= sizeof(prefix) &&
	       memcmp(s.ptr, prefix, sizeof(prefix) - 1) == 0;
}

static bool
ends_with(struct slice s, const char *tail)
{
	size_t n = strlen(tail);

	return s.len > n && memcmp(s.ptr + s.len - n, tail, n) == 0;
}

/* A function of which a word, between underscores, says that it is about files,
 * programs, connections, or about what others call. */
static bool
acts(struct slice name)
{
	/* _wrapfunc(object, "method", ...), getattrs: what they are given a name of */
	static const char *const words[] = {"_cached_call",
	    "_check_classifier_response_method", "_check_response_method",
	    "_compare_version", "_fit_and_predict", "_get_funcs",
	    "_module_available", "_wrapfunc", "_wrapit", "_wrapreduction",
	    "compare_version", "create_cd", "create_model", "custom_dir",
	    "eval", "exec_local", "get_class", "get_model", "getattrs",
	    "lazy_import", "maybe_attr", "mk_class", "module_available",
	    "nested_attr", "nested_callable", "package_available", "patch",
	    "patch_property", "patch_to", "quantize", "reset_trace_backend",
	    "setattrs", "test", "using_attr"};
	/* seterrobj, set_string_function, register_backend: for the whole program;
	 * untar_data, urlread, start_server: of fastcore, in all of fastai */
	static const char *const heads[] = {"eval_", "register_", "set_",
	    "seterr", "start_", "startproc", "untar_", "url"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (compare(name, words[i]) == 0)
			return true;
	for (size_t i = 0; i < ARRAY_LEN(heads); i++)
		if (text_begins_with(
			(const char *)name.ptr, name.len, heads[i]))
			return true;
	return check_pickle_reach_acts(name);
}

/* What modules have imported from elsewhere, and hand on under their own name: it
 * makes functions, classes and modules, changes what is global, or loads pickles. */
static bool
is_borrowed(struct slice name)
{
	static const char *const names[] = {"CodeType", "FunctionType",
	    "GraphModule", "LambdaType", "Memory", "MethodType", "ModuleType",
	    "Parallel", "attrgetter", "catch_warnings", "contextmanager",
	    "dataclass", "filterwarnings", "import_module", "methodcaller",
	    "namedtuple", "simplefilter"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (compare(name, names[i]) == 0)
			return true;
	return false;
}

static bool
has_form(enum form form, struct slice module, struct slice name)
{
	if (form != FORM_NEVER && is_borrowed(name))
		return false;
	switch (form) {
	case FORM_CLASS:
		return is_class_name(name);
	case FORM_CYTHON:
		return is_cython_name(name) && check_pickle_is_word(name, '_');
	case FORM_RANDOM:
		if (!check_pickle_is_word(name, '_'))
			return false;
		return ends_with(name, "_gen") || ends_with(name, "_frozen") ||
		       compare(name, "rv_histogram") == 0 ||
		       compare(name, "rv_sample") == 0;
	case FORM_PART:
		return name.ptr[0] != '_' && check_pickle_is_word(name, '_');
	case FORM_NAMED:
		return check_pickle_is_word(name, '_') && !acts(name) &&
		       check_pickle_danger_find(module, name) == NULL;
	case FORM_NEVER:
		break;
	}
	return true;
}

static const struct check_pickle_allow *
by_family(struct slice module, struct slice name)
{
	const struct check_pickle_allow *found = NULL;

	if (!check_pickle_is_word(name, '.') ||
	    !check_pickle_is_word(module, '.'))
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		const struct family *y = &families[i];

		if (y->form == FORM_NEVER &&
		    is_whole(module, name, y->as.module))
			return NULL;
		if (!below(module, y->as.module) ||
		    !has_form(y->form, module, name))
			continue;
		if (y->form == FORM_NEVER)
			return NULL;
		if (found == NULL)
			found = &y->as;
	}
	return found;
}

const struct check_pickle_allow *
check_pickle_allow_find(struct slice module, struct slice name)
{
	const struct check_pickle_allow *found = exact(module, name);

	return found != NULL ? found : by_family(module, name);
}

/* --- danger -------------------------------------------------------------- */

static const struct check_pickle_danger dangers[] = {
#define DANGER(module, name, reason)  {module, name, false, reason},
#define CARRIES(module, name, reason) {module, name, true, reason},
#include "audit/check_pickle_danger.def"
#undef DANGER
#undef CARRIES
};

/* What stands before the first dot at or behind *at, which then is behind it. */
static bool
next_part(struct slice s, size_t *at, struct slice *out)
{
	size_t from = *at;
	const uint8_t *dot;

	if (from > s.len)
		return false;
	dot = from < s.len ? memchr(s.ptr + from, '.', s.len - from) : NULL;
	*at = dot != NULL ? (size_t)(dot - s.ptr) + 1 : s.len + 1;
	*out = (struct slice){s.ptr + from, *at - 1 - from};
	return true;
}

/* A path through a module that ends in the standard library: "os.system" of
 * "torch.serialization". */
static const struct check_pickle_danger *
through(struct slice path)
{
	struct slice part;
	size_t at = 0;

	while (next_part(path, &at, &part)) {
		while (part.len != 0 && part.ptr[0] == '_') {
			part.ptr++;
			part.len--;
		}
		for (size_t i = 0; i < ARRAY_LEN(dangers); i++)
			if (strcmp(dangers[i].name, "*") == 0 &&
			    compare(part, dangers[i].module) == 0)
				return &dangers[i];
	}
	return NULL;
}

const struct check_pickle_danger *
check_pickle_danger_find(struct slice module, struct slice name)
{
	const struct check_pickle_danger *d;
	struct slice first;
	size_t at = 0;

	if (!next_part(name, &at, &first))
		first = name;
	for (size_t i = 0; i < ARRAY_LEN(dangers); i++) {
		d = &dangers[i];
		if (strcmp(d->name, "*") == 0
			? below(module, d->module)
			: compare(module, d->module) == 0 &&
			      compare(first, d->name) == 0)
			return d;
	}
	return through(name);
}

/* --- Python 2 ------------------------------------------------------------ */

struct renamed {
	const char *module, *name; /* NULL: the whole module */
	const char *to_module, *to_name;
};

static const struct renamed old[] = {
#define NAME(m, n, tm, tn) {m, n, tm, tn},
#define MODULE(m, tm)      {m, NULL, tm, NULL},
#include "audit/check_pickle_old.def"
#undef NAME
#undef MODULE
};

void
check_pickle_rename(struct slice *module, struct slice *name)
{
	for (size_t i = 0; i < ARRAY_LEN(old); i++) {
		const struct renamed *o = &old[i];

		if (compare(*module, o->module) != 0 ||
		    (o->name != NULL && compare(*name, o->name) != 0))
			continue;
		*module = (struct slice){
		    (const uint8_t *)o->to_module, strlen(o->to_module)};
		if (o->to_name != NULL)
			*name = (struct slice){
			    (const uint8_t *)o->to_name, strlen(o->to_name)};
		return;
	}
}
