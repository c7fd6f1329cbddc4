/* SPDX-License-Identifier: MIT */
#include "audit/verdict_spread.h"

#include "base/arena.h"
#include "base/stat.h"

#include <math.h>

/* Two references say less about it: their variance counts for more. */
#define ENOUGH_REFERENCES 2
#define FEW_REFERENCES    2
#define FEW_INFLATION     1.5
/* The same of the suspect's own residuals. */
#define UNLIKE_PRIOR 5.0
/* From so many cells on these say how wide they lie; the null counts as so many
 * then. */
#define MANY_CELLS 20
#define MANY_PRIOR 2.0
/* From so many references on a cell has a width of its own; what the whole family
 * shows counts as so many degrees of freedom beside its own. */
#define WIDTH_REFERENCES 3
#define WIDTH_PRIOR      4.0
/* The share of cells that may be targets, and a normal's quantile there. */
#define TARGETS    0.1
#define TARGETS_AT 1.2816
/* How far references may scale the shipped covariance. */
#define SCALE_LEAST 0.15
#define SCALE_MOST  6.0
/* Rows and columns of pairs: of so many classes; medians of that many deviations,
 * and less, are chance. */
#define MATRIX_LEAST 6
#define MATRIX_MOST  64
#define BY_CHANCE    0.75
#define PI           3.14159265358979323846

/* --- residuals ----------------------------------------------------------- */

/* Variance of the median of n independent normals, in units of one's. */
static double
median_variance(size_t n)
{
	static const double small[] = {1.0, 0.5, 0.449, 0.298, 0.287, 0.215};

	return n <= ARRAY_LEN(small) ? small[n - 1] : PI / 2 / (double)n;
}

/* Median of the finite ones of v[0..n), NaN when there are none. */
static double
middle_of(const double *v, size_t n)
{
	struct arena a;
	double *w, m = NAN;
	size_t k = 0;

	arena_init(&a, SIZE_MAX);
	if ((w = arena_alloc(&a, n + 1, sizeof(*w))) == NULL)
		BUG("out of memory");
	for (size_t i = 0; i < n; i++)
		if (isfinite(v[i]))
			w[k++] = v[i];
	if (k != 0)
		m = stat_median(w, k);
	arena_release(&a);
	return m;
}

/* The median of two cells is their mean: both residuals are half of the
 * difference, and their variance half of one cell's. */
static double
centred_variance(size_t n)
{
	return n == 2 ? 0.5 : 1.0;
}

/* out[i] = v[i] - median of the references but `but`, median removed. */
static void
differences(const struct verdict_family *f, size_t nref, size_t but,
    const double *v, double *out)
{
	double w[64], center;

	for (size_t i = 0; i < f->n; i++) {
		size_t k = 0;

		for (size_t r = 0; r < nref && k < ARRAY_LEN(w); r++)
			if (r != but)
				w[k++] = f->reference[r * f->n + i];
		out[i] = v[i] - middle_of(w, k);
	}
	center = middle_of(out, f->n);
	for (size_t i = 0; i < f->n; i++)
		out[i] -= center;
}

void
verdict_residuals(struct verdict_family *f, size_t nref, const double *center)
{
	double w[64];

	for (size_t i = 0; i < f->n; i++) {
		size_t k = MIN(nref, ARRAY_LEN(w));

		for (size_t r = 0; r < k; r++)
			w[r] = f->reference[r * f->n + i];
		f->residual[i] = f->suspect[i] - middle_of(w, k);
	}
	f->center = center != NULL ? *center : middle_of(f->residual, f->n);
	for (size_t i = 0; i < f->n; i++)
		f->residual[i] -= f->center;
}

/* --- the null ------------------------------------------------------------ */

/*
 * Mean product of two families' residuals of one reference about the others,
 * in units of one model's variance; *count: how many products.
 */
static double
among_references(const struct verdict_family *a, const struct verdict_family *b,
    size_t nref, double *count)
{
	double sum = 0.0, *d[2];
	struct arena mem;

	arena_init(&mem, SIZE_MAX);
	d[0] = arena_alloc(&mem, a->n + 1, sizeof(double));
	d[1] = arena_alloc(&mem, a->n + 1, sizeof(double));
	if (d[0] == NULL || d[1] == NULL)
		BUG("out of memory");
	*count = 0;
	for (size_t r = 0; r < nref; r++) {
		differences(a, nref, r, a->reference + r * a->n, d[0]);
		differences(b, nref, r, b->reference + r * b->n, d[1]);
		for (size_t i = 0; i < a->n; i++)
			if (isfinite(d[0][i]) && isfinite(d[1][i])) {
				sum += d[0][i] * d[1][i];
				*count += 1;
			}
	}
	arena_release(&mem);
	return *count > 0 ? sum / *count / centred_variance(a->n) /
				(1.0 + median_variance(nref - 1))
			  : 0.0;
}

