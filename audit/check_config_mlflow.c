/* SPDX-License-Identifier: MIT
 * MLflow: MLmodel says which Python module loads the model, from which files,
 * with which code on the path; conda.yaml and python_env.yaml (and BentoML's
 * bentofile.yaml) what is installed beforehand.
 */
#include "audit/check_config_part.h"

#include "base/limits.h"
#include "base/text.h"

#define SHOWN 512

/* Modules of mlflow that load a model: its flavours. */
static bool
flavour(const struct conf *module)
{
	static const char *const names[] = {"mlflow.sklearn", "mlflow.pytorch",
	    "mlflow.tensorflow", "mlflow.keras", "mlflow.keras.load",
	    "mlflow.xgboost", "mlflow.lightgbm", "mlflow.catboost",
	    "mlflow.onnx", "mlflow.pyfunc.model", "mlflow.spark",
	    "mlflow.statsmodels", "mlflow.prophet", "mlflow.pmdarima",
	    "mlflow.fastai", "mlflow.spacy", "mlflow.h2o", "mlflow.gluon",
	    "mlflow.paddle", "mlflow.mleap", "mlflow.shap", "mlflow.diviner",
	    "mlflow.transformers", "mlflow.openai", "mlflow.langchain",
	    "mlflow.llama_index", "mlflow.dspy", "mlflow.promptflow",
	    "mlflow.sentence_transformers", "mlflow.johnsnowlabs",
	    "mlflow.pyfunc.loaders.code_model", "mlflow.pyspark.ml",
	    "mlflow.pyfunc.loaders.chat_model",
	    "mlflow.pyfunc.loaders.chat_agent",
	    "mlflow.pyfunc.loaders.responses_agent", "mlflow.crewai",
	    "mlflow.haystack"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (conf_text_is(module, names[i]))
			return true;
	return false;
}

static void
loader(const struct check_file *f, const struct conf *n)
{
	char shown[SHOWN];

	if (!conf_is_string(n) || !conf_true(n) || flavour(n))
		return;
	check_find(f, FINDING_MLFLOW_LOADER, n->off, "loader_module '%s'",
	    check_config_shown(n, shown, sizeof(shown)));
}

/* "uri" says where an artifact came from, and is fetched when it is asked
 * for; stores of mlflow and clouds are usual. */
static void
uri(const struct check_file *f, const struct conf *n)
{
	char shown[SHOWN];

	if (!conf_is_string(n) || !check_config_escapes(n))
		return;
	check_config_shown(n, shown, sizeof(shown));
	if (conf_begins_with(n, "http://") || conf_begins_with(n, "https://") ||
	    conf_begins_with(n, "ftp://") || conf_begins_with(n, "ftp:") ||
	    conf_has(n, "..") || conf_begins_with(n, "file:///etc") ||
	    conf_begins_with(n, "file:///proc"))
		check_find(f, FINDING_CONFIG_PATH, n->off, "uri '%s'", shown);
	else
		check_find(f, FINDING_MLFLOW_URI, n->off, "'%s'", shown);
}

/* Files of the model, by keys of the flavours. */
static void
path(const struct check_file *f, const struct conf *n)
{
	static const char *const keys[] = {"model_path", "data", "code",
	    "model_data", "python_model", "path", "env", "conda", "virtualenv",
	    "serialized_model_path", "saved_model_dir", "model_code_path",
	    "keras_model_path", "pickled_model", "state_dict", "model_binary",
	    "components", "requirements", "custom_objects", "model_config",
	    "pip_requirements"};
	char shown[SHOWN];

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (conf_key_is(n, keys[i]) && check_config_escapes(n))
			check_find(f, FINDING_CONFIG_PATH, n->off, "%s '%s'",
			    keys[i],
			    check_config_shown(n, shown, sizeof(shown)));
}

static void
mlmodel(const struct check_file *f, const struct conf *root)
{
	const struct conf *end = root->next;
	char shown[SHOWN];

	for (const struct conf *n = root; n != NULL && n != end;
	     n = conf_next(n)) {
		const struct conf *v = conf_value(n);

		if (n->key == NULL || v == NULL)
			continue;
		if (conf_key_is(n, "loader_module"))
			loader(f, v);
		else if (conf_key_is(n, "uri"))
			uri(f, v);
		else if ((conf_key_is(n, "code") ||
			     conf_key_is(n, "model_code_path")) &&
			 conf_is_string(v) && conf_true(v))
			/* a folder of the model's: its source is looked at */
			check_find(f,
			    check_config_escapes(v) ? FINDING_MLFLOW_CODE
						    : FINDING_CONFIG_LOCAL,
			    v->off, "code in '%s'",
			    check_config_shown(v, shown, sizeof(shown)));
		path(f, n);
	}
}

/* --- what is installed --------------------------------------------------- */

static void
requirements(const struct check_file *f, const struct conf *list)
{
	size_t left = LIMIT_CONFIG_VALUES;

	list = conf_value(list);
	if (conf_is_string(list))
		check_config_requirement(f, list->text, list->len, list->off);
	if (!conf_is_array(list))
		return;
	for (const struct conf *n = list->child; n != NULL; n = n->next) {
		const struct conf *v = conf_value(n);
		const struct conf *pip = conf_get(v, "pip");

		if (conf_is_string(v))
			check_config_requirement(f, v->text, v->len, v->off);
		else if (conf_is_array(pip))
			for (v = pip->child; v != NULL && left != 0;
			     v = v->next, left--)
				if (conf_is_string(v))
					check_config_requirement(f,
					    conf_value(v)->text,
					    conf_value(v)->len, v->off);
	}
	/* lists that are aliases in what is one itself */
	if (left == 0)
		check_short(f, FINDING_FILE_LIMIT, list->off,
		    "more than %d requirements", LIMIT_CONFIG_VALUES);
}

/* Where the channels without a URL are. */
static bool
usual_channel(const struct conf *n)
{
	static const char *const hosts[] = {"https://conda.anaconda.org/",
	    "https://repo.anaconda.com/pkgs/", "https://repo.prefix.dev/"};

	for (size_t i = 0; i < ARRAY_LEN(hosts); i++)
		if (conf_begins_with(n, hosts[i]))
			return !conf_has(n, "..");
	return false;
}

/* conda: a channel is a name of anaconda.org, or a URL. */
static void
channels(const struct check_file *f, const struct conf *list)
{
	char shown[SHOWN];

	if (!conf_is_array(list))
		return;
	for (const struct conf *n = list->child; n != NULL; n = n->next)
		if ((conf_has(n, "://") || conf_has(n, "/")) &&
		    !usual_channel(n))
			check_find(f, FINDING_DEPEND_SOURCE, n->off,
			    "channel '%s'",
			    check_config_shown(n, shown, sizeof(shown)));
}

/* Of "module:name". */
static size_t
module_length(const char *s, size_t len)
{
	const char *colon = len != 0 ? memchr(s, ':', len) : NULL;

	return colon != NULL ? (size_t)(colon - s) : len;
}

/* An environment of conda is known by a list for pip among its packages. */
static bool
has_pip(const struct conf *list)
{
	if (!conf_is_array(list))
		return false;
	for (const struct conf *n = list->child; n != NULL; n = n->next)
		if (conf_is_array(conf_get(conf_value(n), "pip")))
			return true;
	return false;
}

/* bentofile.yaml: index_url and what runs while the image is built. */
static void
bento(const struct check_file *f, const struct conf *root)
{
	static const char *const keys[] = {
	    "index_url", "extra_index_url", "find_links", "trusted_host"};
	const struct conf *python = conf_get(root, "python");
	const struct conf *docker = conf_get(root, "docker"), *n;
	char shown[SHOWN];

	requirements(f, conf_get(python, "packages"));
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (conf_true(n = conf_get(python, keys[i])))
			check_find(f, FINDING_DEPEND_SOURCE, n->off, "%s '%s'",
			    keys[i],
			    check_config_shown(n, shown, sizeof(shown)));
	if (conf_true(n = conf_get(docker, "setup_script")) ||
	    conf_true(n = conf_get(docker, "dockerfile_template")))
		check_find(f,
		    check_config_escapes(n) ? FINDING_SERVE_HANDLER
					    : FINDING_SERVE_LOCAL,
		    n->off, "'%s' runs when the image is built",
		    check_config_shown(n, shown, sizeof(shown)));
	/* service:Class, imported from the folder of the bundle */
	if (conf_true(n = conf_get(root, "service")))
		check_find(f,
		    conf_is_string(n) && check_config_own(n->text,
					     module_length(n->text, n->len))
			? FINDING_SERVE_LOCAL
			: FINDING_SERVE_HANDLER,
		    n->off, "service '%s'",
		    check_config_shown(n, shown, sizeof(shown)));
}

void
check_config_mlflow(const struct check_file *f, const struct conf_doc *d)
{
	const struct conf *root = d->root;

	for (const struct conf *r = root; r != NULL; r = r->next)
		if (conf_is_object(conf_get(r, "flavors")))
			mlmodel(f, r);
	if (conf_get(root, "dependencies") != NULL &&
	    (conf_get(root, "channels") != NULL ||
		conf_get(root, "name") != NULL ||
		conf_get(root, "python") != NULL ||
		conf_get(root, "build_dependencies") != NULL ||
		has_pip(conf_get(root, "dependencies")))) {
		requirements(f, conf_get(root, "dependencies"));
		requirements(f, conf_get(root, "build_dependencies"));
		channels(f, conf_get(root, "channels"));
	} else if (text_ends_with(check_name_of(f), "condarc")) {
		/* conda's own settings have no packages beside them */
		channels(f, conf_get(root, "channels"));
	}
	if (conf_get(root, "service") != NULL &&
	    (conf_is_object(conf_get(root, "python")) ||
		conf_is_object(conf_get(root, "docker"))))
		bento(f, root);
}
