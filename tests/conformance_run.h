/* SPDX-License-Identifier: MIT
 * The ways in which the engine can compute an output of a test.
 */
#ifndef TESTS_CONFORMANCE_RUN_H
#define TESTS_CONFORMANCE_RUN_H

#include "tests/conformance_case.h"

/*
 * Compute every output from constants alone, by the operators' definitions,
 * and then with each input in turn as what is seen only at run time, by the
 * kernels, in both storage orders.  *kernels counts the ways in which
 * a kernel ran; where the engine declines one (a shape cannot come from the
 * image) that is no failure.  Negative with the first difference.  `verbose`
 * prints each way.
 */
int conformance_run(const struct conformance_case *, bool verbose,
    size_t *kernels, struct err *) MUST_USE;

#endif
