/* SPDX-License-Identifier: MIT
 * Whole modules in a pickle: objects whose state has _parameters, _buffers and
 * _modules, and the objects of a TorchScript archive, whose state has the same
 * by plain names.
 */
#ifndef FORMATS_TORCH_MODULE_H
#define FORMATS_TORCH_MODULE_H

#include "formats/torch_found.h"

bool torch_module_is(const struct pickle_node *);
bool torch_module_is_script(const struct pickle_node *);
/* What it takes to find out, as torch_spend() has it. */
size_t torch_module_cost(const struct pickle_node *);
/* Names as in state_dict(); of a Python module also its numbers and layers. */
int torch_module_walk(struct torch *, const struct pickle_node *,
    struct torch_found *, struct err *) MUST_USE;

#endif
