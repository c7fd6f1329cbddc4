/* SPDX-License-Identifier: MIT
 * Hugging Face repositories: what transformers, diffusers, sentence-transformers
 * and peft import, fetch or open because a configuration says so.
 */
#define _GNU_SOURCE /* memrchr */
#include "audit/check_config_part.h"

#define SHOWN 512

static void
remote(const struct check_file *f, const struct conf *n, const char *what)
{
	char shown[SHOWN];

	check_find(f, FINDING_HF_REMOTE_CODE, n->off, "%s '%s'", what,
	    check_config_shown(n, shown, sizeof(shown)));
}

/* "auto_map": {"AutoModel": "modeling_x.Model"}, or "owner/repo--x.Model":
 * transformers' dynamic_module_utils imports it. */
static void
auto_map(const struct check_file *f, const struct conf *map)
{
	const struct conf *object = conf_value(map);

	if (conf_is_string(object) && conf_true(object))
		remote(f, object, "auto_map");
	if (!conf_is_object(object) && !conf_is_array(object))
		return;
	for (const struct conf *n = object->child; n != NULL; n = n->next) {
		const struct conf *v = conf_value(n);

		if (v == NULL)
			continue;
		if (conf_is_array(v) && v->child != NULL)
			v = conf_value(v->child);
		if (v == NULL || !conf_is_string(v))
			continue;
		/* source of the repository itself, which is looked at */
		if (check_config_local(f, v->text, v->len)) {
			check_find(f, FINDING_CONFIG_LOCAL, v->off,
			    "auto_map names '%.*s'", (int)MIN(v->len, 200),
			    v->text);
			continue;
		}
		remote(f, v,
		    conf_has(v, "--") ? "code from another repository"
				      : "auto_map");
	}
}

/* Only letters, digits, dots and underscores, no part empty or inner. */
static bool
dotted(const struct conf *n)
{
	n = conf_value(n);
	for (size_t i = 0; i < n->len; i++) {
		char c = n->text[i];
		bool start = i == 0 || n->text[i - 1] == '.';

		if (start && (c == '.' || c == '_'))
			return false;
		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    !(c >= '0' && c <= '9') && c != '_' && c != '.')
			return false;
	}
	return n->len != 0 && n->text[n->len - 1] != '.';
}

/* --- sentence-transformers: modules.json --------------------------------- */

/* Its own classes: a package, then one class. */
static bool
known_module(const struct conf *type)
{
	static const char *const package[] = {"sentence_transformers.models.",
	    "sentence_transformers.sparse_encoder.models.",
	    "sentence_transformers.base.modules.",
	    "sentence_transformers.cross_encoder.modules.",
	    "sentence_transformers.sentence_transformer.modules."};
	const struct conf *t = conf_value(type);

	for (size_t i = 0; i < ARRAY_LEN(package); i++) {
		size_t n = strlen(package[i]);

		if (!conf_begins_with(t, package[i]) || t->len == n)
			continue;
		/* "models.Dense", or "models.dense.Dense" as older ones wrote */
		return dotted(t) && !check_config_escapes(t) &&
		       strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ",
			   *((const char *)memrchr(t->text, '.', t->len) +
			       1)) != NULL;
	}
	return false;
}

/* Dense/config.json: import_from_string() of what is called then (its util.py).
 * Elsewhere it is a name of transformers' own table, without a dot. */
static void
activation(const struct check_file *f, const struct conf *root)
{
	const struct conf *n = conf_get(root, "activation_function");
	char shown[SHOWN];

	if (conf_is_string(n) && conf_has(n, ".") &&
	    !check_config_trusted(n->text, n->len) &&
	    !check_config_local(f, n->text, n->len))
		check_find(f, FINDING_CONFIG_TARGET, n->off,
		    "activation_function '%s'",
		    check_config_shown(n, shown, sizeof(shown)));
}

