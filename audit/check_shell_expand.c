/* SPDX-License-Identifier: MIT */
#include "audit/check_shell_expand.h"

#include <ctype.h>
#include <string.h>

#define VARIABLES 64
#define VALUE     256 /* bytes of a value that is kept */
/* The copy is at most this many times as long as the script, and this. */
#define GROWTH 4
#define MORE   4096

struct variable {
	const char *name;
	size_t name_len;
	char value[VALUE];
	size_t len;
};

struct expand {
	const char *s;
	size_t len;
	struct check_shell_copy *copy;
	struct variable v[VARIABLES];
	size_t n;
	bool changed;
};

static char
at(const struct expand *x, size_t i)
{
	return i < x->len ? x->s[i] : '\0';
}

static bool
is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static size_t
name_len(const struct expand *x, size_t i)
{
	size_t n = 0;

	if (isdigit((unsigned char)at(x, i)))
		return 0;
	while (is_name(at(x, i + n)))
		n++;
	return n;
}

static struct variable *
variable(struct expand *x, const char *name, size_t len)
{
	for (size_t i = 0; i < x->n; i++)
		if (x->v[i].name_len == len &&
		    memcmp(x->v[i].name, name, len) == 0)
			return &x->v[i];
	return NULL;
}

/* $NAME or ${NAME} at i: its length, and the value that stands for it; 0: none
 * that is known. */
static size_t
parameter(struct expand *x, size_t i, const char **value, size_t *value_len)
{
	bool braces = at(x, i + 1) == '{';
	size_t from = i + 1 + braces, n = name_len(x, from);
	const struct variable *v;

	if (n == 0 || (braces && at(x, from + n) != '}'))
		return 0;
	v = variable(x, x->s + from, n);
	if (v != NULL) {
		*value = v->value;
		*value_len = v->len;
	} else if (n == 3 && memcmp(x->s + from, "IFS", 3) == 0) {
		*value = " ";
		*value_len = 1;
	} else {
		return 0;
	}
	return n + 1 + 2 * (size_t)braces;
}

/* --- assignments --------------------------------------------------------- */

/* The character of \NNN or \xHH at i, behind the backslash; its length, 0: none. */
static size_t
number(const struct expand *x, size_t i, char *c)
{
	unsigned base = at(x, i) == 'x' ? 16 : 8, n = 0;
	size_t from = i, digits = 0;

	for (i += base == 16; digits < (base == 8 ? 3 : 2); digits++, i++) {
		const char *digit = at(x, i) != '\0'
					? strchr("0123456789abcdef",
					      tolower((unsigned char)at(x, i)))
					: NULL;

		if (digit == NULL ||
		    (unsigned)(digit - "0123456789abcdef") >= base)
			break;
		n = n * base + (unsigned)(digit - "0123456789abcdef");
	}
	*c = (char)n;
	return digits != 0 ? i - from : 0;
}

/* $(printf "\143url"), $(echo -e '\x63url') at i, what they print in v; the length
 * of it, 0: it is something else. */
static size_t
printed(const struct expand *x, size_t i, struct variable *v)
{
	static const char *const how[] = {
	    "$(printf ", "$(printf %b ", "$(echo -e ", "$(echo -n ", "$(echo "};
	size_t from = i, n = 0;
	char quote;

	for (size_t k = 0; k < ARRAY_LEN(how); k++)
		if (x->len - i > strlen(how[k]) &&
		    memcmp(x->s + i, how[k], strlen(how[k])) == 0)
			n = MAX(n, strlen(how[k]));
	i += n;
	quote = at(x, i);
	if (n == 0 || (quote != '"' && quote != '\''))
		return 0;
	for (i++; i < x->len && x->s[i] != quote && v->len < VALUE; i++) {
		char c = x->s[i];

		if (c == '$' || c == '`' || c == '\n' || c == '%')
			return 0;
		if (c == '\\' && (n = number(x, i + 1, &c)) != 0)
			i += n;
		v->value[v->len++] = c;
	}
	return at(x, i) == quote && at(x, i + 1) == ')' ? i + 2 - from : 0;
}

/* The value of NAME=value at i, constants only; its length in the script, 0:
 * something that is not known. */
static size_t
value(struct expand *x, size_t i, struct variable *v)
{
	size_t from = i;
	char quote = '\0';

	v->len = 0;
	for (; i < x->len && v->len < VALUE; i++) {
		const char *known;
		size_t n, known_len;
		char c = x->s[i];

		if (quote == '\0' && strchr(" \t\n;&|)", c) != NULL)
			break;
		if (quote != '\'' && c == '$' && (n = printed(x, i, v)) != 0) {
			i += n - 1;
			continue;
		}
		if (c == '\n' || c == '`' || (c == '$' && at(x, i + 1) == '('))
			return 0;
		if (c == quote) {
			quote = '\0';
		} else if (quote == '\0' && (c == '"' || c == '\'')) {
			quote = c;
		} else if (c == '$' && quote != '\'') {
			n = parameter(x, i, &known, &known_len);
			if (n == 0 || known_len > VALUE - v->len)
				return 0;
			memcpy(v->value + v->len, known, known_len);
			v->len += known_len;
			i += n - 1;
		} else {
			if (c == '\\' && quote != '\'' && i + 1 < x->len)
				c = x->s[++i];
			v->value[v->len++] = c;
		}
	}
	return quote == '\0' && v->len < VALUE ? i - from : 0;
}

