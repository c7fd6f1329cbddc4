/* SPDX-License-Identifier: MIT */
#define _XOPEN_SOURCE 700 /* S_ISVTX */
#include "formats/bundle.h"

#include "base/digest.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "formats/bundle_cache.h"
#include "formats/bundle_part.h"
#include "formats/identify.h"

#include <errno.h>
#include <stdarg.h>
#include <unistd.h>

#define ARENA_CAP ((size_t)1 << 30)

const struct bundle_limits bundle_defaults = {
    .entries = LIMIT_BUNDLE_ENTRIES,
    .bytes = LIMIT_BUNDLE_BYTES,
    .member = LIMIT_MODEL_FILE,
    .ratio = LIMIT_BUNDLE_RATIO,
    .depth = LIMIT_BUNDLE_DEPTH,
    .name = LIMIT_MEMBER_NAME,
};

void
bundle_init(struct bundle *b, const struct bundle_limits *limits,
    const struct bundle_sink *sink)
{
	*b = (struct bundle){.limits = *limits,
	    .sink = sink,
	    .findings = json_array(),
	    .refused = json_array(),
	    .prefix = "",
	    .complete = true};
	arena_init(&b->arena, ARENA_CAP);
	if ((b->block = arena_alloc(&b->arena, BUNDLE_CHUNK, 1)) == NULL)
		BUG("arena");
	map_init(&b->seen, &b->arena);
	map_init(&b->folded, &b->arena);
}

void
bundle_release(struct bundle *b)
{
	json_decref(b->findings);
	json_decref(b->refused);
	buf_free(&b->made);
	buf_free(&b->links);
	arena_release(&b->arena);
	*b = (struct bundle){0};
}

static void
incomplete(struct bundle *b, bool stop)
{
	b->complete = false;
	b->stop = b->stop || stop;
}

/* Members of inner archives are named with what they are put beneath. */
static const char *
shown(const struct bundle *b, const char *path, char *out, size_t size)
{
	size_t n = strlen(b->prefix);

	if (n == 0 || strncmp(path, b->prefix, n) == 0)
		return path;
	if (*path == '\0')
		snprintf(out, size, "%.*s", (int)n - 1, b->prefix);
	else
		snprintf(out, size, "%s%s", b->prefix, path);
	return out;
}

void
bundle_find(struct bundle *b, enum finding_id id, const char *path,
    const char *fmt, ...)
{
	char detail[512], where[4096];
	va_list ap;

	/* one place is kept for saying that there are too many */
	if (json_array_size(b->findings) + 1 >= LIMIT_FINDINGS) {
		if (!b->stop)
			json_add(b->findings,
			    finding_json(FINDING_ARCHIVE_LIMIT, "", UINT64_MAX,
				"more than %d findings", LIMIT_FINDINGS));
		incomplete(b, true);
		return;
	}
	va_start(ap, fmt);
	vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	path = shown(b, path, where, sizeof(where));
	json_add(b->findings, finding_json(id, path, UINT64_MAX, "%s", detail));
	if (id == FINDING_ARCHIVE_LIMIT || id == FINDING_ARCHIVE_TRUNCATED ||
	    id == FINDING_ARCHIVE_ENCRYPTED || id == FINDING_ZIP_METHOD)
		incomplete(b, false);
}

void
bundle_refuse(
    struct bundle *b, enum finding_id id, const char *path, const char *reason)
{
	json_t *r = json_object();
	char where[4096];

	path = shown(b, path, where, sizeof(where));
	json_put(r, "path", json_text(path));
	json_put(r, "reason", json_text(reason));
	json_put(r, "finding", json_text(finding_table[id].name));
	json_add(b->refused, r);
	bundle_find(b, id, path, "%s", reason);
}

/* Whether `out` bytes are too many of `in`. */
static bool
expands(const struct bundle *b, uint64_t out, uint64_t in)
{
	uint64_t most;

	if (ckd_mul(&most, in, b->limits.ratio))
		most = UINT64_MAX;
	return out > LIMIT_BUNDLE_FREE && out > most;
}

