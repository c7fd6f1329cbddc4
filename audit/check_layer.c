/* SPDX-License-Identifier: MIT */
#include "audit/check_layer.h"

#include "base/text.h"

#define DIGITS 64 /* of SHA-256 */

static bool
is_digest(const char *s)
{
	return strspn(s, "0123456789abcdef") == DIGITS;
}

/* What stands behind the name of a layer in the path; NULL: it names none. */
static const char *
behind(const char *path)
{
	static const char blobs[] = "blobs/sha256/", layer[] = "/layer.tar";
	const char *p = path, *end;

	while (p != NULL) {
		end = NULL;
		if (is_digest(p) &&
		    strncmp(p + DIGITS, layer, sizeof(layer) - 1) == 0)
			end = p + DIGITS + sizeof(layer) - 1;
		else if (strncmp(p, blobs, sizeof(blobs) - 1) == 0 &&
			 is_digest(p + sizeof(blobs) - 1))
			end = p + sizeof(blobs) - 1 + DIGITS;
		if (end != NULL && (*end == '\0' || *end == '/'))
			return end;
		p = strchr(p, '/');
		p = p != NULL ? p + 1 : NULL;
	}
	return NULL;
}

/* The last of path and member that names one. */
static const char *
layer_of(const struct check_file *f)
{
	const char *end = f->member != NULL ? behind(f->member) : NULL;

	return end != NULL ? end : behind(f->path);
}

static bool
is_of_system(const char *name)
{
	static const char *const folders[] = {"bin/", "dev/", "etc/", "lib/",
	    "lib32/", "lib64/", "libx32/", "opt/", "run/", "sbin/", "usr/",
	    "var/"};

	if (strncmp(name, "./", 2) == 0)
		name += 2;
	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		if (text_begins_with(name, strlen(name), folders[i]))
			return true;
	return false;
}

bool
check_layer_has(const struct check_file *f, const char *name)
{
	const char *end = layer_of(f);

	return end != NULL && *end == '\0' && is_of_system(name);
}

bool
check_layer_is_in(const struct check_file *f)
{
	const char *end = layer_of(f);

	/* the path is the archive's, the member what is in it */
	if (end != NULL && *end == '\0' && f->member != NULL)
		return is_of_system(f->member);
	return end != NULL && *end == '/' && is_of_system(end + 1);
}
