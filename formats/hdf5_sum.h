/* SPDX-License-Identifier: MIT
 * The checksum of HDF5's metadata: Bob Jenkins's lookup3 (hashlittle of 2006, with
 * 0 to begin with), which superblocks 2 and 3 and the second version of object
 * headers have at their end.
 */
#ifndef FORMATS_HDF5_SUM_H
#define FORMATS_HDF5_SUM_H

#include "formats/hdf5.h"

uint32_t hdf5_sum(struct slice);
/*
 * The four bytes at the cursor `at_end` are the sum of all from `from` to there.
 * When they are not, or are missing, h->wrong says where: who only looks reads
 * on, while the HDF5 library does not.
 */
void hdf5_sum_check(struct hdf5 *, struct rd from, struct rd at_end);

#endif
