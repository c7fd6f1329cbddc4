/* SPDX-License-Identifier: MIT
 * assay-inspect: what each file is, and what about it should worry a person.
 * A child process in the sandbox looks at the files; the parent only moves its
 * document into place.
 */
#include "audit/check_weight_list.h"
#include "audit/inspect_case.h"
#include "audit/inspect_file.h"
#include "audit/inspect_input.h"
#include "audit/inspect_out.h"
#include "audit/inspect_show.h"
#include "base/child.h"
#include "base/crew.h"
#include "base/doc.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/opt.h"
#include "base/sandbox.h"
#include "base/snapshot.h"
#include "base/tool.h"

#include <unistd.h>

#define MAX_OPERANDS 256

static const char *out_path, *explain, *reference_path;
static bool require_sandbox, list_all;
static bool sarif_file; /* what -o writes */
static struct inspect_out form;
static uint64_t threads, file_timeout = 600;

static const struct opt options[] = {
    {.name = "json",
	.letter = 'j',
	.kind = OPT_FLAG,
	.dest = &form.json,
	.help = "print the document instead of a summary"},
    {.name = "sarif",
	.letter = 's',
	.kind = OPT_FLAG,
	.dest = &form.sarif,
	.help = "print SARIF 2.1.0, or write it where -o says"},
    {.name = "verbose",
	.letter = 'v',
	.kind = OPT_FLAG,
	.dest = &form.verbose,
	.help = "list every file and finding, and what is to be done"},
    {.name = "output",
	.letter = 'o',
	.kind = OPT_STR,
	.dest = &out_path,
	.arg = "FILE",
	.help = "write the document there (a case: CASE/inspect.json)"},
    {.name = "reference",
	.kind = OPT_STR,
	.dest = &reference_path,
	.arg = "FILE",
	.help = "compare the weights with those of that model file"},
    {.name = "list",
	.letter = 'L',
	.kind = OPT_FLAG,
	.dest = &list_all,
	.help = "list the formats, checks and findings, and stop"},
    {.name = "explain",
	.kind = OPT_STR,
	.dest = &explain,
	.arg = "ID",
	.help = "say what a finding means, and stop"},
    {.name = "policy",
	.kind = OPT_STR,
	.dest = &form.policy_path,
	.arg = "FILE",
	.help = "other severities and waivers, see assay-policy(5)"},
    {.name = "taxonomy",
	.kind = OPT_STR,
	.dest = &form.taxonomy_path,
	.arg = "FILE",
	.help = "ids of the findings (default: the one installed)"},
    OPT_THREADS(&threads),
    {.name = "file-timeout",
	.kind = OPT_U64,
	.dest = &file_timeout,
	.arg = "SECONDS",
	.max = 86400,
	.help = "time for one file (600; 0: any)"},
    {.name = "require-sandbox",
	.kind = OPT_FLAG,
	.dest = &require_sandbox,
	.help = "refuse to run without Landlock and seccomp"},
    {.name = NULL},
};

static const struct opt_tool tool = {.name = "assay-inspect",
    .summary = "identify every file of a bundle and check it statically",
    .operands = "PATH... [options]",
    .table = options,
    .min_operands = 0,
    .max_operands = MAX_OPERANDS};

struct job {
	const char *const *path;
	size_t npath;
	bool is_case; /* one operand with a manifest and files/ */
	struct file_out out;
	bool has_out;
	json_t *doc, *files, *findings, *models;
	bool complete;
	bool analysed; /* some file was */
	unsigned workers;
	struct file_map reference_map;
	struct check_weight_list reference;
	struct inspect_list list;
	size_t dropped;            /* findings, beyond the limit */
	size_t serious;            /* of these: that a person should see */
	const char *first_dropped; /* the path of the first */
	json_t **seen; /* of each entry of the list, what its worker said */
	/* the folder, with a slash, whose model all within it belongs to */
	char within[LIMIT_MEMBER_NAME + 2];
	bool claimed;
};

