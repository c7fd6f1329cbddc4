/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* memfd_create, O_NOFOLLOW family, nftw */
#include "base/file.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int
file_open(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0) {
		err_sys(e, "cannot open");
		return err_in(e, path);
	}
	return fd;
}

int
file_size_fd(
    int fd, const char *path, uint64_t limit, uint64_t *size, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) != 0) {
		err_sys(e, "cannot stat");
		return err_in(e, path);
	}
	if (!S_ISREG(st.st_mode)) {
		err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE, "not a regular file");
		return err_in(e, path);
	}
	*size = (uint64_t)st.st_size;
	if (*size <= limit)
		return 0;
	err_set(e, ERR_LIMIT, ERR_NOWHERE,
	    "%" PRIu64 " bytes, the limit is %" PRIu64, *size, limit);
	return err_in(e, path);
}

int
file_map_fd(
    int fd, const char *path, uint64_t limit, struct file_map *m, struct err *e)
{
	uint64_t size;
	void *p;
	int rc;

	*m = (struct file_map){0};
	if ((rc = file_size_fd(fd, path, limit, &size, e)) != 0 || size == 0)
		return rc;
	p = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED) {
		err_sys(e, "cannot map");
		return err_in(e, path);
	}
	*m = (struct file_map){p, (size_t)size};
	return 0;
}

int
file_map(const char *path, uint64_t limit, struct file_map *m, struct err *e)
{
	int fd, rc;

	*m = (struct file_map){0};
	if ((fd = file_open(path, e)) < 0)
		return fd;
	rc = file_map_fd(fd, path, limit, m, e);
	close(fd);
	return rc;
}

void
file_unmap(struct file_map *m)
{
	if (m->ptr != NULL)
		munmap((void *)(uintptr_t)m->ptr, m->len);
	*m = (struct file_map){0};
}

static int
out_fail(struct file_out *o, const char *what, struct err *e)
{
	err_sys(e, "%s", what);
	err_in(e, o->path);
	file_out_abort(o);
	return ERR_SYSTEM;
}

/* --- outputs --------------------------------------------------------------- */

/* Temporary files of this process, for when it is told to end. */
#define PENDING_MAX 8

static struct pending {
	volatile sig_atomic_t is_used;
	pid_t owner;
	char path[sizeof(((struct file_out *)NULL)->temp)];
} pending[PENDING_MAX];

static const char *volatile farewell;
static pid_t farewell_of;

/* Nothing stays behind; then it ends as it would have. */
static void
clean_up(int sig)
{
	for (size_t i = 0; i < PENDING_MAX; i++)
		if (pending[i].is_used && pending[i].owner == getpid())
			unlink(pending[i].path);
	if (farewell != NULL && farewell_of == getpid())
		(void)!write(STDERR_FILENO, farewell, strlen(farewell));
	signal(sig, SIG_DFL);
	raise(sig);
}

static void
watch(void)
{
	static const int signals[] = {SIGHUP, SIGINT, SIGTERM};
	struct sigaction old, mine = {.sa_handler = clean_up};

	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		/* what is ignored (nohup) or somebody else's stays so */
		if (sigaction(signals[i], NULL, &old) == 0 &&
		    old.sa_handler == SIG_DFL)
			sigaction(signals[i], &mine, NULL);
}

void
file_out_farewell(const char *text)
{
	farewell = text;
	farewell_of = getpid();
	watch();
}

static void
pending_add(const char *path)
{
	for (size_t i = 0; i < PENDING_MAX; i++) {
		if (pending[i].is_used)
			continue;
		snprintf(pending[i].path, sizeof(pending[i].path), "%s", path);
		pending[i].owner = getpid();
		pending[i].is_used = true;
		watch();
		return;
	}
}

static void
pending_remove(const char *path)
{
	for (size_t i = 0; i < PENDING_MAX; i++)
		if (pending[i].is_used && strcmp(pending[i].path, path) == 0)
			pending[i].is_used = false;
}

/* The descriptor that a path stands for, or -1. */
static int
descriptor_of(const char *path)
{
	static const char *const folder[] = {"/dev/fd/", "/proc/self/fd/"};
	uint64_t n;

	if (strcmp(path, "/dev/stdout") == 0)
		return STDOUT_FILENO;
	if (strcmp(path, "/dev/stderr") == 0)
		return STDERR_FILENO;
	for (size_t i = 0; i < ARRAY_LEN(folder); i++)
		if (strncmp(path, folder[i], strlen(folder[i])) == 0 &&
		    text_parse_u64(path + strlen(folder[i]), INT_MAX, &n))
			return (int)n;
	return -1;
}

bool
file_is_stdout(const char *path)
{
	return path == NULL || strcmp(path, "-") == 0 ||
	       descriptor_of(path) == STDOUT_FILENO;
}

/* What there is to be written to as it is: descriptors, devices, pipes.  Not
 * through a link: it may lie in a folder of somebody else's, and lead to a disk. */
static int
open_special(struct file_out *o, const struct stat *st, struct err *e)
{
	int fd = descriptor_of(o->path);

	if (fd >= 0) {
		o->fd = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	} else if (S_ISLNK(st->st_mode)) {
		err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "a link to something that is no file: not written to");
		return err_in(e, o->path);
	} else {
		o->fd = open(o->path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	}
	return o->fd >= 0 ? 0 : out_fail(o, "cannot write", e);
}