/* NAME=value at i, where a command may begin.  What is not constant is forgotten. */
static void
assign(struct expand *x, size_t i)
{
	size_t n = name_len(x, i);
	struct variable v = {x->s + i, n, {0}, 0}, *old;

	if (n == 0 || at(x, i + n) != '=' || at(x, i + n + 1) == '=')
		return;
	old = variable(x, x->s + i, n);
	if (value(x, i + n + 1, &v) == 0) {
		if (old != NULL)
			*old = x->v[--x->n];
		return;
	}
	if (old == NULL && x->n < VARIABLES)
		old = &x->v[x->n++];
	if (old != NULL)
		*old = v;
}

/* --- the copy ------------------------------------------------------------ */

static void
put(struct expand *x, const char *s, size_t len, size_t source)
{
	struct check_shell_place p = {x->copy->text.len, source};

	buf_append(&x->copy->places, &p, sizeof(p));
	buf_append(&x->copy->text, s, len);
	x->changed = true;
}

/* $'...' at i (Bash Reference Manual 3.1.2.4): numbers of characters. */
static size_t
ansi(struct expand *x, size_t i)
{
	size_t from = i;
	char c;

	for (i += 2; i < x->len && x->s[i] != '\''; i++) {
		size_t n = 0;

		if (x->s[i] == '\n')
			return 0;
		c = x->s[i];
		if (c == '\\' && (n = number(x, i + 1, &c)) == 0) {
			c = at(x, i + 1);
			n = 1;
		}
		put(x, &c, 1, i);
		i += n;
	}
	return i < x->len ? i + 1 - from : 0;
}

/* What a shell drops within a word: the length of '' or "", or of a backslash, or
 * of one letter's quotes, and the letter. */
static size_t
quotes(struct expand *x, size_t i)
{
	char c = x->s[i], next = at(x, i + 1);

	if (i == 0 || !isalpha((unsigned char)x->s[i - 1]))
		return 0;
	if (c == '\\' && isalpha((unsigned char)next)) {
		put(x, "", 0, i);
		return 1;
	}
	if ((c != '\'' && c != '"') || next == '\0')
		return 0;
	if (next == c && isalpha((unsigned char)at(x, i + 2))) {
		put(x, "", 0, i);
		return 2;
	}
	if (isalpha((unsigned char)next) && at(x, i + 2) == c &&
	    isalpha((unsigned char)at(x, i + 3))) {
		put(x, &next, 1, i + 1);
		return 3;
	}
	return 0;
}

/* What stands at i is something else in the copy: its length, 0: it is not. */
static size_t
replace(struct expand *x, size_t i)
{
	size_t n = 0, known_len = 0;
	const char *known = NULL;

	if (x->s[i] == '$' && at(x, i + 1) == '\'')
		return ansi(x, i);
	if (x->s[i] == '$')
		n = parameter(x, i, &known, &known_len);
	if (n != 0) {
		put(x, known, known_len, i);
		return n;
	}
	return quotes(x, i);
}

bool
check_shell_expand(const char *s, size_t len, struct check_shell_copy *copy)
{
	struct expand x = {.s = s, .len = len, .copy = copy};
	bool command = true, replaced = false;

	*copy = (struct check_shell_copy){0};
	for (size_t i = 0; i < len;) {
		size_t n = 0;

		if (command && is_name(s[i]))
			assign(&x, i);
		/* blanks keep a beginning: a=1 b=2 */
		command = strchr("\n;&|({ \t", s[i]) != NULL && s[i] != '\0';
		if (copy->text.len < GROWTH * len + MORE)
			n = replace(&x, i);
		if (n == 0 && replaced)
			put(&x, "", 0, i);
		replaced = n != 0;
		if (n == 0)
			buf_append(&copy->text, s + i, n = 1);
		i += n;
	}
	if (!x.changed)
		check_shell_copy_free(copy);
	return x.changed;
}

size_t
check_shell_source_of(const struct check_shell_copy *copy, size_t at)
{
	const struct check_shell_place *p = (const void *)copy->places.ptr;
	size_t n = copy->places.len / sizeof(*p), from = 0;

	while (from < n) { /* the first place behind `at` */
		size_t mid = from + (n - from) / 2;

		if (p[mid].copy <= at)
			from = mid + 1;
		else
			n = mid;
	}
	return from == 0 ? at : p[from - 1].source + (at - p[from - 1].copy);
}

void
check_shell_copy_free(struct check_shell_copy *copy)
{
	buf_free(&copy->text);
	buf_free(&copy->places);
}
