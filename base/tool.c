/* SPDX-License-Identifier: MIT */
#define _DEFAULT_SOURCE /* dirfd */
#include "base/tool.h"

#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <unistd.h>

const char *tool_name = "assay";
const char tool_version[] = "0.1.0";
bool tool_quiet;
bool tool_silent;

/* --- what the caller left open ------------------------------------------- */

#define FOREIGN_MAX 1024

static int foreign[FOREIGN_MAX];
static size_t nforeign;

static void
note_foreign(void)
{
	DIR *d = opendir("/proc/self/fd");
	const struct dirent *entry;
	uint64_t fd;

	while (d != NULL && (entry = readdir(d)) != NULL)
		if (text_parse_u64(entry->d_name, INT_MAX, &fd) &&
		    fd > STDERR_FILENO && (int)fd != dirfd(d) &&
		    nforeign < FOREIGN_MAX)
			foreign[nforeign++] = (int)fd;
	if (d != NULL)
		closedir(d);
}

void
tool_close_foreign(void)
{
	while (nforeign > 0)
		close(foreign[--nforeign]);
}

/* --- beginning ------------------------------------------------------------ */

/* Of a pipeline that was killed no step goes on for hours. */
static void
follow_parent(void)
{
	const char *parent = getenv(TOOL_PARENT);
	uint64_t pid;

	if (parent == NULL || !text_parse_u64(parent, INT_MAX, &pid) ||
	    getppid() != (pid_t)pid)
		return;
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && getppid() != (pid_t)pid)
		raise(SIGTERM); /* it ended meanwhile */
}

void
tool_start(const char *name)
{
	/* the other way round than it is used, as gnulib's stdopen does it */
	static const int mode[] = {O_WRONLY, O_RDONLY, O_RDONLY};

	tool_name = name;
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		/* the lowest free number, so `fd`: those before are taken */
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", mode[fd]) != fd)
			BUG("cannot open /dev/null");
	note_foreign();
	follow_parent();
}

int
tool_fail(const struct err *e)
{
	char line[sizeof(e->path) + sizeof(e->msg) + 256];

	err_text(e, line, sizeof(line));
	fprintf(stderr, "%s: %s\n", tool_name, line);
	if (e->code == ERR_USAGE)
		return TOOL_USAGE;
	return e->code == ERR_UNSUPPORTED ? TOOL_NOTHING : TOOL_INCOMPLETE;
}

static void say(const char *fmt, va_list ap) PRINTF_LIKE(1, 0);

static void
say(const char *fmt, va_list ap)
{
	char raw[1024], line[2048];

	if (tool_silent)
		return;
	vsnprintf(raw, sizeof(raw), fmt, ap);
	text_escape(raw, strlen(raw), line, sizeof(line));
	fprintf(stderr, "%s: %s\n", tool_name, line);
}

void
tool_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
}

void
tool_note(const char *fmt, ...)
{
	va_list ap;

	if (tool_quiet)
		return;
	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
}

int
tool_end(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	fprintf(stderr, "%s: standard output: cannot write: %s\n", tool_name,
	    strerror(errno));
	return status == TOOL_FLAGGED ? status : TOOL_INCOMPLETE;
}

bool
tool_terminal(int fd)
{
	const char *term = getenv("TERM");

	return isatty(fd) && (term == NULL || strcmp(term, "dumb") != 0);
}

bool
tool_colour(int fd)
{
	const char *no = getenv("NO_COLOR");

	return (no == NULL || *no == '\0') && tool_terminal(fd);
}
