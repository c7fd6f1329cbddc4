/* SPDX-License-Identifier: MIT
 * Graphs that operators of an ONNX model run (the bodies of If, Loop and Scan), as far
 * as they were not put in their place: each is a graph by itself for check_arch, since
 * a whole network may stand in one.
 */
#ifndef AUDIT_CHECK_ARCH_BODY_H
#define AUDIT_CHECK_ARCH_BODY_H

#include "formats/onnx_file.h"

struct check_arch_bodies {
	struct rd model; /* whose functions are called */
	struct arena *arena;
	/* called for each; ERR_LIMIT: no more of them */
	int (*judge)(void *ctx, const struct onnx_file *, struct err *);
	void *ctx;
	uint64_t bytes; /* that were read */
};

/*
 * What a body takes from around it is one of its inputs, or a constant when it is an
 * initialiser there.  ERR_LIMIT: too many, too deep, or more than the arena; ERR_FORMAT,
 * ERR_TRUNCATED: one is damaged.
 */
int check_arch_bodies(struct check_arch_bodies *, const struct onnx_file *,
    unsigned depth, struct err *) MUST_USE;

#endif
