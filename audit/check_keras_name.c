/* SPDX-License-Identifier: MIT */
#include "audit/check_keras_name.h"

#include "base/text.h"

#include <stdlib.h>

enum {
	CLASS = CHECK_KERAS_CLASS,
	FUNCTION = CHECK_KERAS_FUNCTION,
	PACKAGE = CHECK_KERAS_PACKAGE,
	STANDARD = CHECK_KERAS_STANDARD,
};

struct object {
	const char *name, *module;
	int kind;
};

struct root {
	const char *name;
	int origin;
};

static const struct object objects[] = {
#define KERAS_OBJECT(name, module, kind) {name, module, kind},
#include "audit/check_keras_object.def"
#undef KERAS_OBJECT
};

static const struct root roots[] = {
#define KERAS_ROOT(name, origin) {name, origin},
#include "audit/check_keras_root.def"
#undef KERAS_ROOT
};

/* Keras by each of its names; what follows is a path within it. */
static const char *const keras_names[] = {"keras.api._v2.keras",
    "keras.api._v1.keras", "keras.api", "keras", "tf_keras",
    "tensorflow.python.keras", "tensorflow.keras", "keras_core"};

/* Packages within Keras that hold layers and the like, and nothing that
 * touches files: utils, saving, config, export, datasets, backend are not
 * here. */
static const char *const inner[] = {"activations", "constraints",
    "dtype_policies", "engine", "feature_column", "initializers", "layers",
    "legacy", "legacy_tf_layers", "losses", "metrics", "mixed_precision",
    "models", "ops", "optimizer_v1", "optimizer_v2", "optimizers",
    "optimizers_v1", "optimizers_v2", "premade_models", "quantizers", "random",
    "regularizers", "trainers"};

static const char *const libraries[] = {"keras_cv", "keras_hub", "keras_nlp",
    "keras_rs", "qkeras", "tensorflow_addons", "tensorflow_model_optimization",
    "tensorflow_probability", "tfimm", "official"};

/* Functions of Python's "builtins"; whatever else is said to be from there is
 * a function of the user's, which Keras up to 3.6 saved so. */
static const char *const builtin[] = {"__build_class__", "__import__",
    "breakpoint", "compile", "delattr", "dir", "eval", "exec", "format",
    "getattr", "globals", "hasattr", "help", "input", "locals", "memoryview",
    "open", "print", "setattr", "type", "vars"};

/* The same by the packages that they register under. */
static const char *const packages[] = {"Addons>", "Text>", "Vision>",
    "keras_cv>", "keras_hub>", "keras_nlp>", "keras_rs>", "qkeras>"};

/* Where functions such as tf.nn.relu say that they are from. */
static const char *const maths[] = {"jax._src.nn.functions", "jax.nn",
    "tensorflow.python.ops.gen_math_ops", "tensorflow.python.ops.gen_nn_ops",
    "tensorflow.python.ops.math_ops", "tensorflow.python.ops.nn_impl",
    "tensorflow.python.ops.nn_ops", "torch.nn.functional"};

/* --- the tables ---------------------------------------------------------- */

static int
by_object(const void *a, const void *b)
{
	const struct object *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	if (c == 0)
		c = strcmp(x->module, y->module);
	return c != 0 ? c : (x->kind > y->kind) - (x->kind < y->kind);
}

static int
by_root(const void *a, const void *b)
{
	return strcmp(
	    ((const struct root *)a)->name, ((const struct root *)b)->name);
}

static bool
has(const char *module, const char *name, int kind)
{
	struct object key = {name, module, kind};

	return bsearch(&key, objects, ARRAY_LEN(objects), sizeof(key),
		   by_object) != NULL;
}

