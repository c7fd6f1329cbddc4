/* SPDX-License-Identifier: MIT
 * From profiles to the verdict.  The first seed measures everything; the
 * classes and pairs that lead are measured again with the other seeds, in the
 * suspect and in every reference, and the median of their residuals counts.
 * Pairs are many and searched briefly: those that lead are searched for longer
 * first, which brings out a trigger and leaves what is natural as it is.
 */
#include "audit/scan_arms.h"
#include "audit/scan_ease.h"

#include "base/stat.h"

#include <math.h>

/* What leads: so many classes and pairs of those whose corrected p is below
 * this (of pairs above one as well, for a brief search says little of them);
 * the map when it is this likely. */
#define LEADING_CLASSES 2
#define CLASS_LEADS     1.0
#define LEADING_PAIRS   2
#define PAIR_LEADS      10.0
#define MAP_LEADS       0.1

/* Residuals of class t by the width of its cell, in all geometries. */
static void
relative(const struct scan *s, size_t t, double *out)
{
	for (size_t g = 0; g < geometry_count; g++)
		out[g] =
		    s->family[g].residual[t] / verdict_width(&s->family[g], t);
}

/* z and p of the geometries, and of each beyond the others. */
static void
standardise(struct scan *s)
{
	double freedom = verdict_freedom(s->family[0].residual, s->classes);
	size_t n = geometry_count;
	double residual[VERDICT_GEOMETRIES], z[2 * VERDICT_GEOMETRIES];

	for (size_t t = 0; t < s->classes; t++) {
		relative(s, t, residual);
		verdict_z(s->covariance, n, residual, z);
		for (size_t f = 0; f < 2 * n; f++) {
			s->family[f].z[t] = z[f];
			s->family[f].p[t] = verdict_p(z[f], freedom);
		}
	}
}

/* Geometries and probes that change the whole image, together. */
static void
standardise_whole(struct scan *s)
{
	const double *grating = SCAN_PROBE(s, PROBE_GRATING)->z;
	double residual[VERDICT_GEOMETRIES], weight;
	struct verdict_family *f = SCAN_WHOLE(s);
	bool in[VERDICT_GEOMETRIES];

	for (size_t g = 0; g < geometry_count; g++)
		in[g] = null_tested(geometry_table[g]->name, NULL_WHOLE);
	for (size_t t = 0; t < s->classes; t++) {
		double z;

		relative(s, t, residual);
		z = verdict_joint(
		    s->covariance, geometry_count, residual, in, &weight);
		/* either may not have been measured */
		if (!isfinite(z))
			f->z[t] = grating[t];
		else if (!isfinite(grating[t]))
			f->z[t] = z;
		else
			f->z[t] =
			    verdict_both(z, weight, grating[t], null_whole());
		f->p[t] = verdict_p(f->z[t], null_freedom());
	}
}

/* The same of a family that hangs together with no other. */
static void
standardise_alone(struct verdict_family *f)
{
	for (size_t i = 0; i < f->n; i++) {
		double usual = f->expected != NULL ? f->expected[i] : 0.0;

		f->z[i] = (f->residual[i] - usual) /
			  (f->spread * verdict_width(f, i));
		f->p[i] = verdict_p(f->z[i], null_freedom());
	}
}

/* By the suspect's own residuals, relative to a spread. */
static double
wide(struct scan *s, const struct verdict_family *f, double spread)
{
	double width, *residual = scan_need(s, f->n, sizeof(*residual));

	for (size_t i = 0; i < f->n; i++)
		residual[i] = f->residual[i] / verdict_width(f, i);
	return verdict_own(residual, f->n, spread, &width)
		   ? width
		   : verdict_unlike(residual, f->n, spread);
}

/* Landings and probes have long tails: they are never narrower than known. */
static void
alone(struct scan *s, struct verdict_family *f)
{
	verdict_residuals(f, s->nref, NULL);
	verdict_widths(f, s->nref, s->kin);
	f->spread = verdict_spread(f, s->nref, s->kin);
	/* pairs are left: an all-to-all map makes all others harder */
	if (f != &s->pair && f != &s->pair_stamp)
		f->spread *= fmax(1.0, wide(s, f, f->spread));
	standardise_alone(f);
}

