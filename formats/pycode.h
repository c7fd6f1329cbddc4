/* SPDX-License-Identifier: MIT
 * Tokens of Python source, as its tokenizer cuts it, without indentation: what
 * code names and calls is seen, never in comments or strings.
 */
#ifndef FORMATS_PYCODE_H
#define FORMATS_PYCODE_H

#include "base/base.h"

enum pycode_kind {
	PYCODE_END,
	PYCODE_BAD, /* a string without end; nothing follows */
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
bool pycode_is(const struct pycode_token *, const char *);

#endif
