/* SPDX-License-Identifier: MIT
 * Names of what is to be imported and called: Hydra's _target_ (CVE-2025-23304:
 * NeMo instantiates what model_config.yaml says), torchtune's _component_,
 * jsonargparse's class_path, target with params of the latent diffusion code,
 * stores and providers of Feast, and the tags of HyperPyYAML.
 *
 * A prefix alone proves nothing: torch.hub.load and nemo.x.os.system begin
 * well.  Trusted is a class (a capital letter) or a function from a list, in a
 * package that only has such, and no module of the standard library on the way.
 * What the bundle brings itself (check_config_local.c) is source to be read.
 */
#define _GNU_SOURCE /* memmem */
#include "audit/check_config_part.h"

#include "audit/check_arch.h"
#include "audit/check_java.h"
#include "audit/check_pickle_allow.h"
#include "base/text.h"

#define SHOWN 512
#define NAME  256

/* Packages whose classes do no more than compute; with the last dot. */
static const char *const packages[] = {"nemo.collections.", "nemo.core.",
    "nemo.utils.", "nemo.lightning.", "torch.nn.", "torch.optim.",
    "torch.utils.data.", "torch.distributions.", "torchvision.models.",
    "torchvision.transforms.", "torchvision.datasets.", "torchmetrics.",
    "torchaudio.transforms.", "torchaudio.models.", "pytorch_lightning.",
    "lightning.pytorch.", "lightning.fabric.", "timm.", "transformers.",
    "diffusers.", "megatron.core.", "apex.", "monai.", "ldm.", "sgm.",
    "taming.", "torchtune.", "speechbrain.", "sklearn.", "detectron2.",
    "segmentation_models_pytorch.", "albumentations."};

/* Packages of which the functions compute as well. */
static const char *const computing[] = {"torchvision.models.",
    "torchvision.transforms.functional.", "torch.nn.init.",
    "torch.nn.functional.", "detectron2.data.", "detectron2.modeling.",
    "detectron2.solver.", "detectron2.layers."};

/* Functions that configurations name, whole. */
static const char *const functions[] = {"timm.create_model", "torch.tensor",
    "torch.Size", "torch.device", "torch.float16", "torch.float32",
    "torch.bfloat16", "builtins.dict", "builtins.list", "builtins.tuple",
    "builtins.set", "builtins.int", "builtins.float", "builtins.str",
    "builtins.bool", "omegaconf.dictconfig.DictConfig", "omegaconf.DictConfig",
    "omegaconf.listconfig.ListConfig", "omegaconf.ListConfig",
    "collections.OrderedDict"};

/* Modules that are reachable as attributes of any that imported them. */
static const char *const modules[] = {"os", "sys", "subprocess", "shutil",
    "importlib", "builtins", "pickle", "cPickle", "_pickle", "ctypes", "runpy",
    "code", "codeop", "pty", "platform", "socket", "urllib", "http", "ftplib",
    "smtplib", "ssl", "tempfile", "pathlib", "glob", "io", "inspect",
    "multiprocessing", "threading", "asyncio", "functools", "operator", "pdb",
    "timeit", "trace", "webbrowser", "zipfile", "tarfile", "shelve", "marshal",
    "dill", "cloudpickle", "joblib", "requests", "wget", "gdown", "types",
    "signal", "posix", "nt", "atexit", "gc", "site", "pip", "setuptools",
    "distutils", "hub", "cpp_extension", "cmd", "commands", "concurrent",
    "contextlib", "contextvars", "logging", "linecache", "pkgutil", "weakref",
    "xmlrpc", "yaml", "hydra", "fsspec", "huggingface_hub"};

static bool
part_ok(const char *s, size_t len)
{
	if (len == 0 || *s == '_')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!(s[i] >= 'a' && s[i] <= 'z') &&
		    !(s[i] >= 'A' && s[i] <= 'Z') &&
		    !(s[i] >= '0' && s[i] <= '9') && s[i] != '_')
			return false;
	return !text_is_among(s, len, modules, ARRAY_LEN(modules));
}

/* "Class" at the end, or Class.from_x of one. */
static bool
is_class(const char *name, size_t len)
{
	const char *dot = memrchr(name, '.', len);
	static const char *const ways[] = {
	    "from_pretrained", "from_config", "from_config_dict", "build"};
	size_t last = dot != NULL ? (size_t)(dot - name) + 1 : 0;

	if (text_is_among(name + last, len - last, ways, ARRAY_LEN(ways)) &&
	    dot != NULL)
		return is_class(name, last - 1);
	return last < len && name[last] >= 'A' && name[last] <= 'Z' &&
	       !(len - last == 5 && memcmp(name + last, "Popen", 5) == 0);
}

