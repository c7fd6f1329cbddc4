/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* memfd_create, pipe2 */
#include "base/spawn.h"

#include "base/arena.h"
#include "base/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

int
spawn_path(const char *name, char *out, size_t size, struct err *e)
{
	char self[512], *slash;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int k;

	if (n < 0)
		return err_sys(e, "cannot find this program's own folder");
	self[n] = '\0';
	if ((slash = strrchr(self, '/')) == NULL)
		BUG("/proc/self/exe without a slash");
	*slash = '\0';
	k = snprintf(out, size, "%s/%s", self, name);
	if (k < 0 || (size_t)k >= size)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "path too long");
	return 0;
}

static int
wait_for(pid_t pid, const char *name, int *status, struct err *e)
{
	int st;

	while (waitpid(pid, &st, 0) < 0)
		if (errno != EINTR)
			return err_sys(e, "cannot wait for %s", name);
	if (WIFSIGNALED(st))
		return err_set(e, ERR_SYSTEM, ERR_NOWHERE,
		    "%s was killed by signal %d (%s)", name, WTERMSIG(st),
		    strsignal(WTERMSIG(st)));
	*status = WEXITSTATUS(st);
	return 0;
}

/* What a launcher tells a rank (base/ranks.h) is not about the processes that
 * it runs; these are told whose they are. */
static char **
environment(struct arena *a)
{
	static const char *const told[] = {
	    "OMPI_", "PMIX_", "PMI_", TOOL_PARENT "="};
	size_t n = 0, k = 0;
	char **env;

	while (environ[n] != NULL)
		n++;
	arena_init(a, SIZE_MAX);
	if ((env = arena_alloc(a, n + 2, sizeof(*env))) == NULL)
		BUG("out of memory");
	env[k++] = arena_printf(a, TOOL_PARENT "=%ld", (long)getpid());
	for (size_t i = 0; i < n; i++) {
		size_t t = 0;

		while (t < ARRAY_LEN(told) &&
		       strncmp(environ[i], told[t], strlen(told[t])) != 0)
			t++;
		if (t == ARRAY_LEN(told))
			env[k++] = environ[i];
	}
	return env;
}

int
spawn_tool(const char *const argv[], int out_fd, int *status, struct err *e)
{
	posix_spawn_file_actions_t act;
	struct arena a;
	char path[600];
	pid_t pid;
	int rc;

	if ((rc = spawn_path(argv[0], path, sizeof(path), e)) != 0)
		return rc;
	posix_spawn_file_actions_init(&act);
	posix_spawn_file_actions_addopen(
	    &act, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (out_fd == SPAWN_DROP)
		posix_spawn_file_actions_addopen(
		    &act, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	else if (out_fd != SPAWN_OURS)
		posix_spawn_file_actions_adddup2(&act, out_fd, STDOUT_FILENO);
	rc = posix_spawn(&pid, path, &act, NULL, (char *const *)(uintptr_t)argv,
	    environment(&a));
	posix_spawn_file_actions_destroy(&act);
	arena_release(&a);
	if (rc != 0) {
		errno = rc;
		err_sys(e, "cannot run");
		return err_in(e, path);
	}
	return wait_for(pid, argv[0], status, e);
}

/* The bytes as a file without a name, so that a command that reads nothing
 * leaves nobody waiting. */
static int
as_input(const void *in, size_t len, struct err *e)
{
	int fd = memfd_create("input", MFD_CLOEXEC);
	size_t done = 0;

	if (fd < 0)
		return err_sys(e, "cannot make an input");
	while (done < len) {
		ssize_t n = write(fd, (const char *)in + done, len - done);

		if (n < 0 && errno != EINTR) {
			err_sys(e, "cannot write an input");
			close(fd);
			return e->code;
		}
		done += n > 0 ? (size_t)n : 0;
	}
	lseek(fd, 0, SEEK_SET);
	return fd;
}

/* All of it is read, also what is too much: the command is not to hang. */
static int
drain(int fd, size_t limit, struct buf *out, struct err *e)
{
	char part[4096];
	size_t have = 0;
	ssize_t n;

	while ((n = read(fd, part, sizeof(part))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "cannot read what a command says");
		have += (size_t)n;
		if (have <= limit)
			buf_append(out, part, (size_t)n);
	}
	if (have > limit)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE,
		    "the command wrote more than %zu bytes", limit);
	return 0;
}

int
spawn_filter(const char *command, const void *in, size_t len, size_t limit,
    struct buf *out, int *status, struct err *e)
{
	const char *const argv[] = {"sh", "-c", command, NULL};
	posix_spawn_file_actions_t act;
	int from, to[2], rc, rc2;
	pid_t pid;

	if ((from = as_input(in, len, e)) < 0)
		return from;
	if (pipe2(to, O_CLOEXEC) != 0) {
		close(from);
		return err_sys(e, "cannot make a pipe");
	}
	posix_spawn_file_actions_init(&act);
	posix_spawn_file_actions_adddup2(&act, from, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&act, to[1], STDOUT_FILENO);
	rc = posix_spawn(&pid, "/bin/sh", &act, NULL,
	    (char *const *)(uintptr_t)argv, environ);
	posix_spawn_file_actions_destroy(&act);
	close(from);
	close(to[1]);
	if (rc != 0) {
		errno = rc;
		rc = err_sys(e, "cannot run the shell");
	} else {
		rc = drain(to[0], limit, out, e);
		rc2 = wait_for(pid, "the command", status, e);
		rc = rc != 0 ? rc : rc2;
	}
	close(to[0]);
	return rc;
}
