/* SPDX-License-Identifier: MIT */
#include "engine/uap_predict.h"

#include "engine/loss.h"

/* Images of a forward pass. */
#define CHUNK 32

static int
make_runs(
    struct uap_predictor *p, const struct net *net, size_t most, struct err *e)
{
	int rc;

	p->chunk = MIN(MAX(most, 1), CHUNK);
	if ((rc = run_init(&p->whole, net, p->chunk, PLAN_FORWARD, e)) != 0)
		return rc;
	p->remains = most % p->chunk;
	if (p->remains == 0 ||
	    (rc = run_init_within(&p->rest, &p->whole, p->remains, e)) == 0)
		return 0;
	run_release(&p->whole);
	return rc;
}

int
uap_predictor_init(
    struct uap_predictor *p, const struct net *net, size_t most, struct err *e)
{
	int rc;

	*p = (struct uap_predictor){0};
	if ((rc = make_runs(p, net, most, e)) != 0)
		return rc;
	arena_init(&p->arena, (size_t)1 << 32);
	p->images = arena_alloc(
	    &p->arena, p->chunk * net->h * net->w * net->c, sizeof(float));
	if (p->images != NULL)
		return 0;
	uap_predictor_release(p);
	return err_set(e, ERR_LIMIT, ERR_NOWHERE, "images too large");
}

void
uap_predictor_release(struct uap_predictor *p)
{
	if (p->remains != 0)
		run_release(&p->rest);
	run_release(&p->whole);
	arena_release(&p->arena);
}

/* Of at most a chunk. */
static void
classes(struct uap_predictor *p, const struct uap_images *im,
    const uint32_t *index, size_t n, const struct trigger *t, int32_t *pred)
{
	struct run *r = n <= p->remains ? &p->rest : &p->whole;
	const struct net *net = r->plan.net;
	size_t image = net->h * net->w * net->c;
	const float *z;

	for (size_t i = 0; i < n; i++) {
		const float *x = im->x + index[i] * image;

		if (t != NULL)
			trigger_apply(t, x, p->images + i * image);
		else
			memcpy(p->images + i * image, x, image * sizeof(*x));
	}
	z = run_forward(r, p->images); /* stale ones behind n do no harm */
	for (size_t i = 0; i < n; i++)
		pred[i] =
		    (int32_t)loss_argmax(net->classes, z + i * net->classes);
}

void
uap_predictor_classes(struct uap_predictor *p, const struct uap_images *im,
    const uint32_t *index, size_t n, const struct trigger *t, int32_t *pred)
{
	for (size_t i = 0; i < n; i += p->chunk)
		classes(p, im, index + i, MIN(p->chunk, n - i), t, pred + i);
}

int
uap_predict(const struct net *net, const struct uap_images *im,
    const uint32_t *index, size_t n, const struct trigger *t, int32_t *pred,
    struct err *e)
{
	struct uap_predictor p;
	uint32_t list[CHUNK];
	int rc = uap_predictor_init(&p, net, n, e);

	if (rc != 0)
		return rc;
	for (size_t i = 0; i < n; i += p.chunk) {
		size_t m = MIN(p.chunk, n - i);

		for (size_t k = 0; k < m; k++)
			list[k] =
			    index != NULL ? index[i + k] : (uint32_t)(i + k);
		uap_predictor_classes(&p, im, list, m, t, pred + i);
	}
	uap_predictor_release(&p);
	return 0;
}
