/* SPDX-License-Identifier: MIT
 * Images in an order that does not depend on the one they came in: by the
 * SHA-256 of each.  Copies of an image stand together, so that a split can
 * keep them on one side.
 */
#ifndef FORMATS_KEYED_H
#define FORMATS_KEYED_H

#include "base/digest.h"
#include "formats/dataset.h"

struct keyed {
	struct digest key;
	uint32_t index; /* in the data set */
};

/* All d->n images into out; `salt` (len bytes, may be none) goes before each
 * image into its digest, for another order of the same images. */
void keyed_order(
    const struct dataset *d, const void *salt, size_t len, struct keyed *out);

#endif
