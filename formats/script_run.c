/* SPDX-License-Identifier: MIT */
#include "formats/script.h"

#include "base/limits.h"
#include "formats/script_base.h"
#include "formats/script_op.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>

#define CALLS  48
#define STEPS  ((size_t)1 << 22)
#define ARGS   64
#define TURNS  4096 /* of one loop */
#define DOTTED 1024 /* bytes of a name with dots */

/* The variables of one call. */
struct frame {
	struct map slot;
	struct script_value *v;
	size_t n, room;
	struct script_value result;
	bool left; /* by return */
};

static int eval(struct script *, struct frame *, const struct script_expr *,
    struct script_value *);
static int run(struct script *, struct frame *, const struct script_block *);

/* --- shared -------------------------------------------------------------- */

int
script_fail(struct script *s, const char *callee, const char *fmt, ...)
{
	char what[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return err_set(s->e, ERR_UNSUPPORTED, ERR_NOWHERE,
	    "torch: the code calls '%.80s': %s", callee, what);
}

int
script_full(struct script *s)
{
	return err_set(s->e, ERR_LIMIT, ERR_NOWHERE, "torch: model too large");
}

struct script_tensor *
script_tensor(struct script *s, const char *name, size_t rank)
{
	struct script_tensor *t = arena_alloc(s->arena, 1, sizeof(*t));

	if (t == NULL || name == NULL)
		return NULL;
	t->name = name;
	t->rank = rank;
	for (size_t i = 0; i < MODEL_MAX_RANK; i++)
		t->dim[i] = -1;
	return t;
}

int
script_row(struct script *s, struct script_value *out)
{
	*out = (struct script_value){.type = SCRIPT_ROW};
	out->list = arena_alloc(s->arena, 1, sizeof(*out->list));
	return out->list != NULL ? 0 : script_full(s);
}

int
script_row_add(
    struct script *s, struct script_row *l, const struct script_value *v)
{
	if (l->n == l->room) {
		size_t room = MAX(4, 2 * l->room);
		struct script_value *more =
		    arena_alloc(s->arena, room, sizeof(*more));

		if (more == NULL || room > LIMIT_NODES)
			return script_full(s);
		if (l->n != 0)
			memcpy(more, l->v, l->n * sizeof(*more));
		l->v = more;
		l->room = room;
	}
	l->v[l->n++] = *v;
	return 0;
}

static int
bad(struct script *s, const char *what, const char *name)
{
	return err_set(s->e, ERR_UNSUPPORTED, ERR_NOWHERE,
	    "torch: the code of '%.60s' %s '%.80s'",
	    s->within != NULL ? s->within : "forward", what, name);
}

/* --- variables ----------------------------------------------------------- */

static int
assign(struct script *s, struct frame *f, const char *name,
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
static void
dotted(const struct script_expr *e, char out[DOTTED])
{
	size_t len;

	*out = '\0';
	if (e->kind == SCRIPT_FIELD)
		/* chains are no longer than script_read.c lets them be */
		dotted(e->item[0], out);
	len = strlen(out);
	if (strlen(e->kind == SCRIPT_NAME || len != 0 ? e->text : "") + 2 >
	    DOTTED - len) {
		*out = '\0';
	} else if (e->kind == SCRIPT_NAME) {
		memcpy(out, e->text, strlen(e->text) + 1);
	} else if (e->kind == SCRIPT_FIELD && len != 0) {
		out[len] = '.';
		memcpy(out + len + 1, e->text, strlen(e->text) + 1);
	}
}

static bool
variable(const struct frame *f, const struct script_expr *e)
{
	while (e->kind == SCRIPT_FIELD)
		e = e->item[0];
	return e->kind != SCRIPT_NAME || map_get(&f->slot, e->text) != SIZE_MAX;
}

/* --- expressions --------------------------------------------------------- */

static int
name(struct script *s, struct frame *f, const char *text,
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
	return bad(s, "uses an unknown name", text);
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
	return *end == '\0' ? 0 : bad(s, "has a number", text);
}

static int
class_field(struct script *s, const struct script_object *o, const char *text,
    struct script_value *out)
{
	const char *class = s->host->class(s->host->ctx, o);
	const char *dot = class != NULL ? strrchr(class, '.') : NULL;
	const struct script_source *source;
	const struct script_class *c;
	struct frame none = {0};
	char *module;

	if (dot == NULL)
		return bad(s, "reads an unknown attribute", text);
	map_init(&none.slot, s->arena);
	module = arena_strdup(s->arena, class, (size_t)(dot - class));
	if (module == NULL)
		return script_full(s);
	source = s->host->source(s->host->ctx, module, s->e);
	if (source == NULL)
		return ERR_UNSUPPORTED;
	c = script_text_class(source, dot + 1);
	for (size_t i = 0; c != NULL && i < c->nfield; i++)
		if (strcmp(c->field[i], text) == 0)
			return eval(s, &none, c->value[i], out);
	return bad(s, "reads an unknown attribute", text);
}

static int
field(struct script *s, const struct script_value *v, const char *text,
    struct script_value *out)
{
	int rc;

	if (v->type != SCRIPT_OBJECT)
		return bad(s, "reads an attribute of no module:", text);
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
		return bad(s, "has a constant", text);
	return s->host->constant(s->host->ctx, i, out, s->e);
}

static int
dot(struct script *s, struct frame *f, const struct script_expr *e,
    struct script_value *out)
{
	char text[DOTTED];
	struct script_value v;
	int rc;

	if (variable(f, e)) {
		if ((rc = eval(s, f, e->item[0], &v)) != 0)
			return rc;
		return field(s, &v, e->text, out);
	}
	dotted(e, text);
	if (strncmp(text, "CONSTANTS.", 10) == 0)
		return constant(s, e->text, out);
	out->type = SCRIPT_CODE;
	out->s = arena_strdup(s->arena, text, strlen(text));
	return out->s != NULL ? 0 : script_full(s);
}

static int
row(struct script *s, struct frame *f, const struct script_expr *e,
    struct script_value *out)
{
	struct script_value v;
	int rc = script_row(s, out);

	for (size_t i = 0; rc == 0 && i < e->n; i++)
		if ((rc = eval(s, f, e->item[i], &v)) == 0)
			rc = script_row_add(s, out->list, &v);
	return rc;
}

static int
index_of(struct script *s, struct frame *f, const struct script_expr *e,
    struct script_value *out)
{
	struct script_value v, i;
	int rc;

	if (e->n != 2)
		return bad(s, "has an index of", "several");
	if ((rc = eval(s, f, e->item[0], &v)) != 0 ||
	    (rc = eval(s, f, e->item[1], &i)) != 0)
		return rc;
	return script_base_item(s, &v, &i, out);
}

static int
minus(struct script *s, struct frame *f, const struct script_expr *e,
    struct script_value *out)
{
	int rc = eval(s, f, e->item[0], out);

	if (rc == 0 && out->type == SCRIPT_INT && out->i != INT64_MIN)
		out->i = -out->i;
	else if (rc == 0 && out->type == SCRIPT_REAL)
		out->f = -out->f;
	else if (rc == 0)
		return bad(s, "negates", "what is no number");
	return rc;
}

/* --- calls --------------------------------------------------------------- */

int
script_call(struct script *s, const struct script_def *d,
    const struct script_args *a, struct script_value *out)
{
	struct frame f = {.result = {.type = SCRIPT_NONE}};
	const char *outer = s->within;
	size_t place = 0;
	int rc = 0;

	if (++s->depth > CALLS)
		return script_fail(s, d->name, "more than %d deep", CALLS);
	map_init(&f.slot, s->arena);
	s->within = d->name;
	for (size_t i = 0; rc == 0 && i < d->nparam; i++) {
		struct script_value v = {.type = SCRIPT_NONE};
		size_t k = 0;

		while (k < a->n && (a->key[k] == NULL ||
				       strcmp(a->key[k], d->param[i]) != 0))
			k++;
		if (k == a->n && place < a->n && a->key[place] == NULL)
			k = place++;
		if (k < a->n)
			v = a->v[k];
		else if (d->absent[i] != NULL)
			rc = eval(s, &f, d->absent[i], &v);
		if (rc == 0)
			rc = assign(s, &f, d->param[i], &v);
	}
	if (rc == 0)
		rc = run(s, &f, &d->body);
	*out = f.result;
	s->depth--;
	s->within = outer;
	return rc;
}

/* A function of the file: "__torch__.torch.nn.functional.relu". */
static int
function(struct script *s, const char *text, const struct script_args *a,
    struct script_value *out)
{
	const char *dot = strrchr(text, '.');
	const struct script_source *source;
	const struct script_def *d;
	char *module = arena_strdup(s->arena, text, (size_t)(dot - text));

	if (module == NULL)
		return script_full(s);
	source = s->host->source(s->host->ctx, module, s->e);
	if (source == NULL)
		return ERR_UNSUPPORTED;
	d = script_text_def(&source->of[0], dot + 1);
	return d != NULL ? script_call(s, d, a, out)
			 : bad(s, "calls an unknown function", text);
}

static int
method(struct script *s, const struct script_object *o, const char *text,
    const struct script_args *a, struct script_value *out)
{
	const char *class = s->host->class(s->host->ctx, o);
	const char *dot = class != NULL ? strrchr(class, '.') : NULL;
	const struct script_source *source;
	const struct script_class *c;
	const struct script_def *d;
	char *module;

	if (dot == NULL)
		return bad(s, "calls a method of no module:", text);
	module = arena_strdup(s->arena, class, (size_t)(dot - class));
	if (module == NULL)
		return script_full(s);
	source = s->host->source(s->host->ctx, module, s->e);
	if (source == NULL)
		return ERR_UNSUPPORTED;
	c = script_text_class(source, dot + 1);
	d = c != NULL ? script_text_def(c, text) : NULL;
	return d != NULL ? script_call(s, d, a, out)
			 : bad(s, "calls an unknown method", text);
}

/* self is the first of the arguments, v[0]. */
static int
arguments(struct script *s, struct frame *f, const struct script_expr *e,
    struct script_value *v, const char **key, size_t *n)
{
	int rc = 0;

	if (e->n + 1 > ARGS)
		return bad(s, "calls something with", "many arguments");
	*n = 1;
	key[0] = NULL;
	for (size_t i = 1; rc == 0 && i < e->n; i++) {
		key[*n] = e->key[i];
		rc = eval(s, f, e->item[i], &v[(*n)++]);
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
call(struct script *s, struct frame *f, const struct script_expr *e,
    struct script_value *out)
{
	const struct script_expr *callee = e->item[0];
	struct script_value v[ARGS];
	const char *key[ARGS];
	struct script_args a = {.v = v + 1, .key = key + 1};
	char text[DOTTED];
	size_t n = 0;
	int rc;

	if (callee->kind == SCRIPT_NAME &&
	    script_base_is_type(callee->text)) { /* of types, no values */
		return script_base_typed(e, callee->text, out)
			   ? eval(s, f, e->item[e->n - 1], out)
			   : 0;
	}
	if ((rc = arguments(s, f, e, v, key, &n)) != 0)
		return rc;
	a.n = n - 1;
	dotted(callee, text);
	a.callee = text;
	if (!variable(f, callee))
		return named_call(s, text, &a, out);
	if (callee->kind == SCRIPT_FIELD) {
		if ((rc = eval(s, f, callee->item[0], &v[0])) != 0)
			return rc;
		if (v[0].type != SCRIPT_OBJECT)
			return bad(
			    s, "calls a method of no module:", callee->text);
		a = (struct script_args){v, key, n, callee->text};
		return method(s, v[0].o, callee->text, &a, out);
	}
	if ((rc = eval(s, f, callee, &v[0])) != 0)
		return rc;
	if (v[0].type != SCRIPT_CODE)
		return bad(s, "calls what is no function", text);
	a.callee = v[0].s;
	return named_call(s, v[0].s, &a, out);
}

/* getattr(self, "0") */
static int
get(struct script *s, struct frame *f, const struct script_expr *e,
    struct script_value *out)
{
	struct script_value v;
	int rc;

	if (e->n != 3 || e->item[2]->kind != SCRIPT_STRING)
		return bad(s, "calls", "getattr");
	rc = eval(s, f, e->item[1], &v);
	return rc != 0 ? rc : field(s, &v, e->item[2]->text, out);
}

static int
eval(struct script *s, struct frame *f, const struct script_expr *e,
    struct script_value *out)
{
	if (s->steps++ > STEPS)
		return script_full(s);
	*out = (struct script_value){.type = SCRIPT_NONE};
	switch (e->kind) {
	case SCRIPT_NAME:
		return name(s, f, e->text, out);
	case SCRIPT_NUMBER:
		return number(s, e->text, out);
	case SCRIPT_STRING:
		out->type = SCRIPT_TEXT;
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
	return bad(s, "makes", "a dictionary");
}

/* --- statements ---------------------------------------------------------- */

static int
set(struct script *s, struct frame *f, const struct script_line *l)
{
	struct script_value v, part;
	int rc;

	if ((rc = eval(s, f, l->value, &v)) != 0)
		return rc;
	if (l->ntarget == 1 && l->target[0]->kind == SCRIPT_FIELD)
		return 0; /* what training counts */
	for (size_t i = 0; rc == 0 && i < l->ntarget; i++) {
		struct script_value at = {.type = SCRIPT_INT, .i = (int64_t)i};

		if (l->target[i]->kind != SCRIPT_NAME)
			return bad(s, "assigns to", "what is no name");
		part = v;
		if (l->ntarget > 1)
			rc = script_base_item(s, &v, &at, &part);
		if (rc == 0)
			rc = assign(s, f, l->target[i]->text, &part);
	}
	return rc;
}

/* Whether it ends with an error: "if size != 224: raise". */
static bool
raises(const struct script_block *b)
{
	char text[DOTTED];

	for (size_t i = 0; i < b->n; i++) {
		const struct script_line *l = &b->line[i];

		if (l->step != SCRIPT_DO || l->value == NULL ||
		    l->value->kind != SCRIPT_CALL)
			continue;
		dotted(l->value->item[0], text);
		if (strcmp(text, "ops.prim.RaiseException") == 0)
			return true;
	}
	return false;
}

static int
branch(struct script *s, struct frame *f, const struct script_line *l)
{
	struct script_value v;
	int rc = eval(s, f, l->value, &v);

	if (rc != 0)
		return rc;
	if (v.type == SCRIPT_BOOL)
		return run(s, f, v.i != 0 ? &l->body : &l->other);
	/* of images that the model refuses nothing is asked */
	if (raises(&l->body))
		return run(s, f, &l->other);
	if (raises(&l->other))
		return run(s, f, &l->body);
	return bad(s, "has a branch", "by what only an image tells");
}

static int
loop(struct script *s, struct frame *f, const struct script_line *l)
{
	struct script_value v, n = {0}, i = {.type = SCRIPT_INT};
	bool by_number;
	int rc = 0;

	if (l->step == SCRIPT_FOR && (rc = eval(s, f, l->value, &n)) != 0)
		return rc;
	by_number = l->step == SCRIPT_FOR && n.type == SCRIPT_INT;
	for (i.i = 0; rc == 0 && !f->left; i.i++) {
		if (i.i >= TURNS)
			return bad(s, "has a loop of", "many turns");
		if (l->step == SCRIPT_WHILE) {
			if ((rc = eval(s, f, l->value, &v)) != 0)
				return rc;
			if (v.type != SCRIPT_BOOL)
				return bad(s, "has a loop",
				    "by what only an image tells");
			if (v.i == 0)
				break;
		} else if (by_number) {
			if (i.i >= n.i)
				break;
			rc = assign(s, f, l->target[0]->text, &i);
		} else {
			if (n.type != SCRIPT_ROW)
				return bad(s, "has a loop over", "no list");
			if ((size_t)i.i >= n.list->n)
				break;
			v = n.list->v[i.i];
			rc = assign(s, f, l->target[0]->text, &v);
		}
		if (rc == 0)
			rc = run(s, f, &l->body);
	}
	return rc;
}

static int
run(struct script *s, struct frame *f, const struct script_block *b)
{
	struct script_value v;
	int rc = 0;

	for (size_t i = 0; rc == 0 && !f->left && i < b->n; i++) {
		const struct script_line *l = &b->line[i];

		if (s->steps++ > STEPS)
			return script_full(s);
		switch (l->step) {
		case SCRIPT_SET:
			rc = set(s, f, l);
			break;
		case SCRIPT_RETURN:
			f->left = true;
			if (l->value != NULL)
				rc = eval(s, f, l->value, &f->result);
			break;
		case SCRIPT_IF:
			rc = branch(s, f, l);
			break;
		case SCRIPT_FOR:
		case SCRIPT_WHILE:
			rc = loop(s, f, l);
			break;
		case SCRIPT_DO:
			if (l->value != NULL)
				rc = eval(s, f, l->value, &v);
			break;
		}
	}
	return rc;
}

/* --- the whole ----------------------------------------------------------- */

static int
output(struct script *s, const struct script_value *v, size_t depth)
{
	struct onnx_value *o;
	int rc = 0;

	if (v->type == SCRIPT_ROW && depth < 3) {
		for (size_t i = 0; rc == 0 && i < v->list->n; i++)
			rc = output(s, &v->list->v[i], depth + 1);
		return rc;
	}
	if (v->type != SCRIPT_TENSOR)
		return 0;
	if (s->f.noutput >= 16)
		return script_full(s);
	o = &s->f.output[s->f.noutput++];
	*o = (struct onnx_value){.name = v->t->name,
	    .type = 1,
	    .shaped = true,
	    .rank = v->t->rank,
	    .at = ERR_NOWHERE};
	for (size_t i = 0; i < v->t->rank; i++)
		o->dim[i] = v->t->dim[i];
	return 0;
}

int
script_run(struct script *s, const struct script_object *root)
{
	struct script_tensor *x = script_tensor(s, "input", 4);
	struct script_value v[2] = {{.type = SCRIPT_OBJECT}}, out;
	const char *key[2] = {NULL, NULL};
	struct script_args a = {v, key, 2, "forward"};
	struct script_object *o = arena_alloc(s->arena, 1, sizeof(*o));
	int rc;

	s->f.output = arena_alloc(s->arena, 16, sizeof(*s->f.output));
	if (x == NULL || o == NULL || s->f.output == NULL)
		return script_full(s);
	map_init(&s->listed, s->arena);
	s->input = (struct onnx_value){.name = "input",
	    .type = 1,
	    .shaped = true,
	    .rank = 4,
	    .dim = {-1, -1, -1, -1},
	    .at = ERR_NOWHERE};
	s->f.input = &s->input;
	s->f.ninput = 1;
	s->f.ir = 10;
	s->f.opset = 17;
	s->f.producer = s->f.version = "";
	x->image = true;
	*o = *root;
	v[0].o = o;
	v[1] = (struct script_value){.type = SCRIPT_TENSOR, .t = x};
	if ((rc = method(s, o, "forward", &a, &out)) != 0 ||
	    (rc = output(s, &out, 0)) != 0)
		return rc;
	return s->f.noutput != 0 ? 0 : bad(s, "returns", "no tensor");
}
