/* SPDX-License-Identifier: MIT */
#include "purify/rounds.h"

#include "base/limits.h"
#include "base/progress.h"
#include "base/ranks.h"
#include "base/ranks_doc.h"
#include "base/rng.h"
#include "base/stat.h"
#include "base/tool.h"
#include "engine/loss.h"
#include "engine/measure.h"
#include "engine/regrow.h"
#include "purify/budget.h"
#include "purify/checkpoint.h"
#include "purify/estimate.h"

#include <math.h>
#include <signal.h>

/* Points of accuracy by which images of one kind may differ. */
#define OTHER_IMAGES 0.05

#define STREAM_SPLIT 301
#define STREAM_ORDER 302

static volatile sig_atomic_t stopped;

void
rounds_stop(void)
{
	stopped = 1;
}

/* --- set-up -------------------------------------------------------------- */

static void *
need(struct purification *p, size_t n, size_t size, bool *full)
{
	void *q = arena_alloc(&p->arena, n + 1, size);

	*full = *full || q == NULL;
	return q;
}

static size_t
image_floats(const struct purification *p)
{
	return p->h.h * p->h.w * p->h.c;
}

static int
split(struct purification *p, struct err *e)
{
	const struct dataset *d = &p->data.data;
	size_t image = image_floats(p), n = p->cfg.batch;
	bool full = false;
	struct rng r;

	p->nheld = (size_t)((double)d->n * p->cfg.held_out + 0.5);
	p->ntrain = d->n - p->nheld;
	if (p->nheld == 0 || p->ntrain == 0)
		return err_set(
		    e, ERR_USAGE, ERR_NOWHERE, "%zu images are too few", d->n);
	n = MIN(n, p->ntrain);
	p->order = need(p, d->n, sizeof(*p->order), &full);
	p->x = need(p, d->n * image, sizeof(*p->x), &full);
	p->y = need(p, d->n, sizeof(*p->y), &full);
	p->batch_x = need(p, n * image, sizeof(*p->batch_x), &full);
	p->batch_y = need(p, n, sizeof(*p->batch_y), &full);
	p->hit_before = need(p, p->nheld, sizeof(*p->hit_before), &full);
	p->hit = need(p, p->nheld, sizeof(*p->hit), &full);
	p->kept = need(p, p->h.nweight + p->h.nfixed, sizeof(*p->kept), &full);
	p->round = need(p, p->cfg.rounds, sizeof(*p->round), &full);
	if (full)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE,
		    "%zu images do not fit in memory", d->n);
	p->held = p->x + p->ntrain * image;
	p->held_y = p->y + p->ntrain;
	for (size_t i = 0; i < d->n; i++)
		p->order[i] = (uint32_t)i;
	rng_init(&r, p->cfg.seed, STREAM_SPLIT);
	rng_shuffle(&r, p->order, d->n);
	for (size_t i = 0; i < d->n; i++) {
		dataset_image(d, p->order[i], p->x + i * image);
		p->y[i] = d->label[p->order[i]];
	}
	return 0;
}

static int
read_guide(struct purification *p, struct err *e)
{
	json_t *scan;
	char *text;
	int rc;

	if (p->cfg.guide == NULL)
		return 0;
	if ((rc = ranks_doc_read(p->cfg.guide, "assay-scan/1", &scan, e)) != 0)
		return rc;
	if ((text = json_dumps(scan, JSON_SORT_KEYS)) == NULL)
		BUG("json_dumps");
	digest_mem(text, strlen(text), &p->guided_by);
	free(text);
	if (!doc_has_input(scan, "model", &p->model.digest))
		tool_warn("%s: the scan of another model: what it found is "
			  "unlearned here all the same",
		    p->cfg.guide);
	rc = guide_read(&p->guide, scan, &p->h, &p->arena, e);
	json_decref(scan);
	if (rc == 0 && p->guide.left_out != 0)
		tool_warn("%s: too many targets: %zu questions are left out",
		    p->cfg.guide, p->guide.left_out);
	return rc == 0 ? 0 : err_in(e, p->cfg.guide);
}

