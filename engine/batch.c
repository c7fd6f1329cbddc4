/* SPDX-License-Identifier: MIT
 * Evaluation: each lane walks its chunks depth first, so only one chunk per
 * thread is in memory.  Training with batch
 * statistics: all chunks advance step by step, and at each synchronised
 * operator their sums are added up in chunk order.
 */
#include "engine/batch.h"

#include <omp.h>

/*
 * Few enough images that every lane gets some, many enough that the products
 * of the layers with fewest pixels are worth their weights' way through
 * memory: 16 of 32x32, 4 of 64x64 and more.
 */
#define CHUNK_MIN    4
#define CHUNK_PIXELS ((size_t)16 << 10)

size_t
batch_chunk(const struct net *net, size_t n)
{
	size_t even = (n + BATCH_LANES - 1) / BATCH_LANES;
	size_t least = MAX(CHUNK_MIN, CHUNK_PIXELS / MAX(net->h * net->w, 1));
	size_t most = MIN(net->chunk, MAX(even, least));
	size_t pieces = (n + most - 1) / most;

	if (net->batch != 0)
		return net->batch;
	return (n + pieces - 1) / pieces;
}

static size_t
chunk_first(const struct batch *b, size_t k)
{
	return k * b->chunk;
}

static size_t
chunk_size(const struct batch *b, size_t k)
{
	return MIN(b->chunk, b->n - chunk_first(b, k));
}

/* Lanes take contiguous ranges of chunks. */
static size_t
lane_first(const struct batch *b, size_t lane)
{
	return b->nchunk * lane / b->nlane;
}

/* Whether a chunk runs with images that are not the batch's. */
static bool
is_filled_up(const struct batch *b, size_t k)
{
	return b->net->batch != 0 && chunk_size(b, k) < b->chunk;
}

static bool
is_synced(const struct batch *b)
{
	return b->mode == BATCH_TRAIN && b->net->synced;
}

/* In training a rank without chunks has one run, for its shapes. */
static size_t
run_count(const struct batch *b)
{
	return is_synced(b) ? MAX(b->own.to - b->own.from, 1) : b->nthread + 1;
}

/* The run for chunk k: its own in training, else the thread's; a smaller
 * chunk at the end of the batch has one apart. */
static struct run *
run_of(const struct batch *b, size_t thread, size_t k)
{
	if (is_synced(b))
		return &b->run[k - b->own.from];
	if (chunk_size(b, k) == b->chunk || is_filled_up(b, k))
		return &b->run[thread];
	return &b->run[b->nthread];
}

static int
init_run(struct batch *b, struct run *r, size_t images, struct err *e)
{
	size_t k = (size_t)(r - b->run);

	if (r->mem != NULL)
		return 0;
	if (b->host != NULL && k < run_count(b->host) &&
	    b->host->run[k].mem != NULL)
		return run_init_within(r, &b->host->run[k], images, e);
	return run_init(r, b->net, images, b->want, e);
}

static int
init_runs(struct batch *b, struct err *e)
{
	size_t last = b->nchunk - 1, from = MIN(b->own.from, last);
	int rc = 0;

	b->run = arena_alloc(&b->arena, run_count(b), sizeof(*b->run));
	if (b->run == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "batch too large");
	for (size_t k = 0; rc == 0 && is_synced(b) && k < run_count(b); k++)
		rc = init_run(b, &b->run[k], chunk_size(b, from + k), e);
	if (is_synced(b))
		return rc;
	for (size_t t = 0; rc == 0 && t < b->nthread; t++)
		rc = init_run(b, &b->run[t], b->chunk, e);
	if (rc == 0 && b->own.from <= last && last < b->own.to &&
	    chunk_size(b, last) != b->chunk && !is_filled_up(b, last))
		rc = init_run(b, run_of(b, 0, last), chunk_size(b, last), e);
	return rc;
}

static size_t
image_floats(const struct batch *b)
{
	return b->net->h * b->net->w * b->net->c;
}

