/* SPDX-License-Identifier: MIT
 * Landlock by its system calls (landlock(7); no libc wrappers in Debian 12),
 * seccomp by libseccomp.
 */
#define _GNU_SOURCE /* syscall, O_PATH */
#include "base/sandbox.h"

#include "base/json.h"
#include "base/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a parser needs: memory, open descriptors, an orderly end. */
static const int calls_always[] = {
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(pread64),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(pwrite64),
    SCMP_SYS(lseek),
    SCMP_SYS(close),
    SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(statx),
    SCMP_SYS(mmap),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(mprotect),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    SCMP_SYS(futex),
    SCMP_SYS(getrandom),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(umask),
    SCMP_SYS(fsync),
};
static const int calls_read[] = {
    SCMP_SYS(getdents64),
    SCMP_SYS(stat),
    SCMP_SYS(lstat),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(getcwd),
    SCMP_SYS(dup),
    SCMP_SYS(fchdir),
};
/* rename and unlink because outputs are renamed into place when complete */
static const int calls_write[] = {
    SCMP_SYS(mkdir),
    SCMP_SYS(mkdirat),
    SCMP_SYS(unlink),
    SCMP_SYS(unlinkat),
    SCMP_SYS(rename),
    SCMP_SYS(renameat),
    SCMP_SYS(renameat2),
    SCMP_SYS(rmdir),
    SCMP_SYS(fallocate),
    SCMP_SYS(utimensat),
    SCMP_SYS(fdatasync),
    SCMP_SYS(ftruncate),
    SCMP_SYS(fchmod),
};
/* To fork workers, hear from them and end them; a worker loses these. */
static const int calls_crew[] = {
    SCMP_SYS(clone),
    SCMP_SYS(clone3),
    SCMP_SYS(fork),
    SCMP_SYS(vfork),
    SCMP_SYS(wait4),
    SCMP_SYS(waitid),
    SCMP_SYS(kill),
    SCMP_SYS(pipe2),
};
/* To wait. */
static const int calls_caller[] = {
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(getrlimit),
    SCMP_SYS(set_robust_list),
};
/* To enter the worker's sandbox, which only takes away: these, too, since
 * limits can be set for other processes. */
static const int calls_enter[] = {
    SCMP_SYS(seccomp),
    SCMP_SYS(prctl),
    SCMP_SYS(setrlimit),
    SCMP_SYS(prlimit64),
};
#ifdef __SANITIZE_ADDRESS__
/* The sanitizer runtime looks around at exit and when it reports. */
static const int calls_sanitizer[] = {
    SCMP_SYS(openat),
    SCMP_SYS(open),
    SCMP_SYS(readlink),
    SCMP_SYS(stat),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(prctl),
    SCMP_SYS(clone),
    SCMP_SYS(ptrace),
    SCMP_SYS(wait4),
    SCMP_SYS(kill),
    SCMP_SYS(sched_yield),
    SCMP_SYS(getppid),
    SCMP_SYS(pipe2),
    SCMP_SYS(getrlimit),
    SCMP_SYS(prlimit64),
    SCMP_SYS(dup),
    SCMP_SYS(dup2),
    SCMP_SYS(getcwd),
    SCMP_SYS(readlinkat),
    SCMP_SYS(access),
    SCMP_SYS(getdents64),
    SCMP_SYS(getdents),
    SCMP_SYS(uname),
};
#endif
/* Tried by a payload, never by us: the process dies at once, visibly. */
static const int calls_fatal[] = {
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(socket),
    SCMP_SYS(connect),
    SCMP_SYS(bind),
    SCMP_SYS(mount),
    SCMP_SYS(bpf),
    SCMP_SYS(init_module),
    SCMP_SYS(kexec_load),
};

