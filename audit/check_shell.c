/* SPDX-License-Identifier: MIT
 * Words beside one another, in a copy in small letters with comments blanked.
 * Sources: MITRE ATT&CK T1059.001/.004, T1105, T1140, T1048; the cheat sheets
 * that reverse shells are copied from.  What is usual in set-up scripts
 * (downloading, chmod, waiting for a port by /dev/tcp) is not enough.
 */
#define _GNU_SOURCE /* memmem */
#include "audit/check_shell.h"

#include "audit/check_shell_expand.h"
#include "audit/check_shell_part.h"
#include "audit/check_shell_usual.h"

/* An interpreter is named at `at`, behind paths and sudo. */
static bool
interpreter_at(struct text t, size_t at)
{
	static const char *const word[] = {"sh", "bash", "zsh", "dash", "ksh",
	    "python", "python3", "perl", "php", "ruby", "node", "iex", "$shell",
	    "${shell}", "${shell:-sh}", "${shell:-bash}", "${shell:-/bin/sh}",
	    "$0"};
	static const char *const before[] = {
	    "sudo ",
	    "env ",
	    "/usr/bin/",
	    "/bin/",
	    "-e ",
	};
	bool more = true;

	while (more) {
		more = false;
		while (at < t.len && (t.s[at] == ' ' || t.s[at] == '\t' ||
					 t.s[at] == '"' || t.s[at] == '\\'))
			at++;
		for (size_t i = 0; i < ARRAY_LEN(before); i++)
			if (find(t, at, at + strlen(before[i]), before[i]) ==
			    at) {
				at += strlen(before[i]);
				more = true;
			}
	}
	for (size_t i = 0; i < ARRAY_LEN(word); i++)
		if (find(t, at, at + strlen(word[i]), word[i]) == at &&
		    alone(t, at, strlen(word[i])))
			return true;
	return false;
}

/* From `at` on, in the same command, something is piped to an interpreter. */
static bool
piped(struct text t, size_t at)
{
	size_t to = MIN(t.len, at + NEAR);

	for (; at < to && t.s[at] != '\n' && t.s[at] != ';'; at++)
		if (t.s[at] == '|' && interpreter_at(t, at + 1))
			return true;
	return false;
}

/* What ends a word of a command, and what ends the command. */
static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '"' || c == '\'' || c == '\\';
}

static bool
is_end(char c)
{
	return c == '\n' || c == ';' || c == '|' || c == '&' || c == ')' ||
	       c == '`' || c == '>' || c == '<';
}

/* From a loader on, nothing is fetched but an installer, which goes to an
 * interpreter as it is, or to who called. */
static bool
usual(struct text t, size_t at)
{
	size_t to = MIN(t.len, at + NEAR), n = 0;
	size_t curl = find(t, at, to, "curl"), wget = find(t, at, to, "wget");

	at = MIN(curl, wget);
	if (at == SIZE_MAX)
		return false;
	for (at += strlen("curl"); at < to && !is_end(t.s[at]);) {
		size_t from = at;

		while (at < to && !is_end(t.s[at]) && !is_space(t.s[at]))
			at++;
		if (check_shell_usual_installer(t.s + from, at - from))
			n++;
		else if (at != from &&
			 !check_shell_usual_option(t.s + from, at - from))
			return false;
		at += at < to && is_space(t.s[at]);
	}
	return n == 1 && at < to &&
	       (t.s[at] == ')' || t.s[at] == '`' ||
		   (t.s[at] == '|' && interpreter_at(t, at + 1)));
}

/* A word, or one of several, and then a pipe to an interpreter. */
static size_t
fed(struct text t, const char *const *words)
{
	for (; *words != NULL; words++) {
		size_t at = 0;

		for (; (at = find_alone(t, at, t.len, *words)) != SIZE_MAX;
		     at++)
			if (piped(t, at) && !usual(t, at))
				return at;
	}
	return SIZE_MAX;
}

/* --- the rules ----------------------------------------------------------- */

static const char *const loaders[] = {"curl", "wget", NULL};

static size_t
download(struct text t)
{
	static const char *const in[] = {"bash <(curl", "sh <(curl",
	    "source <(curl", "bash <(wget", "sh <(wget", "-c \"$(curl",
	    "-c \"$(wget", "-c \"`curl", "eval \"$(curl", "eval \"$(wget",
	    "eval $(curl", "eval $(wget", "eval `curl", "sh -c '$(curl"};
	size_t at = fed(t, loaders);

	for (size_t i = 0; at == SIZE_MAX && i < ARRAY_LEN(in); i++) {
		at = find(t, 0, t.len, in[i]);
		while (at != SIZE_MAX && usual(t, at))
			at = find(t, at + 1, t.len, in[i]);
	}
	return at;
}

