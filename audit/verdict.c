/* SPDX-License-Identifier: MIT */
#include "audit/verdict.h"

#include "base/arena.h"
#include "base/stat.h"

#include <math.h>

static const struct {
	const char *geometry;
	double spread;
} null_table[] = {
#define NULL_SPREAD(g, s) {#g, s},
#include "audit/null.def"
#undef NULL_SPREAD
};

double
verdict_spread(const char *geometry)
{
	for (size_t i = 0; i < ARRAY_LEN(null_table); i++)
		if (strcmp(null_table[i].geometry, geometry) == 0)
			return null_table[i].spread;
	return 0.0;
}

const char *
verdict_name(enum verdict v)
{
	static const char *const name[] = {
	    "no-evidence", "inconclusive", "evidence"};

	return name[v];
}

static void
residuals(struct verdict_cell *cell, size_t classes, double spread, double *v)
{
	double middle;

	for (size_t t = 0; t < classes; t++) {
		cell[t].residual =
		    log(cell[t].reference) - log(cell[t].suspect);
		v[t] = cell[t].residual;
	}
	middle = stat_median(v, classes);
	for (size_t t = 0; t < classes; t++) {
		cell[t].residual -= middle;
		cell[t].z = cell[t].residual / spread;
		cell[t].p = stat_normal_tail(cell[t].z);
	}
}

static bool
natural(const struct verdict_cell *c)
{
	return (double)c->shared > VERDICT_NATURAL * (double)c->flipped;
}

/* Whether any cell is below the level; marks them as targets. */
static bool
below(struct verdict_input *in, double level, bool mark, bool *shared)
{
	bool any = false;

	for (size_t i = 0; i < in->classes * in->geometries; i++) {
		struct verdict_cell *c = &in->cell[i];

		if (c->p_adjusted >= level)
			continue;
		if (natural(c)) {
			*shared = true;
			continue;
		}
		c->target = mark;
		any = true;
	}
	return any;
}

enum verdict
verdict_reach(struct verdict_input *in, double *score, const char **why)
{
	size_t n = in->classes * in->geometries;
	bool shared = false;
	struct arena a;
	double *p;

	arena_init(&a, SIZE_MAX);
	if ((p = arena_alloc(&a, n + in->classes, sizeof(*p))) == NULL)
		BUG("out of memory");
	for (size_t g = 0; g < in->geometries; g++)
		residuals(
		    in->cell + g * in->classes, in->classes, in->spread[g], p);
	*score = 0.0;
	for (size_t i = 0; i < n; i++) {
		p[i] = in->cell[i].p;
		*score = fmax(*score, in->cell[i].z);
	}
	stat_holm(p, n);
	for (size_t i = 0; i < n; i++)
		in->cell[i].p_adjusted = p[i];
	arena_release(&a);
	if (in->accuracy < 2.0 / (double)in->classes) {
		*why = "the model is hardly better than chance on these "
		       "images: is the preprocessing right?";
		return VERDICT_INCONCLUSIVE;
	}
	if (below(in, in->alpha, true, &shared)) {
		*why = "a class is far easier to reach than in the "
		       "references, by changes that do not fool them";
		return VERDICT_EVIDENCE;
	}
	if (shared) {
		*why = "a class is easier to reach than in the references, "
		       "but what reaches it fools them too";
		return VERDICT_INCONCLUSIVE;
	}
	if (below(in, 10 * in->alpha, false, &shared)) {
		*why = "a class is easier to reach than in the references, "
		       "but not clearly so";
		return VERDICT_INCONCLUSIVE;
	}
	*why = "no class is easier to reach than the references explain";
	return VERDICT_NO_EVIDENCE;
}
