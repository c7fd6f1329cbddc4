/* SPDX-License-Identifier: MIT
 * What is installed before a model is used: requirements files as pip reads
 * them.  The default index is taken as it is; packages from anywhere else are
 * somebody's code, and a second index lets whoever owns it replace any package
 * (dependency confusion).
 */
#define _GNU_SOURCE /* memmem, strncasecmp */
#include "audit/check_config_part.h"
#include "audit/check_depend_name.h"
#include "audit/check_depend_source.h"

#include "base/buf.h"
#include "base/text.h"

#include <strings.h>

#define SHOWN 256
/* Of lines that are joined: longer ones are judged in pieces. */
#define JOINED 65536

/* How surely the line is a requirement. */
enum sure {
	SURE_NOT,  /* the file looks like it: a mere URL may be any list's */
	SURE,      /* it stands where requirements do */
	SURE_FILE, /* and what is said of one version only is worth a note */
};

static void
find(const struct check_file *f, enum finding_id id,
    const struct check_depend_line *l)
{
	char shown[SHOWN];

	text_escape(l->s, MIN(l->len, 160), shown, sizeof(shown));
	check_find(f, id, l->off, "'%s'", shown);
}

/* Without blanks before it. */
static struct check_depend_line
trimmed(struct check_depend_line l)
{
	size_t n = 0;

	while (n < l.len && (l.s[n] == ' ' || l.s[n] == '\t'))
		n++;
	return (struct check_depend_line){l.s + n, l.len - n, l.off + n};
}

/* An option of pip and what follows it, by "=" or a space.  Of a long name
 * pip's parser (optparse) takes any beginning; other programs have options that
 * are one, so it counts where requirements stand for sure. */
static bool
option(const struct check_depend_line *l, enum sure sure, const char *name,
    struct check_depend_line *value)
{
	size_t n = 2, whole = strlen(name);

	while (
	    name[1] == '-' && n < l->len && memchr("= \t", l->s[n], 3) == NULL)
		n++;
	if (l->len <= n || n > whole || memcmp(l->s, name, n) != 0 ||
	    (name[1] == '-' && (n == 2 || (n < whole && sure == SURE_NOT))))
		return false;
	while (
	    n < l->len && (l->s[n] == '=' || l->s[n] == ' ' || l->s[n] == '\t'))
		n++;
	*value = (struct check_depend_line){l->s + n, l->len - n, l->off + n};
	return true;
}

static bool
remote(const struct check_depend_line *l)
{
	return check_depend_line_has(l, "://") ||
	       check_depend_line_begins(l, "git+") ||
	       check_depend_line_begins(l, "hg+") ||
	       check_depend_line_begins(l, "svn+") ||
	       check_depend_line_begins(l, "bzr+") ||
	       check_depend_line_begins(l, "\\\\");
}

/* What is handed to the build of a package. */
static bool
builds(const struct check_depend_line *l)
{
	return check_depend_line_has(l, "--global-option") ||
	       check_depend_line_has(l, "--install-option") ||
	       check_depend_line_has(l, "--config-settings");
}

/* A folder of the bundle, whose files are looked at. */
static bool
is_here(const struct check_depend_line *l)
{
	return l->len != 0 && l->s[0] == '.' &&
	       !check_depend_line_has(l, "..") &&
	       !check_depend_line_has(l, ".whl") &&
	       !check_depend_line_has(l, "://") &&
	       (l->len == 1 || strchr("/[ \t\r", l->s[1]) != NULL);
}

static void
options(const struct check_file *f, const struct check_depend_line *l,
    enum sure sure)
{
	static const char *const sources[] = {"-i", "--index-url", "--pypi-url",
	    "--extra-index-url", "-f", "--find-links"};
	static const char *const more[] = {
	    "-r", "--requirement", "-c", "--constraint"};
	struct check_depend_line v;

