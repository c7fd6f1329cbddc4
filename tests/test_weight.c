/* SPDX-License-Identifier: MIT
 * audit/check_weight_*: cuts out of elements, what begins in bytes, what low
 * bits look like.
 */
#include "tests/test.h"

#include "audit/check_weight_finite.h"
#include "audit/check_weight_magic.h"
#include "audit/check_weight_stat.h"
#include "base/rng.h"

#include <math.h>

#define N 9000

struct world {
	struct check_weight_list l;
	struct tensor t[3];
	float a[N], b[10], c[N];
	struct check_weight_block block;
	uint8_t out[4 * (CHECK_WEIGHT_BLOCK + CHECK_WEIGHT_AHEAD) + 64];
	uint8_t want[4 * (CHECK_WEIGHT_BLOCK + CHECK_WEIGHT_AHEAD) + 64];
};

static struct world w;

static struct tensor
of(const void *p, size_t n, enum dtype d, size_t rank)
{
	return (struct tensor){.name = "t",
	    .dtype = d,
	    .rank = rank,
	    .dim = {n, 1},
	    .data = p,
	    .size = n * dtype_width(d)};
}

static int
setup(void **state)
{
	struct rng r;

	(void)state;
	rng_init(&r, 1, 2);
	for (size_t i = 0; i < N; i++) {
		w.a[i] = rng_normal(&r) * 0.05f;
		w.c[i] = rng_normal(&r) * 0.03f;
	}
	for (size_t i = 0; i < 10; i++)
		w.b[i] = rng_normal(&r);
	w.t[0] = of(w.a, N, DTYPE_F32, 2);
	w.t[1] = of(w.b, 10, DTYPE_F32, 1);
	w.t[2] = of(w.c, N, DTYPE_F32, 2);
	w.l = (struct check_weight_list){.tensor = w.t, .n = 3};
	return 0;
}

/* --- NaN and infinity ---------------------------------------------------- */

struct finite_row {
	const char *name;
	float v[8];
	const char *model, *data; /* what is found in safetensors, in NPY */
};

static const struct finite_row finite_rows[] = {
    {"numbers", {1, 2, -3, 4, 0, 1e30f, 7, 8}, NULL, NULL},
    {"NaN", {1, 2, -3, NAN, 0, 6, 7, 8}, "TENSOR_NONFINITE", "ARRAY_NONFINITE"},
    {"NaN in a mask", {0, NAN, -INFINITY, -INFINITY, 0, 0, 0, 0},
	"TENSOR_NONFINITE", "ARRAY_NONFINITE"},
    {"infinity", {1, 2, 3, INFINITY, 0, 6, 7, 8}, "TENSOR_NONFINITE",
	"ARRAY_NONFINITE"},
    {"minus infinity", {1, 2, 3, -INFINITY, 0, 6, 7, 8}, "TENSOR_NONFINITE",
	"ARRAY_NONFINITE"},
    {"a mask", {0, -INFINITY, 0, 0, 0, 0, 0, 0}, NULL, NULL},
    {"a mask of ones", {1, -INFINITY, 1, 0, 1, 1, 1, 1}, NULL, NULL},
    {"nothing else",
	{-INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY,
	    -INFINITY, -INFINITY},
	NULL, NULL},
    {"distances in a triangle",
	{0, -INFINITY, -INFINITY, -.5f, -.25f, -1, -2, 0}, NULL, NULL},
    {"plus infinity", {0, INFINITY, 0, 0, 0, 0, 0, 0}, "TENSOR_NONFINITE",
	"ARRAY_NONFINITE"},
};

static void
test_finite(void **state)
{
	const struct finite_row *row = *state;

	for (int npy = 0; npy < 2; npy++) {
		struct tensor t = of(row->v, 8, DTYPE_F32, 1);
		const char *want = npy != 0 ? row->data : row->model;
		struct identify_bids bids;
		struct check_sink sink = {
		    .findings = json_array(), .complete = true};
		struct check_file f = {
		    .path = "x", .bids = &bids, .sink = &sink};

		identify(npy != 0 ? rd_mem("\x93NUMPY\1\0\6\0{    }", 16)
				  : rd_mem("", 0),
		    &bids);
		check_weight_finite(&f, &t);
		assert_int_equal(
		    json_array_size(sink.findings), want != NULL ? 1 : 0);
		if (want != NULL)
			assert_string_equal(
			    json_string_value(json_object_get(
				json_array_get(sink.findings, 0), "id")),
			    want);
		json_decref(sink.findings);
	}
}

