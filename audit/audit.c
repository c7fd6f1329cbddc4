/* SPDX-License-Identifier: MIT
 * Steps read and write the documents of the case; with --resume a step whose
 * document is there already is not run again.
 */
#include "audit/audit.h"

#include "audit/choose.h"
#include "audit/command.h"
#include "audit/early.h"
#include "audit/given.h"
#include "audit/recovered.h"
#include "audit/signing.h"
#include "audit/summary.h"
#include "base/doc.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/opt.h"
#include "base/spawn.h"
#include "base/tool.h"

#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 600

static struct signing sign;
static const char *arg_data, *arg_classes, *arg_out, *arg_model;
static const char *arg_budget = "standard", *arg_trigger, *arg_seed = "0";
static const char *arg_method = "guided", *arg_rounds, *arg_lr, *arg_batch;
static const char *arg_eval_data, *arg_previous;
static const char *arg_preprocess, *arg_arch, *arg_policy;
static struct opt_list arg_reference;
static bool arg_resume, arg_no_purify, arg_no_grow, arg_sandbox;

static const struct opt table[] = {
    {.name = "data",
	.kind = OPT_STR,
	.dest = &arg_data,
	.arg = "D",
	.help = "clean images with labels"},
    OPT_CLASSES(&arg_classes),
    OPT_PREPROCESS(&arg_preprocess),
    OPT_ARCH(&arg_arch),
    {.name = "reference",
	.letter = 'r',
	.kind = OPT_LIST,
	.dest = &arg_reference,
	.arg = "R",
	.help = "a trusted model of the same classes; may be repeated"},
    {.name = "previous",
	.kind = OPT_STR,
	.dest = &arg_previous,
	.arg = "P",
	.help = "an earlier version of the same model"},
    {.name = "no-grow",
	.kind = OPT_FLAG,
	.dest = &arg_no_grow,
	.help = "go without references where none are given"},
    SIGNING_OPTIONS(sign),
    {.name = "out",
	.letter = 'o',
	.kind = OPT_STR,
	.dest = &arg_out,
	.arg = "CASE",
	.help = "folder of this audit, made by it"},
    {.name = "model",
	.kind = OPT_STR,
	.dest = &arg_model,
	.arg = "PATH",
	.help = "which file or folder, when the bundle holds several models"},
    {.name = "policy",
	.kind = OPT_STR,
	.dest = &arg_policy,
	.arg = "FILE",
	.help = "severities and waivers of findings, see assay-policy(5)"},
    {.name = "budget",
	.kind = OPT_STR,
	.dest = &arg_budget,
	.arg = "B",
	.help = "of the scan: quick, standard (default), thorough"},
    {.name = "seed",
	.kind = OPT_STR,
	.dest = &arg_seed,
	.arg = "N",
	.help = "seed of scan and purification (default 0)"},
    {.name = "method",
	.kind = OPT_STR,
	.dest = &arg_method,
	.arg = "M",
	.help = "of the purification (default guided)"},
    {.name = "rounds",
	.kind = OPT_STR,
	.dest = &arg_rounds,
	.arg = "N",
	.help = "of the purification (default the method's)"},
    {.name = "lr",
	.kind = OPT_STR,
	.dest = &arg_lr,
	.arg = "X",
	.help = "of the purification (default the method's)"},
    {.name = "batch",
	.kind = OPT_STR,
	.dest = &arg_batch,
	.arg = "N",
	.help = "of the purification (default the method's)"},
    {.name = "no-purify",
	.kind = OPT_FLAG,
	.dest = &arg_no_purify,
	.help = "stop after the scan and report"},
    {.name = "trigger",
	.kind = OPT_STR,
	.dest = &arg_trigger,
	.arg = "T",
	.help = "a known trigger: attack success goes into the report"},
    {.name = "eval-data",
	.kind = OPT_STR,
	.dest = &arg_eval_data,
	.arg = "D",
	.help = "images for accuracy and --trigger, unseen by purification"},
    {.name = "resume",
	.kind = OPT_FLAG,
	.dest = &arg_resume,
	.help = "go on with a case: skip the steps that are done"},
    {.name = "require-sandbox",
	.kind = OPT_FLAG,
	.dest = &arg_sandbox,
	.help = "refuse to run without Landlock and seccomp"},
    {.name = NULL},
};

