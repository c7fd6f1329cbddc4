/* SPDX-License-Identifier: MIT
 * Putting changed weights back into the bytes that they came from: what all
 * formats share.
 */
#ifndef FORMATS_PATCH_H
#define FORMATS_PATCH_H

#include "formats/model.h"

/*
 * Whether `now` is `old` with other weights: the same nodes (leading nodes of
 * formats/pixel.h aside), the same names and shapes, floats where floats
 * were, everything else unchanged.  ERR_USAGE with the first difference: the
 * files do not belong together.
 */
int patch_check(
    const struct model *old, const struct model *now, struct err *) MUST_USE;

/* Whether element i has the same value in both (NaN equals NaN). */
bool patch_same(const struct tensor *, const struct tensor *, uint64_t i);

/* v as the bits of a float type, rounded to nearest even. */
uint64_t patch_bits(enum dtype, double v);

/*
 * Write the elements that differ to `at`, which holds the old tensor's
 * dtype, row-major and little-endian.  Both have passed patch_check().
 */
void patch_tensor(
    const struct tensor *old, const struct tensor *now, uint8_t *at);

#endif
