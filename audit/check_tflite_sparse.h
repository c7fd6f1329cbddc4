/* SPDX-License-Identifier: MIT
 * Sparse tensors of TensorFlow Lite, whose indices the runtime follows without
 * looking where they lead.
 */
#ifndef AUDIT_CHECK_TFLITE_SPARSE_H
#define AUDIT_CHECK_TFLITE_SPARSE_H

#include "audit/check.h"
#include "formats/flatbuf.h"

/* All tensors of one SubGraph; *work bounds the indices of a file.  Says
 * FINDING_TFLITE_BROKEN, once. */
void check_tflite_sparse(const struct check_file *, struct flatbuf *,
    const struct flatbuf_table *subgraph, uint64_t *work);

#endif
