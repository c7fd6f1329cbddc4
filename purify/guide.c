/* SPDX-License-Identifier: MIT */
#include "purify/guide.h"

#include "base/rng.h"
#include "engine/probe.h"

#include <math.h>

#define STREAM_VARIANT 321
/* Of each perturbation that is found: itself, and others like it. */
#define VARIANTS 5
/* They are larger by at most this factor, and moved by at most so many pixels:
 * a search finds a trigger about as it is, and about where it is. */
#define LARGER 1.5
#define MOVED  1
/* A geometry is asked about when the suspect's ease is above the references'
 * by this much: two thirds of the radius. */
#define ODD 0.4
/* Of what the scan saw above the easiest reference, what a search for it again
 * must show: other images, and fewer, show less. */
#define CONFIRMED (1.0 / 3.0)

/* As the scan's own searches, on fewer images: what they find is compared with
 * its numbers. */
static const struct uap_config how = {
    .steps = GUIDE_STEPS, .batch = GUIDE_BATCH, .count = 64};
/* Of the suspect, which has the trigger whole, far more thorough: what flips
 * sixteen images at once is nearer to the trigger, and half as large. */
static const struct uap_config thorough = {
    .steps = GUIDE_FIRST_STEPS, .batch = GUIDE_FIRST_BATCH, .count = 64};

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
	return q->claimed - q->natural >= ODD;
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
	size_t n = json_array_size(targets), step = n / GUIDE_MAX + 1;
	int rc = 0;

	*g = (struct guide){.left_out = n - (n + step - 1) / step};
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

/* --- the pool ------------------------------------------------------------ */

/* to = from moved; what comes in at a border is zero. */
static void
move(const struct trigger *t, size_t c, const float *from, int dy, int dx,
    float *to)
{
	long h = (long)t->h, w = (long)t->w;

	if (from == NULL)
		return;
	for (long i = MAX(0, dy); i < MIN(h, h + dy); i++)
		for (long j = MAX(0, dx); j < MIN(w, w + dx); j++)
			memcpy(to + (size_t)(i * w + j) * c,
			    from + (size_t)((i - dy) * w + j - dx) * c,
			    c * sizeof(*to));
}

/* A place in the pool. */
static struct trigger *
place(struct guide_question *q)
{
	size_t out = q->first < GUIDE_POOL ? q->first : 0;

	if (q->n == GUIDE_POOL) {
		trigger_release(&q->pool[out]);
		memmove(q->pool + out, q->pool + out + 1,
		    (GUIDE_POOL - out - 1) * sizeof(q->pool[0]));
		q->n--;
	}
	return &q->pool[q->n++];
}

/* A search spends a mask where it tells most and leaves out pixels of what was
 * stamped: each pixel gets the largest of its neighbours'. */
static void
fill(const struct trigger *t, float *mask)
{
	struct trigger out;

	trigger_like(t, &out);
	for (size_t i = 0; i < t->h; i++)
		for (size_t j = 0; j < t->w; j++) {
			float *to = &out.mask[i * t->w + j];

			for (size_t y = i > 0 ? i - 1 : 0; y < MIN(i + 2, t->h);
			     y++)
				for (size_t x = j > 0 ? j - 1 : 0;
				     x < MIN(j + 2, t->w); x++)
					*to = MAX(*to, mask[y * t->w + x]);
		}
	memcpy(mask, out.mask, t->h * t->w * sizeof(*mask));
	trigger_release(&out);
}

/* Larger, every other one filled, moved. */
static void
add_variant(struct guide_question *q, const struct trigger *t, size_t number,
    struct rng *r)
{
	double scale = 1.0 + (LARGER - 1.0) * (double)rng_float(r);
	int dy = (int)rng_below(r, 2 * MOVED + 1) - MOVED;
	int dx = (int)rng_below(r, 2 * MOVED + 1) - MOVED;
	struct trigger scaled, *to = place(q);

	trigger_like(t, &scaled);
	trigger_like(t, to);
	q->geometry->scale(t, scale, &scaled);
	if (number % 2 == 0 && q->geometry == geometry_find("patch")) {
		fill(t, scaled.mask);
		dy = dx = 0;
	}
	move(t, 1, scaled.mask, dy, dx, to->mask);
	move(t, t->c, scaled.pattern, dy, dx, to->pattern);
	move(t, t->c, scaled.delta, dy, dx, to->delta);
	move(t, 2, scaled.warp, dy, dx, to->warp);
	trigger_release(&scaled);
}

/* The scan's measure of how easily a model is pushed. */
static double
ease_of(const struct uap_found *f)
{
	double ease = 0.0;

	for (size_t i = 0; i < UAP_SHARES; i++)
		ease -= log(f->radius[i]) / UAP_SHARES;
	return ease;
}

static void
keep(struct guide_question *q, struct uap_found *f, uint64_t seed)
{
	struct rng r;

	q->ease = fmax(q->ease, ease_of(f));
	rng_init(&r, seed, STREAM_VARIANT);
	for (size_t i = 1; i < VARIANTS; i++)
		add_variant(q, &f->trigger, i, &r);
	*place(q) = f->trigger;
	f->trigger = (struct trigger){0};
}

