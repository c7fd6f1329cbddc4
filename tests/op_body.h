/* SPDX-License-Identifier: MIT
 * Small networks around one operator each, on odd sizes, strides and pads.
 */
#ifndef TESTS_OP_BODY_H
#define TESTS_OP_BODY_H

#include "formats/model.h"

#define OP_BODY_CLASSES 3
#define OP_BODY_MAX     64

struct op_body {
	const char *name;
	void (*build)(struct model *);
	size_t h, w, c, n; /* image and number of images */
};

extern const struct op_body op_body_table[];
extern const size_t op_body_count;

/* n normal numbers of a stream, scaled and shifted. */
void op_body_noise(
    float *, size_t n, uint64_t stream, float scale, float shift);

#endif