static bool
within(const char *const *list, size_t n, const char *name, size_t len)
{
	for (size_t i = 0; i < n; i++)
		if (len > strlen(list[i]) &&
		    memcmp(name, list[i], strlen(list[i])) == 0)
			return true;
	return false;
}

bool
check_config_plain(const char *name, size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t n = 0;

		while (i + n < len && name[i + n] != '.')
			n++;
		if (!part_ok(name + i, n))
			return false;
		i += n + 1;
	}
	return len != 0 && name[len - 1] != '.';
}

bool
check_config_trusted(const char *name, size_t len)
{
	if (text_is_among(name, len, functions, ARRAY_LEN(functions)))
		return true;
	if (!within(computing, ARRAY_LEN(computing), name, len) &&
	    (!within(packages, ARRAY_LEN(packages), name, len) ||
		!is_class(name, len)))
		return false;
	return check_config_plain(name, len);
}

/* Hydra's functions that only return what their path names. */
static bool
looks_up(const struct conf *v)
{
	static const char *const names[] = {"hydra.utils.get_method",
	    "hydra.utils.get_class", "hydra.utils.get_object"};

	return text_is_among(v->text, v->len, names, ARRAY_LEN(names));
}

static void
target(const struct check_file *f, const struct conf *n, const char *what)
{
	const struct conf *v = conf_value(n);
	const struct conf *path = conf_value(conf_get(n->up, "path"));
	enum finding_id id = FINDING_CONFIG_TARGET;
	char shown[SHOWN];

	if (!conf_is_string(v) || !conf_true(v) ||
	    check_config_trusted(v->text, v->len))
		return;
	if (looks_up(v) && conf_is_string(path) &&
	    check_config_trusted(path->text, path->len))
		return;
	if (check_config_local(f, v->text, v->len))
		id = FINDING_CONFIG_LOCAL;
	/* the loader of an archive instantiates it, nobody else is asked */
	else if (f->member == NULL && check_config_own(v->text, v->len) &&
		 is_class(v->text, v->len))
		id = FINDING_CONFIG_ELSEWHERE;
	check_find(f, id, v->off, "%s '%s'", what,
	    check_config_shown(v, shown, sizeof(shown)));
}

/* A dotted name and nothing else. */
static bool
is_dotted(const struct conf *n)
{
	n = conf_value(n);
	if (!conf_is_string(n) || n->len == 0 ||
	    memchr(n->text, '.', n->len) == NULL)
		return false;
	for (size_t i = 0; i < n->len; i++)
		if (!((n->text[i] | 32) >= 'a' && (n->text[i] | 32) <= 'z') &&
		    !(n->text[i] >= '0' && n->text[i] <= '9') &&
		    n->text[i] != '_' && n->text[i] != '.')
			return false;
	return true;
}

/* What jsonpickle may name: it calls, makes and sets the state of a class, as
 * pickle does. */
static bool
unpickles(const struct conf *v)
{
	return check_config_trusted(v->text, v->len) ||
	       check_config_harmless(v->text, v->len, USE_CALL) ||
	       check_config_harmless(v->text, v->len, USE_NEW | USE_STATE);
}

/* {"py/type": "collections.OrderedDict"} or the like, of which a pickle might call
 * what it names, whatever the arguments: those have keys of their own. */
static bool
calls_harmless(const struct conf *v)
{
	const struct conf *of = v->child != NULL ? v->child->child : NULL;

	return v->child != NULL && v->child->key == NULL && of != NULL &&
	       of->next == NULL &&
	       (conf_key_is(of, "py/type") || conf_key_is(of, "py/function")) &&
	       conf_is_string(of) &&
	       check_config_harmless(of->text, of->len, USE_CALL);
}

/* jsonpickle: "py/object", "py/reduce", ... make objects when it is decoded;
 * tuples, sets and references do not. */
