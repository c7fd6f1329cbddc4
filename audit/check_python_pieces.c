/* SPDX-License-Identifier: MIT
 * Names that a source does not want to be searched for: 'sys' + 'tem', 'ex' 'ec',
 * ''.join(['o', 's']), 'metsys'[::-1], 's_ystem'.replace('_', ''), '\x73ystem'.
 * Nobody cuts a name of a function in pieces for another reason.
 */
#include "audit/check_python.h"

#include "audit/check_decode.h"
#include "base/text.h"

#include <string.h>

#define LONGEST 24 /* of the names */
#define PIECES  48 /* tokens */

static const char *const names[] = {"system", "popen", "Popen", "exec", "eval",
    "execfile", "execv", "execve", "execl", "spawn", "spawnl", "spawnv",
    "check_output", "check_call", "getoutput", "__import__", "import_module",
    "__builtins__", "builtins", "__builtin__", "__globals__", "__subclasses__",
    "__class__", "subprocess", "os", "os.system", "pty", "globals", "getattr",
    "compile", "marshal", "ctypes", "socket", "pickle", "urlopen", "b64decode",
    "fromhex", "powershell", "/bin/sh", "/bin/bash", "WinDLL", "CDLL"};

struct made {
	char s[LONGEST];
	size_t len;
	size_t parts; /* that are not empty */
	bool full;
};

static bool
is(const struct check_python_token *t, const char *word)
{
	return t->kind != TOKEN_STRING && t->len == strlen(word) &&
	       memcmp(t->s, word, t->len) == 0;
}

static void
add(struct made *m, const char *s, size_t len)
{
	m->parts += len != 0;
	m->full = m->full || len > sizeof(m->s) - m->len;
	if (!m->full && len != 0)
		memcpy(m->s + m->len, s, len);
	m->len += m->full ? 0 : len;
}

static bool
is_name(const struct made *m)
{
	return !m->full && text_is_among(m->s, m->len, names, ARRAY_LEN(names));
}

/* A string, and strings behind it, with or without + between. */
static bool
summed(const struct check_python_token *t, size_t n)
{
	struct made m = {0};

	for (size_t i = 0; i < n && t[i].kind == TOKEN_STRING && !m.full; i++) {
		add(&m, t[i].s, t[i].len);
		i += i + 1 < n && is(&t[i + 1], "+");
	}
	return m.parts > 1 && is_name(&m);
}

/* ''.join(['s', 'ystem']), also of a tuple */
static bool
joined(const struct check_python_token *t, size_t n)
{
	struct made m = {0};

	if (n < 6 || t->len != 0 || !is(&t[1], ".") || !is(&t[2], "join"))
		return false;
	for (size_t i = 3; i < MIN(n, (size_t)PIECES); i++) {
		if (t[i].kind == TOKEN_STRING)
			add(&m, t[i].s, t[i].len);
		else if (!is(&t[i], ",") && !is(&t[i], "(") && !is(&t[i], "["))
			break;
	}
	return m.parts > 1 && is_name(&m);
}

/* 'metsys'[::-1] */
static bool
reversed(const struct check_python_token *t, size_t n)
{
	static const char *const behind[] = {"[", ":", ":", "-", "1", "]"};
	struct made m = {0};

	if (n <= ARRAY_LEN(behind) || t->len < 2)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(behind); i++)
		if (!is(&t[i + 1], behind[i]))
			return false;
	for (size_t i = t->len; i > 0 && !m.full; i--)
		add(&m, t->s + i - 1, 1);
	return is_name(&m);
}

/* 's_ystem'.replace('_', '') */
static bool
thinned(const struct check_python_token *t, size_t n)
{
	struct made m = {0};
	size_t from = 0;

	if (n < 8 || !is(&t[1], ".") || !is(&t[2], "replace") ||
	    !is(&t[3], "(") || t[4].kind != TOKEN_STRING || t[4].len == 0 ||
	    !is(&t[5], ",") || t[6].kind != TOKEN_STRING)
		return false;
	while (from < t->len && !m.full)
		if (t->len - from >= t[4].len &&
		    memcmp(t->s + from, t[4].s, t[4].len) == 0) {
			add(&m, t[6].s, t[6].len);
			from += t[4].len;
		} else {
			add(&m, t->s + from++, 1);
		}
	return is_name(&m) &&
	       !text_is_among(t->s, t->len, names, ARRAY_LEN(names));
}

/* The number of `digits` digits of a base at s; SIZE_MAX: there are fewer. */
static size_t
number(const char *s, size_t len, size_t digits, unsigned base)
{
	size_t n = 0;

	if (len < digits)
		return SIZE_MAX;
	for (size_t i = 0; i < digits; i++) {
		int d = check_decode_digit((uint8_t)s[i]);

		if (d < 0 || (unsigned)d >= base)
			return SIZE_MAX;
		n = n * base + (unsigned)d;
	}
	return n;
}

/* '\x73ystem', '\163ystem', '\u0073ystem' */
static bool
escaped(const struct check_python_token *t)
{
	struct made m = {0};
	bool any = false;

	for (size_t i = 0; i < t->len && !m.full; i++) {
		size_t left = t->len - i - 1, n = SIZE_MAX, digits = 0;
		char c = t->s[i];

		if (c == '\\' && left != 0 && t->s[i + 1] == 'x')
			n = number(t->s + i + 2, left - 1, digits = 2, 16);
		else if (c == '\\' && left != 0 && t->s[i + 1] == 'u')
			n = number(t->s + i + 2, left - 1, digits = 4, 16);
		else if (c == '\\')
			n = number(t->s + i + 1, left, 3, 8);
		if (n < 0x80) {
			c = (char)n;
			i += digits != 0 ? digits + 1 : 3;
			any = true;
		}
		add(&m, &c, 1);
	}
	return any && is_name(&m);
}

bool
check_python_pieces(const struct check_python_token *t, size_t n, bool first)
{
	return (first && (summed(t, n) || joined(t, n))) || reversed(t, n) ||
	       thinned(t, n) || escaped(t);
}
