/* SPDX-License-Identifier: MIT
 * What a scan's targets become as questions, and what their pools hold.
 */
#include "tests/test.h"

#include "formats/dataset.h"
#include "formats/neutral.h"
#include "purify/guide_part.h"

#include <math.h>

#define CLASSES 1000

static const char geometries[] =
    "\"geometries\":["
    "{\"name\":\"patch\",\"per_class\":["
    "{\"class\":0,\"ease\":{\"suspect\":-2,\"references\":[-4,-5]}},"
    "{\"class\":1,\"ease\":{\"suspect\":-4,\"references\":[-4,-4]}}]},"
    "{\"name\":\"linf\",\"per_class\":["
    "{\"class\":0,\"ease\":{\"suspect\":2,\"references\":[1]}},"
    "{\"class\":1,\"ease\":{\"suspect\":2.9,\"references\":[2]}}]}],"
    "\"pairs\":[{\"class\":1,\"source\":2,\"ease\":{\"suspect\":0,"
    "\"references\":[-1]}},"
    "{\"class\":1,\"source\":0,\"ease\":{\"suspect\":0,"
    "\"references\":[-3]}}]";

/* The guide of a scan with these targets. */
static int
read_guide(const char *targets, struct guide *g, struct arena *a, struct err *e)
{
	const struct net net = {.classes = CLASSES};
	struct buf text = {0};
	json_t *scan = NULL;
	int rc;

	buf_printf(&text, "{\"targets\":[%s],%s}", targets, geometries);
	assert_ok(json_read(text.ptr, text.len, &scan, e), e);
	rc = guide_read(g, scan, &net, a, e);
	json_decref(scan);
	buf_free(&text);
	return rc;
}

static const struct row {
	const char *name, *targets, *want;
} rows[] = {
    {"none", "", ""},
    /* linf sees class 0 as well: the suspect's ease is 1 above */
    {"a class", "{\"class\":0,\"geometry\":\"patch\"}",
	"patch 0<- -4.50 best; linf 0<- 1.00; "},
    /* patch does not */
    {"by its best only where others see nothing",
	"{\"class\":1,\"geometry\":\"linf\"}", "linf 1<- 2.00 best; "},
    {"what sees each best goes first",
	"{\"class\":0,\"geometry\":\"patch\"},"
	"{\"class\":1,\"geometry\":\"linf\"}",
	"patch 0<- -4.50 best; linf 1<- 2.00 best; linf 0<- 1.00; "},
    {"twice is once",
	"{\"class\":1,\"geometry\":\"linf\"},"
	"{\"class\":1,\"geometry\":\"linf\"}",
	"linf 1<- 2.00 best; "},
    {"a pair", "{\"class\":1,\"geometry\":\"pair\",\"source\":0}",
	"patch 1<-0 -3.00 best; "},
    {"a geometry without numbers", "{\"class\":0,\"geometry\":\"warp\"}",
	"warp 0<- -inf best; patch 0<- -4.50; linf 0<- 1.00; "},
};

static void
questions(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf got = {0};
		struct arena a;
		struct guide g;
		struct err e;

		arena_init(&a, (size_t)1 << 26);
		assert_ok(read_guide(rows[i].targets, &g, &a, &e), &e);
		for (size_t k = 0; k < g.n; k++) {
			const struct guide_question *q = &g.question[k];

			buf_printf(
			    &got, "%s %d<-", q->geometry->name, q->target);
			if (q->source != UAP_ALL)
				buf_printf(&got, "%d", q->source);
			buf_printf(&got, " %.2f%s; ", q->natural,
			    q->best ? " best" : "");
		}
		if (strcmp(buf_str(&got), rows[i].want) != 0)
			fail_msg("%s: %s", rows[i].name, buf_str(&got));
		assert_int_equal(g.left_out, 0);
		guide_release(&g);
		buf_free(&got);
		arena_release(&a);
	}
}

