/* SPDX-License-Identifier: MIT
 * What torch.save() wrote from 0.2 to 1.5, and still does on request: a magic
 * number, a version, a description of the machine, the object and the keys of
 * its storages, each a pickle; then for each key the number of elements and
 * the elements.
 */
#ifndef FORMATS_TORCH_STREAM_H
#define FORMATS_TORCH_STREAM_H

#include "formats/torch.h"

bool torch_stream_probe(struct rd);
int torch_stream_open(struct torch *, struct err *) MUST_USE;

#endif
