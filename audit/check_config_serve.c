/* SPDX-License-Identifier: MIT
 * MAR-INF/MANIFEST.json of TorchServe: the handler is Python that the server
 * imports, requirements are installed when the model is loaded.  Resources of
 * Seldon and KServe: which server runs a model, and where that comes from.
 * Settings of MLServer and environments of Ray: the same.
 * ONNX Runtime's generators: libraries with operators.  Programs of Paddle.
 */
#include "audit/check_config_part.h"

#include "base/text.h"

#define SHOWN 512

/* ts/torch_handler: handlers that come with the server. */
static bool
built_in(const struct conf *handler)
{
	static const char *const names[] = {"image_classifier",
	    "image_segmenter", "object_detector", "text_classifier",
	    "text_handler", "vision_handler", "base_handler",
	    "densenet_handler"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (conf_text_is(handler, names[i]))
			return true;
	return false;
}

/*
 * handler.py, handler:function: TorchServe imports that module with the model's
 * folder at the end of the path, so that one of the standard library or of the
 * server's packages comes first.
 */
static bool
is_own(const struct conf *handler)
{
	const char *end = memchr(handler->text, ':', handler->len);
	size_t n = end != NULL ? (size_t)(end - handler->text) : handler->len;

	if (n > 3 && memcmp(handler->text + n - 3, ".py", 3) == 0)
		n -= 3;
	return check_config_own(handler->text, n);
}

static void
paths(const struct check_file *f, const struct conf *model)
{
	char shown[SHOWN];

	for (const struct conf *n = model->child; n != NULL; n = n->next)
		if (check_config_escapes(n))
			check_find(f, FINDING_CONFIG_PATH, n->off, "%.*s '%s'",
			    (int)MIN(n->key_len, 64), n->key,
			    check_config_shown(n, shown, sizeof(shown)));
}

/* seldon-core, operator/apis: servers that come with it. */
static bool
is_server(const struct conf *n)
{
	static const char *const names[] = {"SKLEARN_SERVER", "XGBOOST_SERVER",
	    "MLFLOW_SERVER", "TENSORFLOW_SERVER", "TRITON_SERVER",
	    "HUGGINGFACE_SERVER", "TEMPO_SERVER", "SIMPLE_MODEL",
	    "SIMPLE_ROUTER", "RANDOM_ABTEST", "AVERAGE_COMBINER",
	    "UNKNOWN_IMPLEMENTATION"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (conf_text_is(n, names[i]))
			return true;
	return false;
}

static bool
is_key(const struct conf *n, const char *key)
{
	return n->key != NULL && n->key_len == strlen(key) &&
	       memcmp(n->key, key, n->key_len) == 0;
}

static void
resource(const struct check_file *f, const struct conf_doc *d)
{
	char shown[SHOWN];

	for (const struct conf *n = d->root; n != NULL; n = conf_next(n)) {
		if (n->kind != CONF_STRING)
			continue;
		if (is_key(n, "implementation") && !is_server(n))
			check_find(f, FINDING_SERVE_HANDLER, n->off,
			    "a server that does not come with Seldon, '%s'",
			    check_config_shown(n, shown, sizeof(shown)));
		if ((is_key(n, "modelUri") || is_key(n, "storageUri")) &&
		    n->len > 7 && memcmp(n->text, "http://", 7) == 0)
			check_find(f, FINDING_SERVE_HANDLER, n->off,
			    "a model over an address that nobody proves, '%s'",
			    check_config_shown(n, shown, sizeof(shown)));
	}
}

static void
libraries(const struct check_file *f, const struct conf_doc *d)
{
	char shown[SHOWN];

	for (const struct conf *n = d->root; n != NULL; n = conf_next(n))
		if (n->kind == CONF_STRING && n->len != 0 &&
		    (is_key(n, "custom_ops_library") ||
			is_key(n, "register_custom_ops_library")))
			check_find(f, FINDING_SERVE_LIBRARY, n->off,
			    "operators for ONNX Runtime, '%s'",
			    check_config_shown(n, shown, sizeof(shown)));
}

/* Operators of a program of PaddlePaddle 3 ("#": "1.relu") that call Python. */
static void
paddle(const struct check_file *f, const struct conf_doc *d)
{
	static const char *const ops[] = {"py_func", "py_layer", "pylayer"};

	if (conf_get(d->root, "base_code") == NULL ||
	    conf_get(d->root, "program") == NULL)
		return;
	for (const struct conf *n = d->root; n != NULL; n = conf_next(n))
		for (size_t i = 0; i < ARRAY_LEN(ops); i++)
			if (n->kind == CONF_STRING && is_key(n, "#") &&
			    n->len >= strlen(ops[i]) &&
			    memcmp(n->text + n->len - strlen(ops[i]), ops[i],
				strlen(ops[i])) == 0)
				check_find(f, FINDING_OBJECT_CODE, n->off,
				    "operator '%s', which calls Python",
				    ops[i]);
}

/*
 * MLServer (model-settings.json) imports the class that the implementation
 * names; its own runtimes are packages mlserver and mlserver_*.
 */
static void
settings(const struct check_file *f, const struct conf_doc *d)
{
	const struct conf *n = conf_get(d->root, "implementation");
	const struct conf *more = conf_get(d->root, "parameters");
	char shown[SHOWN];

	if (strcmp(check_name_of(f), "model-settings.json") != 0)
		return;
	if (conf_is_string(n) && !conf_begins_with(n, "mlserver.") &&
	    !conf_begins_with(n, "mlserver_"))
		check_find(f,
		    check_config_local(f, n->text, n->len)
			? FINDING_SERVE_LOCAL
			: FINDING_SERVE_HANDLER,
		    n->off, "a runtime that does not come with MLServer, '%s'",
		    check_config_shown(n, shown, sizeof(shown)));
	n = conf_get(more, "uri");
	if (n != NULL && conf_begins_with(n, "http://"))
		check_find(f, FINDING_SERVE_HANDLER, n->off,
		    "a model over an address that nobody proves, '%s'",
		    check_config_shown(n, shown, sizeof(shown)));
	n = conf_get(more, "environment_tarball");
	if (n != NULL && conf_begins_with(n, "http://"))
		check_find(f, FINDING_DEPEND_SOURCE, n->off,
		    "the server's packages, '%s'",
		    check_config_shown(n, shown, sizeof(shown)));
}

/* Ray fetches the folder and packages that a runtime_env names, and runs what
 * is in them. */
static void
runtime_env(const struct check_file *f, const struct conf_doc *d)
{
	char shown[SHOWN];

	for (const struct conf *n = d->root; n != NULL; n = conf_next(n)) {
		const struct conf *up = n->up;

		if (n->kind != CONF_STRING || !conf_has(n, "http://") ||
		    conf_has(n, "http://127.0.0.1") ||
		    conf_has(n, "http://localhost"))
			continue;
		for (unsigned i = 0; up != NULL && i < 3; up = up->up, i++)
			if (is_key(up, "runtime_env")) {
				check_find(f, FINDING_DEPEND_SOURCE, n->off,
				    "over an address that nobody proves, '%s'",
				    check_config_shown(
					n, shown, sizeof(shown)));
				break;
			}
	}
}

void
check_config_serve(const struct check_file *f, const struct conf_doc *d)
{
	const struct conf *api = conf_get(d->root, "apiVersion");

	const struct conf *model = conf_get(d->root, "model");
	const struct conf *handler = conf_get(model, "handler");
	const struct conf *more = conf_get(model, "requirementsFile");
	const struct conf *runtime = conf_get(d->root, "runtime");
	char shown[SHOWN];

	if (conf_begins_with(api, "machinelearning.seldon.io/") ||
	    conf_begins_with(api, "serving.kserve.io/"))
		resource(f, d);
	libraries(f, d);
	paddle(f, d);
	settings(f, d);
	runtime_env(f, d);
	if (!conf_is_object(model) || !conf_is_string(handler) ||
	    (conf_get(model, "modelName") == NULL &&
		conf_get(model, "serializedFile") == NULL))
		return;
	paths(f, model);
	if (!built_in(handler))
		check_find(f,
		    is_own(handler) ? FINDING_SERVE_LOCAL
				    : FINDING_SERVE_HANDLER,
		    handler->off, "handler '%s'",
		    check_config_shown(handler, shown, sizeof(shown)));
	if (conf_is_string(more) && more->len != 0)
		check_find(f, FINDING_SERVE_HANDLER, more->off,
		    "the server installs what '%s' asks for",
		    check_config_shown(more, shown, sizeof(shown)));
	if (conf_is_string(runtime) && !conf_text_is(runtime, "python") &&
	    !conf_text_is(runtime, "python3") && !conf_text_is(runtime, "LSP"))
		check_find(f, FINDING_SERVE_HANDLER, runtime->off,
		    "run by '%s'",
		    check_config_shown(runtime, shown, sizeof(shown)));
}
