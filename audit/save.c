/* SPDX-License-Identifier: MIT
 * assay-save: the weights of a neutral model into the file that it came from.
 * The parent opens files and renames the output; a child without privileges
 * does all the parsing.
 */
#include "audit/operand.h"
#include "base/child.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/opt.h"
#include "base/sandbox.h"
#include "base/text.h"
#include "base/tool.h"
#include "base/tree.h"
#include "formats/member.h"
#include "formats/neutral.h"
#include "formats/note.h"
#include "formats/patch.h"

#include <unistd.h>

#define CPU_SECONDS 600
#define HEAD_ROOM   ((uint64_t)2 << 30)

static const char *output, *arch, *note;
static char note_key[NOTE_KEY + 1]; /* what of it is before the '=' */
static bool require_sandbox;

static const struct opt table[] = {
    {.name = "output",
	.letter = 'o',
	.kind = OPT_STR,
	.dest = &output,
	.arg = "FILE",
	.help = "the model: a file, or a folder when it has several"},
    {.name = "arch",
	.kind = OPT_STR,
	.dest = &arch,
	.arg = "A",
	.help = "as assay-load was given it"},
    {.name = "note",
	.kind = OPT_STR,
	.dest = &note,
	.arg = "KEY=TEXT",
	.help = "put it into the file's metadata, where it has a place"},
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

/* What the child works on and where it writes. */
struct job {
	struct operand original;
	const char *neutral;
	struct file_map map; /* of the neutral model */
	char dir[600];       /* the new files, all of them */
};

static int
enter(const struct job *job, struct err *e)
{
	const char *const read[] = {job->original.dir};
	struct sandbox_spec spec = {.files = SANDBOX_WRITE_TREE,
	    .dir = job->dir,
	    .read = read,
	    .nread = 1,
	    .memory = 4 * LIMIT_MODEL_FILE + 2 * LIMIT_MODEL_ARENA + HEAD_ROOM,
	    .output = 2 * LIMIT_MODEL_FILE,
	    .seconds = CPU_SECONDS,
	    .required = require_sandbox};
	struct sandbox_state state;

	return sandbox_enter(&spec, &state, e);
}

/* --- in the child -------------------------------------------------------- */

/* What was written is read once more, as any user of it will. */
static int
verify(const struct format *f, struct source *s, const struct model *m,
    struct err *e)
{
	struct model again;
	int rc;

	if ((rc = f->load(s, &again, e)) != 0)
		return rc;
	rc = patch_verify(&again, m, e);
	model_release(&again);
	return rc;
}

/* dir: the folder that root is, for errors: where there is no room. */
static int
write_file(
    int root, const char *dir, const struct source_file *f, struct err *e)
{
	struct file_out out = {.fd = -1};
	bool replaced = f->replaced != NULL;
	int rc;

	snprintf(out.path, sizeof(out.path), "%.250s/%.250s", dir, f->name);
	if ((rc = tree_create(root, f->name, &out.fd, e)) != 0)
		return rc > 0 ? err_set(e, ERR_SYSTEM, ERR_NOWHERE,
				    "'%s' is there twice", f->name)
			      : rc;
	rc = file_out_write(&out, replaced ? f->replaced : f->map.ptr,
	    replaced ? f->replaced_len : f->map.len, e);
	/* on the disk before it gets its name */
	if (rc == 0 && (fsync(out.fd) != 0 || close(out.fd) != 0))
		rc = err_sys(e, "cannot write");
	return rc;
}

/* All files of the model, changed or not. */
static int
write_all(const struct source *s, const char *dir, struct err *e)
{
	int root = tree_root(dir, e), rc = 0;

	if (root < 0)
		return root;
	for (size_t i = 0; i < s->nfile && rc == 0; i++)
		rc = write_file(root, dir, &s->file[i], e);
	close(root);
	return rc;
}

/* The weights are worth writing without it. */
static void
add_note(struct source *s, const struct format *f)
{
	struct err e = {0};

	if (note != NULL &&
	    note_add(s, f, note_key, note + strlen(note_key) + 1, &e) != 0)
		tool_warn("--note: not written: %s", e.msg);
}

static int
patch(struct job *job, const struct model *m, struct err *e)
{
	const struct format *f;
	struct source s;
	int rc;

	if ((rc = operand_source(&job->original, arch, &s, &f, e)) != 0)
		return rc;
	if (f->patch == NULL)
		rc = err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "weights in a %s file cannot be changed", f->name);
	else if ((rc = f->patch(&s, m, e)) == 0) {
		add_note(&s, f);
		rc = verify(f, &s, m, e);
	}
	if (rc != 0)
		err_in(e, job->original.path);
	else
		rc = write_all(&s, job->dir, e);
	source_release(&s);
	return rc;
}

static int
convert(void *arg)
{
	struct job *job = arg;
	struct rd r = rd_mem(job->map.ptr, job->map.len);
	struct model m;
	struct err e = {0};
	int rc;

	if ((rc = enter(job, &e)) != 0)
		return tool_fail(&e);
	if (!neutral_probe(r))
		rc = err_set(
		    &e, ERR_UNSUPPORTED, ERR_NOWHERE, "not a neutral model");
	else
		rc = neutral_parse(&r, &m, &e);
	if (rc != 0) {
		err_in(&e, job->neutral);
		return tool_fail(&e);
	}
	rc = patch(job, &m, &e);
	model_release(&m);
	return rc == 0 ? TOOL_PASSED : tool_fail(&e);
}

