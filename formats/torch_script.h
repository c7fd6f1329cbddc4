/* SPDX-License-Identifier: MIT
 * The graph of a TorchScript file by its own code (script.h): of modules that
 * are no known architecture, and of those that freeze() left no weights.
 */
#ifndef FORMATS_TORCH_SCRIPT_H
#define FORMATS_TORCH_SCRIPT_H

#include "formats/torch_found.h"

/* Whether a file is what torch.jit.save() wrote. */
bool torch_script_is(const struct torch *);
/* f: its tensors by name, none of a frozen module.  Into an empty model. */
int torch_script_load(struct torch *, const struct torch_found *,
    struct model *, struct err *) MUST_USE;

#endif
