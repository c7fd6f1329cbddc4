/* SPDX-License-Identifier: MIT
 * Which tensors of a model are weights that training may change.  A file does
 * not say: parameters and constants are stored alike, and exporters move both
 * through reshapes and transpositions.
 */
#ifndef ENGINE_ROLE_H
#define ENGINE_ROLE_H

#include "formats/model.h"

/*
 * weight[i]: tensor i of the model is one.  That is what a layer multiplies
 * by or adds (struct op.weights), directly or through operators that only
 * move numbers; operands of plain arithmetic count once the image has gone
 * through a layer (before, they are its normalisation), when they have more
 * than one element and are not a mask of two values.  `weight` has ntensor
 * entries.  ERR_LIMIT when memory is short.
 */
int role_weights(const struct model *, bool *weight, struct err *) MUST_USE;

#endif
