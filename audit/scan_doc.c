/* SPDX-License-Identifier: MIT
 * scan.json (assay-scan(5)), the perturbation files, and the summary.
 */
#include "audit/scan_doc.h"

#include "audit/scan_arms.h"
#include "audit/scan_ease.h"
#include "base/ranks_doc.h"
#include "base/stat.h"
#include "engine/start.h"

#include <math.h>
#include <omp.h>
#include <time.h>

/* A perturbation holds a few images at most. */
#define LIMIT_PERTURBATION ((uint64_t)4 << 30)

static const struct uap_found *
found_at(const struct scan *s, size_t model, size_t g, size_t t)
{
	return &SCAN_MODEL(s, model)->profile[0].cell[g * s->classes + t];
}

static json_t *
radius_json(const struct uap_found *f)
{
	return f->n != 0 && f->reached ? json_number(f->radius[UAP_RADIUS])
				       : json_null();
}

static json_t *
interval_json(const struct uap_found *f)
{
	json_t *list = json_array();

	json_add(
	    list, f->n != 0 && f->lo > 0 ? json_number(f->lo) : json_null());
	json_add(list, f->n != 0 ? json_number(f->hi) : json_null());
	return list;
}

/* Residual, z and p of cell i of a family. */
static void
put_statistics(json_t *j, const struct verdict_family *f, size_t i)
{
	json_put(j, "residual", json_number(f->residual[i]));
	if (f->width[i] > 1.0)
		json_put(j, "width", json_number(f->width[i]));
	json_put(j, "z", json_number(f->z[i]));
	json_put(j, "p", json_number(f->p[i]));
}

/* What the residual comes from: the ease in suspect and references. */
static void
put_ease(
    json_t *j, const struct scan *s, const struct verdict_family *f, size_t i)
{
	json_t *ease = json_object(), *refs = json_array();

	for (size_t k = 0; k < s->nref; k++)
		json_add(refs, json_number(f->reference[k * f->n + i]));
	json_put(ease, "suspect", json_number(f->suspect[i]));
	json_put(ease, "references", refs);
	json_put(j, "ease", ease);
}

static json_t *
count_json(const struct scan_flips *f)
{
	json_t *j = json_object();

	json_put(j, "n", json_integer((json_int_t)f->n));
	json_put(j, "flipped", json_integer((json_int_t)f->flipped));
	json_put(j, "shared", json_integer((json_int_t)f->shared));
	json_put(j, "different", json_integer((json_int_t)f->different));
	json_put(j, "unshared", json_integer((json_int_t)f->unshared));
	return j;
}

/* Of sources that had images: with many classes most have none, and as many
 * rows as there are pairs would be more than a document may hold. */
static json_t *
by_source(const struct scan *s, size_t g, size_t t)
{
	json_t *list = json_array();

	for (size_t k = 0; k < s->classes; k++) {
		const struct scan_flips *f = scan_flips_at(s, g, t, k);
		json_t *j;

		if (k == t || f->n == 0)
			continue;
		j = count_json(f);
		json_put(j, "source", json_integer((json_int_t)k));
		json_add(list, j);
	}
	return list;
}

/* Write the perturbation and say where; null without a directory. */
static int
perturbation(const struct trigger *t, const char *name, const char *dir,
    json_t **out, struct err *e)
{
	char rel[64], path[600], hex[DIGEST_HEX];
	struct digest d;
	struct file_out f;
	uint64_t size;
	int rc;

	*out = json_null();
	if (dir == NULL)
		return 0;
	snprintf(rel, sizeof(rel), "perturbations/%s.trigger", name);
	if ((rc = file_join(path, sizeof(path), dir, rel, e)) != 0 ||
	    (rc = file_out_open(&f, path, e)) != 0)
		return rc;
	rc = trigger_write(&f, t, e);
	if (rc == 0)
		rc = file_out_commit(&f, e);
	file_out_abort(&f);
	if (rc != 0 ||
	    (rc = digest_file(path, LIMIT_PERTURBATION, &d, &size, e)) != 0)
		return rc;
	digest_hex(&d, hex);
	*out = json_object();
	json_put(*out, "path", json_text(rel));
	json_put(*out, "sha256", json_text(hex));
	return 0;
}

static json_t *
rate_json(const struct scan *s, const struct scan_flips *f)
{
	return f->flipped != 0 && s->nref != 0
		   ? json_number((double)f->shared / (double)f->flipped)
		   : json_null();
}

