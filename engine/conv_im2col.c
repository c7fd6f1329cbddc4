/* SPDX-License-Identifier: MIT
 * Convolution as matrix products: windows are copied into rows (im2col), some
 * lines of output pixels at a time, then one product per group:
 *     y (pixels x kg)  = col (pixels x depth) w'
 *     dcol             = dy w,   dx = col2im(dcol)
 *     dw               = dy' col
 * 1x1 convolutions of stride 1 use x itself as col.  A line is a row of
 * output pixels; lines are counted through all images.
 */
#include "engine/blas.h"
#include "engine/conv.h"

/* Pixels of one product: enough rows for BLAS, col near the L2 cache. */
#define PRODUCT_ROWS 784

/* 1x1, stride 1, no padding, one group */
static bool
is_direct(const struct conv_geom *g)
{
	bool direct = g->group == 1 && g->f.taps == 1;

	for (size_t i = 0; i < WINDOW_AXES; i++)
		direct = direct && g->f.stride[i] == 1 && g->f.pad[i] == 0 &&
			 g->f.out[i] == g->f.in[i];
	return direct;
}

static size_t
total_lines(const struct conv_geom *g)
{
	return g->n * g->f.out[0] * g->f.out[1];
}

static size_t
product_lines(const struct conv_geom *g)
{
	return MIN(total_lines(g), MAX(1, PRODUCT_ROWS / g->f.out[2]));
}

static bool
fits(const struct conv_geom *g)
{
	(void)g;
	return true;
}

static bool
scratch(const struct conv_geom *g, size_t *n)
{
	*n = 0;
	return is_direct(g) || (!ckd_mul(n, product_lines(g), g->f.out[2]) &&
				   !ckd_mul(n, *n, g->depth));
}

/* --- im2col -------------------------------------------------------------- */

/* Taps in a row of a window: cg floats each, `step` apart in x. */
static void
get_taps(size_t taps, size_t cg, size_t step, const float *x, float *col)
{
	if (step == cg)
		memcpy(col, x, taps * cg * sizeof(*col));
	else
		for (size_t t = 0; t < taps; t++)
			memcpy(col + t * cg, x + t * step, cg * sizeof(*col));
}

/* The adjoint: what each tap received. */
VECTOR static void
put_taps(size_t taps, size_t cg, size_t step, const float *restrict col,
    float *restrict x)
{
	if (step == cg) {
		for (size_t i = 0; i < taps * cg; i++)
			x[i] += col[i];
		return;
	}
	for (size_t t = 0; t < taps; t++)
		for (size_t i = 0; i < cg; i++)
			x[t * step + i] += col[t * cg + i];
}

/* One row of taps: `col` has size[2] * cg floats, s.to - s.from are inside. */
static void
move_row(const struct conv_geom *g, struct window_span s, float *x, float *col,
    bool back)
{
	size_t cg = g->cg, step = g->f.dilation[2] * g->c;
	size_t behind = g->f.size[2] - s.to;

	if (back) {
		put_taps(s.to - s.from, cg, step, col + s.from * cg, x);
		return;
	}
	if (s.from > 0)
		memset(col, 0, s.from * cg * sizeof(*col));
	get_taps(s.to - s.from, cg, step, x, col + s.from * cg);
	if (behind > 0)
		memset(col + s.to * cg, 0, behind * cg * sizeof(*col));
}

/* Rows of taps that are wholly inside: n windows, `taps` pieces of cg floats
 * each; pieces are `step` apart in x, windows x_next and col_next. */
struct rows {
	size_t n, taps, cg, step, x_next, col_next;
};

/* `unit` divides cg and is a constant: calls of memcpy would cost more. */
static inline __attribute__((always_inline)) void
get_units(const struct rows *r, const float *x, float *col, size_t unit)
{
	for (size_t q = 0; q < r->n; q++, x += r->x_next, col += r->col_next)
		for (size_t t = 0; t < r->taps; t++)
			for (size_t i = 0; i < r->cg; i += unit)
				memcpy(col + t * r->cg + i, x + t * r->step + i,
				    unit * sizeof(*col));
}

