/* SPDX-License-Identifier: MIT
 * Source that a web server runs when somebody asks for the file: PHP, JSP, ASP.
 * A model brings none; one that starts programs or runs what it is sent is a
 * door (MITRE ATT&CK T1505.003).  PHP runs whatever stands between "<?php" and
 * "?>" in a file of any kind, so that images are looked at too.
 */
#define _GNU_SOURCE /* memmem, strncasecmp */
#include "audit/check.h"

#include "base/limits.h"
#include "base/text.h"

#include <strings.h>

/* Of one statement. */
#define SPAN 400

static bool
is_word(uint8_t c)
{
	return ((c | 32) >= 'a' && (c | 32) <= 'z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '>' || c == '$';
}

/* The word, in whatever letters; `alone`: no longer word ends in it. */
static size_t
find(struct rd r, size_t from, const char *word, bool alone)
{
	size_t n = strlen(word);

	for (size_t i = from; i + n <= r.len; i++)
		if ((r.base[i] | 32) == ((uint8_t)word[0] | 32) &&
		    strncasecmp((const char *)r.base + i, word, n) == 0 &&
		    (!alone || i == 0 || !is_word(r.base[i - 1])))
			return i;
	return SIZE_MAX;
}

static bool
any(struct rd r, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (find(r, 0, words[i], false) != SIZE_MAX)
			return true;
	return false;
}

/* --- PHP ----------------------------------------------------------------- */

/* From there to the end of the statement. */
static struct rd
statement(struct rd r, size_t at)
{
	size_t n = 0;

	while (n < SPAN && at + n < r.len && r.base[at + n] != ';')
		n++;
	return rd_mem(r.base + at, n);
}

/* $f($_GET["x"]), `$_GET[x]` */
static bool
sent_to_variable(struct rd r)
{
	for (size_t at = 0; (at = find(r, at, "$_", false)) != SIZE_MAX; at++) {
		size_t i = at;

		if (i > 0 && r.base[i - 1] == '`')
			return true;
		while (i > 0 && (r.base[i - 1] == ' ' || r.base[i - 1] == '@'))
			i--;
		if (i < 2 || r.base[i - 1] != '(')
			continue;
		for (i--;
		     i > 0 && r.base[i - 1] != '$' && is_word(r.base[i - 1]);)
			i--;
		if (i > 0 && r.base[i - 1] == '$' && r.base[i] != '_' &&
		    r.base[i] != '(')
			return true;
	}
	return false;
}

static const char *
php(struct rd r)
{
	static const char *const starts[] = {"system(", "passthru(",
	    "shell_exec(", "popen(", "proc_open(", "pcntl_exec(", "exec("};
	static const char *const runs[] = {"eval(", "assert(",
	    "create_function(", "include", "require", "preg_replace(",
	    "call_user_func(", "call_user_func_array(", "array_map("};
	static const char *const made[] = {"base64_decode(", "gzinflate(",
	    "gzuncompress(", "str_rot13(", "hex2bin(", "$_get", "$_post",
	    "$_request", "$_cookie", "$_server", "$_files", "php://input"};

	for (size_t i = 0; i < ARRAY_LEN(starts); i++)
		if (find(r, 0, starts[i], true) != SIZE_MAX)
			return "starts programs";
	for (size_t i = 0; i < ARRAY_LEN(runs); i++)
		for (size_t at = 0;
		     (at = find(r, at, runs[i], true)) != SIZE_MAX; at++)
			if (any(statement(r, at), made, ARRAY_LEN(made)))
				return "runs what it is sent or decodes";
	if (sent_to_variable(r))
		return "calls or runs what it is sent";
	/* $_GET["f"]($_GET["x"]) */
	for (size_t i = 5; i < 8; i++)
		for (size_t at = 0;
		     (at = find(r, at, made[i], false)) != SIZE_MAX; at++)
			if (find(statement(r, at), 0, "](", false) != SIZE_MAX)
				return "calls what it is sent";
	return NULL;
}

/* In a file that is no text: a tag with code behind it. */
static void
in_image(const struct check_file *f)
{
	for (size_t at = 0; (at = find(f->bytes, at, "<?", false)) != SIZE_MAX;
	     at++) {
		struct rd r = rd_mem(
		    f->bytes.base + at, MIN(f->bytes.len - at, (size_t)4096));

		if (find(r, 0, "<?php", false) != 0 &&
		    find(r, 0, "<?=", false) != 0)
			continue;
		if (php(r) == NULL)
			continue;
		check_find(f, FINDING_FILE_EMBEDDED, at, "PHP that %s", php(r));
		return;
	}
}

/* --- the others ---------------------------------------------------------- */

static const char *
jsp(struct rd r)
{
	static const char *const words[] = {"getRuntime(", "ProcessBuilder",
	    "defineClass(", "ScriptEngineManager", "URLClassLoader",
	    "java.lang.Runtime"};

	return any(r, words, ARRAY_LEN(words)) ? "starts programs or loads code"
					       : NULL;
}

static const char *
asp(struct rd r)
{
	static const char *const words[] = {"eval(request", "eval request",
	    "execute(request", "execute request", "executeglobal",
	    "wscript.shell", "process.start", "processstartinfo", "cmd.exe",
	    "shell.application", "eval(system.text", "assembly.load("};

	return any(r, words, ARRAY_LEN(words)) ? "starts programs or runs what "
						 "it is sent"
					       : NULL;
}

static const char *
cold_fusion(struct rd r)
{
	return find(r, 0, "<cfexecute", false) != SIZE_MAX ? "starts programs"
							   : NULL;
}

/* What makes Apache run files as programs. */
static void
apache(const struct check_file *f)
{
	static const char *const words[] = {"x-httpd-php", "sethandler cgi",
	    "addhandler cgi", "application/x-httpd-cgi", "auto_prepend_file",
	    "auto_append_file", "sethandler server-status"};

	if (text_ends_with(check_name_of(f), ".htaccess") &&
	    any(f->bytes, words, ARRAY_LEN(words)))
		check_find(f, FINDING_COMMAND_DANGEROUS, ERR_NOWHERE,
		    "the web server is told to run files");
}

static const struct {
	const char *suffix[8];
	const char *tag; /* without which it is text */
	const char *what;
	const char *(*judge)(struct rd);
} languages[] = {
    {{".php", ".phtml", ".php3", ".php5", ".php7", ".phar", ".pht", ".inc"},
	"<?", "PHP", php},
    {{".cfm", ".cfc"}, "<", "ColdFusion", cold_fusion},
    {{".jsp", ".jspx", ".jspf"}, "<", "JSP", jsp},
    {{".asp", ".aspx", ".ashx", ".asmx", ".asa", ".cer", ".ascx"}, "<%", "ASP",
	asp},
};

/* By the name, as the server has it; PHP and JSP also by how they begin. */
static bool
is_language(const struct check_file *f, size_t k)
{
	static const char *const begin[] = {"<?php", NULL, "<%@ page", NULL};
	size_t at = 0;

	if (find(f->bytes, 0, languages[k].tag, false) == SIZE_MAX)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(languages[k].suffix); i++)
		if (languages[k].suffix[i] != NULL &&
		    text_ends_with(check_name_of(f), languages[k].suffix[i]))
			return true;
	while (at < f->bytes.len && f->bytes.base[at] <= ' ')
		at++;
	return begin[k] != NULL &&
	       find(rd_mem(f->bytes.base + at,
			MIN(f->bytes.len - at, strlen(begin[k]))),
		   0, begin[k], false) == 0;
}

void
check_web(const struct check_file *f)
{
	if (f->bytes.len == 0 || f->bytes.len > LIMIT_INSPECT_SOURCE)
		return;
	if (f->bids->best != NULL && f->bids->best->kind == KIND_IMAGE) {
		in_image(f);
		return;
	}
	if (!check_is(f, "text"))
		return;
	apache(f);
	for (size_t i = 0; i < ARRAY_LEN(languages); i++) {
		const char *what;

		if (!is_language(f, i))
			continue;
		check_find(f, FINDING_FILE_SOURCE, ERR_NOWHERE, "%s",
		    languages[i].what);
		if ((what = languages[i].judge(f->bytes)) != NULL)
			check_find(f, FINDING_SOURCE_DANGEROUS, ERR_NOWHERE,
			    "%s that %s", languages[i].what, what);
	}
}
