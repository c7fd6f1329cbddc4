/* SPDX-License-Identifier: MIT */
#include "engine/run.h"

#define RUN_ARENA ((size_t)64 << 30)

static int
full(const struct run *r, struct err *e)
{
	return err_set(e, ERR_LIMIT, ERR_NOWHERE,
	    "%zu images of this model need too much memory", r->plan.n);
}

/* Tables and, unless `mem` is given, the block that the plan wants. */
static int
allocate(struct run *r, float *mem, struct err *e)
{
	const struct net *net = r->plan.net;
	struct arena *a = &r->arena;
	size_t nv = net->nvalue, most = 1;

	for (size_t i = 0; i < net->nstep; i++)
		most = MAX(most, net->step[i].nin);
	r->mem = mem != NULL
		     ? mem
		     : arena_alloc(a, r->plan.floats + 1, sizeof(float));
	r->in = arena_alloc(a, most, sizeof(*r->in));
	r->din = arena_alloc(a, most, sizeof(*r->din));
	r->add = arena_alloc(a, most, sizeof(*r->add));
	r->fresh = arena_alloc(a, nv, sizeof(*r->fresh));
	r->shape_in = arena_alloc(a, most, sizeof(*r->shape_in));
	r->stat[0] = arena_alloc(a, net->nstep + 1, sizeof(float *));
	r->stat[1] = arena_alloc(a, net->nstep + 1, sizeof(float *));
	if (r->mem == NULL || r->in == NULL || r->din == NULL ||
	    r->add == NULL || r->fresh == NULL || r->shape_in == NULL ||
	    r->stat[0] == NULL || r->stat[1] == NULL)
		return full(r, e);
	return 0;
}

static int init_parts(struct run *, const struct run *host, struct err *);

static int
init(struct run *r, const struct net *net, size_t n, unsigned want,
    const struct run *host, struct err *e)
{
	bool fits;
	int rc;

	*r = (struct run){0};
	if (net->batch != 0 && n != net->batch) {
		r->plan = (struct plan){.net = net, .n = n, .want = want};
		if ((rc = init_parts(r, host, e)) != 0)
			run_release(r);
		return rc;
	}
	if ((rc = plan_make(&r->plan, net, n, want, e)) != 0)
		return rc;
	arena_init(&r->arena, RUN_ARENA);
	fits = host != NULL && r->plan.floats <= host->plan.floats;
	if ((rc = allocate(r, fits ? host->mem : NULL, e)) != 0)
		run_release(r);
	return rc;
}

/* --- a net that takes so many images at a time --------------------------- */

static size_t
image_floats(const struct run *r)
{
	return shape_elements(&r->part[0].plan.shape[0]) / r->part[0].plan.n;
}

/* Numbers that come out for an image. */
static size_t
out_floats(const struct run *r)
{
	const struct plan *p = &r->part[0].plan;

	return shape_elements(&p->shape[p->net->output]) / p->n;
}

/* Images of part i. */
static size_t
part_images(const struct run *r, size_t i)
{
	size_t each = r->part[0].plan.n;

	return MIN(each, r->plan.n - i * each);
}

static int
init_parts(struct run *r, const struct run *host, struct err *e)
{
	const struct net *net = r->plan.net;
	size_t each = net->batch, n = (r->plan.n + each - 1) / each, all;
	int rc;

	arena_init(&r->arena, RUN_ARENA);
	r->part = arena_alloc(&r->arena, n, sizeof(*r->part));
	if (r->part == NULL)
		return full(r, e);
	for (; r->nparts < n; r->nparts++) {
		const struct run *within = host != NULL && host->nparts != 0
					       ? &host->part[r->nparts]
					       : host;

		if ((rc = init(&r->part[r->nparts], net, each, r->plan.want,
			 within, e)) != 0)
			return rc;
	}
	all = n * each;
	r->fill =
	    arena_alloc(&r->arena, each * image_floats(r), sizeof(*r->fill));
	r->dfill =
	    arena_alloc(&r->arena, each * image_floats(r), sizeof(*r->dfill));
	r->logits =
	    arena_alloc(&r->arena, all * out_floats(r), sizeof(*r->logits));
	r->dlogits =
	    arena_alloc(&r->arena, all * out_floats(r), sizeof(*r->dlogits));
	return r->fill != NULL && r->dfill != NULL && r->logits != NULL &&
		       r->dlogits != NULL
		   ? 0
		   : full(r, e);
}

static const float *
forward_parts(struct run *r, const float *x)
{
	size_t image = image_floats(r), out = out_floats(r);

	for (size_t i = 0; i < r->nparts; i++) {
		size_t first = i * r->part[0].plan.n, n = part_images(r, i);
		const float *in = x + first * image, *z;

		if (n < r->part[i].plan.n) {
			memcpy(r->fill, in, n * image * sizeof(*in));
			in = r->fill; /* zeros behind them */
		}
		z = run_forward(&r->part[i], in);
		memcpy(r->logits + first * out, z, n * out * sizeof(*z));
	}
	return r->logits;
}

static void
backward_parts(struct run *r, float *dx, float *dweight)
{
	size_t image = image_floats(r), out = out_floats(r);

	for (size_t i = 0; i < r->nparts; i++) {
		size_t each = r->part[i].plan.n, first = i * each;
		size_t n = part_images(r, i);
		float *dz = run_dlogits(&r->part[i]);
		float *to = dx == NULL ? NULL
			    : n < each ? r->dfill
				       : dx + first * image;

		memset(dz, 0, each * out * sizeof(*dz));
		memcpy(dz, r->dlogits + first * out, n * out * sizeof(*dz));
		run_backward(&r->part[i], to, dweight);
		if (to != NULL && n < each)
			memcpy(dx + first * image, to, n * image * sizeof(*dx));
	}
}

