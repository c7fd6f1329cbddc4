/* SPDX-License-Identifier: MIT */
#include "formats/imagetable.h"

#include "base/json.h"
#include "base/limits.h"
#include "base/text.h"
#include "formats/member.h"

#include <strings.h>

#define OBJECTS '\0' /* between: each line is an object */

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

static const char *const file_names[] = {
    "filename", "file_name", "path", "filepath", "file", "image", NULL};
static const char *const class_names[] = {
    "classid", "class_id", "label", "class", "target", NULL};

/* The best columns that there are. */
static bool
read_head(struct rd r, char between, struct table *t)
{
	size_t file = SIZE_MAX, class = SIZE_MAX, at;
	struct slice line, s;

	if (!imagetable_line(&r, &line) || line.len > LIMIT_NAME)
		return false;
	if (line.len >= 3 && memcmp(line.ptr, "\xef\xbb\xbf", 3) == 0)
		line = (struct slice){line.ptr + 3, line.len - 3};
	for (size_t k = 0; column(line, between, k, &s); k++) {
		s = bare(s);
		if ((at = place(s, file_names)) < file) {
			file = at;
			t->file = k;
		}
		if ((at = place(s, class_names)) < class) {
			class = at;
			t->class = k;
		}
	}
	t->rd = r;
	t->between = between;
	return file != SIZE_MAX && class != SIZE_MAX;
}

/* --- a row --------------------------------------------------------------- */

struct row {
	char file[LIMIT_MEMBER_NAME + 1], class[LIMIT_NAME + 1];
};

/* Text without a zero byte that fits. */
static bool
copy(char *to, size_t size, const void *from, size_t len)
{
	if (len == 0 || len >= size || memchr(from, '\0', len) != NULL)
		return false;
	memcpy(to, from, len);
	to[len] = '\0';
	return true;
}

/* The first member of the list that there is, a text or an integer. */
static bool
member_text(const json_t *j, const char *const *list, char *to, size_t size)
{
	const json_t *v = NULL;
	int n;

	for (size_t i = 0; v == NULL && list[i] != NULL; i++)
		v = json_object_get(j, list[i]);
	if (json_is_string(v))
		return copy(
		    to, size, json_string_value(v), json_string_length(v));
	if (!json_is_integer(v))
		return false;
	n = snprintf(to, size, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
	return n > 0 && (size_t)n < size;
}

/* Whether the line is an object that names a file and a class. */
static bool
read_object(struct slice line, struct row *row, struct err *e)
{
	json_t *j = NULL;
	bool found =
	    json_read(line.ptr, line.len, &j, e) == 0 &&
	    member_text(j, file_names, row->file, sizeof(row->file)) &&
	    member_text(j, class_names, row->class, sizeof(row->class));

	json_decref(j);
	return found;
}

static int
read_columns(const struct table *t, struct slice line, uint64_t at,
    struct row *row, struct err *e)
{
	struct slice file, class;

	if (!column(line, t->between, t->file, &file) ||
	    !column(line, t->between, t->class, &class))
		return err_set(e, ERR_FORMAT, at, "a row of too few columns");
	file = bare(file);
	class = bare(class);
	if (!copy(row->file, sizeof(row->file), file.ptr, file.len))
		return err_set(e, ERR_FORMAT, at,
		    "a row names no file beneath the folder");
	if (!copy(row->class, sizeof(row->class), class.ptr, class.len))
		return err_set(e, ERR_FORMAT, at, "a row without a class");
	return 0;
}

static int
read_fields(const struct table *t, struct slice line, uint64_t at,
    struct row *row, struct err *e)
{
	if (t->between != OBJECTS)
		return read_columns(t, line, at, row, e);
	if (!read_object(line, row, e))
		return err_set(
		    e, ERR_FORMAT, at, "no object with file_name and label");
	return 0;
}

static bool
is_lines(const char *name)
{
	return text_ends_with(name, ".jsonl");
}

/* --- the table ----------------------------------------------------------- */

static void
open_table(const char *name, struct rd r, struct table *t)
{
	*t = (struct table){.rd = r, .between = OBJECTS};
	if (is_lines(name) || read_head(r, ';', t) || read_head(r, ',', t))
		return;
	*t = (struct table){.rd = r, .between = '\t', .class = 1};
}

bool
imagetable_probe(const char *name, struct rd r)
{
	struct slice line;
	struct table t;
	struct row row;
	struct err e;

	if (strcmp(name, "val_annotations.txt") == 0)
		return true;
	if (is_lines(name))
		return imagetable_line(&r, &line) &&
		       read_object(line, &row, &e);
	if (!text_ends_with(name, ".csv"))
		return false;
	open_table(name, r, &t);
	return t.between != '\t';
}

static int
read_row(const struct table *t, struct slice line, const char *folder,
    struct listing *l, struct err *e)
{
	uint64_t at = (uint64_t)(line.ptr - t->rd.base) + t->rd.start;
	char path[LIMIT_MEMBER_NAME + 16];
	struct member m;
	struct row row;
	int32_t label;
	int n, rc;

	if ((rc = read_fields(t, line, at, &row, e)) != 0)
		return rc;
	n = snprintf(path, sizeof(path), "%s%s", folder, row.file);
	if (row.file[strlen(row.file) - 1] == '/' || n < 0 ||
	    (size_t)n >= sizeof(path) ||
	    member_check(path, &m) != MEMBER_ACCEPTED)
		return err_set(e, ERR_FORMAT, at,
		    "a row names no file beneath the folder");
	if (!text_utf8_valid(row.class, strlen(row.class)))
		return err_set(e, ERR_FORMAT, at, "a row without a class");
	rc = listing_class(l, row.class, strlen(row.class), &label, e);
	return rc != 0 ? rc : listing_image(l, m.path, label, e);
}

int
imagetable_read(const char *name, struct rd r, const char *folder,
    struct listing *l, struct err *e)
{
	struct table t;
	struct slice line;
	int rc = 0;

	open_table(name, r, &t);
	while (rc == 0 && imagetable_line(&t.rd, &line))
		if (line.len != 0)
			rc = read_row(&t, line, folder, l, e);
	return rc;
}

bool
imagetable_first(const char *name, struct rd r, char *out, size_t size)
{
	struct slice line;
	struct table t;
	struct row row;
	struct err e;

	open_table(name, r, &t);
	return imagetable_line(&t.rd, &line) &&
	       read_fields(&t, line, 0, &row, &e) == 0 &&
	       copy(out, size, row.file, strlen(row.file));
}
