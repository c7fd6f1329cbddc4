/* SPDX-License-Identifier: MIT */
#define _XOPEN_SOURCE 700 /* realpath */
#include "base/snapshot.h"

#include "base/file.h"
#include "base/text.h"

#include <stdlib.h>

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
