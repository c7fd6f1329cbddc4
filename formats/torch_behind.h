/* SPDX-License-Identifier: MIT
 * nn.Sequential(resnet18(), nn.ReLU(), nn.Linear(1000, 10)): an architecture at
 * one place of a row, and layers behind it.  Of a whole module these are what
 * its pickle says; of a state dict only a linear layer right behind is known
 * to be all.
 */
#ifndef FORMATS_TORCH_BEHIND_H
#define FORMATS_TORCH_BEHIND_H

#include "formats/draw.h"
#include "formats/torch_found.h"

/* Whether the names are those of such a row. */
bool torch_behind_is(const struct torch_found *, const struct weights *);

/* As arch_load(). */
int torch_behind_load(const struct torch_found *, const struct hints *,
    struct weights *, struct model *, struct err *) MUST_USE;

#endif