/* More targets than there is room for: evenly, and it is said. */
static void
many(void **state)
{
	struct buf targets = {0};
	struct arena a;
	struct guide g;
	struct err e;

	(void)state;
	for (int i = 0; i < CLASSES; i++)
		buf_printf(&targets, "%s{\"class\":%d,\"geometry\":\"patch\"}",
		    i != 0 ? "," : "", i);
	arena_init(&a, (size_t)1 << 26);
	assert_ok(read_guide(buf_str(&targets), &g, &a, &e), &e);
	assert_in_range(g.n, GUIDE_MAX / 2, GUIDE_MAX);
	assert_in_range(g.question[g.n - 2].target, CLASSES * 9 / 10, CLASSES);
	assert_in_range(g.left_out, CLASSES - GUIDE_MAX, CLASSES);
	arena_release(&a);
	buf_free(&targets);
}

static void
refused(void **state)
{
	static const char *const bad[] = {
	    "{\"class\":1000,\"geometry\":\"patch\"}",
	    "{\"class\":1,\"geometry\":\"pair\",\"source\":-1}",
	    "{\"class\":1}",
	    "{\"geometry\":\"patch\"}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct arena a;
		struct guide g;
		struct err e;

		arena_init(&a, (size_t)1 << 26);
		assert_int_equal(read_guide(bad[i], &g, &a, &e), ERR_FORMAT);
		arena_release(&a);
	}
}

/* --- pools ---------------------------------------------------------------- */

struct world {
	struct file_map map[2];
	struct model model;
	struct dataset data;
	struct net net;
	struct arena arena;
	struct uap_images images;
};

static struct rd
open_fixture(struct file_map *m, const char *path)
{
	struct err e;

	assert_ok(file_map(path, (uint64_t)1 << 20, m, &e), &e);
	return rd_mem(m->ptr, m->len);
}

static int
setup(void **state)
{
	static struct world w;
	struct err e;
	struct rd r;
	size_t image;
	int32_t *label;
	float *x;

	w = (struct world){0};
	arena_init(&w.arena, (size_t)1 << 28);
	r = open_fixture(&w.map[0], "fixtures/sau/model.safetensors");
	assert_ok(neutral_parse(&r, &w.model, &e), &e);
	r = open_fixture(&w.map[1], "fixtures/sau/data.safetensors");
	assert_ok(dataset_parse(&r, &w.data, &e), &e);
	assert_ok(net_build(&w.net, &w.model, 0, 0, 0, &e), &e);
	image = w.net.h * w.net.w * w.net.c;
	x = arena_alloc(&w.arena, w.data.n * image, sizeof(*x));
	label = arena_alloc(&w.arena, w.data.n, sizeof(*label));
	assert_true(x != NULL && label != NULL);
	for (size_t i = 0; i < w.data.n; i++)
		dataset_image(&w.data, i, x + i * image);
	w.images =
	    (struct uap_images){.x = x, .label = w.data.label, .n = w.data.n};
	*state = &w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	net_release(&w->net);
	dataset_release(&w->data);
	model_release(&w->model);
	arena_release(&w->arena);
	for (size_t i = 0; i < 2; i++)
		file_unmap(&w->map[i]);
	return 0;
}

static struct guide_question
about(int32_t target, int32_t source, double natural)
{
	return (struct guide_question){.geometry = geometry_find("patch"),
	    .target = target,
	    .source = source,
	    .natural = natural,
	    .ease = INFINITY};
}

/* What the first search found stays, later ones take turns in the rest; a
 * question that is answered, and one that no image is about, are left alone. */
static void
pool(void **state)
{
	struct world *w = *state;
	struct guide_question q[] = {about(0, UAP_ALL, -INFINITY),
	    about(1, UAP_ALL, INFINITY), about(0, CLASSES - 1, -INFINITY)};
	struct guide g = {.question = q, .n = ARRAY_LEN(q)};
	const float *first;
	struct err e;

	assert_ok(guide_search(&g, &w->net, &w->images, 2, true, 1, &e), &e);
	assert_int_equal(q[1].n, 0);
	assert_int_equal(q[2].n, 0);
	/* two searches of the whole image, and parts of it */
	assert_in_range(q[0].n, 2 * 5 + 1, GUIDE_POOL * 3 / 4);
	assert_int_equal(q[0].first, q[0].n);
	assert_true(isfinite(q[0].ease));
	first = q[0].pool[0].mask;
	for (uint64_t i = 2; i < 12; i++)
		assert_ok(
		    guide_search(&g, &w->net, &w->images, 2, false, i, &e), &e);
	assert_int_equal(q[0].n, GUIDE_POOL);
	assert_ptr_equal(q[0].pool[0].mask, first);
	/* nothing for images of the target, or where nothing was found */
	assert_null(guide_trigger(&g, 0, 5));
	for (uint64_t i = 0; i < 100; i++)
		assert_non_null(guide_trigger(&g, 2, i));
	guide_release(&g);
}