/* One number is what a Clip takes, if it is one. */
static void
test_finite_one(void **state)
{
	float v[] = {INFINITY, NAN};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct tensor t = of(&v[i], 1, DTYPE_F32, 1);
		struct identify_bids bids = {.n = 0};
		struct check_sink sink = {.findings = json_array()};
		struct check_file f = {
		    .path = "x", .bids = &bids, .sink = &sink};

		check_weight_finite(&f, &t);
		assert_int_equal(json_array_size(sink.findings), i);
		json_decref(sink.findings);
	}
}

/* --- cuts ---------------------------------------------------------------- */

/* The fast way of whole blocks against the plain one of single bits. */
static void
cuts_agree(void **state)
{
	static const unsigned bits[] = {1, 2, 3, 4, 5, 6, 7, 8, 16, 24};

	(void)state;
	for (size_t k = 0; k < 2 * ARRAY_LEN(bits); k++) {
		struct check_weight_cut c = {
		    .bits = bits[k / 2], .high = k % 2 != 0, .shift = 0};
		size_t n, got;

		check_weight_cut_load(&w.l, 0, 0, 8192, 0, &w.block);
		assert_int_equal(w.block.n, N - 8192);
		assert_int_equal(w.block.have, N - 8192 + CHECK_WEIGHT_AHEAD);
		n = check_weight_cut_take(&w.block, c.bits, c.high, w.out);
		assert_int_equal(n, w.block.have * c.bits / 8);
		got = check_weight_cut_read(
		    &w.l, 0, 0, &c, 8192 * c.bits, w.want, n);
		assert_int_equal(got, n);
		assert_memory_equal(w.out, w.want, n);
	}
}

/* One bit of each: what is put in comes out, from any bit on. */
static void
cut_of_one_bit(void **state)
{
	static const char text[] = "put in";
	struct check_weight_cut c = {.bits = 1, .high = true};
	uint32_t v;

	(void)state;
	for (size_t i = 0; i < 8 * strlen(text); i++) {
		memcpy(&v, &w.a[3 + i], 4);
		v = (v & ~1U) | ((uint32_t)text[i / 8] >> (7 - i % 8) & 1);
		memcpy(&w.a[3 + i], &v, 4);
	}
	assert_int_equal(check_weight_cut_read(&w.l, 0, 0, &c, 3, w.out, 6), 6);
	assert_memory_equal(w.out, text, 6);
}

/* From one tensor into the next, leaving out those of a smaller rank. */
static void
cut_goes_on(void **state)
{
	struct check_weight_cut c = {.bits = 8, .high = true};
	uint8_t low;

	(void)state;
	assert_int_equal(
	    check_weight_cut_read(&w.l, 0, 0, &c, 8 * (N - 1), w.out, 3), 3);
	memcpy(&low, &w.b[0], 1);
	assert_int_equal(w.out[1], low);
	assert_int_equal(
	    check_weight_cut_read(&w.l, 0, 2, &c, 8 * (N - 1), w.out, 3), 3);
	memcpy(&low, &w.c[0], 1);
	assert_int_equal(w.out[1], low);
	/* and no further than the last */
	assert_int_equal(
	    check_weight_cut_read(&w.l, 2, 0, &c, 8 * (N - 1), w.out, 9), 1);
}

/* --- beginnings ---------------------------------------------------------- */

struct magic {
	const char *name, *bytes;
	size_t len;
	const char *is; /* NULL: nothing */
};

