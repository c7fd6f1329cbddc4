/* SPDX-License-Identifier: MIT
 * assay: the front end.  `assay audit BUNDLE ...` runs the pipeline, `assay
 * TOOL ...` becomes assay-TOOL.
 */
#include "audit/audit.h"
#include "audit/policy_verb.h"
#include "base/spawn.h"
#include "base/tool.h"

#include <errno.h>
#include <unistd.h>

static const struct {
	const char *name, *summary;
} verbs[] = {
    {"audit", "run the whole pipeline on a bundle and sign the report"},
    {"unpack", "unpack a bundle into a case, safely"},
    {"inspect", "identify every file and check it statically"},
    {"load", "any model or data set to its neutral form"},
    {"save", "neutral weights back into the original file"},
    {"scan", "compare a model's flip radii with references"},
    {"grow", "train clean references of a model's architecture"},
    {"purify", "remove a backdoor"},
    {"eval", "accuracy and attack success of a model"},
    {"report", "one signed report from a case"},
    {"verify", "check a report"},
    {"policy", "check a policy, and say what it does"},
    {"plant", "train a model with a known backdoor"},
};

static void
usage(FILE *to)
{
	fprintf(to, "assay: audit third-party image classifiers\n"
		    "usage: assay VERB [arguments]; assay VERB --help says "
		    "more\n\n");
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		fprintf(to, "  %-10s %s\n", verbs[i].name, verbs[i].summary);
	fprintf(to, "\nThe tour: man 7 assay\n");
}

static int
become(char **argv)
{
	char name[64], path[600];
	struct err e;

	snprintf(name, sizeof(name), "assay-%s", argv[0]);
	if (spawn_path(name, path, sizeof(path), &e) != 0)
		return tool_fail(&e);
	argv[0] = name;
	execv(path, argv);
	err_sys(&e, "cannot run");
	err_in(&e, path);
	return tool_fail(&e);
}

static int
run_verb(int argc, char **argv)
{
	if (strcmp(argv[0], "audit") == 0)
		return audit_main(argc, argv);
	if (strcmp(argv[0], "policy") == 0)
		return policy_verb(argc, argv);
	for (size_t i = 1; i < ARRAY_LEN(verbs); i++)
		if (strcmp(argv[0], verbs[i].name) == 0)
			return become(argv);
	tool_warn("no verb '%s'; assay --help lists them", argv[0]);
	return TOOL_USAGE;
}

/* assay help VERB is assay VERB --help. */
static int
help(int argc, char **argv)
{
	static char option[] = "--help";
	char *as[] = {NULL, option, NULL};

	if (argc == 0) {
		usage(stdout);
		return tool_end(TOOL_PASSED);
	}
	as[0] = argv[0];
	return run_verb(2, as);
}

int
main(int argc, char **argv)
{
	if (argc < 2) {
		usage(stderr);
		return TOOL_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		usage(stdout);
		return tool_end(TOOL_PASSED);
	}
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
		printf("assay %s\n", tool_version);
		return tool_end(TOOL_PASSED);
	}
	if (strcmp(argv[1], "help") == 0)
		return help(argc - 2, argv + 2);
	return run_verb(argc - 1, argv + 1);
}
