/* SPDX-License-Identifier: MIT
 * assay-grow: references for assay-scan where there are none: a model's
 * architecture, trained from scratch on the images of whoever audits it.
 */
#include "audit/grow.h"
#include "base/opt.h"
#include "base/progress.h"
#include "base/ranks.h"
#include "base/stat.h"
#include "base/tool.h"
#include "engine/start.h"

#include <time.h>

static struct grow grow = {.opt = {.count = 3, .augment = "shift,cutout"}};
static bool arg_json;
static uint64_t arg_threads;

static const struct opt table[] = {
    {.name = "data",
	.kind = OPT_STR,
	.dest = &grow.opt.data,
	.arg = "D",
	.help = "clean images with labels"},
    OPT_CLASSES(&grow.opt.classes),
    OPT_PREPROCESS(&grow.opt.preprocess),
    OPT_ARCH(&grow.opt.arch),
    {.name = "count",
	.letter = 'n',
	.kind = OPT_U64,
	.dest = &grow.opt.count,
	.arg = "N",
	.help = "references to grow (default 3)",
	.max = GROW_MAX,
	.min = 1},
    {.name = "output",
	.letter = 'o',
	.kind = OPT_STR,
	.dest = &grow.opt.out,
	.arg = "DIR",
	.help = "where reference-N.safetensors and grow.json go"},
    {.name = "seed",
	.kind = OPT_U64,
	.dest = &grow.opt.seed,
	.arg = "N",
	.help = "seed of weights, order and changes (default 0)",
	.max = INT64_MAX},
    {.name = "epochs",
	.kind = OPT_U64,
	.dest = &grow.opt.epochs,
	.arg = "N",
	.help = "passes over the images (default: by their number)",
	.max = 100000},
    {.name = "batch",
	.kind = OPT_U64,
	.dest = &grow.opt.batch,
	.arg = "N",
	.help = "images a step (default: by their number)",
	.max = 65536},
    {.name = "lr",
	.kind = OPT_REAL,
	.dest = &grow.opt.rate,
	.arg = "X",
	.help = "peak learning rate (default 0.1, with layer norm 0.001)",
	.lo = 1e-9,
	.hi = 100},
    {.name = "augment",
	.kind = OPT_STR,
	.dest = &grow.opt.augment,
	.arg = "LIST",
	.help = "shift, flip, cutout, mixup; or none (default shift,cutout)"},
    {.name = "json",
	.kind = OPT_FLAG,
	.dest = &arg_json,
	.help = "print the document instead of a table"},
    OPT_THREADS(&arg_threads),
    {.name = NULL},
};

static const struct opt_tool tool = {
    .name = "assay-grow",
    .summary = "train clean references of a model's architecture",
    .operands = "MODEL --data D -o DIR [--count N] [options]",
    .table = table,
    .min_operands = 1,
    .max_operands = 1,
};

static int
write_doc(struct err *e)
{
	char path[600];
	json_t *doc;
	int rc;

	if (!ranks_first())
		return 0;
	rc = file_join(path, sizeof(path), grow.opt.out, "grow.json", e);
	if (rc != 0)
		return rc;
	doc = grow_doc(&grow);
	rc = json_write_file(path, doc, e);
	json_decref(doc);
	return rc;
}

/* The document is written after each, so that a run can be taken up again. */
static int
grow_all(struct err *e)
{
	double start = progress_clock();
	int rc = 0;

	for (size_t i = 0; i < grow.opt.count && rc == 0; i++) {
		if (grow.ref[i].ready)
			continue;
		if ((rc = grow_train(&grow, i, e)) != 0)
			return rc;
		grow.seconds = progress_clock() - start;
		rc = write_doc(e);
	}
	/* the model may be another one of the same architecture */
	return rc == 0 ? write_doc(e) : rc;
}

static void
print_table(void)
{
	printf("%-26s %-8s %s\n", "", "held-out", "95 % interval");
	for (size_t i = 0; i < grow.opt.count; i++) {
		const struct grow_reference *r = &grow.ref[i];
		struct stat_interval v =
		    stat_wilson(r->held.hit, r->held.n, 0.95);

		printf("%-26s %.4f   [%.4f, %.4f]  %" PRIu64 " of %" PRIu64
		       "%s\n",
		    r->ready ? r->file : "(none)",
		    (double)r->held.hit / (double)MAX(r->held.n, 1), v.lo, v.hi,
		    r->held.hit, r->held.n, r->reused ? "  as it was" : "");
	}
}

static void
output(void)
{
	json_t *doc;

	if (!arg_json) {
		print_table();
		return;
	}
	doc = grow_doc(&grow);
	json_print(doc);
	json_decref(doc);
}

static int
run(struct err *e)
{
	size_t bad = 0;
	bool made;
	int rc;

	if ((rc = start_engine(arg_threads, e)) != 0 ||
	    (rc = grow_open(&grow, e)) != 0)
		return rc;
	for (size_t i = 0; i < grow.opt.count; i++)
		snprintf(grow.ref[i].file, sizeof(grow.ref[i].file),
		    "reference-%zu.safetensors", i + 1);
	made = ranks_first() && !file_exists(grow.opt.out);
	if (ranks_first() && ((rc = grow_resume(&grow, e)) != 0 ||
				 (rc = file_mkdir(grow.opt.out, e)) != 0))
		return rc;
	ranks_broadcast(grow.ref, sizeof(grow.ref));
	if ((rc = grow_all(e)) != 0) {
		if (made)
			remove(grow.opt.out); /* unless something is in it */
		return rc;
	}
	output();
	for (size_t i = 0; i < grow.opt.count; i++)
		bad += !grow.ref[i].ready;
	if (bad == 0)
		return 0;
	return err_set(e, ERR_FORMAT, ERR_NOWHERE,
	    "%zu of %" PRIu64
	    " references learnt hardly anything: their held-out "
	    "accuracy is not clearly above chance (%.3f)",
	    bad, grow.opt.count, grow.chance);
}

int
main(int argc, char **argv)
{
	struct err e = {0};
	int first, rc;

	start_environment(argv);
	if (ranks_start(&e) != 0)
		return tool_end(tool_fail(&e));
	if ((rc = opt_parse(&tool, argc, argv, &first)) != OPT_GO)
		return rc == OPT_DONE ? tool_end(TOOL_PASSED) : TOOL_USAGE;
	if (grow.opt.data == NULL || grow.opt.out == NULL)
		return opt_usage(&tool, "--data and -o are needed"), TOOL_USAGE;
	grow.opt.model = argv[first];
	grow.started = (int64_t)time(NULL);
	rc = run(&e);
	rc = rc == 0 ? TOOL_PASSED : ranks_fail(&e);
	grow_release(&grow);
	return tool_end(rc);
}
