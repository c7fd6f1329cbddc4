/* SPDX-License-Identifier: MIT
 * What is installed before a model is used: requirements files as pip reads
 * them.  The default index is taken as it is; packages from anywhere else are
 * somebody's code, and a second index lets whoever owns it replace any package
 * (dependency confusion).
 */
#define _GNU_SOURCE /* memmem, strncasecmp */
#include "audit/check_config_part.h"
#include "audit/check_depend_name.h"

#include "base/buf.h"
#include "base/text.h"

#include <strings.h>

#define SHOWN 256
/* Of lines that are joined: longer ones are judged in pieces. */
#define JOINED 65536

struct line {
	const char *s;
	size_t len;
	uint64_t off;
};

/* How surely the line is a requirement. */
enum sure {
	SURE_NOT,  /* the file looks like it: a mere URL may be any list's */
	SURE,      /* it stands where requirements do */
	SURE_FILE, /* and what is said of one version only is worth a note */
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

/* Without blanks before it. */
static struct line
trimmed(struct line l)
{
	size_t n = 0;

	while (n < l.len && (l.s[n] == ' ' || l.s[n] == '\t'))
		n++;
	return (struct line){l.s + n, l.len - n, l.off + n};
}

/* An option of pip and what follows it, by "=" or a space.  Of a long name
 * pip's parser (optparse) takes any beginning; other programs have options that
 * are one, so it counts where requirements stand for sure. */
static bool
option(
    const struct line *l, enum sure sure, const char *name, struct line *value)
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
	*value = (struct line){l->s + n, l->len - n, l->off + n};
	return true;
}

/* The value is one of the addresses, or below it. */
static bool
is_under(const struct line *v, const char *const *urls, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t n = strlen(urls[i]);

		if (v->len >= n && memcmp(v->s, urls[i], n) == 0 &&
		    (urls[i][n - 1] == '/' || v->len == n || v->s[n] == '/'))
			return true;
	}
	return false;
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

	return is_under(v, urls, ARRAY_LEN(urls));
}

