/* SPDX-License-Identifier: MIT
 * Names of members, and archives into a sink that only takes notes.
 */
#include "tests/test.h"

#include "base/file.h"
#include "formats/bundle_part.h"

#include <locale.h>

struct name_row {
	const char *name, *raw;
	enum member_verdict verdict;
	enum finding_id finding;
	const char *path;
};

#define GOOD(raw, path)                                                        \
	{                                                                      \
		"name/good " raw, raw, MEMBER_ACCEPTED, 0, path                \
	}
#define BAD(what, raw, f)                                                      \
	{                                                                      \
		"name/" what, raw, MEMBER_REFUSED, FINDING_##f, ""             \
	}

/* clang-format off */
static const struct name_row name_rows[] = {
	GOOD("a", "a"),
	GOOD("a/b.c", "a/b.c"),
	GOOD("./a", "a"),
	GOOD("dir/", "dir"),
	GOOD("..a/b..", "..a/b.."),
	GOOD("caf\xc3\xa9", "caf\xc3\xa9"),
	{"name/root", "./", MEMBER_ROOT, 0, ""},
	{"name/dot", ".", MEMBER_ROOT, 0, ""},
	BAD("empty", "", ARCHIVE_NAME),
	BAD("absolute", "/etc/passwd", ARCHIVE_TRAVERSAL),
	BAD("dotdot", "..", ARCHIVE_TRAVERSAL),
	BAD("dotdot first", "../a", ARCHIVE_TRAVERSAL),
	BAD("dotdot last", "a/..", ARCHIVE_TRAVERSAL),
	BAD("dotdot behind backslash", "a\\..\\b", ARCHIVE_TRAVERSAL),
	BAD("dotdot after dot", "./../a", ARCHIVE_TRAVERSAL),
	BAD("drive", "C:evil", ARCHIVE_TRAVERSAL),
	BAD("share", "\\\\host\\x", ARCHIVE_TRAVERSAL),
	BAD("backslash", "a\\b", ARCHIVE_NAME),
	BAD("empty component", "a//b", ARCHIVE_NAME),
	BAD("two slashes at the end", "a//", ARCHIVE_NAME),
	BAD("dot component", "a/./b", ARCHIVE_NAME),
	BAD("two dots first", "././a", ARCHIVE_NAME),
	BAD("newline", "a\nb", ARCHIVE_NAME),
	BAD("escape", "a\033[2J", ARCHIVE_NAME),
	BAD("delete", "a\x7f", ARCHIVE_NAME),
	BAD("right to left", "a\xe2\x80\xae" "b", ARCHIVE_NAME),
	BAD("zero width", "a\xe2\x80\x8b" "b", ARCHIVE_NAME),
	BAD("latin-1", "caf\xe9", ARCHIVE_NAME),
	BAD("overlong slash", "a\xc0\xaf" "b", ARCHIVE_NAME),
	BAD("replacement", "a\xef\xbf\xbd", ARCHIVE_NAME),
};
/* clang-format on */

static void
test_name(void **state)
{
	const struct name_row *row = *state;
	struct member m;

	assert_int_equal(member_check(row->raw, &m), row->verdict);
	if (row->verdict == MEMBER_REFUSED) {
		assert_int_equal(m.finding, row->finding);
		assert_non_null(m.reason);
	} else {
		assert_string_equal(m.path, row->path);
	}
}

