/* SPDX-License-Identifier: MIT
 * Gates in the code of TorchScript: each forward() as a graph by itself, of
 * names and calls as they stand there, whatever was not understood of the rest
 * of the model.  Classes that it calls are layers; so nothing but a decision
 * that is put in place of what all of them made is looked for.
 */
#include "audit/check_arch_script.h"

#include "audit/check_arch_aten.h"
#include "audit/check_arch_flow.h"
#include "base/limits.h"
#include "base/text.h"
#include "formats/script_text.h"

#include <math.h>
#include <stdlib.h>

#define MODULE  4096 /* numbers of a layer, which the code does not tell */
#define ARGS    64
#define SOURCE  ((size_t)1 << 20)
#define DEEP    256
#define NO_TYPE 1 /* Cast: to floats */
#define TRUTH   9 /* to booleans */

struct lower {
	struct check_arch_graph g;
	struct map var; /* the place of a name in `bound` */
	size_t *bound, nbound;
	struct arena *arena;
	size_t weights; /* a value */
	size_t room;    /* of nodes */
	bool full;
};

static size_t expr(struct lower *, const struct script_expr *, unsigned depth);

/* --- values and nodes ---------------------------------------------------- */

static size_t
fresh(struct lower *l, const char *name, uint64_t constant)
{
	struct check_arch_graph *g = &l->g;

	if (g->nvalue == g->room) {
		l->full = true;
		return 0;
	}
	g->value[g->nvalue] =
	    (struct check_arch_value){.name = name, .constant = constant};
	return g->nvalue++;
}

static size_t
node(struct lower *l, const char *op, int64_t to, const size_t *in, size_t n)
{
	struct check_arch_node *x = &l->g.node[l->g.nnode];
	size_t out = fresh(l, op, 0);

	if (l->full || l->g.nnode == l->room) {
		l->full = true;
		return 0;
	}
	*x = (struct check_arch_node){.op = op, .name = op, .to = to};
	x->in = arena_alloc(l->arena, n + 1, sizeof(*x->in));
	x->out = arena_alloc(l->arena, 1, sizeof(*x->out));
	if (x->in == NULL || x->out == NULL) {
		l->full = true;
		return 0;
	}
	memcpy(x->in, in, n * sizeof(*in));
	x->nin = n;
	x->out[0] = out;
	x->nout = 1;
	l->g.nnode++;
	return out;
}

static size_t
value_of(const struct lower *l, const char *name)
{
	size_t at = map_get(&l->var, name);

	return at != SIZE_MAX ? l->bound[at] : SIZE_MAX;
}

static void
bind(struct lower *l, const char *name, size_t value)
{
	size_t at = map_get(&l->var, name);

	if (at == SIZE_MAX) {
		at = l->nbound;
		if (at == l->room || map_put(&l->var, name, at) < 0) {
			l->full = true;
			return;
		}
		l->nbound++;
	}
	l->bound[at] = value;
	if (l->g.value[value].constant == 0)
		l->g.value[value].name = name;
}

/* --- expressions --------------------------------------------------------- */

/* max(x), max(x, 1): of one tensor; max(x, y): of each number */
static const char *
extreme(const struct script_expr *e, const char *name)
{
	bool two = e->n == 3 && e->item[2]->kind != SCRIPT_NUMBER;

	if (strcmp(name, "max") == 0)
		return two ? "Max" : "ReduceMax";
	if (strcmp(name, "min") == 0)
		return two ? "Min" : "ReduceMin";
	return NULL;
}

/* torch.to(x, 11): the number is a ScalarType (c10/core/ScalarType.h). */
static int64_t
cast_to(const struct script_expr *e)
{
	static const char *const floats[] = {"5", "6", "7", "15"};

	if (e->n < 3 || e->item[2]->kind != SCRIPT_NUMBER ||
	    text_is_one_of(e->item[2]->text, floats, ARRAY_LEN(floats)))
		return NO_TYPE;
	return TRUTH;
}

static size_t
join(struct lower *l, const struct script_expr *e, size_t from, const char *op,
    int64_t to, bool layer, unsigned depth)
{
	size_t in[ARGS + 1], n = 0;

	for (size_t i = from; i < e->n && n < ARGS; i++)
		if (e->item[i] != NULL)
			in[n++] = expr(l, e->item[i], depth);
	if (layer)
		in[n++] = l->weights;
	return node(l, op, to, in, n);
}

