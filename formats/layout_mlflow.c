/* SPDX-License-Identifier: MIT
 * An MLflow model: MLmodel (YAML) lists flavours, each of which keeps its
 * data where it says (mlflow, docs "Models: Storage Format"; the names of the
 * files are those of mlflow/{onnx,pytorch,keras,tensorflow}).
 */
#include "base/limits.h"
#include "formats/layout_hf.h"
#include "formats/yaml_text.h"

#define MLMODEL "MLmodel"

/* A flavour, the key that has its data (and what it is when it says nothing),
 * and the files looked for within it. */
static const struct flavour {
	const char *name, *key, *usual;
	const char *within[6];
} table[] = {
    {"onnx", "data", "model.onnx", {"", "/model.onnx"}},
    {"pytorch", "model_data", "data",
	{"/model.pth", "/model.pt2", "/state_dict.pth", "/model.pt"}},
    {"keras", "data", "data", {"/model.keras", "/model.h5", "/model", ""}},
    {"tensorflow", "data", "data", {"/model.keras", "/model.h5", "/model"}},
};

static bool
probe(const struct source *s)
{
	return s->nfile == 0 && source_has(s, MLMODEL);
}

static int
choose(struct source *s, const struct flavour *f, const json_t *entry,
    struct err *e)
{
	const char *data = json_string_value(json_object_get(entry, f->key));
	char name[LIMIT_MEMBER_NAME + 1];

	if (data == NULL)
		data = f->usual;
	for (size_t i = 0; i < ARRAY_LEN(f->within); i++) {
		if (f->within[i] == NULL)
			break;
		if (snprintf(name, sizeof(name), "%s%s", data, f->within[i]) >=
		    (int)sizeof(name))
			return err_set(e, ERR_LIMIT, ERR_NOWHERE,
			    "flavour %s: its path is too long", f->name);
		if (source_has(s, name))
			return source_choose(s, name, e);
	}
	return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
	    "flavour %s: no model that can be read in '%.200s'", f->name, data);
}

/* A repository, and components beside it, of which one prepares images
 * (mlflow/transformers/__init__.py). */
static int
choose_repository(struct source *s, const json_t *entry, struct err *e)
{
	static const char *const image[] = {
	    "components/image_processor/preprocessor_config.json",
	    "components/feature_extractor/preprocessor_config.json"};
	const char *folder =
	    json_string_value(json_object_get(entry, "model_binary"));
	size_t i = 0;

	if (folder == NULL)
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "flavour transformers: its model is not in the bundle");
	while (i < ARRAY_LEN(image) - 1 && !source_has(s, image[i]))
		i++;
	return layout_hf_within(s, folder, image[i], e);
}

static int
choose_flavour(struct source *s, const json_t *doc, struct err *e)
{
	const json_t *all = json_object_get(doc, "flavors");
	const char *key;
	json_t *v;

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const json_t *entry = json_object_get(all, table[i].name);

		if (json_is_object(entry))
			return choose(s, &table[i], entry, e);
	}
	v = json_object_get(all, "transformers");
	if (json_is_object(v))
		return choose_repository(s, v, e);
	json_object_foreach((json_t *)(uintptr_t)all, key, v)
	{
		if (strcmp(key, "python_function") != 0)
			return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
			    "a model of the flavour '%.64s'", key);
	}
	return err_set(e, ERR_FORMAT, ERR_NOWHERE, "no flavour of a model");
}

static int
open(struct source *s, struct err *e)
{
	json_t *doc;
	struct rd r;
	int rc;

	if ((rc = source_open(s, MLMODEL, &r, e)) != 0)
		return rc;
	if ((rc = yaml_text_read(r, &doc, e)) != 0)
		return err_in(e, MLMODEL);
	if ((rc = choose_flavour(s, doc, e)) != 0)
		err_in(e, MLMODEL);
	json_decref(doc);
	return rc;
}

const struct layout layout_mlflow = {
    .name = "mlflow",
    .summary = "MLflow model (MLmodel): flavours onnx, pytorch, keras, "
	       "tensorflow, transformers",
    .probe = probe,
    .open = open,
};