static const char *
member(const json_t *f, const char *key)
{
	return json_string_value(json_object_get(f, key));
}

/* --- what was seen, in order --------------------------------------------- */

/* One that an audit can be of: a folder by its layout, or a file. */
static void
candidate(struct job *j, const char *path, const char *kind)
{
	json_t *m = json_object();

	json_put(m, "path", json_text(path));
	json_put(m, "kind", json_text(kind));
	json_add(j->models, m);
}

static bool
belongs(const struct job *j, const char *path)
{
	return j->claimed && strncmp(path, j->within, strlen(j->within)) == 0;
}

/* A folder that is a model by what is in it; `path` is "" for the top. */
static void
join_folder(struct job *j, const char *path, const char *layout)
{
	if (*path == '\0')
		j->claimed = false;
	if (belongs(j, path))
		return;
	j->claimed = layout != NULL &&
		     snprintf(j->within, sizeof(j->within), "%s%s", path,
			 *path != '\0' ? "/" : "") < (int)sizeof(j->within);
	if (j->claimed)
		candidate(j, *path != '\0' ? path : ".", layout);
}

/* A path that was given, by what it was when it was read. */
static void
join_input(struct job *j, const json_t *file)
{
	json_int_t size = json_integer_value(json_object_get(file, "size"));
	struct digest d;

	if (digest_parse(member(file, "sha256"), &d))
		doc_input(
		    j->doc, "bundle", member(file, "path"), &d, (uint64_t)size);
}

/* Of the second half of LIMIT_FINDINGS there are only those that stop a gate:
 * trifles about the first files must not push them out. */
static void
join_finding(struct job *j, json_t *finding)
{
	size_t n = json_array_size(j->findings);
	enum finding_severity s;

	if (!finding_severity_parse(member(finding, "severity"), &s))
		s = SEVERITY_CRITICAL;
	if (n < LIMIT_FINDINGS / 2 ||
	    (s >= SEVERITY_HIGH && n < LIMIT_FINDINGS))
		json_add(j->findings, json_incref(finding));
	else {
		if (j->dropped++ == 0)
			j->first_dropped = member(finding, "path");
		j->serious += s >= SEVERITY_MEDIUM;
	}
}

static void
join_file(struct job *j, const struct inspect_entry *one, const json_t *doc)
{
	json_t *file = json_object_get(doc, "file"), *finding;
	const char *format;
	size_t before = j->serious, i;

	json_array_foreach(json_object_get(doc, "findings"), i, finding)
	    join_finding(j, finding);
	if (!json_is_true(json_object_get(doc, "complete")))
		j->complete = false;
	if (file == NULL)
		return;
	if (j->serious != before) /* no verdict rests on what is left out */
		json_put(file, "complete", json_false());
	json_add(j->files, json_incref(file));
	if (one->root < 0)
		join_input(j, file);
	if (json_is_true(json_object_get(file, "analysed")))
		j->analysed = true;
	format = member(file, "format");
	if (json_is_true(json_object_get(file, "model")) &&
	    !belongs(j, one->path))
		candidate(j, one->path, format);
}

static void
join(struct job *j)
{
	for (size_t i = 0; i < j->list.n; i++) {
		const struct inspect_entry *one = &j->list.entry[i];
		const json_t *doc = j->seen[i];

		if (one->kind == INSPECT_FOLDER)
			join_folder(j, one->path, member(doc, "layout"));
		/* a folder has findings when it brought its worker down */
		if (one->kind != INSPECT_FOLDER ||
		    json_object_get(doc, "findings") != NULL)
			join_file(j, one, doc);
	}
	if (j->dropped == 0)
		return;
	json_add(j->findings,
	    finding_json(
		j->serious != 0 ? FINDING_FILE_LIMIT : FINDING_FILE_MORE,
		j->first_dropped, ERR_NOWHERE,
		"%zu findings of this file and later ones are left out",
		j->dropped));
	j->complete = j->complete && j->serious == 0;
}

