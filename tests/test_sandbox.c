/* SPDX-License-Identifier: MIT
 * What a process in the sandbox can no longer do, tried by one that entered.
 */
#define _GNU_SOURCE
#include "tests/test.h"

#include "base/child.h"
#include "base/sandbox.h"
#include "base/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct attempt {
	const char *name;
	enum sandbox_files files;
	int (*work)(void); /* 0: was stopped */
	bool killed;       /* the process dies of it */
};

static int
try_read(void)
{
	return open("/etc/passwd", O_RDONLY) < 0 ? 0 : 1;
}

static int
try_write(void)
{
	return open("build/escaped", O_WRONLY | O_CREAT, 0600) < 0 ? 0 : 1;
}

/* The kernel empties a file that is only opened to be read, too. */
static int
try_empty(void)
{
	return open("build/tests-sandbox", O_RDONLY | O_TRUNC) < 0 &&
		       errno == EPERM
		   ? 0
		   : 1;
}

/* Where there is no Landlock, seccomp alone refuses it. */
static int
try_change(void)
{
	return open("build/tests-sandbox", O_RDWR) < 0 && errno == EPERM ? 0
									 : 1;
}

static int
try_look(void)
{
	return open("build/tests-sandbox", O_RDONLY) >= 0 ? 0 : 1;
}

/* Of a file that was opened before, to be read: the bundle, say. */
static int mine = -1;

static int
try_mode(void)
{
	return fchmod(mine, 04755) < 0 && errno == EPERM ? 0 : 1;
}

static int
try_exec(void)
{
	char *argv[] = {(char[]){"true"}, NULL};

	execv("/bin/true", argv);
	return 1;
}

static int
try_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) < 0 ? 0 : 1;
}

static int
try_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid < 0 ? 0 : 1;
}

static int
try_link(void)
{
	return symlink("/etc/passwd", "build/tests-link") != 0 ? 0 : 1;
}

/* Words for a terminal, as if somebody had typed them. */
static int
try_terminal(void)
{
	return ioctl(STDERR_FILENO, TIOCSTI, "x") < 0 && errno == EPERM ? 0 : 1;
}

static pid_t other; /* a process that is not in the sandbox */

static int
try_signal(void)
{
	return syscall(SYS_tgkill, other, other, 0) < 0 && errno == EPERM ? 0
									  : 1;
}

/* The kernel would send them. */
static int
try_owner(void)
{
	return fcntl(STDERR_FILENO, F_SETOWN, other) < 0 && errno == EPERM ? 0
									   : 1;
}

/* A broken invariant of ours ends as it does elsewhere. */
static int
try_abort(void)
{
	abort();
}

static int foreign; /* open when the tool was started */

static int
try_foreign(void)
{
	return fcntl(foreign, F_GETFD) < 0 && errno == EBADF ? 0 : 1;
}

/* What a parser does need still works. */
static int
try_memory(void)
{
	char *p = malloc((size_t)8 << 20);

	if (p == NULL)
		return 1;
	memset(p, 1, (size_t)8 << 20);
	free(p);
	return lseek(STDIN_FILENO, 0, SEEK_CUR) < 0 && errno == EPERM;
}

static const struct attempt attempts[] = {
    {"read a file", SANDBOX_NO_FILES, try_read, false},
    {"create a file", SANDBOX_NO_FILES, try_write, false},
    {"read outside the tree", SANDBOX_READ_TREE, try_read, false},
    {"create in a read-only tree", SANDBOX_READ_TREE, try_write, false},
    {"open a file", SANDBOX_READ_TREE, try_look, false},
    {"empty a file of a read-only tree", SANDBOX_READ_TREE, try_empty, false},
    {"empty a file", SANDBOX_WRITE_TREE, try_empty, false},
    {"open a file to change it", SANDBOX_READ_TREE, try_change, false},
    {"have others run a file", SANDBOX_NO_FILES, try_mode, false},
    {"run a program", SANDBOX_NO_FILES, try_exec, true},
    {"open a socket", SANDBOX_NO_FILES, try_socket, true},
    {"start a process", SANDBOX_NO_FILES, try_fork, false},
    {"make a link", SANDBOX_WRITE_TREE, try_link, false},
    {"type into the terminal", SANDBOX_NO_FILES, try_terminal, false},
    {"send a signal", SANDBOX_NO_FILES, try_signal, false},
    {"have a signal sent", SANDBOX_NO_FILES, try_owner, false},
    {"abort", SANDBOX_NO_FILES, try_abort, true},
    {"use a descriptor of the caller", SANDBOX_NO_FILES, try_foreign, false},
    {"allocate memory", SANDBOX_NO_FILES, try_memory, false},
};