VECTOR static void
get_rows(const struct rows *r, const float *x, float *col)
{
	if (r->cg % 16 == 0)
		get_units(r, x, col, 16);
	else if (r->cg % 8 == 0)
		get_units(r, x, col, 8);
	else if (r->cg % 4 == 0)
		get_units(r, x, col, 4);
	else
		get_units(r, x, col, 1);
}

static inline __attribute__((always_inline)) void
put_units(const struct rows *r, const float *restrict col, float *restrict x,
    size_t unit)
{
	for (size_t q = 0; q < r->n; q++, x += r->x_next, col += r->col_next)
		for (size_t t = 0; t < r->taps; t++)
			for (size_t i = 0; i < r->cg; i += unit)
				for (size_t k = i; k < i + unit; k++)
					x[t * r->step + k] +=
					    col[t * r->cg + k];
}

VECTOR static void
put_rows(const struct rows *r, const float *col, float *x)
{
	if (r->cg % 16 == 0)
		put_units(r, col, x, 16);
	else if (r->cg % 8 == 0)
		put_units(r, col, x, 8);
	else
		put_units(r, col, x, 1);
}

/* The same row of taps of windows [q, q + r.n) of a line. */
static void
move_rows(const struct conv_geom *g, float *x, float *col, size_t q, size_t n,
    bool back)
{
	const struct window_fit *f = &g->f;
	struct rows r = {n, f->size[2], g->cg, f->dilation[2] * g->c,
	    f->stride[2] * g->c, g->depth};

	if (r.step == r.cg) { /* in one piece */
		r.cg *= r.taps;
		r.taps = 1;
	}
	x += (q * f->stride[2] - f->pad[2]) * g->c;
	col += q * g->depth;
	if (back)
		put_rows(&r, col, x);
	else
		get_rows(&r, x, col);
}

/* Outputs [from, to) of a line meet all taps of a row. */
static void
inside(const struct window_fit *f, size_t *from, size_t *to)
{
	size_t span = (f->size[2] - 1) * f->dilation[2];
	size_t end = f->in[2] + f->pad[2], stride = f->stride[2];

	*from = MIN((f->pad[2] + stride - 1) / stride, f->out[2]);
	*to = end > span ? (end - span - 1) / stride + 1 : 0;
	*to = MAX(MIN(*to, f->out[2]), *from);
}

/*
 * The row of taps at `col` of every window of a line, which is the line of
 * pixels x, or NULL where these are outside; or x += col.
 */
static void
move_taps(const struct conv_geom *g, float *x, float *col, bool back)
{
	const struct window_fit *f = &g->f;
	size_t from, to, row = f->size[2] * g->cg;

	if (x == NULL) {
		for (size_t q = 0; !back && q < f->out[2]; q++)
			memset(col + q * g->depth, 0, row * sizeof(*col));
		return;
	}
	inside(f, &from, &to);
	for (size_t q = 0; q < f->out[2]; q++) {
		struct window_span s;

		if (q == from && to > from) {
			move_rows(g, x, col, from, to - from, back);
			q = to - 1;
			continue;
		}
		s = window_span(f, 2, q);
		move_row(g, s, x + s.at * g->c, col + q * g->depth, back);
	}
}

/*
 * Windows of one line: col (Q x depth) from x, which begins at the group's
 * first channel of an image, or dx += col.  A pixel meets only one row of
 * taps, so that the order of these does not matter.
 */
static void
move_line(
    const struct conv_geom *g, size_t line, float *x, float *col, bool back)
{
	const struct window_fit *f = &g->f;
	size_t d = line / f->out[1] % f->out[0], h = line % f->out[1];
	struct window_span z = window_span(f, 0, d), y = window_span(f, 1, h);
	size_t row = f->size[2] * g->cg;

	for (size_t i = 0; i < f->size[0]; i++)
		for (size_t j = 0; j < f->size[1]; j++, col += row) {
			bool in =
			    i >= z.from && i < z.to && j >= y.from && j < y.to;
			size_t at = z.at + (i - z.from) * f->dilation[0];

			at = at * f->in[1] + y.at +
			     (j - y.from) * f->dilation[1];
			move_taps(
			    g, in ? x + at * f->in[2] * g->c : NULL, col, back);
		}
}