bool
bundle_spend(struct bundle *b, const char *path, uint64_t n, uint64_t consumed)
{
	uint64_t all = b->depth == 0 ? consumed : b->outer;

	b->bytes += n;
	if (b->bytes > b->limits.bytes) {
		bundle_find(b, FINDING_ARCHIVE_LIMIT, path,
		    "more than %" PRIu64 " bytes in all", b->limits.bytes);
		incomplete(b, true);
		return false;
	}
	/* an inner archive by itself, and all of them against the bundle */
	if (expands(b, b->bytes - b->before, consumed) ||
	    expands(b, b->bytes, all)) {
		bundle_find(b, FINDING_ARCHIVE_LIMIT, path,
		    "expands more than %" PRIu64 " times", b->limits.ratio);
		incomplete(b, true);
		return false;
	}
	return true;
}

/* --- what was kept ------------------------------------------------------- */

size_t
bundle_count(const struct bundle *b)
{
	return b->made.len / sizeof(struct bundle_file);
}

struct bundle_file *
bundle_nth(const struct bundle *b, size_t i)
{
	struct bundle_file *f = (struct bundle_file *)(void *)b->made.ptr;

	return i < bundle_count(b) ? f + i : NULL;
}

void
bundle_made(struct bundle *b, const char *path)
{
	struct bundle_file f = {.depth = b->depth};

	f.path = arena_strdup(&b->arena, path, strlen(path));
	if (f.path != NULL)
		buf_append(&b->made, &f, sizeof(f));
	else
		bundle_find(b, FINDING_ARCHIVE_LIMIT, path, "too many names");
}

/* Names that some system takes for one file; of folders on the way too. */
static void
check_fold(struct bundle *b, const char *path)
{
	char folded[MEMBER_FOLD], part[LIMIT_MEMBER_NAME + 1];

	for (size_t n = 0; path[n] != '\0'; n++) {
		char *key, *name;
		int rc = ERR_LIMIT;

		n += strcspn(path + n, "/");
		memcpy(part, path, n);
		part[n] = '\0';
		if (map_get(&b->seen, part) != SIZE_MAX) {
			if (path[n] == '\0')
				return;
			continue;
		}
		member_fold(part, folded);
		key = arena_strdup(&b->arena, folded, strlen(folded));
		name = arena_strdup(&b->arena, part, n);
		if (key != NULL && name != NULL &&
		    map_put(&b->seen, name, 1) >= 0)
			rc = map_put(&b->folded, key, 1);
		if (rc == 0)
			bundle_find(b, FINDING_ARCHIVE_CASE, part,
			    "another name differs only in case or "
			    "Unicode form");
		if (rc < 0) {
			bundle_find(
			    b, FINDING_ARCHIVE_LIMIT, path, "too many names");
			incomplete(b, true);
		}
		if (path[n] == '\0' || b->stop)
			return;
	}
}

/* Beneath the prefix, if that is not too long. */
static enum member_verdict
put_beneath(const struct bundle *b, struct member *m)
{
	char path[2 * LIMIT_MEMBER_NAME + 2];
	int n = snprintf(path, sizeof(path), "%s%s", b->prefix, m->path);

	if (n < 0 || (size_t)n > MIN(b->limits.name, LIMIT_MEMBER_NAME)) {
		m->finding = FINDING_ARCHIVE_LIMIT;
		m->reason = "name longer than the limit";
		return MEMBER_REFUSED;
	}
	memcpy(m->path, path, (size_t)n + 1);
	return MEMBER_ACCEPTED;
}

bool
bundle_admit(struct bundle *b, const char *raw, unsigned mode, struct member *m)
{
	enum member_verdict v;

	if (++b->entries > b->limits.entries) {
		bundle_find(b, FINDING_ARCHIVE_LIMIT, raw,
		    "more than %" PRIu64 " members", b->limits.entries);
		incomplete(b, true);
		return false;
	}
	if ((v = member_check(raw, m)) == MEMBER_ACCEPTED)
		v = put_beneath(b, m);
	if (v == MEMBER_ACCEPTED && b->veto != NULL &&
	    b->veto(b, m->path, mode))
		return false;
	if ((mode & (S_ISUID | S_ISGID | S_ISVTX | S_IWOTH)) != 0 &&
	    !S_ISLNK(mode))
		bundle_find(b, FINDING_ARCHIVE_MODE, raw, "mode %04o%s",
		    mode & 07777U,
		    S_ISDIR(mode) ? " on a folder" : "; extracted as 0644");
	if (v == MEMBER_REFUSED) {
		bundle_refuse(b, m->finding, raw, m->reason);
		return false;
	}
	if (!S_ISREG(mode) && !S_ISDIR(mode)) {
		bundle_refuse(b,
		    S_ISLNK(mode) && b->veto != NULL
			? FINDING_ARCHIVE_IMAGE_LINK
		    : S_ISLNK(mode) ? FINDING_ARCHIVE_LINK
				    : FINDING_ARCHIVE_DEVICE,
		    raw,
		    S_ISLNK(mode)    ? "link"
		    : S_ISFIFO(mode) ? "pipe"
		    : S_ISSOCK(mode) ? "socket"
				     : "device");
		return false;
	}
	if (v == MEMBER_ROOT && S_ISREG(mode))
		bundle_refuse(
		    b, FINDING_ARCHIVE_NAME, raw, "a file named as a folder");
	if (v == MEMBER_ROOT)
		return false;
	check_fold(b, m->path);
	return !b->stop;
}