static const struct opt_tool tool = {
    .name = "assay",
    .summary = "audit a model bundle from unpacking to a signed report",
    .operands = "audit BUNDLE --data D [--reference R]... [--key K] --out CASE",
    .table = table,
    .min_operands = 1,
    .max_operands = 1,
};

struct audit {
	const char *bundle;
	bool flagged, incomplete;
	char model[PATH_SIZE];    /* path beneath CASE/files, or "." */
	char suspect[PATH_SIZE];  /* CASE/files/model */
	char purified[PATH_SIZE]; /* CASE/purified/name */
};

/* --- running tools ------------------------------------------------------- */

static int
not_made(const char *step, const char *document, int status, struct err *e)
{
	err_set(e,
	    status == TOOL_NOTHING ? ERR_UNSUPPORTED
	    : status == TOOL_USAGE ? ERR_USAGE
				   : ERR_SYSTEM,
	    ERR_NOWHERE, "not made: %s ended with status %d", step, status);
	return err_in(e, document);
}

/*
 * Run a step; its stdout is dropped (documents go to the case).  Statuses 1
 * and 2 are remembered.  `document` (or NULL) must be there afterwards: else
 * the step could not be done, an error of the kind that *status says.
 */
static int
run(struct audit *a, struct command *c, const char *document, int *status,
    struct err *e)
{
	int rc;

	*status = TOOL_PASSED;
	if (arg_resume && document != NULL && file_exists(document))
		return 0;
	tool_note("%s", c->argv[0]);
	if ((rc = spawn_tool(c->argv, SPAWN_DROP, status, e)) != 0)
		return rc;
	a->flagged = a->flagged || *status == TOOL_FLAGGED;
	a->incomplete = a->incomplete || *status == TOOL_INCOMPLETE;
	if (document == NULL || file_exists(document))
		return 0;
	return not_made(c->argv[0], document, *status, e);
}

static int
in_case(char *out, const char *name, struct err *e)
{
	return file_join(out, PATH_SIZE, arg_out, name, e);
}

/* --- steps --------------------------------------------------------------- */

static int
unpack(struct audit *a, struct err *e)
{
	struct command c = command_new("assay-unpack");
	char doc[PATH_SIZE];
	int status, rc;

	if ((rc = in_case(doc, "manifest.json", e)) != 0)
		return rc;
	if (file_exists(doc)) {
		if (arg_resume)
			return given_same_bundle(a->bundle, doc, e);
		err_set(e, ERR_USAGE, ERR_NOWHERE,
		    "holds an audit already; --resume goes on with it");
		return err_in(e, arg_out);
	}
	if (arg_sandbox)
		command_arg(&c, "--require-sandbox");
	command_arg(&c, a->bundle);
	command_arg(&c, arg_out);
	rc = run(a, &c, doc, &status, e);
	/* with a policy it is for the report to say what counts */
	if (arg_policy != NULL)
		a->flagged = false;
	return rc;
}

static int
inspect(struct audit *a, struct err *e)
{
	struct command c = command_new("assay-inspect");
	char doc[PATH_SIZE];
	int status, rc;

	if ((rc = in_case(doc, "inspect.json", e)) != 0)
		return rc;
	if (arg_resume && file_exists(doc) &&
	    (rc = given_forget_other(doc, arg_policy, e)) != 0)
		return rc;
	if (arg_sandbox)
		command_arg(&c, "--require-sandbox");
	command_arg(&c, arg_out);
	command_option(&c, "--policy", arg_policy);
	command_option(&c, "-o", doc);
	return run(a, &c, doc, &status, e);
}