int
file_out_open(struct file_out *o, const char *path, struct err *e)
{
	struct stat st = {0}, to;
	int n;

	*o = (struct file_out){.fd = -1};
	if (file_is_stdout(path)) {
		snprintf(o->path, sizeof(o->path), "standard output");
		o->fd = STDOUT_FILENO;
		return 0;
	}
	n = snprintf(o->path, sizeof(o->path), "%s", path);
	if ((size_t)n >= sizeof(o->path)) {
		err_set(e, ERR_LIMIT, ERR_NOWHERE, "path too long");
		return err_in(e, path);
	}
	if (descriptor_of(path) >= 0 ||
	    (lstat(path, &st) == 0 && stat(path, &to) == 0 &&
		!S_ISREG(to.st_mode)))
		return open_special(o, &st, e);
	snprintf(o->temp, sizeof(o->temp), "%s.XXXXXX.tmp", path);
	if ((o->fd = mkostemps(o->temp, 4, O_CLOEXEC)) < 0)
		return out_fail(o, "cannot create", e);
	o->rename = true;
	pending_add(o->temp);
	return 0;
}

int
file_out_check(const char *path, struct err *e)
{
	char dir[PATH_MAX];
	int rc;

	if (file_is_stdout(path))
		return 0;
	if ((rc = file_folder(dir, sizeof(dir), path, e)) != 0)
		return err_in(e, path);
	if (access(dir, W_OK | X_OK) == 0)
		return 0;
	err_sys(e, "cannot create");
	return err_in(e, path);
}

int
file_out_write(struct file_out *o, const void *p, size_t len, struct err *e)
{
	const uint8_t *at = p;

	while (len > 0) {
		ssize_t n = write(o->fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return out_fail(o, "cannot write", e);
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

int
file_out_commit(struct file_out *o, struct err *e)
{
	mode_t mask = umask(0);
	int fd = o->fd;

	umask(mask);
	if (fd == STDOUT_FILENO) {
		o->fd = -1;
		return 0;
	}
	if (o->rename && (fchmod(fd, 0666 & ~mask) != 0 || fsync(fd) != 0))
		return out_fail(o, "cannot write", e);
	o->fd = -1;
	if (close(fd) != 0)
		return out_fail(o, "cannot write", e);
	if (o->rename && rename(o->temp, o->path) != 0)
		return out_fail(o, "cannot rename into place", e);
	if (o->rename)
		pending_remove(o->temp);
	o->rename = false;
	return 0;
}

void
file_out_abort(struct file_out *o)
{
	if (o->fd > STDERR_FILENO)
		close(o->fd);
	if (o->rename) {
		unlink(o->temp);
		pending_remove(o->temp);
	}
	o->fd = -1;
	o->rename = false;
}

int
file_write(const char *path, const void *p, size_t len, struct err *e)
{
	struct file_out o;
	int rc;

	if ((rc = file_out_open(&o, path, e)) != 0 ||
	    (rc = file_out_write(&o, p, len, e)) != 0)
		return rc;
	return file_out_commit(&o, e);
}

int
file_mkdir(const char *path, struct err *e)
{
	if (mkdir(path, 0777) == 0 || (errno == EEXIST && file_is_dir(path)))
		return 0;
	err_sys(e, "cannot create directory");
	return err_in(e, path);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st;
	(void)type;
	(void)f;
	return remove(path);
}

int
file_remove_tree(const char *path, struct err *e)
{
	if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0 ||
	    errno == ENOENT)
		return 0;
	err_sys(e, "cannot remove");
	return err_in(e, path);
}

int
file_temp(struct err *e)
{
	int fd = memfd_create("assay", MFD_CLOEXEC);

	return fd >= 0 ? fd : err_sys(e, "cannot create a temporary file");
}

int
file_temp_dir(char *out, size_t size, struct err *e)
{
	const char *top = getenv("TMPDIR");
	int rc;

	if (top == NULL || top[0] == '\0')
		top = "/tmp";
	if ((rc = file_join(out, size, top, "assay-XXXXXX", e)) != 0)
		return rc;
	if (mkdtemp(out) == NULL)
		return err_sys(e, "cannot make a folder beneath '%s'", top);
	return 0;
}

bool
file_exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

bool
file_is_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool
file_within(const char *path, const char *dir)
{
	char a[PATH_MAX], b[PATH_MAX];
	size_t n;

	if (realpath(path, a) == NULL || realpath(dir, b) == NULL)
		return false;
	n = strlen(b);
	return strncmp(a, b, n) == 0 &&
	       (a[n] == '\0' || a[n] == '/' || b[n - 1] == '/');
}

bool
file_out_within(const char *path, const char *dir)
{
	size_t n = strlen(path);
	char above[PATH_MAX];

	if (file_is_stdout(path) || n >= sizeof(above))
		return false;
	if (file_is_dir(path))
		return file_within(path, dir);
	/* what would be made, in the folder that it would be made in */
	while (n > 1 && path[n - 1] == '/')
		n--;
	while (n > 0 && path[n - 1] != '/')
		n--;
	memcpy(above, n != 0 ? path : ".", MAX(n, 1));
	above[MAX(n, 1)] = '\0';
	return file_within(above, dir);
}

int
file_join(
    char *out, size_t size, const char *dir, const char *name, struct err *e)
{
	int n = snprintf(out, size, "%s/%s", dir, name);

	if (n < 0 || (size_t)n >= size)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "path too long");
	return 0;
}

int
file_folder(char *out, size_t size, const char *path, struct err *e)
{
	size_t n =
	    file_is_dir(path) ? strlen(path) : (size_t)(file_base(path) - path);

	if (n == 0) {
		path = ".";
		n = 1;
	}
	if (n >= size)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "path too long");
	memcpy(out, path, n);
	out[n] = '\0';
	return 0;
}

const char *
file_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}
