/* SPDX-License-Identifier: MIT
 * What a name promises, and what it pretends.  Only extensions with a settled
 * meaning are listed: .bin, .data or .weights say nothing.
 */
#include "audit/check_name_look.h"
#include "audit/check_savedmodel_text.h"
#include "audit/check_tail.h"
#include "base/text.h"

#include <strings.h>

enum promise_kind {
	OF_MODEL, /* content of no known format was not analysed */
	OF_BYTES, /* text is none, whatever else it may be */
	OF_IMAGE, /* one kind of image for another misleads nobody */
	OF_TEXT,  /* in any encoding */
	OF_OTHER,
};

struct promise {
	const char *suffix;
	enum promise_kind kind;
	const char *format[8]; /* any of these keeps it */
};

#define PACKED "gzip", "zlib", "bzip2", "xz", "lzma", "lz4"

static const struct promise promises[] = {
    {".onnx", OF_MODEL, {"onnx"}},
    {".safetensors", OF_MODEL, {"safetensors"}},
    {".pt", OF_MODEL, {"torch-zip", "pickle", "zip", "tar"}},
    {".pth", OF_MODEL, {"torch-zip", "pickle", "zip", "tar"}},
    {".ckpt", OF_MODEL, {"torch-zip", "pickle", "zip", "hdf5"}},
    /* joblib compresses by itself */
    {".pkl", OF_MODEL, {"pickle", PACKED, "torch-zip"}},
    {".pickle", OF_MODEL, {"pickle", PACKED}},
    {".joblib", OF_MODEL, {"pickle", PACKED, "zip"}},
    {".dill", OF_MODEL, {"pickle", "gzip"}},
    {".keras", OF_MODEL, {"keras", "zip", "hdf5"}},
    {".h5", OF_MODEL, {"hdf5"}},
    {".hdf5", OF_MODEL, {"hdf5"}},
    {".tflite", OF_MODEL, {"tflite"}},
    {".gguf", OF_MODEL, {"gguf"}},
    {".npy", OF_MODEL, {"npy"}},
    {".npz", OF_MODEL, {"npz", "zip"}},
    {".mar", OF_MODEL, {"zip", "gzip"}},
    {".nemo", OF_MODEL, {"tar", "gzip"}},
    {".skops", OF_MODEL, {"zip"}},
    {".pmml", OF_MODEL, {"pmml", "wide-text"}},
    {".mlmodel", OF_MODEL, {"coreml"}},
    {".cbm", OF_MODEL, {"catboost"}},
    {".rknn", OF_MODEL, {"rknn"}},
    {".pte", OF_MODEL, {"executorch"}},
    {".pdmodel", OF_MODEL, {"paddle"}},
    {".rds", OF_MODEL, {"rdata", PACKED}},
    {".rda", OF_MODEL, {"rdata", PACKED}},
    {".rdata", OF_MODEL, {"rdata", PACKED}},
    /* UBJSON and protocol buffers of many a program, PaddlePaddle's parameters */
    {".ubj", OF_BYTES, {NULL}},
    {".pb", OF_BYTES, {NULL}},
    {".pdparams", OF_BYTES, {NULL}},
    {".pdiparams", OF_BYTES, {NULL}},
    {".parquet", OF_OTHER, {"parquet"}},
    {".png", OF_IMAGE, {"png"}},
    {".jpg", OF_IMAGE, {"jpeg"}},
    {".jpeg", OF_IMAGE, {"jpeg"}},
    {".gif", OF_IMAGE, {"gif"}},
    {".webp", OF_IMAGE, {"riff"}},
    {".wav", OF_IMAGE, {"riff"}},
    {".zip", OF_MODEL, {"zip"}},
    {".whl", OF_MODEL, {"zip"}},
    {".jar", OF_MODEL, {"zip"}},
    {".tar", OF_MODEL, {"tar"}},
    {".gz", OF_MODEL, {"gzip"}},
    {".tgz", OF_MODEL, {"gzip"}},
    {".xz", OF_MODEL, {"xz"}},
    {".zst", OF_MODEL, {"zstd"}},
    {".bz2", OF_MODEL, {"bzip2"}},
    {".lz4", OF_MODEL, {"lz4"}},
    {".7z", OF_MODEL, {"7z"}},
    {".rar", OF_MODEL, {"rar", "rar5"}},
    {".pdf", OF_OTHER, {"pdf"}},
    {".json", OF_TEXT, {"json", "text"}},
    {".txt", OF_TEXT, {"text"}},
    {".md", OF_TEXT, {"text"}},
    {".csv", OF_TEXT, {"text"}},
    {".yaml", OF_TEXT, {"text"}},
    {".yml", OF_TEXT, {"text"}},
    {".py", OF_TEXT, {"text"}},
};

static bool
kept(const struct promise *p, const struct identify_bids *b)
{
	for (size_t i = 0; i < ARRAY_LEN(p->format); i++)
		if (p->format[i] != NULL &&
		    identify_find(b, p->format[i]) != NULL)
			return true;
	return false;
}

