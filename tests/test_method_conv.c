/* SPDX-License-Identifier: MIT
 * Methods of purification on a net of convolutions: what they prune and what
 * they leave, attention maps, and that nothing but their spans changes.
 */
#include "tests/method_world.h"

#include "engine/blas.h"
#include "engine/loss.h"
#include "purify/attention.h"
#include "purify/head.h"
#include "purify/neuron.h"

#include <omp.h>

/* The statistics that count are those before the climb: fine-tuning's. */
static void
test_still(void **state)
{
	struct world *w = *state;
	struct purification *p = &w->p;
	float *was = need(w, p->h.nfixed, sizeof(*was));

	start(w, &method_ft, 32);
	step(w, 32, 0.0);
	memcpy(was, p->h.fixed, p->h.nfixed * sizeof(*was));
	method_ft.release(p);
	net_copy_weights(&p->h, &p->h0);
	assert_memory_not_equal(was, p->h.fixed, p->h.nfixed * sizeof(*was));
	p->draw = 0;
	start(w, &method_ft_sam, 32);
	step(w, 32, 0.0);
	assert_memory_equal(was, p->h.fixed, p->h.nfixed * sizeof(*was));
}

/* --- neurons ------------------------------------------------------------- */

static double
clean_loss(
    void *ctx, size_t first, size_t n, const float *logits, float *dlogits)
{
	const struct purification *p = ctx;
	size_t k = p->h.classes;
	double sum = 0.0;

	memset(dlogits, 0, n * k * sizeof(*dlogits));
	for (size_t i = 0; i < n; i++)
		sum += loss_cross_entropy(k, logits + i * k,
		    (size_t)p->y[first + i], 1.0f, dlogits + i * k);
	return sum;
}

/* Gradients of factors against differences of the loss. */
static void
test_neurons(void **state)
{
	struct world *w = *state;
	struct purification *p = &w->p;
	float scale[12], shift[12], dscale[12] = {0}, dshift[12] = {0};
	float *g = need(w, p->h.nweight, sizeof(*g));
	struct neurons u;
	struct batch b;
	struct err e;

	assert_ok(neuron_list(&u, &p->h, &p->arena, &e), &e);
	assert_int_equal(u.nlayer, 2);
	assert_int_equal(u.n, 12);
	random_floats(scale, 12, 3, 0.3f);
	random_floats(shift, 12, 4, 0.3f);
	for (size_t i = 0; i < 12; i++) {
		scale[i] += 1.0f;
		shift[i] += 1.0f;
	}
	assert_ok(batch_init(&b, &p->h, 32, PLAN_WEIGHTS, BATCH_EVAL, &e), &e);
	neuron_scale(&u, p->h0.weight, scale, shift, p->h.weight);
	net_changed(&p->h);
	batch_step(&b, p->x, clean_loss, p, NULL, g);
	neuron_gradient(&u, p->h0.weight, g, 2.0, dscale, dshift);
	for (size_t i = 0; i < 24; i++) {
		float *at = i < 12 ? &scale[i] : &shift[i - 12], was = *at;
		float d = i < 12 ? dscale[i] : dshift[i - 12];
		double loss[2];

		for (size_t side = 0; side < 2; side++) {
			*at = was + (side == 0 ? -0.01f : 0.01f);
			neuron_scale(
			    &u, p->h0.weight, scale, shift, p->h.weight);
			net_changed(&p->h);
			loss[side] =
			    batch_step(&b, p->x, clean_loss, p, NULL, g);
		}
		*at = was;
		assert_near((double)d, 2.0 * (loss[1] - loss[0]) / 0.02,
		    0.05 * fabs((double)d) + 0.1);
	}
	batch_release(&b);
}

/* Masks stay in [0, 1]; what they prune is zero, all else as it was. */
static void
test_anp(void **state)
{
	struct world *w = *state;
	struct purification *p = &w->p;
	struct method_span span[METHOD_SPANS];
	size_t pruned = 0, inside = 0;
	struct method_terms t = {0};
	struct neurons u;
	const float *mask;
	struct err e;

	start(w, &method_anp, 32);
	assert_ok(neuron_list(&u, &p->h, &p->arena, &e), &e);
	method_anp.spans(p, span);
	mask = span[0].ptr;
	for (size_t i = 0; i < 40; i++)
		t = step(w, 32, 0.2);
	for (size_t l = 0; l < u.nlayer; l++)
		for (size_t k = 0; k < u.layer[l].n; k++) {
			size_t at = u.layer[l].at + k;
			float m = mask[u.layer[l].first + k];

			assert_true(m >= 0.0f && m <= 1.0f);
			inside += m < 1.0f;
			pruned += m <= 0.2f;
			assert_true(p->h.weight[at] ==
				    (m <= 0.2f ? 0.0f : p->h0.weight[at]));
		}
	assert_true(inside > 0);
	assert_near(t.sum[2] / 32.0, (double)pruned / 12.0, 1e-9);
	/* a threshold of 1 prunes all of them, and nothing else */
	p->cfg.prune = 1.0;
	step(w, 32, 0.2);
	for (size_t l = 0; l < u.nlayer; l++)
		for (size_t k = 0; k < u.layer[l].n; k++) {
			size_t at = u.layer[l].at + k;

			assert_true(p->h.weight[at] == 0.0f);
			p->h.weight[at] = p->h0.weight[at];
		}
	assert_memory_equal(p->h.weight, p->h0.weight, p->h.nweight * 4);
	assert_memory_equal(p->h.fixed, p->h0.fixed, p->h.nfixed * 4);
}