/* --- runs ----------------------------------------------------------------- */

int
run_init(struct run *r, const struct net *net, size_t n, unsigned want,
    struct err *e)
{
	return init(r, net, n, want, NULL, e);
}

int
run_init_within(struct run *r, const struct run *host, size_t n, struct err *e)
{
	return init(r, host->plan.net, n, host->plan.want, host, e);
}

void
run_release(struct run *r)
{
	for (size_t i = 0; i < r->nparts; i++)
		run_release(&r->part[i]);
	plan_release(&r->plan);
	arena_release(&r->arena);
	*r = (struct run){0};
}

static float *
buffer(const struct run *r, size_t at)
{
	return at != PLAN_NONE ? r->mem + at : NULL;
}

static const float *
value(const struct run *r, size_t v)
{
	const struct net *net = r->plan.net;

	if (v == 0)
		return r->image;
	if (r->plan.fixed[v] != NULL)
		return r->plan.fixed[v];
	if (net->value[v].param != SIZE_MAX)
		return net_param(net, net->value[v].param);
	return buffer(r, r->plan.value[v]);
}

/* Where the gradient of a value goes; NULL: nobody wants it. */
static float *
gradient(const struct run *r, size_t v)
{
	const struct net *net = r->plan.net;
	size_t p = net->value[v].param;

	if (!r->plan.wants[v])
		return NULL;
	if (v == 0)
		return r->dimage;
	if (p != SIZE_MAX)
		return r->dweight != NULL ? r->dweight + net->param[p].at
					  : NULL;
	return buffer(r, r->plan.grad[v]);
}

/* The call without gradients; tables are the run's own. */
static struct op_call
call(struct run *r, size_t i)
{
	const struct step *s = &r->plan.net->step[i];

	for (size_t k = 0; k < s->nin; k++) {
		bool there = s->in[k] != SIZE_MAX;

		r->in[k] = there ? value(r, s->in[k]) : NULL;
		r->shape_in[k] = there ? &r->plan.shape[s->in[k]] : NULL;
	}
	return (struct op_call){
	    .step = s,
	    .shape_in = r->shape_in,
	    .shape_out = &r->plan.shape[s->out],
	    .in = r->in,
	    .out = buffer(r, r->plan.value[s->out]),
	    .aux = buffer(r, r->plan.aux[i]),
	    .scratch = buffer(r, r->plan.scratch),
	    .derived =
		r->plan.net->derived != NULL ? r->plan.net->derived[i] : NULL,
	    .stat_forward = r->stat[0][i],
	    .stat_backward = r->stat[1][i],
	};
}

void
run_begin(struct run *r, const float *x)
{
	r->image = x;
}

void
run_forward_step(struct run *r, size_t i)
{
	struct op_call c;

	if (!r->plan.run[i])
		return;
	c = call(r, i);
	c.step->op->forward(&c);
}

const float *
run_logits(const struct run *r)
{
	return value(r, r->plan.net->output);
}

const float *
run_value(const struct run *r, size_t v)
{
	return value(r, v);
}

const float *
run_forward(struct run *r, const float *x)
{
	if (r->nparts != 0)
		return forward_parts(r, x);
	run_begin(r, x);
	for (size_t i = 0; i < r->plan.net->nstep; i++)
		run_forward_step(r, i);
	return run_logits(r);
}

float *
run_dlogits(struct run *r)
{
	return r->nparts != 0 ? r->dlogits : gradient(r, r->plan.net->output);
}

void
run_backward_begin(struct run *r, float *dx, float *dweight)
{
	r->dimage = dx;
	r->dweight = dweight;
	memset(r->fresh, 1, r->plan.net->nvalue * sizeof(*r->fresh));
	/* the image may reach the logits through flat operators alone */
	if (dx != NULL)
		memset(dx, 0, shape_elements(&r->plan.shape[0]) * sizeof(*dx));
}

void
run_backward_step(struct run *r, size_t i)
{
	const struct step *s = &r->plan.net->step[i];
	struct op_call c;
	bool any = false;

	if (!r->plan.run[i] || !r->plan.wants[s->out])
		return;
	/* its consumers are flat, or have got no gradient themselves */
	if (r->fresh[s->out] && s->out != r->plan.net->output)
		return;
	c = call(r, i);
	c.dout = gradient(r, s->out);
	for (size_t k = 0; k < s->nin; k++) {
		size_t v = s->in[k];

		r->din[k] = v != SIZE_MAX ? gradient(r, v) : NULL;
		if (r->din[k] == NULL)
			continue;
		/* weights collect over chunks, values over consumers */
		r->add[k] =
		    r->plan.net->value[v].param != SIZE_MAX || !r->fresh[v];
		r->fresh[v] = false;
		any = true;
	}
	c.din = r->din;
	c.add = r->add;
	if (any)
		s->op->backward(&c);
}

void
run_backward(struct run *r, float *dx, float *dweight)
{
	if (r->nparts != 0) {
		backward_parts(r, dx, dweight);
		return;
	}
	run_backward_begin(r, dx, dweight);
	for (size_t i = r->plan.net->nstep; i-- > 0;)
		run_backward_step(r, i);
}

void
run_gather(struct run *r, size_t i, bool backward, double *sum)
{
	const struct op_sync *sync = r->plan.net->step[i].op->sync;
	struct op_call c = call(r, i);

	if (!backward) {
		sync->gather_forward(&c, sum);
		return;
	}
	c.dout = gradient(r, c.step->out);
	sync->gather_backward(&c, sum);
}
