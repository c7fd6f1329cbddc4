/* SPDX-License-Identifier: MIT
 * NaN and infinity in a tensor, of any file that has tensors.
 */
#ifndef AUDIT_CHECK_WEIGHT_FINITE_H
#define AUDIT_CHECK_WEIGHT_FINITE_H

#include "audit/check.h"
#include "formats/model.h"

void check_weight_finite(const struct check_file *, const struct tensor *);

#endif
