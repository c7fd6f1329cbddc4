/* SPDX-License-Identifier: MIT
 * HDF5 files, read only and in memory, as far as Keras writes them ("HDF5 File
 * Format Specification Version 3.0", The HDF Group; section numbers in the
 * .c files are its own): superblocks 0 to 3, object headers 1 and 2, groups
 * of symbol tables and of link messages, attributes in object headers, data
 * that is compact, contiguous, or in chunks (deflate, shuffle, fletcher32).
 * Whatever points out of the file (soft and external links, external data)
 * is refused, never followed.
 *
 * Contiguous data stays where it is: a tensor is a view of the file's bytes.
 * Addresses in this interface are those of object headers.
 */
#ifndef FORMATS_HDF5_H
#define FORMATS_HDF5_H

#include "base/map.h"
#include "base/rd.h"
#include "formats/model.h"

struct hdf5 {
	struct rd file; /* from the superblock's base address to the end */
	struct arena *arena;
	uint64_t root;    /* the root group */
	size_t off, size; /* bytes of an address, of a length */
	struct map group; /* address in hex: index in `known` */
	struct hdf5_group **known;
	size_t nknown, room;
	/* datasets whose chunks were put together, for writing them back; only
	 * gathered when `keep` is set before anything is read */
	bool keep;
	struct hdf5_kept *kept;
	/* what a file may still cost: records, bytes that are not views */
	uint64_t records, bytes;
	/* where the first thing is that the HDF5 library refuses (a wrong
	 * checksum, an address outside) and that is not needed here; 0: none */
	uint64_t wrong;
};

/* Whether the bytes are HDF5, also behind a user block. */
bool hdf5_probe(struct rd);

/* The arena holds what is read and must outlive that. */
int hdf5_open(struct hdf5 *, struct rd, struct arena *, struct err *) MUST_USE;

#endif