static json_t *
radii_json(const struct scan *s, size_t g, size_t t)
{
	json_t *radius = json_object(), *refs = json_array();

	for (size_t k = 1; k <= s->nref; k++)
		json_add(refs, radius_json(found_at(s, k, g, t)));
	json_put(radius, "suspect", radius_json(found_at(s, 0, g, t)));
	json_put(radius, "references", refs);
	return radius;
}

int
scan_measured(const struct scan *s, size_t g, size_t t, const char *dir,
    json_t **out, struct err *e)
{
	const struct uap_found *found = found_at(s, 0, g, t);
	json_t *j = json_object(), *ease = json_object(), *refs = json_array();
	json_t *file = NULL;
	char name[64];
	int rc = 0;

	*out = j;
	json_put(j, "class", json_integer((json_int_t)t));
	json_put(j, "radius", radii_json(s, g, t));
	json_put(j, "interval", interval_json(found));
	for (size_t k = 1; k <= s->nref; k++)
		json_add(
		    refs, json_number(scan_ease_of(k, found_at(s, k, g, t))));
	json_put(ease, "suspect", json_number(scan_ease(found)));
	json_put(ease, "references", refs);
	json_put(j, "ease", ease);
	if (found->blind)
		json_put(j, "blind", json_true());
	snprintf(name, sizeof(name), "%s-%zu", geometry_table[g]->name, t);
	if (found->n != 0)
		rc = perturbation(&found->trigger, name, dir, &file, e);
	json_put(j, "perturbation", file != NULL ? file : json_null());
	return rc;
}

static int
class_json(const struct scan *s, size_t g, size_t t, const char *dir,
    json_t **out, struct err *e)
{
	struct scan_flips f = scan_flips_sum(s, g, t);
	int rc = scan_measured(s, g, t, dir, out, e);
	json_t *j = *out;

	if (s->nref != 0) {
		put_statistics(j, &s->family[g], t);
		json_put(j, "z_beyond",
		    json_number(s->family[geometry_count + g].z[t]));
		json_put(
		    j, "p_adjusted", scan_p_json(s->in.class_[t].adjusted));
	}
	json_put(j, "flips", count_json(&f));
	json_put(j, "sae_rate", rate_json(s, &f));
	json_put(j, "by_source", by_source(s, g, t));
	if (s->exchange != NULL)
		json_put(j, "exchanged", scan_exchange_json(s, g, t));
	return rc;
}

static int
geometries_json(
    const struct scan *s, const char *dir, json_t *list, struct err *e)
{
	for (size_t g = 0; g < geometry_count; g++) {
		json_t *j = json_object(), *rows = json_array();

		json_add(list, j);
		json_put(j, "name", json_text(geometry_table[g]->name));
		json_put(j, "unit", json_text(geometry_table[g]->unit));
		json_put(j, "per_class", rows);
		for (size_t t = 0; t < s->classes; t++) {
			json_t *row;
			int rc = class_json(s, g, t, dir, &row, e);

			json_add(rows, row);
			if (rc != 0)
				return rc;
		}
	}
	return 0;
}

static json_t *
map_json(const struct scan *s)
{
	json_t *j = json_object(), *to = json_array();

	json_put(j, "mean_z", json_number(s->in.map_mean));
	json_put(j, "p", json_number(s->in.map.p));
	json_put(j, "p_adjusted", scan_p_json(s->in.map.adjusted));
	json_put(j, "evidence", json_boolean(s->in.map.target));
	for (size_t i = 0; isfinite(s->in.map.p) && i < s->classes; i++)
		json_add(to, json_integer((json_int_t)s->in.to[i]));
	json_put(j, "to", to);
	return j;
}

/* The trigger that a probe is, as a file. */
static int
probe_file(const struct scan *s, enum probe_kind kind, size_t i, size_t t,
    const char *name, const char *dir, json_t *row, struct err *e)
{
	const struct net *net = &s->suspect.net;
	struct trigger trigger;
	json_t *file;
	int rc;

	probe_trigger(
	    kind, i, net->h, net->w, net->c, s->classes, (int32_t)t, &trigger);
	rc = perturbation(&trigger, name, dir, &file, e);
	trigger_release(&trigger);
	json_put(row, "perturbation", file);
	return rc;
}