/* timm loads what pretrained_cfg.url names, by torch.load(): from nobody who proves
 * who he is, or what is a pickle by its name. */
static void
pretrained(const struct check_file *f, const struct conf *root)
{
	const struct conf *cfg = conf_get(root, "pretrained_cfg");
	const struct conf *url = conf_get(cfg, "url");
	char shown[SHOWN];

	if (!conf_is_string(url))
		return;
	if (conf_begins_with(url, "http://") ||
	    conf_begins_with(url, "file:") ||
	    (url->len > 4 && memcmp(url->text + url->len - 4, ".pkl", 4) == 0))
		check_find(f, FINDING_CONFIG_PATH, url->off,
		    "weights from '%s'",
		    check_config_shown(url, shown, sizeof(shown)));
}

static void
modules(const struct check_file *f, const struct conf *root)
{
	char shown[SHOWN];

	for (const struct conf *m = root->child; m != NULL; m = m->next) {
		const struct conf *type = conf_get(m, "type");

		if (!conf_is_string(type) || conf_get(m, "path") == NULL ||
		    conf_get(m, "name") == NULL)
			continue;
		if (!known_module(type))
			check_find(f, FINDING_HF_MODULE, type->off,
			    "module type '%s'",
			    check_config_shown(type, shown, sizeof(shown)));
		if (check_config_escapes(conf_get(m, "path")))
			check_find(f, FINDING_CONFIG_PATH, type->off,
			    "path '%s'",
			    check_config_shown(
				conf_get(m, "path"), shown, sizeof(shown)));
	}
}

/* What is imported and called without arguments: an activation of PyTorch's, or
 * any (CrossEncoder; import_from_string). */
static void
imported(const struct check_file *f, const struct conf *n)
{
	char shown[SHOWN];

	if (!conf_is_string(n) || memchr(n->text, '.', n->len) == NULL ||
	    check_config_trusted(n->text, n->len) ||
	    conf_begins_with(n, "sentence_transformers."))
		return;
	check_find(f, FINDING_HF_MODULE, n->off, "activation '%s'",
	    check_config_shown(n, shown, sizeof(shown)));
}

/* The config.json of a CrossEncoder, and those of routers, whose types are
 * imported like modules. */
static void
layers(const struct check_file *f, const struct conf *root)
{
	static const char sbert[] = "config_sentence_transformers.json";
	const struct conf *types = conf_get(root, "types");
	char shown[SHOWN];

	imported(f, conf_get(root, "sbert_ce_default_activation_function"));
	imported(f,
	    conf_get(conf_get(root, "sentence_transformers"), "activation_fn"));
	if (strcmp(check_name_of(f), sbert) == 0)
		imported(f, conf_get(root, "activation_fn"));
	if (!conf_is_object(types) ||
	    !conf_is_object(conf_get(root, "structure")))
		return;
	for (const struct conf *n = types->child; n != NULL; n = n->next)
		if (conf_is_string(n) && !known_module(n))
			check_find(f, FINDING_HF_MODULE, n->off,
			    "module type '%s'",
			    check_config_shown(n, shown, sizeof(shown)));
}

/* --- diffusers: model_index.json ----------------------------------------- */

/* Libraries, and packages within diffusers.pipelines that hold classes. */
static bool
known_library(const struct conf *lib)
{
	static const char *const known[] = {"diffusers", "transformers",
	    "stable_diffusion", "stable_diffusion_safe", "paint_by_example",
	    "latent_diffusion", "audioldm2", "musicldm", "kandinsky",
	    "alt_diffusion", "unclip", "unidiffuser", "versatile_diffusion",
	    "wuerstchen", "stable_cascade", "deepfloyd_if", "shap_e",
	    "blip_diffusion", "spectrogram_diffusion", "pixart_alpha",
	    "hunyuandit", "lumina", "flux", "semantic_stable_diffusion",
	    "stable_unclip", "ddpm", "onnxruntime", "k_diffusion", "flax",
	    "stable_audio", "ltx2", "ltx", "cosmos", "wan", "sana", "hidream",
	    "visualcloze", "cogvideo", "allegro", "mochi", "chronoedit",
	    "optimum.intel", "optimum.onnxruntime", "open_clip", "deprecated"};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (conf_text_is(lib, known[i]))
			return true;
	return false;
}

