/* SPDX-License-Identifier: MIT
 * Tokens as calls want them: names dotted, strings without quotes.
 */
#include "audit/check_python.h"

#include "base/arena.h"
#include "base/buf.h"
#include "formats/pycode.h"

/* Of f-strings in the expressions of f-strings. */
#define FIELD_DEPTH 4

struct joiner {
	struct pycode code;
	struct pycode_token next; /* not yet taken */
	struct arena *arena;
	struct buf *out;
};

static struct pycode_token
take(struct joiner *j)
{
	struct pycode_token t = j->next;

	if (t.kind != PYCODE_END)
		j->next = pycode_next(&j->code);
	return t;
}

/* `name` and `more` with a dot between, where they do not lie so already. */
static bool
join(struct joiner *j, struct pycode_token *name, struct pycode_token more)
{
	char *all;

	if (name->s + name->len + 1 == more.s) {
		name->len += 1 + more.len;
		return true;
	}
	if (name->len + more.len > CHECK_PYTHON_NAME)
		return false;
	all = arena_alloc(j->arena, name->len + 1 + more.len, 1);
	if (all == NULL)
		return false;
	memcpy(all, name->s, name->len);
	all[name->len] = '.';
	memcpy(all + name->len + 1, more.s, more.len);
	name->s = all;
	name->len += 1 + more.len;
	return true;
}

/* Behind a name: those behind dots, with whatever blanks between. */
static struct pycode_token
dotted(struct joiner *j, struct pycode_token name)
{
	while (pycode_is(&j->next, ".") && j->next.kind == PYCODE_OP) {
		struct joiner before = *j;
		struct pycode_token more;

		(void)take(j);
		more = take(j);
		if (more.kind != PYCODE_NAME || !join(j, &name, more)) {
			*j = before;
			break;
		}
	}
	return name;
}

static enum check_python_kind
kind_of(enum pycode_kind kind)
{
	switch (kind) {
	case PYCODE_NAME:
	case PYCODE_NUMBER:
		return TOKEN_NAME;
	case PYCODE_STRING:
	case PYCODE_BAD:
		return TOKEN_STRING;
	case PYCODE_OP:
		return TOKEN_OP;
	case PYCODE_LINE:
	case PYCODE_END:
		return TOKEN_LINE;
	}
	return TOKEN_LINE;
}

/* At the beginning of a line, as nothing is that is indented. */
static bool
is_column0(const char *text, size_t at)
{
	return at == 0 || text[at - 1] == '\n' || text[at - 1] == '\r';
}

static void
bracket(const char *c, size_t at, struct buf *out)
{
	struct check_python_token one = {
	    .kind = TOKEN_OP, .s = c, .len = 1, .at = at};

	buf_append(out, &one, sizeof(one));
}

static void tokens(const char *text, const char *s, size_t len, unsigned depth,
    struct arena *, struct buf *out);

/* What an f-string computes, behind it and in parentheses. */
static void
fields(const char *text, const struct pycode_token *t, unsigned depth,
    struct arena *a, struct buf *out)
{
	struct pycode_token one;
	size_t at = 0;

	while (depth < FIELD_DEPTH && pycode_field(t, &at, &one)) {
		bracket("(", (size_t)(one.s - text), out);
		tokens(text, one.s, one.len, depth + 1, a, out);
		bracket(")", (size_t)(one.s - text), out);
	}
}

/* `s` is a part of `text`: all of it, or (depth not 0) an expression. */
static void
tokens(const char *text, const char *s, size_t len, unsigned depth,
    struct arena *a, struct buf *out)
{
	struct joiner j = {.arena = a, .out = out};
	struct pycode_token t;

	pycode_init(&j.code, s, len);
	j.code.depth = depth;
	j.next = pycode_next(&j.code);
	do {
		struct check_python_token one;
		struct pycode_token whole;

		whole = t = take(&j);
		if (depth != 0 && t.kind == PYCODE_END)
			break;
		one = (struct check_python_token){
		    .kind = kind_of(t.kind), .at = (size_t)(t.s - text)};
		one.column0 = is_column0(text, one.at);
		if (t.kind == PYCODE_NAME)
			t = dotted(&j, t);
		else if (t.kind == PYCODE_STRING)
			pycode_inner(&t);
		one.s = t.s;
		one.len = t.len;
		buf_append(out, &one, sizeof(one));
		fields(text, &whole, depth, a, out);
	} while (t.kind != PYCODE_END);
}

void
check_python_tokens(const char *s, size_t len, struct arena *a, struct buf *out)
{
	tokens(s, s, len, 0, a, out);
}