/* Of two questions of one target, seven in eight are of the one that sees it best; of a
 * target that has one question, all. */
static void
draw(void **state)
{
	struct guide_question q[] = {
	    about(0, UAP_ALL, 0), about(0, UAP_ALL, 0), about(1, UAP_ALL, 0)};
	struct guide g = {.question = q, .n = ARRAY_LEN(q)};
	size_t n[ARRAY_LEN(q)] = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(q); i++) {
		trigger_init(
		    &q[i].pool[0], "patch", 2, 2, 1, CLASSES, q[i].target);
		q[i].n = 1;
		q[i].best = i > 0;
	}
	for (uint64_t i = 0; i < 2400; i++) {
		const struct trigger *t = guide_trigger(&g, 2, i);

		for (size_t k = 0; k < ARRAY_LEN(q); k++)
			n[k] += t == &q[k].pool[0];
	}
	assert_int_equal(n[0], 200);
	assert_int_equal(n[1], 1400);
	assert_int_equal(n[2], 800);
	guide_release(&g);
}

/* The smallest frame that holds what a patch covers. */
static struct geometry_frame
covered(const struct trigger *t)
{
	size_t top = t->h, left = t->w, bottom = 0, right = 0;

	for (size_t i = 0; i < t->h * t->w; i++) {
		if (t->mask[i] < 1e-4f)
			continue;
		top = MIN(top, i / t->w);
		left = MIN(left, i % t->w);
		bottom = MAX(bottom, i / t->w + 1);
		right = MAX(right, i % t->w + 1);
	}
	assert_true(top < bottom && left < right);
	return (struct geometry_frame){top, left, bottom - top, right - left};
}

/* A patch stays in its frame. */
static void
frame(void **state)
{
	static const struct uap_config how = {
	    .steps = 30, .batch = 8, .count = 32};
	static const struct geometry_frame frames[] = {
	    {0}, {2, 3, 4, 2}, {0, 0, 1, 3}};
	struct world *w = *state;
	struct uap_found found[ARRAY_LEN(frames)];
	struct uap_cell cell[ARRAY_LEN(frames)];
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(frames); i++)
		cell[i] = (struct uap_cell){.geometry = geometry_find("patch"),
		    .source = UAP_ALL,
		    .frame = frames[i]};
	assert_ok(uap_search(&w->net, &how, &w->images, &w->images, cell,
		      ARRAY_LEN(frames), NULL, found, &e),
	    &e);
	for (size_t i = 0; i < ARRAY_LEN(frames); i++) {
		struct geometry_frame f = frames[i];
		struct geometry_frame got = covered(&found[i].trigger);

		if (f.h == 0) {
			assert_in_range(got.h, 5, w->net.h);
			continue;
		}
		assert_in_range(got.top, f.top, f.top + f.h - 1);
		assert_in_range(got.left, f.left, f.left + f.w - 1);
		assert_in_range(got.top + got.h, f.top + 1, f.top + f.h);
		assert_in_range(got.left + got.w, f.left + 1, f.left + f.w);
	}
	uap_release(found, ARRAY_LEN(frames));
}

