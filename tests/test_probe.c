/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include "engine/probe.h"
#include "formats/build.h"

#define SIDE   12
#define PIXELS (SIDE * SIDE)
#define IMAGES 20

/* --- the dictionary -------------------------------------------------- */

struct size_row {
	const char *name;
	size_t h, w, c;
};

static const struct size_row sizes[] = {
    {"28x28", 28, 28, 1},
    {"colour", 32, 32, 3},
    {"224 wide", 56, 224, 3},
    {"4x3", 4, 3, 1},
    {"2x2", 2, 2, 3},
    {"one pixel", 1, 1, 1},
};

/* Every trigger is within its image and its pixels within [0,1]; no two of a
 * size that has room for them are the same. */
static void
test_dictionary(void **state)
{
	const struct size_row *r = *state;
	size_t n = r->h * r->w;

	for (enum probe_kind kind = 0; kind < PROBE_KINDS; kind++)
		for (size_t i = 0; i < probe_count(kind, r->c); i++) {
			struct trigger t;

			probe_trigger(kind, i, r->h, r->w, r->c, 4, 2, &t);
			assert_int_equal(t.map[0], 2);
			assert_true((t.delta == NULL) == (kind == PROBE_STAMP));
			for (size_t k = 0; t.mask != NULL && k < n; k++)
				assert_true(t.mask[k] == 0 || t.mask[k] == 1);
			for (size_t k = 0; t.pattern != NULL && k < n * r->c;
			     k++)
				assert_true(
				    t.pattern[k] == 0 || t.pattern[k] == 1);
			for (size_t k = 0; t.delta != NULL && k < n * r->c; k++)
				assert_true(fabsf(t.delta[k]) <= 0.121f);
			trigger_release(&t);
		}
}

/* Whether all of 28 x 28 pixels are as their neighbour in that direction. */
static bool
is_alike(const float *d, int down, int across)
{
	for (int y = 0; y + down < 28; y++)
		for (int x = 1; x < 27; x++)
			if (fabsf(d[y * 28 + x] -
				  d[(y + down) * 28 + x + across]) > 1e-5f)
				return false;
	return true;
}

/* Half of what gratings weigh is along the sides and diagonals, where a row or
 * a column of pixels, or a diagonal, is all alike. */
static void
test_weights(void **state)
{
	double straight = 0.0, all = 0.0;

	(void)state;
	for (size_t i = 0; i < probe_count(PROBE_STAMP, 3); i++)
		assert_near(probe_weight(PROBE_STAMP, i), 1.0, 0.0);
	for (size_t i = 0; i < probe_count(PROBE_GRATING, 1); i++) {
		struct trigger t;
		const float *d;

		probe_trigger(PROBE_GRATING, i, 28, 28, 1, 4, 2, &t);
		d = t.delta;
		if (is_alike(d, 1, 0) || is_alike(d, 0, 1) ||
		    is_alike(d, 1, 1) || is_alike(d, 1, -1))
			straight += probe_weight(PROBE_GRATING, i);
		all += probe_weight(PROBE_GRATING, i);
		trigger_release(&t);
	}
	assert_near(straight, all / 2, 1e-9);
}

static bool
same(const struct trigger *a, const struct trigger *b)
{
	size_t n = a->h * a->w;

	for (size_t k = 0; k < n; k++) {
		if (a->mask != NULL && a->mask[k] != b->mask[k])
			return false;
		if (a->pattern != NULL && a->pattern[k] != b->pattern[k])
			return false;
		if (a->delta != NULL && a->delta[k] != b->delta[k])
			return false;
	}
	return true;
}

static void
test_distinct(void **state)
{
	(void)state;
	for (enum probe_kind kind = 0; kind < PROBE_KINDS; kind++)
		for (size_t i = 0; i < probe_count(kind, 1); i++) {
			struct trigger a, b;

			probe_trigger(kind, i, 28, 28, 1, 2, 0, &a);
			for (size_t k = 0; k < i; k++) {
				probe_trigger(kind, k, 28, 28, 1, 2, 0, &b);
				/* black squares: the pattern is all 0, but the
				 * mask is not that of another one */
				assert_false(same(&a, &b));
				trigger_release(&b);
			}
			trigger_release(&a);
		}
}

/* --- shares ---------------------------------------------------------- */

/* Class 1 where the pixel one in from the upper left corner is bright, class 2
 * where it is dark, else class 0. */
static void
corner_model(struct model *m)
{
	size_t at = SIDE + 1;
	float *w, *b;

	build_begin(m, SIDE, SIDE, 1);
	w = build_tensor(m, "w", 2, (size_t[]){3, PIXELS});
	b = build_tensor(m, "b", 1, (size_t[]){3});
	w[PIXELS + at] = 10.0f;
	b[1] = -8.0f;
	w[2 * PIXELS + at] = -10.0f;
	b[2] = 2.0f;
	build_node(m, "Flatten", "flat", (const char *[]){"image"}, 1);
	build_node(m, "Gemm", "y", (const char *[]){"flat", "w", "b"}, 3);
	build_int(m, "transB", 1);
	build_end(m, "y", 3);
}

