/* SPDX-License-Identifier: MIT */
#include "report/compare.h"

#include "report/checks.h"

#include "base/doc.h"
#include "base/text.h"

#include <math.h>

/* --- findings ------------------------------------------------------------ */

/* What makes two findings one: the rule, the place, the target.  Offsets and
 * wording move with the file and the version. */
static void
key_of(const json_t *f, struct buf *out)
{
	static const char *const part[] = {
	    "id", "path", "member", "tensor", "geometry"};

	out->len = 0;
	for (size_t i = 0; i < ARRAY_LEN(part); i++)
		buf_printf(out, "%s\n", json_text_at(f, part[i]));
	buf_printf(out, "%" JSON_INTEGER_FORMAT,
	    json_integer_value(json_at(f, "target")));
	if (json_at(f, "sourceClass") != NULL)
		buf_printf(out, " %" JSON_INTEGER_FORMAT,
		    json_integer_value(json_at(f, "sourceClass")));
}

/* Findings by key; those alike are numbered, the worst first, as they come. */
static json_t *
by_key(const json_t *list)
{
	json_t *out = json_object(), *seen = json_object(), *one;
	struct buf key = {0};
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)list, i, one)
	{
		json_int_t nth;

		key_of(one, &key);
		nth = json_integer_value(json_object_get(seen, buf_str(&key))) +
		      1;
		json_put(seen, buf_str(&key), json_integer(nth));
		buf_printf(&key, "\n%" JSON_INTEGER_FORMAT, nth);
		json_put(out, buf_str(&key), json_incref(one));
	}
	buf_free(&key);
	json_decref(seen);
	return out;
}

static json_t *
pair(const json_t *before, const json_t *after)
{
	json_t *j = json_object();

	json_put(j, "old", json_deep_copy(before));
	json_put(j, "new", json_deep_copy(after));
	return j;
}

static bool
differs(const json_t *a, const json_t *b)
{
	return strcmp(json_text_at(a, "severity"),
		   json_text_at(b, "severity")) != 0 ||
	       (json_at(a, "waived") == NULL) != (json_at(b, "waived") == NULL);
}

static json_t *
compare_findings(const json_t *before, const json_t *after)
{
	json_t *was = by_key(before), *is = by_key(after), *one;
	json_t *fresh = json_array(), *fixed = json_array();
	json_t *changed = json_array(), *j = json_object();
	const char *key;

	json_object_foreach(is, key, one)
	{
		const json_t *old = json_object_get(was, key);

		if (old == NULL)
			json_add(fresh, json_incref(one));
		else if (differs(old, one))
			json_add(changed, pair(old, one));
	}
	json_object_foreach(was, key, one)
	{
		if (json_object_get(is, key) == NULL)
			json_add(fixed, json_incref(one));
	}
	json_put(j, "new", fresh);
	json_put(j, "fixed", fixed);
	json_put(j, "changed", changed);
	json_decref(was);
	json_decref(is);
	return j;
}

/* --- radii --------------------------------------------------------------- */

static double
radius(const json_t *class)
{
	double r = 0;

	/* one that was never reached is no number */
	if (!text_parse_double(
		json_text_at(class, "radius.suspect"), 0, 1e300, &r) ||
	    r <= 0)
		return NAN;
	return r;
}

static void
compare_class(
    json_t *out, const char *check, const json_t *was, const json_t *is)
{
	double moved = log(radius(is) / radius(was));
	json_t *j;
	char text[32];

	if (isnan(moved) || fabs(moved) < COMPARE_RADIUS)
		return;
	j = json_object();
	snprintf(text, sizeof(text), "%.3g", moved);
	json_put(j, "check", json_text(check));
	json_put(j, "class", json_deep_copy(json_at(is, "class")));
	json_put(j, "old", json_text(json_text_at(was, "radius.suspect")));
	json_put(j, "new", json_text(json_text_at(is, "radius.suspect")));
	json_put(j, "log", json_text(text));
	json_add(out, j);
}

static json_t *
compare_radii(const json_t *before, const json_t *after)
{
	const json_t *list = json_at(after, "predicate.checks"), *one, *class;
	const json_t *earlier = json_at(before, "predicate.checks");
	json_t *out = json_array();
	size_t i, k;

	json_array_foreach((json_t *)(uintptr_t)list, i, one)
	{
		const char *id = json_text_at(one, "id");
		const json_t *was =
		    json_at(checks_find(earlier, id), "evidence.perClass");
		const json_t *is = json_at(one, "evidence.perClass");

		/* classes stand in order; of other classes nothing is said */
		if (json_array_size(was) != json_array_size(is))
			continue;
		json_array_foreach((json_t *)(uintptr_t)is, k, class)
		    compare_class(out, id, json_array_get(was, k), class);
	}
	return out;
}

/* --- the whole ----------------------------------------------------------- */

