/* SPDX-License-Identifier: MIT
 * R's serialised objects (src/main/serialize.c, WriteItem and ReadItem,
 * versions 2 and 3; as numbers in either order or as text), gone through
 * without making any: what is in them that can act, and which symbols they
 * name.
 */
#ifndef FORMATS_RDATA_H
#define FORMATS_RDATA_H

#include "base/rd.h"

/* What is more than data. */
enum rdata_kind {
	/* an expression that is evaluated when the object is used, where no
	 * function keeps its arguments (CVE-2024-27322) */
	RDATA_PROMISE,
	RDATA_FUNCTION, /* a closure, with its environment */
	RDATA_BYTECODE,
	RDATA_POINTER, /* of C, a weak reference */
	RDATA_ALTREP,  /* of a class that is not known to be harmless */
	RDATA_KINDS,
};

struct rdata {
	/* told of each symbol once, at the length of its name, which lives as
	 * long as the call and has no escapes of text */
	void (*symbol)(void *ctx, struct slice, uint64_t at);
	void *ctx;
	uint64_t at[RDATA_KINDS]; /* the first, or ERR_NOWHERE */
};

const char *rdata_text(enum rdata_kind);

/* Go through all of one object; r is behind it then.  What is found before an
 * error stays. */
int rdata_read(struct rdata *, struct rd *r, struct err *) MUST_USE;

#endif
