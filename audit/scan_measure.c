/* SPDX-License-Identifier: MIT
 * What is measured: where adversarial examples land, which classes and pairs
 * are searched, flip radii of suspect and references, sharedness of the
 * suspect's flips, the untargeted flip matrix.
 */
#include "audit/scan_arms.h"

#include "base/progress.h"
#include "base/stat.h"
#include "engine/each.h"
#include "engine/spgd.h"

#include <math.h>

/* Images of the untargeted matrix, and of sharedness. */
#define MATRIX_IMAGES 512
#define SHARED_IMAGES 80
/* Up to so many classes all are searched as targets, and all pairs; beyond,
 * landing points choose. */
#define ALL_TARGETS 64

void *
scan_need(struct scan *s, size_t n, size_t size)
{
	void *p = arena_alloc(&s->arena, n, size);

	if (p == NULL)
		BUG("scan does not fit in memory");
	return p;
}

/* The earlier version's perturbations are wanted too: no cache has them. */
static bool
is_previous(const struct scan *s, size_t i)
{
	return i == 1 && s->previous;
}

struct profile_job
scan_job(
    struct scan *s, size_t i, const struct profile_config *cfg, const char *who)
{
	struct scan_model *m = SCAN_MODEL(s, i);
	struct profile_job job = {.net = &m->net,
	    .cfg = cfg,
	    .im = {s->fit, s->test},
	    .cache = i != 0 && !is_previous(s, i) ? &m->cache : NULL,
	    .who = who};

	job.im.test.use = m->right_test;
	return job;
}

/* --- what to search ------------------------------------------------------ */

/* How much more of the landings s -> t the suspect has than the median
 * reference (of all sources: s = SIZE_MAX). */
static double
excess(const struct scan *s, size_t source, size_t t)
{
	double v[SCAN_REFERENCES + 1], mine = 0.0;

	for (size_t i = 0; i <= s->nref; i++) {
		const struct scan_model *m = SCAN_MODEL(s, i);
		const struct concentrate_counts *c = &m->profile[0].landing;
		double share;

		if (source == SIZE_MAX)
			share = concentrate_share(c, s->classes, t);
		else
			share = (double)c->count[source * s->classes + t] /
				(double)MAX(c->n[source], 1);
		if (i == 0)
			mine = share;
		else
			v[i - 1] = share;
	}
	return mine - (s->nref != 0 ? stat_median(v, s->nref) : 0.0);
}

static void
choose(struct scan *s)
{
	size_t k = s->classes;
	bool *target = scan_need(s, k, sizeof(*target));
	bool *pair = scan_need(s, k * k, sizeof(*pair));
	double *value = scan_need(s, k, sizeof(*value));

	s->plan = (struct profile_plan){k, target, pair, NULL};
	s->screened_targets = k > ALL_TARGETS;
	s->screened_pairs = k > PROFILE_ALL_PAIRS;
	for (size_t t = 0; t < k; t++)
		value[t] = s->screened_targets ? excess(s, SIZE_MAX, t) : 1.0;
	stat_mark_largest(
	    value, k, s->screened_targets ? SCAN_TARGETS : k, target);
	for (size_t q = 0; q < k && s->pairs; q++) {
		for (size_t t = 0; t < k; t++)
			value[t] = t == q              ? (double)NAN
				   : s->screened_pairs ? excess(s, q, t)
						       : 1.0;
		stat_mark_largest(value, k,
		    s->screened_pairs ? SCAN_PAIRS_EACH : k, pair + q * k);
	}
}

/* --- radii --------------------------------------------------------------- */

int
scan_radii(
    struct scan *s, const struct profile_plan *plan, size_t seed, struct err *e)
{
	for (size_t i = 0; i <= s->nref; i++) {
		struct scan_model *m = SCAN_MODEL(s, i);
		struct profile *p = &m->profile[seed];
		struct profile_config cfg = s->opt.budget->profile;
		char who[48];
		struct profile_job job = scan_job(s, i, &cfg, who);
		int rc = 0;

		cfg.seed = s->opt.seed + seed;
		snprintf(who, sizeof(who), "seed %" PRIu64 ", %s %zu", cfg.seed,
		    i == 0 ? "model" : "reference", i == 0 ? 1 : i);
		if (p->cell == NULL)
			rc = profile_init(p, s->classes, &s->arena, e);
		if (rc == 0)
			rc = profile_radii(p, &job, plan, e);
		if (rc != 0)
			return rc;
		/* perturbations of the first seed: the suspect's are shown,
		 * the earlier version's exchanged */
		if (seed != 0 || (i != 0 && !is_previous(s, i)))
			profile_forget(p);
	}
	return 0;
}

