/* SPDX-License-Identifier: MIT
 * schema.json of a skops archive: which classes and functions skops.io makes
 * objects of.  Nodes (skops/io/_general.py, _numpy.py, _scipy.py, _sklearn.py)
 * name a loader, a module and a class; what is not trusted by default must be
 * named by who loads the file, and versions before 0.12 looked at one name and
 * called another (CVE-2025-54412, CVE-2025-54413).
 */
#include "audit/check_config_part.h"

#define SHOWN 256

static bool
any(const struct conf *n, const char *const *list)
{
	for (; *list != NULL; list++)
		if (conf_text_is(n, *list))
			return true;
	return false;
}

static bool
within(const struct conf *module, const char *package)
{
	size_t n = strlen(package);

	return conf_is_string(module) && module->len >= n &&
	       memcmp(module->text, package, n) == 0 &&
	       (module->len == n || module->text[n] == '.');
}

/* A class of a package that is trusted: a plain name, a capital letter. */
static bool
is_class(const struct conf *name)
{
	return conf_is_string(name) && name->len != 0 && name->text[0] >= 'A' &&
	       name->text[0] <= 'Z' &&
	       memchr(name->text, '.', name->len) == NULL;
}

static bool
trusted(const struct conf *module, const struct conf *class)
{
	static const char *const builtins[] = {"dict", "list", "tuple", "set",
	    "frozenset", "str", "bytes", "bytearray", "int", "float", "bool",
	    "complex", "slice", "type", "NoneType", "range", NULL};
	static const char *const collections[] = {
	    "OrderedDict", "defaultdict", "Counter", "deque", NULL};
	static const char *const dates[] = {
	    "datetime", "date", "time", "timedelta", "timezone", NULL};

	if (conf_text_is(module, "builtins"))
		return any(class, builtins);
	if (conf_text_is(module, "collections"))
		return any(class, collections);
	if (conf_text_is(module, "datetime"))
		return any(class, dates);
	if (within(module, "numpy"))
		return !within(module, "numpy.f2py") &&
		       !within(module, "numpy.testing") &&
		       !within(module, "numpy.distutils") &&
		       !conf_text_is(class, "load") &&
		       !conf_text_is(class, "memmap") && !conf_has(class, ".");
	if (within(module, "scipy.sparse") || within(module, "scipy.stats") ||
	    within(module, "scipy.special") ||
	    within(module, "scipy.interpolate"))
		return !conf_has(class, ".");
	if (within(module, "sklearn"))
		return is_class(class) || conf_has(module, "._loss");
	return false;
}

static bool
reviewed(const struct conf *module)
{
	return within(module, "xgboost") || within(module, "lightgbm") ||
	       within(module, "catboost") || within(module, "quantile_forest");
}

/* A function stands in content: {"module_path": ..., "function": ...} */
static void
function(const struct check_file *f, const struct conf *node)
{
	const struct conf *in = conf_get(node, "content");
	const struct conf *module = conf_get(in, "module_path");
	const struct conf *name = conf_get(in, "function");
	char a[SHOWN], b[SHOWN];

	if (module == NULL && name == NULL) {
		module = conf_get(node, "__module__");
		name = conf_get(node, "__class__");
	}
	if (!conf_has(name, ".") &&
	    (within(module, "scipy.special") || conf_text_is(module, "numpy") ||
		conf_text_is(module, "numpy.core._multiarray_umath") ||
		(within(module, "sklearn") && !conf_has(name, "__"))) &&
	    !conf_text_is(name, "load") && !conf_text_is(name, "save") &&
	    !conf_text_is(name, "fromfile") && !conf_text_is(name, "memmap"))
		return;
	check_find(f, FINDING_SKOPS_TYPE, node->off, "function '%s.%s'",
	    check_config_shown(module, a, sizeof(a)),
	    check_config_shown(name, b, sizeof(b)));
}

static void
unknown(const struct check_file *f, const struct conf *node, const char *what)
{
	char a[SHOWN], b[SHOWN];

	check_find(f, FINDING_SKOPS_TYPE, node->off, "%s '%s.%s'", what,
	    check_config_shown(conf_get(node, "__module__"), a, sizeof(a)),
	    check_config_shown(conf_get(node, "__class__"), b, sizeof(b)));
}

/* A node whose loader asks for one class alone must name that one. */
static bool
fits(const struct conf *node, const char *module, const char *class)
{
	return conf_text_is(conf_get(node, "__module__"), module) &&
	       (class == NULL ||
		   conf_text_is(conf_get(node, "__class__"), class));
}

static void
judge(const struct check_file *f, const struct conf *node,
    const struct conf *loader)
{
	const struct conf *module = conf_get(node, "__module__");
	const struct conf *class = conf_get(node, "__class__");
	static const char *const known[] = {"DictNode", "DefaultDictNode",
	    "ListNode", "SetNode", "TupleNode", "TypeNode", "SliceNode",
	    "ObjectNode", "BytesNode", "BytearrayNode", "JsonNode",
	    "NdArrayNode", "MaskedArrayNode", "RandomStateNode",
	    "RandomGeneratorNode", "DTypeNode", "DtypeNode", "SparseMatrixNode",
	    "SGDNode", "TreeNode", "LossNode", "DatetimeTimedeltaNode",
	    "DateTimeNode", "CachedNode", "FunctionNode", "PartialNode",
	    "MethodNode", "OperatorFuncNode", "UnsupportedTypeNode",
	    "_DictWithDeprecatedKeysNode", NULL};

	if (!any(loader, known))
		unknown(f, node, "a loader that skops does not have, of");
	else if (conf_text_is(loader, "OperatorFuncNode"))
		unknown(f, node,
		    fits(node, "operator", NULL)
			? "function of"
			: "function of operator said to be");
	else if (conf_text_is(loader, "MethodNode"))
		unknown(f, node, "method of");
	else if (conf_text_is(loader, "FunctionNode"))
		function(f, node);
	else if (conf_text_is(loader, "PartialNode")) {
		if (!fits(node, "functools", "partial"))
			unknown(f, node, "partial said to be");
	} else if (conf_text_is(loader, "CachedNode") || module == NULL ||
		   trusted(module, class))
		return;
	else if (reviewed(module) && !conf_has(class, "."))
		check_find(f, FINDING_SKOPS_REVIEW, node->off,
		    "class of a library that skops does not trust by itself");
	else
		unknown(f, node, "class");
}

void
check_config_skops(const struct check_file *f, const struct conf_doc *d)
{
	if (conf_get(d->root, "__loader__") == NULL &&
	    conf_get(d->root, "_skops_version") == NULL)
		return;
	for (const struct conf *n = d->root; n != NULL; n = conf_next(n)) {
		const struct conf *loader = conf_get(n, "__loader__");

		if (n->kind != CONF_OBJECT)
			continue;
		if (conf_is_string(loader))
			judge(f, n, loader);
		else if (conf_get(n, "__module__") != NULL &&
			 !trusted(conf_get(n, "__module__"),
			     conf_get(n, "__class__")))
			unknown(f, n, "type");
	}
}