/* Of files that are the same only the last is a candidate: an image or a
 * cache has a blob first, and then the file that it is. */
static void
drop_copies(struct job *j)
{
	struct map last, is_last;
	json_t *kept = json_array(), *one;
	size_t i;

	map_init(&last, &j->list.arena);
	map_init(&is_last, &j->list.arena);
	for (i = json_array_size(j->files); i > 0; i--) {
		const json_t *f = json_array_get(j->files, i - 1);
		const char *digest = member(f, "sha256");

		/* full: a copy too many is a candidate, no more */
		if (map_put(&last, digest, i) < 0 ||
		    map_put(&is_last, member(f, "path"),
			map_get(&last, digest) == i) < 0)
			break;
	}
	json_array_foreach(j->models, i, one)
	{
		if (map_get(&is_last, member(one, "path")) != 0)
			json_add(kept, json_incref(one));
	}
	json_decref(j->models);
	j->models = kept;
}

/* --- the work, inside the sandbox ---------------------------------------- */

static int
list_case(struct job *j, struct err *e)
{
	char path[4096];
	struct digest d;
	uint64_t size;
	int rc;

	rc = file_join(path, sizeof(path), j->path[0], "manifest.json", e);
	if (rc != 0 ||
	    (rc = digest_file(path, LIMIT_DOCUMENT, &d, &size, e)) != 0)
		return rc;
	doc_input(j->doc, "manifest", path, &d, size);
	if ((rc = file_join(path, sizeof(path), j->path[0], "files", e)) != 0)
		return rc;
	return inspect_list_tree(&j->list, path, NULL, "", e);
}

static int
list_path(struct job *j, const char *path, struct err *e)
{
	char blobs[4096];

	if (!file_is_dir(path))
		return inspect_list_file(&j->list, path, e);
	return inspect_list_tree(&j->list, path,
	    snapshot_blobs(path, blobs, sizeof(blobs)) ? blobs : NULL,
	    j->npath > 1 ? path : "", e);
}

static void
task(void *ctx, size_t i, struct buf *out)
{
	const struct job *j = ctx;

	inspect_file_look(&j->list.entry[i],
	    reference_path != NULL ? &j->reference : NULL, out);
}

/* A worker's document is read as strictly as any: it saw hostile bytes. */
static void
done(void *ctx, size_t i, enum crew_end how, const char *why, struct buf *b)
{
	struct job *j = ctx;
	const struct inspect_entry *one = &j->list.entry[i];
	struct err e = {0};

	if (how == CREW_DONE && json_read(b->ptr, b->len, &j->seen[i], &e) == 0)
		return;
	j->seen[i] = inspect_file_unread(one,
	    how == CREW_LATE ? FINDING_FILE_LATE : FINDING_FILE_CRASH,
	    how == CREW_DONE ? e.msg : why);
}

static int
look_at_all(struct job *j, struct err *e)
{
	struct crew crew = {.workers = j->workers,
	    .seconds = (unsigned)file_timeout,
	    .memory = LIMIT_INSPECT_MEMORY,
	    .output = j->has_out ? j->out.fd : 0,
	    .task = task,
	    .done = done,
	    .ctx = j};

	j->seen = arena_alloc(&j->list.arena, MAX(j->list.n, 1),
	    sizeof(*j->seen)); /* by the arena's leave, as the list is */
	if (j->seen == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE,
		    "too many files for the memory allowed");
	return crew_run(&crew, j->list.n, e);
}

