/* SPDX-License-Identifier: MIT */
#include "audit/check_layer.h"

#include <string.h>

#define DIGITS 64 /* of SHA-256 */

static bool
is_digest(const char *s)
{
	return strspn(s, "0123456789abcdef") == DIGITS;
}

/* The name of an archive ends at s, or a member's begins behind a "/". */
static bool
ends(const char *s)
{
	return *s == '\0' || *s == '/';
}

static bool
names_layer(const char *path)
{
	static const char blobs[] = "blobs/sha256/", layer[] = "/layer.tar";
	const char *p = path;

	while (p != NULL) {
		if (is_digest(p) &&
		    strncmp(p + DIGITS, layer, sizeof(layer) - 1) == 0 &&
		    ends(p + DIGITS + sizeof(layer) - 1))
			return true;
		if (strncmp(p, blobs, sizeof(blobs) - 1) == 0 &&
		    is_digest(p + sizeof(blobs) - 1) &&
		    ends(p + sizeof(blobs) - 1 + DIGITS))
			return true;
		p = strchr(p, '/');
		p = p != NULL ? p + 1 : NULL;
	}
	return false;
}

bool
check_layer(const struct check_file *f)
{
	return names_layer(f->path) ||
	       (f->member != NULL && names_layer(f->member));
}