static void
pickled(const struct check_file *f, const struct conf *n)
{
	static const char *const calls[] = {"py/object", "py/reduce",
	    "py/function", "py/type", "py/repr", "py/newobj", "py/newargs",
	    "py/newargsex", "py/initargs", "py/mod", "py/ref"};
	char shown[SHOWN];

	for (size_t i = 0; i < ARRAY_LEN(calls); i++)
		if (conf_key_is(n, calls[i]) &&
		    !(conf_is_string(n) && unpickles(conf_value(n))) &&
		    !(conf_key_is(n, "py/reduce") && calls_harmless(n)))
			check_find(f, FINDING_CONFIG_TARGET, n->off,
			    "jsonpickle's %s '%s'", calls[i],
			    check_config_shown(n, shown, sizeof(shown)));
}

/*
 * dictConfig() of Python's logging calls what "()" names with the other keys
 * as its arguments, and so the class of a handler: one that is called like a
 * class, on no way through a module that reaches the system, is some library's
 * formatter or handler.  "ext://os.system" is imported as well, "cfg://x.y" is
 * another value of the configuration.
 */
static bool
logs(const struct conf *v)
{
	size_t n = 0;

	for (size_t i = 0; i < v->len; i += n + 1) {
		n = 0;
		while (i + n < v->len && v->text[i + n] != '.')
			n++;
		if (!(n == 7 && memcmp(v->text + i, "logging", 7) == 0) &&
		    text_is_among(v->text + i, n, modules, ARRAY_LEN(modules)))
			return false;
	}
	return is_class(v->text, v->len);
}

/* The class of one of the handlers of such a configuration. */
static bool
is_handler(const struct conf *n)
{
	const struct conf *list = n->up != NULL ? n->up->up : NULL;

	return list != NULL && list->key != NULL && conf_key_is(n, "class") &&
	       conf_key_is(list, "handlers") && is_dotted(n);
}

static bool
is_converted(const struct conf *n)
{
	const struct conf *v = conf_value(n);

	return conf_is_string(v) && v->len > 6 &&
	       (memcmp(v->text, "ext://", 6) == 0 ||
		   memcmp(v->text, "cfg://", 6) == 0);
}

static void
logger(const struct check_file *f, const struct conf *n)
{
	const struct conf *v = conf_value(n);
	struct conf of;
	char shown[SHOWN];

	if (!conf_is_string(v))
		return;
	of = *v;
	if (is_converted(n) && *v->text == 'e') {
		of.text += 6;
		of.len -= 6;
	}
	if (!logs(&of))
		check_find(f, FINDING_CONFIG_TARGET, v->off,
		    "what logging calls '%s'",
		    check_config_shown(v, shown, sizeof(shown)));
}

/* Feast imports the class of a store or provider that has a dot in its name;
 * its own are meant by short names or begin with feast. */
static bool
is_store(const struct check_file *f, const struct conf *n)
{
	static const char *const keys[] = {
	    "provider", "type", "registry_store_type", "registry_type"};
	const struct conf *v = conf_value(n);

	if (strcmp(check_name_of(f), "feature_store.yaml") != 0 ||
	    !is_dotted(n) ||
	    (v->len > 6 && memcmp(v->text, "feast.", 6) == 0 &&
		is_class(v->text, v->len)))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (conf_key_is(n, keys[i]))
			return true;
	return false;
}

/* Loaders that import whatever has a dot in its name, by what their configurations
 * have at the top, and what their own names begin with. */
static const struct importer {
	const char *who, *top, *with, *key, *own;
} importers[] = {
    /* allennlp/common/registrable.py: by_name() */
    {"what AllenNLP imports,", "dataset_reader", "model", "type", "allennlp"},
    /* haystack/core/pipeline/base.py: import_class_by_name() */
    {"what Haystack imports,", "components", "connections", "type", "haystack"},
    /* rasa/engine/recipes: class_from_module_path() */
    {"what Rasa imports,", "pipeline", "policies", "name", "rasa"},
};

static const struct importer *
importer(const struct conf *root)
{
	for (size_t i = 0; i < ARRAY_LEN(importers); i++)
		if (conf_get(root, importers[i].top) != NULL &&
		    conf_get(root, importers[i].with) != NULL)
			return &importers[i];
	return NULL;
}

static bool
is_own(const struct conf *n, const char *own)
{
	const struct conf *v = conf_value(n);
	size_t len = strlen(own);

	/* "allennlp_models.", too: a module of its own, whatever is behind it */
	return v->len > len && memcmp(v->text, own, len) == 0 &&
	       (v->text[len] == '.' || v->text[len] == '_') &&
	       check_config_plain(v->text, v->len);
}