/* --- folders and single files -------------------------------------------- */

/* Copy what fd holds to the open member; *whole tells whether all came. */
static int
copy(struct bundle *b, int fd, const char *path, bool *whole, struct err *e)
{
	uint64_t total = 0;
	ssize_t n;
	int rc;

	*whole = false;
	while ((n = read(fd, b->block, BUNDLE_CHUNK)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			err_sys(e, "cannot read");
			return err_in(e, path);
		}
		total += (uint64_t)n;
		if (total > b->limits.member) {
			bundle_refuse(b, FINDING_ARCHIVE_LIMIT, path,
			    "larger than one member may be");
			return 0;
		}
		if (!bundle_spend(b, path, (uint64_t)n, UINT64_MAX))
			return 0;
		rc = b->sink->write(b->sink->ctx, b->block, (size_t)n, e);
		if (rc != 0)
			return rc;
	}
	*whole = true;
	return 0;
}

/* Creates path and fills it from fd. */
static int
take(struct bundle *b, int fd, const char *path, struct err *e)
{
	struct err ignored = {0};
	bool whole;
	int rc;

	if ((rc = b->sink->open(b->sink->ctx, path, e)) < 0)
		return rc;
	if (rc == BUNDLE_EXISTS) {
		bundle_refuse(
		    b, FINDING_ARCHIVE_DUPLICATE, path, "the name is taken");
		return 0;
	}
	if ((rc = copy(b, fd, path, &whole, e)) != 0) {
		if (b->sink->close(b->sink->ctx, false, &ignored) != 0)
			return rc;
		return rc;
	}
	if ((rc = b->sink->close(b->sink->ctx, whole, e)) == 0 && whole)
		bundle_made(b, path);
	return rc;
}

int
bundle_strict(const struct bundle_limits *limits,
    const struct bundle_sink *sink, struct rd r, const char *what,
    struct err *e)
{
	struct bundle b;
	int rc;

	bundle_init(&b, limits, sink);
	rc = bundle_archive(&b, r, false, e);
	if (rc == 0 && json_array_size(b.findings) != 0) {
		const json_t *f = json_array_get(b.findings, 0);

		rc = err_set(e, b.stop ? ERR_LIMIT : ERR_FORMAT, ERR_NOWHERE,
		    "%s: %s: %s (%s)", what,
		    json_string_value(json_object_get(f, "path")),
		    json_string_value(json_object_get(f, "summary")),
		    json_string_value(json_object_get(f, "detail")));
	}
	bundle_release(&b);
	return rc;
}

int
bundle_file(struct bundle *b, int fd, const char *path, struct err *e)
{
	struct member m;

	snprintf(b->container, sizeof(b->container), "file");
	if (lseek(fd, 0, SEEK_SET) != 0)
		return err_sys(e, "cannot rewind");
	if (!bundle_admit(b, file_base(path), S_IFREG | 0644, &m))
		return 0;
	return take(b, fd, m.path, e);
}

int
bundle_copy(struct bundle *b, struct rd r, const char *path, uint64_t consumed,
    struct err *e)
{
	const struct bundle_sink *s = b->sink;
	bool whole = false;
	int rc;

	if ((rc = s->open(s->ctx, path, e)) < 0)
		return rc;
	if (rc == BUNDLE_EXISTS) {
		bundle_refuse(
		    b, FINDING_ARCHIVE_DUPLICATE, path, "the name is taken");
		return 0;
	}
	if (bundle_spend(b, path, rd_left(&r), consumed)) {
		rc = s->write(s->ctx, r.base + r.off, rd_left(&r), e);
		whole = rc == 0;
	}
	if (rc != 0) {
		struct err late = {0};

		(void)!s->close(s->ctx, false, &late);
		return rc;
	}
	if ((rc = s->close(s->ctx, whole, e)) == 0 && whole)
		bundle_made(b, path);
	return rc;
}

