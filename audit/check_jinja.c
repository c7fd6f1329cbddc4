/* SPDX-License-Identifier: MIT
 * Jinja's own rules decide: an attribute that begins with an underscore, one
 * whose name the template puts together, a method or filter that is not known.
 * Words that attackers use only make it worse.
 */
#define _GNU_SOURCE /* memmem */
#include "audit/check_jinja.h"

#include "audit/check_agent.h"
#include "audit/check_jinja_change.h"
#include "audit/check_jinja_shape.h"
#include "audit/check_jinja_trigger.h"
#include "audit/check_jinja_words.h"
#include "base/arena.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/text.h"
#include "formats/jinja.h"

#define TEXT_SIZE 512

struct judge {
	const struct check_file *f;
	enum check_jinja_role role;
	const char *s;
	uint64_t off;
	struct arena arena;
	struct jinja_token *t;
	size_t n, cap;
	struct map macros, built;
	bool unsafe; /* something was found that one must not run */
	bool full;
};

static bool
listed(const char *const *list, const struct jinja_token *t)
{
	for (; *list != NULL; list++)
		if (jinja_is(t, *list))
			return true;
	return false;
}

/* Nothing renders what people read; there, an attack is most often described. */
static bool
is_prose(const struct judge *j)
{
	static const char *const ends[] = {".md", ".markdown", ".rst", ".adoc"};

	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (text_ends_with(check_name_of(j->f), ends[i]))
			return j->role == JINJA_IN_TEXT;
	return false;
}

static void
report(struct judge *j, enum finding_id id, const struct jinja_token *t,
    const char *what)
{
	uint64_t at = j->off;
	char shown[128];

	if (id == FINDING_TEMPLATE_UNKNOWN && j->role != JINJA_TEMPLATE)
		return;
	if (id == FINDING_TEMPLATE_UNSAFE && j->role == JINJA_IN_TEXT)
		return;
	if (is_prose(j))
		id = FINDING_TEMPLATE_PROSE;
	if (at != ERR_NOWHERE)
		at += (uint64_t)(t->s - j->s);
	text_escape(t->s, MIN(t->len, 80), shown, sizeof(shown));
	check_find(j->f, id, at, "%s '%s'", what, shown);
	j->unsafe = j->unsafe || id != FINDING_TEMPLATE_UNKNOWN;
}

static const struct jinja_token *
at(const struct judge *j, size_t i)
{
	static const struct jinja_token none = {JINJA_END, "", 0};

	return i < j->n ? &j->t[i] : &none;
}

static bool
op(const struct judge *j, size_t i, const char *what)
{
	return at(j, i)->kind == JINJA_OP && jinja_is(at(j, i), what);
}

/* --- names that Python keeps for itself ---------------------------------- */