/* Room for what fills up the last chunk. */
static int
init_tail(struct batch *b, struct err *e)
{
	size_t floats = b->chunk * image_floats(b);

	if (!is_filled_up(b, b->nchunk - 1))
		return 0;
	if (is_synced(b))
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "the model takes %zu images at a time, which %zu are not "
		    "a multiple of",
		    b->chunk, b->n);
	b->tail_x = arena_alloc(&b->arena, floats, sizeof(float));
	b->tail_dx = arena_alloc(&b->arena, floats, sizeof(float));
	if (b->tail_x == NULL || b->tail_dx == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "batch too large");
	return 0;
}

/* Room for the statistics of every synchronised step. */
static int
init_sync(struct batch *b, struct err *e)
{
	const struct net *net = b->net;
	size_t total = 0;

	b->stat_at = arena_alloc(&b->arena, net->nstep, sizeof(*b->stat_at));
	for (size_t i = 0; b->stat_at != NULL && i < net->nstep; i++) {
		const struct step *s = &net->step[i];
		size_t size;

		if (s->op->sync == NULL)
			continue;
		size = s->op->sync->size(&b->run[0].plan.shape[s->in[0]]);
		b->stat_at[i] = total;
		total += size;
		b->sum_size = MAX(b->sum_size, size);
	}
	b->stat_size = total;
	b->stat = arena_alloc(&b->arena, 2 * total + 1, sizeof(*b->stat));
	b->sum = arena_alloc(
	    &b->arena, (b->nchunk + 1) * b->sum_size, sizeof(*b->sum));
	if (b->stat_at == NULL || b->stat == NULL || b->sum == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "batch too large");
	for (size_t k = 0; k < run_count(b); k++)
		for (size_t i = 0; i < net->nstep; i++) {
			if (net->step[i].op->sync == NULL)
				continue;
			b->run[k].stat[0][i] = b->stat + b->stat_at[i];
			b->run[k].stat[1][i] = b->stat + total + b->stat_at[i];
		}
	return 0;
}

/* Which lanes are this rank's, and the memory that depends on it. */
static int
init_lanes(struct batch *b, struct err *e)
{
	size_t lanes, n = b->n * b->net->classes;
	bool weights = (b->want & PLAN_WEIGHTS) != 0;

	b->nlane = weights ? MIN(b->nchunk, BATCH_LANES) : b->nchunk;
	b->lane = ranks_share(b->nlane);
	b->own = (struct ranks_share){
	    lane_first(b, b->lane.from), lane_first(b, b->lane.to)};
	lanes = b->lane.to - b->lane.from;
	b->nthread = MIN(lanes, (size_t)MAX(omp_get_max_threads(), 1));
	if (ranks_count() > 1 &&
	    (b->logits = arena_alloc(&b->arena, n, sizeof(float))) == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "batch too large");
	if (!weights)
		return 0;
	b->lane_grad =
	    b->host != NULL && lanes <= b->host->lane.to - b->host->lane.from
		? b->host->lane_grad
		: arena_alloc(
		      &b->arena, lanes * b->net->nweight + 1, sizeof(float));
	return b->lane_grad != NULL
		   ? 0
		   : err_set(e, ERR_LIMIT, ERR_NOWHERE,
			 "%zu gradients of all weights do not fit in memory",
			 lanes);
}

static int
init(struct batch *b, size_t n, struct err *e)
{
	const struct net *net = b->net;
	int rc;

	if (n == 0)
		BUG("empty batch");
	b->n = n;
	arena_init(&b->arena, (size_t)64 << 30);
	b->chunk = batch_chunk(net, n);
	b->nchunk = (n + b->chunk - 1) / b->chunk;
	if ((rc = init_lanes(b, e)) != 0 || (rc = init_tail(b, e)) != 0 ||
	    (rc = init_runs(b, e)) != 0 ||
	    (is_synced(b) && (rc = init_sync(b, e)) != 0))
		batch_release(b);
	return rc;
}

int
batch_init(struct batch *b, const struct net *net, size_t n, unsigned want,
    enum batch_mode mode, struct err *e)
{
	*b = (struct batch){.net = net, .want = want, .mode = mode};
	return init(b, n, e);
}

