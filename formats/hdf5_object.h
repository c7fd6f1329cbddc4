/* SPDX-License-Identifier: MIT
 * Object headers of HDF5: a list of messages, each of a type.  What the other
 * hdf5_*.c share.
 */
#ifndef FORMATS_HDF5_OBJECT_H
#define FORMATS_HDF5_OBJECT_H

#include "formats/hdf5.h"

#define HDF5_NOWHERE UINT64_MAX /* the undefined address */

enum hdf5_type {
	HDF5_SPACE = 0x01,
	HDF5_LINKS = 0x02, /* "link info" */
	HDF5_DATATYPE = 0x03,
	HDF5_LINK = 0x06,
	HDF5_EXTERNAL = 0x07,
	HDF5_LAYOUT = 0x08,
	HDF5_FILTERS = 0x0b,
	HDF5_ATTRIBUTE = 0x0c,
	HDF5_CONTINUATION = 0x10,
	HDF5_SYMBOLS = 0x11,
	HDF5_ATTRIBUTES = 0x15, /* "attribute info" */
};

struct hdf5_message {
	struct hdf5_message *next;
	unsigned type;
	bool shared; /* the body only says where it is */
	struct rd body;
};

/* The messages of the object at that address, in order. */
int hdf5_object_read(struct hdf5 *, uint64_t at, struct hdf5_message **out,
    struct err *) MUST_USE;
/* The first of a type, or NULL. */
const struct hdf5_message *hdf5_object_find(
    const struct hdf5_message *, enum hdf5_type);

/* A cursor from an address to the end of the file; `what` is for the error. */
int hdf5_object_at(const struct hdf5 *, uint64_t at, const char *what,
    struct rd *out, struct err *) MUST_USE;
/* The same behind four bytes of signature. */
int hdf5_object_signed(const struct hdf5 *, uint64_t at, const char *sign,
    struct rd *out, struct err *) MUST_USE;
/* A little-endian number of 1, 2, 4 or 8 bytes; an address. */
int hdf5_object_number(struct rd *, size_t width, uint64_t *out) MUST_USE;
int hdf5_object_address(
    const struct hdf5 *, struct rd *, uint64_t *out) MUST_USE;
/* Unless it is so, the library refuses what is at the cursor: h->wrong. */
void hdf5_object_expect(struct hdf5 *, const struct rd *, bool so);
/* The undefined address, or one within the file. */
bool hdf5_object_within(const struct hdf5 *, uint64_t at);
/* ERR_TRUNCATED at the cursor. */
int hdf5_object_cut(const struct rd *, const char *what, struct err *);
/* Take n records from what the file may cost. */
int hdf5_object_spend(struct hdf5 *, uint64_t n, struct err *) MUST_USE;
/* Zeroed memory in the arena, or ERR_LIMIT. */
void *hdf5_object_room(struct hdf5 *, size_t n, size_t size, struct err *);

enum hdf5_kind {
	HDF5_INTEGER,
	HDF5_FLOAT,
	HDF5_TEXT,  /* of fixed length */
	HDF5_TEXTS, /* in the global heap */
	HDF5_OPAQUE,
	HDF5_COMPOUND,
	HDF5_OTHER,
};

struct hdf5_datatype {
	enum hdf5_kind kind;
	enum dtype dtype; /* DTYPE_COUNT: none that we have */
	size_t size;      /* bytes of an element */
};

struct hdf5_space {
	size_t rank;
	uint64_t dim[MODEL_MAX_RANK];
	uint64_t n; /* elements; 0 of a null space */
};

int hdf5_object_datatype(
    struct rd, struct hdf5_datatype *, struct err *) MUST_USE;
int hdf5_object_space(
    const struct hdf5 *, struct rd, struct hdf5_space *, struct err *) MUST_USE;

#endif
