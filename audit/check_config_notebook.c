/* SPDX-License-Identifier: MIT
 * Notebooks: what a person runs cell by cell, and trusts to be what it shows.
 * Cells of code are judged as Python, lines of IPython that a shell gets ("!",
 * "%sx") and cells that another program gets ("%%bash") as commands.  Outputs are
 * shown when it is opened: pages and scripts among them are judged as such.
 */
#define _GNU_SOURCE /* memmem */
#include "audit/check_config_part.h"

#include "audit/check_page.h"
#include "audit/check_python.h"
#include "audit/check_shell.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/text.h"

/* A cell of which the first line hands it to a shell. */
static bool
is_shell(const char *s, size_t len)
{
	static const char *const words[] = {"%%bash", "%%sh", "%%!", "%%sx",
	    "%%system", "%%script", "%%cmd", "%%powershell"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (text_begins_with(s, len, words[i]))
			return true;
	return false;
}

/* One line of a cell goes to the shell or to Python. */
static void
line(const char *s, size_t len, struct buf *python, struct buf *shell)
{
	static const char *const to_shell[] = {
	    "!", "%sx ", "%system ", "%%time !", "%time !"};
	size_t blank = 0;

	while (blank < len && (s[blank] == ' ' || s[blank] == '\t'))
		blank++;
	for (size_t i = 0; i < ARRAY_LEN(to_shell); i++)
		if (text_begins_with(s + blank, len - blank, to_shell[i])) {
			size_t from = blank + strlen(to_shell[i]);

			buf_append(shell, s + from, len - from);
			buf_append(shell, "\n", 1);
			return;
		}
	/* %pip and %conda are the programs of the kernel's environment */
	if (text_begins_with(s + blank, len - blank, "%pip ") ||
	    text_begins_with(s + blank, len - blank, "%conda ")) {
		buf_append(shell, s + blank + 1, len - blank - 1);
		buf_append(shell, "\n", 1);
		return;
	}
	if (blank < len && s[blank] == '%')
		return;
	/* x = !command, and what IPython makes of such a line */
	if (len != 0 && (memmem(s, len, "= !", 3) != NULL ||
			    memmem(s, len, "get_ipython().system(", 21) ||
			    memmem(s, len, "get_ipython().getoutput(", 24))) {
		buf_append(shell, s, len);
		buf_append(shell, "\n", 1);
		return;
	}
	buf_append(python, s, len);
	buf_append(python, "\n", 1);
}

/* Pages and scripts that are run in who opens the notebook's browser. */
static bool
is_page(const struct check_file *f, const char *s, size_t len)
{
	bool script = text_begins_with(s, len, "%%javascript") ||
		      text_begins_with(s, len, "%%js");
	const char *end = len != 0 ? memchr(s, '\n', len) : NULL;

	if (!script && !text_begins_with(s, len, "%%html") &&
	    !text_begins_with(s, len, "%%HTML") &&
	    !text_begins_with(s, len, "%%svg"))
		return false;
	if (end == NULL)
		return true;
	len -= (size_t)(end - s);
	if (script)
		check_page_script(f, end, len, true);
	else
		check_page_html(f, end, len, true);
	return true;
}

static void
cell(const char *s, size_t len, struct buf *python, struct buf *shell)
{
	if (is_shell(s, len)) {
		buf_append(shell, s, len);
		buf_append(shell, "\n", 1);
		return;
	}
	/* a page or a file */
	if (text_begins_with(s, len, "%%") &&
	    !text_begins_with(s, len, "%%time") &&
	    !text_begins_with(s, len, "%%capture") &&
	    !text_begins_with(s, len, "%%prun") &&
	    !text_begins_with(s, len, "%%writefile") &&
	    !text_begins_with(s, len, "%%python"))
		return;
	for (size_t at = 0; at < len;) {
		const char *end = memchr(s + at, '\n', len - at);
		size_t n = end != NULL ? (size_t)(end - s) - at : len - at;

		line(s + at, n, python, shell);
		at += n + 1;
	}
}

/* Its source: a string, or an array of lines. */
static void
source(const struct conf *of, struct buf *out)
{
	if (of->kind == CONF_STRING)
		buf_append(out, of->text, of->len);
	for (const struct conf *n = of->child; n != NULL; n = n->next)
		if (n->kind == CONF_STRING)
			buf_append(out, n->text, n->len);
}

/* --- outputs ------------------------------------------------------------- */

/* What is shown with the notebook, by its type; nbformat 3 has shorter keys. */
static void
shown(const struct check_file *f, const struct conf *data)
{
	static const struct {
		const char *type;
		bool page;
	} types[] = {{"text/html", true}, {"text/markdown", true},
	    {"image/svg+xml", true}, {"application/javascript", false},
	    {"html", true}, {"svg", true}, {"javascript", false}};

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		const struct conf *of = conf_get(data, types[i].type);
		struct buf text = {0};

		if (of == NULL)
			continue;
		source(of, &text);
		if (text.len != 0 && types[i].page)
			check_page_html(
			    f, (const char *)text.ptr, text.len, true);
		else if (text.len != 0)
			check_page_script(
			    f, (const char *)text.ptr, text.len, true);
		buf_free(&text);
	}
}

static void
outputs(const struct check_file *f, const struct conf *cell)
{
	const struct conf *all = conf_get(cell, "outputs");

	if (!conf_is_array(all))
		return;
	for (const struct conf *o = all->child; o != NULL; o = o->next) {
		shown(f, o);
		if (conf_get(o, "data") != NULL)
			shown(f, conf_get(o, "data"));
	}
}

void
check_config_notebook(const struct check_file *f, const struct conf *cells)
{
	struct buf python = {0}, shell = {0}, text = {0};
	size_t code = 0, at = 0;
	const char *what;

	for (const struct conf *c = cells->child; c != NULL; c = c->next) {
		const struct conf *kind = conf_get(c, "cell_type");
		const struct conf *of = conf_get(c, "source");

		outputs(f, c);
		text.len = 0;
		/* shown as a page, by viewers that take less out than others */
		if (kind != NULL && conf_text_is(kind, "markdown") &&
		    of != NULL) {
			source(of, &text);
			check_page_html(
			    f, (const char *)text.ptr, text.len, true);
		}
		if (kind == NULL || !conf_text_is(kind, "code"))
			continue;
		code++;
		/* nbformat 3 has "input" */
		of = of != NULL ? of : conf_get(c, "input");
		if (of != NULL)
			source(of, &text);
		if (!is_page(f, (const char *)text.ptr, text.len))
			cell((const char *)text.ptr, text.len, &python, &shell);
	}
	check_find(
	    f, FINDING_CODE_NOTEBOOK, ERR_NOWHERE, "%zu cells of code", code);
	what = check_shell_judge((const char *)shell.ptr, shell.len, &at);
	if (what != NULL)
		check_find(f, FINDING_COMMAND_DANGEROUS, ERR_NOWHERE,
		    "a cell: %s", what);
	if (python.len > LIMIT_INSPECT_SOURCE)
		check_short(f, FINDING_FILE_LIMIT, ERR_NOWHERE,
		    "cells of more than %zu bytes", LIMIT_INSPECT_SOURCE);
	else if (python.len != 0)
		check_python_cells(f, (const char *)python.ptr, python.len);
	buf_free(&python);
	buf_free(&shell);
	buf_free(&text);
}
