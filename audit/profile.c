/* SPDX-License-Identifier: MIT */
#include "audit/profile.h"

#include "audit/cache.h"

int
profile_init(struct profile *p, size_t classes, struct arena *a, struct err *e)
{
	*p = (struct profile){.classes = classes};
	p->cell = arena_alloc(a, geometry_count * classes, sizeof(*p->cell));
	p->pair = arena_alloc(a, classes * classes, sizeof(*p->pair));
	p->landing.count =
	    arena_alloc(a, classes * classes, sizeof(*p->landing.count));
	p->landing.n = arena_alloc(a, classes, sizeof(*p->landing.n));
	if (p->cell == NULL || p->pair == NULL || p->landing.count == NULL ||
	    p->landing.n == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "too many classes");
	return 0;
}

void
profile_forget(struct profile *p)
{
	if (p->cell != NULL)
		uap_release(p->cell, geometry_count * p->classes);
	if (p->pair != NULL)
		uap_release(p->pair, p->classes * p->classes);
}

void
profile_release(struct profile *p)
{
	profile_forget(p);
	*p = (struct profile){0};
}

int
profile_landing(struct profile *p, const struct profile_job *job, struct err *e)
{
	int rc;

	if (job->cache != NULL && cache_landing(job->cache, &p->landing))
		return 0;
	rc = concentrate(
	    job->net, &job->cfg->landing, &job->im.test, &p->landing, e);
	if (rc == 0 && job->cache != NULL)
		cache_add_landing(job->cache, &p->landing);
	return rc;
}

#define WARP_BATCH 16

struct uap_config
profile_steps(const struct profile_config *cfg, const struct geometry *g)
{
	struct uap_config c = cfg->cell;

	if (g == PROFILE_PAIR)
		c.steps += c.steps / 2;
	/* with few images a step a warp takes twice as many, or may not be
	 * found at all */
	if (g == &geometry_warp && c.batch < WARP_BATCH)
		c.steps += c.steps;
	return c;
}

/* Images of each class: few stamps each tell much, many gratings a little each;
 * and of all that many classes have. */
static const size_t probe_each[PROBE_KINDS] = {
    [PROBE_STAMP] = 16,
    [PROBE_GRATING] = 4,
};
#define PROBE_ALL 2000

const char *
profile_shares_name(enum profile_shares which)
{
	return which == PROFILE_STAMP_PAIRS
		   ? "pair_stamp"
		   : probe_name((enum probe_kind)which);
}

static enum probe_kind
kind_of(enum profile_shares which)
{
	return which == PROFILE_STAMP_PAIRS ? PROBE_STAMP
					    : (enum probe_kind)which;
}

size_t
profile_triggers(enum profile_shares which, const struct net *net)
{
	return probe_count(kind_of(which), net->c);
}

double
profile_weight(enum profile_shares which, size_t i)
{
	return probe_weight(kind_of(which), i);
}

/* Room for shares of so many cells; whether the cache has filled it. */
static bool
room_or_cached(struct profile *p, const struct profile_job *job,
    enum profile_shares which, size_t cells, struct arena *a)
{
	size_t n = profile_triggers(which, job->net) * cells;

	p->share[which] = arena_alloc(a, n, sizeof(double));
	return p->share[which] != NULL && job->cache != NULL &&
	       cache_shares(job->cache, which, n, p->share[which]);
}

static void
keep_shares(const struct profile *p, const struct profile_job *job,
    enum profile_shares which, size_t cells)
{
	if (job->cache != NULL)
		cache_add_shares(job->cache, which,
		    profile_triggers(which, job->net) * cells, p->share[which]);
}

static int
probe_kind(struct profile *p, const struct profile_job *job,
    enum probe_kind kind, struct arena *a, struct err *e)
{
	size_t k = p->classes, most = MAX(PROBE_ALL / k, 1);
	bool pairs = kind == PROBE_STAMP && k <= PROFILE_ALL_PAIRS;
	enum profile_shares which = (enum profile_shares)kind;
	bool there = room_or_cached(p, job, which, k, a);
	int rc;

	if (pairs)
		there = room_or_cached(p, job, PROFILE_STAMP_PAIRS, k * k, a) &&
			there;
	if (p->share[which] == NULL ||
	    (pairs && p->share[PROFILE_STAMP_PAIRS] == NULL))
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "too many classes");
	if (there)
		return 0;
	rc = probe(job->net, kind, &job->im.test, MIN(probe_each[kind], most),
	    p->share[which], pairs ? p->share[PROFILE_STAMP_PAIRS] : NULL, e);
	if (rc != 0)
		return rc;
	keep_shares(p, job, which, k);
	if (pairs)
		keep_shares(p, job, PROFILE_STAMP_PAIRS, k * k);
	return 0;
}

int
profile_probe(struct profile *p, const struct profile_job *job, struct arena *a,
    struct err *e)
{
	int rc = 0;

	for (enum probe_kind kind = 0; kind < PROBE_KINDS && rc == 0; kind++)
		rc = probe_kind(p, job, kind, a, e);
	return rc;
}

/* Take from the cache what is there; what is not moves to the front of cell
 * and to. How many these are. */
static size_t
take_cached(const struct profile_job *job, struct uap_cell *cell, size_t *to,
    size_t n, struct uap_found *found)
{
	size_t left = 0;

	for (size_t i = 0; i < n; i++) {
		const struct uap_found *f =
		    job->cache != NULL ? cache_find(job->cache, &cell[i])
				       : NULL;

		if (f != NULL) {
			uap_release(&found[to[i]], 1);
			found[to[i]] = *f;
			continue;
		}
		cell[left] = cell[i];
		to[left++] = to[i];
	}
	return left;
}