	for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
		if (!option(l, sure, sources[i], &v))
			continue;
		find(f,
		    check_depend_source_usual_host(&v) ? FINDING_DEPEND_INDEX
						       : FINDING_DEPEND_SOURCE,
		    l);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(more); i++)
		if (option(l, sure, more[i], &v) &&
		    (remote(&v) || check_depend_line_has(&v, "..") ||
			check_depend_line_begins(&v, "/"))) {
			find(f, FINDING_DEPEND_SOURCE, l);
			return;
		}
	if (option(l, sure, "-e", &v) || option(l, sure, "--editable", &v)) {
		if (!is_here(&v))
			find(f,
			    check_depend_source_known(&v)
				? FINDING_DEPEND_UNPINNED
				: FINDING_DEPEND_SOURCE,
			    l);
	} else if (option(l, sure, "--trusted-host", &v))
		find(f, FINDING_DEPEND_SOURCE, l);
	else if (builds(l))
		find(f, FINDING_DEPEND_LOCAL, l);
	/* pip takes quotes away that stand within a name */
	else if (sure != SURE_NOT && check_depend_line_has(l, "://"))
		find(f, FINDING_DEPEND_SOURCE, l);
}

static bool
is_path(const struct check_depend_line *l)
{
	return l->s[0] == '.' || l->s[0] == '/' ||
	       check_depend_line_begins(l, "file:") ||
	       (check_depend_line_has(l, ".whl") &&
		   !check_depend_line_has(l, "=="));
}

/* Whoever owns the name that is nearly another's waits for it to be mistyped. */
static void
look_alike(const struct check_file *f, const struct check_depend_line *l)
{
	const char *near = check_depend_name_near(l->s, l->len);
	char shown[SHOWN];

	if (near == NULL)
		return;
	text_escape(l->s, MIN(l->len, 80), shown, sizeof(shown));
	check_find(
	    f, FINDING_DEPEND_NAME, l->off, "'%s', not '%s'", shown, near);
}

/* As pip does: from a # that is the first sign or behind a blank. */
static void
cut_comment(struct check_depend_line *l)
{
	for (size_t i = 1; i < l->len; i++)
		if (l->s[i] == '#' && strchr(" \t", l->s[i - 1]) != NULL)
			l->len = i;
}

static void
requirement(
    const struct check_file *f, struct check_depend_line l, enum sure sure)
{
	cut_comment(&l);
	while (l.len != 0 && strchr(" \t\r\n", l.s[l.len - 1]) != NULL)
		l.len--;
	l = trimmed(l);
	if (l.len == 0 || l.s[0] == '#')
		return;
	if (l.s[0] == '-') {
		options(f, &l, sure);
		return;
	}
	if (sure == SURE_NOT && !check_depend_line_has(&l, "git+") &&
	    !check_depend_line_has(&l, " @ "))
		return;
	if (sure != SURE_NOT)
		look_alike(f, &l);
	if (remote(&l))
		find(f, check_depend_source(&l), &l);
	else if (is_here(&l))
		return;
	else if (is_path(&l))
		find(f, FINDING_DEPEND_LOCAL, &l);
	else if (sure == SURE_FILE && !check_depend_line_has(&l, "==") &&
		 !check_depend_line_has(&l, "=") &&
		 !check_depend_line_has(&l, "~") &&
		 !check_depend_line_has(&l, "<"))
		find(f, FINDING_DEPEND_UNPINNED, &l);
	/* an option behind the requirement: --index-url is refused by pip,
	 * --hash and --config-settings are not */
	if (check_depend_line_has(&l, "--index-url") ||
	    check_depend_line_has(&l, "--extra-index-url"))
		find(f,
		    check_depend_source_usual_line(&l) ? FINDING_DEPEND_INDEX
						       : FINDING_DEPEND_SOURCE,
		    &l);
	if (builds(&l))
		find(f, FINDING_DEPEND_LOCAL, &l);
}

void
check_config_requirement(
    const struct check_file *f, const char *s, size_t len, uint64_t off)
{
	requirement(f, (struct check_depend_line){s, len, off}, SURE);
}

/* --- requirements files -------------------------------------------------- */

static bool
next_line(const struct check_file *f, size_t *at, struct check_depend_line *l)
{
	const char *s = (const char *)f->bytes.base, *end;

	if (*at >= f->bytes.len)
		return false;
	end = memchr(s + *at, '\n', f->bytes.len - *at);
	*l = (struct check_depend_line){s + *at,
	    end != NULL ? (size_t)(end - s) - *at : f->bytes.len - *at, *at};
	*at += l->len + 1;
	return true;
}

