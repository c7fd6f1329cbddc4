/* SPDX-License-Identifier: MIT */
#include "audit/inspect_show.h"

#include "audit/show.h"
#include "base/arena.h"
#include "base/finding.h"
#include "base/map.h"
#include "base/text.h"

/* With more files than that, those without findings are only counted. */
#define FEW 20
/* Findings of one id in one file that are shown one by one. */
#define ALIKE 5

/* Below a note, for sorting. */
#define WAIVED (-1)

struct item {
	const json_t *finding;
	const char *path, *id;
	int rank; /* severity, or WAIVED */
	size_t nth;
};

struct group {
	const char *path;
	size_t first, n; /* items */
	int worst;
};

struct view {
	const json_t *files, *findings;
	bool all; /* few files, or verbose */
	bool verbose;
	struct arena arena;
	struct map file_at; /* path to place in files */
	struct item *item;
	struct group *group;
	size_t nitem, ngroup;
};

static int
rank_of(const json_t *f)
{
	enum finding_severity s;

	if (json_object_get(f, "waived") != NULL)
		return WAIVED;
	if (!finding_severity_parse(json_text_at(f, "severity"), &s))
		return SEVERITY_CRITICAL;
	return (int)s;
}

/* --- order --------------------------------------------------------------- */

static int
by_path(const void *pa, const void *pb)
{
	const struct item *a = pa, *b = pb;
	int order = strcmp(a->path, b->path);

	if (order != 0)
		return order;
	if (a->rank != b->rank)
		return a->rank > b->rank ? -1 : 1;
	if ((order = strcmp(a->id, b->id)) != 0)
		return order;
	return a->nth < b->nth ? -1 : 1;
}

static int
by_worst(const void *pa, const void *pb)
{
	const struct group *a = pa, *b = pb;

	if (a->worst != b->worst)
		return a->worst > b->worst ? -1 : 1;
	return strcmp(a->path, b->path);
}

static void
collect(struct view *v)
{
	size_t n = json_array_size(v->findings), i;
	json_t *f;

	v->item = arena_alloc(&v->arena, n + 1, sizeof(*v->item));
	v->group = arena_alloc(&v->arena, n + 1, sizeof(*v->group));
	if (v->item == NULL || v->group == NULL)
		BUG("out of memory");
	json_array_foreach(v->findings, i, f) v->item[i] = (struct item){
	    f, json_text_at(f, "path"), json_text_at(f, "id"), rank_of(f), i};
	v->nitem = n;
	qsort(v->item, n, sizeof(*v->item), by_path);
	for (i = 0; i < n; i++) {
		struct group *g = &v->group[v->ngroup];

		if (i == 0 ||
		    strcmp(v->item[i].path, v->item[i - 1].path) != 0) {
			v->ngroup++;
			*g = (struct group){
			    v->item[i].path, i, 1, v->item[i].rank};
		} else {
			g[-1].n++;
		}
	}
	qsort(v->group, v->ngroup, sizeof(*v->group), by_worst);
}

/* --- lines --------------------------------------------------------------- */

/* A file that could not be read is not among the files. */
static void
show_file(const struct view *v, const char *path)
{
	size_t i = map_get(&v->file_at, path);
	const json_t *f = i != SIZE_MAX ? json_array_get(v->files, i) : NULL;

	if (f != NULL)
		printf("%-12s %12" JSON_INTEGER_FORMAT "  ",
		    json_text_at(f, "format"),
		    json_integer_value(json_object_get(f, "size")));
	else
		printf("%-12s %12s  ", "unreadable", "-");
	show_text(path);
	putchar('\n');
}

static void
show_more(const struct view *v, const char *id, size_t run)
{
	if (run > ALIKE && !v->verbose)
		printf(
		    "    %8s  %s: %zu more like this\n", "", id, run - ALIKE);
}

static void
show_group(const struct view *v, const struct group *g)
{
	const struct item *it = v->item + g->first;
	size_t i, run = 0;

	show_file(v, g->path);
	for (i = 0; i < g->n; i++) {
		bool same = i != 0 && it[i].rank == it[i - 1].rank &&
			    strcmp(it[i].id, it[i - 1].id) == 0;

		if (!same && i != 0)
			show_more(v, it[i - 1].id, run);
		run = same ? run + 1 : 1;
		if (run <= ALIKE || v->verbose)
			show_finding(it[i].finding, false, "    ", v->verbose);
	}
	show_more(v, it[g->n - 1].id, run);
}

/* What is waived is shown like what is worse than a note. */
static bool
notes_only(const struct view *v, const struct group *g)
{
	return g->worst == SEVERITY_NOTE &&
	       v->item[g->first + g->n - 1].rank == SEVERITY_NOTE;
}

/* Notes on many files: a line for each id. */
static void
show_notes(const struct view *v)
{
	size_t files[FINDING_COUNT] = {0};

	for (size_t i = 0; i < v->ngroup; i++) {
		const struct group *g = &v->group[i];
		const struct item *it = v->item + g->first;

		for (size_t k = 0; notes_only(v, g) && k < g->n; k++) {
			enum finding_id id = finding_find(it[k].id);

			if (id != FINDING_COUNT &&
			    (k == 0 || strcmp(it[k].id, it[k - 1].id) != 0))
				files[id]++;
		}
	}
	for (size_t id = 0; id < FINDING_COUNT; id++)
		if (files[id] != 0)
			printf("%-8s  %s  %s (%zu files)\n", "note",
			    finding_table[id].name, finding_table[id].summary,
			    files[id]);
}

