/* SPDX-License-Identifier: MIT
 * Python source, token by token: calls with what is in their parentheses,
 * names by what they were imported as, variables that hold what was decoded
 * or came from the network.  Nothing is executed or resolved.
 */
#ifndef AUDIT_CHECK_PYTHON_H
#define AUDIT_CHECK_PYTHON_H

#include "audit/check.h"

/* Findings: SOURCE_DANGEROUS, SOURCE_STARTS. */
void check_python_judge(const struct check_file *, const char *s, size_t len);
/* Cells of a notebook, one after another: what they start is started by who
 * runs the cell; and offsets in them are none in the file. */
void check_python_cells(const struct check_file *, const char *s, size_t len);

/* --- check_python_words.c ------------------------------------------------ */

/* What a call does. */
enum check_python_does {
	DOES_NOTHING = 0,
	DOES_EXEC = 1,   /* runs Python */
	DOES_SHELL = 2,  /* starts a program */
	DOES_DECODE = 4, /* makes code of what looks like data */
	DOES_NET = 8,    /* gets something from elsewhere */
	DOES_SOCKET = 16,
	DOES_DUP = 32,     /* puts a socket in the place of standard input */
	DOES_SHELLED = 64, /* hands the terminal to a program */
	DOES_HIDE = 128,   /* makes text of characters: to run that is odd */
	DOES_LOAD = 256,   /* makes objects of bytes, by what these say */
};

/* Of a function by its full name: DOES_ bits. */
unsigned check_python_does(const char *name);
/*
 * A command that many an honest script runs, by its first string (NULL: it has
 * none): pip, git, nvidia-smi, or Python itself (`own`: by sys.executable), but
 * Python with program text (`code`) is none.
 */
bool check_python_sets_up(const char *first, size_t len, bool own, bool code);
/* An argument of Python says that program text follows: python -c. */
bool check_python_is_code(const char *argument, size_t len);
/* Names a file that only its owner's programs read. */
bool check_python_secret(const char *text, size_t len);

/* PEP 263: a declared encoding in which other text is written than one sees. */
bool check_python_disguised(const char *source, size_t len);

/* --- check_python_literal.c: for check_python.c -------------------------- */

struct check_python_token;
/* A string that may be a pickle or a compressed stream: looked at if it is. */
void check_python_literal(
    const struct check_file *, const struct check_python_token *);

/* --- check_python_pieces.c: for check_python.c --------------------------- */

/*
 * The string t[0], with what stands behind it (n tokens in all), makes the name of
 * a function or module that runs or decodes something, and does not say so.
 * `first`: no string that it is a part of the sum of stands before it.
 */
bool check_python_pieces(
    const struct check_python_token *t, size_t n, bool first);

/* --- check_python_token.c: for check_python.c ---------------------------- */

enum check_python_kind {
	TOKEN_NAME,
	TOKEN_STRING,
	TOKEN_OP,
	TOKEN_LINE
};

/* Names of more bytes are none that is looked for. */
#define CHECK_PYTHON_NAME 256

/* Names are dotted as far as they go, without blanks between; strings are
 * without quotes. */
struct check_python_token {
	enum check_python_kind kind;
	const char *s;
	size_t len;
	size_t at;     /* in the text */
	bool column0;  /* begins a line without indentation */
	unsigned does; /* what a call of it does: DOES_ */
};

struct arena;
struct buf;

/* Of one line and more, with an end of line at the end.  The arena is for
 * names with blanks within: without memory they stay apart. */
void check_python_tokens(
    const char *s, size_t len, struct arena *, struct buf *out);

#endif
