/* SPDX-License-Identifier: MIT
 * FlatBuffers (flatbuffers.dev, "FlatBuffers internals") over hostile bytes:
 * tables, vectors and strings, every offset checked where it is followed.
 * Offsets to tables and vectors only lead forward, and what is nested is up
 * to the caller, so no file can make it loop.  Nothing needs to be aligned.
 *
 * The first failure is kept in the context: every later call gives zero, an
 * absent table, or an empty vector.  Fields are counted from 0, as the schema
 * lists them; a union takes two, its type first.
 */
#ifndef FORMATS_FLATBUF_H
#define FORMATS_FLATBUF_H

#include "base/rd.h"

struct flatbuf {
	struct rd r;
	const char *what; /* for messages: "tflite" */
	struct err *e;
	int rc;     /* 0, or the first failure */
	size_t end; /* of all tables, vectors and texts that were read */
};

struct flatbuf_table {
	size_t at; /* 0: absent */
	size_t vtable;
	uint16_t entries, size; /* of the vtable; of the table in bytes */
};

struct flatbuf_vector {
	size_t at; /* of its first element; 0: absent */
	size_t n, width;
};

/* Begin; the bytes at 4 must be `ident`. */
struct flatbuf_table flatbuf_root(struct flatbuf *, struct rd,
    const char ident[4], const char *what, struct err *);

/* Keep a failure, unless there is one; returns it. */
int flatbuf_fail(struct flatbuf *, int code, uint64_t at, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

/* Scalars; `absent` when the table or the field is. */
int64_t flatbuf_i8(
    struct flatbuf *, const struct flatbuf_table *, unsigned, int64_t absent);
int64_t flatbuf_i32(
    struct flatbuf *, const struct flatbuf_table *, unsigned, int64_t absent);
uint64_t flatbuf_u32(
    struct flatbuf *, const struct flatbuf_table *, unsigned, uint64_t absent);
uint64_t flatbuf_u64(
    struct flatbuf *, const struct flatbuf_table *, unsigned, uint64_t absent);
double flatbuf_f32(
    struct flatbuf *, const struct flatbuf_table *, unsigned, double absent);

struct flatbuf_table flatbuf_table(
    struct flatbuf *, const struct flatbuf_table *, unsigned);
/* Of at most `max` elements of `width` bytes (4 for tables: offsets). */
struct flatbuf_vector flatbuf_vector(struct flatbuf *,
    const struct flatbuf_table *, unsigned, size_t width, size_t max);
/* A string without its terminator; {NULL, 0} when absent. */
struct slice flatbuf_text(
    struct flatbuf *, const struct flatbuf_table *, unsigned, size_t max);

/* Elements; i is below n. */
struct flatbuf_table flatbuf_item(
    struct flatbuf *, const struct flatbuf_vector *, size_t i);
/* Signed, of the vector's width. */
int64_t flatbuf_int_at(
    const struct flatbuf *, const struct flatbuf_vector *, size_t i);
double flatbuf_f32_at(
    const struct flatbuf *, const struct flatbuf_vector *, size_t i);
/* All bytes of it. */
struct slice flatbuf_bytes(
    const struct flatbuf *, const struct flatbuf_vector *);

#endif
