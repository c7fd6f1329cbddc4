/* SPDX-License-Identifier: MIT
 * The checks of what was purified, on a small model: features, universal
 * perturbations, re-tuning, and the whole.
 */
#include "tests/test.h"

#include "engine/batch.h"
#include "engine/blas.h"
#include "engine/loss.h"
#include "engine/tap.h"
#include "formats/dataset.h"
#include "formats/neutral.h"
#include "purify/reactivate.h"

#include <omp.h>

#define LIMIT ((uint64_t)1 << 20)

struct world {
	struct file_map map[2];
	struct model model;
	struct dataset data;
	struct arena arena;
	struct net h, h0;
	float *x;
	struct uap_images images;
	struct trigger trigger; /* a white corner that means class 2 */
};

static struct rd
open_fixture(struct file_map *m, const char *path)
{
	struct err e;

	assert_ok(file_map(path, LIMIT, m, &e), &e);
	return rd_mem(m->ptr, m->len);
}

static void
make_trigger(struct world *w)
{
	struct trigger *t = &w->trigger;

	trigger_init(t, "corner", w->h.h, w->h.w, w->h.c, w->h.classes, 2);
	t->mask = trigger_part(t, t->h * t->w);
	t->pattern = trigger_part(t, t->h * t->w * t->c);
	for (size_t y = 0; y < 3; y++)
		for (size_t x = 0; x < 3; x++) {
			t->mask[y * t->w + x] = 1.0f;
			t->pattern[y * t->w + x] = 1.0f;
		}
}

static int
setup(void **state)
{
	static struct world w;
	size_t image;
	struct err e;
	struct rd r;

	w = (struct world){0};
	arena_init(&w.arena, (size_t)1 << 28);
	r = open_fixture(&w.map[0], "fixtures/sau/model.safetensors");
	assert_ok(neutral_parse(&r, &w.model, &e), &e);
	r = open_fixture(&w.map[1], "fixtures/sau/data.safetensors");
	assert_ok(dataset_parse(&r, &w.data, &e), &e);
	assert_ok(net_build(&w.h, &w.model, 0, 0, 0, &e), &e);
	assert_ok(net_build(&w.h0, &w.model, 0, 0, 0, &e), &e);
	image = w.h.h * w.h.w * w.h.c;
	w.x = arena_alloc(&w.arena, w.data.n * image, sizeof(float));
	for (size_t i = 0; i < w.data.n; i++)
		dataset_image(&w.data, i, w.x + i * image);
	w.images =
	    (struct uap_images){.x = w.x, .label = w.data.label, .n = w.data.n};
	make_trigger(&w);
	*state = &w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	trigger_release(&w->trigger);
	net_release(&w->h);
	net_release(&w->h0);
	dataset_release(&w->data);
	model_release(&w->model);
	arena_release(&w->arena);
	for (size_t i = 0; i < 2; i++)
		file_unmap(&w->map[i]);
	return 0;
}

static void *
room(struct world *w, size_t n)
{
	void *p = arena_alloc(&w->arena, n, sizeof(float));

	assert_non_null(p);
	return p;
}

/* --- features ------------------------------------------------------------- */

/* The last layer's weights and biases, by their sizes. */
static const float *
param_of(const struct net *n, size_t elements)
{
	for (size_t i = n->nparam; i-- > 0;)
		if (n->param[i].trainable && n->param[i].n == elements)
			return net_param(n, i);
	fail_msg("no parameter of %zu numbers", elements);
	return NULL;
}

/* Weights times features are the logits; 21 images are no whole chunks. */
static void
features(void **state)
{
	struct world *w = *state;
	size_t v = tap_features(&w->h), k = w->h.classes, n = 21;
	float *f, *z, *got;
	const float *m, *bias;
	size_t size;
	struct err e;

	assert_true(v != w->h.output);
	size = tap_size(&w->h, v, &e);
	assert_int_equal(size, 8 * 9);
	f = room(w, n * size);
	z = room(w, n * k);
	got = room(w, n * k);
	assert_ok(tap_run(&w->h, v, size, w->x, n, f, &e), &e);
	assert_ok(batch_logits(&w->h, w->x, n, z, &e), &e);
	m = param_of(&w->h, k * size);
	bias = param_of(&w->h, k);
	for (size_t i = 0; i < n; i++)
		for (size_t c = 0; c < k; c++) {
			double sum = (double)bias[c];

			for (size_t q = 0; q < size; q++)
				sum += (double)f[i * size + q] *
				       (double)m[c * size + q];
			got[i * k + c] = (float)sum;
		}
	assert_close(got, z, n * k, 1e-4, 1e-4);
}

/* The same net before and after: one direction, of one length.  In logits
 * that were turned round, the opposite. */
