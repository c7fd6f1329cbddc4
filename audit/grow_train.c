/* SPDX-License-Identifier: MIT
 * One reference: fresh weights, training, the count on the held-out images,
 * its file.
 */
#include "audit/grow.h"
#include "base/progress.h"
#include "base/ranks.h"
#include "base/rng.h"
#include "base/stat.h"
#include "base/tool.h"
#include "formats/neutral.h"

#define STREAM_REFERENCE 302
/* A training that diverges or learns nothing is tried again more slowly. */
#define ATTEMPTS  3
#define SLOW_DOWN 5.0f

bool
grow_better(const struct grow *g, const struct measure_count *c)
{
	return stat_wilson(c->hit, c->n, 0.95).lo > g->chance;
}

static void
get_image(void *ctx, size_t i, uint64_t draw, float *x, int32_t *label)
{
	const struct grow *g = ctx;

	*label = g->train.label[i];
	dataset_image(&g->train, i, x);
	augment_image(&g->augment, draw, x);
}

/* Of this reference alone: another count or order changes nothing. */
static uint64_t
seed_of(const struct grow *g, size_t i)
{
	struct rng r;

	rng_init(&r, g->opt.seed, (uint64_t)STREAM_REFERENCE << 32 | i);
	return rng_u64(&r);
}

static int
train(struct grow *g, size_t i, struct grow_reference *ref, struct err *e)
{
	struct train_source src = {.n = g->train.n, .get = get_image, .ctx = g};
	struct train_config how = g->how;
	char label[64];
	int rc = 0;

	how.seed = seed_of(g, i);
	snprintf(label, sizeof(label), "growing reference %zu of %" PRIu64,
	    i + 1, g->opt.count);
	for (size_t k = 0; k < ATTEMPTS; k++, how.rate /= SLOW_DOWN) {
		if (k > 0)
			tool_note("reference %zu: again at a smaller learning "
				  "rate, %g",
			    i + 1, (double)how.rate);
		ref->rate = (double)how.rate;
		train_reset(&g->net, how.seed);
		rc = train_run(&g->net, &how, &src, label, e);
		if (rc == ERR_FORMAT)
			continue; /* diverged */
		if (rc != 0)
			return rc;
		rc = measure_accuracy(
		    &g->net, &g->held, 0, g->held.n, &ref->held, e);
		if (rc != 0 || grow_better(g, &ref->held))
			return rc;
	}
	return rc == ERR_FORMAT ? 0 : rc;
}

static int
write_reference(struct grow *g, struct grow_reference *ref, struct err *e)
{
	struct file_out out;
	struct arena a;
	struct model m;
	char path[600];
	int rc;

	arena_init(&a, (size_t)16 << 30);
	if ((rc = file_join(path, sizeof(path), g->opt.out, ref->file, e)) ==
		0 &&
	    (rc = net_export(&g->net, &a, &m, e)) == 0 &&
	    (rc = file_out_open(&out, path, e)) == 0) {
		if ((rc = neutral_write(&out, &m, e)) == 0)
			rc = file_out_commit(&out, e);
		file_out_abort(&out);
	}
	arena_release(&a);
	if (rc == 0)
		rc = digest_file(path, UINT64_MAX, &ref->digest, &ref->size, e);
	return rc;
}

int
grow_train(struct grow *g, size_t i, struct err *e)
{
	struct grow_reference *ref = &g->ref[i];
	double start = progress_clock();
	int rc;

	if ((rc = train(g, i, ref, e)) != 0)
		return rc;
	ref->seconds = progress_clock() - start;
	if (!grow_better(g, &ref->held))
		return 0;
	if (ranks_first())
		rc = write_reference(g, ref, e);
	ref->ready = rc == 0;
	return rc;
}