/* MMEngine imports all that stand in custom_imports: {imports: [...]}. */
static void
modules_of(const struct check_file *f, const struct conf *root)
{
	const struct conf *list =
	    conf_get(conf_get(root, "custom_imports"), "imports");

	list = conf_is_array(list) ? list->child : NULL;
	for (; list != NULL; list = list->next)
		if (conf_is_string(list) &&
		    !(list->len > 2 && memcmp(list->text, "mm", 2) == 0 &&
			check_config_plain(list->text, list->len)))
			target(f, list, "what MMEngine imports,");
}

/* A codec of numcodecs which unpickles every chunk of a Zarr array. */
static bool
is_pickle_codec(const struct conf *n)
{
	const struct conf *of = n->up;

	if (!conf_key_is(n, "id") || !conf_text_is(conf_value(n), "pickle"))
		return false;
	of = of != NULL && of->key == NULL ? of->up : of;
	return of != NULL &&
	       (conf_key_is(of, "filters") || conf_key_is(of, "compressor"));
}

static void
key(const struct check_file *f, const struct conf *n, bool params)
{
	if (is_pickle_codec(n))
		check_find(f, FINDING_CONFIG_TARGET, n->off,
		    "a codec of Zarr that unpickles");
	if (is_store(f, n))
		target(f, n, "what Feast imports,");
	if (conf_key_is(n, "_target_"))
		target(f, n, "_target_");
	else if (conf_key_is(n, "_component_"))
		target(f, n, "_component_");
	else if (conf_key_is(n, "class_path") && is_dotted(n))
		target(f, n, "class_path");
	else if (n->key_len > 3 && memcmp(n->key, "py/", 3) == 0)
		pickled(f, n);
	else if ((conf_key_is(n, "()") && (is_dotted(n) || is_converted(n))) ||
		 is_handler(n))
		logger(f, n);
	else if (params && conf_key_is(n, "target") && is_dotted(n))
		target(f, n, "target");
}

/* HyperPyYAML: !new:module.Class, !name:, !apply:, !module: */
static void
tag(const struct check_file *f, const struct conf *n)
{
	static const char *const calls[] = {
	    "!new:", "!name:", "!apply:", "!module:"};
	char shown[SHOWN];

	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		size_t len = strlen(calls[i]);

		if (strncmp(n->tag, calls[i], len) != 0 ||
		    check_config_trusted(n->tag + len, strlen(n->tag + len)))
			continue;
		text_escape(
		    n->tag, MIN(strlen(n->tag), 160), shown, sizeof(shown));
		check_find(f,
		    check_config_local(f, n->tag + len, strlen(n->tag + len))
			? FINDING_CONFIG_LOCAL
			: FINDING_CONFIG_TARGET,
		    n->off, "tag '%s'", shown);
	}
}

/* ${oc.env:NAME}: OmegaConf reads the environment of who loads it.  Other
 * resolvers are functions that the loader registered. */
static void
resolver(const struct check_file *f, const struct conf *n)
{
	const char *p = n->text, *end = n->text + n->len;
	char shown[SHOWN];

	while ((p = memmem(p, (size_t)(end - p), "${", 2)) != NULL) {
		const char *colon = memchr(p, ':', (size_t)(end - p));
		const char *close = memchr(p, '}', (size_t)(end - p));

		if (colon != NULL && close != NULL && colon < close &&
		    (memmem(p, (size_t)(close - p), "__", 2) != NULL ||
			memmem(p, (size_t)(close - p), "eval:", 5) != NULL)) {
			text_escape(p, MIN((size_t)(end - p), 160), shown,
			    sizeof(shown));
			check_find(
			    f, FINDING_CONFIG_RESOLVER, n->off, "'%s'", shown);
			return;
		}
		p += 2;
	}
	if (conf_has(n, "${oc.env:") || conf_has(n, "${env:"))
		check_find(f, FINDING_CONFIG_ENVIRONMENT, n->off, "'%s'",
		    check_config_shown(n, shown, sizeof(shown)));
}

