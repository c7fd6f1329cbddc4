/* SPDX-License-Identifier: MIT
 * For tests/conformance-models.py: one step of a neutral model on given images
 * and gradients of the logits, everything that came out as safetensors.
 *
 *     one_step MODEL INPUT OUTPUT [train]
 *
 * INPUT has "images" (N,H,W,C) and "dlogits" (N,classes); OUTPUT has "logits",
 * "dx", the gradient of each weight W as "grad/W", and every other tensor
 * under its own name (running statistics: after the step).
 */
#include "engine/batch.h"
#include "engine/blas.h"
#include "formats/neutral.h"
#include "formats/safetensors.h"

#include <stdlib.h>

struct given {
	struct arena arena;
	struct file_map model_file, input_file;
	struct model model;
	struct safetensors input;
	const struct tensor *images, *dlogits;
	float *x, *dy, *logits, *dx, *grad;
};

struct loss_ctx {
	const struct given *g;
	size_t classes;
};

static double
given_loss(
    void *ctx, size_t first, size_t n, const float *logits, float *dlogits)
{
	const struct loss_ctx *c = ctx;
	size_t at = first * c->classes, size = n * c->classes * sizeof(float);

	memcpy(c->g->logits + at, logits, size);
	memcpy(dlogits, c->g->dy + at, size);
	return 0.0;
}

static int
open_given(struct given *g, char **arg, struct err *e)
{
	struct rd r;
	int rc;

	arena_init(&g->arena, (size_t)16 << 30);
	if ((rc = file_map(arg[1], UINT32_MAX, &g->model_file, e)) != 0 ||
	    (rc = file_map(arg[2], UINT32_MAX, &g->input_file, e)) != 0)
		return rc;
	r = rd_mem(g->model_file.ptr, g->model_file.len);
	if ((rc = neutral_parse(&r, &g->model, e)) != 0)
		return rc;
	r = rd_mem(g->input_file.ptr, g->input_file.len);
	if ((rc = safetensors_parse(&r, &g->arena, &g->input, e)) != 0)
		return rc;
	for (size_t i = 0; i < g->input.ntensor; i++) {
		const struct tensor *t = &g->input.tensor[i];

		if (strcmp(t->name, "images") == 0)
			g->images = t;
		else if (strcmp(t->name, "dlogits") == 0)
			g->dlogits = t;
	}
	return g->images != NULL && g->dlogits != NULL && g->images->rank == 4
		   ? 0
		   : err_set(e, ERR_FORMAT, ERR_NOWHERE, "no images");
}

static float *
floats(struct given *g, size_t n, const struct tensor *from)
{
	float *p = arena_alloc(&g->arena, n + 1, sizeof(*p));

	if (p == NULL)
		BUG("out of memory");
	if (from != NULL)
		memcpy(p, from->data, from->size);
	return p;
}

static int
step(struct given *g, struct net *net, bool train, struct err *e)
{
	size_t n = g->images->dim[0], pixels = net->h * net->w * net->c;
	struct loss_ctx ctx = {g, net->classes};
	struct batch b;
	int rc;

	if (g->dlogits->size != n * net->classes * sizeof(float))
		return err_set(e, ERR_FORMAT, ERR_NOWHERE, "dlogits");
	g->x = floats(g, n * pixels, g->images);
	g->dy = floats(g, n * net->classes, g->dlogits);
	g->logits = floats(g, n * net->classes, NULL);
	g->dx = floats(g, n * pixels, NULL);
	g->grad = floats(g, net->nweight, NULL);
	rc = batch_init(&b, net, n, PLAN_DATA | PLAN_WEIGHTS,
	    train ? BATCH_TRAIN : BATCH_EVAL, e);
	if (rc != 0)
		return rc;
	batch_step(&b, g->x, given_loss, &ctx, g->dx, g->grad);
	if (train)
		batch_update_statistics(&b, net, 0.1f);
	batch_release(&b);
	/* the export turns gradients into the neutral layout as well */
	memcpy(net->weight, g->grad, net->nweight * sizeof(*g->grad));
	return 0;
}

static void
name_gradients(struct given *g, const struct net *net, struct tensor *t,
    const struct tensor *first)
{
	for (size_t i = 0; i < net->nparam; i++) {
		const struct param *p = &net->param[i];
		size_t at = (size_t)(p->tensor - first);
		size_t size = strlen(p->tensor->name) + sizeof("grad/");
		char *name = arena_alloc(&g->arena, size, 1);

		if (name == NULL)
			BUG("out of memory");
		snprintf(name, size, "grad/%s", p->tensor->name);
		if (p->trainable)
			t[at].name = name;
	}
}

static int
save(struct given *g, const struct net *net, const char *path, struct err *e)
{
	size_t n = g->images->dim[0];
	struct file_out out;
	struct model m;
	struct tensor *t;
	json_t *meta;
	int rc;

	if ((rc = net_export(net, &g->arena, &m, e)) != 0)
		return rc;
	t = arena_alloc(&g->arena, m.ntensor + 2, sizeof(*t));
	if (t == NULL)
		BUG("out of memory");
	memcpy(t, m.tensor, m.ntensor * sizeof(*t));
	name_gradients(g, net, t, net->model->tensor);
	t[m.ntensor] = (struct tensor){.name = "logits",
	    .rank = 2,
	    .dim = {n, net->classes},
	    .data = (const uint8_t *)g->logits,
	    .size = n * net->classes * sizeof(float)};
	t[m.ntensor + 1] = *g->images;
	t[m.ntensor + 1].name = "dx";
	t[m.ntensor + 1].data = (const uint8_t *)g->dx;
	if ((rc = file_out_open(&out, path, e)) != 0)
		return rc;
	meta = json_object();
	rc = safetensors_write(&out, t, m.ntensor + 2, meta, e);
	json_decref(meta);
	if (rc != 0)
		return rc;
	return file_out_commit(&out, e);
}

int
main(int argc, char **argv)
{
	static struct given g;
	struct err e = {0};
	struct net net;

	if (argc < 4) {
		fprintf(stderr, "usage: one_step MODEL INPUT OUTPUT [train]\n");
		return 2;
	}
	if (blas_init(&e) != 0 || open_given(&g, argv, &e) != 0 ||
	    net_build(&net, &g.model, g.images->dim[1], g.images->dim[2],
		g.images->dim[3], &e) != 0 ||
	    step(&g, &net, argc > 4, &e) != 0 ||
	    save(&g, &net, argv[3], &e) != 0) {
		fprintf(stderr, "one_step: %s\n", e.msg);
		return 2;
	}
	return 0;
}