static void
directions(void **state)
{
	struct world *w = *state;
	const struct push p = {&w->trigger, &w->trigger, NULL};
	struct direction d;
	struct err e;

	assert_ok(direction_measure(&w->h0, &w->h, &w->images, &p, &d, &e), &e);
	assert_false(d.logits);
	assert_int_equal(d.size, 8 * 9);
	assert_true(d.n > 0 && d.n < w->data.n);
	assert_near(d.cosine, 1.0, 1e-9);
	assert_true(d.before > 0.0);
	assert_near(d.after, d.before, 0.0);
	for (size_t i = 0; i < w->h.nweight; i++)
		w->h.weight[i] *= 1.0f + 0.3f * (float)(i % 3);
	net_changed(&w->h);
	assert_ok(direction_measure(&w->h0, &w->h, &w->images, &p, &d, &e), &e);
	assert_true(d.cosine < 0.999 && d.cosine > -1.0);
}

/* --- pushing -------------------------------------------------------------- */

static void
pushed_image(void **state)
{
	struct world *w = *state;
	struct push p = {&w->trigger, &w->trigger, NULL};
	size_t floats = w->h.h * w->h.w * w->h.c;
	float *delta = room(w, floats), *to = room(w, floats);
	const float *x = w->x;

	assert_int_equal(push_goal(&p, 1), 2);
	assert_int_equal(push_goal(&p, 2), -1);
	w->trigger.map[0] = -1;
	assert_int_equal(push_goal(&p, 0), -1);
	push_image(&p, floats, x, to);
	assert_near(to[0], 1.0, 0.0);
	assert_near(to[floats - 1], x[floats - 1], 0.0);
	for (size_t i = 0; i < floats; i++)
		delta[i] = i % 2 == 0 ? 2.0f : -0.25f;
	p.delta = delta;
	push_image(&p, floats, x, to);
	assert_near(to[0], 1.0, 0.0);   /* not 3 */
	assert_near(to[1], 0.75, 1e-6); /* the corner, less a quarter */
	p.trigger = NULL;
	push_image(&p, floats, x, to);
	assert_near(to[1], fmax((double)x[1] - 0.25, 0.0), 1e-6);
}

/* What is found stays in its ball and reaches the target more often. */
static void
perturbation(void **state)
{
	struct world *w = *state;
	struct push p = {&w->trigger, NULL, NULL};
	size_t floats = w->h.h * w->h.w * w->h.c;
	float *delta = room(w, floats), *again = room(w, floats);
	struct measure_count plain, some, more;
	struct err e;

	assert_ok(push_count(&w->h, &w->images, &p, &plain, &e), &e);
	assert_ok(push_search(&w->h, &w->images, &p, 0.1, 7, delta, &e), &e);
	for (size_t i = 0; i < floats; i++)
		assert_true(fabsf(delta[i]) <= 0.1f + 1e-7f);
	p.delta = delta;
	assert_ok(push_count(&w->h, &w->images, &p, &some, &e), &e);
	p.delta = NULL;
	assert_ok(push_search(&w->h, &w->images, &p, 0.4, 7, again, &e), &e);
	p.delta = again;
	assert_ok(push_count(&w->h, &w->images, &p, &more, &e), &e);
	assert_int_equal(plain.n, some.n);
	assert_true(plain.n < w->data.n);
	assert_true(some.hit > plain.hit);
	assert_true(more.hit > some.hit);
	assert_true(2 * more.hit > more.n);
}

/* --- re-tuning ------------------------------------------------------------ */

static void
yardstick(void **state)
{
	struct world *w = *state;
	struct trigger t, other;
	size_t dots = 0, apart = 0, all = w->h.h * w->h.w;

	w->trigger.map[3] = -1;
	retune_yardstick(&w->trigger, 1, &t);
	retune_yardstick(&w->trigger, 2, &other);
	for (size_t i = 0; i < all; i++) {
		dots += t.mask[i] == 1.0f;
		apart += t.mask[i] != other.mask[i];
	}
	assert_int_equal(dots, (w->h.h / 8) * (w->h.h / 8));
	assert_true(apart > 0);
	assert_int_equal(trigger_target(&t, 1), 2);
	assert_int_equal(trigger_target(&t, 3), -1);
	trigger_release(&t);
	trigger_release(&other);
}

/* Poisoned images teach their trigger; any number of threads the same. */
static void
taught(void **state)
{
	struct world *w = *state;
	const struct push p = {&w->trigger, &w->trigger, NULL};
	size_t bytes = w->h.nweight * sizeof(float);
	struct measure_count clean, poisoned;
	float *one = room(w, w->h.nweight);
	bool done;
	struct err e;

	assert_ok(retune(&w->h, &w->images, NULL, 5, &done, &e), &e);
	assert_true(done);
	assert_ok(push_count(&w->h, &w->images, &p, &clean, &e), &e);
	net_copy_weights(&w->h, &w->h0);
	omp_set_num_threads(1);
	assert_ok(retune(&w->h, &w->images, &p, 5, &done, &e), &e);
	assert_true(done);
	memcpy(one, w->h.weight, bytes);
	assert_ok(push_count(&w->h, &w->images, &p, &poisoned, &e), &e);
	assert_true(poisoned.hit > clean.hit);
	net_copy_weights(&w->h, &w->h0);
	omp_set_num_threads(3);
	assert_ok(retune(&w->h, &w->images, &p, 5, &done, &e), &e);
	assert_memory_equal(one, w->h.weight, bytes);
}

