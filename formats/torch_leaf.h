/* SPDX-License-Identifier: MIT
 * A whole module lists its layers, also those without weights, while its graph
 * is drawn by the architecture that the weights belong to.  Somebody may have
 * put others in their place: what the module has must not contradict the
 * graph.
 */
#ifndef FORMATS_TORCH_LEAF_H
#define FORMATS_TORCH_LEAF_H

#include "formats/torch_found.h"

/*
 * ERR_UNSUPPORTED names a layer that the graph has otherwise: an activation or
 * a pool of another kind, one that was taken out, a transform of images other
 * than what torch_sequential.h takes from the front.  Names of layers begin
 * with w's wrapper.
 */
int torch_leaf_check(const struct torch_found *, const struct weights *w,
    const struct model *, struct err *) MUST_USE;

#endif