static int
open_all(struct purification *p, struct err *e)
{
	const struct dataset *d = &p->data.data;
	const struct purify_config *c = &p->cfg;
	struct fetch_want want = {.spec = c->data, .classes = c->classes};
	int rc;

	arena_init(&p->arena, (size_t)1 << 40);
	budget_set(c->max_memory);
	rc = fetch_model(c->model, c->preprocess, c->arch, &p->model, e);
	if (rc != 0)
		return rc;
	if (p->model.model.fixed != NULL) {
		/* minutes of work that assay-save would refuse to write */
		err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "cannot be purified: the file cannot be written back: %s",
		    p->model.model.fixed);
		return err_in(e, c->model);
	}
	want.model = &p->model.model;
	if ((rc = fetch_data(&want, &p->data, e)) != 0)
		return rc;
	if ((rc = net_build(&p->h, &p->model.model, d->h, d->w, d->c, e)) !=
		0 ||
	    (rc = net_build(&p->h0, &p->model.model, d->h, d->w, d->c, e)) !=
		0 ||
	    (rc = measure_fits(&p->h, d, NULL, e)) != 0)
		return err_in(e, c->model);
	regrow_key(&p->model.model, &p->loaded);
	if ((rc = split(p, e)) != 0)
		return err_in(e, c->data);
	if ((rc = read_guide(p, e)) != 0)
		return rc;
	if ((rc = budget_threads(p, e)) != 0 ||
	    (rc = c->method->open(p, e)) != 0)
		return err_in(e, c->model);
	return 0;
}

int
rounds_open(struct purification *p, struct err *e)
{
	int rc = open_all(p, e);

	return rc == ERR_LIMIT ? budget_explain(e) : rc;
}

/* --- the model that counts ------------------------------------------------ */

int
rounds_accuracy(struct purification *p, bool *hit, double *out, struct err *e)
{
	size_t k = p->h.classes, n = 0;
	struct arena a;
	float *z;
	int rc;

	arena_init(&a, (size_t)4 << 30);
	if ((z = arena_alloc(&a, p->nheld * k, sizeof(*z))) == NULL)
		rc = err_set(e, ERR_LIMIT, ERR_NOWHERE,
		    "logits of %zu images do not fit in memory", p->nheld);
	else
		rc = batch_logits(&p->h, p->held, p->nheld, z, e);
	for (size_t i = 0; rc == 0 && i < p->nheld; i++) {
		hit[i] = loss_argmax(k, z + i * k) == (size_t)p->held_y[i];
		n += hit[i];
	}
	*out = (double)n / (double)p->nheld;
	arena_release(&a);
	return rc;
}

/* What of the held-out accuracy is surely lost: the lower end of the one-sided
 * 95 % interval of a difference of two models on the same images. */
static double
surely_lost(const struct purification *p)
{
	double lost = 0.0, won = 0.0, n = (double)p->nheld;

	for (size_t i = 0; i < p->nheld; i++) {
		lost += p->hit_before[i] && !p->hit[i];
		won += !p->hit_before[i] && p->hit[i];
	}
	return (lost - won - 1.645 * sqrt(lost + won)) / n;
}

static void
keep(struct purification *p, uint64_t round, double accuracy)
{
	memcpy(p->kept, p->h.weight, p->h.nweight * sizeof(*p->kept));
	memcpy(
	    p->kept + p->h.nweight, p->h.fixed, p->h.nfixed * sizeof(*p->kept));
	p->kept_round = round;
	p->after = accuracy;
}

static void
put_back(struct purification *p)
{
	memcpy(p->h.weight, p->kept, p->h.nweight * sizeof(*p->kept));
	memcpy(
	    p->h.fixed, p->kept + p->h.nweight, p->h.nfixed * sizeof(*p->kept));
	net_changed(&p->h);
}

/* The last round that is good enough counts; as long as none is, the best. */
static void
choose(struct purification *p, uint64_t round, double accuracy)
{
	bool good = surely_lost(p) <= p->cfg.keep;

	if (good || p->kept_round == 0 ||
	    (!p->kept_good && accuracy > p->after)) {
		keep(p, round, accuracy);
		p->kept_good = good;
	}
}

