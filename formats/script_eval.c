/* SPDX-License-Identifier: MIT */
#include "formats/script_eval.h"

#include "base/limits.h"
#include "formats/script_base.h"
#include "formats/script_op.h"

#include <errno.h>
#include <math.h>

#define ARGS 64

int
script_eval_bad(struct script *s, const char *what, const char *name)
{
	return err_set(s->e, ERR_UNSUPPORTED, ERR_NOWHERE,
	    "torch: the code of '%.60s' %s '%.80s'",
	    s->within != NULL ? s->within : "forward", what, name);
}

/* --- variables ----------------------------------------------------------- */

int
script_eval_assign(struct script *s, struct script_frame *f, const char *name,
    const struct script_value *v)
{
	size_t at = map_get(&f->slot, name);

	if (at != SIZE_MAX) {
		f->v[at] = *v;
		return 0;
	}
	if (f->n == f->room) {
		size_t room = MAX(16, 2 * f->room);
		struct script_value *more =
		    arena_alloc(s->arena, room, sizeof(*more));

		if (more == NULL)
			return script_full(s);
		if (f->n != 0)
			memcpy(more, f->v, f->n * sizeof(*more));
		f->v = more;
		f->room = room;
	}
	if (map_put(&f->slot, name, f->n) < 0)
		return script_full(s);
	f->v[f->n++] = *v;
	return 0;
}

/* Names with dots, of what is no variable: "torch.nn"; "" when it is too
 * long, or not such a name. */
void
script_eval_dotted(const struct script_expr *e, char out[SCRIPT_DOTTED])
{
	size_t len;

	*out = '\0';
	if (e->kind == SCRIPT_FIELD)
		/* chains are no longer than script_read.c lets them be */
		script_eval_dotted(e->item[0], out);
	len = strlen(out);
	if (strlen(e->kind == SCRIPT_NAME || len != 0 ? e->text : "") + 2 >
	    SCRIPT_DOTTED - len) {
		*out = '\0';
	} else if (e->kind == SCRIPT_NAME) {
		memcpy(out, e->text, strlen(e->text) + 1);
	} else if (e->kind == SCRIPT_FIELD && len != 0) {
		out[len] = '.';
		memcpy(out + len + 1, e->text, strlen(e->text) + 1);
	}
}

static bool
variable(const struct script_frame *f, const struct script_expr *e)
{
	while (e->kind == SCRIPT_FIELD)
		e = e->item[0];
	return e->kind != SCRIPT_NAME || map_get(&f->slot, e->text) != SIZE_MAX;
}

/* --- expressions --------------------------------------------------------- */

static int
name(struct script *s, struct script_frame *f, const char *text,
    struct script_value *out)
{
	size_t at = map_get(&f->slot, text);

	*out = (struct script_value){.type = SCRIPT_NONE};
	if (at != SIZE_MAX) {
		*out = f->v[at];
		return 0;
	}
	if (strcmp(text, "None") == 0)
		return 0;
	if (strcmp(text, "True") == 0 || strcmp(text, "False") == 0) {
		out->type = SCRIPT_BOOL;
		out->i = *text == 'T';
		return 0;
	}
	if (strcmp(text, "inf") == 0 || strcmp(text, "nan") == 0) {
		out->type = SCRIPT_REAL;
		out->f = *text == 'i' ? INFINITY : NAN;
		return 0;
	}
	return script_eval_bad(s, "uses an unknown name", text);
}

static int
number(struct script *s, const char *text, struct script_value *out)
{
	char *end;
	long long i;

	errno = 0;
	i = strtoll(text, &end, 10);
	if (*end == '\0' && errno == 0) {
		*out = (struct script_value){.type = SCRIPT_INT, .i = i};
		return 0;
	}
	out->type = SCRIPT_REAL;
	out->f = strtod(text, &end);
	return *end == '\0' ? 0 : script_eval_bad(s, "has a number", text);
}

/* The source of module a.b of "a.b.Class" or "a.b.function", and the name behind
 * the last dot. */
static int
source_of(struct script *s, const char *path, const struct script_source **out,
    const char **name)
{
	const char *dot = strrchr(path, '.');
	char *module;

	if (dot == NULL)
		return script_eval_bad(s, "has a name of no module:", path);
	module = arena_strdup(s->arena, path, (size_t)(dot - path));
	if (module == NULL)
		return script_full(s);
	*name = dot + 1;
	*out = s->host->source(s->host->ctx, module, s->e);
	return *out != NULL ? 0 : s->e->code;
}

/* The class of an object, as its source has it: NULL where it has not. */
static int
class_of(struct script *s, const struct script_object *o,
    const struct script_class **out)
{
	const char *path = s->host->class(s->host->ctx, o), *name;
	const struct script_source *source;
	int rc;

	if (path == NULL)
		return script_eval_bad(s, "has an object of", "no class");
	if ((rc = source_of(s, path, &source, &name)) != 0)
		return rc;
	*out = script_text_class(source, name);
	s->steps += source->n; /* that may have been looked at */
	if (*out != NULL)
		s->steps += (*out)->ndef + (*out)->nfield;
	return 0;
}