/* Of another kind, but so that nobody is misled. */
static bool
excused(const struct promise *p, const struct check_file *f)
{
	const struct identify_bids *b = f->bids;

	/* tf.io.write_graph() writes text under any name */
	if (p->kind == OF_BYTES)
		return b->best == NULL || b->best->kind != KIND_DOCUMENT ||
		       check_savedmodel_text_is(f);
	if (p->kind == OF_IMAGE)
		return b->best != NULL && b->best->kind == KIND_IMAGE;
	/* text in another encoding; or little evidence of something else */
	if (p->kind == OF_TEXT)
		return b->n == 0 || b->bits[0] < IDENTIFY_STRONG;
	/* model_best.pth.tar, as PyTorch's examples call what torch.save() wrote */
	if (strcmp(p->suffix, ".tar") == 0 &&
	    (text_ends_with(check_name_of(f), ".pth.tar") ||
		text_ends_with(check_name_of(f), ".pt.tar")) &&
	    (identify_find(b, "torch-zip") != NULL ||
		identify_find(b, "pickle") != NULL))
		return true;
	/* an empty tar is zeros */
	return strcmp(p->suffix, ".tar") == 0 &&
	       check_tail_is_padding(f->bytes.base, f->bytes.len) &&
	       f->bytes.base[0] == 0;
}

/* A script or program under the name of something that is opened without a
 * thought; Python may well stand in a .txt. */
static bool
disguised(const struct promise *p, const struct check_file *f)
{
	for (size_t i = 0; i < f->bids->n; i++) {
		const struct identify_format *b = f->bids->bid[i];

		if (b->kind == KIND_CODE && strcmp(b->name, "python") != 0 &&
		    f->bids->bits[i] >= IDENTIFY_STRONG &&
		    !(p->kind == OF_TEXT && strcmp(p->suffix, ".py") == 0))
			return true;
	}
	return false;
}

static void
broken(const struct promise *p, const struct check_file *f)
{
	const struct identify_format *best = f->bids->best;

	/* nothing that has read it, for text is not read as a model */
	if ((p->kind == OF_MODEL || p->kind == OF_BYTES) &&
	    (best == NULL || best->kind == KIND_DOCUMENT))
		check_short(f, FINDING_NAME_MISMATCH, ERR_NOWHERE,
		    "named %s, content is %s", p->suffix,
		    best != NULL ? best->name : "of no known format");
	else
		check_find(f, FINDING_NAME_MISMATCH, ERR_NOWHERE,
		    "named %s, content is %s", p->suffix,
		    best != NULL ? best->name : "unknown");
}

/* What a server answered instead of the weights that somebody asked it for. */
static void
page(const struct check_file *f)
{
	static const char *const binary[] = {".bin", ".weights", ".params",
	    ".pdparams", ".pb", ".caffemodel", ".mlmodel", ".data", ".model",
	    ".msgpack"};
	static const char *const begins[] = {"<!doctype html", "<html"};
	const char *s = (const char *)f->bytes.base;
	size_t n = 0;

	while (n < f->bytes.len && strchr(" \t\r\n", s[n]) != NULL)
		n++;
	for (size_t i = 0; i < ARRAY_LEN(binary); i++)
		for (size_t k = 0; k < ARRAY_LEN(begins); k++)
			if (text_ends_with(check_name_of(f), binary[i]) &&
			    f->bytes.len - n > strlen(begins[k]) &&
			    strncasecmp(s + n, begins[k], strlen(begins[k])) ==
				0) {
				check_short(f, FINDING_NAME_MISMATCH, n,
				    "named %s, content is a page", binary[i]);
				return;
			}
}

/* A shell's script under the name of weights: somebody runs it by its path. */
static void
script(const struct check_file *f)
{
	static const char *const binary[] = {".bin", ".weights", ".params",
	    ".pdparams", ".caffemodel", ".mlmodel", ".data", ".model"};

	for (size_t i = 0; i < ARRAY_LEN(binary); i++)
		if (text_ends_with(check_name_of(f), binary[i]) &&
		    (check_is(f, "script") || check_is(f, "batch")))
			check_find(f, FINDING_NAME_DECEPTIVE, ERR_NOWHERE,
			    "named %s, but it is a script", binary[i]);
}

void
check_name(const struct check_file *f)
{
	const char *why = check_name_look(check_name_of(f), f->depth == 0);

	if (why != NULL)
		check_find(f, FINDING_NAME_DECEPTIVE, ERR_NOWHERE, "%s", why);
	page(f);
	script(f);
	if (check_is_pointer(f))
		return; /* of the name of what it stands for */
	/* an empty file is nothing at all, which check_unknown says */
	for (size_t i = 0; i < ARRAY_LEN(promises) && f->bytes.len != 0; i++) {
		const struct promise *p = &promises[i];

		if (!text_ends_with(check_name_of(f), p->suffix))
			continue;
		if (disguised(p, f))
			check_find(f, FINDING_NAME_DECEPTIVE, ERR_NOWHERE,
			    "named %s, but it is run", p->suffix);
		else if (!kept(p, f->bids) && !excused(p, f))
			broken(p, f);
	}
}