/* "unet": ["diffusers", "UNet2DConditionModel"]: the library, or NULL. */
static const struct conf *
library(const struct conf *n)
{
	const struct conf *v = conf_value(n);

	if (!conf_is_array(v) || v->child == NULL || n->key == NULL ||
	    n->key_len == 0 || n->key[0] == '_' || v->child->next == NULL ||
	    v->child->next->next != NULL || !conf_is_string(v->child->next))
		return NULL;
	v = conf_value(v->child);
	return conf_is_string(v) ? v : NULL;
}

/* A pipeline; the parts of one have _class_name and pairs of names as well. */
static bool
is_pipeline(const struct conf *root)
{
	const struct conf *name = conf_get(root, "_class_name");

	if (conf_is_array(name) || conf_has(name, "Pipeline"))
		return true;
	for (const struct conf *n = root->child; n != NULL; n = n->next) {
		const struct conf *lib = library(n);

		if (lib != NULL && (conf_text_is(lib, "diffusers") ||
				       conf_text_is(lib, "transformers")))
			return true;
	}
	return false;
}

static void
model_index(const struct check_file *f, const struct conf *root)
{
	const struct conf *name = conf_get(root, "_class_name");
	char shown[SHOWN];

	if (!is_pipeline(root))
		return;
	if (conf_is_array(name) && name->child != NULL)
		remote(f, name->child, "_class_name of a pipeline of its own");
	for (const struct conf *n = root->child; n != NULL; n = n->next) {
		const struct conf *lib = library(n);

		struct conf name_of = {
		    .kind = CONF_STRING, .text = n->key, .len = n->key_len};

		/* the component's name is the folder that it is read from */
		if (lib != NULL && check_config_escapes(&name_of))
			check_find(f, FINDING_CONFIG_PATH, n->off,
			    "component '%s'",
			    check_config_shown(&name_of, shown, sizeof(shown)));
		if (lib != NULL && !known_library(lib))
			check_find(f, FINDING_HF_MODULE, lib->off,
			    "library '%s'",
			    check_config_shown(lib, shown, sizeof(shown)));
	}
}

/* --- keys that mean the same at any depth -------------------------------- */

static void
weight_map(const struct check_file *f, const struct conf *map)
{
	const struct conf *object = conf_value(map);
	char shown[SHOWN];
	size_t found = 0;

	if (!conf_is_object(object))
		return;
	for (const struct conf *n = object->child; n != NULL; n = n->next)
		if (check_config_escapes(n) && found++ < 10)
			check_find(f, FINDING_CONFIG_PATH, n->off,
			    "weights in '%s'",
			    check_config_shown(n, shown, sizeof(shown)));
}

/* TensorFlow.js reads these beside model.json. */
static void
manifest(const struct check_file *f, const struct conf *groups)
{
	char shown[SHOWN];

	if (!conf_is_array(groups))
		return;
	for (const struct conf *g = groups->child; g != NULL; g = g->next) {
		const struct conf *paths = conf_get(g, "paths");

		if (!conf_is_array(paths))
			continue;
		for (const struct conf *n = paths->child; n != NULL;
		     n = n->next)
			if (check_config_escapes(n))
				check_find(f, FINDING_CONFIG_PATH, n->off,
				    "weights in '%s'",
				    check_config_shown(
					n, shown, sizeof(shown)));
	}
}

/* transformers opens what these name.  tokenizer_file is written by itself,
 * with a path of whoever saved it, and only odd when it climbs. */