#define BYTES(s) s, sizeof(s) - 1
static const struct magic magic_rows[] = {
    {"script", BYTES("#!/bin/sh\necho and so on\n"), "script"},
    {"script of noise", BYTES("#!/\x80\x01\x02\x03\x04\x05\x06\x07\x08-----"),
	NULL},
    {"key", BYTES("-----BEGIN PRIVATE KEY-----"), "key or certificate"},
    {"zip",
	BYTES("PK\3\4\x14\0\0\0\0\0\0\0\x21\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0"
	      "\0a123456"),
	"zip archive"},
    {"zip, method",
	BYTES("PK\3\4\x14\0\0\0\7\0\0\0\x21\0\0\0\0\0\0\0\0\0\0\0"
	      "\0\0\1\0\0\0a123456"),
	NULL},
    {"zip, flags",
	BYTES("PK\3\4\x14\0\0\x10\0\0\0\0\x21\0\0\0\0\0\0\0\0\0\0\0"
	      "\0\0\1\0\0\0a123456"),
	NULL},
    {"pickle", BYTES("\x80\2cposix\nsystem\nX\2\0\0\0id\x85R."), "pickle"},
    {"pickle without import", BYTES("\x80\2]q\0(K\1K\2K\3K\4K\5e."), NULL},
    {"shellcode, Linux, 64 bits",
	BYTES("/bin/sh\0\x53\x48\x89\xe7\x50\x48\x89\xe2"), "machine code"},
    {"shellcode, Linux, 32 bits", BYTES("h//shh/bin\x89\xe3\x50\x53\x89\xe1"),
	"machine code"},
    {"shellcode, Windows", BYTES("\xfcH\x83\xe4\xf0\xe8\xc0\0\0\0AQAPRQVH"),
	"machine code"},
    {"a shell that is no whole name", BYTES("/bin/shared/object"), NULL},
    {"ELF, magic only",
	BYTES("\x7f"
	      "ELFabcdefghijklmnopqrstuvwxyz"),
	NULL},
    {"MZ only", BYTES("MZabcdefghijklmnopqrstuvwxyz"), NULL},
    {"gzip header only", BYTES("\x1f\x8b\x08\0\0\0\0\0\0\3abcdefghijklmnop"),
	NULL},
    {"gzip",
	BYTES("\x1f\x8b\x08\0\0\0\0\0\0\3\x4b\x4c\x4a\6\0\xc2\x41\x24\x35\3\0\0"
	      "\0"),
	"gzip stream"},
};

static void
tells(void **state)
{
	const struct magic *m = *state;
	struct check_weight_magic table;
	uint8_t p[256] = {0};
	const char *got;
	bool deep;

	memcpy(p + 7, m->bytes, m->len);
	check_weight_magic_init(&table);
	got = check_weight_magic_tell(p + 7, m->len, true, &deep);
	if (m->is == NULL) {
		assert_null(got);
		return;
	}
	assert_non_null(got);
	assert_string_equal(got, m->is);
	assert_int_equal(check_weight_magic_next(&table, p, 0, sizeof(p)), 7);
	assert_true(check_weight_magic_maybe(p + 7, m->len));
	/* cut anywhere it is read within its bytes, which valgrind sees */
	for (size_t i = 0; i < m->len; i++)
		(void)check_weight_magic_tell(p + 7, i, true, &deep);
}

/* A hundred million places of noise show nothing. */
static void
noise_tells_nothing(void **state)
{
	static uint8_t p[1 << 16];
	struct check_weight_magic table;
	struct rng r;
	bool deep;

	(void)state;
	rng_init(&r, 3, 4);
	check_weight_magic_init(&table);
	for (size_t round = 0; round < 400; round++) {
		size_t i = 0;

		for (size_t k = 0; k < sizeof(p); k += 8) {
			uint64_t v = rng_u64(&r);

			memcpy(p + k, &v, 8);
		}
		while ((i = check_weight_magic_next(&table, p, i, sizeof(p))) <
		       sizeof(p)) {
			assert_null(check_weight_magic_tell(
			    p + i, sizeof(p) - i, true, &deep));
			i++;
		}
	}
}

/* --- low bits ------------------------------------------------------------ */

static double
rest_of(const void *p, enum dtype d)
{
	struct tensor t = of(p, N, d, 1);

	return check_weight_stat_rest(&t, 0, 0);
}

