/* SPDX-License-Identifier: MIT */
#include "report/checks.h"

#include "report/require.h"
#include "report/waive.h"

#include "base/policy.h"

#include <math.h>
#include <time.h>

json_t *
checks_decimal(double v)
{
	char text[40];

	if (!isfinite(v))
		return json_null();
	snprintf(text, sizeof(text), "%.6g", v);
	return json_text(text);
}

json_t *
checks_exact(const json_t *j)
{
	const char *key;
	json_t *out, *v;
	size_t i;

	if (j == NULL)
		return json_null();
	if (json_is_real(j))
		return checks_decimal(json_real_value(j));
	if (json_is_integer(j) && !json_exact(json_integer_value(j))) {
		char text[24];

		snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT,
		    json_integer_value(j));
		return json_text(text);
	}
	if (json_is_object(j)) {
		out = json_object();
		json_object_foreach((json_t *)(uintptr_t)j, key, v)
		    json_put(out, key, checks_exact(v));
		return out;
	}
	if (json_is_array(j)) {
		out = json_array();
		json_array_foreach(j, i, v) json_add(out, checks_exact(v));
		return out;
	}
	return json_deep_copy(j);
}

int
checks_day(struct checks_in *in, struct err *e)
{
	size_t size = sizeof(in->today);
	int64_t now;
	time_t when;
	struct tm tm;
	int rc = policy_now(&now, e);

	when = (time_t)now;
	if (rc == 0 && (gmtime_r(&when, &tm) == NULL ||
			   strftime(in->today, size, "%Y-%m-%d", &tm) == 0))
		rc = err_set(
		    e, ERR_USAGE, ERR_NOWHERE, "the clock shows no usable day");
	return rc;
}

/* --- findings ------------------------------------------------------------ */

enum finding_severity
checks_severity(const json_t *finding)
{
	enum finding_severity s;

	return finding_severity_parse(json_text_at(finding, "severity"), &s)
		   ? s
		   : SEVERITY_CRITICAL;
}

static int
worst_first(const void *pa, const void *pb)
{
	const json_t *a = *(const json_t *const *)pa;
	const json_t *b = *(const json_t *const *)pb;
	enum finding_severity x = checks_severity(a), y = checks_severity(b);
	bool last = json_at(a, "waived") != NULL;
	int order;

	if (last != (json_at(b, "waived") != NULL))
		return last ? 1 : -1;
	if (x != y)
		return x > y ? -1 : 1;
	if ((order = strcmp(json_text_at(a, "id"), json_text_at(b, "id"))) !=
		0 ||
	    (order = strcmp(
		 json_text_at(a, "path"), json_text_at(b, "path"))) != 0)
		return order;
	return strcmp(json_text_at(a, "detail"), json_text_at(b, "detail"));
}

/* What the document says of the finding's id, for readers of one finding. */
static void
put_taxa(json_t *finding, const json_t *doc)
{
	const json_t *rule = json_object_get(
	    json_object_get(doc, "rules"), json_text_at(finding, "id"));
	json_t *taxa = json_object_get(rule, "taxa");

	if (json_is_array(taxa))
		json_put(finding, "taxa", json_deep_copy(taxa));
}

static void
take_findings(json_t *out, const struct checks_in *in, enum case_doc which)
{
	const json_t *doc = case_doc(in->docs, which);
	const json_t *inspect = case_doc(in->docs, CASE_INSPECT);
	json_t *list = checks_exact(json_at(doc, "findings")), *one;
	size_t i;

	json_array_foreach(list, i, one)
	{
		if (!json_is_object(one))
			continue;
		json_put(
		    one, "source", json_text(json_text_at(doc, "tool.name")));
		put_taxa(one, doc);
	}
	/* assay-inspect applied its policy to what it found itself */
	if (which != CASE_INSPECT)
		waive_apply(inspect, list, json_at(doc, "files"));
	waive_expire(list, NULL, in->today);
	if (json_is_array(list))
		json_array_extend(out, list);
	json_decref(list);
}