/* In whatever module of Keras. */
static bool
has_anywhere(const char *name, int kind)
{
	size_t low = 0, high = ARRAY_LEN(objects);

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (strcmp(objects[mid].name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < ARRAY_LEN(objects); low++) {
		if (strcmp(objects[low].name, name) != 0)
			return false;
		if (objects[low].kind == kind)
			return true;
	}
	return false;
}

bool
check_keras_name_sorted(void)
{
	for (size_t i = 1; i < ARRAY_LEN(objects); i++)
		if (by_object(&objects[i - 1], &objects[i]) >= 0)
			return false;
	for (size_t i = 1; i < ARRAY_LEN(roots); i++)
		if (by_root(&roots[i - 1], &roots[i]) >= 0)
			return false;
	return true;
}

/* --- modules ------------------------------------------------------------- */

/* What follows `package` in a dotted path, or NULL. */
static const char *
below(const char *module, const char *package)
{
	size_t n = strlen(package);

	if (strncmp(module, package, n) != 0)
		return NULL;
	if (module[n] == '.')
		return module + n + 1;
	return module[n] == '\0' ? module + n : NULL;
}

static bool
any_below(const char *module, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (below(module, list[i]) != NULL)
			return true;
	return false;
}

static const char *
within_keras(const char *module)
{
	for (size_t i = 0; i < ARRAY_LEN(keras_names); i++) {
		const char *rest = below(module, keras_names[i]);

		if (rest != NULL)
			return rest;
	}
	return NULL;
}

static bool
is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

/* `rest`: the module below Keras. */
static enum check_keras_origin
own(const char *rest, const char *name, enum check_keras_kind kind)
{
	const char *src = below(rest, "src");
	const char *path = src != NULL ? src : rest;

	if (has(rest, name, (int)kind))
		return CHECK_KERAS_OWN;
	/* "": what Keras does not have it does not find */
	if (*path == '\0')
		return is_upper(name[0]) ? CHECK_KERAS_USER : CHECK_KERAS_REACH;
	if (strcmp(path, "backend") == 0) /* K.l2_normalize */
		return CHECK_KERAS_USER;
	if (!any_below(path, inner, ARRAY_LEN(inner)))
		return CHECK_KERAS_REACH;
	/* the class is in a file of its own: keras.src.models.functional */
	if (has_anywhere(name, (int)kind))
		return CHECK_KERAS_OWN;
	/* operations of Keras 3 in a graph: keras.src.ops.numpy, GetItem */
	if (kind == CHECK_KERAS_CLASS && below(path, "ops") != NULL &&
	    is_upper(name[0]))
		return CHECK_KERAS_OWN;
	/* load_model() and its like are exported beside the classes */
	if (below(path, "models") != NULL && !is_upper(name[0]))
		return CHECK_KERAS_REACH;
	return CHECK_KERAS_USER;
}

static enum check_keras_origin
foreign(const char *module)
{
	char first[64];
	struct root key = {first, 0};
	const struct root *found;
	size_t n = strcspn(module, ".");

	if (n >= sizeof(first))
		return CHECK_KERAS_USER;
	memcpy(first, module, n);
	first[n] = '\0';
	found = bsearch(&key, roots, ARRAY_LEN(roots), sizeof(key), by_root);
	return found != NULL ? (enum check_keras_origin)found->origin
			     : CHECK_KERAS_USER;
}

/* A name alone: with the package that it is registered under, "Custom" where
 * none was given, or a path of modules. */
static enum check_keras_origin
alone(const char *name, enum check_keras_kind kind)
{
	if (has_anywhere(name, (int)kind))
		return CHECK_KERAS_OWN;
	/* so Keras 2.11 to 2.15 saved its optimizers */
	if (strncmp(name, "Custom>", 7) == 0 &&
	    has("optimizers", name + 7, CHECK_KERAS_CLASS))
		return CHECK_KERAS_OWN;
	for (size_t i = 0; i < ARRAY_LEN(packages); i++)
		if (strncmp(name, packages[i], strlen(packages[i])) == 0)
			return CHECK_KERAS_LIBRARY;
	return strchr(name, '.') != NULL ? foreign(name) : CHECK_KERAS_USER;
}

enum check_keras_origin
check_keras_name(
    const char *module, const char *name, enum check_keras_kind kind)
{
	const char *rest;

	if (module == NULL || *module == '\0')
		return alone(name, kind);
	if (strcmp(module, "builtins") == 0) {
		/* Keras looks among its own first */
		if (has_anywhere(name, (int)kind))
			return CHECK_KERAS_OWN;
		return kind == CHECK_KERAS_CLASS ||
			       text_is_one_of(name, builtin, ARRAY_LEN(builtin))
			   ? CHECK_KERAS_STANDARD
			   : CHECK_KERAS_USER;
	}
	if ((rest = within_keras(module)) != NULL)
		return own(rest, name, kind);
	if (kind == CHECK_KERAS_FUNCTION &&
	    text_is_one_of(module, maths, ARRAY_LEN(maths)))
		return CHECK_KERAS_MATHS;
	if (any_below(module, libraries, ARRAY_LEN(libraries)))
		return kind == CHECK_KERAS_CLASS ? CHECK_KERAS_LIBRARY
						 : CHECK_KERAS_USER;
	return foreign(module);
}