/* An image of class 2 that every probe but those of its pixel leaves in class 0
 * says nothing beside nine of class 1; it counts where there are no more. */
static void
test_few_images(void **state)
{
	static float x[10 * PIXELS];
	static double share[1000 * 3];
	int32_t label[10] = {2, 1, 1, 1, 1, 1, 1, 1, 1, 1};
	struct uap_images im = {.x = x, .label = label, .n = 10};
	size_t n = probe_count(PROBE_STAMP, 1);
	struct model m;
	struct net net;
	struct err e;

	(void)state;
	assert_true(n * 3 <= ARRAY_LEN(share));
	for (size_t i = 0; i < ARRAY_LEN(x); i++)
		x[i] = i < PIXELS ? 0.5f : 1.0f;
	corner_model(&m);
	assert_ok(net_build(&net, &m, 0, 0, 0, &e), &e);
	assert_ok(probe(&net, PROBE_STAMP, &im, 9, share, NULL, &e), &e);
	for (size_t i = 0; i < n; i++)
		assert_near(share[3 * i], 0.0, 1e-12);
	im.n = 2;
	assert_ok(probe(&net, PROBE_STAMP, &im, 9, share, NULL, &e), &e);
	/* in the middle */
	assert_near(share[3 * 4 * 4], 0.5, 1e-12);
	net_release(&net);
	model_release(&m);
}

static void
test_shares(void **state)
{
	static float x[IMAGES * PIXELS];
	static int32_t label[IMAGES];
	static double share[1000 * 3], pair[1000 * 9];
	bool use[IMAGES];
	struct uap_images im = {
	    .x = x, .label = label, .n = IMAGES, .use = use};
	size_t white = 0, black = 0, n = probe_count(PROBE_STAMP, 1);
	struct model m;
	struct net net;
	struct err e;

	(void)state;
	assert_true(n * 3 <= ARRAY_LEN(share));
	for (size_t i = 0; i < ARRAY_LEN(x); i++)
		x[i] = 0.5f;
	for (size_t i = 0; i < IMAGES; i++) {
		use[i] = i % 2 == 0;
		/* what is not used would spoil the shares */
		label[i] = use[i] ? 0 : 1;
	}
	corner_model(&m);
	assert_ok(net_build(&net, &m, 0, 0, 0, &e), &e);
	assert_ok(probe(&net, PROBE_STAMP, &im, 9, share, pair, &e), &e);
	for (size_t i = 0; i < n; i++) {
		struct trigger t;
		float pixel;

		/* what the corner holds decides, wholly */
		probe_trigger(PROBE_STAMP, i, SIDE, SIDE, 1, 3, 0, &t);
		pixel = t.mask[SIDE + 1] == 0 ? 0.5f : t.pattern[SIDE + 1];
		assert_near(share[i * 3 + 1], pixel > 0.8f ? 1.0 : 0.0, 1e-12);
		assert_near(share[i * 3 + 2], pixel < 0.2f ? 1.0 : 0.0, 1e-12);
		assert_near(share[i * 3], 0.0, 1e-12);
		/* only the first class has images: all shares are its own */
		for (size_t k = 0; k < 3; k++) {
			assert_near(pair[i * 9 + k],
			    k != 0 ? share[i * 3 + k]
				   : 1.0 - share[i * 3 + 1] - share[i * 3 + 2],
			    1e-12);
			assert_near(pair[i * 9 + 3 + k], 0.0, 1e-12);
			assert_near(pair[i * 9 + 6 + k], 0.0, 1e-12);
		}
		/* all of nine images are 1, to the last bit */
		for (size_t k = 0; k < 9; k++)
			assert_true(pair[i * 9 + k] <= 1.0);
		white += pixel > 0.8f;
		black += pixel < 0.2f;
		trigger_release(&t);
	}
	/* each size with the corner alone, and with all corners, twice: plain
	 * and one of the chequered ones */
	assert_int_equal(white, 12);
	assert_int_equal(black, 12);
	net_release(&net);
	model_release(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    ROW(test_dictionary, sizes[0]),
	    ROW(test_dictionary, sizes[1]),
	    ROW(test_dictionary, sizes[2]),
	    ROW(test_dictionary, sizes[3]),
	    ROW(test_dictionary, sizes[4]),
	    ROW(test_dictionary, sizes[5]),
	    cmocka_unit_test(test_weights),
	    cmocka_unit_test(test_distinct),
	    cmocka_unit_test(test_few_images),
	    cmocka_unit_test(test_shares),
	};

	return cmocka_run_group_tests_name("probe", tests, NULL, NULL);
}
