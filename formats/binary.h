/* SPDX-License-Identifier: MIT
 * Classifiers of two classes that give one number: the logit of the second,
 * that of the first being 0, as the softmax of (0, x) is the sigmoid of x.
 */
#ifndef FORMATS_BINARY_H
#define FORMATS_BINARY_H

#include "formats/model.h"

/*
 * A model of one logit, (N, 1), gets a last node that puts the 0 before it,
 * and two classes; any other stays as it is.  `tail` is what the loader left
 * out behind the logits, or NULL: a softmax over the one number always gives
 * 1, which is refused (ERR_UNSUPPORTED).  The note says what was done.
 */
int binary_classes(struct model *, const char *tail, struct err *) MUST_USE;

#endif
