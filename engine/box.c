/* SPDX-License-Identifier: MIT */
#include "engine/box.h"

#include "engine/vector.h"

VECTOR static void
move_line(size_t n, const float *from, ptrdiff_t fs, float *to, ptrdiff_t ts,
    float scale, bool add)
{
	if (fs == 1 && ts == 1) {
		for (size_t i = 0; i < n; i++)
			to[i] = add ? to[i] + scale * from[i] : scale * from[i];
		return;
	}
	for (size_t i = 0; i < n; i++, from += fs, to += ts) {
		float v = scale * *from;

		*to = add ? *to + v : v;
	}
}

static size_t
reach(const struct box *b, size_t axis)
{
	ptrdiff_t f = b->from.stride[axis], t = b->to.stride[axis];

	return (size_t)(f < 0 ? -f : f) + (size_t)(t < 0 ? -t : t);
}

static void
exchange(struct box *b, size_t i, size_t j)
{
	size_t dim = b->dim[i];
	ptrdiff_t from = b->from.stride[i], to = b->to.stride[i];

	b->dim[i] = b->dim[j];
	b->from.stride[i] = b->from.stride[j];
	b->to.stride[i] = b->to.stride[j];
	b->dim[j] = dim;
	b->from.stride[j] = from;
	b->to.stride[j] = to;
}

/* Axes of length 1 dropped, the others with the widest stride first. */
static struct box
sorted(const struct box *b)
{
	struct box s = *b;

	s.rank = 0;
	for (size_t i = 0; i < b->rank; i++) {
		if (b->dim[i] == 1)
			continue;
		s.dim[s.rank] = b->dim[i];
		s.from.stride[s.rank] = b->from.stride[i];
		s.to.stride[s.rank] = b->to.stride[i];
		for (size_t k = s.rank++; k > 0; k--) {
			if (reach(&s, k) <= reach(&s, k - 1))
				break;
			exchange(&s, k, k - 1);
		}
	}
	if (s.rank == 0) {
		s.rank = 1;
		s.dim[0] = 1;
	}
	return s;
}

static bool
is_empty(const struct box *b)
{
	for (size_t i = 0; i < b->rank; i++)
		if (b->dim[i] == 0)
			return true;
	return false;
}

/* Offsets of the lines of a box, one after the other. */
struct lines {
	const struct box *b;
	size_t at[MODEL_MAX_RANK];
	ptrdiff_t from, to;
};

static bool
next_line(struct lines *l)
{
	const struct box *b = l->b;

	for (size_t k = b->rank - 1; k-- > 0;) {
		l->from += b->from.stride[k];
		l->to += b->to.stride[k];
		if (++l->at[k] < b->dim[k])
			return true;
		l->from -= (ptrdiff_t)b->dim[k] * b->from.stride[k];
		l->to -= (ptrdiff_t)b->dim[k] * b->to.stride[k];
		l->at[k] = 0;
	}
	return false;
}

void
box_move(
    const struct box *box, const float *from, float *to, float scale, bool add)
{
	struct box b = sorted(box);
	struct lines l = {.b = &b,
	    .from = (ptrdiff_t)b.from.base,
	    .to = (ptrdiff_t)b.to.base};
	size_t last = b.rank - 1;

	if (is_empty(box))
		return;
	do {
		move_line(b.dim[last], from + l.from, b.from.stride[last],
		    to + l.to, b.to.stride[last], scale, add);
	} while (next_line(&l));
}

void
box_numbers(const struct box *box, const union number *from, union number *to)
{
	struct box b = sorted(box);
	struct lines l = {.b = &b,
	    .from = (ptrdiff_t)b.from.base,
	    .to = (ptrdiff_t)b.to.base};
	size_t last = b.rank - 1;

	if (is_empty(box))
		return;
	do {
		const union number *f = from + l.from;
		union number *t = to + l.to;

		for (size_t i = 0; i < b.dim[last]; i++)
			t[(ptrdiff_t)i * b.to.stride[last]] =
			    f[(ptrdiff_t)i * b.from.stride[last]];
	} while (next_line(&l));
}

void
box_strides(struct box_side *side, const struct shape *s, bool rows)
{
	size_t stride[MODEL_MAX_RANK];

	if (rows)
		shape_row_strides(s, stride);
	else
		shape_strides(s, stride);
	for (size_t i = 0; i < s->rank; i++)
		side->stride[i] = (ptrdiff_t)stride[i];
}

struct box
box_turned(const struct box *b)
{
	struct box t = *b;

	t.from = b->to;
	t.to = b->from;
	return t;
}