json_t *
compare_statements(const json_t *before, const json_t *after)
{
	static const char *const dirhash = "subject.0.digest.dirHash1";
	json_t *j = doc_new("assay-diff/1");
	json_t *verdict = json_object(), *subject = json_object();

	json_put(verdict, "old",
	    json_text(json_text_at(before, "predicate.verdict")));
	json_put(verdict, "new",
	    json_text(json_text_at(after, "predicate.verdict")));
	json_put(
	    subject, "old", json_text(json_text_at(before, "subject.0.name")));
	json_put(
	    subject, "new", json_text(json_text_at(after, "subject.0.name")));
	json_put(subject, "same",
	    json_boolean(strcmp(json_text_at(before, dirhash),
			     json_text_at(after, dirhash)) == 0));
	json_put(j, "verdict", verdict);
	json_put(j, "subject", subject);
	json_put(j, "findings",
	    compare_findings(json_at(before, "predicate.findings"),
		json_at(after, "predicate.findings")));
	json_put(j, "radii", compare_radii(before, after));
	return j;
}

static bool
grave(const json_t *f)
{
	return json_at(f, "waived") == NULL &&
	       checks_severity(f) >= SEVERITY_HIGH;
}

bool
compare_worse(const json_t *diff)
{
	static const char *const order[] = {"PASSED", "INCONCLUSIVE", "FAILED"};
	const json_t *list = json_at(diff, "findings.new"), *one;
	size_t was = 0, is = 0, i;

	for (size_t k = 0; k < ARRAY_LEN(order); k++) {
		if (strcmp(json_text_at(diff, "verdict.old"), order[k]) == 0)
			was = k;
		if (strcmp(json_text_at(diff, "verdict.new"), order[k]) == 0)
			is = k;
	}
	json_array_foreach((json_t *)(uintptr_t)list, i, one)
	{
		if (grave(one))
			return true;
	}
	list = json_at(diff, "findings.changed");
	json_array_foreach((json_t *)(uintptr_t)list, i, one)
	{
		if (grave(json_at(one, "new")) && !grave(json_at(one, "old")))
			return true;
	}
	return is > was;
}

/* --- for people ---------------------------------------------------------- */

static void
put(const char *s)
{
	char line[2048];

	text_escape(s, strlen(s), line, sizeof(line));
	fputs(line, stdout);
}

static void
print_finding(const char *sign, const json_t *f)
{
	printf("  %s %-8s ", sign, finding_severity_name(checks_severity(f)));
	put(json_text_at(f, "id"));
	fputs("  ", stdout);
	put(json_text_at(f, "path"));
	if (json_at(f, "member") != NULL) {
		fputs(": ", stdout);
		put(json_text_at(f, "member"));
	}
	fputs(" (", stdout);
	put(json_text_at(f, "detail"));
	fputs(")\n", stdout);
}

static void
print_findings(const json_t *diff)
{
	static const struct {
		const char *path, *sign;
	} part[] = {{"findings.new", "+"}, {"findings.fixed", "-"}};
	const json_t *list, *one;
	size_t i;

	for (size_t k = 0; k < ARRAY_LEN(part); k++) {
		list = json_at(diff, part[k].path);
		json_array_foreach((json_t *)(uintptr_t)list, i, one)
		    print_finding(part[k].sign, one);
	}
	list = json_at(diff, "findings.changed");
	json_array_foreach((json_t *)(uintptr_t)list, i, one)
	{
		print_finding("<", json_at(one, "old"));
		print_finding(">", json_at(one, "new"));
	}
}

void
compare_print(const json_t *diff)
{
	const json_t *list = json_at(diff, "radii"), *one;
	size_t i;

	fputs("verdict   ", stdout);
	put(json_text_at(diff, "verdict.old"));
	fputs(" -> ", stdout);
	put(json_text_at(diff, "verdict.new"));
	fputs("\nsubject   ", stdout);
	put(json_text_at(diff, "subject.old"));
	fputs(" -> ", stdout);
	put(json_text_at(diff, "subject.new"));
	puts(json_is_true(json_at(diff, "subject.same")) ? ", the same files"
							 : ", other files");
	printf("findings  %zu new, %zu fixed, %zu changed\n",
	    json_array_size(json_at(diff, "findings.new")),
	    json_array_size(json_at(diff, "findings.fixed")),
	    json_array_size(json_at(diff, "findings.changed")));
	print_findings(diff);
	printf("radii     %zu moved\n", json_array_size(list));
	json_array_foreach((json_t *)(uintptr_t)list, i, one)
	{
		fputs("  ", stdout);
		put(json_text_at(one, "check"));
		printf(" class %" JSON_INTEGER_FORMAT "  ",
		    json_integer_value(json_at(one, "class")));
		put(json_text_at(one, "old"));
		fputs(" -> ", stdout);
		put(json_text_at(one, "new"));
		putchar('\n');
	}
}