static void
test_name_limits(void **state)
{
	char raw[4096];
	struct member m;

	(void)state;
	memset(raw, 'a', sizeof(raw));
	raw[255] = '\0';
	assert_int_equal(member_check(raw, &m), MEMBER_ACCEPTED);
	raw[255] = 'a';
	raw[256] = '\0';
	assert_int_equal(member_check(raw, &m), MEMBER_REFUSED);
	assert_int_equal(m.finding, FINDING_ARCHIVE_LIMIT);
	for (size_t i = 0; i < 127; i += 2)
		memcpy(raw + i, "d/", 2);
	memcpy(raw + 126, "f", 2);
	assert_int_equal(member_check(raw, &m), MEMBER_ACCEPTED);
	memcpy(raw + 126, "d/f", 4);
	assert_int_equal(member_check(raw, &m), MEMBER_REFUSED);
	assert_int_equal(m.finding, FINDING_ARCHIVE_LIMIT);
	for (size_t i = 0; i < 1025; i++)
		raw[i] = i % 200 == 199 ? '/' : 'a';
	raw[1025] = '\0';
	assert_int_equal(member_check(raw, &m), MEMBER_REFUSED);
	assert_int_equal(m.finding, FINDING_ARCHIVE_LIMIT);
	raw[1024] = '\0';
	assert_int_equal(member_check(raw, &m), MEMBER_ACCEPTED);
}

struct fold_row {
	const char *name, *a, *b;
	bool same;
};

static const struct fold_row fold_rows[] = {
    {"fold/ascii", "Model.ONNX", "mODEL.onnx", true},
    {"fold/latin", "\xc3\x89", "\xc3\xa9", true},
    {"fold/extended", "\xc4\x8c", "\xc4\x8d", true},
    {"fold/odd pairs", "\xc4\xb9", "\xc4\xba", true},
    {"fold/greek sigma", "\xce\xa3", "\xcf\x82", true},
    {"fold/cyrillic", "\xd0\x96", "\xd0\xb6", true},
    {"fold/kelvin", "\xe2\x84\xaa", "k", true},
    {"fold/long s", "\xc5\xbf", "S", true},
    {"fold/composed and not", "caf\xc3\xa9", "cafe\xcc\x81", true},
    {"fold/full width", "\xef\xbc\xa1", "a", true},
    {"fold/ligature", "\xef\xac\x81x", "fix", true},
    {"fold/sharp s",
	"stra\xc3\x9f"
	"e",
	"STRASSE", true},
    {"fold/hangul", "\xea\xb0\x80", "\xe1\x84\x80\xe1\x85\xa1", true},
    {"fold/other accent", "\xc3\xa9", "\xc3\xa8", false},
    {"fold/times is no letter", "\xc3\x97", "\xc3\xb7", false},
    {"fold/other", "a", "b", false},
};

static void
test_fold(void **state)
{
	const struct fold_row *row = *state;
	char a[MEMBER_FOLD], b[MEMBER_FOLD];

	member_fold(row->a, a);
	member_fold(row->b, b);
	assert_int_equal(strcmp(a, b) == 0, row->same);
}

/* --- archives ------------------------------------------------------------ */

struct notes {
	struct buf text;
};

static int
on_folder(void *ctx, const char *path, struct err *e)
{
	struct notes *n = ctx;

	(void)e;
	buf_printf(&n->text, "%s/ ", path);
	return 0;
}

static int
on_open(void *ctx, const char *path, struct err *e)
{
	struct notes *n = ctx;

	(void)e;
	buf_printf(&n->text, "%s=", path);
	return 0;
}

static int
on_write(void *ctx, const void *p, size_t len, struct err *e)
{
	struct notes *n = ctx;

	(void)p;
	(void)e;
	buf_printf(&n->text, "%zu", len);
	return 0;
}

static int
on_close(void *ctx, bool keep, struct err *e)
{
	struct notes *n = ctx;

	(void)e;
	buf_puts(&n->text, keep ? " " : "! ");
	return 0;
}

struct walk_row {
	const char *name, *file;
	struct bundle_limits limits; /* 0: the default */
	const char *text, *container;
	int finding; /* the first, -1: none */
	bool complete;
};

#define OK(file, text, container)                                              \
	{                                                                      \
		"walk/" file, file, {0}, text, container, -1, true             \
	}
#define ODD(file, text, container, finding, complete)                          \
	{                                                                      \
		"walk/" file, file, {0}, text, container, FINDING_##finding,   \
		    complete                                                   \
	}