static void
test_head(void **state)
{
	struct world *w = *state;
	struct head h;
	struct err e;

	assert_ok(head_find(&h, &w->p.h, &e), &e);
	assert_int_equal(h.classes, 5);
	assert_int_equal(h.features, 72);
	assert_int_equal(h.n, 5 * 72);
	assert_int_equal(h.step[0], 72);
	/* and none in a net that ends otherwise */
	net_release(&w->p.h);
	w->model.nnode -= 1;
	w->model.output = w->model.node[w->model.nnode - 1].out[0];
	w->model.classes = 72;
	assert_ok(net_build(&w->p.h, &w->model, 0, 0, 0, &e), &e);
	assert_int_equal(head_find(&h, &w->p.h, &e), ERR_UNSUPPORTED);
}

/* --- attention ----------------------------------------------------------- */

/* The gradient against differences; no difference, no loss. */
static void
test_attention_loss(void **state)
{
	float a[6], goal[6], da[6] = {0};

	(void)state;
	random_floats(a, 6, 8, 1.0f);
	random_floats(goal, 6, 9, 1.0f);
	attention_normalise(6, goal, goal);
	attention_loss(6, a, goal, 3.0, da);
	for (size_t i = 0; i < 6; i++) {
		float none[6], was = a[i];
		double up, down;

		a[i] = was + 1e-3f;
		up = attention_loss(6, a, goal, 0.0, none);
		a[i] = was - 1e-3f;
		down = attention_loss(6, a, goal, 0.0, none);
		a[i] = was;
		assert_near(da[i], 3.0 * (up - down) / 2e-3, 2e-3);
	}
	attention_normalise(6, a, goal);
	assert_near(attention_loss(6, a, goal, 0.0, da), 0.0, 1e-12);
}

/* Logits, then sums of squares over the channels of what the last layer
 * reads, and of two larger maps. */
static void
test_attention(void **state)
{
	struct world *w = *state;
	struct purification *p = &w->p;
	float *all = need(w, 2 * (5 + 144 + 36 + 9), sizeof(*all));
	float *flat = need(w, 2 * 72, sizeof(*flat)), *z = need(w, 10, 4);
	struct attention a;
	struct net cut;
	struct err e;

	assert_ok(attention_init(&a, &p->h, &e), &e);
	assert_int_equal(a.nmap, 3);
	assert_int_equal(a.map[0].n, 144);
	assert_int_equal(a.map[1].n, 36);
	assert_int_equal(a.map[2].n, 9);
	assert_string_equal(a.map[2].name, "pool2");
	assert_int_equal(a.net.classes, 5 + 144 + 36 + 9);
	assert_ok(batch_logits(&a.net, p->x, 2, all, &e), &e);
	assert_ok(batch_logits(&p->h, p->x, 2, z, &e), &e);
	w->model.nnode -= 1;
	w->model.output = "flat";
	w->model.classes = 72;
	assert_ok(net_build(&cut, &w->model, 0, 0, 0, &e), &e);
	assert_ok(batch_logits(&cut, p->x, 2, flat, &e), &e);
	for (size_t i = 0; i < 2; i++) {
		const float *row = all + i * a.net.classes;

		assert_close(row, z + 5 * i, 5, 1e-5, 1e-6);
		for (size_t at = 0; at < 9; at++) {
			double sum = 0.0;

			for (size_t c = 0; c < 8; c++)
				sum +=
				    pow((double)flat[i * 72 + c * 9 + at], 2.0);
			assert_near(
			    row[a.map[2].at + at], sum, 1e-4 * (1.0 + sum));
		}
	}
	net_release(&cut);
	attention_release(&a);
}

/* A teacher that has learned nothing sees what the student sees; a student
 * that has lost its way falls along its gradient. */
