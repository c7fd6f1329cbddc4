/* SPDX-License-Identifier: MIT
 * The head of scan.json: what was compared with what and how, the verdict and
 * its targets, what the run could have seen and could not.
 */
#include "audit/scan_arms.h"
#include "audit/scan_doc.h"

#include "base/stat.h"

#include "base/text.h"
#include <stdarg.h>

#include <math.h>

json_t *
scan_p_json(double p)
{
	return json_number(p > 1.0 ? 1.0 : p); /* NaN: null */
}

const char *
scan_arm_name(enum scan_arm arm)
{
	static const char *const name[] = {
	    "references", "previous", "home-grown", "alone", "no-data"};

	return name[arm];
}

/* A name out of the suspect is shown to people only when it is harmless. */
static bool
is_plain(const char *s)
{
	size_t len = strlen(s);
	uint32_t cp;

	for (size_t i = 0, n; i < len; i += n)
		if ((n = text_utf8_decode(s + i, len - i, &cp)) == 0 ||
		    text_is_hidden(cp))
			return false;
	return len != 0;
}

/* As the data calls it, else the model. */
const char *
scan_class_name(const struct scan *s, size_t t, char *spare, size_t size)
{
	const struct model *m = &s->suspect.file.model;
	const char *name = spare;

	if (s->arm != SCAN_NO_DATA)
		name = dataset_class(&s->data.data, t, spare, size);
	if (name != spare)
		return name;
	if (m->label != NULL && t < m->classes && is_plain(m->label[t]))
		return m->label[t];
	snprintf(spare, size, "%zu", t);
	return spare;
}

/* A target: class, its name, the geometry that sees it best, p. */
static json_t *
target_json(const struct scan *s, size_t t, const char *geometry, double p)
{
	json_t *j = json_object();
	char spare[32];

	json_put(j, "class", json_integer((json_int_t)t));
	json_put(
	    j, "name", json_text(scan_class_name(s, t, spare, sizeof(spare))));
	json_put(j, "geometry", json_text(geometry));
	json_put(j, "p", json_number(p));
	return j;
}

static void
pair_targets(const struct scan *s, json_t *list)
{
	size_t k = s->classes;

	for (size_t i = 0; s->pairs && i < k * k; i++) {
		const struct verdict_hypothesis *h = &s->in.pairs[i];
		json_t *j;

		if (!h->target || scan_pair_said(s, i))
			continue;
		j = target_json(s, i % k, "pair", h->adjusted);
		json_put(j, "source", json_integer((json_int_t)(i / k)));
		json_add(list, j);
	}
}

/* Every class has a target of its own. */
static void
map_targets(const struct scan *s, json_t *list)
{
	size_t k = s->classes;

	for (size_t i = 0; s->pairs && s->in.map.target && i < k; i++) {
		json_t *j =
		    target_json(s, s->in.to[i], "map", s->in.map.adjusted);

		json_put(j, "source", json_integer((json_int_t)i));
		json_add(list, j);
	}
}

static json_t *
targets_json(const struct scan *s)
{
	json_t *list = json_array();

	for (size_t t = 0; s->nref != 0 && t < s->classes; t++) {
		const struct verdict_hypothesis *h = &s->in.class_[t];
		json_t *j;

		if (!h->target)
			continue;
		j = target_json(s, t,
		    geometry_table[scan_geometry_of(s, t)]->name, h->adjusted);
		json_put(j, "statistic", json_text(s->family[h->family].name));
		json_add(list, j);
	}
	pair_targets(s, list);
	map_targets(s, list);
	return list;
}

static json_t *
seeds_json(const struct scan *s)
{
	json_t *list = json_array();

	for (size_t k = 0; s->nref != 0 && s->opt.seeds > 1 && k < s->opt.seeds;
	     k++) {
		json_t *j = json_object();

		json_put(
		    j, "seed", json_integer((json_int_t)(s->opt.seed + k)));
		json_put(j, "verdict", json_text(verdict_name(s->by_seed[k])));
		json_put(j, "p", json_number(s->p_by_seed[k]));
		json_add(list, j);
	}
	return list;
}

