/* SPDX-License-Identifier: MIT
 * Files that a debugger, an editor or an interpreter reads when it is started, and
 * the line of a text that Vim takes settings from (a modeline): what is no setting
 * there but another program, Python, an expression that is evaluated.
 */
#define _GNU_SOURCE /* memmem */
#include "audit/check.h"

#include "base/text.h"

struct startup {
	const char *name, *who;
	const char *first[12]; /* words at the beginning of a line */
	const char *within[6]; /* and anywhere in one */
};

static const struct startup startups[] = {
    {".gdbinit", "gdb",
	{"shell", "!", "python", "py", "pi", "python-interactive", "guile",
	    "gu", "pipe", "|", "source", "make"},
	{NULL}},
    {".lldbinit", "lldb",
	{"platform shell", "shell", "script", "command script",
	    "command source", "plugin load"},
	{NULL}},
    {".pdbrc", "pdb", {"!", "import", "from", "exec", "eval", "os"}, {NULL}},
    {".exrc", "vi", {"!", ":!", "silent", "source"},
	{":!", "silent !", "silent! !", "* !"}},
    {".vimrc", "vim", {"!", ":!", "python", "python3", "py", "py3", "lua"},
	{":!", "silent !", "silent! !", "* !", "system(", "job_start("}},
    {".dir-locals.el", "Emacs", {NULL}, {"(eval ", "(eval.", "shell-command"}},
    {".nvimrc", "Neovim", {"!", ":!", "python3", "py3"},
	{":!", "silent !", "system(", "jobstart("}},
    {".nvim.lua", "Neovim", {NULL},
	{"os.execute", "io.popen", "system(", "jobstart(", "uv.spawn"}},
    {".Rprofile", "R", {NULL},
	{"system(", "system2(", "shell(", "eval(parse(", "download.file(",
	    "source(\"http"}},
    {"Rprofile.site", "R", {NULL},
	{"system(", "system2(", "shell(", "eval(parse(", "download.file(",
	    "source(\"http"}},
    {".octaverc", "Octave", {NULL},
	{"system(", "unix(", "dos(", "popen(", "eval(", "urlread("}},
    {".irbrc", "irb", {"`", "exec "}, {"system(", "system \"", "exec(", "= `"}},
    {".pryrc", "pry", {"`", "exec "}, {"system(", "system \"", "exec(", "= `"}},
    {".ghci", "GHCi", {":!", ":def"}, {NULL}},
    {".psqlrc", "psql", {"\\!"}, {"to program", "TO PROGRAM", "| "}},
    {".sqliterc", "sqlite3", {".shell", ".system", ".load"}, {NULL}},
};

/* Options of Vim that are expressions, and what reaches the system in one
 * (CVE-2019-12735). */
static const char *const options[] = {
    "fde=", "foldexpr=", "inde=", "indentexpr=", "fex=", "formatexpr=", "inex=",
    "includeexpr=", "fdt=", "foldtext=", "bexpr=", "balloonexpr=", "pex=",
    "printexpr=", "dex=", "diffexpr=", "pexpr=", "patchexpr="};
static const char *const reaches[] = {"system(", "execute(", "assert_fails(",
    "source", "writefile(", "libcall(", "job_start(", "py3eval(", "luaeval("};

#define MODELINES 5 /* lines at either end */

struct line {
	const char *s;
	size_t len;
};

static bool
has(struct line l, const char *word)
{
	return l.len != 0 && memmem(l.s, l.len, word, strlen(word)) != NULL;
}

static bool
has_any(struct line l, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (words[i] != NULL && has(l, words[i]))
			return true;
	return false;
}

static bool
is_letter(char c)
{
	return (c | 32) >= 'a' && (c | 32) <= 'z';
}

/* The word, and no longer one. */
static bool
begins(struct line l, const char *word)
{
	size_t n = strlen(word);

	return l.len >= n && memcmp(l.s, word, n) == 0 &&
	       (l.len == n || !is_letter(word[n - 1]) || !is_letter(l.s[n]));
}

static bool
runs(struct line l, const struct startup *u)
{
	for (size_t i = 0; i < ARRAY_LEN(u->first); i++)
		if (u->first[i] != NULL && begins(l, u->first[i]))
			return true;
	return has_any(l, u->within, ARRAY_LEN(u->within));
}

static bool
next_line(struct rd r, size_t *at, struct line *l)
{
	const char *s = (const char *)r.base, *end;

	if (*at >= r.len)
		return false;
	end = memchr(s + *at, '\n', r.len - *at);
	*l = (struct line){
	    s + *at, end != NULL ? (size_t)(end - s) - *at : r.len - *at};
	*at += l->len + 1;
	return true;
}

static void
startup(const struct check_file *f, const struct startup *u)
{
	struct line l;
	size_t at = 0;

	while (next_line(f->bytes, &at, &l)) {
		while (l.len != 0 && (*l.s == ' ' || *l.s == '\t')) {
			l.s++;
			l.len--;
		}
		if (!runs(l, u))
			continue;
		check_find(f, FINDING_PLACE_RUN,
		    (uint64_t)(l.s - (const char *)f->bytes.base),
		    "%s runs a program or code when it is started here",
		    u->who);
		return;
	}
}

/* The word, behind a blank or, but for "ex:", at the beginning of the line. */
static bool
opens(struct line l, const char *word)
{
	const char *at = l.s, *end = l.s + l.len;

	while (at < end && (at = memmem(at, (size_t)(end - at), word,
				strlen(word))) != NULL) {
		if (at == l.s ? *word != 'e' : strchr(" \t", at[-1]) != NULL)
			return true;
		at++;
	}
	return false;
}

static bool
is_modeline(struct line l)
{
	return (opens(l, "vim:") || opens(l, "vi:") || opens(l, "ex:")) &&
	       has_any(l, options, ARRAY_LEN(options)) &&
	       has_any(l, reaches, ARRAY_LEN(reaches));
}

/* Where the last lines begin. */
static size_t
last_lines(struct rd r)
{
	size_t at = r.len, n = 0;

	while (at != 0 && n <= MODELINES)
		n += r.base[--at] == '\n';
	return at;
}

static void
modeline(const struct check_file *f)
{
	size_t at = 0, last = last_lines(f->bytes), n = 0;
	struct line l;

	while (next_line(f->bytes, &at, &l)) {
		if (is_modeline(l)) {
			check_find(f, FINDING_PLACE_RUN,
			    (uint64_t)(l.s - (const char *)f->bytes.base),
			    "Vim evaluates what this line sets");
			return;
		}
		if (++n == MODELINES && at < last)
			at = last;
	}
}

void
check_startup(const struct check_file *f)
{
	if (!check_is(f, "text"))
		return;
	modeline(f);
	for (size_t i = 0; i < ARRAY_LEN(startups); i++)
		if (strcmp(check_name_of(f), startups[i].name) == 0)
			startup(f, &startups[i]);
}
