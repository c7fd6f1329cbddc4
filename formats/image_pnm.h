/* SPDX-License-Identifier: MIT
 * PGM and PPM, plain and raw (P2, P3, P5, P6): netpbm's pgm(5) and ppm(5).
 */
#ifndef FORMATS_IMAGE_PNM_H
#define FORMATS_IMAGE_PNM_H

#include "formats/image.h"

bool image_pnm_probe(struct rd);
int image_pnm_read(
    struct rd, struct arena *, struct image *, struct err *) MUST_USE;

#endif
