/* SPDX-License-Identifier: MIT
 * The ONNX backend tests against the reader and the engine.
 *
 *	conformance [-v] DATA LIST SKIP	run the tests of a list
 *	conformance -u DATA LIST SKIP	print the list anew
 *
 * DATA is the folder of libonnx-testdata.  A line of the list is a test and
 * in how many ways it runs through kernels, so that neither a test nor a
 * kernel disappears unseen; a line of SKIP is a test and why it is not run.
 */
#include "tests/conformance_run.h"

#include "engine/blas.h"

#include <stdlib.h>
#include <unistd.h>

#define LINE_MAX_ 512

struct suite {
	const char *data;
	bool verbose, update;
	size_t passed, failed, skipped, kernels;
};

/* Lines of a small text file, without the newlines; NULL at the end. */
static bool
next_line(FILE *f, char *line)
{
	while (fgets(line, LINE_MAX_, f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (*line != '\0' && *line != '#')
			return true;
	}
	return false;
}

/* The reason, behind the name and a space, or NULL. */
static const char *
skip_reason(const char *path, const char *name, char *line)
{
	FILE *f = fopen(path, "r");
	size_t n = strlen(name);
	const char *why = NULL;

	if (f == NULL)
		return NULL;
	while (why == NULL && next_line(f, line))
		if (strncmp(line, name, n) == 0 && line[n] == ' ')
			why = line + n + 1;
	fclose(f);
	return why;
}

static int
run_test(const struct suite *s, const char *name, size_t *kernels)
{
	struct conformance_case c;
	struct err e = {0};
	char dir[1024];
	int rc;

	*kernels = 0;
	if ((rc = file_join(dir, sizeof(dir), s->data, name, &e)) == 0 &&
	    (rc = conformance_case_open(&c, dir, &e)) == 0) {
		rc = conformance_run(&c, s->verbose, kernels, &e);
		conformance_case_close(&c);
	}
	if (rc != 0)
		fprintf(stderr, "not ok %s: %s\n", name, e.msg);
	return rc;
}

static void
take_line(struct suite *s, char *line, const char *skip)
{
	char buf[LINE_MAX_], *space = strchr(line, ' ');
	size_t want = 0, got;
	const char *why;

	if (space != NULL) {
		*space = '\0';
		want = strtoul(space + 1, NULL, 10);
	}
	if ((why = skip_reason(skip, line, buf)) != NULL) {
		if (s->verbose)
			printf("skip %s: %s\n", line, why);
		if (s->update)
			printf("%s 0\n", line);
		s->skipped++;
		return;
	}
	if (s->verbose)
		printf("%s\n", line);
	if (run_test(s, line, &got) != 0) {
		s->failed++;
	} else if (!s->update && got != want) {
		fprintf(stderr,
		    "not ok %s: %zu ways through kernels, the list says %zu\n",
		    line, got, want);
		s->failed++;
	} else {
		s->passed++;
	}
	s->kernels += got;
	if (s->update)
		printf("%s %zu\n", line, got);
}

int
main(int argc, char **argv)
{
	struct suite s = {0};
	struct err e = {0};
	char line[LINE_MAX_];
	FILE *list;
	int c;

	while ((c = getopt(argc, argv, "uv")) != -1) {
		s.update = s.update || c == 'u';
		s.verbose = s.verbose || c == 'v';
	}
	if (argc - optind != 3) {
		fprintf(stderr, "usage: conformance [-uv] DATA LIST SKIP\n");
		return 2;
	}
	s.data = argv[optind];
	if ((list = fopen(argv[optind + 1], "r")) == NULL ||
	    blas_init(&e) != 0) {
		fprintf(stderr, "%s: %s\n", argv[optind + 1],
		    list == NULL ? "cannot be read" : e.msg);
		return 2;
	}
	while (next_line(list, line))
		take_line(&s, line, argv[optind + 2]);
	fclose(list);
	if (s.update)
		return s.failed != 0;
	printf("conformance: %zu passed, %zu failed, %zu skipped; %zu ways "
	       "through kernels\n",
	    s.passed, s.failed, s.skipped, s.kernels);
	return s.failed != 0 || s.passed == 0;
}
