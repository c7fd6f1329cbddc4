/* SPDX-License-Identifier: MIT
 * The last layer of a classifier: the linear map that makes the logits.
 */
#ifndef PURIFY_HEAD_H
#define PURIFY_HEAD_H

#include "engine/net.h"

struct head {
	size_t at, n; /* its weights: net.weight[at, at + n) */
	size_t classes, features;
	/* weight (class, feature) is at class * step[0] + feature * step[1] */
	size_t step[2];
};

/*
 * What lies behind it may only move numbers, average over pixels or add a
 * bias: ERR_UNSUPPORTED.
 */
int head_find(struct head *, const struct net *, struct err *) MUST_USE;

#endif
