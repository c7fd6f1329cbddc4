/* SPDX-License-Identifier: MIT */
#include "engine/blas.h"

#include "base/json.h"
#include "base/rng.h"
#include "engine/micro_wide.h"

#include <cblas.h>
#include <math.h>
#include <strings.h>

/*
 * OpenBLAS, unless it runs on kernels for narrower vectors than the processor
 * has (asked to by OPENBLAS_CORETYPE, or because it does not know the
 * processor): then our own product is half as fast again.  On its AVX-512
 * kernels OpenBLAS is not beaten.
 */
static bool narrow;

static bool
is_narrow(void)
{
	static const char *const core[] = {"Haswell", "Zen", "Excavator",
	    "Steamroller", "Piledriver", "Bulldozer", "SandyBridge", "Nehalem",
	    "Prescott", "Generic"};

	for (size_t i = 0; i < ARRAY_LEN(core); i++)
		if (strcasecmp(blas_core(), core[i]) == 0)
			return micro_wide();
	return false;
}

static void
product(bool ta, bool tb, size_t m, size_t n, size_t k, struct blas_matrix a,
    struct blas_matrix b, float beta, float *c, size_t ldc,
    const struct gemm_end *end)
{
	struct gemm_side x = {a.p, ta ? 1 : a.ld, ta ? a.ld : 1};
	struct gemm_side y = {b.p, tb ? 1 : b.ld, tb ? b.ld : 1};

	if (narrow && gemm_fits(m, n, k)) {
		gemm(m, n, k, x, y, beta, c, ldc, end);
		return;
	}
	cblas_sgemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans,
	    tb ? CblasTrans : CblasNoTrans, (blasint)m, (blasint)n, (blasint)k,
	    1.0f, a.p, (blasint)a.ld, b.p, (blasint)b.ld, beta, c,
	    (blasint)ldc);
	if (end != NULL)
		gemm_finish(end, m, n, c, ldc);
}

void
blas_nn(size_t m, size_t n, size_t k, struct blas_matrix a,
    struct blas_matrix b, float beta, float *c, size_t ldc)
{
	product(false, false, m, n, k, a, b, beta, c, ldc, NULL);
}

void
blas_nt(size_t m, size_t n, size_t k, struct blas_matrix a,
    struct blas_matrix b, float beta, float *c, size_t ldc)
{
	product(false, true, m, n, k, a, b, beta, c, ldc, NULL);
}

void
blas_tn(size_t m, size_t n, size_t k, struct blas_matrix a,
    struct blas_matrix b, float beta, float *c, size_t ldc)
{
	product(true, false, m, n, k, a, b, beta, c, ldc, NULL);
}

void
blas_tt(size_t m, size_t n, size_t k, struct blas_matrix a,
    struct blas_matrix b, float beta, float *c, size_t ldc)
{
	product(true, true, m, n, k, a, b, beta, c, ldc, NULL);
}

void
blas_nt_end(size_t m, size_t n, size_t k, struct blas_matrix a,
    struct blas_matrix b, float *c, size_t ldc, const struct gemm_end *end)
{
	product(false, true, m, n, k, a, b, 0.0f, c, ldc, end);
}

void
blas_nn_end(size_t m, size_t n, size_t k, struct blas_matrix a,
    struct blas_matrix b, float *c, size_t ldc, const struct gemm_end *end)
{
	product(false, false, m, n, k, a, b, 0.0f, c, ldc, end);
}

/* --- the check ----------------------------------------------------------- */

#define CHECK_MAX 131

static const struct {
	size_t m, n, k;
} check_sizes[] = {{1, 1, 1}, {7, 5, 3}, {17, 31, 67}, {64, 33, 129},
    {131, 10, 63}, {33, 131, 17}};

typedef void blas_fn(size_t, size_t, size_t, struct blas_matrix,
    struct blas_matrix, float, float *, size_t);

/* Element (i, j) of op(A) op(B) in double. */
static double
exact(const float *a, const float *b, size_t ta, size_t tb, size_t i, size_t j,
    size_t m, size_t n, size_t k)
{
	double v = 0.0;

	for (size_t p = 0; p < k; p++) {
		double x = (double)(ta != 0 ? a[p * m + i] : a[i * k + p]);
		double y = (double)(tb != 0 ? b[j * k + p] : b[p * n + j]);

		v += x * y;
	}
	return v;
}

static bool
check_one(blas_fn *f, size_t ta, size_t tb, size_t m, size_t n, size_t k)
{
	static float a[CHECK_MAX * CHECK_MAX], b[CHECK_MAX * CHECK_MAX];
	static float c[CHECK_MAX * CHECK_MAX];
	struct rng r;

	rng_init(&r, m * 1000003 + n * 1009 + k, 0);
	for (size_t i = 0; i < m * k; i++)
		a[i] = rng_float(&r) - 0.5f;
	for (size_t i = 0; i < k * n; i++)
		b[i] = rng_float(&r) - 0.5f;
	for (size_t i = 0; i < m * n; i++)
		c[i] = 0.25f;
	f(m, n, k, (struct blas_matrix){a, ta != 0 ? m : k},
	    (struct blas_matrix){b, tb != 0 ? k : n}, 1.0f, c, n);
	for (size_t i = 0; i < m; i++) {
		for (size_t j = 0; j < n; j++) {
			double want = 0.25 + exact(a, b, ta, tb, i, j, m, n, k);

			if (!(fabs((double)c[i * n + j] - want) < 1e-4))
				return false;
		}
	}
	return true;
}

static bool checked;

int
blas_init(struct err *e)
{
	openblas_set_num_threads(1);
	narrow = is_narrow();
	for (size_t i = 0; i < ARRAY_LEN(check_sizes); i++) {
		size_t m = check_sizes[i].m, n = check_sizes[i].n;
		size_t k = check_sizes[i].k;

		if (check_one(blas_nn, 0, 0, m, n, k) &&
		    check_one(blas_nt, 0, 1, m, n, k) &&
		    check_one(blas_tn, 1, 0, m, n, k) &&
		    check_one(blas_tt, 1, 1, m, n, k))
			continue;
		return err_set(e, ERR_SYSTEM, ERR_NOWHERE,
		    "OpenBLAS (%s kernels) computes a wrong %zux%zux%zu "
		    "product on this processor; try OPENBLAS_CORETYPE=Haswell",
		    openblas_get_corename(), m, n, k);
	}
	checked = true;
	return 0;
}

const char *
blas_core(void)
{
	return openblas_get_corename();
}

json_t *
blas_json(void)
{
	json_t *j = json_object();

	json_put(j, "library", json_text(openblas_get_config()));
	json_put(j, "core", json_text(openblas_get_corename()));
	json_put(j, "product", json_text(narrow ? "own" : "library"));
	json_put(j, "check", json_text(checked ? "passed" : "not run"));
	return j;
}
