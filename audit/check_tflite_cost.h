/* SPDX-License-Identifier: MIT
 * Models of TensorFlow Lite that no machine runs to their end: constants alone
 * make a tensor larger than any memory, or a loop has no end.
 */
#ifndef AUDIT_CHECK_TFLITE_COST_H
#define AUDIT_CHECK_TFLITE_COST_H

#include "audit/check.h"
#include "formats/flatbuf.h"

/* A Model, in all its subgraphs.  Says the first FINDING_TFLITE_COST.  What
 * does not read is passed over. */
void check_tflite_cost(const struct check_file *, const struct flatbuf *,
    const struct flatbuf_table *model);

#endif
