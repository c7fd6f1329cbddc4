/* SPDX-License-Identifier: MIT
 * The primitives of R's serialised objects, in each of the three ways in which
 * they are written.
 */
#ifndef FORMATS_RDATA_IN_H
#define FORMATS_RDATA_IN_H

#include "base/rd.h"

enum rdata_way {
	RDATA_XDR,
	RDATA_NATIVE,
	RDATA_TEXT
};

struct rdata_in {
	struct rd *r;
	enum rdata_way way;
	struct err *e;
};

/* The letters of save(), and those that say the way. */
int rdata_in_begin(struct rdata_in *) MUST_USE;
int rdata_in_bad(const struct rdata_in *, const char *what) MUST_USE;
/* NA is the least. */
int rdata_in_int(struct rdata_in *, int32_t *out) MUST_USE;
/* The length of a vector: that of a long one takes three. */
int rdata_in_length(struct rdata_in *, uint64_t *out) MUST_USE;
/* n numbers of that many bytes, as text of that many words. */
int rdata_in_skip(
    struct rdata_in *, uint64_t n, size_t bytes, size_t words) MUST_USE;
/* n characters; as text they stand there escaped. */
int rdata_in_string(struct rdata_in *, uint64_t n, struct slice *out) MUST_USE;
/* Without the escapes, into as many bytes; returns how many are used. */
size_t rdata_in_plain(struct slice, uint8_t *to);

#endif
