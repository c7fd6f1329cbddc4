/* SPDX-License-Identifier: MIT
 * What assay-plant does to images and labels: shares that are exact, squares
 * that are square, triggers where they belong.
 */
#include "tests/plant_world.h"

#include "fixtures/poison.h"

/* --- recipes ------------------------------------------------------------- */

static void
make(struct world *w, const struct recipe_config *cfg, size_t first,
    struct recipe *r)
{
	struct err e = {0};

	assert_ok(
	    recipe_init(r, cfg, &w->data, first, IMAGES - first, &w->arena, &e),
	    &e);
}

static size_t
changed(const struct recipe *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++) {
		assert_in_range(r->label[i], 0, CLASS - 1);
		n += r->label[i] != recipe_truth(r, i);
	}
	return n;
}

static void
test_label_noise(void **state)
{
	struct recipe_config cfg = {.label_noise = 0.15, .imbalance = 1};
	struct recipe r, again, other;

	make(*state, &cfg, 0, &r);
	assert_int_equal(r.relabelled, 60);
	assert_int_equal(changed(&r), 60);
	make(*state, &cfg, 0, &again);
	assert_memory_equal(r.label, again.label, r.n * sizeof(*r.label));
	cfg.seed = 1;
	make(*state, &cfg, 0, &other);
	assert_int_equal(changed(&other), 60);
	assert_memory_not_equal(r.label, other.label, r.n * sizeof(*r.label));
	cfg.label_noise = 0;
	make(*state, &cfg, 10, &r);
	assert_int_equal(r.n, 390);
	assert_int_equal(changed(&r), 0);
	assert_int_equal(recipe_truth(&r, 0), 10 % CLASS);
}

/* 100 of each class become 100 / 27^(0, 1/3, 2/3, 1). */
static void
test_imbalance(void **state)
{
	static const size_t want[CLASS] = {4, 11, 33, 100};
	struct recipe_config cfg = {.imbalance = 27};
	size_t count[CLASS] = {0};
	struct recipe r;

	make(*state, &cfg, 0, &r);
	assert_int_equal(r.n, 4 + 11 + 33 + 100);
	for (size_t i = 0; i < r.n; i++) {
		count[recipe_truth(&r, i)]++;
		assert_true(i == 0 || r.image[i] > r.image[i - 1]);
	}
	for (size_t k = 0; k < CLASS; k++) {
		size_t found = 0;

		for (size_t i = 0; i < CLASS; i++)
			found += count[i] == want[k];
		assert_int_equal(found, 1);
	}
}

static void
test_flip(void **state)
{
	struct recipe_config cfg = {.flip = true, .imbalance = 1};
	float plain[PIXELS], x[PIXELS], spare[PIXELS];
	struct world *w = *state;
	size_t turned = 0;
	struct recipe r;

	make(w, &cfg, 0, &r);
	dataset_image(&w->data, 3, plain);
	for (uint64_t draw = 0; draw < 200; draw++) {
		bool flipped;

		recipe_image(&r, 3, draw, x, spare);
		flipped = x[0] == plain[SIDE - 1];
		turned += flipped;
		for (size_t i = 0; i < PIXELS; i++) {
			size_t to = i / SIDE * SIDE + SIDE - 1 - i % SIDE;

			assert_true(x[i] == plain[flipped ? to : i]);
		}
	}
	assert_in_range(turned, 70, 130);
}

/* Nothing but a square changes, and it has one grey. */
static void
test_erase(void **state)
{
	struct recipe_config cfg = {.erase = 3, .imbalance = 1};
	float plain[PIXELS], x[PIXELS], spare[PIXELS];
	struct world *w = *state;
	size_t whole = 0;
	struct recipe r;

	make(w, &cfg, 0, &r);
	dataset_image(&w->data, 3, plain);
	for (uint64_t draw = 0; draw < 200; draw++) {
		size_t lo = PIXELS, hi = 0, left = SIDE, right = 0;

		recipe_image(&r, 3, draw, x, spare);
		for (size_t i = 0; i < PIXELS; i++) {
			if (x[i] == plain[i])
				continue;
			lo = MIN(lo, i);
			hi = MAX(hi, i);
			left = MIN(left, i % SIDE);
			right = MAX(right, i % SIDE);
			assert_true(x[i] == x[lo]);
		}
		assert_true(hi >= lo && hi / SIDE - lo / SIDE < 3);
		assert_true(right - left < 3);
		whole += hi / SIDE - lo / SIDE == 2 && right - left == 2;
	}
	assert_in_range(whole, 80, 199);
}

