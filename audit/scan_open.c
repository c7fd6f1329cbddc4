/* SPDX-License-Identifier: MIT
 * Models, references and the split of the images: by the SHA-256 of each
 * image and the seed, so that the split does not depend on their order and a
 * duplicate never lies on both sides, nor counts twice.
 */
#include "audit/scan_arms.h"
#include "base/tool.h"
#include "engine/measure.h"
#include "engine/start.h"
#include "formats/keyed.h"

/* Memory of the scan's own. */
#define ROOM ((size_t)32 << 30)

/* The model's file is there, and so are the images. */
static int
build_model(struct scan *s, struct scan_model *m, struct err *e)
{
	const struct dataset *d = &s->data.data;
	int rc;

	if ((rc = net_build(&m->net, &m->file.model, d->h, d->w, d->c, e)) !=
		0 ||
	    (rc = measure_fits(&m->net, d, NULL, e)) != 0)
		return err_in(e, m->path);
	return 0;
}

static int
fetch_file(
    const struct scan *s, const char *path, struct scan_model *m, struct err *e)
{
	m->path = path;
	return fetch_model(path, s->opt.preprocess, s->opt.arch, &m->file, e);
}

static int
open_reference(struct scan *s, const char *path, struct err *e)
{
	struct scan_model *m = &s->ref[s->nref];
	int rc;

	if (s->nref == SCAN_REFERENCES)
		return err_set(e, ERR_USAGE, ERR_NOWHERE,
		    "more than %d references", SCAN_REFERENCES);
	s->nref++;
	if ((rc = fetch_file(s, path, m, e)) != 0 ||
	    (rc = build_model(s, m, e)) != 0)
		return rc;
	if (m->net.classes != s->classes) {
		err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "the reference has %zu classes, the model %zu",
		    m->net.classes, s->classes);
		return err_in(e, path);
	}
	if (!scan_same_architecture(&s->suspect.net, &m->net))
		s->kin = NULL_OTHER;
	rc = scan_reference_fits(s, s->nref - 1, e);
	return rc != 0 ? err_in(e, path) : 0;
}

/* The earlier version first; without either, references are grown. */
static int
open_references(struct scan *s, struct err *e)
{
	int rc;

	s->arm = s->opt.reference.n != 0   ? SCAN_GIVEN
		 : s->opt.previous != NULL ? SCAN_PREVIOUS
		 : s->opt.no_grow          ? SCAN_ALONE
					   : SCAN_HOME;
	if (s->opt.previous != NULL) {
		s->previous = true;
		if ((rc = open_reference(s, s->opt.previous, e)) != 0)
			return rc;
	}
	if (s->arm == SCAN_HOME && (rc = scan_grow(s, e)) != 0)
		return rc;
	for (size_t i = 0; i < s->opt.reference.n; i++)
		if ((rc = open_reference(s, s->opt.reference.item[i], e)) != 0)
			return rc;
	if (s->arm == SCAN_HOME)
		s->kin = NULL_HOME;
	return 0;
}

/* --- the split ----------------------------------------------------------- */

/* Different images of one side, in the order of their keys, up to `most`; `at`
 * has their numbers in the data. */
static int
take_side(struct scan *s, const struct keyed *k, size_t n, unsigned side,
    size_t most, struct uap_images *out, uint32_t *at, struct err *e)
{
	const struct dataset *d = &s->data.data;
	size_t image = d->h * d->w * d->c;
	float *x;
	int32_t *label;

	most = MIN(most, n);
	x = arena_alloc(&s->arena, most, image * sizeof(*x));
	label = arena_alloc(&s->arena, most, sizeof(*label));

	if (x == NULL || label == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "images too large");
	*out = (struct uap_images){.x = x, .label = label};
	for (size_t i = 0; i < n && out->n < most; i++) {
		/* copies are one image, however many say the same */
		if ((k[i].key.byte[0] & 1) != side ||
		    (i > 0 && digest_equal(&k[i].key, &k[i - 1].key)))
			continue;
		dataset_image(d, k[i].index, x + out->n * image);
		at[out->n] = k[i].index;
		label[out->n++] = d->label[k[i].index];
	}
	return 0;
}