static int
class_field(struct script *s, const struct script_object *o, const char *text,
    struct script_value *out)
{
	const struct script_class *c;
	struct script_frame none = {0};
	int rc = class_of(s, o, &c);

	if (rc != 0)
		return rc;
	map_init(&none.slot, s->arena);
	for (size_t i = 0; c != NULL && i < c->nfield; i++)
		if (strcmp(c->field[i], text) == 0)
			return script_eval(s, &none, c->value[i], out);
	return script_eval_bad(s, "reads an unknown attribute", text);
}

static int
field(struct script *s, const struct script_value *v, const char *text,
    struct script_value *out)
{
	int rc;

	if (v->type != SCRIPT_OBJECT)
		return script_eval_bad(
		    s, "reads an attribute of no module:", text);
	if (strcmp(text, "training") == 0) {
		rc = s->host->field(s->host->ctx, v->o, text, out, s->e);
		s->trained = s->trained || (out->type == SCRIPT_BOOL && out->i);
		*out = (struct script_value){.type = SCRIPT_BOOL, .i = 0};
		return rc;
	}
	rc = s->host->field(s->host->ctx, v->o, text, out, s->e);
	return rc != 0 || out->type != SCRIPT_UNKNOWN
		   ? rc
		   : class_field(s, v->o, text, out);
}

static int
constant(struct script *s, const char *text, struct script_value *out)
{
	char *end;
	unsigned long i;

	i = strtoul(text + 1, &end, 10);
	if (*text != 'c' || *end != '\0' || i > LIMIT_TENSORS)
		return script_eval_bad(s, "has a constant", text);
	return s->host->constant(s->host->ctx, i, out, s->e);
}

static int
dot(struct script *s, struct script_frame *f, const struct script_expr *e,
    struct script_value *out)
{
	char text[SCRIPT_DOTTED];
	struct script_value v;
	int rc;

	if (variable(f, e)) {
		if ((rc = script_eval(s, f, e->item[0], &v)) != 0)
			return rc;
		return field(s, &v, e->text, out);
	}
	script_eval_dotted(e, text);
	if (strncmp(text, "CONSTANTS.", 10) == 0)
		return constant(s, e->text, out);
	out->type = SCRIPT_CODE;
	out->s = arena_strdup(s->arena, text, strlen(text));
	return out->s != NULL ? 0 : script_full(s);
}

static int
row(struct script *s, struct script_frame *f, const struct script_expr *e,
    struct script_value *out)
{
	struct script_value v;
	int rc = script_row(s, out);

	for (size_t i = 0; rc == 0 && i < e->n; i++)
		if ((rc = script_eval(s, f, e->item[i], &v)) == 0)
			rc = script_row_add(s, out->list, &v);
	return rc;
}

static int
index_of(struct script *s, struct script_frame *f, const struct script_expr *e,
    struct script_value *out)
{
	struct script_value v, i;
	int rc;

	if (e->n != 2)
		return script_eval_bad(s, "has an index of", "several");
	if ((rc = script_eval(s, f, e->item[0], &v)) != 0 ||
	    (rc = script_eval(s, f, e->item[1], &i)) != 0)
		return rc;
	return script_base_item(s, &v, &i, out);
}

static int
minus(struct script *s, struct script_frame *f, const struct script_expr *e,
    struct script_value *out)
{
	int rc = script_eval(s, f, e->item[0], out);

	if (rc == 0 && out->type == SCRIPT_INT && out->i != INT64_MIN)
		out->i = -out->i;
	else if (rc == 0 && out->type == SCRIPT_REAL)
		out->f = -out->f;
	else if (rc == 0)
		return script_eval_bad(s, "negates", "what is no number");
	return rc;
}

/* --- calls --------------------------------------------------------------- */

static int
members(struct script *s, const struct script_args *a, struct script_value *out)
{
	int rc = script_row(s, out);

	for (size_t i = 0; rc == 0 && i < a->n; i++)
		rc = script_row_add(s, out->list, &a->v[i]);
	return rc;
}

/* A function of the file: "__torch__.torch.nn.functional.relu". */
static int
function(struct script *s, const char *text, const struct script_args *a,
    struct script_value *out)
{
	const struct script_source *source;
	const struct script_class *c;
	const struct script_def *d;
	const char *name;
	int rc = source_of(s, text, &source, &name);

	if (rc != 0)
		return rc;
	s->steps += source->of[0].ndef;
	d = script_text_def(&source->of[0], name);
	c = d == NULL ? script_text_class(source, name) : NULL;
	if (c != NULL && c->ndef == 0) /* a NamedTuple */
		return members(s, a, out);
	return d != NULL
		   ? script_run_call(s, d, a, out)
		   : script_eval_bad(s, "calls an unknown function", text);
}