int
bundle_verify(
    struct bundle *b, struct bundle_file *f, const char *hex, struct err *e)
{
	struct digest want, have;
	struct rd r;
	int rc;

	if (f->hashed)
		return 0;
	if ((rc = b->sink->map(b->sink->ctx, f->path, &r, e)) != 0)
		return rc;
	digest_mem(r.base, r.len, &have);
	b->sink->unmap(b->sink->ctx);
	f->hashed = true;
	if (!digest_parse(hex, &want))
		bundle_find(b, FINDING_ARCHIVE_DIGEST, f->path,
		    "its name is no SHA-256");
	else if (!digest_equal(&want, &have))
		bundle_find(b, FINDING_ARCHIVE_DIGEST, f->path,
		    "its SHA-256 is not %s", hex);
	else
		f->good = true;
	return 0;
}

struct folder {
	struct bundle *b;
	struct bundle_cache cache;
};

/* A link of a Hugging Face cache: the file that it stands for. */
static int
take_blob(struct bundle *b, int fd, const char *name,
    const struct tree_entry *link, struct err *e)
{
	struct member m;
	int rc;

	if (!bundle_admit(b, link->path, S_IFREG | 0644, &m)) {
		close(fd);
		return b->stop;
	}
	rc = take(b, fd, m.path, e);
	close(fd);
	/* those of LFS are named by their SHA-256 */
	if (rc == 0 && !b->stop && strlen(name) == 2 * DIGEST_LEN &&
	    b->sink->map != NULL && bundle_count(b) != 0)
		rc = bundle_verify(
		    b, bundle_nth(b, bundle_count(b) - 1), name, e);
	return rc != 0 ? rc : b->stop;
}

static int
each(void *ctx, const struct tree_entry *entry, struct err *e)
{
	struct folder *f = ctx;
	const char *name;
	struct member m;
	int fd, rc;

	if (S_ISLNK(entry->st.st_mode) &&
	    (fd = bundle_cache_open(&f->cache, entry, &name)) >= 0)
		return take_blob(f->b, fd, name, entry, e);
	if (!bundle_admit(f->b, entry->path, entry->st.st_mode, &m))
		return f->b->stop;
	if (S_ISDIR(entry->st.st_mode))
		return f->b->sink->folder(f->b->sink->ctx, m.path, e);
	if ((fd = tree_open(f->cache.root, entry->path, e)) < 0)
		return fd;
	rc = take(f->b, fd, m.path, e);
	close(fd);
	return rc != 0 ? rc : f->b->stop;
}

int
bundle_folder(struct bundle *b, int fd, int blobs, struct err *e)
{
	struct folder f = {.b = b};
	int rc;

	bundle_cache_init(&f.cache, fd, blobs, &b->arena);
	snprintf(b->container, sizeof(b->container), "directory");
	rc = tree_walk(fd, &b->arena, each, &f, e);
	bundle_cache_release(&f.cache);
	if (rc == ERR_LIMIT) {
		bundle_find(b, FINDING_ARCHIVE_LIMIT, e->path, "%s", e->msg);
		return 0;
	}
	return MIN(rc, 0);
}

bool
bundle_named(const char *path)
{
	static const char *const suffix[] = {".tar", ".tar.gz", ".tgz",
	    ".tar.xz", ".txz", ".tar.zst", ".tzst", ".tar.bz2", ".tbz2", ".tbz",
	    ".tar.lz4", ".tar.lzma", ".tlz", ".zip", ".mar", ".nemo", ".7z"};

	for (size_t i = 0; i < ARRAY_LEN(suffix); i++)
		if (text_ends_with(path, suffix[i]))
			return true;
	return false;
}

bool
bundle_probe(struct rd r, const char *path)
{
	static const char *const archive[] = {
	    "tar", "zip", "7z", "gzip", "xz", "zstd", "bzip2", "lz4", "lzma"};
	struct identify_bids bids;

	if (bundle_named(path))
		return true;
	identify(r, &bids);
	for (size_t i = 0; bids.best != NULL && i < ARRAY_LEN(archive); i++)
		if (strcmp(bids.best->name, archive[i]) == 0)
			return true;
	return false;
}
