/* SPDX-License-Identifier: MIT
 * Scaling and cropping, byte for byte against Pillow and torchvision.
 */
#include "tests/test.h"

#include "base/digest.h"
#include "formats/fit.h"
#include "formats/resize.h"

#define NOISE 120000

struct scale {
	enum preprocess_filter filter;
	size_t h, w, c, oh, ow;
	const char *sha256;
};

struct sides {
	size_t h, w, k, oh, ow;
	const char *sha256;
};

static const struct scale scales[] = {
#define SCALE(f, h, w, c, oh, ow, sum) {FILTER_##f, h, w, c, oh, ow, sum},
#define SHORTEST(...)
#define CENTRE(...)
#include "fixtures/resize/cases.def"
#undef SCALE
#undef SHORTEST
#undef CENTRE
};
static const struct sides shortest[] = {
#define SCALE(...)
#define SHORTEST(h, w, k, oh, ow) {h, w, k, oh, ow, ""},
#define CENTRE(...)
#include "fixtures/resize/cases.def"
#undef SCALE
#undef SHORTEST
#undef CENTRE
};
static const struct sides centres[] = {
#define SCALE(...)
#define SHORTEST(...)
#define CENTRE(whose, h, w, oh, ow, sum) {h, w, CENTRE_##whose, oh, ow, sum},
#include "fixtures/resize/cases.def"
#undef SCALE
#undef SHORTEST
#undef CENTRE
};

/* What fixtures/gen/resize.py makes as well. */
static const uint8_t *
noise(void)
{
	static uint8_t byte[NOISE];
	static bool made;
	uint32_t s = 1;

	for (size_t i = 0; !made && i < NOISE; i++) {
		s = s * 1664525 + 1013904223;
		byte[i] = (uint8_t)(s >> 24);
	}
	made = true;
	return byte;
}

static void
assert_sum(const uint8_t *p, size_t n, const char *want)
{
	char text[DIGEST_HEX];
	struct digest d;

	digest_mem(p, n, &d);
	digest_hex(&d, text);
	assert_string_equal(text, want);
}

static void
test_scale(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(scales); i++) {
		const struct scale *s = &scales[i];
		size_t n = s->oh * s->ow * s->c;
		struct err e = {0};
		struct resize r;
		struct arena a;
		uint8_t *out;

		arena_init(&a, 1 << 24);
		assert_ok(resize_init(&r, &a, s->h, s->w, s->c, s->oh, s->ow,
			      s->filter, &e),
		    &e);
		assert_non_null(out = arena_alloc(&a, n, 1));
		resize_u8(&r, noise(), out);
		assert_sum(out, n, s->sha256);
		arena_release(&a);
	}
}

/* Floats take the same way without rounding: within two roundings. */
static void
test_float(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(scales); i++) {
		const struct scale *s = &scales[i];
		size_t n = s->oh * s->ow * s->c, m = s->h * s->w * s->c;
		float *in, *out;
		struct err e = {0};
		struct resize r;
		struct arena a;
		uint8_t *byte;

		arena_init(&a, 1 << 24);
		assert_ok(resize_init(&r, &a, s->h, s->w, s->c, s->oh, s->ow,
			      s->filter, &e),
		    &e);
		assert_non_null(byte = arena_alloc(&a, n, 1));
		assert_non_null(in = arena_alloc(&a, m, sizeof(*in)));
		assert_non_null(out = arena_alloc(&a, n, sizeof(*out)));
		for (size_t k = 0; k < m; k++)
			in[k] = (float)noise()[k] / 255.0f;
		resize_u8(&r, noise(), byte);
		resize_f32(&r, in, out);
		/* clipping between the passes moves cubic and sinc more */
		for (size_t k = 0; s->filter <= FILTER_BILINEAR && k < n; k++)
			assert_float_equal(out[k] * 255.0f, byte[k], 1.01f);
		arena_release(&a);
	}
}

static void
test_shortest(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(shortest); i++) {
		const struct sides *s = &shortest[i];
		size_t oh, ow;

		resize_shortest(s->h, s->w, s->k, &oh, &ow);
		assert_int_equal(oh, s->oh);
		assert_int_equal(ow, s->ow);
	}
}

static void
test_centre(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(centres); i++) {
		const struct sides *s = &centres[i];
		struct fit_shape f = {
		    .pre = {.from = "",
			.crop_height = (uint32_t)s->oh,
			.crop_width = (uint32_t)s->ow,
			.centre = (enum preprocess_centre)s->k}};
		struct image in = {s->w, s->h, 1, noise()}, out;
		struct err e = {0};
		struct arena a;

		arena_init(&a, 1 << 20);
		assert_ok(fit_image(&f, &in, &a, &out, &e), &e);
		assert_int_equal(out.h, s->oh);
		assert_int_equal(out.w, s->ow);
		assert_sum(out.pixel, s->oh * s->ow, s->sha256);
		arena_release(&a);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_scale),
	    cmocka_unit_test(test_float),
	    cmocka_unit_test(test_shortest),
	    cmocka_unit_test(test_centre),
	};

	return cmocka_run_group_tests_name("resize", tests, NULL, NULL);
}