int
script_eval_method(struct script *s, const struct script_object *o,
    const char *text, const struct script_args *a, struct script_value *out)
{
	const struct script_class *c;
	const struct script_def *d;
	int rc = class_of(s, o, &c);

	if (rc != 0)
		return rc;
	d = c != NULL ? script_text_def(c, text) : NULL;
	return d != NULL ? script_run_call(s, d, a, out)
			 : script_eval_bad(s, "calls an unknown method", text);
}

/* self is the first of the arguments, v[0]. */
static int
arguments(struct script *s, struct script_frame *f, const struct script_expr *e,
    struct script_value *v, const char **key, size_t *n)
{
	int rc = 0;

	if (e->n + 1 > ARGS)
		return script_eval_bad(
		    s, "calls something with", "many arguments");
	*n = 1;
	key[0] = NULL;
	for (size_t i = 1; rc == 0 && i < e->n; i++) {
		key[*n] = e->key[i];
		rc = script_eval(s, f, e->item[i], &v[(*n)++]);
	}
	return rc;
}

static int
named_call(struct script *s, const char *text, const struct script_args *a,
    struct script_value *out)
{
	bool known = true;
	int rc;

	if (strncmp(text, "__torch__.", 10) == 0)
		return function(s, text, a, out);
	rc = script_base_call(s, text, a, out, &known);
	return known ? rc : script_op_call(s, text, a, out);
}

static int
call(struct script *s, struct script_frame *f, const struct script_expr *e,
    struct script_value *out)
{
	const struct script_expr *callee = e->item[0];
	struct script_value v[ARGS];
	const char *key[ARGS];
	struct script_args a = {.v = v + 1, .key = key + 1};
	char text[SCRIPT_DOTTED];
	size_t n = 0;
	int rc;

	if (callee->kind == SCRIPT_NAME &&
	    script_base_is_type(callee->text)) { /* of types, no values */
		return script_base_typed(e, callee->text, out)
			   ? script_eval(s, f, e->item[e->n - 1], out)
			   : 0;
	}
	if ((rc = arguments(s, f, e, v, key, &n)) != 0)
		return rc;
	a.n = n - 1;
	script_eval_dotted(callee, text);
	a.callee = text;
	if (!variable(f, callee))
		return named_call(s, text, &a, out);
	if (callee->kind == SCRIPT_FIELD) {
		if ((rc = script_eval(s, f, callee->item[0], &v[0])) != 0)
			return rc;
		if (v[0].type != SCRIPT_OBJECT)
			return script_eval_bad(
			    s, "calls a method of no module:", callee->text);
		a = (struct script_args){v, key, n, callee->text, NULL};
		return script_eval_method(s, v[0].o, callee->text, &a, out);
	}
	if ((rc = script_eval(s, f, callee, &v[0])) != 0)
		return rc;
	if (v[0].type != SCRIPT_CODE)
		return script_eval_bad(s, "calls what is no function", text);
	a.callee = v[0].s;
	return named_call(s, v[0].s, &a, out);
}

/* getattr(self, "0") */
static int
get(struct script *s, struct script_frame *f, const struct script_expr *e,
    struct script_value *out)
{
	struct script_value v;
	int rc;

	if (e->n != 3 || e->item[2]->kind != SCRIPT_STRING)
		return script_eval_bad(s, "calls", "getattr");
	rc = script_eval(s, f, e->item[1], &v);
	return rc != 0 ? rc : field(s, &v, e->item[2]->text, out);
}

int
script_eval(struct script *s, struct script_frame *f,
    const struct script_expr *e, struct script_value *out)
{
	if (s->steps++ > SCRIPT_STEPS)
		return script_full(s);
	*out = (struct script_value){.type = SCRIPT_NONE};
	switch (e->kind) {
	case SCRIPT_NAME:
		return name(s, f, e->text, out);
	case SCRIPT_NUMBER:
		return number(s, e->text, out);
	case SCRIPT_STRING:
		/* what an escape stands for is not looked up */
		out->type = strchr(e->text, '\\') == NULL ? SCRIPT_TEXT
							  : SCRIPT_UNKNOWN;
		out->s = e->text;
		return 0;
	case SCRIPT_FIELD:
		return dot(s, f, e, out);
	case SCRIPT_CALL:
		if (e->item[0]->kind == SCRIPT_NAME &&
		    strcmp(e->item[0]->text, "getattr") == 0)
			return get(s, f, e, out);
		return call(s, f, e, out);
	case SCRIPT_INDEX:
		return index_of(s, f, e, out);
	case SCRIPT_LIST:
		return row(s, f, e, out);
	case SCRIPT_MINUS:
		return minus(s, f, e, out);
	case SCRIPT_DICT:
		break;
	}
	return script_eval_bad(s, "makes", "a dictionary");
}