static void
show_groups(const struct view *v)
{
	for (size_t i = 0; i < v->ngroup; i++)
		if (v->all || !notes_only(v, &v->group[i]))
			show_group(v, &v->group[i]);
	if (!v->all)
		show_notes(v);
}

/* The files that nothing was found in; how many. */
static size_t
show_rest(struct view *v)
{
	struct map found;
	size_t n = 0, i;
	json_t *f;

	map_init(&found, &v->arena);
	for (i = 0; i < v->ngroup; i++)
		if (map_put(&found, v->group[i].path, i) < 0)
			BUG("out of memory");
	json_array_foreach(v->files, i, f)
	{
		if (map_get(&found, json_text_at(f, "path")) != SIZE_MAX)
			continue;
		n++;
		if (v->all)
			show_file(v, json_text_at(f, "path"));
	}
	return n;
}

static void
show_counts(const struct view *v, size_t clean, bool complete)
{
	size_t count[SEVERITY_CRITICAL + 1] = {0}, waived = 0;
	size_t n = json_array_size(v->files);
	const char *sep = ": ";

	for (size_t i = 0; i < v->nitem; i++) {
		if (v->item[i].rank == WAIVED)
			waived++;
		else
			count[v->item[i].rank]++;
	}
	printf("%zu file%s, %zu finding%s", n, text_plural(n), v->nitem,
	    text_plural(v->nitem));
	for (size_t s = SEVERITY_CRITICAL + 1; s-- > 0;) {
		if (count[s] == 0)
			continue;
		printf("%s%zu %s", sep, count[s],
		    finding_severity_name((enum finding_severity)s));
		sep = ", ";
	}
	if (waived != 0)
		printf("%s%zu waived", sep, waived);
	if (!v->all && clean != 0)
		printf("; nothing in %zu file%s (-v lists them)", clean,
		    text_plural(clean));
	printf("%s\n", complete ? "" : "; INCOMPLETE");
}

void
inspect_show(const json_t *doc, bool verbose)
{
	struct view v = {.files = json_object_get(doc, "files"),
	    .findings = json_object_get(doc, "findings"),
	    .verbose = verbose};
	size_t i, clean;
	json_t *f;

	arena_init(&v.arena, SIZE_MAX);
	map_init(&v.file_at, &v.arena);
	json_array_foreach(v.files, i,
	    f) if (map_put(&v.file_at, json_text_at(f, "path"), i) < 0)
	    BUG("out of memory");
	v.all = verbose || json_array_size(v.files) <= FEW;
	collect(&v);
	show_groups(&v);
	clean = show_rest(&v);
	show_counts(&v, clean, json_is_true(json_object_get(doc, "complete")));
	arena_release(&v.arena);
}

/* --- one finding --------------------------------------------------------- */

void
inspect_show_list(void)
{
	puts("findings:");
	for (size_t i = 0; i < FINDING_COUNT; i++)
		printf("  %-24s %-9s %s\n", finding_table[i].name,
		    finding_severity_name(finding_table[i].severity),
		    finding_table[i].summary);
}

/* Words of our own, at most 76 columns; "\n\n" parts paragraphs. */
static void
wrap(const char *s)
{
	size_t column = 0;

	while (*s != '\0') {
		size_t n = strcspn(s, " \n");

		if (column != 0 && column + 1 + n > 76) {
			putchar('\n');
			column = 0;
		} else if (column != 0 && n != 0) {
			putchar(' ');
			column++;
		}
		fwrite(s, 1, n, stdout);
		column += n;
		s += n;
		if (*s == '\n' && s[1] == '\n') {
			fputs("\n\n", stdout);
			column = 0;
			s++;
		}
		s += *s != '\0';
	}
	if (column != 0)
		putchar('\n');
}

static void
show_taxa(const struct rules *r, const json_t *rule)
{
	const json_t *taxa = json_object_get(rule, "taxa");
	json_t *one;
	size_t i;

	if (json_array_size(taxa) == 0)
		return;
	printf(
	    "\ntaxonomies, as of %s:\n", json_text_at(r->taxonomy.doc, "date"));
	json_array_foreach(taxa, i, one)
	{
		const char *id = json_string_value(one);
		const json_t *t = taxonomy_id(&r->taxonomy, id);
		const json_t *ed =
		    taxonomy_edition(&r->taxonomy, json_text_at(t, "of"));

		printf("  %-14s %s (%s %s)", id, json_text_at(t, "name"),
		    json_text_at(ed, "name"), json_text_at(ed, "version"));
		if (*json_text_at(t, "supersededBy") != '\0')
			printf(", now %s", json_text_at(t, "supersededBy"));
		putchar('\n');
	}
}

bool
inspect_show_rule(const struct rules *r, const char *id)
{
	json_t *rule = rules_one(r, id);

	if (rule == NULL)
		return false;
	printf("%s: %s\nseverity %s, confidence %s\n\n", id,
	    json_text_at(rule, "summary"), json_text_at(rule, "severity"),
	    json_text_at(rule, "confidence"));
	if (*json_text_at(rule, "explanation") != '\0') {
		wrap(json_text_at(rule, "explanation"));
		putchar('\n');
	}
	printf("fix: %s\n", json_text_at(rule, "fix"));
	show_taxa(r, rule);
	json_decref(rule);
	return true;
}
