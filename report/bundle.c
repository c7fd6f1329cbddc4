/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* renameat2 */
#include "report/bundle.h"

#include "report/envelope.h"

#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* An empty directory, or one that holds a statement of ours. */
static bool
is_report(const char *path)
{
	const struct dirent *d;
	bool empty = true;
	DIR *dir;

	if (envelope_is_report(path))
		return true;
	if ((dir = opendir(path)) == NULL)
		return false;
	while ((d = readdir(dir)) != NULL)
		empty &=
		    strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0;
	closedir(dir);
	return empty;
}

/* The files that were audited stay as they are. */
int
bundle_apart(const char *out, const char *dir, struct err *e)
{
	char files[1024];
	int rc = file_join(files, sizeof(files), dir, "files", e);

	if (rc != 0 || !file_out_within(out, files))
		return rc;
	err_set(e, ERR_USAGE, ERR_NOWHERE,
	    "lies among the files that were audited");
	return err_in(e, out);
}

int
bundle_begin(struct bundle *b, const char *path, bool force, struct err *e)
{
	size_t len = strlen(path);
	mode_t mask = umask(0);

	umask(mask);
	*b = (struct bundle){0};
	while (len > 1 && path[len - 1] == '/')
		len--;
	if (len == 0 || len >= sizeof(b->path))
		return err_set(
		    e, ERR_USAGE, ERR_NOWHERE, "not a name for a directory");
	memcpy(b->path, path, len);
	if (file_exists(b->path)) {
		if (!force)
			err_set(e, ERR_USAGE, ERR_NOWHERE,
			    "exists already; --force replaces a report");
		else if (!is_report(b->path))
			err_set(e, ERR_USAGE, ERR_NOWHERE,
			    "is not a report and is not replaced");
		if (!force || !is_report(b->path))
			return err_in(e, b->path);
		b->replace = true;
	}
	snprintf(b->temp, sizeof(b->temp), "%s.XXXXXX", b->path);
	if (mkdtemp(b->temp) == NULL || chmod(b->temp, 0777 & ~mask) != 0) {
		err_sys(e, "cannot create a directory beside it");
		b->temp[0] = '\0';
		return err_in(e, b->path);
	}
	return 0;
}

int
bundle_add(struct bundle *b, const char *name, const void *p, size_t len,
    struct err *e)
{
	char path[1200];
	int rc = file_join(path, sizeof(path), b->temp, name, e);

	return rc != 0 ? rc : file_write(path, p, len, e);
}

int
bundle_commit(struct bundle *b, struct err *e)
{
	unsigned flags = b->replace ? RENAME_EXCHANGE : RENAME_NOREPLACE;
	int rc = renameat2(AT_FDCWD, b->temp, AT_FDCWD, b->path, flags);

	if (rc != 0 && (errno == EINVAL || errno == ENOSYS)) {
		/* a file system that cannot exchange: the old one goes first */
		if (b->replace && file_remove_tree(b->path, e) != 0)
			return e->code;
		b->replace = false;
		rc = rename(b->temp, b->path);
	}
	if (rc != 0) {
		err_sys(e, "cannot rename into place");
		return err_in(e, b->path);
	}
	/* after an exchange the old report is what the temporary name holds */
	if (b->replace && file_remove_tree(b->temp, e) != 0)
		return e->code;
	b->temp[0] = '\0';
	return 0;
}

void
bundle_abort(struct bundle *b)
{
	struct err e = {0};

	if (b->temp[0] != '\0' && file_remove_tree(b->temp, &e) != 0)
		return;
	b->temp[0] = '\0';
}
