/* SPDX-License-Identifier: MIT */
#include "formats/label_file.h"

#include "base/limits.h"
#include "base/text.h"

static int
reserve(struct source *s, size_t n, struct err *e)
{
	if (n > LIMIT_CLASSES)
		return err_set(
		    e, ERR_LIMIT, ERR_NOWHERE, "%zu names of classes", n);
	s->hints.label = arena_alloc(&s->arena, n + 1, sizeof(char *));
	if (s->hints.label == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "too many names");
	return 0;
}

static int
keep(struct source *s, size_t at, const char *text, size_t len, struct err *e)
{
	if (len > LIMIT_NAME || !text_utf8_valid(text, len))
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "the name of class %zu is no text", at);
	s->hints.label[at] = arena_strdup(&s->arena, text, len);
	return s->hints.label[at] != NULL
		   ? 0
		   : err_set(e, ERR_LIMIT, ERR_NOWHERE, "too many names");
}

int
label_file_by_index(struct source *s, const json_t *j, struct err *e)
{
	size_t n = json_object_size(j);
	const char *key;
	json_t *v;
	int rc;

	if (!json_is_object(j) || n == 0)
		return err_set(
		    e, ERR_FORMAT, ERR_NOWHERE, "no object of class names");
	if ((rc = reserve(s, n, e)) != 0)
		return rc;
	json_object_foreach((json_t *)(uintptr_t)j, key, v)
	{
		uint64_t at;

		if (json_is_array(v))
			v = json_array_get(v, json_array_size(v) - 1);
		if (!text_parse_u64(key, n - 1, &at) || !json_is_string(v))
			return err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "'%.64s' is not the number and name of one of %zu "
			    "classes",
			    key, n);
		rc =
		    keep(s, at, json_string_value(v), json_string_length(v), e);
		if (rc != 0)
			return rc;
	}
	s->hints.nlabel = n;
	return 0;
}

/* The next line, without its end. */
static struct slice
line(struct rd *r)
{
	struct slice s = {r->base + r->off, 0};
	uint8_t c;

	while (rd_u8(r, &c) == 0 && c != '\n')
		s.len++;
	if (s.len != 0 && s.ptr[s.len - 1] == '\r')
		s.len--;
	return s;
}

int
label_file_by_order(struct source *s, const json_t *j, struct err *e)
{
	size_t n = json_array_size(j);
	int rc;

	if (n == 0)
		return err_set(
		    e, ERR_FORMAT, ERR_NOWHERE, "no list of class names");
	if ((rc = reserve(s, n, e)) != 0)
		return rc;
	for (size_t i = 0; i < n; i++) {
		const json_t *v = json_array_get(j, i);

		if (!json_is_string(v))
			return err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "the name of class %zu is no text", i);
		rc = keep(s, i, json_string_value(v), json_string_length(v), e);
		if (rc != 0)
			return rc;
	}
	s->hints.nlabel = n;
	return 0;
}

int
label_file_by_line(struct source *s, struct rd r, struct err *e)
{
	struct rd again = r;
	size_t n = 0, lines = 0;
	int rc;

	while (rd_left(&r) != 0 && lines <= LIMIT_CLASSES) {
		lines++;
		if (line(&r).len != 0)
			n = lines;
	}
	if (lines > LIMIT_CLASSES)
		n = lines;
	if ((rc = reserve(s, n, e)) != 0)
		return rc;
	for (size_t i = 0; i < n && rc == 0; i++) {
		struct slice one = line(&again);

		rc = keep(s, i, (const char *)one.ptr, one.len, e);
	}
	if (rc == 0)
		s->hints.nlabel = n;
	return rc;
}
