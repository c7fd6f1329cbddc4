/* SPDX-License-Identifier: MIT
 * MatMul as numpy.matmul: the last two axes are matrices, (m, k) times (k, n),
 * the others are broadcast against each other; a vector is a row on the left,
 * a column on the right, and that axis goes away again.  A right side that is
 * one matrix meets all rows of the left side in one product.  engine/fuse.c
 * adds a third input, a vector that is added to all rows.
 */
#include "engine/blas.h"
#include "engine/op.h"

#include <math.h>

struct product {
	size_t m, n, k;
	size_t count; /* of matrices in the output */
	size_t rank, dim[MODEL_MAX_RANK];
	/* elements from one matrix to the next; 0: broadcast */
	size_t step[2][MODEL_MAX_RANK];
	bool again[2]; /* a matrix of that side is used more than once */
};

/* The dimension of axis i from the end, 1 where there is none. */
static size_t
from_end(const struct shape *x, size_t i)
{
	return i < x->rank ? x->dim[x->rank - 1 - i] : 1;
}

/* The same among the axes that are no matrix's. */
static size_t
batch_dim(const struct shape *x, size_t i)
{
	return from_end(x, i + 2);
}

static int
matmul_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	const struct shape *a = in[0], *b = in[1];
	size_t batch = MAX(MAX(a->rank, b->rank), 2) - 2, k;

	if (a->rank == 0 || b->rank == 0)
		return op_bad(s, e, "a side of rank 0");
	k = b->rank == 1 ? b->dim[0] : from_end(b, 1);
	if (from_end(a, 0) != k)
		return op_bad(s, e, "%zu features meet a weight for %zu",
		    from_end(a, 0), k);
	if (shape_real(a) != shape_real(b))
		return op_bad(s, e, "operands of different types");
	*out = (struct shape){0};
	for (size_t i = batch; i-- > 0;) {
		size_t x = batch_dim(a, i), y = batch_dim(b, i);

		if (x != y && x != 1 && y != 1)
			return op_bad(s, e, "%zu matrices meet %zu", x, y);
		out->dim[out->rank++] = x == 1 ? y : x;
	}
	if (a->rank > 1)
		out->dim[out->rank++] = from_end(a, 1);
	if (b->rank > 1)
		out->dim[out->rank++] = from_end(b, 0);
	if (s->nin > 2 && (b->rank < 2 || in[2] == NULL || in[2]->rank != 1 ||
			      in[2]->dim[0] != from_end(b, 0) ||
			      !shape_real(a) || !shape_real(in[2])))
		return op_bad(s, e, "what is added has another shape");
	need->taps = k;
	return 0;
}

/* Steps of one side; whether it is broadcast. */
static void
side(struct product *p, size_t which, const struct shape *x, size_t matrix)
{
	size_t run = matrix;

	for (size_t i = 0; i < p->rank; i++) {
		size_t axis = p->rank - 1 - i, d = batch_dim(x, i);

		p->step[which][axis] = d == 1 ? 0 : run;
		p->again[which] = p->again[which] || d != p->dim[axis];
		run *= d;
	}
}

static struct product
product(const struct shape *const *in)
{
	const struct shape *a = in[0], *b = in[1];
	struct product p = {
	    .m = a->rank > 1 ? from_end(a, 1) : 1,
	    .n = b->rank > 1 ? from_end(b, 0) : 1,
	    .k = from_end(a, 0),
	    .count = 1,
	    .rank = MAX(MAX(a->rank, b->rank), 2) - 2,
	};
	size_t right = 1;

	for (size_t i = 0; i < p.rank; i++) {
		size_t x = batch_dim(a, i), y = batch_dim(b, i);

		p.dim[p.rank - 1 - i] = x == 1 ? y : x;
		p.count *= x == 1 ? y : x;
		right *= y;
	}
	side(&p, 0, a, p.m * p.k);
	side(&p, 1, b, p.k * p.n);
	if (right == 1) { /* one matrix for all rows */
		p.m *= p.count;
		p.count = 1;
		p.rank = 0;
		p.again[1] = false;
	}
	return p;
}

/* Where the matrices of product i begin. */
static void
offsets(const struct product *p, size_t i, size_t at[2])
{
	at[0] = at[1] = 0;
	for (size_t k = p->rank; k-- > 0;) {
		at[0] += i % p->dim[k] * p->step[0][k];
		at[1] += i % p->dim[k] * p->step[1][k];
		i /= p->dim[k];
	}
}

