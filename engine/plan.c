/* SPDX-License-Identifier: MIT */
#include "engine/plan.h"

#include "base/limits.h"
#include "engine/fold.h"

/* Buffers start on multiples of 16 floats (64 bytes). */
#define PLAN_ALIGN 16

/* A buffer: alive from time `from` to `to`, both included. */
struct span {
	size_t from, to, size;
	size_t *where;
};

struct layouter {
	struct span *span;
	size_t n;
	const struct span **placed; /* by their place */
};

static int
full(struct err *e)
{
	return err_set(e, ERR_LIMIT, ERR_NOWHERE, "model too large");
}

/* --- shapes -------------------------------------------------------------- */

/* The net has put conversions where they are needed: else we are wrong. */
static int
check_layout(const struct step *s, const struct shape *x, struct err *e)
{
	enum layout want =
	    s->op->layout == OP_IMAGE ? LAYOUT_LAST : LAYOUT_ROWS;

	if (x == NULL || x->known != NULL ||
	    (s->op->layout != OP_IMAGE && s->op->layout != OP_ROWS))
		return 0;
	if (x->rank >= 3 && x->layout != want)
		return op_bad(s, e, "storage order");
	return 0;
}

/* Whether all inputs are constants that training does not change. */
static bool
is_constant(const struct plan *p, const struct step *s)
{
	if ((s->op->flags & OP_OF_SHAPE) != 0)
		return true;
	for (size_t i = 0; i < s->nin; i++) {
		size_t v = s->in[i], q;

		if (v == SIZE_MAX || p->shape[v].known != NULL)
			continue;
		q = p->net->value[v].param;
		if (q == SIZE_MAX || p->net->param[q].trainable)
			return false;
	}
	return true;
}

/*
 * Load the numbers of parameters that a constant step reads, or that are read
 * when the plan is made.
 */
