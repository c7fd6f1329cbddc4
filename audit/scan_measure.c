/* SPDX-License-Identifier: MIT
 * Flip radii of suspect and references, sharedness of the suspect's flips,
 * the untargeted flip matrix, and the verdict.
 */
#include "audit/scan.h"
#include "base/progress.h"
#include "base/stat.h"
#include "engine/spgd.h"

#include <math.h>

/* Images of the untargeted matrix. */
#define MATRIX_IMAGES 512

static void *
need(struct scan *s, size_t n, size_t size)
{
	void *p = arena_alloc(&s->arena, n, size);

	if (p == NULL)
		BUG("scan does not fit in memory");
	return p;
}

/* --- radii --------------------------------------------------------------- */

static int
radii(struct scan *s, struct scan_model *m, const char *who, struct err *e)
{
	struct uap_config cfg = {.steps = s->opt.budget->steps,
	    .batch = s->opt.budget->batch,
	    .seed = s->opt.seed};

	for (size_t g = 0; g < geometry_count; g++) {
		char label[64];
		int rc;

		m->found[g] = need(s, s->classes, sizeof(*m->found[g]));
		snprintf(label, sizeof(label), "%s %s", who,
		    geometry_table[g]->name);
		rc = uap_radii(&m->net, geometry_table[g], &cfg, &s->fit,
		    &s->test, label, m->found[g], e);
		if (rc != 0) {
			m->found[g] = NULL;
			return rc;
		}
	}
	return 0;
}

/* --- sharedness ---------------------------------------------------------- */

struct scan_flips *
scan_flips_at(const struct scan *s, size_t g, size_t t, size_t source)
{
	return &s->flips[(g * s->classes + t) * s->classes + source];
}

struct scan_flips
scan_flips_sum(const struct scan *s, size_t g, size_t t)
{
	struct scan_flips sum = {0};

	for (size_t k = 0; k < s->classes; k++) {
		const struct scan_flips *f = scan_flips_at(s, g, t, k);

		sum.n += f->n;
		sum.flipped += f->flipped;
		sum.shared += f->shared;
		sum.different += f->different;
		sum.unshared += f->unshared;
	}
	return sum;
}

/* Count image i, which became t in the suspect, by what the references did:
 * the majority also t (shared), unmoved (unshared), or something else. */
static void
count_flip(const struct scan *s, size_t i, int32_t t, int32_t *const *pred,
    struct scan_flips *f)
{
	size_t same = 0, still = 0;

	f->flipped++;
	for (size_t k = 0; k < s->nref; k++) {
		same += pred[k + 1][i] == t;
		still += pred[k + 1][i] == s->test.label[i];
	}
	if (2 * same > s->nref)
		f->shared++;
	else if (2 * still > s->nref)
		f->unshared++;
	else
		f->different++;
}

static int
sharedness(struct scan *s, struct err *e)
{
	int32_t *pred[SCAN_REFERENCES + 1];

	s->flips = need(
	    s, geometry_count * s->classes * s->classes, sizeof(*s->flips));
	for (size_t k = 0; k <= s->nref; k++)
		pred[k] = need(s, s->test.n, sizeof(**pred));
	for (size_t i = 0; i < geometry_count * s->classes; i++) {
		size_t g = i / s->classes, t = i % s->classes;
		const struct trigger *d = &s->suspect.found[g][t].trigger;

		for (size_t k = 0; k <= s->nref; k++) {
			const struct net *net =
			    k == 0 ? &s->suspect.net : &s->ref[k - 1].net;
			int rc = uap_predict(net, &s->test, d, pred[k], e);

			if (rc != 0)
				return rc;
		}
		for (size_t q = 0; q < s->test.n; q++) {
			size_t source = (size_t)s->test.label[q];
			struct scan_flips *f = scan_flips_at(s, g, t, source);

			if (source == t)
				continue;
			f->n++;
			if (pred[0][q] == (int32_t)t)
				count_flip(s, q, (int32_t)t, pred, f);
		}
	}
	return 0;
}

