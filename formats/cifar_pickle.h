/* SPDX-License-Identifier: MIT
 * The two kinds of pickles that CIFAR consists of: a batch of images, and the
 * names of classes.
 */
#ifndef FORMATS_CIFAR_PICKLE_H
#define FORMATS_CIFAR_PICKLE_H

#include "formats/pickle.h"

struct cifar_pickle {
	struct arena arena;
	struct slice pixels; /* n images */
	size_t n;
	const struct pickle_node *list; /* of labels or names */
	struct slice labels;            /* or int64, little-endian */
};

/* Close what was opened, also after a failure. */
int cifar_pickle_open(
    struct cifar_pickle *, struct rd, size_t image, struct err *) MUST_USE;
int cifar_pickle_names(struct cifar_pickle *, struct rd, const char *key,
    size_t n, struct err *) MUST_USE;
void cifar_pickle_close(struct cifar_pickle *);

/* Label i; -1 when it is no small integer. */
int64_t cifar_pickle_label(const struct cifar_pickle *, size_t i);
int cifar_pickle_name(
    struct cifar_pickle *, size_t i, struct slice *out, struct err *) MUST_USE;

#endif
