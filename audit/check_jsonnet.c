/* SPDX-License-Identifier: MIT
 * Jsonnet, in which configurations of AllenNLP and of servers are written: import,
 * importstr and importbin put a file into the result (jsonnet.org, Language
 * Reference, "Imports").
 */
#include "audit/check.h"

#include "audit/check_path.h"
#include "base/limits.h"
#include "base/text.h"

static bool
is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_';
}

/* The text between quotes behind `at` and blanks. */
static struct slice
literal(struct rd r, size_t at)
{
	const uint8_t *from, *end;

	while (at < r.len && (r.base[at] == ' ' || r.base[at] == '@'))
		at++;
	if (at >= r.len || (r.base[at] != '"' && r.base[at] != '\''))
		return (struct slice){NULL, 0};
	from = r.base + at + 1;
	end = memchr(from, r.base[at], r.len - at - 1);
	return (struct slice){from, end != NULL ? (size_t)(end - from) : 0};
}

/* Up the tree is where the libraries of honest ones are. */
static const char *
escapes(struct slice path)
{
	if (path.len > 2 && path.ptr[0] == '.' && path.ptr[1] == '.')
		return NULL;
	return check_path_escape(path);
}

void
check_jsonnet(const struct check_file *f)
{
	static const char word[] = "import";
	const char *name = check_name_of(f);
	struct rd r = f->bytes;

	if ((!text_ends_with(name, ".jsonnet") &&
		!text_ends_with(name, ".libsonnet")) ||
	    !check_is(f, "text") || r.len > LIMIT_INSPECT_SOURCE)
		return;
	check_knows(f);
	for (size_t i = 0; i + sizeof(word) < r.len; i++) {
		size_t at = i + sizeof(word) - 1;
		struct slice path;
		const char *why;

		if (memcmp(r.base + i, word, sizeof(word) - 1) != 0 ||
		    (i > 0 && is_name((char)r.base[i - 1])))
			continue;
		if (rd_has(r, at, "str", 3) || rd_has(r, at, "bin", 3))
			at += 3;
		path = literal(r, at);
		why = path.len != 0 ? escapes(path) : NULL;
		if (why != NULL)
			check_find(f, FINDING_CONFIG_PATH, i, "'%.*s' %s",
			    (int)MIN(path.len, (size_t)200),
			    (const char *)path.ptr, why);
	}
}
