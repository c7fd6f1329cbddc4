/* SPDX-License-Identifier: MIT */
#include "purify/reactivate.h"

#include "base/tool.h"
#include "engine/batch.h"
#include "engine/loss.h"

/* --- which triggers ------------------------------------------------------- */

/* The one class that a trigger means, -1 when there are several or none. */
static int32_t
only_target(const struct trigger *t)
{
	int32_t one = -1;

	for (size_t k = 0; k < t->classes; k++) {
		int32_t goal = t->map[k];

		if (goal < 0 || goal == (int32_t)k)
			continue;
		if (one >= 0 && goal != one)
			return -1;
		one = goal;
	}
	return one;
}

static void
take_given(struct reactivate *r, const struct trigger *t)
{
	r->trigger[r->n++] = (struct reactivate_trigger){.trigger = t,
	    .name = t->kind,
	    .given = true,
	    .target = only_target(t),
	    .source = UAP_ALL};
}

/* The last of each pool is what was found, the others vary it.  Where nothing
 * was found, no image is about the question: the first such one. */
static const struct guide_question *
take_found(struct reactivate *r)
{
	const struct guide_question *idle = NULL;

	for (size_t i = 0; i < r->guide.n; i++) {
		const struct guide_question *q = &r->guide.question[i];

		if (q->n != 0)
			r->trigger[r->n++] = (struct reactivate_trigger){
			    .trigger = &q->pool[q->n - 1],
			    .name = q->geometry != NULL ? q->geometry->name
							: "probe",
			    .target = q->target,
			    .source = q->source};
		else if (idle == NULL)
			idle = q;
	}
	return idle;
}

static void
warn_of_idle(const struct guide *g)
{
	struct err e;

	for (size_t i = 0; i < g->n; i++)
		if (g->question[i].n == 0) {
			(void)guide_idle(&g->question[i], &e);
			tool_warn("re-activation: %s", e.msg);
		}
}

/* The scan's first questions, asked again of the model as it came; those that
 * no image is about are left out, unless there is nothing else to be tried. */
static int
take_scan(struct reactivate *r, const struct reactivate_how *how, struct err *e)
{
	const struct guide_question *idle;
	struct guide *g = &r->guide;
	int rc = guide_read(g, how->scan, how->h0, &r->arena, e);

	if (rc != 0)
		return rc;
	g->n = MIN(g->n, REACTIVATE_MOST);
	if (g->n == 0 || (rc = guide_search(g, how->h0, how->train, 1, false,
			      how->seed, e)) != 0)
		return rc;
	idle = take_found(r);
	if (r->n == 0 && idle != NULL)
		return guide_idle(idle, e);
	warn_of_idle(g);
	return 0;
}

/* --- one trigger ---------------------------------------------------------- */

static int
alone(const struct reactivate_how *how, struct reactivate_trigger *t,
    const struct push *p, struct err *e)
{
	int rc = push_count(how->h0, how->count, p, &t->original, e);

	return rc == 0 ? push_count(how->h, how->count, p, &t->purified, e)
		       : rc;
}

/* With the perturbation that is best for it, and what one does by itself. */
static int
perturbed(const struct reactivate_how *how, struct reactivate_trigger *t,
    uint64_t seed, struct err *e)
{
	size_t floats = how->h->h * how->h->w * how->h->c;
	struct push p = {.goal = t->trigger, .trigger = t->trigger};
	struct measure_count *to[] = {&t->perturbed, &t->perturbation};
	struct arena a;
	float *delta;
	int rc = 0;

	arena_init(&a, (size_t)1 << 32);
	if ((delta = arena_alloc(&a, floats, sizeof(*delta))) == NULL)
		BUG("out of memory");
	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(to); i++) {
		p.delta = NULL;
		rc = push_search(
		    how->h, how->train, &p, REACTIVATE_NORM, seed, delta, e);
		p.delta = delta;
		if (rc == 0)
			rc = push_count(how->h, how->count, &p, to[i], e);
		p.trigger = NULL;
	}
	arena_release(&a);
	return rc;
}

/* A copy of the purified model that was taught p, under p. */
static int
tuned(const struct reactivate_how *how, const struct push *p, uint64_t seed,
    struct measure_count *out, bool *done, struct err *e)
{
	int rc;

