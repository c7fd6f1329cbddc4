/* SPDX-License-Identifier: MIT
 * Any form of data set into struct dataset.  The caller opens and maps; the
 * mappings must outlive the data set, which may borrow pixels from them.
 */
#ifndef FORMATS_DATA_H
#define FORMATS_DATA_H

#include "formats/fit.h"

struct data_source {
	const char *path;       /* of the images, or the folder */
	const char *label_path; /* NULL: no second file */
	struct rd images, labels;
	int folder;                  /* descriptor of a folder, or -1 */
	const struct fit_shape *fit; /* what images become, or NULL */
};

struct data_format {
	const char *name, *summary;
	bool (*probe)(const struct data_source *);
	/* d is empty with its arena initialised */
	int (*load)(const struct data_source *, struct dataset *, struct err *);
};

enum {
#define DATA(id, name, text) DATA_##id,
#include "formats/data.def"
#undef DATA
	DATA_COUNT
};

extern const struct data_format data_table[DATA_COUNT];

/*
 * Load with the first format that bids.  names: the content of a --classes
 * file, or NULL: one name a line, in the order of the labels.  Where the data
 * has names of its own that are among them, they say which label a class gets;
 * else the lines name the classes as they are numbered.  On failure nothing is
 * left to release; errors name the file.
 */
int data_load(const struct data_source *, const struct rd *names,
    struct dataset *, struct err *) MUST_USE;

#endif
