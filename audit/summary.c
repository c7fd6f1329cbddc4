/* SPDX-License-Identifier: MIT */
#include "audit/summary.h"

#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/text.h"

static json_t *
document(const struct summary *s, const char *name)
{
	char path[600];
	struct err e;
	json_t *j = NULL;

	if (file_join(path, sizeof(path), s->dir, name, &e) != 0 ||
	    !file_exists(path) ||
	    json_read_file(path, LIMIT_DOCUMENT, &j, &e) != 0)
		return NULL;
	return j;
}

/* Names come from the bundle; of a case that is resumed nothing has looked at
 * the words yet. */
static const char *
inert(const char *s, char *out, size_t size)
{
	s = s != NULL ? s : "?";
	text_escape(s, strlen(s), out, size);
	return out;
}

static void
print_text(const char *what, const char *s)
{
	char safe[2400];

	printf("%-15s %s\n", what, inert(s, safe, sizeof(safe)));
}

static void
print_rate(const char *what, const json_t *before, const json_t *after,
    const char *path)
{
	const json_t *b = json_at(before, path), *f = json_at(after, path);

	if (!json_is_number(b))
		return;
	printf("%-15s %.4f", what, json_number_value(b));
	if (json_is_number(f))
		printf(" -> %.4f after purification", json_number_value(f));
	printf("\n");
}

/* --- what the report says ------------------------------------------------ */

#define FINDINGS_NAMED 3
#define LEVELS         5

static const char *const level[LEVELS] = {
    "critical", "high", "medium", "low", "note"};

static size_t
level_of(const json_t *finding)
{
	size_t i = 0;

	while (i + 1 < LEVELS &&
	       strcmp(level[i], json_text_at(finding, "severity")) != 0)
		i++;
	return i;
}

/* Of the files: how many of each severity, and the worst.  Targets of the scan
 * have lines of their own. */
static void
print_findings(const json_t *list)
{
	size_t n[LEVELS] = {0}, total = 0, named = 0, i;
	const json_t *one;

	json_array_foreach((json_t *)(uintptr_t)list, i, one)
	{
		if (json_at(one, "waived") != NULL ||
		    strcmp(json_text_at(one, "source"), "assay-scan") == 0)
			continue;
		n[level_of(one)]++;
		total++;
	}
	printf("findings        %s", total == 0 ? "none in the files" : "");
	for (i = 0; i < LEVELS; i++) {
		if (n[i] == 0)
			continue;
		printf("%zu %s", n[i], level[i]);
		total -= n[i];
		printf("%s", total != 0 ? ", " : "");
	}
	printf("\n");
	json_array_foreach((json_t *)(uintptr_t)list, i, one)
	{
		char line[2400];

		if (json_at(one, "waived") != NULL || level_of(one) > 2 ||
		    strcmp(json_text_at(one, "source"), "assay-scan") == 0 ||
		    named++ >= FINDINGS_NAMED)
			continue;
		snprintf(line, sizeof(line), "%s %s: %.600s (%.600s)",
		    json_text_at(one, "severity"), json_text_at(one, "id"),
		    json_text_at(one, "path"), json_text_at(one, "detail"));
		print_text("", line);
	}
}

/* The verdict on the bundle, of which the scan of one model is a part. */
static void
print_statement(const struct summary *s)
{
	json_t *doc = document(s, "report/statement.json");
	const json_t *p = json_at(doc, "predicate"), *list, *one;
	char line[2400];
	size_t i;

	print_text("verdict", json_text_at(p, "verdict"));
	print_findings(json_at(p, "findings"));
	list = json_at(p, "scope.notTested");
	json_array_foreach((json_t *)(uintptr_t)list, i, one)
	{
		snprintf(line, sizeof(line), "%.1200s (%.600s)",
		    json_text_at(one, "check"), json_text_at(one, "reason"));
		print_text("not tested", line);
	}
	json_decref(doc);
}

/* What the purification measured itself, on images it did not train on. */
static void
print_held_out(const struct summary *s)
{
	json_t *doc = document(s, "purify.json");

	if (json_is_number(json_at(doc, "after.accuracy")))
		printf("held-out        %.4f -> %.4f accuracy (n = "
		       "%" JSON_INTEGER_FORMAT "); --eval-data measures more\n",
		    json_number_value(json_at(doc, "before.accuracy")),
		    json_number_value(json_at(doc, "after.accuracy")),
		    json_integer_value(json_at(doc, "after.n")));
	json_decref(doc);
}

static void
print_targets(const json_t *scan)
{
	const json_t *list = json_at(scan, "targets"), *t;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)list, i, t)
	{
		char name[256], by[64], number[32];

		inert(
		    json_string_value(json_at(t, "name")), name, sizeof(name));
		inert(
		    json_string_value(json_at(t, "geometry")), by, sizeof(by));
		snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT,
		    json_integer_value(json_at(t, "class")));
		printf("target          class %s", number);
		if (strcmp(name, number) != 0)
			printf(" (%s)", name);
		printf(
		    ", %s, p = %.2g\n", by, json_number_value(json_at(t, "p")));
	}
}

/* What became of the targets. */
static void
print_before(const json_t *before)
{
	size_t n = json_array_size(json_at(before, "targets"));

	if (before == NULL)
		return;
	printf("targets         %" JSON_INTEGER_FORMAT
	       " of %zu left after purification, %" JSON_INTEGER_FORMAT
	       " new\n",
	    json_integer_value(json_at(before, "left")), n,
	    json_integer_value(json_at(before, "new")));
}

void
summary_print(const struct summary *s)
{
	json_t *scan = document(s, "scan.json"),
	       *again = document(s, "rescan/scan.json");
	json_t *before = document(s, "eval-before.json");
	json_t *after = document(s, "eval-after.json");
	const char *verdict = json_string_value(json_at(scan, "verdict"));
	const char *second = json_string_value(json_at(again, "verdict"));
	char page[600], room[64];
	struct err e;

	printf("\n");
	if (s->reported)
		print_statement(s);
	print_text("model", s->model[0] != '\0' ? s->model : "-");
	printf("scan            %s",
	    verdict != NULL ? inert(verdict, room, sizeof(room)) : "not done");
	if (json_is_number(json_at(scan, "score")))
		printf(
		    " (score %.2f)", json_number_value(json_at(scan, "score")));
	printf("\n");
	print_targets(scan);
	if (second != NULL)
		printf("purified scan   %s (score %.2f)\n",
		    inert(second, room, sizeof(room)),
		    json_number_value(json_at(again, "score")));
	print_before(json_at(again, "before"));
	print_rate("accuracy", before, after, "accuracy.rate");
	print_rate("attack success", before, after, "asr.rate");
	if (after == NULL)
		print_held_out(s);
	if (second != NULL)
		print_text("purified model", s->purified);
	if (s->reported && file_join(page, sizeof(page), s->dir,
			       "report/report.html", &e) == 0)
		print_text("report", page);
	else
		printf("report          not made\n");
	if (!s->reported)
		printf("verify          nothing\n");
	json_decref(scan);
	json_decref(again);
	json_decref(before);
	json_decref(after);
}
