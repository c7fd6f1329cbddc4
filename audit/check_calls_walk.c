/* SPDX-License-Identifier: MIT */
#include "audit/check_calls_walk.h"

#include "base/text.h"

#define SHOWN 160
/* Tokens between a function's beginning and a call in it. */
#define PARAMETERS 400
/* Tokens before a use in which its variable is looked for. */
#define BEFORE 4000

const struct pycode_token *
check_calls_at(const struct walk *w, size_t i)
{
	static const struct pycode_token none = {PYCODE_END, "", 0};

	return i < w->n ? &w->t[i] : &none;
}

bool
check_calls_is(const struct walk *w, size_t i, const char *word)
{
	const struct pycode_token *t = check_calls_at(w, i);

	return t->kind != PYCODE_STRING && pycode_is(t, word);
}

bool
check_calls_listed(const char *const *list, const struct pycode_token *t)
{
	for (; list != NULL && *list != NULL; list++)
		if (pycode_is(t, *list))
			return true;
	return false;
}

bool
check_calls_begins_statement(const struct walk *w, size_t i)
{
	return i == 0 || check_calls_at(w, i - 1)->kind == PYCODE_LINE ||
	       check_calls_is(w, i - 1, ";") || check_calls_is(w, i - 1, ":");
}

bool
check_calls_is_docstring(const struct walk *w, size_t i)
{
	enum pycode_kind next = check_calls_at(w, i + 1)->kind;

	return check_calls_begins_statement(w, i) &&
	       (next == PYCODE_LINE || next == PYCODE_END);
}

size_t
check_calls_end(const struct walk *w, size_t i)
{
	size_t depth = 0, end = i + CHECK_CALLS_SPAN;

	for (; i < end; i++) {
		const struct pycode_token *t = check_calls_at(w, i);

		if (t->kind == PYCODE_LINE || t->kind == PYCODE_END)
			break;
		if (t->kind != PYCODE_OP)
			continue;
		if (strchr("([{", *t->s) != NULL)
			depth++;
		else if (strchr(")]}", *t->s) != NULL && --depth == 0)
			break;
	}
	return i;
}

size_t
check_calls_assigned(const struct walk *w, size_t name, size_t i)
{
	const struct pycode_token *v = check_calls_at(w, name);
	size_t first = i > BEFORE ? i - BEFORE : 0;

	for (size_t k = i; k > first; k--) {
		const struct pycode_token *t = check_calls_at(w, k - 1);

		if (t->kind == PYCODE_NAME && t->len == v->len &&
		    memcmp(t->s, v->s, v->len) == 0 &&
		    check_calls_is(w, k, "=") &&
		    !check_calls_is(w, k + 1, "=") &&
		    check_calls_begins_statement(w, k - 1))
			return k + 1;
	}
	return 0;
}

enum check_calls_owner
check_calls_parameter(const struct walk *w, size_t name, size_t i)
{
	static const char *const entries[] = {"handle", "handler", "predict",
	    "inference", "forward", "__call__", "model_fn", "input_fn",
	    "predict_fn", "output_fn", "transform_fn", "execute", "preprocess",
	    "postprocess", "initialize", "invoke", "generate", "chat", NULL};
	const struct pycode_token *v = at(w, name);
	size_t first = i > PARAMETERS ? i - PARAMETERS : 0, def;

	while (i > first && !is(w, i, "def"))
		i--;
	if (!is(w, i, "def"))
		return CALLS_NOBODY;
	def = i;
	for (i += 3; i < name && at(w, i)->kind != PYCODE_LINE; i++)
		if (at(w, i)->kind == PYCODE_NAME && at(w, i)->len == v->len &&
		    memcmp(at(w, i)->s, v->s, v->len) == 0)
			return check_calls_listed(entries, at(w, def + 1))
				   ? CALLS_SERVER
				   : CALLS_HELPER;
	return CALLS_NOBODY;
}

void
check_calls_find(
    const struct walk *w, enum finding_id id, size_t i, const char *what)
{
	const struct pycode_token *t = check_calls_at(w, i);
	char shown[SHOWN];

	text_escape(t->s, MIN(t->len, 100), shown, sizeof(shown));
	check_find(w->f, id, (uint64_t)(t->s - (const char *)w->f->bytes.base),
	    "%s '%s'", what, shown);
}
