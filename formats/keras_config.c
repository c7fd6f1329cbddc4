/* SPDX-License-Identifier: MIT */
#include "formats/keras_config.h"

#include "base/limits.h"
#include "formats/keras_call.h"
#include "formats/keras_class.h"

#include <stdarg.h>

#define DEPTH 16 /* models inside of models */

/* --- members ------------------------------------------------------------- */

int
keras_config_bad(
    const struct keras_layer *l, struct err *e, const char *fmt, ...)
{
	char msg[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	return err_set(e, ERR_FORMAT, ERR_NOWHERE,
	    "keras: layer '%.60s' (%.40s): %s",
	    *l->path != '\0' ? l->path : l->name, l->class, msg);
}

static const json_t *
member(const struct keras_layer *l, const char *key)
{
	const json_t *j = json_object_get(l->config, key);

	return json_is_null(j) ? NULL : j;
}

bool
keras_config_has(const struct keras_layer *l, const char *key)
{
	return member(l, key) != NULL;
}

bool
keras_config_bool(const struct keras_layer *l, const char *key, bool absent)
{
	const json_t *j = member(l, key);

	return json_is_boolean(j) ? json_is_true(j) : absent;
}

const char *
keras_config_text(
    const struct keras_layer *l, const char *key, const char *absent)
{
	const json_t *j = member(l, key);

	return json_is_string(j) ? json_string_value(j) : absent;
}

double
keras_config_real(const struct keras_layer *l, const char *key, double absent)
{
	const json_t *j = member(l, key);

	if (json_is_object(j))
		j = json_object_get(j, "value");
	return json_is_number(j) ? json_number_value(j) : absent;
}

bool
keras_config_ints(
    const struct keras_layer *l, const char *key, size_t n, int64_t *out)
{
	const json_t *j = member(l, key);

	for (size_t i = 0; i < n; i++) {
		const json_t *one = json_is_array(j) ? json_array_get(j, i) : j;

		if (!json_is_integer(one))
			return false;
		out[i] = json_integer_value(one);
	}
	return !json_is_array(j) || json_array_size(j) == n;
}

/* --- the tree ------------------------------------------------------------ */

struct parser {
	struct arena *a;
	struct err *e;
	int version;
	size_t layers;
};

static int model(struct parser *, struct keras_layer *, unsigned depth);

static int
full(struct parser *p)
{
	return err_set(p->e, ERR_LIMIT, ERR_NOWHERE, "keras: model too large");
}

static bool
begins(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

/*
 * Whether a class is Keras's own.  Keras would import the module, or ask a
 * registry for the name, and run what it finds.
 */
static bool
is_own(const json_t *j, const char *class)
{
	const char *module = json_string_value(json_object_get(j, "module"));
	const char *name =
	    json_string_value(json_object_get(j, "registered_name"));

	if (module != NULL && strcmp(module, "keras") != 0 &&
	    !begins(module, "keras.") && !begins(module, "tf_keras.") &&
	    !begins(module, "tensorflow.keras."))
		return false;
	return strchr(class, '>') == NULL &&
	       (name == NULL || strcmp(name, class) == 0);
}

static bool
is_model(const char *class)
{
	return strcmp(class, "Functional") == 0 ||
	       strcmp(class, "Sequential") == 0 || strcmp(class, "Model") == 0;
}

/* Arithmetic on tensors ("x + y") is an object of keras.ops. */
static bool
is_operation(const json_t *j)
{
	const char *module = json_string_value(json_object_get(j, "module"));

	return module != NULL && strstr(module, ".ops") != NULL;
}

static int
needs_code(struct parser *p, const json_t *j, const struct keras_layer *l)
{
	const char *module = json_string_value(json_object_get(j, "module"));
	const char *name =
	    json_string_value(json_object_get(j, "registered_name"));

	return err_set(p->e, ERR_UNSUPPORTED, ERR_NOWHERE,
	    "keras: layer '%.60s' is of the class '%.40s' (%.40s), which needs "
	    "code of its own",
	    l->path, name != NULL ? name : l->class,
	    module != NULL ? module : "no module");
}

/* Keras 1 called padding, strides and the order of axes otherwise: none of them
 * would be seen. */
static int
refuse_first(struct parser *p, const struct keras_layer *l)
{
	static const char *const keys[] = {"border_mode", "subsample",
	    "nb_filter", "dim_ordering", "W_regularizer"};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (json_object_get(l->config, keys[i]) != NULL)
			return err_set(p->e, ERR_UNSUPPORTED, ERR_NOWHERE,
			    "keras: layer '%.60s' (%.40s) has '%s': it is of "
			    "Keras 1, load and save it with Keras 2",
			    l->path, l->class, keys[i]);
	return 0;
}

static const char *
path_of(struct parser *p, const char *outer, const char *name)
{
	if (strlen(outer) + strlen(name) + 2 > LIMIT_KERAS_PATH)
		return NULL;
	return arena_printf(
	    p->a, "%s%s%s", outer, *outer != '\0' ? "/" : "", name);
}

static int
classify(struct parser *p, const json_t *j, struct keras_layer *l)
{
	if (!is_own(j, l->class) || strcmp(l->class, "Lambda") == 0)
		return needs_code(p, j, l);
	l->model = is_model(l->class);
	l->sequential = strcmp(l->class, "Sequential") == 0;
	if (l->model)
		return 0;
	if (is_operation(j) && (l->class = path_of(p, "ops", l->class)) == NULL)
		return full(p);
	if ((l->kind = keras_class_find(l->class)) == NULL)
		return err_set(p->e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "keras: layer '%.60s' is of the class '%.60s', which is "
		    "not known here",
		    l->path, l->class);
	return 0;
}

static int
layer(struct parser *p, const json_t *j, const char *outer,
    struct keras_layer *l, unsigned depth)
{
	const json_t *config = json_object_get(j, "config");
	const char *name = json_string_value(json_object_get(j, "name"));
	int rc;

	*l = (struct keras_layer){.config = config, .trainable = true};
	l->class = json_string_value(json_object_get(j, "class_name"));
	if (l->class == NULL ||
	    !(json_is_object(config) || (json_is_array(config) && depth == 0)))
		return err_set(p->e, ERR_FORMAT, ERR_NOWHERE,
		    "keras: a layer of '%.60s' has no class_name or config",
		    outer);
	if (p->layers++ == LIMIT_KERAS_LAYERS)
		return err_set(p->e, ERR_LIMIT, ERR_NOWHERE,
		    "keras: more than %d layers", LIMIT_KERAS_LAYERS);
	if (name == NULL)
		name = json_string_value(json_object_get(config, "name"));
	l->name = name != NULL ? name : "";
	l->path = depth == 0 ? "" : path_of(p, outer, l->name);
	if (l->path == NULL)
		return err_set(p->e, ERR_FORMAT, ERR_NOWHERE,
		    "keras: a layer of '%.60s' has a long name", outer);
	/* Keras makes one up, by a counter of the program that loads it */
	if (depth > 0 && *l->name == '\0')
		return err_set(p->e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "keras: a layer of '%.60s' has no name", outer);
	l->trainable = keras_config_bool(l, "trainable", true);
	if ((rc = refuse_first(p, l)) != 0 || (rc = classify(p, j, l)) != 0)
		return rc;
	return l->model ? model(p, l, depth) : 0;
}

static int
children(struct parser *p, struct keras_layer *m, const json_t *list,
    struct map *names, unsigned depth)
{
	size_t n = json_array_size(list);
	int rc;

	if ((m->child = arena_alloc(p->a, n + 1, sizeof(*m->child))) == NULL)
		return full(p);
	map_init(names, p->a);
	for (; m->nchild < n; m->nchild++) {
		struct keras_layer *l = &m->child[m->nchild];

		if ((rc = layer(p, json_array_get(list, m->nchild), m->path, l,
			 depth + 1)) != 0)
			return rc;
		if ((rc = map_put(names, l->name, m->nchild)) < 0)
			return full(p);
		if (rc == 0)
			return keras_config_bad(
			    l, p->e, "there are two of this name");
	}
	return 0;
}

static int
model(struct parser *p, struct keras_layer *m, unsigned depth)
{
	/* the oldest Sequential is the list itself */
	const json_t *list = json_is_array(m->config)
				 ? m->config
				 : json_object_get(m->config, "layers");
	struct map names;
	int rc;

	if (depth == DEPTH)
		return err_set(p->e, ERR_LIMIT, ERR_NOWHERE,
		    "keras: models inside of models, %d deep", DEPTH);
	if (!json_is_array(list))
		return err_set(p->e, ERR_FORMAT, ERR_NOWHERE,
		    "keras: model '%.60s' has no layers", m->path);
	if (json_array_size(list) == 0)
		return err_set(p->e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "keras: model '%.60s' has no layers", m->path);
	if ((rc = children(p, m, list, &names, depth)) != 0)
		return rc;
	return m->sequential
		   ? keras_call_chain(m, p->a, p->e)
		   : keras_call_graph(m, list, &names, p->version, p->a, p->e);
}

int
keras_config_parse(const json_t *j, int version, struct arena *a,
    struct keras_layer **out, struct err *e)
{
	struct parser p = {.a = a, .e = e, .version = version};
	int rc;

	if ((*out = arena_alloc(a, 1, sizeof(**out))) == NULL)
		return full(&p);
	if ((rc = layer(&p, j, "", *out, 0)) != 0)
		return rc;
	if (!(*out)->model)
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "keras: a layer of its own (%.60s), not a model",
		    (*out)->class);
	return 0;
}