/* Which images every model classifies right, and which each does. */
static int
agreement(struct scan *s, struct err *e)
{
	const struct dataset *d = &s->data.data;
	int32_t *pred = scan_need(s, d->n, sizeof(*pred));

	s->agreed = d->n;
	for (size_t k = 0; k <= s->nref; k++) {
		struct scan_model *m = SCAN_MODEL(s, k);
		size_t class;
		int rc = measure_predict(&m->net, d, 0, d->n, NULL, pred, e);

		if (rc != 0)
			return rc;
		m->right = scan_need(s, d->n, sizeof(*m->right));
		for (size_t i = 0; i < d->n; i++) {
			m->right[i] = pred[i] == d->label[i];
			m->correct += m->right[i];
		}
		if (scan_numbered_otherwise(s, pred, &class)) {
			s->otherwise = true;
			tool_warn("%s: takes most images of class %zu for "
				  "another one, those for a third one and so "
				  "on in a circle: does it number the classes "
				  "otherwise (--classes)?",
			    m->path, class);
		}
		if (measure_near_chance(m->correct, d->n, s->classes))
			tool_warn(MEASURE_NEAR_CHANCE, m->path,
			    100 * (double)m->correct / (double)d->n);
	}
	for (size_t i = 0; i < d->n; i++)
		for (size_t k = 0; k <= s->nref; k++)
			if (!SCAN_MODEL(s, k)->right[i]) {
				s->agreed--;
				break;
			}
	return 0;
}

/* Which TEST images each model, and all of them, classify right. */
static void
mark_test(struct scan *s, const uint32_t *at)
{
	s->both = scan_need(s, s->test.n + 1, sizeof(*s->both));
	for (size_t i = 0; i < s->test.n; i++) {
		bool all = true;

		for (size_t k = 0; k <= s->nref; k++) {
			struct scan_model *m = SCAN_MODEL(s, k);

			if (m->right_test == NULL)
				m->right_test = scan_need(
				    s, s->test.n, sizeof(*m->right_test));
			m->right_test[i] = m->right[at[i]];
			all = all && m->right_test[i];
		}
		if (all)
			s->both[s->nboth++] = (uint32_t)i;
	}
}

/* Images of one side at most: the budget's, but some of every class. */
#define FIT_EACH  6
#define TEST_EACH 8

static size_t
fit_most(const struct scan *s)
{
	return MAX(s->opt.budget->fit, FIT_EACH * s->classes);
}

static size_t
test_most(const struct scan *s)
{
	return MAX(s->opt.budget->test, TEST_EACH * s->classes);
}

/* Whether images of two classes count: else there is nothing to push from into
 * some class. */
static bool
two_classes(const struct uap_images *im, const bool *use)
{
	int32_t first = -1;

	for (size_t i = 0; i < im->n; i++) {
		if (use != NULL && !use[i])
			continue;
		if (first >= 0 && im->label[i] != first)
			return true;
		first = im->label[i];
	}
	return false;
}

/* A model that always says the same gets one class right. */
static int
check_classes(const struct scan *s, struct err *e)
{
	if (!two_classes(&s->fit, NULL))
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "the images to optimise on are of one class");
	for (size_t k = 0; k <= s->nref; k++) {
		const struct scan_model *m =
		    k == 0 ? &s->suspect : &s->ref[k - 1];

		if (!two_classes(&s->test, m->right_test))
			return err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "%s gets images of one class alone right, or none",
			    m->path);
	}
	return 0;
}

static int
split(struct scan *s, struct err *e)
{
	const struct dataset *d = &s->data.data;
	struct keyed *k = scan_need(s, d->n, sizeof(*k));
	uint32_t *at = scan_need(s, d->n, sizeof(*at));
	int rc;

	if ((rc = agreement(s, e)) != 0)
		return rc;
	keyed_order(d, &s->opt.seed, sizeof(s->opt.seed), k);
	if ((rc = take_side(s, k, d->n, 0, fit_most(s), &s->fit, at, e)) != 0 ||
	    (rc = take_side(s, k, d->n, 1, test_most(s), &s->test, at, e)) != 0)
		return rc;
	mark_test(s, at);
	if (s->fit.n >= 2 * s->classes && s->nboth >= 2 * s->classes)
		return check_classes(s, e);
	return err_set(e, ERR_FORMAT, ERR_NOWHERE,
	    "%zu images to optimise on and %zu that all models get right are "
	    "too few for %zu classes",
	    s->fit.n, s->nboth, s->classes);
}

/* The processor and how it multiplies: others may round otherwise. */
static void
digest_machine(struct digest_ctx *d)
{
	json_t *j = start_json();
	char *text;

	json_object_del(j, "threads");
	json_object_del(j, "cores");
	if ((text = json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS)) == NULL)
		BUG("json_dumps");
	digest_update(d, text, strlen(text));
	free(text);
	json_decref(j);
}

/* The images of one side, with the numbers that their classes have here: the
 * model's names may have given them others than the data does. */
static void
digest_side(
    const struct scan *s, const struct uap_images *im, struct digest_ctx *d)
{
	const struct dataset *data = &s->data.data;
	uint64_t shape[] = {im->n, data->h, data->w, data->c};

	digest_update(d, shape, sizeof(shape));
	digest_update(
	    d, im->x, im->n * data->h * data->w * data->c * sizeof(*im->x));
	digest_update(d, im->label, im->n * sizeof(*im->label));
}