/* The line goes on in the next, as pip's join_lines() has it. */
static bool
goes_on(const struct check_depend_line *l)
{
	size_t n = l->len;
	struct check_depend_line text = trimmed(*l);

	n -= n != 0 && l->s[n - 1] == '\r' ? 1 : 0;
	return n != 0 && l->s[n - 1] == '\\' && text.s[0] != '#';
}

/* The next line with those that it goes on in, which `text` then holds. */
static bool
next_logical(const struct check_file *f, size_t *at, struct buf *text,
    struct check_depend_line *l)
{
	struct check_depend_line more;

	if (!next_line(f, at, l))
		return false;
	if (!goes_on(l))
		return true;
	text->len = 0;
	for (more = *l; goes_on(&more) && text->len < JOINED;) {
		const char *end = memrchr(more.s, '\\', more.len);

		buf_append(text, more.s, (size_t)(end - more.s));
		if (!next_line(f, at, &more))
			more.len = 0;
	}
	buf_append(text, more.s, more.len);
	*l = (struct check_depend_line){
	    (const char *)text->ptr, text->len, l->off};
	return true;
}

/* A line that pip could take: a name, what may follow one, or an option. */
static bool
plausible(const struct check_depend_line *l)
{
	size_t n = 0, from;

	while (n < l->len && (l->s[n] == ' ' || l->s[n] == '\t'))
		n++;
	if (n == l->len || l->s[n] == '\r' || l->s[n] == '#')
		return true;
	if (l->s[n] == '-')
		return l->len > n + 1 &&
		       (l->s[n + 1] == '-' ||
			   strchr("irecf", l->s[n + 1]) != NULL);
	from = n;
	while (n < l->len &&
	       ((l->s[n] >= '0' && l->s[n] <= '9') ||
		   ((l->s[n] | 32) >= 'a' && (l->s[n] | 32) <= 'z') ||
		   strchr("._-+:/@", l->s[n]) != NULL))
		n++;
	if (n == from)
		return false;
	while (n < l->len && l->s[n] == ' ')
		n++;
	return n == l->len || strchr("\r[<>=!~;@#", l->s[n]) != NULL;
}

static bool
is_requirements(const struct check_file *f, bool *named)
{
	const char *name = check_name_of(f);
	struct check_depend_line l;
	size_t at = 0, lines = 0;

	*named = (strstr(name, "requirements") != NULL ||
		     strstr(name, "constraints") != NULL) &&
		 strstr(name, ".rst.") == NULL &&
		 (text_ends_with(name, ".txt") || text_ends_with(name, ".in"));
	if (*named)
		return true;
	while (next_line(f, &at, &l) && lines++ < 10000)
		if (!plausible(&l))
			return false;
	return true;
}

/* --- other files of packages --------------------------------------------- */

/* The address of an index, in TOML: url = "..." where the section is a source
 * or an index of Poetry, Pipenv, PDM or uv. */
static bool
is_index(const struct check_depend_line *l, const struct check_depend_line *in)
{
	const char *quote = memchr(l->s, '"', l->len);
	struct check_depend_line v = {l->s, l->len, l->off};

	if (quote == NULL ||
	    (!check_depend_line_has(in, "source") &&
		!check_depend_line_has(in, "index")) ||
	    !check_depend_line_begins(l, "url") ||
	    !check_depend_line_has(l, "://"))
		return false;
	v.s = quote + 1;
	v.len = l->len - (size_t)(quote + 1 - l->s);
	if (v.len != 0 && memchr(v.s, '"', v.len) != NULL)
		v.len = (size_t)((const char *)memchr(v.s, '"', v.len) - v.s);
	return !check_depend_source_usual_host(&v);
}

