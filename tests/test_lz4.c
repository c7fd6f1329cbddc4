/* SPDX-License-Identifier: MIT
 * LZ4: frames of liblz4 1.9.4 (fixtures/gen/lz4.py) come out as what went in,
 * and of frames that are wrong comes out what they had up to there.
 */
#include "tests/test.h"

#include "formats/lz4.h"
#include "formats/lz4_sum.h"

#include "base/buf.h"
#include "base/file.h"

#define BYTES(s) (const uint8_t *)s, sizeof(s) - 1
/* 64 KiB blocks; linked, independent */
#define LINKED "\x04\x22\x4d\x18\x40\x40\xc0"
#define ALONE  "\x04\x22\x4d\x18\x60\x40\x82"
#define END    "\0\0\0\0"

static const struct {
	const char *text;
	uint32_t sum;
} sums[] = {{"", 0x02cc5d05}, {"a", 0x550d7456}, {"abc", 0x32d153ff},
    {"Nobody inspects the spammish repetition", 0xe2293b2f}};

static void
test_sum(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sums); i++) {
		const uint8_t *p = (const uint8_t *)sums[i].text;
		size_t n = strlen(sums[i].text);
		struct lz4_sum s;

		assert_int_equal(lz4_sum(p, n), sums[i].sum);
		lz4_sum_init(&s);
		for (size_t k = 0; k < n; k++)
			lz4_sum_add(&s, p + k, 1);
		assert_int_equal(lz4_sum_end(&s), sums[i].sum);
	}
}

struct row {
	const char *name;
	const uint8_t *bytes;
	size_t len;
	enum lz4_end end;
	const char *out;
	size_t used;
};

static const struct row rows[] = {
    {"no block", BYTES(LINKED END), LZ4_WHOLE, "", 11},
    {"stored",
	BYTES(ALONE "\3\0\0\x80"
		    "abc" END),
	LZ4_WHOLE, "abc", 18},
    {"literals",
	BYTES(ALONE "\4\0\0\0"
		    "\x30"
		    "abc" END),
	LZ4_WHOLE, "abc", 19},
    {"overlap",
	BYTES(ALONE "\7\0\0\0"
		    "\x1a"
		    "a"
		    "\1\0"
		    "\x20"
		    "bc" END),
	LZ4_WHOLE, "aaaaaaaaaaaaaaabc", 22},
    {"match at the end",
	BYTES(ALONE "\4\0\0\0"
		    "\x10"
		    "a"
		    "\1\0" END),
	LZ4_DAMAGED, "aaaaa", 15},
    {"linked",
	BYTES(LINKED "\4\0\0\x80"
		     "abcd"
		     "\4\0\0\0"
		     "\0"
		     "\4\0"
		     "\0" END),
	LZ4_WHOLE, "abcdabcd", 27},
    {"not linked",
	BYTES(ALONE "\4\0\0\x80"
		    "abcd"
		    "\4\0\0\0"
		    "\0"
		    "\4\0"
		    "\0" END),
	LZ4_DAMAGED, "abcd", 23},
    {"before the start",
	BYTES(ALONE "\5\0\0\0"
		    "\x10"
		    "a"
		    "\2\0"
		    "\0" END),
	LZ4_DAMAGED, "a", 16},
    {"offset 0",
	BYTES(ALONE "\5\0\0\0"
		    "\x10"
		    "a"
		    "\0\0"
		    "\0" END),
	LZ4_DAMAGED, "a", 16},
    {"header checksum",
	BYTES("\x04\x22\x4d\x18\x60\x40\x83"
	      "\3\0\0\x80"
	      "abc" END),
	LZ4_DAMAGED, "abc", 18},
    {"content size",
	BYTES("\x04\x22\x4d\x18\x68\x40\4\0\0\0\0\0\0\0\x47"
	      "\3\0\0\x80"
	      "abc" END),
	LZ4_DAMAGED, "abc", 26},
    {"cut in a stored block",
	BYTES(ALONE "\3\0\0\x80"
		    "ab"),
	LZ4_CUT, "ab", 13},
    {"cut in literals",
	BYTES(ALONE "\4\0\0\0"
		    "\x30"
		    "ab"),
	LZ4_CUT, "ab", 14},
    {"no end",
	BYTES(ALONE "\3\0\0\x80"
		    "abc"),
	LZ4_CUT, "abc", 14},
    {"no header", BYTES("\x04\x22\x4d\x18"), LZ4_CUT, "", 4},
    {"another version", BYTES("\x04\x22\x4d\x18\x20\x40\x82" END), LZ4_DAMAGED,
	"", 7},
    {"block of 70,000",
	BYTES(ALONE "\x70\x11\1\x80"
		    "abc"),
	LZ4_DAMAGED, "", 11},
    {"two frames",
	BYTES(ALONE "\1\0\0\x80"
		    "a" END ALONE "\1\0\0\x80"
		    "b" END),
	LZ4_WHOLE, "ab", 32},
    {"skippable",
	BYTES("\x5f\x2a\x4d\x18\2\0\0\0"
	      "xy" ALONE "\1\0\0\x80"
	      "a" END),
	LZ4_WHOLE, "[xy]a", 26},
    {"skippable, cut",
	BYTES("\x50\x2a\x4d\x18\3\0\0\0"
	      "xy"),
	LZ4_CUT, "[xy]", 10},
    {"behind",
	BYTES(ALONE "\1\0\0\x80"
		    "a" END "zzzz"),
	LZ4_WHOLE, "a", 16},
    {"legacy",
	BYTES("\x02\x21\x4c\x18\3\0\0\0"
	      "\x20"
	      "ab"),
	LZ4_WHOLE, "ab", 11},
    {"legacy and a frame",
	BYTES("\x02\x21\x4c\x18\3\0\0\0"
	      "\x20"
	      "ab" ALONE "\1\0\0\x80"
	      "c" END),
	LZ4_WHOLE, "abc", 27},
};

