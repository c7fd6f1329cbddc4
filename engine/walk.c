/* SPDX-License-Identifier: MIT */
#include "engine/walk.h"

int
walk_infer(const struct step *s, const struct shape *a, const struct shape *b,
    struct shape *out, struct err *e)
{
	size_t rank = MAX(a->rank, b->rank);
	bool last = (a->layout == LAYOUT_LAST && a->rank >= 3) ||
		    (b->layout == LAYOUT_LAST && b->rank >= 3);

	*out = (struct shape){
	    .rank = rank, .layout = last ? LAYOUT_LAST : LAYOUT_ROWS};
	for (size_t i = 0; i < rank; i++) {
		size_t x = i + a->rank < rank ? 1 : a->dim[i + a->rank - rank];
		size_t y = i + b->rank < rank ? 1 : b->dim[i + b->rank - rank];

		if (x != y && x != 1 && y != 1)
			return op_bad(
			    s, e, "sizes %zu and %zu on axis %zu", x, y, i);
		out->dim[i] = x == 1 ? y : x;
	}
	return 0;
}

/* Strides of x along the axes of the output, 0 where it is broadcast. */
static void
strides_in(const struct shape *x, const struct shape *out, bool rows,
    size_t stride[MODEL_MAX_RANK])
{
	size_t own[MODEL_MAX_RANK], pad = out->rank - x->rank;

	if (rows)
		shape_row_strides(x, own);
	else
		shape_strides(x, own);
	for (size_t i = 0; i < out->rank; i++)
		stride[i] = i < pad || x->dim[i - pad] == 1 ? 0 : own[i - pad];
}

/* Add an axis inside of those there are, merged with the last if that goes. */
static void
push(struct walk *w, size_t dim, size_t a, size_t b)
{
	size_t k = w->rank;

	if (dim == 1)
		return;
	if (k > 0 && w->stride[0][k - 1] == a * dim &&
	    w->stride[1][k - 1] == b * dim) {
		k--;
		dim *= w->dim[k];
	} else {
		w->rank++;
	}
	w->dim[k] = dim;
	w->stride[0][k] = a;
	w->stride[1][k] = b;
}

void
walk_begin(struct walk *w, const struct shape *a, const struct shape *b,
    const struct shape *out, bool rows)
{
	size_t sa[MODEL_MAX_RANK], sb[MODEL_MAX_RANK];
	bool last = !rows && out->layout == LAYOUT_LAST && out->rank >= 3;

	*w = (struct walk){.n = 1};
	strides_in(a, out, rows, sa);
	strides_in(b, out, rows, sb);
	for (size_t i = 0; i < out->rank; i++) {
		size_t k = !last || i == 0 ? i : i + 1 < out->rank ? i + 1 : 1;

		push(w, out->dim[k], sa[k], sb[k]);
		w->done = w->done || out->dim[k] == 0;
	}
	if (w->rank == 0)
		return;
	w->rank--;
	w->n = w->dim[w->rank];
	w->step[0] = w->stride[0][w->rank];
	w->step[1] = w->stride[1][w->rank];
}

bool
walk_next(struct walk *w)
{
	w->out += w->n;
	for (size_t k = w->rank; k-- > 0;) {
		w->at[0] += w->stride[0][k];
		w->at[1] += w->stride[1][k];
		if (++w->index[k] < w->dim[k])
			return true;
		w->at[0] -= w->dim[k] * w->stride[0][k];
		w->at[1] -= w->dim[k] * w->stride[1][k];
		w->index[k] = 0;
	}
	w->done = true;
	return false;
}
