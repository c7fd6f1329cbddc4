/* SPDX-License-Identifier: MIT */
#include "audit/check_keras_walk.h"

#include "audit/check_arch.h"

#include "audit/check_keras_code.h"
#include "audit/check_keras_cost.h"
#include "audit/check_keras_name.h"
#include "audit/check_path.h"
#include "audit/check_tf.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/text.h"

/* Where in the document: a list, the innermost first. */
struct at {
	const struct at *up;
	const char *key; /* NULL: an element */
	size_t i;
};

struct walk {
	const struct check_file *f;
	const char *name;
	unsigned depth;
	unsigned dormant; /* > 0: no loader makes anything of what is here */
};

#define PLACE 256

static size_t
put_place(const struct at *at, char *out, size_t size)
{
	size_t n;
	int add;

	if (at->up == NULL) {
		n = (size_t)snprintf(out, size, "%.64s", at->key);
		return MIN(n, size - 1);
	}
	n = put_place(at->up, out, size);
	if (at->key != NULL)
		add = snprintf(
		    out + n, size - n, "%s%.64s", n != 0 ? "." : "", at->key);
	else
		add = snprintf(out + n, size - n, "[%zu]", at->i);
	return MIN(n + (size_t)add, size - 1);
}

/* For the findings: "model_config: config.layers[3].config". */
static const char *
place(const struct at *at, char out[PLACE])
{
	put_place(at, out, PLACE);
	return out[0] != '\0' ? out : "configuration";
}

