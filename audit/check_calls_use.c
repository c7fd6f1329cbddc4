/* SPDX-License-Identifier: MIT
 * What Python asks of a module that code of a model has no need of: names that
 * are on no list, and programs that it starts, by the commands that it starts
 * them with.
 */
#define _GNU_SOURCE /* memmem */
#include "audit/check_calls_walk.h"

#include "audit/check_python.h"
#include "audit/check_shell.h"
#include "base/text.h"

#include <strings.h>

/* A socket that is only bound is how scripts look for a free port. */
bool
check_calls_use_is_bad(
    const struct walk *w, const struct code_module *m, size_t i)
{
	return !check_calls_listed(m->allowed, at(w, i)) ||
	       (w->connects && strcmp(m->name, "socket") == 0 &&
		   is(w, i, "socket"));
}

/* Whether a call's arguments are strings and how their output is taken, and
 * nothing that may change what is run. */
static bool
is_literal(const struct walk *w, size_t i, size_t end)
{
	static const char *const how[] = {"True", "False", "None", "subprocess",
	    "PIPE", "DEVNULL", "STDOUT", "shell", "stdout", "stderr", "stdin",
	    "check", "text", "capture_output", "universal_newlines", "encoding",
	    "timeout", NULL};

	for (; i < end; i++) {
		const struct pycode_token *t = at(w, i);

		if (t->kind == PYCODE_STRING ? *t->s == 'f' || *t->s == 'F'
		    : t->kind == PYCODE_NAME
			? !check_calls_listed(how, t)
			: t->kind == PYCODE_OP &&
			      strchr("()[],=.", *t->s) == NULL)
			return false;
	}
	return true;
}

/* A command that only asks: for the revision of a work tree, for graphics
 * cards. */
static bool
asks(const struct walk *w, size_t i)
{
	static const char *const git[] = {
	    "rev-parse", "describe", "log", "status", "diff", "branch"};
	char command[80] = "";
	size_t n = 0, end = check_calls_end(w, i);

	if (!is_literal(w, i, end))
		return false;
	for (size_t k = i; k < end; k++) {
		struct pycode_token t = *at(w, k);

		if (t.kind != PYCODE_STRING)
			continue;
		pycode_inner(&t);
		if (t.len + 2 > sizeof(command) - n)
			return false;
		for (size_t m = 0; m < t.len; m++)
			if (strchr(";|&$`<>\\\n", t.s[m]) != NULL)
				return false;
		n += (size_t)snprintf(
		    command + n, sizeof(command) - n, "%.*s ", (int)t.len, t.s);
	}
	if (strncmp(command, "nvidia-smi ", 11) == 0)
		return true;
	for (size_t k = 0; k < ARRAY_LEN(git); k++)
		if (strncmp(command, "git ", 4) == 0 &&
		    strncmp(command + 4, git[k], strlen(git[k])) == 0)
			return true;
	return false;
}

/* What makes another program of a command: "x".join(), executable=; and, of
 * the environment that it gets, what programs run by themselves. */
static bool
diverts(const struct walk *w, size_t i)
{
	static const char *const options[] = {"executable", "preexec_fn", NULL};
	static const char *const changes[] = {"replace", "translate", NULL};
	static const char *const variables[] = {"LD_PRELOAD", "LD_AUDIT",
	    "DYLD_INSERT_LIBRARIES", "BASH_ENV", "PYTHONSTARTUP",
	    "GIT_EXTERNAL_DIFF", "GIT_SSH_COMMAND", "GIT_PAGER"};
	struct pycode_token t = *at(w, i), of;

	if (t.kind == PYCODE_STRING) {
		pycode_inner(&t);
		return text_is_among(
		    t.s, t.len, variables, ARRAY_LEN(variables));
	}
	if (is(w, i + 1, "=") && check_calls_listed(options, &t))
		return true;
	if (i < 2 || !is(w, i - 1, ".") || at(w, i - 2)->kind != PYCODE_STRING)
		return false;
	of = *at(w, i - 2);
	pycode_inner(&of);
	return check_calls_listed(changes, &t) ||
	       (is(w, i, "join") && of.len != 0 && *of.s != ' ');
}

/* The command between i and end is one that honest scripts run. */
static bool
tame_between(const struct walk *w, size_t i, size_t end)
{
	char command[2048]; /* the first string, and what is added to it */
	bool own = false, code = false, any = false;
	size_t n = 0, ignored;

	for (size_t k = i; k < end; k++) {
		struct pycode_token t = *at(w, k);
		bool more =
		    at(w, k - 1)->kind == PYCODE_STRING || is(w, k - 1, "+");

		if (diverts(w, k))
			return false;
		own |= !any && is(w, k, "sys") && is(w, k + 2, "executable");
		if (t.kind != PYCODE_STRING)
			continue;
		pycode_inner(&t);
		if (check_shell_judge(t.s, t.len, &ignored) != NULL)
			return false;
		code |= check_python_is_code(t.s, t.len);
		if (any && !more)
			continue;
		if (t.len > sizeof(command) - n)
			return false;
		memcpy(command + n, t.s, t.len);
		n += t.len;
		any = true;
	}
	return check_python_sets_up(any ? command : NULL, n, own, code);
}