static int
enter_and_try(void *arg)
{
	const struct attempt *a = arg;
	struct sandbox_spec spec = {.files = a->files,
	    .dir = a->files != SANDBOX_NO_FILES ? "build" : NULL};
	struct sandbox_state st;
	struct err e;

	other = getppid();
	foreign = open("/dev/null", O_RDONLY);
	tool_start("test");
	close(open("build/tests-sandbox", O_WRONLY | O_CREAT, 0600));
	mine = open("build/tests-sandbox", O_RDONLY);
	if (sandbox_enter(&spec, &st, &e) != 0)
		return 90;
	/* a kernel without the layers cannot stop anything */
	if (st.landlock == 0 || !st.seccomp)
		return 77;
	return a->work();
}

static void
test_attempt(void **state)
{
	const struct attempt *a = *state;
	struct err e = {0};
	int status = 0, rc;

#ifdef __SANITIZE_ADDRESS__
	/* the leak checker needs clone, aborts are caught, and what the runtime
	 * opens itself seccomp lets through: EPERM does not come from there */
	if (a->work == try_fork || a->work == try_abort ||
	    a->work == try_empty || a->work == try_change)
		skip();
#endif
	rc = child_run(enter_and_try, (void *)(uintptr_t)a, &status, &e);
	if (rc == 0 && status == 77)
		skip();
	if (a->killed)
		assert_int_equal(rc, ERR_SYSTEM);
	else
		assert_ok(rc, &e);
	assert_int_equal(status, 0);
}

/* --- a program that is not ours ------------------------------------------ */

struct family {
	const char *name;
	long family; /* as the register has it */
	bool allowed;
};

static const struct family families[] = {
    {"no network/IPv4", AF_INET, false},
    {"no network/IPv6", AF_INET6, false},
    {"no network/packets", AF_PACKET, false},
    {"no network/bits that the kernel drops", AF_INET | 1L << 32, false},
    {"no network/SMC, which falls back to TCP", 43, false},
    {"no network/RDS, over TCP", 21, false},
    {"no network/this machine", AF_UNIX, true},
    {"no network/netlink", AF_NETLINK, true},
};

static int
open_family(void *arg)
{
	const struct family *f = arg;
	struct err e;

	if (sandbox_no_network(&e) != 0)
		return 77;
	if (syscall(SYS_socket, f->family, (long)SOCK_DGRAM, 0L) >= 0)
		return f->allowed ? 0 : 1;
	/* what the kernel does not have is no refusal of ours */
	return (errno == EACCES) == f->allowed ? 2 : 0;
}

static void
test_family(void **state)
{
	struct err e = {0};
	int status = 0;

	assert_ok(child_run(open_family, *state, &status, &e), &e);
	if (status == 77)
		skip();
	assert_int_equal(status, 0);
}

/* --- a kernel that lacks a layer ------------------------------------------ */

/* As a container has it whose own filter does not know Landlock. */
static int
forget_landlock(uint16_t answer)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int rc = ctx == NULL ? -ENOMEM
			     : seccomp_rule_add(ctx, SCMP_ACT_ERRNO(answer),
				   (int)SYS_landlock_create_ruleset, 0);

	if (rc == 0)
		rc = seccomp_load(ctx);
	seccomp_release(ctx);
	return rc;
}

struct lack {
	const char *name;
	bool required;
	uint16_t answer;
};

static const struct lack lacks[] = {
    {"no Landlock", false, ENOSYS},
    {"no Landlock/forbidden", false, EPERM},
    {"no Landlock/required", true, ENOSYS},
};

/* 0: it is said on standard error, in the state and, required, an error. */
static int
lack_landlock(void *arg)
{
	const struct lack *l = arg;
	const struct sandbox_spec spec = {.required = l->required};
	struct sandbox_state st;
	char said[200] = "";
	struct err e;
	int rc;

	if (forget_landlock(l->answer) != 0)
		return 77;
	dup2(open("build/tests-sandbox", O_RDWR | O_CREAT | O_TRUNC, 0600),
	    STDERR_FILENO);
	tool_start("test");
	rc = sandbox_enter(&spec, &st, &e);
	if (pread(STDERR_FILENO, said, sizeof(said) - 1, 0) < 0 ||
	    st.landlock != 0)
		return 2;
	if (l->required)
		return rc == ERR_SYSTEM && strstr(e.msg, "no Landlock") != NULL
			   ? 0
			   : 3;
	return rc == 0 && strstr(said, "no Landlock") != NULL ? 0 : 4;
}

static void
test_lack(void **state)
{
	struct err e = {0};
	int status = 0;

	assert_ok(child_run(lack_landlock, *state, &status, &e), &e);
	if (status == 77)
		skip();
	assert_int_equal(status, 0);
}

int
main(void)
{
	struct CMUnitTest
	    tests[ARRAY_LEN(attempts) + ARRAY_LEN(families) + ARRAY_LEN(lacks)];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(attempts); i++)
		tests[n++] = (struct CMUnitTest)ROW(test_attempt, attempts[i]);
	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		tests[n++] = (struct CMUnitTest)ROW(test_family, families[i]);
	for (size_t i = 0; i < ARRAY_LEN(lacks); i++)
		tests[n++] = (struct CMUnitTest)ROW(test_lack, lacks[i]);
	return cmocka_run_group_tests_name("sandbox", tests, NULL, NULL);
}