static void
move_lines(const struct conv_geom *g, size_t line, size_t n, size_t group,
    float *x, float *col, bool back)
{
	size_t image = g->f.inputs * g->c, lines = g->f.out[0] * g->f.out[1];

	for (size_t i = 0; i < n; i++, line++)
		move_line(g, line, x + line / lines * image + group * g->cg,
		    col + i * g->f.out[2] * g->depth, back);
}

/* --- products ------------------------------------------------------------ */

/* col of n lines of one group, or x itself. */
static struct blas_matrix
columns(const struct op_call *c, const struct conv_geom *g, size_t line,
    size_t n, size_t group)
{
	if (is_direct(g))
		return (struct blas_matrix){
		    c->in[0] + line * g->f.out[2] * g->c, g->c};
	/* only read when not going back */
	move_lines(
	    g, line, n, group, (float *)(uintptr_t)c->in[0], c->scratch, false);
	return (struct blas_matrix){c->scratch, g->depth};
}

static struct blas_matrix
weights(const struct op_call *c, const struct conv_geom *g, size_t group)
{
	return (struct blas_matrix){
	    c->in[1] + group * g->kg * g->depth, g->depth};
}

/* The output's (or its gradient's) lines, one group. */
static size_t
output_at(const struct conv_geom *g, size_t line, size_t group)
{
	return line * g->f.out[2] * g->k + group * g->kg;
}

static void
forward(const struct op_call *c, const struct conv_geom *g)
{
	size_t lines = total_lines(g), most = product_lines(g);
	const float *b = conv_bias(c), *rest = conv_rest(c);

	for (size_t i = 0; i < lines; i += most) {
		size_t n = MIN(most, lines - i);

		for (size_t k = 0; k < g->group; k++) {
			size_t at = output_at(g, i, k);
			struct gemm_end end = {
			    .bias = b != NULL ? b + k * g->kg : NULL,
			    .add = rest != NULL ? rest + at : NULL,
			    .lo = g->bounds.lo,
			    .hi = g->bounds.hi};

			blas_nt_end(n * g->f.out[2], g->kg, g->depth,
			    columns(c, g, i, n, k), weights(c, g, k),
			    c->out + at, g->k, &end);
		}
	}
}

static void
backward_data(const struct op_call *c, const struct conv_geom *g)
{
	size_t lines = total_lines(g), most = product_lines(g);
	bool direct = is_direct(g);
	float *dx = c->din[0];

	if (!c->add[0] && !direct)
		memset(dx, 0, g->n * g->f.inputs * g->c * sizeof(*dx));
	for (size_t i = 0; i < lines; i += most) {
		size_t n = MIN(most, lines - i), rows = n * g->f.out[2];

		for (size_t k = 0; k < g->group; k++) {
			struct blas_matrix dy = {
			    c->dout + output_at(g, i, k), g->k};

			if (direct) {
				blas_nn(rows, g->c, g->k, dy, weights(c, g, k),
				    c->add[0], dx + i * g->f.out[2] * g->c,
				    g->c);
				continue;
			}
			blas_nn(rows, g->depth, g->kg, dy, weights(c, g, k),
			    0.0f, c->scratch, g->depth);
			move_lines(g, i, n, k, dx, c->scratch, true);
		}
	}
}

static void
backward_weights(const struct op_call *c, const struct conv_geom *g)
{
	size_t lines = total_lines(g), most = product_lines(g);
	bool add = c->add[1];

	for (size_t i = 0; i < lines; i += most, add = true) {
		size_t n = MIN(most, lines - i);

		for (size_t k = 0; k < g->group; k++) {
			struct blas_matrix dy = {
			    c->dout + output_at(g, i, k), g->k};

			blas_tn(g->kg, g->depth, n * g->f.out[2], dy,
			    columns(c, g, i, n, k), add,
			    c->din[1] + k * g->kg * g->depth, g->depth);
		}
	}
}

const struct conv_way conv_im2col = {
    .fits = fits,
    .scratch = scratch,
    .forward = forward,
    .backward_data = backward_data,
    .backward_weights = backward_weights,
};
