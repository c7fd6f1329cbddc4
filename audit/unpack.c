/* SPDX-License-Identifier: MIT
 * assay-unpack: a bundle into a case.  Nothing of the bundle is read before
 * the sandbox is entered, in which only the case can be written; files are
 * created beneath CASE/files by base/tree.h alone; manifest.json comes last.
 */
#define _XOPEN_SOURCE 700 /* realpath */
#include "audit/manifest.h"
#include "audit/show.h"
#include "base/doc.h"
#include "base/file.h"
#include "base/opt.h"
#include "base/progress.h"
#include "base/sandbox.h"
#include "base/snapshot.h"
#include "base/text.h"
#include "base/tool.h"
#include "formats/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

/* Address space beside the mapped bundle: names, windows of decompressors. */
#define UNPACK_MEMORY ((uint64_t)8 << 30)

static struct bundle_limits limits;
static bool require_sandbox, as_json;

static const struct opt options[] = {
    {.name = "json",
	.letter = 'j',
	.kind = OPT_FLAG,
	.dest = &as_json,
	.help = "print the manifest instead of a summary"},
    {.name = "max-entries",
	.kind = OPT_U64,
	.dest = &limits.entries,
	.arg = "N",
	.help = "members of the bundle (100000)"},
    {.name = "max-bytes",
	.kind = OPT_U64,
	.dest = &limits.bytes,
	.arg = "N",
	.help = "bytes when unpacked (64 GiB)"},
    {.name = "max-member",
	.kind = OPT_U64,
	.dest = &limits.member,
	.arg = "N",
	.help = "bytes of one member (8 GiB)",
	.max = LIMIT_MODEL_FILE},
    {.name = "max-name",
	.kind = OPT_U64,
	.dest = &limits.name,
	.arg = "N",
	.help = "bytes of one path (1024)",
	.max = LIMIT_MEMBER_NAME},
    {.name = "max-depth",
	.kind = OPT_U64,
	.dest = &limits.depth,
	.arg = "N",
	.help = "archives within archives to unpack (2)",
	.max = 16},
    {.name = "max-ratio",
	.kind = OPT_U64,
	.dest = &limits.ratio,
	.arg = "N",
	.help = "bytes out for a byte in, past 64 MiB (200)"},
    {.name = "require-sandbox",
	.kind = OPT_FLAG,
	.dest = &require_sandbox,
	.help = "refuse to run without Landlock and seccomp"},
    {.name = NULL},
};

static const struct opt_tool tool = {.name = "assay-unpack",
    .summary = "unpack a model bundle into a case, safely",
    .operands = "BUNDLE CASE [options]",
    .table = options,
    .min_operands = 2,
    .max_operands = 2};

struct job {
	const char *bundle, *dir; /* as given */
	char files[4096];         /* CASE/files */
	int in, root;             /* the bundle, CASE/files */
	int cache;                /* of a snapshot: its blobs, or -1 */
	char blobs[4096];
	uint64_t length;   /* of the bundle, a file */
	bool folder, made; /* a folder bundle; CASE was not there */
	struct manifest manifest;
	/* the member being written */
	int fd;
	struct digest_ctx digest;
	uint64_t size;
	char name[LIMIT_MEMBER_NAME + 1];
	struct file_map read; /* a file of the case */
	struct progress progress;
	uint64_t written;
};

/* --- the sink ------------------------------------------------------------ */

static int
sink_folder(void *ctx, const char *path, struct err *e)
{
	struct job *j = ctx;
	int rc = tree_mkdir(j->root, path, e);

	return rc == TREE_EXISTS ? BUNDLE_EXISTS : rc;
}

static int
sink_open(void *ctx, const char *path, struct err *e)
{
	struct job *j = ctx;
	int rc = tree_create(j->root, path, &j->fd, e);

	if (rc != 0)
		return rc == TREE_EXISTS ? BUNDLE_EXISTS : rc;
	snprintf(j->name, sizeof(j->name), "%s", path);
	digest_begin(&j->digest);
	j->size = 0;
	return 0;
}

