/* SPDX-License-Identifier: MIT
 * The same work for 0..n-1, in parallel, with progress.
 */
#ifndef ENGINE_EACH_H
#define ENGINE_EACH_H

#include "base/err.h"

/*
 * work(ctx, i) for every i, on as many threads as there are, in any order;
 * `label` is for progress.  All are run even when one fails; returns the code
 * of one that did, and its error.
 */
int each(size_t n, const char *label,
    int (*work)(void *ctx, size_t i, struct err *), void *ctx,
    struct err *) MUST_USE;

#endif
