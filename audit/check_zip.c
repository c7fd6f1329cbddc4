/* SPDX-License-Identifier: MIT
 * Zip archives, read in every way that a reader may read them: what the ways
 * do not agree on is found, and the bytes of all of them are looked at.
 */
#include "audit/check_zip_part.h"

#include "base/limits.h"

const char *
check_zip_name(struct check_zip *z, struct slice s)
{
	const char *name = NULL;

	if (s.len != 0)
		name = arena_strdup(
		    &z->arena, (const char *)s.ptr, MIN(s.len, LIMIT_NAME));
	return name != NULL && *name != '\0' ? name : "(no name)";
}

/* Another format begins the file, and its own checks look at it. */
static bool
is_behind(const struct check_file *f)
{
	for (size_t i = 0; i < f->bids->n; i++)
		if (f->bids->bits[i] >= IDENTIFY_STRONG &&
		    strcmp(f->bids->bid[i]->name, "zip") != 0 &&
		    (strcmp(f->bids->bid[i]->within, "zip") != 0 ||
			strcmp(f->bids->bid[i]->name, "tflite") == 0))
			return true;
	return false;
}

void
check_zip(const struct check_file *f)
{
	struct check_zip z = {.f = f, .file = f->bytes, .tell = {.f = f}};

	if (!check_is(f, "zip"))
		return;
	check_knows(f);
	z.file.off = 0;
	z.behind = is_behind(f);
	arena_init(&z.arena, LIMIT_INSPECT_NAMES);
	check_zip_ends(&z);
	check_zip_ground(&z);
	check_zip_judge(&z);
	check_zip_hand(&z);
	check_tell_rest(&z.tell);
	buf_free(&z.entries);
	buf_free(&z.spans);
	arena_release(&z.arena);
}