#define PLAIN "model/ model/weights.bin=600 model/labels.txt=8 README.md=10 "

/* clang-format off */
static const struct walk_row walk_rows[] = {
	OK("good-plain.tar", PLAIN, "tar"),
	OK("good-plain.tar.gz", PLAIN, "tar.gz"),
	OK("good-plain.tar.xz", PLAIN, "tar.xz"),
	OK("good-plain.tar.bz2", PLAIN, "tar.bz2"),
	OK("good-plain.tar.zst", PLAIN, "tar.zst"),
	OK("good-plain.tar.lz4", PLAIN, "tar.lz4"),
	OK("good-plain.tar.lzma", PLAIN, "tar.lzma"),
	OK("good-plain.zip", PLAIN, "zip"),
	OK("good-dot.tar", "a.txt=1 d/ d/b.txt=1 ", "tar"),
	OK("good-pax.tar", "caf\xc3\xa9/\xce\xb1.txt=1 ", "tar"),
	OK("good-empty.tar", "", "tar"),
	ODD("bad-dotdot.tar", "ok.txt=2 ", "tar", ARCHIVE_TRAVERSAL, true),
	ODD("bad-symlink-then-write.tar", "d/evil=1 ", "tar", ARCHIVE_LINK, true),
	/* this sink cannot read back what it wrote, so no link is copied */
	ODD("bad-link-through.tar", "real/a=1 d/evil=1 ", "tar", ARCHIVE_LINK, true),
	ODD("bad-fifo.tar", "", "tar", ARCHIVE_DEVICE, true),
	ODD("bad-setuid.tar", "tool=1 free=1 ", "tar", ARCHIVE_MODE, true),
	ODD("bad-case-folder.tar", "A/x=1 a/y=1 ", "tar", ARCHIVE_CASE, true),
	ODD("bad-crc.zip", "a.txt=! b.txt=1 ", "zip", ARCHIVE_TRUNCATED, false),
	ODD("bad-truncated.tar", "model/ model/weights.bin=! ", "tar", ARCHIVE_TRUNCATED, false),
	ODD("bad-truncated.tar.gz", "", "tar.gz", ARCHIVE_TRUNCATED, false),
	ODD("bad-garbage.tar", "", "tar", ARCHIVE_TRUNCATED, false),
	ODD("bad-encrypted.zip", "", "zip", ARCHIVE_ENCRYPTED, false),
	ODD("bad-volume.zip", "", "zip", ARCHIVE_TRUNCATED, false),
	ODD("bad-deflate64.zip", "a.txt=! b.txt=1 ", "zip", ZIP_METHOD, false),
	ODD("bad-huge-claim.tar", "", "tar", ARCHIVE_LIMIT, false),
	ODD("bad-nested-gz.tar.gz", "", "tar.gz", ARCHIVE_LIMIT, false),
	{"walk/two entries", "good-plain.tar", {.entries = 2}, "model/ model/weights.bin=600 ", "tar", FINDING_ARCHIVE_LIMIT, false},
	{"walk/500 bytes", "good-plain.tar", {.bytes = 500}, "model/ model/weights.bin=! ", "tar", FINDING_ARCHIVE_LIMIT, false},
	{"walk/member of 100", "good-plain.zip", {.member = 100}, "model/ ", "zip", FINDING_ARCHIVE_LIMIT, false},
};
/* clang-format on */

