/* SPDX-License-Identifier: MIT */
#include "tests/conformance_run.h"

#include "engine/fold.h"
#include "engine/run.h"
#include "formats/onnx_graph.h"

#include <math.h>

struct way {
	const struct conformance_case *c;
	size_t output;
	const struct tensor *input; /* NULL: all are constants */
	enum layout layout;
	bool verbose;
	size_t *kernels;
};

static void
say(const struct way *w, const char *what)
{
	if (w->verbose)
		printf("  %s: %s%s%s\n", w->c->f.output[w->output].name,
		    w->input != NULL ? w->input->name : "constants",
		    w->input == NULL           ? " "
		    : w->layout == LAYOUT_LAST ? " (last) "
					       : " (rows) ",
		    what);
}

/* The numbers of a value that no step that runs has computed. */
static int
known(const struct net *net, const struct plan *p, struct shape *got,
    struct arena *a, struct err *e)
{
	size_t q = net->value[net->output].param;

	*got = p->shape[net->output];
	if (got->known == NULL && q != SIZE_MAX)
		return fold_tensor(net->param[q].tensor, a, &got->known, e);
	return 0;
}

static int
constants(const struct way *w, const struct net *net, struct err *e)
{
	struct shape got;
	struct arena a;
	struct plan p;
	int rc;

	if ((rc = plan_make(&p, net, 1, PLAN_FORWARD, e)) != 0)
		return rc;
	arena_init(&a, (size_t)1 << 30);
	if ((rc = known(net, &p, &got, &a, e)) == 0)
		rc = got.known != NULL
			 ? conformance_case_compare(w->c, w->output, &got, e)
			 : err_set(
			       e, ERR_FORMAT, ERR_NOWHERE, "it is not folded");
	arena_release(&a);
	plan_release(&p);
	if (rc == 0)
		say(w, "ok");
	return rc;
}

/* Floats in rows, of whatever type they mean. */
static int
from_floats(const float *y, struct shape *got, struct arena *a, struct err *e)
{
	size_t n = shape_elements(got);
	union number *v = arena_alloc(a, n + 1, sizeof(*v));

	if (v == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "out of memory");
	for (size_t i = 0; i < n; i++) {
		if (shape_real(got))
			v[i].f = (double)y[i];
		else
			v[i].i = (int64_t)y[i];
	}
	got->known = v;
	return 0;
}

static bool
any_ran(const struct plan *p)
{
	for (size_t i = 0; i < p->net->nstep; i++)
		if (p->run[i])
			return true;
	return false;
}

static int
forward(const struct way *w, struct run *r, struct err *e)
{
	const struct net *net = r->plan.net;
	size_t n = shape_elements(&net->input);
	struct shape got = {0};
	struct arena a;
	float *x;
	int rc;

	arena_init(&a, (size_t)1 << 30);
	if ((x = arena_alloc(&a, n + 1, sizeof(*x))) == NULL)
		BUG("out of memory");
	for (size_t i = 0; i < n; i++)
		x[i] = (float)tensor_real(
		    w->input, shape_row_index(&net->input, i));
	rc = known(net, &r->plan, &got, &a, e);
	if (rc == 0 && got.known == NULL)
		rc = from_floats(run_forward(r, x), &got, &a, e);
	if (rc == 0)
		rc = conformance_case_compare(w->c, w->output, &got, e);
	if (rc == 0)
		say(w, any_ran(&r->plan) ? "ok" : "ok, but nothing ran");
	arena_release(&a);
	return rc;
}

/* Declining is no failure. */
static int
kernels(const struct way *w, const struct net *net, struct err *e)
{
	size_t n = net->input.rank > 0 ? net->input.dim[0] : 1;
	struct run r;
	int rc;

	if (run_init(&r, net, n, PLAN_FORWARD, e) != 0) {
		say(w, e->msg);
		return 0;
	}
	*w->kernels += any_ran(&r.plan);
	rc = forward(w, &r, e);
	run_release(&r);
	return rc;
}

static int
one_way(const struct way *w, struct err *e)
{
	const struct conformance_case *c = w->c;
	const struct tensor *t = w->input;
	struct shape x = {.layout = w->layout};
	struct model m;
	struct net net;
	int rc;

	if (t != NULL) {
		x.rank = t->rank;
		x.type = t->dtype;
	}
	for (size_t i = 0; i < x.rank; i++)
		x.dim[i] = (size_t)t->dim[i];
	rc = onnx_graph(&m, &c->f, c->feed, c->nfeed,
	    t != NULL ? t->name : NULL, c->f.output[w->output].name, e);
	if (rc == 0) {
		if ((rc = net_build_graph(&net, &m, &x, e)) == 0) {
			rc = t != NULL ? kernels(w, &net, e)
				       : constants(w, &net, e);
			net_release(&net);
		} else if (t != NULL) {
			say(w, e->msg);
			rc = 0;
		}
		model_release(&m);
	} else if (t != NULL && rc == ERR_UNSUPPORTED) {
		say(w, e->msg);
		rc = 0;
	}
	if (rc != 0)
		say(w, e->msg);
	return rc;
}

/* What depends on the image is stored as floats, whatever its type. */
static bool
fits_floats(const struct tensor *t)
{
	bool real = t->dtype == DTYPE_F32 || t->dtype == DTYPE_F64;
	uint64_t n;

	if (!tensor_elements(t, &n))
		return false;
	for (uint64_t i = 0; i < n; i++)
		if (fabs(tensor_real(t, i)) > (real ? 0x1p100 : 0x1p24))
			return false;
	return true;
}

/* Whether floats can do what the test does, with input i at run time. */
static bool
applies(const struct conformance_case *c, size_t i, size_t output)
{
	bool ok = fits_floats(&c->feed[i]) && fits_floats(&c->want[output]);

	for (size_t k = 0; k < c->nfeed; k++)
		ok = ok && (c->feed[k].dtype != DTYPE_F64 ||
			       fits_floats(&c->feed[k]));
	return ok;
}

int
conformance_run(const struct conformance_case *c, bool verbose, size_t *count,
    struct err *e)
{
	struct way w = {.c = c, .verbose = verbose, .kernels = count};
	int rc;

	*count = 0;
	for (; w.output < c->f.noutput; w.output++) {
		w.input = NULL;
		w.layout = LAYOUT_ROWS;
		if ((rc = one_way(&w, e)) != 0)
			return err_wrap(e, "from constants");
		for (size_t i = 0; i < c->nfeed; i++) {
			if (!applies(c, i, w.output))
				continue;
			w.input = &c->feed[i];
			w.layout = LAYOUT_ROWS;
			if ((rc = one_way(&w, e)) != 0)
				return err_wrap(e, "%s in rows", w.input->name);
			if (w.input->rank < 3)
				continue;
			w.layout = LAYOUT_LAST;
			if ((rc = one_way(&w, e)) != 0)
				return err_wrap(
				    e, "%s channels last", w.input->name);
		}
	}
	return 0;
}
