/* SPDX-License-Identifier: MIT
 * Processes that belong to others end when these do.
 */
#define _GNU_SOURCE
#include "tests/test.h"

#include "base/child.h"
#include "base/tool.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static int pipes[2]; /* all that hold the second know when the first ends */

/* It says that it is there, and stays. */
static int
stay(void *arg)
{
	(void)arg;
	if (write(pipes[1], "x", 1) == 1)
		pause();
	return 0;
}

static void
by_child_run(void)
{
	struct err e;
	int status;

	(void)!child_run(stay, NULL, &status, &e);
}

/* As a tool is started by another one. */
static void
by_spawn_tool(void)
{
	char text[24];
	pid_t pid;

	snprintf(text, sizeof(text), "%ld", (long)getpid());
	if ((pid = fork()) == 0) {
		setenv(TOOL_PARENT, text, 1);
		tool_start("test");
		stay(NULL);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

struct way {
	const char *name;
	void (*run)(void);
};

static const struct way ways[] = {
    {"a part of a tool", by_child_run},
    {"another tool", by_spawn_tool},
};

static void
test_killed(void **state)
{
	const struct way *w = *state;
	char c;
	pid_t pid;

	assert_int_equal(pipe(pipes), 0);
	if ((pid = fork()) == 0) {
		close(pipes[0]);
		w->run();
		_exit(0);
	}
	close(pipes[1]);
	assert_int_equal(read(pipes[0], &c, 1), 1);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	alarm(20); /* or it would be waited for */
	assert_int_equal(read(pipes[0], &c, 1), 0);
	alarm(0);
	close(pipes[0]);
}

/* What another one left in the environment is not about us. */
static void
test_of_others(void **state)
{
	pid_t pid = fork();
	int status = 0;

	(void)state;
	if (pid == 0) {
		setenv(TOOL_PARENT, "1", 1);
		tool_start("test");
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    ROW(test_killed, ways[0]),
	    ROW(test_killed, ways[1]),
	    cmocka_unit_test(test_of_others),
	};

	return cmocka_run_group_tests_name("child", tests, NULL, NULL);
}