/* MXNet's symbols: an operator of Python or of a library that is loaded. */
static void
mxnet(const struct check_file *f, const struct conf *root)
{
	const struct conf *nodes = conf_get(root, "nodes"), *op;
	char shown[SHOWN];

	if (!conf_is_array(nodes) || conf_get(root, "arg_nodes") == NULL)
		return;
	for (const struct conf *n = nodes->child; n != NULL; n = n->next) {
		op = conf_get(n, "op");
		if (op != NULL &&
		    (conf_text_is(op, "Custom") || conf_has(op, "custom") ||
			conf_text_is(op, "_Native") ||
			conf_text_is(op, "_NDArray")))
			check_find(f, FINDING_CONFIG_TARGET, op->off,
			    "operator of MXNet '%s'",
			    check_config_shown(op, shown, sizeof(shown)));
	}
}

/* torch.export: "torch.x.y" is looked up from torch attribute by attribute,
 * which reaches every module that it imported (torch/_export/serde). */
static bool
exported_ok(const struct conf *v)
{
	static const char *const before[] = {"torch.ops.aten.",
	    "torch.ops.prims.", "torch.ops.prim.", "torch.ops.quantized.",
	    "torch.ops.quantized_decomposed.", "torch.ops.higher_order.",
	    "torch.ops.torchvision.", "torch.ops._c10d_functional.",
	    "torch.ops.torchao.", "torch.sym_", "torch._higher_order_ops.",
	    "torch._assert", "math."};
	static const char *const bad[] = {"from_file", ".save", "__class__",
	    "__globals__", "__init__", "__dict__", "__builtins__"};
	static const char *const operators[] = {"getitem", "add", "sub", "mul",
	    "truediv", "floordiv", "mod", "pow", "neg", "eq", "ne", "lt", "le",
	    "gt", "ge", "and_", "or_", "not_", "pos"};
	static const char math[] = "_operator.";

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (conf_has(v, bad[i]))
			return false;
	if (v->len > sizeof(math) &&
	    memcmp(v->text, math, sizeof(math) - 1) == 0)
		return text_is_among(v->text + sizeof(math) - 1,
		    v->len - (sizeof(math) - 1), operators,
		    ARRAY_LEN(operators));
	return within(before, ARRAY_LEN(before), v->text, v->len);
}

static void
exported(const struct check_file *f, const struct conf *n)
{
	const struct conf *v = conf_get(n, "target");
	char shown[SHOWN];

	if (v != NULL && conf_is_array(conf_get(n, "inputs")) &&
	    conf_is_string(v) && !exported_ok(v))
		check_find(f, FINDING_CONFIG_TARGET, v->off,
		    "operator of torch.export '%s'",
		    check_config_shown(v, shown, sizeof(shown)));
}

/* Keras's YAML (model_from_yaml): JSON is check_keras's. */
static void
keras(const struct check_file *f, const struct conf *n)
{
	const struct conf *class = conf_get(n, "class_name");

	if (class != NULL && conf_text_is(class, "Lambda") &&
	    conf_get(conf_get(n, "config"), "function") != NULL)
		check_find(f, FINDING_KERAS_CODE, class->off,
		    "a Lambda layer in YAML");
}

void
check_config_target(const struct check_file *f, const struct conf_doc *d)
{
	bool graph = conf_get(d->root, "graph_module") != NULL;
	const struct importer *by = importer(d->root);
	/* NeMo's models before Hydra said "target" and nothing besides */
	bool of_nemo = text_ends_with(check_name_of(f), "model_config.yaml");

	mxnet(f, d->root);
	modules_of(f, d->root);
	if (graph || conf_get(d->root, "modelTopology") != NULL ||
	    conf_get(d->root, "base_code") != NULL)
		check_arch_program(f, d);
	for (const struct conf *n = d->root; n != NULL; n = conf_next(n)) {
		bool params =
		    conf_get(n, "params") != NULL || (n == d->root && of_nemo);

		for (const struct conf *k = n->child; k != NULL; k = k->next)
			if (k->key != NULL)
				key(f, k, params);
		if (by != NULL && conf_key_is(n, by->key) && is_dotted(n) &&
		    !is_own(n, by->own))
			target(f, n, by->who);
		if (n->tag != NULL)
			tag(f, n);
		if (graph && n->kind == CONF_OBJECT)
			exported(f, n);
		if (n->kind == CONF_OBJECT && d->yaml)
			keras(f, n);
		if (n->kind == CONF_STRING && n->len > 4 && n->len < 4096)
			resolver(f, n);
		if (n->kind == CONF_STRING && check_java_acts(n->text, n->len))
			check_find(f, FINDING_CONFIG_TARGET, n->off,
			    "a class of Java, '%.*s'", (int)n->len, n->text);
	}
}