static int
add_rules(scmp_filter_ctx ctx, uint32_t action, const int *call, size_t n)
{
	int rc = 0;

	/* a call in two lists is added twice, which is no error */
	for (size_t i = 0; i < n && (rc == 0 || rc == -EEXIST); i++)
		rc = seccomp_rule_add(ctx, action, call[i], 0);
	return rc == -EEXIST ? 0 : rc;
}

#define ADD(ctx, action, list)                                                 \
	add_rules((ctx), (action), (list), ARRAY_LEN(list))

/*
 * Calls of which a parser needs a part.  All of ioctl could put words into the
 * terminal that is standard error, as if typed there (TIOCSTI); all of fcntl
 * could have the kernel send signals to others (F_SETOWN, F_SETSIG), and tgkill
 * could itself.  The whole register is compared.
 */
static int
add_parts(scmp_filter_ctx ctx, bool crew)
{
	static const int fcntls[] = {
	    F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL};
	int rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
	    SCMP_A1(SCMP_CMP_EQ, TCGETS)); /* isatty() */

	for (size_t i = 0; i < ARRAY_LEN(fcntls) && rc == 0; i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
		    SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)fcntls[i]));
	/* workers, which have other numbers, are confined when they start */
	if (rc == 0 && crew)
		return seccomp_rule_add(
		    ctx, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 0);
	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
		    SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
	return rc;
}

/*
 * Landlock has no say in O_TRUNC before its third version, and where it is
 * missing in nothing: what is only to be read is only opened to be read, and
 * nothing of ours is opened to be emptied.
 */
static int
add_opens(scmp_filter_ctx ctx, enum sandbox_files files)
{
	scmp_datum_t not = O_TRUNC;
	int rc;

	if (files != SANDBOX_WRITE_TREE)
		not |= O_ACCMODE | O_CREAT;
	rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
	    SCMP_A2(SCMP_CMP_MASKED_EQ, not, 0));
	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(open), 1,
		    SCMP_A1(SCMP_CMP_MASKED_EQ, not, 0));
	return rc;
}

/* Put a filter in force unless adding to it failed; it is released. */
static int
load_seccomp(scmp_filter_ctx ctx, int rc, struct err *e)
{
	if (rc == 0)
		rc = seccomp_load(ctx);
	seccomp_release(ctx);
	if (rc != 0)
		return err_set(e, ERR_SYSTEM, ERR_NOWHERE,
		    "sandbox: seccomp: %s", strerror(-rc));
	return 0;
}

static int
enter_seccomp(const struct sandbox_spec *s, struct err *e)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int rc;

	if (ctx == NULL)
		return err_set(
		    e, ERR_SYSTEM, ERR_NOWHERE, "sandbox: seccomp_init failed");
	rc = ADD(ctx, SCMP_ACT_ALLOW, calls_always);
	if (rc == 0)
		rc = add_parts(ctx, s->crew);
	if (rc == 0 && s->files != SANDBOX_NO_FILES)
		rc = ADD(ctx, SCMP_ACT_ALLOW, calls_read);
	if (rc == 0 && s->files != SANDBOX_NO_FILES)
		rc = add_opens(ctx, s->files);
	if (rc == 0 && s->files == SANDBOX_WRITE_TREE)
		rc = ADD(ctx, SCMP_ACT_ALLOW, calls_write);
	if (rc == 0 && s->crew)
		rc = ADD(ctx, SCMP_ACT_ALLOW, calls_crew);
	if (rc == 0 && s->crew)
		rc = ADD(ctx, SCMP_ACT_ALLOW, calls_caller);
	if (rc == 0 && s->crew)
		rc = ADD(ctx, SCMP_ACT_ALLOW, calls_enter);
#ifdef __SANITIZE_ADDRESS__
	if (rc == 0)
		rc = ADD(ctx, SCMP_ACT_ALLOW, calls_sanitizer);
#endif
	if (rc == 0)
		rc = ADD(ctx, SCMP_ACT_KILL_PROCESS, calls_fatal);
	return load_seccomp(ctx, rc, e);
}