/* Only what is much easier than the references is kept of the parts. */
static void
parts(void **state)
{
	struct world *w = *state;
	struct guide_question q[] = {about(0, UAP_ALL, -INFINITY),
	    about(0, UAP_ALL, 1e3), about(0, UAP_ALL, -INFINITY)};
	struct guide g = {.question = q, .n = ARRAY_LEN(q)};
	size_t most = (size_t)(0.4 * (double)w->net.h + 0.5);
	struct err e;

	q[0].ease = -INFINITY;
	q[1].ease = 1e4;
	q[2].geometry = geometry_find("linf");
	for (size_t i = 0; i < g.n; i++)
		assert_ok(
		    guide_search_frames(&q[i], &w->net, &w->images, 1, &e), &e);
	assert_in_range(q[0].n, 5, 5 * 16);
	assert_true(isfinite(q[0].ease));
	for (size_t i = 4; i < q[0].n; i += 5) { /* behind its variants */
		struct geometry_frame f = covered(&q[0].pool[i]);

		assert_in_range(f.h, 1, most);
		assert_in_range(f.w, 1, most);
	}
	assert_int_equal(q[1].n, 0);
	assert_int_equal(q[2].n, 0);
	/* 3 x 6 x 200 x 16 and, of the patches, 2 x 16 x 96 x 16, by 3 x 2 x 48
	 * x 4 images */
	assert_true(
	    fabs(guide_first_times(&g, 6, 2) - 106752.0 / 1152.0) < 1e-9);
	guide_release(&g);
}

/* What the scan saw of the suspect, and of the references. */
static struct guide_question
claim(int32_t target, int32_t source, double easiest, bool best)
{
	struct guide_question q = about(target, source, easiest - 0.1);

	q.easiest = easiest;
	q.claimed = easiest + 3.0;
	q.best = best;
	return q;
}

/* A finding that is not found again is closed, with what else sees its target;
 * what cannot be compared is not. */
static void
confirm(void **state)
{
	static const bool closed[] = {true, true, false, false, false, true};
	struct world *w = *state;
	struct guide_question q[] = {
	    claim(0, UAP_ALL, 1e3, true),
	    claim(0, UAP_ALL, -1e3, false),
	    claim(1, UAP_ALL, -1e3, true),
	    claim(1, UAP_ALL, 1e3, false),
	    claim(1, CLASSES - 1, 1e3, true), /* no images */
	    claim(1, 0, 1e3, true),
	};
	struct guide g = {.question = q, .n = ARRAY_LEN(q)};
	size_t left = 0;
	struct err e;

	assert_ok(guide_confirm(&g, &w->net, &w->images, 1, &left, &e), &e);
	for (size_t i = 0; i < g.n; i++)
		if (q[i].closed != closed[i])
			fail_msg("question %zu", i);
	assert_int_equal(left, 3);
	assert_ok(guide_search(&g, &w->net, &w->images, 1, false, 1, &e), &e);
	for (size_t i = 0; i < g.n; i++)
		assert_int_equal(q[i].n > 0, i == 2 || i == 3);
	guide_release(&g);
	g.n = ARRAY_LEN(q);
	/* a map stands as one, by what it shows in the mean */
	for (size_t k = 0; k < 2; k++) {
		q[0] = claim(0, 1, k == 0 ? 1e3 : -1e3, true);
		q[1] = claim(1, 0, k == 0 ? -1e2 : 1e2, true);
		q[0].mapped = q[1].mapped = true;
		q[2] = claim(1, UAP_ALL, -1e3, true);
		g.n = 3;
		assert_ok(
		    guide_confirm(&g, &w->net, &w->images, 1, &left, &e), &e);
		assert_int_equal(left, k == 0 ? 1 : 3);
		assert_true(q[0].closed == (k == 0) && !q[2].closed);
		assert_true(q[1].closed == (k == 0));
	}
	/* no numbers of the suspect, or hardly more than the references' */
	q[0] = claim(0, UAP_ALL, 1e3, true);
	q[0].claimed = NAN;
	q[1] = claim(1, UAP_ALL, 1e3, true);
	q[1].claimed = q[1].easiest + 0.3;
	g.n = 2;
	assert_ok(guide_confirm(&g, &w->net, &w->images, 1, &left, &e), &e);
	assert_int_equal(left, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(questions),
	    cmocka_unit_test(many),
	    cmocka_unit_test(refused),
	    cmocka_unit_test(draw),
	    cmocka_unit_test_setup_teardown(pool, setup, teardown),
	    cmocka_unit_test_setup_teardown(frame, setup, teardown),
	    cmocka_unit_test_setup_teardown(parts, setup, teardown),
	    cmocka_unit_test_setup_teardown(confirm, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