static json_t *
target_finding(const struct checks_in *in, const struct evidence_target *t)
{
	json_t *f = json_object(), *taxa = NULL;
	char text[256], from[48] = "other classes";
	bool sure = strcmp(in->scan->verdict, "evidence") == 0;

	if (t->source >= 0) {
		snprintf(from, sizeof(from), "class %" PRId64, t->source);
		json_put(f, "sourceClass", json_integer(t->source));
	}
	snprintf(text, sizeof(text),
	    "a small common change (%.40s) sends images of %s to class %zu in "
	    "this model and not in the references",
	    t->geometry, from, t->target);
	if (in->taxonomy != NULL && in->taxonomy->doc != NULL)
		taxa = taxonomy_of(in->taxonomy, CHECKS_TARGET);
	json_put(f, "id", json_text(CHECKS_TARGET));
	json_put(f, "severity", json_text(sure ? "critical" : "medium"));
	json_put(f, "summary",
	    json_text(sure ? "a class behaves as the target of a backdoor"
			   : "a class may be the target of a backdoor"));
	json_put(f, "path",
	    json_text(in->docs->model != NULL ? in->docs->model : ""));
	json_put(f, "detail", json_text(text));
	json_put(f, "source", json_text("assay-scan"));
	json_put(f, "target", json_integer((json_int_t)t->target));
	json_put(f, "geometry", json_text(t->geometry));
	json_put(f, "p", checks_decimal(t->p));
	if (json_array_size(taxa) != 0)
		json_put(f, "taxa", json_incref(taxa));
	json_decref(taxa);
	return f;
}

json_t *
checks_findings(const struct checks_in *in)
{
	json_t *raw = json_array(), *out = json_array();
	struct arena a;
	json_t **order;
	size_t n;

	take_findings(raw, in, CASE_MANIFEST);
	take_findings(raw, in, CASE_INSPECT);
	for (size_t i = 0; in->scan != NULL && i < in->scan->ntarget; i++)
		json_add(raw, target_finding(in, &in->scan->target[i]));
	n = json_array_size(raw);
	arena_init(&a, SIZE_MAX);
	order = arena_alloc(&a, n + 1, sizeof(json_t *));
	if (order == NULL)
		BUG("out of memory");
	for (size_t i = 0; i < n; i++)
		order[i] = json_array_get(raw, i);
	qsort(order, n, sizeof(json_t *), worst_first);
	for (size_t i = 0; i < n; i++)
		json_add(out, json_incref(order[i]));
	arena_release(&a);
	json_decref(raw);
	return out;
}

size_t
checks_count(const json_t *findings, const char *severity, bool above)
{
	enum finding_severity least;
	json_t *one;
	size_t i, n = 0;

	if (!finding_severity_parse(severity, &least))
		BUG(severity);
	json_array_foreach(findings, i, one)
	{
		enum finding_severity s = checks_severity(one);

		if (json_at(one, "waived") != NULL)
			continue;
		n += s == least || (above && s > least);
	}
	return n;
}

size_t
checks_waived(const json_t *findings)
{
	json_t *one;
	size_t i, n = 0;

	json_array_foreach(findings, i, one) n +=
	    json_at(one, "waived") != NULL;
	return n;
}

/* Whether findings fail the bundle. */
static bool
failing(const struct checks_in *in, const json_t *findings)
{
	const json_t *inspect = case_doc(in->docs, CASE_INSPECT);
	enum finding_severity fail_at =
	    waive_fail_at(json_at(inspect, "policy"));

	return checks_count(findings, finding_severity_name(fail_at), true) !=
	       0;
}

/* --- verdict --------------------------------------------------------- */

static bool
complete(const json_t *doc)
{
	return doc != NULL && json_is_true(json_at(doc, "complete"));
}

bool
checks_complete(const struct checks_in *in)
{
	return complete(case_doc(in->docs, CASE_MANIFEST)) &&
	       complete(case_doc(in->docs, CASE_INSPECT)) && in->scan != NULL;
}

const json_t *
checks_find(const json_t *checks, const char *id)
{
	const json_t *one;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)checks, i, one)
	{
		if (strcmp(json_text_at(one, "id"), id) == 0)
			return one;
	}
	return NULL;
}

const json_t *
checks_required(const json_t *checks)
{
	return json_at(checks_find(checks, "policy"), "evidence.required");
}

const char *
checks_verdict(
    const struct checks_in *in, const json_t *findings, const json_t *checks)
{
	const json_t *given = checks_find(checks, "policy");
	const char *policy =
	    given != NULL ? json_text_at(given, "status") : "PASSED";
	bool evidence =
	    in->scan != NULL && strcmp(in->scan->verdict, "evidence") == 0;

	if (evidence || failing(in, findings) || strcmp(policy, "FAILED") == 0)
		return "FAILED";
	if (checks_complete(in) &&
	    strcmp(in->scan->verdict, "no-evidence") == 0 &&
	    strcmp(policy, "PASSED") == 0)
		return "PASSED";
	return "INCONCLUSIVE";
}

