/* SPDX-License-Identifier: MIT
 * Two files that hold one model's weights: transformers takes
 * model.safetensors where it is there and pytorch_model.bin where it is told
 * to, or is too old to know the other.  Who audits one and runs the other runs
 * what nobody has seen, unless they hold the same numbers.
 */
#ifndef AUDIT_CHECK_WEIGHT_TWIN_H
#define AUDIT_CHECK_WEIGHT_TWIN_H

#include "audit/check_weight_list.h"

/* Of pytorch_model.bin, beside model.safetensors: a finding when tensors of the
 * same name and shape differ by more than the rounding of their types. */
void check_weight_twin(
    const struct check_file *, const struct check_weight_list *);

#endif
