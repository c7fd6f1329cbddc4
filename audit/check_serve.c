/* SPDX-License-Identifier: MIT
 * Configurations of servers that are neither JSON nor YAML: config.pbtxt of
 * Triton, config.properties of TorchServe, Modelfile of Ollama, .gitattributes.
 */
#define _GNU_SOURCE /* memmem, strncasecmp */
#include "audit/check.h"

#include "audit/check_agent.h"

#include "base/text.h"
#include "formats/pbtxt.h"

#include <strings.h>

#define SHOWN 256

static bool
has(const char *s, size_t len, const char *word)
{
	return len != 0 && memmem(s, len, word, strlen(word)) != NULL;
}

/* --- Triton -------------------------------------------------------------- */

static void
find(const struct check_file *f, enum finding_id id, const char *what,
    const char *value)
{
	char shown[SHOWN];

	text_escape(value, MIN(strlen(value), 120), shown, sizeof(shown));
	check_find(f, id, ERR_NOWHERE, "%s '%s'", what, shown);
}

/* The server loads a library of the backend's name. */
static void
backend(const struct check_file *f, const char *name)
{
	static const char *const known[] = {"onnxruntime", "tensorrt",
	    "pytorch", "tensorflow", "openvino", "dali", "fil", "vllm",
	    "tensorrtllm", "identity", "ensemble", "onnxruntime_onnx",
	    "tensorrt_plan", "pytorch_libtorch", "tensorflow_graphdef",
	    "tensorflow_savedmodel", ""};

	if (name == NULL)
		return;
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strcmp(known[i], name) == 0)
			return;
	if (strcmp(name, "python") == 0)
		find(f, FINDING_SERVE_LOCAL, "Triton runs model.py:", name);
	else
		find(f, FINDING_SERVE_LIBRARY, "Triton loads a backend", name);
}

/* The state file of TensorFlow's checkpoints: what tf.train.latest_checkpoint()
 * says is opened, by whatever file system its name asks for. */
static void
checkpoint(const struct check_file *f)
{
	static const char *const keys[] = {
	    "model_checkpoint_path: \"", "all_model_checkpoint_paths: \""};
	const char *s = (const char *)f->bytes.base;

	if (strcmp(check_name_of(f), "checkpoint") != 0 || f->bytes.len == 0)
		return;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const char *p =
		    memmem(s, f->bytes.len, keys[i], strlen(keys[i]));
		const char *end;

		if (p == NULL)
			continue;
		p += strlen(keys[i]);
		end = memchr(p, '"', f->bytes.len - (size_t)(p - s));
		if (end != NULL && (has(p, (size_t)(end - p), "http://") ||
				       has(p, (size_t)(end - p), "../")))
			check_find(f, FINDING_CONFIG_PATH, (uint64_t)(p - s),
			    "a checkpoint, '%.*s'",
			    (int)MIN(end - p, (ptrdiff_t)200), p);
	}
}

static bool
leaves(const char *path)
{
	return path[0] == '/' || strstr(path, "..") != NULL ||
	       strstr(path, "://") != NULL;
}

static void
parameters(const struct check_file *f, const json_t *root)
{
	const json_t *list = json_object_get(root, "parameters"), *one;
	size_t i;

	json_array_foreach(list, i, one)
	{
		const char *key = pbtxt_text(one, "key");
		const char *value =
		    pbtxt_text(pbtxt_last(one, "value"), "string_value");

		if (key == NULL || value == NULL)
			continue;
		/* $$TRITON_MODEL_DIRECTORY is the model's own folder */
		if (strcmp(key, "EXECUTION_ENV_PATH") == 0)
			find(f,
			    leaves(value) ? FINDING_CONFIG_PATH
					  : FINDING_SERVE_LOCAL,
			    "environment to run in", value);
	}
}

/* Libraries with operators of TensorFlow or PyTorch, which the server loads
 * before the model. */
static void
operations(const struct check_file *f, const json_t *root)
{
	const json_t *list = json_object_get(root, "model_operations"), *one;
	size_t i, k;

	json_array_foreach(list, i, one)
	{
		const json_t *all = json_object_get(one, "op_library_filename");
		const json_t *file;

		json_array_foreach(all, k, file) if (json_is_string(file))
		    find(f, FINDING_SERVE_LIBRARY, "Triton loads",
			json_string_value(file));
	}
}

/* Whatever it is called: settings of other programs have a "backend: agg" too,
 * without quotes or without what a model has beside it. */