static bool
opens(const struct conf *n)
{
	static const char *const keys[] = {"vocab_file", "merges_file",
	    "spm_file", "source_spm", "target_spm", "sp_model_file",
	    "emoji_file", "monolingual_vocab_file"};

	if (!check_config_escapes(n) || conf_has(n, ".cache/") ||
	    conf_has(n, "huggingface"))
		return false;
	if (conf_key_is(n, "tokenizer_file"))
		return conf_has(n, "../") || conf_begins_with(n, "/etc/") ||
		       conf_begins_with(n, "/proc/");
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (conf_key_is(n, keys[i]))
			return true;
	return false;
}

/* peft imports parent_library and takes base_model_class from it; and what
 * megatron_core names (lora/tp_layer.py). */
static void
auto_mapping(const struct check_file *f, const struct conf *map)
{
	const struct conf *lib = conf_get(map, "parent_library");
	char shown[SHOWN];

	if (conf_is_string(lib) && conf_true(lib) &&
	    !((conf_begins_with(lib, "transformers.models.") ||
		  conf_text_is(lib, "transformers")) &&
		dotted(lib)))
		check_find(f, FINDING_HF_MODULE, lib->off, "library '%s'",
		    check_config_shown(lib, shown, sizeof(shown)));
}

static void
key(const struct check_file *f, const struct conf *n)
{
	const struct conf *v = conf_value(n);
	/* a program's defaults ("trust_remote_code": null) ask for nothing */
	bool asked = conf_true(v);
	char shown[SHOWN];

	if (v == NULL || !asked)
		return;
	if (conf_key_is(n, "auto_map"))
		auto_map(f, n);
	else if (conf_key_is(n, "trust_remote_code") && !conf_is_object(v))
		remote(f, v, "trust_remote_code");
	else if (conf_key_is(n, "custom_pipelines"))
		remote(f, v, "custom_pipelines");
	else if (conf_key_is(n, "custom_pipeline") && conf_is_string(v))
		remote(f, v, "custom_pipeline");
	else if (conf_key_is(n, "custom_generate") && conf_is_string(v))
		remote(f, v, "custom_generate");
	else if ((conf_key_is(n, "_attn_implementation") ||
		     conf_key_is(n, "attn_implementation")) &&
		 conf_has(v, "/"))
		remote(f, v, "a compiled kernel of another repository");
	else if (conf_key_is(n, "weight_map"))
		weight_map(f, n);
	else if (conf_key_is(n, "weightsManifest"))
		manifest(f, n);
	else if (conf_is_string(v) && opens(n))
		check_find(f, FINDING_CONFIG_PATH, v->off, "%.*s '%s'",
		    (int)MIN(n->key_len, 64), n->key,
		    check_config_shown(v, shown, sizeof(shown)));
	else if (conf_key_is(n, "auto_mapping"))
		auto_mapping(f, n);
	else if (conf_key_is(n, "megatron_core") && conf_is_string(v) &&
		 !conf_text_is(v, "megatron.core"))
		check_find(f, FINDING_HF_MODULE, v->off, "library '%s'",
		    check_config_shown(v, shown, sizeof(shown)));
	else if ((conf_key_is(n, "tokenizer_class") ||
		     conf_key_is(n, "processor_class") ||
		     conf_key_is(n, "image_processor_type") ||
		     conf_key_is(n, "feature_extractor_type")) &&
		 conf_has(v, "--"))
		remote(f, v, "a class of another repository");
}

void
check_config_hf(const struct check_file *f, const struct conf_doc *d)
{
	for (const struct conf *n = d->root; n != NULL; n = conf_next(n))
		if (n->key != NULL)
			key(f, n);
	for (const struct conf *r = d->root; r != NULL; r = r->next) {
		if (r->kind == CONF_ARRAY)
			modules(f, r);
		if (conf_get(r, "_class_name") != NULL)
			model_index(f, r);
		if (r->kind == CONF_OBJECT)
			layers(f, r);
		activation(f, r);
		pretrained(f, r);
	}
}
