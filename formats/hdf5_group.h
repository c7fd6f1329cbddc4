/* SPDX-License-Identifier: MIT
 * Groups of HDF5: names of objects.
 */
#ifndef FORMATS_HDF5_GROUP_H
#define FORMATS_HDF5_GROUP_H

#include "formats/hdf5.h"

struct hdf5_link {
	const char *name;
	uint64_t at;   /* HDF5_NOWHERE: points elsewhere, not to be followed */
	bool external; /* in another file, or by a driver of the user's */
	const char *file; /* the other file; NULL: none, or it is not known */
};

struct hdf5_group {
	struct hdf5_link *link;
	size_t n, room;
	struct map by_name;
};

/* All that is in a group; read once.  ERR_FORMAT when it is none. */
int hdf5_group_read(struct hdf5 *, uint64_t at, const struct hdf5_group **,
    struct err *) MUST_USE;
/*
 * The object at a path ("layers/dense/vars/0") below a group: 1, or 0 when
 * there is none.  ERR_UNSUPPORTED when a link on the way is not a hard one.
 */
int hdf5_group_find(struct hdf5 *, uint64_t group, const char *path,
    uint64_t *at, struct err *) MUST_USE;

#endif
