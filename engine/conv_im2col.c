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
static inline void
copy_taps(size_t taps, size_t cg, size_t step, const float *x, float *col)
{
	for (size_t t = 0; t < taps; t++)
		for (size_t i = 0; i < cg; i++)
			col[t * cg + i] = x[t * step + i];
}

static void
get_taps(size_t taps, size_t cg, size_t step, const float *x, float *col)
{
	/* loops of a known length cost less than calls of memcpy */
	if (step == cg)
		memcpy(col, x, taps * cg * sizeof(*col));
	else if (cg == 1)
		copy_taps(taps, 1, step, x, col);
	else if (cg == 4)
		copy_taps(taps, 4, step, x, col);
	else if (cg == 8)
		copy_taps(taps, 8, step, x, col);
	else if (cg == 16)
		copy_taps(taps, 16, step, x, col);
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

/*
 * Window by window of one line: col (Q x depth) from x, which begins at the
 * group's first channel of an image, or dx += col.
 */
static void
move_line(
    const struct conv_geom *g, size_t line, float *x, float *col, bool back)
{
	const struct window_fit *f = &g->f;
	size_t d = line / f->out[1] % f->out[0], h = line % f->out[1];
	struct window_span z = window_span(f, 0, d), y = window_span(f, 1, h);
	size_t row = f->size[2] * g->cg;

	for (size_t q = 0; q < f->out[2]; q++) {
		struct window_span s = window_span(f, 2, q);

		for (size_t i = 0; i < f->size[0]; i++)
			for (size_t j = 0; j < f->size[1]; j++, col += row) {
				size_t at;

				if (i < z.from || i >= z.to || j < y.from ||
				    j >= y.to) {
					if (!back)
						memset(
						    col, 0, row * sizeof(*col));
					continue;
				}
				at = z.at + (i - z.from) * f->dilation[0];
				at = at * f->in[1] + y.at +
				     (j - y.from) * f->dilation[1];
				at = at * f->in[2] + s.at;
				move_row(g, s, x + at * g->c, col, back);
			}
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