/* Read before the workers are made, which have it from there. */
static int
open_reference(struct job *j, struct err *e)
{
	struct digest d;
	int rc;

	if (reference_path == NULL)
		return 0;
	rc = file_map(reference_path, LIMIT_MODEL_FILE, &j->reference_map, e);
	if (rc != 0)
		return rc;
	digest_mem(j->reference_map.ptr, j->reference_map.len, &d);
	doc_input(
	    j->doc, "reference", reference_path, &d, j->reference_map.len);
	check_weight_list_init(
	    &j->reference, rd_mem(j->reference_map.ptr, j->reference_map.len));
	if (j->reference.n == 0)
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "the reference '%s' has no weights that can be read",
		    reference_path);
	return 0;
}

static void
close_reference(struct job *j)
{
	if (j->reference_map.ptr == NULL)
		return;
	check_weight_list_release(&j->reference);
	file_unmap(&j->reference_map);
}

static int
inspect(struct job *j, struct err *e)
{
	const char *read[2 * MAX_OPERANDS + 1];
	struct sandbox_spec spec = {.files = SANDBOX_READ_TREE,
	    .read = read,
	    .nread = j->npath,
	    .required = require_sandbox,
	    .crew = true};
	struct sandbox_state state;
	int rc;

	memcpy(read, j->path, j->npath * sizeof(*read));
	if ((rc = inspect_list_blobs(
		 &j->list, j->path, j->npath, read, &spec.nread, e)) != 0)
		return rc;
	if (reference_path != NULL)
		read[spec.nread++] = reference_path;
	if ((rc = sandbox_enter(&spec, &state, e)) != 0 ||
	    (rc = open_reference(j, e)) != 0)
		return rc;
	if (j->is_case && (rc = list_case(j, e)) != 0)
		return rc;
	for (size_t i = 0; i < j->npath && !j->is_case; i++)
		if ((rc = list_path(j, j->path[i], e)) != 0)
			return rc;
	if ((rc = look_at_all(j, e)) != 0)
		return rc;
	for (size_t i = 0; i < j->list.nroot && !j->is_case; i++)
		if ((rc = inspect_input_folder(
			 j->doc, &j->list, j->seen, i, e)) != 0)
			return rc;
	join(j);
	drop_copies(j);
	json_put(j->doc, "files", json_incref(j->files));
	json_put(j->doc, "models", json_incref(j->models));
	json_put(j->doc, "findings", json_incref(j->findings));
	json_put(j->doc, "complete", json_boolean(j->complete));
	json_put(j->doc, "sandbox", sandbox_json(&state));
	return 0;
}

/* Added to the child's status when the document is whole. */
#define WRITTEN 16

/* Print and write; a failed write is said and makes the result incomplete. */
static int
deliver(struct job *j)
{
	int status = inspect_out_judge(&form, j->doc, !j->analysed);
	struct buf text = {0}, file = {0};
	struct err e = {0};
	bool bad = false;

	if (form.json || (form.sarif && !sarif_file)) {
		inspect_out_text(&form, j->doc, status, form.sarif, &text);
		fwrite(text.ptr, 1, text.len, stdout);
	} else
		inspect_show(j->doc, form.verbose);
	if (j->has_out) {
		inspect_out_text(&form, j->doc, status, sarif_file, &file);
		if (file_out_write(&j->out, file.ptr, file.len, &e) != 0)
			bad = tool_fail(&e) != TOOL_PASSED;
	}
	buf_free(&text);
	buf_free(&file);
	if (status == TOOL_NOTHING)
		tool_warn(json_array_size(j->files) == 0
			      ? "nothing to inspect"
			      : "no file is of a format that is analysed");
	if (bad && status != TOOL_FLAGGED)
		status = TOOL_INCOMPLETE;
	return tool_end(status) + (bad ? 0 : WRITTEN);
}

static int
work(void *ctx)
{
	struct job *j = ctx;
	struct err e = {0};
	int status;

	inspect_list_init(&j->list);
	j->doc = doc_new("assay-inspect/1");
	j->files = json_array();
	j->models = json_array();
	j->findings = json_array();
	j->complete = true;
	if (inspect(j, &e) != 0)
		status = tool_fail(&e);
	else
		status = deliver(j);
	json_decref(j->doc);
	json_decref(j->files);
	json_decref(j->models);
	json_decref(j->findings);
	for (size_t i = 0; i < j->list.n && j->seen != NULL; i++)
		json_decref(j->seen[i]);
	inspect_list_release(&j->list);
	close_reference(j);
	return status;
}