static bool
take(void *ctx, const uint8_t *p, size_t n)
{
	buf_append(ctx, p, n);
	return true;
}

static void
skipped(void *ctx, struct rd r)
{
	buf_puts(ctx, "[");
	buf_append(ctx, r.base, r.len);
	buf_puts(ctx, "]");
}

static enum lz4_end
read_all(const void *p, size_t len, struct buf *out, size_t *used)
{
	struct arena a;
	struct lz4 z = {.take = take, .skip = skipped, .ctx = out, .arena = &a};
	enum lz4_end end;

	*out = (struct buf){0};
	arena_init(&a, (size_t)33 << 20);
	end = lz4_read(&z, rd_mem(p, len));
	*used = z.used;
	arena_release(&a);
	return end;
}

static void
test_row(void **state)
{
	const struct row *row = *state;
	struct buf out;
	size_t used;

	assert_int_equal(read_all(row->bytes, row->len, &out, &used), row->end);
	assert_string_equal(buf_str(&out), row->out);
	assert_int_equal(used, row->used);
	buf_free(&out);
}

/* What fixtures/gen/lz4.py packs. */
static void
plain(struct buf *out)
{
	uint32_t x = 1;

	*out = (struct buf){0};
	for (int i = 0; i < 40000; i++) {
		x = (uint32_t)(x * 1103515245ULL + 12345) & 0x7fffffff;
		buf_printf(out, "%u ", x >> 16 & 3);
	}
}

static void
test_file(void **state)
{
	struct file_map m;
	struct err e = {0};
	struct buf out, want;
	char path[256];
	size_t used;

	snprintf(path, sizeof(path), "fixtures/lz4/%s", (const char *)*state);
	assert_ok(file_map(path, (uint64_t)1 << 20, &m, &e), &e);
	plain(&want);
	assert_int_equal(read_all(m.ptr, m.len, &out, &used), LZ4_WHOLE);
	assert_int_equal(used, m.len);
	assert_int_equal(out.len, want.len);
	assert_memory_equal(out.ptr, want.ptr, want.len);
	buf_free(&out);
	/* each cut gives a beginning of it, and never all of it as whole */
	for (size_t n = 0; n < m.len; n += n < 64 ? 1 : 997) {
		enum lz4_end end = read_all(m.ptr, n, &out, &used);

		/* but for a legacy frame of no block */
		assert_true(end != LZ4_WHOLE || (n == 4 && out.len == 0));
		assert_true(out.len <= want.len);
		if (out.len != 0)
			assert_memory_equal(out.ptr, want.ptr, out.len);
		buf_free(&out);
	}
	buf_free(&want);
	file_unmap(&m);
}

/* A byte changed where the checksum of all sees it. */
static void
test_flipped(void **state)
{
	struct err e = {0};
	struct file_map m;
	struct buf copy = {0}, out;
	size_t used;

	(void)state;
	assert_ok(file_map("fixtures/lz4/sums.lz4", 1 << 20, &m, &e), &e);
	buf_append(&copy, m.ptr, m.len);
	for (size_t i = 4; i < m.len; i += 211) {
		copy.ptr[i] ^= 4;
		assert_int_not_equal(
		    read_all(copy.ptr, copy.len, &out, &used), LZ4_WHOLE);
		buf_free(&out);
		copy.ptr[i] ^= 4;
	}
	buf_free(&copy);
	file_unmap(&m);
}

int
main(void)
{
	static const char *const files[] = {
	    "linked.lz4", "alone.lz4", "sums.lz4", "large.lz4", "legacy.lz4"};
	struct CMUnitTest tests[ARRAY_LEN(rows) + ARRAY_LEN(files) + 2] = {
	    cmocka_unit_test(test_sum), cmocka_unit_test(test_flipped)};
	size_t n = 2;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		tests[n++] = (struct CMUnitTest){rows[i].name, test_row, NULL,
		    NULL, (void *)(uintptr_t)&rows[i]};
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		tests[n++] = (struct CMUnitTest){files[i], test_file, NULL,
		    NULL, (void *)(uintptr_t)files[i]};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