static bool
looks_like_triton(const char *s, size_t len)
{
	static const char *const beside[] = {"max_batch_size", "instance_group",
	    "default_model_filename", "parameters", "input", "output"};

	if (!has(s, len, "backend: \"") && !has(s, len, "backend:\"") &&
	    !has(s, len, "platform: \"") && !has(s, len, "platform:\""))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(beside); i++)
		if (has(s, len, beside[i]))
			return true;
	return false;
}

static void
triton(const struct check_file *f)
{
	const char *s = (const char *)f->bytes.base, *file;
	size_t len = f->bytes.len;
	bool sure = text_ends_with(check_name_of(f), "config.pbtxt");
	struct err e = {0};
	json_t *root;

	if (!sure && !looks_like_triton(s, len))
		return;
	if (pbtxt_read(f->bytes, &root, &e) != 0) {
		if (sure)
			check_short(
			    f, FINDING_CONFIG_INVALID, e.off, "%s", e.msg);
		return;
	}
	backend(f, pbtxt_text(root, "backend"));
	backend(f, pbtxt_text(root, "platform"));
	parameters(f, root);
	operations(f, root);
	file = pbtxt_text(root, "default_model_filename");
	if (file != NULL && leaves(file))
		find(f, FINDING_CONFIG_PATH, "default_model_filename", file);
	json_decref(root);
}

/* --- lines --------------------------------------------------------------- */

struct wish {
	const char *key, *value; /* "": any */
	enum finding_id id;
};

/* TorchServe: what opens it to others, or installs and fetches for them. */
static const struct wish wishes[] = {
    {"install_py_dep_per_model", "true", FINDING_SERVE_HANDLER},
    {"allowed_urls", ".*", FINDING_SERVE_OPEN},
    {"allowed_urls", "file://", FINDING_SERVE_OPEN},
    {"management_address", "0.0.0.0", FINDING_SERVE_OPEN},
    {"disable_token_authorization", "true", FINDING_SERVE_OPEN},
    {"enable_model_api", "true", FINDING_SERVE_OPEN},
    {"vmargs", "-javaagent", FINDING_SERVE_LIBRARY},
    {"vmargs", "-XX:OnError", FINDING_SERVE_LIBRARY},
    {"vmargs", "-XX:OnOutOfMemoryError", FINDING_SERVE_LIBRARY},
    {"plugins_path", "", FINDING_SERVE_LIBRARY}};

static void
property(const struct check_file *f, const char *s, size_t len, uint64_t off)
{
	char shown[SHOWN];
	size_t blank = 0;

	while (blank < len && strchr(" \t\f", s[blank]) != NULL)
		blank++;
	s += blank;
	len -= blank;
	for (size_t i = 0; i < ARRAY_LEN(wishes); i++) {
		size_t n = strlen(wishes[i].key);

		if (len <= n || memcmp(s, wishes[i].key, n) != 0 ||
		    strchr("=: \t\f", s[n]) == NULL ||
		    (wishes[i].value[0] != '\0' &&
			!has(s + n, len - n, wishes[i].value)))
			continue;
		text_escape(s, MIN(len, 120), shown, sizeof(shown));
		check_find(f, wishes[i].id, off + blank, "'%s'", shown);
	}
}

/* filter=x runs what the configuration of git has for x; lfs is usual. */
static void
attribute(const struct check_file *f, const char *s, size_t len, uint64_t off)
{
	char shown[SHOWN];

	if (!has(s, len, "filter=") || has(s, len, "filter=lfs"))
		return;
	text_escape(s, MIN(len, 120), shown, sizeof(shown));
	check_find(f, FINDING_GIT_FILTER, off, "'%s'", shown);
}

/* fileConfig() of Python's logging evaluates "class" and "args" as Python: a
 * class has a capital, on no way through a module of the system, and arguments
 * of handlers are literals and streams. */
static bool
evaluates(const char *key, size_t n, const char *v, size_t len)
{
	static const char *const words[] = {"__", "os.system", "os.popen",
	    "os.exec", "os.spawn", "subprocess", "eval", "exec", "open(",
	    "builtins"};
	size_t at = len;
	bool bad = false;

	while (n != 0 && (key[n - 1] == ' ' || key[n - 1] == '\t'))
		n--;
	if (n == 5 && memcmp(key, "class", 5) == 0) {
		while (at != 0 && v[at - 1] != '.' && v[at - 1] != ' ')
			at--;
		return at == len || !(v[at] >= 'A' && v[at] <= 'Z') ||
		       has(v, len, "(") || has(v, len, "Popen");
	}
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		bad = bad || has(v, len, words[i]);
	return bad && n == 4 && memcmp(key, "args", 4) == 0;
}