int
batch_init_within(
    struct batch *b, const struct batch *host, size_t n, struct err *e)
{
	*b = (struct batch){.net = host->net,
	    .host = host,
	    .want = host->want,
	    .mode = host->mode};
	return init(b, n, e);
}

void
batch_release(struct batch *b)
{
	for (size_t i = 0; b->run != NULL && i < run_count(b); i++)
		if (b->run[i].mem != NULL)
			run_release(&b->run[i]);
	arena_release(&b->arena);
	*b = (struct batch){0};
}

/* --- one call ------------------------------------------------------------ */

struct job {
	struct batch *b;
	const float *x;
	batch_loss *loss;
	void *ctx;
	float *dx;
	bool weights;
	double *part; /* loss per chunk */
};

/* A chunk that is filled up gets more of its last image, which count for
 * nothing. */
static const float *
chunk_x(const struct job *j, size_t k)
{
	const struct batch *b = j->b;
	size_t floats = image_floats(b), n = chunk_size(b, k);
	const float *x = j->x + chunk_first(b, k) * floats;

	if (!is_filled_up(b, k))
		return x;
	for (size_t i = 0; i < b->chunk; i++)
		memcpy(b->tail_x + i * floats, x + MIN(i, n - 1) * floats,
		    floats * sizeof(*x));
	return b->tail_x;
}

static void
chunk_loss(const struct job *j, struct run *r, size_t k)
{
	const struct batch *b = j->b;
	size_t n = chunk_size(b, k), classes = b->net->classes;
	float *d = b->want != 0 ? run_dlogits(r) : NULL;

	j->part[k] = j->loss(j->ctx, chunk_first(b, k), n, run_logits(r), d);
	if (b->logits != NULL)
		memcpy(b->logits + chunk_first(b, k) * classes, run_logits(r),
		    n * classes * sizeof(*d));
	if (d != NULL && is_filled_up(b, k))
		memset(
		    d + n * classes, 0, (b->chunk - n) * classes * sizeof(*d));
}

static float *
chunk_dx(const struct job *j, size_t k)
{
	const struct batch *b = j->b;

	if (j->dx == NULL)
		return NULL;
	return is_filled_up(b, k) ? b->tail_dx
				  : j->dx + chunk_first(b, k) * image_floats(b);
}

/* Gradients of the images of a chunk that was filled up. */
static void
take_dx(const struct job *j, size_t k)
{
	const struct batch *b = j->b;
	size_t floats = image_floats(b);

	if (j->dx != NULL && is_filled_up(b, k))
		memcpy(j->dx + chunk_first(b, k) * floats, b->tail_dx,
		    chunk_size(b, k) * floats * sizeof(*j->dx));
}

static float *
lane_grad(const struct job *j, size_t lane)
{
	const struct batch *b = j->b;

	return j->weights
		   ? b->lane_grad + (lane - b->lane.from) * b->net->nweight
		   : NULL;
}

static void
clear_grad(const struct job *j, size_t lane)
{
	if (j->weights)
		memset(
		    lane_grad(j, lane), 0, j->b->net->nweight * sizeof(float));
}

static void
lane_eval(const struct job *j, size_t lane)
{
	struct batch *b = j->b;

	clear_grad(j, lane);
	for (size_t k = lane_first(b, lane); k < lane_first(b, lane + 1); k++) {
		struct run *r = run_of(b, (size_t)omp_get_thread_num(), k);

		run_forward(r, chunk_x(j, k));
		chunk_loss(j, r, k);
		if (b->want == 0)
			continue;
		run_backward(r, chunk_dx(j, k), lane_grad(j, lane));
		take_dx(j, k);
	}
}

/* What the ranks have of a number of bytes for each chunk, or image. */
static void
gather(const struct batch *b, void *p, size_t size, bool images)
{
	size_t at[RANKS_MOST + 1];

	if (ranks_count() == 1)
		return;
	for (size_t r = 0; r < ranks_count(); r++) {
		size_t k = lane_first(b, ranks_share_of(b->nlane, r).to);

		at[r + 1] = size * (images ? MIN(k * b->chunk, b->n) : k);
	}
	at[0] = 0;
	ranks_gather(p, at);
}