/*
 * The prior counts as much as one reference, of which one is spent on what is
 * usual.  So little: architectures differ by more than models of one do, in
 * some families by a factor of six.  Not less for a family of many cells:
 * those of one model hang together, and two or three models do not show the
 * tail of what some model falls for.
 */
static double
weigh(double prior, double seen, size_t nref)
{
	return (prior + (double)(nref - 1) * seen) / (double)nref;
}

/* Whether references say how much models like the suspect differ: those of
 * another architecture do not. */
static bool
tell(size_t nref, enum null_kin kin)
{
	return nref >= ENOUGH_REFERENCES && kin != NULL_OTHER;
}

/* Home-grown references differ as models of one architecture do; a suspect
 * that saw other images differs from them by so much more. */
static double
wider(const struct verdict_family *f, enum null_kin kin)
{
	return null_spread(f->name, kin) / null_spread(f->name, NULL_SAME);
}

/* What references show of a suspect's covariance. */
static double
seen_products(const struct verdict_family *a, const struct verdict_family *b,
    size_t nref, enum null_kin kin, double *count)
{
	return sqrt(null_inflation(a->name) * null_inflation(b->name)) *
	       (nref <= FEW_REFERENCES ? FEW_INFLATION : 1.0) * wider(a, kin) *
	       wider(b, kin) * among_references(a, b, nref, count);
}

/* How many references a cell has at least, of those that have any: the search
 * of one may have been blind. */
static size_t
fewest(const struct verdict_family *f, size_t nref)
{
	size_t least = nref;

	for (size_t i = 0; i < f->n; i++) {
		size_t k = 0;

		for (size_t r = 0; r < nref; r++)
			k += isfinite(f->reference[r * f->n + i]);
		if (k != 0)
			least = MIN(least, k);
	}
	return least;
}

/* Variance of a suspect's residual, in units of one model's. */
static double
residual_variance(const struct verdict_family *f, size_t nref)
{
	return centred_variance(f->n) *
	       (1.0 + median_variance(fewest(f, nref)));
}

double
verdict_spread(const struct verdict_family *f, size_t nref, enum null_kin kin)
{
	double prior = null_spread(f->name, kin), var = prior * prior, count;

	if (tell(nref, kin)) {
		double seen = seen_products(f, f, nref, kin, &count);

		if (count > 0)
			var = weigh(var, seen, nref);
	}
	return sqrt(var * residual_variance(f, nref));
}

double
verdict_width(const struct verdict_family *f, size_t i)
{
	return f->width != NULL ? f->width[i] : 1.0;
}

/* Variance of cell i over the references, each less its own middle; how many have
 * it in *count.  0 where that are fewer than two. */
static double
cell_variance(const struct verdict_family *f, size_t nref, const double *middle,
    size_t i, double *count)
{
	double mean = 0.0, sum = 0.0;

	*count = 0.0;
	for (size_t r = 0; r < nref; r++) {
		double v = f->reference[r * f->n + i] - middle[r], d = v - mean;

		if (!isfinite(v))
			continue;
		*count += 1.0;
		mean += d / *count;
		sum += d * (v - mean);
	}
	return *count > 1.0 ? sum / (*count - 1.0) : 0.0;
}

void
verdict_widths(struct verdict_family *f, size_t nref, enum null_kin kin)
{
	double middle[64], mean = 0.0, cells = 0.0, count;

	nref = MIN(nref, ARRAY_LEN(middle));
	for (size_t i = 0; i < f->n; i++)
		f->width[i] = 1.0;
	if (nref < WIDTH_REFERENCES || kin == NULL_OTHER)
		return;
	for (size_t r = 0; r < nref; r++)
		middle[r] = middle_of(f->reference + r * f->n, f->n);
	for (size_t i = 0; i < f->n; i++) {
		double v = cell_variance(f, nref, middle, i, &count);

		mean += count > 1.0 ? v : 0.0;
		cells += count > 1.0;
	}
	for (size_t i = 0; i < f->n && mean > 0.0; i++) {
		double v = cell_variance(f, nref, middle, i, &count);

		if (count >= WIDTH_REFERENCES)
			f->width[i] = sqrt(fmax(1.0,
			    (WIDTH_PRIOR + (count - 1.0) * v * cells / mean) /
				(WIDTH_PRIOR + count - 1.0)));
	}
}