/* 172.16 to 172.31 are everybody's own (RFC 1918). */
static bool
own_172(struct text t, size_t at)
{
	unsigned part = 0;

	if (find(t, at, at + 4, "172.") != at)
		return false;
	for (at += 4; at < t.len && isdigit((unsigned char)t.s[at]); at++)
		part = MIN(10 * part + (unsigned)(t.s[at] - '0'), 1000);
	return part >= 16 && part <= 31;
}

/* "://" and four numbers, no host of one's own network. */
static bool
bare_address(struct text t, size_t at)
{
	static const char *const own[] = {
	    "10.", "127.", "192.168.", "0.0.0.0", "169.254."};
	size_t dots = 0, digits = 0;

	at += 3;
	if (own_172(t, at))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		if (find(t, at, at + strlen(own[i]), own[i]) == at)
			return false;
	for (;
	     at < t.len && (isdigit((unsigned char)t.s[at]) || t.s[at] == '.');
	     at++) {
		dots += t.s[at] == '.';
		digits += t.s[at] != '.';
	}
	return dots == 3 && digits >= 4;
}

/* Fetched from a bare address, and run by a later part of the same command:
 * honest set-up scripts fetch installers too, but of somebody with a name. */
static size_t
fetched(struct text t)
{
	for (size_t i = 0; loaders[i] != NULL; i++)
		for (size_t at = 0;
		     (at = find_alone(t, at, t.len, loaders[i])) != SIZE_MAX;
		     at++) {
			size_t to = MIN(t.len, at + NEAR);
			size_t url = find(t, at, to, "://");

			if (url == SIZE_MAX || !bare_address(t, url))
				continue;
			for (size_t k = url; k < to; k++)
				if ((t.s[k] == '&' || t.s[k] == ';' ||
					t.s[k] == '\n') &&
				    (interpreter_at(t, k + 1) ||
					find(t, k, k + 12, "chmod ") !=
					    SIZE_MAX))
					return at;
		}
	return SIZE_MAX;
}

/* The address at `url` is that of an index, by the option before it; one on this
 * machine is a mirror or a test. */
static bool
is_index(struct text t, size_t at, size_t url)
{
	static const char *const option[] = {"-index-url", " -i ", "--index "};
	static const char *const own[] = {"localhost", "127.0.0.1"};

	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		if (find(t, url + 7, url + 7 + strlen(own[i]), own[i]) ==
		    url + 7)
			return false;
	for (size_t i = 0; i < ARRAY_LEN(option); i++)
		if (find(t, url - at > 24 ? url - 24 : at, url, option[i]) !=
		    SIZE_MAX)
			return true;
	return false;
}

/* Packages over an address that nobody proves: anybody on the way, or an index
 * that somebody set up for the day. */
static size_t
unproven(struct text t)
{
	size_t at = 0;

	while ((at = find(t, at, t.len, "pip")) != SIZE_MAX) {
		size_t to = at, url;

		while (to < t.len && to < at + NEAR && t.s[to] != '\n' &&
		       t.s[to] != ';' && t.s[to] != '&' && t.s[to] != '|')
			to++;
		url = find(t, at, to, "http://");
		if (url != SIZE_MAX &&
		    find(t, at, url, "install") != SIZE_MAX &&
		    (bare_address(t, url + 4) ||
			find(t, url, to, ".whl") != SIZE_MAX ||
			is_index(t, at, url) ||
			find(t, url, to, ".tar.gz") != SIZE_MAX))
			return at;
		at++;
	}
	return SIZE_MAX;
}

static size_t
decoded(struct text t)
{
	static const char *const word[] = {"base64 -d", "base64 --decode",
	    "base64 -di", "openssl base64 -d", "xxd -r", NULL};

	return fed(t, word);
}

/* eval "$(printf '\x63\x75\x72\x6c')" */
static size_t
escaped(struct text t)
{
	for (size_t at = 0; (at = find_alone(t, at, t.len, "eval")) != SIZE_MAX;
	     at++) {
		size_t p = find(t, at, at + 16, "printf");

		if (p == SIZE_MAX)
			p = find(t, at, at + 16, "echo -e");
		if (p != SIZE_MAX && (find(t, p, p + 16, "\\x") != SIZE_MAX ||
					 find(t, p, p + 16, "\\1") != SIZE_MAX))
			return at;
	}
	return SIZE_MAX;
}

