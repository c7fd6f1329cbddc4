/* SPDX-License-Identifier: MIT
 * Repositories of the Hugging Face hub: config.json beside the weights, as
 * transformers (model_type, id2label, preprocessor_config.json) and timm
 * (architecture, pretrained_cfg) write them, or beside the ONNX model that was
 * exported of these.
 */
#include "formats/layout_hf.h"
#include "base/json.h"
#include "base/limits.h"
#include "formats/hf_pre.h"

static const char config_name[] = "config.json";
static const char processor_name[] = "preprocessor_config.json";

/* In the order in which transformers and timm look for weights; then what
 * optimum (onnx/export) and the hub's own conversions have in their place. */
static const char *const weights[] = {"model.safetensors",
    "model.safetensors.index.json", "pytorch_model.bin",
    "pytorch_model.bin.index.json", "pytorch_model.pth", "model.pth",
    "model.onnx", "onnx/model.onnx"};

static bool
ends_in(const char *s, const char *end)
{
	size_t n = strlen(s), k = strlen(end);

	return n >= k && strcmp(s + n - k, end) == 0;
}

/* A file that config.json may be the configuration of. */
static bool
may_be_weights(const char *name)
{
	static const char *const end[] = {".safetensors",
	    ".safetensors.index.json", ".bin", ".bin.index.json", ".pth", ".pt",
	    ".pth.tar", ".ckpt", ".onnx"};

	for (size_t i = 0; i < ARRAY_LEN(end); i++)
		if (ends_in(name, end[i]))
			return true;
	return false;
}

/* What Git has in place of a large file (git-lfs, docs/spec.md). */
static bool
is_pointer(struct rd r)
{
	static const char first[] = "version https://git-lfs.github.com/spec/";

	return r.len - r.off >= sizeof(first) - 1 && r.base != NULL &&
	       memcmp(r.base + r.off, first, sizeof(first) - 1) == 0;
}

static const char *
chosen_by_us(const struct source *s)
{
	for (size_t i = 0; i < ARRAY_LEN(weights); i++)
		if (source_has(s, weights[i]) || source_is_link(s, weights[i]))
			return weights[i];
	return NULL;
}

/* "folder/name", in the source's arena; NULL: too long. */
static const char *
within(struct source *s, const char *folder, const char *name)
{
	return *folder == '\0' ? name
			       : arena_printf(&s->arena, "%s/%s", folder, name);
}

static bool
probe(const struct source *s)
{
	if (s->nfile != 0 && is_pointer(s->main))
		return true;
	if (!source_has(s, config_name) && !source_is_link(s, config_name))
		return false;
	return s->nfile != 0 ? may_be_weights(s->file[0].name)
			     : chosen_by_us(s) != NULL;
}

/* As all files of the hub's cache are. */
static int
no_link(const struct source *s, const char *name, struct err *e)
{
	if (!source_is_link(s, name))
		return 0;
	(void)err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
	    "is a link, which is not followed: copy the folder with 'cp -rL'");
	return err_in(e, name);
}

static int
no_pointer(struct rd r, struct err *e)
{
	if (!is_pointer(r))
		return 0;
	return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
	    "is a Git LFS pointer to the file, not the file: fetch it with "
	    "'git lfs pull'");
}

/*
 * A JSON object beside the model.  When the user named the weights alone, it
 * is no part of what assay-save writes.
 */
static int
read_object(
    struct source *s, bool aside, const char *name, json_t **out, struct err *e)
{
	struct rd r;
	int rc;

	if ((rc = source_open(s, name, &r, e)) != 0)
		return rc;
	if ((rc = no_pointer(r, e)) == 0 && r.len > LIMIT_CONFIG)
		rc = err_set(
		    e, ERR_LIMIT, ERR_NOWHERE, "%zu bytes of JSON", r.len);
	if (rc == 0 && (rc = json_read(r.base, r.len, out, e)) == 0 &&
	    !json_is_object(*out)) {
		json_decref(*out);
		rc = err_set(e, ERR_FORMAT, ERR_NOWHERE, "is no JSON object");
	}
	if (rc != 0)
		return err_in(e, name);
	if (aside)
		source_forget(s, name);
	return 0;
}

/* --- names of classes ---------------------------------------------------- */

static int
put_label(struct source *s, const json_t *v, const char **out, struct err *e)
{
	const char *text = json_string_value(v);
	char number[32];

	if (json_is_integer(v)) {
		snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT,
		    json_integer_value(v));
		text = number;
	}
	if (text == NULL || strlen(text) > LIMIT_NAME)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "a label that is neither a name nor a number");
	*out = arena_strdup(&s->arena, text, strlen(text));
	return *out != NULL
		   ? 0
		   : err_set(e, ERR_LIMIT, ERR_NOWHERE, "labels too long");
}

static int
room_for_labels(struct source *s, const char *what, size_t n, struct err *e)
{
	struct hints *h = &s->hints;

	if (n > LIMIT_CLASSES)
		return err_set(
		    e, ERR_LIMIT, ERR_NOWHERE, "'%s' has %zu classes", what, n);
	h->label = arena_alloc(&s->arena, n + 1, sizeof(*h->label));
	if (h->label == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "labels too long");
	h->nlabel = n;
	return 0;
}

