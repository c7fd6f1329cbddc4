/* SPDX-License-Identifier: MIT
 * gzip (RFC 1952) in memory, by zlib: one or more members, checksums checked,
 * nothing after them.
 */
#ifndef FORMATS_GUNZIP_H
#define FORMATS_GUNZIP_H

#include "base/arena.h"
#include "base/rd.h"

/* True when the bytes start as gzip does. */
bool gunzip_probe(struct rd);

/*
 * Expand all of r into the arena; ERR_LIMIT beyond `limit` bytes.  Offsets in
 * errors are those of the compressed file.
 */
int gunzip(struct rd r, struct arena *, uint64_t limit, struct rd *out,
    struct err *) MUST_USE;

#endif
