/* SPDX-License-Identifier: MIT
 * Whole numbers that an ONNX file computes and that are known before it runs:
 * of constants, and of the sizes that it fixes.  The number of images is never
 * taken as known.
 */
#ifndef FORMATS_ONNX_KNOWN_H
#define FORMATS_ONNX_KNOWN_H

#include "formats/onnx_file.h"

struct onnx_known {
	const struct onnx_file *x;
	struct arena *a;
	struct map maker;  /* output -> index in place */
	struct map within; /* the same, of nodes that have taken the place of
			    * one that had this output */
	struct map tensor; /* initialiser -> index in x->tensor */
	struct map value;  /* input or info -> index in x->input, x->info */
	const struct onnx_node **place;
	size_t nplace, cap;
	size_t visits;
};

/* All of the file; ERR_LIMIT when the arena is full.  x->tensor may grow later,
 * with new names in k->tensor. */
int onnx_known_init(
    struct onnx_known *, const struct onnx_file *, struct arena *) MUST_USE;
/* A node that takes the place of others; not copied. */
int onnx_known_add(struct onnx_known *, const struct onnx_node *) MUST_USE;
/* One number that is known; false: it is not. */
bool onnx_known_number(struct onnx_known *, const char *name, int64_t *out);

#endif
