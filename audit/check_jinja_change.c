/* SPDX-License-Identifier: MIT
 * Honest templates take marks of their own format out of a message
 * (content.replace("/no_think", ""), |replace("</think>", "")) and spell types
 * and names another way; the words of a message and the addresses in it are
 * somebody's, and none of theirs.
 */
#include "audit/check_jinja_change.h"

#include "base/text.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define NEST    16     /* loops within loops */
#define MOST    100000 /* jinja2/sandbox.py, MAX_RANGE */
#define LETTERS 3      /* a word, not a sign */
#define OPERAND 48     /* tokens of what is changed */

static bool
is_string(const struct jinja_tokens *x, size_t i)
{
	return i < x->n && x->t[i].kind == JINJA_STRING;
}

bool
check_jinja_change_is_content(const struct jinja_token *t, size_t i, size_t end)
{
	static const char *const names[] = {"content", "'content'",
	    "\"content\"", "text", "'text'", "\"text\""};

	for (; i < end; i++)
		if ((t[i].kind == JINJA_NAME || t[i].kind == JINJA_STRING) &&
		    text_is_among(t[i].s, t[i].len, names, ARRAY_LEN(names)))
			return true;
	return false;
}

/* --- words for others ---------------------------------------------------- */

/* A string of words, with that many letters: blanks and marks of sentences between
 * them, or other scripts' letters. */
static bool
is_words(const struct jinja_token *t, size_t least)
{
	size_t letters = 0;

	for (size_t k = 1; k + 1 < t->len; k++) {
		unsigned char c = (unsigned char)t->s[k];

		letters += isalpha(c) != 0 || c >= 0x80;
		if (!isalnum(c) && strchr(" '-,.!?", c) == NULL && c < 0x80)
			return false;
	}
	return letters >= least;
}

static bool
has_address(const struct jinja_token *t)
{
	for (size_t k = 0; k + 3 <= t->len; k++)
		if (memcmp(t->s + k, "://", 3) == 0)
			return true;
	return false;
}

static bool
is_same(const struct jinja_token *a, const struct jinja_token *b)
{
	return a->len == b->len && strncasecmp(a->s, b->s, a->len) == 0;
}

/* Where the operand begins that ends before i: behind a bracket that is open
 * there, a comma, a sum or the beginning of the expression. */
static size_t
operand(const struct jinja_tokens *x, size_t i)
{
	size_t depth = 0, from = i;

	for (; from > 0 && i - from < OPERAND; from--) {
		const struct jinja_token *t = &x->t[from - 1];

		if (t->kind == JINJA_OPEN || t->kind == JINJA_STMT ||
		    t->kind == JINJA_CLOSE)
			break;
		if (t->kind != JINJA_OP)
			continue;
		if (strchr(")]}", t->s[0]) != NULL)
			depth++;
		else if (strchr("([{", t->s[0]) != NULL && depth-- == 0)
			break;
		else if (depth == 0 && strchr(",+~=:", t->s[0]) != NULL)
			break;
	}
	return from;
}

/* x|replace('a', 'b'), x.replace('a', 'b'): the name is at i. */
static bool
changes(const struct jinja_tokens *x, size_t i)
{
	const struct jinja_token *old, *new;

	if (!jinja_is(&x->t[i], "replace") || i < 2 ||
	    (!jinja_op(x, i - 1, "|") && !jinja_op(x, i - 1, ".")) ||
	    !jinja_op(x, i + 1, "(") || !is_string(x, i + 2) ||
	    !jinja_op(x, i + 3, ",") || !is_string(x, i + 4))
		return false;
	old = &x->t[i + 2];
	new = &x->t[i + 4];
	if (is_same(old, new) ||
	    !check_jinja_change_is_content(x->t, operand(x, i - 1), i - 1))
		return false;
	return has_address(new) ||
	       (is_words(old, LETTERS) && (is_words(new, 1) || new->len == 2));
}

const struct jinja_token *
check_jinja_change(const struct jinja_token *t, size_t n)
{
	const struct jinja_tokens x = {t, n};

	for (size_t i = 0; i < n; i++)
		if (t[i].kind == JINJA_NAME && changes(&x, i))
			return &t[i + 2];
	return NULL;
}

/* --- loops --------------------------------------------------------------- */

/* The largest number that stands in a range() of the statement at i; 1: none. */
static uint64_t
times(const struct jinja_tokens *x, size_t i)
{
	uint64_t most = 1, v;
	bool counts = false;
	char s[24];

	for (; i < x->n && x->t[i].kind != JINJA_CLOSE; i++) {
		const struct jinja_token *t = &x->t[i];

		counts =
		    counts || (t->kind == JINJA_NAME && jinja_is(t, "range"));
		if (!counts || t->kind != JINJA_NUMBER || t->len >= sizeof(s))
			continue;
		memcpy(s, t->s, t->len);
		s[t->len] = '\0';
		if (text_parse_u64(s, MOST, &v))
			most = MAX(most, v);
	}
	return most;
}

const struct jinja_token *
check_jinja_change_loop(const struct jinja_token *t, size_t n)
{
	const struct jinja_tokens x = {t, n};
	uint64_t all[NEST + 1] = {1};
	size_t depth = 0;

	for (size_t i = 1; i < n; i++) {
		if (t[i - 1].kind != JINJA_STMT)
			continue;
		if (jinja_is(&t[i], "endfor") && depth > 0)
			depth--;
		if (!jinja_is(&t[i], "for") || depth == NEST)
			continue;
		all[depth + 1] = all[depth] * times(&x, i);
		if (all[++depth] > MOST)
			return &t[i + 1];
	}
	return NULL;
}
