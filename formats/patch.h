/* SPDX-License-Identifier: MIT
 * Putting changed weights back into the bytes that they came from: what all
 * formats share.
 */
#ifndef FORMATS_PATCH_H
#define FORMATS_PATCH_H

#include "formats/model.h"
#include "formats/source.h"

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

/* Whether any element differs. */
bool patch_changed(const struct tensor *, const struct tensor *);

/* v as the bits of a float type, rounded to nearest even. */
uint64_t patch_bits(enum dtype, double v);

/*
 * Write the elements that differ to `at`, which is laid out as the old tensor
 * is (dtype and strides).  Both have passed patch_check().
 */
void patch_tensor(
    const struct tensor *old, const struct tensor *now, uint8_t *at);

/* Bytes in memory that came out of a file: a member that was compressed. */
struct patch_span {
	uint8_t *base;
	size_t len;
	size_t id;    /* the caller's */
	bool changed; /* something was written into it */
};

/*
 * patch_check(), then write the floats that differ into the files that the
 * old tensors are views of: all that a format has to do whose weights lie in
 * its files as they are.  ERR_UNSUPPORTED names a changed tensor that does
 * not.
 */
int patch_in_place(struct source *, const struct model *old,
    const struct model *now, struct err *) MUST_USE;

/* The same, tensors being views of the spans, too, which are put in order. */
int patch_spans(struct source *, const struct model *old,
    const struct model *now, struct patch_span *, size_t n,
    struct err *) MUST_USE;

/* The same with the old model as `load` reads it from the source. */
int patch_loaded(struct source *,
    int (*load)(struct source *, struct model *, struct err *),
    const struct model *now, struct err *) MUST_USE;

/*
 * Whether a model that was read back from what was written has the weights
 * that were asked for, as far as its types can hold them; ERR_FORMAT names
 * the first that has not (two tensors of a file may share their bytes).
 */
int patch_verify(const struct model *back, const struct model *wanted,
    struct err *) MUST_USE;

#endif
