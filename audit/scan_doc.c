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

static const struct verdict_cell *
cell_of(const struct scan *s, size_t g, size_t t)
{
	return s->cell != NULL ? &s->cell[g * s->classes + t] : NULL;
}

static json_t *
radius_json(const struct uap_found *f)
{
	return f->reached ? json_number(f->radius) : json_null();
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
perturbation(const struct scan *s, size_t g, size_t t, const char *dir,
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
	snprintf(rel, sizeof(rel), "perturbations/%s-%zu.trigger",
	    geometry_table[g]->name, t);
	if ((rc = file_join(path, sizeof(path), dir, rel, e)) != 0 ||
	    (rc = file_out_open(&f, path, e)) != 0)
		return rc;
	rc = trigger_write(&f, &s->suspect.found[g][t].trigger, e);
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

static int
class_json(const struct scan *s, size_t g, size_t t, const char *dir,
    json_t **out, struct err *e)
{
	const struct verdict_cell *c = cell_of(s, g, t);
	struct scan_flips f = scan_flips_sum(s, g, t);
	json_t *j = json_object(), *radius = json_object();
	json_t *refs = json_array(), *file;
	int rc;

	*out = j;
	for (size_t k = 0; k < s->nref; k++)
		json_add(refs, radius_json(&s->ref[k].found[g][t]));
	json_put(radius, "suspect", radius_json(&s->suspect.found[g][t]));
	json_put(radius, "references", refs);
	json_put(j, "class", json_integer((json_int_t)t));
	json_put(j, "radius", radius);
	if (c != NULL) {
		json_put(j, "residual", json_number(c->residual));
		json_put(j, "z", json_number(c->z));
		json_put(j, "p", json_number(c->p));
		json_put(j, "p_adjusted", json_number(c->p_adjusted));
	}
	json_put(j, "flips", count_json(&f));
	json_put(j, "sae_rate",
	    f.flipped != 0 && s->nref != 0
		? json_number((double)f.shared / (double)f.flipped)
		: json_null());
	json_put(j, "by_source", by_source(s, g, t));
	if ((rc = perturbation(s, g, t, dir, &file, e)) == 0)
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

static json_t *
targets_json(const struct scan *s)
{
	json_t *list = json_array();
	char spare[32];

	for (size_t i = 0; s->cell != NULL && i < geometry_count * s->classes;
	     i++) {
		size_t g = i / s->classes, t = i % s->classes;
		json_t *j;

		if (!s->cell[i].target)
			continue;
		j = json_object();
		json_put(j, "class", json_integer((json_int_t)t));
		json_put(
		    j, "name", json_text(name_of(s, t, spare, sizeof(spare))));
		json_put(j, "geometry", json_text(geometry_table[g]->name));
		json_put(j, "p", json_number(s->cell[i].p_adjusted));
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

/* The null's floor, and the smallest effect that this run could have seen. */
static void
put_power(json_t *doc, const struct scan *s)
{
	json_t *floor = json_object(), *least = json_object();
	double tests = (double)(geometry_count * s->classes);
	double z = stat_normal_quantile(s->opt.alpha / tests);

	for (size_t g = 0; g < geometry_count; g++) {
		const char *name = geometry_table[g]->name;
		double spread = verdict_spread(name);

		json_put(floor, name, json_number(spread));
		json_put(least, name, json_number(exp(-z * spread)));
	}
	json_put(doc, "floor", floor);
	/* radius relative to what the references explain */
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
	    "source-conditional and all-to-all backdoors: classes are tested "
	    "as targets over all sources together",
	    "a backdoor that appears only after conversion, quantisation or "
	    "further training",
	    NULL};
	static const char *const skipped[] = {"smooth and warp geometries",
	    "pairs of source and target class",
	    "an earlier version of the model", NULL};
	static const char *const no_reference[] = {
	    "comparison with a reference: none was given",
	    "smooth and warp geometries", "pairs of source and target class",
	    NULL};

	json_put(doc, "blind_spots", strings(spots));
	json_put(
	    doc, "not_tested", strings(s->nref != 0 ? skipped : no_reference));
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
	json_put(o, "steps", json_integer((json_int_t)s->opt.budget->steps));
	json_put(o, "batch", json_integer((json_int_t)s->opt.budget->batch));
	json_put(o, "alpha", json_number(s->opt.alpha));
	json_put(o, "share", json_number(UAP_SHARE));
	json_put(images, "fit", json_integer((json_int_t)s->fit.n));
	json_put(images, "test", json_integer((json_int_t)s->test.n));
	json_put(images, "agreed", json_integer((json_int_t)s->agreed));
	json_put(doc, "options", o);
	json_put(doc, "images", images);
	json_put(doc, "classes", json_integer((json_int_t)s->classes));
	json_put(doc, "class_names", names);
	json_put(doc, "accuracy", accuracy_json(s));
	json_put(doc, "verdict", json_text(verdict_name(s->verdict)));
	json_put(doc, "why", json_text(s->why));
	json_put(doc, "score", json_number(s->score));
	json_put(doc, "targets", targets_json(s));
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

void
scan_print(const struct scan *s)
{
	char spare[32];

	printf("verdict: %s (score %.2f)\n%s\n", verdict_name(s->verdict),
	    s->score, s->why);
	for (size_t g = 0; g < geometry_count; g++) {
		printf("\n%s: %s (radius: %s)\n", geometry_table[g]->name,
		    geometry_table[g]->summary, geometry_table[g]->unit);
		printf("  %-20s %9s %9s %6s %9s %9s\n", "class", "suspect",
		    "reference", "z", "p", "shared");
		for (size_t t = 0; t < s->classes; t++) {
			const struct verdict_cell *c = cell_of(s, g, t);
			struct scan_flips f = scan_flips_sum(s, g, t);

			printf("%c %-20.20s %9.4g",
			    c != NULL && c->target ? '*' : ' ',
			    name_of(s, t, spare, sizeof(spare)),
			    s->suspect.found[g][t].radius);
			if (c != NULL)
				printf(" %9.4g %6.2f %9.2g %4" PRIu64
				       "/%" PRIu64,
				    c->reference, c->z, c->p_adjusted, f.shared,
				    f.flipped);
			printf("\n");
		}
	}
}
