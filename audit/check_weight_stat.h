/* SPDX-License-Identifier: MIT
 * Do the low bits of numbers look like those of numbers?  Of weights that were
 * trained as floats they are as good as uniform; text and machine code are
 * not.  Honest low bits that are not uniform either: of what was converted
 * from a shorter type (zero), stood for integers or was rounded to decimals
 * (few values, or multiples of a power of ten).  Those are told apart by the
 * numbers themselves before anything is said.
 */
#ifndef AUDIT_CHECK_WEIGHT_STAT_H
#define AUDIT_CHECK_WEIGHT_STAT_H

#include "audit/check_weight_cut.h"

/*
 * How far the low byte and packed bits of a block are from what independent
 * numbers would have, as far as the type allows: (Pearson's statistic - 255)
 * / bytes, the largest.  About 0 for honest
 * weights, 3 for base64, 15 for text.
 */
double check_weight_stat_block(enum dtype, const struct check_weight_block *);

/*
 * The same of those elements of t[first..) that no honest cause explains; 0
 * when they are too few to say.  `shift`: as the block was loaded.
 */
double check_weight_stat_rest(
    const struct tensor *, uint64_t first, unsigned shift);

/* Beyond this a block is not like weights (see audit/INSPECT.md). */
double check_weight_stat_limit(enum dtype);

/*
 * A run of at least `least` characters that is text, not numbers that happen
 * to be printable; its start, or len when there is none, and its length.
 */
size_t check_weight_stat_text(
    const uint8_t *, size_t len, size_t least, size_t *run);

/* How many different capital letters of ASCII the n bytes (at most 26) are; 0: others
 * are among them. */
size_t check_weight_stat_capitals(const uint8_t *, size_t n);

/* Different numbers of the n (at most a block) from `first` on; those of one
 * scale and one integer but for sign and a power of two count as one. */
size_t check_weight_stat_distinct(
    const struct tensor *, uint64_t first, size_t n);

/* Bits below which nearly all numbers that are not 0 have nothing: 0, or 13
 * (from f16), 16 (from bf16), 29 (f64 from f32).  *rest: those that have. */
unsigned check_weight_stat_shift(const struct tensor *, uint64_t *rest);

/* Numbers of the n from `first` on that no weight is: beyond 2^40 (f16: 2^11),
 * when they have many different exponents, far from each other; else 0. */
uint64_t check_weight_stat_alien(
    const struct tensor *, uint64_t first, size_t n);

/* The n numbers (at most a block) from `first` on are different ones of both signs
 * within two octaves: the first byte of each is the same, but for its sign, and all
 * others are somebody's (EvilModel).  Weights around zero have smaller ones. */
bool check_weight_stat_octaves(const struct tensor *, uint64_t first, size_t n);

#endif
