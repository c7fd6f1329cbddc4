/* SPDX-License-Identifier: MIT
 * What a configuration of git makes git run (git-config(1), gitmodules(5)): a
 * bundle may bring a whole .git folder, and git in that folder obeys it.
 */
#define _GNU_SOURCE /* memmem, strncasecmp */
#include "audit/check_place.h"

#include "base/text.h"

#include <strings.h>

#define SHOWN 256

/* Keys whose value is a command, in whatever section; lower case. */
static const char *const commands[] = {"fsmonitor", "sshcommand", "hookspath",
    "pager", "editor", "clean", "smudge", "process", "helper", "gitproxy",
    "textconv", "command", "askpass", "program", "driver", "external", "cmd",
    "uploadpack", "receivepack", "tocmd", "cccmd"};

struct line {
	const char *s;
	size_t len;
	uint64_t off;
};

static void
trim(struct line *l)
{
	while (l->len != 0 && (l->s[0] == ' ' || l->s[0] == '\t')) {
		l->s++;
		l->len--;
		l->off++;
	}
	while (l->len != 0 && strchr(" \t\r", l->s[l->len - 1]) != NULL &&
	       l->s[l->len - 1] != '\0')
		l->len--;
}

static bool
is(const struct line *l, const char *word)
{
	return l->len == strlen(word) && strncasecmp(l->s, word, l->len) == 0;
}

static bool
begins(const struct line *l, const char *word)
{
	return l->len >= strlen(word) &&
	       strncasecmp(l->s, word, strlen(word)) == 0;
}

static bool
has(const struct line *l, const char *word)
{
	return l->len != 0 && memmem(l->s, l->len, word, strlen(word)) != NULL;
}

static void
find(const struct check_file *f, const struct line *l)
{
	char shown[SHOWN];

	text_escape(l->s, MIN(l->len, 160), shown, sizeof(shown));
	check_find(f, FINDING_GIT_COMMAND, l->off, "'%s'", shown);
}

/* ext:: runs what follows; what begins with '-' is an option of git or ssh
 * (CVE-2018-17456), which a quote does not change. */
static bool
url_runs(struct line v)
{
	if (v.len != 0 && v.s[0] == '"') {
		v.s++;
		v.len--;
	}
	return begins(&v, "-") || has(&v, "ext::") || has(&v, "://-");
}

static bool
is_command(const struct line *key)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (is(key, commands[i]))
			return true;
	return false;
}

static void
setting(const struct check_file *f, const struct line *section, struct line l)
{
	const char *eq = memchr(l.s, '=', l.len);
	size_t n = eq != NULL ? (size_t)(eq - l.s) : l.len;
	struct line key = {l.s, n, l.off}, value = {l.s + l.len, 0, l.off};
	bool runs;

	if (eq == NULL)
		return;
	value = (struct line){eq + 1, l.len - n - 1, l.off + n + 1};
	trim(&key);
	trim(&value);
	if (is_command(&key))
		runs = !has(&value, "git-lfs") && !is(&value, "false") &&
		       value.len != 0;
	else if (begins(section, "alias") || is(&key, "update"))
		runs = begins(&value, "!") || begins(&value, "\"!");
	else if (is(&key, "url") || is(&key, "pushurl") || is(&key, "path"))
		runs = url_runs(value) || begins(section, "include");
	else if (begins(section, "pager"))
		runs = !is(&value, "true") && !is(&value, "false");
	else
		runs = begins(section, "protocol") && is(&key, "allow") &&
		       is(&value, "always");
	if (runs)
		find(f, &l);
}

static void
lines(const struct check_file *f)
{
	const char *s = (const char *)f->bytes.base;
	struct line section = {"", 0, 0};

	for (size_t at = 0; at < f->bytes.len;) {
		const char *end = memchr(s + at, '\n', f->bytes.len - at);
		size_t n =
		    end != NULL ? (size_t)(end - s) - at : f->bytes.len - at;
		struct line l = {s + at, n, at};

		at += n + 1;
		trim(&l);
		/* a key may stand behind the name of its section */
		if (l.len != 0 && l.s[0] == '[' &&
		    (end = memchr(l.s, ']', l.len)) != NULL) {
			n = (size_t)(end - l.s);
			section = (struct line){l.s + 1, n - 1, l.off + 1};
			l = (struct line){
			    end + 1, l.len - n - 1, l.off + n + 1};
			trim(&l);
		}
		if (l.len != 0 && l.s[0] != '#' && l.s[0] != ';')
			setting(f, &section, l);
	}
}

/* By the name that git opens, or by what "git init" writes. */
static bool
is_configuration(const struct check_file *f)
{
	static const char *const names[] = {".git/config",
	    ".git/config.worktree", ".gitconfig", ".gitmodules",
	    "etc/gitconfig", ".config/git/config"};
	static const char begin[] = "[core]\n\trepositoryformatversion";

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (check_place_is(f, names[i]))
			return true;
	/* of a folder that git takes for a repository: HEAD, objects, refs */
	if (strcmp(check_name_of(f), "config") == 0 && f->bytes.len > 6 &&
	    memcmp(f->bytes.base, "[core]", 6) == 0)
		return true;
	return memmem(f->bytes.base, f->bytes.len, begin, sizeof(begin) - 1) !=
		   NULL ||
	       memmem(f->bytes.base, f->bytes.len, "[filter \"", 9) != NULL;
}

void
check_git(const struct check_file *f)
{
	if (!check_is(f, "text") || f->bytes.len == 0 || check_is(f, "json"))
		return;
	if (is_configuration(f))
		lines(f);
}