/* --- outside ------------------------------------------------------------- */

static int
list(void)
{
	puts("formats:");
	for (size_t i = 0; i < IDENTIFY_COUNT; i++)
		printf("  %-12s %-9s %s\n", identify_table[i].name,
		    identify_kind_name(identify_table[i].kind),
		    identify_table[i].summary);
	puts("checks:");
	for (size_t i = 0; i < CHECK_COUNT; i++)
		printf("  %-12s %s\n", check_table[i].name,
		    check_table[i].summary);
	inspect_show_list();
	return tool_end(TOOL_PASSED);
}

static int
explain_one(void)
{
	struct err e = {0};

	if (inspect_out_open(&form, NULL, 0, false, &e) != 0)
		return tool_fail(&e);
	if (!inspect_show_rule(&form.rules, explain))
		return opt_usage(&tool, "no finding '%s'; -L lists them",
			   explain) == OPT_USAGE
			   ? TOOL_USAGE
			   : TOOL_PASSED;
	inspect_out_close(&form);
	return tool_end(TOOL_PASSED);
}

static int
open_output(struct job *j, struct err *e)
{
	static char path[4096];
	int rc;

	if (out_path == NULL && j->is_case) {
		rc = file_join(
		    path, sizeof(path), j->path[0], "inspect.json", e);
		if (rc != 0)
			return rc;
		out_path = path;
	} else
		sarif_file = form.sarif && out_path != NULL;
	j->has_out = out_path != NULL;
	return j->has_out ? file_out_open(&j->out, out_path, e) : 0;
}

/* The document exists only when the child got to its end. */
static int
finish(struct job *j, int status, struct err *e)
{
	bool written = status >= WRITTEN;

	if (written)
		status -= WRITTEN;
	if (!j->has_out)
		return status;
	if (!written) {
		file_out_abort(&j->out);
		return status;
	}
	if (file_out_commit(&j->out, e) != 0 && tool_fail(e) != TOOL_PASSED)
		return status == TOOL_FLAGGED ? status : TOOL_INCOMPLETE;
	return status;
}

int
main(int argc, char **argv)
{
	struct job j = {0};
	struct err e = {0};
	int first, status, rc;

	if ((rc = opt_parse(&tool, argc, argv, &first)) != OPT_GO)
		return rc == OPT_DONE ? tool_end(TOOL_PASSED) : TOOL_USAGE;
	if (list_all)
		return list();
	if (explain != NULL)
		return explain_one();
	if (first == argc && opt_usage(&tool, "an operand is missing") != 0)
		return TOOL_USAGE;
	if (out_path != NULL && file_is_stdout(out_path)) {
		form.json = !form.sarif;
		out_path = NULL;
	}
	if (form.json && form.sarif &&
	    opt_usage(&tool, "--json and --sarif exclude each other") != 0)
		return TOOL_USAGE;
	j.path = (const char *const *)argv + first;
	j.npath = (size_t)(argc - first);
	j.workers = (unsigned)threads;
	if (threads == 0)
		j.workers = (unsigned)MAX(sysconf(_SC_NPROCESSORS_ONLN), 1);
	j.is_case = j.npath == 1 && inspect_case_is(j.path[0], out_path);
	form.output_path = out_path;
	if (inspect_out_open(&form, j.path, j.npath, j.is_case, &e) != 0 ||
	    open_output(&j, &e) != 0)
		return tool_fail(&e);
	if (child_run(work, &j, &status, &e) != 0) {
		file_out_abort(&j.out);
		return tool_fail(&e);
	}
	return finish(&j, status, &e);
}
