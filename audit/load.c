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
#include "formats/preprocess_text.h"

#include <unistd.h>

#define CPU_SECONDS 600
#define HEAD_ROOM   ((uint64_t)2 << 30)

static const char *output, *mean_text, *std_text, *data, *classes, *arch;
static const char *preprocess, *takes;
static bool require_sandbox;
static struct fit_shape shape;

static const struct opt table[] = {
    {.name = "data",
	.letter = 'd',
	.kind = OPT_STR,
	.dest = &data,
	.arg = "D",
	.help = "instead of a model: a data set, man 5 assay-data"},
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
    {.name = "takes",
	.kind = OPT_STR,
	.dest = &takes,
	.arg = "HxWxC",
	.help = "refuse --data that is not this in the end; 0: anything"},
    OPT_PREPROCESS(&preprocess),
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
	.help = "as --preprocess mean=M:..."},
    {.name = "std",
	.kind = OPT_STR,
	.dest = &std_text,
	.arg = "S,...",
	.help = "as --preprocess std=S:..."},
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

struct job {
	struct operand in;
	struct file_out out;
	const struct preprocess_wish *wish;
};

static int
enter(const struct job *job, struct err *e)
{
	struct sandbox_spec spec = {.files = SANDBOX_READ_TREE,
	    .dir = job->in.dir,
	    .memory = 3 * LIMIT_MODEL_FILE + LIMIT_MODEL_ARENA + HEAD_ROOM,
	    .output = 2 * LIMIT_MODEL_FILE,
	    .seconds = CPU_SECONDS,
	    .required = require_sandbox};
	struct sandbox_state state;

	return sandbox_enter(&spec, &state, e);
}

/* A configuration of one class names the one output, and not the class that it
 * speaks against: no name for the first of two would be anybody's. */
static int
name_second(const struct hints *h, struct model *m, struct err *e)
{
	m->note = arena_printf(
	    &m->arena, "%s, which is called '%.80s'", m->note, h->label[0]);
	return m->note != NULL
		   ? 0
		   : err_set(e, ERR_LIMIT, ERR_NOWHERE, "model too large");
}

/* What the files around it say, where the model itself says nothing. */
static int
take_hints(const struct source *s, struct model *m, struct err *e)
{
	const struct hints *h = &s->hints;

	if (m->second && m->label == NULL && h->nlabel == 1) {
		if (name_second(h, m, e) != 0)
			return ERR_LIMIT;
	} else if (m->label == NULL && h->nlabel != 0) {
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

static bool
same_pixels(const struct preprocess *a, const struct preprocess *b)
{
	return a->bgr == b->bgr && a->nmean == b->nmean && a->nstd == b->nstd &&
	       memcmp(a->mean, b->mean, a->nmean * sizeof(*a->mean)) == 0 &&
	       memcmp(a->std, b->std, a->nstd * sizeof(*a->std)) == 0;
}

static void
keep_pixels(struct preprocess *p, const struct preprocess *old)
{
	memcpy(p->mean, old->mean, sizeof(p->mean));
	memcpy(p->std, old->std, sizeof(p->std));
	p->nmean = old->nmean;
	p->nstd = old->nstd;
	p->bgr = old->bgr;
}

/*
 * What the user says goes before what the files say; what concerns pixels
 * becomes part of the graph, once.
 */
static int
prepare(struct model *m, const struct preprocess_wish *w, struct err *e)
{
	struct preprocess *p = &m->preprocess, old = *p;
	int rc;

	if ((rc = preprocess_text_apply(w, p, e)) != 0)
		return rc;
	if (old.inside && !same_pixels(&old, p)) {
		tool_warn("mean, std and order of colours are in the graph "
			  "already and stay as they are there");
		keep_pixels(p, &old);
	}
	if (w->given && *p->from == '\0')
		p->from = PREPROCESS_USER;
	else if (w->given && strstr(p->from, PREPROCESS_USER) == NULL)
		p->from = arena_printf(
		    &m->arena, "%.200s, " PREPROCESS_USER, p->from);
	if (p->inside)
		return 0;
	p->inside = p->bgr || p->nmean != 0 || p->nstd != 0;
	return pixel_prepare(m, p, e);
}

/* That the file can be read and not written back (assay-save). */
static void
say_fixed(const struct format *f, const char *path, struct model *m)
{
	if (f->patch == NULL)
		m->fixed = arena_printf(&m->arena,
		    "weights in a %s file cannot be changed", f->name);
	if (m->fixed != NULL)
		tool_note("%s: cannot be written back: %s", path, m->fixed);
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
		    (rc = prepare(&m, job->wish, &e)) == 0 &&
		    (rc = operand_files(&job->in, &s, &m, &e)) == 0) {
			say_fixed(f, job->in.path, &m);
			rc = neutral_write(&job->out, &m, &e);
		}
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
load_model(const char *path, const struct preprocess_wish *w)
{
	struct job job = {.wish = w};
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

/* "224x224x3" */
static bool
parse_takes(const char *text)
{
	uint64_t *const to[] = {&shape.h, &shape.w, &shape.channels};
	char one[16];

	for (size_t i = 0; i < ARRAY_LEN(to); i++) {
		size_t len = strcspn(text, "x");
		uint64_t most =
		    i == 2 ? LIMIT_IMAGE_CHANNELS : LIMIT_IMAGE_SIDE;

		if (len >= sizeof(one) || (text[len] == '\0') != (i == 2))
			return false;
		memcpy(one, text, len);
		one[len] = '\0';
		if (!text_parse_u64(one, most, to[i]))
			return false;
		text += len + 1;
	}
	return true;
}

int
main(int argc, char **argv)
{
	struct preprocess_wish wish;
	struct err e = {0};
	int first, rc = opt_parse(&tool, argc, argv, &first);

	if (rc != OPT_GO)
		return rc == OPT_DONE ? tool_end(TOOL_PASSED) : TOOL_USAGE;
	if (data != NULL && first < argc)
		return opt_usage(&tool, "either a model or --data"), TOOL_USAGE;
	if (data == NULL && first == argc)
		return opt_usage(&tool, "an operand is missing"), TOOL_USAGE;
	/* mebibytes of weights are not for a terminal, nor what names in them
	 * would do to it */
	if (output == NULL && isatty(STDOUT_FILENO))
		return opt_usage(&tool, "standard output is a terminal: name a "
					"file with -o, or a pipe"),
		       TOOL_USAGE;
	if (takes != NULL && !parse_takes(takes))
		return opt_usage(&tool, "--takes wants HxWxC"), TOOL_USAGE;
	if (preprocess_text_open(&wish, preprocess, mean_text, std_text, &e) !=
		0 ||
	    preprocess_text_apply(&wish, &shape.pre, &e) != 0)
		return tool_end(tool_fail(&e));
	return tool_end(
	    data != NULL ? load_images() : load_model(argv[first], &wish));
}