static int
choose(struct audit *a, struct err *e)
{
	char path[PATH_SIZE];
	int rc;

	rc = choose_model(arg_out, arg_model, a->model, sizeof(a->model), e);
	if (rc != 0)
		return err_in(e, a->bundle);
	if ((rc = in_case(path, "files", e)) != 0)
		return rc;
	if (strcmp(a->model, ".") != 0)
		return file_join(
		    a->suspect, sizeof(a->suspect), path, a->model, e);
	memcpy(a->suspect, path, sizeof(path));
	return 0;
}

/* before: the scan of the model before purification, or NULL. */
static int
scan(struct audit *a, const char *model, const char *before, const char *dir,
    int *status, struct err *e)
{
	struct command c = command_new("assay-scan");
	char doc[PATH_SIZE], grown[PATH_SIZE];
	int rc;

	if ((rc = file_join(doc, sizeof(doc), dir, "scan.json", e)) != 0 ||
	    (arg_resume && (rc = given_same_model(model, doc, e)) != 0))
		return rc;
	command_arg(&c, model);
	command_option(&c, "--data", arg_data);
	command_option(&c, "--classes", arg_classes);
	command_option(&c, "--preprocess", arg_preprocess);
	command_option(&c, "--arch", arg_arch);
	for (size_t i = 0; i < arg_reference.n; i++)
		command_option(&c, "--reference", arg_reference.item[i]);
	command_option(&c, "--previous", arg_previous);
	command_option(&c, "--before", before);
	/* the purified model is compared with the same ones */
	if ((rc = in_case(grown, "references", e)) != 0)
		return rc;
	if (arg_no_grow)
		command_arg(&c, "--no-grow");
	else if (arg_reference.n == 0 && arg_previous == NULL)
		command_option(&c, "--grow-in", grown);
	command_option(&c, "--budget", arg_budget);
	command_option(&c, "--seed", arg_seed);
	command_option(&c, "-o", dir);
	return run(a, &c, doc, status, e);
}

static int
evaluate(struct audit *a, const char *model, const char *name,
    const char *trigger, const char *baseline, struct err *e)
{
	struct command c = command_new("assay-eval");
	char doc[PATH_SIZE];
	int status, rc;

	if ((rc = in_case(doc, name, e)) != 0)
		return rc;
	command_arg(&c, model);
	command_option(
	    &c, "--data", arg_eval_data != NULL ? arg_eval_data : arg_data);
	command_option(&c, "--classes", arg_classes);
	command_option(&c, "--preprocess", arg_preprocess);
	command_option(&c, "--arch", arg_arch);
	command_option(&c, "--trigger", trigger);
	command_option(&c, "--baseline", baseline);
	command_option(&c, "-o", doc);
	return run(a, &c, doc, &status, e);
}

/* Whether what the scan recovered still works on the purified model, beside
 * the suspect on the same images. */
static int
try_recovered(const struct audit *a, struct audit *after, struct err *e)
{
	char trigger[PATH_SIZE];
	int rc = recovered_trigger(arg_out, trigger, sizeof(trigger), e);

	if (rc != 0 || trigger[0] == '\0')
		return rc;
	return evaluate(
	    after, a->purified, "eval-recovered.json", trigger, a->suspect, e);
}

static void
purify_options(struct command *c)
{
	command_option(c, "--method", arg_method);
	command_option(c, "--rounds", arg_rounds);
	command_option(c, "--lr", arg_lr);
	command_option(c, "--batch", arg_batch);
	command_option(c, "--seed", arg_seed);
}

