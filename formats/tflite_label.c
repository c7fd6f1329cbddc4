/* SPDX-License-Identifier: MIT
 * APPNOTE 4.3.16 (end record), 4.3.12 (central directory), 4.3.7 (local
 * header).  Stored members only, as MetadataPopulator writes them.
 */
#include "formats/tflite_label.h"

#include "base/limits.h"
#include "base/text.h"

#define END_SIZE    22
#define COMMENT_MAX 65535

/* A cursor at `off`; false when that is outside. */
static bool
go(struct rd file, uint64_t off, struct rd *out)
{
	*out = file;
	return rd_skip(out, off) == 0;
}

static uint64_t
number(struct rd file, uint64_t off, size_t width)
{
	struct slice s;
	struct rd r;
	uint64_t v = 0;

	if (!go(file, off, &r) || rd_bytes(&r, width, &s) != 0)
		return UINT64_MAX;
	for (size_t k = width; k-- > 0;)
		v = v << 8 | s.ptr[k];
	return v;
}

/* The end record, SIZE_MAX when there is none. */
static uint64_t
find_end(struct rd file)
{
	for (size_t i = 0; i <= COMMENT_MAX && i + END_SIZE <= file.len; i++) {
		uint64_t at = file.len - END_SIZE - i;

		if (number(file, at, 4) == 0x06054b50 &&
		    number(file, at + 20, 2) == i)
			return at;
	}
	return UINT64_MAX;
}

/* The bytes of a stored member. */
static bool
find_member(struct rd file, struct slice name, struct slice *out)
{
	uint64_t end = find_end(file), at, n, local, size;
	struct slice s;
	struct rd r;

	if (end == UINT64_MAX)
		return false;
	n = number(file, end + 10, 2);
	at = number(file, end + 16, 4);
	for (; n > 0 && number(file, at, 4) == 0x02014b50; n--) {
		uint64_t len = number(file, at + 28, 2);

		size = number(file, at + 20, 4);
		local = number(file, at + 42, 4);
		if (number(file, at + 10, 2) == 0 && len == name.len &&
		    go(file, at + 46, &r) && rd_bytes(&r, len, &s) == 0 &&
		    memcmp(s.ptr, name.ptr, name.len) == 0 &&
		    number(file, local, 4) == 0x04034b50)
			return go(file,
				   local + 30 + number(file, local + 26, 2) +
				       number(file, local + 28, 2),
				   &r) &&
			       rd_bytes(&r, size, out) == 0;
		at += 46 + len + number(file, at + 30, 2) +
		      number(file, at + 32, 2);
	}
	return false;
}

const char **
tflite_label_read(
    struct rd file, struct slice member, size_t n, struct arena *a)
{
	struct slice s;
	const char **out, *p;
	size_t at = 0, i = 0;

	if (member.len == 0 || n == 0 || !find_member(file, member, &s) ||
	    s.len == 0)
		return NULL;
	p = (const char *)s.ptr;
	if (!text_utf8_valid(p, s.len) || memchr(p, '\0', s.len) != NULL ||
	    (out = arena_alloc(a, n, sizeof(*out))) == NULL)
		return NULL;
	for (; at < s.len; i++) {
		const char *end = memchr(p + at, '\n', s.len - at);
		size_t len = end != NULL ? (size_t)(end - p) - at : s.len - at;
		size_t bare = len;

		while (bare > 0 && p[at + bare - 1] == '\r')
			bare--;
		if (i == n || bare > LIMIT_NAME ||
		    (out[i] = arena_strdup(a, p + at, bare)) == NULL)
			return NULL;
		at += len + 1;
	}
	return i == n ? out : NULL;
}