static json_t *
accuracy_json(const struct scan *s)
{
	json_t *j = json_object(), *refs = json_array();
	double n = (double)s->data.data.n;

	for (size_t k = 0; k < s->nref; k++)
		json_add(refs, json_number((double)s->ref[k].correct / n));
	json_put(j, "suspect", json_number((double)s->suspect.correct / n));
	json_put(j, "references", refs);
	return j;
}

static double
pair_statistics(const struct scan *s)
{
	return s->pair_stamps ? VERDICT_PAIR_STATISTICS : 1.0;
}

static bool
any_residual(const struct verdict_family *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (isfinite(f->residual[i]))
			return true;
	return false;
}

/* The null's spreads, and the smallest effect that this run could have seen,
 * of what counts by itself: a radius relative to what the references explain. */
static void
put_power(json_t *doc, const struct scan *s)
{
	json_t *spread = json_object(), *least = json_object();
	double tested = 0.0;

	for (size_t f = 0; f < s->nfamily; f++)
		tested += s->family[f].tested;
	for (size_t f = 0; s->nref != 0 && f <= geometry_count; f++) {
		const struct verdict_family *v =
		    f < geometry_count ? &s->family[f] : &s->pair;
		/* Bonferroni's factor of one cell, of one of the statistics
		 * that Cauchy's rule combines */
		double tests = f < geometry_count
				   ? s->in.class_tests * tested
				   : s->in.pair_tests * pair_statistics(s);

		double freedom = f < geometry_count
				     ? verdict_freedom(v->residual, v->n)
				     : null_freedom();

		if (f == geometry_count && !s->pairs)
			break;
		json_put(spread, v->name, json_number(v->spread));
		if ((f == geometry_count || v->tested) && !scan_too_few(s) &&
		    any_residual(v))
			json_put(least, v->name,
			    json_number(exp(-verdict_least(
				v->spread, freedom, tests, s->opt.alpha))));
	}
	json_put(doc, "spread", spread);
	json_put(doc, "minimum", least);
}

static json_t *
strings(const char *const *s)
{
	json_t *list = json_array();

	for (; *s != NULL; s++)
		json_add(list, json_text(*s));
	return list;
}

/* What no run of this arm can see. */
static json_t *
blind_spots(const struct scan *s)
{
	static const char *const always[] = {
	    "a trigger whose flip radius is no smaller than a clean model's, "
	    "such as a faint full-image pattern",
	    "a trigger that depends on the image, or is none of the "
	    "geometries",
	    "a backdoor that appears only after conversion, quantisation or "
	    "further training",
	    "a model that is built so that its gradients mislead the search",
	    NULL};
	json_t *list = strings(always);

	if (s->arm == SCAN_GIVEN)
		json_add(list, json_text("a backdoor that the references "
					 "share"));
	if (s->previous)
		json_add(list, json_text("a backdoor that the earlier version "
					 "has as well"));
	if (s->arm == SCAN_HOME) {
		json_add(list, json_text("what the user's own images teach "
					 "the grown references"));
		json_add(list, json_text("a backdoor in the model's graph, not "
					 "in its weights: grown references "
					 "have the same graph"));
	}
	return list;
}

PRINTF_LIKE(2, 3)
static void
sentence(json_t * not, const char *fmt, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	json_add(not, json_text(text));
}

/* Classes that no pair was searched from: they had no images to optimise on, or
 * none that the model gets right to count. */
static void
missing_sources(json_t * not, const struct scan *s)
{
	const struct uap_found *pair = s->suspect.profile[0].pair;
	size_t k = s->classes, missing = 0;

	for (size_t c = 0; c < k; c++) {
		bool any = false;

		for (size_t t = 0; t < k; t++)
			any = any || pair[c * k + t].n != 0;
		missing += !any;
	}
	if (missing == 0)
		return;
	sentence(not,
	    "pairs from %zu of the classes, which had no images to "
	    "search with, and a map of all classes",
	    missing);
}