double
verdict_unlike(const double *residual, size_t n, double spread)
{
	double sum = UNLIKE_PRIOR, count = UNLIKE_PRIOR;

	/* of two, one is the other's mirror image: a target makes its
	 * counterpart harder by as much as it is easier */
	for (size_t i = 0; i < n && n != 2; i++) {
		double z = residual[i] / spread;

		if (!(z < 0.0)) /* or NaN */
			continue;
		sum += z * z;
		count += 1.0;
	}
	return fmax(sqrt(sum / count), 1.0);
}

/* Those that were measured, in w; how many. */
static size_t
measured(const double *residual, size_t n, double *w)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++)
		if (isfinite(residual[i])) {
			if (w != NULL)
				w[k] = residual[i];
			k++;
		}
	return k;
}

bool
verdict_own(const double *residual, size_t n, double spread, double *width)
{
	double sum = 0.0, count = 0.0, upper, *w;
	size_t k = measured(residual, n, NULL);
	struct arena a;

	if (k < MANY_CELLS)
		return false;
	arena_init(&a, SIZE_MAX);
	if ((w = arena_alloc(&a, k, sizeof(*w))) == NULL)
		BUG("out of memory");
	(void)measured(residual, n, w);
	for (size_t i = 0; i < k; i++)
		if (w[i] < 0.0) {
			sum += w[i] * w[i];
			count += 1.0;
		}
	upper = stat_quantile(w, k, 1.0 - TARGETS) / TARGETS_AT;
	arena_release(&a);
	sum = fmax(sum, count * upper * upper);
	*width =
	    sqrt((MANY_PRIOR + sum / (spread * spread)) / (MANY_PRIOR + count));
	return true;
}

/* Median of n values `step` apart but for the one at `but`; 0: too few are there. */
static double
middle_but(const double *v, size_t n, size_t step, size_t but)
{
	double w[MATRIX_MOST];
	size_t k = 0;

	for (size_t i = 0; i < n; i++)
		if (i != but && isfinite(v[i * step]))
			w[k++] = v[i * step];
	return k + 2 >= MATRIX_LEAST && 2 * k >= n ? stat_median(w, k) : 0.0;
}

bool
verdict_expected(
    const double *residual, size_t side, double spread, double *expected)
{
	double chance = BY_CHANCE * spread;

	if (side < MATRIX_LEAST || side > MATRIX_MOST)
		return false;
	for (size_t i = 0; i < side * side; i++) {
		size_t s = i / side, t = i % side;
		double row = middle_but(residual + s * side, side, 1, t);
		double column = middle_but(residual + t, side, side, s);

		expected[i] = 0.0;
		if (s == t)
			continue;
		expected[i] =
		    fmax(row - chance, 0.0) + fmax(column - chance, 0.0);
	}
	return true;
}

double
verdict_freedom(const double *residual, size_t n)
{
	size_t k = measured(residual, n, NULL);

	return null_freedom() + (k < MANY_CELLS ? 0.0 : (double)k / 2);
}

/*
 * The table says how geometries hang together and how their variances
 * compare, the references how noisy this kind of model is: the table's
 * covariance is scaled to theirs, then weighed against it.
 */
static void
learn(const struct verdict_family *f, size_t n, size_t nref, enum null_kin kin,
    double *cov)
{
	double scale = 0.0, count, known = 0.0;

	for (size_t a = 0; a < n; a++) {
		among_references(&f[a], &f[a], nref, &count);
		known += count > 0;
	}
	if (known == 0)
		return;
	for (size_t a = 0; a < n; a++)
		scale += seen_products(&f[a], &f[a], nref, kin, &count) /
			 cov[a * n + a] / known;
	scale = fmin(fmax(scale, SCALE_LEAST), SCALE_MOST);
	for (size_t i = 0; i < n * n; i++) {
		double seen =
		    seen_products(&f[i / n], &f[i % n], nref, kin, &count);

		/* of which no two references say anything: as the table has
		 * it, which is not that they do not differ */
		cov[i] = count == 0 && i / n == i % n
			     ? scale * cov[i]
			     : weigh(scale * cov[i], seen, nref);
	}
}

void
verdict_covariance(const struct verdict_family *f, size_t n, size_t nref,
    enum null_kin kin, double *cov)
{
	for (size_t a = 0; a < n; a++)
		for (size_t b = 0; b < n; b++)
			cov[a * n + b] =
			    null_correlation(f[a].name, f[b].name) *
			    null_spread(f[a].name, kin) *
			    null_spread(f[b].name, kin);
	if (tell(nref, kin))
		learn(f, n, nref, kin, cov);
	for (size_t i = 0; i < n * n; i++)
		cov[i] *= sqrt(residual_variance(&f[i / n], nref) *
			       residual_variance(&f[i % n], nref));
}