static int
sink_write(void *ctx, const void *p, size_t len, struct err *e)
{
	struct job *j = ctx;
	const uint8_t *at = p;

	digest_update(&j->digest, p, len);
	j->size += len;
	j->written += len;
	progress_step(&j->progress, MIN(j->written, j->progress.total), NULL);
	while (len > 0) {
		ssize_t n = write(j->fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			err_sys(e, "cannot write");
			return err_in(e, j->name);
		}
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

static int
sink_close(void *ctx, bool keep, struct err *e)
{
	struct job *j = ctx;
	struct digest d;

	digest_end(&j->digest, &d);
	if (close(j->fd) != 0 && keep) {
		err_sys(e, "cannot write");
		return err_in(e, j->name);
	}
	if (!keep)
		return tree_unlink(j->root, j->name, e);
	return manifest_add(&j->manifest, j->name, &d, j->size, e);
}

static int
sink_map(void *ctx, const char *path, struct rd *out, struct err *e)
{
	struct job *j = ctx;
	int fd = tree_open(j->root, path, e), rc;

	if (fd < 0)
		return fd;
	rc = file_map_fd(fd, path, UINT64_MAX, &j->read, e);
	close(fd);
	if (rc == 0)
		*out = rd_mem(j->read.ptr, j->read.len);
	return rc;
}

static void
sink_unmap(void *ctx)
{
	struct job *j = ctx;

	file_unmap(&j->read);
}

/* --- the case ------------------------------------------------------------ */

static int
is_empty(void *ctx, const struct tree_entry *entry, struct err *e)
{
	(void)ctx;
	(void)entry;
	return err_set(e, ERR_USAGE, ERR_NOWHERE,
	    "not empty: a case starts in a new or empty directory");
}

/* A case inside the bundle would be unpacked into itself. */
static int
check_apart(const struct job *j, struct err *e)
{
	char *outer = realpath(j->bundle, NULL),
	     *inner = realpath(j->dir, NULL);
	size_t n = outer != NULL ? strlen(outer) : 0;
	int rc = 0;

	if (outer != NULL && inner != NULL && strncmp(outer, inner, n) == 0 &&
	    (inner[n] == '/' || inner[n] == '\0' || n == 1))
		rc = err_set(e, ERR_USAGE, ERR_NOWHERE,
		    "the case lies inside the bundle");
	free(outer);
	free(inner);
	return rc;
}

static int
open_case(struct job *j, struct err *e)
{
	struct arena a;
	int fd, rc;

	arena_init(&a, (size_t)1 << 20);
	j->made = !file_exists(j->dir);
	if ((rc = file_mkdir(j->dir, e)) != 0)
		return rc;
	rc = file_join(j->files, sizeof(j->files), j->dir, "manifest.json", e);
	if (rc == 0 && file_exists(j->files))
		rc = err_set(e, ERR_USAGE, ERR_NOWHERE,
		    "this case has a manifest already");
	j->files[0] = '\0';
	if (rc == 0 && (rc = check_apart(j, e)) == 0) {
		if ((fd = tree_root(j->dir, e)) < 0)
			return fd;
		rc = tree_walk(fd, &a, is_empty, NULL, e);
		close(fd);
	}
	arena_release(&a);
	if (rc == ERR_USAGE)
		snprintf(e->path, sizeof(e->path), "%s", j->dir);
	if (rc != 0)
		return rc;
	if ((rc = file_join(j->files, sizeof(j->files), j->dir, "files", e)) !=
		0 ||
	    (rc = file_mkdir(j->files, e)) != 0)
		return rc;
	if ((fd = tree_root(j->files, e)) < 0)
		return fd;
	j->root = fd;
	return 0;
}

static int
open_bundle(struct job *j, struct err *e)
{
	struct err ignored;
	struct stat st;

	if ((j->in = file_open(j->bundle, e)) < 0)
		return j->in;
	if (fstat(j->in, &st) != 0)
		return err_sys(e, "cannot stat");
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
		err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "neither a file nor a folder");
		return err_in(e, j->bundle);
	}
	j->folder = S_ISDIR(st.st_mode);
	j->length = (uint64_t)st.st_size;
	if (j->folder && snapshot_blobs(j->bundle, j->blobs, sizeof(j->blobs)))
		j->cache = tree_root(j->blobs, &ignored);
	return 0;
}

/* --- the work, inside the sandbox ---------------------------------------- */

static int
unpack_file(struct job *j, struct bundle *b, json_t *doc, struct err *e)
{
	struct file_map m;
	struct digest d;
	int rc;

	if ((rc = file_map_fd(j->in, j->bundle, UINT64_MAX, &m, e)) != 0)
		return rc;
	digest_mem(m.ptr, m.len, &d);
	doc_input(doc, "bundle", j->bundle, &d, m.len);
	progress_begin(&j->progress, "unpacking", m.len);
	rc = BUNDLE_PLAIN;
	if (bundle_probe(rd_mem(m.ptr, m.len), j->bundle))
		rc = bundle_archive(
		    b, rd_mem(m.ptr, m.len), !bundle_named(j->bundle), e);
	if (rc == BUNDLE_PLAIN)
		rc = bundle_file(b, j->in, j->bundle, e);
	progress_end(&j->progress);
	file_unmap(&m);
	return rc;
}

static int
unpack_folder(struct job *j, struct bundle *b, json_t *doc, struct err *e)
{
	int rc = doc_input_path(doc, "bundle", j->bundle, e);

	return rc != 0 ? rc : bundle_folder(b, j->in, j->cache, e);
}

