/* SPDX-License-Identifier: MIT
 * Configurations of Hugging Face that its libraries refuse: transformers
 * (configuration_utils.py, modeling_utils.py, image_processing_utils.py), PEFT
 * (config.py) and tokenizers (src/tokenizer/serialization.rs, models/mod.rs).
 */
#include "audit/check_config_part.h"

#include "base/json.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/text.h"

#define SAID 100

static void
refused(const struct check_file *f, const struct conf *at, const char *what)
{
	char shown[SAID];

	check_short(f, FINDING_CONFIG_INVALID, at->off, "%s%s%.80s%s", what,
	    at->text != NULL ? " '" : "", check_config_shown(at, shown, SAID),
	    at->text != NULL ? "'" : "");
}

static bool
is_named(const struct check_file *f, const char *name)
{
	return strcmp(check_name_of(f), name) == 0;
}

/* Digits alone. */
static bool
is_natural(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (s[i] < '0' || s[i] > '9')
			return false;
	return len != 0;
}

/* --- config.json --------------------------------------------------------- */

/* getattr(torch, name), torch.dtype */
static bool
is_dtype(const struct conf *n)
{
	static const char *const types[] = {"auto", "float16", "float32",
	    "float64", "bfloat16", "half", "float", "double", "int8", "uint8",
	    "int16", "int32", "int64", "bool", "float8_e4m3fn", "float8_e5m2",
	    "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu",
	    "float4_e2m1fn_x2", "uint16", "uint32", "uint64", "int", "long",
	    "short", "complex64", "complex128"};
	const char *s = n->text;
	size_t len = n->len;

	if (text_begins_with(s, len, "torch.")) {
		s += 6;
		len -= 6;
	}
	return text_is_among(s, len, types, ARRAY_LEN(types));
}

/* Sizes that are a number where they are one scalar. */
static bool
sizes(const struct check_file *f, const struct conf *root)
{
	static const char *const keys[] = {"hidden_size", "intermediate_size",
	    "num_attention_heads", "num_hidden_layers", "vocab_size",
	    "max_position_embeddings", "num_channels", "num_labels"};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const struct conf *n = conf_get(root, keys[i]);

		if (n == NULL || (n->kind != CONF_STRING &&
				     !(n->kind == CONF_WORD && n->len != 0 &&
					 n->text[0] == '-')))
			continue;
		refused(f, n, "a size that is none:");
		return false;
	}
	return true;
}

static void
config(const struct check_file *f, const struct conf *root)
{
	static const char *const keys[] = {"torch_dtype", "dtype"};
	const struct conf *labels = conf_get(root, "id2label");

	if (conf_get(root, "model_type") == NULL || !sizes(f, root))
		return;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const struct conf *n = conf_get(root, keys[i]);

		if (n != NULL && n->kind == CONF_STRING && !is_dtype(n)) {
			refused(f, n, "a type of weights that is none:");
			return;
		}
	}
	/* {int(key): value ...} */
	for (const struct conf *n = conf_is_object(labels) ? labels->child
							   : NULL;
	     n != NULL; n = n->next)
		if (!is_natural(n->key, n->key_len)) {
			refused(f, n, "a class whose number is none:");
			return;
		}
}

/* --- preprocessor_config.json -------------------------------------------- */

/* (image - mean) / std, a number for each channel or one for all */
static void
normalisation(const struct check_file *f, const struct conf_doc *d)
{
	json_t *j = NULL;
	const json_t *mean, *std, *v;
	struct err ignored;
	size_t i;

	if (f->bytes.len > LIMIT_INSPECT_SOURCE ||
	    json_read(f->bytes.base, f->bytes.len, &j, &ignored) != 0)
		return;
	mean = json_object_get(j, "image_mean");
	std = json_object_get(j, "image_std");
	if (json_is_array(mean) && json_is_array(std) &&
	    json_array_size(mean) != json_array_size(std))
		refused(
		    f, d->root, "image_mean and image_std differ in length");
	else
		json_array_foreach(std, i,
		    v) if (!json_is_number(v) || json_number_value(v) == 0)
		{
			refused(f, d->root,
			    "a number of image_std nobody divides by");
			break;
		}
	json_decref(j);
}

/* --- tokenizer.json ------------------------------------------------------ */

/* Variants that tokenizers knows; "model" may be without a type. */
static const struct part {
	const char *name;
	const char *types[20];
} parts[] = {
    {"model", {"BPE", "WordPiece", "WordLevel", "Unigram"}},
    {"normalizer", {"BertNormalizer", "Strip", "StripAccents", "NFC", "NFD",
		       "NFKC", "NFKD", "Sequence", "Lowercase", "Nmt",
		       "Precompiled", "Replace", "Prepend", "ByteLevel"}},
    {"pre_tokenizer",
	{"BertPreTokenizer", "ByteLevel", "CharDelimiterSplit", "Metaspace",
	    "Whitespace", "Sequence", "Split", "Punctuation", "WhitespaceSplit",
	    "Digits", "UnicodeScripts", "FixedLength", "Delimiter"}},
    {"post_processor", {"RobertaProcessing", "BertProcessing", "ByteLevel",
			   "TemplateProcessing", "Sequence"}},
    {"decoder", {"BPEDecoder", "ByteLevel", "WordPiece", "Metaspace", "CTC",
		    "Sequence", "Replace", "Fuse", "Strip", "ByteFallback"}},
};

