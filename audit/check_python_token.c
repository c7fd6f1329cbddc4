/* SPDX-License-Identifier: MIT
 * As much of Python's lexical analysis (reference, section 2) as calls need.
 */
#include "audit/check_python.h"

#include "base/buf.h"

struct lexer {
	const char *s;
	size_t len, at;
	size_t depth; /* of brackets: lines go on within */
	bool fresh;   /* nothing yet on this line */
	bool indented;
	struct buf *out;
};

static void
emit(struct lexer *x, enum check_python_kind kind, size_t from, size_t len)
{
	struct check_python_token t = {
	    kind, x->s + from, len, x->fresh && !x->indented, 0};

	buf_append(x->out, &t, sizeof(t));
	x->fresh = kind == TOKEN_LINE;
}

static bool
name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_' || (c & 0x80) != 0;
}

static char
peek(const struct lexer *x, size_t ahead)
{
	return x->at + ahead < x->len ? x->s[x->at + ahead] : '\0';
}

static void
string(struct lexer *x)
{
	char q = peek(x, 0);
	bool triple = peek(x, 1) == q && peek(x, 2) == q;
	size_t n = triple ? 3 : 1, from;

	x->at += n;
	from = x->at;
	while (x->at < x->len) {
		if (x->s[x->at] == '\\') {
			x->at += 2;
			continue;
		}
		if (x->s[x->at] == q &&
		    (!triple || (peek(x, 1) == q && peek(x, 2) == q)))
			break;
		if (x->s[x->at] == '\n' && !triple)
			break;
		x->at++;
	}
	x->at = MIN(x->at, x->len);
	emit(x, TOKEN_STRING, from, x->at - from);
	x->at = MIN(x->at + n, x->len);
}

/* Whether what is at hand is the prefix of a string, r"" or Rb"". */
static bool
prefix(const struct lexer *x, size_t from, size_t len)
{
	char next = peek(x, 0);

	if (len > 2 || (next != '"' && next != '\''))
		return false;
	for (size_t i = 0; i < len; i++)
		if (strchr("rRbBuUfF", x->s[from + i]) == NULL)
			return false;
	return true;
}

/* A name, and those behind dots. */
static void
name(struct lexer *x)
{
	size_t from = x->at;

	for (;;) {
		while (x->at < x->len && name_char(x->s[x->at]))
			x->at++;
		if (peek(x, 0) != '.' || !name_char(peek(x, 1)))
			break;
		x->at++;
	}
	if (prefix(x, from, x->at - from))
		string(x);
	else
		emit(x, TOKEN_NAME, from, x->at - from);
}

static void
line(struct lexer *x)
{
	if (x->depth == 0)
		emit(x, TOKEN_LINE, x->at, 1);
	x->at++;
	if (x->depth == 0) {
		x->fresh = true;
		x->indented = peek(x, 0) == ' ' || peek(x, 0) == '\t';
	}
}

static void
other(struct lexer *x)
{
	char c = x->s[x->at];

	if (strchr("([{", c) != NULL)
		x->depth++;
	else if (strchr(")]}", c) != NULL && x->depth > 0)
		x->depth--;
	emit(x, TOKEN_OP, x->at, 1);
	x->at++;
}

void
check_python_tokens(const char *s, size_t len, struct buf *out)
{
	struct lexer x = {.s = s, .len = len, .fresh = true, .out = out};

	x.indented = len != 0 && (s[0] == ' ' || s[0] == '\t');
	while (x.at < x.len) {
		char c = x.s[x.at];

		if (c == '\n') {
			line(&x);
		} else if (c == '#') {
			while (x.at < x.len && x.s[x.at] != '\n')
				x.at++;
		} else if (c == '\\' && peek(&x, 1) == '\n') {
			x.at += 2;
		} else if (c == '"' || c == '\'') {
			string(&x);
		} else if (name_char(c)) {
			name(&x);
		} else if (c == ' ' || c == '\t' || c == '\r' || c == '\f' ||
			   c == '\0') {
			x.at++;
		} else {
			other(&x);
		}
	}
	emit(&x, TOKEN_LINE, x.len, 0);
}
