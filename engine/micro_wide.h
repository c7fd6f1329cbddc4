/* SPDX-License-Identifier: MIT
 * micro_product() for processors with 32 vector registers of 64 bytes.
 */
#ifndef ENGINE_MICRO_WIDE_H
#define ENGINE_MICRO_WIDE_H

#include "engine/micro.h"

/* Whether this processor has them: else do not call micro_wide_product(). */
bool micro_wide(void);
void micro_wide_product(const struct micro *);

#endif
