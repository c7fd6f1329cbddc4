/* SPDX-License-Identifier: MIT
 * The registry of file formats.  A new one is a file with a `struct format`,
 * a line in format.def and a word in the Makefile.
 */
#ifndef FORMATS_FORMAT_H
#define FORMATS_FORMAT_H

#include "formats/model.h"
#include "formats/source.h"

struct format {
	const char *name;    /* "onnx" */
	const char *summary; /* one line */
	/* Bits of evidence that the bytes are of this format; 0: none. */
	int (*probe)(struct rd);
	/*
	 * Parse into a model that passes model_check(); NULL when files of
	 * this format are only recognised.  On failure nothing is left to
	 * release.
	 */
	int (*load)(struct source *, struct model *, struct err *);
	/*
	 * Write the weights of the neutral model into the files that the
	 * model came from (source_writable), every other byte kept; NULL when
	 * that cannot be done.
	 */
	int (*patch)(
	    struct source *original, const struct model *neutral, struct err *);
};

#define FORMAT(stem) extern const struct format format_##stem;
#include "formats/format.def"
#undef FORMAT

/* The table; *n entries, in the order of format.def. */
const struct format *const *format_all(size_t *n);

/*
 * Probe all.  Every positive bid is kept (more than one is a polyglot):
 * returns their number, and at most max of them in `out`, best first.
 */
size_t format_bids(struct rd, const struct format **out, size_t max);

#endif