/* Strings of pyproject.toml, setup.cfg and Pipfile that name a source. */
static void
project(const struct check_file *f)
{
	struct check_depend_line l, in = {"", 0, 0};
	size_t at = 0;

	while (next_line(f, &at, &l)) {
		bool url = check_depend_line_has(&l, "git+") ||
			   check_depend_line_has(&l, " @ http") ||
			   check_depend_line_has(&l, " @ file");

		l = trimmed(l);
		if (check_depend_line_begins(&l, "["))
			in = l;
		if ((url || check_depend_line_has(&l, "git = \"")) &&
		    check_depend_source_known(&l))
			continue;
		if (url || is_index(&l, &in) ||
		    check_depend_line_begins(&l, "index-url") ||
		    check_depend_line_begins(&l, "extra-index-url") ||
		    check_depend_line_begins(&l, "find-links") ||
		    check_depend_line_begins(&l, "trusted-host") ||
		    check_depend_line_begins(&l, "dependency_links") ||
		    (check_depend_line_has(&l, "git = \"") &&
			check_depend_line_has(&l, "://")) ||
		    check_depend_line_begins(&l, "backend-path"))
			find(f, FINDING_DEPEND_SOURCE, &l);
	}
}

/* Nothing but blanks stands before a section's name in its line, or another
 * bracket (TOML's arrays of tables): prose that mentions "[options]" is no
 * setup.cfg. */
static bool
opens_line(const char *base, const char *at)
{
	while (at > base && strchr(" \t[", at[-1]) != NULL && at[-1] != 0)
		at--;
	return at == base || at[-1] == '\n' || at[-1] == '\r';
}

/* From "http" on, without what closes it. */
static struct check_depend_line
address(struct check_depend_line l)
{
	const char *p = memmem(l.s, l.len, "http", 4);
	size_t left = p != NULL ? l.len - (size_t)(p - l.s) : 0;

	while (left > 0 && strchr(" \t\r\"';", p[left - 1]) != NULL)
		left--;
	return (struct check_depend_line){p, left, l.off};
}

/* Settings of npm: where packages come from, what runs their scripts. */
static void
npm(const struct check_file *f)
{
	static const char *const own[] = {("https://registry"
					   ".npmjs.org"),
	    ("https://registry"
	     ".yarnpkg.com"),
	    "https://npm.pkg.github.com"};
	struct check_depend_line l;
	size_t at = 0;

	while (next_line(f, &at, &l)) {
		struct check_depend_line url;

		l = trimmed(l);
		if (check_depend_line_begins(&l, "script-shell") ||
		    check_depend_line_begins(&l, "node-options"))
			find(f, FINDING_DEPEND_SOURCE, &l);
		if (!check_depend_line_begins(&l, "registry") &&
		    !check_depend_line_has(&l, ":registry"))
			continue;
		url = address(l);
		if (check_depend_line_has(&l, "://") &&
		    !check_depend_source_is_under(&url, own, ARRAY_LEN(own)))
			find(f, FINDING_DEPEND_SOURCE, &l);
	}
}

static bool
section(const struct check_file *f, const char *const *names)
{
	const char *base = (const char *)f->bytes.base, *at;
	const char *end = base + f->bytes.len;

	for (; *names != NULL; names++) {
		size_t n = strlen(*names);

		for (at = base;
		     (at = memmem(at, (size_t)(end - at), *names, n)) != NULL;
		     at += n)
			if (opens_line(base, at))
				return true;
	}
	return false;
}

void
check_depend(const struct check_file *f)
{
	static const char *const sections[] = {"[build-system]", "[project]",
	    "[tool.poetry", "[[source]]", "[options]", "[global]", "[packages]",
	    NULL};
	static const char *const settings[] = {"[tool.", "[pypi-options]",
	    "[[index]]", "index-url", "find-links", NULL};
	struct buf text = {0};
	struct check_depend_line l;
	size_t at = 0;
	bool named;

	if (!check_is(f, "text") || f->bytes.len == 0 || check_is(f, "json"))
		return;
	if (strcmp(check_name_of(f), ".npmrc") == 0) {
		npm(f);
		return;
	}
	if (section(f, sections) ||
	    (text_ends_with(check_name_of(f), ".toml") &&
		section(f, settings))) {
		project(f);
		return;
	}
	if (check_is(f, "python") || !is_requirements(f, &named))
		return;
	while (next_logical(f, &at, &text, &l))
		requirement(f, l, named ? SURE_FILE : SURE_NOT);
	buf_free(&text);
}
