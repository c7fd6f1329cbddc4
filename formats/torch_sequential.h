/* SPDX-License-Identifier: MIT
 * The graph of an nn.Sequential of layers of torch.nn, saved as a whole: the
 * pickle itself has their order, kinds and numbers.
 */
#ifndef FORMATS_TORCH_SEQUENTIAL_H
#define FORMATS_TORCH_SEQUENTIAL_H

#include "formats/draw.h"
#include "formats/torch_found.h"

/* As arch_load(), by found->layer.  ERR_UNSUPPORTED names a layer that is not
 * known here. */
int torch_sequential_load(const struct torch_found *, const struct hints *,
    struct weights *, struct model *, struct err *) MUST_USE;

/* The size that a leading torchvision Resize gives the image; false: there is
 * none. */
bool torch_sequential_resize(const struct torch_found *, int64_t size[2]);

/* Whether layer i is one of those in front that are done to the image: a
 * resize (above), then torchvision's Normalize. */
bool torch_sequential_in_front(const struct torch_found *, size_t i);
/* The mean and deviation of such a Normalize; false: there is none. */
bool torch_sequential_normalize(
    const struct torch_found *, struct preprocess *);

/* Draws the layers of a row behind the place `body` on the values x that an
 * architecture there gives. */
const char *torch_sequential_behind(
    struct draw *, const struct torch_found *, int64_t body, const char *x);

/* weights.row: `found` is a struct torch_found. */
const char *torch_sequential_part(
    struct draw *, const void *found, const char *module, const char *x);

#endif
