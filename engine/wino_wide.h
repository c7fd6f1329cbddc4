/* SPDX-License-Identifier: MIT
 * wino_gemm() for processors with 32 vector registers of 64 bytes.
 */
#ifndef ENGINE_WINO_WIDE_H
#define ENGINE_WINO_WIDE_H

#include "engine/wino_gemm.h"

/* Whether this processor has them: else do not call wino_wide_gemm(). */
bool wino_wide(void);
void wino_wide_gemm(const struct wino_gemm *);

#endif
