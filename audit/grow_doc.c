/* SPDX-License-Identifier: MIT
 * grow.json, and what of an earlier one still holds.
 */
#include "audit/grow.h"
#include "base/ranks_doc.h"
#include "base/stat.h"
#include "engine/start.h"

#include <omp.h>

#define SCHEMA "assay-grow/1"

/* --- writing ------------------------------------------------------------- */

static json_t *
number(size_t v)
{
	return json_integer((json_int_t)v);
}

static json_t *
hex(const struct digest *d)
{
	char s[DIGEST_HEX];

	digest_hex(d, s);
	return json_text(s);
}

static json_t *
architecture_json(const struct grow *g)
{
	json_t *j = json_object(), *image = json_array();

	json_add(image, number(g->net.h));
	json_add(image, number(g->net.w));
	json_add(image, number(g->net.c));
	json_put(j, "sha256", hex(&g->note.key));
	json_put(j, "image", image);
	json_put(j, "classes", number(g->net.classes));
	json_put(j, "nodes", number(g->model.nnode));
	json_put(j, "weights", number(g->note.weights));
	json_put(j, "kept_constants", number(g->note.kept));
	json_put(j, "norms_restored", number(g->note.norms));
	return j;
}

/* What decides the bytes of a reference, with architecture, images and
 * seed. */
static json_t *
options_json(const struct grow *g)
{
	bool adam = g->how.kind == OPTIM_ADAMW;
	json_t *j = json_object();

	json_put(j, "optimizer", json_text(adam ? "adamw" : "sgd"));
	json_put(j, "epochs", number(g->how.epochs));
	json_put(j, "batch", number(g->how.batch));
	json_put(j, "lr", json_number((double)g->how.rate));
	json_put(j, "shift", number(g->augment.shift));
	json_put(j, "flip", json_boolean(g->augment.flip));
	json_put(j, "cutout", number(g->augment.cutout));
	json_put(j, "mixup", json_boolean(g->how.mixup));
	return j;
}

static json_t *
accuracy_json(const struct measure_count *c)
{
	struct stat_interval i = stat_wilson(c->hit, c->n, 0.95);
	json_t *j = json_object(), *bounds = json_array();

	json_add(bounds, json_number(i.lo));
	json_add(bounds, json_number(i.hi));
	json_put(j, "correct", number(c->hit));
	json_put(j, "n", number(c->n));
	json_put(j, "rate",
	    c->n != 0 ? json_number((double)c->hit / (double)c->n)
		      : json_null());
	json_put(j, "interval", bounds);
	return j;
}

static json_t *
references_json(const struct grow *g)
{
	json_t *list = json_array();

	for (size_t i = 0; i < g->opt.count; i++) {
		const struct grow_reference *r = &g->ref[i];
		json_t *j = json_object();

		json_put(
		    j, "file", r->ready ? json_text(r->file) : json_null());
		json_put(j, "sha256", r->ready ? hex(&r->digest) : json_null());
		json_put(j, "size", r->ready ? number(r->size) : json_null());
		json_put(j, "accuracy", accuracy_json(&r->held));
		json_put(j, "lr", json_number(r->rate));
		json_add(list, j);
	}
	return list;
}

static json_t *
run_json(const struct grow *g)
{
	json_t *j = doc_run(g->started, g->seconds, omp_get_max_threads());
	json_t *each = json_array();

	for (size_t i = 0; i < g->opt.count; i++)
		json_add(each, g->ref[i].reused
				   ? json_null()
				   : json_number(g->ref[i].seconds));
	json_put(j, "each", each);
	ranks_doc_run(j);
	return j;
}

/* Of the numbers that the images' classes have: the model's names may give
 * them others than the data does. */
static json_t *
labels_digest(const struct grow *g)
{
	const struct dataset *part[] = {&g->train, &g->held};
	struct digest_ctx c;
	struct digest d;

	digest_begin(&c);
	for (size_t i = 0; i < ARRAY_LEN(part); i++)
		digest_update(
		    &c, part[i]->label, part[i]->n * sizeof(*part[i]->label));
	digest_end(&c, &d);
	return hex(&d);
}