/* --- rounds -------------------------------------------------------------- */

size_t
rounds_batches(const struct purification *p)
{
	size_t most = MIN(p->cfg.batch, p->ntrain);

	return (p->ntrain + most - 1) / most;
}

/* From one part of it to all of it, batch by batch (Goyal et al. 2017, section
 * 2.2): Adam's first steps move every weight by all of the rate. */
static double
warming(const struct purification *p, uint64_t round, size_t at)
{
	double batches = (double)rounds_batches(p);
	double most = (double)MIN(p->cfg.batch, p->ntrain);
	double done = (double)round * batches + (double)at / most;

	return fmin(1.0, (done + 1.0) / ((double)p->cfg.warm * batches));
}

static double
rate(const struct purification *p, uint64_t round, size_t at)
{
	double done = ((double)round + (double)at / (double)p->ntrain) /
		      (double)p->cfg.rounds;
	double all = p->cfg.rate;

	if (p->cfg.warm != 0)
		all *= warming(p, round, at);
	if (p->cfg.schedule == METHOD_COSINE)
		return all * 0.5 * (1.0 + cos(acos(-1.0) * done));
	return all;
}

struct method_batch
rounds_batch(struct purification *p, uint64_t round, size_t at)
{
	size_t image = image_floats(p), n = MIN(p->cfg.batch, p->ntrain - at);

	for (size_t i = 0; i < n; i++) {
		size_t from = p->order[at + i];

		memcpy(p->batch_x + i * image, p->x + from * image,
		    image * sizeof(*p->x));
		p->batch_y[i] = p->y[from];
	}
	return (struct method_batch){p->batch_x, p->batch_y, p->order + at, n,
	    p->draw, rate(p, round, at)};
}

/* A new order each round, of the seed and the round alone. */
static void
shuffle(struct purification *p, uint64_t round)
{
	struct rng r;

	for (size_t i = 0; i < p->ntrain; i++)
		p->order[i] = (uint32_t)i;
	rng_init(&r, p->cfg.seed, STREAM_ORDER + (round << 16));
	rng_shuffle(&r, p->order, p->ntrain);
}

/* All ranks give up the same batch. */
static bool
is_stopped(struct purification *p)
{
	if (ranks_any(stopped != 0))
		p->end = ROUNDS_SIGNAL;
	return p->end == ROUNDS_SIGNAL;
}

/* Where the round stands: means so far, and shares of its images such as
 * those that are shared. */
static void
say(const struct purification *p, uint64_t i, struct progress *bar, size_t done)
{
	const struct method_terms *t = &p->round[i].terms;
	const char *const *term = p->cfg.method->term;
	double n = (double)MAX(t->n, 1);
	struct buf note = {0};

	buf_printf(&note, "round %" PRIu64 " loss %.3f", i + 1, t->loss / n);
	for (size_t k = 0; term[k] != NULL; k++) {
		const char *end = strstr(term[k], "_rate");

		if (end != NULL)
			buf_printf(&note, " %.*s %.3f", (int)(end - term[k]),
			    term[k], t->sum[k] / n);
	}
	if (i > 0)
		buf_printf(&note, " held-out %.3f", p->round[i - 1].accuracy);
	progress_step(bar, i * rounds_batches(p) + done, buf_str(&note));
	buf_free(&note);
}

static int
begin_round(struct purification *p, uint64_t i, struct err *e)
{
	const struct method *m = p->cfg.method;

	shuffle(p, i);
	return m->begin != NULL ? m->begin(p, i, e) : 0;
}

static int
one_round(
    struct purification *p, uint64_t i, struct progress *bar, struct err *e)
{
	const struct method *m = p->cfg.method;
	struct round *r = &p->round[i];
	size_t done = 0;
	int rc;

