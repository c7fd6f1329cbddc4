/* SPDX-License-Identifier: MIT */
#ifndef AUDIT_CHECK_WEIGHT_HEAD_H
#define AUDIT_CHECK_WEIGHT_HEAD_H

#include "audit/check.h"
#include "formats/model.h"

/*
 * Finds a class that outweighs all others whatever the image is, in the weights
 * (classes x features) or the bias (classes) of a final layer, which is known by its
 * name.  t: contiguous, of floats.
 */
void check_weight_head(const struct check_file *, const struct tensor *t);

#endif