static void
put_limits(json_t *doc, const struct scan *s)
{
	json_t *not = json_array();

	json_put(doc, "blind_spots", blind_spots(s));
	if (s->nref == 0)
		json_add(not,
		    json_text("comparison with a reference: none was given"));
	if (s->arm == SCAN_NO_DATA)
		json_add(not, json_text("anything that needs images"));
	else if (!s->pairs)
		json_add(not, json_text("pairs of source and target class"));
	else
		missing_sources(not, s);
	if (s->screened_targets)
		sentence(not,
		    "the radii of all classes but %d, those that "
		    "most more adversarial examples land in than in "
		    "the references",
		    SCAN_TARGETS);
	if (s->screened_pairs)
		sentence(not,
		    "pairs of classes but %d from each class, those "
		    "that most more adversarial examples join than "
		    "in the references, and a map of all classes",
		    SCAN_PAIRS_EACH);
	json_put(doc, "not_tested", not );
}

void
scan_inputs(json_t *doc, const struct scan *s)
{
	const struct scan_model *m = &s->suspect;

	fetch_input(doc, "model", s->opt.model, &m->file);
	for (size_t k = 0; k < s->nref; k++) {
		bool before = k == 0 && s->previous;

		m = &s->ref[k];
		fetch_input(
		    doc, before ? "previous" : "reference", m->path, &m->file);
	}
	if (s->arm != SCAN_NO_DATA)
		doc_input(
		    doc, "data", s->opt.data, &s->data.digest, s->data.size);
}

static json_t *
options_json(const struct scan *s)
{
	const struct profile_config *c = &s->opt.budget->profile;
	json_t *o = json_object();

	json_put(o, "seed", json_integer((json_int_t)s->opt.seed));
	json_put(o, "seeds", json_integer((json_int_t)s->opt.seeds));
	json_put(o, "budget", json_text(s->opt.budget->name));
	json_put(o, "steps", json_integer((json_int_t)c->cell.steps));
	json_put(o, "batch", json_integer((json_int_t)c->cell.batch));
	json_put(o, "alpha", json_number(s->opt.alpha));
	json_put(o, "share", json_number(UAP_SHARE));
	return o;
}

static json_t *
images_json(const struct scan *s)
{
	json_t *j = json_object();

	json_put(j, "fit", json_integer((json_int_t)s->fit.n));
	json_put(j, "test", json_integer((json_int_t)s->test.n));
	json_put(j, "agreed", json_integer((json_int_t)s->agreed));
	json_put(j, "counted", json_integer((json_int_t)s->nboth));
	return j;
}

void
scan_head(json_t *doc, const struct scan *s)
{
	json_t *names = json_array();
	char spare[32];

	scan_inputs(doc, s);
	for (size_t t = 0; t < s->classes; t++)
		json_add(names,
		    json_text(scan_class_name(s, t, spare, sizeof(spare))));
	json_put(doc, "arm", json_text(scan_arm_name(s->arm)));
	json_put(doc, "options", options_json(s));
	json_put(doc, "images", images_json(s));
	json_put(doc, "preprocess", fetch_json(&s->suspect.file, &s->data));
	json_put(doc, "classes", json_integer((json_int_t)s->classes));
	json_put(doc, "class_names", names);
	if (s->arm != SCAN_NO_DATA)
		json_put(doc, "accuracy", accuracy_json(s));
	json_put(doc, "verdict", json_text(verdict_name(s->verdict)));
	json_put(doc, "why", json_text(s->why));
	json_put(doc, "score", json_number(s->score));
	json_put(doc, "p", s->p > 0 ? json_number(s->p) : json_null());
	json_put(doc, "targets", targets_json(s));
	json_put(doc, "seeds", seeds_json(s));
	put_power(doc, s);
	put_limits(doc, s);
}