/* {"0": "cat", "1": "dog"}: each number below n once, in any order. */
static int
take_id2label(struct source *s, const json_t *map, struct err *e)
{
	const char *key;
	json_t *v;
	int rc;

	if (!json_is_object(map))
		return err_set(
		    e, ERR_FORMAT, ERR_NOWHERE, "'id2label' is not an object");
	rc = room_for_labels(s, "id2label", json_object_size(map), e);
	if (rc != 0)
		return rc;
	json_object_foreach((json_t *)(uintptr_t)map, key, v)
	{
		char same[32], *end;
		unsigned long long i = strtoull(key, &end, 10);

		/* written in one way only, so that two keys are two classes */
		snprintf(same, sizeof(same), "%llu", i);
		if (strcmp(same, key) != 0 || i >= s->hints.nlabel)
			return err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "'id2label' has %zu classes, and one that is "
			    "called '%.40s'",
			    s->hints.nlabel, key);
		if ((rc = put_label(s, v, &s->hints.label[i], e)) != 0)
			return rc;
	}
	return 0;
}

/* timm: ["cat", "dog"]. */
static int
take_names(struct source *s, const json_t *list, struct err *e)
{
	int rc = room_for_labels(s, "label_names", json_array_size(list), e);

	for (size_t i = 0; rc == 0 && i < s->hints.nlabel; i++)
		rc = put_label(
		    s, json_array_get(list, i), &s->hints.label[i], e);
	return rc;
}

/* --- the whole ----------------------------------------------------------- */

/* Of old, the fields of pretrained_cfg stood in the configuration itself. */
static bool
is_timm(const json_t *config)
{
	return json_is_string(json_object_get(config, "architecture")) &&
	       (json_is_object(json_object_get(config, "pretrained_cfg")) ||
		   json_is_array(json_object_get(config, "input_size")));
}

static bool
is_ours(const json_t *config)
{
	return is_timm(config) ||
	       json_is_string(json_object_get(config, "model_type")) ||
	       json_is_array(json_object_get(config, "architectures"));
}

static int
take_config(struct source *s, struct err *e)
{
	const json_t *c = s->hints.config;
	const json_t *cfg = json_object_get(c, "pretrained_cfg");
	const json_t *map = json_object_get(c, "id2label");
	const json_t *names = json_object_get(c, "label_names");
	const json_t *quantised = json_object_get(c, "quantization_config");
	int rc = 0;

	if (quantised != NULL && !json_is_null(quantised))
		rc = err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "'quantization_config': weights that are packed");
	else if (map != NULL && !json_is_null(map))
		rc = take_id2label(s, map, e);
	else if (json_is_array(names))
		rc = take_names(s, names, e);
	if (rc == 0 && is_timm(c))
		rc = hf_pre_timm(
		    json_is_object(cfg) ? cfg : c, &s->hints.preprocess, e);
	return rc != 0 ? err_in(e, config_name) : 0;
}

static int
take_processor(struct source *s, bool aside, const char *name, struct err *e)
{
	json_t *j;
	int rc;

	if (!source_has(s, name))
		return 0;
	if ((rc = read_object(s, aside, name, &j, e)) != 0)
		return rc;
	if ((rc = hf_pre_processor(j, &s->hints.preprocess, e)) != 0)
		err_in(e, name);
	json_decref(j);
	return rc;
}

static int
open_folder(struct source *s, struct err *e)
{
	bool aside = s->nfile != 0;
	const char *name = aside ? s->file[0].name : chosen_by_us(s);
	int rc;

	if ((rc = no_link(s, config_name, e)) != 0 ||
	    (rc = no_link(s, processor_name, e)) != 0)
		return rc;
	if (!aside && ((rc = no_link(s, name, e)) != 0 ||
			  (rc = source_choose(s, name, e)) != 0))
		return rc;
	if ((rc = no_pointer(s->main, e)) != 0)
		return err_in(e, name);
	rc = read_object(s, aside, config_name, &s->hints.config, e);
	if (rc != 0)
		return rc;
	if (!is_ours(s->hints.config)) {
		/* somebody else's, and the weights may do without */
		json_decref(s->hints.config);
		s->hints.config = NULL;
		return 0;
	}
	if ((rc = take_config(s, e)) != 0)
		return rc;
	return take_processor(s, aside, processor_name, e);
}

int
layout_hf_within(
    struct source *s, const char *folder, const char *processor, struct err *e)
{
	const char *config = within(s, folder, config_name), *name = NULL;
	int rc;

	for (size_t i = 0; i < ARRAY_LEN(weights) && name == NULL; i++) {
		const char *at = within(s, folder, weights[i]);

		if (at == NULL)
			break;
		if (source_has(s, at))
			name = at;
	}
	if (config == NULL || name == NULL || !source_has(s, config))
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "no config.json with weights in '%.64s'", folder);
	/* the names in an index are those of files beside it */
	if (ends_in(name, ".index.json"))
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "weights in several files: name the folder '%.64s'",
		    folder);
	if ((rc = source_choose(s, name, e)) != 0)
		return rc;
	if ((rc = no_pointer(s->main, e)) != 0)
		return err_in(e, name);
	if ((rc = read_object(s, false, config, &s->hints.config, e)) != 0 ||
	    (rc = take_config(s, e)) != 0)
		return rc;
	return take_processor(s, false, processor, e);
}

const struct layout layout_hf = {
    .name = "hf",
    .summary = "Hugging Face repository: config.json and weights",
    .probe = probe,
    .open = open_folder,
};
