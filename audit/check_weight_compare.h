/* SPDX-License-Identifier: MIT
 * Weights beside those of a reference: which tensors differ, and how.  What
 * training changes, it changes everywhere; who hides something or plants
 * something changes low bits only, a few numbers, one channel.
 */
#ifndef AUDIT_CHECK_WEIGHT_COMPARE_H
#define AUDIT_CHECK_WEIGHT_COMPARE_H

#include "audit/check_weight_list.h"

void check_weight_compare(const struct check_file *,
    const struct check_weight_list *,
    const struct check_weight_list *reference);

#endif