/* The covariance of geometries, as wide as this suspect shows that it is. */
static void
covariance(struct scan *s)
{
	double *cov = s->covariance, unlike[VERDICT_GEOMETRIES];
	size_t n = geometry_count;

	verdict_covariance(s->family, n, s->nref, s->kin, cov);
	for (size_t g = 0; g < n; g++)
		unlike[g] = wide(s, &s->family[g], sqrt(cov[g * n + g]));
	for (size_t i = 0; i < n * n; i++)
		cov[i] *= unlike[i / n] * unlike[i % n];
	for (size_t g = 0; g < n; g++)
		s->family[g].spread = sqrt(cov[g * n + g]);
}

/* What stays in its class is no pair. */
static void
forget_kept(const struct scan *s, struct verdict_family *f)
{
	size_t k = s->classes;

	for (size_t i = 0; i < k; i++) {
		f->suspect[i * k + i] = NAN;
		for (size_t r = 0; r < s->nref; r++)
			f->reference[r * k * k + i * k + i] = NAN;
	}
}

/* What row and column say of a pair, by the first seed: with the others, and for
 * longer, only those that lead are measured. */
static void
expect_pairs(struct scan *s)
{
	struct verdict_family *f = &s->pair;
	double *expected = scan_need(s, f->n, sizeof(*expected));

	if (!verdict_expected(f->residual, s->classes, f->spread, expected))
		return;
	f->expected = expected;
	standardise_alone(f);
}

static void
first_families(struct scan *s)
{
	size_t k = s->classes, n = geometry_count;
	struct verdict_family *landing = SCAN_LANDING(s);

	s->nfamily = SCAN_WHOLE_AT + 1;
	for (size_t g = 0; g < n; g++) {
		scan_family_init(s, &s->family[g], geometry_table[g]->name, k);
		scan_fill_geometry(s, &s->family[g], g, 0);
		verdict_residuals(&s->family[g], s->nref, NULL);
		verdict_widths(&s->family[g], s->nref, s->kin);
		scan_family_init(
		    s, &s->family[n + g], geometry_table[g]->name, k);
		s->family[g].tested =
		    null_tested(geometry_table[g]->name, NULL_ALONE);
		s->family[n + g].tested =
		    null_tested(geometry_table[g]->name, NULL_BEYOND);
	}
	covariance(s);
	standardise(s);
	scan_family_init(s, landing, "landing", k);
	landing->tested = true;
	scan_fill_landing(s, landing);
	alone(s, landing);
	for (enum probe_kind i = 0; i < PROBE_KINDS; i++) {
		scan_family_init(s, SCAN_PROBE(s, i), probe_name(i), k);
		SCAN_PROBE(s, i)->tested = true;
		scan_fill_probe(s, SCAN_PROBE(s, i), (enum profile_shares)i);
		alone(s, SCAN_PROBE(s, i));
	}
	scan_family_init(s, SCAN_WHOLE(s), "whole", k);
	SCAN_WHOLE(s)->tested = true;
	standardise_whole(s);
	if (!s->pairs)
		return;
	scan_family_init(s, &s->pair, "pair", k * k);
	scan_fill_pairs(s, &s->pair, 0);
	alone(s, &s->pair);
	expect_pairs(s);
	if (!s->pair_stamps)
		return;
	scan_family_init(
	    s, &s->pair_stamp, profile_shares_name(PROFILE_STAMP_PAIRS), k * k);
	scan_fill_probe(s, &s->pair_stamp, PROFILE_STAMP_PAIRS);
	forget_kept(s, &s->pair_stamp);
	alone(s, &s->pair_stamp);
}

static double
accuracy(const struct scan *s, size_t i)
{
	return (double)SCAN_MODEL(s, i)->correct / (double)s->data.data.n;
}

