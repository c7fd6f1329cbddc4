/* SPDX-License-Identifier: MIT */
#include "formats/script_text.h"

#include "base/limits.h"
#include "formats/script_read.h"

#define BLOCKS 64 /* deep */

/* --- lines --------------------------------------------------------------- */

static int block(struct script_read *, size_t indent, struct script_block *);

/* Room in *items for one more of `size` bytes behind n. */
static void *
more(struct script_read *r, void *items, size_t n, size_t size)
{
	void *p;

	if (n != 0 && (n & (n - 1)) != 0)
		return items;
	p = arena_alloc(r->arena, n != 0 ? 2 * n : 1, size);
	if (p == NULL)
		(void)!script_read_full(r);
	else if (n != 0)
		memcpy(p, items, n * size);
	return p;
}

static int
branch(struct script_read *r, size_t indent, struct script_line *l)
{
	size_t at;
	int rc;

	if ((rc = script_read_expr(r, &l->value)) != 0 ||
	    (rc = script_read_need(r, ":")) != 0 ||
	    (rc = block(r, indent + 1, &l->body)) != 0 || l->step != SCRIPT_IF)
		return rc;
	at = r->at;
	if (script_read_indent(r) == indent && script_read_word(r, "else"))
		return (rc = script_read_need(r, ":")) != 0
			   ? rc
			   : block(r, indent + 1, &l->other);
	r->at = at;
	return 0;
}

/* a = x; a, b, = x; a : T = x; x */
static int
assignment(struct script_read *r, struct script_line *l)
{
	struct script_expr *e;
	int rc;

	l->step = SCRIPT_DO;
	for (;;) {
		if ((rc = script_read_expr(r, &e)) != 0)
			return rc;
		l->target = more(r, l->target, l->ntarget, sizeof(*l->target));
		if (l->target == NULL)
			return ERR_LIMIT;
		l->target[l->ntarget++] = e;
		if (!script_read_sign(r, ','))
			break;
		if (script_read_peek(r, '='))
			break;
	}
	if (l->ntarget == 1 && script_read_sign(r, ':') &&
	    (rc = script_read_expr(r, &e)) != 0)
		return rc;
	if (script_read_sign(r, '=')) {
		l->step = SCRIPT_SET;
		return script_read_row(r, &l->value);
	}
	l->value = l->target[0];
	return l->ntarget == 1 ? 0 : script_read_bad(r);
}

static int
line(struct script_read *r, size_t indent, struct script_line *l)
{
	int rc;

	if (script_read_word(r, "pass")) {
		l->step = SCRIPT_DO;
		return 0;
	}
	if (script_read_word(r, "return")) {
		l->step = SCRIPT_RETURN;
		return script_read_end(r) ? 0 : script_read_row(r, &l->value);
	}
	l->step = script_read_word(r, "if")      ? SCRIPT_IF
		  : script_read_word(r, "while") ? SCRIPT_WHILE
		  : script_read_word(r, "for")   ? SCRIPT_FOR
						 : SCRIPT_SET;
	if (l->step == SCRIPT_SET)
		return assignment(r, l);
	if (l->step == SCRIPT_FOR) {
		l->target = more(r, NULL, 0, sizeof(*l->target));
		if (l->target == NULL)
			return ERR_LIMIT;
		l->ntarget = 1;
		if ((rc = script_read_expr(r, &l->target[0])) != 0)
			return rc;
		if (!script_read_word(r, "in"))
			return script_read_bad(r);
	}
	return branch(r, indent, l);
}

/* Lines that begin with `indent` times two spaces. */
static int
block(struct script_read *r, size_t indent, struct script_block *b)
{
	int rc;

	if (indent > BLOCKS)
		return script_read_bad(r);
	for (;;) {
		size_t at = r->at;

		if (script_read_indent(r) != indent) {
			r->at = at;
			return 0;
		}
		b->line = more(r, b->line, b->n, sizeof(*b->line));
		if (b->line == NULL)
			return ERR_LIMIT;
		b->line[b->n] = (struct script_line){0};
		if ((rc = line(r, indent, &b->line[b->n++])) != 0)
			return rc;
	}
}

/* --- functions, classes -------------------------------------------------- */

