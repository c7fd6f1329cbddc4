/* SPDX-License-Identifier: MIT
 * Strings of a configuration that are more than strings: Jinja templates,
 * Python that a careless loader evaluates, pickles and archives in base64.
 */
#define _GNU_SOURCE /* memmem */
#include "audit/check_config_part.h"

#include "audit/check_agent.h"
#include "audit/check_base64.h"
#include "audit/check_jinja.h"
#include "base/text.h"

/* One word of a vocabulary is never a payload; a text of a data set is. */
#define CODE_LEAST 12
#define SHOWN      256

static bool
has(const struct conf *n, const char *word)
{
	return memmem(n->text, n->len, word, strlen(word)) != NULL;
}

static bool
begins(const struct conf *n, const char *word)
{
	size_t len = strlen(word), i = 0;

	while (i < n->len &&
	       (n->text[i] == ' ' || n->text[i] == '\n' || n->text[i] == '('))
		i++;
	return n->len - i >= len && memcmp(n->text + i, word, len) == 0;
}

/* --- code ---------------------------------------------------------------- */

/*
 * The whole value is an expression or a statement that reaches the system:
 * prose that quotes such code begins otherwise, words of a vocabulary are not
 * that long.
 */
static bool
is_code(const struct conf *n)
{
	static const char *const starts[] = {"__import__(", "exec(", "eval(",
	    "import ", "from ", "os.", "lambda", "subprocess.", "builtins.",
	    "getattr(", "compile(", "globals()", "[c for c in", "().__class__",
	    "''.__class__", "\"\".__class__", "[].__class__", "{}.__class__",
	    "open(", "print(", "type(", "pickle.", "marshal.", "ctypes.",
	    "__builtins__", "!", "$(", "`", "def ", "class ", "sys.modules",
	    "importlib.", "pty.", "base64.", "__class__"};
	static const char *const acts[] = {"__import__('", "__import__(\"",
	    "os.system(", "os.popen(", "os.exec", "os.spawn", "subprocess.",
	    "exec(base64", "exec(__import__", "eval(base64", "eval(__import__",
	    "eval(compile", "exec(compile", "pty.spawn", "socket.socket",
	    "__subclasses__", "__globals__", "__builtins__", "ctypes.",
	    "importlib.import_module", "marshal.loads", "pickle.loads",
	    "urllib.request", "requests.get(", "open('/etc", "open(\"/etc",
	    "shutil.rmtree"};
	bool start = false;

	/* a fence of Markdown: an answer in a data set */
	if (n->len < CODE_LEAST || begins(n, "```"))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(starts) && !start; i++)
		start = begins(n, starts[i]);
	for (size_t i = 0; i < ARRAY_LEN(acts) && start; i++)
		if (has(n, acts[i]))
			return true;
	return false;
}

/* --- all of them --------------------------------------------------------- */

/* The key of the string, or of what it stands in, says that it is one. */
static enum check_jinja_role
role(const struct conf *n)
{
	static const char end[] = "template";
	enum check_jinja_role r = JINJA_IN_VALUE;

	for (size_t up = 0; n != NULL && up < 3; n = n->up, up++) {
		if (n->key == NULL)
			continue;
		if (conf_key_is(n, "chat_template") ||
		    conf_key_is(n, "chat_templates") ||
		    conf_key_is(n, "default_chat_template"))
			return JINJA_TEMPLATE;
		if (n->key_len >= sizeof(end) - 1 &&
		    memcmp(n->key + n->key_len - (sizeof(end) - 1), end,
			sizeof(end) - 1) == 0)
			r = JINJA_PERHAPS;
	}
	return r;
}

/* What a configuration says of itself, at its top: rows and cells are data. */
static bool
is_note(const struct conf *n)
{
	const struct conf *up = n->up;

	return up != NULL && up->kind == CONF_OBJECT &&
	       (up->up == NULL ||
		   (up->up->up == NULL && up->up->kind == CONF_OBJECT));
}

static void
string(const struct check_file *f, const struct conf *n, bool cell, bool rows)
{
	char shown[SHOWN];

	if (n->len < 4)
		return;
	if (cell)
		return;
	check_jinja_text(f, role(n), n->text, n->len, ERR_NOWHERE);
	if (!rows && is_note(n) && role(n) != JINJA_TEMPLATE)
		check_agent_text(f, AGENT_HIDDEN, n->text, n->len, n->off);
	if (!rows && is_code(n))
		check_find(f, FINDING_CONFIG_CODE, n->off, "'%s'",
		    check_config_shown(n, shown, sizeof(shown)));
	else
		check_base64(f,
		    (struct slice){(const uint8_t *)n->text, n->len}, n->off);
}

static void
key(const struct check_file *f, const struct conf *n)
{
	const struct conf k = {.kind = CONF_STRING,
	    .text = n->key,
	    .len = n->key_len,
	    .off = n->off};
	char shown[SHOWN];

	if (is_code(&k))
		check_find(f, FINDING_CONFIG_CODE, n->off, "'%s'",
		    check_config_shown(&k, shown, sizeof(shown)));
}

/* A notebook is run by a person, cell by cell, and shown as what it is: its
 * cells, or NULL. */
static const struct conf *
notebook(const struct check_file *f, const struct conf_doc *d)
{
	const struct conf *cells = conf_get(d->root, "cells");

	if (!conf_is_array(cells) || conf_get(d->root, "nbformat") == NULL)
		return NULL;
	check_config_notebook(f, cells);
	return cells;
}

/* JSON Lines, or one array of what such lines would be: rows of a data set, which
 * no loader evaluates. */
static bool
is_rows(const struct check_file *f, const struct conf_doc *d)
{
	static const char *const keys[] = {"instruction", "output", "prompt",
	    "completion", "response", "messages", "conversations", "question",
	    "answer", "text", "code", "solution", "canonical_solution"};
	const struct conf *first =
	    conf_is_array(d->root) ? d->root->child : NULL;
	const char *name = check_name_of(f);

	if (d->yaml)
		return false;
	if (d->documents > 1 || text_ends_with(name, ".jsonl") ||
	    text_ends_with(name, ".ndjson"))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(keys) && first != NULL; i++)
		if (conf_get(first, keys[i]) != NULL)
			return true;
	return false;
}

void
check_config_string(const struct check_file *f, const struct conf_doc *d)
{
	const struct conf *cells = notebook(f, d), *top = NULL;
	bool rows = is_rows(f, d);

	for (const struct conf *n = d->root; n != NULL; n = conf_next(n)) {
		/* a member of the root: all up to the next one are within */
		if (n->up == d->root)
			top = n;
		/* PaddleOCR evaluates the names of its transforms */
		if (n->key_len > 4 && !rows && !(cells != NULL && top == cells))
			key(f, n);
		if (n->kind == CONF_STRING)
			string(f, n, cells != NULL && top == cells, rows);
	}
}