static void
test_walk(void **state)
{
	const struct walk_row *row = *state;
	struct bundle_limits limits = bundle_defaults;
	struct notes notes = {0};
	struct bundle_sink sink = {
	    &notes, on_folder, on_open, on_write, on_close, NULL, NULL};
	struct err e = {0};
	struct file_map m;
	struct bundle b;
	char path[128];

	if (row->limits.entries != 0)
		limits.entries = row->limits.entries;
	if (row->limits.bytes != 0)
		limits.bytes = row->limits.bytes;
	if (row->limits.member != 0)
		limits.member = row->limits.member;
	snprintf(path, sizeof(path), "fixtures/archive/%s", row->file);
	assert_ok(file_map(path, 1 << 20, &m, &e), &e);
	bundle_init(&b, &limits, &sink);
	assert_ok(bundle_archive(&b, rd_mem(m.ptr, m.len), false, &e), &e);
	assert_string_equal(buf_str(&notes.text), row->text);
	assert_string_equal(b.container, row->container);
	assert_int_equal(b.complete, row->complete);
	if (row->finding < 0)
		assert_int_equal(json_array_size(b.findings), 0);
	else
		assert_string_equal(json_string_value(json_object_get(
					json_array_get(b.findings, 0), "id")),
		    finding_table[row->finding].name);
	bundle_release(&b);
	buf_free(&notes.text);
	file_unmap(&m);
}

static void
test_spend(void **state)
{
	struct bundle_sink sink = {0};
	struct bundle b;

	(void)state;
	bundle_init(&b, &bundle_defaults, &sink);
	/* any ratio is fine up to LIMIT_BUNDLE_FREE, 200 beyond */
	assert_true(bundle_spend(&b, "x", LIMIT_BUNDLE_FREE, 1));
	assert_true(bundle_spend(&b, "x", 200, LIMIT_BUNDLE_FREE / 200 + 2));
	assert_false(b.stop);
	assert_false(bundle_spend(&b, "x", 1000, LIMIT_BUNDLE_FREE / 200));
	assert_true(b.stop && !b.complete);
	bundle_release(&b);
	/* an inner archive counts by itself, and against the whole bundle */
	bundle_init(&b, &bundle_defaults, &sink);
	b.depth = 1;
	b.outer = LIMIT_BUNDLE_FREE;
	b.bytes = b.before = 2 * LIMIT_BUNDLE_FREE;
	assert_true(bundle_spend(&b, "x", LIMIT_BUNDLE_FREE, 1));
	assert_false(bundle_spend(&b, "x", 1, 1));
	bundle_release(&b);
	bundle_init(&b, &bundle_defaults, &sink);
	b.depth = 1;
	b.outer = LIMIT_BUNDLE_FREE / 200;
	b.bytes = b.before = LIMIT_BUNDLE_FREE - 1;
	assert_false(bundle_spend(&b, "x", 201, LIMIT_BUNDLE_FREE));
	bundle_release(&b);
}

static void
test_too_many_findings(void **state)
{
	struct bundle_sink sink = {0};
	struct member m;
	struct bundle b;

	(void)state;
	bundle_init(&b, &bundle_defaults, &sink);
	for (size_t i = 0; i < 2 * LIMIT_FINDINGS && !b.stop; i++)
		assert_false(bundle_admit(&b, "../x", 0100644, &m));
	assert_int_equal(json_array_size(b.findings), LIMIT_FINDINGS);
	assert_true(b.stop && !b.complete);
	bundle_release(&b);
}

int
main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(name_rows) + ARRAY_LEN(fold_rows) +
				ARRAY_LEN(walk_rows) + 3] = {
	    cmocka_unit_test(test_name_limits), cmocka_unit_test(test_spend),
	    cmocka_unit_test(test_too_many_findings)};
	size_t n = 3;

	setlocale(LC_CTYPE, "C.UTF-8");
	for (size_t i = 0; i < ARRAY_LEN(name_rows); i++)
		tests[n++] = (struct CMUnitTest)ROW(test_name, name_rows[i]);
	for (size_t i = 0; i < ARRAY_LEN(fold_rows); i++)
		tests[n++] = (struct CMUnitTest)ROW(test_fold, fold_rows[i]);
	for (size_t i = 0; i < ARRAY_LEN(walk_rows); i++)
		tests[n++] = (struct CMUnitTest)ROW(test_walk, walk_rows[i]);
	return cmocka_run_group_tests_name("bundle", tests, NULL, NULL);
}