/* The only address in the line is one of them. */
static bool
names_usual_host(const struct line *l)
{
	const char *at = memmem(l->s, l->len, "https://", 8);
	struct line v;

	if (at == NULL)
		return false;
	v = (struct line){at, l->len - (size_t)(at - l->s), l->off};
	return usual_host(&v) &&
	       memmem(l->s, (size_t)(at - l->s), "://", 3) == NULL &&
	       memmem(v.s + 8, v.len - 8, "://", 3) == NULL;
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

/* Accounts of those whose libraries everybody installs: a file of theirs is
 * nobody else's code, but may be another tomorrow. */
static bool
known_account(const struct line *l)
{
	static const char *const accounts[] = {"huggingface", "openai",
	    "pytorch", "facebookresearch", "nvidia", "microsoft", "google",
	    "google-research", "tensorflow", "keras-team", "scikit-learn",
	    "ultralytics", "lightning-ai", "open-mmlab", "onnx", "dao-ailab",
	    "google-deepmind", "deepmind", "apple", "nvlabs", "compvis",
	    "mlfoundations", "salesforce", "idea-research", "modelscope",
	    "kornia", "albumentations-team", "project-monai", "wandb", "mlflow",
	    "ray-project", "vllm-project", "triton-lang", "jax-ml",
	    "state-spaces", "mosaicml", "allenai", "speechbrain", "explosion",
	    "cocodataset", "gradio-app", "dmlc", "apache", "pandas-dev",
	    "numpy", "scipy", "dask", "qubvel", "rwightman", "timdettmers"};
	static const char before[] = "https://github.com/";
	const char *p = l->len != 0
			    ? memmem(l->s, l->len, before, sizeof(before) - 1)
			    : NULL;
	size_t left;

	if (p == NULL || memmem(l->s, (size_t)(p - l->s), "://", 3) != NULL)
		return false;
	p += sizeof(before) - 1;
	left = l->len - (size_t)(p - l->s);
	for (size_t i = 0; i < ARRAY_LEN(accounts); i++) {
		size_t n = strlen(accounts[i]);

		if (left > n && strncasecmp(p, accounts[i], n) == 0 &&
		    p[n] == '/')
			return memmem(p, left, "://", 3) == NULL &&
			       memmem(p, left, "..", 2) == NULL &&
			       memchr(p, '%', left) == NULL;
	}
	return false;
}

/* A wheel of those who make PyTorch, where they tell people to take it. */
static bool
usual_wheel(const struct line *l)
{
	static const char wheels[] =
	    "https://dl.fbaipublicfiles.com/detectron2/wheels/";
	struct line v = *l;
	const char *at = v.len != 0 ? memmem(v.s, v.len, "https://", 8) : NULL;

	if (at == NULL || has(l, ".."))
		return false;
	v.len -= (size_t)(at - v.s);
	v.s = at;
	return usual_host(&v) || begins(&v, wheels);
}

static bool
remote(const struct line *l)
{
	return has(l, "://") || begins(l, "git+") || begins(l, "hg+") ||
	       begins(l, "svn+") || begins(l, "bzr+") || begins(l, "\\\\");
}

/* What is handed to the build of a package. */
static bool
builds(const struct line *l)
{
	return has(l, "--global-option") || has(l, "--install-option") ||
	       has(l, "--config-settings");
}

/* A folder of the bundle, whose files are looked at. */
static bool
is_here(const struct line *l)
{
	return l->len != 0 && l->s[0] == '.' && !has(l, "..") &&
	       !has(l, ".whl") && !has(l, "://") &&
	       (l->len == 1 || strchr("/[ \t\r", l->s[1]) != NULL);
}

static void
options(const struct check_file *f, const struct line *l, enum sure sure)
{
	static const char *const sources[] = {"-i", "--index-url", "--pypi-url",
	    "--extra-index-url", "-f", "--find-links"};
	static const char *const more[] = {
	    "-r", "--requirement", "-c", "--constraint"};
	struct line v;

	for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
		if (!option(l, sure, sources[i], &v))
			continue;
		find(f,
		    usual_host(&v) ? FINDING_DEPEND_INDEX
				   : FINDING_DEPEND_SOURCE,
		    l);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(more); i++)
		if (option(l, sure, more[i], &v) &&
		    (remote(&v) || has(&v, "..") || begins(&v, "/"))) {
			find(f, FINDING_DEPEND_SOURCE, l);
			return;
		}
	if (option(l, sure, "-e", &v) || option(l, sure, "--editable", &v)) {
		if (!is_here(&v))
			find(f,
			    known_account(&v) ? FINDING_DEPEND_UNPINNED
					      : FINDING_DEPEND_SOURCE,
			    l);
	} else if (option(l, sure, "--trusted-host", &v))
		find(f, FINDING_DEPEND_SOURCE, l);
	else if (builds(l))
		find(f, FINDING_DEPEND_LOCAL, l);
	/* pip takes quotes away that stand within a name */
	else if (sure != SURE_NOT && has(l, "://"))
		find(f, FINDING_DEPEND_SOURCE, l);
}

static bool
is_path(const struct line *l)
{
	return l->s[0] == '.' || l->s[0] == '/' || begins(l, "file:") ||
	       (has(l, ".whl") && !has(l, "=="));
}

/* Whoever owns the name that is nearly another's waits for it to be mistyped. */
static void
look_alike(const struct check_file *f, const struct line *l)
{
	const char *near = check_depend_name_near(l->s, l->len);
	char shown[SHOWN];

	if (near == NULL)
		return;
	text_escape(l->s, MIN(l->len, 80), shown, sizeof(shown));
	check_find(
	    f, FINDING_DEPEND_NAME, l->off, "'%s', not '%s'", shown, near);
}

