/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* memmem */
#include "formats/jinja.h"

void
jinja_init(struct jinja *j, const char *s, size_t len)
{
	*j = (struct jinja){.s = s, .len = len};
}

bool
jinja_is(const struct jinja_token *t, const char *word)
{
	return strlen(word) == t->len && memcmp(word, t->s, t->len) == 0;
}

bool
jinja_op(const struct jinja_tokens *x, size_t i, const char *what)
{
	return i < x->n && x->t[i].kind == JINJA_OP && jinja_is(&x->t[i], what);
}

static struct jinja_token
token(const struct jinja *j, enum jinja_kind kind, size_t from)
{
	return (struct jinja_token){kind, j->s + from, j->at - from};
}

static struct jinja_token
bad(struct jinja *j)
{
	size_t from = MIN(j->at, j->len);

	j->at = j->len;
	j->mode = '\0';
	return (struct jinja_token){JINJA_BAD, j->s + from, 0};
}

static bool
ahead(const struct jinja *j, const char *word)
{
	size_t n = strlen(word);

	return n <= j->len - j->at && memcmp(j->s + j->at, word, n) == 0;
}

static void
blank(struct jinja *j)
{
	while (j->at < j->len && j->s[j->at] != '\0' &&
	       strchr(" \t\r\n\v\f", j->s[j->at]) != NULL)
		j->at++;
}

static bool
skip_to(struct jinja *j, const char *word)
{
	const char *p =
	    memmem(j->s + j->at, j->len - j->at, word, strlen(word));

	if (p == NULL)
		return false;
	j->at = (size_t)(p - j->s) + strlen(word);
	return true;
}

/* A statement of that one word, behind its {%; the cursor moves past it. */
static bool
statement_is(struct jinja *j, const char *word)
{
	size_t was = j->at;

	if (ahead(j, "-") || ahead(j, "+"))
		j->at++;
	blank(j);
	if (ahead(j, word)) {
		j->at += strlen(word);
		blank(j);
		if (ahead(j, "-") || ahead(j, "+"))
			j->at++;
		if (ahead(j, "%}")) {
			j->at += 2;
			return true;
		}
	}
	j->at = was;
	return false;
}

/* Behind {% raw %}: to behind its {% endraw %}. */
static bool
skip_raw(struct jinja *j)
{
	while (skip_to(j, "{%"))
		if (statement_is(j, "endraw"))
			return true;
	return false;
}

/* In text: to behind the next {{ or {%. */
static struct jinja_token
text(struct jinja *j)
{
	for (;;) {
		size_t from;
		char c;

		if (!skip_to(j, "{"))
			return (struct jinja_token){JINJA_END, j->s, 0};
		from = j->at - 1;
		c = j->at < j->len ? j->s[j->at] : '\0';
		if (c == '#') {
			j->at++;
			if (!skip_to(j, "#}"))
				return bad(j);
			continue;
		}
		if (c != '{' && c != '%')
			continue;
		j->at++;
		if (c == '%' && statement_is(j, "raw")) {
			if (!skip_raw(j))
				return bad(j);
			continue;
		}
		if (ahead(j, "-") || ahead(j, "+"))
			j->at++;
		j->mode = c == '{' ? '}' : '%';
		j->depth = 0;
		return token(j, c == '{' ? JINJA_OPEN : JINJA_STMT, from);
	}
}

static bool
closes(struct jinja *j)
{
	size_t sign = ahead(j, "-") || ahead(j, "+") ? 1 : 0;
	size_t at = j->at + sign;

	if (j->depth != 0 || at + 2 > j->len || j->s[at] != j->mode ||
	    j->s[at + 1] != '}')
		return false;
	j->at = at + 2;
	j->mode = '\0';
	return true;
}

/* Any byte beyond ASCII may be a letter. */
static bool
name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       (c >= '0' && c <= '9') || (uint8_t)c >= 0x80;
}

static struct jinja_token
string(struct jinja *j)
{
	size_t from = j->at;
	char quote = j->s[j->at++];

	while (j->at < j->len && j->s[j->at] != quote)
		j->at += j->s[j->at] == '\\' ? 2 : 1;
	if (j->at >= j->len)
		return bad(j);
	j->at++;
	return token(j, JINJA_STRING, from);
}