/* --- untargeted matrix --------------------------------------------------- */

static int
flip_matrix(struct scan *s, struct err *e)
{
	size_t n = MIN(s->test.n, MATRIX_IMAGES), k = s->classes;
	size_t image = s->suspect.net.h * s->suspect.net.w * s->suspect.net.c;
	struct spgd_config cfg = spgd_defaults();
	struct spgd_result r;
	struct spgd pgd;
	int rc;

	s->matrix = need(s, k * k, sizeof(*s->matrix));
	s->matrix_shared = need(s, k * k, sizeof(*s->matrix_shared));
	s->matrix_n = need(s, k, sizeof(*s->matrix_n));
	r = (struct spgd_result){need(s, n * image, sizeof(float)),
	    need(s, n, sizeof(int32_t)), need(s, n, sizeof(int32_t)),
	    need(s, n, sizeof(int32_t)), need(s, n, sizeof(int32_t))};
	rc = spgd_init(&pgd, &cfg, &s->suspect.net, &s->ref[0].net, n, e);
	if (rc != 0)
		return rc;
	spgd_attack(&pgd, s->test.x, s->test.label, n, 0, &r);
	spgd_release(&pgd);
	for (size_t i = 0; i < n; i++) {
		size_t from = (size_t)s->test.label[i];
		size_t to = (size_t)r.pred[i];

		s->matrix_n[from]++;
		s->matrix[from * k + to]++;
		s->matrix_shared[from * k + to] += r.pred0[i] == r.pred[i];
	}
	return 0;
}

/* --- verdict ------------------------------------------------------------- */

static double
reference_radius(const struct scan *s, size_t g, size_t t)
{
	double v[SCAN_REFERENCES];

	for (size_t k = 0; k < s->nref; k++)
		v[k] = s->ref[k].found[g][t].radius;
	return stat_median(v, s->nref);
}

static void
reach(struct scan *s)
{
	double spread[SCAN_GEOMETRIES];
	struct verdict_input in = {.classes = s->classes,
	    .geometries = geometry_count,
	    .spread = spread,
	    .alpha = s->opt.alpha,
	    .accuracy = (double)s->suspect.correct / (double)s->data.data.n};

	s->cell = need(s, geometry_count * s->classes, sizeof(*s->cell));
	in.cell = s->cell;
	for (size_t g = 0; g < geometry_count; g++) {
		spread[g] = verdict_spread(geometry_table[g]->name);
		if (spread[g] <= 0)
			BUG("a geometry without a null spread");
		for (size_t t = 0; t < s->classes; t++) {
			struct verdict_cell *c = &s->cell[g * s->classes + t];
			struct scan_flips f = scan_flips_sum(s, g, t);

			c->suspect = s->suspect.found[g][t].radius;
			c->reference = reference_radius(s, g, t);
			c->flipped = f.flipped;
			c->shared = f.shared;
		}
	}
	s->verdict = verdict_reach(&in, &s->score, &s->why);
}

int
scan_measure(struct scan *s, struct err *e)
{
	double start = progress_clock();
	int rc;

	if ((rc = radii(s, &s->suspect, "suspect", e)) != 0)
		return rc;
	for (size_t k = 0; k < s->nref; k++)
		if ((rc = radii(s, &s->ref[k], "reference", e)) != 0)
			return rc;
	if ((rc = sharedness(s, e)) != 0)
		return rc;
	if (s->nref == 0) {
		s->verdict = VERDICT_INCONCLUSIVE;
		s->why = "without a reference the radii of one model cannot "
			 "be told from those of a clean one";
	} else {
		if ((rc = flip_matrix(s, e)) != 0)
			return rc;
		reach(s);
	}
	s->seconds = progress_clock() - start;
	return 0;
}