#define LANDLOCK_READ                                                          \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define LANDLOCK_CREATE                                                        \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |         \
	    LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |     \
	    LANDLOCK_ACCESS_FS_REMOVE_DIR)
/* Every right of ABI 1: what is handled and not granted is denied. */
#define LANDLOCK_ALL ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)
/* Of ABI 3, which the headers of Debian 12 do not have.  Granted to nobody. */
#define LANDLOCK_TRUNCATE ((uint64_t)1 << 14)

/* A file can be granted only what can be done to files. */
static int
landlock_grant(int ruleset, const char *path, uint64_t access, struct err *e)
{
	struct landlock_path_beneath_attr rule = {.allowed_access = access};
	struct stat st;
	long rc;

	rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (rule.parent_fd < 0) {
		err_sys(e, "cannot open");
		return err_in(e, path);
	}
	if (fstat(rule.parent_fd, &st) == 0 && !S_ISDIR(st.st_mode))
		rule.allowed_access &= LANDLOCK_ACCESS_FS_READ_FILE;
	rc = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH,
	    &rule, 0);
	close(rule.parent_fd);
	return rc == 0 ? 0 : err_sys(e, "sandbox: landlock_add_rule");
}

static int
landlock_rules(int ruleset, const struct sandbox_spec *s, struct err *e)
{
	uint64_t access = LANDLOCK_READ;
	int rc = 0;

#ifdef __SANITIZE_ADDRESS__
	/* the leak checker lists the threads of the process */
	rc = landlock_grant(ruleset, "/proc", LANDLOCK_READ, e);
#endif
	if (rc != 0 || s->files == SANDBOX_NO_FILES)
		return rc;
	if (s->files == SANDBOX_WRITE_TREE)
		access |= LANDLOCK_CREATE;
	if (s->dir != NULL)
		rc = landlock_grant(ruleset, s->dir, access, e);
	for (size_t i = 0; i < s->nread && rc == 0; i++)
		rc = landlock_grant(ruleset, s->read[i], LANDLOCK_READ, e);
	return rc;
}

/* 0 and *abi = 0 where the kernel has no Landlock. */
static int
enter_landlock(const struct sandbox_spec *s, int *abi, struct err *e)
{
	struct landlock_ruleset_attr attr = {.handled_access_fs = LANDLOCK_ALL};
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);
	int fd, rc;

	*abi = 0;
	if (version < 1)
		return 0;
	if (version >= 3)
		attr.handled_access_fs |= LANDLOCK_TRUNCATE;
	fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (fd < 0)
		return err_sys(e, "sandbox: landlock_create_ruleset");
	if ((rc = landlock_rules(fd, s, e)) == 0 &&
	    syscall(SYS_landlock_restrict_self, fd, 0) != 0)
		rc = err_sys(e, "sandbox: landlock_restrict_self");
	close(fd);
	if (rc == 0)
		*abi = (int)version;
	return rc;
}

/* Never above what is in force already. */
static int
limit(__rlimit_resource_t what, uint64_t value)
{
	struct rlimit r;

	if (value == 0)
		return 0;
	if (getrlimit(what, &r) != 0)
		return -1;
	r.rlim_cur = MIN(r.rlim_cur, value);
	r.rlim_max = MIN(r.rlim_max, value);
	return setrlimit(what, &r);
}

static int
enter_rlimits(const struct sandbox_spec *s, struct err *e)
{
	struct rlimit none = {0, 0};
	uint64_t memory = s->memory;

#ifdef __SANITIZE_ADDRESS__
	memory = 0; /* shadow memory is terabytes of address space */
#endif
	if (setrlimit(RLIMIT_CORE, &none) != 0 ||
	    limit(RLIMIT_AS, memory) != 0 ||
	    limit(RLIMIT_FSIZE, s->output) != 0 ||
	    limit(RLIMIT_CPU, s->seconds) != 0)
		return err_sys(e, "sandbox: setrlimit");
	return 0;
}

