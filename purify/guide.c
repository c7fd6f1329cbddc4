/* SPDX-License-Identifier: MIT */
#include "purify/guide.h"

#include <math.h>

/* As the scan's own searches (audit/scan_measure.c), for fewer images. */
static const struct uap_config how = {.steps = 48, .batch = 8, .count = 128};

/* --- questions ----------------------------------------------------------- */

static void
ask(struct guide *g, const struct geometry *geometry, int32_t target,
    int32_t source)
{
	struct guide_question *q = &g->question[g->n];

	for (size_t i = 0; i < g->n; i++)
		if (g->question[i].geometry == geometry &&
		    g->question[i].target == target &&
		    g->question[i].source == source)
			return;
	if (g->n == GUIDE_MAX)
		return;
	*q = (struct guide_question){
	    .geometry = geometry, .target = target, .source = source};
	g->n++;
}

/* A patch and an L_inf perturbation take the place of most triggers; the
 * geometry that saw the class joins them. */
static int
ask_target(struct guide *g, const json_t *target, size_t classes, struct err *e)
{
	int64_t class, source = UAP_ALL;
	const char *name;
	int rc;

	if ((rc = json_get_int(
		 target, "class", 0, (int64_t)classes - 1, &class, e)) != 0 ||
	    (rc = json_get_str(target, "geometry", &name, e)) != 0)
		return rc;
	if (json_at(target, "source") != NULL &&
	    (rc = json_get_int(
		 target, "source", 0, (int64_t)classes - 1, &source, e)) != 0)
		return rc;
	ask(g, geometry_find("patch"), (int32_t) class, (int32_t)source);
	ask(g, geometry_find("linf"), (int32_t) class, (int32_t)source);
	if (geometry_find(name) != NULL)
		ask(g, geometry_find(name), (int32_t) class, (int32_t)source);
	return 0;
}

int
guide_read(struct guide *g, const json_t *scan, const struct net *net,
    struct arena *a, struct err *e)
{
	const json_t *targets = json_at(scan, "targets");
	size_t n = json_array_size(targets), step;
	int rc = 0;

	*g = (struct guide){0};
	g->question = arena_alloc(a, GUIDE_MAX, sizeof(*g->question));
	if (g->question == NULL)
		BUG("out of memory");
	step = n / (GUIDE_MAX / 3) + 1;
	for (size_t i = 0; rc == 0 && i < n; i += step)
		rc = ask_target(g, json_array_get(targets, i), net->classes, e);
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

static void
keep(struct guide_question *q, struct uap_found *f)
{
	if (q->n == GUIDE_POOL) {
		trigger_release(&q->pool[0]);
		memmove(q->pool, q->pool + 1,
		    (GUIDE_POOL - 1) * sizeof(q->pool[0]));
		q->n--;
	}
	q->pool[q->n++] = f->trigger;
	q->radius = f->radius[UAP_RADIUS];
	f->trigger = (struct trigger){0};
}

int
guide_search(struct guide *g, const struct net *net,
    const struct uap_images *images, uint64_t seed, struct err *e)
{
	struct uap_cell cell[GUIDE_MAX];
	struct uap_found found[GUIDE_MAX];
	int rc;

	for (size_t i = 0; i < g->n; i++)
		cell[i] = (struct uap_cell){g->question[i].geometry,
		    g->question[i].source, g->question[i].target, seed + i};
	rc = uap_search(net, &how, images, images, cell, g->n, NULL, found, e);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < g->n; i++)
		keep(&g->question[i], &found[i]);
	uap_release(found, g->n);
	return 0;
}

/* --- using --------------------------------------------------------------- */

static bool
about(const struct guide_question *q, int32_t label)
{
	return q->n != 0 && q->target != label &&
	       (q->source == UAP_ALL || q->source == label);
}

const struct trigger *
guide_trigger(const struct guide *g, int32_t label, uint64_t choice)
{
	size_t n = 0;

	for (size_t i = 0; i < g->n; i++)
		n += about(&g->question[i], label) ? g->question[i].n : 0;
	if (n == 0)
		return NULL;
	choice %= n;
	for (size_t i = 0; i < g->n; i++) {
		const struct guide_question *q = &g->question[i];

		if (!about(q, label))
			continue;
		if (choice < q->n)
			return &q->pool[choice];
		choice -= q->n;
	}
	return NULL;
}
