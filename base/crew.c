/* SPDX-License-Identifier: MIT
 * A worker reads the number of a task (8 bytes) from one pipe and writes the
 * length of its result (8 bytes) and the result to another.  The caller waits
 * for all of them at once.
 */
#define _GNU_SOURCE /* pipe2 */
#include "base/crew.h"

#include "base/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CREW_MAX 64

struct worker {
	pid_t pid;   /* 0: none */
	int in, out; /* of the caller: numbers go in, results come out */
	bool busy;
	size_t task;
	int64_t until; /* in ms; its time is up then */
	struct buf got;
};

struct run {
	const struct crew *c;
	struct worker w[CREW_MAX];
	unsigned n;
	size_t next, tasks, ended;
};

static int64_t
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* --- the worker's side ---------------------------------------------------- */

/* All of it; false at the end of the pipe. */
static bool
get(int fd, void *to, size_t len)
{
	size_t have = 0;

	while (have < len) {
		ssize_t n = read(fd, (uint8_t *)to + have, len - have);

		if (n == 0 || (n < 0 && errno != EINTR))
			return false;
		have += n > 0 ? (size_t)n : 0;
	}
	return true;
}

static bool
put(int fd, const void *from, size_t len)
{
	size_t sent = 0;

	while (sent < len) {
		ssize_t n = write(fd, (const uint8_t *)from + sent, len - sent);

		if (n < 0 && errno != EINTR)
			return false;
		sent += n > 0 ? (size_t)n : 0;
	}
	return true;
}

static NORETURN void
serve(const struct crew *c, int in, int out)
{
	uint64_t task, len;
	struct err e = {0};

	/* what it says goes through its pipe alone: beside the others' results
	 * nothing of its own is to stand in a document */
	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	if (c->output > STDERR_FILENO)
		close(c->output);
	/* nobody hears it when the caller was killed */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (sandbox_worker(c->memory, &e) != 0)
		_exit(1);
	while (get(in, &task, sizeof(task))) {
		struct buf b = {0};

		c->task(c->ctx, (size_t)task, &b);
		len = b.len;
		if (!put(out, &len, sizeof(len)) || !put(out, b.ptr, b.len))
			break;
		buf_free(&b);
	}
	_exit(0);
}

/* --- the caller's side ---------------------------------------------------- */

static void
hang_up(struct worker *w)
{
	close(w->in);
	close(w->out);
	buf_free(&w->got);
	w->pid = 0;
	w->busy = false;
}

static int
start(struct run *r, struct worker *w, struct err *e)
{
	int in[2], out[2];
	pid_t pid;

	if (pipe2(in, O_CLOEXEC) != 0)
		return err_sys(e, "cannot make a pipe");
	if (pipe2(out, O_CLOEXEC) != 0) {
		close(in[0]);
		close(in[1]);
		return err_sys(e, "cannot make a pipe");
	}
	fflush(NULL);
	if ((pid = fork()) == 0) {
		/* the other workers' ends, or they would not see theirs close */
		for (unsigned i = 0; i < r->n; i++)
			if (r->w[i].pid != 0)
				hang_up(&r->w[i]);
		close(in[1]);
		close(out[0]);
		serve(r->c, in[0], out[1]);
	}
	close(in[0]);
	close(out[1]);
	*w = (struct worker){.pid = pid, .in = in[1], .out = out[0]};
	if (pid < 0) {
		err_sys(e, "cannot start a process");
		hang_up(w);
		return ERR_SYSTEM;
	}
	return 0;
}

static void
end_task(struct run *r, struct worker *w, enum crew_end how, const char *why)
{
	struct buf result = {0};

	if (how == CREW_DONE)
		buf_append(&result, w->got.ptr + 8, w->got.len - 8);
	w->busy = false;
	w->got.len = 0;
	r->ended++;
	r->c->done(r->c->ctx, w->task, how, why, &result);
	buf_free(&result);
}