static int
purify(struct audit *a, struct err *e)
{
	struct command c = command_new("assay-purify");
	char doc[PATH_SIZE], dir[PATH_SIZE], guide[PATH_SIZE];
	bool top = strcmp(a->model, ".") == 0;
	struct audit after = {0};
	int status, rc;

	if ((rc = in_case(dir, "purified", e)) != 0 ||
	    (rc = file_mkdir(dir, e)) != 0 ||
	    (rc = file_join(a->purified, sizeof(a->purified), dir,
		 top ? "model" : file_base(a->model), e)) != 0 ||
	    (rc = in_case(doc, "purify.json", e)) != 0 ||
	    (rc = in_case(guide, "scan.json", e)) != 0)
		return rc;
	command_arg(&c, a->suspect);
	command_option(&c, "--data", arg_data);
	command_option(&c, "--classes", arg_classes);
	command_option(&c, "--preprocess", arg_preprocess);
	command_option(&c, "--arch", arg_arch);
	purify_options(&c);
	command_option(&c, "--guide", guide);
	command_option(&c, "--eval-data", arg_eval_data);
	command_option(&c, "--trigger", arg_trigger);
	command_option(&c, "--document", doc);
	command_option(&c, "-o", a->purified);
	if ((rc = run(a, &c, doc, &status, e)) != 0)
		return rc;
	/* what the purified model does is not a verdict on the bundle */
	if ((rc = in_case(dir, "rescan", e)) != 0 ||
	    (rc = scan(&after, a->purified, guide, dir, &status, e)) != 0)
		return rc;
	/* accuracy on images that purification trained on would flatter it */
	if (arg_eval_data == NULL)
		return 0;
	rc = evaluate(
	    &after, a->purified, "eval-after.json", arg_trigger, NULL, e);
	return rc == 0 ? try_recovered(a, &after, e) : rc;
}

/* Which file is there; zeros when there is none. */
static void
identity(const char *path, struct stat *st)
{
	if (stat(path, st) != 0)
		*st = (struct stat){0};
}

static int
report(struct audit *a, struct err *e)
{
	struct command c = command_new("assay-report");
	struct stat before, after;
	char path[PATH_SIZE], made[PATH_SIZE], key[PATH_SIZE + 16];
	char files[PATH_SIZE];
	int status, rc;

	if ((rc = in_case(path, "report", e)) != 0 ||
	    (rc = in_case(files, "files", e)) != 0 ||
	    (rc = in_case(made, "report/statement.json", e)) != 0)
		return rc;
	/* the report is always made anew; an old one must not pass for it */
	identity(made, &before);
	command_arg(&c, arg_out);
	signing_hand_on(&sign, &c);
	if (arg_resume)
		command_arg(&c, "--force");
	if ((rc = run(a, &c, NULL, &status, e)) != 0)
		return rc;
	identity(made, &after);
	if (after.st_ino == 0 ||
	    (after.st_ino == before.st_ino && after.st_dev == before.st_dev))
		return not_made("assay-report", made, status, e);
	if (!signing_now(&sign))
		return 0;
	snprintf(key, sizeof(key), "%s/public.pem", path);
	c = command_new("assay-verify");
	command_arg(&c, path);
	command_option(&c, "--key", key);
	command_option(&c, "--bundle", files);
	if ((rc = run(a, &c, NULL, &status, e)) != 0)
		return rc;
	if (status == TOOL_PASSED)
		return 0;
	err_set(e, ERR_SYSTEM, ERR_NOWHERE,
	    "the new report does not verify (status %d)", status);
	return err_in(e, path);
}

/* What can be known to be wrong before the work. */
static int
look_ahead(const struct audit *a, struct err *e)
{
	const char *const file[] = {
	    a->bundle, arg_classes, arg_policy, arg_previous, arg_trigger};
	struct command scan = command_new("assay-scan");
	struct command purify = command_new("assay-purify");
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(file) && rc == 0; i++)
		rc = early_file(file[i], e);
	for (size_t i = 0; i < arg_reference.n && rc == 0; i++)
		rc = early_file(arg_reference.item[i], e);
	if (rc != 0 || (rc = early_data(arg_data, e)) != 0 ||
	    (rc = early_data(arg_eval_data, e)) != 0)
		return rc;
	command_arg(&scan, "--list");
	command_option(&scan, "--budget", arg_budget);
	command_option(&scan, "--seed", arg_seed);
	if ((rc = early_options(&scan, e)) != 0)
		return rc;
	command_arg(&purify, "--list");
	purify_options(&purify);
	if (!arg_no_purify && (rc = early_options(&purify, e)) != 0)
		return rc;
	return early_key(&sign, e);
}

