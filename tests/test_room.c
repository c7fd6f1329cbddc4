/* SPDX-License-Identifier: MIT
 * The least of what the machine, its control groups (both versions) and a
 * limit leave, from files as the kernel has them.
 */
#define _XOPEN_SOURCE 700 /* mkdtemp */
#include "tests/test.h"

#include "base/file.h"
#include "base/room.h"

#define V1 "sys/fs/cgroup/memory"
#define V2 "sys/fs/cgroup"

struct row {
	const char *name;
	const char *cgroup; /* /proc/self/cgroup, or NULL */
	const char *file[8][2];
	uint64_t want;
};

static const struct row rows[] = {
    {"no limit but the machine's", NULL, {{NULL}}, (uint64_t)1 << 20},
    {"version 2", "0::/a/b\n",
	{{V2 "/a/b/memory.max", "5000\n"}, {V2 "/a/b/memory.current", "2000\n"},
	    {V2 "/a/b/memory.stat",
		"anon 9\ninactive_file 300\nactive_file 400\n"}},
	3700},
    {"an ancestor's", "0::/a/b\n",
	{{V2 "/a/b/memory.max", "max\n"}, {V2 "/a/b/memory.current", "10\n"},
	    {V2 "/a/memory.max", "500\n"}, {V2 "/a/memory.current", "100\n"}},
	400},
    {"a container's root", "0::/\n",
	{{V2 "/memory.max", "900\n"}, {V2 "/memory.current", "1\n"}}, 899},
    {"more used than allowed", "0::/\n",
	{{V2 "/memory.max", "900\n"}, {V2 "/memory.current", "1000\n"}}, 0},
    {"version 1", "5:cpu:/x\n4:memory:/x\n",
	{{V1 "/x/memory.limit_in_bytes", "7000\n"},
	    {V1 "/x/memory.usage_in_bytes", "1000\n"}},
	6000},
    {"no limit there", "0::/a\n",
	{{V2 "/a/memory.max", "max\n"}, {V2 "/a/memory.current", "10\n"}},
	(uint64_t)1 << 20},
    {"lines that say nothing", "nonsense\n0:\n:\n", {{NULL}},
	(uint64_t)1 << 20},
};

/* A file below the root, and the folders that it is in. */
static void
put(const char *root, const char *name, const char *text)
{
	char path[512];
	struct err e = {0};
	int n = snprintf(path, sizeof(path), "%s/", root);

	for (const char *at = name; (at = strchr(at, '/')) != NULL; at++) {
		snprintf(path + n, sizeof(path) - (size_t)n, "%.*s",
		    (int)(at - name), name);
		assert_ok(file_mkdir(path, &e), &e);
	}
	snprintf(path + n, sizeof(path) - (size_t)n, "%s", name);
	assert_ok(file_write(path, text, strlen(text), &e), &e);
}

static void
test_row(void **state)
{
	const struct row *r = *state;
	char root[] = "/tmp/assay-room-XXXXXX";
	struct err e = {0};

	assert_non_null(mkdtemp(root));
	put(root, "proc/meminfo",
	    "MemTotal: 9999 kB\nMemAvailable:    1024 kB\n");
	if (r->cgroup != NULL)
		put(root, "proc/self/cgroup", r->cgroup);
	for (size_t i = 0; r->file[i][0] != NULL; i++)
		put(root, r->file[i][0], r->file[i][1]);
	assert_int_equal(room_under(root), r->want);
	assert_ok(file_remove_tree(root, &e), &e);
}

static void
test_nothing_says(void **state)
{
	(void)state;
	assert_true(room_under("/nowhere") == UINT64_MAX);
	assert_true(room_left() > 0);
	assert_true(room_peak() > 0);
}

int
main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(rows) + 1] = {
	    cmocka_unit_test(test_nothing_says)};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		tests[i + 1] = (struct CMUnitTest)ROW(test_row, rows[i]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
