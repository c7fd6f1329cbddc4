/* SPDX-License-Identifier: MIT
 * What coding agents and editors with one take from a folder that is opened in
 * them: servers of tools that they start (Model Context Protocol: mcp.json,
 * .mcp.json, settings.json of Claude Code, Gemini, Windsurf, Zed), and settings
 * that switch their questions off (CVE-2025-53773).
 */
#include "audit/check_config_part.h"

#include "base/text.h"

/* What fetches a package and runs it at once, and the word behind that says so. */
static const struct {
	const char *name, *verb;
} runners[] = {{"npx", NULL}, {"bunx", NULL}, {"pnpx", NULL}, {"uvx", NULL},
    {"pipx", "run"}, {"npm", "exec"}, {"pnpm", "dlx"}, {"yarn", "dlx"},
    {"bun", "x"}, {"deno", "run"}, {"uv", "run"}, {"uv", "tool"}};

static bool
is_runner(const struct conf *command, const struct conf *first)
{
	for (size_t i = 0; i < ARRAY_LEN(runners); i++)
		if (conf_text_is(command, runners[i].name) &&
		    (runners[i].verb == NULL ||
			(first != NULL &&
			    conf_text_is(first, runners[i].verb))))
			return true;
	return false;
}

/* Over a line that anybody may change, or none of the hosts of repositories. */
static bool
is_foreign(const char *s, size_t len)
{
	static const char *const hosts[] = {"github.com/", "www.github.com/",
	    "gitlab.com/", "codeberg.org/", "bitbucket.org/", "huggingface.co/",
	    "raw.githubusercontent.com/", "deno.land/", "jsr.io/", "esm.sh/"};
	static const char begin[] = "https://", plain[] = "http://";

	if (text_begins_with(s, len, "git+")) {
		s += 4;
		len -= 4;
	}
	if (text_begins_with(s, len, plain))
		return true;
	if (!text_begins_with(s, len, begin))
		return false;
	s += sizeof(begin) - 1;
	len -= sizeof(begin) - 1;
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++)
		if (text_begins_with(s, len, hosts[i]))
			return false;
	return true;
}

/* The package that a runner is given: the first word that is no option, or what
 * one of these names.  What follows is the package's own: addresses too. */
static const struct conf *
package_of(const struct conf *args)
{
	static const char *const takes[] = {
	    "-p", "--package", "--from", "--with", "--spec"};

	for (const struct conf *n = args->child; n != NULL; n = n->next) {
		if (n->kind != CONF_STRING || n->len == 0)
			continue;
		if (n->next != NULL &&
		    text_is_among(n->text, n->len, takes, ARRAY_LEN(takes)))
			return n->next;
		if (n->text[0] != '-' && !conf_text_is(n, "run") &&
		    !conf_text_is(n, "exec") && !conf_text_is(n, "dlx") &&
		    !conf_text_is(n, "tool") && !conf_text_is(n, "x"))
			return n;
	}
	return NULL;
}

static void
server(const struct check_file *f, const struct conf *n)
{
	const struct conf *command = conf_get(n, "command"),
			  *args = conf_get(n, "args"),
			  *trust = conf_get(n, "trust"), *package;
	char shown[256];

	if (trust != NULL && conf_true(trust) && trust->kind == CONF_WORD &&
	    (command != NULL || conf_get(n, "httpUrl") != NULL))
		check_find(f, FINDING_AGENT_UNASKED, trust->off,
		    "a server whose tools are run without a question");
	if (!conf_is_string(command) || !conf_is_array(args) ||
	    !is_runner(command, args->child) ||
	    (package = package_of(args)) == NULL || !conf_is_string(package) ||
	    !is_foreign(package->text, package->len))
		return;
	check_find(f, FINDING_COMMAND_DANGEROUS, package->off,
	    "a coding agent fetches and starts '%s'",
	    check_config_shown(package, shown, sizeof(shown)));
}

static void
servers(const struct check_file *f, const struct conf_doc *d)
{
	static const char *const names[] = {
	    "mcpServers", "servers", "context_servers", "mcp_servers"};

	for (const struct conf *n = d->root; n != NULL; n = conf_next(n)) {
		const struct conf *up = n->up;

		if (n->kind == CONF_OBJECT && up != NULL && up->key != NULL &&
		    text_is_among(
			up->key, up->key_len, names, ARRAY_LEN(names)))
			server(f, n);
	}
}

/* What VS Code, Claude Code and their like call it. */
static const struct {
	const char *key, *value; /* NULL: true */
} unasked[] = {{"chat.tools.autoApprove", NULL},
    {"chat.tools.global.autoApprove", NULL},
    {"enableAllProjectMcpServers", NULL}, {"defaultMode", "bypassPermissions"},
    {"cline.autoApproveAll", NULL},
    {"skipDangerousModePermissionPrompt", NULL}};

static void
settings(const struct check_file *f, const struct conf_doc *d)
{
	for (const struct conf *n = d->root; n != NULL; n = conf_next(n))
		for (size_t i = 0; i < ARRAY_LEN(unasked); i++)
			if (n->key != NULL && conf_key_is(n, unasked[i].key) &&
			    (unasked[i].value == NULL
				    ? n->kind == CONF_WORD && conf_true(n)
				    : conf_text_is(n, unasked[i].value)))
				check_find(f, FINDING_AGENT_UNASKED, n->off,
				    "'%s'", unasked[i].key);
}

void
check_config_agent(const struct check_file *f, const struct conf_doc *d)
{
	if (d->yaml)
		return;
	servers(f, d);
	settings(f, d);
}
