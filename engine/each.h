/* SPDX-License-Identifier: MIT
 * The same work for 0..n-1, in parallel, with progress.
 */
#ifndef ENGINE_EACH_H
#define ENGINE_EACH_H

#include "base/err.h"

/* n results of `size` bytes each. */
struct each_result {
	void *ptr;
	size_t size;
};

/*
 * work(ctx, i) for every i, on as many threads and ranks (base/ranks.h) as
 * there are, in any order; `label` is for progress.  What it leaves is result
 * i, which all ranks have afterwards.  All are run even when one fails; returns
 * the code of one that did, and its error, on every rank.
 */
int each(size_t n, const char *label,
    int (*work)(void *ctx, size_t i, struct err *), void *ctx,
    const struct each_result *, struct err *) MUST_USE;

#endif
