/* SPDX-License-Identifier: MIT */
#include "formats/imagetable.h"

#include "base/limits.h"
#include "base/text.h"
#include "formats/member.h"

#include <strings.h>

struct table {
	struct rd rd; /* behind the head */
	char between;
	size_t file, class; /* columns */
};

bool
imagetable_line(struct rd *r, struct slice *out)
{
	const uint8_t *at = r->base + r->off, *end;
	size_t left = rd_left(r);

	if (left == 0)
		return false;
	end = memchr(at, '\n', left);
	*out = (struct slice){at, end != NULL ? (size_t)(end - at) : left};
	r->off += out->len + (end != NULL);
	if (out->len > 0 && at[out->len - 1] == '\r')
		out->len--;
	return true;
}

/* Column k of a line; false when there are fewer. */
static bool
column(struct slice line, char between, size_t k, struct slice *out)
{
	const uint8_t *at = line.ptr;
	size_t left = line.len;

	for (;; k--) {
		const uint8_t *end =
		    left != 0 ? memchr(at, between, left) : NULL;
		size_t n = end != NULL ? (size_t)(end - at) : left;

		if (k == 0) {
			*out = (struct slice){at, n};
			return true;
		}
		if (end == NULL)
			return false;
		at += n + 1;
		left -= n + 1;
	}
}

/* A field of a CSV file without its quotation marks. */
static struct slice
bare(struct slice s)
{
	if (s.len >= 2 && s.ptr[0] == '"' && s.ptr[s.len - 1] == '"')
		return (struct slice){s.ptr + 1, s.len - 2};
	return s;
}

/* Where a name of the column stands in the list, SIZE_MAX: nowhere. */
static size_t
place(struct slice s, const char *const *list)
{
	for (size_t i = 0; list[i] != NULL; i++)
		if (s.len == strlen(list[i]) &&
		    strncasecmp((const char *)s.ptr, list[i], s.len) == 0)
			return i;
	return SIZE_MAX;
}

/* The best columns that there are. */
static bool
read_head(struct rd r, char between, struct table *t)
{
	static const char *const files[] = {
	    "filename", "file_name", "path", "filepath", "file", "image", NULL};
	static const char *const classes[] = {
	    "classid", "class_id", "label", "class", "target", NULL};
	size_t file = SIZE_MAX, class = SIZE_MAX, at;
	struct slice line, s;

	if (!imagetable_line(&r, &line) || line.len > LIMIT_NAME)
		return false;
	if (line.len >= 3 && memcmp(line.ptr, "\xef\xbb\xbf", 3) == 0)
		line = (struct slice){line.ptr + 3, line.len - 3};
	for (size_t k = 0; column(line, between, k, &s); k++) {
		s = bare(s);
		if ((at = place(s, files)) < file) {
			file = at;
			t->file = k;
		}
		if ((at = place(s, classes)) < class) {
			class = at;
			t->class = k;
		}
	}
	t->rd = r;
	t->between = between;
	return file != SIZE_MAX && class != SIZE_MAX;
}

static void
open_table(struct rd r, struct table *t)
{
	*t = (struct table){.rd = r};
	if (read_head(r, ';', t) || read_head(r, ',', t))
		return;
	*t = (struct table){.rd = r, .between = '\t', .class = 1};
}

bool
imagetable_probe(const char *name, struct rd r)
{
	struct table t;

	if (strcmp(name, "val_annotations.txt") == 0)
		return true;
	if (!text_ends_with(name, ".csv"))
		return false;
	open_table(r, &t);
	return t.between != '\t';
}

static int
read_row(const struct table *t, struct slice line, const char *folder,
    struct listing *l, struct err *e)
{
	uint64_t at = (uint64_t)(line.ptr - t->rd.base) + t->rd.start;
	char path[LIMIT_MEMBER_NAME + 16];
	struct slice file, class;
	struct member m;
	int32_t label;
	int n, rc;

	if (!column(line, t->between, t->file, &file) ||
	    !column(line, t->between, t->class, &class))
		return err_set(e, ERR_FORMAT, at, "a row of too few columns");
	file = bare(file);
	class = bare(class);
	n = snprintf(path, sizeof(path), "%s%.*s", folder,
	    (int)MIN(file.len, LIMIT_MEMBER_NAME + 1), (const char *)file.ptr);
	if (file.len == 0 || file.ptr[file.len - 1] == '/' || n < 0 ||
	    (size_t)n >= sizeof(path) ||
	    strlen(path) != strlen(folder) + file.len ||
	    member_check(path, &m) != MEMBER_ACCEPTED)
		return err_set(e, ERR_FORMAT, at,
		    "a row names no file beneath "
		    "the folder");
	if (class.len == 0 || class.len > LIMIT_NAME ||
	    memchr(class.ptr, '\0', class.len) != NULL ||
	    !text_utf8_valid((const char *)class.ptr, class.len))
		return err_set(e, ERR_FORMAT, at, "a row without a class");
	rc = listing_class(l, (const char *)class.ptr, class.len, &label, e);
	return rc != 0 ? rc : listing_image(l, m.path, label, e);
}

int
imagetable_read(
    struct rd r, const char *folder, struct listing *l, struct err *e)
{
	struct table t;
	struct slice line;
	int rc = 0;

	open_table(r, &t);
	while (rc == 0 && imagetable_line(&t.rd, &line))
		if (line.len != 0)
			rc = read_row(&t, line, folder, l, e);
	return rc;
}

bool
imagetable_first(struct rd r, char *out, size_t size)
{
	struct slice line, file;
	struct table t;

	open_table(r, &t);
	if (!imagetable_line(&t.rd, &line) ||
	    !column(line, t.between, t.file, &file))
		return false;
	file = bare(file);
	if (file.len >= size)
		return false;
	memcpy(out, file.ptr, file.len);
	out[file.len] = '\0';
	return true;
}
