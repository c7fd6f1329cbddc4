/* SPDX-License-Identifier: MIT
 * Putting a neutral model together in memory: what assay-plant and the tests
 * use.  It is for our own models, so it aborts where a parser would refuse.
 */
#ifndef FORMATS_BUILD_H
#define FORMATS_BUILD_H

#include "formats/model.h"

#define BUILD_MAX 4096 /* tensors, nodes */

/* An empty model that takes (N, c, h, w) under the name "image". */
void build_begin(struct model *, size_t h, size_t w, size_t c);

/*
 * A tensor of floats, product(dim) of them, zeroed: the caller fills what is
 * returned.  The name is copied.
 */
float *build_tensor(
    struct model *, const char *name, size_t rank, const size_t *dim);

/*
 * A node with the given inputs ("" ends the list early when NULL); returns
 * the name of its output, which is `name`.
 */
const char *build_node(struct model *, const char *op, const char *name,
    const char *const *in, size_t nin);
/* Attributes of the node added last. */
void build_int(struct model *, const char *name, int64_t);
void build_real(struct model *, const char *name, double);
void build_ints(struct model *, const char *name, size_t n, const int64_t *);

/* Name the logits; the model is complete and must pass model_check(). */
void build_end(struct model *, const char *output, size_t classes);

#endif
