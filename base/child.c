/* SPDX-License-Identifier: MIT */
#include "base/child.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

int
child_run(int (*fn)(void *), void *arg, int *status, struct err *e)
{
	pid_t parent = getpid(), pid;
	int st, code;

	fflush(NULL);
	if ((pid = fork()) < 0)
		return err_sys(e, "cannot start a process");
	if (pid == 0) {
		/* nobody waits any more when the parent was killed */
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 ||
		    getppid() != parent)
			_exit(1);
		code = fn(arg);
		fflush(NULL);
		_exit(code);
	}
	while (waitpid(pid, &st, 0) < 0)
		if (errno != EINTR)
			return err_sys(e, "cannot wait for a process");
	if (WIFSIGNALED(st))
		return err_set(e, ERR_SYSTEM, ERR_NOWHERE,
		    "the sandboxed process was killed: %s",
		    strsignal(WTERMSIG(st)));
	*status = WEXITSTATUS(st);
	return 0;
}
