/* SPDX-License-Identifier: MIT
 * What a suspect is compared with where no trusted references are given: an
 * earlier version (scan_previous), references grown from its graph
 * (scan_grow), nothing (scan_self).
 */
#ifndef AUDIT_SCAN_ARMS_H
#define AUDIT_SCAN_ARMS_H

#include "audit/scan.h"

/* With too many classes for all: so many targets, and pairs from each class, which
 * landing points choose. */
#define SCAN_TARGETS    48
#define SCAN_PAIRS_EACH 2

/* The same operators in the same order, with as many weights. */
bool scan_same_architecture(const struct net *, const struct net *);
/* Whether reference `at` is another model than the suspect and the references
 * before it, and names its classes in the suspect's order. */
int scan_reference_fits(struct scan *, size_t at, struct err *) MUST_USE;
/*
 * Whether, of the predictions for all images, most of one class are of another
 * one and so on in a circle, which no training does: the classes are numbered
 * otherwise.  *class is in the circle.
 */
bool scan_numbered_otherwise(struct scan *, const int32_t *pred, size_t *class);

/* Of two classes there is one difference in each family: how far clean models
 * differ in it fewer references do not show (audit/EVALUATION.md), and nothing
 * is evidence. */
bool scan_too_few(const struct scan *);

/*
 * Whether there are targets, and of none of them most references get an image
 * right: what never says a class is hard to push into it, and any other model
 * easy beside it.
 */
bool scan_strange_targets(const struct scan *);

/* The roles of suspect and earlier version exchanged. */
int scan_previous(struct scan *, struct err *) MUST_USE;
/* The smallest adjusted p of a class; NaN when it was not searched. */
double scan_exchange_p(const struct scan *, size_t t);

/* References grown by assay-grow; their paths join the options. */
int scan_grow(struct scan *, struct err *) MUST_USE;
/* Removes those that were grown for this run only. */
void scan_grow_end(struct scan *);

/* Margins alone need no images. */
int scan_margins(struct scan *, struct err *) MUST_USE;
int scan_self(struct scan *, struct err *) MUST_USE;
/* Their parts of the document. */
json_t *scan_exchange_json(const struct scan *, size_t g, size_t t);
json_t *scan_self_json(const struct scan *);

#endif
