/* SPDX-License-Identifier: MIT
 * Weights by what their layer does with them, which no file says: the step that
 * uses them does, directly or behind operators that only move numbers.
 */
#ifndef ENGINE_LAYER_H
#define ENGINE_LAYER_H

#include "engine/net.h"
#include "engine/optim.h"

/* source[v]: the parameter that value v holds, or SIZE_MAX; net.nvalue. */
void layer_sources(const struct net *, size_t *source);
/* Whether a step multiplies what it is fed by its input k: a convolution, a
 * product of matrices; no operand of plain arithmetic. */
bool layer_multiplies(const struct step *, size_t k);
/* Inputs that meet in one output of such a weight of rank 2 and more. */
size_t layer_fan_in(const struct step *, size_t k, const struct shape *weight);

/*
 * Parts of net.weight for an optimiser whose steps have one size everywhere
 * (Adam): what multiplies more than `wide` inputs moves by wide / fan-in of the
 * rate, since that many small steps of one direction add up (Yang et al.,
 * "Tensor Programs V", NeurIPS 2021, table 3).  In the arena; ERR_LIMIT.
 */
int layer_rates(const struct net *, size_t wide, struct arena *,
    struct optim_part **, size_t *n, struct err *) MUST_USE;

#endif
