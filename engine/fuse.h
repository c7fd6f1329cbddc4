/* SPDX-License-Identifier: MIT
 * Exporters take operators apart (a layer normalisation is nine nodes, GELU
 * five); put together again they are computed in one pass over memory.
 */
#ifndef ENGINE_FUSE_H
#define ENGINE_FUSE_H

#include "formats/model.h"

/*
 * *out is *m with its own list of nodes in the arena: LayerNormalization, Gelu,
 * Swish and HardSwish where the chains were, and a Relu or Clip that follows
 * a Conv or BatchNormalization merged into it (engine/bounds.h).  With `rest` a
 * Conv also takes what is added to its output as a fourth input; that goes
 * wrong (net_build tries without) where the sum is broadcast.  Tensors, names
 * and what the output means stay the same.  `m` must outlive `out`.
 */
int fuse_model(const struct model *m, bool rest, struct arena *,
    struct model *out, struct err *) MUST_USE;

#endif