static int
know_inputs(struct plan *p, const struct step *s, bool constant, struct err *e)
{
	if ((s->op->flags & OP_OF_SHAPE) != 0)
		return 0;
	for (size_t i = 0; i < s->nin; i++) {
		size_t v = s->in[i], q;
		int rc;

		if (v == SIZE_MAX || p->shape[v].known != NULL ||
		    !(constant || op_bit(s->op->ints, i)))
			continue;
		q = p->net->value[v].param;
		if (q == SIZE_MAX || p->net->param[q].trainable)
			continue;
		rc = fold_tensor(
		    p->net->param[q].tensor, &p->arena, &p->shape[v].known, e);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* Known inputs as the floats that a kernel reads. */
static int
fix_inputs(struct plan *p, const struct step *s, struct err *e)
{
	for (size_t i = 0; i < s->nin; i++) {
		size_t v = s->in[i];
		size_t q = v != SIZE_MAX ? p->net->value[v].param : SIZE_MAX;
		int rc;

		if (v == SIZE_MAX || op_bit(s->op->ints, i) ||
		    p->shape[v].known == NULL || p->fixed[v] != NULL ||
		    (q != SIZE_MAX && p->net->param[q].n != 0))
			continue;
		if (shape_elements(&p->shape[v]) == 0)
			return op_bad(s, e, "input %zu is empty", i);
		rc = fold_floats(&p->shape[v], &p->arena, &p->fixed[v], e);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* Count the known numbers that are read and made: there may be many steps. */
static int
spend(struct plan *p, const struct step *s, const struct shape *const *in,
    const struct shape *out, size_t taps, struct err *e)
{
	size_t most = LIMIT_FOLD_ELEMENTS;

	for (size_t i = 0; i < s->nin; i++)
		if (in[i] != NULL && in[i]->known != NULL &&
		    (s->op->flags & OP_OF_SHAPE) == 0)
			p->fold_work += shape_elements(in[i]);
	p->fold_work += MIN(shape_elements(out), most) * taps;
	return p->fold_work > LIMIT_FOLD_WORK
		   ? op_bad(s, e, "the constants take too long")
		   : 0;
}

static int
infer_step(
    struct plan *p, const struct step *s, struct op_need *need, struct err *e)
{
	const struct shape *in[LIMIT_STEP_ARITY] = {NULL};
	struct shape *out = &p->shape[s->out];
	bool constant = is_constant(p, s);
	int rc;

	for (size_t i = 0; i < s->nin; i++)
		if (s->in[i] != SIZE_MAX)
			in[i] = &p->shape[s->in[i]];
	*need = (struct op_need){0};
	if ((rc = know_inputs(p, s, constant, e)) != 0 ||
	    (rc = check_layout(s, in[0], e)) != 0 ||
	    (rc = s->op->infer(s, in, out, need, e)) != 0)
		return rc;
	if (need->taps > LIMIT_VALUE_ELEMENTS ||
	    need->aux > LIMIT_VALUE_ELEMENTS ||
	    need->derived > LIMIT_VALUE_ELEMENTS ||
	    need->scratch > LIMIT_VALUE_ELEMENTS)
		return op_bad(s, e, "it needs too much memory");
	out->known = NULL;
	if ((s->op->flags & OP_TYPED) == 0)
		out->type = in[0]->type;
	p->run[s - p->net->step] = !constant;
	rc = spend(p, s, in, out, constant ? MAX(need->taps, 1) : 0, e);
	if (rc != 0)
		return rc;
	if (constant)
		return fold_step(s, in, out, &p->arena, e);
	if (s->op->forward == NULL)
		return op_bad(s, e, "it depends on the image");
	if (!shape_sane(out))
		return op_bad(s, e, "the output is empty or too large");
	return fix_inputs(p, s, e);
}

static void
count_macs(struct plan *p, const struct step *s, const struct op_need *need)
{
	/* each factor is below 2^31; the sum stops growing at 2^63 */
	p->macs = MIN(p->macs + shape_elements(&p->shape[s->out]) * need->taps,
	    SIZE_MAX / 2);
}

static int
infer_all(struct plan *p, struct op_need *need, struct err *e)
{
	const struct net *net = p->net;
	int rc;

	p->shape[0] = net->input;
	if (net->input.rank > 0)
		p->shape[0].dim[0] = p->n;
	if (!shape_sane(&p->shape[0]))
		return err_set(
		    e, ERR_LIMIT, ERR_NOWHERE, "%zu images at once", p->n);
	for (size_t i = 0; i < net->nvalue; i++)
		if (net->value[i].param != SIZE_MAX)
			p->shape[i] = net->param[net->value[i].param].shape;
	for (size_t i = 0; i < net->nstep; i++) {
		rc = infer_step(p, &net->step[i], &need[i], e);
		if (rc != 0)
			return rc;
		p->derived[i] = p->run[i] ? need[i].derived : 0;
		if (p->run[i])
			count_macs(p, &net->step[i], &need[i]);
	}
	if (net->classifier && p->shape[net->output].dim[0] != p->n)
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "the output '%s' has no row for each image",
		    net->model->output);
	return 0;
}

/* --- life times ---------------------------------------------------------- */

/* Steps that do not lead to the logits are not run. */
static int
drop_dead(struct plan *p, struct err *e)
{
	const struct net *net = p->net;
	bool *used = arena_alloc(&p->arena, net->nvalue, sizeof(*used));

	if (used == NULL)
		return full(e);
	used[net->output] = true;
	for (size_t i = net->nstep; i-- > 0;) {
		const struct step *s = &net->step[i];

		p->run[i] = p->run[i] && used[s->out];
		for (size_t k = 0; p->run[i] && k < s->nin; k++)
			if (s->in[k] != SIZE_MAX)
				used[s->in[k]] = true;
	}
	if (net->classifier && !used[0])
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "the output '%s' does not depend on the image",
		    net->model->output);
	return 0;
}

/* Which values need a gradient: those between a wanted one and the logits. */
static int
mark_wanted(struct plan *p, struct err *e)
{
	const struct net *net = p->net;

	p->wants[0] = (p->want & PLAN_DATA) != 0;
	for (size_t i = 0; i < net->nvalue; i++)
		if (net->value[i].param != SIZE_MAX)
			p->wants[i] = (p->want & PLAN_WEIGHTS) != 0 &&
				      net->param[net->value[i].param].trainable;
	for (size_t i = 0; i < net->nstep; i++) {
		const struct step *s = &net->step[i];

		if (!p->run[i] || (s->op->flags & OP_FLAT) != 0)
			continue;
		for (size_t k = 0; k < s->nin; k++)
			if (s->in[k] != SIZE_MAX && p->wants[s->in[k]])
				p->wants[s->out] = true;
		if (p->wants[s->out] && s->op->backward == NULL)
			return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
			    "node '%s' (%s) has no gradient", s->name,
			    s->op->name);
	}
	if (p->want != 0 && !p->wants[net->output])
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "the output '%s' has no gradient", net->model->output);
	return 0;
}

