/* SPDX-License-Identifier: MIT
 * Small pictures within a page: PNG as data: URIs, which the page's policy
 * allows and which need no file beside it.
 */
#ifndef REPORT_PICTURE_H
#define REPORT_PICTURE_H

#include "base/buf.h"
#include "base/err.h"

/* Longer sides are averaged down to at most this. */
#define PICTURE_SIDE 160

/*
 * An <img> of h x w x c numbers in [0,1]; one or three channels, of others
 * the mean.  `alt` and `class` are ours and need no escaping.
 */
int picture_image(struct buf *, const float *x, size_t h, size_t w, size_t c,
    const char *class, const char *alt, struct err *) MUST_USE;

#endif
