/* SPDX-License-Identifier: MIT */
#include "formats/pycode.h"

void
pycode_init(struct pycode *p, const char *s, size_t len)
{
	*p = (struct pycode){.s = s, .len = len};
}

bool
pycode_is(const struct pycode_token *t, const char *word)
{
	return strlen(word) == t->len && memcmp(word, t->s, t->len) == 0;
}

static struct pycode_token
token(const struct pycode *p, enum pycode_kind kind, size_t from)
{
	return (struct pycode_token){kind, p->s + from, p->at - from};
}

/* Any byte beyond ASCII may be a letter. */
static bool
name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       (c >= '0' && c <= '9') || (uint8_t)c >= 0x80;
}

/* At the quote; `from` is where its prefix began. */
static struct pycode_token
string(struct pycode *p, size_t from)
{
	char q = p->s[p->at];
	bool three =
	    p->len - p->at >= 3 && p->s[p->at + 1] == q && p->s[p->at + 2] == q;

	p->at += three ? 3 : 1;
	while (p->at < p->len) {
		char c = p->s[p->at];

		if (c == '\\') {
			p->at += 2;
			continue;
		}
		if (!three && c == '\n')
			break;
		p->at++;
		if (c != q)
			continue;
		if (!three)
			return token(p, PYCODE_STRING, from);
		if (p->len - p->at >= 2 && p->s[p->at] == q &&
		    p->s[p->at + 1] == q) {
			p->at += 2;
			return token(p, PYCODE_STRING, from);
		}
	}
	p->at = p->len;
	return token(p, PYCODE_BAD, p->at);
}

static struct pycode_token
word(struct pycode *p)
{
	size_t from = p->at;
	bool number = p->s[from] >= '0' && p->s[from] <= '9';

	while (p->at < p->len && name_char(p->s[p->at]))
		p->at++;
	if (!number && p->at - from <= 2 && p->at < p->len &&
	    (p->s[p->at] == '"' || p->s[p->at] == '\'') &&
	    strspn(p->s + from, "rRbBuUfFtT") >= p->at - from)
		return string(p, from);
	return token(p, number ? PYCODE_NUMBER : PYCODE_NAME, from);
}

/* Past blanks, comments and joined lines; true at the end of a line. */
static bool
skip(struct pycode *p)
{
	while (p->at < p->len) {
		char c = p->s[p->at];

		if (c == '\n' && p->depth == 0)
			return true;
		if (c == '#') {
			const char *end =
			    memchr(p->s + p->at, '\n', p->len - p->at);

			p->at = end != NULL ? (size_t)(end - p->s) : p->len;
		} else if (c == ' ' || c == '\t' || c == '\r' || c == '\f' ||
			   c == '\n') {
			p->at++;
		} else if (c == '\\' && p->at + 1 < p->len &&
			   (p->s[p->at + 1] == '\n' ||
			       p->s[p->at + 1] == '\r')) {
			p->at += 2;
		} else {
			return false;
		}
	}
	return false;
}

struct pycode_token
pycode_next(struct pycode *p)
{
	bool line = skip(p);
	size_t from = p->at;
	char c;

	if (p->at >= p->len) {
		p->at = p->len;
		return token(p, PYCODE_END, p->at);
	}
	c = p->s[p->at];
	if (line) {
		p->at++;
		return token(p, PYCODE_LINE, from);
	}
	if (name_char(c))
		return word(p);
	if (c == '"' || c == '\'')
		return string(p, from);
	p->at++;
	if (c == '(' || c == '[' || c == '{')
		p->depth++;
	else if ((c == ')' || c == ']' || c == '}') && p->depth != 0)
		p->depth--;
	return token(p, PYCODE_OP, from);
}
