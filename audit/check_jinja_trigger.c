/* SPDX-License-Identifier: MIT
 * A chat template that says something of its own when somebody's message has a
 * word: a backdoor of the words around the model, which no sandbox stops (MITRE
 * ATLAS AML.T0051).  Honest templates look for marks of their own format
 * ("</think>", "/no_think"), not for words of a language.
 */
#include "audit/check_jinja_trigger.h"

#include "base/text.h"

#include <ctype.h>
#include <string.h>

#define WORDS 5 /* an instruction, not a mark or a name of a role */

struct tokens {
	const struct jinja_token *t;
	size_t n;
};

static bool
op(const struct tokens *x, size_t i, const char *what)
{
	return i < x->n && x->t[i].kind == JINJA_OP && jinja_is(&x->t[i], what);
}

/* A string of letters and blanks: 'invoice', 'how to'. */
static bool
is_words(const struct tokens *x, size_t i)
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
	return letters > 2;
}

/* message.content, message['content'] between i and end */
static bool
is_content(const struct tokens *x, size_t i, size_t end)
{
	static const char *const names[] = {"content", "'content'",
	    "\"content\"", "text", "'text'", "\"text\""};

	for (; i < end; i++)
		if ((x->t[i].kind == JINJA_NAME ||
			x->t[i].kind == JINJA_STRING) &&
		    text_is_among(
			x->t[i].s, x->t[i].len, names, ARRAY_LEN(names)))
			return true;
	return false;
}

static bool
ends_operand(const struct jinja_token *t)
{
	return jinja_is(t, "and") || jinja_is(t, "or") || jinja_is(t, "else");
}

/* From the condition's first token to its end: it asks for words of a message. */
static bool
asks(const struct tokens *x, size_t i, size_t end)
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
		    is_content(x, i + 2, to))
			return true;
		/* content == 'word', content.startswith('word'), .find( */
		if (i > from && (op(x, i - 1, "==") || op(x, i - 1, "(")) &&
		    is_content(x, from, i))
			return true;
	}
	return false;
}

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
said(const struct tokens *x, size_t i)
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

const struct jinja_token *
check_jinja_trigger(const struct jinja_token *t, size_t n)
{
	const struct tokens x = {t, n};
	size_t work = 0;

	for (size_t i = 1; i < n && work < 64; i++) {
		size_t end = i + 1;

		if (t[i - 1].kind != JINJA_STMT ||
		    (!jinja_is(&t[i], "if") && !jinja_is(&t[i], "elif")))
			continue;
		while (end < n && t[end].kind != JINJA_CLOSE)
			end++;
		if (!asks(&x, i + 1, end))
			continue;
		work++;
		if (said(&x, end) >= WORDS)
			return &t[i + 1];
	}
	return NULL;
}
