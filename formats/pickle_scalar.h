/* SPDX-License-Identifier: MIT
 * Whole numbers in pickles, also those of numpy: what indexing an array of
 * integers gives is no int, but a call of numpy.core.multiarray.scalar(dtype,
 * bytes), which nobody makes here.
 */
#ifndef FORMATS_PICKLE_SCALAR_H
#define FORMATS_PICKLE_SCALAR_H

#include "formats/pickle.h"

bool pickle_scalar_int(const struct pickle_node *, int64_t *out) MUST_USE;

#endif
