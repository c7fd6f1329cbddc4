/* SPDX-License-Identifier: MIT
 * assay-load: any model file to a neutral model, any data set to neutral data.
 * The parent opens files and renames the output; a child without privileges
 * does all the parsing.
 */
#include "audit/load_data.h"
#include "audit/operand.h"
#include "base/child.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/opt.h"
#include "base/sandbox.h"
#include "base/text.h"
#include "base/tool.h"
#include "formats/neutral.h"
#include "formats/pixel.h"

#define CPU_SECONDS 600
#define HEAD_ROOM   ((uint64_t)2 << 30)

static const char *output, *mean_text, *std_text, *data, *classes, *arch;
static bool require_sandbox;
static struct fit_shape shape;

static const struct opt table[] = {
    {.name = "data",
	.letter = 'd',
	.kind = OPT_STR,
	.dest = &data,
	.arg = "D",
	.help = "instead of a model: folder, NPZ, NPY, IDX, images,labels"},
    {.name = "classes",
	.kind = OPT_STR,
	.dest = &classes,
	.arg = "FILE",
	.help = "names of the classes of --data, one a line"},
    {.name = "size",
	.kind = OPT_U64,
	.dest = &shape.side,
	.arg = "N",
	.help = "pad the images of --data with zeros to N x N",
	.max = 8192},
    {.name = "channels",
	.kind = OPT_U64,
	.dest = &shape.channels,
	.arg = "C",
	.help = "repeat the grey images of --data as C channels",
	.max = 64},
    {.name = "output",
	.letter = 'o',
	.kind = OPT_STR,
	.dest = &output,
	.arg = "FILE",
	.help = "write the neutral model here (default: -, stdout)"},
    {.name = "arch",
	.kind = OPT_STR,
	.dest = &arch,
	.arg = "A",
	.help = "architecture of a file that holds nothing but weights"},
    {.name = "mean",
	.kind = OPT_STR,
	.dest = &mean_text,
	.arg = "M,...",
	.help = "the model wants (pixel - M) / S: prepend that"},
    {.name = "std",
	.kind = OPT_STR,
	.dest = &std_text,
	.arg = "S,...",
	.help = "see --mean; one value, or one per channel"},
    {.name = "require-sandbox",
	.kind = OPT_FLAG,
	.dest = &require_sandbox,
	.help = "fail where the kernel has no Landlock or seccomp"},
    {.name = NULL},
};
static const struct opt_tool tool = {
    .name = "assay-load",
    .summary = "turn a model or a data set into its neutral form",
    .operands = "{MODEL | --data D} [-o NEUTRAL] [options]",
    .table = table,
    .min_operands = 0,
    .max_operands = 1,
};

struct pixels {
	double mean[LIMIT_IMAGE_CHANNELS], std[LIMIT_IMAGE_CHANNELS];
	size_t nmean, nstd; /* 0: not given */
};

struct job {
	struct operand in;
	struct file_out out;
	struct pixels pixels;
};

/* "0.485,0.456,0.406" */
static int
parse_list(const char *name, const char *text, double *out, size_t *n)
{
	char one[64];

	for (*n = 0; text != NULL; ++*n) {
		const char *comma = strchr(text, ',');
		size_t len =
		    comma != NULL ? (size_t)(comma - text) : strlen(text);

		if (*n == LIMIT_IMAGE_CHANNELS || len >= sizeof(one))
			return opt_usage(&tool, "--%s is too long", name);
		memcpy(one, text, len);
		one[len] = '\0';
		if (!text_parse_double(one, -1e6, 1e6, &out[*n]))
			return opt_usage(
			    &tool, "--%s wants numbers, not '%s'", name, one);
		text = comma != NULL ? comma + 1 : NULL;
	}
	return OPT_GO;
}