/* --- the whole ----------------------------------------------------------- */

/* The status of a scan that was not run again, from its document. */
static int
earlier_status(int *status, struct err *e)
{
	char path[PATH_SIZE];
	const char *verdict;
	json_t *doc;
	int rc;

	if ((rc = in_case(path, "scan.json", e)) != 0 ||
	    (rc = doc_read(path, "assay-scan/1", &doc, e)) != 0)
		return rc;
	if ((rc = json_get_str(doc, "verdict", &verdict, e)) != 0)
		err_in(e, path);
	else if (strcmp(verdict, "evidence") == 0)
		*status = TOOL_FLAGGED;
	json_decref(doc);
	return rc;
}

/* Everything between unpacking and the report; a failure is remembered, so
 * that the report can say what was not done. */
static int
examine(struct audit *a, struct err *e)
{
	int rc, status;

	if ((rc = inspect(a, e)) != 0 || (rc = choose(a, e)) != 0 ||
	    (rc = scan(a, a->suspect, NULL, arg_out, &status, e)) != 0 ||
	    (rc = evaluate(
		 a, a->suspect, "eval-before.json", arg_trigger, NULL, e)) != 0)
		return rc;
	if (arg_resume && (rc = earlier_status(&status, e)) != 0)
		return rc;
	a->flagged = a->flagged || status == TOOL_FLAGGED;
	return status == TOOL_FLAGGED && !arg_no_purify ? purify(a, e) : 0;
}

/* Several of us would write one case. */
static bool
is_rank(void)
{
	const char *n = getenv("OMPI_COMM_WORLD_SIZE");

	return n != NULL && strcmp(n, "1") != 0;
}

int
audit_main(int argc, char **argv)
{
	struct audit a = {0};
	struct err e = {0};
	int first, rc, status = TOOL_PASSED, late = TOOL_PASSED;

	if ((rc = opt_parse(&tool, argc, argv, &first)) != OPT_GO)
		return rc == OPT_DONE ? tool_end(TOOL_PASSED) : TOOL_USAGE;
	if (arg_data == NULL || arg_out == NULL)
		return opt_usage(&tool, "--data and --out are needed"),
		       TOOL_USAGE;
	if (is_rank())
		return opt_usage(&tool,
			   "an audit is one process, mpirun is for "
			   "assay-scan, -purify and -grow"),
		       TOOL_USAGE;
	if (arg_out[0] == '-')
		return opt_usage(&tool,
			   "--out '%s' looks like an option: write ./%s",
			   arg_out, arg_out),
		       TOOL_USAGE;
	if (signing_to_stdout(&sign))
		return opt_usage(&tool,
			   "--emit-pae and --timestamp-query want files here"),
		       TOOL_USAGE;
	a.bundle = argv[first];
	file_out_farewell("assay audit: interrupted while it unpacked; remove "
			  "the folder of --out before it starts again\n");
	if (given_outside(arg_policy, a.bundle, &e) != 0 ||
	    look_ahead(&a, &e) != 0 || unpack(&a, &e) != 0)
		return tool_end(tool_fail(&e));
	file_out_farewell("assay audit: interrupted; the same command with "
			  "--resume goes on\n");
	if (examine(&a, &e) != 0)
		status = tool_fail(&e);
	/* what is not there may be in what could not be read */
	if (status == TOOL_NOTHING && a.incomplete)
		status = TOOL_INCOMPLETE;
	if (report(&a, &e) != 0)
		late = tool_fail(&e);
	summary_print(&(struct summary){
	    arg_out, a.bundle, a.model, a.purified, late == TOOL_PASSED});
	if (late == TOOL_PASSED)
		signing_print(&sign, arg_out, a.bundle);
	status = MAX(status, late);
	/* a finding is never hidden by an error */
	if (a.flagged)
		status = TOOL_FLAGGED;
	else if (a.incomplete && status == TOOL_PASSED)
		status = TOOL_INCOMPLETE;
	return tool_end(status);
}
