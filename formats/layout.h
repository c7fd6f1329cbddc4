/* SPDX-License-Identifier: MIT
 * The registry of layouts: folders of several files that are one model
 * (repositories, packages, records), and what these files say about it.  A new
 * one is a file with a `struct layout` and a line in layout.def.
 */
#ifndef FORMATS_LAYOUT_H
#define FORMATS_LAYOUT_H

#include "formats/source.h"

struct layout {
	const char *name, *summary;
	/* it only lends its one model file a place: an audit names the file */
	bool loose;
	/* Whether the source's folder is one; with a main file chosen, whether
	 * that file is the model of such a folder. */
	bool (*probe)(const struct source *);
	/*
	 * Choose the main file, unless there is one already, and fill the
	 * hints.  On failure the source is still to be released.
	 */
	int (*open)(struct source *, struct err *);
};

#define LAYOUT(stem) extern const struct layout layout_##stem;
#include "formats/layout.def"
#undef LAYOUT

/* The first layout that bids, or NULL. */
const struct layout *layout_find(const struct source *);

/*
 * Open by the first layout that bids.  A file needs none; for a folder
 * ERR_UNSUPPORTED says which ones are known.
 */
int layout_open(struct source *, struct err *) MUST_USE;

#endif
