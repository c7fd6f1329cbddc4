/* SPDX-License-Identifier: MIT */
#include "audit/check_jinja_shape.h"

#include "base/text.h"

#include <string.h>

#define DEEP 128 /* blocks in one another; deeper ones are not looked at */

/* Statements that have an end of their own; "set" only where it is given no value. */
static const char *const blocks[] = {"if", "for", "macro", "call", "filter",
    "block", "set", "with", "autoescape", "generation"};
/* Those that have none, also of Jinja's own extensions. */
static const char *const singles[] = {"elif", "else", "include", "import",
    "from", "extends", "do", "break", "continue", "debug", "trans", "pluralize",
    "endtrans"};

struct shape {
	const struct jinja_tokens *t;
	size_t begun[DEEP]; /* the names of the blocks that are open */
	size_t depth;
};

static bool
is_block(const struct jinja_token *t)
{
	return text_is_among(t->s, t->len, blocks, ARRAY_LEN(blocks));
}

/* A statement of somebody's extension, or another language altogether: what belongs
 * to what is not known from here on. */
static bool
is_foreign(const struct jinja_token *t)
{
	struct jinja_token of = *t;

	if (is_block(t) ||
	    text_is_among(t->s, t->len, singles, ARRAY_LEN(singles)))
		return false;
	if (!text_begins_with(t->s, t->len, "end"))
		return true;
	of.s += 3;
	of.len -= 3;
	return !is_block(&of);
}

/* {% set x %}, not {% set x = 1 %}: at i the name of the statement. */
static bool
has_value(const struct jinja_tokens *t, size_t i)
{
	size_t depth = 0;

	for (; i < t->n && t->t[i].kind != JINJA_CLOSE; i++) {
		if (t->t[i].kind != JINJA_OP)
			continue;
		if (jinja_op(t, i, "=") && depth == 0)
			return true;
		depth += strchr("([{", t->t[i].s[0]) != NULL;
		depth -= depth != 0 && strchr(")]}", t->t[i].s[0]) != NULL;
	}
	return false;
}

/* endif where if was begun last. */
static bool
ends(struct shape *s, const struct jinja_token *t)
{
	const struct jinja_token *open;

	if (s->depth == 0)
		return false;
	open = &s->t->t[s->begun[--s->depth]];
	return t->len == open->len + 3 &&
	       memcmp(t->s + 3, open->s, open->len) == 0;
}

/* elif and else belong to the block that was begun last. */
static bool
belongs(const struct shape *s, const struct jinja_token *t)
{
	const struct jinja_token *open;

	if (s->depth == 0)
		return false;
	open = &s->t->t[s->begun[s->depth - 1]];
	return jinja_is(open, "if") ||
	       (jinja_is(t, "else") && jinja_is(open, "for"));
}

/* The statement whose name is token i; false: Jinja gives up there. */
static bool
statement(struct shape *s, size_t i)
{
	const struct jinja_token *t = &s->t->t[i];

	if (jinja_is(t, "elif") || jinja_is(t, "else"))
		return belongs(s, t);
	if (is_block(t)) {
		if (!jinja_is(t, "set") || !has_value(s->t, i))
			s->begun[s->depth++] = i;
		return true;
	}
	return text_is_among(t->s, t->len, singles, ARRAY_LEN(singles)) ||
	       ends(s, t);
}

/* {{ }}, {{ x | }}, {{ x. }} */
static bool
lacks(const struct jinja_tokens *t, size_t i)
{
	const struct jinja_token *next = &t->t[i + 1];

	if (t->t[i].kind == JINJA_OPEN || t->t[i].kind == JINJA_STMT)
		return next->kind == JINJA_CLOSE;
	if (jinja_op(t, i, "|"))
		return next->kind != JINJA_NAME;
	/* {{ . }} is Go's */
	return jinja_op(t, i, ".") && i > 0 && t->t[i - 1].kind != JINJA_OPEN &&
	       next->kind != JINJA_NAME && next->kind != JINJA_NUMBER;
}

const struct jinja_token *
check_jinja_shape(const struct jinja_tokens *t)
{
	struct shape s = {.t = t};

	for (size_t i = 0; i + 1 < t->n && s.depth < DEEP; i++) {
		if (lacks(t, i))
			return &t->t[i];
		if (t->t[i].kind != JINJA_STMT ||
		    t->t[i + 1].kind != JINJA_NAME)
			continue;
		if (is_foreign(&t->t[i + 1]))
			return NULL;
		if (!statement(&s, i + 1))
			return &t->t[i + 1];
	}
	return s.depth != 0 && s.depth < DEEP ? &t->t[s.begun[s.depth - 1]]
					      : NULL;
}
