/* SPDX-License-Identifier: MIT
 * What is installed before a model is used: requirements files as pip reads
 * them.  The default index is taken as it is; packages from anywhere else are
 * somebody's code, and a second index lets whoever owns it replace any package
 * (dependency confusion).
 */
#define _GNU_SOURCE /* memmem, strncasecmp */
#include "audit/check_config_part.h"

#include "base/text.h"

#include <strings.h>

#define SHOWN 256

struct line {
	const char *s;
	size_t len;
	uint64_t off;
};

static bool
has(const struct line *l, const char *word)
{
	return l->len != 0 && memmem(l->s, l->len, word, strlen(word)) != NULL;
}

static bool
begins(const struct line *l, const char *word)
{
	return l->len >= strlen(word) &&
	       strncasecmp(l->s, word, strlen(word)) == 0;
}

static void
find(const struct check_file *f, enum finding_id id, const struct line *l)
{
	char shown[SHOWN];

	text_escape(l->s, MIN(l->len, 160), shown, sizeof(shown));
	check_find(f, id, l->off, "'%s'", shown);
}

/* An option of pip and what follows it, by "=" or a space. */
static bool
option(const struct line *l, const char *name, struct line *value)
{
	size_t n = strlen(name);

	if (l->len <= n || memcmp(l->s, name, n) != 0 ||
	    (l->s[n] != '=' && l->s[n] != ' ' && l->s[n] != '\t' &&
		!(n == 2 && name[1] != '-')))
		return false;
	while (
	    n < l->len && (l->s[n] == '=' || l->s[n] == ' ' || l->s[n] == '\t'))
		n++;
	*value = (struct line){l->s + n, l->len - n, l->off + n};
	return true;
}

/* Hosts that the makers of PyTorch, PyG, JAX and CUDA tell people to use. */
static bool
usual_host(const struct line *v)
{
	static const char *const urls[] = {"https://download.pytorch.org/",
	    "https://data.pyg.org/", "https://pypi.nvidia.com",
	    "https://pypi.ngc.nvidia.com",
	    "https://storage.googleapis.com/jax-releases/",
	    ("https://pypi"
	     ".org/simple")};

	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		size_t n = strlen(urls[i]);

		if (v->len >= n && memcmp(v->s, urls[i], n) == 0 &&
		    (urls[i][n - 1] == '/' || v->len == n || v->s[n] == '/'))
			return true;
	}
	return false;
}

/* A revision of forty digits, or a digest, cannot change its content. */
static bool
pinned_commit(const struct line *l)
{
	const char *at = memrchr(l->s, '@', l->len);
	size_t n = 0, left;

	if (has(l, "#sha256=") || has(l, "--hash=sha256:"))
		return true;
	if (at == NULL)
		return false;
	left = l->len - (size_t)(at + 1 - l->s);
	while (n < left && ((at[1 + n] >= '0' && at[1 + n] <= '9') ||
			       (at[1 + n] >= 'a' && at[1 + n] <= 'f')))
		n++;
	return n == 40 && (n == left || strchr("# ;\t", at[1 + n]) != NULL);
}

static bool
remote(const struct line *l)
{
	return has(l, "://") || begins(l, "git+") || begins(l, "hg+") ||
	       begins(l, "svn+") || begins(l, "bzr+") || begins(l, "\\\\");
}

static void
options(const struct check_file *f, const struct line *l)
{
	static const char *const sources[] = {"-i", "--index-url", "--pypi-url",
	    "--extra-index-url", "-f", "--find-links"};
	static const char *const more[] = {
	    "-r", "--requirement", "-c", "--constraint"};
	struct line v;

	for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
		if (!option(l, sources[i], &v))
			continue;
		find(f,
		    usual_host(&v) ? FINDING_DEPEND_INDEX
				   : FINDING_DEPEND_SOURCE,
		    l);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(more); i++)
		if (option(l, more[i], &v) &&
		    (remote(&v) || has(&v, "..") || begins(&v, "/")))
			find(f, FINDING_DEPEND_SOURCE, l);
	if (option(l, "-e", &v) || option(l, "--editable", &v))
		find(f, FINDING_DEPEND_SOURCE, l);
	else if (begins(l, "--trusted-host"))
		find(f, FINDING_DEPEND_SOURCE, l);
	else if (begins(l, "--global-option") ||
		 begins(l, "--install-option") ||
		 begins(l, "--config-settings"))
		find(f, FINDING_DEPEND_LOCAL, l);
}

static bool
is_path(const struct line *l)
{
	return l->s[0] == '.' || l->s[0] == '/' || begins(l, "file:") ||
	       (has(l, ".whl") && !has(l, "=="));
}

/* How surely the line is a requirement. */
enum sure {
	SURE_NOT,  /* the file looks like it: a mere URL may be any list's */
	SURE,      /* it stands where requirements do */
	SURE_FILE, /* and what is said of one version only is worth a note */
};