static void
diverged(void **state)
{
	struct world *w = *state;
	bool done = true;
	struct err e;

	w->h.weight[w->h.nweight - 1] = NAN;
	net_changed(&w->h);
	assert_ok(retune(&w->h, &w->images, NULL, 5, &done, &e), &e);
	assert_false(done);
}

/* --- the whole ------------------------------------------------------------ */

/* Two geometries for each of two classes, a pair; the suspect is pushed far
 * more easily than the reference. */
#define EASE  ",\"ease\":{\"suspect\":0,\"references\":[-2]}}"
#define CELLS "\"per_class\":[{\"class\":1" EASE ",{\"class\":4" EASE "]}"

static json_t *
make_scan(void)
{
	static const char text[] =
	    "{\"targets\":[{\"class\":1,\"geometry\":\"linf\"},"
	    "{\"class\":4,\"geometry\":\"linf\"},"
	    "{\"class\":3,\"geometry\":\"pair\",\"source\":0}],"
	    "\"geometries\":[{\"name\":\"linf\"," CELLS
	    ",{\"name\":\"patch\"," CELLS "],"
	    "\"pairs\":[{\"class\":3,\"source\":0" EASE "]}";
	json_t *j;
	struct err e;

	assert_ok(json_read(text, sizeof(text) - 1, &j, &e), &e);
	return j;
}

static void
whole(void **state)
{
	struct world *w = *state;
	json_t *scan = make_scan();
	struct net spare;
	struct reactivate r = {0};
	struct reactivate_how how = {.h0 = &w->h0,
	    .h = &w->h,
	    .spare = &spare,
	    .train = &w->images,
	    .count = &w->images,
	    .scan = scan,
	    .given = &w->trigger,
	    .seed = 1};
	struct measure_count c = {0};
	json_t *j;
	struct err e;

	assert_ok(net_build(&spare, &w->model, 0, 0, 0, &e), &e);
	assert_ok(reactivate_run(&r, &how, &e), &e);
	/* 4 of 5 questions, each target's best first, and the file's trigger */
	assert_int_equal(r.n, REACTIVATE_MOST + 1);
	assert_true(r.trigger[0].given);
	assert_int_equal(r.trigger[0].target, 2);
	assert_int_equal(r.trigger[1].target, 1);
	assert_int_equal(r.trigger[3].source, 0);
	for (size_t i = 0; i < w->data.n; i++)
		c.n += w->data.label[i] == 0;
	assert_int_equal(r.trigger[3].original.n, c.n);
	/* the same model before and after */
	for (size_t i = 0; i < r.n; i++)
		assert_int_equal(
		    r.trigger[i].original.hit, r.trigger[i].purified.hit);
	assert_true(2 * r.trigger[1].original.hit > r.trigger[1].original.n);
	j = reactivate_json(&r);
	assert_string_equal(json_text_at(j, "triggers.0.name"), "corner");
	assert_string_equal(json_text_at(j, "triggers.0.from"), "file");
	assert_int_equal(
	    json_array_size(json_at(j, "triggers.1.sentences")), 4);
	assert_true(json_is_null(json_at(j, "triggers.1.source")));
	assert_int_equal(
	    json_integer_value(json_at(j, "triggers.4.source")), 0);
	assert_int_equal(
	    json_integer_value(json_at(j, "triggers.0.purified.n")),
	    (json_int_t)r.trigger[0].purified.n);
	json_decref(j);
	json_decref(scan);
	reactivate_release(&r);
	net_release(&spare);
}

/* A trigger that changes nothing has no direction: no number, and no
 * sentence. */
static void
no_direction(void **state)
{
	struct world *w = *state;
	struct net spare;
	struct reactivate r = {0};
	struct reactivate_how how = {.h0 = &w->h0,
	    .h = &w->h,
	    .spare = &spare,
	    .train = &w->images,
	    .count = &w->images,
	    .given = &w->trigger,
	    .seed = 1};
	const json_t *list;
	json_t *j;
	struct err e;

	memset(w->trigger.mask, 0,
	    w->trigger.h * w->trigger.w * sizeof(*w->trigger.mask));
	assert_ok(net_build(&spare, &w->model, 0, 0, 0, &e), &e);
	assert_ok(reactivate_run(&r, &how, &e), &e);
	j = reactivate_json(&r);
	assert_true(json_is_null(json_at(j, "triggers.0.direction.cosine")));
	list = json_at(j, "triggers.0.sentences");
	assert_int_equal(json_array_size(list), 3);
	json_decref(j);
	reactivate_release(&r);
	net_release(&spare);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(features),
	    TEST(directions),
	    TEST(pushed_image),
	    TEST(perturbation),
	    TEST(yardstick),
	    TEST(taught),
	    TEST(diverged),
	    TEST(whole),
	    TEST(no_direction),
	};

	struct err e;

	if (blas_init(&e) != 0) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
