/* SPDX-License-Identifier: MIT */
#include "formats/script_eval.h"
#include "formats/script_node.h"

#include "base/limits.h"
#include "formats/script_base.h"

#include <stdarg.h>

#define CALLS 48
#define TURNS 4096 /* of one loop */

static int run(
    struct script *, struct script_frame *, const struct script_block *);

/* --- calls --------------------------------------------------------------- */

int
script_run_call(struct script *s, const struct script_def *d,
    const struct script_args *a, struct script_value *out)
{
	struct script_frame f = {.result = {.type = SCRIPT_NONE}};
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
			rc = script_eval(s, &f, d->absent[i], &v);
		if (rc == 0)
			rc = script_eval_assign(s, &f, d->param[i], &v);
	}
	if (rc == 0)
		rc = run(s, &f, &d->body);
	*out = f.result;
	s->depth--;
	s->within = outer;
	return rc;
}

/* --- statements ---------------------------------------------------------- */

/* An attribute is set.  What the code makes of it the next time is another
 * model's answer; but nothing is made of a batch-norm's count. */
static int
counts(struct script *s, const char *name)
{
	return strcmp(name, "num_batches_tracked") == 0
		   ? 0
		   : script_eval_bad(s, "changes the attribute", name);
}

/* "r, g, b = torch.unbind(x, 1)" says how many x has. */
static int
told(struct script *s, struct script_frame *f, const struct script_line *l)
{
	const struct script_expr *e = l->value;
	struct script_value x, d = {.type = SCRIPT_INT};
	char text[SCRIPT_DOTTED] = "";
	int rc;

	if (e->kind == SCRIPT_CALL && e->n > 1)
		script_eval_dotted(e->item[0], text);
	if (strcmp(text, "torch.unbind") != 0 ||
	    e->item[1]->kind != SCRIPT_NAME)
		return 0;
	if ((rc = script_eval(s, f, e->item[1], &x)) != 0 ||
	    (e->n > 2 && (rc = script_eval(s, f, e->item[2], &d)) != 0))
		return rc;
	if (x.type != SCRIPT_TENSOR || d.type != SCRIPT_INT ||
	    !script_node_axis(&d.i, x.t->rank) || x.t->dim[d.i] >= 0)
		return 0;
	x.t->dim[d.i] = (int64_t)l->ntarget;
	if (x.t->image && x.t->rank == 4 && d.i == 1)
		s->input.dim[1] = x.t->dim[1];
	return 0;
}

static int
set(struct script *s, struct script_frame *f, const struct script_line *l)
{
	struct script_value v, part;
	int rc;

	if (l->ntarget > 1 && (rc = told(s, f, l)) != 0)
		return rc;
	if ((rc = script_eval(s, f, l->value, &v)) != 0)
		return rc;
	if (l->ntarget == 1 && l->target[0]->kind == SCRIPT_FIELD)
		return counts(s, l->target[0]->text);
	for (size_t i = 0; rc == 0 && i < l->ntarget; i++) {
		struct script_value at = {.type = SCRIPT_INT, .i = (int64_t)i};

		if (l->target[i]->kind != SCRIPT_NAME)
			return script_eval_bad(
			    s, "assigns to", "what is no name");
		part = v;
		if (l->ntarget > 1)
			rc = script_base_item(s, &v, &at, &part);
		if (rc == 0)
			rc =
			    script_eval_assign(s, f, l->target[i]->text, &part);
	}
	return rc;
}

/* Whether it ends with an error: "if size != 224: raise". */
static bool
raises(const struct script_block *b)
{
	char text[SCRIPT_DOTTED];

	for (size_t i = 0; i < b->n; i++) {
		const struct script_line *l = &b->line[i];

		if (l->step != SCRIPT_DO || l->value == NULL ||
		    l->value->kind != SCRIPT_CALL)
			continue;
		script_eval_dotted(l->value->item[0], text);
		if (strcmp(text, "ops.prim.RaiseException") == 0)
			return true;
	}
	return false;
}

static int
branch(struct script *s, struct script_frame *f, const struct script_line *l)
{
	struct script_value v;
	int rc = script_eval(s, f, l->value, &v);

	if (rc != 0)
		return rc;
	if (v.type == SCRIPT_BOOL)
		return run(s, f, v.i != 0 ? &l->body : &l->other);
	/* of images that the model refuses nothing is asked */
	if (raises(&l->body))
		return run(s, f, &l->other);
	if (raises(&l->other))
		return run(s, f, &l->body);
	return script_eval_bad(
	    s, "has a branch", "by what only an image tells");
}

static int
loop(struct script *s, struct script_frame *f, const struct script_line *l)
{
	struct script_value v, n = {0}, i = {.type = SCRIPT_INT};
	bool by_number;
	int rc = 0;

	if (l->step == SCRIPT_FOR &&
	    (rc = script_eval(s, f, l->value, &n)) != 0)
		return rc;
	if (l->step == SCRIPT_FOR && l->target[0]->kind != SCRIPT_NAME)
		return script_eval_bad(s, "counts by", "what is no name");
	by_number = l->step == SCRIPT_FOR && n.type == SCRIPT_INT;
	for (i.i = 0; rc == 0 && !f->left; i.i++) {
		if (i.i >= TURNS)
			return script_eval_bad(
			    s, "has a loop of", "many turns");
		if (l->step == SCRIPT_WHILE) {
			if ((rc = script_eval(s, f, l->value, &v)) != 0)
				return rc;
			if (v.type != SCRIPT_BOOL)
				return script_eval_bad(s, "has a loop",
				    "by what only an image tells");
			if (v.i == 0)
				break;
		} else if (by_number) {
			if (i.i >= n.i)
				break;
			rc = script_eval_assign(s, f, l->target[0]->text, &i);
		} else {
			if (n.type != SCRIPT_ROW)
				return script_eval_bad(
				    s, "has a loop over", "no list");
			if ((size_t)i.i >= n.list->n)
				break;
			v = n.list->v[i.i];
			rc = script_eval_assign(s, f, l->target[0]->text, &v);
		}
		if (rc == 0)
			rc = run(s, f, &l->body);
	}
	return rc;
}

static int
run(struct script *s, struct script_frame *f, const struct script_block *b)
{
	struct script_value v;
	int rc = 0;

	for (size_t i = 0; rc == 0 && !f->left && i < b->n; i++) {
		const struct script_line *l = &b->line[i];

		if (s->steps++ > SCRIPT_STEPS)
			return script_full(s);
		switch (l->step) {
		case SCRIPT_SET:
			rc = set(s, f, l);
			break;
		case SCRIPT_RETURN:
			f->left = true;
			if (l->value != NULL)
				rc = script_eval(s, f, l->value, &f->result);
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
				rc = script_eval(s, f, l->value, &v);
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
	struct script_args a = {v, key, 2, "forward", NULL};
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
	if ((rc = script_eval_method(s, o, "forward", &a, &out)) != 0 ||
	    (rc = output(s, &out, 0)) != 0)
		return rc;
	return s->f.noutput != 0 ? 0
				 : script_eval_bad(s, "returns", "no tensor");
}