/* run(cmd), run(shlex.split(cmd)), run(cmd.split()): where cmd is; 0: it is
 * something else. */
static size_t
variable(const struct walk *w, size_t i)
{
	if (is(w, i, "shlex") && is(w, i + 2, "split") && is(w, i + 3, "("))
		i += 4;
	if (at(w, i)->kind != PYCODE_NAME || is(w, i, "sys"))
		return 0;
	return is(w, i + 1, ",") || is(w, i + 1, ")") ||
		       (is(w, i + 1, ".") && is(w, i + 2, "split"))
		   ? i
		   : 0;
}

/* The name of a program that was looked for: gcc = shutil.which("gcc"). */
static bool
is_found(const struct walk *w, size_t value)
{
	static const char *const ways[] = {"which", "find_executable", NULL};

	for (size_t i = value; i < value + 8 && at(w, i)->kind != PYCODE_LINE;
	     i++)
		if (check_calls_listed(ways, at(w, i)) && is(w, i + 1, "("))
			return true;
	return false;
}

/* i: the bracket of the call. */
static bool
tame(const struct walk *w, size_t i)
{
	size_t name = variable(w, i + 1), value;

	/* run([gcc, "-v"]) */
	if (name == 0 && is(w, i + 1, "[") &&
	    at(w, i + 2)->kind == PYCODE_NAME && is(w, i + 3, ",") &&
	    (value = check_calls_assigned(w, i + 2, i)) != 0 &&
	    is_found(w, value))
		return true;
	if (name == 0)
		return tame_between(w, i, check_calls_end(w, i));
	for (size_t k = i, end = check_calls_end(w, i); k < end; k++)
		if (diverts(w, k))
			return false;
	value = check_calls_assigned(w, name, i);
	if (value == 0)
		return check_calls_parameter(w, name, i) == CALLS_HELPER;
	for (i = value;
	     i < value + CHECK_CALLS_SPAN && at(w, i)->kind != PYCODE_LINE &&
	     at(w, i)->kind != PYCODE_END;
	     i++)
		;
	return tame_between(w, value, i);
}

/* socket.gethostbyname(socket.gethostname()) */
static bool
asks_own_name(const struct walk *w, size_t i)
{
	return is(w, i, "gethostbyname") && is(w, i + 1, "(") &&
	       is(w, i + 3, ".") && is(w, i + 4, "gethostname") &&
	       is(w, i + 5, "(") && is(w, i + 6, ")");
}

/* os.startfile(folder) shows it; a program is started. */
static bool
shows(const struct walk *w, size_t i)
{
	static const char *const programs[] = {".exe", ".bat", ".cmd", ".com",
	    ".ps1", ".vbs", ".vbe", ".js", ".jse", ".wsf", ".hta", ".lnk",
	    ".scr", ".msi", ".py", ".pyw", ".cpl", ".url"};
	size_t end = check_calls_end(w, i + 1);

	if (!is(w, i, "startfile") || !is(w, i + 1, "("))
		return false;
	for (i += 2; i < end; i++) {
		struct pycode_token t = *at(w, i);

		if (t.kind != PYCODE_STRING)
			continue;
		pycode_inner(&t);
		for (size_t k = 0; k < ARRAY_LEN(programs); k++) {
			size_t n = strlen(programs[k]);

			if (t.len >= n &&
			    strncasecmp(t.s + t.len - n, programs[k], n) == 0)
				return false;
		}
	}
	return true;
}

/* A name of module m at i: what it counts for. */
static void
judge(const struct walk *w, const struct code_module *m, size_t i)
{
	bool call = is(w, i + 1, "(");
	enum finding_id id = check_calls_module_weigh(w, m);

	if (call && (asks(w, i + 1) || asks_own_name(w, i)))
		return;
	if (check_calls_listed(m->unusual, at(w, i)) || shows(w, i) ||
	    (call && tame(w, i + 1)))
		id = FINDING_CODE_UNUSUAL;
	check_calls_find(w, id, i, "use of");
}

void
check_calls_use(const struct walk *w, size_t i)
{
	size_t m = map_get_n(&w->alias, at(w, i)->s, at(w, i)->len);
	bool keyword = is(w, i + 1, "=") && !is(w, i + 2, "=");

	if (m != SIZE_MAX && is(w, i + 1, ".")) {
		const struct code_module *module = check_calls_module_at(m - 1);

		if (check_calls_use_is_bad(w, module, i + 2))
			judge(w, module, i + 2);
	} else if (m != SIZE_MAX && !keyword) {
		/* not os = None, f(os=...) */
		check_calls_find(w,
		    check_calls_module_weigh(w, check_calls_module_at(m - 1)),
		    i, "module as a value");
	}
	m = map_get_n(&w->function, at(w, i)->s, at(w, i)->len);
	if (m != SIZE_MAX && !keyword && !is(w, i - 1, "def"))
		judge(w, check_calls_module_at(m - 1), i);
}
