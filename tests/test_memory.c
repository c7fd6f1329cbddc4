/* SPDX-License-Identifier: MIT
 * Arena, buffer and map: caps, alignment, hostile counts, many keys.
 */
#include "tests/test.h"

#include "base/buf.h"
#include "base/map.h"

static void
test_arena_cap(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 1000);
	assert_non_null(arena_alloc(&a, 10, 50));
	assert_non_null(arena_alloc(&a, 500, 1));
	assert_null(arena_alloc(&a, 1, 1)); /* full */
	assert_null(arena_alloc(&a, SIZE_MAX, 2));
	assert_null(arena_alloc(&a, SIZE_MAX, 1));
	assert_int_equal(a.used, 1000);
	arena_release(&a);
}

static void
test_arena_limit(void **state)
{
	const size_t mib = (size_t)1 << 20;
	struct arena a, b;

	(void)state;
	arena_limit(3 * mib);
	arena_init(&a, SIZE_MAX);
	arena_init(&b, SIZE_MAX);
	assert_non_null(arena_alloc(&a, 2 * mib, 1));
	assert_null(arena_alloc(&b, 2 * mib, 1)); /* together */
	assert_non_null(arena_alloc(&b, mib, 1));
	assert_null(arena_alloc(&b, mib, 1));
	assert_non_null(arena_alloc(&b, mib / 2, 1)); /* small */
	arena_release(&a);
	assert_non_null(arena_alloc(&b, 2 * mib, 1));
	arena_limit(SIZE_MAX);
	assert_non_null(arena_alloc(&b, 9 * mib, 1));
	arena_release(&b);
}

static void
test_arena_zeroed_and_apart(void **state)
{
	struct arena a;
	uint8_t *p[500];

	(void)state;
	arena_init(&a, (size_t)64 << 20);
	for (size_t i = 0; i < ARRAY_LEN(p); i++) {
		size_t n = i * 37 % 9000 + 1;

		p[i] = arena_alloc(&a, n, 1);
		assert_non_null(p[i]);
		assert_int_equal((uintptr_t)p[i] % 16, 0);
		if (n >= 4096)
			assert_int_equal((uintptr_t)p[i] % 64, 0);
		for (size_t k = 0; k < n; k++)
			assert_int_equal(p[i][k], 0);
		memset(p[i], (int)(i & 0xff), n);
	}
	for (size_t i = 0; i < ARRAY_LEN(p); i++)
		for (size_t k = 0; k < i * 37 % 9000 + 1; k++)
			assert_int_equal(p[i][k], i & 0xff);
	arena_release(&a);
}

static void
test_buf(void **state)
{
	struct buf b = {0};

	(void)state;
	buf_puts(&b, "ab");
	buf_u16le(&b, 0x0201);
	buf_u32le(&b, 0x06050403);
	buf_varint(&b, 300);
	buf_align(&b, 8);
	assert_int_equal(b.len, 16);
	assert_memory_equal(b.ptr, "ab\1\2\3\4\5\6\xac\2\0\0\0\0\0\0", 16);
	b.len = 2;
	buf_printf(&b, "%d-%s", 7, "x");
	assert_string_equal(buf_str(&b), "ab7-x");
	buf_free(&b);
	assert_null(b.ptr);
}

static void
test_map(void **state)
{
	static char key[5000][8];
	struct arena a;
	struct map m;

	(void)state;
	arena_init(&a, (size_t)8 << 20);
	map_init(&m, &a);
	assert_int_equal(map_get(&m, "none"), SIZE_MAX);
	for (size_t i = 0; i < ARRAY_LEN(key); i++) {
		snprintf(key[i], sizeof(key[i]), "k%zu", i);
		assert_int_equal(map_put(&m, key[i], i), 1);
	}
	assert_int_equal(map_put(&m, "k17", 99), 0);
	for (size_t i = 0; i < ARRAY_LEN(key); i++)
		assert_int_equal(map_get(&m, key[i]), i);
	assert_int_equal(map_get(&m, "k5000"), SIZE_MAX);
	arena_release(&a);
}

static void
test_map_full_arena(void **state)
{
	struct arena a;
	struct map m;

	(void)state;
	arena_init(&a, 100);
	map_init(&m, &a);
	assert_int_equal(map_put(&m, "a", 1), ERR_LIMIT);
	assert_int_equal(map_get(&m, "a"), SIZE_MAX);
	arena_release(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_arena_cap),
	    cmocka_unit_test(test_arena_limit),
	    cmocka_unit_test(test_arena_zeroed_and_apart),
	    cmocka_unit_test(test_buf),
	    cmocka_unit_test(test_map),
	    cmocka_unit_test(test_map_full_arena),
	};

	return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
