/* SPDX-License-Identifier: MIT
 * What a name promises.  Only extensions with a settled meaning are listed:
 * .bin, .data or .weights say nothing.
 */
#include "audit/check.h"

#include "base/text.h"

struct promise {
	const char *suffix;
	const char *format[4]; /* any of these keeps it */
};

static const struct promise promises[] = {
    {".onnx", {"onnx"}},
    {".safetensors", {"safetensors"}},
    {".pt", {"torch-zip", "pickle", "zip", "tar"}},
    {".pth", {"torch-zip", "pickle", "zip", "tar"}},
    {".ckpt", {"torch-zip", "pickle", "zip", "hdf5"}},
    {".pkl", {"pickle"}},
    {".pickle", {"pickle"}},
    {".keras", {"keras", "zip"}},
    {".h5", {"hdf5"}},
    {".hdf5", {"hdf5"}},
    {".tflite", {"tflite"}},
    {".gguf", {"gguf"}},
    {".npy", {"npy"}},
    {".npz", {"npz", "zip"}},
    {".parquet", {"parquet"}},
    {".png", {"png"}},
    {".jpg", {"jpeg"}},
    {".jpeg", {"jpeg"}},
    {".gif", {"gif"}},
    {".zip", {"zip"}},
    {".tar", {"tar"}},
    {".gz", {"gzip"}},
    {".tgz", {"gzip"}},
    {".xz", {"xz"}},
    {".zst", {"zstd"}},
    {".bz2", {"bzip2"}},
    {".7z", {"7z"}},
    {".pdf", {"pdf"}},
    {".json", {"json"}},
    {".txt", {"text"}},
    {".md", {"text"}},
    {".csv", {"text"}},
    {".yaml", {"text"}},
    {".yml", {"text"}},
    {".py", {"text"}},
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

void
check_name(const struct check_file *f)
{
	/* an empty file is nothing at all, which check_unknown says */
	for (size_t i = 0; i < ARRAY_LEN(promises) && f->bytes.len != 0; i++) {
		const struct promise *p = &promises[i];

		if (!text_ends_with(check_name_of(f), p->suffix) ||
		    kept(p, f->bids))
			continue;
		check_find(f, FINDING_NAME_MISMATCH, ERR_NOWHERE,
		    "named %s, content is %s", p->suffix,
		    f->bids->best != NULL ? f->bids->best->name : "unknown");
	}
}