/* Search the cells and put each where it belongs. */
static int
search(const struct profile_job *job, const struct uap_config *cfg,
    struct uap_cell *cell, size_t *to, size_t n, const char *what,
    struct uap_found *found, struct err *e)
{
	char label[64];
	struct arena a;
	struct uap_found *out;
	int rc = 0;

	n = take_cached(job, cell, to, n, found);
	if (n == 0)
		return 0;
	snprintf(label, sizeof(label), "%s %s", job->who, what);
	arena_init(&a, (size_t)1 << 30);
	if ((out = arena_alloc(&a, n, sizeof(*out))) == NULL)
		rc = err_set(e, ERR_LIMIT, ERR_NOWHERE, "too many classes");
	if (rc == 0)
		rc = uap_search(job->net, cfg, &job->im.fit, &job->im.test,
		    cell, n, label, out, e);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		uap_release(&found[to[i]], 1);
		found[to[i]] = out[i];
		if (job->cache != NULL)
			cache_add(job->cache, &cell[i], &out[i]);
	}
	arena_release(&a);
	return rc;
}

static size_t
images_of(const struct uap_images *im, int32_t label)
{
	size_t n = 0;

	for (size_t i = 0; i < im->n; i++)
		n += im->label[i] == label && (im->use == NULL || im->use[i]);
	return n;
}

bool
profile_source(const struct profile_images *im, size_t class)
{
	return images_of(&im->test, (int32_t) class) >= UAP_LEAST;
}

/* Which geometries: the more at a time, the more threads and ranks are busy
 * until the end. */
enum which {
	PATCHES = 1,
	OTHERS = 2,
};

static size_t
class_cells(const struct profile_plan *plan, uint64_t seed, unsigned which,
    struct uap_cell *cell, size_t *to)
{
	size_t n = 0;

	for (size_t i = 0; i < geometry_count * plan->classes; i++) {
		size_t g = i / plan->classes, t = i % plan->classes;

		bool patch = geometry_table[g] == &geometry_patch;

		if (!plan->target[t] ||
		    (which & (patch ? PATCHES : OTHERS)) == 0)
			continue;
		to[n] = i;
		cell[n++] = (struct uap_cell){.geometry = geometry_table[g],
		    .source = UAP_ALL,
		    .target = (int32_t)t,
		    .seed = seed,
		    .longer = patch && plan->classes >= PROFILE_MANY};
	}
	return n;
}

/* A pair whose source has no images is left out. */
static size_t
pair_cells(const struct profile_plan *plan, const struct profile_images *im,
    uint64_t seed, struct uap_cell *cell, size_t *to)
{
	size_t n = 0, k = plan->classes;

	for (size_t s = 0; s < k; s++) {
		if (images_of(&im->fit, (int32_t)s) == 0 ||
		    images_of(&im->test, (int32_t)s) == 0)
			continue;
		for (size_t t = 0; t < k; t++) {
			if (s == t || !plan->pair[s * k + t])
				continue;
			to[n] = s * k + t;
			cell[n++] = (struct uap_cell){.geometry = PROFILE_PAIR,
			    .source = (int32_t)s,
			    .target = (int32_t)t,
			    .seed = seed,
			    .longer = plan->longer != NULL &&
				      plan->longer[s * k + t]};
		}
	}
	return n;
}

static int
class_radii(struct profile *p, const struct profile_job *job,
    const struct profile_plan *plan, struct uap_cell *cell, size_t *to,
    struct err *e)
{
	const struct profile_config *cfg = job->cfg;
	struct uap_config config = cfg->cell;
	unsigned first =
	    plan->classes < PROFILE_MANY ? PATCHES | OTHERS : OTHERS;
	size_t n = class_cells(plan, cfg->seed, first, cell, to);
	int rc;

	config.patch_steps = profile_steps(cfg, PROFILE_PAIR).steps;
	config.warp_steps = profile_steps(cfg, &geometry_warp).steps;
	rc = search(job, &config, cell, to, n, "classes", p->cell, e);
	if (rc != 0 || (first & PATCHES) != 0)
		return rc;
	config.batch *= 2;
	n = class_cells(plan, cfg->seed, PATCHES, cell, to);
	return search(job, &config, cell, to, n, "patches", p->cell, e);
}

int
profile_radii(struct profile *p, const struct profile_job *job,
    const struct profile_plan *plan, struct err *e)
{
	const struct profile_config *cfg = job->cfg;
	size_t k = plan->classes, n;
	struct uap_cell *cell;
	struct arena a;
	size_t *to;
	int rc = 0;

	arena_init(&a, (size_t)1 << 30);
	cell = arena_alloc(&a, k * MAX(k, geometry_count), sizeof(*cell));
	to = arena_alloc(&a, k * MAX(k, geometry_count), sizeof(*to));
	if (cell == NULL || to == NULL)
		rc = err_set(e, ERR_LIMIT, ERR_NOWHERE, "too many classes");
	if (rc == 0)
		rc = class_radii(p, job, plan, cell, to, e);
	if (rc == 0) {
		n = pair_cells(plan, &job->im, cfg->seed, cell, to);
		rc = search(job, &cfg->pair, cell, to, n, "pairs", p->pair, e);
	}
	arena_release(&a);
	return rc;
}
