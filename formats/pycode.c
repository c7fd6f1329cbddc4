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

/* A carriage return alone ends a line as well: behind one a comment is over,
 * whatever an editor shows. */
static bool
line_end(char c)
{
	return c == '\n' || c == '\r';
}

/* Past a backslash and the line that it joins: of one or two bytes. */
static size_t
joined(const struct pycode *p)
{
	const char *s = p->s + p->at;
	size_t left = p->len - p->at;

	if (left < 2 || s[0] != '\\' || !line_end(s[1]))
		return 0;
	return left > 2 && s[1] == '\r' && s[2] == '\n' ? 3 : 2;
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
			p->at += MAX(joined(p), 2);
			continue;
		}
		if (!three && line_end(c))
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
	p->at = MIN(p->at, p->len);
	return token(p, PYCODE_BAD, from);
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

		if (line_end(c) && p->depth == 0)
			return true;
		if (c == '#') {
			while (p->at < p->len && !line_end(p->s[p->at]))
				p->at++;
		} else if (c == ' ' || c == '\t' || c == '\f' || c == '\0' ||
			   line_end(c)) {
			p->at++;
		} else if (joined(p) != 0) {
			p->at += joined(p);
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
		p->at +=
		    c == '\r' && p->at + 1 < p->len && p->s[from + 1] == '\n'
			? 2
			: 1;
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

void
pycode_inner(struct pycode_token *t)
{
	size_t skip = strcspn(t->s, "'\""), n = 1;
	char q = t->s[skip];

	if (t->len - skip >= 6 && t->s[skip + 1] == q && t->s[skip + 2] == q)
		n = 3;
	t->s += skip + n;
	t->len -= skip + 2 * n;
}

/* From the first byte of an expression to behind it: at a brace, a colon (of a
 * format) or an exclamation mark (of a conversion) in no brackets. */
static size_t
field_end(const char *s, size_t len, size_t i)
{
	size_t depth = 0;

	for (; i < len; i++) {
		char c = s[i];
		const char *quote;

		if ((c == '"' || c == '\'') && i + 1 < len) {
			quote = memchr(s + i + 1, c, len - i - 1);
			i = quote != NULL ? (size_t)(quote - s) : i;
		} else if (c == '(' || c == '[' || c == '{') {
			depth++;
		} else if (depth != 0 && (c == ')' || c == ']' || c == '}')) {
			depth--;
		} else if (depth == 0 &&
			   (c == '}' || c == ':' ||
			       (c == '!' && i + 1 < len && s[i + 1] != '='))) {
			break;
		}
	}
	return i;
}

bool
pycode_field(const struct pycode_token *t, size_t *at, struct pycode_token *out)
{
	size_t quote = 0;

	if (t->kind != PYCODE_STRING)
		return false;
	while (quote < t->len && t->s[quote] != '"' && t->s[quote] != '\'')
		quote++;
	if (memchr(t->s, 'f', quote) == NULL &&
	    memchr(t->s, 'F', quote) == NULL)
		return false;
	for (size_t i = MAX(*at, quote); i < t->len; i++) {
		if (t->s[i] != '{')
			continue;
		if (i + 1 < t->len && t->s[i + 1] == '{') {
			i++;
			continue;
		}
		*at = field_end(t->s, t->len, i + 1);
		*out =
		    (struct pycode_token){PYCODE_OP, t->s + i + 1, *at - i - 1};
		return true;
	}
	return false;
}

bool
pycode_disguised(const struct pycode_token *t)
{
	const uint8_t *s = (const uint8_t *)t->s;

	for (size_t i = 0; t->kind == PYCODE_NAME && i + 1 < t->len; i++) {
		uint8_t third = i + 2 < t->len ? s[i + 2] : 0;

		/* U+017F; U+FF10 to U+FF5A; U+1D400 to U+1D6A3 */
		if ((s[i] == 0xc5 && s[i + 1] == 0xbf) ||
		    (s[i] == 0xef && s[i + 1] == 0xbc && third >= 0x90) ||
		    (s[i] == 0xef && s[i + 1] == 0xbd && third <= 0x9a) ||
		    (s[i] == 0xf0 && s[i + 1] == 0x9d && third >= 0x90 &&
			third <= 0x9a))
			return true;
	}
	return false;
}
