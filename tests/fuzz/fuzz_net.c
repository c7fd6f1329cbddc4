/* SPDX-License-Identifier: MIT
 * A neutral model is refused by the engine with a message, or one image goes
 * forward and back through it, and then the logits are the same a second
 * time.  Nets that are large but sound are left out for speed.  Its
 * architecture alone is a model, too, and of that nothing more can be taken.
 */
#include "tests/fuzz/fuzz.h"

#include "engine/blas.h"
#include "engine/regrow.h"
#include "engine/run.h"
#include "formats/neutral.h"

#define MACS   ((size_t)1 << 22)
#define FLOATS ((size_t)1 << 22)

static void
run_once(const struct net *net, struct run *r)
{
	size_t pixels = net->h * net->w * net->c;
	float *x = malloc(2 * pixels * sizeof(*x));
	float *dw = malloc((net->nweight + 1) * sizeof(*dw));
	float *first = malloc(net->classes * sizeof(*first));
	const float *y;

	if (x == NULL || dw == NULL || first == NULL)
		BUG("out of memory");
	for (size_t i = 0; i < pixels; i++)
		x[i] = (float)(i % 7) / 7.0f;
	memset(dw, 0, (net->nweight + 1) * sizeof(*dw));
	y = run_forward(r, x);
	memcpy(first, y, net->classes * sizeof(*first));
	PROPERTY(run_dlogits(r) != NULL);
	for (size_t i = 0; i < net->classes; i++)
		run_dlogits(r)[i] = 1.0f;
	run_backward(r, x + pixels, dw);
	y = run_forward(r, x);
	PROPERTY(memcmp(first, y, net->classes * sizeof(*first)) == 0);
	free(first);
	free(dw);
	free(x);
}

static void
try_net(const struct model *m)
{
	/* as the model says; as the data says */
	static const size_t side[] = {0, 8};
	struct err e = {0};
	struct net net;
	struct run r;

	for (size_t i = 0; i < 2; i++) {
		size_t s = side[i], c = s != 0 ? 3 : 0;

		if (net_build(&net, m, s, s, c, &e) != 0) {
			PROPERTY(e.msg[0] != '\0');
			continue;
		}
		PROPERTY(net.classes >= 2);
		if (net.macs <= MACS && net.nweight <= FLOATS &&
		    run_init(&r, &net, 1, PLAN_DATA | PLAN_WEIGHTS, &e) == 0) {
			if (r.plan.floats <= FLOATS)
				run_once(&net, &r);
			run_release(&r);
		}
		net_release(&net);
	}
}

static void
try_regrow(const struct model *m)
{
	struct regrow first, second;
	struct model once, twice;
	struct err e = {0};
	struct arena a;

	arena_init(&a, (size_t)1 << 30);
	if (regrow_model(m, &a, &once, &first, &e) == 0) {
		PROPERTY(model_check(&once, &e) == 0);
		PROPERTY(regrow_model(&once, &a, &twice, &second, &e) == 0);
		PROPERTY(second.norms == 0);
		PROPERTY(second.weights == first.weights);
		PROPERTY(second.kept == first.kept);
	} else {
		PROPERTY(e.msg[0] != '\0');
	}
	arena_release(&a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static bool ready;
	struct rd r = rd_mem(data, len);
	struct model m;
	struct err e = {0};

	if (!ready && blas_init(&e) != 0)
		BUG(e.msg);
	ready = true;
	if (neutral_parse(&r, &m, &e) != 0)
		return 0;
	try_net(&m);
	try_regrow(&m);
	model_release(&m);
	return 0;
}
