/* SPDX-License-Identifier: MIT
 * What a reference must not be: the model itself or another reference once
 * more, in whatever file, or a model that numbers its classes otherwise.
 */
#include "audit/scan_arms.h"

#include "base/map.h"

/* Images of a class, below which nothing is said of it. */
#define LEAST_IMAGES 8
/* References of two classes that evidence needs. */
#define TWO_CLASSES_NEED 3

bool
scan_same_architecture(const struct net *a, const struct net *b)
{
	if (a->nstep != b->nstep || a->nweight != b->nweight)
		return false;
	for (size_t i = 0; i < a->nstep; i++)
		if (a->step[i].op != b->step[i].op)
			return false;
	return true;
}

static bool
same_floats(const float *a, const float *b, size_t n)
{
	return n == 0 || memcmp(a, b, n * sizeof(*a)) == 0;
}

/* One file, or the same numbers in two. */
static bool
same_model(const struct scan_model *a, const struct scan_model *b)
{
	return digest_equal(&a->file.digest, &b->file.digest) ||
	       (scan_same_architecture(&a->net, &b->net) &&
		   a->net.nfixed == b->net.nfixed &&
		   same_floats(a->net.weight, b->net.weight, a->net.nweight) &&
		   same_floats(a->net.fixed, b->net.fixed, a->net.nfixed));
}

/* Where both name their classes no name has another number. */
static int
same_names(struct scan *s, const struct scan_model *m, struct err *e)
{
	const struct model *a = &s->suspect.file.model, *b = &m->file.model;
	struct map at;

	if (s->opt.classes != NULL || a->label == NULL || b->label == NULL ||
	    a->classes != s->classes || b->classes != s->classes)
		return 0; /* or the user has said what is what */
	map_init(&at, &s->arena);
	for (size_t i = 0; i < s->classes; i++)
		if (map_put(&at, a->label[i], i) < 0)
			return err_set(
			    e, ERR_LIMIT, ERR_NOWHERE, "too many classes");
	for (size_t i = 0; i < s->classes; i++) {
		size_t other = map_get(&at, b->label[i]);

		if (other == SIZE_MAX || b->label[i][0] == '\0' ||
		    strcmp(a->label[i], b->label[i]) == 0)
			continue;
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "class %zu of the reference is '%.60s', which is class %zu "
		    "of the model (if the names are wrong: --classes)",
		    i, b->label[i], other);
	}
	return 0;
}

int
scan_reference_fits(struct scan *s, size_t at, struct err *e)
{
	const struct scan_model *m = &s->ref[at];
	bool before = at == 0 && s->previous;

	/* an earlier version may be the same model in another format */
	if (before ? digest_equal(&m->file.digest, &s->suspect.file.digest)
		   : same_model(m, &s->suspect))
		return err_set(e, ERR_USAGE, ERR_NOWHERE,
		    "the reference is the model itself");
	for (size_t i = 0; i < at; i++)
		if (same_model(m, &s->ref[i]))
			return err_set(e, ERR_USAGE, ERR_NOWHERE,
			    "the same model as %s: one model twice would seem "
			    "to show how little models differ",
			    s->ref[i].path);
	return same_names(s, m, e);
}

bool
scan_too_few(const struct scan *s)
{
	return s->classes == 2 && s->nref < TWO_CLASSES_NEED;
}

/* --- what references do not know ------------------------------------------ */

/* Whether a model gets no image of class t right, of enough. */
static bool
strange(const struct scan *s, const struct scan_model *m, size_t t)
{
	const struct dataset *d = &s->data.data;
	size_t n = 0;

	for (size_t i = 0; i < d->n; i++) {
		if ((size_t)d->label[i] != t)
			continue;
		if (m->right[i])
			return false;
		n++;
	}
	return n >= LEAST_IMAGES;
}

static bool
strange_to_most(const struct scan *s, size_t t)
{
	size_t n = 0;

	for (size_t i = 0; i < s->nref; i++)
		n += strange(s, &s->ref[i], t);
	return 2 * n >= s->nref;
}

bool
scan_strange_targets(const struct scan *s)
{
	size_t k = s->classes;
	bool any = false;

	if (s->in.map.target) /* of all classes */
		return false;
	for (size_t t = 0; t < k; t++) {
		bool target = s->in.class_[t].target;

		for (size_t from = 0; s->pairs && from < k; from++)
			target = target || s->in.pairs[from * k + t].target;
		if (target && !strange_to_most(s, t))
			return false;
		any = any || target;
	}
	return any;
}

/* --- the order of classes ------------------------------------------------ */

/* Per class the one that more than half of its images are taken for, itself
 * where there is none (Boyer and Moore's majority vote). */
static void
majority(const struct scan *s, const int32_t *pred, size_t *to, size_t *vote)
{
	const struct dataset *d = &s->data.data;
	size_t k = s->classes, *n = vote + k, *hit = vote + 2 * k;

	for (size_t i = 0; i < d->n; i++) {
		size_t y = (size_t)d->label[i], p = (size_t)pred[i];

		if (vote[y] == 0)
			to[y] = p;
		vote[y] = p == to[y] ? vote[y] + 1 : vote[y] - 1;
	}
	for (size_t i = 0; i < d->n; i++) {
		size_t y = (size_t)d->label[i];

		n[y]++;
		hit[y] += (size_t)pred[i] == to[y];
	}
	for (size_t c = 0; c < k; c++)
		if (n[c] < LEAST_IMAGES || 2 * hit[c] <= n[c])
			to[c] = c;
}

bool
scan_numbered_otherwise(struct scan *s, const int32_t *pred, size_t *class)
{
	size_t k = s->classes, *to = scan_need(s, k, sizeof(*to));
	size_t *seen = scan_need(s, k, sizeof(*seen));

	majority(s, pred, to, scan_need(s, 3 * k, sizeof(size_t)));
	for (size_t c = 0; c < k; c++) {
		size_t at = c;

		while (seen[at] == 0) {
			seen[at] = c + 1;
			at = to[at];
		}
		/* back where this walk has been: a circle */
		*class = at;
		if (seen[at] == c + 1 && to[at] != at)
			return true;
	}
	return false;
}