static int
unpack(struct job *j, struct bundle *b, json_t *doc, struct err *e)
{
	const char *read[] = {j->bundle, j->blobs};
	struct sandbox_spec spec = {.files = SANDBOX_WRITE_TREE,
	    .dir = j->dir,
	    .read = read,
	    .nread = j->cache >= 0 ? 2
		     : j->folder   ? 1
				   : 0,
	    .memory = UNPACK_MEMORY + j->length,
	    .required = require_sandbox};
	struct sandbox_state state;
	int rc;

	if ((rc = sandbox_enter(&spec, &state, e)) != 0)
		return rc;
	rc =
	    j->folder ? unpack_folder(j, b, doc, e) : unpack_file(j, b, doc, e);
	b->outer = j->folder ? b->bytes : j->length;
	if (rc != 0 || (rc = bundle_nested(b, e)) != 0)
		return rc;
	manifest_put(&j->manifest, doc);
	json_put(doc, "container", json_text(b->container));
	json_put(doc, "findings", json_incref(b->findings));
	json_put(doc, "refused", json_incref(b->refused));
	json_put(doc, "complete", json_boolean(b->complete));
	json_put(doc, "sandbox", sandbox_json(&state));
	return 0;
}

static int
write_manifest(const struct job *j, const json_t *doc, struct err *e)
{
	char path[4096];
	int rc;

	if ((rc = file_join(path, sizeof(path), j->dir, "manifest.json", e)) !=
	    0)
		return rc;
	return json_write_file(path, doc, e);
}

static int
report(const struct job *j, const struct bundle *b, const json_t *doc)
{
	size_t n = manifest_count(&j->manifest);
	int status = show_status(b->findings, b->complete, n == 0);
	struct err e = {0};

	if (as_json) {
		if (json_write_file(NULL, doc, &e) != 0 &&
		    tool_fail(&e) != TOOL_PASSED)
			return status == TOOL_FLAGGED ? status
						      : TOOL_INCOMPLETE;
		return status;
	}
	show_findings(b->findings);
	printf("%s: %zu file%s, %" PRIu64 " bytes", b->container, n,
	    text_plural(n), manifest_bytes(&j->manifest));
	if (json_array_size(b->refused) != 0)
		printf(", %zu refused", json_array_size(b->refused));
	printf("%s\n", b->complete ? "" : "; INCOMPLETE");
	if (!b->complete)
		tool_warn("the bundle was not unpacked completely");
	if (status == TOOL_NOTHING)
		tool_warn("nothing in it");
	return tool_end(status);
}

/* Nothing stays that could be taken for a case. */
static void
clean_up(const struct job *j)
{
	struct err ignored = {0};

	if (j->files[0] != '\0' && file_remove_tree(j->files, &ignored) != 0)
		tool_warn("%s is left behind, without a manifest", j->files);
	if (j->made && rmdir(j->dir) != 0 && file_exists(j->dir))
		tool_note("%s stays, empty", j->dir);
}

static const struct bundle_sink sink_calls = {
    NULL, sink_folder, sink_open, sink_write, sink_close, sink_map, sink_unmap};

static int
run(struct job *j, struct err *e)
{
	struct bundle_sink sink = sink_calls;
	json_t *doc = doc_new("assay-manifest/1");
	struct bundle b;
	int rc, status = TOOL_INCOMPLETE;

	sink.ctx = j;
	bundle_init(&b, &limits, &sink);
	manifest_init(&j->manifest);
	if ((rc = open_bundle(j, e)) != 0 || (rc = open_case(j, e)) != 0 ||
	    (rc = unpack(j, &b, doc, e)) != 0 ||
	    (rc = write_manifest(j, doc, e)) != 0) {
		status = tool_fail(e);
		clean_up(j);
	} else {
		status = report(j, &b, doc);
	}
	manifest_release(&j->manifest);
	bundle_release(&b);
	json_decref(doc);
	return status;
}

int
main(int argc, char **argv)
{
	struct job j = {.in = -1, .root = -1, .cache = -1};
	struct err e = {0};
	int first, rc;

	limits = bundle_defaults;
	if ((rc = opt_parse(&tool, argc, argv, &first)) != OPT_GO)
		return rc == OPT_DONE ? tool_end(TOOL_PASSED) : TOOL_USAGE;
	/* names in archives are UTF-8; a full file is an error, not a signal */
	if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
		tool_note("no C.UTF-8 locale: names beyond ASCII are refused");
	/* libarchive reckons dates, for which libc would seek the time zone */
	if (setenv("TZ", "UTC0", 1) == 0)
		tzset();
	signal(SIGXFSZ, SIG_IGN);
	j.bundle = argv[first];
	j.dir = argv[first + 1];
	return run(&j, &e);
}
