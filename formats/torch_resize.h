/* SPDX-License-Identifier: MIT
 * A model that begins by scaling the image itself, as BackdoorBench's vision
 * transformers do.
 */
#ifndef FORMATS_TORCH_RESIZE_H
#define FORMATS_TORCH_RESIZE_H

#include "formats/model.h"

/*
 * Put a Resize to height x width in front of the graph: torchvision's of a
 * tensor, bilinear without antialiasing, which was the default up to 0.16.
 */
int torch_resize_front(
    struct model *, int64_t height, int64_t width, struct err *) MUST_USE;

#endif
