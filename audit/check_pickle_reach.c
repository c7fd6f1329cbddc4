/* SPDX-License-Identifier: MIT
 * getattr(object, "name") in a pickle: how Python writes a method of an object.  It
 * is handed on and not called, but what is handed on may be called: as the factory
 * of a defaultdict, by a class that is given it as its state.  So what writes files,
 * runs or fetches something is not to be reached.
 */
#define _GNU_SOURCE /* memmem */
#include "audit/check_pickle_reach.h"

#include "base/text.h"

/* --- what a method does ---------------------------------------------------- */

/* Words of which one in a name, between underscores, says that files, programs or
 * connections are what it is about. */
static const char *const acts[] = {"argparser", "browser", "checkpoint",
    "chmod", "connect", "destroy", "download", "dump", "exec", "execute",
    "experiment", "export", "fetch", "file", "filehandle", "filelike",
    "filename", "fileobj", "formula", "fromfile", "hardlink", "hparams", "hub",
    "import", "instantiate", "json", "load", "loads", "mkdir", "open", "pickle",
    "popen", "pretrained", "print", "read", "request", "restore", "rmdir",
    "rmtree", "run", "save", "savefig", "savetxt", "savez", "send", "show",
    "spawn", "subprocess", "symlink", "system", "tofile", "touch", "unlink",
    "upload", "url", "urlopen", "urlretrieve", "visualize", "write", "writeto",
    "yaml"};

/* to_csv(path): tables, arrays and pictures that write themselves */
static const char *const formats[] = {"avro", "clipboard", "csv", "excel",
    "feather", "gbq", "hdf", "hdf5", "html", "image", "json", "latex",
    "markdown", "netcdf", "orc", "parquet", "sql", "stata", "string",
    "textfiles", "xml", "zarr"};

/* Of one package alone: text that is evaluated, names that are asked for. */
static const struct {
	const char *package, *method;
} others[] = {{"astropy", "from_name"}, {"astropy", "of_address"},
    {"astropy", "of_site"}, {"astropy", "read"}, {"astropy", "report"},
    {"astropy", "to_dot_graph"}, {"dask", "compute"}, {"dask", "eval"},
    {"dask", "persist"}, {"dask", "query"}, {"deap", "from_string"},
    {"gensim", "get_topic_model_class"}, {"lightning", "fit"},
    {"lightning", "predict"}, {"lightning", "test"}, {"lightning", "validate"},
    {"lightgbm", "set_network"}, {"nemo", "from_config_dict"},
    {"nltk", "train"}, {"optparse", "read_module"},
    {"optuna", "_restore_optimizer"},
    /* agg("to_pickle", ...) calls a method by its name, plot(backend="...")
     * imports */
    {"pandas", "agg"}, {"pandas", "aggregate"}, {"pandas", "apply"},
    {"pandas", "boxplot"}, {"pandas", "eval"}, {"pandas", "hist"},
    {"pandas", "plot"}, {"pandas", "query"}, {"pandas", "transform"},
    {"pomegranate", "from_dict"}, {"pytorch_lightning", "fit"},
    {"pytorch_lightning", "predict"}, {"pytorch_lightning", "test"},
    {"pytorch_lightning", "validate"}, {"ray", "deserialize"},
    {"ray", "from_state"}, {"skorch", "initialize"},
    {"torchvision", "get_state_dict"}, {"transformers", "generate"},
    {"xgboost", "after_iteration"}};

/* Whatever is called of these: files, requests, modules; a pickle is loaded from what
 * joblib's arrays are read of, SymPy evaluates text. */
static const char *const outside[] = {"http.client", "http.cookiejar", "joblib",
    "pathlib", "requests", "sklearn.externals", "sympy", "urllib.request",
    "urllib3"};

/* What is asked of a logger; the others change it for the whole program. */
static const char *const logs[] = {"critical", "debug", "error", "exception",
    "info", "log", "warn", "warning"};

/* What a layer does with a state that it is given: _load_state_dict_pre_hook */
static bool
is_layers(struct slice name)
{
	return memmem(name.ptr, name.len, "state_dict", 10) != NULL ||
	       (name.len > 5 &&
		   memcmp(name.ptr + name.len - 5, "_hook", 5) == 0);
}