static int
parameter(struct script_read *r, struct script_def *d)
{
	struct script_expr *type;
	size_t n = d->nparam;
	int rc;

	d->param = more(r, d->param, n, sizeof(*d->param));
	d->absent = more(r, d->absent, n, sizeof(*d->absent));
	if (d->param == NULL || d->absent == NULL)
		return ERR_LIMIT;
	d->absent[n] = NULL;
	if ((d->param[n] = script_read_name(r)) == NULL)
		return script_read_bad(r);
	d->nparam++;
	if (script_read_sign(r, ':') && (rc = script_read_expr(r, &type)) != 0)
		return rc;
	return script_read_sign(r, '=') ? script_read_expr(r, &d->absent[n])
					: 0;
}

static int
definition(struct script_read *r, size_t indent, struct script_class *c)
{
	struct script_def *d;
	struct script_expr *type;
	int rc;

	c->def = more(r, c->def, c->ndef, sizeof(*c->def));
	if (c->def == NULL)
		return ERR_LIMIT;
	d = &c->def[c->ndef++];
	*d = (struct script_def){.name = script_read_name(r)};
	if (d->name == NULL)
		return script_read_bad(r);
	if ((rc = script_read_need(r, "(")) != 0)
		return rc;
	r->nest++;
	while (!script_read_sign(r, ')')) {
		if ((rc = parameter(r, d)) != 0)
			return rc;
		(void)script_read_sign(r, ',');
	}
	r->nest--;
	if (script_read_sign(r, '-') &&
	    ((rc = script_read_need(r, ">")) != 0 ||
		(rc = script_read_expr(r, &type)) != 0))
		return rc;
	if ((rc = script_read_need(r, ":")) != 0)
		return rc;
	return block(r, indent + 1, &d->body);
}

/* "name : type", "name : Final[type] = value", "__parameters__ = [...]" */
static int
field(struct script_read *r, struct script_class *c)
{
	struct script_line l = {0};
	size_t n = c->nfield;
	int rc;

	if ((rc = assignment(r, &l)) != 0)
		return rc;
	if (l.step != SCRIPT_SET || l.target[0]->kind != SCRIPT_NAME)
		return 0;
	c->field = more(r, c->field, n, sizeof(*c->field));
	c->value = more(r, c->value, n, sizeof(*c->value));
	if (c->field == NULL || c->value == NULL)
		return ERR_LIMIT;
	c->field[n] = l.target[0]->text;
	c->value[n] = l.value;
	c->nfield++;
	return 0;
}

static int
members(struct script_read *r, struct script_class *c)
{
	int rc = 0;

	for (; rc == 0;) {
		size_t at = r->at;

		if (script_read_indent(r) != 1) {
			r->at = at;
			break;
		}
		rc = script_read_word(r, "def") ? definition(r, 1, c)
						: field(r, c);
	}
	return rc;
}

static int
class_of(struct script_read *r, struct script_class *c)
{
	struct script_expr *base;
	int rc;

	*c = (struct script_class){.name = script_read_name(r)};
	if (c->name == NULL)
		return script_read_bad(r);
	if (script_read_sign(r, '(') &&
	    ((rc = script_read_expr(r, &base)) != 0 ||
		(rc = script_read_need(r, ")")) != 0))
		return rc;
	return (rc = script_read_need(r, ":")) != 0 ? rc : members(r, c);
}

int
script_text_read(struct slice s, const char *file, struct arena *a,
    struct script_source *out, struct err *e)
{
	struct script_read r = {.s = s, .file = file, .arena = a, .e = e};
	struct script_class *functions;
	int rc = 0;

	*out = (struct script_source){0};
	if ((out->of = more(&r, NULL, 0, sizeof(*out->of))) == NULL)
		return ERR_LIMIT;
	out->of[out->n++] = (struct script_class){.name = ""};
	while (rc == 0 && script_read_indent(&r) == 0) {
		functions = &out->of[0];
		if (script_read_word(&r, "def")) {
			rc = definition(&r, 0, functions);
			continue;
		}
		if (!script_read_word(&r, "class"))
			return script_read_bad(&r);
		out->of = more(&r, out->of, out->n, sizeof(*out->of));
		if (out->of == NULL)
			return ERR_LIMIT;
		rc = class_of(&r, &out->of[out->n++]);
	}
	return rc != 0 || r.at == s.len ? rc : script_read_bad(&r);
}

const struct script_class *
script_text_class(const struct script_source *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->of[i].name, name) == 0)
			return &s->of[i];
	return NULL;
}

const struct script_def *
script_text_def(const struct script_class *c, const char *name)
{
	for (size_t i = 0; i < c->ndef; i++)
		if (strcmp(c->def[i].name, name) == 0)
			return &c->def[i];
	return NULL;
}
