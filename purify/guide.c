/* SPDX-License-Identifier: MIT */
#include "purify/guide_part.h"

#include <math.h>

const struct uap_config guide_how = {
    .steps = GUIDE_STEPS, .batch = GUIDE_BATCH, .count = 64};
/* Of the suspect, which has the trigger whole, far more thorough: what flips
 * sixteen images at once is nearer to the trigger, and half as large. */
static const struct uap_config thorough = {
    .steps = GUIDE_FIRST_STEPS, .batch = GUIDE_FIRST_BATCH, .count = 64};

/* Of each perturbation that is found, others like it. */
#define VARIANTS 4

/* --- questions ----------------------------------------------------------- */

/* How easily the references and the suspect are pushed to a class, or in a
 * pair. */
static void
read_ease(const json_t *cell, struct guide_question *q)
{
	const json_t *list = json_at(cell, "ease.references"), *one;
	const json_t *suspect = json_at(cell, "ease.suspect");
	double sum = 0.0, n = (double)json_array_size(list);
	size_t i;

	q->natural = q->easiest = -INFINITY;
	q->claimed = NAN;
	if (json_array_size(list) == 0)
		return;
	json_array_foreach(list, i, one)
	{
		sum += json_number_value(one);
		q->easiest = fmax(q->easiest, json_number_value(one));
	}
	q->natural = sum / n;
	if (json_is_number(suspect))
		q->claimed = json_number_value(suspect);
}

static bool
is_odd(const struct guide_question *q)
{
	return q->claimed - q->natural >= GUIDE_ODD;
}

/* The entry of a list for a class, and a source if there is one. */
static const json_t *
cell_of(const json_t *list, int64_t target, int64_t source)
{
	const json_t *one;
	size_t i;

	json_array_foreach(list, i, one)
	{
		const json_t *s = json_at(one, "source");

		if (json_integer_value(json_at(one, "class")) == target &&
		    (source == UAP_ALL || json_integer_value(s) == source))
			return one;
	}
	return NULL;
}

static void
ask(struct guide *g, const struct guide_question *what)
{
	struct guide_question *q = &g->question[g->n];

	for (size_t i = 0; i < g->n; i++)
		if (g->question[i].geometry == what->geometry &&
		    g->question[i].target == what->target &&
		    g->question[i].source == what->source)
			return;
	if (g->n == GUIDE_MAX) {
		g->left_out++;
		return;
	}
	*q = *what;
	q->ease = INFINITY;
	g->n++;
}

/* A class that all others are pushed to: in the geometry that sees it best or,
 * with `more`, in those that the references are far from. */
static void
ask_class(struct guide *g, const json_t *scan, int64_t class, const char *best,
    bool more)
{
	const json_t *list = json_at(scan, "geometries"), *one;
	struct guide_question q = {
	    .target = (int32_t) class, .source = UAP_ALL, .best = !more};
	bool seen = false;
	size_t i;

	json_array_foreach(list, i, one)
	{
		const char *name = json_text_at(one, "name");

		q.geometry = geometry_find(name);
		read_ease(
		    cell_of(json_at(one, "per_class"), class, UAP_ALL), &q);
		if (q.geometry == NULL ||
		    (more ? !is_odd(&q) : strcmp(name, best) != 0))
			continue;
		ask(g, &q);
		seen = true;
	}
	q.geometry = geometry_find(best);
	read_ease(NULL, &q);
	if (!more && !seen && q.geometry != NULL)
		ask(g, &q);
}

static int
ask_target(struct guide *g, const json_t *scan, const json_t *target,
    size_t classes, bool more, struct err *e)
{
	struct guide_question q = {
	    .geometry = geometry_find("patch"), .best = true};
	int64_t class, source, last = (int64_t)classes - 1;
	const char *name;
	int rc;

	if ((rc = json_get_int(target, "class", 0, last, &class, e)) != 0 ||
	    (rc = json_get_str(target, "geometry", &name, e)) != 0)
		return rc;
	if (json_at(target, "source") == NULL) {
		ask_class(g, scan, class, name, more);
		return 0;
	}
	if ((rc = json_get_int(target, "source", 0, last, &source, e)) != 0 ||
	    more)
		return rc;
	q.target = (int32_t) class;
	q.source = (int32_t)source;
	q.mapped = strcmp(name, "map") == 0;
	read_ease(cell_of(json_at(scan, "pairs"), class, source), &q);
	ask(g, &q);
	return 0;
}

int
guide_read(struct guide *g, const json_t *scan, const struct net *net,
    struct arena *a, struct err *e)
{
	const json_t *targets = json_at(scan, "targets");
	const json_t *accuracy = json_at(scan, "accuracy.suspect");
	size_t n = json_array_size(targets), step = n / GUIDE_MAX + 1;
	int rc = 0;

	*g = (struct guide){.left_out = n - (n + step - 1) / step,
	    .accuracy = json_is_number(accuracy) ? json_number_value(accuracy)
						 : (double)NAN};
	g->question = arena_alloc(a, GUIDE_MAX, sizeof(*g->question));
	if (g->question == NULL)
		BUG("out of memory");
	for (int more = 0; more < 2; more++)
		for (size_t i = 0; rc == 0 && i < n; i += step)
			rc = ask_target(g, scan, json_array_get(targets, i),
			    net->classes, more != 0, e);
	return rc;
}

