/* SPDX-License-Identifier: MIT
 * Tensors of a pickled object: calls of torch._utils._rebuild_tensor_v2 and
 * its relatives over a persistent identifier that names a storage.
 */
#ifndef FORMATS_TORCH_TENSOR_H
#define FORMATS_TORCH_TENSOR_H

#include "formats/torch.h"

/* Whether the node is meant to be a tensor, of whatever type. */
bool torch_tensor_is(const struct torch *, const struct pickle_node *);
/*
 * The tensor, as a view of the file; `name` is for it and for errors.
 * ERR_UNSUPPORTED names a type or kind that the model has none for, ERR_FORMAT
 * a view that leaves its storage.
 */
int torch_tensor(struct torch *, const struct pickle_node *, const char *name,
    struct tensor *, struct err *) MUST_USE;

/* "FloatStorage", "float32"; DTYPE_COUNT: none of ours. */
enum dtype torch_tensor_dtype(struct slice name);
/* A view of a storage's bytes, sizes and strides in elements. */
int torch_tensor_view(struct torch *, const struct torch_storage *,
    uint64_t offset, const uint64_t *stride, struct tensor *,
    struct err *) MUST_USE;

#endif
