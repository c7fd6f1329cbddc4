/* SPDX-License-Identifier: MIT
 * One file of several that hold a state dict together
 * ("pytorch_model-00001-of-00002.bin"), which an index lists.
 */
#ifndef FORMATS_TORCH_PART_H
#define FORMATS_TORCH_PART_H

#include "formats/torch.h"

struct torch_part {
	struct torch torch;
	const struct tensor *tensor;
	size_t n;
};

/* Whether a file is one that torch.save() wrote. */
bool torch_part_probe(struct rd);
/* All lives as long as the arena.  ERR_UNSUPPORTED for what is no state dict. */
int torch_part_open(
    struct torch_part *, struct arena *, struct rd, struct err *) MUST_USE;
/* Checksums of what was written into the file, which is at `file`. */
void torch_part_mend(struct torch_part *, uint8_t *file);

#endif
