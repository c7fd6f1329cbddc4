/* SPDX-License-Identifier: MIT */
#include "report/parts.h"

#include "base/limits.h"

int
parts_read(const json_t *input, const struct digest *digest,
    struct subject *parts, bool *found, struct err *e)
{
	const json_t *list = json_at(input, "files");
	int rc;

	*found = false;
	if (list == NULL)
		return 0;
	if (!json_is_array(list) || json_array_size(list) == 0)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "'files' of an input is no list of files");
	if ((rc = subject_list(parts, list, "name", "sha256", e)) != 0)
		return rc;
	*found = digest_equal(&parts->dirhash, digest);
	if (*found)
		return 0;
	subject_release(parts);
	return err_set(e, ERR_FORMAT, ERR_NOWHERE,
	    "chain of digests is broken: the sha256 of a model is not that of "
	    "its files");
}

static int
by_path(const void *key, const void *f)
{
	return strcmp(key, ((const struct subject_file *)f)->path);
}

static bool
has(const struct subject *s, const char *folder, size_t n,
    const struct subject_file *part)
{
	const struct subject_file *f;
	char path[2 * LIMIT_MEMBER_NAME + 2];
	int len;

	len =
	    snprintf(path, sizeof(path), "%.*s%s", (int)n, folder, part->path);
	if (len < 0 || (size_t)len >= sizeof(path) || s->n == 0)
		return false;
	f = bsearch(path, s->file, s->n, sizeof(*f), by_path);
	return f != NULL && !f->odd && digest_equal(&f->digest, &part->digest);
}

/* Whether all of them lie beneath the first n bytes of `at`. */
static bool
all_in(const struct subject *parts, const struct subject *files, const char *at,
    size_t n)
{
	for (size_t i = 0; i < parts->n; i++)
		if (!has(files, at, n, &parts->file[i]))
			return false;
	return true;
}

bool
parts_among(
    const struct subject *parts, struct subject *files, const char **folder)
{
	const char *first = parts->file[0].path;
	size_t len = strlen(first);

	for (size_t i = 0; i < files->n; i++) {
		const char *path = files->file[i].path;
		size_t n = strlen(path);

		if (n < len || strcmp(path + n - len, first) != 0)
			continue;
		n -= len; /* with the slash */
		if ((n != 0 && path[n - 1] != '/') ||
		    !all_in(parts, files, path, n))
			continue;
		*folder =
		    n == 0 ? "." : arena_strdup(&files->arena, path, n - 1);
		return *folder != NULL;
	}
	return false;
}
