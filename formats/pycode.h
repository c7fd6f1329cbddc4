/* SPDX-License-Identifier: MIT
 * Tokens of Python source, as its tokenizer cuts it, without indentation: what
 * code names and calls is seen, never in comments or strings.
 */
#ifndef FORMATS_PYCODE_H
#define FORMATS_PYCODE_H

#include "base/base.h"

enum pycode_kind {
	PYCODE_END,
	PYCODE_BAD, /* a string without end, to that of its line or the text */
	PYCODE_NAME,
	PYCODE_STRING, /* with prefix and quotes */
	PYCODE_NUMBER,
	PYCODE_OP,   /* one character */
	PYCODE_LINE, /* a logical line ends */
};

struct pycode_token {
	enum pycode_kind kind;
	const char *s;
	size_t len;
};

struct pycode {
	const char *s;
	size_t len, at;
	size_t depth; /* brackets that are open: lines do not end */
};

void pycode_init(struct pycode *, const char *, size_t len);
struct pycode_token pycode_next(struct pycode *);
/* A string without its prefix and quotes, escapes as they are. */
void pycode_inner(struct pycode_token *);
/* The next expression in the braces of an f-string (a token with prefix and
 * quotes) from *at on, which begins as 0; false: there is none. */
bool pycode_field(
    const struct pycode_token *, size_t *at, struct pycode_token *out);
/* A name in letters that Python takes for those of ASCII (NFKC: full-width,
 * mathematical, long s): nobody writes one by chance. */
bool pycode_disguised(const struct pycode_token *);
bool pycode_is(const struct pycode_token *, const char *);

#endif