static const char *
text(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

/* --- names --------------------------------------------------------------- */

static void
judge(struct walk *w, const struct at *at, const char *module, const char *name,
    enum check_keras_origin origin)
{
	enum finding_id id = FINDING_KERAS_CUSTOM;
	const char *what = "code that is not in the file";
	char where[PLACE];

	switch (origin) {
	case CHECK_KERAS_OWN:
	case CHECK_KERAS_MATHS:
		return;
	case CHECK_KERAS_LIBRARY:
		id = FINDING_KERAS_LIBRARY;
		what = "of a library of layers";
		break;
	case CHECK_KERAS_USER:
		break;
	case CHECK_KERAS_PACKAGE:
		id = FINDING_KERAS_GADGET;
		what = "of a package that has nothing to do with layers";
		break;
	case CHECK_KERAS_STANDARD:
		id = FINDING_KERAS_GADGET;
		what = "of Python itself";
		break;
	case CHECK_KERAS_REACH:
		id = FINDING_KERAS_GADGET;
		what = "of Keras, but not of a model";
		break;
	}
	check_find(w->f, id, ERR_NOWHERE, "%s: %.100s%s%.100s, %s",
	    place(at, where), module != NULL ? module : "",
	    module != NULL && *module != '\0' ? "." : "", name, what);
}

/* What is registered under that name counts before what the module has. */
static void
registered(struct walk *w, const struct at *at, const json_t *o,
    const char *name, enum check_keras_origin origin)
{
	const char *r = text(o, "registered_name");

	if (r == NULL || strcmp(r, name) == 0 || strcmp(r, "function") == 0 ||
	    origin != CHECK_KERAS_OWN || (strpbrk(r, ".>") == NULL))
		return;
	judge(w, at, NULL, r, check_keras_name(NULL, r, CHECK_KERAS_CLASS));
}

/*
 * Keras up to 3.8 imports the module that a configuration names, if nothing is
 * registered under its name.  What its user registers has a package and ">";
 * "__main__" and "builtins" are there already.
 */
static bool
imports(const json_t *o)
{
	const char *module = text(o, "module"), *r = text(o, "registered_name");

	return module != NULL && *module != '\0' &&
	       strcmp(module, "__main__") != 0 &&
	       strcmp(module, "builtins") != 0 &&
	       strncmp(module, "keras.", 6) != 0 &&
	       (r == NULL || strchr(r, '>') == NULL);
}

static void
say_import(
    struct walk *w, const struct at *at, const char *module, const char *name)
{
	char where[PLACE];

	check_find(w->f, FINDING_KERAS_IMPORT, ERR_NOWHERE, "%s: %.100s.%.100s",
	    place(at, where), module, name);
}

static void
say_registered(struct walk *w, const struct at *at, const char *name)
{
	char where[PLACE];

	check_find(w->f, FINDING_KERAS_REGISTERED, ERR_NOWHERE,
	    "%s: %.100s, which whoever loads the model has to have",
	    place(at, where), name);
}

/* "Custom>FixedDropout": looked up among what the program that loads the model has
 * registered, and nowhere else (keras/src/saving/object_registration.py). */
static bool
is_registered(const json_t *o, const char *name)
{
	const char *r = text(o, "registered_name");

	return !imports(o) && strchr(r != NULL ? r : name, '>') != NULL;
}

static void
resolve(struct walk *w, const struct at *at, const json_t *o, const char *name,
    enum check_keras_kind kind)
{
	const char *module = text(o, "module");
	enum check_keras_origin origin = check_keras_name(module, name, kind);

	if (origin == CHECK_KERAS_USER && imports(o))
		say_import(w, at, module, name);
	else if (origin == CHECK_KERAS_USER && is_registered(o, name))
		say_registered(w, at, name);
	else
		judge(w, at, module, name, origin);
	registered(w, at, o, name, origin);
}

/* --- layers that are more than numbers ----------------------------------- */

static void
outside(struct walk *w, const struct at *at, const char *what, const char *path)
{
	struct slice s = {(const uint8_t *)path, strlen(path)};
	const char *why = check_path_escape(s);
	char where[PLACE];

	check_find(w->f,
	    why != NULL ? FINDING_KERAS_OUTSIDE : FINDING_KERAS_ASSET,
	    ERR_NOWHERE, "%s: %s '%.100s'%s%s", place(at, where), what, path,
	    why != NULL ? ", which " : "", why != NULL ? why : "");
}

/* Code as Keras 2 has it: [code, defaults, closure], in TensorFlow's a tuple;
 * as text in some. */
static bool
code_in(struct walk *w, const struct at *at, const json_t *v)
{
	const json_t *items = json_object_get(v, "items");
	const char *code;
	char where[PLACE];

	v = items != NULL ? items : v;
	code = json_string_value(json_is_array(v) ? json_array_get(v, 0) : v);
	if (code == NULL)
		return false;
	check_keras_code(w->f, place(at, where), code);
	return true;
}

/* What the walk sees by itself: {"class_name", "config"} */
static bool
is_object(const json_t *v)
{
	return text(v, "class_name") != NULL &&
	       json_object_get(v, "config") != NULL;
}

/*
 * keras/layers/core/lambda_layer.py: `function` is code unless its type is
 * "function": then the name of one, looked up in `module`.
 */
static void
lambda(struct walk *w, const struct at *at, const json_t *config)
{
	static const char *const key[] = {"function", "output_shape", "mask"};
	char type_key[32], module_key[32], where[PLACE];

	for (size_t i = 0; i < ARRAY_LEN(key); i++) {
		const json_t *v = json_object_get(config, key[i]);
		const char *type, *module;
		struct at in = {at, key[i], 0};

		snprintf(type_key, sizeof(type_key), "%s_type", key[i]);
		snprintf(module_key, sizeof(module_key), "%s%s",
		    i == 0 ? "" : key[i], i == 0 ? "module" : "_module");
		type = text(config, type_key);
		module = text(config, module_key);
		if (i != 0 && (type == NULL || strcmp(type, "lambda") != 0))
			continue;
		if (type != NULL && strcmp(type, "function") == 0 &&
		    json_is_string(v))
			judge(w, &in, module, json_string_value(v),
			    check_keras_name(module, json_string_value(v),
				CHECK_KERAS_FUNCTION));
		else if (!code_in(w, &in, v) && i == 0 && !is_object(v))
			check_find(w->f, FINDING_KERAS_CODE, ERR_NOWHERE,
			    "%s: a Lambda in a form that is not known",
			    place(at, where));
	}
}

/* keras/src/utils/python_utils.py func_dump(): in one of these forms */
static void
marshalled(struct walk *w, const struct at *at, const json_t *config)
{
	static const char *const key[] = {"value", "code"};
	char where[PLACE];

	for (size_t i = 0; i < ARRAY_LEN(key); i++)
		if (code_in(w, at, json_object_get(config, key[i])))
			return;
	if (!code_in(w, at, config))
		check_find(w->f, FINDING_KERAS_CODE, ERR_NOWHERE,
		    "%s: a lambda without code", place(at, where));
}

/* tf_export names: what is said to be of tf.io opens files, but for codecs.  A
 * ClassMethod has that of a class. */
static void
tf_function(struct walk *w, const struct at *at, const json_t *config)
{
	const char *class_of = text(config, "cls_symbol");
	const char *fn = class_of != NULL ? class_of : text(config, "function");
	enum check_tf_class class;
	char where[PLACE];

	if (fn == NULL)
		return;
	class = check_tf_function(fn);
	if (class == CHECK_TF_UNKNOWN)
		judge(w, at, "tf", fn, CHECK_KERAS_USER);
	else if (class != CHECK_TF_SAFE)
		check_find(w->f, check_tf_finding(class), ERR_NOWHERE,
		    "%s: tf.%.100s", place(at, where), fn);
}

/* A NodeDef as text: op: "Name" */
static void
tf_node(struct walk *w, const struct at *at, const json_t *config)
{
	const char *s = text(config, "node_def"), *begin;
	enum check_tf_class class = CHECK_TF_UNKNOWN;
	char where[PLACE];
	struct slice op = {0};

	/* in a comment stands what it likes */
	if (s != NULL && strchr(s, '#') == NULL &&
	    (begin = strstr(s, "op: \"")) != NULL) {
		op.ptr = (const uint8_t *)begin + 5;
		op.len = strcspn(begin + 5, "\"");
		class = check_tf_op(op);
	}
	/* output_stream, debug_urls: the file or machine that it writes to */
	if (class == CHECK_TF_SAFE && strstr(s, "://") != NULL)
		class = CHECK_TF_WRITE;
	if (class != CHECK_TF_SAFE)
		check_find(w->f, check_tf_finding(class), ERR_NOWHERE,
		    "%s: operator '%.*s'", place(at, where), (int)op.len,
		    op.ptr != NULL ? (const char *)op.ptr : "");
}

static void
torch_module(struct walk *w, const struct at *at, const json_t *config)
{
	const json_t *m = json_object_get(config, "module");
	char where[PLACE];

	/* as text, or wrapped as {"class_name": "__bytes__"} */
	if (json_is_object(m))
		m = json_object_get(json_object_get(m, "config"), "value");
	check_keras_code_torch(w->f, place(at, where),
	    json_is_string(m) ? json_string_value(m) : "");
}

static void
saved_model(struct walk *w, const struct at *at, const json_t *config)
{
	const char *path = text(config, "filepath");
	char where[PLACE];

	check_find(w->f, FINDING_KERAS_OUTSIDE, ERR_NOWHERE,
	    "%s: a SavedModel to be loaded from '%.100s'", place(at, where),
	    path != NULL ? path : "");
}

static void
hub(struct walk *w, const struct at *at, const json_t *config)
{
	const char *handle = text(config, "handle");

	if (handle != NULL)
		outside(w, at, "a model to be loaded from", handle);
}

static void
vocabulary(struct walk *w, const struct at *at, const json_t *config)
{
	static const char *const key[] = {"vocabulary", "vocab", "idf_weights"};

	for (size_t i = 0; i < ARRAY_LEN(key); i++)
		if (text(config, key[i]) != NULL)
			outside(w, at, "a vocabulary to be read from",
			    text(config, key[i]));
}

/* RWKVTokenizer of KerasHub. */
static void
evaluated(struct walk *w, const struct at *at, const json_t *config)
{
	const json_t *list = json_object_get(config, "vocabulary"), *one;
	char where[PLACE];
	size_t i;

	json_array_foreach(list, i, one)
	{
		const char *s = json_string_value(one);

		if (s == NULL || !check_keras_code_evaluated(s))
			continue;
		check_find(w->f, FINDING_KERAS_CODE, ERR_NOWHERE,
		    "%s: a word that is evaluated, '%.100s'", place(at, where),
		    s);
		return;
	}
}

/* Tokenizers of KerasHub and KerasNLP read files; a proto may also be the bytes
 * themselves in base64, which are longer than a path. */
static void
tokenizer(struct walk *w, const struct at *at, const json_t *config)
{
	static const char *const key[] = {"vocabulary", "merges", "proto"};

	for (size_t i = 0; i < ARRAY_LEN(key); i++) {
		const char *s = text(config, key[i]);

		if (s != NULL && strlen(s) < LIMIT_NAME)
			outside(w, at, "a vocabulary to be read from", s);
	}
}

static const struct special {
	const char *name;
	void (*look)(struct walk *, const struct at *, const json_t *);
	bool known; /* nothing more to say about the name */
} specials[] = {
    {"ClassMethod", tf_function, true},
    {"IndexLookup", vocabulary, true},
    {"IntegerLookup", vocabulary, true},
    {"KerasLayer", hub, true},
    {"Lambda", lambda, true},
    {"SlicingOpLambda", tf_function, true},
    {"StringLookup", vocabulary, true},
    {"TFOpLambda", tf_function, true},
    {"TFSMLayer", saved_model, true},
    {"TensorFlowOpLayer", tf_node, true},
    {"TextVectorization", vocabulary, true},
    {"TorchModuleWrapper", torch_module, true},
    {"__lambda__", marshalled, true},
};

/* --- objects ------------------------------------------------------------- */

/* serialization_lib.py's own classes, which hold values */
static bool
is_value(const char *name)
{
	static const char *const values[] = {"CompositeTensorSpec", "DType",
	    "TensorShape", "__bytes__", "__ellipsis__", "__keras_tensor__",
	    "__numpy__", "__slice__", "__tensor__", "__tuple__"};

	return text_is_one_of(name, values, ARRAY_LEN(values));
}

/* "package>Name" and a path of modules may stand in the class name itself. */
static void
object(struct walk *w, const struct at *at, const json_t *o, const char *name)
{
	const json_t *config = json_object_get(o, "config");
	const char *last = strrchr(name, '>');
	char where[PLACE];

	if (w->dormant != 0) {
		check_find(w->f, FINDING_KERAS_DORMANT, ERR_NOWHERE,
		    "%s: %.100s", place(at, where), name);
		return;
	}
	if (strcmp(name, "function") == 0) {
		if (json_is_string(config))
			resolve(w, at, o, json_string_value(config),
			    CHECK_KERAS_FUNCTION);
		return;
	}
	/* a Lambda is one by whatever module or package */
	last = last != NULL ? last + 1 : name;
	for (size_t i = 0; i < ARRAY_LEN(specials); i++) {
		const char *module = text(o, "module");

		if (strcmp(specials[i].name, last) != 0)
			continue;
		specials[i].look(w, at, config);
		if (module == NULL || strncmp(module, "keras", 5) == 0 ||
		    strncmp(module, "tensorflow", 10) == 0 ||
		    strncmp(module, "tf_keras", 8) == 0)
			return;
	}
	if (text_ends_with(last, "Tokenizer"))
		tokenizer(w, at, config);
	if (strcmp(last, "RWKVTokenizer") == 0)
		evaluated(w, at, config);
	/* from_config() takes a dictionary; "class_name" is a word elsewhere */
	if (!is_value(name) && (json_is_object(config) || json_is_null(config)))
		resolve(w, at, o, name, CHECK_KERAS_CLASS);
}

static void
type_spec(struct walk *w, const struct at *at, const json_t *o)
{
	const char *spec = text(o, "spec_name"), *module = text(o, "module");

	if (spec == NULL || w->dormant != 0 ||
	    (module != NULL && strncmp(module, "tensorflow.", 11) == 0))
		return;
	resolve(w, at, o, spec, CHECK_KERAS_CLASS);
}

/* Members that no from_config() looks into. */
static bool
is_dormant(const char *key)
{
	static const char *const keys[] = {"comment", "description", "doc",
	    "docs", "metadata", "notes", "user_defined_metadata",
	    "user_metadata"};

	return text_is_one_of(key, keys, ARRAY_LEN(keys));
}

static void value(struct walk *, const struct at *, const json_t *);

/* Arguments of tf.print and tf.raw_ops, which are strings. */
static void
argument(struct walk *w, const struct at *at, const char *key, const json_t *v)
{
	const json_t *url = json_is_array(v) ? json_array_get(v, 0) : v;
	const char *s = json_string_value(url);
	char where[PLACE];

	if (s == NULL || w->dormant != 0 || strstr(s, "://") == NULL)
		return;
	if (strcmp(key, "output_stream") == 0)
		check_find(w->f, FINDING_TF_WRITE, ERR_NOWHERE,
		    "%s: writes to '%.100s'", place(at, where), s);
	else if (strcmp(key, "debug_urls") == 0)
		check_find(w->f, FINDING_TF_NETWORK, ERR_NOWHERE,
		    "%s: sends to '%.100s'", place(at, where), s);
}

static void
members(struct walk *w, const struct at *at, const json_t *o)
{
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)(uintptr_t)o, key, v)
	{
		struct at in = {at, key, 0};
		unsigned asleep = is_dormant(key) ? 1 : 0;

		argument(w, at, key, v);
		if (!json_is_object(v) && !json_is_array(v))
			continue;
		w->dormant += asleep;
		value(w, &in, v);
		w->dormant -= asleep;
	}
}