/* __x__ within a text: Python's own name for what values should not show. */
static bool
has_dunder(const char *s, size_t len)
{
	static const char *const words[] = {"__class__", "__mro__", "__base__",
	    "__bases__", "__subclasses__", "__globals__", "__builtins__",
	    "__init__", "__import__", "__dict__", "__getattribute__",
	    "__getattr__", "__reduce__", "__reduce_ex__", "__code__",
	    "__closure__", "__func__", "__self__", "__getitem__", "__loader__",
	    "__spec__", "__new__", "__enter__", "__call__"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (len != 0 &&
		    memmem(s, len, words[i], strlen(words[i])) != NULL)
			return true;
	return false;
}

static void
judge_string(struct judge *j, size_t i)
{
	const struct jinja_token *t = at(j, i);
	char text[TEXT_SIZE];
	size_t len;
	bool hidden = jinja_text(t, text, sizeof(text), &len);

	if (has_dunder(text, len) ||
	    (t->len > TEXT_SIZE && has_dunder(t->s, t->len)))
		report(j, FINDING_TEMPLATE_ATTACK, t,
		    "string with Python's inner name");
	else if (hidden && memchr(text, '_', len) != NULL)
		report(j, FINDING_TEMPLATE_ATTACK, t,
		    "string with a disguised underscore");
	else if (hidden)
		report(j, FINDING_TEMPLATE_UNSAFE, t,
		    "string with disguised letters");
}

/* A literal in place of an attribute's name. */
static void
judge_key(struct judge *j, size_t i, const char *what)
{
	char text[TEXT_SIZE];
	size_t len;

	(void)jinja_text(at(j, i), text, sizeof(text), &len);
	if (len > 1 && text[0] == '_' && text[1] == '_')
		report(j, FINDING_TEMPLATE_ATTACK, at(j, i), what);
}

/* --- expressions --------------------------------------------------------- */

/* The token that closes the bracket at i, or the last one; i, where there is
 * none. */
static size_t
closing(const struct judge *j, size_t i)
{
	size_t depth = 0;

	if (at(j, i)->kind != JINJA_OP || strchr("([{", at(j, i)->s[0]) == NULL)
		return i;
	for (; i < j->n; i++) {
		const struct jinja_token *t = &j->t[i];

		if (t->kind == JINJA_CLOSE)
			return i;
		if (t->kind != JINJA_OP)
			continue;
		if (strchr("([{", t->s[0]) != NULL)
			depth++;
		else if (strchr(")]}", t->s[0]) != NULL && --depth == 0)
			return i;
	}
	return j->n;
}

/* Between two tokens a text is put together. */
static bool
builds(const struct judge *j, size_t from, size_t to)
{
	static const char *const makers[] = {"join", "format", "replace",
	    "reverse", "lower", "upper", "title", "decode", "translate", NULL};

	for (size_t i = from; i < to; i++) {
		bool beside = at(j, i - 1)->kind == JINJA_STRING ||
			      at(j, i + 1)->kind == JINJA_STRING;

		if (op(j, i, "~") ||
		    (beside &&
			(op(j, i, "+") || op(j, i, "%") || op(j, i, "*"))))
			return true;
		if (at(j, i)->kind == JINJA_NAME && listed(makers, at(j, i)) &&
		    (op(j, i - 1, ".") || op(j, i - 1, "|")))
			return true;
		/* a slice or letter of a literal */
		if (at(j, i)->kind == JINJA_STRING && op(j, i + 1, "["))
			return true;
	}
	return false;
}

/* Strings take part in it: sums of numbers do not count. */
static bool
has_string(const struct judge *j, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (at(j, i)->kind == JINJA_STRING)
			return true;
	return false;
}

static void
learn(struct judge *j, struct map *names, const struct jinja_token *t)
{
	const char *name = arena_strdup(&j->arena, t->s, t->len);

	if (name == NULL || map_put(names, name, 1) < 0)
		j->full = true;
}

static bool
known(const struct map *names, const struct jinja_token *t)
{
	return map_get_n(names, t->s, t->len) != SIZE_MAX;
}

/* Names that {% set %} gives a text put together of literals, and macros. */
static void
learn_names(struct judge *j)
{
	for (size_t i = 1; i < j->n; i++) {
		size_t end = i + 3;

		if (j->t[i - 1].kind != JINJA_STMT)
			continue;
		if (jinja_is(&j->t[i], "macro"))
			learn(j, &j->macros, at(j, i + 1));
		if (!jinja_is(&j->t[i], "set") || !op(j, i + 2, "="))
			continue;
		while (end < j->n && j->t[end].kind != JINJA_CLOSE)
			end++;
		if (has_string(j, i + 3, end) && builds(j, i + 3, end))
			learn(j, &j->built, at(j, i + 1));
	}
}

/* x[...]: the bracket is at i. */
static void
subscript(struct judge *j, size_t i)
{
	size_t end = closing(j, i);

	if (end == i + 2 && at(j, i + 1)->kind == JINJA_STRING)
		judge_key(j, i + 1, "item");
	else if (has_string(j, i + 1, end) && builds(j, i + 1, end))
		report(j, FINDING_TEMPLATE_UNSAFE, at(j, i),
		    "item whose name is put together");
	else if (end == i + 2 && at(j, i + 1)->kind == JINJA_NAME &&
		 known(&j->built, at(j, i + 1)))
		report(j, FINDING_TEMPLATE_UNSAFE, at(j, i + 1),
		    "item whose name was put together in");
}

static void
attribute(struct judge *j, size_t i)
{
	const struct jinja_token *t = at(j, i);
	bool call = op(j, i + 1, "(");

	if (t->len > 1 && t->s[0] == '_' && t->s[1] == '_')
		report(j, FINDING_TEMPLATE_ATTACK, t, "attribute");
	else if (listed(jinja_inner, t))
		report(j, FINDING_TEMPLATE_ATTACK, t, "attribute");
	else if (t->s[0] == '_')
		report(j, FINDING_TEMPLATE_UNSAFE, t, "attribute");
	else if (call && listed(jinja_danger, t))
		report(j, FINDING_TEMPLATE_UNSAFE, t, "method");
	else if (call && !listed(jinja_methods, t))
		report(j, FINDING_TEMPLATE_UNKNOWN, t, "method");
}

/* |attr(...): the sandbox's checks are told by the name alone. */
static void
filter_attr(struct judge *j, size_t i)
{
	size_t end = closing(j, i + 1);

	if (end == i + 3 && at(j, i + 2)->kind == JINJA_STRING) {
		judge_key(j, i + 2, "attribute");
		report(j, FINDING_TEMPLATE_UNSAFE, at(j, i), "filter");
	} else {
		/* in some text it may be an example */
		report(j,
		    j->role == JINJA_IN_TEXT ? FINDING_TEMPLATE_UNSAFE
					     : FINDING_TEMPLATE_ATTACK,
		    at(j, i),
		    "name of an attribute is not a literal in filter");
	}
}

static void
filter(struct judge *j, size_t i)
{
	const struct jinja_token *t = at(j, i);
	bool args = op(j, i + 1, "(");

	if (jinja_is(t, "attr")) {
		filter_attr(j, i);
		return;
	}
	if (!listed(jinja_filters, t))
		report(j, FINDING_TEMPLATE_UNKNOWN, t, "filter");
	if (!args || !listed(jinja_by_name, t) || op(j, i + 2, ")"))
		return;
	if (at(j, i + 2)->kind == JINJA_STRING) {
		judge_key(j, i + 2, "attribute");
		if (at(j, i + 2)->len == 6 &&
		    memcmp(at(j, i + 2)->s + 1, "attr", 4) == 0)
			report(j, FINDING_TEMPLATE_ATTACK, at(j, i + 2),
			    "filter by name");
	}
	if ((at(j, i + 2)->kind != JINJA_STRING && !op(j, i + 3, "=")) ||
	    (!op(j, i + 3, ",") && !op(j, i + 3, ")") && !op(j, i + 3, "=")))
		report(j, FINDING_TEMPLATE_UNSAFE, t,
		    "name that is not a literal in filter");
}

/* map(attribute=...), sort(attribute=...): a literal. */
static void
named_argument(struct judge *j, size_t i)
{
	const struct jinja_token *t = at(j, i);

	if (t->len > 2 && t->s[0] == '_' && t->s[1] == '_') {
		report(j, FINDING_TEMPLATE_UNSAFE, t, "argument");
		return;
	}
	if (!jinja_is(t, "attribute"))
		return;
	if (at(j, i + 2)->kind == JINJA_STRING)
		judge_key(j, i + 2, "attribute");
	else if (at(j, i + 2)->kind != JINJA_NUMBER)
		report(j, FINDING_TEMPLATE_UNSAFE, t,
		    "name that is not a literal in argument");
	if (!op(j, i + 3, ")") && !op(j, i + 3, ","))
		report(j, FINDING_TEMPLATE_UNSAFE, t,
		    "name that is put together in argument");
}

static void
variable(struct judge *j, size_t i)
{
	const struct jinja_token *t = at(j, i);
	bool call = op(j, i + 1, "(");

	if (listed(jinja_keywords, t))
		return;
	if (t->len > 2 && t->s[0] == '_' && t->s[1] == '_')
		report(j, FINDING_TEMPLATE_UNSAFE, t, "name");
	else if (listed(jinja_objects, t) && j->role >= JINJA_PERHAPS)
		report(j, FINDING_TEMPLATE_UNSAFE, t, "object");
	else if (call && listed(jinja_danger, t) && !known(&j->macros, t))
		report(j, FINDING_TEMPLATE_UNSAFE, t, "function");
	else if (call && !listed(jinja_functions, t) && !known(&j->macros, t))
		report(j, FINDING_TEMPLATE_UNKNOWN, t, "function");
}

static void
statement(struct judge *j, size_t i)
{
	const struct jinja_token *t = at(j, i);

	if (t->kind != JINJA_NAME)
		return;
	if (listed(jinja_reads, t))
		report(j, FINDING_TEMPLATE_UNSAFE, t, "statement");
	else if (!listed(jinja_statements, t))
		report(j, FINDING_TEMPLATE_UNKNOWN, t, "statement");
}

static void
name(struct judge *j, size_t i)
{
	if (at(j, i - 1)->kind == JINJA_STMT)
		statement(j, i);
	else if (op(j, i - 1, "."))
		attribute(j, i);
	else if (op(j, i - 1, "|") || (jinja_is(at(j, i - 1), "filter") &&
					  at(j, i - 2)->kind == JINJA_STMT))
		filter(j, i);
	else if (jinja_is(at(j, i - 1), "is") ||
		 (jinja_is(at(j, i - 1), "not") &&
		     jinja_is(at(j, i - 2), "is")))
		return; /* a test, which only looks */
	else if (op(j, i + 1, "=") && !op(j, i - 1, ".") &&
		 at(j, i - 2)->kind != JINJA_STMT)
		named_argument(j, i);
	else if (!jinja_is(at(j, i - 1), "macro"))
		variable(j, i);
}

/* range(999999), 'a' * 1000000: no conversation is that long. */
static void
number(struct judge *j, size_t i)
{
	bool counts =
	    op(j, i - 1, "*") || op(j, i + 1, "*") || op(j, i - 1, "**");

	if (op(j, i - 1, "(") || op(j, i - 1, ","))
		for (size_t k = i - 1; k > 0 && k + 6 > i && !counts; k--)
			counts = at(j, k)->kind == JINJA_NAME &&
				 jinja_is(at(j, k), "range");
	/* range(10 ** 9) */
	if (counts && (j->t[i].len > 5 || op(j, i - 1, "**")))
		report(j, FINDING_TEMPLATE_UNSAFE, at(j, i), "a loop of");
}

static void
judge_tokens(struct judge *j)
{
	learn_names(j);
	for (size_t i = 0; i < j->n; i++) {
		if (j->t[i].kind == JINJA_NAME && i > 0)
			name(j, i);
		else if (j->t[i].kind == JINJA_STRING)
			judge_string(j, i);
		else if (j->t[i].kind == JINJA_NUMBER)
			number(j, i);
		else if (op(j, i, "[") && i > 0 &&
			 (j->t[i - 1].kind == JINJA_NAME ||
			     j->t[i - 1].kind == JINJA_STRING ||
			     op(j, i - 1, ")") || op(j, i - 1, "]") ||
			     op(j, i - 1, "}")) &&
			 !listed(jinja_keywords, &j->t[i - 1]))
			subscript(j, i);
	}
}

/* What more than one statement tells. */
static void
judge_whole(struct judge *j)
{
	static const struct {
		const struct jinja_token *(*look)(
		    const struct jinja_token *, size_t n);
		enum finding_id id;
		const char *what;
	} rules[] = {
	    {check_jinja_trigger, FINDING_TEMPLATE_TRIGGER, "it depends on"},
	    {check_jinja_change, FINDING_TEMPLATE_WORDS,
		"others are put in place of"},
	    {check_jinja_change_loop, FINDING_TEMPLATE_UNSAFE,
		"loops within loops, of"}};

	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		const struct jinja_token *t = rules[i].look(j->t, j->n);

		if (t != NULL)
			report(j, rules[i].id, t, rules[i].what);
	}
}