static void
requirement(const struct check_file *f, struct line l, enum sure sure)
{
	while (l.len != 0 && strchr(" \t\r\n", l.s[l.len - 1]) != NULL)
		l.len--;
	l = trimmed(l);
	if (l.len == 0 || l.s[0] == '#')
		return;
	if (l.s[0] == '-') {
		options(f, &l, sure);
		return;
	}
	if (sure == SURE_NOT && !has(&l, "git+") && !has(&l, " @ "))
		return;
	if (sure != SURE_NOT)
		look_alike(f, &l);
	if (remote(&l))
		find(f,
		    known_account(&l) || usual_wheel(&l)
			? FINDING_DEPEND_UNPINNED
		    : (pinned_commit(&l) && !has(&l, "http://") &&
			  !begins(&l, "git+http:"))
			? FINDING_DEPEND_LOCAL
			: FINDING_DEPEND_SOURCE,
		    &l);
	else if (is_here(&l))
		return;
	else if (is_path(&l))
		find(f, FINDING_DEPEND_LOCAL, &l);
	else if (sure == SURE_FILE && !has(&l, "==") && !has(&l, "=") &&
		 !has(&l, "~") && !has(&l, "<"))
		find(f, FINDING_DEPEND_UNPINNED, &l);
	/* an option behind the requirement: --index-url is refused by pip,
	 * --hash and --config-settings are not */
	if (has(&l, "--index-url") || has(&l, "--extra-index-url"))
		find(f,
		    names_usual_host(&l) ? FINDING_DEPEND_INDEX
					 : FINDING_DEPEND_SOURCE,
		    &l);
	if (builds(&l))
		find(f, FINDING_DEPEND_LOCAL, &l);
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

/* The line goes on in the next, as pip's join_lines() has it. */
static bool
goes_on(const struct line *l)
{
	size_t n = l->len;
	struct line text = trimmed(*l);

	n -= n != 0 && l->s[n - 1] == '\r' ? 1 : 0;
	return n != 0 && l->s[n - 1] == '\\' && text.s[0] != '#';
}

/* The next line with those that it goes on in, which `text` then holds. */
static bool
next_logical(
    const struct check_file *f, size_t *at, struct buf *text, struct line *l)
{
	struct line more;

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
	*l = (struct line){(const char *)text->ptr, text->len, l->off};
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
is_index(const struct line *l, const struct line *in)
{
	const char *quote = memchr(l->s, '"', l->len);
	struct line v = {l->s, l->len, l->off};

	if (quote == NULL || (!has(in, "source") && !has(in, "index")) ||
	    !begins(l, "url") || !has(l, "://"))
		return false;
	v.s = quote + 1;
	v.len = l->len - (size_t)(quote + 1 - l->s);
	if (v.len != 0 && memchr(v.s, '"', v.len) != NULL)
		v.len = (size_t)((const char *)memchr(v.s, '"', v.len) - v.s);
	return !usual_host(&v);
}

/* Strings of pyproject.toml, setup.cfg and Pipfile that name a source. */
static void
project(const struct check_file *f)
{
	struct line l, in = {"", 0, 0};
	size_t at = 0;

	while (next_line(f, &at, &l)) {
		bool url =
		    has(&l, "git+") || has(&l, " @ http") || has(&l, " @ file");

		l = trimmed(l);
		if (begins(&l, "["))
			in = l;
		if ((url || has(&l, "git = \"")) && known_account(&l))
			continue;
		if (url || is_index(&l, &in) || begins(&l, "index-url") ||
		    begins(&l, "extra-index-url") || begins(&l, "find-links") ||
		    begins(&l, "trusted-host") ||
		    begins(&l, "dependency_links") ||
		    (has(&l, "git = \"") && has(&l, "://")) ||
		    begins(&l, "backend-path"))
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
static struct line
address(struct line l)
{
	const char *p = memmem(l.s, l.len, "http", 4);
	size_t left = p != NULL ? l.len - (size_t)(p - l.s) : 0;

	while (left > 0 && strchr(" \t\r\"';", p[left - 1]) != NULL)
		left--;
	return (struct line){p, left, l.off};
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
	struct line l;
	size_t at = 0;

	while (next_line(f, &at, &l)) {
		struct line url;

		l = trimmed(l);
		if (begins(&l, "script-shell") || begins(&l, "node-options"))
			find(f, FINDING_DEPEND_SOURCE, &l);
		if (!begins(&l, "registry") && !has(&l, ":registry"))
			continue;
		url = address(l);
		if (has(&l, "://") && !is_under(&url, own, ARRAY_LEN(own)))
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
	struct line l;
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