size_t
scan_blind(const struct scan *s, size_t i)
{
	size_t n = 0, k = s->classes;

	for (size_t seed = 0; seed < SCAN_SEEDS; seed++) {
		const struct profile *p = &SCAN_MODEL(s, i)->profile[seed];

		if (p->cell == NULL)
			continue;
		for (size_t c = 0; c < geometry_count * k; c++)
			n += p->cell[c].blind;
		for (size_t c = 0; c < k * k; c++)
			n += p->pair[c].blind;
	}
	return n;
}

static int
measure_landing(struct scan *s, struct err *e)
{
	struct profile_config cfg = s->opt.budget->profile;

	/* a few of each class */
	cfg.landing.count = MAX(cfg.landing.count, 12 * s->classes);
	for (size_t i = 0; i <= s->nref; i++) {
		struct scan_model *m = SCAN_MODEL(s, i);
		struct profile_job job = scan_job(s, i, &cfg, "");
		int rc;

		rc = profile_init(&m->profile[0], s->classes, &s->arena, e);
		if (rc == 0)
			rc = profile_landing(&m->profile[0], &job, e);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int
measure_probes(struct scan *s, struct err *e)
{
	for (size_t i = 0; i <= s->nref; i++) {
		struct profile_job job =
		    scan_job(s, i, &s->opt.budget->profile, "");
		int rc = profile_probe(
		    &SCAN_MODEL(s, i)->profile[0], &job, &s->arena, e);

		if (rc != 0)
			return rc;
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

bool
scan_pair_counts(const struct scan *s, size_t at)
{
	const struct verdict_input *in = &s->in;

	if (!s->pairs)
		return false;
	return in->pairs[at].adjusted < 1.0 ||
	       (in->map.adjusted < 1.0 &&
		   in->to[at / s->classes] == at % s->classes);
}

bool
scan_pair_said(const struct scan *s, size_t at)
{
	size_t k = s->classes;

	return s->in.class_[at % k].target ||
	       (s->in.map.target && s->in.to[at / k] == at % k);
}

/* A perturbation and the images that it is tried on. */
struct shared_cell {
	const struct trigger *trigger;
	int32_t source, target;
	struct scan_flips *flips; /* of one source, or of the first of all */
};

struct shared_work {
	const struct scan *s;
	struct shared_cell *cell;
	size_t ncell;
	/* per cell, model and image */
	int32_t (*pred)[SCAN_REFERENCES + 1][SHARED_IMAGES];
};

/* Images of the source, or of all but the target. */
static size_t
shared_images(
    const struct scan *s, const struct shared_cell *c, uint32_t *index)
{
	size_t n = 0;

	for (size_t i = 0; i < s->nboth && n < SHARED_IMAGES; i++) {
		int32_t y = s->test.label[s->both[i]];

		if (c->source == UAP_ALL ? y != c->target : y == c->source)
			index[n++] = s->both[i];
	}
	return n;
}

/* Predictions of all models under one cell's perturbation. */
static int
predict_cell(void *ctx, size_t at, struct err *e)
{
	const struct shared_work *w = ctx;
	uint32_t index[SHARED_IMAGES];
	size_t n = shared_images(w->s, &w->cell[at], index);
	int rc = 0;

	for (size_t k = 0; rc == 0 && k <= w->s->nref; k++)
		rc = uap_predict(&SCAN_MODEL(w->s, k)->net, &w->s->test, index,
		    n, w->cell[at].trigger, w->pred[at][k], e);
	return rc;
}

/* Count image i, which became t in the suspect, by what the references did:
 * the majority also t (shared), unmoved (unshared), or something else. */
static void
count_flip(const struct shared_work *w, size_t at, size_t i, int32_t label,
    struct scan_flips *f)
{
	size_t same = 0, still = 0, nref = w->s->nref;

	f->flipped++;
	for (size_t k = 1; k <= nref; k++) {
		same += w->pred[at][k][i] == w->cell[at].target;
		still += w->pred[at][k][i] == label;
	}
	if (2 * same > nref)
		f->shared++;
	else if (2 * still > nref)
		f->unshared++;
	else
		f->different++;
}

static void
count_cell(const struct shared_work *w, size_t at)
{
	const struct shared_cell *c = &w->cell[at];
	uint32_t index[SHARED_IMAGES];
	size_t n = shared_images(w->s, c, index);

	for (size_t i = 0; i < n; i++) {
		int32_t y = w->s->test.label[index[i]];
		struct scan_flips *f =
		    c->source == UAP_ALL ? c->flips + y : c->flips;

		f->n++;
		if (w->pred[at][0][i] == c->target)
			count_flip(w, at, i, y, f);
	}
}

/* The suspect's perturbations that count. */
static void
shared_cells(struct scan *s, struct shared_work *w)
{
	const struct profile *p = &s->suspect.profile[0];
	size_t k = s->classes;

	for (size_t i = 0; i < geometry_count * k; i++)
		if (p->cell[i].n != 0)
			w->cell[w->ncell++] =
			    (struct shared_cell){&p->cell[i].trigger, UAP_ALL,
				(int32_t)(i % k), &s->flips[i * k]};
	for (size_t i = 0; i < k * k; i++)
		if (p->pair[i].n != 0 && scan_pair_counts(s, i))
			w->cell[w->ncell++] = (struct shared_cell){
			    &p->pair[i].trigger, (int32_t)(i / k),
			    (int32_t)(i % k), &s->pair_flips[i]};
}

int
scan_sharedness(struct scan *s, struct err *e)
{
	size_t k = s->classes, most = (geometry_count + k) * k;
	struct shared_work w = {.s = s};
	int rc;

	s->flips = scan_need(s, geometry_count * k * k, sizeof(*s->flips));
	s->pair_flips = scan_need(s, k * k, sizeof(*s->pair_flips));
	w.cell = scan_need(s, most, sizeof(*w.cell));
	shared_cells(s, &w);
	w.pred = scan_need(s, w.ncell + 1, sizeof(*w.pred));
	rc = each(w.ncell, "sharedness", predict_cell, &w,
	    &(struct each_result){w.pred, sizeof(*w.pred)}, e);
	for (size_t i = 0; rc == 0 && i < w.ncell; i++)
		count_cell(&w, i);
	return rc;
}

/* --- untargeted matrix --------------------------------------------------- */

static int
flip_matrix(struct scan *s, struct err *e)
{
	size_t n = MIN(s->nboth, MATRIX_IMAGES), k = s->classes;
	size_t image = s->suspect.net.h * s->suspect.net.w * s->suspect.net.c;
	struct spgd_config cfg = spgd_defaults();
	float *x = scan_need(s, n * image, sizeof(*x));
	int32_t *label = scan_need(s, n, sizeof(*label));
	struct spgd_result r;
	struct spgd pgd;
	int rc;

	s->matrix = scan_need(s, k * k, sizeof(*s->matrix));
	s->matrix_shared = scan_need(s, k * k, sizeof(*s->matrix_shared));
	s->matrix_n = scan_need(s, k, sizeof(*s->matrix_n));
	for (size_t i = 0; i < n; i++) {
		memcpy(x + i * image, s->test.x + s->both[i] * image,
		    image * sizeof(*x));
		label[i] = s->test.label[s->both[i]];
	}
	r = (struct spgd_result){scan_need(s, n * image, sizeof(float)),
	    scan_need(s, n, sizeof(int32_t)), scan_need(s, n, sizeof(int32_t)),
	    scan_need(s, n, sizeof(int32_t)), scan_need(s, n, sizeof(int32_t))};
	rc = spgd_init(&pgd, &cfg, &s->suspect.net, &s->ref[0].net, n, e);
	if (rc != 0)
		return rc;
	spgd_attack(&pgd, x, label, n, 0, &r);
	spgd_release(&pgd);
	for (size_t i = 0; i < n; i++) {
		size_t from = (size_t)label[i], to = (size_t)r.pred[i];

		s->matrix_n[from]++;
		s->matrix[from * k + to]++;
		s->matrix_shared[from * k + to] += r.pred0[i] == r.pred[i];
	}
	return 0;
}

static int
measure_all(struct scan *s, struct err *e)
{
	int rc;

	s->pairs = s->nref != 0 && s->classes > 2;
	s->pair_stamps = s->pairs && s->classes <= PROFILE_ALL_PAIRS;
	if ((rc = measure_landing(s, e)) != 0 ||
	    (rc = measure_probes(s, e)) != 0)
		return rc;
	choose(s);
	if ((rc = scan_radii(s, &s->plan, 0, e)) != 0 ||
	    (s->previous && (rc = scan_previous(s, e)) != 0) ||
	    (rc = scan_judge(s, e)) != 0 ||
	    (s->nref != 0 && (rc = flip_matrix(s, e)) != 0))
		return rc;
	return s->opt.baselines || s->nref == 0 ? scan_self(s, e) : 0;
}

int
scan_measure(struct scan *s, struct err *e)
{
	double start = progress_clock();
	int rc;

	if (s->arm != SCAN_NO_DATA) {
		rc = measure_all(s, e);
	} else if ((rc = scan_margins(s, e)) == 0) {
		s->verdict = VERDICT_INCONCLUSIVE;
		s->why = "without images only the model's margins can be "
			 "looked at, and clean models differ in these";
	}
	if (s->nref == 0 && rc == 0 && isfinite(s->self.mm_bd.p)) {
		s->p = s->self.mm_bd.p;
		s->score = s->self.mm_bd.score;
	}
	s->seconds = progress_clock() - start;
	return rc;
}