/* Whether a step has statistics: it runs, and back what asks for a gradient. */
static bool
has_statistics(const struct batch *b, size_t i, bool backward)
{
	const struct step *s = &b->net->step[i];
	const struct plan *p = &b->run[0].plan;

	return s->op->sync != NULL && p->run[i] &&
	       (!backward || p->wants[s->out]);
}

/* Add the chunks' sums in order and finish them into the statistics. */
static void
synchronise(struct batch *b, size_t i, bool backward)
{
	const struct step *s = &b->net->step[i];
	const struct op_sync *sync = s->op->sync;
	const struct shape *x = &b->run[0].plan.shape[s->in[0]];
	double *total = b->sum + b->nchunk * b->sum_size;
	float *stat = b->stat + (backward ? b->stat_size : 0) + b->stat_at[i];

#pragma omp parallel for schedule(dynamic, 1)
	for (size_t k = b->own.from; k < b->own.to; k++) {
		double *sum = b->sum + k * b->sum_size;

		memset(sum, 0, b->sum_size * sizeof(*sum));
		run_gather(run_of(b, 0, k), i, backward, sum);
	}
	gather(b, b->sum, b->sum_size * sizeof(*b->sum), false);
	memset(total, 0, b->sum_size * sizeof(*total));
	for (size_t k = 0; k < b->nchunk; k++)
		for (size_t q = 0; q < b->sum_size; q++)
			total[q] += b->sum[k * b->sum_size + q];
	if (backward)
		sync->finish_backward(s, x, total, b->n, stat);
	else
		sync->finish_forward(s, x, total, b->n, stat);
}

/* End of the run of steps from i on that needs no synchronisation. */
static size_t
segment_end(const struct batch *b, size_t i)
{
	do
		i++;
	while (i < b->net->nstep && b->net->step[i].op->sync == NULL);
	return i;
}

static void
train_forward(const struct job *j)
{
	struct batch *b = j->b;

	for (size_t k = b->own.from; k < b->own.to; k++)
		run_begin(run_of(b, 0, k),
		    j->x + chunk_first(b, k) * image_floats(b));
	for (size_t i = 0, end; i < b->net->nstep; i = end) {
		end = segment_end(b, i);
		if (has_statistics(b, i, false))
			synchronise(b, i, false);
#pragma omp parallel for schedule(dynamic, 1)
		for (size_t k = b->own.from; k < b->own.to; k++) {
			struct run *r = run_of(b, 0, k);

			for (size_t s = i; s < end; s++)
				run_forward_step(r, s);
			if (end == b->net->nstep)
				chunk_loss(j, r, k);
		}
	}
}

/* Steps [from, to) of one lane's chunks, backwards. */
static void
lane_back(struct batch *b, size_t lane, size_t from, size_t to)
{
	for (size_t k = lane_first(b, lane); k < lane_first(b, lane + 1); k++)
		for (size_t s = to; s-- > from;)
			run_backward_step(run_of(b, 0, k), s);
}

static void
train_backward(const struct job *j)
{
	struct batch *b = j->b;
	size_t end = b->net->nstep;

#pragma omp parallel for schedule(static)
	for (size_t lane = b->lane.from; lane < b->lane.to; lane++)
		clear_grad(j, lane);
	for (size_t lane = b->lane.from; lane < b->lane.to; lane++)
		for (size_t k = lane_first(b, lane);
		     k < lane_first(b, lane + 1); k++)
			run_backward_begin(run_of(b, 0, k), chunk_dx(j, k),
			    lane_grad(j, lane));
	while (end > 0) {
		size_t i = end - 1;

		/* down to and including the synchronised step */
		while (i > 0 && b->net->step[i].op->sync == NULL)
			i--;
#pragma omp parallel for schedule(dynamic, 1)
		for (size_t lane = b->lane.from; lane < b->lane.to; lane++)
			lane_back(b, lane, i + 1, end);
		if (has_statistics(b, i, true))
			synchronise(b, i, true);
#pragma omp parallel for schedule(dynamic, 1)
		for (size_t lane = b->lane.from; lane < b->lane.to; lane++)
			lane_back(b, lane, i, i + 1);
		end = i;
	}
}

