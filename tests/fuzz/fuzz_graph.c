/* SPDX-License-Identifier: MIT
 * Any ONNX graph, its inputs made up from the shapes that it declares, is
 * refused with a message, or what the operators' definitions make of constants
 * has the type and shape that the kernels give it for the same numbers, and
 * the kernels give the same floats a second time.
 */
#include "tests/fuzz/fuzz.h"

#include "engine/blas.h"
#include "engine/run.h"
#include "formats/onnx_graph.h"

#define FEEDS    8
#define ELEMENTS 4096
#define MACS     ((size_t)1 << 22)
#define FLOATS   ((size_t)1 << 22)
#define ROOM     ((size_t)1 << 26)

/* Numbers for an input: few and small, as axes and sizes are. */
static bool
make_feed(const struct onnx_value *v, struct arena *a, struct tensor *t)
{
	uint64_t n;
	uint8_t *p;

	*t = (struct tensor){.name = v->name,
	    .dtype = onnx_tensor_dtype(v->type),
	    .rank = v->rank};
	if (v->rank > MODEL_MAX_RANK || t->dtype == DTYPE_COUNT)
		return false;
	for (size_t i = 0; i < t->rank; i++)
		t->dim[i] = v->dim[i] < 0 ? 2 : (uint64_t)v->dim[i];
	if (!tensor_elements(t, &n) || n > ELEMENTS)
		return false;
	t->size = (size_t)n * dtype_width(t->dtype);
	t->data = p = arena_alloc(a, t->size + 1, 1);
	for (uint64_t i = 0; i < n; i++) {
		float f = (float)(i % 7) / 3.0f - 1.0f;
		double d = (double)f;

		if (t->dtype == DTYPE_F32)
			memcpy(p + 4 * i, &f, 4);
		else if (t->dtype == DTYPE_F64)
			memcpy(p + 8 * i, &d, 8);
		else
			p[i * dtype_width(t->dtype)] = i % 3 != 0;
	}
	return true;
}

static void
run_twice(struct run *r, const struct tensor *t)
{
	const struct net *net = r->plan.net;
	size_t n = shape_elements(&r->plan.shape[net->output]);
	size_t nx = shape_elements(&net->input);
	float *x = malloc((nx + 1) * sizeof(*x));
	float *first = malloc((n + 1) * sizeof(*first));
	const float *y;

	if (x == NULL || first == NULL)
		BUG("out of memory");
	for (size_t i = 0; i < nx; i++)
		x[i] = (float)tensor_real(t, shape_row_index(&net->input, i));
	y = run_forward(r, x);
	/* nothing ran: a constant that no kernel reads */
	if (y != NULL) {
		memcpy(first, y, n * sizeof(*first));
		y = run_forward(r, x);
		PROPERTY(memcmp(first, y, n * sizeof(*first)) == 0);
	}
	free(first);
	free(x);
}

/* Not more memory than a fuzzer may take; whatever is refused is for run_init()
 * to refuse. */
static bool
is_small(const struct net *net, size_t n)
{
	struct plan p;
	struct err e = {0};
	bool small;

	if (plan_make(&p, net, net->batch != 0 ? net->batch : n, PLAN_FORWARD,
		&e) != 0)
		return true;
	small = p.floats <= ROOM;
	plan_release(&p);
	return small;
}

/* With `input` at run time, or NULL; *out is the output's shape. */
static bool
try_way(const struct onnx_file *f, const struct tensor *feed, size_t n,
    const struct tensor *input, enum layout layout, struct shape *out)
{
	struct shape x = {.layout = layout};
	struct err e = {0};
	struct model m;
	struct net net;
	struct run r;
	bool ok = false;

	for (; input != NULL && x.rank < input->rank; x.rank++)
		x.dim[x.rank] = (size_t)input->dim[x.rank];
	if (onnx_graph(&m, f, feed, n, input != NULL ? input->name : NULL,
		f->output[0].name, &e) != 0) {
		PROPERTY(e.msg[0] != '\0');
		return false;
	}
	if (net_build_graph(&net, &m, &x, &e) == 0) {
		size_t images = x.rank > 0 ? x.dim[0] : 1;

		if (!is_small(&net, images)) {
			err_set(&e, ERR_LIMIT, ERR_NOWHERE, "too large");
		} else if (run_init(&r, &net, images, PLAN_FORWARD, &e) == 0) {
			*out = r.plan.shape[net.output];
			ok = true;
			if (input != NULL && r.plan.macs <= MACS &&
			    r.plan.floats <= FLOATS)
				run_twice(&r, input);
			run_release(&r);
		}
		net_release(&net);
	}
	PROPERTY(ok || e.msg[0] != '\0');
	model_release(&m);
	return ok;
}

/* What quantised operators compute, kernels keep as whole floats. */
static bool
same_type(enum dtype kernel, enum dtype folded)
{
	return kernel == folded ||
	       (kernel == DTYPE_F32 &&
		   (folded == DTYPE_U8 || folded == DTYPE_I8 ||
		       folded == DTYPE_I32));
}

static void
try_graph(const struct onnx_file *f, const struct tensor *feed, size_t n)
{
	struct shape want, got;
	bool folded = try_way(f, feed, n, NULL, LAYOUT_ROWS, &want);

	for (size_t i = 0; i < n; i++)
		for (int k = 0; k < 2; k++) {
			if (feed[i].dtype != DTYPE_F32 ||
			    !try_way(f, feed, n, &feed[i],
				k == 0 ? LAYOUT_ROWS : LAYOUT_LAST, &got) ||
			    !folded)
				continue;
			PROPERTY(same_type(got.type, want.type));
			PROPERTY(got.rank == want.rank);
			PROPERTY(memcmp(got.dim, want.dim,
				     got.rank * sizeof(*got.dim)) == 0);
		}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static bool ready;
	struct tensor feed[FEEDS];
	struct onnx_file f;
	struct err e = {0};
	struct arena a;
	size_t n = 0;
	bool ok;

	if (!ready && blas_init(&e) != 0)
		BUG(e.msg);
	ready = true;
	arena_init(&a, (size_t)1 << 28);
	ok = onnx_file_parse(rd_mem(data, len), &a, &f, &e) == 0 &&
	     f.noutput > 0 && f.ninput <= FEEDS;
	for (size_t i = 0; ok && i < f.ninput; i++) {
		bool given = false;

		for (size_t k = 0; k < f.ntensor; k++)
			given = given || strcmp(f.tensor[k].t.name,
					     f.input[i].name) == 0;
		ok = given || make_feed(&f.input[i], &a, &feed[n]);
		n += !given;
	}
	if (ok)
		try_graph(&f, feed, n);
	arena_release(&a);
	return 0;
}
