/* SPDX-License-Identifier: MIT
 * Files: limits, special files, outputs that appear whole or not at all; and
 * documents with their heads.
 */
#define _GNU_SOURCE
#include "tests/test.h"

#include "base/doc.h"
#include "base/file.h"

#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[64];

static int
setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "build/test-file.XXXXXX");
	return mkdtemp(dir) != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
	struct err e;

	(void)state;
	return file_remove_tree(dir, &e);
}

static const char *
in_dir(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

/* What is known before hours of work is what opening would say after them. */
static void
test_out_check(void **state)
{
	struct file_out o;
	struct err e;

	(void)state;
	assert_ok(file_out_check(NULL, &e), &e);
	assert_ok(file_out_check("-", &e), &e);
	assert_ok(file_out_check(in_dir("new"), &e), &e);
	assert_false(file_exists(in_dir("new")));
	assert_int_equal(file_out_check(in_dir("no/new"), &e), ERR_SYSTEM);
	assert_string_equal(e.path, in_dir("no/new"));
	assert_int_equal(file_out_open(&o, in_dir("no/new"), &e), ERR_SYSTEM);
}

static void
test_write_and_map(void **state)
{
	struct file_map m;
	struct err e;

	(void)state;
	assert_ok(file_write(in_dir("a"), "hello", 5, &e), &e);
	assert_ok(file_map(in_dir("a"), 5, &m, &e), &e);
	assert_memory_equal(m.ptr, "hello", 5);
	file_unmap(&m);
	assert_int_equal(file_map(in_dir("a"), 4, &m, &e), ERR_LIMIT);
	assert_string_equal(e.path, in_dir("a"));
	assert_int_equal(file_map(dir, 5, &m, &e), ERR_UNSUPPORTED);
	assert_int_equal(file_map("/dev/zero", 5, &m, &e), ERR_UNSUPPORTED);
	assert_int_equal(file_map(in_dir("none"), 5, &m, &e), ERR_SYSTEM);
	assert_ok(file_write(in_dir("empty"), "", 0, &e), &e);
	assert_ok(file_map(in_dir("empty"), 5, &m, &e), &e);
	assert_int_equal(m.len, 0);
	file_unmap(&m);
}

static void
test_abort_leaves_nothing(void **state)
{
	struct file_out o;
	struct err e;

	(void)state;
	assert_ok(file_out_open(&o, in_dir("b"), &e), &e);
	assert_ok(file_out_write(&o, "x", 1, &e), &e);
	assert_false(file_exists(in_dir("b")));
	file_out_abort(&o);
	assert_false(file_exists(in_dir("b")));
	assert_false(file_exists(o.temp));
	assert_ok(file_write(in_dir("b"), "old", 3, &e), &e);
	assert_ok(file_out_open(&o, in_dir("b"), &e), &e);
	assert_ok(file_out_write(&o, "new", 3, &e), &e);
	file_out_abort(&o);
	assert_ok(file_out_open(&o, in_dir("b"), &e), &e);
	assert_ok(file_out_commit(&o, &e), &e);
	file_out_abort(&o); /* harmless after a commit */
	assert_true(file_exists(in_dir("b")));
}

static int
count_names(void)
{
	struct dirent **name;
	int n = scandir(dir, &name, NULL, NULL);

	for (int i = 0; i < n; i++)
		free(name[i]);
	free(name);
	return n;
}

/* Told to end in the middle of an output. */
static void
test_signal_leaves_nothing(void **state)
{
	static const int signals[] = {SIGHUP, SIGINT, SIGTERM};
	int before = count_names(), status;
	struct file_out o;
	struct err e;
	pid_t pid;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		if ((pid = fork()) == 0) {
			/* whoever runs this may have them ignored */
			signal(signals[i], SIG_DFL);
			if (file_out_open(&o, in_dir("d"), &e) == 0 &&
			    file_out_write(&o, "half", 4, &e) == 0 &&
			    count_names() == before + 1)
				raise(signals[i]);
			_exit(1);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), signals[i]);
		assert_int_equal(count_names(), before);
	}
	if ((pid = fork()) == 0) {
		signal(SIGHUP, SIG_IGN); /* nohup */
		_exit(file_out_open(&o, in_dir("e"), &e) != 0 ||
		      raise(SIGHUP) != 0 || file_out_commit(&o, &e) != 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(file_exists(in_dir("e")));
}

static void
test_full_disk(void **state)
{
	struct err e = {0};

	(void)state;
	assert_int_equal(file_write("/dev/full", "x", 1, &e), ERR_SYSTEM);
	assert_string_equal(e.path, "/dev/full");
	assert_non_null(strstr(e.msg, "No space left"));
	assert_int_equal(
	    file_write("/proc/no/such/place", "x", 1, &e), ERR_SYSTEM);
}

static void
test_documents(void **state)
{
	json_t *doc = doc_new("assay-test/1"), *back;
	struct err e;

	(void)state;
	assert_ok(file_write(in_dir("model"), "abc", 3, &e), &e);
	assert_ok(doc_input_path(doc, "model", in_dir("model"), &e), &e);
	assert_ok(json_write_file(in_dir("doc.json"), doc, &e), &e);
	json_decref(doc);
	assert_ok(doc_read(in_dir("doc.json"), "assay-test/1", &back, &e), &e);
	assert_string_equal(
	    json_string_value(json_at(back, "inputs.0.role")), "model");
	assert_int_equal(json_integer_value(json_at(back, "inputs.0.size")), 3);
	json_decref(back);
	assert_int_equal(
	    doc_read(in_dir("doc.json"), "assay-other/1", &back, &e),
	    ERR_FORMAT);
	assert_ok(file_write(in_dir("twice.json"),
		      "{\"schema\":\"a\",\"schema\":\"b\"}", 27, &e),
	    &e);
	assert_int_equal(
	    doc_read(in_dir("twice.json"), "a", &back, &e), ERR_FORMAT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_out_check),
	    cmocka_unit_test(test_write_and_map),
	    cmocka_unit_test(test_abort_leaves_nothing),
	    cmocka_unit_test(test_signal_leaves_nothing),
	    cmocka_unit_test(test_full_disk),
	    cmocka_unit_test(test_documents),
	};

	return cmocka_run_group_tests_name("file", tests, setup, teardown);
}
