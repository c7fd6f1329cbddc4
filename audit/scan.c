/* SPDX-License-Identifier: MIT
 * assay-scan: is there a class that many images can be pushed into by one
 * small common change, in this model and not in clean ones?
 */
#include "audit/scan_doc.h"
#include "base/ranks.h"
#include "base/tool.h"
#include "engine/start.h"

#include <time.h>

/* steps, images a step, images counted: of classes, of pairs; landing: eps,
 * steps, images; images to optimise on and to count at most */
const struct scan_budget scan_budgets[] = {
    {"quick", {{32, 4, 40, 0, 0}, {32, 3, 16, 0, 0}, {0.05, 5, 200}, 0}, 300,
	300},
    {"standard", {{48, 4, 64, 0, 0}, {48, 3, 20, 0, 0}, {0.05, 7, 300}, 0}, 500,
	600},
    {"thorough", {{80, 32, 400, 0, 0}, {60, 16, 60, 0, 0}, {0.05, 10, 1000}, 0},
	1000, 1200},
};
const size_t scan_nbudget = ARRAY_LEN(scan_budgets);

#define GROW_DEFAULT 3

static struct scan scan = {.opt = {.alpha = 0.005, .seeds = 3}};
static const char *arg_budget = "standard";
static const char *arg_replay, *arg_before;
static json_t *before; /* of --before */
static uint64_t arg_class = UINT64_MAX;
static bool arg_json, arg_list;

static const struct opt table[] = {
    {.name = "data",
	.kind = OPT_STR,
	.dest = &scan.opt.data,
	.arg = "D",
	.help = "clean images with labels"},
    OPT_CLASSES(&scan.opt.classes),
    OPT_PREPROCESS(&scan.opt.preprocess),
    OPT_ARCH(&scan.opt.arch),
    {.name = "reference",
	.letter = 'r',
	.kind = OPT_LIST,
	.dest = &scan.opt.reference,
	.arg = "R",
	.help = "a trusted model of the same classes; may be repeated"},
    {.name = "previous",
	.kind = OPT_STR,
	.dest = &scan.opt.previous,
	.arg = "P",
	.help = "an earlier version of the same model"},
    {.name = "before",
	.kind = OPT_STR,
	.dest = &arg_before,
	.arg = "FILE",
	.help = "scan.json of the model before it was purified"},
    {.name = "grow",
	.kind = OPT_U64,
	.dest = &scan.opt.grow,
	.arg = "N",
	.help = "references to grow where none are given (default 3)",
	.max = SCAN_REFERENCES,
	.min = 1},
    {.name = "grow-in",
	.kind = OPT_STR,
	.dest = &scan.opt.grow_in,
	.arg = "DIR",
	.help = "keep them there (default: DIR/references of -o)"},
    {.name = "no-grow",
	.kind = OPT_FLAG,
	.dest = &scan.opt.no_grow,
	.help = "go without references where none are given"},
    {.name = "no-data",
	.kind = OPT_FLAG,
	.dest = &scan.opt.no_data,
	.help = "no images either: margins only, never conclusive"},
    {.name = "baselines",
	.kind = OPT_FLAG,
	.dest = &scan.opt.baselines,
	.help = "other detectors beside the verdict"},
    {.name = "budget",
	.kind = OPT_STR,
	.dest = &arg_budget,
	.arg = "B",
	.help = "quick, standard (default), thorough"},
    {.name = "alpha",
	.kind = OPT_REAL,
	.dest = &scan.opt.alpha,
	.arg = "A",
	.help = "level of the corrected p-values (default 0.005)",
	.lo = 1e-12,
	.hi = 0.09},
    {.name = "seed",
	.kind = OPT_U64,
	.dest = &scan.opt.seed,
	.arg = "N",
	.help = "seed of the split and the searches (default 0)",
	.max = INT64_MAX - SCAN_SEEDS},
    {.name = "seeds",
	.kind = OPT_U64,
	.dest = &scan.opt.seeds,
	.arg = "N",
	.help = "searches of what leads, with a seed each (default 3)",
	.max = SCAN_SEEDS,
	.min = 1},
    {.name = "cache",
	.kind = OPT_STR,
	.dest = &scan.opt.cache,
	.arg = "DIR",
	.help = "keep what was measured on references there"},
    {.name = "output",
	.letter = 'o',
	.kind = OPT_STR,
	.dest = &scan.opt.out,
	.arg = "DIR",
	.help = "write scan.json and perturbations/ there"},
    {.name = "replay",
	.kind = OPT_STR,
	.dest = &arg_replay,
	.arg = "FILE",
	.help = "measure one class of that scan.json again, and compare"},
    {.name = "class",
	.kind = OPT_U64,
	.dest = &arg_class,
	.arg = "N",
	.help = "which class, with --replay"},
    {.name = "json",
	.kind = OPT_FLAG,
	.dest = &arg_json,
	.help = "print the document instead of a summary"},
    {.name = "list",
	.letter = 'L',
	.kind = OPT_FLAG,
	.dest = &arg_list,
	.help = "list geometries and budgets"},
    OPT_THREADS(&scan.opt.threads),
    {.name = NULL},
};

static const struct opt_tool tool = {
    .name = "assay-scan",
    .summary = "compare a model's flip radii with references",
    .operands = "MODEL --data D [--reference R]... [options]",
    .table = table,
    .max_operands = 1,
};