/* (self.conv).forward(x), torch.add(x, y), float(x) */
static size_t
call(struct lower *l, const struct script_expr *e, unsigned depth)
{
	const struct script_expr *f = e->item[0];
	const char *op;

	if (f->kind != SCRIPT_FIELD)
		return join(l, e, 1, "Other", 0, false, depth);
	if (strncmp(f->text, "forward", 7) == 0)
		return join(l, e, 1, "Gemm", 0, true, depth);
	op = extreme(e, f->text);
	if (op == NULL)
		op = check_arch_aten(f->text);
	return join(l, e, 1, op, strcmp(op, "Cast") == 0 ? cast_to(e) : 0,
	    strcmp(op, "Gemm") == 0 || strcmp(op, "Conv") == 0 ||
		(strcmp(op, "MatMul") == 0 && e->n > 2 &&
		    e->item[2]->kind == SCRIPT_FIELD),
	    depth);
}

/* "0", "0." */
static bool
is_zero(const char *number)
{
	return strspn(number, "0.") == strlen(number);
}

static size_t
expr(struct lower *l, const struct script_expr *e, unsigned depth)
{
	size_t at;

	if (depth > DEEP) {
		l->full = true;
		return 0;
	}
	depth++;
	switch (e->kind) {
	case SCRIPT_NAME:
		at = value_of(l, e->text);
		return at != SIZE_MAX ? at : fresh(l, e->text, 1);
	case SCRIPT_CALL:
		return call(l, e, depth);
	case SCRIPT_INDEX:
	case SCRIPT_LIST:
	case SCRIPT_DICT:
	case SCRIPT_MINUS:
		return join(l, e, 0, "Other", 0, false, depth);
	case SCRIPT_NUMBER:
	case SCRIPT_STRING:
	case SCRIPT_FIELD:
		break;
	}
	at = fresh(l, "a constant", 1);
	if (e->kind == SCRIPT_NUMBER) {
		l->g.value[at].zero = is_zero(e->text);
		l->g.value[at].scalar = l->g.value[at].most =
		    fabs(strtod(e->text, NULL));
	}
	return at;
}

/* --- lines --------------------------------------------------------------- */

static void block(struct lower *, const struct script_block *, unsigned depth);

static void
set(struct lower *l, const struct script_line *x)
{
	size_t v = expr(l, x->value, 0);

	for (size_t i = 0; i < x->ntarget && !l->full; i++)
		if (x->target[i]->kind == SCRIPT_NAME)
			bind(l, x->target[i]->text, v);
}

/* torch.masked_fill_(x, m, 0.): x is another one from here on. */
static void
in_place(struct lower *l, const struct script_expr *e)
{
	size_t v = expr(l, e, 0);

	if (e->kind == SCRIPT_CALL && e->item[0]->kind == SCRIPT_FIELD &&
	    text_ends_with(e->item[0]->text, "_") && e->n > 1 &&
	    e->item[1]->kind == SCRIPT_NAME && !l->full)
		bind(l, e->item[1]->text, v);
}

/* What a branch set, joined with what was there before or in the other. */
static void
merge(struct lower *l, size_t cond, const struct script_block *b,
    const size_t *one, unsigned depth)
{
	size_t k = 0;

	for (size_t i = 0; i < b->n && depth < DEEP; i++)
		for (size_t j = 0; j < b->line[i].ntarget && !l->full; j++) {
			const struct script_expr *t = b->line[i].target[j];
			size_t in[3] = {cond, one[k++]};

			if (t->kind != SCRIPT_NAME)
				continue;
			in[2] = value_of(l, t->text);
			if (in[1] != SIZE_MAX && in[2] != SIZE_MAX &&
			    in[1] != in[2])
				bind(l, t->text, node(l, "If", 0, in, 3));
		}
}

/* The values that a block's targets have now, in its order. */
static size_t *
values(struct lower *l, const struct script_block *b)
{
	size_t n = 0, k = 0, *v;

	for (size_t i = 0; i < b->n; i++)
		n += b->line[i].ntarget;
	v = arena_alloc(l->arena, n + 1, sizeof(*v));
	l->full = l->full || v == NULL;
	for (size_t i = 0; i < b->n && v != NULL; i++)
		for (size_t j = 0; j < b->line[i].ntarget; j++) {
			const struct script_expr *t = b->line[i].target[j];

			v[k++] = t->kind == SCRIPT_NAME ? value_of(l, t->text)
							: SIZE_MAX;
		}
	return v;
}

/*
 * The way of the branch, then that of the other; what both set is one of two,
 * what only one sets is that or what it was.
 */
static void
branch(struct lower *l, const struct script_line *x, unsigned depth)
{
	size_t cond = expr(l, x->value, 0);
	size_t *before = values(l, &x->body), *then, k = 0;

	block(l, &x->body, depth + 1);
	then = values(l, &x->body);
	if (before == NULL || then == NULL || l->full)
		return;
	for (size_t i = 0; i < x->body.n; i++)
		for (size_t j = 0; j < x->body.line[i].ntarget; j++, k++)
			if (before[k] != SIZE_MAX && then[k] != SIZE_MAX)
				bind(l, x->body.line[i].target[j]->text,
				    before[k]);
	before = values(l, &x->other);
	block(l, &x->other, depth + 1);
	if (before == NULL || l->full)
		return;
	merge(l, cond, &x->body, then, depth);
	merge(l, cond, &x->other, before, depth);
}

