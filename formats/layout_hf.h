/* SPDX-License-Identifier: MIT
 * A repository of the Hugging Face hub within another layout.
 */
#ifndef FORMATS_LAYOUT_HF_H
#define FORMATS_LAYOUT_HF_H

#include "formats/layout.h"

/*
 * Choose the weights in a folder of the source, and take what config.json
 * beside them and the file `processor` (a path in the source; need not be
 * there) say.
 */
int layout_hf_within(struct source *, const char *folder, const char *processor,
    struct err *) MUST_USE;

#endif