static void
logging(const struct check_file *f, const char *s, size_t len, uint64_t off)
{
	const char *eq = len != 0 ? memchr(s, '=', len) : NULL;
	char shown[SHOWN];

	while (len != 0 && (s[len - 1] == ' ' || s[len - 1] == '\r'))
		len--;
	if (eq == NULL || eq >= s + len ||
	    !evaluates(s, (size_t)(eq - s), eq + 1, len - (size_t)(eq - s) - 1))
		return;
	text_escape(s, MIN(len, 120), shown, sizeof(shown));
	check_find(f, FINDING_CONFIG_CODE, off, "'%s', which logging evaluates",
	    shown);
}

/* Caffe's layer of type Python imports a module and makes a class of it. */
static void
caffe(const struct check_file *f)
{
	const char *s = (const char *)f->bytes.base;

	if (has(s, f->bytes.len, "python_param") &&
	    (has(s, f->bytes.len, "type: \"Python\"") ||
		has(s, f->bytes.len, "type: 'Python'") ||
		has(s, f->bytes.len, "type:\"Python\"")))
		check_find(f, FINDING_OBJECT_CODE, ERR_NOWHERE,
		    "a layer of Caffe that is Python");
}

static void
lines(const struct check_file *f,
    void (*each)(const struct check_file *, const char *, size_t, uint64_t))
{
	const char *s = (const char *)f->bytes.base;

	for (size_t at = 0; at < f->bytes.len;) {
		const char *end = memchr(s + at, '\n', f->bytes.len - at);
		size_t n =
		    end != NULL ? (size_t)(end - s) - at : f->bytes.len - at;

		each(f, s + at, n, at);
		at += n + 1;
	}
}

/* --- Ollama -------------------------------------------------------------- */

/* FROM and ADAPTER of a Modelfile: `ollama create` opens what they name and
 * keeps it as a part of the model.  Whoever writes one names the weights where
 * they lie at home; what climbs or lies where no model does is another thing. */
static void
modelfile(const struct check_file *f, const char *s, size_t n, uint64_t off)
{
	static const char *const odd[] = {"/etc/", "/root/", "/proc/", "/sys/",
	    "/dev/", "/var/", "~/.", "/.ssh", "/.aws", "../../"};
	static const char *const word[] = {"FROM ", "ADAPTER "};
	char path[SHOWN];
	size_t i = 0;

	(void)off;
	while (i < ARRAY_LEN(word) &&
	       (n < strlen(word[i]) ||
		   strncasecmp(s, word[i], strlen(word[i])) != 0))
		i++;
	if (i == ARRAY_LEN(word))
		return;
	s += strlen(word[i]);
	n = MIN(n - strlen(word[i]), sizeof(path) - 1);
	memcpy(path, s, n);
	path[n] = '\0';
	for (size_t k = 0; k < ARRAY_LEN(odd); k++)
		if (strncmp(path, odd[k], strlen(odd[k])) == 0 ||
		    (k >= 7 && strstr(path, odd[k]) != NULL)) {
			find(f, FINDING_CONFIG_PATH, "Ollama opens", path);
			return;
		}
}

/* SYSTEM and MESSAGE of Ollama are what the model is told before anybody speaks to
 * it. */
static void
ollama(const struct check_file *f)
{
	lines(f, modelfile);
	check_agent_text(
	    f, AGENT_TEMPLATE, (const char *)f->bytes.base, f->bytes.len, 0);
}

void
check_serve(const struct check_file *f)
{
	const char *s = (const char *)f->bytes.base;
	const char *name = check_name_of(f);

	if (!check_is(f, "text") || check_is(f, "json"))
		return;
	triton(f);
	checkpoint(f);
	if (text_ends_with(name, ".properties") ||
	    has(s, f->bytes.len, "inference_address=") ||
	    has(s, f->bytes.len, "model_store="))
		lines(f, property);
	if (has(s, f->bytes.len, "layer"))
		caffe(f);
	if (has(s, f->bytes.len, "[handlers]") &&
	    has(s, f->bytes.len, "[handler_"))
		lines(f, logging);
	if (text_ends_with(name, ".gitattributes"))
		lines(f, attribute);
	if (strncmp(name, "Modelfile", 9) == 0)
		ollama(f);
}
