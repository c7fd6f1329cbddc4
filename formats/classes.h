/* SPDX-License-Identifier: MIT
 * Which class of a data set is which output of a model.  Names decide where
 * both have some: equal, or equal but for case, spaces, underscores and
 * hyphens, or equal to what stands before the first comma ("tench, Tinca
 * tinca").  Classes whose names are numbers have those numbers.
 */
#ifndef FORMATS_CLASSES_H
#define FORMATS_CLASSES_H

#include "formats/dataset.h"

/*
 * Number the classes of d, which has labels, by their places in want[0..n).
 * 0: done, d has the names and the number of classes of `want`; CLASSES_NONE:
 * not one of its names is among them, d is as it was; ERR_FORMAT when some
 * are and others are not, or a name fits two: no order would be right.
 */
int classes_match(struct dataset *d, const char *const *want, size_t n,
    const char *whose, struct err *) MUST_USE;
#define CLASSES_NONE 1

/* Whether the names are all there is: not empty, not "LABEL_7" or "7" for
 * number 7. */
bool classes_named(const char *const *name, size_t n);

/*
 * Classes whose names are all numbers ("0" to "9", "00042") get these numbers
 * as labels, whatever the order of the names; true when that was done.
 */
bool classes_number(struct dataset *d);

/* Fit d to a model of n classes with these labels (NULL: none): the above,
 * and a word in the note of d about what was decided. */
int classes_for_model(struct dataset *d, const char *const *label, size_t n,
    struct err *) MUST_USE;

#endif
