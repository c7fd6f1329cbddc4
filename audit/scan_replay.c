/* SPDX-License-Identifier: MIT
 * One class of an earlier scan, measured again: same settings, same files,
 * same bytes.
 */
#include "audit/scan_arms.h"
#include "audit/scan_doc.h"

#include "base/ranks.h"
#include "base/ranks_doc.h"

/* What of a class's row is compared, beside the perturbation. */
static const char *const parts[] = {"ease", "interval", "radius"};

/* Another version of the tool may search otherwise by the same name. */
static int
same_settings(const struct scan *s, const char *budget, struct err *e)
{
	const struct uap_config *c = &s->opt.budget->profile.cell;
	int64_t steps, batch;
	int rc;

	if (strcmp(s->opt.budget->name, budget) != 0)
		return err_set(
		    e, ERR_FORMAT, ERR_NOWHERE, "no budget '%.32s'", budget);
	if ((rc = json_get_int(
		 s->recorded, "options.steps", 0, INT32_MAX, &steps, e)) != 0 ||
	    (rc = json_get_int(
		 s->recorded, "options.batch", 0, INT32_MAX, &batch, e)) != 0)
		return rc;
	if ((size_t)steps != c->steps || (size_t)batch != c->batch)
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "searched with %" PRId64 " steps of %" PRId64
		    ", this version has %zu of %zu",
		    steps, batch, c->steps, c->batch);
	return 0;
}

int
scan_replay_open(struct scan *s, const char *path, struct err *e)
{
	int64_t seed, seeds;
	const char *budget;
	int rc;

	if ((rc = ranks_doc_read(path, "assay-scan/1", &s->recorded, e)) != 0)
		return rc;
	if ((rc = json_get_int(
		 s->recorded, "options.seed", 0, INT64_MAX, &seed, e)) != 0 ||
	    (rc = json_get_int(s->recorded, "options.seeds", 1, SCAN_SEEDS,
		 &seeds, e)) != 0 ||
	    (rc = json_get_str(s->recorded, "options.budget", &budget, e)) != 0)
		return err_in(e, path);
	s->opt.cache = NULL; /* measured, not remembered */
	s->opt.seed = (uint64_t)seed;
	s->opt.seeds = (uint64_t)seeds;
	for (size_t i = 0; i < scan_nbudget; i++)
		if (strcmp(scan_budgets[i].name, budget) == 0)
			s->opt.budget = &scan_budgets[i];
	rc = same_settings(s, budget, e);
	return rc != 0 ? err_in(e, path) : 0;
}

/* The files given are those that were scanned, in the same order. */
static int
same_inputs(const json_t *now, const json_t *then, struct err *e)
{
	size_t n = json_array_size(now), all = json_array_size(then);

	/* a scan to compare with comes last and was not scanned */
	if (all != 0 &&
	    strcmp(json_text_at(json_array_get(then, all - 1), "role"),
		"before") == 0)
		all--;
	if (n != all)
		return err_set(e, ERR_USAGE, ERR_NOWHERE,
		    "%zu inputs were scanned, %zu are given", all, n);
	for (size_t i = 0; i < n; i++) {
		const json_t *a = json_array_get(now, i);
		const json_t *b = json_array_get(then, i);
		const char *role, *hex, *was;
		int rc;

		if ((rc = json_get_str(a, "role", &role, e)) != 0 ||
		    (rc = json_get_str(a, "sha256", &hex, e)) != 0 ||
		    (rc = json_get_str(b, "sha256", &was, e)) != 0)
			return rc;
		if (strcmp(hex, was) != 0)
			return err_set(e, ERR_USAGE, ERR_NOWHERE,
			    "input %zu (%s) is not the file that was scanned",
			    i + 1, role);
	}
	return 0;
}

static int
measure(struct scan *s, size_t class, struct err *e)
{
	size_t k = s->classes;
	bool *target = scan_need(s, k, sizeof(*target));

	target[class] = true;
	s->plan = (struct profile_plan){
	    k, target, scan_need(s, k * k, sizeof(bool)), NULL};
	return scan_radii(s, &s->plan, 0, e);
}

/* A value as a document would have it, after writing and reading it. */
static int
as_read(const json_t *j, json_t **out, struct err *e)
{
	struct buf b = {0};
	int rc;

	json_pretty(j, &b);
	rc = json_read(b.ptr, b.len, out, e);
	buf_free(&b);
	return rc;
}

static bool
same_part(const json_t *now, const json_t *then, const char *key)
{
	return json_equal(
	    json_object_get(now, key), json_object_get(then, key));
}

/* The perturbation: by digest, when both have one. */
static bool
same_file(const json_t *now, const json_t *then)
{
	const json_t *a = json_at(now, "perturbation.sha256");
	const json_t *b = json_at(then, "perturbation.sha256");

	return a == NULL || b == NULL || json_equal(a, b);
}

static int
compare(const struct scan *s, size_t g, size_t class, const char *dir,
    bool *same, struct err *e)
{
	const char *name = geometry_table[g]->name;
	json_t *row = NULL, *now = NULL;
	const json_t *then;
	char at[64];
	int rc;

	snprintf(at, sizeof(at), "geometries.%zu.per_class.%zu", g, class);
	if ((rc = json_get_object(s->recorded, at, &then, e)) != 0)
		return rc;
	if (!json_is_number(json_at(then, "ease.suspect")))
		return err_set(e, ERR_USAGE, ERR_NOWHERE,
		    "class %zu was not searched", class);
	rc = scan_measured(s, g, class, dir, &row, e);
	if (rc == 0 && (rc = as_read(row, &now, e)) == 0) {
		bool equal = same_file(now, then);

		for (size_t i = 0; i < ARRAY_LEN(parts); i++)
			equal = equal && same_part(now, then, parts[i]);
		printf("%-10s %s\n", name, equal ? "same" : "differs");
		*same = *same && equal;
	}
	json_decref(row);
	json_decref(now);
	return rc;
}

static int
replay_into(
    struct scan *s, size_t class, const char *dir, bool *same, struct err *e)
{
	char path[600];
	int rc;

	if ((rc = file_join(path, sizeof(path), dir, "perturbations", e)) !=
		0 ||
	    (rc = file_mkdir(path, e)) != 0)
		return rc;
	*same = true;
	for (size_t g = 0; rc == 0 && g < geometry_count; g++)
		rc = compare(s, g, class, dir, same, e);
	return rc;
}

int
scan_replay(struct scan *s, uint64_t class, bool *same, struct err *e)
{
	json_t *now = doc_new("assay-scan/1");
	char dir[600];
	int rc;

	scan_inputs(now, s);
	rc = same_inputs(
	    json_at(now, "inputs"), json_at(s->recorded, "inputs"), e);
	json_decref(now);
	if (rc != 0)
		return rc;
	if (class >= s->classes)
		return err_set(e, ERR_USAGE, ERR_NOWHERE,
		    "no class %" PRIu64 ": there are %zu", class, s->classes);
	if ((rc = measure(s, (size_t) class, e)) != 0)
		return rc;
	*same = true;
	if (!ranks_first())
		return 0;
	if (s->opt.out != NULL)
		return replay_into(s, (size_t) class, s->opt.out, same, e);
	if ((rc = file_temp_dir(dir, sizeof(dir), e)) != 0)
		return rc;
	rc = replay_into(s, (size_t) class, dir, same, e);
	if (file_remove_tree(dir, e) != 0 && rc == 0)
		rc = e->code;
	return rc;
}