/* --- the template -------------------------------------------------------- */

static bool
keep(struct judge *j, struct jinja_token t)
{
	if (j->n == j->cap) {
		size_t cap = j->cap != 0 ? j->cap * 2 : 256;
		struct jinja_token *more =
		    arena_alloc(&j->arena, cap, sizeof(*more));

		if (more == NULL)
			return false;
		if (j->n != 0)
			memcpy(more, j->t, j->n * sizeof(*more));
		j->t = more;
		j->cap = cap;
	}
	j->t[j->n++] = t;
	return true;
}

/* The tokens up to the end or an error; the error, or JINJA_END. */
static struct jinja_token
collect(struct judge *j, size_t len)
{
	struct jinja lexer;
	struct jinja_token t;

	jinja_init(&lexer, j->s, len);
	do {
		t = jinja_next(&lexer);
		if (t.kind == JINJA_END || t.kind == JINJA_BAD)
			return t;
	} while (keep(j, t));
	j->full = true;
	return t;
}

/* A template that no Jinja compiles: at the token that the lexer ended with, or
 * where the blocks say so. */
static void
judge_shape(struct judge *j, struct jinja_token last)
{
	const struct jinja_tokens all = {j->t, j->n};
	const struct jinja_token *t = &last;

	if (last.kind != JINJA_BAD && (t = check_jinja_shape(&all)) == NULL)
		return;
	check_short(j->f, FINDING_CONFIG_INVALID,
	    j->off != ERR_NOWHERE ? j->off + (uint64_t)(t->s - j->s) : j->off,
	    "a Jinja template that does not compile");
}

