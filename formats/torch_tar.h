/* SPDX-License-Identifier: MIT
 * What torch.save() wrote before 0.2: a tar of four members, sys_info,
 * pickle, storages and tensors (legacy_load of torch/serialization.py reads
 * it to this day).
 */
#ifndef FORMATS_TORCH_TAR_H
#define FORMATS_TORCH_TAR_H

#include "formats/torch.h"

bool torch_tar_probe(struct rd);
int torch_tar_open(struct torch *, struct err *) MUST_USE;

#endif