/* Whether the value is in the run's own memory. */
static bool
is_computed(const struct plan *p, size_t v)
{
	return v != SIZE_MAX && p->net->value[v].param == SIZE_MAX &&
	       p->shape[v].known == NULL;
}

/*
 * Whether the gradient to a computed input reads another one: a weight that
 * is computed lies where values do.
 */
static bool
reads_computed(const struct plan *p, const struct step *s)
{
	if ((s->op->flags & OP_OPERAND) != 0)
		return false;
	for (size_t i = 0; i < s->nin; i++) {
		if (!is_computed(p, s->in[i]) || !p->wants[s->in[i]])
			continue;
		for (size_t k = 0; k < s->nin; k++)
			if (k != i && is_computed(p, s->in[k]) &&
			    (op_bit(s->op->weights, i) ||
				op_bit(s->op->weights, k)))
				return true;
	}
	return false;
}

/* Whether step i's backward pass reads its inputs, its output. */
static void
kept(const struct plan *p, size_t i, bool *in, bool *out)
{
	const struct step *s = &p->net->step[i];
	bool data = false, weights = false;

	for (size_t k = 0; k < s->nin; k++) {
		size_t v = s->in[k];
		bool param =
		    v != SIZE_MAX && p->net->value[v].param != SIZE_MAX;

		if (v == SIZE_MAX || !p->wants[v])
			continue;
		weights = weights || param;
		data = data || !param;
	}
	*out = (data || weights) && (s->keep & OP_KEEP_OUT) != 0;
	*in = reads_computed(p, s) ||
	      (data && (s->keep & OP_KEEP_IN_FOR_DATA) != 0) ||
	      (weights && (s->keep & OP_KEEP_IN_FOR_WEIGHTS) != 0);
	/* batch statistics need the normalised input again */
	if (s->op->sync != NULL && (p->want & PLAN_WEIGHTS) != 0 && data)
		*in = true;
}

static void
extend(struct span *s, size_t t)
{
	s->from = MIN(s->from, t);
	s->to = MAX(s->to, t);
}

/* Forward of step i happens at time i, backward at 2 * nstep - i. */
static void
live_step(const struct plan *p, size_t i, struct span *value, struct span *grad)
{
	const struct step *s = &p->net->step[i];
	size_t back = 2 * p->net->nstep - i;
	bool in, out, any = p->wants[s->out];

	kept(p, i, &in, &out);
	extend(&value[s->out], i);
	if (out)
		extend(&value[s->out], back);
	if (any)
		extend(&grad[s->out], back);
	for (size_t k = 0; k < s->nin; k++) {
		size_t v = s->in[k];

		if (v == SIZE_MAX)
			continue;
		extend(&value[v], i);
		if (in)
			extend(&value[v], back);
		if (p->wants[v] && any)
			extend(&grad[v], back);
	}
}

static void
add_span(struct layouter *l, struct span s, size_t size, size_t *where)
{
	*where = PLAN_NONE;
	if (size == 0 || s.from > s.to)
		return;
	s.size = (size + PLAN_ALIGN - 1) / PLAN_ALIGN * PLAN_ALIGN;
	s.where = where;
	l->span[l->n++] = s;
}

static int
collect(struct plan *p, const struct op_need *need, struct layouter *l,
    struct err *e)
{
	const struct net *net = p->net;
	size_t nv = net->nvalue, end = 2 * net->nstep, scratch = 0;
	struct span *value = arena_alloc(&p->arena, nv, sizeof(*value));
	struct span *grad = arena_alloc(&p->arena, nv, sizeof(*grad));

	if (value == NULL || grad == NULL)
		return full(e);
	for (size_t i = 0; i < nv; i++) {
		value[i] = (struct span){.from = SIZE_MAX};
		grad[i] = (struct span){.from = SIZE_MAX};
	}
	for (size_t i = 0; i < net->nstep; i++)
		if (p->run[i])
			live_step(p, i, value, grad);
	/* the caller reads the logits and writes their gradient in between */
	extend(&value[net->output], net->nstep);
	if (p->wants[net->output])
		extend(&grad[net->output], net->nstep);
	for (size_t i = 0; i < nv; i++) {
		bool ours = i != 0 && net->value[i].param == SIZE_MAX &&
			    p->shape[i].known == NULL;
		size_t size = ours ? shape_elements(&p->shape[i]) : 0;

		add_span(l, value[i], size, &p->value[i]);
		add_span(l, grad[i], size, &p->grad[i]);
	}
	for (size_t i = 0; i < net->nstep; i++) {
		size_t back = p->wants[net->step[i].out] ? end - i : i;
		size_t on = p->run[i];

		add_span(l, (struct span){.from = i, .to = back},
		    on * need[i].aux, &p->aux[i]);
		scratch = MAX(scratch, on * need[i].scratch);
	}
	add_span(l, (struct span){.from = 0, .to = end}, scratch, &p->scratch);
	return 0;
}

