/* SPDX-License-Identifier: MIT
 * Programs in other languages than Python and the shell's that take text which
 * they decoded or fetched for program text.  Templates and tables that are
 * evaluated stand in the file themselves.
 */
#include "audit/check_shell_part.h" /* first: memmem */

#include "audit/check_command_eval.h"
#include "base/arena.h"
#include "base/limits.h"
#include "base/text.h"

#define FAR 400 /* as long as one call is */

struct language {
	const char *end[3];  /* of names */
	const char *run[4];  /* in small letters, without blanks */
	const char *from[9]; /* what decodes or fetches */
};

static const struct language languages[] = {
    {{".r", ".rprofile", ".rmd"}, {"eval(parse(", "eval(str2lang("},
	{"rawtochar(", "base64", "url(", "inttoutf8(", "chartr(", "geturl(",
	    "unserialize(", "http::get("}},
    {{".jl"}, {"eval(meta.parse(", "include_string("},
	{"base64decode(", "hex2bytes(", "download(", "http.get("}},
    {{".lua"}, {"loadstring(", "=load(", "assert(load(", ")load("},
	{"http.request(", "popen(", "base64", "b64", "unhex", "string.char(",
	    ":gsub(\"..\""}},
    {{".rb"}, {"eval("},
	{"decode64(", "unpack('m", "unpack(\"m", "unpack1('m", "unpack1(\"m",
	    "net::http.get(", "uri.open("}},
    {{".pl", ".pm"}, {"eval(", "evaldecode_base64("},
	{"decode_base64(", "unpack('u", "unpack(\"u", "get('http",
	    "get(\"http"}},
};

static const struct language *
language_of(const char *name)
{
	char small[LIMIT_NAME];
	size_t n = strlen(name);

	/* extensions are of few letters */
	n = MIN(n, sizeof(small) - 1);
	for (size_t i = 0; i < n; i++)
		small[i] =
		    (char)tolower((unsigned char)name[strlen(name) - n + i]);
	small[n] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(languages); i++)
		for (size_t k = 0; k < ARRAY_LEN(languages[i].end); k++)
			if (languages[i].end[k] != NULL &&
			    text_ends_with(small, languages[i].end[k]))
				return &languages[i];
	return NULL;
}

/* In small letters and without blanks; lines stay.  The place of each letter
 * is not kept. */
static struct text
packed(struct rd r, struct arena *a)
{
	struct text t = {NULL, 0};
	char *s = arena_alloc(a, r.len + 1, 1);

	for (size_t i = 0; s != NULL && i < r.len; i++)
		if (r.base[i] != ' ' && r.base[i] != '\t')
			s[t.len++] = (char)tolower(r.base[i]);
	t.s = s;
	return t;
}

/* Where the brackets end that open behind `at`, as far as is looked. */
static size_t
closed(struct text t, size_t at)
{
	size_t depth = 0, end = MIN(t.len, at + FAR);

	while (at < end && t.s[at] != '(')
		at++;
	for (; at < end; at++) {
		depth += t.s[at] == '(';
		if (t.s[at] == ')' && --depth == 0)
			break;
	}
	return at;
}

static bool
runs(const struct language *l, struct text t, const char *run)
{
	size_t at = 0;

	while ((at = find(t, at, t.len, run)) != SIZE_MAX) {
		for (size_t i = 0; i < ARRAY_LEN(l->from); i++)
			if (l->from[i] != NULL &&
			    find(t, at, closed(t, at), l->from[i]) != SIZE_MAX)
				return true;
		at++;
	}
	return false;
}

void
check_command_eval(const struct check_file *f)
{
	const struct language *l = language_of(check_name_of(f));
	struct arena a;
	struct text t;

	if (l == NULL)
		return;
	arena_init(&a, LIMIT_TEMPLATE_ARENA);
	t = packed(f->bytes, &a);
	if (t.s == NULL)
		check_short(f, FINDING_FILE_LIMIT, ERR_NOWHERE,
		    "a program longer than is looked at");
	for (size_t i = 0; i < ARRAY_LEN(l->run) && t.s != NULL; i++)
		if (l->run[i] != NULL && runs(l, t, l->run[i])) {
			check_find(f, FINDING_COMMAND_DANGEROUS, ERR_NOWHERE,
			    "'%s' of what it decodes or fetches", l->run[i]);
			break;
		}
	arena_release(&a);
}
