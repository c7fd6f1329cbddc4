/* SPDX-License-Identifier: MIT */
#include "engine/box.h"

#include "engine/vector.h"

VECTOR static void
move_line(size_t n, const float *from, size_t fs, float *to, size_t ts,
    float scale, bool add)
{
	if (fs == 1 && ts == 1) {
		for (size_t i = 0; i < n; i++)
			to[i] = add ? to[i] + scale * from[i] : scale * from[i];
		return;
	}
	for (size_t i = 0; i < n; i++) {
		float v = scale * from[i * fs];

		to[i * ts] = add ? to[i * ts] + v : v;
	}
}

static void
swap(size_t *a, size_t i, size_t j)
{
	size_t t = a[i];

	a[i] = a[j];
	a[j] = t;
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
			if (s.from.stride[k] + s.to.stride[k] <=
			    s.from.stride[k - 1] + s.to.stride[k - 1])
				break;
			swap(s.dim, k, k - 1);
			swap(s.from.stride, k, k - 1);
			swap(s.to.stride, k, k - 1);
		}
	}
	if (s.rank == 0) {
		s.rank = 1;
		s.dim[0] = 1;
	}
	return s;
}

void
box_move(
    const struct box *box, const float *from, float *to, float scale, bool add)
{
	struct box b = sorted(box);
	size_t at[MODEL_MAX_RANK] = {0}, last = b.rank - 1, k;

	for (size_t i = 0; i < b.rank; i++)
		if (b.dim[i] == 0)
			return;
	from += b.from.base;
	to += b.to.base;
	do {
		move_line(b.dim[last], from, b.from.stride[last], to,
		    b.to.stride[last], scale, add);
		for (k = last; k-- > 0;) {
			from += b.from.stride[k];
			to += b.to.stride[k];
			if (++at[k] < b.dim[k])
				break;
			from -= b.dim[k] * b.from.stride[k];
			to -= b.dim[k] * b.to.stride[k];
			at[k] = 0;
		}
	} while (k != SIZE_MAX);
}

struct box
box_turned(const struct box *b)
{
	struct box t = *b;

	t.from = b->to;
	t.to = b->from;
	return t;
}
