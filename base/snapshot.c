/* SPDX-License-Identifier: MIT */
#define _XOPEN_SOURCE 700 /* realpath, readlink */
#include "base/snapshot.h"

#include "base/file.h"
#include "base/text.h"

#include <stdlib.h>
#include <unistd.h>

bool
snapshot_is_blob(const char *name)
{
	size_t n = strspn(name, "0123456789abcdef");

	return name[n] == '\0' && (n == 40 || n == 64);
}

bool
snapshot_blobs(const char *path, char *out, size_t size)
{
	static const char word[] = "/snapshots";
	char *at = realpath(path, NULL);
	char *slash = at != NULL ? strrchr(at, '/') : NULL;
	bool found = false;

	if (slash != NULL) {
		*slash = '\0';
		if (text_ends_with(at, word)) {
			at[strlen(at) - strlen(word)] = '\0';
			found =
			    snprintf(out, size, "%s/blobs", at) < (int)size &&
			    file_is_dir(out);
		}
	}
	free(at);
	return found;
}

const char *
snapshot_blob(const char *inside, const char *to)
{
	static const char up[] = "../", blobs[] = "blobs/";
	size_t folders = 2; /* <revision>, snapshots */

	for (; (inside = strchr(inside, '/')) != NULL; inside++)
		folders++;
	for (; folders > 0; folders--, to += strlen(up))
		if (strncmp(to, up, strlen(up)) != 0)
			return NULL;
	if (strncmp(to, blobs, strlen(blobs)) != 0 ||
	    !snapshot_is_blob(to + strlen(blobs)))
		return NULL;
	return to + strlen(blobs);
}

const char *
snapshot_in_cache(const char *rel, size_t *folder)
{
	static const char word[] = "snapshots/";
	const char *file;

	for (const char *at = rel; at != NULL; at = strchr(at, '/')) {
		at += *at == '/';
		if (strncmp(at, word, strlen(word)) != 0 ||
		    (file = strchr(at + strlen(word), '/')) == NULL)
			continue;
		*folder = (size_t)(at - rel);
		return file + 1;
	}
	return NULL;
}

bool
snapshot_follow(const char *root, const char *blobs, const char *rel,
    const char *path, char *at, size_t size)
{
	ssize_t n = readlink(path, at, size - 1);
	const char *file, *name;
	char to[4096];
	size_t folder;

	if (n < 0 || (size_t)n >= sizeof(to))
		return false;
	memcpy(to, at, (size_t)n);
	to[n] = '\0';
	if ((file = snapshot_in_cache(rel, &folder)) != NULL)
		return (name = snapshot_blob(file, to)) != NULL &&
		       snprintf(at, size, "%s/%.*sblobs/%s", root, (int)folder,
			   rel, name) < (int)size;
	return blobs[0] != '\0' && (name = snapshot_blob(rel, to)) != NULL &&
	       snprintf(at, size, "%s/%s", blobs, name) < (int)size;
}
