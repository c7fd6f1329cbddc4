/* SPDX-License-Identifier: MIT
 * Gemm: y = alpha op(A) op(B) + beta C, where op transposes if transA or
 * transB says so: op(A) is (m, k), op(B) is (k, n), C is broadcast to (m, n).
 * The exporters' form of a layer is transB = 1 and a C of (n).
 */
#include "engine/blas.h"
#include "engine/op.h"

struct gemm {
	bool ta, tb;
	double alpha, beta;
};

/* Sizes of one call; C's element (i, j) is at i * c[0] + j * c[1]. */
struct sizes {
	size_t m, n, k, c[2];
};

typedef void product(size_t, size_t, size_t, struct blas_matrix,
    struct blas_matrix, float, float *, size_t);

static product *const products[2][2] = {
    {blas_nn, blas_nt},
    {blas_tn, blas_tt},
};

static int
gemm_build(struct step *s, const struct node *n, struct arena *a, struct err *e)
{
	struct gemm *g = op_alloc(a, sizeof(*g), e);

	if (g == NULL)
		return ERR_LIMIT;
	g->ta = node_int(n, "transA", 0) != 0;
	g->tb = node_int(n, "transB", 0) != 0;
	g->alpha = node_real(n, "alpha", 1.0);
	g->beta = node_real(n, "beta", 1.0);
	s->cfg = g;
	return 0;
}

static const struct shape *
bias_shape(const struct step *s, const struct shape *const *in)
{
	return s->nin > 2 ? in[2] : NULL;
}

static struct sizes
sizes(const struct step *s, const struct shape *const *in)
{
	const struct gemm *g = s->cfg;
	const struct shape *c = bias_shape(s, in);
	struct sizes z = {
	    .m = in[0]->dim[g->ta ? 1 : 0],
	    .n = in[1]->dim[g->tb ? 0 : 1],
	    .k = in[0]->dim[g->ta ? 0 : 1],
	};

	if (c != NULL && c->rank == 2 && c->dim[0] != 1)
		z.c[0] = c->dim[1];
	if (c != NULL && c->rank > 0 && c->dim[c->rank - 1] != 1)
		z.c[1] = 1;
	return z;
}

static int
check_bias(const struct step *s, const struct shape *c, const struct sizes *z,
    struct err *e)
{
	const size_t want[2] = {z->m, z->n};

	if (c->rank > 2)
		return op_bad(s, e, "a bias of rank %zu", c->rank);
	for (size_t i = 0; i < c->rank; i++)
		if (c->dim[i] != 1 && c->dim[i] != want[i + 2 - c->rank])
			return op_bad(s, e, "a bias of %zu for %zu outputs",
			    c->dim[i], want[i + 2 - c->rank]);
	return 0;
}

static int
gemm_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	const struct gemm *g = s->cfg;
	const struct shape *a = in[0], *b = in[1], *c = bias_shape(s, in);
	struct sizes z;
	size_t k;
	int rc;

	if (a->rank != 2 || b->rank != 2)
		return op_bad(s, e, "ranks %zu and %zu, both must be 2",
		    a->rank, b->rank);
	k = b->dim[g->tb ? 1 : 0];
	z = sizes(s, in);
	if (z.k != k)
		return op_bad(
		    s, e, "%zu features meet a weight for %zu", z.k, k);
	if (c != NULL && (rc = check_bias(s, c, &z, e)) != 0)
		return rc;
	if (shape_real(a) != shape_real(b) ||
	    (c != NULL && shape_real(a) != shape_real(c)))
		return op_bad(s, e, "operands of different types");
	*out = (struct shape){.rank = 2, .dim = {z.m, z.n}};
	need->taps = k;
	/* alpha dy of the backward pass */
	if (g->alpha != 1.0 && ckd_mul(&need->scratch, z.m, z.n))
		return op_bad(s, e, "the output is too large");
	return 0;
}

static double
element(const struct shape *x, size_t i)
{
	return shape_real(x) ? x->known[i].f : (double)x->known[i].i;
}

static int
gemm_eval(const struct step *s, const struct shape *const *in,
    const struct shape *out, union number *v, struct err *e)
{
	const struct gemm *g = s->cfg;
	const struct shape *c = bias_shape(s, in);
	struct sizes z = sizes(s, in);

	for (size_t i = 0; i < z.m * z.n; i++) {
		size_t row = i / z.n, col = i % z.n;
		double y = 0.0;

		for (size_t k = 0; k < z.k; k++)
			y += element(
				 in[0], g->ta ? k * z.m + row : row * z.k + k) *
			     element(
				 in[1], g->tb ? col * z.k + k : k * z.n + col);
		y *= g->alpha;
		if (c != NULL)
			y += g->beta * element(c, row * z.c[0] + col * z.c[1]);
		if (shape_real(out))
			v[i].f = y;
		else if (y > -0x1p62 && y < 0x1p62)
			v[i].i = (int64_t)y;
		else
			return op_bad(s, e, "the result is too large");
	}
	return 0;
}

