/* SPDX-License-Identifier: MIT
 * The matrix product, and the only file that knows of OpenBLAS.  All matrices
 * are row-major.  Some OpenBLAS builds compute wrong products on some
 * processors, so blas_init() checks a few odd-sized problems first.
 */
#ifndef ENGINE_BLAS_H
#define ENGINE_BLAS_H

#include "base/err.h"
#include "engine/gemm.h"

#include <jansson.h>

/*
 * Single-threaded OpenBLAS, checked.  Call once before any product; ERR_SYSTEM
 * when the library computes wrong products here.
 */
int blas_init(struct err *) MUST_USE;

/* The processor that OpenBLAS takes this one for. */
const char *blas_core(void);

/* {"library","core","check"} for documents; a new reference. */
json_t *blas_json(void);

/*
 * C = op(A) op(B) + beta C, where op(A) is m x k, op(B) is k x n; a matrix's
 * `ld` is the number of floats from one stored row to the next.
 */
struct blas_matrix {
	const float *p;
	size_t ld;
};

/* A B: A is m x k, B is k x n */
void blas_nn(size_t m, size_t n, size_t k, struct blas_matrix a,
    struct blas_matrix b, float beta, float *c, size_t ldc);
/* A B': A is m x k, B is n x k */
void blas_nt(size_t m, size_t n, size_t k, struct blas_matrix a,
    struct blas_matrix b, float beta, float *c, size_t ldc);
/* A' B: A is k x m, B is k x n */
void blas_tn(size_t m, size_t n, size_t k, struct blas_matrix a,
    struct blas_matrix b, float beta, float *c, size_t ldc);
/* A' B': A is k x m, B is n x k */
void blas_tt(size_t m, size_t n, size_t k, struct blas_matrix a,
    struct blas_matrix b, float beta, float *c, size_t ldc);

/* C = A B' and C = A B, then `end` (not NULL). */
void blas_nt_end(size_t m, size_t n, size_t k, struct blas_matrix a,
    struct blas_matrix b, float *c, size_t ldc, const struct gemm_end *end);
void blas_nn_end(size_t m, size_t n, size_t k, struct blas_matrix a,
    struct blas_matrix b, float *c, size_t ldc, const struct gemm_end *end);

#endif
