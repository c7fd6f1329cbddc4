/* SPDX-License-Identifier: MIT
 * assay-inspect: what each file is, and what about it should worry a person.
 * A child process in the sandbox looks at the files; the parent only moves its
 * document into place.
 */
#include "audit/check_weight_list.h"
#include "audit/show.h"
#include "base/child.h"
#include "base/doc.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/opt.h"
#include "base/sandbox.h"
#include "base/tool.h"
#include "base/tree.h"
#include "formats/layout.h"

#include <unistd.h>

#define MAX_OPERANDS 256

static const char *out_path, *reference_path;
static bool require_sandbox, as_json, list_all;

static const struct opt options[] = {
    {.name = "json",
	.letter = 'j',
	.kind = OPT_FLAG,
	.dest = &as_json,
	.help = "print the document instead of a summary"},
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
	.help = "list the formats and checks, and stop"},
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
	struct file_map reference_map;
	struct check_weight_list reference;
	/* the folder, with a slash, whose model all within it belongs to */
	char within[LIMIT_MEMBER_NAME + 2];
	bool claimed;
	struct arena arena;
	/* the tree being walked */
	int root;
	const char *prefix; /* put in front of its paths, or "" */
};

static const char *
member(const json_t *f, const char *key)
{
	return json_string_value(json_object_get(f, key));
}

/* --- one file ------------------------------------------------------------ */

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
look_folder(struct job *j, int fd, const char *path)
{
	const struct layout *l;
	struct source s;

	if (belongs(j, path))
		return;
	source_init(&s, NULL, "", fd);
	l = layout_find(&s);
	source_release(&s);
	j->claimed = false;
	if (l == NULL || l->loose ||
	    snprintf(j->within, sizeof(j->within), "%s%s", path,
		*path != '\0' ? "/" : "") >= (int)sizeof(j->within))
		return;
	j->claimed = true;
	candidate(j, *path != '\0' ? path : ".", l->name);
}

static void
describe(struct job *j, const char *path, const struct digest *d, uint64_t size,
    const struct identify_bids *bids)
{
	json_t *f = json_object(), *list = json_array();
	char hex[DIGEST_HEX];
	bool model = false;

	for (size_t i = 0; i < bids->n; i++) {
		json_add(list, json_text(bids->bid[i]->name));
		model = model || bids->bid[i]->kind == KIND_MODEL;
	}
	digest_hex(d, hex);
	json_put(f, "path", json_text(path));
	json_put(f, "sha256", json_text(hex));
	json_put(f, "size", json_integer((json_int_t)size));
	json_put(f, "format",
	    json_text(bids->best != NULL ? bids->best->name : "unknown"));
	json_put(f, "model", json_boolean(model));
	json_put(f, "bids", list);
	json_add(j->files, f);
	if (model && !belongs(j, path))
		candidate(j, path, bids->best->name);
}

static void
unreadable(struct job *j, const char *path, const char *why)
{
	json_add(j->findings,
	    finding_json(FINDING_FILE_UNREADABLE, path, UINT64_MAX, "%s", why));
	j->complete = false;
}

static void
look(struct job *j, int fd, const char *path, const char *role)
{
	struct identify_bids bids;
	struct check_sink sink = {.findings = j->findings,
	    .complete = true,
	    .reference = reference_path != NULL ? &j->reference : NULL};
	struct err e = {0};
	struct file_map m;
	struct digest d;

	if (file_map_fd(fd, path, LIMIT_MODEL_FILE, &m, &e) != 0) {
		unreadable(j, path, e.msg);
		return;
	}
	digest_mem(m.ptr, m.len, &d);
	if (role != NULL)
		doc_input(j->doc, role, path, &d, m.len);
	check_bytes(&sink, path, rd_mem(m.ptr, m.len), &bids);
	describe(j, path, &d, m.len, &bids);
	j->complete = j->complete && sink.complete;
	file_unmap(&m);
}

static int
each(void *ctx, const struct tree_entry *entry, struct err *e)
{
	struct job *j = ctx;
	char path[8192];
	int fd;

	if (json_array_size(j->findings) > LIMIT_FINDINGS)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE,
		    "more than %d findings", LIMIT_FINDINGS);
	snprintf(path, sizeof(path), "%s%s%s", j->prefix,
	    j->prefix[0] != '\0' ? "/" : "", entry->path);
	if (S_ISDIR(entry->st.st_mode)) {
		if ((fd = tree_open(j->root, entry->path, e)) < 0)
			return 0; /* the walk will say so */
		look_folder(j, fd, path);
		close(fd);
		return 0;
	}
	if (S_ISLNK(entry->st.st_mode)) {
		unreadable(j, path, "a link, not followed");
		return 0;
	}
	if (!S_ISREG(entry->st.st_mode)) {
		unreadable(j, path, "not a regular file");
		return 0;
	}
	if ((fd = tree_open(j->root, entry->path, e)) < 0) {
		unreadable(j, path, e->msg);
		return 0;
	}
	look(j, fd, path, NULL);
	close(fd);
	return 0;
}

/* Of files that are the same only the last is a candidate: an image or a
 * cache has a blob first, and then the file that it is. */
static void
drop_copies(struct job *j)
{
	struct map last, is_last;
	json_t *kept = json_array(), *one;
	size_t i;

	map_init(&last, &j->arena);
	map_init(&is_last, &j->arena);
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
look_tree(struct job *j, const char *path, struct err *e)
{
	int rc;

	if ((j->root = tree_root(path, e)) < 0)
		return j->root;
	j->claimed = false;
	look_folder(j, j->root, j->prefix);
	rc = tree_walk(j->root, &j->arena, each, j, e);
	close(j->root);
	if (rc == ERR_LIMIT) {
		unreadable(j, e->path, e->msg);
		rc = 0;
	}
	return rc;
}

static int
look_case(struct job *j, struct err *e)
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
	j->prefix = "";
	return look_tree(j, path, e);
}