/* --- checks -------------------------------------------------------------- */

static json_t *
check(const char *id, const char *status, json_t *evidence)
{
	json_t *c = json_object();

	json_put(c, "id", json_text(id));
	json_put(c, "status", json_text(status));
	json_put(c, "evidence", evidence);
	return c;
}

static json_t *
supply_chain(const struct checks_in *in)
{
	static const char *const level[] = {
	    "critical", "high", "medium", "low", "note"};
	const json_t *inspect = case_doc(in->docs, CASE_INSPECT);
	json_t *found = json_array(), *count = json_object();
	json_t *ev = json_object();
	const char *status = "PASSED";

	take_findings(found, in, CASE_MANIFEST);
	take_findings(found, in, CASE_INSPECT);
	for (size_t i = 0; i < ARRAY_LEN(level); i++)
		json_put(count, level[i],
		    json_integer(
			(json_int_t)checks_count(found, level[i], false)));
	if (checks_waived(found) != 0)
		json_put(count, "waived",
		    json_integer((json_int_t)checks_waived(found)));
	if (failing(in, found))
		status = "FAILED";
	else if (!complete(inspect) ||
		 !complete(case_doc(in->docs, CASE_MANIFEST)))
		status = "INCONCLUSIVE";
	json_put(ev, "files", json_integer((json_int_t)in->docs->files.n));
	json_put(ev, "refused",
	    json_integer((json_int_t)json_array_size(
		json_at(case_doc(in->docs, CASE_MANIFEST), "refused"))));
	json_put(ev, "findings", count);
	json_decref(found);
	return check("supply-chain", status, ev);
}

static json_t *
flips_json(const struct evidence_flips *f)
{
	json_t *j = json_object();

	if (f->source >= 0)
		json_put(j, "source", json_integer(f->source));
	json_put(j, "n", json_integer(f->n));
	json_put(j, "flips", json_integer(f->flipped));
	json_put(j, "shared", json_integer(f->shared));
	json_put(j, "different", json_integer(f->different));
	json_put(j, "unshared", json_integer(f->unshared));
	return j;
}

static json_t *
class_json(const struct evidence_class *c)
{
	json_t *j = json_object(), *radius = json_object();
	json_t *refs = json_array(), *sources = json_array();

	for (size_t i = 0; i < c->nref; i++)
		json_add(refs, checks_decimal(c->reference[i]));
	json_put(radius, "suspect", checks_decimal(c->radius));
	json_put(radius, "references", refs);
	json_put(j, "class", json_integer((json_int_t)c->target));
	json_put(j, "radius", radius);
	json_put(j, "residual", checks_decimal(c->residual));
	json_put(j, "z", checks_decimal(c->z));
	json_put(j, "p", checks_decimal(c->p));
	json_put(j, "pAdjusted", checks_decimal(c->p_adjusted));
	json_put(j, "flips", flips_json(&c->flips));
	for (size_t i = 0; i < c->nsource; i++)
		json_add(sources, flips_json(&c->by_source[i]));
	json_put(j, "perSource", sources);
	if (c->path != NULL) {
		json_t *t = json_object(), *d = json_object();

		json_put(d, "sha256", json_text(c->sha256));
		json_put(t, "name", json_text(c->path));
		json_put(t, "digest", d);
		json_put(j, "trigger", t);
	}
	return j;
}

static json_t *
targets_json(const struct evidence *v, const char *geometry)
{
	json_t *list = json_array();

	for (size_t i = 0; i < v->ntarget; i++) {
		const struct evidence_target *t = &v->target[i];
		json_t *j;

		if (geometry != NULL && strcmp(t->geometry, geometry) != 0)
			continue;
		j = json_object();
		json_put(j, "class", json_integer((json_int_t)t->target));
		json_put(j, "name", json_text(v->name[t->target]));
		json_put(j, "geometry", json_text(t->geometry));
		json_put(j, "p", checks_decimal(t->p));
		if (t->source >= 0)
			json_put(j, "flips", flips_json(&t->flips));
		json_add(list, j);
	}
	return list;
}

static const char *
scan_status(const struct evidence *v, size_t targets)
{
	if (strcmp(v->verdict, "inconclusive") == 0)
		return "INCONCLUSIVE";
	return targets != 0 ? "FAILED" : "PASSED";
}

