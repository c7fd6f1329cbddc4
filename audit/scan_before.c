/* SPDX-License-Identifier: MIT
 * After a purification: what became of the targets of the scan before it.
 */
#include "audit/scan_doc.h"

#include "base/limits.h"
#include "base/ranks_doc.h"

/* The entry of a list whose member is this text. */
static const json_t *
named(const json_t *list, const char *name)
{
	const json_t *one;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)list, i,
	    one) if (strcmp(json_text_at(one, "name"), name) == 0) return one;
	return NULL;
}

static bool
same_question(const json_t *a, const json_t *b)
{
	const json_t *from[2] = {json_at(a, "source"), json_at(b, "source")};

	return json_equal(json_at(a, "class"), json_at(b, "class")) &&
	       (from[0] == NULL) == (from[1] == NULL) &&
	       (from[0] == NULL || json_equal(from[0], from[1]));
}

static const json_t *
same_in(const json_t *list, const json_t *target)
{
	const json_t *one;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)list, i,
	    one) if (same_question(one, target)) return one;
	return NULL;
}

/* The target's row of a geometry or a probe: what was measured. */
static const json_t *
row(const json_t *doc, const json_t *target, const char *name)
{
	const json_t *family = named(json_at(doc, "geometries"), name);

	if (json_at(target, "source") != NULL)
		return same_in(json_at(doc, "pairs"), target);
	if (family == NULL)
		family = named(json_at(doc, "probes"), name);
	if (family == NULL && strcmp(name, "landing") == 0)
		family = json_at(doc, "landing");
	return same_in(json_at(family, "per_class"), target);
}

static json_t *
both(const json_t *then, const json_t *now, const char *path)
{
	const json_t *v[2] = {json_at(then, path), json_at(now, path)};
	json_t *j = json_object();

	json_put(j, "before",
	    json_is_number(v[0]) ? json_deep_copy(v[0]) : json_null());
	json_put(j, "now",
	    json_is_number(v[1]) ? json_deep_copy(v[1]) : json_null());
	return j;
}

static json_t *
target_json(const json_t *doc, const json_t *before, const json_t *target)
{
	static const char *const copied[] = {
	    "class", "source", "name", "geometry", "statistic", "p"};
	const char *geometry = json_text_at(target, "geometry");
	const char *statistic = json_text_at(target, "statistic");
	/* joint statistics have no rows: the geometry's is shown */
	const char *of =
	    row(before, target, statistic) != NULL ? statistic : geometry;
	const json_t *now = same_in(json_at(doc, "targets"), target);
	json_t *j = json_object();

	for (size_t i = 0; i < ARRAY_LEN(copied); i++)
		if (json_at(target, copied[i]) != NULL)
			json_put(j, copied[i],
			    json_deep_copy(json_at(target, copied[i])));
	json_put(j, "left", json_boolean(now != NULL));
	json_put(j, "p_now",
	    now != NULL ? json_deep_copy(json_at(now, "p")) : json_null());
	json_put(j, "radius",
	    both(row(before, target, geometry), row(doc, target, geometry),
		"radius.suspect"));
	json_put(
	    j, "z", both(row(before, target, of), row(doc, target, of), "z"));
	return j;
}

/* Targets of the document that were none before. */
static size_t
fresh(const json_t *doc, const json_t *before)
{
	const json_t *list = json_at(doc, "targets"), *one;
	size_t i, n = 0;

	json_array_foreach((json_t *)(uintptr_t)list, i, one) n +=
	    same_in(json_at(before, "targets"), one) == NULL;
	return n;
}

void
scan_before(json_t *doc, const json_t *before)
{
	const json_t *list = json_at(before, "targets"), *one;
	json_t *j = json_object(), *targets = json_array();
	size_t i, left = 0;

	json_array_foreach((json_t *)(uintptr_t)list, i, one)
	{
		json_add(targets, target_json(doc, before, one));
		left += same_in(json_at(doc, "targets"), one) != NULL;
	}
	json_put(j, "targets", targets);
	json_put(j, "left", json_integer((json_int_t)left));
	json_put(j, "gone",
	    json_integer((json_int_t)(json_array_size(list) - left)));
	json_put(j, "new", json_integer((json_int_t)fresh(doc, before)));
	json_put(doc, "before", j);
}

int
scan_before_open(const char *path, json_t **out, struct err *e)
{
	const json_t *list, *one;
	int64_t class;
	const char *name;
	size_t i;
	int rc;

	if ((rc = ranks_doc_read(path, "assay-scan/1", out, e)) != 0)
		return rc;
	rc = json_get_array(*out, "targets", &list, e);
	json_array_foreach((json_t *)(uintptr_t)list, i, one)
	{
		if (rc == 0 && (rc = json_get_int(one, "class", 0,
				    LIMIT_CLASSES - 1, &class, e)) == 0)
			rc = json_get_str(one, "geometry", &name, e);
	}
	return rc == 0 ? 0 : err_in(e, path);
}
