/* SPDX-License-Identifier: MIT
 * Agreement, calibration and divergence of answers made by hand.
 */
#include "tests/test.h"

#include "purify/harm.h"

static struct arena arena;

static int
setup(void **state)
{
	(void)state;
	arena_init(&arena, (size_t)1 << 20);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

/* Logits of two classes with this probability of the first. */
static float
of(double p)
{
	return (float)log(p / (1 - p));
}

/* Four images that are sure to 3/4 and right three times: calibrated.  The
 * other model is sure to .9, right twice. */
static void
calibrated(void **state)
{
	float z0[8] = {0}, z[8] = {0};
	const int32_t y[4] = {0, 0, 0, 1};
	struct harm h;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		z0[2 * i] = of(.75);
		z[2 * i] = of(i < 2 ? .9 : .1);
	}
	z[6] = of(.9);
	harm_compare(&h, z0, z, y, 4, 2, &arena);
	assert_int_equal(h.before.correct, 3);
	assert_int_equal(h.after.correct, 2);
	assert_near(h.before.calibration, 0.0, 1e-6);
	/* all four in (13/15, 14/15]: mean probability .9, two of four right */
	assert_near(h.after.calibration, 0.4, 1e-6);
	assert_near(
	    h.before.brier, (3 * 2 * .25 * .25 + 2 * .75 * .75) / 4, 1e-6);
	assert_near(h.after.brier, (2 * 2 * .01 + 2 * 2 * .81) / 4, 1e-6);
	assert_int_equal(h.same, 3);
}

/* Errors of one sign do not make up for the other's in another bin. */
static void
bins_apart(void **state)
{
	const int32_t y[2] = {0, 1};
	float z[4] = {0};
	struct harm h;

	(void)state;
	z[0] = of(.6);  /* right */
	z[2] = of(.99); /* wrong */
	harm_compare(&h, z, z, y, 2, 2, &arena);
	assert_near(h.before.calibration, (.4 + .99) / 2, 1e-6);
	assert_near(h.after.calibration, h.before.calibration, 0.0);
}

static void
divergence(void **state)
{
	const int32_t y[2] = {0, 0};
	float z0[6] = {0}, z[6] = {0};
	struct harm h;

	(void)state;
	harm_compare(&h, z0, z, y, 2, 3, &arena);
	assert_near(h.divergence, 0.0, 1e-12);
	/* the second image: thirds against 1/2, 1/4, 1/4 */
	z[3] = (float)log(2.0);
	harm_compare(&h, z0, z, y, 2, 3, &arena);
	assert_near(
	    h.divergence, (log(2.0 / 3) + 2 * log(4.0 / 3)) / 3 / 2, 1e-6);
	/* a probability that rounds to zero is a finite number of nats */
	z[3] = -1000;
	harm_compare(&h, z0, z, y, 2, 3, &arena);
	assert_near(h.divergence, (1000.0 / 3 + log(2.0) - log(3.0)) / 2, 1e-3);
}

static void
per_class(void **state)
{
	const int32_t y[5] = {0, 0, 1, 1, 1};
	float z0[10] = {1, 0, 1, 0, 0, 1, 0, 1, 0, 1};
	float z[10] = {1, 0, 0, 1, 1, 0, 0, 1, 0, 1};
	struct harm h;

	(void)state;
	harm_compare(&h, z0, z, y, 5, 2, &arena);
	assert_int_equal(h.of[0].n, 2);
	assert_int_equal(h.of[0].before, 2);
	assert_int_equal(h.of[0].after, 1);
	assert_int_equal(h.of[1].n, 3);
	assert_int_equal(h.of[1].after, 2);
	/* a half is more than a third */
	assert_int_equal(harm_worst(&h), 0);
	harm_compare(&h, z, z0, y, 5, 2, &arena);
	assert_true(harm_worst(&h) == SIZE_MAX);
}

static void
document(void **state)
{
	const int32_t y[2] = {0, 1};
	const float z0[4] = {2, 0, 0, 2}, z[4] = {2, 0, 2, 0};
	const char *name[] = {"cat", ""};
	const struct dataset d = {.classes = 2, .name = name};
	struct harm h;
	json_t *j;

	(void)state;
	harm_compare(&h, z0, z, y, 2, 2, &arena);
	j = harm_json(&h, &d);
	assert_near(json_real_value(json_at(j, "agreement")), .5, 0.0);
	assert_near(json_real_value(json_at(j, "accuracy.before")), 1, 0.0);
	assert_near(json_real_value(json_at(j, "accuracy.after")), .5, 0.0);
	assert_string_equal(json_text_at(j, "per_class.0.name"), "cat");
	assert_string_equal(json_text_at(j, "per_class.1.name"), "1");
	assert_int_equal(
	    json_integer_value(json_at(j, "per_class.1.after")), 0);
	json_decref(j);
}

/* Classes that both models rule out change nothing. */
static void
ruled_out(void **state)
{
	const int32_t y[2] = {0, 0};
	float z0[6] = {0}, z[6] = {0};
	struct harm h;

	(void)state;
	z0[1] = -1.0f;
	z0[2] = z[2] = z0[5] = z[5] = -INFINITY;
	harm_compare(&h, z0, z, y, 2, 3, &arena);
	assert_true(isfinite(h.divergence) && h.divergence > 0.0);
	harm_compare(&h, z0, z0, y, 2, 3, &arena);
	assert_near(h.divergence, 0.0, 1e-12);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(calibrated),
	    cmocka_unit_test(bins_apart),
	    cmocka_unit_test(divergence),
	    cmocka_unit_test(ruled_out),
	    cmocka_unit_test(per_class),
	    cmocka_unit_test(document),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