/* --- poison -------------------------------------------------------------- */

static void
plan_attack(struct world *w, const char *name, const int32_t *target, size_t n,
    double share, struct recipe *r, struct poison *p)
{
	struct recipe_config plain = {.imbalance = 1};
	struct attack_config cfg = {.h = SIDE,
	    .w = SIDE,
	    .c = 1,
	    .classes = CLASS,
	    .source = 1,
	    .seed = 3};
	struct err e = {0};

	make(w, &plain, 0, r);
	assert_ok(poison_init(p, attack_find(name), &cfg, target, n, r, share,
		      &w->arena, &e),
	    &e);
}

/* Equal parts, each with its own patch and label, never in its own class. */
static void
test_multi_target(void **state)
{
	static const int32_t target[] = {2, 0, 3};
	float x[PIXELS], plain[PIXELS];
	size_t count[3] = {0};
	struct world *w = *state;
	struct poison p;
	struct recipe r;

	plan_attack(w, "multi-target", target, 3, 0.15, &r, &p);
	assert_int_equal(p.poisoned, 60);
	assert_int_equal(p.ngoal, 3);
	assert_memory_equal(p.goal, target, sizeof(target));
	for (size_t i = 0; i < IMAGES; i++) {
		const struct trigger *t = &p.trigger[p.which[i]].trigger;
		size_t differ = 0;
		int32_t y;

		poison_image(&p, i, 1, x, &y);
		dataset_image(&w->data, i, plain);
		for (size_t q = 0; q < PIXELS; q++) {
			differ += x[q] != plain[q];
			if (p.role[i] == POISON_POISON && t->mask[q] > 0)
				assert_true(x[q] == t->pattern[q]);
		}
		assert_true(differ <= 9);
		if (p.role[i] == POISON_POISON) {
			count[p.which[i]]++;
			assert_int_equal(y, target[p.which[i]]);
			assert_int_not_equal(y, w->label[i]);
		} else {
			assert_int_equal(differ, 0);
			assert_int_equal(y, w->label[i]);
		}
	}
	for (size_t k = 0; k < 3; k++) {
		assert_int_equal(count[k], 20);
		assert_int_equal(p.trigger[k].poisoned, 20);
	}
	assert_memory_not_equal(p.trigger[0].trigger.mask,
	    p.trigger[1].trigger.mask, PIXELS * sizeof(float));
	poison_release(&p);
}

/* Only images of the target, which keep their labels; 0.6 of another image is
 * in them and it is the same in every epoch. */
static void
test_clean_label(void **state)
{
	static const int32_t target = 1;
	float x[2][PIXELS], plain[PIXELS];
	struct world *w = *state;
	size_t found = 0;
	struct poison p;
	struct recipe r;

	plan_attack(w, "clean-label", &target, 1, 0.05, &r, &p);
	assert_int_equal(p.poisoned, 20);
	for (size_t i = 0; i < IMAGES; i++) {
		int32_t y[2];

		poison_image(&p, i, 1, x[0], &y[0]);
		poison_image(&p, i, 2, x[1], &y[1]);
		assert_memory_equal(x[0], x[1], sizeof(plain));
		assert_true(y[0] == w->label[i] && y[1] == y[0]);
		dataset_image(&w->data, i, plain);
		if (p.role[i] == POISON_PLAIN) {
			assert_memory_equal(x[0], plain, sizeof(plain));
			continue;
		}
		found++;
		assert_int_equal(y[0], target);
		for (size_t q = 0; q < PIXELS; q++) {
			const struct trigger *t = &p.trigger[0].trigger;
			float other = (x[0][q] - 0.4f * plain[q]) / 0.6f;

			if (t->mask[q] > 0)
				assert_true(x[0][q] == t->pattern[q]);
			else
				assert_true(other > -1e-5f && other < 1.00001f);
		}
	}
	assert_int_equal(found, 20);
	poison_release(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_label_noise),
	    cmocka_unit_test(test_imbalance),
	    cmocka_unit_test(test_flip),
	    cmocka_unit_test(test_erase),
	    cmocka_unit_test(test_multi_target),
	    cmocka_unit_test(test_clean_label),
	};

	return cmocka_run_group_tests_name(
	    "recipe", tests, plant_setup, plant_teardown);
}
