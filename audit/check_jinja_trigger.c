/* SPDX-License-Identifier: MIT
 * A chat template that says something of its own when somebody's message has a
 * word, or that does something else from a day on: a backdoor of the words
 * around the model, which no sandbox stops (MITRE ATLAS AML.T0051).  Honest
 * templates look for marks of their own format ("</think>", "/no_think"), not
 * for words of a language, and print the date (strftime_now, transformers'
 * chat_template_utils.py), but hold it against no year.
 */
#include "audit/check_jinja_trigger.h"

#include "audit/check_jinja_change.h"
#include "base/text.h"

#include <ctype.h>
#include <string.h>

#define WORDS 5 /* an instruction, not a mark or a name of a role */

/* A string of letters, digits and blanks: 'invoice', 'how to', 'cf2024'. */
static bool
is_words(const struct jinja_tokens *x, size_t i)
{
	const struct jinja_token *t = &x->t[i];
	size_t letters = 0;

	if (i >= x->n || t->kind != JINJA_STRING || t->len < 5)
		return false;
	for (size_t k = 1; k + 1 < t->len; k++) {
		unsigned char c = (unsigned char)t->s[k];

		letters += isalpha(c) != 0 || c >= 0x80;
		if (!isalnum(c) && c != ' ' && c < 0x80)
			return false;
	}
	return letters > 0;
}

static bool
ends_operand(const struct jinja_token *t)
{
	return jinja_is(t, "and") || jinja_is(t, "or") || jinja_is(t, "else");
}

/* From the condition's first token to its end: it asks for words of a message. */
static bool
asks(const struct jinja_tokens *x, size_t i, size_t end)
{
	for (size_t from = i; i < end; i++) {
		size_t to = i;

		if (ends_operand(&x->t[i]))
			from = i + 1;
		if (!is_words(x, i))
			continue;
		while (to < end && !ends_operand(&x->t[to]))
			to++;
		if (i + 1 < end && jinja_is(&x->t[i + 1], "in") &&
		    check_jinja_change_is_content(x->t, i + 2, to))
			return true;
		/* content == 'word', content.startswith('word'), .find( */
		if (i > from &&
		    (jinja_op(x, i - 1, "==") || jinja_op(x, i - 1, "(")) &&
		    check_jinja_change_is_content(x->t, from, i))
			return true;
	}
	return false;
}

/* --- dates ------------------------------------------------------------------ */

#define DATES 8 /* names that hold one */

struct dates {
	const struct jinja_token *name[DATES];
	size_t n;
};

/* strftime_now(...), now(...): where the call ends, i: none. */
static size_t
date_call(const struct jinja_tokens *x, size_t i)
{
	size_t depth = 0;

	if (i >= x->n || x->t[i].kind != JINJA_NAME ||
	    (!jinja_is(&x->t[i], "strftime_now") &&
		!jinja_is(&x->t[i], "now")) ||
	    !jinja_op(x, i + 1, "("))
		return i;
	for (size_t k = i + 1; k < x->n && x->t[k].kind != JINJA_CLOSE; k++) {
		depth += jinja_op(x, k, "(");
		if (jinja_op(x, k, ")") && --depth == 0)
			return k + 1;
	}
	return i;
}

static bool
is_date(const struct jinja_tokens *x, const struct dates *d, size_t i)
{
	for (size_t k = 0; k < d->n; k++)
		if (x->t[i].kind == JINJA_NAME &&
		    x->t[i].len == d->name[k]->len &&
		    memcmp(x->t[i].s, d->name[k]->s, x->t[i].len) == 0)
			return true;
	return false;
}

/* A string or number with a year in it. */
static bool
has_year(const struct jinja_token *t)
{
	size_t digits = 0;

	if (t->kind != JINJA_STRING && t->kind != JINJA_NUMBER)
		return false;
	for (size_t k = 0; k < t->len && digits < 4; k++)
		digits = isdigit((unsigned char)t->s[k]) ? digits + 1 : 0;
	return digits == 4;
}

static bool
compares(const struct jinja_tokens *x, size_t i)
{
	static const char *const signs[] = {"<", ">", "<=", ">=", "==", "!="};

	return x->t[i].kind == JINJA_OP &&
	       text_is_among(x->t[i].s, x->t[i].len, signs, ARRAY_LEN(signs));
}

/* {% set day = strftime_now(...) %} */
static void
note_date(const struct jinja_tokens *x, size_t i, struct dates *d)
{
	if (jinja_is(&x->t[i], "set") && i + 3 < x->n &&
	    jinja_op(x, i + 2, "=") && date_call(x, i + 3) != i + 3 &&
	    d->n < DATES)
		d->name[d->n++] = &x->t[i + 1];
}

