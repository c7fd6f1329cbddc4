/* SPDX-License-Identifier: MIT
 * Models and images for tools that link the engine: assay-load parses them in
 * a sandboxed process of its own, and only its neutral output is read here.
 */
#ifndef FORMATS_FETCH_H
#define FORMATS_FETCH_H

#include "base/dirhash.h"
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
};

struct fetched_data {
	struct dataset data;
	struct file_map map;
	struct digest digest; /* of the neutral bytes: independent of packing */
	uint64_t size;
};

/* Any model, a file or a folder; a neutral one is read as it is. */
int fetch_model(
    const char *path, struct fetched_model *, struct err *) MUST_USE;
void fetch_model_release(struct fetched_model *);
/* doc_input() of it, with "files" when there is a list of them. */
void fetch_input(json_t *doc, const char *role, const char *path,
    const struct fetched_model *);

/*
 * A data set as users name it (folder, "images,labels", file), with labels;
 * classes: a file of class names, or NULL; shape: what to fit the images to,
 * or NULL.
 */
int fetch_data(const char *spec, const char *classes, const struct fit_shape *,
    struct fetched_data *, struct err *) MUST_USE;
void fetch_data_release(struct fetched_data *);

#endif
