/* SPDX-License-Identifier: MIT
 * What is run because of where it lies: unpacked over a home folder, or used in
 * the folder that it was unpacked to, it needs nobody who starts it.  Places
 * that the layers of an image of a container have too are not among them.
 */
#define _GNU_SOURCE /* memmem */
#include "audit/check_place.h"

#include "base/text.h"

#include <fnmatch.h>

struct place {
	const char *pattern; /* fnmatch(3), of the last components */
	const char *what;
};

static const struct place places[] = {
    {".git/hooks/*", "git runs it"},
    {".ssh/authorized_keys", "lets whoever has its keys in"},
    {".ssh/authorized_keys2", "lets whoever has its keys in"},
    {".ssh/rc", "the SSH server runs it"},
    {".ssh/environment", "the environment of who comes by SSH"},
    {".config/autostart/*.desktop", "the desktop starts it"},
    {".config/systemd/user/*.service", "systemd starts it"},
    {".config/systemd/user/*.timer", "systemd starts it"},
    {".config/environment.d/*.conf", "the environment of all programs"},
    {".pam_environment", "the environment of all programs"},
    {"Library/LaunchAgents/*.plist", "macOS starts it"},
    {"Library/LaunchDaemons/*.plist", "macOS starts it"},
    {"Start Menu/Programs/Startup/*", "Windows starts it"},
    {"Start Menu/Programs/StartUp/*", "Windows starts it"},
    {"etc/ld.so.preload", "every program loads what it names"},
    {"var/spool/cron/*", "cron runs it"},
    {"var/spool/cron/crontabs/*", "cron runs it"},
    {".ipython/profile_*/startup/*.py", "IPython runs it"},
    {".ipython/profile_*/startup/*.ipy", "IPython runs it"},
    {".jupyter/*_config.py", "Jupyter runs it"},
    {"bin/.*-post-link.sh", "conda runs it when it installs the package"},
    {"bin/.*-pre-link.sh", "conda runs it when it installs the package"},
    {"bin/.*-pre-unlink.sh", "conda runs it when it removes the package"},
    {".config/matplotlib/matplotlibrc", "Matplotlib imports what it names"},
};

/* Of ssh_config(5): a program that is run, a library that is loaded. */
static const char *const ssh[] = {"ProxyCommand", "LocalCommand",
    "KnownHostsCommand", "PKCS11Provider", "SecurityKeyProvider", "Match exec"};

static const char *
path_of(const struct check_file *f)
{
	return f->member != NULL ? f->member : f->path;
}

/* Where the last n components begin; NULL: there are not that many. */
static const char *
last(const char *path, size_t n)
{
	const char *p = path + strlen(path);

	while (p > path)
		if (*--p == '/' && --n == 0)
			return p + 1;
	return n == 1 ? path : NULL;
}

static size_t
components(const char *s)
{
	size_t n = 1;

	for (; *s != '\0'; s++)
		n += *s == '/';
	return n;
}

bool
check_place_is(const struct check_file *f, const char *end)
{
	const char *p = last(path_of(f), components(end));

	return p != NULL && strcmp(p, end) == 0;
}

static bool
has(const struct check_file *f, const char *word)
{
	return memmem(f->bytes.base, f->bytes.len, word, strlen(word)) != NULL;
}

/* What "git init" copies never runs; what "git lfs install" writes calls that
 * and says so otherwise. */
static bool
is_usual_hook(const struct check_file *f)
{
	return text_ends_with(check_name_of(f), ".sample") ||
	       (has(f, "command -v git-lfs >/dev/null 2>&1 ||") &&
		   has(f, "\ngit lfs ") && f->bytes.len < 500);
}

static void
ssh_config(const struct check_file *f)
{
	for (size_t i = 0; i < ARRAY_LEN(ssh); i++)
		if (has(f, ssh[i]))
			check_find(f, FINDING_PLACE_RUN, ERR_NOWHERE,
			    "a configuration of SSH with %s", ssh[i]);
}

/* hgrc(5): hooks and extensions are Python or programs, "!" is a program. */
static void
mercurial(const struct check_file *f)
{
	if (has(f, "[hooks]") || has(f, "[extensions]") || has(f, "= !"))
		check_find(f, FINDING_PLACE_RUN, ERR_NOWHERE,
		    "a configuration of Mercurial with hooks, extensions or "
		    "commands");
}

/* The cargo book, Configuration: programs that a build starts; a name without a
 * folder is looked for where programs are. */
static void
cargo(const struct check_file *f)
{
	static const char *const keys[] = {"rustc-wrapper",
	    "rustc-workspace-wrapper", "rustc", "rustdoc", "runner", "linker",
	    "credential-provider"};
	static const char *const from[] = {"\"./", "\"../", "\"/tmp/"};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		for (size_t k = 0; k < ARRAY_LEN(from); k++) {
			char line[64];

			snprintf(
			    line, sizeof(line), "%s = %s", keys[i], from[k]);
			if (has(f, line))
				check_find(f, FINDING_PLACE_RUN, ERR_NOWHERE,
				    "cargo starts the program of '%s'",
				    keys[i]);
		}
}

/* A server that runs what anybody sends it, without a token. */
static void
jupyter(const struct check_file *f)
{
	static const char *const none[] = {".token = ''", ".token = \"\"",
	    ".token=''", ".token=\"\"", "\"token\": \"\""};
	const char *name = check_name_of(f);

	if (strncmp(name, "jupyter_", 8) != 0 ||
	    (!text_ends_with(name, "_config.py") &&
		!text_ends_with(name, "_config.json")))
		return;
	for (size_t i = 0; i < ARRAY_LEN(none); i++)
		if (has(f, none[i]))
			check_find(f, FINDING_SERVE_OPEN, ERR_NOWHERE,
			    "Jupyter takes commands without a token");
}

void
check_place(const struct check_file *f)
{
	const char *path = path_of(f);

	if (f->bytes.len == 0)
		return;
	if (check_place_is(f, ".ssh/config"))
		ssh_config(f);
	if (check_place_is(f, ".cargo/config.toml") ||
	    check_place_is(f, ".cargo/config"))
		cargo(f);
	jupyter(f);
	if (check_place_is(f, ".hg/hgrc") || check_place_is(f, ".hgrc"))
		mercurial(f);
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		const char *pattern = places[i].pattern;
		const char *p = last(path, components(pattern));

		if (p == NULL || fnmatch(pattern, p, FNM_PATHNAME) != 0 ||
		    (i == 0 && is_usual_hook(f)))
			continue;
		check_find(
		    f, FINDING_PLACE_RUN, ERR_NOWHERE, "%s", places[i].what);
		return;
	}
}
