/* SPDX-License-Identifier: MIT
 * Models, references and the split of the images: by the SHA-256 of each
 * image and the seed, so that the split does not depend on their order and a
 * duplicate never lies on both sides.
 */
#include "audit/scan.h"
#include "engine/measure.h"

static int
open_model(
    struct scan *s, const char *path, struct scan_model *m, struct err *e)
{
	const struct dataset *d = &s->data.data;
	int rc;

	if ((rc = fetch_model(path, &m->file, e)) != 0)
		return rc;
	if ((rc = net_build(&m->net, &m->file.model, d->h, d->w, d->c, e)) !=
		0 ||
	    (rc = measure_fits(&m->net, d, NULL, e)) != 0)
		return err_in(e, path);
	return 0;
}

static int
open_references(struct scan *s, struct err *e)
{
	int rc;

	for (size_t i = 0; i < s->opt.reference.n; i++) {
		const char *path = s->opt.reference.item[i];
		struct scan_model *m = &s->ref[i];

		if (i == SCAN_REFERENCES)
			return err_set(e, ERR_USAGE, ERR_NOWHERE,
			    "more than %d references", SCAN_REFERENCES);
		s->nref = i + 1;
		if ((rc = open_model(s, path, m, e)) != 0)
			return rc;
		if (m->net.classes != s->classes) {
			err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "the reference has %zu classes, the model %zu",
			    m->net.classes, s->classes);
			return err_in(e, path);
		}
		if (digest_equal(&m->file.digest, &s->suspect.file.digest)) {
			err_set(e, ERR_USAGE, ERR_NOWHERE,
			    "the reference is the model itself");
			return err_in(e, path);
		}
	}
	return 0;
}

/* --- the split ----------------------------------------------------------- */

struct keyed {
	struct digest key;
	uint32_t index;
};

static int
by_key(const void *a, const void *b)
{
	const struct keyed *x = a, *y = b;
	int c = memcmp(&x->key, &y->key, sizeof(x->key));

	return c != 0 ? c : (x->index > y->index) - (x->index < y->index);
}

static void
image_key(const struct dataset *d, size_t i, uint64_t seed, struct digest *key)
{
	struct digest_ctx c;
	const void *p;
	size_t len;

	p = dataset_bytes(d, i, &len);
	digest_begin(&c);
	digest_update(&c, &seed, sizeof(seed));
	digest_update(&c, p, len);
	digest_end(&c, key);
}

/* Images of one side, in the order of their keys, up to `most`. */
static int
take_side(struct scan *s, const struct keyed *k, size_t n, unsigned side,
    const bool *ok, size_t most, struct uap_images *out, struct err *e)
{
	const struct dataset *d = &s->data.data;
	size_t image = d->h * d->w * d->c;
	float *x = arena_alloc(&s->arena, most * image, sizeof(*x));
	int32_t *label = arena_alloc(&s->arena, most, sizeof(*label));

	if (x == NULL || label == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "images too large");
	*out = (struct uap_images){.x = x, .label = label};
	for (size_t i = 0; i < n && out->n < most; i++) {
		size_t at = k[i].index;

		if ((k[i].key.byte[0] & 1) != side || !ok[at])
			continue;
		dataset_image(d, at, x + out->n * image);
		label[out->n++] = d->label[at];
	}
	return 0;
}

/* Which images every model classifies right. */
static int
agreement(struct scan *s, bool *ok, struct err *e)
{
	const struct dataset *d = &s->data.data;
	int32_t *pred = arena_alloc(&s->arena, d->n, sizeof(*pred));

	if (pred == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "too many images");
	memset(ok, 1, d->n * sizeof(*ok));
	for (size_t k = 0; k <= s->nref; k++) {
		struct scan_model *m = k == 0 ? &s->suspect : &s->ref[k - 1];
		int rc = measure_predict(&m->net, d, 0, d->n, NULL, pred, e);

		if (rc != 0)
			return rc;
		for (size_t i = 0; i < d->n; i++) {
			m->correct += pred[i] == d->label[i];
			ok[i] = ok[i] && pred[i] == d->label[i];
		}
	}
	for (size_t i = 0; i < d->n; i++)
		s->agreed += ok[i];
	return 0;
}

static int
split(struct scan *s, struct err *e)
{
	const struct dataset *d = &s->data.data;
	struct keyed *k = arena_alloc(&s->arena, d->n, sizeof(*k));
	bool *ok = arena_alloc(&s->arena, d->n, sizeof(*ok));
	bool *all = arena_alloc(&s->arena, d->n, sizeof(*all));
	int rc;

	if (k == NULL || ok == NULL || all == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "too many images");
	if ((rc = agreement(s, ok, e)) != 0)
		return rc;
	memset(all, 1, d->n * sizeof(*all));
	for (size_t i = 0; i < d->n; i++) {
		image_key(d, i, s->opt.seed, &k[i].key);
		k[i].index = (uint32_t)i;
	}
	qsort(k, d->n, sizeof(*k), by_key);
	if ((rc = take_side(
		 s, k, d->n, 0, all, s->opt.budget->fit, &s->fit, e)) != 0 ||
	    (rc = take_side(
		 s, k, d->n, 1, ok, s->opt.budget->test, &s->test, e)) != 0)
		return rc;
	if (s->fit.n >= 2 * s->classes && s->test.n >= 2 * s->classes)
		return 0;
	return err_set(e, ERR_FORMAT, ERR_NOWHERE,
	    "%zu images to optimise on and %zu that all models get right are "
	    "too few for %zu classes",
	    s->fit.n, s->test.n, s->classes);
}

int
scan_open(struct scan *s, struct err *e)
{
	int rc;

	arena_init(&s->arena, (size_t)32 << 30);
	rc = fetch_data(s->opt.data, s->opt.classes, NULL, &s->data, e);
	if (rc != 0)
		return rc;
	if ((rc = open_model(s, s->opt.model, &s->suspect, e)) != 0)
		return rc;
	s->classes = s->suspect.net.classes;
	if ((rc = open_references(s, e)) != 0)
		return rc;
	return (rc = split(s, e)) != 0 ? err_in(e, s->opt.data) : 0;
}

static void
model_release_all(struct scan_model *m, size_t classes)
{
	for (size_t g = 0; g < SCAN_GEOMETRIES; g++)
		if (m->found[g] != NULL)
			uap_release(m->found[g], classes);
	net_release(&m->net);
	fetch_model_release(&m->file);
}

void
scan_release(struct scan *s)
{
	model_release_all(&s->suspect, s->classes);
	for (size_t i = 0; i < s->nref; i++)
		model_release_all(&s->ref[i], s->classes);
	fetch_data_release(&s->data);
	arena_release(&s->arena);
}