void
check_jinja_text(const struct check_file *f, enum check_jinja_role role,
    const char *s, size_t len, uint64_t off)
{
	struct judge j = {.f = f, .role = role, .s = s, .off = off};
	struct jinja_token last;

	if (len < 4 || memchr(s, '{', len) == NULL ||
	    (memmem(s, len, "{{", 2) == NULL &&
		memmem(s, len, "{%", 2) == NULL))
		return;
	arena_init(&j.arena, LIMIT_TEMPLATE_ARENA);
	map_init(&j.macros, &j.arena);
	map_init(&j.built, &j.arena);
	last = collect(&j, len);
	judge_tokens(&j);
	if (role == JINJA_TEMPLATE)
		judge_whole(&j);
	if (j.full)
		check_short(f, FINDING_FILE_LIMIT, off,
		    "a template of more than %zu tokens", j.n);
	else if (role == JINJA_TEMPLATE)
		judge_shape(&j, last);
	if (role == JINJA_TEMPLATE)
		check_agent_text(f, AGENT_TEMPLATE, s, len, off);
	arena_release(&j.arena);
}

void
check_jinja(const struct check_file *f)
{
	const char *name = check_name_of(f);
	bool template = text_ends_with(name, ".jinja") ||
			text_ends_with(name, ".jinja2") ||
			text_ends_with(name, ".j2") ||
			strstr(name, "chat_template") != NULL;

	/* strings of these are looked at one by one */
	if (!check_is(f, "text") || check_is(f, "json"))
		return;
	check_jinja_text(f, template ? JINJA_TEMPLATE : JINJA_IN_TEXT,
	    (const char *)f->bytes.base, f->bytes.len, 0);
	if (template)
		check_knows(f);
}
