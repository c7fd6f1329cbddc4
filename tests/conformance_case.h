/* SPDX-License-Identifier: MIT
 * One ONNX backend test: a model, values for its inputs, and the outputs that
 * they must give.
 */
#ifndef TESTS_CONFORMANCE_CASE_H
#define TESTS_CONFORMANCE_CASE_H

#include "base/file.h"
#include "formats/onnx_file.h"

#define CASE_FILES 64

struct conformance_case {
	struct arena arena;
	struct file_map map[CASE_FILES];
	size_t nmap;
	struct onnx_file f;
	struct tensor feed[CASE_FILES]; /* named like the graph's inputs */
	struct tensor want[CASE_FILES]; /* in the order of the outputs */
	size_t nfeed;
};

/* A value that was computed: shape, type, and its numbers. */
struct shape;
struct conformance_case;

/* Read `dir`: model.onnx and test_data_set_0. */
int conformance_case_open(
    struct conformance_case *, const char *dir, struct err *) MUST_USE;
void conformance_case_close(struct conformance_case *);

/*
 * ERR_FORMAT says where shape, type or numbers (got->known) are not those of
 * output i: |got - want| <= 1e-7 + 1e-3 |want|, integers exactly.
 */
int conformance_case_compare(const struct conformance_case *, size_t i,
    const struct shape *got, struct err *) MUST_USE;

#endif
