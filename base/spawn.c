/* SPDX-License-Identifier: MIT */
#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
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

int
spawn_tool(const char *const argv[], int out_fd, int *status, struct err *e)
{
	posix_spawn_file_actions_t act;
	char path[600];
	pid_t pid;
	int rc;

	if ((rc = spawn_path(argv[0], path, sizeof(path), e)) != 0)
		return rc;
	posix_spawn_file_actions_init(&act);
	posix_spawn_file_actions_addopen(
	    &act, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (out_fd >= 0)
		posix_spawn_file_actions_adddup2(&act, out_fd, STDOUT_FILENO);
	rc = posix_spawn(
	    &pid, path, &act, NULL, (char *const *)(uintptr_t)argv, environ);
	posix_spawn_file_actions_destroy(&act);
	if (rc != 0) {
		errno = rc;
		err_sys(e, "cannot run");
		return err_in(e, path);
	}
	return wait_for(pid, argv[0], status, e);
}