/* The stamp that takes most more of a pair's source in the suspect than in the
 * references; of a target that stamps show best a trigger file as well. */
static int
stamp_json(
    const struct scan *s, size_t i, const char *dir, json_t *row, struct err *e)
{
	size_t k = s->classes, best = s->probe[PROFILE_STAMP_PAIRS][i];
	const double *share = s->suspect.profile[0].share[PROFILE_STAMP_PAIRS];
	const struct verdict_hypothesis *h = &s->in.pairs[i];
	json_t *j = json_object();
	char name[64];

	json_put(row, "stamp", j);
	json_put(j, "probe", json_integer((json_int_t)best));
	json_put(j, "share", json_number(share[best * k * k + i]));
	put_ease(j, s, &s->pair_stamp, i);
	put_statistics(j, &s->pair_stamp, i);
	if (!h->target || h->family != VERDICT_PAIR_STAMP)
		return 0;
	snprintf(name, sizeof(name), "stamp-%zu-%zu", i / k, i % k);
	return probe_file(s, PROBE_STAMP, best, i % k, name, dir, j, e);
}

static int
pair_json(const struct scan *s, size_t i, const char *dir, json_t **out,
    struct err *e)
{
	const struct uap_found *f = &s->suspect.profile[0].pair[i];
	json_t *j = json_object(), *refs = json_array(), *radius, *file;
	char name[64];
	int rc = 0;

	*out = j;
	json_put(j, "source", json_integer((json_int_t)(i / s->classes)));
	json_put(j, "class", json_integer((json_int_t)(i % s->classes)));
	radius = json_object();
	json_put(radius, "suspect", radius_json(f));
	for (size_t k = 0; k < s->nref; k++)
		json_add(refs, radius_json(&s->ref[k].profile[0].pair[i]));
	json_put(radius, "references", refs);
	json_put(j, "radius", radius);
	if (s->longer != NULL && s->longer[i])
		json_put(j, "longer", json_true());
	if (f->blind)
		json_put(j, "blind", json_true());
	put_ease(j, s, &s->pair, i);
	put_statistics(j, &s->pair, i);
	if (s->pair.expected != NULL)
		json_put(j, "expected", json_number(s->pair.expected[i]));
	json_put(j, "p_adjusted", scan_p_json(s->in.pairs[i].adjusted));
	if (s->pair_stamps && (rc = stamp_json(s, i, dir, j, e)) != 0)
		return rc;
	if (scan_pair_counts(s, i)) {
		json_put(j, "flips", count_json(&s->pair_flips[i]));
		json_put(j, "sae_rate", rate_json(s, &s->pair_flips[i]));
		snprintf(name, sizeof(name), "pair-%zu-%zu", i / s->classes,
		    i % s->classes);
		rc = perturbation(&f->trigger, name, dir, &file, e);
		if (rc == 0)
			json_put(j, "perturbation", file);
	}
	return rc;
}

