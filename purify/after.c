/* SPDX-License-Identifier: MIT */
#include "purify/after.h"

#include "base/limits.h"
#include "base/ranks.h"
#include "base/ranks_doc.h"
#include "base/rng.h"
#include "base/tool.h"

/* Images of --eval-data that the re-activation checks count on, at most. */
#define COUNTED        1000
#define STREAM_COUNTED 361

/* --- what the options name ------------------------------------------------ */

static int
open_trigger(struct after *a, const char *path, struct err *e)
{
	struct rd r;
	int rc;

	if (path == NULL)
		return 0;
	if ((rc = ranks_map_file(path, LIMIT_DOCUMENT, &a->trigger_map, e)) !=
	    0)
		return rc;
	r = rd_mem(a->trigger_map.ptr, a->trigger_map.len);
	if ((rc = trigger_parse(&r, &a->trigger, e)) != 0)
		return err_in(e, path);
	digest_mem(a->trigger_map.ptr, a->trigger_map.len, &a->trigger_digest);
	a->has_trigger = true;
	return 0;
}

int
after_open(struct after *a, const struct purification *p, struct err *e)
{
	const struct purify_config *c = &p->cfg;
	int rc;

	arena_init(&a->arena, (size_t)32 << 30);
	if ((rc = open_trigger(a, c->trigger, e)) != 0 || c->scan == NULL)
		return rc;
	return ranks_doc_read(c->scan, "assay-scan/1", &a->scan, e);
}

int
after_check(struct after *a, const struct purification *p, struct err *e)
{
	const struct purify_config *c = &p->cfg;
	const struct dataset *d = &p->data.data, *v = &a->eval.data;
	struct fetch_want want = {.spec = c->eval_data,
	    .classes = c->classes,
	    .model = &p->model.model};
	int rc;

	if (a->has_trigger &&
	    (rc = measure_fits(&p->h, d, &a->trigger, e)) != 0)
		return err_in(e, c->trigger);
	if (c->eval_data == NULL)
		return 0;
	if ((rc = fetch_data(&want, &a->eval, e)) != 0)
		return rc;
	a->has_eval = true;
	if (v->h != d->h || v->w != d->w || v->c != d->c)
		rc = err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "the images are %zu x %zu x %zu, those of --data "
		    "%zu x %zu x %zu",
		    v->h, v->w, v->c, d->h, d->w, d->c);
	else
		rc = measure_fits(&p->h, v, NULL, e);
	return rc == 0 ? 0 : err_in(e, c->eval_data);
}

void
after_release(struct after *a)
{
	if (a->has_reactivate)
		reactivate_release(&a->reactivate);
	json_decref(a->scan);
	trigger_release(&a->trigger);
	file_unmap(&a->trigger_map);
	fetch_data_release(&a->eval);
	arena_release(&a->arena);
}

/* --- measuring ------------------------------------------------------------ */

/* Images that neither training nor the choice of a round has seen, where
 * there are some; else the held-out ones.  In a seeded order, as those are:
 * files often have one class after the other. */
static int
counted(struct after *a, const struct purification *p, struct uap_images *to,
    struct err *e)
{
	const struct dataset *d = &a->eval.data;
	size_t n = MIN(d->n, COUNTED), image = d->h * d->w * d->c;
	uint32_t *order;
	int32_t *y;
	float *x;
	struct rng r;

	*to = (struct uap_images){
	    .x = p->held, .label = p->held_y, .n = p->nheld};
	if (!a->has_eval)
		return 0;
	x = arena_alloc(&a->arena, n * image, sizeof(*x));
	y = arena_alloc(&a->arena, n, sizeof(*y));
	order = arena_alloc(&a->arena, d->n, sizeof(*order));
	if (x == NULL || y == NULL || order == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "images too large");
	for (size_t i = 0; i < d->n; i++)
		order[i] = (uint32_t)i;
	rng_init(&r, p->cfg.seed, STREAM_COUNTED);
	rng_shuffle(&r, order, d->n);
	for (size_t i = 0; i < n; i++) {
		dataset_image(d, order[i], x + i * image);
		y[i] = d->label[order[i]];
	}
	*to = (struct uap_images){.x = x, .label = y, .n = n};
	return 0;
}

static int
reactivate(struct after *a, struct purification *p, struct err *e)
{
	struct uap_images train = {.x = p->x, .label = p->y, .n = p->ntrain};
	struct uap_images count;
	struct net spare;
	struct reactivate_how how = {.h0 = &p->h0,
	    .h = &p->h,
	    .spare = &spare,
	    .train = &train,
	    .count = &count,
	    .scan = a->scan,
	    .given = a->has_trigger ? &a->trigger : NULL,
	    .seed = p->cfg.seed};
	int rc;

	if ((rc = counted(a, p, &count, e)) != 0 ||
	    (rc = net_build(
		 &spare, &p->model.model, p->h.h, p->h.w, p->h.c, e)) != 0)
		return rc;
	a->has_reactivate = true;
	rc = reactivate_run(&a->reactivate, &how, e);
	net_release(&spare);
	return rc;
}

int
after_run(struct after *a, struct purification *p, struct err *e)
{
	struct err why = {0};
	int rc;

	rc = harm_measure(&a->held, &p->h0, &p->h, p->held, p->held_y, p->nheld,
	    &a->arena, e);
	if (rc == 0 && a->has_eval)
		rc = harm_measure_data(
		    &a->on_eval, &p->h0, &p->h, &a->eval.data, &a->arena, e);
	if (rc != 0 || p->cfg.no_reactivation ||
	    (a->scan == NULL && !a->has_trigger))
		return rc;
	/* who has stopped the rounds does not want to wait longer */
	if (p->end == ROUNDS_SIGNAL)
		snprintf(a->failed, sizeof(a->failed), "stopped by a signal");
	else if (reactivate(a, p, &why) != 0)
		snprintf(a->failed, sizeof(a->failed), "%s", why.msg);
	if (a->failed[0] != '\0')
		tool_warn("re-activation was not tried: %s", a->failed);
	return 0;
}

/* --- for documents and people --------------------------------------------- */

static json_t *
reactivation(const struct after *a)
{
	json_t *j;

	if (a->failed[0] != '\0') {
		j = json_object();
		json_put(j, "not_done", json_text(a->failed));
		return j;
	}
	return a->has_reactivate ? reactivate_json(&a->reactivate)
				 : json_null();
}

void
after_put(const struct after *a, const struct purification *p, json_t *doc)
{
	json_t *harm = json_object();

	if (a->has_eval)
		doc_input(doc, "eval-data", p->cfg.eval_data, &a->eval.digest,
		    a->eval.size);
	if (a->has_trigger)
		doc_input(doc, "trigger", p->cfg.trigger, &a->trigger_digest,
		    a->trigger_map.len);
	json_put(harm, "held_out", harm_json(&a->held, &p->data.data));
	json_put(harm, "eval_data",
	    a->has_eval ? harm_json(&a->on_eval, &a->eval.data) : json_null());
	json_put(doc, "harm", harm);
	json_put(doc, "reactivation", reactivation(a));
}

void
after_print(const struct after *a, const struct purification *p)
{
	harm_print(&a->held, &p->data.data, "held out");
	if (a->has_eval)
		harm_print(&a->on_eval, &a->eval.data, "--eval-data");
	if (a->has_reactivate && a->failed[0] == '\0')
		reactivate_print(&a->reactivate);
}