static void
first_seed(struct scan *s)
{
	size_t k = s->classes;

	first_families(s);
	s->in = (struct verdict_input){.classes = k,
	    .family = s->family,
	    .nfamily = s->nfamily,
	    .pair = s->pairs ? &s->pair : NULL,
	    .pair_stamp = s->pair_stamps ? &s->pair_stamp : NULL,
	    .alpha = s->opt.alpha,
	    .accuracy = accuracy(s, 0)};
	s->in.class_ = scan_need(s, k, sizeof(*s->in.class_));
	s->in.pairs = scan_need(s, k * k, sizeof(*s->in.pairs));
	s->in.to = scan_need(s, k, sizeof(*s->in.to));
	verdict_combine(&s->in);
}

/* --- other seeds --------------------------------------------------------- */

/* The `most` hypotheses with the smallest p, of those that are anywhere near. */
static void
mark_leading(struct scan *s, const struct verdict_hypothesis *h, size_t n,
    double near, size_t most, bool *mark)
{
	double *value = scan_need(s, n, sizeof(*value));

	for (size_t i = 0; i < n; i++)
		value[i] = h[i].adjusted < near ? -h[i].p : (double)NAN;
	stat_mark_largest(value, n, most, mark);
}

static struct profile_plan
leading(struct scan *s)
{
	size_t k = s->classes;
	bool *target = scan_need(s, k, sizeof(*target));
	bool *pair = scan_need(s, k * k, sizeof(*pair));

	s->longer = scan_need(s, k * k, sizeof(*s->longer));
	mark_leading(s, s->in.class_, k, CLASS_LEADS, LEADING_CLASSES, target);
	if (s->pairs)
		mark_leading(s, s->in.pairs, k * k, PAIR_LEADS, LEADING_PAIRS,
		    s->longer);
	memcpy(pair, s->longer, k * k * sizeof(*pair));
	if (s->in.map.adjusted < MAP_LEADS) /* false for NaN */
		for (size_t i = 0; i < k; i++)
			pair[i * k + s->in.to[i]] = true;
	return (struct profile_plan){k, target, pair, s->longer};
}

/* The pairs that lead, with the first seed: for longer than before, which takes
 * the place of what was found then.  What is usual of the others stays. */
static int
search_longer(struct scan *s, struct err *e)
{
	size_t k = s->classes;
	struct profile_plan plan = {
	    k, scan_need(s, k, sizeof(*plan.target)), s->longer, s->longer};
	double center = s->pair.center;
	int rc;

	if (!s->pairs)
		return 0;
	if ((rc = scan_radii(s, &plan, 0, e)) != 0)
		return rc;
	scan_fill_pairs(s, &s->pair, 0);
	verdict_residuals(&s->pair, s->nref, &center);
	return 0;
}

/* Residuals of one family at another seed, about the first one's median; NaN
 * where it was not measured again. */
static void
seed_residuals(struct scan *s, const struct verdict_family *first, size_t g,
    size_t seed, double *residual)
{
	struct verdict_family f = {0};

	scan_family_init(s, &f, first->name, first->n);
	if (g < geometry_count)
		scan_fill_geometry(s, &f, g, seed);
	else
		scan_fill_pairs(s, &f, seed);
	verdict_residuals(&f, s->nref, &first->center);
	memcpy(residual, f.residual, f.n * sizeof(*residual));
}

/* All residuals of one family: row 0 the first seed's, then the others'. */
struct seeds {
	double *row;
	struct verdict_family *family;
};

static struct seeds
gather_seeds(struct scan *s, struct verdict_family *f, size_t g)
{
	struct seeds all = {
	    scan_need(s, s->opt.seeds * f->n, sizeof(double)), f};

	memcpy(all.row, f->residual, f->n * sizeof(double));
	for (size_t seed = 1; seed < s->opt.seeds; seed++)
		seed_residuals(s, f, g, seed, all.row + seed * f->n);
	return all;
}

/* The family as one seed alone has it. */
static void
use_seed(const struct seeds *all, size_t seed)
{
	struct verdict_family *f = all->family;

	for (size_t i = 0; i < f->n; i++) {
		double v = all->row[seed * f->n + i];

		f->residual[i] = isfinite(v) ? v : all->row[i];
	}
}