static union number
element(const struct product *p, const union number *a, const union number *b,
    bool real)
{
	union number y = {.i = 0};

	if (real)
		y.f = 0.0;
	for (size_t k = 0; k < p->k; k++) {
		union number x = a[k], w = b[k * p->n];

		if (real)
			y.f += x.f * w.f;
		else /* wraps around */
			y.i = (int64_t)((uint64_t)y.i +
					(uint64_t)x.i * (uint64_t)w.i);
	}
	return y;
}

static int
matmul_eval(const struct step *s, const struct shape *const *in,
    const struct shape *out, union number *v, struct err *e)
{
	struct product p = product(in);
	size_t at[2];

	(void)e;
	for (size_t i = 0; i < shape_elements(out); i++) {
		size_t row = i / p.n % p.m, col = i % p.n;

		offsets(&p, i / p.n / p.m, at);
		v[i] = element(&p, in[0]->known + at[0] + row * p.k,
		    in[1]->known + at[1] + col, shape_real(out));
		if (s->nin > 2)
			v[i].f += in[2]->known[col].f;
	}
	return 0;
}

static void
matmul_forward(const struct op_call *c)
{
	struct product p = product(c->shape_in);
	struct gemm_end end = {.bias = c->step->nin > 2 ? c->in[2] : NULL,
	    .lo = -INFINITY,
	    .hi = INFINITY};

	for (size_t i = 0; i < p.count; i++) {
		struct blas_matrix a, b;
		size_t at[2];

		offsets(&p, i, at);
		a = (struct blas_matrix){c->in[0] + at[0], p.k};
		b = (struct blas_matrix){c->in[1] + at[1], p.n};
		if (end.bias != NULL)
			blas_nn_end(p.m, p.n, p.k, a, b, c->out + i * p.m * p.n,
			    p.n, &end);
		else
			blas_nn(p.m, p.n, p.k, a, b, 0.0f,
			    c->out + i * p.m * p.n, p.n);
	}
}

/* What is added to several times starts at zero. */
static float
start(const struct op_call *c, const struct product *p, size_t which)
{
	if (!p->again[which] || c->add[which])
		return c->add[which] ? 1.0f : 0.0f;
	memset(c->din[which], 0,
	    shape_elements(c->shape_in[which]) * sizeof(*c->din[which]));
	return 1.0f;
}

/* dA = dy B' */
static void
backward_left(const struct op_call *c, const struct product *p)
{
	float beta = start(c, p, 0);

	for (size_t i = 0; i < p->count; i++) {
		size_t at[2];

		offsets(p, i, at);
		blas_nt(p->m, p->k, p->n,
		    (struct blas_matrix){c->dout + i * p->m * p->n, p->n},
		    (struct blas_matrix){c->in[1] + at[1], p->n}, beta,
		    c->din[0] + at[0], p->k);
	}
}

/* dB = A' dy */
static void
backward_right(const struct op_call *c, const struct product *p)
{
	float beta = start(c, p, 1);

	for (size_t i = 0; i < p->count; i++) {
		size_t at[2];

		offsets(p, i, at);
		blas_tn(p->k, p->n, p->m,
		    (struct blas_matrix){c->in[0] + at[0], p->k},
		    (struct blas_matrix){c->dout + i * p->m * p->n, p->n}, beta,
		    c->din[1] + at[1], p->n);
	}
}

VECTOR static void
backward_bias(const struct op_call *c)
{
	size_t n = c->shape_in[2]->dim[0];
	float *restrict d = c->din[2];

	if (!c->add[2])
		memset(d, 0, n * sizeof(*d));
	for (size_t i = 0; i < shape_elements(c->shape_out); i += n)
		for (size_t k = 0; k < n; k++)
			d[k] += c->dout[i + k];
}

static void
matmul_backward(const struct op_call *c)
{
	struct product p = product(c->shape_in);

	if (c->din[0] != NULL)
		backward_left(c, &p);
	if (c->din[1] != NULL)
		backward_right(c, &p);
	if (c->step->nin > 2 && c->din[2] != NULL)
		backward_bias(c);
}

const struct op op_matmul = {
    .name = "MatMul",
    .min_in = 2,
    .max_in = 3,
    .layout = OP_ROWS,
    .weights = 1 << 0 | 1 << 1 | 1 << 2,
    .keep = OP_KEEP_IN_FOR_WEIGHTS,
    .infer = matmul_infer,
    .eval = matmul_eval,
    .forward = matmul_forward,
    .backward = matmul_backward,
};
