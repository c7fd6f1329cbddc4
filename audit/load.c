/* SPDX-License-Identifier: MIT
 * assay-load: a file in any format into the neutral form, by a child process
 * in the sandbox; the parent moves the result into place.
 */
#include "audit/load_data.h"
#include "base/opt.h"
#include "base/sandbox.h"
#include "base/tool.h"

static const char *data, *classes, *out_path;
static bool require_sandbox;

static const struct opt options[] = {
    {.name = "data",
	.letter = 'd',
	.kind = OPT_STR,
	.dest = &data,
	.arg = "D",
	.help = "a data set: folder, NPZ, NPY, IDX, or images,labels"},
    {.name = "classes",
	.kind = OPT_STR,
	.dest = &classes,
	.arg = "FILE",
	.help = "names of the classes, one a line"},
    {.name = "output",
	.letter = 'o',
	.kind = OPT_STR,
	.dest = &out_path,
	.arg = "NEUTRAL",
	.help = "where to write (standard output)"},
    {.name = "require-sandbox",
	.kind = OPT_FLAG,
	.dest = &require_sandbox,
	.help = "refuse to run without Landlock and seccomp"},
    {.name = NULL},
};

static const struct opt_tool tool = {.name = "assay-load",
    .summary = "turn a data set into neutral data",
    .operands = "--data D [--classes FILE] -o NEUTRAL",
    .table = options,
    .min_operands = 0,
    .max_operands = 0};

static int
work(void *ctx)
{
	struct err e = {0};

	if (load_data(data, classes, require_sandbox, ctx, &e) != 0)
		return tool_fail(&e);
	return TOOL_PASSED;
}

int
main(int argc, char **argv)
{
	struct file_out out;
	struct err e = {0};
	int first, status, rc;

	if ((rc = opt_parse(&tool, argc, argv, &first)) != OPT_GO)
		return rc == OPT_DONE ? tool_end(TOOL_PASSED) : TOOL_USAGE;
	if (data == NULL && opt_usage(&tool, "--data is missing") != 0)
		return TOOL_USAGE;
	if (file_out_open(&out, out_path, &e) != 0)
		return tool_fail(&e);
	if (sandbox_child(work, &out, &status, &e) != 0)
		status = tool_fail(&e);
	if (status != TOOL_PASSED)
		file_out_abort(&out);
	else if (file_out_commit(&out, &e) != 0)
		status = tool_fail(&e);
	return status;
}