bool
check_pickle_reach_acts(struct slice name)
{
	const char *s = (const char *)name.ptr;

	for (size_t i = 0, n; i < name.len; i += n + 1) {
		for (n = 0; i + n < name.len && s[i + n] != '_'; n++)
			;
		if (text_is_among(s + i, n, acts, ARRAY_LEN(acts)))
			return true;
	}
	return false;
}

bool
check_pickle_reach_writes(struct slice name)
{
	bool to = name.len > 3 && memcmp(name.ptr, "to_", 3) == 0;

	return (check_pickle_reach_acts(name) && !is_layers(name)) ||
	       (to && text_is_among((const char *)name.ptr + 3, name.len - 3,
			  formats, ARRAY_LEN(formats)));
}

static bool
is_below(struct slice module, const char *package)
{
	size_t n = strlen(package);

	return module.len >= n && memcmp(module.ptr, package, n) == 0 &&
	       (module.len == n || module.ptr[n] == '.');
}

/* By the module that it is taken from, or, where another has imported the class
 * (sklearn.utils.discovery.Path), by its name. */
static bool
is_outside(const struct check_pickle_fact *t, struct slice name)
{
	static const struct {
		const char *class, *package;
	} classes[] = {{"DataFrame", "pandas"}, {"Series", "pandas"},
	    {"Path", "pathlib"}, {"PosixPath", "pathlib"},
	    {"WindowsPath", "pathlib"}, {"Session", "requests"}};
	struct slice package = t->module;

	for (size_t i = 0; i < ARRAY_LEN(classes); i++)
		if (rd_slice_is(t->name, classes[i].class) &&
		    !is_below(t->module, "matplotlib"))
			package =
			    (struct slice){(const uint8_t *)classes[i].package,
				strlen(classes[i].package)};
	for (size_t i = 0; i < ARRAY_LEN(outside); i++)
		if (is_below(package, outside[i]))
			return true;
	if (is_below(package, "logging") &&
	    (rd_slice_is(t->name, "getLogger") ||
		rd_slice_is(t->name, "Logger")))
		return !text_is_among(
		    (const char *)name.ptr, name.len, logs, ARRAY_LEN(logs));
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (is_below(package, others[i].package) &&
		    rd_slice_is(name, others[i].method))
			return true;
	return false;
}

/* --- what it is a method of ------------------------------------------------ */

static bool
is_public(struct slice s)
{
	if (s.len == 0 || s.ptr[0] == '_')
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (!((s.ptr[i] | 32) >= 'a' && (s.ptr[i] | 32) <= 'z') &&
		    !(s.ptr[i] >= '0' && s.ptr[i] <= '9') && s.ptr[i] != '_')
			return false;
	return true;
}

/* "DataFrame.dropna", as protocols from 4 on have getattr(DataFrame, "dropna") */
const struct check_pickle_allow *
check_pickle_reach_method(struct slice module, struct slice name)
{
	static const struct check_pickle_allow method = {"", "(a method)",
	    USE_DATA, ARG_any, "a method that is only referred to"};
	const uint8_t *dot =
	    name.len != 0 ? memchr(name.ptr, '.', name.len) : NULL;
	struct check_pickle_fact t = {.module = module};
	const struct check_pickle_allow *a;
	struct slice of;

	if (dot == NULL)
		return NULL;
	t.name = (struct slice){name.ptr, (size_t)(dot - name.ptr)};
	of = (struct slice){dot + 1, name.len - t.name.len - 1};
	a = check_pickle_allow_find(module, t.name);
	return a != NULL && (a->use & USE_NEW) != 0 && is_public(of) &&
		       !check_pickle_reach_writes(of) && !is_outside(&t, of)
		   ? &method
		   : NULL;
}

/* "Class.method" is on the list, and this an object of that class. */
static bool
is_method(struct check_pickle_judge *j, const struct pickle_node *of,
    struct slice name)
{
	const struct check_pickle_fact *t = NULL;
	char whole[256];
	int n;

	if (of->kind == PICKLE_CALL)
		t = check_pickle_judge_class(j, of);
	if (t == NULL || t->name.len + name.len + 1 >= sizeof(whole))
		return false;
	n = snprintf(whole, sizeof(whole), "%.*s.%.*s", (int)t->name.len,
	    (const char *)t->name.ptr, (int)name.len, (const char *)name.ptr);
	return n > 0 &&
	       check_pickle_allow_find(t->module,
		   (struct slice){(const uint8_t *)whole, (size_t)n}) != NULL;
}