static size_t
reverse_shell(struct text t)
{
	static const char *const open[] = {
	    "bash -i", "sh -i", "0>&1", "<&196", "-i >&", NULL};
	static const char *const tool[] = {"nc", "ncat", "netcat"};
	static const char *const shell[] = {
	    "/bin/sh", "/bin/bash", "bash", "cmd.exe", "cmd"};
	size_t at = find(t, 0, t.len, "/dev/tcp/");
	bool fifo = has(t, "mkfifo") && has(t, "/bin/sh");

	if (at == SIZE_MAX)
		at = find(t, 0, t.len, "/dev/udp/");
	if (at != SIZE_MAX && any(t, open))
		return at;
	for (size_t i = 0; i < ARRAY_LEN(tool); i++)
		for (at = 0;
		     (at = find_alone(t, at, t.len, tool[i])) != SIZE_MAX;
		     at++) {
			size_t e = find(t, at, at + 80, " -e ");

			if (fifo)
				return at;
			if (e == SIZE_MAX)
				e = find(t, at, at + 80, " -c ");
			for (size_t k = 0;
			     e != SIZE_MAX && k < ARRAY_LEN(shell); k++)
				if (find(t, e + 4, e + 4 + strlen(shell[k]),
					shell[k]) == e + 4)
					return at;
		}
	return SIZE_MAX;
}

static size_t
powershell(struct text t)
{
	static const char *const run[] = {
	    "iex", "invoke-expression", "start-process", NULL};
	static const char *const get[] = {"downloadstring(", "downloaddata(",
	    "frombase64string(", "invoke-webrequest", "invoke-restmethod",
	    NULL};
	size_t at = find(t, 0, t.len, "powershell");

	if (at != SIZE_MAX && (find(t, at, at + NEAR, " -enc") != SIZE_MAX ||
				  find(t, at, at + NEAR, " -e ") != SIZE_MAX ||
				  find(t, at, at + NEAR, "hidden") != SIZE_MAX))
		return at;
	for (size_t i = 0; run[i] != NULL && any(t, get); i++)
		if ((at = find_alone(t, 0, t.len, run[i])) != SIZE_MAX)
			return at;
	return SIZE_MAX;
}

static size_t
windows(struct text t)
{
	static const char *const two[][2] = {{"certutil", "-urlcache"},
	    {"certutil", "-decode"}, {"bitsadmin", "/transfer"},
	    {"system.management.automation", "amsiutils"}, {"mshta", "http"},
	    {"regsvr32", "/i:http"}, {"rundll32", "javascript:"}};

	for (size_t i = 0; i < ARRAY_LEN(two); i++) {
		size_t at = find(t, 0, t.len, two[i][0]);

		if (at != SIZE_MAX &&
		    find(t, at, at + NEAR, two[i][1]) != SIZE_MAX)
			return at;
	}
	return SIZE_MAX;
}

/* "/", "~/" or "$HOME"/ at k, and nothing behind it but "*". */
static bool
is_whole(struct text t, size_t k)
{
	static const char *const roots[] = {"~", "$home", "${home}", "/"};

	k += k < t.len && t.s[k] == '"';
	for (size_t i = 0; i < ARRAY_LEN(roots); i++) {
		size_t end = k + strlen(roots[i]);

		if (find(t, k, end, roots[i]) != k)
			continue;
		end += end < t.len && t.s[end] == '"';
		end += end < t.len && t.s[end] == '/' && *roots[i] != '/';
		return end >= t.len || strchr(" *;\n\"'&|", t.s[end]) != NULL;
	}
	return false;
}

/* The whole disk or a whole home, not a folder below. */
static size_t
destroys(struct text t)
{
	static const char *const word[] = {
	    "rm -rf ", "rm -fr ", "rm -r -f ", NULL};

	for (size_t i = 0; word[i] != NULL; i++)
		for (size_t at = 0;
		     (at = find(t, at, t.len, word[i])) != SIZE_MAX; at++) {
			size_t k = at + strlen(word[i]);

			if (find(t, k, k + 40, "--no-preserve-root") !=
			    SIZE_MAX)
				return at;
			if (is_whole(t, k))
				return at;
		}
	return find(t, 0, t.len, ":(){ :|:& };:");
}

/* A file of secrets; not the key that ssh is told to use, nor a public one. */
static bool
reads(struct text t, const char *const *secret)
{
	for (; *secret != NULL; secret++)
		for (size_t at = 0;
		     (at = find(t, at, t.len, *secret)) != SIZE_MAX; at++) {
			size_t end = at + strlen(*secret), option = at;

			while (end < t.len && is_word(t.s[end]))
				end++;
			while (option > 0 && strchr(" \n", t.s[option]) == NULL)
				option--;
			if (find(t, end, end + 4, ".pub") != end &&
			    !(option > 2 &&
				memcmp(t.s + option - 2, "-i", 2) == 0))
				return true;
		}
	return false;
}