json_t *
grow_doc(const struct grow *g)
{
	json_t *j = doc_new(SCHEMA), *images = json_object();

	fetch_input(j, "model", g->opt.model, &g->file);
	doc_input(j, "data", g->opt.data, &g->data.digest, g->data.size);
	json_put(images, "train", number(g->train.n));
	json_put(images, "held_out", number(g->held.n));
	json_put(images, "labels", labels_digest(g));
	json_put(j, "architecture", architecture_json(g));
	json_put(j, "images", images);
	json_put(j, "options", options_json(g));
	json_put(j, "seed", number(g->opt.seed));
	json_put(j, "chance", json_number(g->chance));
	json_put(j, "references", references_json(g));
	json_put(j, "preprocess", fetch_json(&g->file, &g->data));
	json_put(j, "environment", start_json());
	json_put(j, "run", run_json(g));
	return j;
}

/* --- reading ------------------------------------------------------------- */

/* Whether two documents say the same at a path, as they are printed. */
static bool
same_at(const json_t *a, const json_t *b, const char *path)
{
	const json_t *x = json_at(a, path), *y = json_at(b, path);
	struct buf p = {0}, q = {0};
	bool same = false;

	if (x != NULL && y != NULL) {
		json_t *l = json_array(), *r = json_array();

		json_add(l, json_deep_copy(x));
		json_add(r, json_deep_copy(y));
		json_pretty(l, &p);
		json_pretty(r, &q);
		same = p.len == q.len && memcmp(p.ptr, q.ptr, p.len) == 0;
		json_decref(l);
		json_decref(r);
	}
	buf_free(&p);
	buf_free(&q);
	return same;
}

/* Reference i, when the document has it and its file is what was written. */
static void
resume_one(struct grow *g, const json_t *j, struct grow_reference *ref)
{
	const char *file, *hash;
	struct digest want, have;
	int64_t hit, n;
	char path[600];
	struct err e;

	if (json_get_str(j, "file", &file, &e) != 0 ||
	    json_get_str(j, "sha256", &hash, &e) != 0 ||
	    json_get_int(j, "accuracy.n", 0, INT64_MAX, &n, &e) != 0 ||
	    json_get_int(j, "accuracy.correct", 0, n, &hit, &e) != 0 ||
	    json_get_real(j, "lr", &ref->rate, &e) != 0 ||
	    strcmp(file, ref->file) != 0 || !digest_parse(hash, &want) ||
	    file_join(path, sizeof(path), g->opt.out, file, &e) != 0 ||
	    digest_file(path, UINT64_MAX, &have, &ref->size, &e) != 0 ||
	    !digest_equal(&want, &have))
		return;
	ref->digest = have;
	ref->held = (struct measure_count){(uint64_t)hit, (uint64_t)n};
	ref->ready = ref->reused = true;
}

int
grow_resume(struct grow *g, struct err *e)
{
	static const char *const same[] = {"tool", "architecture", "images",
	    "options", "seed", "inputs.1.sha256"};
	json_t *old, *now;
	const json_t *list;
	char path[600];
	int rc;

	rc = file_join(path, sizeof(path), g->opt.out, "grow.json", e);
	if (rc != 0 || !file_exists(path))
		return rc;
	if ((rc = doc_read(path, SCHEMA, &old, e)) != 0)
		return rc;
	now = grow_doc(g);
	for (size_t i = 0; i < ARRAY_LEN(same) && rc == 0; i++)
		if (!same_at(old, now, same[i]))
			rc = err_set(e, ERR_USAGE, ERR_NOWHERE,
			    "is of references that were grown from something "
			    "else ('%s' differs)",
			    same[i]);
	if (rc == 0)
		rc = json_get_array(old, "references", &list, e);
	for (size_t i = 0; rc == 0 && i < g->opt.count; i++)
		resume_one(g, json_array_get(list, i), &g->ref[i]);
	json_decref(now);
	json_decref(old);
	return rc != 0 ? err_in(e, path) : 0;
}
