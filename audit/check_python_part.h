/* SPDX-License-Identifier: MIT
 * A Python source while it is judged, between audit/check_python.c and what
 * looks for hidden names (check_python_hidden.c).
 */
#ifndef AUDIT_CHECK_PYTHON_PART_H
#define AUDIT_CHECK_PYTHON_PART_H

#include "audit/check_python.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"

/* A dotted name as it is compared. */
#define NAME 128

struct word {
	const char *s;
	size_t len;
};

/* What a name was imported as: "full" or, from a module, "full.more". */
struct alias {
	struct word full, more; /* more.s NULL: none */
};

struct source {
	const struct check_file *f;
	struct check_python_token *t;
	size_t n;
	uint64_t work; /* tokens that may still be looked at */
	struct arena arena;
	struct map imported; /* name -> index in aliases */
	struct buf aliases;  /* struct alias */
	struct map tainted;  /* names of variables */
	bool full;           /* some name is in none of them */
	unsigned all;        /* what any call does */
	bool dangerous;
	bool cells;    /* of a notebook */
	size_t starts; /* where a program is started on import; SIZE_MAX */
};

static inline const struct check_python_token *
at(const struct source *x, size_t i)
{
	static const struct check_python_token none = {
	    .kind = TOKEN_LINE, .s = ""};

	return i < x->n ? &x->t[i] : &none;
}

static inline bool
is(const struct check_python_token *t, const char *s)
{
	return t->kind != TOKEN_STRING && t->len == strlen(s) &&
	       memcmp(t->s, s, t->len) == 0;
}

/* The name of a token, by what it was imported as. */
void check_python_full_name(
    const struct source *, const struct check_python_token *, char out[NAME]);
/* The source does `what` at this token: one finding a source. */
void check_python_danger(
    struct source *, const struct check_python_token *, const char *what);

/* --- check_python_hidden.c ----------------------------------------------- */

/* At token i: a name that is looked up so that nobody reads it. */
void check_python_hidden(struct source *, size_t i);
/* At token i: a __reduce__() that runs something. */
void check_python_reduces(struct source *, size_t i);

#endif