/* A layer that is missing is said, or refused. */
static int
judge(bool required, const struct sandbox_state *st, struct err *e)
{
	const char *missing = st->landlock == 0 && !st->seccomp
				  ? "neither Landlock nor seccomp"
			      : st->landlock == 0 ? "no Landlock"
						  : "no seccomp";

	if (st->landlock != 0 && st->seccomp)
		return 0;
	if (required)
		return err_set(e, ERR_SYSTEM, ERR_NOWHERE,
		    "sandbox: this kernel has %s, and --require-sandbox was "
		    "given",
		    missing);
	tool_warn("this kernel has %s: going on without", missing);
	return 0;
}

int
sandbox_enter(
    const struct sandbox_spec *s, struct sandbox_state *st, struct err *e)
{
	int rc;

	*st = (struct sandbox_state){0};
	tool_close_foreign();
	if ((rc = enter_rlimits(s, e)) != 0)
		return rc;
	st->rlimits = true;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return err_sys(e, "sandbox: no_new_privs");
	if ((rc = enter_landlock(s, &st->landlock, e)) != 0)
		return rc;
	/* without seccomp in the kernel the program still has the rest */
	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0 || errno != EINVAL) {
		if ((rc = enter_seccomp(s, e)) != 0)
			return rc;
		st->seccomp = true;
	}
	return judge(s->required, st, e);
}

/* A second filter: of two the stricter one counts. */
static int
worker_seccomp(struct err *e)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int rc;

	if (ctx == NULL)
		return err_set(
		    e, ERR_SYSTEM, ERR_NOWHERE, "sandbox: seccomp_init failed");
	rc = ADD(ctx, SCMP_ACT_ERRNO(EPERM), calls_crew);
	if (rc == 0)
		rc = ADD(ctx, SCMP_ACT_ERRNO(EPERM), calls_enter);
	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM),
		    SCMP_SYS(tgkill), 1,
		    SCMP_A0(SCMP_CMP_NE, (scmp_datum_t)getpid()));
	return load_seccomp(ctx, rc, e);
}

int
sandbox_worker(uint64_t memory, struct err *e)
{
	bool filtered = prctl(PR_GET_SECCOMP, 0, 0, 0, 0) > 0;

#ifdef __SANITIZE_ADDRESS__
	/* shadow memory is terabytes; the leak checker forks */
	memory = 0;
	filtered = false;
#endif
	if (limit(RLIMIT_AS, memory) != 0)
		return err_sys(e, "sandbox: setrlimit");
	return filtered ? worker_seccomp(e) : 0;
}

json_t *
sandbox_json(const struct sandbox_state *st)
{
	json_t *j = json_object();

	json_put(j, "landlock", json_integer(st->landlock));
	json_put(j, "seccomp", json_boolean(st->seccomp));
	json_put(j, "rlimits", json_boolean(st->rlimits));
	return j;
}

int
sandbox_no_network(struct err *e)
{
	/* those that reach nobody: this machine, and netlink that tells of
	 * interfaces; SMC, RDS and others end in TCP.  The whole register is
	 * compared, of which the kernel takes the lower half. */
	static const scmp_datum_t last = AF_NETLINK, allowed = AF_UNIX;
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int rc;

	if (ctx == NULL)
		return err_set(
		    e, ERR_SYSTEM, ERR_NOWHERE, "sandbox: seccomp_init failed");
	rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(socket), 1,
	    SCMP_A0(SCMP_CMP_GT, last));
	for (scmp_datum_t family = 0; family < last && rc == 0; family++)
		if (family != allowed)
			rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EACCES),
			    SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, family));
	/* its rings open sockets without that call */
	if (rc == 0)
		rc = seccomp_rule_add(
		    ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(io_uring_setup), 0);
	return load_seccomp(ctx, rc, e);
}