/* --- putting the result into place --------------------------------------- */

struct made {
	size_t files;
	char name[LIMIT_MEMBER_NAME + 1]; /* of one of them */
};

static int
count(void *ctx, const struct tree_entry *at, struct err *e)
{
	struct made *made = ctx;

	(void)e;
	if (S_ISREG(at->st.st_mode)) {
		made->files++;
		snprintf(made->name, sizeof(made->name), "%s", at->path);
	}
	return 0;
}

static int
look(const char *dir, struct made *made, struct err *e)
{
	struct arena a;
	int root = tree_root(dir, e), rc;

	if (root < 0)
		return root;
	*made = (struct made){0};
	arena_init(&a, (size_t)16 << 20);
	rc = tree_walk(root, &a, count, made, e);
	arena_release(&a);
	close(root);
	return rc;
}

static int
copy_out(const char *from, struct err *e)
{
	struct file_map m;
	struct file_out out;
	int rc;

	if ((rc = file_map(from, 2 * LIMIT_MODEL_FILE, &m, e)) != 0)
		return rc;
	if ((rc = file_out_open(&out, output, e)) == 0 &&
	    (rc = file_out_write(&out, m.ptr, m.len, e)) == 0)
		rc = file_out_commit(&out, e);
	file_unmap(&m);
	return rc;
}

static bool
to_stdout(void)
{
	return file_is_stdout(output);
}

/* A pipe or device is written to, not replaced. */
static bool
is_special(void)
{
	struct stat st;

	return to_stdout() || (stat(output, &st) == 0 && !S_ISREG(st.st_mode) &&
				  !S_ISDIR(st.st_mode));
}

/* A model of one file becomes OUT, one of several a folder of that name. */
static int
place(const struct job *job, struct err *e)
{
	char from[sizeof(job->dir) + LIMIT_MEMBER_NAME + 2];
	bool folder = file_is_dir(job->original.path);
	mode_t mask = umask(0);
	struct made made;
	int rc;

	umask(mask);
	if ((rc = look(job->dir, &made, e)) != 0)
		return rc;
	snprintf(from, sizeof(from), "%s/%s", job->dir, made.name);
	folder = folder || made.files != 1;
	if (!folder && is_special())
		return copy_out(from, e);
	if (is_special())
		return err_set(e, ERR_USAGE, ERR_NOWHERE,
		    "%zu files: name a folder for them with -o", made.files);
	/* made for its owner alone: as any other folder from now on */
	if ((!folder || chmod(job->dir, 0777 & ~mask) == 0) &&
	    rename(folder ? job->dir : from, output) == 0)
		return 0;
	err_sys(e, "cannot write");
	return err_in(e, output);
}

/* A folder beside OUT, so that what is in it can be renamed. */
static int
make_dir(struct job *job, struct err *e)
{
	int n;

	if (is_special())
		return file_temp_dir(job->dir, sizeof(job->dir), e);
	n = snprintf(job->dir, sizeof(job->dir), "%s.XXXXXX", output);
	if ((size_t)n >= sizeof(job->dir))
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "path too long");
	if (mkdtemp(job->dir) != NULL)
		return 0;
	err_sys(e, "cannot create");
	return err_in(e, output);
}

static int
run(struct job *job, int *status, struct err *e)
{
	int rc;

	if ((rc = make_dir(job, e)) != 0)
		return rc;
	if ((rc = child_run(convert, job, status, e)) == 0 &&
	    *status == TOOL_PASSED)
		rc = place(job, e);
	if (file_exists(job->dir)) {
		struct err late;

		(void)!file_remove_tree(job->dir, &late);
	}
	return rc;
}

/* A key of letters, digits, dots, dashes and underscores; any text. */
static bool
split_note(void)
{
	size_t n = strspn(note, "abcdefghijklmnopqrstuvwxyz"
				"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

	if (n == 0 || n > NOTE_KEY || note[n] != '=' ||
	    strlen(note + n + 1) > NOTE_TEXT ||
	    !text_utf8_valid(note + n + 1, strlen(note + n + 1)))
		return false;
	memcpy(note_key, note, n);
	return true;
}

int
main(int argc, char **argv)
{
	struct job job = {0};
	struct err e = {0};
	int first, status, rc = opt_parse(&tool, argc, argv, &first);

	if (rc != OPT_GO)
		return rc == OPT_DONE ? tool_end(TOOL_PASSED) : TOOL_USAGE;
	if (note != NULL && !split_note())
		return opt_usage(&tool, "--note wants KEY=TEXT"), TOOL_USAGE;
	job.neutral = argv[first + 1];
	if (operand_open(&job.original, argv[first], &e) != 0 ||
	    file_map(job.neutral, LIMIT_MODEL_FILE, &job.map, &e) != 0)
		return tool_fail(&e);
	if (run(&job, &status, &e) != 0)
		status = tool_fail(&e);
	operand_close(&job.original);
	file_unmap(&job.map);
	return tool_end(status);
}
