/* SPDX-License-Identifier: MIT
 * assay-save: the weights of a neutral model into the file that it came from.
 * The parent opens files and renames the output; a child without privileges
 * does all the parsing.
 */
#include "base/child.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/opt.h"
#include "base/sandbox.h"
#include "base/tool.h"
#include "formats/format.h"
#include "formats/neutral.h"
#include "formats/patch.h"

#define CPU_SECONDS 600
#define HEAD_ROOM   ((uint64_t)2 << 30)

static const char *output;
static bool require_sandbox;

static const struct opt table[] = {
    {.name = "output",
	.letter = 'o',
	.kind = OPT_STR,
	.dest = &output,
	.arg = "FILE",
	.help = "write the model here (default: -, stdout)"},
    {.name = "require-sandbox",
	.kind = OPT_FLAG,
	.dest = &require_sandbox,
	.help = "fail where the kernel has no Landlock or seccomp"},
    {.name = NULL},
};
static const struct opt_tool tool = {
    .name = "assay-save",
    .summary = "put a neutral model's weights into the original file",
    .operands = "ORIGINAL NEUTRAL [-o OUT] [options]",
    .table = table,
    .min_operands = 2,
    .max_operands = 2,
};

struct job {
	const char *path[2]; /* original, neutral */
	struct file_map in[2];
	struct file_out out;
};

static int
enter(uint64_t size, struct err *e)
{
	/* original, its parsed form, the copy that is patched and doubled */
	struct sandbox_spec spec = {.files = SANDBOX_NO_FILES,
	    .memory = 6 * size + 2 * LIMIT_MODEL_ARENA + HEAD_ROOM,
	    .output = 2 * LIMIT_MODEL_FILE,
	    .seconds = CPU_SECONDS,
	    .required = require_sandbox};
	struct sandbox_state st;
	int rc = sandbox_enter(&spec, &st, e);

	if (rc == 0 && (st.landlock == 0 || !st.seccomp))
		tool_warn("this kernel has no %s: going on without it",
		    st.landlock == 0 ? "Landlock" : "seccomp");
	return rc;
}

/* What was written is read once more, as any user of it will. */
static int
verify(const struct format *f, const struct buf *b, const struct model *m,
    struct err *e)
{
	struct rd r = rd_mem(b->ptr, b->len);
	struct model again;
	int rc;

	if ((rc = f->load(&r, &again, e)) != 0)
		return rc;
	rc = patch_check(&again, m, e);
	model_release(&again);
	return rc;
}

static int
patch(struct job *job, const struct model *m, struct buf *b, struct err *e)
{
	struct rd r = rd_mem(job->in[0].ptr, job->in[0].len);
	const struct format *f;
	int rc;

	if (format_bids(r, &f, 1) == 0)
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "not a model file of a known format");
	if (f->load == NULL || f->patch == NULL)
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "weights in a %s file cannot be changed", f->name);
	if ((rc = f->patch(r, m, b, e)) != 0)
		return rc;
	return verify(f, b, m, e);
}

/* In the child. */
static int
convert(void *arg)
{
	struct job *job = arg;
	struct rd r = rd_mem(job->in[1].ptr, job->in[1].len);
	struct model m;
	struct buf b = {0};
	struct err e = {0};
	int rc;

	if ((rc = enter(job->in[0].len + job->in[1].len, &e)) != 0)
		return tool_fail(&e);
	if (!neutral_probe(r)) {
		err_set(
		    &e, ERR_UNSUPPORTED, ERR_NOWHERE, "not a neutral model");
		err_in(&e, job->path[1]);
		return tool_fail(&e);
	}
	if ((rc = neutral_parse(&r, &m, &e)) != 0) {
		err_in(&e, job->path[1]);
		return tool_fail(&e);
	}
	if ((rc = patch(job, &m, &b, &e)) != 0)
		err_in(&e, job->path[0]);
	else
		rc = file_out_write(&job->out, b.ptr, b.len, &e);
	model_release(&m);
	buf_free(&b);
	return rc == 0 ? TOOL_PASSED : tool_fail(&e);
}

int
main(int argc, char **argv)
{
	struct job job = {0};
	struct err e = {0};
	int first, status, rc = opt_parse(&tool, argc, argv, &first);

	if (rc != OPT_GO)
		return rc == OPT_DONE ? tool_end(TOOL_PASSED) : TOOL_USAGE;
	for (int i = 0; i < 2; i++) {
		job.path[i] = argv[first + i];
		if (file_map(job.path[i], LIMIT_MODEL_FILE, &job.in[i], &e) !=
		    0)
			return tool_fail(&e);
	}
	if (file_out_open(&job.out, output, &e) != 0)
		return tool_fail(&e);
	if (child_run(convert, &job, &status, &e) != 0) {
		file_out_abort(&job.out);
		return tool_fail(&e);
	}
	if (status != TOOL_PASSED)
		file_out_abort(&job.out);
	else if (file_out_commit(&job.out, &e) != 0)
		status = tool_fail(&e);
	return tool_end(status);
}
