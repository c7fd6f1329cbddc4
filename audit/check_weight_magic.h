/* SPDX-License-Identifier: MIT
 * Programs, archives, pickles and scripts that begin at a place in a stream of
 * bytes in which anything may stand.  Each kind is taken for one only with at
 * least 60 bits of its structure right, so that a gigabyte of noise (2^30
 * places) shows one with a probability below 1e-9; gzip, whose header says
 * little, must also expand.
 */
#ifndef AUDIT_CHECK_WEIGHT_MAGIC_H
#define AUDIT_CHECK_WEIGHT_MAGIC_H

#include "base/find.h"
#include "base/rd.h"

/* What is enough to tell all kinds but those that must expand. */
#define CHECK_WEIGHT_MAGIC_HEAD 4608
/* And for those. */
#define CHECK_WEIGHT_MAGIC_DEEP 65536

struct check_weight_magic {
	struct find first; /* bytes that some kind has */
};

void check_weight_magic_init(struct check_weight_magic *);

/*
 * The first place in p[from..len) where a kind may begin, judged by its first
 * bytes only (16 of which should follow); len: none.
 */
size_t check_weight_magic_next(const struct check_weight_magic *,
    const uint8_t *p, size_t from, size_t len);

/* Whether it is worth to read more than these few bytes. */
#define CHECK_WEIGHT_MAGIC_PEEK 96
bool check_weight_magic_maybe(const uint8_t *p, size_t len);

/*
 * What begins with these bytes: "ELF program", ...; NULL: nothing.  *deep is
 * set when only more bytes, up to CHECK_WEIGHT_MAGIC_DEEP, can tell; with
 * `whole`, there are no more.
 */
const char *check_weight_magic_tell(
    const uint8_t *p, size_t len, bool whole, bool *deep);

#endif
