/* SPDX-License-Identifier: MIT
 * Commands in JSON and YAML, by the keys that builders, servers of continuous
 * integration, editors and package managers have for them, whatever the file is
 * called.  Other strings that quote a command are prose.
 */
#include "audit/check_config_part.h"

#include "audit/check_shell.h"
#include "base/limits.h"
#include "base/text.h"

#include <strings.h>

/* Of GitHub, GitLab, Circle and Azure; compose and Kubernetes; cog, BentoML,
 * SkyPilot, MLproject, DVC; npm; editors and their containers. */
static const char *const keys[] = {"run", "command", "commands", "cmd", "cmds",
    "script", "scripts", "before_script", "after_script", "bash", "sh",
    "powershell", "pwsh", "inlineScript", "entrypoint", "entry", "args",
    "setup", "setup_script", "startup_script", "build_commands", "install",
    "preinstall", "postinstall", "prepare", "initializeCommand",
    "onCreateCommand", "updateContentCommand", "postCreateCommand",
    "postStartCommand", "postAttachCommand", "init", "before", "exec", "test",
    "deps_command", "hooks", "runcmd", "bootcmd", "tasks", "preLaunchTask",
    "pre_build", "post_build", "dockerfile", "dockerfile_inline", "user-data",
    "on_start", "onstart", "argv",
    /* of a data set of Ultralytics: "bash ..." is handed to a shell */
    "download"};

/* However a tool spells it: setup_commands, bash_command, preScript. */
static bool
ends_like_command(const struct conf *n)
{
	static const char *const ends[] = {"command", "commands", "commandline",
	    "script", "scripts", "cmd", "cmds", "hook", "runtimeargs"};

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		size_t len = strlen(ends[i]);

		if (n->key_len >= len &&
		    strncasecmp(n->key + n->key_len - len, ends[i], len) == 0)
			return true;
	}
	return false;
}

/* Its key, or that of what it stands in, is one that commands have. */
static bool
is_command(const struct conf *n)
{
	for (size_t up = 0; n != NULL && up < 3; n = n->up, up++)
		if (n->key != NULL &&
		    (text_is_among(n->key, n->key_len, keys, ARRAY_LEN(keys)) ||
			ends_like_command(n)))
			return true;
	return false;
}

static void
judge(const struct check_file *f, const struct conf *n)
{
	size_t at = 0;
	const char *what = check_shell_judge(n->text, n->len, &at);

	if (what != NULL)
		check_find(f, FINDING_COMMAND_DANGEROUS, n->off, "%s", what);
}

/* LD_PRELOAD: /tmp/x.so, in the environment that conda, compose and servers of
 * continuous integration set: the same as a line of a shell's. */
static void
environment(const struct check_file *f, const struct conf *n)
{
	static const char *const maps[] = {
	    "variables", "environment", "env", "env_vars"};
	char line[1024];
	struct conf as = *n;
	int len;

	if (n->key == NULL || n->up == NULL || n->up->key == NULL ||
	    !text_is_among(n->up->key, n->up->key_len, maps, ARRAY_LEN(maps)) ||
	    n->len + n->key_len + 2 > sizeof(line) || n->key[0] < 'A' ||
	    n->key[0] > 'Z')
		return;
	len = snprintf(line, sizeof(line), "%.*s=%.*s", (int)n->key_len, n->key,
	    (int)n->len, n->text);
	as.text = line;
	as.len = (size_t)len;
	judge(f, &as);
}

/* ${{ toJSON(secrets) }}: no step of a workflow needs all of them. */
static bool
hands_on_secrets(const struct conf *n)
{
	static const char call[] = "tojson(secrets)";
	size_t k = 0;

	for (size_t i = 0; i < n->len && k < sizeof(call) - 1; i++) {
		char c = n->text[i];

		if (c == ' ' && k != 0)
			continue;
		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		k = c == call[k] ? k + 1 : c == call[0];
	}
	return k == sizeof(call) - 1;
}

void
check_config_command(const struct check_file *f, const struct conf_doc *d)
{
	for (const struct conf *n = d->root; n != NULL; n = conf_next(n)) {
		if (n->kind != CONF_STRING || n->len <= 8 ||
		    n->len >= LIMIT_INSPECT_SOURCE)
			continue;
		if (is_command(n))
			judge(f, n);
		else
			environment(f, n);
		if (d->yaml && hands_on_secrets(n))
			check_find(f, FINDING_COMMAND_DANGEROUS, n->off,
			    "hands on all secrets of a workflow");
	}
}