static void
use_median(const struct seeds *all, size_t nseed)
{
	struct verdict_family *f = all->family;

	for (size_t i = 0; i < f->n; i++) {
		double v[SCAN_SEEDS];
		size_t n = 0;

		for (size_t k = 0; k < nseed; k++)
			if (isfinite(all->row[k * f->n + i]))
				v[n++] = all->row[k * f->n + i];
		f->residual[i] = n != 0 ? stat_median(v, n) : (double)NAN;
	}
}

/*
 * With nothing but an earlier version to compare with, a class must have
 * changed against it image by image as well.
 */
static void
require_change(struct scan *s)
{
	for (size_t t = 0; s->arm == SCAN_PREVIOUS && t < s->classes; t++) {
		struct verdict_hypothesis *h = &s->in.class_[t];
		double p = scan_exchange_p(s, t);

		/* not searched, so never exchanged: not evidence, nor nothing */
		if (isnan(p)) {
			h->adjusted = fmax(h->adjusted, s->opt.alpha);
			continue;
		}
		h->p = fmax(h->p, p);
		h->adjusted = fmax(h->adjusted, p);
	}
}

/* Hypotheses from the residuals as they are now. */
static void
combine(struct scan *s)
{
	standardise(s);
	standardise_whole(s);
	if (s->pairs)
		standardise_alone(&s->pair);
	verdict_combine(&s->in);
	require_change(s);
}

static int
other_seeds(struct scan *s, struct err *e)
{
	struct profile_plan plan = leading(s);
	struct seeds all[VERDICT_GEOMETRIES + 1];
	int rc = search_longer(s, e);
	size_t n = 0;

	for (size_t seed = 1; seed < s->opt.seeds && rc == 0; seed++)
		rc = scan_radii(s, &plan, seed, e);
	if (rc != 0)
		return rc;
	for (size_t g = 0; g < geometry_count; g++)
		all[n++] = gather_seeds(s, &s->family[g], g);
	if (s->pairs)
		all[n++] = gather_seeds(s, &s->pair, geometry_count);
	for (size_t seed = 0; seed < s->opt.seeds; seed++) {
		for (size_t f = 0; f < n; f++)
			use_seed(&all[f], seed);
		combine(s);
		verdict_reach(&s->in);
		s->by_seed[seed] = s->in.verdict;
		s->p_by_seed[seed] = s->in.p;
	}
	for (size_t f = 0; f < n; f++)
		use_median(&all[f], s->opt.seeds);
	combine(s);
	return 0;
}

/* --- the end ------------------------------------------------------------- */

size_t
scan_geometry_of(const struct scan *s, size_t t)
{
	size_t f = s->in.class_[t].family, best = 0;

	if (f < 2 * geometry_count)
		return f % geometry_count;
	for (size_t g = 1; g < geometry_count; g++)
		if (s->family[g].z[t] > s->family[best].z[t])
			best = g;
	return best;
}

static bool
natural(struct scan_flips f)
{
	return (double)f.shared > VERDICT_NATURAL * (double)f.flipped;
}

/* Whether what reaches a hypothesis fools the references as well. */
static void
judge_natural(struct scan *s)
{
	struct scan_flips map = {0};
	size_t k = s->classes;

	for (size_t t = 0; t < k; t++) {
		struct verdict_hypothesis *h = &s->in.class_[t];

		/* what a probe does to the references is taken off already;
		 * joint statistics and landings have no perturbation of their
		 * own: the geometry with the largest z stands for them */
		h->natural =
		    (h->family < SCAN_PROBE_FIRST ||
			h->family == SCAN_WHOLE_AT) &&
		    natural(scan_flips_sum(s, scan_geometry_of(s, t), t));
	}
	for (size_t i = 0; s->pairs && i < k * k; i++)
		s->in.pairs[i].natural =
		    s->in.pairs[i].family == VERDICT_PAIR_PATCH &&
		    natural(s->pair_flips[i]);
	for (size_t i = 0; isfinite(s->in.map.p) && i < k; i++) {
		const struct scan_flips *f =
		    &s->pair_flips[i * k + s->in.to[i]];

		map.flipped += f->flipped;
		map.shared += f->shared;
	}
	s->in.map.natural = natural(map);
}