/* It is gone, or is sent away: its task ends with it. */
static void
bury(struct run *r, struct worker *w, enum crew_end how)
{
	char why[128];
	int st = 0;

	/* also one that only closed its pipe; one that is gone stays as it is */
	kill(w->pid, SIGKILL);
	while (waitpid(w->pid, &st, 0) < 0 && errno == EINTR)
		;
	if (how == CREW_LATE)
		snprintf(why, sizeof(why), "not done after %u seconds",
		    r->c->seconds);
	else if (WIFSIGNALED(st))
		snprintf(
		    why, sizeof(why), "killed: %s", strsignal(WTERMSIG(st)));
	else
		snprintf(
		    why, sizeof(why), "ended with status %d", WEXITSTATUS(st));
	if (w->busy)
		end_task(r, w, how, why);
	hang_up(w);
}

/* The next task, to a worker that has none. */
static int
give(struct run *r, struct worker *w, struct err *e)
{
	uint64_t task = r->next;
	int rc;

	if (w->pid == 0 && (rc = start(r, w, e)) != 0)
		return rc;
	w->task = r->next++;
	w->busy = true;
	w->until = now() + (int64_t)r->c->seconds * 1000;
	/* one that is gone is found by its other pipe */
	(void)!put(w->in, &task, sizeof(task));
	return 0;
}

/* What has come from a worker; a whole result ends its task. */
static void
hear(struct run *r, struct worker *w)
{
	uint8_t part[65536];
	uint64_t len;
	ssize_t n = read(w->out, part, sizeof(part));

	if (n < 0 && errno == EINTR)
		return;
	if (n <= 0) {
		bury(r, w, CREW_DIED);
		return;
	}
	buf_append(&w->got, part, (size_t)n);
	if (w->got.len < sizeof(len))
		return;
	memcpy(&len, w->got.ptr, sizeof(len));
	if (len > CREW_RESULT || w->got.len - 8 > len) {
		/* its memory is not what it was: nothing it says counts */
		bury(r, w, CREW_DIED);
	} else if (w->got.len - 8 == len) {
		end_task(r, w, CREW_DONE, "");
	}
}

/* Milliseconds until the first worker is late; -1: none ever is. */
static int
patience(const struct run *r)
{
	int64_t first = INT64_MAX;

	for (unsigned i = 0; i < r->n && r->c->seconds != 0; i++)
		if (r->w[i].busy)
			first = MIN(first, r->w[i].until - now());
	if (first == INT64_MAX)
		return -1;
	return (int)MIN(MAX(first, 0), 60000);
}

static int
turn(struct run *r, struct err *e)
{
	struct pollfd p[CREW_MAX];

	for (unsigned i = 0; i < r->n; i++) {
		bool there = r->w[i].pid != 0 && r->w[i].busy;

		p[i] = (struct pollfd){
		    .fd = there ? r->w[i].out : -1, .events = POLLIN};
	}
	if (poll(p, r->n, patience(r)) < 0 && errno != EINTR)
		return err_sys(e, "cannot wait for a process");
	for (unsigned i = 0; i < r->n; i++) {
		struct worker *w = &r->w[i];

		if (p[i].fd >= 0 && p[i].revents != 0)
			hear(r, w);
		if (w->busy && r->c->seconds != 0 && now() >= w->until)
			bury(r, w, CREW_LATE);
	}
	return 0;
}

static int
work_through(struct run *r, struct err *e)
{
	int rc;

	while (r->ended < r->tasks) {
		for (unsigned i = 0; i < r->n && r->next < r->tasks; i++)
			if (!r->w[i].busy && (rc = give(r, &r->w[i], e)) != 0)
				return rc;
		if ((rc = turn(r, e)) != 0)
			return rc;
	}
	return 0;
}

int
crew_run(const struct crew *c, size_t n, struct err *e)
{
	struct run r = {.c = c, .tasks = n};
	struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
	int rc;

	r.n = (unsigned)MIN(MIN(MAX(c->workers, 1), CREW_MAX), MAX(n, 1));
	/* to a worker that has died: an error of write(), not our end */
	sigaction(SIGPIPE, &ignore, &before);
	rc = work_through(&r, e);
	for (unsigned i = 0; i < r.n; i++) {
		struct worker *w = &r.w[i];

		if (w->pid == 0)
			continue;
		/* idle, or nobody wants what it does */
		kill(w->pid, SIGKILL);
		close(w->in);
		while (waitpid(w->pid, NULL, 0) < 0 && errno == EINTR)
			;
		close(w->out);
		buf_free(&w->got);
	}
	sigaction(SIGPIPE, &before, NULL);
	return rc;
}
