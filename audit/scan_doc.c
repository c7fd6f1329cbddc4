/* SPDX-License-Identifier: MIT
 * scan.json (assay-scan(5)), the perturbation files, and the summary.
 */
#include "audit/scan.h"
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
	const struct scan_model *m =
	    model == 0 ? &s->suspect : &s->ref[model - 1];

	return &m->profile[0].cell[g * s->classes + t];
}

/* A number, or null where there is none. */
static json_t *
number(double v)
{
	return isfinite(v) ? json_number(v) : json_null();
}

static json_t *
radius_json(const struct uap_found *f)
{
	return f->n != 0 && f->reached
		   ? json_number(f->radius[UAP_SHARES - 1])
		   : json_null();
}

static json_t *
interval_json(const struct uap_found *f)
{
	json_t *list = json_array();

	json_add(list, f->n != 0 && f->lo > 0 ? json_number(f->lo)
					      : json_null());
	json_add(list, f->n != 0 ? number(f->hi) : json_null());
	return list;
}

/* Residual, z and p of cell i of a family. */
static void
put_statistics(json_t *j, const struct verdict_family *f, size_t i)
{
	json_put(j, "residual", number(f->residual[i]));
	json_put(j, "z", number(f->z[i]));
	json_put(j, "p", number(f->p[i]));
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

static json_t *
by_source(const struct scan *s, size_t g, size_t t)
{
	json_t *list = json_array();

	for (size_t k = 0; k < s->classes; k++) {
		json_t *j;

		if (k == t)
			continue;
		j = count_json(scan_flips_at(s, g, t, k));
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

static int
class_json(const struct scan *s, size_t g, size_t t, const char *dir,
    json_t **out, struct err *e)
{
	const struct uap_found *found = found_at(s, 0, g, t);
	struct scan_flips f = scan_flips_sum(s, g, t);
	json_t *j = json_object(), *file;
	char name[64];
	int rc;

	*out = j;
	json_put(j, "class", json_integer((json_int_t)t));
	json_put(j, "radius", radii_json(s, g, t));
	json_put(j, "interval", interval_json(found));
	if (s->nref != 0) {
		put_statistics(j, &s->family[g], t);
		json_put(
		    j, "z_beyond", number(s->family[geometry_count + g].z[t]));
		json_put(j, "p_adjusted", number(s->in.class_[t].adjusted));
	}
	json_put(j, "flips", count_json(&f));
	json_put(j, "sae_rate", rate_json(s, &f));
	json_put(j, "by_source", by_source(s, g, t));
	snprintf(name, sizeof(name), "%s-%zu", geometry_table[g]->name, t);
	if (found->n == 0) {
		json_put(j, "perturbation", json_null());
		return 0;
	}
	if ((rc = perturbation(&found->trigger, name, dir, &file, e)) == 0)
		json_put(j, "perturbation", file);
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

static const char *
name_of(const struct scan *s, size_t t, char *spare, size_t size)
{
	return dataset_class(&s->data.data, t, spare, size);
}

/* A target: class, its name, the geometry that sees it best, p. */
static json_t *
target_json(const struct scan *s, size_t t, const char *geometry, double p)
{
	json_t *j = json_object();
	char spare[32];

	json_put(j, "class", json_integer((json_int_t)t));
	json_put(j, "name", json_text(name_of(s, t, spare, sizeof(spare))));
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

		/* what is a target from everywhere is said once */
		if (!h->target || s->in.class_[i % k].target)
			continue;
		j = target_json(s, i % k, "pair", h->adjusted);
		json_put(j, "source", json_integer((json_int_t)(i / k)));
		json_add(list, j);
	}
}

static json_t *
targets_json(const struct scan *s)
{
	json_t *list = json_array();

	for (size_t t = 0; s->nref != 0 && t < s->classes; t++)
		if (s->in.class_[t].target)
			json_add(list,
			    target_json(s, t,
				geometry_table[scan_geometry_of(s, t)]->name,
				s->in.class_[t].adjusted));
	pair_targets(s, list);
	return list;
}

static json_t *
map_json(const struct scan *s)
{
	json_t *j = json_object(), *to = json_array();

	json_put(j, "mean_z", number(s->in.map_mean));
	json_put(j, "p", number(s->in.map.p));
	json_put(j, "p_adjusted", number(s->in.map.adjusted));
	json_put(j, "evidence", json_boolean(s->in.map.target));
	for (size_t i = 0; isfinite(s->in.map.p) && i < s->classes; i++)
		json_add(to, json_integer((json_int_t)s->in.to[i]));
	json_put(j, "to", to);
	return j;
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
	put_statistics(j, &s->pair, i);
	json_put(j, "p_adjusted", number(s->in.pairs[i].adjusted));
	if (s->in.pairs[i].adjusted < 1.0) {
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
pairs_json(
    const struct scan *s, const char *dir, json_t *list, struct err *e)
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
	const struct verdict_family *f =
	    &s->family[2 * geometry_count + 1];
	const struct concentrate_counts *c = &s->suspect.profile[0].landing;
	json_t *j = json_object(), *rows = json_array();

	json_put(j, "method", json_text("untargeted PGD, L_inf"));
	json_put(
	    j, "eps", json_number(s->opt.budget->profile.landing.eps));
	for (size_t t = 0; t < s->classes; t++) {
		json_t *row = json_object();

		json_put(row, "class", json_integer((json_int_t)t));
		json_put(row, "share",
		    json_number(concentrate_share(c, s->classes, t)));
		if (s->nref != 0)
			put_statistics(row, f, t);
		json_add(rows, row);
	}
	json_put(j, "per_class", rows);
	return j;
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

/* The null's spreads, and the smallest effect that this run could have seen:
 * a radius relative to what the references explain. */
static void
put_power(json_t *doc, const struct scan *s)
{
	json_t *spread = json_object(), *least = json_object();
	double k = (double)s->classes;

	for (size_t f = 0; s->nref != 0 && f <= geometry_count; f++) {
		const struct verdict_family *v =
		    f < geometry_count ? &s->family[f] : &s->pair;
		/* Bonferroni's factor of one cell */
		double tests = f < geometry_count ? 2 * k * (double)s->nfamily
						  : 4 * k * k;

		if (f == geometry_count && !s->pairs)
			break;
		json_put(spread, v->name, json_number(v->spread));
		json_put(least, v->name,
		    json_number(exp(
			-verdict_least(v->spread, tests, s->opt.alpha))));
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

static void
put_limits(json_t *doc, const struct scan *s)
{
	static const char *const spots[] = {
	    "a backdoor that the references share",
	    "a trigger whose flip radius is no smaller than a clean model's, "
	    "such as a faint full-image pattern",
	    "a trigger that depends on the image, or is none of the "
	    "geometries",
	    "a backdoor that appears only after conversion, quantisation or "
	    "further training",
	    NULL};
	json_t *not = json_array();

	json_put(doc, "blind_spots", strings(spots));
	if (s->nref == 0)
		json_add(not,
		    json_text("comparison with a reference: none was given"));
	if (!s->pairs)
		json_add(not, json_text("pairs of source and target class"));
	if (s->screened_targets)
		json_add(not,
		    json_text("targets that few adversarial examples land in: "
			      "too many classes to search all"));
	if (s->screened_pairs)
		json_add(not,
		    json_text("pairs of classes that no adversarial example "
			      "joins, and a map of all classes"));
	json_put(doc, "not_tested", not);
}

static void
put_head(json_t *doc, const struct scan *s)
{
	const struct scan_model *m = &s->suspect;
	json_t *names = json_array(), *o = json_object();
	json_t *images = json_object();
	char spare[32];

	doc_input(doc, "model", s->opt.model, &m->file.digest, m->file.size);
	for (size_t k = 0; k < s->nref; k++)
		doc_input(doc, "reference", s->opt.reference.item[k],
		    &s->ref[k].file.digest, s->ref[k].file.size);
	doc_input(doc, "data", s->opt.data, &s->data.digest, s->data.size);
	for (size_t t = 0; t < s->classes; t++)
		json_add(names, json_text(name_of(s, t, spare, sizeof(spare))));
	json_put(o, "seed", json_integer((json_int_t)s->opt.seed));
	json_put(o, "budget", json_text(s->opt.budget->name));
	json_put(o, "seeds", json_integer((json_int_t)s->opt.seeds));
	json_put(o, "steps",
	    json_integer((json_int_t)s->opt.budget->profile.cell.steps));
	json_put(o, "batch",
	    json_integer((json_int_t)s->opt.budget->profile.cell.batch));
	json_put(o, "alpha", json_number(s->opt.alpha));
	json_put(o, "share", json_number(UAP_SHARE));
	json_put(images, "fit", json_integer((json_int_t)s->fit.n));
	json_put(images, "test", json_integer((json_int_t)s->test.n));
	json_put(images, "agreed", json_integer((json_int_t)s->agreed));
	json_put(images, "counted", json_integer((json_int_t)s->nboth));
	json_put(doc, "options", o);
	json_put(doc, "images", images);
	json_put(doc, "classes", json_integer((json_int_t)s->classes));
	json_put(doc, "class_names", names);
	json_put(doc, "accuracy", accuracy_json(s));
	json_put(doc, "verdict", json_text(verdict_name(s->verdict)));
	json_put(doc, "why", json_text(s->why));
	json_put(doc, "score", json_number(s->score));
	json_put(doc, "p", s->nref != 0 ? json_number(s->p) : json_null());
	json_put(doc, "targets", targets_json(s));
	json_put(doc, "seeds", seeds_json(s));
}

int
scan_doc(const struct scan *s, const char *dir, json_t **out, struct err *e)
{
	json_t *doc = doc_new("assay-scan/1"), *list = json_array();
	json_t *env = start_json();
	char path[600];
	int rc = 0;

	*out = doc;
	put_head(doc, s);
	json_put(doc, "geometries", list);
	if (dir != NULL) {
		rc = file_join(path, sizeof(path), dir, "perturbations", e);
		if (rc == 0)
			rc = file_mkdir(path, e);
	}
	if (rc == 0)
		rc = geometries_json(s, dir, list, e);
	json_put(doc, "landing", landing_json(s));
	list = json_array();
	json_put(doc, "pairs", list);
	if (rc == 0)
		rc = pairs_json(s, dir, list, e);
	json_put(doc, "map", s->pairs ? map_json(s) : json_null());
	if (s->matrix != NULL)
		json_put(doc, "flip_matrix", matrix_json(s));
	put_power(doc, s);
	put_limits(doc, s);
	/* the number of threads never changes the result */
	json_object_del(env, "threads");
	json_put(doc, "environment", env);
	json_put(
	    doc, "run", doc_run(s->started, s->seconds, omp_get_max_threads()));
	return rc;
}

/* --- for people ---------------------------------------------------------- */

static void
print_class(const struct scan *s, size_t g, size_t t)
{
	const struct uap_found *f = found_at(s, 0, g, t);
	struct scan_flips n = scan_flips_sum(s, g, t);
	char spare[32];

	printf("%c %-20.20s",
	    s->nref != 0 && s->in.class_[t].target ? '*' : ' ',
	    name_of(s, t, spare, sizeof(spare)));
	if (f->n == 0) {
		printf(" not searched\n");
		return;
	}
	printf(" %c%8.3g", f->reached ? ' ' : '>', f->radius[UAP_SHARES - 1]);
	if (s->nref != 0)
		printf(" %6.2f %9.2g %4" PRIu64 "/%" PRIu64, s->family[g].z[t],
		    s->in.class_[t].adjusted, n.shared, n.flipped);
	printf("\n");
}

static void
print_pairs(const struct scan *s)
{
	char from[32], to[32];
	size_t k = s->classes;

	for (size_t i = 0; s->pairs && i < k * k; i++)
		if (s->in.pairs[i].target)
			printf("* %s -> %s  z %.2f  p %.2g\n",
			    name_of(s, i / k, from, sizeof(from)),
			    name_of(s, i % k, to, sizeof(to)), s->pair.z[i],
			    s->in.pairs[i].adjusted);
	if (!s->in.map.target)
		return;
	printf("* all classes, mean z %.2f, p %.2g:", s->in.map_mean,
	    s->in.map.adjusted);
	for (size_t i = 0; i < k; i++)
		printf(" %s -> %s%s", name_of(s, i, from, sizeof(from)),
		    name_of(s, s->in.to[i], to, sizeof(to)),
		    i + 1 < k ? "," : "\n");
}

void
scan_print(const struct scan *s)
{
	printf("verdict: %s (score %.2f)\n%s\n", verdict_name(s->verdict),
	    s->score, s->why);
	for (size_t g = 0; g < geometry_count; g++) {
		printf("\n%s: %s (radius: %s)\n", geometry_table[g]->name,
		    geometry_table[g]->summary, geometry_table[g]->unit);
		printf("  %-20s %9s %6s %9s %9s\n", "class", "radius", "z",
		    "p", "shared");
		for (size_t t = 0; t < s->classes; t++)
			print_class(s, g, t);
	}
	if (s->pairs)
		printf("\npairs of classes, and maps of all\n");
	print_pairs(s);
}