static int
enter(const struct job *job, struct err *e)
{
	struct sandbox_spec spec = {.files = SANDBOX_READ_TREE,
	    .dir = job->in.dir,
	    .memory = 3 * LIMIT_MODEL_FILE + LIMIT_MODEL_ARENA + HEAD_ROOM,
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

/* What the files around it say, where the model itself says nothing. */
static int
take_hints(const struct source *s, struct model *m, struct err *e)
{
	const struct hints *h = &s->hints;

	if (m->label == NULL && h->nlabel != 0) {
		if (m->classes != 0 && m->classes != h->nlabel)
			return err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "%zu names of classes for %" PRIu64 " logits",
			    h->nlabel, m->classes);
		m->classes = h->nlabel;
		m->label = h->label;
	}
	if (*m->preprocess.from == '\0')
		m->preprocess = h->preprocess;
	return 0;
}

/* Means and deviations of the user, else what the files say. */
static int
prepend(struct model *m, const struct pixels *p, struct err *e)
{
	const struct preprocess *pre = &m->preprocess;
	bool given = p->nmean != 0 || p->nstd != 0;
	size_t nmean = given ? p->nmean : pre->nmean;
	size_t nstd = given ? p->nstd : pre->nstd;
	const double *mean = given ? p->mean : pre->mean;
	const double *std = given ? p->std : pre->std;

	return pixel_prepend(m, nmean != 0 ? mean : NULL, nmean,
	    nstd != 0 ? std : NULL, nstd, e);
}

/* In the child. */
static int
convert(void *arg)
{
	struct job *job = arg;
	const struct format *f;
	struct source s;
	struct model m;
	struct err e = {0};
	int rc;

	if ((rc = enter(job, &e)) != 0 ||
	    (rc = operand_source(&job->in, arch, &s, &f, &e)) != 0)
		return tool_fail(&e);
	if ((rc = f->load(&s, &m, &e)) == 0) {
		if ((rc = take_hints(&s, &m, &e)) == 0 &&
		    (rc = prepend(&m, &job->pixels, &e)) == 0 &&
		    (rc = operand_files(&job->in, &s, &m, &e)) == 0)
			rc = neutral_write(&job->out, &m, &e);
		model_release(&m);
	}
	source_release(&s);
	if (rc == 0)
		return TOOL_PASSED;
	err_in(&e, job->in.path);
	return tool_fail(&e);
}

/* In the child. */
static int
convert_data(void *out)
{
	struct err e = {0};

	if (load_data(data, classes, &shape, require_sandbox, out, &e) != 0)
		return tool_fail(&e);
	return TOOL_PASSED;
}

/* Run `fn` in a child and put what it wrote into place. */
static int
produce(int (*fn)(void *), void *arg, struct file_out *out, const char *path)
{
	struct err e = {0};
	int status;

	if (child_run(fn, arg, &status, &e) != 0) {
		err_in(&e, path);
		status = tool_fail(&e);
	}
	if (status != TOOL_PASSED)
		file_out_abort(out);
	else if (file_out_commit(out, &e) != 0)
		status = tool_fail(&e);
	return status;
}

static int
load_model(const char *path, const struct pixels *p)
{
	struct job job = {.pixels = *p};
	struct err e = {0};
	int status;

	if (operand_open(&job.in, path, &e) != 0 ||
	    file_out_open(&job.out, output, &e) != 0)
		return tool_fail(&e);
	status = produce(convert, &job, &job.out, path);
	operand_close(&job.in);
	return status;
}

static int
load_images(void)
{
	struct file_out out;
	struct err e = {0};

	if (file_out_open(&out, output, &e) != 0)
		return tool_fail(&e);
	return produce(convert_data, &out, &out, data);
}

int
main(int argc, char **argv)
{
	struct pixels p;
	int first, rc = opt_parse(&tool, argc, argv, &first);

	if (rc == OPT_GO)
		rc = parse_list("mean", mean_text, p.mean, &p.nmean);
	if (rc == OPT_GO)
		rc = parse_list("std", std_text, p.std, &p.nstd);
	if (rc != OPT_GO)
		return rc == OPT_DONE ? tool_end(TOOL_PASSED) : TOOL_USAGE;
	if (data != NULL && first < argc)
		return opt_usage(&tool, "either a model or --data"), TOOL_USAGE;
	if (data == NULL && first == argc)
		return opt_usage(&tool, "an operand is missing"), TOOL_USAGE;
	return tool_end(
	    data != NULL ? load_images() : load_model(argv[first], &p));
}
