/* SPDX-License-Identifier: MIT */
#define _XOPEN_SOURCE 700 /* mkdtemp, symlink */
#include "tests/test.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/tree.h"

#include <unistd.h>

struct place {
	char dir[64];
	int root;
};

static int
setup(void **state)
{
	static struct place p;
	struct err e = {0};

	snprintf(p.dir, sizeof(p.dir), "/tmp/assay-tree-XXXXXX");
	if (mkdtemp(p.dir) == NULL)
		return -1;
	p.root = tree_root(p.dir, &e);
	*state = &p;
	return p.root < 0 ? -1 : 0;
}

static int
teardown(void **state)
{
	struct place *p = *state;
	struct err e = {0};

	close(p->root);
	return file_remove_tree(p->dir, &e);
}

static void
test_create(void **state)
{
	struct place *p = *state;
	struct err e = {0};
	int fd = -1;

	assert_ok(tree_create(p->root, "a/b/c", &fd, &e), &e);
	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
	assert_int_equal(tree_create(p->root, "a/b/c", &fd, &e), TREE_EXISTS);
	assert_int_equal(tree_create(p->root, "a/b/c/d", &fd, &e), TREE_EXISTS);
	assert_int_equal(tree_create(p->root, "a/b", &fd, &e), TREE_EXISTS);
	assert_int_equal(tree_mkdir(p->root, "a/b", &e), 0);
	assert_int_equal(tree_mkdir(p->root, "a/b/c", &e), TREE_EXISTS);
	fd = tree_open(p->root, "a/b/c", &e);
	assert_true(fd >= 0);
	close(fd);
	assert_ok(tree_unlink(p->root, "a/b/c", &e), &e);
	assert_int_equal(tree_open(p->root, "a/b/c", &e), ERR_SYSTEM);
}

static void
test_never_outside(void **state)
{
	static const char *const path[] = {
	    "../x", "a/../../x", "/x", "", ".", "a//b", "a/", "a/./b"};
	struct place *p = *state;
	struct err e = {0};
	int fd = -1;

	for (size_t i = 0; i < ARRAY_LEN(path); i++) {
		assert_int_equal(
		    tree_create(p->root, path[i], &fd, &e), ERR_FORMAT);
		assert_int_equal(tree_mkdir(p->root, path[i], &e), ERR_FORMAT);
		assert_int_equal(tree_open(p->root, path[i], &e), ERR_FORMAT);
	}
}

static void
test_links(void **state)
{
	struct place *p = *state;
	struct err e = {0};
	char link[128];
	int fd = -1;

	snprintf(link, sizeof(link), "%s/up", p->dir);
	assert_int_equal(symlink("..", link), 0);
	assert_int_equal(tree_create(p->root, "up/x", &fd, &e), TREE_EXISTS);
	assert_int_equal(tree_open(p->root, "up", &e), ERR_SYSTEM);
	assert_int_equal(tree_create(p->root, "up", &fd, &e), TREE_EXISTS);
}

static int
collect(void *ctx, const struct tree_entry *entry, struct err *e)
{
	(void)e;
	buf_printf(ctx, "%s%s ", entry->path,
	    S_ISDIR(entry->st.st_mode)   ? "/"
	    : S_ISLNK(entry->st.st_mode) ? "@"
					 : "");
	return 0;
}

static void
test_walk(void **state)
{
	struct place *p = *state;
	struct buf seen = {0};
	struct err e = {0};
	struct arena a;
	char link[128];
	int fd;

	arena_init(&a, 1 << 20);
	assert_ok(tree_mkdir(p->root, "b/empty", &e), &e);
	assert_ok(tree_create(p->root, "b.txt", &fd, &e), &e);
	close(fd);
	assert_ok(tree_create(p->root, "a", &fd, &e), &e);
	close(fd);
	snprintf(link, sizeof(link), "%s/c", p->dir);
	assert_int_equal(symlink("b", link), 0);
	assert_ok(tree_walk(p->root, &a, collect, &seen, &e), &e);
	assert_string_equal(buf_str(&seen), "a b/ b/empty/ b.txt c@ ");
	buf_free(&seen);
	arena_release(&a);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_create), T(test_never_outside), T(test_links), T(test_walk)};

	return cmocka_run_group_tests_name("tree", tests, NULL, NULL);
}
