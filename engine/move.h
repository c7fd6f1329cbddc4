/* SPDX-License-Identifier: MIT
 * Operators whose output is a box of input 0's elements, each at most once
 * (struct op.move): definition, kernel and gradient follow from the box.
 */
#ifndef ENGINE_MOVE_H
#define ENGINE_MOVE_H

#include "engine/box.h"
#include "engine/op.h"

int move_eval(const struct step *, const struct shape *const *in,
    const struct shape *out, union number *v, struct err *) MUST_USE;
void move_forward(const struct op_call *);
/* What is left out has no gradient. */
void move_backward(const struct op_call *);

#endif