/* Lanes after each other to a piece of the weights; the first of all lanes is
 * where the sum starts. */
VECTOR static void
add_piece(const struct batch *b, size_t from, size_t n, float *grad, bool first)
{
	size_t lane = 0, lanes = b->lane.to - b->lane.from;

	if (first)
		memcpy(grad + from, b->lane_grad + from, n * sizeof(*grad));
	for (lane += first; lane < lanes; lane++) {
		const float *g = b->lane_grad + lane * b->net->nweight + from;

		for (size_t i = 0; i < n; i++)
			grad[from + i] += g[i];
	}
}

#define PIECE ((size_t)1 << 14)

static void
add_lanes(void *ctx, size_t at, size_t n, float *grad, bool first)
{
	const struct batch *b = ctx;

#pragma omp parallel for schedule(static)
	for (size_t i = at; i < at + n; i += PIECE)
		add_piece(b, i, MIN(PIECE, at + n - i), grad, first);
}

/* The losses of other ranks' chunks, of their logits: what the caller keeps of
 * each image is then everywhere. */
static void
other_losses(const struct job *j, struct arena *a)
{
	struct batch *b = j->b;
	size_t classes = b->net->classes;
	float *d = NULL;

	gather(b, b->logits, classes * sizeof(*b->logits), true);
	if (b->want != 0 &&
	    (d = arena_alloc(a, b->chunk * classes, sizeof(*d))) == NULL)
		BUG("out of memory");
	for (size_t k = 0; k < b->nchunk; k++) {
		size_t first = chunk_first(b, k);

		if (k < b->own.from || k >= b->own.to)
			j->part[k] = j->loss(j->ctx, first, chunk_size(b, k),
			    b->logits + first * classes, d);
	}
}

double
batch_step(struct batch *b, const float *x, batch_loss *loss, void *ctx,
    float *dx, float *grad)
{
	struct arena a;
	struct job j = {.b = b,
	    .x = x,
	    .loss = loss,
	    .ctx = ctx,
	    .dx = dx,
	    .weights = grad != NULL};
	double total = 0.0;

	arena_init(&a, SIZE_MAX);
	if ((j.part = arena_alloc(&a, b->nchunk, sizeof(*j.part))) == NULL)
		BUG("out of memory");
	if (is_synced(b)) {
		train_forward(&j);
		if (b->want != 0)
			train_backward(&j);
	} else {
#pragma omp parallel for schedule(dynamic, 1)                                  \
    num_threads((int)MAX(b->nthread, 1))
		for (size_t lane = b->lane.from; lane < b->lane.to; lane++)
			lane_eval(&j, lane);
	}
	if (b->logits != NULL)
		other_losses(&j, &a);
	if (dx != NULL)
		gather(b, dx, image_floats(b) * sizeof(*dx), true);
	if (grad != NULL)
		ranks_fold(MIN(b->nlane, ranks_count()), grad, b->net->nweight,
		    add_lanes, b);
	for (size_t k = 0; k < b->nchunk; k++)
		total += j.part[k];
	arena_release(&a);
	return total;
}

/* --- statistics ---------------------------------------------------------- */

void
batch_update_statistics(const struct batch *b, struct net *net, float momentum)
{
	if (net != b->net || !is_synced(b))
		return;
	for (size_t i = 0; i < net->nstep; i++) {
		const struct step *s = &net->step[i];

		if (has_statistics(b, i, false))
			s->op->sync->update(s, &b->run[0].plan.shape[s->in[0]],
			    b->stat + b->stat_at[i], b->n, momentum,
			    net_param_mutable(net, net->value[s->in[3]].param),
			    net_param_mutable(net, net->value[s->in[4]].param));
	}
}