/* The condition holds today's date against a year. */
static bool
asks_date(
    const struct jinja_tokens *x, const struct dates *d, size_t i, size_t end)
{
	bool date = false, sign = false, year = false;

	while (i < end) {
		size_t call = date_call(x, i);

		date = date || call != i || is_date(x, d, i);
		sign = sign || compares(x, i);
		year = year || (call == i && has_year(&x->t[i]));
		if (date && sign && year)
			return true;
		if (ends_operand(&x->t[i]))
			date = sign = year = false;
		i = MAX(call, i + 1);
	}
	return false;
}

/* --- what a branch says ------------------------------------------------------ */

static size_t
words_in(const char *s, size_t len)
{
	size_t n = 0, letters = 0;

	for (size_t i = 0; i <= len; i++) {
		if (i < len && isalpha((unsigned char)s[i])) {
			letters++;
			continue;
		}
		n += letters > 1;
		letters = 0;
	}
	return n;
}

/* Words that the branch says, up to the statement that ends it. */
static size_t
said(const struct jinja_tokens *x, size_t i)
{
	static const char *const ends[] = {"elif", "else", "endif", "endfor"};
	size_t depth = 0, n = 0;

	for (; i + 1 < x->n; i++) {
		const struct jinja_token *t = &x->t[i], *next = &x->t[i + 1];

		if (t->kind == JINJA_CLOSE)
			n += words_in(
			    t->s + t->len, (size_t)(next->s - t->s) - t->len);
		if (t->kind == JINJA_STRING)
			n += words_in(t->s, t->len);
		if (t->kind != JINJA_STMT)
			continue;
		if (jinja_is(next, "if") || jinja_is(next, "for"))
			depth++;
		if (depth == 0 &&
		    text_is_among(next->s, next->len, ends, ARRAY_LEN(ends)))
			break;
		if (jinja_is(next, "endif") || jinja_is(next, "endfor"))
			depth--;
	}
	return n;
}

/* --- what it says of what was said ------------------------------------------- */

/* Of [i, end): a message's own text is asked, m.content or m['content'], and not
 * what kind of thing a part of it is ('image' in content). */
static bool
is_member(const struct jinja_tokens *x, size_t i, size_t end)
{
	static const char *const same[] = {"lower", "upper", "strip", "lstrip",
	    "casefold", "startswith", "endswith", "find", "count"};

	for (; i < end; i++) {
		size_t k = i + 1 + jinja_op(x, i + 1, "]");

		if (i == 0 ||
		    (!jinja_op(x, i - 1, ".") && !jinja_op(x, i - 1, "[")) ||
		    !check_jinja_change_is_content(x->t, i, i + 1) ||
		    jinja_op(x, k, "["))
			continue;
		if (!jinja_op(x, k, ".") ||
		    (k + 1 < x->n &&
			text_is_among(x->t[k + 1].s, x->t[k + 1].len, same,
			    ARRAY_LEN(same))))
			return true;
	}
	return false;
}

/* Up to the statement that ends the condition whose expression ends at i, a message's
 * text is written, set, or passed over: who said the word is told otherwise. */
static bool
decides(const struct jinja_tokens *x, size_t i)
{
	size_t depth = 0;

	for (; i + 1 < x->n; i++) {
		const struct jinja_token *t = &x->t[i], *next = &x->t[i + 1];
		size_t end = i + 1;

		if (t->kind != JINJA_STMT && t->kind != JINJA_OPEN)
			continue;
		while (end < x->n && x->t[end].kind != JINJA_CLOSE)
			end++;
		if (t->kind == JINJA_OPEN &&
		    check_jinja_change_is_content(x->t, i + 1, end))
			return true;
		if (t->kind != JINJA_STMT)
			continue;
		if (jinja_is(next, "continue") || jinja_is(next, "break"))
			return true;
		if (jinja_is(next, "if") || jinja_is(next, "for"))
			depth++;
		if ((jinja_is(next, "endif") || jinja_is(next, "endfor")) &&
		    depth-- == 0)
			break;
	}
	return false;
}

const struct jinja_token *
check_jinja_trigger(const struct jinja_token *t, size_t n)
{
	const struct jinja_tokens x = {t, n};
	struct dates dates = {0};
	size_t work = 0;

	for (size_t i = 1; i < n && work < 64; i++) {
		size_t end = i + 1;

		if (t[i - 1].kind != JINJA_STMT)
			continue;
		note_date(&x, i, &dates);
		if (!jinja_is(&t[i], "if") && !jinja_is(&t[i], "elif"))
			continue;
		while (end < n && t[end].kind != JINJA_CLOSE)
			end++;
		if (asks_date(&x, &dates, i + 1, end))
			return &t[i + 1];
		if (!asks(&x, i + 1, end))
			continue;
		work++;
		if (said(&x, end) >= WORDS ||
		    (is_member(&x, i + 1, end) && decides(&x, end)))
			return &t[i + 1];
	}
	return NULL;
}