static int
look_path(struct job *j, const char *path, struct err *e)
{
	int fd, rc;

	if (file_is_dir(path)) {
		j->prefix = j->npath > 1 ? path : "";
		if ((rc = doc_input_path(j->doc, "bundle", path, e)) != 0)
			return rc;
		return look_tree(j, path, e);
	}
	if ((fd = file_open(path, e)) < 0)
		return fd;
	look(j, fd, path, "bundle");
	close(fd);
	return 0;
}

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
	if (reference_path == NULL)
		return;
	check_weight_list_release(&j->reference);
	file_unmap(&j->reference_map);
}

static int
look_at_all(struct job *j, struct err *e)
{
	const char *read[MAX_OPERANDS + 1];
	struct sandbox_spec spec = {.files = SANDBOX_READ_TREE,
	    .read = read,
	    .nread = j->npath,
	    .required = require_sandbox};
	struct sandbox_state state;
	int rc;

	memcpy(read, j->path, j->npath * sizeof(*read));
	if (reference_path != NULL)
		read[spec.nread++] = reference_path;
	if ((rc = sandbox_enter(&spec, &state, e)) != 0 ||
	    (rc = open_reference(j, e)) != 0)
		return rc;
	if (j->is_case) {
		if ((rc = look_case(j, e)) != 0)
			return rc;
	}
	for (size_t i = 0; i < j->npath && !j->is_case; i++)
		if ((rc = look_path(j, j->path[i], e)) != 0)
			return rc;
	drop_copies(j);
	json_put(j->doc, "files", json_incref(j->files));
	json_put(j->doc, "models", json_incref(j->models));
	json_put(j->doc, "findings", json_incref(j->findings));
	json_put(j->doc, "complete", json_boolean(j->complete));
	json_put(j->doc, "sandbox", sandbox_json(&state));
	return 0;
}

static void
show(const struct job *j)
{
	size_t known = 0;

	for (size_t i = 0; i < json_array_size(j->files); i++) {
		const json_t *f = json_array_get(j->files, i);

		printf("%-12s %12" JSON_INTEGER_FORMAT "  ",
		    member(f, "format"),
		    json_integer_value(json_object_get(f, "size")));
		show_text(member(f, "path"));
		putchar('\n');
		known += show_findings_of(j->findings, member(f, "path"));
	}
	/* those of files that could not be read */
	for (size_t i = 0; i < json_array_size(j->findings); i++) {
		json_t *f = json_array_get(j->findings, i);

		if (strcmp(member(f, "id"), "FILE_UNREADABLE") != 0)
			continue;
		printf("%-12s %12s  ", "unreadable", "-");
		show_text(member(f, "path"));
		fputs(": ", stdout);
		show_text(member(f, "detail"));
		putchar('\n');
		known++;
	}
	printf("%zu files, %zu findings%s\n", json_array_size(j->files), known,
	    j->complete ? "" : "; INCOMPLETE");
}

/* Added to the child's status when the document is whole. */
#define WRITTEN 16

/* Print and write; a failed write is said and makes the result incomplete. */
static int
deliver(struct job *j)
{
	int status = show_status(
	    j->findings, j->complete, json_array_size(j->files) == 0);
	struct buf text = {0};
	struct err e = {0};
	bool bad = false;

	json_pretty(j->doc, &text);
	if (as_json)
		fwrite(text.ptr, 1, text.len, stdout);
	else
		show(j);
	if (j->has_out && file_out_write(&j->out, text.ptr, text.len, &e) != 0)
		bad = tool_fail(&e) != TOOL_PASSED;
	buf_free(&text);
	if (status == TOOL_NOTHING)
		tool_warn("nothing to inspect");
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

	arena_init(&j->arena, (size_t)1 << 30);
	j->doc = doc_new("assay-inspect/1");
	j->files = json_array();
	j->models = json_array();
	j->findings = json_array();
	j->complete = true;
	if (look_at_all(j, &e) != 0)
		status = tool_fail(&e);
	else
		status = deliver(j);
	json_decref(j->doc);
	json_decref(j->files);
	json_decref(j->models);
	json_decref(j->findings);
	close_reference(j);
	arena_release(&j->arena);
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
	return tool_end(TOOL_PASSED);
}

static bool
is_case(const char *path)
{
	char name[4096];
	struct err e = {0};

	return file_join(name, sizeof(name), path, "manifest.json", &e) == 0 &&
	       file_exists(name) &&
	       file_join(name, sizeof(name), path, "files", &e) == 0 &&
	       file_is_dir(name);
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
	}
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
	if (first == argc && opt_usage(&tool, "an operand is missing") != 0)
		return TOOL_USAGE;
	if (out_path != NULL && strcmp(out_path, "-") == 0) {
		as_json = true;
		out_path = NULL;
	}
	j.path = (const char *const *)argv + first;
	j.npath = (size_t)(argc - first);
	j.is_case = j.npath == 1 && is_case(j.path[0]);
	if (open_output(&j, &e) != 0)
		return tool_fail(&e);
	if (child_run(work, &j, &status, &e) != 0) {
		file_out_abort(&j.out);
		return tool_fail(&e);
	}
	return finish(&j, status, &e);
}