static bool
variants(const struct check_file *f, const struct conf *root)
{
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		const struct conf *n =
		    conf_get(conf_get(root, parts[i].name), "type");
		size_t k = 0;

		if (n == NULL || n->kind != CONF_STRING)
			continue;
		while (k < ARRAY_LEN(parts[i].types) &&
		       parts[i].types[k] != NULL &&
		       !conf_text_is(n, parts[i].types[k]))
			k++;
		if (k < ARRAY_LEN(parts[i].types) && parts[i].types[k] != NULL)
			continue;
		refused(f, n, "a kind that tokenizers does not know:");
		return false;
	}
	return true;
}

/* Numbers of words are u32. */
static bool
numbers(const struct check_file *f, const struct conf *root)
{
	const struct conf *vocab = conf_get(conf_get(root, "model"), "vocab");
	const struct conf *added = conf_get(root, "added_tokens");
	const struct conf *n;

	for (n = conf_is_object(vocab) ? vocab->child : NULL; n != NULL;
	     n = n->next)
		if (n->kind != CONF_WORD || !is_natural(n->text, n->len)) {
			refused(f, n, "a word's number is none:");
			return false;
		}
	for (n = conf_is_array(added) ? added->child : NULL; n != NULL;
	     n = n->next) {
		const struct conf *id = conf_get(n, "id");

		if (id == NULL ||
		    (id->kind == CONF_WORD && is_natural(id->text, id->len)))
			continue;
		refused(f, id, "an added word's number is none:");
		return false;
	}
	return true;
}

struct words {
	struct arena arena;
	struct map seen;
};

static bool
has(const struct words *w, const char *s, size_t len)
{
	return map_get_n(&w->seen, s, len) != SIZE_MAX;
}

/* "a b", or ["a", "b"]: both are words (models/bpe/model.rs, build()). */
static bool
merges(const struct words *w, const struct conf *n)
{
	const char *space = n->kind == CONF_STRING && n->len != 0
				? memchr(n->text, ' ', n->len)
				: NULL;
	size_t a, b;

	if (n->kind == CONF_ARRAY && n->child != NULL && n->child->next != NULL)
		return has(w, n->child->text, n->child->len) &&
		       has(w, n->child->next->text, n->child->next->len);
	if (space == NULL)
		return true;
	a = (size_t)(space - n->text);
	b = n->len - a - 1;
	return has(w, n->text, a) && has(w, space + 1, b);
}

static void
merged(const struct check_file *f, const struct conf *model)
{
	const struct conf *vocab = conf_get(model, "vocab");
	const struct conf *list = conf_get(model, "merges");
	struct words w = {0};
	bool full = false;

	if (!conf_is_object(vocab) || !conf_is_array(list))
		return;
	arena_init(&w.arena, LIMIT_MODEL_ARENA);
	map_init(&w.seen, &w.arena);
	for (const struct conf *n = vocab->child; n != NULL && !full;
	     n = n->next) {
		const char *key = arena_strdup(&w.arena, n->key, n->key_len);

		full = key == NULL || map_put(&w.seen, key, 1) < 0;
	}
	for (const struct conf *n = list->child; n != NULL && !full;
	     n = n->next)
		if (!merges(&w, n)) {
			refused(f, n, "a merge of what is no word:");
			break;
		}
	arena_release(&w.arena);
}

static void
tokenizer(const struct check_file *f, const struct conf *root)
{
	const struct conf *model = conf_get(root, "model");

	if (variants(f, root) && numbers(f, root) &&
	    conf_text_is(conf_get(model, "type"), "BPE"))
		merged(f, model);
}

/* --- which of them it is ------------------------------------------------- */

/* PEFT_TYPE_TO_CONFIG_MAPPING[config["peft_type"]] */
static void
adapter(const struct check_file *f, const struct conf *root)
{
	if (conf_get(root, "peft_type") == NULL &&
	    (conf_get(root, "base_model_name_or_path") != NULL ||
		conf_get(root, "lora_alpha") != NULL))
		refused(f, root, "an adapter that does not say of which kind");
}

void
check_config_shape(const struct check_file *f, const struct conf_doc *d)
{
	const struct conf *root = d->root;
	const char *name = check_name_of(f);

	if (d->yaml || root == NULL || root->kind != CONF_OBJECT)
		return;
	if (is_named(f, "config.json"))
		config(f, root);
	else if (is_named(f, "preprocessor_config.json"))
		normalisation(f, d);
	else if (is_named(f, "tokenizer.json"))
		tokenizer(f, root);
	else if (is_named(f, "adapter_config.json"))
		adapter(f, root);
	else if ((text_ends_with(name, ".safetensors.index.json") ||
		     text_ends_with(name, ".bin.index.json")) &&
		 !conf_is_object(conf_get(root, "weight_map")))
		refused(
		    f, root, "an index that does not say where weights are");
}
