/* SPDX-License-Identifier: MIT
 * References where none were given: assay-grow trains them from the suspect's
 * graph and the user's images, in a process of its own.
 */
#include "audit/scan_arms.h"

#include "base/file.h"
#include "base/ranks.h"
#include "base/spawn.h"
#include "base/tool.h"

#include <unistd.h>

static int
run_grow(const struct scan *s, const char *dir, struct err *e)
{
	char count[24], seed[24], threads[24];
	const char *argv[20] = {"assay-grow", s->opt.model, "--data",
	    s->opt.data, "--count", count, "--seed", seed, "--threads", threads,
	    "-o", dir};
	size_t n = 12;
	int status, rc;

	snprintf(count, sizeof(count), "%" PRIu64, s->opt.grow);
	snprintf(seed, sizeof(seed), "%" PRIu64, s->opt.seed);
	snprintf(threads, sizeof(threads), "%" PRIu64, s->opt.threads);
	if (s->opt.classes != NULL) {
		argv[n++] = "--classes";
		argv[n++] = s->opt.classes;
	}
	if (s->opt.preprocess != NULL) {
		argv[n++] = "--preprocess";
		argv[n++] = s->opt.preprocess;
	}
	if (s->opt.arch != NULL) {
		argv[n++] = "--arch";
		argv[n++] = s->opt.arch;
	}
	if (tool_quiet)
		argv[n++] = "--quiet";
	/* its table is not ours to print */
	rc = spawn_tool(argv, SPAWN_DROP, &status, e);
	if (rc == 0 && status != TOOL_PASSED)
		/* assay-grow has said why, on stderr */
		rc = err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "no references could be grown (assay-grow, status %d); "
		    "give some with --reference, or go without: --no-grow",
		    status);
	return rc;
}

/* Where they go: --grow-in, beneath the output, or a folder for this run. */
static int
place(struct scan *s, struct err *e)
{
	size_t size = sizeof(s->grown);

	if (s->opt.grow_in != NULL) {
		if (strlen(s->opt.grow_in) >= size)
			return err_set(
			    e, ERR_LIMIT, ERR_NOWHERE, "path too long");
		memcpy(s->grown, s->opt.grow_in, strlen(s->opt.grow_in) + 1);
		return 0;
	}
	if (s->opt.out != NULL) {
		int rc = file_mkdir(s->opt.out, e);

		return rc != 0 ? rc
			       : file_join(s->grown, size, s->opt.out,
				     "references", e);
	}
	s->grown_here = true;
	return file_temp_dir(s->grown, size, e);
}

int
scan_grow(struct scan *s, struct err *e)
{
	int rc;

	if (ranks_first() &&
	    ((rc = place(s, e)) != 0 || (rc = run_grow(s, s->grown, e)) != 0))
		return rc;
	for (uint64_t i = 0; i < s->opt.grow; i++) {
		char name[64], path[700];

		snprintf(name, sizeof(name),
		    "reference-%" PRIu64 ".safetensors", i + 1);
		rc = file_join(path, sizeof(path), s->grown, name, e);
		if (rc != 0)
			return rc;
		s->opt.reference.item[s->opt.reference.n++] =
		    arena_printf(&s->arena, "%s", path);
	}
	return 0;
}

void
scan_grow_end(struct scan *s)
{
	struct err e;

	if (s->grown_here && s->grown[0] != '\0' &&
	    file_remove_tree(s->grown, &e) != 0)
		tool_warn("%s: cannot be removed", s->grown);
}