/* Three seeds, one verdict: what only some of them see is not certain. */
static void
agree(struct scan *s)
{
	s->verdict = s->in.verdict;
	s->why = s->in.why;
	for (size_t seed = 0; seed < s->opt.seeds && s->opt.seeds > 1; seed++) {
		bool other = (s->verdict == VERDICT_EVIDENCE &&
				 s->by_seed[seed] == VERDICT_NO_EVIDENCE) ||
			     (s->verdict == VERDICT_NO_EVIDENCE &&
				 s->by_seed[seed] == VERDICT_EVIDENCE);

		if (!other)
			continue;
		s->verdict = VERDICT_INCONCLUSIVE;
		s->why = "the seeds of the search disagree";
	}
}

/* The median accuracy of the references. */
static double
of_references(const struct scan *s)
{
	double v[SCAN_REFERENCES];

	for (size_t i = 0; i < s->nref; i++)
		v[i] = accuracy(s, i + 1);
	return stat_median(v, s->nref);
}

/* So few images that count, of each class or of all, are no evidence: one near a
 * border between classes is a large share of them. */
#define FEW_EACH 8
#define FEW_ALL  64

/* What makes any verdict, or that nothing was found, worth nothing. */
static void
doubt(struct scan *s)
{
	const char *why = NULL;
	size_t blind = 0;

	for (size_t i = 0; i <= s->nref; i++)
		blind += scan_blind(s, i);
	if (blind != 0 && s->verdict == VERDICT_NO_EVIDENCE)
		why = "the gradients of a model are zero or not finite where "
		      "it was searched: a small change may not have been found";
	if (scan_too_few(s) && s->verdict == VERDICT_EVIDENCE)
		why = "a class is far easier to reach than in the references, "
		      "but with two classes fewer than three references do "
		      "not show how much clean models differ";
	if (s->nboth < MIN(FEW_EACH * s->classes, FEW_ALL) &&
	    s->verdict == VERDICT_EVIDENCE)
		why = "a class is far easier to reach than in the references, "
		      "but by too few images to be evidence";
	if (s->verdict == VERDICT_EVIDENCE && s->arm == SCAN_GIVEN &&
	    verdict_hardly(
		s->p, s->opt.alpha, accuracy(s, 0), of_references(s)))
		why = "a class is far easier to reach than in the references, "
		      "but the model is much less accurate than they are: its "
		      "training may explain it";
	if (s->verdict == VERDICT_EVIDENCE && scan_strange_targets(s))
		why = "a class is far easier to reach than in the references, "
		      "but these get no image of it right: do they know it?";
	for (size_t i = 1; i <= s->nref; i++)
		if (verdict_barely(accuracy(s, i), s->classes))
			why = "a reference is hardly better than chance on "
			      "these images: is it a model of these classes?";
	if (s->otherwise)
		why = "a model, or the data, has classes in another order: "
		      "they cannot be compared";
	if (why == NULL)
		return;
	s->verdict = VERDICT_INCONCLUSIVE;
	s->why = why;
	s->doubted = true;
}

int
scan_judge(struct scan *s, struct err *e)
{
	int rc;

	if (s->nref == 0) {
		s->verdict = VERDICT_INCONCLUSIVE;
		s->why = "without a reference the radii of one model cannot "
			 "be told from those of a clean one";
		return scan_sharedness(s, e);
	}
	first_seed(s);
	if ((rc = other_seeds(s, e)) != 0 || (rc = scan_sharedness(s, e)) != 0)
		return rc;
	judge_natural(s);
	verdict_reach(&s->in);
	s->p = s->in.p;
	s->score = s->in.score;
	agree(s);
	doubt(s);
	return 0;
}
