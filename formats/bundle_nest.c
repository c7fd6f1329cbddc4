/* SPDX-License-Identifier: MIT
 * Archives in archives.  The outer one has been read to its end before an
 * inner one is opened, so that the name for what is in it can be chosen beside
 * all others, and nesting is a loop over a list that grows.
 */
#include "formats/bundle_part.h"

#include "base/file.h"
#include "base/text.h"

const char *
bundle_nest_name(struct bundle *b, const char *path, const char *suffix)
{
	char name[LIMIT_MEMBER_NAME + 1], folded[MEMBER_FOLD];
	size_t n;

	if (snprintf(name, sizeof(name), "%s%s", path, suffix) >=
	    (int)sizeof(name) - 1)
		return NULL;
	for (;;) {
		member_fold(name, folded);
		n = strlen(name);
		if (map_get(&b->folded, folded) == SIZE_MAX)
			break;
		if (n + 2 >= sizeof(name))
			return NULL;
		memcpy(name + n, "_", 2);
	}
	memcpy(name + n, "/", 2);
	return arena_strdup(&b->arena, name, n + 1);
}

/* With a name r is a file that was compressed alone, else an archive. */
static int
open_as(struct bundle *b, struct rd r, bool maybe, const char *name,
    const char *prefix, unsigned depth, struct err *e)
{
	char container[sizeof(b->container)];
	const char *old = b->prefix;
	unsigned was = b->depth;
	int rc;

	memcpy(container, b->container, sizeof(container));
	b->container[0] = '\0';
	b->prefix = prefix;
	b->depth = depth;
	b->before = b->bytes;
	rc = name != NULL ? bundle_archive_single(b, r, name, e)
			  : bundle_archive(b, r, maybe, e);
	b->before = 0;
	b->depth = was;
	b->prefix = old;
	memcpy(b->container, container, sizeof(container));
	return rc;
}

int
bundle_nest_open(struct bundle *b, struct rd r, bool maybe, const char *prefix,
    unsigned depth, struct err *e)
{
	return open_as(b, r, maybe, NULL, prefix, depth, e);
}

/* The last part of path without ".gz" and the like, or NULL. */
static const char *
single(struct bundle *b, const char *path)
{
	static const char *const suffix[] = {
	    ".gz", ".xz", ".zst", ".bz2", ".lz4", ".lzma"};
	const char *base = file_base(path);
	size_t n = strlen(base);

	for (size_t i = 0; i < ARRAY_LEN(suffix); i++)
		if (n > strlen(suffix[i]) && text_ends_with(base, suffix[i]))
			return arena_strdup(
			    &b->arena, base, n - strlen(suffix[i]));
	return NULL;
}

static int
open_one(
    struct bundle *b, const struct bundle_file *f, struct rd r, struct err *e)
{
	const char *prefix, *name = NULL;
	bool named = bundle_named(f->path);
	int rc;

	if (!bundle_probe(r, f->path) ||
	    (!named && !bundle_archived(r) &&
		(name = single(b, f->path)) == NULL))
		return 0;
	if (f->depth >= b->limits.depth) {
		bundle_refuse(b, FINDING_ARCHIVE_LIMIT, f->path,
		    "an archive deeper than the limit, kept as it is");
		return 0;
	}
	if ((prefix = bundle_nest_name(b, f->path, ".unpacked")) == NULL) {
		bundle_refuse(b, FINDING_ARCHIVE_LIMIT, f->path,
		    "an archive with too long a name, kept as it is");
		return 0;
	}
	rc = open_as(b, r, !named, name, prefix, f->depth + 1, e);
	return MIN(rc, 0);
}

int
bundle_nested(struct bundle *b, struct err *e)
{
	const struct bundle_file *at;
	int rc;

	if (b->sink->map == NULL)
		return 0;
	if ((rc = bundle_image(b, 0, e)) != 0)
		return rc;
	for (size_t i = 0; (at = bundle_nth(b, i)) != NULL && !b->stop; i++) {
		struct bundle_file f = *at; /* the list moves */
		size_t n = bundle_count(b);
		struct rd r;

		if (f.taken)
			continue;
		if ((rc = b->sink->map(b->sink->ctx, f.path, &r, e)) != 0)
			return rc;
		rc = open_one(b, &f, r, e);
		b->sink->unmap(b->sink->ctx);
		if (rc == 0 && !b->stop && bundle_count(b) != n)
			rc = bundle_image(b, n, e);
		if (rc != 0)
			return rc;
	}
	return 0;
}