	for (size_t at = 0, n; at < p->ntrain; at += n) {
		struct method_batch b;

		if (is_stopped(p))
			return 0;
		b = rounds_batch(p, i, at);
		n = b.n;
		p->draw++;
		if ((rc = m->step(p, &b, &r->terms, e)) != 0)
			return rc;
		say(p, i, bar, ++done);
	}
	if (!isfinite(r->terms.loss))
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "the loss is not finite; try a smaller --lr");
	return rounds_accuracy(p, p->hit, &r->accuracy, e);
}

static int
all_rounds(struct purification *p, struct err *e)
{
	double start = progress_clock();
	uint64_t first = p->done;
	struct progress bar;
	int rc = 0;

	progress_begin(&bar, "purifying", p->cfg.rounds * rounds_batches(p));
	for (uint64_t i = first; rc == 0 && i < p->cfg.rounds; i++) {
		if ((rc = begin_round(p, i, e)) != 0 ||
		    p->end == ROUNDS_NOTHING)
			break;
		/* what the first round begins with says nothing of others */
		if (i == first)
			progress_from(&bar, i * rounds_batches(p));
		if ((rc = one_round(p, i, &bar, e)) != 0)
			break;
		if (p->end == ROUNDS_SIGNAL)
			break;
		p->done = i + 1;
		choose(p, p->done, p->round[i].accuracy);
		if (p->cfg.checkpoint != NULL && ranks_first() &&
		    (rc = checkpoint_write(p, p->cfg.checkpoint, e)) != 0)
			break;
		/* behind the last one there is none that could begin */
		if (p->cfg.max_seconds > 0 && p->done < p->cfg.rounds &&
		    ranks_any(progress_clock() - start >= p->cfg.max_seconds)) {
			p->end = ROUNDS_TIME;
			break;
		}
	}
	progress_end(&bar);
	return rc;
}

/* What it works with makes room for what is measured afterwards. */
static void
drop_method(struct purification *p)
{
	if (p->own != NULL)
		p->cfg.method->release(p);
	p->own = NULL;
}

/*
 * What the model knows of images unlike these is lost, and a trigger that these
 * happen to carry stays: so it is said where the suspect is surely (one-sided
 * 95 %) worse on them, by more than OTHER_IMAGES, than where it was scanned.
 */
static void
warn_of_other_images(const struct purification *p)
{
	uint64_t hit = (uint64_t)(p->before * (double)p->nheld + 0.5);

	if (measure_near_chance(hit, p->nheld, p->h.classes))
		tool_warn(MEASURE_NEAR_CHANCE, p->cfg.model, 100 * p->before);
	else if (p->guide.n != 0 && stat_wilson(hit, p->nheld, 0.90).hi <
					p->guide.accuracy - OTHER_IMAGES)
		tool_warn("%s: accuracy %.1f %% on these images, %.1f %% on "
			  "those of the scan: they are of another kind, and "
			  "what the model knows of its own will suffer",
		    p->cfg.model, 100 * p->before, 100 * p->guide.accuracy);
}

int
rounds_run(struct purification *p, struct err *e)
{
	double start = progress_clock(), measured;
	int rc;

	if ((rc = rounds_accuracy(p, p->hit_before, &p->before, e)) != 0)
		return rc;
	measured = progress_clock() - start;
	warn_of_other_images(p);
	keep(p, 0, p->before);
	if (p->cfg.checkpoint != NULL &&
	    (rc = checkpoint_read(p, p->cfg.checkpoint, e)) != 0)
		return rc;
	if ((rc = estimate_print(p, measured, e)) == 0)
		rc = all_rounds(p, e);
	put_back(p);
	p->unrounded = p->after;
	if (rc == 0)
		rc = net_export_round(&p->h, &p->rounding, e);
	if (rc == 0 && p->rounding.changed > 0)
		rc = rounds_accuracy(p, p->hit, &p->after, e);
	p->seconds = progress_clock() - start;
	drop_method(p);
	return rc;
}

void
rounds_release(struct purification *p)
{
	drop_method(p);
	guide_release(&p->guide);
	net_release(&p->h);
	net_release(&p->h0);
	fetch_model_release(&p->model);
	fetch_data_release(&p->data);
	arena_release(&p->arena);
}