static size_t
carries(struct text t)
{
	static const char *const secret[] = {"/etc/shadow", ".ssh/id_",
	    ".aws/credentials", ".git-credentials", ".docker/config.json",
	    "/etc/passwd", NULL};
	static const char *const tool[] = {"curl", "wget", "nc", "ncat", "scp"};
	size_t at = find(t, 0, t.len, ".ssh/authorized_keys");

	if (at != SIZE_MAX && has(t, ">>"))
		return at;
	if (!reads(t, secret))
		return SIZE_MAX;
	for (size_t i = 0; i < ARRAY_LEN(tool); i++)
		if ((at = find_alone(t, 0, t.len, tool[i])) != SIZE_MAX)
			return at;
	return SIZE_MAX;
}

/* Program text for Node.js that starts programs, connects or runs text. */
static size_t
node(struct text t)
{
	static const char *const option[] = {
	    "node -e ", "node --eval", "node -p ", "node -pe "};
	static const char *const act[] = {"child_process", "require('http",
	    "require(\"http", "require(\\\"http", "require('net",
	    "require(\"net", "eval(", "atob(", "buffer.from(", "fetch("};

	for (size_t i = 0; i < ARRAY_LEN(option); i++) {
		size_t at = find_alone(t, 0, t.len, "node");

		at = at != SIZE_MAX ? find(t, at, t.len, option[i]) : at;
		for (size_t k = 0; at != SIZE_MAX && k < ARRAY_LEN(act); k++)
			if (find(t, at, at + NEAR, act[k]) != SIZE_MAX)
				return at;
	}
	return SIZE_MAX;
}

static const struct {
	size_t (*find)(struct text);
	const char *what;
} rules[] = {
    {download, "runs what it downloads"},
    {fetched, "runs what it fetches from a bare address"},
    {unproven, "installs packages over http"},
    {decoded, "runs what it decodes"},
    {escaped, "runs what it decodes"},
    {reverse_shell, "opens a shell to the network"},
    {powershell, "runs what it downloads, decodes or hides, by PowerShell"},
    {windows, "uses a Windows tool as malware does"},
    {destroys, "destroys files"},
    {check_shell_connects, "opens a shell to the network"},
    {carries, "reads secrets or lets somebody in"},
    {check_shell_sends, "sends away secrets or the environment"},
    {node, "starts programs, connects or runs text by Node.js"},
    {check_shell_programs,
	"runs a program text that decodes, downloads or connects"},
    {check_shell_preloads, "loads a library into every program"},
    {check_shell_prompts, "connects to somebody before each prompt"},
};

/* In small letters, comment lines blank, line continuations gone. */
static void
fold(const char *s, size_t len, struct buf *out)
{
	bool comment = false, start = true;

	buf_append(out, s, len);
	for (size_t i = 0; i < len; i++) {
		char c = s[i];

		if (c == '\n')
			comment = false;
		else if (start && c == '#' &&
			 !(i == 0 && len > 1 && s[1] == '!'))
			comment = true;
		start = c == '\n' || (start && (c == ' ' || c == '\t'));
		if (comment || (c == '\n' && i != 0 && s[i - 1] == '\\') ||
		    (c == '\\' && i + 1 < len && s[i + 1] == '\n'))
			c = ' ';
		out->ptr[i] = (uint8_t)tolower((unsigned char)c);
	}
}

static const char *
as_it_is(const char *s, size_t len, size_t *at)
{
	const char *what = NULL;
	struct buf copy = {0};
	struct text t;

	fold(s, len, &copy);
	t = (struct text){(const char *)copy.ptr, copy.len};
	for (size_t i = 0; i < ARRAY_LEN(rules) && what == NULL && len != 0;
	     i++)
		if ((*at = rules[i].find(t)) != SIZE_MAX)
			what = rules[i].what;
	buf_free(&copy);
	return what;
}

const char *
check_shell_judge(const char *s, size_t len, size_t *at)
{
	const char *what = as_it_is(s, len, at);
	struct check_shell_copy copy;

	if (what != NULL || !check_shell_expand(s, len, &copy))
		return what;
	what = as_it_is((const char *)copy.text.ptr, copy.text.len, at);
	if (what != NULL)
		*at = MIN(check_shell_source_of(&copy, *at), len);
	check_shell_copy_free(&copy);
	return what;
}
