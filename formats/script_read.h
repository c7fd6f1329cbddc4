/* SPDX-License-Identifier: MIT
 * Words, signs and expressions of TorchScript's source text.
 */
#ifndef FORMATS_SCRIPT_READ_H
#define FORMATS_SCRIPT_READ_H

#include "formats/script_text.h"

struct script_read {
	struct slice s;
	size_t at, nest, depth; /* nest: brackets, in which lines go on */
	const char *file;
	struct arena *arena;
	struct err *e;
};

/* ERR_UNSUPPORTED at this line; ERR_LIMIT. */
int script_read_bad(struct script_read *);
int script_read_full(struct script_read *);

/* Pairs of spaces at the next line that is not empty, which the cursor is
 * behind then; SIZE_MAX: there is none. */
size_t script_read_indent(struct script_read *);
/* Whether the line ends here. */
bool script_read_end(struct script_read *);
/* Each false, and nothing read, when something else stands there. */
bool script_read_word(struct script_read *, const char *);
bool script_read_sign(struct script_read *, char);
bool script_read_peek(struct script_read *, char);
int script_read_need(struct script_read *, const char *sign) MUST_USE;
/* NULL when there is none. */
const char *script_read_name(struct script_read *);
int script_read_expr(struct script_read *, struct script_expr **) MUST_USE;
/* The same; "a, b" without brackets is a row. */
int script_read_row(struct script_read *, struct script_expr **) MUST_USE;

#endif
