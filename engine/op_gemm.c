/* SPDX-License-Identifier: MIT
 * Gemm: y = alpha op(A) op(B) + beta C.  MatMul: y = A B, rank 2.
 * A is (m, k) data, B the weight (k, n) or, with transB, (n, k), C
 * broadcastable to (m, n); the exporters' form is transB = 1, C = (n).
 */
#include "engine/blas.h"
#include "engine/op.h"

struct gemm {
	bool trans_b;
	float alpha, beta;
};

static int
gemm_build(struct step *s, const struct node *n, struct arena *a, struct err *e)
{
	struct gemm *cfg = arena_alloc(a, 1, sizeof(*cfg));

	if (cfg == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "model too large");
	if (node_int(n, "transA", 0) != 0)
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "node '%s' (Gemm): transA", n->name);
	cfg->trans_b = node_int(n, "transB", 0) != 0;
	cfg->alpha = (float)node_real(n, "alpha", 1.0);
	cfg->beta = (float)node_real(n, "beta", 1.0);
	s->cfg = cfg;
	return 0;
}

static int
gemm_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	const struct gemm *g = s->cfg;
	const struct shape *a = in[0], *b = in[1];
	size_t k, n;

	if (a->rank != 2 || b->rank != 2)
		return op_bad(s, e, "ranks %zu and %zu, both must be 2",
		    a->rank, b->rank);
	k = b->dim[g->trans_b ? 1 : 0];
	n = b->dim[g->trans_b ? 0 : 1];
	if (a->dim[1] != k)
		return op_bad(
		    s, e, "%zu features meet a weight for %zu", a->dim[1], k);
	if (s->nin > 2 && in[2] != NULL && shape_elements(in[2]) != n &&
	    shape_elements(in[2]) != 1)
		return op_bad(s, e, "a bias of %zu for %zu outputs",
		    shape_elements(in[2]), n);
	*out = (struct shape){.rank = 2, .dim = {a->dim[0], n}};
	need->taps = k;
	need->scratch = g->alpha != 1.0f ? a->dim[0] * MAX(n, k) : 0;
	return 0;
}

static const float *
bias_of(const struct op_call *c)
{
	return c->step->nin > 2 ? c->in[2] : NULL;
}

static void
fill_bias(const struct op_call *c, size_t m, size_t n)
{
	const struct gemm *g = c->step->cfg;
	const float *b = bias_of(c);
	bool one = b != NULL && shape_elements(c->shape_in[2]) == 1;

	for (size_t i = 0; i < m; i++)
		for (size_t j = 0; j < n; j++)
			c->out[i * n + j] =
			    b != NULL ? g->beta * b[one ? 0 : j] : 0.0f;
}

static void
gemm_forward(const struct op_call *c)
{
	const struct gemm *g = c->step->cfg;
	size_t m = c->shape_out->dim[0], n = c->shape_out->dim[1];
	size_t k = c->shape_in[0]->dim[1];
	struct blas_matrix a = {c->in[0], k};

	if (g->alpha != 1.0f) {
		for (size_t i = 0; i < m * k; i++)
			c->scratch[i] = g->alpha * c->in[0][i];
		a.p = c->scratch;
	}
	fill_bias(c, m, n);
	if (g->trans_b)
		blas_nt(m, n, k, a, (struct blas_matrix){c->in[1], k}, 1.0f,
		    c->out, n);
	else
		blas_nn(m, n, k, a, (struct blas_matrix){c->in[1], n}, 1.0f,
		    c->out, n);
}

static void
backward_bias(const struct op_call *c, size_t m, size_t n)
{
	const struct gemm *g = c->step->cfg;
	size_t len = shape_elements(c->shape_in[2]);
	float *db = c->din[2];

	if (!c->add[2])
		memset(db, 0, len * sizeof(*db));
	for (size_t i = 0; i < m; i++)
		for (size_t j = 0; j < n; j++)
			db[len == 1 ? 0 : j] += g->beta * c->dout[i * n + j];
}

static void
gemm_backward(const struct op_call *c)
{
	const struct gemm *g = c->step->cfg;
	size_t m = c->shape_out->dim[0], n = c->shape_out->dim[1];
	size_t k = c->shape_in[0]->dim[1];
	struct blas_matrix dy = {c->dout, n}, x = {c->in[0], k};
	struct blas_matrix w = {c->in[1], g->trans_b ? k : n};

	if (c->step->nin > 2 && c->din[2] != NULL)
		backward_bias(c, m, n);
	if (g->alpha != 1.0f) {
		for (size_t i = 0; i < m * n; i++)
			c->scratch[i] = g->alpha * c->dout[i];
		dy.p = c->scratch;
	}
	if (c->din[0] != NULL && g->trans_b)
		blas_nn(m, k, n, dy, w, c->add[0], c->din[0], k);
	else if (c->din[0] != NULL)
		blas_nt(m, k, n, dy, w, c->add[0], c->din[0], k);
	if (c->din[1] != NULL && g->trans_b)
		blas_tn(n, k, m, dy, x, c->add[1], c->din[1], k);
	else if (c->din[1] != NULL)
		blas_tn(k, n, m, x, dy, c->add[1], c->din[1], n);
}

const struct op op_gemm = {
    .name = "Gemm",
    .min_in = 2,
    .max_in = 3,
    .layout = OP_ROWS,
    .weights = 1 << 1 | 1 << 2,
    .constants = 1 << 1 | 1 << 2,
    .keep = OP_KEEP_IN_FOR_WEIGHTS,
    .build = gemm_build,
    .infer = gemm_infer,
    .forward = gemm_forward,
    .backward = gemm_backward,
};

const struct op op_matmul = {
    .name = "MatMul",
    .min_in = 2,
    .max_in = 2,
    .layout = OP_ROWS,
    .weights = 1 << 1,
    .constants = 1 << 1,
    .keep = OP_KEEP_IN_FOR_WEIGHTS,
    .build = gemm_build,
    .infer = gemm_infer,
    .forward = gemm_forward,
    .backward = gemm_backward,
};