/* --- placing ------------------------------------------------------------- */

static int
largest_first(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	if (x->size != y->size)
		return x->size > y->size ? -1 : 1;
	return x->from < y->from ? -1 : x->from > y->from;
}

/*
 * Lowest offset where s overlaps none of the placed spans alive with it.  In
 * the order of their places one pass finds it: a graph may have many.
 */
static size_t
first_fit(const struct layouter *l, size_t n, const struct span *s)
{
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		const struct span *q = l->placed[i];

		if (*q->where >= at + s->size)
			break;
		if (q->to >= s->from && q->from <= s->to)
			at = MAX(at, *q->where + q->size);
	}
	return at;
}

/* Behind those that are not higher. */
static void
insert(struct layouter *l, size_t n, const struct span *s)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (*l->placed[mid]->where <= *s->where)
			lo = mid + 1;
		else
			hi = mid;
	}
	memmove(l->placed + lo + 1, l->placed + lo,
	    (n - lo) * sizeof(const struct span *));
	l->placed[lo] = s;
}

static void
place(struct plan *p, struct layouter *l)
{
	qsort(l->span, l->n, sizeof(*l->span), largest_first);
	for (size_t i = 0; i < l->n; i++) {
		struct span *s = &l->span[i];

		*s->where = first_fit(l, i, s);
		insert(l, i, s);
		p->floats = MAX(p->floats, *s->where + s->size);
	}
}

static int
allocate(
    struct plan *p, struct layouter *l, struct op_need **need, struct err *e)
{
	size_t nv = p->net->nvalue, ns = p->net->nstep + 1;
	struct arena *a = &p->arena;

	p->shape = arena_alloc(a, nv, sizeof(*p->shape));
	p->wants = arena_alloc(a, nv, sizeof(*p->wants));
	p->value = arena_alloc(a, nv, sizeof(*p->value));
	p->grad = arena_alloc(a, nv, sizeof(*p->grad));
	p->run = arena_alloc(a, ns, sizeof(*p->run));
	p->aux = arena_alloc(a, ns, sizeof(*p->aux));
	p->derived = arena_alloc(a, ns, sizeof(*p->derived));
	p->fixed = arena_alloc(a, nv, sizeof(*p->fixed));
	*need = arena_alloc(a, ns, sizeof(**need));
	l->span = arena_alloc(a, 2 * (nv + ns), sizeof(*l->span));
	l->placed = arena_alloc(a, 2 * (nv + ns), sizeof(struct span *));
	if (p->shape == NULL || p->wants == NULL || p->value == NULL ||
	    p->grad == NULL || p->run == NULL || p->aux == NULL ||
	    p->derived == NULL || p->fixed == NULL || *need == NULL ||
	    l->span == NULL || l->placed == NULL)
		return full(e);
	return 0;
}

int
plan_make(struct plan *p, const struct net *net, size_t n, unsigned want,
    struct err *e)
{
	struct layouter l = {0};
	struct op_need *need;
	int rc;

	*p = (struct plan){.net = net, .n = n, .want = want};
	if (net->batch != 0 && n != net->batch)
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "the model takes %zu images at a time, not %zu; export it "
		    "with an open batch",
		    net->batch, n);
	arena_init(&p->arena, (size_t)1 << 30);
	if ((rc = allocate(p, &l, &need, e)) != 0 ||
	    (rc = infer_all(p, need, e)) != 0 || (rc = drop_dead(p, e)) != 0)
		goto fail;
	if ((rc = mark_wanted(p, e)) != 0 ||
	    (rc = collect(p, need, &l, e)) != 0)
		goto fail;
	place(p, &l);
	if (p->floats > LIMIT_RUN_BYTES / sizeof(float)) {
		rc = err_set(e, ERR_LIMIT, ERR_NOWHERE,
		    "%zu images of this model need %zu MB", n,
		    p->floats / (1 << 18));
		goto fail;
	}
	return 0;
fail:
	plan_release(p);
	return rc;
}

void
plan_release(struct plan *p)
{
	arena_release(&p->arena);
	*p = (struct plan){0};
}