static void
requirement(const struct check_file *f, struct line l, enum sure sure)
{
	while (l.len != 0 && strchr(" \t\r\n", l.s[l.len - 1]) != NULL)
		l.len--;
	while (l.len != 0 && strchr(" \t", l.s[0]) != NULL)
		l = (struct line){l.s + 1, l.len - 1, l.off + 1};
	if (l.len == 0 || l.s[0] == '#')
		return;
	if (l.s[0] == '-') {
		options(f, &l);
		return;
	}
	if (sure == SURE_NOT && !has(&l, "git+") && !has(&l, " @ "))
		return;
	if (remote(&l))
		find(f,
		    pinned_commit(&l) && !has(&l, "http://") &&
			    !begins(&l, "git+http:")
			? FINDING_DEPEND_LOCAL
			: FINDING_DEPEND_SOURCE,
		    &l);
	else if (is_path(&l))
		find(f, FINDING_DEPEND_LOCAL, &l);
	else if (sure == SURE_FILE && !has(&l, "==") && !has(&l, "=") &&
		 !has(&l, "~") && !has(&l, "<"))
		find(f, FINDING_DEPEND_UNPINNED, &l);
	/* an option behind the requirement: --index-url is refused by pip,
	 * --hash and --config-settings are not */
	if (has(&l, "--index-url") || has(&l, "--extra-index-url"))
		find(f, FINDING_DEPEND_SOURCE, &l);
}

void
check_config_requirement(
    const struct check_file *f, const char *s, size_t len, uint64_t off)
{
	requirement(f, (struct line){s, len, off}, SURE);
}

/* --- requirements files -------------------------------------------------- */

static bool
next_line(const struct check_file *f, size_t *at, struct line *l)
{
	const char *s = (const char *)f->bytes.base, *end;

	if (*at >= f->bytes.len)
		return false;
	end = memchr(s + *at, '\n', f->bytes.len - *at);
	*l = (struct line){s + *at,
	    end != NULL ? (size_t)(end - s) - *at : f->bytes.len - *at, *at};
	*at += l->len + 1;
	return true;
}

/* A line that pip could take: a name, what may follow one, or an option. */
static bool
plausible(const struct line *l)
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
	struct line l;
	size_t at = 0, lines = 0;

	*named = (strstr(name, "requirements") != NULL ||
		     strstr(name, "constraints") != NULL) &&
		 (text_ends_with(name, ".txt") || text_ends_with(name, ".in"));
	if (*named)
		return true;
	while (next_line(f, &at, &l) && lines++ < 10000)
		if (!plausible(&l))
			return false;
	return true;
}

/* --- other files of packages --------------------------------------------- */

/* Strings of pyproject.toml, setup.cfg and Pipfile that name a source. */
static void
project(const struct check_file *f)
{
	struct line l;
	size_t at = 0;

	while (next_line(f, &at, &l)) {
		bool url =
		    has(&l, "git+") || has(&l, " @ http") || has(&l, " @ file");
		size_t n = 0;

		while (n < l.len && (l.s[n] == ' ' || l.s[n] == '\t'))
			n++;
		l = (struct line){l.s + n, l.len - n, l.off + n};
		if (url || begins(&l, "index-url") ||
		    begins(&l, "extra-index-url") || begins(&l, "find-links") ||
		    begins(&l, "trusted-host") ||
		    begins(&l, "dependency_links") ||
		    (has(&l, "git = \"") && has(&l, "://")) ||
		    begins(&l, "backend-path"))
			find(f, FINDING_DEPEND_SOURCE, &l);
	}
}

static bool
section(const struct check_file *f, const char *const *names)
{
	for (; *names != NULL; names++)
		if (memmem(f->bytes.base, f->bytes.len, *names,
			strlen(*names)) != NULL)
			return true;
	return false;
}

/* Git runs what its own configuration names. */
static void
git(const struct check_file *f)
{
	static const char *const keys[] = {"fsmonitor", "sshcommand",
	    "hookspath", "pager", "editor", "clean", "smudge", "process",
	    "helper", "gitproxy", "textconv", "command"};
	struct line l;
	size_t at = 0;

	while (next_line(f, &at, &l)) {
		size_t n = 0;

		while (n < l.len && (l.s[n] == ' ' || l.s[n] == '\t'))
			n++;
		l = (struct line){l.s + n, l.len - n, l.off + n};
		for (size_t i = 0; i < ARRAY_LEN(keys); i++)
			if (begins(&l, keys[i]) && has(&l, "=") &&
			    !has(&l, "git-lfs") && !has(&l, "= false"))
				find(f, FINDING_GIT_COMMAND, &l);
	}
}

void
check_depend(const struct check_file *f)
{
	static const char *const sections[] = {"[build-system]", "[project]",
	    "[tool.poetry", "[[source]]", "[options]", "[global]", "[packages]",
	    NULL};
	static const char *const repository[] = {
	    "[core]\n\trepositoryformatversion", "[filter \"", NULL};
	struct line l;
	size_t at = 0;
	bool named;

	if (!check_is(f, "text") || f->bytes.len == 0 || check_is(f, "json"))
		return;
	if (section(f, repository)) {
		git(f);
		return;
	}
	if (section(f, sections)) {
		project(f);
		return;
	}
	if (check_is(f, "python") || !is_requirements(f, &named))
		return;
	while (next_line(f, &at, &l))
		requirement(f, l, named ? SURE_FILE : SURE_NOT);
}
