/* SPDX-License-Identifier: MIT */
#include "base/assign.h"

#include "base/arena.h"

#include <math.h>

struct work {
	size_t n;
	const double *cost;
	double *row, *col;   /* potentials; index 0 is the unassigned one */
	double *least;       /* reduced cost of the cheapest way to a column */
	size_t *owner, *way; /* row of a column, column before it */
	bool *used;
};

/* Grow the tree from row i until it meets a free column; that column. */
static size_t
shortest(struct work *w, size_t i)
{
	size_t at = 0;

	w->owner[0] = i;
	for (size_t j = 0; j <= w->n; j++) {
		w->least[j] = INFINITY;
		w->used[j] = false;
	}
	do {
		size_t row = w->owner[at], next = 0;
		double delta = INFINITY;

		w->used[at] = true;
		for (size_t j = 1; j <= w->n; j++) {
			double c;

			if (w->used[j])
				continue;
			c = w->cost[(row - 1) * w->n + j - 1] - w->row[row] -
			    w->col[j];
			if (c < w->least[j]) {
				w->least[j] = c;
				w->way[j] = at;
			}
			if (w->least[j] < delta) {
				delta = w->least[j];
				next = j;
			}
		}
		for (size_t j = 0; j <= w->n; j++) {
			if (w->used[j]) {
				w->row[w->owner[j]] += delta;
				w->col[j] -= delta;
			} else {
				w->least[j] -= delta;
			}
		}
		at = next;
	} while (w->owner[at] != 0);
	return at;
}

double
assign_least(size_t n, const double *cost, size_t *to)
{
	struct work w = {.n = n, .cost = cost};
	struct arena a;
	double sum = 0.0;

	arena_init(&a, SIZE_MAX);
	w.row = arena_alloc(&a, n + 1, sizeof(*w.row));
	w.col = arena_alloc(&a, n + 1, sizeof(*w.col));
	w.least = arena_alloc(&a, n + 1, sizeof(*w.least));
	w.owner = arena_alloc(&a, n + 1, sizeof(*w.owner));
	w.way = arena_alloc(&a, n + 1, sizeof(*w.way));
	w.used = arena_alloc(&a, n + 1, sizeof(*w.used));
	if (w.row == NULL || w.col == NULL || w.least == NULL ||
	    w.owner == NULL || w.way == NULL || w.used == NULL)
		BUG("out of memory");
	for (size_t i = 1; i <= n; i++) {
		size_t at = shortest(&w, i);

		while (at != 0) {
			size_t before = w.way[at];

			w.owner[at] = w.owner[before];
			at = before;
		}
	}
	for (size_t j = 1; j <= n; j++) {
		to[w.owner[j] - 1] = j - 1;
		sum += cost[(w.owner[j] - 1) * n + j - 1];
	}
	arena_release(&a);
	return sum;
}
