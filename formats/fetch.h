/* SPDX-License-Identifier: MIT
 * Models and images for tools that link the engine: assay-load parses them in
 * a sandboxed process of its own, and only its neutral output is read here.
 */
#ifndef FORMATS_FETCH_H
#define FORMATS_FETCH_H

#include "base/dirhash.h"
#include "base/json.h"
#include "formats/dataset.h"
#include "formats/fit.h"
#include "formats/model.h"

struct fetched_model {
	struct model model;
	struct file_map map; /* of the neutral bytes */
	/* of the original file; of a model of several files, or that was named
	 * by its folder, the dirHash of the files that were read, `file` */
	struct digest digest;
	uint64_t size;
	struct dirhash_file
	    *file; /* relative to the folder, by name; or NULL */
	size_t nfile;
	const char *arch; /* what the user said, or NULL; not copied */
};

struct fetched_data {
	struct dataset data;
	struct file_map map;
	struct digest digest; /* of the neutral bytes: independent of packing */
	uint64_t size;
};

/*
 * Any model, a file or a folder; a neutral one is read as it is.  preprocess:
 * what the user says about it (formats/preprocess_text.h), or NULL; arch: the
 * architecture of a file of weights alone, or NULL.
 */
int fetch_model(const char *path, const char *preprocess, const char *arch,
    struct fetched_model *, struct err *) MUST_USE;
void fetch_model_release(struct fetched_model *);
/* doc_input() of it, with "files" when there is a list of them. */
void fetch_input(json_t *doc, const char *role, const char *path,
    const struct fetched_model *);

/* What a data set is wanted for; all but spec may be NULL. */
struct fetch_want {
	const char *spec; /* as users name it: folder, "images,labels", file */
	const char *classes;           /* a file of class names */
	const struct fit_shape *shape; /* side and channels, without a model */
	/* Its preprocessing is done to the images, its size is theirs, its
	 * labels number the classes */
	const struct model *model;
};

/*
 * A data set with labels.  What was decided on the way is said in a line on
 * stderr.  The model's names of classes are used where the data has none, so
 * the model must outlive the data.
 */
int fetch_data(
    const struct fetch_want *, struct fetched_data *, struct err *) MUST_USE;
void fetch_data_release(struct fetched_data *);

/*
 * How pictures became the model's input, for documents: {"model": what its
 * files or the user say, or null, "data": what was done to the images, or
 * null, "arch": the architecture that the user named, or null, "note": what
 * the loader decided about the model}.  A new reference.
 */
json_t *fetch_json(const struct fetched_model *, const struct fetched_data *);

#endif
