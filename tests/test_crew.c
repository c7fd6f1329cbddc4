/* SPDX-License-Identifier: MIT
 * Workers that answer, die, end and hang; and what they may not do.
 */
#define _GNU_SOURCE
#include "tests/test.h"

#include "base/child.h"
#include "base/crew.h"
#include "base/sandbox.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TASKS 40

struct seen {
	unsigned times[TASKS];
	enum crew_end end[TASKS];
	size_t len[TASKS];
	bool right[TASKS]; /* the result is that of the task */
	char why[TASKS][64];
};

static void
done(void *ctx, size_t i, enum crew_end how, const char *why, struct buf *b)
{
	struct seen *s = ctx;

	s->times[i]++;
	s->end[i] = how;
	s->len[i] = b->len;
	s->right[i] = b->len == 0 || b->ptr[b->len - 1] == (uint8_t)i;
	snprintf(s->why[i], sizeof(s->why[i]), "%s", why);
}

/* Task i answers with 10,000 i bytes of i; some have another fate. */
static void
task(void *ctx, size_t i, struct buf *b)
{
	(void)ctx;
	if (i == 3)
		raise(SIGKILL);
	if (i == 5)
		_exit(7);
	if (i == 9)
		pause();
	for (size_t k = 0; k < 10000 * i; k++)
		buf_u8(b, (uint8_t)i);
}

static void
run(unsigned workers, struct seen *s)
{
	struct crew c = {.workers = workers,
	    .seconds = 1,
	    .task = task,
	    .done = done,
	    .ctx = s};
	struct err e = {0};

	memset(s, 0, sizeof(*s));
	assert_int_equal(crew_run(&c, TASKS, &e), 0);
}

static void
each_task_ends_once(void **state)
{
	static const unsigned workers[] = {1, 2, 7, 500};
	struct seen s;

	(void)state;
	for (size_t w = 0; w < ARRAY_LEN(workers); w++) {
		run(workers[w], &s);
		for (size_t i = 0; i < TASKS; i++) {
			bool good = i != 3 && i != 5 && i != 9;

			assert_int_equal(s.times[i], 1);
			assert_int_equal(s.len[i], good ? 10000 * i : 0);
			assert_true(s.right[i]);
			if (good)
				assert_int_equal(s.end[i], CREW_DONE);
		}
		assert_int_equal(s.end[3], CREW_DIED);
		assert_string_equal(s.why[3], "killed: Killed");
		assert_int_equal(s.end[5], CREW_DIED);
		assert_string_equal(s.why[5], "ended with status 7");
		assert_int_equal(s.end[9], CREW_LATE);
		assert_string_equal(s.why[9], "not done after 1 seconds");
	}
}

/* A worker that is no longer ours: it hangs up, and goes on for ever. */
static void
hang_up(void *ctx, size_t i, struct buf *b)
{
	(void)ctx;
	(void)i;
	(void)b;
	for (int fd = 3; fd < 64; fd++)
		close(fd);
	for (;;)
		pause();
}

static void
one_that_hangs_up_is_ended(void **state)
{
	struct seen s = {.times = {0}};
	struct crew c = {
	    .workers = 1, .task = hang_up, .done = done, .ctx = &s};
	struct err e = {0};

	(void)state;
	alarm(20);
	assert_int_equal(crew_run(&c, 2, &e), 0);
	alarm(0);
	assert_int_equal(s.end[0], CREW_DIED);
	assert_int_equal(s.end[1], CREW_DIED);
}

static void
nothing_to_do(void **state)
{
	struct crew c = {.workers = 2, .task = task, .done = done};
	struct err e = {0};

	(void)state;
	assert_int_equal(crew_run(&c, 0, &e), 0);
}

static pid_t caller;
static int output; /* what the caller writes to when all is done */

/* What a worker in the sandbox tries; its result is the errno. */
static void
attempt(void *ctx, size_t i, struct buf *b)
{
	int failed = 0;

	(void)ctx;
	errno = 0;
#ifdef __SANITIZE_ADDRESS__
	/* the leak checker needs clone: a fork would answer twice */
	if (i == 0) {
		buf_u8(b, 0);
		return;
	}
#endif
	if (i == 0)
		failed = fork();
	else if (i == 1)
		failed = kill(caller, 0);
	else if (i == 2)
		failed = (int)write(STDERR_FILENO, "", 0);
	else if (i == 3)
		failed = (int)syscall(SYS_tgkill, caller, caller, 0);
	else if (i == 4)
		failed = prlimit(caller, RLIMIT_CPU, NULL, &(struct rlimit){0});
	else if (i == 5)
		failed = (int)write(STDOUT_FILENO, "", 0);
	else
		failed = (int)write(output, "", 0);
	buf_u8(b, failed < 0 ? (uint8_t)errno : 0);
}

static void
note(void *ctx, size_t i, enum crew_end how, const char *why, struct buf *b)
{
	int *got = ctx;

	(void)why;
	got[i] = how == CREW_DONE && b->len == 1 ? b->ptr[0] : -1;
}

static int
confined(void *arg)
{
	struct sandbox_spec spec = {.files = SANDBOX_NO_FILES, .crew = true};
	struct sandbox_state state;
	int got[7] = {-1, -1, -1, -1, -1, -1, -1};
	struct crew c = {
	    .workers = 2, .task = attempt, .done = note, .ctx = got};
	struct err e = {0};

	(void)arg;
	caller = getpid();
	output = c.output = dup(STDERR_FILENO);
	if (sandbox_enter(&spec, &state, &e) != 0 || crew_run(&c, 7, &e) != 0)
		return 2;
	if (got[2] != 0 || got[5] != EBADF || got[6] != EBADF)
		return 3;
#ifdef __SANITIZE_ADDRESS__
	return 0; /* its leak checker may fork */
#else
	if (!state.seccomp)
		return 0;
	return got[0] == EPERM && got[1] == EPERM && got[3] == EPERM &&
		       got[4] == EPERM
		   ? 0
		   : 4;
#endif
}

static void
workers_in_a_sandbox(void **state)
{
	struct err e = {0};
	int status;

	(void)state;
	assert_int_equal(child_run(confined, NULL, &status, &e), 0);
	assert_int_equal(status, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_task_ends_once),
	    cmocka_unit_test(one_that_hangs_up_is_ended),
	    cmocka_unit_test(nothing_to_do),
	    cmocka_unit_test(workers_in_a_sandbox),
	};

	return cmocka_run_group_tests_name("crew", tests, NULL, NULL);
}