static struct jinja_token
word(struct jinja *j)
{
	size_t from = j->at;
	bool number = j->s[from] >= '0' && j->s[from] <= '9';

	while (j->at < j->len && name_char(j->s[j->at]))
		j->at++;
	/* 1.5, but not the attribute in 1.real */
	if (number && j->at + 1 < j->len && j->s[j->at] == '.' &&
	    j->s[j->at + 1] >= '0' && j->s[j->at + 1] <= '9') {
		j->at++;
		while (j->at < j->len && name_char(j->s[j->at]))
			j->at++;
	}
	return token(j, number ? JINJA_NUMBER : JINJA_NAME, from);
}

static bool
bracket(struct jinja *j, char c)
{
	static const char opens[] = "([{", ends[] = ")]}";
	const char *p;

	if (strchr(opens, c) != NULL) {
		if (j->depth == JINJA_DEPTH)
			return false;
		j->open[j->depth++] = c;
		return true;
	}
	if ((p = strchr(ends, c)) == NULL)
		return true;
	return j->depth != 0 && j->open[--j->depth] == opens[p - ends];
}

static struct jinja_token
operator(struct jinja *j)
{
	static const char *const two[] = {"//", "**", "==", "!=", ">=", "<="};
	size_t from = j->at;
	char c = j->s[from];

	for (size_t i = 0; i < ARRAY_LEN(two); i++) {
		if (ahead(j, two[i])) {
			j->at += 2;
			return token(j, JINJA_OP, from);
		}
	}
	if (c == '\0' || strchr("+-/*%~[](){}><=.:|,;", c) == NULL ||
	    !bracket(j, c))
		return bad(j);
	j->at++;
	return token(j, JINJA_OP, from);
}

struct jinja_token
jinja_next(struct jinja *j)
{
	size_t from;

	if (j->mode == '\0')
		return text(j);
	blank(j);
	from = j->at;
	if (j->at >= j->len)
		return bad(j);
	if (closes(j))
		return token(j, JINJA_CLOSE, from);
	if (j->s[j->at] == '"' || j->s[j->at] == '\'')
		return string(j);
	if (name_char(j->s[j->at]))
		return word(j);
	return operator(j);
}

/* --- what a string literal means ----------------------------------------- */

static int
digit(char c, int base)
{
	int v = -1;

	if (c >= '0' && c <= '9')
		v = c - '0';
	else if ((c | 32) >= 'a' && (c | 32) <= 'f')
		v = (c | 32) - 'a' + 10;
	return v < base ? v : -1;
}

/* At most n digits at s[*i]. */
static uint32_t
number(const char *s, size_t len, size_t *i, size_t n, int base)
{
	uint32_t v = 0;

	for (; n > 0 && *i < len && digit(s[*i], base) >= 0; n--, ++*i)
		v = v * (uint32_t)base + (uint32_t)digit(s[*i], base);
	return v;
}

/* \N{LOW LINE} and other names, of which only the one matters. */
static uint32_t
named(const char *s, size_t len, size_t *i)
{
	static const char low[] = "{LOW LINE}";
	bool is_low = len - *i >= sizeof(low) - 1 &&
		      memcmp(s + *i, low, sizeof(low) - 1) == 0;

	while (*i < len && s[*i] != '}')
		++*i;
	*i += *i < len ? 1 : 0;
	return is_low ? '_' : '?';
}

/* Python's unicode-escape behind the backslash: one code point. */
static uint32_t
escaped(const char *s, size_t len, size_t *i)
{
	static const char from[] = "abfnrtv", to[] = "\a\b\f\n\r\t\v";
	char c = s[(*i)++];
	const char *p;

	if (c == 'x')
		return number(s, len, i, 2, 16);
	if (c == 'u')
		return number(s, len, i, 4, 16);
	if (c == 'U')
		return number(s, len, i, 8, 16);
	if (c == 'N')
		return named(s, len, i);
	if (digit(c, 8) >= 0) {
		--*i;
		return number(s, len, i, 3, 8);
	}
	if (c != '\0' && (p = strchr(from, c)) != NULL)
		return (uint8_t)to[p - from];
	return (uint8_t)c;
}

bool
jinja_text(const struct jinja_token *t, char *out, size_t size, size_t *len)
{
	size_t n = 0, end = t->len - 1;
	bool hidden = false;

	for (size_t i = 1; i < end && n + 1 < size;) {
		uint32_t cp = (uint8_t)t->s[i];

		if (cp == '\\' && i + 1 < end) {
			bool coded = strchr("xuUN01234567", t->s[++i]) != NULL;

			cp = escaped(t->s, end, &i);
			hidden = hidden ||
				 (coded && cp < 0x80 && name_char((char)cp));
		} else {
			i++;
		}
		out[n++] = cp < 0x100 ? (char)cp : '?';
	}
	out[n] = '\0';
	*len = n;
	return hidden;
}
