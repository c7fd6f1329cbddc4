/* SPDX-License-Identifier: MIT */
#include "report/scope.h"

#include "base/file.h"
#include "base/limits.h"

static void
not_tested(json_t *list, const char *check, const char *reason)
{
	json_t *one = json_object();

	json_put(one, "check", json_text(check));
	json_put(one, "reason", json_text(reason));
	json_add(list, one);
}

static void
step(json_t *tested, json_t *missing, const json_t *doc, const char *name,
    const char *file)
{
	char reason[128];

	if (doc == NULL) {
		snprintf(reason, sizeof(reason), "%s is not in the case", file);
		not_tested(missing, name, reason);
		return;
	}
	json_add(tested, json_text(name));
	if (!json_is_true(json_at(doc, "complete"))) {
		snprintf(reason, sizeof(reason),
		    "%s says that it stopped before the end", file);
		not_tested(missing, name, reason);
	}
}

/* What stood in for trusted references, NULL: nothing did.  Where there was
 * nothing at all the scan says so itself. */
static const char *
untrusted(const json_t *scan)
{
	const json_t *arm = json_at(scan, "arm");
	const char *name = json_is_string(arm) ? json_string_value(arm) : "";

	if (strcmp(name, "home-grown") == 0)
		return "the scan was given none and grew its own";
	if (strcmp(name, "previous") == 0)
		return "an earlier version of the model stood in for one";
	return NULL;
}

/* Models that are named one by one; beyond that they are counted. */
#define MODELS_NAMED 20

/* Whether the scan read these bytes: the model, or a file of a model of several. */
static bool
scanned(const json_t *model, const char *hex)
{
	const json_t *one;
	size_t i;

	if (strcmp(json_text_at(model, "sha256"), hex) == 0)
		return true;
	json_array_foreach(json_at(model, "files"), i, one)
	{
		if (strcmp(json_text_at(one, "sha256"), hex) == 0)
			return true;
	}
	return false;
}

/* The digest of the file beside `one` that holds the same weights, "" for none. */
static const char *
twin_of(const json_t *list, const json_t *one)
{
	const char *twin = json_string_value(json_at(one, "same_weights"));
	const char *path = json_text_at(one, "path");
	size_t n = (size_t)(file_base(path) - path), i;
	const json_t *other;

	if (twin == NULL)
		return "";
	json_array_foreach(list, i, other)
	{
		const char *at = json_text_at(other, "path");

		if (strncmp(at, path, n) == 0 && strcmp(at + n, twin) == 0)
			return json_text_at(other, "sha256");
	}
	return "";
}

/* Whoever loads the bundle may load another of its models than was scanned. */
static void
other_models(const struct checks_in *in, json_t *missing)
{
	const json_t *list = json_at(case_doc(in->docs, CASE_INSPECT), "files");
	const json_t *model =
	    case_input(case_doc(in->docs, CASE_SCAN), "model");
	const json_t *one;
	size_t i, n = 0;
	char text[LIMIT_MEMBER_NAME + 40];

	if (model == NULL)
		return;
	json_array_foreach(list, i, one)
	{
		if (!json_is_true(json_at(one, "model")) ||
		    scanned(model, json_text_at(one, "sha256")) ||
		    scanned(model, twin_of(list, one)) || n++ >= MODELS_NAMED)
			continue;
		snprintf(text, sizeof(text), "behaviour of %.*s",
		    LIMIT_MEMBER_NAME, json_text_at(one, "path"));
		not_tested(
		    missing, text, "another model of the bundle was scanned");
	}
	if (n <= MODELS_NAMED)
		return;
	snprintf(text, sizeof(text), "behaviour of %zu models more",
	    n - MODELS_NAMED);
	not_tested(missing, text, "another model of the bundle was scanned");
}

json_t *
scope_json(const struct checks_in *in)
{
	json_t *out = json_object(), *tested = json_array();
	json_t *missing = json_array(), *spots, *one;
	const json_t *scan = case_doc(in->docs, CASE_SCAN);
	size_t i;

	step(tested, missing, case_doc(in->docs, CASE_MANIFEST), "unpacking",
	    "manifest.json");
	step(tested, missing, case_doc(in->docs, CASE_INSPECT),
	    "static supply-chain inspection", "inspect.json");
	if (scan == NULL)
		not_tested(
		    missing, "behaviour", "scan.json is not in the case");
	other_models(in, missing);
	for (i = 0; in->scan != NULL && i < in->scan->ngeometry; i++) {
		char text[200];

		snprintf(text, sizeof(text), "flip radii, %.40s (%.100s)",
		    in->scan->geometry[i].name, in->scan->geometry[i].unit);
		json_add(tested, json_text(text));
	}
	if (in->scan != NULL && in->scan->matrix != NULL)
		json_add(tested, json_text("untargeted class flips"));
	if (json_array_size(json_at(scan, "probes")) != 0)
		json_add(tested,
		    json_text("a dictionary of simple triggers (stamps, "
			      "gratings)"));
	if (json_array_size(json_at(scan, "pairs")) != 0)
		json_add(tested,
		    json_text("patch radii of pairs of source and target "
			      "class"));
	if (scan != NULL && untrusted(scan) != NULL)
		not_tested(missing, "comparison with a trusted reference",
		    untrusted(scan));
	if (case_doc(in->docs, CASE_PURIFY) != NULL && in->rescan == NULL)
		not_tested(missing, "behaviour of the purified model",
		    "rescan/scan.json is not in the case");
	json_array_foreach(json_at(scan, "not_tested"), i,
	    one) if (json_is_string(one)) not_tested(missing,
	    json_string_value(one), "the scan did not test for it");
	spots = json_at(scan, "blind_spots") != NULL
		    ? checks_exact(json_at(scan, "blind_spots"))
		    : json_array();
	json_put(out, "tested", tested);
	json_put(out, "notTested", missing);
	json_put(out, "blindSpots", spots);
	return out;
}