static void
value(struct walk *w, const struct at *at, const json_t *v)
{
	if (++w->depth > LIMIT_KERAS_DEPTH) {
		if (w->depth == LIMIT_KERAS_DEPTH + 1)
			check_short(w->f, FINDING_FILE_LIMIT, ERR_NOWHERE,
			    "a configuration more than %d levels deep",
			    LIMIT_KERAS_DEPTH);
	} else if (json_is_array(v)) {
		for (size_t i = 0; i < json_array_size(v); i++) {
			struct at in = {at, NULL, i};
			const json_t *e = json_array_get(v, i);

			if (json_is_object(e) || json_is_array(e))
				value(w, &in, e);
		}
	} else if (json_is_object(v)) {
		const char *name = text(v, "class_name");

		if (name != NULL && strcmp(name, "__typespec__") == 0)
			type_spec(w, at, v);
		else if (name != NULL && json_object_get(v, "config") != NULL)
			object(w, at, v, name);
		members(w, at, v);
	}
	w->depth--;
}

void
check_keras_walk(const struct check_file *f, const char *name, const json_t *v)
{
	struct walk w = {.f = f, .name = name};
	struct at top = {NULL, name, 0};

	value(&w, &top, v);
	check_keras_cost(f, name, v);
	check_arch_configuration(f, v);
}

bool
check_keras_walk_text(
    const struct check_file *f, const char *name, struct slice s)
{
	struct err e = {0};
	json_error_t why;
	json_t *j = NULL;

	if (s.len > LIMIT_KERAS_TEXT) {
		check_short(f, FINDING_FILE_LIMIT, ERR_NOWHERE,
		    "%s%sa configuration of %zu bytes", name,
		    *name != '\0' ? ": " : "", s.len);
		return false;
	}
	if (json_read(s.ptr, s.len, &j, &e) != 0)
		j = json_loadb((const char *)s.ptr, s.len,
		    JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &why);
	if (j == NULL) {
		check_short(f, FINDING_KERAS_BROKEN,
		    e.off != ERR_NOWHERE && *name == '\0' ? e.off : ERR_NOWHERE,
		    "%s%s%s", name, *name != '\0' ? ": " : "", e.msg);
		return false;
	}
	if (e.code != 0)
		check_find(f, FINDING_KERAS_AMBIGUOUS, ERR_NOWHERE, "%s%s%s",
		    name, *name != '\0' ? ": " : "", e.msg);
	check_keras_walk(f, name, j);
	json_decref(j);
	return true;
}