static int
list_all(void)
{
	printf("geometries:\n");
	for (size_t g = 0; g < geometry_count; g++)
		printf("  %-10s %s (radius: %s)\n", geometry_table[g]->name,
		    geometry_table[g]->summary, geometry_table[g]->unit);
	printf("budgets:\n");
	for (size_t i = 0; i < scan_nbudget; i++)
		printf("  %-10s %zu steps of %zu images, %zu to optimise on, "
		       "%zu to count\n",
		    scan_budgets[i].name, scan_budgets[i].profile.cell.steps,
		    scan_budgets[i].profile.cell.batch, scan_budgets[i].fit,
		    scan_budgets[i].test);
	return tool_end(TOOL_PASSED);
}

static int
output(struct err *e)
{
	json_t *doc = NULL;
	char path[600];
	int rc;

	rc = scan_doc(&scan, scan.opt.out, &doc, e);
	if (rc == 0 && before != NULL) {
		scan_before(doc, before);
		rc = doc_input_path(doc, "before", arg_before, e);
	}
	if (rc == 0 && scan.opt.out != NULL &&
	    (rc = file_join(
		 path, sizeof(path), scan.opt.out, "scan.json", e)) == 0)
		rc = json_write_file(path, doc, e);
	if (rc == 0 && arg_json)
		json_print(doc);
	else if (rc == 0)
		scan_print(&scan, doc);
	json_decref(doc);
	return rc;
}

/* Rank 0 alone writes. */
static int
make_output(struct err *e)
{
	if (scan.opt.out == NULL || !ranks_first())
		return 0;
	return file_mkdir(scan.opt.out, e);
}

static int
replay(int *status, struct err *e)
{
	bool same;
	int rc;

	if ((rc = scan_open(&scan, e)) != 0 || (rc = make_output(e)) != 0 ||
	    (rc = scan_replay(&scan, arg_class, &same, e)) != 0)
		return rc;
	*status = same ? TOOL_PASSED : TOOL_FLAGGED;
	return 0;
}

static int
run(int *status, struct err *e)
{
	static const int of[] = {TOOL_PASSED, TOOL_INCOMPLETE, TOOL_FLAGGED};
	int rc;

	if ((rc = start_engine(scan.opt.threads, e)) != 0 ||
	    (arg_replay != NULL &&
		(rc = scan_replay_open(&scan, arg_replay, e)) != 0) ||
	    (arg_before != NULL &&
		(rc = scan_before_open(arg_before, &before, e)) != 0))
		return rc;
	if (arg_replay != NULL)
		return replay(status, e);
	if ((rc = scan_open(&scan, e)) != 0 || (rc = make_output(e)) != 0 ||
	    (rc = scan_measure(&scan, e)) != 0)
		return rc;
	*status = of[scan.verdict];
	if (!ranks_first())
		return 0;
	scan_close_caches(&scan);
	return output(e);
}

static bool
find_budget(void)
{
	for (size_t i = 0; i < scan_nbudget; i++)
		if (strcmp(scan_budgets[i].name, arg_budget) == 0)
			scan.opt.budget = &scan_budgets[i];
	return scan.opt.budget != NULL;
}

/* What is wrong with the options together, or NULL. */
static const char *
bad_options(bool no_model)
{
	if (arg_list)
		return NULL;
	if (scan.opt.grow != 0 && scan.opt.no_grow)
		return "--grow and --no-grow exclude each other";
	if (scan.opt.grow != 0 &&
	    (scan.opt.reference.n != 0 || scan.opt.previous != NULL))
		return "references are grown where none are given: --grow goes "
		       "with no --reference and no --previous";
	if (scan.opt.data != NULL && scan.opt.no_data)
		return "--data and --no-data exclude each other";
	if (no_model || (scan.opt.data == NULL && !scan.opt.no_data))
		return "a model and --data (or --no-data) are needed";
	if (scan.opt.no_data &&
	    (scan.opt.reference.n != 0 || scan.opt.previous != NULL))
		return "without images nothing is compared with a reference";
	if ((arg_replay == NULL) != (arg_class == UINT64_MAX) ||
	    (arg_replay != NULL && scan.opt.no_data))
		return "--replay and --class go together, and with --data";
	return NULL;
}

int
main(int argc, char **argv)
{
	struct err e = {0};
	int first, rc, status = TOOL_PASSED;
	const char *why;

	start_environment(argv);
	if (ranks_start(&e) != 0)
		return tool_end(tool_fail(&e));
	if ((rc = opt_parse(&tool, argc, argv, &first)) != OPT_GO)
		return rc == OPT_DONE ? tool_end(TOOL_PASSED) : TOOL_USAGE;
	if (!find_budget())
		return opt_usage(&tool, "no budget '%s'; --list has them",
			   arg_budget),
		       TOOL_USAGE;
	if ((why = bad_options(first == argc)) != NULL)
		return opt_usage(&tool, "%s", why), TOOL_USAGE;
	if (arg_list)
		return list_all();
	scan.opt.model = argv[first];
	if (scan.opt.grow == 0)
		scan.opt.grow = GROW_DEFAULT;
	scan.started = (int64_t)time(NULL);
	rc = run(&status, &e);
	rc = rc == 0 ? status : ranks_fail(&e);
	json_decref(before);
	scan_release(&scan);
	return tool_end(rc);
}