/* y = beta C */
VECTOR static void
fill_bias(const struct op_call *c, const struct sizes *z)
{
	const struct gemm *g = c->step->cfg;
	float beta = (float)g->beta;

	for (size_t i = 0; i < z->m; i++) {
		const float *b = c->in[2] + i * z->c[0];
		float *y = c->out + i * z->n;

		if (z->c[1] == 0)
			for (size_t j = 0; j < z->n; j++)
				y[j] = beta * *b;
		else
			for (size_t j = 0; j < z->n; j++)
				y[j] = beta * b[j];
	}
}

VECTOR static void
scale(size_t n, float by, const float *x, float *y)
{
	for (size_t i = 0; i < n; i++)
		y[i] = by * x[i];
}

static void
gemm_forward(const struct op_call *c)
{
	const struct gemm *g = c->step->cfg;
	bool biased = bias_shape(c->step, c->shape_in) != NULL;
	struct sizes z = sizes(c->step, c->shape_in);
	struct blas_matrix a = {c->in[0], g->ta ? z.m : z.k};
	struct blas_matrix b = {c->in[1], g->tb ? z.k : z.n};
	product *f = products[g->ta][g->tb];

	if (g->alpha == 1.0) {
		if (biased)
			fill_bias(c, &z);
		f(z.m, z.n, z.k, a, b, biased ? 1.0f : 0.0f, c->out, z.n);
		return;
	}
	f(z.m, z.n, z.k, a, b, 0.0f, c->out, z.n);
	scale(z.m * z.n, (float)g->alpha, c->out, c->out);
	if (!biased)
		return;
	for (size_t i = 0; i < z.m; i++)
		for (size_t j = 0; j < z.n; j++)
			c->out[i * z.n + j] +=
			    (float)g->beta * c->in[2][i * z.c[0] + j * z.c[1]];
}

VECTOR static void
backward_bias(const struct op_call *c, const struct sizes *z)
{
	const struct gemm *g = c->step->cfg;
	float beta = (float)g->beta;

	if (!c->add[2])
		memset(c->din[2], 0,
		    shape_elements(c->shape_in[2]) * sizeof(*c->din[2]));
	for (size_t i = 0; i < z->m; i++) {
		const float *dy = c->dout + i * z->n;
		float *db = c->din[2] + i * z->c[0], sum = 0.0f;

		if (z->c[1] != 0) {
			for (size_t j = 0; j < z->n; j++)
				db[j] += beta * dy[j];
			continue;
		}
		for (size_t j = 0; j < z->n; j++)
			sum += dy[j];
		*db += beta * sum;
	}
}

static void
gemm_backward(const struct op_call *c)
{
	const struct gemm *g = c->step->cfg;
	struct sizes z = sizes(c->step, c->shape_in);
	struct blas_matrix dy = {c->dout, z.n};
	struct blas_matrix a = {c->in[0], g->ta ? z.m : z.k};
	struct blas_matrix b = {c->in[1], g->tb ? z.k : z.n};

	if (g->alpha != 1.0) {
		scale(z.m * z.n, (float)g->alpha, c->dout, c->scratch);
		dy.p = c->scratch;
	}
	/* in the order of the inputs: one value may be several of them */
	if (c->din[0] != NULL && !g->ta) /* dA = dy op(B)' */
		products[0][!g->tb](
		    z.m, z.k, z.n, dy, b, c->add[0], c->din[0], z.k);
	else if (c->din[0] != NULL) /* dA = op(B) dy' */
		products[g->tb][1](
		    z.k, z.m, z.n, b, dy, c->add[0], c->din[0], z.m);
	if (c->din[1] != NULL && !g->tb) /* dB = op(A)' dy */
		products[!g->ta][0](
		    z.k, z.n, z.m, a, dy, c->add[1], c->din[1], z.n);
	else if (c->din[1] != NULL) /* dB = dy' op(A) */
		products[1][g->ta](
		    z.n, z.k, z.m, dy, a, c->add[1], c->din[1], z.k);
	if (bias_shape(c->step, c->shape_in) != NULL && c->din[2] != NULL)
		backward_bias(c, &z);
}

const struct op op_gemm = {
    .name = "Gemm",
    .min_in = 2,
    .max_in = 3,
    .layout = OP_ROWS,
    .weights = 1 << 0 | 1 << 1 | 1 << 2,
    .keep = OP_KEEP_IN_FOR_WEIGHTS,
    .build = gemm_build,
    .infer = gemm_infer,
    .eval = gemm_eval,
    .forward = gemm_forward,
    .backward = gemm_backward,
};