/* --- searching ----------------------------------------------------------- */

static bool
pushes(const struct guide_question *q, int32_t label)
{
	return q->target != label &&
	       (q->source == UAP_ALL || q->source == label);
}

static bool
has_images(const struct guide_question *q, const struct uap_images *images)
{
	for (size_t i = 0; i < images->n; i++)
		if (pushes(q, images->label[i]))
			return true;
	return false;
}

static bool
is_open(const struct guide_question *q, const struct uap_images *images)
{
	return q->ease > q->natural && has_images(q, images);
}

/* Mean ease of some questions over searches like the scan's. */
static int
search_again(const struct guide *g, const struct net *net,
    const struct uap_images *images, const size_t *of, size_t n, uint64_t seed,
    double *mean, struct err *e)
{
	struct uap_cell cell[GUIDE_MAX];
	struct uap_found found[GUIDE_MAX];
	int rc;

	for (size_t k = 0; n > 0 && k < GUIDE_CONFIRM; k++) {
		for (size_t i = 0; i < n; i++) {
			const struct guide_question *q = &g->question[of[i]];

			cell[i] = (struct uap_cell){
			    q->geometry, q->source, q->target, seed + k};
		}
		rc = uap_search(
		    net, &how, images, images, cell, n, NULL, found, e);
		if (rc != 0)
			return rc;
		for (size_t i = 0; i < n; i++)
			mean[i] += ease_of(&found[i]) / GUIDE_CONFIRM;
		uap_release(found, n);
	}
	return 0;
}

/* What else sees a target goes with what sees it best. */
static bool
best_closed(const struct guide *g, const struct guide_question *q)
{
	bool closed = false;

	for (size_t i = 0; i < g->n; i++) {
		const struct guide_question *b = &g->question[i];

		if (!b->best || b->target != q->target ||
		    b->source != q->source)
			continue;
		if (!b->closed)
			return false;
		closed = true;
	}
	return closed;
}

static size_t
close_others(struct guide *g)
{
	size_t left = 0;

	for (size_t i = 0; i < g->n; i++) {
		struct guide_question *q = &g->question[i];

		if (!q->best)
			q->closed = best_closed(g, q);
		if (q->closed)
			q->ease = -INFINITY;
		left += !q->closed;
	}
	return left;
}

static bool
is_comparable(const struct guide_question *q, const struct uap_images *images)
{
	double than = q->mapped ? (double)-INFINITY : q->easiest + ODD;

	return q->best && isfinite(q->natural) && q->claimed >= than &&
	       has_images(q, images);
}

/* Questions of[0..n) were found again with these means. */
static void
close_map(struct guide *g, const size_t *of, size_t n, const double *mean)
{
	double claimed = 0.0, found = 0.0, count = 0.0;

	for (size_t i = 0; i < n; i++) {
		const struct guide_question *q = &g->question[of[i]];

		if (!q->mapped)
			continue;
		claimed += q->claimed - q->natural;
		found += mean[i] - q->natural;
		count++;
	}
	if (claimed < ODD * count || found >= CONFIRMED * claimed)
		return;
	for (size_t i = 0; i < g->n; i++)
		if (g->question[i].mapped)
			g->question[i].closed = true;
}

int
guide_confirm(struct guide *g, const struct net *net,
    const struct uap_images *images, uint64_t seed, size_t *left, struct err *e)
{
	double mean[GUIDE_MAX] = {0};
	size_t of[GUIDE_MAX] = {0}, n = 0;
	int rc;

	for (size_t i = 0; i < g->n; i++)
		if (is_comparable(&g->question[i], images))
			of[n++] = i;
	rc = search_again(g, net, images, of, n, seed, mean, e);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < n; i++) {
		struct guide_question *q = &g->question[of[i]];

		q->closed =
		    !q->mapped && mean[i] - q->easiest <
				      CONFIRMED * (q->claimed - q->easiest);
	}
	close_map(g, of, n, mean);
	*left = close_others(g);
	return 0;
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
		for (size_t i = 0; i < n; i++)
			cell[i] = (struct uap_cell){of[i]->geometry,
			    of[i]->source, of[i]->target, seed + k};
		rc = uap_search(net, first ? &thorough : &how, images, images,
		    cell, n, NULL, found, e);
		if (rc != 0)
			return rc;
		for (size_t i = 0; i < n; i++)
			keep(of[i], &found[i], seed + k);
		uap_release(found, n);
	}
	for (size_t i = 0; i < n; i++)
		if (of[i]->first == 0)
			of[i]->first = of[i]->n;
	return 0;
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
	return q->n != 0 && pushes(q, label);
}

const struct trigger *
guide_trigger(const struct guide *g, int32_t label, uint64_t choice)
{
	const struct guide_question *q = NULL;
	size_t n = 0, at;

	for (size_t i = 0; i < g->n; i++)
		n += about(&g->question[i], label);
	if (n == 0)
		return NULL;
	at = choice % n;
	for (size_t i = 0; i < g->n; i++)
		if (about(&g->question[i], label) && at-- == 0)
			q = &g->question[i];
	return &q->pool[choice / n % q->n];
}