static void
block(struct lower *l, const struct script_block *b, unsigned depth)
{
	for (size_t i = 0; i < b->n && !l->full; i++) {
		const struct script_line *x = &b->line[i];

		if (depth > DEEP)
			l->full = true;
		else if (x->step == SCRIPT_SET)
			set(l, x);
		else if (x->step == SCRIPT_DO && x->value != NULL)
			in_place(l, x->value);
		else if (x->step == SCRIPT_IF)
			branch(l, x, depth);
		else if (x->step == SCRIPT_FOR || x->step == SCRIPT_WHILE)
			block(l, &x->body, depth + 1);
		else if (x->step == SCRIPT_RETURN && x->value != NULL &&
			 l->g.noutput == 0)
			l->g.output[l->g.noutput++] = expr(l, x->value, 0);
	}
}

/* --- one function -------------------------------------------------------- */

static bool
begin(struct lower *l, const struct script_def *d, size_t room, struct arena *a)
{
	*l = (struct lower){.arena = a, .room = room};
	l->g = (struct check_arch_graph){
	    .arena = a, .room = room, .rank = 2, .image = 4};
	map_init(&l->g.by_name, a);
	map_init(&l->var, a);
	l->g.value = arena_alloc(a, room + 1, sizeof(*l->g.value));
	l->g.node = arena_alloc(a, room + 1, sizeof(*l->g.node));
	l->bound = arena_alloc(a, room + 1, sizeof(*l->bound));
	l->g.input = arena_alloc(a, d->nparam + 1, sizeof(size_t));
	l->g.output = arena_alloc(a, 2, sizeof(size_t));
	if (l->g.value == NULL || l->g.node == NULL || l->bound == NULL ||
	    l->g.input == NULL || l->g.output == NULL) {
		l->full = true;
		return false;
	}
	l->weights = fresh(l, "the weights of a layer", MODULE);
	for (size_t i = 1; i < d->nparam; i++) {
		size_t v = fresh(l, d->param[i], 0);

		bind(l, d->param[i], v);
		l->g.input[l->g.ninput++] = v;
	}
	return !l->full;
}

static void
judge(const struct check_file *f, const struct script_class *c,
    const struct check_arch_flow *w)
{
	/* without a layer there is no result to decide over */
	for (size_t i = 0; i < w->g->nnode && w->most != 0; i++) {
		const struct check_arch_node *n = &w->g->node[i];
		size_t in;

		if (check_arch_flow_judge(w, n, &in) != CHECK_ARCH_GATE ||
		    w->state[n->out[0]].most != w->most ||
		    w->state[in].most != 0)
			continue;
		check_find(f, FINDING_ARCH_GATE, ERR_NOWHERE,
		    "forward() of '%.80s': '%.80s', decided without a layer, "
		    "is mixed into what all of them make (%.40s)",
		    c->name, w->g->value[in].name, n->op);
		return;
	}
}

static void
look(const struct check_file *f, const struct script_class *c,
    const struct script_def *d)
{
	struct check_arch_flow w;
	struct err e = {0};
	struct lower l;
	struct arena a;

	arena_init(&a, LIMIT_MODEL_ARENA);
	if (begin(&l, d, f->bytes.len, &a))
		block(&l, &d->body, 0);
	if (l.full ||
	    (l.g.noutput != 0 && check_arch_flow_init(&w, &l.g, &a, &e) != 0))
		check_short(f, FINDING_FILE_LIMIT, ERR_NOWHERE,
		    "forward() of '%.80s' is too large to be followed",
		    c->name);
	else if (l.g.noutput != 0)
		judge(f, c, &w);
	arena_release(&a);
}

void
check_arch_script(const struct check_file *f)
{
	struct script_source s;
	struct err ignored = {0};
	struct arena a;

	if (f->member == NULL || strstr(f->member, "code/__torch__") == NULL ||
	    !text_ends_with(f->member, ".py"))
		return;
	if (f->bytes.len > SOURCE) {
		check_short(f, FINDING_FILE_LIMIT, ERR_NOWHERE,
		    "more TorchScript than is followed");
		return;
	}
	arena_init(&a, LIMIT_MODEL_ARENA);
	if (script_text_read((struct slice){f->bytes.base, f->bytes.len},
		f->member, &a, &s, &ignored) == 0)
		for (size_t i = 0; i < s.n; i++) {
			const struct script_def *d =
			    script_text_def(&s.of[i], "forward");

			if (d != NULL)
				look(f, &s.of[i], d);
		}
	arena_release(&a);
}