static int
pairs_json(const struct scan *s, const char *dir, json_t *list, struct err *e)
{
	for (size_t i = 0; s->pairs && i < s->classes * s->classes; i++) {
		json_t *row;
		int rc;

		if (s->suspect.profile[0].pair[i].n == 0)
			continue;
		rc = pair_json(s, i, dir, &row, e);
		json_add(list, row);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static json_t *
landing_json(const struct scan *s)
{
	const struct verdict_family *f = SCAN_LANDING(s);
	const struct concentrate_counts *c = &s->suspect.profile[0].landing;
	json_t *j = json_object(), *rows = json_array();

	json_put(j, "method", json_text("untargeted PGD, L_inf"));
	json_put(j, "eps", json_number(s->opt.budget->profile.landing.eps));
	for (size_t t = 0; t < s->classes; t++) {
		json_t *row = json_object();

		json_put(row, "class", json_integer((json_int_t)t));
		json_put(row, "share",
		    json_number(concentrate_share(c, s->classes, t)));
		if (s->nref != 0) {
			put_ease(row, s, f, t);
			put_statistics(row, f, t);
		}
		json_add(rows, row);
	}
	json_put(j, "per_class", rows);
	return j;
}

/* The probe that tells most (without references: that takes most), and its
 * share. */
static int
probe_row(const struct scan *s, enum probe_kind kind, size_t t, const char *dir,
    json_t *list, struct err *e)
{
	const double *share = s->suspect.profile[0].share[kind];
	size_t n = probe_count(kind, s->suspect.net.c), best = 0;
	json_t *row = json_object();
	char name[64];

	if (s->probe[kind] != NULL)
		best = s->probe[kind][t];
	for (size_t i = 1; s->probe[kind] == NULL && i < n; i++)
		if (share[i * s->classes + t] > share[best * s->classes + t])
			best = i;
	json_put(row, "class", json_integer((json_int_t)t));
	json_put(row, "share", json_number(share[best * s->classes + t]));
	json_put(row, "probe", json_integer((json_int_t)best));
	if (s->nref != 0) {
		put_ease(row, s, SCAN_PROBE(s, kind), t);
		put_statistics(row, SCAN_PROBE(s, kind), t);
	}
	json_add(list, row);
	if (s->nref == 0 || !s->in.class_[t].target)
		return 0;
	snprintf(name, sizeof(name), "%s-%zu", probe_name(kind), t);
	return probe_file(s, kind, best, t, name, dir, row, e);
}

static int
probes_json(const struct scan *s, const char *dir, json_t *list, struct err *e)
{
	for (enum probe_kind i = 0; i < PROBE_KINDS; i++) {
		json_t *j = json_object(), *rows = json_array();

		json_put(j, "name", json_text(probe_name(i)));
		json_put(j, "triggers",
		    json_integer((json_int_t)probe_count(i, s->suspect.net.c)));
		json_put(j, "per_class", rows);
		json_add(list, j);
		for (size_t t = 0; t < s->classes; t++) {
			int rc = probe_row(s, i, t, dir, rows, e);

			if (rc != 0)
				return rc;
		}
	}
	return 0;
}

static json_t *
matrix_json(const struct scan *s)
{
	json_t *j = json_object(), *n = json_array();
	json_t *part[2] = {json_array(), json_array()};
	const uint64_t *from[2] = {s->matrix, s->matrix_shared};

	for (size_t i = 0; i < s->classes; i++) {
		json_add(n, json_integer((json_int_t)s->matrix_n[i]));
		for (size_t p = 0; p < 2; p++) {
			json_t *row = json_array();

			for (size_t k = 0; k < s->classes; k++)
				json_add(
				    row, json_integer((json_int_t)
						 from[p][i * s->classes + k]));
			json_add(part[p], row);
		}
	}
	json_put(j, "method", json_text("shared PGD, L_inf, 5 steps"));
	json_put(j, "alpha", json_number(0.2));
	json_put(j, "n", n);
	json_put(j, "suspect", part[0]);
	json_put(j, "shared", part[1]);
	return j;
}

/* Everything that needs images. */
static int
put_cells(json_t *doc, const struct scan *s, const char *dir, struct err *e)
{
	json_t *list = json_array();
	int rc;

	json_put(doc, "geometries", list);
	if ((rc = geometries_json(s, dir, list, e)) != 0)
		return rc;
	json_put(doc, "landing", landing_json(s));
	list = json_array();
	json_put(doc, "probes", list);
	if ((rc = probes_json(s, dir, list, e)) != 0)
		return rc;
	list = json_array();
	json_put(doc, "pairs", list);
	if ((rc = pairs_json(s, dir, list, e)) != 0)
		return rc;
	json_put(doc, "map", s->pairs ? map_json(s) : json_null());
	if (s->matrix != NULL)
		json_put(doc, "flip_matrix", matrix_json(s));
	return scan_examples(s, dir, doc, e);
}

int
scan_doc(const struct scan *s, const char *dir, json_t **out, struct err *e)
{
	json_t *doc = doc_new("assay-scan/1"), *env = start_json();
	char path[600];
	int rc = 0;

	*out = doc;
	scan_head(doc, s);
	if (dir != NULL) {
		rc = file_join(path, sizeof(path), dir, "perturbations", e);
		if (rc == 0)
			rc = file_mkdir(path, e);
	}
	if (rc == 0 && s->arm != SCAN_NO_DATA)
		rc = put_cells(doc, s, dir, e);
	else
		json_put(doc, "geometries", json_array());
	json_put(doc, "baselines", scan_self_json(s));
	/* the number of threads never changes the result */
	json_object_del(env, "threads");
	json_put(doc, "environment", env);
	json_put(
	    doc, "run", doc_run(s->started, s->seconds, omp_get_max_threads()));
	ranks_doc_run(json_object_get(doc, "run"));
	return rc;
}
