/* SPDX-License-Identifier: MIT
 * Channels and numbers of a tensor that training rarely leaves: dead ones,
 * copies, ones much larger than all others, absurd numbers.
 */
#ifndef AUDIT_CHECK_WEIGHT_CHANNEL_H
#define AUDIT_CHECK_WEIGHT_CHANNEL_H

#include "audit/check.h"
#include "formats/model.h"

void check_weight_channel(const struct check_file *, const struct tensor *);

#endif