void
guide_release(struct guide *g)
{
	for (size_t i = 0; i < g->n; i++)
		for (size_t k = 0; k < g->question[i].n; k++)
			trigger_release(&g->question[i].pool[k]);
	g->n = 0;
}

/* --- searching ----------------------------------------------------------- */

double
guide_ease(const struct uap_found *f)
{
	double ease = 0.0;

	for (size_t i = 0; i < UAP_SHARES; i++)
		ease -= log(f->radius[i]) / UAP_SHARES;
	return ease;
}

bool
guide_pushes(const struct guide_question *q, int32_t label)
{
	return q->target != label &&
	       (q->source == UAP_ALL || q->source == label);
}

bool
guide_has_images(
    const struct guide_question *q, const struct uap_images *images)
{
	for (size_t i = 0; i < images->n; i++)
		if (guide_pushes(q, images->label[i]))
			return true;
	return false;
}

static bool
is_open(const struct guide_question *q, const struct uap_images *images)
{
	return q->ease > q->natural && guide_has_images(q, images);
}

int
guide_search(struct guide *g, const struct net *net,
    const struct uap_images *images, size_t seeds, bool first, uint64_t seed,
    struct err *e)
{
	struct guide_question *of[GUIDE_MAX];
	struct uap_cell cell[GUIDE_MAX];
	struct uap_found found[GUIDE_MAX];
	size_t n = 0;
	int rc;

	for (size_t i = 0; i < g->n; i++)
		if (is_open(&g->question[i], images))
			of[n++] = &g->question[i];
	for (size_t i = 0; i < n; i++)
		of[i]->ease = -INFINITY;
	for (size_t k = 0; k < seeds; k++) {
		for (size_t i = 0; i < n; i++) {
			const struct guide_question *q = of[i];

			cell[i] = (struct uap_cell){.geometry = q->geometry,
			    .source = q->source,
			    .target = q->target,
			    .seed = seed + k};
		}
		rc = uap_search(net, first ? &thorough : &guide_how, images,
		    images, cell, n, NULL, found, e);
		if (rc != 0)
			return rc;
		for (size_t i = 0; i < n; i++)
			guide_keep(of[i], &found[i], VARIANTS, seed + k);
		uap_release(found, n);
	}
	for (size_t i = 0; first && i < n; i++)
		if ((rc = guide_search_frames(of[i], net, images, seed, e)) !=
		    0)
			return rc;
	for (size_t i = 0; i < n; i++)
		if (of[i]->first == 0)
			of[i]->first = of[i]->n;
	return 0;
}

double
guide_first_times(const struct guide *g, size_t first_seeds, size_t seeds)
{
	double first = 0.0, later = 0.0;

	for (size_t i = 0; i < g->n; i++) {
		first +=
		    (double)first_seeds * GUIDE_FIRST_STEPS * GUIDE_FIRST_BATCH;
		later += (double)seeds * GUIDE_STEPS * GUIDE_BATCH;
		if (g->question[i].geometry == geometry_find("patch"))
			first += (double)GUIDE_FRAMES * GUIDE_FRAME_STEPS *
				 GUIDE_FRAME_BATCH;
	}
	return later > 0.0 ? first / later : 1.0;
}

int
guide_idle(const struct guide_question *q, struct err *e)
{
	if (q->source == UAP_ALL)
		return err_set(e, ERR_USAGE, ERR_NOWHERE,
		    "no images to push to class %d", q->target);
	return err_set(e, ERR_USAGE, ERR_NOWHERE,
	    "no images to push from class %d to class %d", q->source,
	    q->target);
}

/* --- using --------------------------------------------------------------- */

static bool
about(const struct guide_question *q, int32_t label)
{
	return q->n != 0 && guide_pushes(q, label);
}

/* What sees that target best, of the questions about a class; or NULL. */
static const struct guide_question *
best_of(const struct guide *g, int32_t label, int32_t target)
{
	for (size_t i = 0; i < g->n; i++)
		if (g->question[i].best && g->question[i].target == target &&
		    about(&g->question[i], label))
			return &g->question[i];
	return NULL;
}

/* Every class has weaknesses of its own in each geometry, and to unlearn these costs
 * accuracy: three times in four it is the one that the backdoor shows in. */
#define BEST 4

const struct trigger *
guide_trigger(const struct guide *g, int32_t label, uint64_t choice)
{
	const struct guide_question *q = NULL, *best;
	size_t n = 0, at;

	for (size_t i = 0; i < g->n; i++)
		n += about(&g->question[i], label);
	if (n == 0)
		return NULL;
	at = choice % n;
	for (size_t i = 0; i < g->n; i++)
		if (about(&g->question[i], label) && at-- == 0)
			q = &g->question[i];
	choice /= n;
	best = best_of(g, label, q->target);
	if (best != NULL && choice % BEST != 0)
		q = best;
	return &q->pool[choice / BEST % q->n];
}