/* Everything that a reference's numbers depend on but the cell: the model as
 * it was read, architecture and preprocessing among it. */
static void
cache_key(const struct scan *s, const struct scan_model *m, struct digest *key)
{
	const struct profile_config *c = &s->opt.budget->profile;
	uint64_t number[] = {CACHE_SEARCHES, s->opt.seed, fit_most(s),
	    test_most(s), c->cell.steps, c->cell.batch, c->cell.count,
	    c->pair.steps, c->pair.batch, c->pair.count, c->landing.steps,
	    c->landing.count};
	struct digest_ctx d;

	digest_begin(&d);
	digest_update(&d, tool_version, strlen(tool_version));
	digest_update(&d, m->file.map.ptr, m->file.map.len);
	digest_side(s, &s->fit, &d);
	digest_side(s, &s->test, &d);
	digest_update(&d, number, sizeof(number));
	digest_machine(&d);
	digest_end(&d, key);
}

static int
open_caches(struct scan *s, struct err *e)
{
	for (size_t i = 0; i < s->nref; i++) {
		struct digest key = {0};
		int rc;

		if (s->opt.cache != NULL)
			cache_key(s, &s->ref[i], &key);
		rc = cache_open(
		    &s->ref[i].cache, s->opt.cache, &key, s->classes, e);
		if (rc != 0)
			return rc;
	}
	return 0;
}

void
scan_close_caches(struct scan *s)
{
	for (size_t i = 0; i < s->nref; i++) {
		struct err e = {0};
		char text[800];

		if (cache_close(&s->ref[i].cache, &e) == 0)
			continue;
		err_text(&e, text, sizeof(text));
		tool_warn("%s: nothing is kept of reference %zu", text, i + 1);
	}
}

/* The model's own shape; nothing to split. */
static int
open_alone(struct scan *s, struct err *e)
{
	struct scan_model *m = &s->suspect;
	int rc;

	s->arm = SCAN_NO_DATA;
	if ((rc = fetch_file(s, s->opt.model, m, e)) != 0)
		return rc;
	if ((rc = net_build(&m->net, &m->file.model, 0, 0, 0, e)) != 0)
		return err_in(e, m->path);
	s->classes = m->net.classes;
	return 0;
}

/* What is kept for each pair of classes, searched or not, decides how many
 * classes there may be. */
static int
check_room(const struct scan *s, struct err *e)
{
	size_t k = s->classes, models = s->nref + 1;
	size_t each = models * s->opt.seeds * sizeof(struct uap_found) +
		      (geometry_count + 1) * sizeof(struct scan_flips) +
		      sizeof(struct verdict_hypothesis) +
		      2 * (models + 4) * sizeof(double) + 64;

	if (k <= ROOM / each / k)
		return 0;
	return err_set(e, ERR_LIMIT, ERR_NOWHERE,
	    "%zu classes are too many for %zu references and %" PRIu64 " seeds",
	    k, s->nref, s->opt.seeds);
}

int
scan_open(struct scan *s, struct err *e)
{
	struct fetch_want want;
	int rc;

	arena_init(&s->arena, ROOM);
	if (s->opt.no_data)
		return open_alone(s, e);
	if ((rc = fetch_file(s, s->opt.model, &s->suspect, e)) != 0)
		return rc;
	want = (struct fetch_want){.spec = s->opt.data,
	    .classes = s->opt.classes,
	    .model = &s->suspect.file.model};
	if ((rc = fetch_data(&want, &s->data, e)) != 0 ||
	    (rc = build_model(s, &s->suspect, e)) != 0)
		return rc;
	s->classes = s->suspect.net.classes;
	if ((rc = open_references(s, e)) != 0)
		return rc;
	if ((rc = check_room(s, e)) != 0)
		return err_in(e, s->opt.model);
	if ((rc = split(s, e)) != 0)
		return err_in(e, s->opt.data);
	return open_caches(s, e);
}

static void
model_release_all(struct scan_model *m)
{
	for (size_t i = 0; i < SCAN_SEEDS; i++)
		profile_release(&m->profile[i]);
	cache_release(&m->cache);
	net_release(&m->net);
	fetch_model_release(&m->file);
}

void
scan_release(struct scan *s)
{
	model_release_all(&s->suspect);
	for (size_t i = 0; i < s->nref; i++)
		model_release_all(&s->ref[i]);
	scan_grow_end(s);
	fetch_data_release(&s->data);
	json_decref(s->recorded);
	arena_release(&s->arena);
}
