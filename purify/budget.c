/* SPDX-License-Identifier: MIT */
#include "purify/budget.h"

#include "base/room.h"
#include "base/tool.h"
#include "engine/plan.h"

#include <omp.h>

/* Plans with all gradients that a thread has at once, at most: one of a
 * training step, two of SAU's inner problem. */
#define RUNS 3

static uint64_t budget = UINT64_MAX;

void
budget_set(uint64_t most)
{
	uint64_t left = room_left(), resident = room_peak();

	if (left != UINT64_MAX)
		left -= left / 8;
	if (most != 0)
		left = MIN(left, most - MIN(most, resident));
	budget = left;
	arena_limit(left < SIZE_MAX ? (size_t)left : SIZE_MAX);
}

/* What does not depend on threads: sums of weight gradients for two sizes of
 * batches, and weights, gradient, optimiser. */
static uint64_t
whole(const struct net *net)
{
	return (uint64_t)(2 * BATCH_LANES + 5) * net->nweight * sizeof(float);
}

int
budget_threads(const struct purification *p, struct err *e)
{
	size_t n = MIN(p->h.chunk, MIN(p->cfg.batch, p->ntrain));
	uint64_t each, rest = budget - MIN(budget, whole(&p->h)), fit;
	size_t threads = (size_t)MAX(omp_get_max_threads(), 1);
	struct plan plan;
	int rc;

	n = p->h.batch != 0 ? p->h.batch : n;
	rc = plan_make(&plan, &p->h, n, PLAN_DATA | PLAN_WEIGHTS, e);
	if (rc != 0)
		return rc;
	each = RUNS * (uint64_t)plan.floats * sizeof(float) + 1;
	plan_release(&plan);
	fit = MAX(rest / 2 / each, 1);
	if (fit >= threads)
		return 0;
	tool_note(
	    "%" PRIu64 " of %zu threads: no memory for more", fit, threads);
	omp_set_num_threads((int)fit);
	return 0;
}

int
budget_explain(struct err *e)
{
	if (budget == UINT64_MAX)
		return e->code;
	return err_wrap(e,
	    "there are %" PRIu64
	    " MiB of memory (a smaller --batch takes less)",
	    budget >> 20);
}
