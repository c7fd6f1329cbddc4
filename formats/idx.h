/* SPDX-License-Identifier: MIT
 * IDX, the format of MNIST and Fashion-MNIST: 0, 0, type, rank, that many
 * big-endian u32 sizes, the data.  Unsigned bytes only, also inside gzip.
 */
#ifndef FORMATS_IDX_H
#define FORMATS_IDX_H

#include "formats/array.h"

bool idx_probe(struct rd);
/* The array borrows from r, or from the arena where it had to be expanded. */
int idx_parse(
    struct rd r, struct arena *, struct array *, struct err *) MUST_USE;

#endif
