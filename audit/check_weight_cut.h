/* SPDX-License-Identifier: MIT
 * What somebody may have put into the low bits of numbers, taken out again: a
 * cut is `bits` low bits of each element, one after the other, as a stream of
 * bytes.  EvilModel (Wang et al. 2021, 2022) uses 8, 16 or 24 of a float with
 * the first byte of the payload highest, others fill from below; least
 * significant bits are 1 to 7.
 */
#ifndef AUDIT_CHECK_WEIGHT_CUT_H
#define AUDIT_CHECK_WEIGHT_CUT_H

#include "audit/check_weight_list.h"

/* Elements that are looked at together. */
#define CHECK_WEIGHT_BLOCK 8192
/* And that follow them in a cut: a payload's first bytes may be split. */
#define CHECK_WEIGHT_AHEAD 512

struct check_weight_cut {
	unsigned shift; /* bits below, which a conversion left empty */
	unsigned bits;  /* of each element */
	bool high;      /* the first bit of the stream is the highest */
	bool turned;    /* the bits of each byte are then the other way round */
};

/* Some elements of a tensor, without the bits below `shift`, low 32 bits. */
struct check_weight_block {
	uint32_t v[CHECK_WEIGHT_BLOCK + CHECK_WEIGHT_AHEAD];
	uint8_t low[CHECK_WEIGHT_BLOCK + CHECK_WEIGHT_AHEAD];
	size_t n;    /* of the block */
	size_t have; /* with those ahead */
};

/*
 * The elements of tensor `at` from `first` on; those ahead may be of the
 * tensors of its type, and at least that rank, that follow it.
 */
void check_weight_cut_load(const struct check_weight_list *, size_t at,
    size_t rank, uint64_t first, unsigned shift, struct check_weight_block *);
/*
 * A cut of a block; returns its bytes.  out has room for 4 bytes an element.
 * The last few may be missing when bits do not fill a byte.
 */
size_t check_weight_cut_take(
    const struct check_weight_block *, unsigned bits, bool high, uint8_t *out);

/*
 * Bytes of a cut from any bit of tensor `at` on, and on into the tensors of the
 * same type and at least that rank that follow it: what a program that reads
 * its payload would get.  Returns how many of len there are.
 */
size_t check_weight_cut_read(const struct check_weight_list *, size_t at,
    size_t rank, const struct check_weight_cut *, uint64_t bit, uint8_t *out,
    size_t len);

#endif