static void
test_nad(void **state)
{
	struct world *w = *state;
	struct purification *p = &w->p;
	float *was = need(w, p->h.nweight, sizeof(*was));
	double size = 0.0, rate = 1e-6, before, after;
	struct method_terms t;

	start_in(w, &method_nad, 32, BATCH_EVAL);
	begin(w);
	t = step(w, 32, 0.0);
	assert_near(t.sum[1] / 32, 0.0, 1e-6);
	random_floats(was, p->h.nweight, 10, 0.3f);
	for (size_t i = 0; i < p->h.nweight; i++)
		p->h.weight[i] *= 1.0f + was[i];
	memcpy(was, p->h.weight, p->h.nweight * sizeof(*was));
	p->draw = 0;
	t = step(w, 32, rate);
	before = t.loss / 32;
	assert_true(t.sum[1] / 32 > 0.1);
	for (size_t i = 0; i < p->h.nweight; i++)
		size +=
		    pow(((double)was[i] - (double)p->h.weight[i]) / rate, 2.0);
	p->draw = 0;
	after = step(w, 32, 0.0).loss / 32;
	assert_near(before - after, rate * size, 0.1 * rate * size);
}

/* The teacher is fine-tuned, the student begins as it was. */
static void
test_teacher(void **state)
{
	struct world *w = *state;
	struct purification *p = &w->p;
	struct method_span span[METHOD_SPANS];

	start(w, &method_nad, 32);
	p->cfg.rate = 0.01;
	begin(w);
	method_nad.spans(p, span);
	assert_int_equal(span[0].size, p->h.nweight * 4);
	assert_memory_not_equal(span[0].ptr, p->h0.weight, span[0].size);
	assert_memory_equal(p->h.weight, p->h0.weight, p->h.nweight * 4);
	assert_memory_equal(p->h.fixed, p->h0.fixed, p->h.nfixed * 4);
}

/* Everything that changes from step to step: spans, weights, statistics. */
static size_t
state_of(struct world *w, struct method_span *span)
{
	struct purification *p = &w->p;
	size_t n = p->cfg.method->spans(p, span);

	assert_in_range(n, 1, METHOD_SPANS);
	span[n++] = (struct method_span){p->h.weight, p->h.nweight * 4};
	span[n++] = (struct method_span){p->h.fixed, p->h.nfixed * 4};
	span[n++] = (struct method_span){&p->draw, sizeof(p->draw)};
	return n;
}

/* From the same state the next step leads to the same state. */
static void
check_spans(struct world *w, const struct method *m)
{
	struct method_span span[METHOD_SPANS + 3];
	void *was[METHOD_SPANS + 3], *then[METHOD_SPANS + 3];
	size_t n;

	start(w, m, 32);
	begin(w);
	step(w, 32, 0.01);
	n = state_of(w, span);
	for (size_t i = 0; i < n; i++) {
		was[i] = need(w, span[i].size, 1);
		then[i] = need(w, span[i].size, 1);
		memcpy(was[i], span[i].ptr, span[i].size);
	}
	step(w, 32, 0.01);
	for (size_t i = 0; i < n; i++) {
		memcpy(then[i], span[i].ptr, span[i].size);
		memcpy(span[i].ptr, was[i], span[i].size);
	}
	net_changed(&w->p.h);
	step(w, 32, 0.01);
	for (size_t i = 0; i < n; i++)
		assert_memory_equal(span[i].ptr, then[i], span[i].size);
	m->release(&w->p);
	w->p.own = NULL;
}

static void
test_spans(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < method_count; i++) {
		if (method_table[i] == &method_guided)
			continue; /* it needs a scan */
		net_copy_weights(&w->p.h, &w->p.h0);
		check_spans(w, method_table[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_still, setup_conv, teardown),
	    cmocka_unit_test_setup_teardown(test_neurons, setup_conv, teardown),
	    cmocka_unit_test_setup_teardown(test_anp, setup_conv, teardown),
	    cmocka_unit_test_setup_teardown(test_head, setup_conv, teardown),
	    cmocka_unit_test(test_attention_loss),
	    cmocka_unit_test_setup_teardown(
		test_attention, setup_conv, teardown),
	    cmocka_unit_test_setup_teardown(test_nad, setup_conv, teardown),
	    cmocka_unit_test_setup_teardown(test_teacher, setup_conv, teardown),
	    cmocka_unit_test_setup_teardown(test_spans, setup_conv, teardown),
	};
	struct err e;

	omp_set_num_threads(1); /* waiting for each other takes longer */
	if (blas_init(&e) != 0) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	return cmocka_run_group_tests_name("method_conv", tests, NULL, NULL);
}
