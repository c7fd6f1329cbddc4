/* SPDX-License-Identifier: MIT
 * Commands in JSON and YAML, by the keys that builders, servers of continuous
 * integration, editors and package managers have for them, whatever the file is
 * called.  Other strings that quote a command are prose.
 */
#define _GNU_SOURCE /* memrchr */
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

/* WebDataset hands what is behind "pipe:" to a shell, wherever a shard is named. */
static void
pipe_of(const struct check_file *f, const struct conf *n)
{
	struct conf line = *n;

	line.text += 5;
	line.len -= 5;
	judge(f, &line);
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

/*
 * pull_request_target has the secrets of the repository; what it checks out and
 * runs is a stranger's (GitHub Security Lab, "Preventing pwn requests").
 */
static void
workflow(const struct check_file *f, const struct conf_doc *d)
{
	const struct conf *strange = NULL;
	bool target = false, runs = false;

	for (const struct conf *n = d->root; n != NULL; n = conf_next(n)) {
		target |= conf_key_is(n, "pull_request_target") ||
			  conf_text_is(n, "pull_request_target");
		runs |= conf_key_is(n, "run");
		if (conf_key_is(n, "ref") &&
		    (conf_has(n, "github.event.pull_request.head.") ||
			conf_has(n, "github.head_ref")))
			strange = n;
	}
	if (target && runs && strange != NULL)
		check_find(f, FINDING_COMMAND_DANGEROUS, strange->off,
		    "a workflow that runs what a stranger sends, with the "
		    "secrets of the repository");
}

/* A kernel of Jupyter (jupyter_client, "Kernel specs"): a notebook that names it
 * starts argv.  A shell with a command in it is a place for more than a kernel. */
static void
kernel(const struct check_file *f, const struct conf_doc *d)
{
	static const char *const shells[] = {"sh", "bash", "zsh", "dash", "cmd",
	    "cmd.exe", "powershell", "powershell.exe", "pwsh"};
	const struct conf *argv = conf_get(d->root, "argv"), *first;
	const char *name;
	size_t len;

	if (!conf_is_array(argv) || conf_get(d->root, "display_name") == NULL ||
	    argv->child == NULL || argv->child->kind != CONF_STRING ||
	    argv->child->next == NULL)
		return;
	first = argv->child;
	name = first->len != 0 ? memrchr(first->text, '/', first->len) : NULL;
	name = name != NULL ? name + 1 : first->text;
	len = first->len - (size_t)(name - first->text);
	if (text_is_among(name, len, shells, ARRAY_LEN(shells)) &&
	    (conf_text_is(first->next, "-c") ||
		conf_text_is(first->next, "/c") ||
		conf_text_is(first->next, "-Command")))
		check_find(f, FINDING_COMMAND_DANGEROUS, first->next->off,
		    "a kernel that is a command of a shell");
}

/* Settings of VS Code that name the program of a terminal, with a command for it, or
 * a tool that is started from the folder itself. */
static void
editor(const struct check_file *f, const struct conf_doc *d)
{
	static const char *const tools[] = {"git.path", "eslint.nodePath",
	    "php.validate.executablePath", "clangd.path", "cmake.cmakePath",
	    "rust-analyzer.server.path", "go.gopath", "java.home"};
	static const char *const here[] = {
	    "./", "../", "${workspaceFolder}/", "/tmp/"};

	for (const struct conf *n = d->root; n != NULL; n = conf_next(n)) {
		const struct conf *up = n;
		bool tool = n->key != NULL && text_is_among(n->key, n->key_len,
						  tools, ARRAY_LEN(tools));

		for (size_t i = 0; i < ARRAY_LEN(here) && tool; i++)
			if (n->kind == CONF_STRING &&
			    n->len > strlen(here[i]) &&
			    memcmp(n->text, here[i], strlen(here[i])) == 0)
				check_find(f, FINDING_COMMAND_DANGEROUS, n->off,
				    "an editor starts '%.*s'",
				    (int)MIN(n->len, (size_t)200), n->text);
		if (n->kind != CONF_STRING || n->next == NULL ||
		    (!conf_text_is(n, "-c") && !conf_text_is(n, "/c")))
			continue;
		for (size_t k = 0; up != NULL && k < 6; k++, up = up->up)
			if (up->key != NULL && up->key_len > 20 &&
			    memcmp(up->key, "terminal.integrated.", 20) == 0) {
				check_find(f, FINDING_COMMAND_DANGEROUS, n->off,
				    "a command of an editor's terminal");
				break;
			}
	}
}

/* A task of VS Code (tasks.json, "Run behavior") that nobody has to start:
 * whoever opens the folder runs it. */
static void
task(const struct check_file *f, const struct conf_doc *d)
{
	const struct conf *tasks = conf_get(d->root, "tasks");

	if (!conf_is_array(tasks))
		return;
	for (const struct conf *t = tasks->child; t != NULL; t = t->next) {
		const struct conf *on =
		    conf_get(conf_get(t, "runOptions"), "runOn");

		if (on != NULL && conf_text_is(on, "folderOpen"))
			check_find(f, FINDING_PLACE_RUN, on->off,
			    "an editor runs a task of it when the folder is "
			    "opened");
	}
}

void
check_config_command(const struct check_file *f, const struct conf_doc *d)
{
	editor(f, d);
	task(f, d);
	kernel(f, d);
	if (d->yaml)
		workflow(f, d);
	for (const struct conf *n = d->root; n != NULL; n = conf_next(n)) {
		if (n->kind != CONF_STRING || n->len <= 8 ||
		    n->len >= LIMIT_INSPECT_SOURCE)
			continue;
		if (is_command(n))
			judge(f, n);
		else if (memcmp(n->text, "pipe:", 5) == 0)
			pipe_of(f, n);
		else
			environment(f, n);
		if (d->yaml && hands_on_secrets(n))
			check_find(f, FINDING_COMMAND_DANGEROUS, n->off,
			    "hands on all secrets of a workflow");
	}
}