static void
honest_bits(void **state)
{
	static float x[N];

	(void)state;
	assert_true(rest_of(w.a, DTYPE_F32) < 0.2);
	for (size_t i = 0; i < N; i++) /* of integers */
		x[i] = rintf(w.a[i] * 700) * 0.00143f;
	assert_true(rest_of(x, DTYPE_F32) < 0.2);
	for (size_t i = 0; i < N; i++) /* decimals */
		x[i] = (float)(rint((double)w.a[i] * 1e4) / 1e4);
	assert_true(rest_of(x, DTYPE_F32) < 0.2);
	for (size_t i = 0; i < N; i++) /* never 2 modulo 4 */
		x[i] = w.a[i] / 3;
	assert_true(rest_of(x, DTYPE_F32) < 0.2);
}

static void
text_in_bits(void **state)
{
	static const char text[] = "import os, sys; print(os.environ) # again ";
	static float x[N];

	(void)state;
	for (size_t i = 0; i < N; i++) {
		uint32_t v;

		memcpy(&v, &w.a[i], 4);
		v = (v & ~0xffU) | (uint8_t)text[i % (sizeof(text) - 1)];
		memcpy(&x[i], &v, 4);
	}
	assert_true(
	    rest_of(x, DTYPE_F32) > 4 * check_weight_stat_limit(DTYPE_F32));
}

static void
shifts(void **state)
{
	static float x[N];
	struct tensor t = of(x, N, DTYPE_F32, 1);
	uint64_t rest;

	(void)state;
	assert_int_equal(check_weight_stat_shift(&w.t[0], &rest), 0);
	for (size_t i = 0; i < N; i++) {
		uint32_t v;

		memcpy(&v, &w.a[i], 4);
		v &= i == 77 ? ~0U : ~0x1fffU;
		memcpy(&x[i], &v, 4);
	}
	assert_int_equal(check_weight_stat_shift(&t, &rest), 13);
	assert_int_equal(rest, 1);
}

static void
text_or_not(void **state)
{
	static const char text[] = "numbers\1But this is text, which goes on "
				   "for more than sixty-four characters, yes.";
	static const char line[] =
	    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"
	    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz";
	size_t run;

	(void)state;
	assert_int_equal(check_weight_stat_text(
			     (const uint8_t *)text, sizeof(text) - 1, 64, &run),
	    8);
	assert_int_equal(run, sizeof(text) - 1 - 8);
	/* a row of numbers that grow by one */
	assert_int_equal(check_weight_stat_text(
			     (const uint8_t *)line, sizeof(line) - 1, 64, &run),
	    sizeof(line) - 1);
}

static void
aliens(void **state)
{
	static uint32_t x[1024];
	struct tensor t = of(x, 1024, DTYPE_F32, 1);
	struct rng r;

	(void)state;
	assert_int_equal(check_weight_stat_alien(&w.t[0], 0, 1024), 0);
	rng_init(&r, 5, 6);
	for (size_t i = 0; i < 1024; i++)
		x[i] = (uint32_t)rng_u64(&r);
	assert_true(check_weight_stat_alien(&t, 0, 1024) > 250);
	for (size_t i = 0; i < 1024; i++) /* a mask: one number, however big */
		x[i] = i % 2 != 0 ? 0xff7fffff : 0;
	assert_int_equal(check_weight_stat_alien(&t, 0, 1024), 0);
	for (size_t i = 0; i < 1024; i++) /* 2^60 to 2^80, as of stars */
		x[i] = (127 + 60 + (uint32_t)(rng_u64(&r) % 20)) << 23 | 77;
	assert_int_equal(check_weight_stat_alien(&t, 0, 1024), 0);
}

int
main(void)
{
	struct CMUnitTest
	    tests[ARRAY_LEN(magic_rows) + ARRAY_LEN(finite_rows) + 10];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(magic_rows); i++)
		tests[n++] = (struct CMUnitTest)ROW(tells, magic_rows[i]);
	for (size_t i = 0; i < ARRAY_LEN(finite_rows); i++)
		tests[n++] =
		    (struct CMUnitTest)ROW(test_finite, finite_rows[i]);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_finite_one);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(cuts_agree);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(noise_tells_nothing);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(honest_bits);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(text_in_bits);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(shifts);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(text_or_not);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(aliens);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(cut_goes_on);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(cut_of_one_bit);
	return cmocka_run_group_tests(tests, setup, NULL);
}
