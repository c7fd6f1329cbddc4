/* SPDX-License-Identifier: MIT
 * BackdoorBench's attack_result.pt and defense_result.pt: dictionaries that
 * have, beside the weights, the names of architecture and data set, from which
 * normalisation and image size follow (its utils/aggregate_block/
 * dataset_and_transform_generate.py and model_trainer_generate.py).
 */
#ifndef FORMATS_TORCH_RECORD_H
#define FORMATS_TORCH_RECORD_H

#include "formats/torch.h"

struct torch_record {
	bool is;          /* one of these files */
	bool resizes;     /* a vision transformer behind a resize to 224 */
	uint64_t classes; /* 0: not said */
};

/*
 * Look at the object; fill the hints (the architecture only when none is
 * given and the name is known here).  A file of another kind is left alone.
 */
int torch_record_read(struct torch *, struct torch_record *, struct hints *,
    struct err *) MUST_USE;

#endif