	net_copy_weights(how->spare, how->h);
	rc = retune(how->spare, how->train, p, seed, done, e);
	if (rc != 0 || !*done)
		return rc;
	return push_count(how->spare, how->count, p, out, e);
}

static int
yardstick(const struct reactivate_how *how, struct reactivate_trigger *t,
    uint64_t seed, struct err *e)
{
	struct reactivate_yardstick *y = &t->yardstick;
	struct direction d = {0};
	struct trigger patch;
	struct push p;
	int rc;

	retune_yardstick(t->trigger, seed, &patch);
	p = (struct push){.goal = &patch, .trigger = &patch};
	if ((rc = push_count(how->h, how->count, &p, &y->purified, e)) == 0 &&
	    (rc = direction_measure(how->h0, how->h, how->count, &p, &d, e)) ==
		0)
		rc = tuned(how, &p, seed, &y->tuned, &t->has_yardstick, e);
	y->cosine = d.cosine;
	trigger_release(&patch);
	return rc;
}

static int
accuracy(const struct net *net, const struct uap_images *im,
    struct measure_count *out, struct err *e)
{
	size_t k = net->classes;
	struct arena a;
	float *z;
	int rc;

	*out = (struct measure_count){.n = im->n};
	arena_init(&a, (size_t)4 << 30);
	if ((z = arena_alloc(&a, im->n * k, sizeof(*z))) == NULL)
		BUG("out of memory");
	rc = batch_logits(net, im->x, im->n, z, e);
	for (size_t i = 0; rc == 0 && i < im->n; i++)
		out->hit += loss_argmax(k, z + i * k) == (size_t)im->label[i];
	arena_release(&a);
	return rc;
}

static int
try(const struct reactivate_how *how, struct reactivate_trigger *t,
    uint64_t seed, struct err *e)
{
	const struct push p = {.goal = t->trigger, .trigger = t->trigger};
	int rc;

	if ((rc = alone(how, t, &p, e)) != 0 || t->original.n == 0 ||
	    (rc = perturbed(how, t, seed, e)) != 0 ||
	    (rc = direction_measure(
		 how->h0, how->h, how->count, &p, &t->direction, e)) != 0 ||
	    (rc = yardstick(how, t, seed, e)) != 0 ||
	    (rc = tuned(how, &p, seed, &t->tuned, &t->has_tuned, e)) != 0 ||
	    !t->has_tuned)
		return rc;
	return accuracy(how->spare, how->count, &t->tuned_accuracy, e);
}

/* Every trigger, after training on clean images alone: what users may do. */
static int
clean(struct reactivate *r, const struct reactivate_how *how, struct err *e)
{
	bool done;
	int rc;

	net_copy_weights(how->spare, how->h);
	rc = retune(how->spare, how->train, NULL, how->seed, &done, e);
	for (size_t i = 0; rc == 0 && done && i < r->n; i++) {
		struct reactivate_trigger *t = &r->trigger[i];
		const struct push p = {t->trigger, t->trigger, NULL};

		t->has_clean = true;
		rc = push_count(how->spare, how->count, &p, &t->clean, e);
	}
	return rc;
}

int
reactivate_run(
    struct reactivate *r, const struct reactivate_how *how, struct err *e)
{
	int rc = 0;

	arena_init(&r->arena, (size_t)1 << 30);
	r->ntrain = how->train->n;
	r->ncount = how->count->n;
	r->trigger =
	    arena_alloc(&r->arena, REACTIVATE_MOST + 1, sizeof(*r->trigger));
	if (r->trigger == NULL)
		BUG("out of memory");
	if (how->given != NULL)
		take_given(r, how->given);
	if (how->scan != NULL)
		rc = take_scan(r, how, e);
	if (rc == 0 && r->n != 0)
		rc = clean(r, how, e);
	for (size_t i = 0; rc == 0 && i < r->n; i++)
		rc = try(how, &r->trigger[i], how->seed + i, e);
	return rc;
}

void
reactivate_release(struct reactivate *r)
{
	guide_release(&r->guide);
	arena_release(&r->arena);
	*r = (struct reactivate){0};
}
