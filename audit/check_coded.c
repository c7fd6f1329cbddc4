/* SPDX-License-Identifier: MIT
 * Base64 in texts of any kind (a table, XML, a log, a file of nothing else) that
 * is a pickle, an archive or a program.  Strings of JSON and YAML and literals of
 * Python are other checks'.
 */
#include "audit/check_base64.h"

#include "audit/check_decode.h"
#include "base/text.h"

#define LEAST 40 /* characters: a call and its names */

static bool
coded(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '+' || c == '/' || c == '-' ||
	       c == '_';
}

/* The text has a check that reads its strings one by one. */
static bool
is_read(const struct check_file *f)
{
	static const char *const names[] = {".py", ".yaml", ".yml", ".ipynb"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (text_ends_with(check_name_of(f), names[i]))
			return true;
	return check_is(f, "json") || check_is(f, "python") ||
	       check_is(f, "pickle");
}

/* Behind the run: of one line, or of lines that are full of it. */
static size_t
run(struct rd r, size_t i)
{
	for (; i < r.len; i++)
		if (!coded(r.base[i]) && r.base[i] != '\r' && r.base[i] != '\n')
			break;
	return i;
}

void
check_coded(const struct check_file *f)
{
	struct rd r = f->bytes;

	if (!check_is(f, "text") || is_read(f))
		return;
	for (size_t i = 0, to; i < r.len; i = to) {
		for (to = i; to < r.len && coded(r.base[to]); to++)
			;
		if (to - i >= LEAST) {
			to = run(r, to);
			check_base64(f, (struct slice){r.base + i, to - i}, i);
		}
		to = MAX(to, i + 1);
	}
}
