/* SPDX-License-Identifier: MIT */
#include "engine/tap.h"

#include "engine/batch.h"

/* --- where ---------------------------------------------------------------- */

static bool
is_matrix(const struct param *p)
{
	return p != NULL && p->tensor->rank >= 2;
}

/* The input of a step that is no parameter, the first of several. */
static size_t
fed_by(const struct net *n, const struct step *s)
{
	for (size_t i = 0; i < s->nin; i++)
		if (s->in[i] != SIZE_MAX &&
		    n->value[s->in[i]].param == SIZE_MAX)
			return s->in[i];
	return SIZE_MAX;
}

static bool
is_linear(const struct net *n, const struct step *s)
{
	for (size_t i = 0; i < s->nin; i++)
		if (op_bit(s->op->weights, i) &&
		    is_matrix(net_trainable(n, s, i)))
			return true;
	return false;
}

size_t
tap_features(const struct net *n)
{
	size_t v = n->output;

	while (v != SIZE_MAX && n->value[v].step != SIZE_MAX) {
		const struct step *s = &n->step[n->value[v].step];

		v = fed_by(n, s);
		if (v != SIZE_MAX && is_linear(n, s))
			return v != 0 ? v : n->output;
	}
	return n->output;
}

/* --- what ----------------------------------------------------------------- */

/* A run of the steps up to value v. */
struct tap {
	struct run run;
	size_t v, chunk, size;
};

static int
tap_init(
    struct tap *t, const struct net *net, size_t v, size_t n, struct err *e)
{
	const struct shape *s;
	int rc;

	*t = (struct tap){.v = v, .chunk = batch_chunk(net, n)};
	rc = run_init(&t->run, net, t->chunk, PLAN_FORWARD, e);
	if (rc != 0)
		return rc;
	s = &t->run.plan.shape[v];
	if (t->run.plan.run[net->value[v].step] && s->rank >= 1 &&
	    s->dim[0] == t->chunk)
		t->size = shape_elements(s) / t->chunk;
	return 0;
}

size_t
tap_size(const struct net *net, size_t v, struct err *e)
{
	struct tap t;
	size_t size;

	if (tap_init(&t, net, v, 1, e) != 0)
		return 0;
	size = t.size;
	run_release(&t.run);
	return size;
}

/* Later steps may write over the value: it is taken when it is made. */
static const float *
forward_to(struct tap *t, const float *x)
{
	size_t last = t->run.plan.net->value[t->v].step;

	run_begin(&t->run, x);
	for (size_t i = 0; i <= last; i++)
		run_forward_step(&t->run, i);
	return run_value(&t->run, t->v);
}

int
tap_run(const struct net *net, size_t v, size_t size, const float *x, size_t n,
    float *to, struct err *e)
{
	size_t image = net->h * net->w * net->c;
	struct arena a;
	struct tap t;
	float *in;
	int rc;

	if (net->value[v].step == SIZE_MAX)
		BUG("not a step's value");
	if ((rc = tap_init(&t, net, v, n, e)) != 0)
		return rc;
	arena_init(&a, (size_t)16 << 30);
	in = arena_alloc(&a, t.chunk * image, sizeof(*in));
	if (in == NULL || t.size != size)
		rc = err_set(e, ERR_LIMIT, ERR_NOWHERE, "images too large");
	for (size_t at = 0, m; rc == 0 && at < n; at += m) {
		m = MIN(t.chunk, n - at);
		/* what is left of the last chunk counts for nothing */
		memcpy(in, x + at * image, m * image * sizeof(*in));
		memcpy(
		    to + at * size, forward_to(&t, in), m * size * sizeof(*to));
	}
	run_release(&t.run);
	arena_release(&a);
	return rc;
}