static json_t *
geometry_check(const struct evidence *v, const struct evidence_geometry *g)
{
	json_t *ev = json_object(), *rows = json_array();
	json_t *targets = targets_json(v, g->name);
	const char *status = scan_status(v, json_array_size(targets));
	char id[96];

	snprintf(id, sizeof(id), "flip-radius/%.60s", g->name);
	for (size_t i = 0; i < g->n; i++)
		json_add(rows, class_json(&g->row[i]));
	json_put(ev, "unit", json_text(g->unit));
	json_put(ev, "targets", targets);
	json_put(ev, "perClass", rows);
	return check(id, status, ev);
}

/* Evidence of a kind that names no target still fails. */
static json_t *
scan_check(const struct checks_in *in)
{
	static const char *const part[] = {"arm", "options", "images",
	    "preprocess", "accuracy", "p", "seeds", "map", "spread", "minimum",
	    "flip_matrix"};
	static const char *const name[] = {"arm", "options", "images",
	    "preprocess", "accuracy", "p", "seeds", "map", "spread", "minimum",
	    "flipMatrix"};
	const json_t *scan = case_doc(in->docs, CASE_SCAN);
	const struct evidence *v = in->scan;
	bool found = strcmp(v->verdict, "evidence") == 0;
	json_t *ev = json_object();

	json_put(ev, "verdict", json_text(v->verdict));
	json_put(ev, "score", checks_decimal(v->score));
	json_put(ev, "model", checks_exact(case_input(scan, "model")));
	json_put(ev, "targets", targets_json(v, NULL));
	for (size_t i = 0; i < ARRAY_LEN(part); i++)
		if (json_at(scan, part[i]) != NULL)
			json_put(
			    ev, name[i], checks_exact(json_at(scan, part[i])));
	return check("behaviour", scan_status(v, v->ntarget + found), ev);
}

static json_t *
purify_check(const struct checks_in *in)
{
	static const struct {
		enum case_doc doc;
		const char *part, *as;
	} copy[] = {
	    {CASE_PURIFY, "method", "method"},
	    {CASE_PURIFY, "options", "options"},
	    {CASE_PURIFY, "preprocess", "preprocess"},
	    {CASE_PURIFY, "before", "before"},
	    {CASE_PURIFY, "after", "after"},
	    {CASE_PURIFY, "output", "output"},
	    {CASE_PURIFY, "harm", "harm"},
	    {CASE_PURIFY, "reactivation", "reactivation"},
	    {CASE_EVAL_BEFORE, "accuracy", "accuracyBefore"},
	    {CASE_EVAL_BEFORE, "asr", "asrBefore"},
	    {CASE_EVAL_AFTER, "accuracy", "accuracyAfter"},
	    {CASE_EVAL_AFTER, "asr", "asrAfter"},
	    {CASE_EVAL_RECOVERED, "baseline.asr", "recoveredBefore"},
	    {CASE_EVAL_RECOVERED, "asr", "recoveredAfter"},
	    {CASE_RESCAN, "verdict", "rescanVerdict"},
	    {CASE_RESCAN, "score", "rescanScore"},
	    {CASE_RESCAN, "before", "rescanBefore"},
	};
	json_t *ev = json_object();
	const char *status = "INCONCLUSIVE";

	for (size_t i = 0; i < ARRAY_LEN(copy); i++) {
		const json_t *doc = case_doc(in->docs, copy[i].doc);

		if (json_at(doc, copy[i].part) != NULL)
			json_put(ev, copy[i].as,
			    checks_exact(json_at(doc, copy[i].part)));
	}
	if (in->rescan != NULL)
		status = scan_status(in->rescan,
		    in->rescan->ntarget +
			(strcmp(in->rescan->verdict, "evidence") == 0));
	return check("purification", status, ev);
}

json_t *
checks_list(const struct checks_in *in)
{
	json_t *list = json_array(), *policy;

	json_add(list, supply_chain(in));
	if (in->scan != NULL) {
		json_add(list, scan_check(in));
		for (size_t i = 0; i < in->scan->ngeometry; i++)
			json_add(list,
			    geometry_check(in->scan, &in->scan->geometry[i]));
	}
	if (case_doc(in->docs, CASE_PURIFY) != NULL)
		json_add(list, purify_check(in));
	policy = require_check(in->docs, list, in->signatures);
	if (policy != NULL)
		json_add(list, policy);
	return list;
}
