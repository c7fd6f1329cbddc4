/* SPDX-License-Identifier: MIT
 * Tokens of a Jinja template, as jinja2/lexer.py cuts it with the default
 * delimiters: text, comments and {% raw %} are passed over, what is left are
 * the tokens of expressions and statements.
 */
#ifndef FORMATS_JINJA_H
#define FORMATS_JINJA_H

#include "base/base.h"

enum jinja_kind {
	JINJA_END,
	JINJA_BAD,   /* the template does not compile; nothing follows */
	JINJA_OPEN,  /* {{ */
	JINJA_STMT,  /* {% */
	JINJA_CLOSE, /* }} or %} */
	JINJA_NAME,
	JINJA_STRING, /* with its quotes */
	JINJA_NUMBER,
	JINJA_OP,
};

struct jinja_token {
	enum jinja_kind kind;
	const char *s;
	size_t len;
};

/* Brackets within one expression; Python's own parser stops at 200. */
#define JINJA_DEPTH 200

struct jinja {
	const char *s;
	size_t len, at;
	char mode; /* '\0': in text; '}' or '%': in what that closes */
	char open[JINJA_DEPTH];
	size_t depth;
};

void jinja_init(struct jinja *, const char *, size_t len);
struct jinja_token jinja_next(struct jinja *);

bool jinja_is(const struct jinja_token *, const char *);

/* Tokens of one template. */
struct jinja_tokens {
	const struct jinja_token *t;
	size_t n;
};

/* Token i is there, and is this operator. */
bool jinja_op(const struct jinja_tokens *, size_t i, const char *);

/*
 * What a string literal means, cut at size - 1 bytes; true when an escape in
 * it stands for a letter, digit or underscore, which needs none.
 */
bool jinja_text(
    const struct jinja_token *, char *out, size_t size, size_t *len);

#endif