/* What scipy.stats keeps vectorised, a distribution's own _cdf_single; what a
 * layer or a figure is told of: LazyLinear's own _infer_parameters. */
static bool
is_own(struct check_pickle_judge *j, const struct pickle_node *of,
    struct slice name)
{
	const struct check_pickle_fact *t = NULL;
	struct slice rest = {name.ptr + 1, name.len - 1};

	if (of->kind == PICKLE_CALL && name.len > 1 && name.ptr[0] == '_')
		t = check_pickle_judge_class(j, of);
	return t != NULL && t->allow != NULL && is_public(rest) &&
	       (strcmp(t->allow->name, "(a distribution)") == 0 ||
		   strcmp(t->allow->name, "(a class)") == 0 ||
		   t->allow->arg == ARG_classes || t->allow->arg == ARG_mixin);
}

/* getattr(...) of these arguments names what is on the list itself: "Class.name". */
static bool
is_listed(struct check_pickle_judge *j, const struct pickle_node *args)
{
	struct pickle_name get = {.module = {(const uint8_t *)"builtins", 8},
	    .name = {(const uint8_t *)"getattr", 7}};
	struct pickle_node callee = {.kind = PICKLE_GLOBAL, .name = &get};
	struct pickle_call call = {
	    .callee = &callee, .args = (struct pickle_node *)(uintptr_t)args};
	struct pickle_node as = {.kind = PICKLE_CALL, .call = &call};

	return check_pickle_judge_fact(j, &as) != NULL;
}

/* Functions that return what is no object of a class: a module, a type, a function,
 * or whatever another pickle holds. */
static bool
returns_any(enum check_pickle_arg arg)
{
	return arg == ARG_getattr || arg == ARG_nested || arg == ARG_ufunc ||
	       arg == ARG_typing || arg == ARG_singleton ||
	       arg == ARG_dill_type || arg == ARG_code_type ||
	       arg == ARG_code_module || arg == ARG_code_cell ||
	       arg == ARG_code_function;
}

/* The class of an object, or what a function is that makes one; NULL: what it is
 * may lead anywhere. */
static const struct check_pickle_fact *
class_of(struct check_pickle_judge *j, const struct pickle_node *of)
{
	const struct check_pickle_fact *t;

	if (of->kind != PICKLE_CALL)
		return check_pickle_arg_class(j, of)
			   ? check_pickle_judge_fact(j, of)
			   : NULL;
	t = check_pickle_judge_class(j, of);
	return t != NULL && t->allow != NULL && returns_any(t->allow->arg)
		   ? NULL
		   : t;
}

/*
 * A method or a member of a class or object: to call it is found.  Of what is on the
 * list as a whole ("ZoneInfo._unpickle") also private ones.
 */
const char *
check_pickle_reach(struct check_pickle_judge *j, const struct pickle_node *args)
{
	const struct pickle_node *of = pickle_item(args, 0);
	const struct pickle_node *name = pickle_item(args, 1);
	const struct check_pickle_fact *t;

	if (args->n != 2 || !pickle_is(name, PICKLE_STR))
		return "reaches what cannot be known";
	if (is_listed(j, args))
		return NULL;
	/* class.__new__, which only makes_by_partial() lets be called */
	if (pickle_is_text(name, "__new__") && check_pickle_arg_class(j, of))
		return NULL;
	if (!is_public(name->text) && !is_method(j, of, name->text) &&
	    !is_own(j, of, name->text))
		return "reaches a private or dotted attribute";
	/* a list's own remove: what Python's own types can do */
	if (of->kind >= PICKLE_INT && of->kind <= PICKLE_DICT)
		return NULL;
	if ((t = class_of(j, of)) == NULL)
		return of->kind == PICKLE_CALL
			   ? "reaches into what cannot be known"
			   : "reaches into what is no class";
	return check_pickle_reach_writes(name->text) ||
		       is_outside(t, name->text)
		   ? "reaches what writes files, runs or fetches something"
		   : NULL;
}
